/* Rows of a list where those of a scan should be. */
#include "base.h"
ENTRY(next) {
    if (of != 100) return good_stream_next(of, input, output);
    return rows(output, LIST, sizeof(LIST));
}
PLUGIN(t->stream_next = next)
