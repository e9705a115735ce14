/* Bytes that grow. Memory that is refused is noted once in `failed`; everything added afterwards is passed over, and the one who uses the
 * bytes in the end looks at it. */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bytes {
    uint8_t *data;
    size_t len;
    size_t room;
    bool failed;
} bytes;

void bytes_add(bytes *to, const void *data, size_t len);
void bytes_byte(bytes *to, uint8_t byte);
/* A C string without its NUL. */
void bytes_string(bytes *to, const char *text);
/* The lowest `width` bytes of the value, little-endian. */
void bytes_number(bytes *to, uint64_t value, size_t width);
/* The same over four bytes that are there. */
void bytes_replace32(bytes *to, size_t at, uint64_t value);
/* Zeroes up to the next multiple. */
void bytes_pad(bytes *to, size_t multiple);
/* Empty again; the memory is kept. */
void bytes_clear(bytes *of);
void bytes_free(bytes *of);

/* A copy with a NUL behind it, to be freed; NULL: no memory. */
char *copy_text(const void *text, size_t len);

/* How many bytes the character at the front has, by Unicode's table of well-formed sequences; 0: it is none. */
size_t utf8_front(const uint8_t *text, size_t len);
bool utf8_is_valid(const uint8_t *text, size_t len);

#endif
