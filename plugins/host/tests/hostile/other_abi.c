#include "base.h"
PLUGIN(t->abi = CSC_BRIDGE_ABI + 1)
