#include "handles.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct thing {
    csc_handle number;
    thing_kind kind;
    void *what;
    void (*drop)(void *what);
    thing *above;
    unsigned uses; /* its number, a call that runs, and each thing made of it */
    bool is_running;
    bool is_stopped;
    thing *next;
};

/* Of everything below, and of the fields of things that change. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static thing *all; /* those that have a number: a handful */
static csc_handle last;

static thing **find(csc_handle number)
{
    thing **at = &all;

    while (*at != NULL && (*at)->number != number) at = &(*at)->next;
    return at;
}

csc_handle thing_add(thing_kind kind, void *what, void (*drop)(void *what), thing *above)
{
    thing *added = calloc(1, sizeof(*added));
    csc_handle number;

    if (added == NULL) return 0;
    added->kind = kind;
    added->what = what;
    added->drop = drop;
    added->above = above;
    added->uses = 1;
    pthread_mutex_lock(&lock);
    added->number = number = ++last;
    added->next = all;
    all = added;
    if (above != NULL) above->uses++;
    pthread_mutex_unlock(&lock);
    return number;
}

/* One use less of a thing and, where it was the last, of what it was made of. */
static void let_go(thing *of)
{
    while (of != NULL) {
        thing *above = of->above;
        bool was_last;
        pthread_mutex_lock(&lock);
        was_last = --of->uses == 0;
        pthread_mutex_unlock(&lock);
        if (!was_last) return;
        of->drop(of->what);
        free(of);
        of = above;
    }
}

thing *thing_enter(csc_handle number, thing_kind kind, fault *why)
{
    static const char *const words[] = {"source", "session", "stream"};
    bool is_running = false;
    thing *found;

    pthread_mutex_lock(&lock);
    found = *find(number);
    if (found != NULL && found->kind != kind) found = NULL;
    if (found != NULL && found->is_running) {
        is_running = true;
        found = NULL;
    }
    if (found != NULL) {
        found->uses++;
        found->is_running = true;
        found->is_stopped = false;
    }
    pthread_mutex_unlock(&lock);
    if (found != NULL) return found;
    if (is_running) FAIL_INTERNAL(why, "a call on the %s %" PRIu64 " came while another one runs", words[kind], number);
    else FAIL_INTERNAL(why, "there is no %s %" PRIu64, words[kind], number);
    return NULL;
}

void thing_leave(thing *of)
{
    pthread_mutex_lock(&lock);
    of->is_running = false;
    pthread_mutex_unlock(&lock);
    let_go(of);
}

void *thing_what(const thing *of)
{
    return of->what;
}

thing *thing_above(const thing *of)
{
    return of->above;
}

bool thing_is_stopped(void *of)
{
    bool is_stopped;

    pthread_mutex_lock(&lock);
    is_stopped = ((thing *)of)->is_stopped;
    pthread_mutex_unlock(&lock);
    return is_stopped;
}

bool thing_cancel(csc_handle number)
{
    thing *found;

    pthread_mutex_lock(&lock);
    found = *find(number);
    /* The next call begins anew. */
    if (found != NULL && found->is_running) found->is_stopped = true;
    pthread_mutex_unlock(&lock);
    return found != NULL;
}

bool thing_release(csc_handle number)
{
    thing **place, *found;

    pthread_mutex_lock(&lock);
    place = find(number);
    found = *place;
    if (found != NULL) *place = found->next;
    pthread_mutex_unlock(&lock);
    let_go(found);
    return found != NULL;
}
