/* An error that is none, with line breaks in it. */
#include "base.h"
ENTRY(open) {
    UNUSED;
    return say(output, CSC_ERROR, "{\"kind\":\"schema\",\"directive\":\"stop\",\"message\":\"one\\ntwo\\u001b[31m\",\"advice\":\"\"}");
}
PLUGIN(t->source_open = open)
