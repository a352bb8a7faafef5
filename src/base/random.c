/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: the system's for secrets and seeds; xoshiro256** (D. Blackman and S. Vigna,
 * "Scrambled linear pseudorandom number generators", 2018) for sampling.
 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

void rl_random_bytes(void *out, size_t len) {
    unsigned char *to = out;
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            /* There is no safe second best: seeds and run ids would become guessable. */
            rl_log(RL_LOG_WARNING, "The system gives no random bytes (getrandom: %s). Stopping.",
                   strerror(errno));
            abort();
        }
        to += got;
        len -= (size_t)got;
    }
}

/* SplitMix64: spreads one number over the state, which must not be all zeros. */
static uint64_t split_mix(uint64_t *x) {
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rl_random_seed(rl_random *r, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        r->s[i] = split_mix(&seed);
}

static uint64_t rotate_left(uint64_t x, int by) {
    return (x << by) | (x >> (64 - by));
}

uint64_t rl_random_next(rl_random *r) {
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* D. Lemire's "Fast random integer generation in an interval": a multiplication instead of a
 * division, and exactly uniform because the few values that would be drawn too often are thrown
 * away. */
uint64_t rl_random_below(rl_random *r, uint64_t limit) {
    assert(limit > 0);
    unsigned __int128 product = (unsigned __int128)rl_random_next(r) * limit;
    if ((uint64_t)product < limit) {
        uint64_t reject_below = -limit % limit;
        while ((uint64_t)product < reject_below)
            product = (unsigned __int128)rl_random_next(r) * limit;
    }
    return (uint64_t)(product >> 64);
}
