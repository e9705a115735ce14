/* CSV files, one record at a time. */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bytes.h"
#include "fault.h"

/* An open file, as it was when it was opened. */
typedef struct csv_file {
    int handle;
    char *name; /* relative to the folder */
    struct stat then;
} csv_file;

/* `folder`: an open folder. `name` belongs to the file only if this succeeds. */
bool csv_open(csv_file *file, int folder, char *name, fault *why);
/* Whether the name still leads to this file: the folder was not exchanged while its files were opened. */
bool csv_is_in_place(const csv_file *file, int folder, fault *why);
void csv_close(csv_file *file);

typedef struct csv_field {
    size_t start; /* in the record's text */
    size_t len;
    bool is_null;
} csv_field;

/* A read from the file's beginning. Several may be under way: the file's own position is not used. */
typedef struct csv_reader {
    const csv_file *file;
    bool (*is_stopped)(void *whose); /* asked now and then; set both before each call */
    void *whose;
    uint64_t offset; /* of what comes behind the chunk */
    uint64_t line;   /* of what comes next, from 1 */
    uint8_t *chunk;
    size_t at;
    size_t filled;
    size_t columns; /* of the header; 0 while it is being read */

    /* The record that was read last. */
    uint64_t record_line;
    bytes text;
    csv_field *field;
    size_t fields;
    size_t room;
} csv_reader;

typedef enum csv_event { CSV_RECORD, CSV_END, CSV_FAULT } csv_event;

/* Reads the header, which is the record then. The reader is to be freed whatever comes of it. `is_stopped` and `whose` are as csv_reader's. */
bool csv_begin(csv_reader *reader, const csv_file *file, bool (*is_stopped)(void *), void *whose, fault *why);
/* While the header is the record: where the column is. */
bool csv_find_column(const csv_reader *reader, const char *name, size_t len, size_t *place, fault *why);
/* The next record. CSV_END only where the file is still the one that was opened. */
csv_event csv_next(csv_reader *reader, fault *why);
void csv_free(csv_reader *reader);

#endif
