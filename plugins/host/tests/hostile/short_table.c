/* Built against a header whose table ends before `cancel`. */
#define SHORT_TABLE
#include "base.h"
PLUGIN()
