/* SPDX-License-Identifier: MIT */
/* The counters behind INFO: errors by code, rates, times of commands, and starting over. */
#include "server/stats.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define COMMANDS 3

static rl_stats *stats;

static void setup(void) {
    rl_clock_init();
    stats = rl_stats_create(COMMANDS);
}

static void teardown(void) {
    rl_stats_free(stats);
}

TestSuite(stats, .init = setup, .fini = teardown);

Test(stats, freeing_none_is_fine)
{ rl_stats_free(NULL); }

Test(stats, begin_at_zero)
{
    cr_assert_eq(stats->commands, 0);
    cr_assert_eq(stats->command_count, COMMANDS);
    for (int i = 0; i < COMMANDS; i++) {
        cr_assert_eq(stats->by_command[i].calls, 0);
        cr_assert_null(stats->by_command[i].latency);
    }
}

Test(stats, errors_are_counted_by_code)
{
    rl_stats_count_error(stats, RL_BYTES("ERR"));
    rl_stats_count_error(stats, RL_BYTES("WRONGTYPE"));
    rl_stats_count_error(stats, RL_BYTES("ERR"));
    rl_stats_count_error(stats, RL_BYTES("err"));
    cr_assert_eq(stats->error_replies, 4);
    cr_assert_eq(stats->error_count, 3);
    cr_assert_str_eq(stats->errors[0].code, "ERR");
    cr_assert_eq(stats->errors[0].count, 2);
    cr_assert_str_eq(stats->errors[1].code, "WRONGTYPE");
    cr_assert_eq(stats->errors[1].count, 1);
    cr_assert_eq(stats->errors[2].count, 1);
}

Test(stats, codes_are_bounded_in_length_and_number)
{
    char code[64];
    memset(code, 'X', sizeof code);
    rl_stats_count_error(stats, rl_bytes_of(code, sizeof code));
    cr_assert_eq(stats->error_replies, 1);
    cr_assert_eq(stats->error_count, 0);
    for (int i = 0; i < 2 * RL_ERROR_STATS_MAX; i++) {
        snprintf(code, sizeof code, "E%d", i);
        rl_stats_count_error(stats, rl_bytes_text(code));
    }
    cr_assert_eq(stats->error_count, RL_ERROR_STATS_MAX);
    cr_assert_eq(stats->error_replies, 1 + 2 * RL_ERROR_STATS_MAX);
    rl_stats_count_error(stats, RL_BYTES("E0"));
    cr_assert_eq(stats->errors[0].count, 2);
}

Test(stats, a_steady_rate_is_told_after_sixteen_samples)
{
    int64_t now_ms = 5000;
    uint64_t in = 1 << 20, out = 0;
    stats->commands = 777; /* from before the first sample: does not count as a burst */
    rl_stats_sample(stats, now_ms, in, out);
    cr_assert_eq(stats->instantaneous_ops, 0);
    for (int i = 0; i < 16; i++) {
        stats->commands += 50;
        in += 102400;
        out += 10240;
        rl_stats_sample(stats, now_ms += 100, in, out);
    }
    cr_assert_eq(stats->instantaneous_ops, 500);
    cr_assert_float_eq(stats->instantaneous_in_kbps, 1000, 0.001);
    cr_assert_float_eq(stats->instantaneous_out_kbps, 100, 0.001);
    for (int i = 0; i < 16; i++)
        rl_stats_sample(stats, now_ms += 100, in, out);
    cr_assert_eq(stats->instantaneous_ops, 0);
    cr_assert_float_eq(stats->instantaneous_in_kbps, 0, 0.001);
}

Test(stats, a_clock_that_stands_still_or_a_total_that_falls_is_no_rate)
{
    stats->commands = 10;
    rl_stats_sample(stats, 1000, 100, 100);
    stats->commands = 20;
    rl_stats_sample(stats, 1000, 50, 50);
    cr_assert_eq(stats->instantaneous_ops, 0);
    rl_stats_sample(stats, 900, 40, 40);
    cr_assert_eq(stats->instantaneous_ops, 0);
    cr_assert_float_eq(stats->instantaneous_in_kbps, 0, 0.001);
}

Test(stats, times_are_kept_only_when_asked_for)
{
    rl_stats_time(stats, &stats->by_command[1], 1000);
    cr_assert_null(stats->by_command[1].latency);
    stats->track_latency = true;
    rl_stats_time(stats, &stats->by_command[1], 1000);
    rl_stats_time(stats, &stats->by_command[1], 3000);
    cr_assert_not_null(stats->by_command[1].latency);
    cr_assert_eq(stats->by_command[1].latency->count, 2);
    cr_assert_eq(stats->by_command[1].latency->max_ns, rl_clock_ticks_to_ns(3000));
    cr_assert_null(stats->by_command[0].latency);
}

Test(stats, a_reset_forgets_counts_but_not_settings)
{
    stats->track_latency = true;
    stats->turns = 99;
    stats->commands = 5;
    stats->connections = 6;
    stats->by_command[2].calls = 7;
    stats->by_command[2].failed = 1;
    rl_stats_time(stats, &stats->by_command[2], 1000);
    rl_stats_count_error(stats, RL_BYTES("ERR"));
    rl_stats_sample(stats, 1000, 0, 0);
    rl_stats_reset(stats);
    cr_assert_eq(stats->commands, 0);
    cr_assert_eq(stats->connections, 0);
    cr_assert_eq(stats->error_count, 0);
    cr_assert_eq(stats->error_replies, 0);
    cr_assert_eq(stats->by_command[2].calls, 0);
    cr_assert_eq(stats->by_command[2].failed, 0);
    cr_assert_null(stats->by_command[2].latency);
    cr_assert_eq(stats->turns, 99, "the number of turns is not one of them");
    cr_assert(stats->track_latency);
    rl_stats_time(stats, &stats->by_command[2], 1000);
    cr_assert_eq(stats->by_command[2].latency->count, 1);
}
