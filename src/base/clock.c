/* SPDX-License-Identifier: MIT */
/* Clocks: the system's two, and the processor's counter where it can be trusted. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool rl_clock_ticks_are_tsc = false;

/* Nanoseconds per tick as a 32.32 fixed-point number. */
static uint64_t ns_per_tick = (uint64_t)1 << 32;

static int64_t read_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t rl_clock_wall_ms(void) {
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t rl_clock_wall_us(void) {
    return read_ns(CLOCK_REALTIME) / 1000;
}

int64_t rl_clock_mono_us(void) {
    return read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t rl_clock_mono_ms(void) {
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

#if defined(__x86_64__)

/* The processor promises a constant rate in every sleep state ("invariant TSC"), and the kernel,
 * which compares it with other clocks all the time, has not given up on it. */
static bool tsc_is_steady(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(0x80000007u, &a, &b, &c, &d) || !(d & (1u << 8)))
        return false;

    FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (!f)
        return true; /* no kernel's opinion to be had here */
    char name[64] = "";
    bool read = fgets(name, sizeof(name), f) != NULL;
    fclose(f);
    static const char *const tsc_based[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"};
    for (size_t i = 0; read && i < sizeof(tsc_based) / sizeof(tsc_based[0]); i++) {
        size_t len = strlen(tsc_based[i]);
        if (strncmp(name, tsc_based[i], len) == 0 && (name[len] == '\n' || name[len] == '\0'))
            return true;
    }
    return false;
}

typedef struct moment {
    int64_t ns;
    uint64_t tsc;
} moment;

/* Both clocks at one moment: of several tries the one with the least time in between, so that being
 * interrupted does not count. */
static moment moment_read(void) {
    moment best = {0, 0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t before = __rdtsc();
        int64_t ns = read_ns(CLOCK_MONOTONIC);
        uint64_t after = __rdtsc();
        if (after - before < least) {
            least = after - before;
            best = (moment){ns, before + (after - before) / 2};
        }
    }
    return best;
}

void rl_clock_init(void) {
    if (rl_clock_ticks_are_tsc || !tsc_is_steady())
        return;
    moment from = moment_read();
    nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    moment to = moment_read();
    uint64_t ns = (uint64_t)(to.ns - from.ns), ticks = to.tsc - from.tsc;
    if (to.tsc <= from.tsc || to.ns <= from.ns)
        return; /* not a clock after all */
    ns_per_tick = (uint64_t)(((unsigned __int128)ns << 32) / ticks);
    rl_clock_ticks_are_tsc = true;
}

#else

void rl_clock_init(void) {
}

#endif

uint64_t rl_clock_ticks_to_ns(uint64_t ticks) {
    return (uint64_t)(((unsigned __int128)ticks * ns_per_tick) >> 32);
}
