/* `describe` promises a source of tables. */
#include "base.h"
PLUGIN(t->session_scan = NULL)
