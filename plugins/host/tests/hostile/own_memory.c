/* Does everything right at the boundary, and writes into memory of its own that it has given back. */
#include "base.h"
ENTRY(scan) {
    volatile uint8_t *volatile own = malloc(64);
    free((void *)own);
    own[40] = 1;
    return good_session_scan(of, input, output);
}
PLUGIN(t->session_scan = scan)
