/* Ends its process in the entry WHERE, by HOW. */
#include "base.h"
#define JOIN(a, b) a##b
#define GOOD(name) JOIN(good_, name)
ENTRY(crash) { HOW; return GOOD(WHERE)(of, input, output); }
PLUGIN(t->WHERE = crash)
