/* A message is FFFFFFFF, the length of its metadata, the metadata, and a body. The metadata is a flatbuffer, built here front to back:
 *
 *   - a table begins with the distance back to its vtable, which says how long vtable and table are and at which byte of the table each
 *     field stands (0: it is absent, and has its default);
 *   - fields that are tables, vectors or texts are distances forward to them, filled in once it is known where they come to stand;
 *   - everything is aligned to its own size, counted from the start of the metadata.
 *
 * The tables are those of Arrow's Message.fbs and Schema.fbs. */
#include "arrow_ipc.h"

#include <stdlib.h>
#include <string.h>

enum { METADATA_V5 = 4, HEADER_SCHEMA = 1, HEADER_RECORD_BATCH = 3, TYPE_UTF8 = 5 };

/* ---- gathering rows ------------------------------------------------------------------------------------------------------------- */

bool arrow_begin(arrow_batch *batch, size_t columns)
{
    memset(batch, 0, sizeof(*batch));
    batch->column = calloc(columns, sizeof(*batch->column));
    if (batch->column == NULL) return false;
    batch->columns = columns;
    arrow_clear(batch);
    return true;
}

void arrow_add(arrow_batch *batch, size_t column, const uint8_t *text, size_t len, bool is_null)
{
    arrow_column *into = &batch->column[column];
    unsigned bit = (unsigned)(batch->rows % 8);

    if (bit == 0) bytes_byte(&into->valid, 0);
    if (is_null) {
        into->nulls++;
    } else {
        if (!into->valid.failed) into->valid.data[batch->rows / 8] |= (uint8_t)(1u << bit);
        bytes_add(&into->text, text, len);
        batch->text += len;
    }
    bytes_number(&into->offsets, into->text.len, 4);
}

void arrow_end_row(arrow_batch *batch)
{
    batch->rows++;
}

void arrow_clear(arrow_batch *batch)
{
    size_t i;

    for (i = 0; i < batch->columns; i++) {
        arrow_column *column = &batch->column[i];
        bytes_clear(&column->text);
        bytes_clear(&column->offsets);
        bytes_clear(&column->valid);
        bytes_number(&column->offsets, 0, 4);
        column->nulls = 0;
    }
    batch->rows = 0;
    batch->text = 0;
}

void arrow_free(arrow_batch *batch)
{
    size_t i;

    for (i = 0; i < batch->columns; i++) {
        bytes_free(&batch->column[i].text);
        bytes_free(&batch->column[i].offsets);
        bytes_free(&batch->column[i].valid);
    }
    free(batch->column);
    memset(batch, 0, sizeof(*batch));
}

/* ---- metadata ------------------------------------------------------------------------------------------------------------------- */

/* A distance forward, to be filled in; where it stands. */
static size_t leave_distance(bytes *to)
{
    bytes_number(to, 0, 4);
    return to->len - 4;
}

/* The thing that it leads to begins here. */
static void point_here(bytes *to, size_t distance)
{
    bytes_replace32(to, distance, to->len - distance);
}

static void add_vtable(bytes *to, unsigned table, const unsigned *fields, unsigned count)
{
    unsigned i;

    bytes_number(to, 4 + 2 * (uint64_t)count, 2);
    bytes_number(to, table, 2);
    for (i = 0; i < count; i++) bytes_number(to, fields[i], 2);
}

static void begin_table(bytes *to, size_t vtable)
{
    bytes_number(to, to->len - vtable, 4);
}

/* Message { version, header_type, header, bodyLength }, which comes first. Where the distance to the header stands. */
static size_t begin_message(bytes *to, unsigned header_type, uint64_t body)
{
    static const unsigned fields[] = {16, 18, 4, 8};
    size_t root = leave_distance(to), vtable = to->len, header;

    add_vtable(to, 20, fields, 4);
    point_here(to, root); /* at 16, so that the body's length is at 24 */
    begin_table(to, vtable);
    header = leave_distance(to);
    bytes_number(to, body, 8);
    bytes_number(to, METADATA_V5, 2);
    bytes_byte(to, (uint8_t)header_type);
    bytes_pad(to, 4);
    return header;
}

/* Continuation, length and the metadata itself. */
static void add_message(bytes *to, bytes *metadata)
{
    bytes_pad(metadata, 8);
    if (metadata->failed || metadata->len > INT32_MAX) to->failed = true;
    bytes_number(to, 0xffffffff, 4);
    bytes_number(to, metadata->len, 4);
    bytes_add(to, metadata->data, metadata->len);
    bytes_free(metadata);
}

static void add_name(bytes *to, const char *name)
{
    bytes_number(to, strlen(name), 4);
    bytes_add(to, name, strlen(name) + 1);
    bytes_pad(to, 4);
}

/* Field { name, nullable, type_type, type: Utf8 {}, dictionary, children: [] } */
static void add_field(bytes *to, const char *name, size_t field_vtable, size_t utf8_vtable)
{
    size_t name_at, type_at, children_at;

    begin_table(to, field_vtable);
    name_at = leave_distance(to);
    type_at = leave_distance(to);
    children_at = leave_distance(to);
    bytes_byte(to, 1);
    bytes_byte(to, TYPE_UTF8);
    bytes_pad(to, 4);
    point_here(to, type_at);
    begin_table(to, utf8_vtable);
    point_here(to, children_at);
    bytes_number(to, 0, 4);
    point_here(to, name_at);
    add_name(to, name);
}

void arrow_write_schema(bytes *to, const char *const *names, size_t columns)
{
    static const unsigned schema_fields[] = {0, 4}, field_fields[] = {4, 16, 17, 8, 0, 12};
    bytes metadata = {0};
    size_t header = begin_message(&metadata, HEADER_SCHEMA, 0);
    size_t schema_vtable, field_vtable, utf8_vtable, fields, first, i;

    schema_vtable = metadata.len;
    add_vtable(&metadata, 8, schema_fields, 2);
    field_vtable = metadata.len;
    add_vtable(&metadata, 20, field_fields, 6);
    utf8_vtable = metadata.len;
    add_vtable(&metadata, 4, NULL, 0);

    /* Schema { endianness: Little by default, fields } */
    point_here(&metadata, header);
    begin_table(&metadata, schema_vtable);
    fields = leave_distance(&metadata);
    point_here(&metadata, fields);
    bytes_number(&metadata, columns, 4);
    first = metadata.len;
    for (i = 0; i < columns; i++) leave_distance(&metadata);
    for (i = 0; i < columns; i++) {
        point_here(&metadata, first + 4 * i);
        add_field(&metadata, names[i], field_vtable, utf8_vtable);
    }
    add_message(to, &metadata);
}

/* ---- the batch ------------------------------------------------------------------------------------------------------------------ */

/* A buffer in the body takes up a multiple of eight. */
static uint64_t padded(uint64_t len)
{
    return (len + 7) / 8 * 8;
}

/* The three buffers of a column: which rows are there (nothing where all are), where each text begins, the texts. */
static const bytes *buffer_of(const arrow_column *column, unsigned number)
{
    static const bytes nothing = {0};

    if (number == 0) return column->nulls > 0 ? &column->valid : &nothing;
    return number == 1 ? &column->offsets : &column->text;
}

/* Buffer { offset, length } of all columns; or, where there is nothing to write to, only how long the body is. */
static uint64_t add_buffers(bytes *to, const arrow_batch *batch)
{
    uint64_t offset = 0;
    unsigned number;
    size_t i;

    for (i = 0; i < batch->columns; i++) {
        for (number = 0; number < 3; number++) {
            uint64_t len = buffer_of(&batch->column[i], number)->len;
            if (to != NULL) {
                bytes_number(to, offset, 8);
                bytes_number(to, len, 8);
            }
            offset += padded(len);
        }
    }
    return offset;
}

/* RecordBatch { length, nodes: [FieldNode { length, null_count }], buffers: [Buffer] } */
static void add_batch_metadata(bytes *to, const arrow_batch *batch)
{
    static const unsigned fields[] = {8, 4, 16};
    bytes metadata = {0};
    size_t header = begin_message(&metadata, HEADER_RECORD_BATCH, add_buffers(NULL, batch));
    size_t vtable, nodes, buffers, i;

    vtable = metadata.len;
    add_vtable(&metadata, 20, fields, 3);
    bytes_pad(&metadata, 8); /* so that the number of rows is aligned, and the nodes behind the table are */
    point_here(&metadata, header);
    begin_table(&metadata, vtable);
    nodes = leave_distance(&metadata);
    bytes_number(&metadata, batch->rows, 8);
    buffers = leave_distance(&metadata);
    point_here(&metadata, nodes);
    bytes_number(&metadata, batch->columns, 4);
    for (i = 0; i < batch->columns; i++) {
        bytes_number(&metadata, batch->rows, 8);
        bytes_number(&metadata, batch->column[i].nulls, 8);
    }
    bytes_number(&metadata, 0, 4); /* the count comes right before its elements, which are aligned to eight */
    point_here(&metadata, buffers);
    bytes_number(&metadata, 3 * (uint64_t)batch->columns, 4);
    add_buffers(&metadata, batch);
    add_message(to, &metadata);
}

void arrow_write_batch(bytes *to, const arrow_batch *batch)
{
    unsigned number;
    size_t i, start;

    add_batch_metadata(to, batch);
    start = to->len;
    for (i = 0; i < batch->columns; i++) {
        const arrow_column *column = &batch->column[i];
        if (column->text.failed || column->offsets.failed || column->valid.failed) to->failed = true;
        for (number = 0; number < 3; number++) {
            const bytes *buffer = buffer_of(column, number);
            bytes_add(to, buffer->data, buffer->len);
            while (!to->failed && (to->len - start) % 8 != 0) bytes_byte(to, 0);
        }
    }
    bytes_number(to, 0xffffffff, 4);
    bytes_number(to, 0, 4);
}
