/* Delivers one batch, and is gone. */
#include "base.h"
ENTRY(next) {
    if (calls[of] == 0) return good_stream_next(of, input, output);
    raise(SIGKILL);
    return CSC_OK;
}
PLUGIN(t->stream_next = next)
