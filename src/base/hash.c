/* SPDX-License-Identifier: MIT */
/* The seed of all hashing. */
#include "base/hash.h"

#include "base/random.h"

uint64_t rl_hash_seed = 0;

void rl_hash_init(void) {
    rl_random_bytes(&rl_hash_seed, sizeof(rl_hash_seed));
}
