/* SPDX-License-Identifier: MIT */
/*
 * Clocks. Wall time is Unix time; monotonic time and ticks have no meaning but their difference.
 * Any thread. rl_clock_init runs once in main before the others are used.
 */
#ifndef RL_BASE_CLOCK_H
#define RL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

void rl_clock_init(void); /* measures the tick rate; takes about 10 ms where ticks are the TSC */

int64_t rl_clock_wall_ms(void);
int64_t rl_clock_wall_us(void);
int64_t rl_clock_mono_us(void);
int64_t rl_clock_mono_ms(void);

/* True when the processor's counter can serve as a clock (constant and non-stop, seen at init). */
extern bool rl_clock_ticks_are_tsc; /* written once by rl_clock_init */

/* The cheapest clock there is, for timing single commands: a few nanoseconds on x86-64 with a
 * steady TSC, else CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t rl_clock_ticks(void) {
#if defined(__x86_64__)
    if (rl_clock_ticks_are_tsc)
        return __rdtsc();
#endif
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
uint64_t rl_clock_ticks_to_ns(uint64_t ticks);

#endif
