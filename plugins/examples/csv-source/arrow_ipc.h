/* Text columns as Arrow IPC, written by hand: the boundary takes one stream of one batch at a time. */
#ifndef ARROW_IPC_H
#define ARROW_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

/* The longest text, in bytes: Utf8 counts in 32 bits. Smaller only to try what happens. */
#ifndef LONGEST_TEXT
#define LONGEST_TEXT INT32_MAX
#endif

typedef struct arrow_column {
    bytes text;    /* of all rows, one behind the other */
    bytes offsets; /* where each begins, and where the last ends: int32 */
    bytes valid;   /* one bit a row */
    uint64_t nulls;
} arrow_column;

/* Rows that are being gathered. */
typedef struct arrow_batch {
    arrow_column *column;
    size_t columns;
    size_t rows;
    uint64_t text; /* bytes, of all columns */
} arrow_batch;

/* false: no memory. */
bool arrow_begin(arrow_batch *batch, size_t columns);
/* The next row's value. Each column once, then arrow_end_row. Nobody adds more than LONGEST_TEXT bytes to a column. */
void arrow_add(arrow_batch *batch, size_t column, const uint8_t *text, size_t len, bool is_null);
void arrow_end_row(arrow_batch *batch);
/* No rows any more; the memory is kept. */
void arrow_clear(arrow_batch *batch);
void arrow_free(arrow_batch *batch);

/* The message that begins a stream: columns of type Utf8 that may be null. */
void arrow_write_schema(bytes *to, const char *const *names, size_t columns);
/* The message with the rows, and the end of the stream. */
void arrow_write_batch(bytes *to, const arrow_batch *batch);

#endif
