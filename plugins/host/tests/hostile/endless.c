/* Does not come back from the entry WHERE. */
#include "base.h"
ENTRY(endless) { UNUSED; for (;;) sleep(1); return CSC_OK; }
PLUGIN(t->WHERE = endless)
