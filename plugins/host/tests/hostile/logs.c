/* Logs what it should not. */
#include "base.h"
static csc_host kept;
ENTRY(scan) {
    static char huge[1 << 20];
    memset(huge, 'x', sizeof(huge));
    kept.log(kept.context, CSC_LOG_WARN, (csc_bytes){NULL, 10});
    kept.log(kept.context, 99, (csc_bytes){(const uint8_t *)huge, sizeof(huge)});
    kept.log(NULL, CSC_LOG_WARN, (csc_bytes){(const uint8_t *)huge, 3});
    for (int n = 0; n < 3000; n++) kept.log(kept.context, CSC_LOG_DEBUG, (csc_bytes){(const uint8_t *)"one\ntwo\xff", 8});
    return good_session_scan(of, input, output);
}
PLUGIN(kept = *host; t->session_scan = scan)
