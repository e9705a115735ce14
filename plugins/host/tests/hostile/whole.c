/* Delivers whole tables, and cannot join. */
#define KIND "\"whole_tables\""
#include "base.h"
/* Streams: 110 persons, 111 plans, 112 visits. */
ENTRY(list) {
    UNUSED;
    char text[4096] = {0};
    memcpy(text, input.data, input.len < 4095 ? input.len : 4095);
    calls[110] = calls[111] = calls[112] = 0;
    if (strstr(text, "\"Persons\"")) return say(output, CSC_OK, "{\"handle\":110}");
    if (strstr(text, "\"cp plans\"")) return say(output, CSC_OK, "{\"handle\":111}");
    return say(output, CSC_OK, "{\"handle\":112}");
}
ENTRY(next) {
    UNUSED;
    if (of == 110) return calls[of]++ ? say(output, CSC_COMPLETE, PERSONS_COUNT) : rows(output, PERSONS, sizeof(PERSONS));
    if (of == 111) return calls[of]++ ? say(output, CSC_COMPLETE, PLANS_COUNT) : rows(output, PLANS, sizeof(PLANS));
    return calls[of]++ ? say(output, CSC_COMPLETE, VISITS_END) : rows(output, VISITS, sizeof(VISITS));
}
PLUGIN(t->session_list = list; t->stream_next = next; t->session_select = NULL; t->session_scan = NULL)
