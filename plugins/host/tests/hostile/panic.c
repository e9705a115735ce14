/* Finds itself broken in the first scan, and would be well in the next. */
#include "base.h"
ENTRY(scan) { static int before; return before++ ? good_session_scan(of, input, output) : CSC_PANIC; }
PLUGIN(t->session_scan = scan)
