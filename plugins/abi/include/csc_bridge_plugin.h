/* csc_bridge_plugin.h: the boundary between csc-bridge and its plugins.
 *
 * A plugin is a shared library that exports one function, csc_bridge_plugin_init. It gives csc-bridge (the host) a source: a case
 * management system that it can read; or a sink: a place that takes documents; or both. This file is all that a plugin needs. C99 or
 * later, C++11 or later.
 *
 * ONE SHAPE. Every call takes a handle and bytes, and gives a status and bytes. The bytes are JSON, but for rows, which are Arrow IPC.
 * So a plugin works the same in the host's process and in a process of its own behind a pipe; it does not know which.
 *
 * WHO OWNS WHAT
 *   - Input bytes (csc_bytes) are the host's. They are readable until the call returns; copy what you keep.
 *   - Output bytes (csc_buffer) are the plugin's. The host reads them after the call and then calls free(owner) once, from any thread, at
 *     any time before the process ends, also after the handle was released. Do not write to them after the call returned.
 *   - A handle is the plugin's name for a thing that it keeps. The host gives it back with `release`, and does not use it afterwards. Do
 *     not use the number again soon: a host with a fault is then found out.
 *   - Host and plugin never free each other's memory in another way.
 *
 * WHICH THREAD
 *   - Any. Calls on different handles may come at once from different threads; calls on one handle come one at a time, though not always
 *     from the same thread. `cancel` alone may come while another call on its handle runs.
 *   - A stream belongs to its session: while the stream is open, no call is made on the session but `cancel`.
 *   - A host that wants several batches under way makes several sinks.
 *   - The plugin may start threads. They may run on until the process ends: the library is never unloaded.
 *
 * AFTER AN ERROR (CSC_ERROR)
 *   - of source_new, sink_facts, sink_new, describe: nothing was made; the call may come again.
 *   - of source_open: the source is as before.
 *   - of any call on a session, or of stream_next: the stream and its session are only released.
 *   - of sink_send, sink_probe: the sink is as before, and is used again.
 *
 * NOTHING UNWINDS ACROSS. No C++ exception and no longjmp leaves a call. A plugin that finds itself broken (an exception that it did not
 * expect, an assertion) returns CSC_PANIC; it is poisoned then, and the host calls nothing of it any more, not even release.
 *
 * JSON. UTF-8, one object, no byte order mark. Pass over fields that you do not know: later hosts send more. Every field below must be
 * there, unless it says "may be absent"; one that may be absent may also be null. Numbers are whole, without point or exponent.
 * Your messages may have more fields, which the host passes over. A NUL is not needed at the end, and is wrong there.
 *
 * A CHILD'S DATA (a name, an id, any value of a row) never goes into a log line or an error. The one exception is `detail`.
 */
#ifndef CSC_BRIDGE_PLUGIN_H
#define CSC_BRIDGE_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before the definition of csc_bridge_plugin_init: makes it visible in the library. Build the rest hidden (-fvisibility=hidden). */
#if defined(_WIN32)
#define CSC_BRIDGE_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define CSC_BRIDGE_EXPORT __attribute__((visibility("default")))
#else
#define CSC_BRIDGE_EXPORT
#endif

/* The first word of the table: "CSCBRIDG" read as a big-endian number. */
#define CSC_BRIDGE_MAGIC UINT64_C(0x4353434252494447)

/* The version of this boundary. Grows only when old plugins could not work any more: additions do not change it. */
#define CSC_BRIDGE_ABI 1

/* What a call came to. No other value may be returned. */
#define CSC_OK 0       /* done; the output is the answer */
#define CSC_COMPLETE 1 /* stream_next only: everything was delivered; the output is {"rows":n} */
#define CSC_ERROR 2    /* not done; the output is an error (below) */
#define CSC_PANIC 3    /* the plugin is poisoned; the output is empty */

/* Levels of csc_host.log. */
#define CSC_LOG_ERROR 1
#define CSC_LOG_WARN 2
#define CSC_LOG_INFO 3
#define CSC_LOG_DEBUG 4
#define CSC_LOG_TRACE 5

/* Bytes of the host, borrowed for the length of a call. `data` may be NULL, or point nowhere, where `len` is 0. */
typedef struct csc_bytes {
    const uint8_t *data;
    uint64_t len; /* in bytes */
} csc_bytes;

/* Bytes of the plugin. The host hands each call one that is all zero, and the plugin fills it, whatever status it returns. Left as it
 * is, it means "no bytes". */
typedef struct csc_buffer {
    const uint8_t *data; /* may be NULL where `len` is 0 */
    uint64_t len;        /* in bytes */
    void *owner;         /* handed to `free`; the host does not look at it */
    void (*free)(void *owner); /* called once when `data` is no longer needed; NULL: static memory. Must not fail */
} csc_buffer;

/* The plugin's name for a source, session, stream or sink: any number but 0, which is none. In JSON it is a whole number up to 2^64-1. */
typedef uint64_t csc_handle;

typedef int32_t csc_status;

/* Every entry of the table. `of`: the handle that the call is about, 0 where there is none. `input`: JSON, or no bytes where no input is
 * shown below. `output`: never NULL. */
typedef csc_status (*csc_call)(csc_handle of, csc_bytes input, csc_buffer *output);

/* What the host offers. The struct is readable during init only: copy it. It may grow at its end. */
typedef struct csc_host {
    uint64_t size; /* bytes of the struct that the host filled: look at no field beyond */
    void *context; /* the first argument of `log`; valid until the process ends */
    /* Writes one line to the host's log, under the plugin's name. From any thread, until the process ends. `message`: UTF-8, without a
     * line break, without a child's data; the host copies it, and makes a line of what is not one. NULL: there is no log. */
    void (*log)(void *context, int32_t level, csc_bytes message);
} csc_host;

/* ---------------------------------------------------------------------------------------------------------------------------------
 * AN ERROR, the output beside CSC_ERROR:
 *
 *   {"kind":"unreachable","directive":"next_run","message":"the server db01 does not answer","advice":"check the VPN to the vendor"}
 *
 *   kind        config       an option is wrong                          unreachable  nobody answered at all
 *               permission   answered, and said no                       schema       a table or column is not there, or not readable
 *               data         data that no rule can work with             busy         somebody else holds what is needed
 *               incomplete   a read ended before its end                 protocol     an answer that cannot be understood
 *               interrupted  ended by `cancel`                           io           a file or socket of this machine was refused
 *               internal     a fault of the plugin
 *   directive   "stop": a person has to act first. "next_run": worth another try tonight or tomorrow. It counts where the host does not
 *               know the kind.
 *   message     what happened, in one line, without a final stop. In your own words: a server's own text quotes values of rows.
 *   advice      what the operator can do, in one line.
 *
 * The host cuts both texts at 500 characters and puts spaces in the place of control characters.
 *
 * ---------------------------------------------------------------------------------------------------------------------------------
 * ROWS, the output of stream_next beside CSC_OK: one Arrow IPC stream (not a file: no "ARROW1") that holds one batch:
 *
 *     FFFFFFFF, length of metadata (int32), metadata: Message { Schema },      padding to 8
 *     FFFFFFFF, length of metadata (int32), metadata: Message { RecordBatch }, padding to 8, body
 *     FFFFFFFF 00000000
 *
 * That is what nanoarrow's ArrowIpcWriter, Arrow C++'s MakeStreamWriter and pyarrow's new_stream write for one batch. Metadata version
 * V5, little-endian, not compressed, no dictionaries, nothing behind the end. A batch may have no rows. Some ten thousand rows, or a few
 * megabytes, are a good size; both ends hold a batch in memory whole.
 *
 * Column types, and nothing else:
 *     Utf8, LargeUtf8      text, valid UTF-8, not trimmed and not folded; at most 2^31-1 bytes of text in a batch for Utf8
 *     Int(16|32|64, signed), Int(8, unsigned), FloatingPoint(DOUBLE), Bool
 *     Decimal(128 bits, precision 1 to 38, scale at most the precision)
 *     Date(DAY)            days since 1970-01-01
 *     Timestamp(any unit)  since 1970-01-01: without a time zone a wall clock in England, with one (any name) a moment in UTC
 * NULL is a null of Arrow, never an empty text or a special number. All batches of one stream have the same names, types and
 * nullability, in the same order. Metadata of schema and columns is passed over.
 *
 * Streams of session_scan have the column `child` first: Int(32, signed), never null, the number of the child (its place in the list of
 * session_select, from 0). Then the columns asked for, under the names and in the order asked for. Streams of session_list have the
 * columns asked for alone. Streams of session_documents have `person_id` and `document`, both Utf8 or LargeUtf8, the first never null.
 * ------------------------------------------------------------------------------------------------------------------------------ */

/* The table. It grows at its end only. A NULL entry is something that the plugin does not have; so is one beyond `size`.
 *
 *   a source of "tables"        source_new source_open session_list session_count session_select session_scan stream_next
 *   a source of "whole_tables"  source_new source_open session_list session_count stream_next
 *   a source of "documents"     source_new source_open session_documents stream_next
 *   a sink                      sink_facts sink_new sink_send sink_probe
 *   every plugin                describe cancel release (a host works without the last two, only worse)
 *
 * The order: describe; source_new; source_open; calls on the session, each stream read and released before the next call; release of the
 * session; release of the source. Or: sink_facts; sink_new; sink_send and sink_probe as often as needed; release. */
typedef struct csc_plugin {
    uint64_t magic;    /* CSC_BRIDGE_MAGIC */
    uint32_t abi;      /* CSC_BRIDGE_ABI */
    uint32_t reserved; /* 0 */
    uint64_t size;     /* bytes of the table that the plugin filled, from `magic` on: sizeof(csc_plugin) of your header, or the `size` that
                          init was given where that is less */

    /* What the plugin is. of: 0. May come at any time, and does nothing slow.
     *   out: {"name":"care-director","version":"1.2.0","source":"tables","sink":false}
     * name: 1 to 64 of a-z, 0-9 and hyphen: the word that stands in TOML. version: 1 to 64 printable ASCII characters without a space.
     * source (may be absent): "tables": rows of chosen children. "whole_tables": tables as they are; the host joins them itself.
     * "documents": one document for each child, for systems without tables. Absent or null: no source. */
    csc_call describe;

    /* A source. of: 0. Checks the options; opens nothing yet.
     *   in:  {"options":{"host":"db01","password":{"env":"CSC_DB_PASSWORD"}},"folder":"/etc/csc-bridge"}
     *   out: {"handle":1}
     * options: the keys of [source] in csc-bridge.toml that the host does not use itself, as JSON. Refuse keys that you do not know (kind
     * config). A secret is never written out: {"env":"NAME"} is an environment variable, {"file":"path"} a file to be read whole and
     * trimmed. folder: the configuration's own; paths in options that are relative are relative to it. */
    csc_call source_new;

    /* A read session: one moment in time. Every read of the session sees the same moment, or fails. of: the source.
     *   in:  {"tables":[{"table":{"schema":"dbo","table":"ssd_person"},"columns":["pers_person_id","pers_dob"]}]}
     *   out: {"handle":2}
     * tables: all that the session will be asked for, so that locks can be taken first, and so that a table or column that is missing is
     * said at once (kind schema, naming it). Empty for documents. schema: "" for an unqualified name. The names are the database's own;
     * any character may be in them: quote. */
    csc_call source_open;

    /* All rows of a table, without the column `child`. of: the session.
     *   in:  {"table":{"schema":"dbo","table":"ssd_person"},"columns":["pers_person_id","pers_dob"]}
     *   out: {"handle":3}, a stream */
    csc_call session_list;

    /* How many rows a table has, whosever they are. of: the session.
     *   in:  {"table":{"schema":"dbo","table":"ssd_person"}}
     *   out: {"rows":41203} */
    csc_call session_count;

    /* The children whose rows the next scans deliver, in place of those before. of: the session.
     *   in:  {"children":["10023","10041"]}
     *   out: {}
     * children: ids as trimmed text, distinct, some thousands or none; the number of a child is its place, from 0. */
    csc_call session_select;

    /* The rows of one table that belong to the selected children, tagged with the child's number, in any order. of: the session.
     *   in:  {"table":{"schema":"dbo","table":"ssd_cp_visits"},"columns":["cppv_cp_visit_id"],
     *         "path_to_child":{"joins":[{"column":"cppv_cp_plan_id","table":{"schema":"dbo","table":"ssd_cp_plans"},
     *                                    "key":"cppl_cp_plan_id"}],
     *                          "child":"cppl_person_id","no_key":["-1"]}}
     *   out: {"handle":4}, a stream
     * joins: from the scanned table outwards: `column` of the table reached so far equals `key` of `table`. Empty where the table names its
     * child itself. child: the column of the last table that holds the child's id. no_key: texts that stand for "no id".
     * All comparisons are of text without leading and trailing white space (Unicode White_Space), by exact characters: never by a
     * collation that folds case. A key that is null, blank or one of no_key joins nothing. A row that reaches two children is delivered
     * once for each; one that reaches a child in two ways, once. Rows of no selected child are not delivered. */
    csc_call session_scan;

    /* Documents of children, and which children there are. of: the session.
     *   in:  {"children":["10023","10041"]}, or {"children":null} for the ids
     *   out: {"handle":5}, a stream of person_id and document
     * children: ids without white space around, distinct, some thousands or none. The stream has exactly one row for each, in any order.
     * document: one JSON object, in the form that DfE takes, with the child's id in it; null where this child's cannot be had now, for
     * whatever reason: the child stays as it is. Where the system cannot be read at all the stream ends with CSC_ERROR.
     * null: every id that the system has, once, as it has it; document is null. A child who is not among them is gone. */
    csc_call session_documents;

    /* The next batch. of: the stream.
     *   out: CSC_OK: rows (above). CSC_COMPLETE: {"rows":18211}: the rows of all batches of this stream, which attests that everything was
     *   delivered. There is no other end: a read that was cut off is CSC_ERROR with kind incomplete, because fewer rows than there are
     *   look like deleted children. A table without rows may be CSC_COMPLETE at once. After CSC_COMPLETE or CSC_ERROR the stream is
     *   only released. */
    csc_call stream_next;

    /* What the options say of the sink, without its secrets. of: 0. Sends nothing.
     *   in:  {"options":{"folder":"out"},"folder":"/etc/csc-bridge"}
     *   out: {"max_records":100,"max_bytes":4000000,"request_life_ms":90000,"is_local":false}
     * max_records: records of one request, at least 1. max_bytes: bytes of one request's body, at least 1; a single record that is larger
     * is sent alone. request_life_ms: longest time for which a request can still be on the wire after it was begun, in milliseconds, at
     * most 366 days. is_local: whether everything sent stays on this machine. */
    csc_call sink_facts;

    /* A sink for one authority. of: 0. Checks the options and reads the secrets; sends nothing yet.
     *   in:  {"options":{"folder":"out"},"folder":"/etc/csc-bridge","la_code":"845"}
     *   out: {"handle":6,"max_records":100,"max_bytes":4000000,"request_life_ms":90000} */
    csc_call sink_new;

    /* Sends one batch, once: no retries, they are the host's. of: the sink.
     *   in:  {"records":[{"person_id":"10023","document":"{\"la_child_id\":\"10023\",\"purge\":false}"}]}
     *   out: CSC_OK: {"receipts":[{"id":"7c1e09","received_at":"2026-11-20 02:14:55.120"}],"request_id":"00-4bf9"}
     *        CSC_ERROR: an error, with more:
     *        {"kind":"unreachable","directive":"next_run","message":"the service is busy","advice":"nothing to do",
     *         "then":"retry","after_ms":30000,"records":null,"status":429,"detail":"Too many requests","request_id":"00-4bfa"}
     * document: the document's own text, to be sent as it is. receipts: one for each record, in the order sent. id: the other end's id of
     * the record. received_at (may be absent): when it was taken, YYYY-MM-DD HH:MM:SS.fff. request_id (may be absent): the other end's id
     * of its answer, at most 200 printable ASCII characters; it is logged.
     * then, what may be done about it:
     *     "retry"          nothing was taken; the same batch may be sent again, not before after_ms milliseconds (may be absent)
     *     "retry_unsure"   it may have been taken, and may be sent again; after_ms as above
     *     "reauthenticate" nothing was taken; the sink has dropped its credentials, and the next send fetches new ones
     *     "too_large"      nothing was taken; a smaller batch may go through
     *     "bad_records"    nothing was taken; the records at the places `records`, from 0, are bad (absent or empty: which is not said)
     *     "give_up"        nothing was taken, and no other batch would fare better
     *     "unknown"        it may have arrived. The right answer wherever you are not certain; so is any word that is not one of these
     * status (may be absent): the answer's HTTP status. detail (may be absent): the answer's own text, which may quote a child's data: the
     * host writes it into the staging table and nowhere else.
     * An output that the host cannot understand counts as "unknown": the batch may have arrived. */
    csc_call sink_send;

    /* Tries how far a batch would get, without sending a record. of: the sink.
     *   out: {"token":{"ok":"granted for 60 minutes"},
     *         "reach":{"error":{"kind":"permission","directive":"stop","message":"the supplier key is refused","advice":"ask DfE"}},
     *         "clock_ahead_s":-2}
     * token, reach (may be absent): whether the credentials were accepted, and whether the place that takes batches lets us in: ok with one
     * line for people, or an error. clock_ahead_s (may be absent): by how many seconds the other end's clock is ahead of this machine's. */
    csc_call sink_probe;

    /* The call that runs on the handle ends soon, with an error of kind interrupted. of: any handle. May come from another thread while
     * that call runs, returns at once, and does nothing where no call runs. Safe together with every call but release. */
    csc_call cancel;

    /* The handle is forgotten, and what it holds is given up: locks, connections, a stream that was not read to its end. of: any handle; a
     * session's streams come before the session. The host looks at nothing but CSC_PANIC. */
    csc_call release;
} csc_plugin;

/* The one symbol that a plugin exports, under this name:
 *
 *     CSC_BRIDGE_EXPORT csc_status csc_bridge_plugin_init(const csc_host *host, csc_plugin *table, uint64_t size)
 *
 * Called once in a process, before every other call. `table` points to `size` zeroed bytes; that may be less than sizeof(csc_plugin) of
 * your header (an older host) or more (a newer one). Fill at most `size` bytes, and write into table->size how many you filled. `host` is
 * readable during the call only. Returns CSC_OK; with any other status the plugin is not used, so say why by host->log. Does nothing
 * slow: no connections, no waiting. */
CSC_BRIDGE_EXPORT csc_status csc_bridge_plugin_init(const csc_host *host, csc_plugin *table, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
