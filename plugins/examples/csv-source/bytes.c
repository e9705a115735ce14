#include "bytes.h"

#include <stdlib.h>
#include <string.h>

static bool grow(bytes *to, size_t len)
{
    size_t room = to->room < 64 ? 64 : to->room;
    uint8_t *data;

    if (to->failed) return false;
    if (len <= to->room - to->len) return true;
    while (len > room - to->len && room <= SIZE_MAX / 2) room *= 2;
    data = len > room - to->len ? NULL : realloc(to->data, room);
    if (data == NULL) {
        to->failed = true;
        return false;
    }
    to->data = data;
    to->room = room;
    return true;
}

void bytes_add(bytes *to, const void *data, size_t len)
{
    if (len == 0 || !grow(to, len)) return;
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

void bytes_byte(bytes *to, uint8_t byte)
{
    bytes_add(to, &byte, 1);
}

void bytes_string(bytes *to, const char *text)
{
    bytes_add(to, text, strlen(text));
}

void bytes_number(bytes *to, uint64_t value, size_t width)
{
    for (; width > 0; width--, value >>= 8) bytes_byte(to, (uint8_t)(value & 0xff));
}

void bytes_replace32(bytes *to, size_t at, uint64_t value)
{
    size_t i;

    if (to->failed) return;
    for (i = 0; i < 4; i++, value >>= 8) to->data[at + i] = (uint8_t)(value & 0xff);
}

void bytes_pad(bytes *to, size_t multiple)
{
    while (!to->failed && to->len % multiple != 0) bytes_byte(to, 0);
}

void bytes_clear(bytes *of)
{
    of->len = 0;
    of->failed = false;
}

void bytes_free(bytes *of)
{
    free(of->data);
    memset(of, 0, sizeof(*of));
}

char *copy_text(const void *text, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : malloc(len + 1);

    if (copy == NULL) return NULL;
    if (len > 0) memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

size_t utf8_front(const uint8_t *text, size_t len)
{
    uint8_t lowest = 0x80, highest = 0xbf;
    size_t size, i;

    if (len == 0) return 0;
    if (text[0] < 0x80) return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4) return 0;
    size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (size > len) return 0;
    /* Neither longer than need be, nor a surrogate, nor beyond U+10FFFF. */
    if (text[0] == 0xe0) lowest = 0xa0;
    if (text[0] == 0xed) highest = 0x9f;
    if (text[0] == 0xf0) lowest = 0x90;
    if (text[0] == 0xf4) highest = 0x8f;
    if (text[1] < lowest || text[1] > highest) return 0;
    for (i = 2; i < size; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf) return 0;
    }
    return size;
}

bool utf8_is_valid(const uint8_t *text, size_t len)
{
    size_t size;

    while (len > 0) {
        size = utf8_front(text, len);
        if (size == 0) return false;
        text += size;
        len -= size;
    }
    return true;
}
