/* A plugin that does everything right: a source of one table with two children, and a sink. Each hostile plugin replaces a part of it.
 * rows.h, with batches as bytes, is written by the tests. */
#include "csc_bridge_plugin.h"
#include "rows.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef KIND
#define KIND "\"tables\""
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif

#define ENTRY(name) static csc_status name(csc_handle of, csc_bytes input, csc_buffer *output)
#define UNUSED (void)of, (void)input, (void)output

static csc_status say(csc_buffer *output, csc_status status, const char *text) {
    output->data = (const uint8_t *)text;
    output->len = strlen(text);
    return status;
}

static csc_status rows(csc_buffer *output, const uint8_t *bytes, uint64_t len) {
    output->data = malloc(len);
    output->len = len;
    output->owner = (void *)output->data;
    output->free = free;
    memcpy((void *)output->data, bytes, len);
    return CSC_OK;
}

/* Streams begin at 100: a scan is 100, a list is 101. */
static int calls[200];

ENTRY(good_describe) {
    UNUSED;
    return say(output, CSC_OK, "{\"name\":\"hostile\",\"version\":\"" VERSION "\",\"source\":" KIND ",\"sink\":true}");
}
ENTRY(good_source_new) { UNUSED; return say(output, CSC_OK, "{\"handle\":1}"); }
ENTRY(good_source_open) { UNUSED; return say(output, CSC_OK, "{\"handle\":2}"); }
ENTRY(good_session_list) { UNUSED; calls[101] = 0; return say(output, CSC_OK, "{\"handle\":101}"); }
ENTRY(good_session_count) { UNUSED; return say(output, CSC_OK, "{\"rows\":2}"); }
ENTRY(good_session_select) { UNUSED; return say(output, CSC_OK, "{}"); }
ENTRY(good_session_scan) { UNUSED; calls[100] = 0; return say(output, CSC_OK, "{\"handle\":100}"); }
ENTRY(good_stream_next) {
    UNUSED;
    if (calls[of]++) return say(output, CSC_COMPLETE, "{\"rows\":2}");
    if (of == 100) return rows(output, SCAN, sizeof(SCAN));
    return rows(output, LIST, sizeof(LIST));
}
ENTRY(good_sink_facts) {
    UNUSED;
    return say(output, CSC_OK, "{\"max_records\":7,\"max_bytes\":1000,\"request_life_ms\":90000,\"is_local\":true}");
}
ENTRY(good_sink_new) {
    UNUSED;
    return say(output, CSC_OK, "{\"handle\":3,\"max_records\":7,\"max_bytes\":1000,\"request_life_ms\":90000}");
}
ENTRY(good_sink_send) {
    UNUSED;
    return say(output, CSC_OK, "{\"receipts\":[{\"id\":\"r1\",\"received_at\":null}],\"request_id\":\"q1\"}");
}
ENTRY(good_sink_probe) { UNUSED; return say(output, CSC_OK, "{\"token\":{\"ok\":\"granted\"},\"reach\":null,\"clock_ahead_s\":-2}"); }
ENTRY(good_cancel) { UNUSED; return CSC_OK; }
ENTRY(good_release) { UNUSED; return CSC_OK; }

static void good(csc_plugin *t) {
    memset(t, 0, sizeof(*t));
    t->magic = CSC_BRIDGE_MAGIC;
    t->abi = CSC_BRIDGE_ABI;
    t->size = sizeof(*t);
    t->describe = good_describe;
    t->source_new = good_source_new;
    t->source_open = good_source_open;
    t->session_list = good_session_list;
    t->session_count = good_session_count;
    t->session_select = good_session_select;
    t->session_scan = good_session_scan;
    t->stream_next = good_stream_next;
    t->sink_facts = good_sink_facts;
    t->sink_new = good_sink_new;
    t->sink_send = good_sink_send;
    t->sink_probe = good_sink_probe;
#ifndef SHORT_TABLE
    t->cancel = good_cancel;
    t->release = good_release;
#endif
    (void)good_cancel, (void)good_release;
}

/* The good plugin after some changes of its table `t`. */
#define PLUGIN(...)                                                                                                            \
    CSC_BRIDGE_EXPORT csc_status csc_bridge_plugin_init(const csc_host *host, csc_plugin *table, uint64_t size) {              \
        csc_plugin full, *t = &full;                                                                                           \
        (void)host;                                                                                                            \
        good(t);                                                                                                               \
        __VA_ARGS__;                                                                                                           \
        memcpy(table, t, size < sizeof(full) ? size : sizeof(full));                                                           \
        return CSC_OK;                                                                                                         \
    }
