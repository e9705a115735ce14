#include "base.h"
PLUGIN(t->magic ^= 1)
