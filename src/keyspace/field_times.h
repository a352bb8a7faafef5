/* SPDX-License-Identifier: MIT */
/*
 * Which hashes of a database have fields that expire, soonest first. A heap of (time, hash of the
 * key, row id); an item is a hint: the hash it names may be gone, or have no such field any more,
 * which who takes it finds out. For each hash with timed fields there is an item that is not later
 * than its soonest field. Loop thread.
 */
#ifndef RL_KEYSPACE_FIELD_TIMES_H
#define RL_KEYSPACE_FIELD_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_field_time {
    int64_t at_ms;
    uint64_t hash; /* of the key */
    uint64_t id;   /* of its row */
} rl_field_time;

typedef struct rl_field_times { /* zeroed: empty */
    rl_field_time *items;
    size_t count, cap;
    size_t hashes; /* that have an item; kept by the keyspace */
} rl_field_times;

void rl_field_times_release(rl_field_times *t);
/* alive says whether the hash that an item names is there; asked when there are many items. */
void rl_field_times_add(rl_field_times *t, rl_field_time item,
                        bool (*alive)(void *arg, const rl_field_time *item), void *arg);
bool rl_field_times_first(const rl_field_times *t, rl_field_time *out); /* the soonest */
void rl_field_times_drop_first(rl_field_times *t);

#endif
