/* SPDX-License-Identifier: MIT */
/*
 * Random work on a keyspace: every type and every function that changes keys, over few names and
 * few elements, so that they meet. And a number that stands for all that a keyspace holds.
 */
#ifndef TESTS_LIB_RANDOM_KEYS_H
#define TESTS_LIB_RANDOM_KEYS_H

#include "keyspace/collection.h"

#define RANDOM_KEYS_DBS 2

/* A keyspace whose collections become large soon. */
rl_keyspace *random_keys_create(rl_batch_builder *batch);
/* One random change, or none; returns what it was about, for messages. now_ms: the turn's. */
const char *random_keys_step(rl_keyspace *ks, rl_random *dice, int64_t now_ms);

/* rl_hash, out of the compiler's sight: of a constant name gcc 12 warns about branches for long
 * ones.
 */
uint64_t random_keys_hash(rl_bytes key);

/* The same for equal keys, types, values, elements, order in lists, expiries and row ids; for any
 * difference almost surely another. Keys whose time is over are left out. */
uint64_t random_keys_digest(rl_keyspace *ks);

#endif
