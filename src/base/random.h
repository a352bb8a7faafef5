/* SPDX-License-Identifier: MIT */
/* Random numbers. */
#ifndef RL_BASE_RANDOM_H
#define RL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills with bytes from the system (getrandom). Any thread. */
void rl_random_bytes(void *out, size_t len);

/* A small fast generator (xoshiro256** by Blackman and Vigna) for sampling; not for secrets. One
 * thread per generator. */
typedef struct rl_random {
    uint64_t s[4];
} rl_random;

void rl_random_seed(rl_random *r, uint64_t seed);
uint64_t rl_random_next(rl_random *r);
uint64_t rl_random_below(rl_random *r, uint64_t limit); /* uniform in [0, limit); limit > 0 */

#endif
