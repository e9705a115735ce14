/* Handles: the numbers that the host has for what is kept here. A number is never used again. */
#ifndef HANDLES_H
#define HANDLES_H

#include <stdbool.h>

#include "csc_bridge_plugin.h"
#include "fault.h"

typedef enum thing_kind { A_SOURCE, A_SESSION, A_STREAM } thing_kind;

typedef struct thing thing;

/* Keeps `what` under a new number, until it is released, no call runs on it, and nothing made of it is left; then `drop` frees it. `above`:
 * what it was made of (NULL: nothing), which is kept as long. 0: no memory; `what` is the caller's then. */
csc_handle thing_add(thing_kind kind, void *what, void (*drop)(void *what), thing *above);

/* Begins a call. NULL: there is no such thing, it is another kind of thing, or a call runs on it: the host has a fault. */
thing *thing_enter(csc_handle number, thing_kind kind, fault *why);
void thing_leave(thing *of);

void *thing_what(const thing *of);
/* What it was made of. */
thing *thing_above(const thing *of);
/* Whether the call that runs on it is to end: a csv_reader's is_stopped. */
bool thing_is_stopped(void *of);

/* Has the call that runs on it end. false: there is no such thing. */
bool thing_cancel(csc_handle number);
/* Gives the number up. false: there is no such thing. */
bool thing_release(csc_handle number);

#endif
