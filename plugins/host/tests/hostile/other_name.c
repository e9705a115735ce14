/* Its manifest calls it hostile. */
#include "base.h"
ENTRY(describe) { UNUSED; return say(output, CSC_OK, "{\"name\":\"gentle\",\"version\":\"1.0.0\",\"source\":null,\"sink\":true}"); }
PLUGIN(t->describe = describe)
