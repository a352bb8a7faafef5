/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of nanoseconds: 16 steps for each doubling, so a percentile is right to
 * about 6 per cent, in 4 KiB and with two instructions to record. For LATENCY HISTOGRAM and INFO
 * latencystats. One thread.
 */
#ifndef RL_SERVER_HISTOGRAM_H
#define RL_SERVER_HISTOGRAM_H

#include <stdint.h>

#define RL_HISTOGRAM_STEPS  16
#define RL_HISTOGRAM_PLACES (RL_HISTOGRAM_STEPS * 34) /* up to 2^37 ns, two minutes */

typedef struct rl_histogram {
    uint64_t count, max_ns;
    uint32_t places[RL_HISTOGRAM_PLACES];
} rl_histogram;

static inline unsigned rl_histogram_place(uint64_t ns) {
    if (ns < RL_HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned log = 63 - (unsigned)__builtin_clzll(ns);
    unsigned place =
        (log - 3) * RL_HISTOGRAM_STEPS + (unsigned)((ns >> (log - 4)) & (RL_HISTOGRAM_STEPS - 1));
    return place < RL_HISTOGRAM_PLACES ? place : RL_HISTOGRAM_PLACES - 1;
}
static inline void rl_histogram_add(rl_histogram *h, uint64_t ns) {
    h->places[rl_histogram_place(ns)]++;
    h->count++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}
uint64_t rl_histogram_place_top(unsigned place); /* the largest value that falls there */
uint64_t rl_histogram_percentile(const rl_histogram *h,
                                 double percent); /* nanoseconds, 0 when empty */

#endif
