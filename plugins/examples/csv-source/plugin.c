/* The calls of the boundary. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "csc_bridge_plugin.h"
#include "handles.h"
#include "source.h"

#define STRING(text) #text
#define QUOTED(text) STRING(text)
#ifndef VERSION
#define VERSION 1.0.0
#endif

/* ---- outputs -------------------------------------------------------------------------------------------------------------------- */

/* Static memory: nothing has to be freed. */
static csc_status say(csc_buffer *output, csc_status status, const char *text)
{
    output->data = (const uint8_t *)text;
    output->len = strlen(text);
    return status;
}

/* Hands the bytes over, which are the host's to free then. */
static csc_status hand_over(csc_buffer *output, csc_status status, bytes *from)
{
    if (from->failed) {
        bytes_free(from);
        return say(output, CSC_ERROR,
                   "{\"kind\":\"" KIND_IO "\",\"directive\":\"stop\",\"message\":\"" NO_MEMORY "\",\"advice\":\"" NO_MEMORY_ADVICE "\"}");
    }
    output->data = from->data;
    output->len = from->len;
    output->owner = from->data;
    output->free = free;
    return status;
}

static csc_status refuse(csc_buffer *output, const fault *why)
{
    bytes text = {0};

    fault_write(why, &text);
    return hand_over(output, CSC_ERROR, &text);
}

/* ---- inputs --------------------------------------------------------------------------------------------------------------------- */

static json *read_input(const char *call, csc_bytes input, fault *why)
{
    bool no_memory;
    json *tree = json_read(input.data, input.len, &no_memory);

    if (tree != NULL && tree->kind == JSON_OBJECT) return tree;
    json_free(tree);
    if (no_memory) FAIL_MEMORY(why);
    else FAIL(why, KIND_PROTOCOL, "check that the plugin was built for this version of csc-bridge", "the host's input of %s is not JSON", call);
    return NULL;
}

static stopper stopper_of(thing *of)
{
    stopper stop;

    stop.is_stopped = thing_is_stopped;
    stop.whose = of;
    return stop;
}

/* Keeps what a call made. */
static csc_status keep(csc_buffer *output, thing_kind kind, void *made, void (*drop)(void *), thing *above, fault *why)
{
    bytes text = {0};
    csc_handle number;

    if (made == NULL) return refuse(output, why);
    number = thing_add(kind, made, drop, above);
    if (number == 0) {
        drop(made);
        FAIL_MEMORY(why);
        return refuse(output, why);
    }
    json_write_number(&text, "handle", number);
    /* A number that the host is not told is never given back. */
    if (text.failed) thing_release(number);
    return hand_over(output, CSC_OK, &text);
}

/* A call on a thing, with an input: enters, works, leaves. */
typedef csc_status (*job)(thing *of, const json *input, csc_buffer *output, fault *why);

static csc_status run(const char *call, csc_handle number, thing_kind kind, csc_bytes input, csc_buffer *output, job work)
{
    fault why;
    json *tree;
    csc_status status;
    thing *of = thing_enter(number, kind, &why);

    if (of == NULL) return refuse(output, &why);
    tree = read_input(call, input, &why);
    status = tree == NULL ? refuse(output, &why) : work(of, tree, output, &why);
    json_free(tree);
    thing_leave(of);
    return status;
}

/* ---- the calls ------------------------------------------------------------------------------------------------------------------ */

static csc_status describe(csc_handle of, csc_bytes input, csc_buffer *output)
{
    (void)of;
    (void)input;
    return say(output, CSC_OK,
               "{\"name\":\"csv-source\",\"version\":\"" QUOTED(VERSION) "\",\"source\":\"whole_tables\",\"sink\":false}");
}

static csc_status source_new(csc_handle of, csc_bytes input, csc_buffer *output)
{
    fault why;
    json *tree = read_input("source_new", input, &why);
    source *made;

    (void)of;
    if (tree == NULL) return refuse(output, &why);
    made = make_source(tree, &why);
    json_free(tree);
    return keep(output, A_SOURCE, made, drop_source, NULL, &why);
}

static csc_status open_session(thing *of, const json *input, csc_buffer *output, fault *why)
{
    session *made = make_session(thing_what(of), input, stopper_of(of), why);

    return keep(output, A_SESSION, made, drop_session, of, why);
}

static csc_status source_open(csc_handle of, csc_bytes input, csc_buffer *output)
{
    return run("source_open", of, A_SOURCE, input, output, open_session);
}

static csc_status list_table(thing *of, const json *input, csc_buffer *output, fault *why)
{
    stream *made = make_stream(thing_what(of), input, stopper_of(of), why);

    return keep(output, A_STREAM, made, drop_stream, of, why);
}

static csc_status session_list(csc_handle of, csc_bytes input, csc_buffer *output)
{
    return run("session_list", of, A_SESSION, input, output, list_table);
}

static csc_status count_table(thing *of, const json *input, csc_buffer *output, fault *why)
{
    bytes text = {0};
    uint64_t rows;

    if (!count_rows(thing_what(of), input, stopper_of(of), &rows, why)) return refuse(output, why);
    json_write_number(&text, "rows", rows);
    return hand_over(output, CSC_OK, &text);
}

static csc_status session_count(csc_handle of, csc_bytes input, csc_buffer *output)
{
    return run("session_count", of, A_SESSION, input, output, count_table);
}

static csc_status stream_next(csc_handle number, csc_bytes input, csc_buffer *output)
{
    fault why;
    bytes rows = {0};
    bool is_complete = false, is_good;
    stream *in;
    thing *of = thing_enter(number, A_STREAM, &why);

    (void)input;
    if (of == NULL) return refuse(output, &why);
    in = thing_what(of);
    is_good = next_batch(in, stopper_of(of), &rows, &is_complete, &why);
    if (is_complete) json_write_number(&rows, "rows", in->rows);
    thing_leave(of);
    if (is_good) return hand_over(output, is_complete ? CSC_COMPLETE : CSC_OK, &rows);
    bytes_free(&rows);
    return refuse(output, &why);
}

static csc_status unknown(csc_handle of, csc_buffer *output)
{
    fault why;

    FAIL_INTERNAL(&why, "there is nothing with the handle %" PRIu64, of);
    return refuse(output, &why);
}

static csc_status cancel(csc_handle of, csc_bytes input, csc_buffer *output)
{
    (void)input;
    return thing_cancel(of) ? say(output, CSC_OK, "{}") : unknown(of, output);
}

static csc_status release(csc_handle of, csc_bytes input, csc_buffer *output)
{
    (void)input;
    return thing_release(of) ? say(output, CSC_OK, "{}") : unknown(of, output);
}

/* ---- the beginning -------------------------------------------------------------------------------------------------------------- */

static void log_error(const csc_host *host, const char *text)
{
    csc_bytes line;

    if (host == NULL || host->size < offsetof(csc_host, log) + sizeof(host->log) || host->log == NULL) return;
    line.data = (const uint8_t *)text;
    line.len = strlen(text);
    host->log(host->context, CSC_LOG_ERROR, line);
}

csc_status csc_bridge_plugin_init(const csc_host *host, csc_plugin *table, uint64_t size)
{
    csc_plugin filled;

    if (size < offsetof(csc_plugin, release) + sizeof(csc_call)) {
        log_error(host, "this csc-bridge is older than everything that csv-source was written for");
        return CSC_ERROR;
    }
    memset(&filled, 0, sizeof(filled));
    filled.magic = CSC_BRIDGE_MAGIC;
    filled.abi = CSC_BRIDGE_ABI;
    filled.size = size < sizeof(filled) ? size : sizeof(filled);
    filled.describe = describe;
    filled.source_new = source_new;
    filled.source_open = source_open;
    filled.session_list = session_list;
    filled.session_count = session_count;
    filled.stream_next = stream_next;
    filled.cancel = cancel;
    filled.release = release;
    memcpy(table, &filled, (size_t)filled.size);
    return CSC_OK;
}
