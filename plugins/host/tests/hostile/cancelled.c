/* Reads a stream that has no end, until somebody cancels it: then it says so. */
#include "base.h"
static volatile int cancelled;
ENTRY(next) {
    if (of != 100) return good_stream_next(of, input, output);
    while (!cancelled) usleep(1000);
    cancelled = 0;
    return say(output, CSC_ERROR, "{\"kind\":\"interrupted\",\"directive\":\"next_run\",\"message\":\"cancelled\",\"advice\":\"none\"}");
}
ENTRY(cancel) { UNUSED; if (of == 100) cancelled = 1; return CSC_OK; }
PLUGIN(t->stream_next = next; t->cancel = cancel)
