/* SPDX-License-Identifier: MIT */
/*
 * Sessions that wait until a moment, the soonest first: a binary heap, in which each session knows
 * its place. Adding, removing: O(log n). Loop thread.
 */
#ifndef RL_SERVER_DEADLINES_H
#define RL_SERVER_DEADLINES_H

#include <stddef.h>

#include "server/session.h"

/* Zeroed: empty. */
typedef struct rl_deadlines {
    rl_session **at;
    size_t count, capacity;
} rl_deadlines;

void rl_deadlines_release(rl_deadlines *d);
/* By its block.deadline_ms, which must not change before it is removed. It is in no heap. */
void rl_deadlines_add(rl_deadlines *d, rl_session *s);
void rl_deadlines_remove(rl_deadlines *d, rl_session *s); /* fine when it is not there */
static inline rl_session *rl_deadlines_first(const rl_deadlines *d) {
    return d->count ? d->at[0] : NULL;
}

#endif
