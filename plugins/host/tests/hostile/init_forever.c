#include "base.h"
PLUGIN(for (;;) sleep(1))
