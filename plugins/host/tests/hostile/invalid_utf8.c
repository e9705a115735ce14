#include "base.h"
ENTRY(describe) {
    UNUSED;
    return say(output, CSC_OK, "{\"name\":\"hostile\",\"version\":\"1\xff\xfe\",\"source\":\"tables\",\"sink\":false}");
}
PLUGIN(t->describe = describe)
