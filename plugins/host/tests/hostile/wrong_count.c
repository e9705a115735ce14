#include "base.h"
ENTRY(next) {
    if (calls[of] == 0) return good_stream_next(of, input, output);
    return say(output, CSC_COMPLETE, "{\"rows\":3}");
}
PLUGIN(t->stream_next = next)
