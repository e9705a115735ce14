/* What the handles stand for: a folder, its files at one moment, a read of one of them. Each make_… gives NULL where it fails. */
#ifndef SOURCE_H
#define SOURCE_H

#include "arrow_ipc.h"
#include "csv.h"
#include "fault.h"
#include "json.h"

/* A batch: some of the rows that the boundary recommends, and bytes of text. A single row may be longer. */
#define MAX_ROWS 10000
#define MAX_TEXT (4 * 1024 * 1024)

typedef struct source {
    char *folder;
} source;

typedef struct session {
    csv_file *file;
    size_t files;
} session;

typedef struct stream {
    csv_reader reader;
    size_t *place; /* of each column asked for, among the file's */
    arrow_batch batch;
    bytes schema;
    uint64_t rows;
    bool has_row; /* the record was read, and is in no batch yet */
    bool is_over;
} stream;

/* What stops a read: see csv_reader. */
typedef struct stopper {
    bool (*is_stopped)(void *whose);
    void *whose;
} stopper;

/* The inputs are those of the calls of the same name. */
source *make_source(const json *input, fault *why);
session *make_session(const source *of, const json *input, stopper stop, fault *why);
stream *make_stream(const session *of, const json *input, stopper stop, fault *why);
bool count_rows(const session *of, const json *input, stopper stop, uint64_t *rows, fault *why);

/* The next batch, as Arrow IPC; `is_complete`: there are no more, and `rows` is how many there were. */
bool next_batch(stream *of, stopper stop, bytes *to, bool *is_complete, fault *why);

void drop_source(void *of);
void drop_session(void *of);
void drop_stream(void *of);

#endif
