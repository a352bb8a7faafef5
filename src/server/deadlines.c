/* SPDX-License-Identifier: MIT */
/* A heap of sessions by deadline. See deadlines.h. A session's `deadline_place` is its index and
 * one: 0 says that it is in no heap. */
#include "server/deadlines.h"

#include <assert.h>

#include "base/alloc.h"

#define FIRST_CAPACITY 16

void rl_deadlines_release(rl_deadlines *d) {
    rl_free(d->at);
    *d = (rl_deadlines){0};
}

static void put(rl_deadlines *d, size_t i, rl_session *s) {
    d->at[i] = s;
    s->deadline_place = i + 1;
}

static bool sooner(const rl_session *a, const rl_session *b) {
    return a->block.deadline_ms < b->block.deadline_ms;
}

/* s goes to place i or above it, and what stood there down. */
static void sift_up(rl_deadlines *d, size_t i, rl_session *s) {
    while (i > 0 && sooner(s, d->at[(i - 1) / 2])) {
        put(d, i, d->at[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(d, i, s);
}

/* s goes to place i or below it. */
static void sift_down(rl_deadlines *d, size_t i, rl_session *s) {
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < d->count && sooner(d->at[child + 1], d->at[child]))
            child++;
        if (child >= d->count || !sooner(d->at[child], s))
            break;
        put(d, i, d->at[child]);
        i = child;
    }
    put(d, i, s);
}

void rl_deadlines_add(rl_deadlines *d, rl_session *s) {
    assert(s->deadline_place == 0);
    if (d->count == d->capacity) {
        d->capacity = d->capacity ? 2 * d->capacity : FIRST_CAPACITY;
        d->at = rl_realloc(d->at, d->capacity * sizeof(rl_session *));
    }
    sift_up(d, d->count++, s);
}

void rl_deadlines_remove(rl_deadlines *d, rl_session *s) {
    if (s->deadline_place == 0)
        return;
    size_t i = s->deadline_place - 1;
    s->deadline_place = 0;
    rl_session *last = d->at[--d->count];
    if (last == s)
        return;
    if (i > 0 && sooner(last, d->at[(i - 1) / 2]))
        sift_up(d, i, last);
    else
        sift_down(d, i, last);
}
