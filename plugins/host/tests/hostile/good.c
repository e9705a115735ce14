/* Nothing is wrong with it. */
#include "base.h"
PLUGIN()
