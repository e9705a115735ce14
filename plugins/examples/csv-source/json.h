/* As much JSON as the boundary needs: what the host hands over is read into a tree, what goes back is written text by text. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

/* Objects and lists within each other; the host's go six deep. */
#define JSON_DEPTH 64

typedef enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT } json_kind;

typedef struct json json;
struct json {
    json_kind kind;
    char *name; /* in an object, with a NUL behind it; NULL elsewhere */
    size_t name_len;
    char *text; /* of JSON_TEXT, with a NUL behind it; there may be others within it */
    size_t text_len;
    json *first; /* what is in a list or object */
    json *next;  /* what follows in it */
};

/* Reads one value and nothing behind it. NULL: it is not JSON, goes too deep, or there is no memory, which `no_memory` says. The values of
 * numbers and of true and false are not kept: nobody asks for them. */
json *json_read(const uint8_t *text, uint64_t len, bool *no_memory);
void json_free(json *tree);

/* The field of that name and kind; NULL: there is none. */
const json *json_get(const json *object, const char *name, json_kind kind);

/* Writes a text with its quotes. What is not UTF-8 becomes U+FFFD. */
void json_write_text(bytes *to, const char *text, size_t len);
/* {"<name>":<number>} */
void json_write_number(bytes *to, const char *name, uint64_t number);

#endif
