#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OTHER_VERSION "check that the plugin was built for this version of csc-bridge"
#define LACKS(why, call, what) FAIL(why, KIND_PROTOCOL, OTHER_VERSION, "the host's input of %s lacks %s", call, what)

/* ---- the folder ----------------------------------------------------------------------------------------------------------------- */

source *make_source(const json *input, fault *why)
{
    const json *options = json_get(input, "options", JSON_OBJECT), *base = json_get(input, "folder", JSON_TEXT), *folder, *option;
    bytes path = {0};
    source *made;

    if (options == NULL || base == NULL) {
        LACKS(why, "source_new", "options or folder");
        return NULL;
    }
    for (option = options->first; option != NULL; option = option->next) {
        if (strcmp(option->name, "folder") == 0) continue;
        FAIL(why, KIND_CONFIG, "take it away; the only one is folder", "csv-source has no option %s", option->name);
        return NULL;
    }
    folder = json_get(options, "folder", JSON_TEXT);
    if (folder == NULL || folder->text_len == 0 || strlen(folder->text) != folder->text_len) {
        FAIL(why, KIND_CONFIG, "write the folder with the exports: folder = \"exports\"", "csv-source needs the option folder, a path");
        return NULL;
    }
    if (folder->text[0] != '/') {
        bytes_add(&path, base->text, base->text_len);
        bytes_byte(&path, '/');
    }
    bytes_add(&path, folder->text, folder->text_len + 1);
    made = path.failed ? NULL : calloc(1, sizeof(*made));
    if (made == NULL) {
        bytes_free(&path);
        FAIL_MEMORY(why);
        return NULL;
    }
    made->folder = (char *)path.data;
    return made;
}

void drop_source(void *of)
{
    free(((source *)of)->folder);
    free(of);
}

/* ---- names of tables ------------------------------------------------------------------------------------------------------------ */

static bool is_file_name(const json *name)
{
    return strlen(name->text) == name->text_len && strpbrk(name->text, "/\\") == NULL && strstr(name->text, "..") == NULL &&
           strcmp(name->text, ".") != 0;
}

/* "table.csv", or "schema/table.csv", to be freed. `call` has it in the field table of `input`. */
static char *file_name(const json *input, const char *call, fault *why)
{
    const json *name = json_get(input, "table", JSON_OBJECT);
    const json *schema = json_get(name, "schema", JSON_TEXT), *table = json_get(name, "table", JSON_TEXT);
    bytes path = {0};

    if (schema == NULL || table == NULL) {
        LACKS(why, call, "the name of a table");
        return NULL;
    }
    if (table->text_len == 0 || !is_file_name(schema) || !is_file_name(table)) {
        FAIL(why, KIND_SCHEMA, "name a file of the folder: without its path, and without ..",
             "the table %s of the schema \"%s\" cannot be the name of a file", table->text, schema->text);
        return NULL;
    }
    if (schema->text_len > 0) {
        bytes_add(&path, schema->text, schema->text_len);
        bytes_byte(&path, '/');
    }
    bytes_add(&path, table->text, table->text_len);
    bytes_add(&path, ".csv", 5);
    if (!path.failed) return (char *)path.data;
    bytes_free(&path);
    FAIL_MEMORY(why);
    return NULL;
}

static const csv_file *find_file(const session *in, const json *input, const char *call, fault *why)
{
    char *name = file_name(input, call, why);
    const csv_file *found = NULL;
    size_t i;

    if (name == NULL) return NULL;
    for (i = 0; i < in->files && found == NULL; i++) {
        if (strcmp(in->file[i].name, name) == 0) found = &in->file[i];
    }
    if (found == NULL) FAIL_INTERNAL(why, "%s is read, but was not named when the session was opened", name);
    free(name);
    return found;
}

/* ---- one moment ----------------------------------------------------------------------------------------------------------------- */

static size_t length(const json *list)
{
    const json *item;
    size_t count = 0;

    for (item = list->first; item != NULL; item = item->next) count++;
    return count;
}

/* Where the columns are; reads the header for it. */
static bool find_columns(csv_reader *reader, const csv_file *file, const json *columns, size_t *place, stopper stop, fault *why)
{
    const json *column;

    if (!csv_begin(reader, file, stop.is_stopped, stop.whose, why)) return false;
    for (column = columns->first; column != NULL; column = column->next) {
        if (column->kind != JSON_TEXT || strlen(column->text) != column->text_len) {
            return LACKS(why, "a read", "the name of a column, a text without NUL");
        }
        if (!csv_find_column(reader, column->text, column->text_len, place++, why)) return false;
    }
    return true;
}

/* Opens the next file of the session, and looks whether it has its columns. */
static bool open_table(session *in, int folder, const json *table, stopper stop, fault *why)
{
    const json *columns = json_get(table, "columns", JSON_LIST);
    csv_reader reader = {0};
    size_t *places;
    char *name;
    bool is_good;

    if (columns == NULL) return LACKS(why, "source_open", "columns");
    name = file_name(table, "source_open", why);
    if (name == NULL) return false;
    if (!csv_open(&in->file[in->files], folder, name, why)) {
        free(name);
        return false;
    }
    in->files++;
    places = calloc(length(columns) + 1, sizeof(*places));
    if (places == NULL) return FAIL_MEMORY(why);
    is_good = find_columns(&reader, &in->file[in->files - 1], columns, places, stop, why);
    csv_free(&reader);
    free(places);
    return is_good;
}

static bool open_tables(session *in, int folder, const json *tables, stopper stop, fault *why)
{
    const json *table;
    size_t i;

    for (table = tables->first; table != NULL; table = table->next) {
        if (!open_table(in, folder, table, stop, why)) return false;
    }
    /* The first was opened before the last: only what lies there still was there at one moment. */
    for (i = 0; i < in->files; i++) {
        if (!csv_is_in_place(&in->file[i], folder, why)) return false;
    }
    return true;
}

static int open_folder(const source *of, fault *why)
{
    char text[128];
    int folder = open(of->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = errno;

    if (folder >= 0) return folder;
    if (number == ENOENT || number == ENOTDIR) {
        FAIL(why, KIND_CONFIG, "check folder in [source]", "there is no folder %s", of->folder);
    } else {
        FAIL(why, KIND_IO, "check that the account that runs csc-bridge may read it", "the folder %s cannot be opened: %s", of->folder,
             system_text(number, text, sizeof(text)));
    }
    return -1;
}

session *make_session(const source *of, const json *input, stopper stop, fault *why)
{
    const json *tables = json_get(input, "tables", JSON_LIST);
    session *made;
    int folder;
    bool is_good;

    if (tables == NULL) {
        LACKS(why, "source_open", "tables");
        return NULL;
    }
    made = calloc(1, sizeof(*made));
    if (made != NULL) made->file = calloc(length(tables) + 1, sizeof(*made->file));
    if (made == NULL || made->file == NULL) {
        free(made);
        FAIL_MEMORY(why);
        return NULL;
    }
    folder = open_folder(of, why);
    is_good = folder >= 0 && open_tables(made, folder, tables, stop, why);
    if (folder >= 0) close(folder);
    if (is_good) return made;
    drop_session(made);
    return NULL;
}

void drop_session(void *of)
{
    session *in = of;
    size_t i;

    for (i = 0; i < in->files; i++) csv_close(&in->file[i]);
    free(in->file);
    free(in);
}

bool count_rows(const session *of, const json *input, stopper stop, uint64_t *rows, fault *why)
{
    const csv_file *file = find_file(of, input, "session_count", why);
    csv_reader reader = {0};
    csv_event event = CSV_FAULT;

    if (file == NULL) return false;
    *rows = 0;
    if (csv_begin(&reader, file, stop.is_stopped, stop.whose, why)) {
        while ((event = csv_next(&reader, why)) == CSV_RECORD) ++*rows;
    }
    csv_free(&reader);
    return event == CSV_END;
}

/* ---- reading -------------------------------------------------------------------------------------------------------------------- */

static bool begin_stream(stream *into, const csv_file *file, const json *columns, stopper stop, fault *why)
{
    size_t count = length(columns), i = 0;
    const char **names;
    const json *column;

    into->place = calloc(count, sizeof(*into->place));
    if (into->place == NULL || !arrow_begin(&into->batch, count)) return FAIL_MEMORY(why);
    if (!find_columns(&into->reader, file, columns, into->place, stop, why)) return false;
    names = calloc(count, sizeof(*names));
    if (names == NULL) return FAIL_MEMORY(why);
    for (column = columns->first; column != NULL; column = column->next) names[i++] = column->text;
    arrow_write_schema(&into->schema, names, count);
    free(names);
    return into->schema.failed ? FAIL_MEMORY(why) : true;
}

stream *make_stream(const session *of, const json *input, stopper stop, fault *why)
{
    const csv_file *file = find_file(of, input, "session_list", why);
    const json *columns = json_get(input, "columns", JSON_LIST);
    stream *made;

    if (file == NULL) return NULL;
    if (columns == NULL || columns->first == NULL) {
        LACKS(why, "session_list", "columns");
        return NULL;
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        FAIL_MEMORY(why);
        return NULL;
    }
    if (begin_stream(made, file, columns, stop, why)) return made;
    drop_stream(made);
    return NULL;
}

void drop_stream(void *of)
{
    stream *in = of;

    csv_free(&in->reader);
    arrow_free(&in->batch);
    bytes_free(&in->schema);
    free(in->place);
    free(in);
}

/* Whether the row fits into the batch: alone it does, however long it is. */
static bool has_room(const stream *in)
{
    uint64_t more = 0;
    size_t i;

    for (i = 0; i < in->batch.columns; i++) more += in->reader.field[in->place[i]].len;
    return in->batch.rows == 0 || (in->batch.rows < MAX_ROWS && in->batch.text + more <= MAX_TEXT);
}

static void add_row(stream *in)
{
    size_t i;

    for (i = 0; i < in->batch.columns; i++) {
        const csv_field *field = &in->reader.field[in->place[i]];
        arrow_add(&in->batch, i, in->reader.text.data + field->start, field->len, field->is_null);
    }
    arrow_end_row(&in->batch);
    in->rows++;
}

static bool gather(stream *in, fault *why)
{
    arrow_clear(&in->batch);
    for (;;) {
        if (!in->has_row) {
            csv_event event = csv_next(&in->reader, why);
            if (event != CSV_RECORD) return event == CSV_END;
            in->has_row = true;
        }
        if (!has_room(in)) return true;
        add_row(in);
        in->has_row = false;
    }
}

bool next_batch(stream *of, stopper stop, bytes *to, bool *is_complete, fault *why)
{
    if (of->is_over) return FAIL_INTERNAL(why, "a stream was asked again after its end");
    of->reader.is_stopped = stop.is_stopped;
    of->reader.whose = stop.whose;
    of->is_over = true;
    if (!gather(of, why)) return false;
    *is_complete = of->batch.rows == 0;
    if (*is_complete) return true;
    bytes_add(to, of->schema.data, of->schema.len);
    arrow_write_batch(to, &of->batch);
    of->is_over = to->failed;
    return true;
}
