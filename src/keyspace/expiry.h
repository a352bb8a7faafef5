/* SPDX-License-Identifier: MIT */
/*
 * The keys of one database that expire, ordered by when: a 4-ary heap whose places the entries
 * know, so a new time, a removal and "who is next" cost O(log n) at worst and usually one step (a
 * new expiry is mostly later than the others, and stays at the bottom). Places are kept in chunks,
 * so growing copies nothing. Loop thread.
 */
#ifndef RL_KEYSPACE_EXPIRY_H
#define RL_KEYSPACE_EXPIRY_H

#include "keyspace/entry.h"

typedef struct rl_expiry rl_expiry;

rl_expiry *rl_expiry_create(void);
void rl_expiry_free(rl_expiry *x);
size_t rl_expiry_count(const rl_expiry *x);
size_t rl_expiry_memory(const rl_expiry *x);

/* The entry must have its expiry part; add and change write its time and place. */
void rl_expiry_add(rl_expiry *x, rl_entry *e, int64_t at_ms);
void rl_expiry_change(rl_expiry *x, rl_entry *e, int64_t at_ms);
void rl_expiry_remove(rl_expiry *x, rl_entry *e);
void rl_expiry_moved(rl_expiry *x, rl_entry *e); /* the entry has a new address */

/* The next to expire, NULL when there is none; *at_ms is its time. */
rl_entry *rl_expiry_next(const rl_expiry *x, int64_t *at_ms);
/* The mean of some times, for INFO's avg_ttl; now when empty. */
int64_t rl_expiry_sample_mean(const rl_expiry *x, int64_t now_ms);
/* About how many are due but still there: 0 exactly when none is, else by a sample. */
size_t rl_expiry_sample_due(const rl_expiry *x, int64_t now_ms);

#endif
