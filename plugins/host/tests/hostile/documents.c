/* Delivers documents, whatever it is asked for. ROWS are those. HOW comes before. */
#define KIND "\"documents\""
#include "base.h"
#ifndef HOW
#define HOW
#endif
ENTRY(documents) { HOW; UNUSED; calls[120] = 0; return say(output, CSC_OK, "{\"handle\":120}"); }
ENTRY(next) {
    UNUSED;
    if (calls[of]++) return say(output, CSC_COMPLETE, "{\"rows\":2}");
    return rows(output, ROWS, sizeof(ROWS));
}
PLUGIN(t->session_documents = documents; t->stream_next = next; t->session_list = NULL; t->session_scan = NULL)
