/* SPDX-License-Identifier: MIT */
/* Clocks. Nothing here depends on how long anything takes: readings are enclosed by other readings.
 */
#include "base/clock.h"

#include <criterion/criterion.h>

static int64_t system_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

Test(clock, wall_and_monotonic_read_the_system_clocks_in_their_units)
{
    rl_clock_init();
    static const struct {
        int64_t (*read)(void);
        clockid_t id;
        int64_t unit_ns;
    } clocks[] = {
        {rl_clock_wall_ms, CLOCK_REALTIME, 1000000},
        {rl_clock_wall_us, CLOCK_REALTIME, 1000},
        {rl_clock_mono_ms, CLOCK_MONOTONIC, 1000000},
        {rl_clock_mono_us, CLOCK_MONOTONIC, 1000},
    };
    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        int64_t before = system_ns(clocks[i].id);
        int64_t value = clocks[i].read();
        int64_t after = system_ns(clocks[i].id);
        cr_assert_geq(value, before / clocks[i].unit_ns, "clock %zu", i);
        cr_assert_leq(value, after / clocks[i].unit_ns, "clock %zu", i);
    }
}

Test(clock, monotonic_time_never_goes_back)
{
    rl_clock_init();
    int64_t us = 0;
    uint64_t ticks = 0;
    for (int i = 0; i < 200000; i++) {
        int64_t now = rl_clock_mono_us();
        uint64_t now_ticks = rl_clock_ticks();
        cr_assert_geq(now, us);
        cr_assert_geq(now_ticks, ticks);
        us = now;
        ticks = now_ticks;
    }
}

/* A span in ticks must be at least as long as the monotonic span inside it and at most as long as
 * the one around it, give or take the 2 % that measuring the rate may be off. */
static void expect_rate(void) {
    int64_t outer_from = system_ns(CLOCK_MONOTONIC);
    uint64_t from = rl_clock_ticks();
    int64_t inner_from = system_ns(CLOCK_MONOTONIC);
    int64_t inner_to;
    do {
        inner_to = system_ns(CLOCK_MONOTONIC);
    } while (inner_to - inner_from < 5 * 1000 * 1000);
    uint64_t to = rl_clock_ticks();
    int64_t outer_to = system_ns(CLOCK_MONOTONIC);
    double ns = (double)rl_clock_ticks_to_ns(to - from);
    cr_assert_geq(ns, (double)(inner_to - inner_from) * 0.98);
    cr_assert_leq(ns, (double)(outer_to - outer_from) * 1.02);
}

Test(clock, ticks_measure_time_before_and_after_init)
{
    cr_assert_not(rl_clock_ticks_are_tsc);
    expect_rate();
    rl_clock_init();
    expect_rate();
    rl_clock_init(); /* once more does no harm */
    expect_rate();
}

Test(clock, converting_ticks_is_linear_and_does_not_overflow)
{
    rl_clock_init();
    cr_assert_eq(rl_clock_ticks_to_ns(0), 0);
    const uint64_t day = (uint64_t)86400 * 3000000000u; /* at 3 GHz */
    double one = (double)rl_clock_ticks_to_ns(day),
           hundred = (double)rl_clock_ticks_to_ns(day * 100);
    cr_assert_gt(one, 0);
    cr_assert_float_eq(hundred / one, 100.0, 1e-6);
}
