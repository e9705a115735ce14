/* An error that is none, with line breaks in it; or TEXT. */
#include "base.h"
#ifndef TEXT
#define TEXT "{\"kind\":\"schema\",\"directive\":\"stop\",\"message\":\"one\\ntwo\\u001b[31m\",\"advice\":\"\"}"
#endif
ENTRY(open) { UNUSED; return say(output, CSC_ERROR, TEXT); }
PLUGIN(t->source_open = open)
