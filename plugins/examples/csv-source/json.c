#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
    unsigned depth;
    bool no_memory;
} reader;

static json *read_value(reader *from);

static void skip_space(reader *from)
{
    while (from->at < from->end && (*from->at == ' ' || *from->at == '\t' || *from->at == '\n' || *from->at == '\r')) from->at++;
}

static bool take(reader *from, char byte)
{
    if (from->at == from->end || *from->at != (uint8_t)byte) return false;
    from->at++;
    return true;
}

static bool take_word(reader *from, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(from->end - from->at) < len || memcmp(from->at, word, len) != 0) return false;
    from->at += len;
    return true;
}

static bool take_digits(reader *from)
{
    const uint8_t *start = from->at;

    while (from->at < from->end && *from->at >= '0' && *from->at <= '9') from->at++;
    return from->at > start;
}

static bool take_number(reader *from)
{
    take(from, '-');
    if (!take(from, '0') && !take_digits(from)) return false;
    if (take(from, '.') && !take_digits(from)) return false;
    if (take(from, 'e') || take(from, 'E')) {
        if (!take(from, '+')) take(from, '-');
        return take_digits(from);
    }
    return true;
}

/* Four hexadecimal digits. */
static bool take_unit(reader *from, uint32_t *unit)
{
    int i;

    *unit = 0;
    for (i = 0; i < 4; i++) {
        uint8_t digit;
        if (from->at == from->end) return false;
        digit = *from->at++;
        *unit <<= 4;
        if (digit >= '0' && digit <= '9') *unit |= (uint32_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f') *unit |= (uint32_t)(digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F') *unit |= (uint32_t)(digit - 'A' + 10);
        else return false;
    }
    return true;
}

static void add_character(bytes *to, uint32_t character)
{
    if (character < 0x80) {
        bytes_byte(to, (uint8_t)character);
        return;
    }
    if (character < 0x800) {
        bytes_byte(to, (uint8_t)(0xc0 | character >> 6));
    } else {
        if (character < 0x10000) {
            bytes_byte(to, (uint8_t)(0xe0 | character >> 12));
        } else {
            bytes_byte(to, (uint8_t)(0xf0 | character >> 18));
            bytes_byte(to, (uint8_t)(0x80 | (character >> 12 & 0x3f)));
        }
        bytes_byte(to, (uint8_t)(0x80 | (character >> 6 & 0x3f)));
    }
    bytes_byte(to, (uint8_t)(0x80 | (character & 0x3f)));
}

/* What follows \u: one unit, or two that are one character. */
static bool take_character(reader *from, bytes *to)
{
    uint32_t unit, low;

    if (!take_unit(from, &unit)) return false;
    if (unit >= 0xdc00 && unit <= 0xdfff) return false;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        if (!take_word(from, "\\u") || !take_unit(from, &low) || low < 0xdc00 || low > 0xdfff) return false;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    add_character(to, unit);
    return true;
}

static bool take_escape(reader *from, bytes *to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if (from->at == from->end) return false;
    if (take(from, 'u')) return take_character(from, to);
    letter = *from->at == '\0' ? NULL : strchr(letters, (char)*from->at);
    if (letter == NULL) return false;
    from->at++;
    bytes_byte(to, (uint8_t)meanings[letter - letters]);
    return true;
}

static bool take_text_into(reader *from, bytes *to)
{
    if (!take(from, '"')) return false;
    while (!take(from, '"')) {
        size_t size = utf8_front(from->at, (size_t)(from->end - from->at));
        if (size == 0 || *from->at < 0x20) return false;
        if (take(from, '\\')) {
            if (!take_escape(from, to)) return false;
        } else {
            bytes_add(to, from->at, size);
            from->at += size;
        }
    }
    return true;
}

/* A text with a NUL behind it, to be freed. */
static char *take_text(reader *from, size_t *len)
{
    bytes text = {0};

    if (!take_text_into(from, &text)) {
        bytes_free(&text);
        return NULL;
    }
    *len = text.len;
    bytes_byte(&text, 0);
    if (text.failed) {
        from->no_memory = true;
        bytes_free(&text);
        return NULL;
    }
    return (char *)text.data;
}

/* The name before a field, with its colon. */
static char *take_name(reader *from, size_t *len)
{
    char *name = take_text(from, len);

    if (name == NULL) return NULL;
    skip_space(from);
    if (!take(from, ':')) {
        free(name);
        return NULL;
    }
    return name;
}

/* What is in a list or an object, behind its bracket. */
static bool take_content(reader *from, json *into, char close)
{
    json **last = &into->first;

    skip_space(from);
    if (take(from, close)) return true;
    do {
        char *name = NULL;
        size_t name_len = 0;
        skip_space(from);
        if (into->kind == JSON_OBJECT && (name = take_name(from, &name_len)) == NULL) return false;
        *last = read_value(from);
        if (*last == NULL) {
            free(name);
            return false;
        }
        (*last)->name = name;
        (*last)->name_len = name_len;
        last = &(*last)->next;
        skip_space(from);
    } while (take(from, ','));
    return take(from, close);
}

static bool take_value(reader *from, json *into)
{
    if (from->at == from->end) return false;
    switch (*from->at) {
    case '"':
        into->kind = JSON_TEXT;
        into->text = take_text(from, &into->text_len);
        return into->text != NULL;
    case '[':
        into->kind = JSON_LIST;
        from->at++;
        return take_content(from, into, ']');
    case '{':
        into->kind = JSON_OBJECT;
        from->at++;
        return take_content(from, into, '}');
    case 'n':
        into->kind = JSON_NULL;
        return take_word(from, "null");
    case 't':
        into->kind = JSON_BOOL;
        return take_word(from, "true");
    case 'f':
        into->kind = JSON_BOOL;
        return take_word(from, "false");
    default:
        into->kind = JSON_NUMBER;
        return take_number(from);
    }
}

static json *read_value(reader *from)
{
    json *value;
    bool is_good;

    if (from->depth == JSON_DEPTH) return NULL;
    value = calloc(1, sizeof(*value));
    if (value == NULL) {
        from->no_memory = true;
        return NULL;
    }
    skip_space(from);
    from->depth++;
    is_good = take_value(from, value);
    from->depth--;
    if (is_good) return value;
    json_free(value);
    return NULL;
}

json *json_read(const uint8_t *text, uint64_t len, bool *no_memory)
{
    reader from = {0};
    json *tree = NULL;

    if (text != NULL && len > 0 && len <= PTRDIFF_MAX) {
        from.at = text;
        from.end = text + len;
        tree = read_value(&from);
        skip_space(&from);
    }
    *no_memory = from.no_memory;
    if (tree != NULL && from.at == from.end) return tree;
    json_free(tree);
    return NULL;
}

void json_free(json *tree)
{
    while (tree != NULL) {
        json *next = tree->next;
        json_free(tree->first);
        free(tree->name);
        free(tree->text);
        free(tree);
        tree = next;
    }
}

const json *json_get(const json *object, const char *name, json_kind kind)
{
    const json *field;

    if (object == NULL || object->kind != JSON_OBJECT) return NULL;
    for (field = object->first; field != NULL; field = field->next) {
        if (field->name_len == strlen(name) && memcmp(field->name, name, field->name_len) == 0) {
            return field->kind == kind ? field : NULL;
        }
    }
    return NULL;
}

void json_write_text(bytes *to, const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    char escape[8];

    bytes_byte(to, '"');
    while (len > 0) {
        size_t size = utf8_front(at, len);
        if (size == 0) {
            bytes_string(to, "\xef\xbf\xbd");
            size = 1;
        } else if (*at == '"' || *at == '\\') {
            bytes_byte(to, '\\');
            bytes_byte(to, *at);
        } else if (*at < 0x20) {
            snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*at);
            bytes_string(to, escape);
        } else {
            bytes_add(to, at, size);
        }
        at += size;
        len -= size;
    }
    bytes_byte(to, '"');
}

void json_write_number(bytes *to, const char *name, uint64_t number)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%" PRIu64, number);
    bytes_byte(to, '{');
    json_write_text(to, name, strlen(name));
    bytes_byte(to, ':');
    bytes_string(to, digits);
    bytes_byte(to, '}');
}
