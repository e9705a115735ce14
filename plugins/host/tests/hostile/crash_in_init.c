/* Ends its process in init, by HOW. */
#include "base.h"
PLUGIN(HOW)
