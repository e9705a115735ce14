#include "csv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrow_ipc.h"

#define CHUNK 65536
/* What `peek` gives where there is no byte. */
#define AT_END (-1)
#define AT_FAULT (-2)

#define EXPORT_AGAIN "export the file anew, in UTF-8 as the README says"
#define DATA(reader, why, line, what) \
    FAIL(why, KIND_DATA, EXPORT_AGAIN, "%s, line %" PRIu64 ": %s", (reader)->file->name, (uint64_t)(line), what)

/* ---- the file ------------------------------------------------------------------------------------------------------------------- */

bool csv_open(csv_file *file, int folder, char *name, fault *why)
{
    char text[128];
    int number;

    /* Without NONBLOCK a named pipe would be waited for. */
    file->handle = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->handle < 0) {
        number = errno;
        if (number == ENOENT || number == ENOTDIR || number == ENAMETOOLONG) {
            return FAIL(why, KIND_SCHEMA, "check that the export wrote it, and the names in [source.names]",
                        "there is no file %s in the folder of the exports", name);
        }
        return FAIL(why, KIND_IO, "check that the account that runs csc-bridge may read it", "%s cannot be opened: %s", name,
                    system_text(number, text, sizeof(text)));
    }
    if (fstat(file->handle, &file->then) != 0 || !S_ISREG(file->then.st_mode)) {
        close(file->handle);
        return FAIL(why, KIND_IO, "put the export itself there", "%s is not a file", name);
    }
    file->name = name;
    return true;
}

static bool is_same(const struct stat *then, const struct stat *now)
{
    return then->st_size == now->st_size && then->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           then->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

static bool has_changed(const csv_file *file, fault *why)
{
    return FAIL(why, KIND_INCOMPLETE, "run again when the export has ended", "%s changed while it was read", file->name);
}

bool csv_is_in_place(const csv_file *file, int folder, fault *why)
{
    struct stat now;

    if (fstatat(folder, file->name, &now, 0) != 0 || now.st_dev != file->then.st_dev || now.st_ino != file->then.st_ino ||
        !is_same(&file->then, &now)) {
        return has_changed(file, why);
    }
    return true;
}

void csv_close(csv_file *file)
{
    close(file->handle);
    free(file->name);
}

/* ---- bytes ---------------------------------------------------------------------------------------------------------------------- */

/* Reads the next chunk: 1, or AT_END, or AT_FAULT. Never beyond the size that the file had: what was added later is not of that moment. */
static int fill(csv_reader *from, fault *why)
{
    uint64_t left = (uint64_t)from->file->then.st_size - from->offset;
    size_t wanted = left < CHUNK ? (size_t)left : CHUNK;
    char text[128];
    ssize_t got;

    if (from->is_stopped(from->whose)) {
        FAIL(why, KIND_INTERRUPTED, "run again", "the read of %s was ended", from->file->name);
        return AT_FAULT;
    }
    from->at = from->filled = 0;
    while (from->filled < wanted) {
        got = pread(from->file->handle, from->chunk + from->filled, wanted - from->filled, (off_t)from->offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            FAIL(why, KIND_IO, "check the disk or the share that it lies on", "%s cannot be read: %s", from->file->name,
                 system_text(errno, text, sizeof(text)));
            return AT_FAULT;
        }
        if (got == 0) break;
        from->filled += (size_t)got;
        from->offset += (uint64_t)got;
    }
    return from->filled > 0 ? 1 : AT_END;
}

/* The next byte, which stays there. */
static int peek(csv_reader *from, fault *why)
{
    int filled = from->at < from->filled ? 1 : fill(from, why);

    return filled == 1 ? from->chunk[from->at] : filled;
}

/* Adds the first bytes of the chunk to the field, and goes behind them. */
static bool take(csv_reader *from, size_t len, size_t start, fault *why)
{
    if (len > (size_t)LONGEST_TEXT - (from->text.len - start)) {
        return DATA(from, why, from->record_line, "a field of the row that begins here is longer than 2147483647 bytes");
    }
    bytes_add(&from->text, from->chunk + from->at, len);
    from->at += len;
    return from->text.failed ? FAIL_MEMORY(why) : true;
}

/* ---- records -------------------------------------------------------------------------------------------------------------------- */

static bool read_unquoted(csv_reader *from, size_t start, fault *why)
{
    for (;;) {
        int next = peek(from, why);
        size_t end;
        if (next < 0) return next == AT_END;
        for (end = from->at; end < from->filled; end++) {
            uint8_t byte = from->chunk[end];
            if (byte == ',' || byte == '\n' || byte == '\r' || byte == '"') break;
        }
        if (!take(from, end - from->at, start, why)) return false;
        if (from->at == from->filled) continue;
        if (from->chunk[from->at] == '"') return DATA(from, why, from->line, "a quote within a field that does not begin with one");
        return true;
    }
}

/* Up to the closing quote. */
static bool read_quoted(csv_reader *from, size_t start, fault *why)
{
    uint64_t opened = from->line;

    from->at++;
    for (;;) {
        int next = peek(from, why);
        size_t end;
        if (next == AT_FAULT) return false;
        if (next == AT_END) return DATA(from, why, opened, "the quote that opens here is never closed");
        for (end = from->at; end < from->filled && from->chunk[end] != '"'; end++) {
            if (from->chunk[end] == '\n') from->line++;
        }
        if (!take(from, end - from->at, start, why)) return false;
        if (from->at == from->filled) continue;
        from->at++;
        next = peek(from, why);
        if (next == AT_FAULT) return false;
        if (next == AT_END || next == ',' || next == '\n' || next == '\r') return true;
        if (next != '"') return DATA(from, why, from->line, "something other than a comma follows a closing quote");
        if (!take(from, 1, start, why)) return false;
    }
}

static bool add_field(csv_reader *to, size_t start, bool is_null, fault *why)
{
    csv_field *field;
    size_t room;

    if (!utf8_is_valid(to->text.data + start, to->text.len - start)) {
        return DATA(to, why, to->record_line, "the row that begins here is not UTF-8");
    }
    if (to->fields == to->room) {
        room = to->room == 0 ? 64 : to->room * 2;
        field = room > SIZE_MAX / sizeof(*field) ? NULL : realloc(to->field, room * sizeof(*field));
        if (field == NULL) return FAIL_MEMORY(why);
        to->field = field;
        to->room = room;
    }
    field = &to->field[to->fields++];
    field->start = start;
    field->len = to->text.len - start;
    field->is_null = is_null;
    return true;
}

static bool read_field(csv_reader *from, fault *why)
{
    size_t start = from->text.len;
    int next = peek(from, why);

    if (next == AT_FAULT) return false;
    if (next == '"') return read_quoted(from, start, why) && add_field(from, start, false, why);
    return read_unquoted(from, start, why) && add_field(from, start, from->text.len == start, why);
}

/* What is behind a field: 1: a comma, another follows; AT_END: the record ends; AT_FAULT. */
static int read_separator(csv_reader *from, fault *why)
{
    int next = peek(from, why);

    if (next == AT_FAULT || next == AT_END) return next;
    from->at++;
    if (next == ',') return 1;
    if (next == '\r') {
        next = peek(from, why);
        if (next == AT_FAULT) return AT_FAULT;
        if (next != '\n') {
            DATA(from, why, from->line, "a carriage return without a line feed");
            return AT_FAULT;
        }
        from->at++;
    }
    from->line++;
    return AT_END;
}

static bool check_width(csv_reader *of, fault *why)
{
    if (of->columns == 0 || of->fields == of->columns) return true;
    return FAIL(why, KIND_DATA, EXPORT_AGAIN, "%s, line %" PRIu64 ": the row has %zu fields, the header has %zu", of->file->name,
                of->record_line, of->fields, of->columns);
}

static csv_event read_record(csv_reader *from, fault *why)
{
    int next;

    bytes_clear(&from->text);
    from->fields = 0;
    from->record_line = from->line;
    next = peek(from, why);
    if (next < 0) return next == AT_END ? CSV_END : CSV_FAULT;
    do {
        if (!read_field(from, why)) return CSV_FAULT;
        next = read_separator(from, why);
    } while (next == 1);
    return next == AT_END && check_width(from, why) ? CSV_RECORD : CSV_FAULT;
}

csv_event csv_next(csv_reader *reader, fault *why)
{
    csv_event event = read_record(reader, why);
    struct stat now;

    if (event == CSV_RECORD || (event == CSV_FAULT && strcmp(why->kind, KIND_DATA) != 0)) return event;
    /* A change would also explain data that cannot be read. */
    if (fstat(reader->file->handle, &now) != 0 || !is_same(&reader->file->then, &now)) {
        has_changed(reader->file, why);
        return CSV_FAULT;
    }
    return event;
}

bool csv_begin(csv_reader *reader, const csv_file *file, bool (*is_stopped)(void *), void *whose, fault *why)
{
    csv_event event;
    int next;

    memset(reader, 0, sizeof(*reader));
    reader->file = file;
    reader->is_stopped = is_stopped;
    reader->whose = whose;
    reader->line = 1;
    reader->chunk = malloc(CHUNK);
    bytes_byte(&reader->text, 0); /* there is memory from now on, also for a record without text */
    if (reader->chunk == NULL || reader->text.failed) return FAIL_MEMORY(why);
    next = peek(reader, why);
    if (next == AT_FAULT) return false;
    if (reader->filled >= 3 && memcmp(reader->chunk, "\xef\xbb\xbf", 3) == 0) reader->at = 3;
    event = csv_next(reader, why);
    if (event == CSV_END) {
        return FAIL(why, KIND_SCHEMA, "check that the export has ended", "%s is empty: it has no header line", file->name);
    }
    reader->columns = reader->fields;
    return event == CSV_RECORD;
}

bool csv_find_column(const csv_reader *reader, const char *name, size_t len, size_t *place, fault *why)
{
    size_t i, found = 0;

    for (i = 0; i < reader->fields; i++) {
        const csv_field *field = &reader->field[i];
        if (field->is_null || field->len != len || memcmp(reader->text.data + field->start, name, len) != 0) continue;
        *place = i;
        found++;
    }
    if (found == 1) return true;
    return FAIL(why, KIND_SCHEMA, "check the header line of the export, and the names in [source.names]", "%s has %s column %s",
                reader->file->name, found == 0 ? "no" : "more than one", name);
}

void csv_free(csv_reader *reader)
{
    free(reader->chunk);
    free(reader->field);
    bytes_free(&reader->text);
    memset(reader, 0, sizeof(*reader));
}
