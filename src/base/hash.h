/* SPDX-License-Identifier: MIT */
/* Hashing: XXH3 with a seed drawn at start, so that nobody can prepare colliding keys. Any thread.
 */
#ifndef RL_BASE_HASH_H
#define RL_BASE_HASH_H

#include <stdint.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes.h"

extern uint64_t rl_hash_seed; /* written once by rl_hash_init, before any thread starts */
void rl_hash_init(void);

static inline uint64_t rl_hash(rl_bytes bytes) {
    return XXH3_64bits_withSeed(bytes.ptr, bytes.len, rl_hash_seed);
}

#endif
