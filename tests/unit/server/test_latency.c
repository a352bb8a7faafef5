/* SPDX-License-Identifier: MIT */
/* Latency spikes: the threshold, one sample a second, the ring, and forgetting. */
#include "server/latency.h"

#include <criterion/criterion.h>
#include <stdio.h>

static rl_latency *latency;

static void setup(void) {
    latency = rl_latency_create();
}

static void teardown(void) {
    rl_latency_free(latency);
}

TestSuite(latency, .init = setup, .fini = teardown);

static const rl_latency_event *command(void) {
    return rl_latency_find(latency, RL_BYTES("command"));
}

Test(latency, freeing_none_is_fine)
{ rl_latency_free(NULL); }

Test(latency, nothing_is_kept_below_the_threshold_or_without_one)
{
    rl_latency_add(latency, 0, "command", 100, 1000000);
    rl_latency_add(latency, 10, "command", 100, 9);
    cr_assert_eq(rl_latency_count(latency), 0);
    cr_assert_null(command());
    rl_latency_add(latency, 10, "command", 100, 10);
    cr_assert_eq(rl_latency_count(latency), 1);
    cr_assert_eq(command()->count, 1);
}

Test(latency, a_second_keeps_its_worst)
{
    rl_latency_add(latency, 1, "command", 100, 20);
    rl_latency_add(latency, 1, "command", 100, 50);
    rl_latency_add(latency, 1, "command", 100, 30);
    cr_assert_eq(command()->count, 1);
    cr_assert_eq(command()->samples[0].took_ms, 50);
    rl_latency_add(latency, 1, "command", 101, 30);
    cr_assert_eq(command()->count, 2);
    cr_assert_eq(command()->samples[1].at_s, 101);
    cr_assert_eq(command()->samples[1].took_ms, 30);
    cr_assert_eq(command()->max_ms, 50);
}

Test(latency, the_ring_keeps_the_newest)
{
    for (int i = 0; i < RL_LATENCY_SAMPLES + 5; i++)
        rl_latency_add(latency, 1, "command", 1000 + i, (uint64_t)(1000 - i));
    const rl_latency_event *e = command();
    cr_assert_eq(e->count, RL_LATENCY_SAMPLES);
    cr_assert_eq(e->next, 5);
    cr_assert_eq(e->samples[4].at_s, 1000 + RL_LATENCY_SAMPLES + 4);
    cr_assert_eq(e->samples[5].at_s, 1005, "the oldest");
    cr_assert_eq(e->max_ms, 1000, "the worst of all, though its sample is gone");
}

Test(latency, a_time_that_no_sample_can_hold_is_the_largest)
{
    rl_latency_add(latency, 1, "command", 100, UINT64_MAX);
    cr_assert_eq(command()->max_ms, UINT32_MAX);
    cr_assert_eq(command()->samples[0].took_ms, UINT32_MAX);
}

Test(latency, events_stand_in_order_of_name)
{
    static const char *const names[] = {"fast-command", "command", "expire", "aof"};
    static const char *const sorted[] = {"aof", "command", "expire", "fast-command"};
    for (int i = 0; i < 4; i++)
        rl_latency_add(latency, 1, names[i], 100, 5);
    cr_assert_eq(rl_latency_count(latency), 4);
    for (size_t i = 0; i < 4; i++)
        cr_assert_str_eq(rl_latency_at(latency, i)->name, sorted[i]);
    cr_assert_null(rl_latency_at(latency, 4));
    cr_assert_null(rl_latency_find(latency, RL_BYTES("COMMAND")), "names have one case");
    cr_assert_null(rl_latency_find(latency, RL_BYTES("comm")));
}

Test(latency, resetting_one_keeps_the_others)
{
    rl_latency_add(latency, 1, "a", 100, 5);
    rl_latency_add(latency, 1, "b", 100, 5);
    rl_latency_add(latency, 1, "c", 100, 5);
    cr_assert_eq(rl_latency_reset(latency, RL_BYTES("x")), 0);
    cr_assert_eq(rl_latency_reset(latency, RL_BYTES("")), 0, "an empty name is a name");
    cr_assert_eq(rl_latency_reset(latency, RL_BYTES("b")), 1);
    cr_assert_eq(rl_latency_count(latency), 2);
    cr_assert_str_eq(rl_latency_at(latency, 1)->name, "c");
    cr_assert_eq(rl_latency_reset(latency, rl_bytes_of(NULL, 0)), 2);
    cr_assert_eq(rl_latency_count(latency), 0);
    rl_latency_add(latency, 1, "b", 100, 5);
    cr_assert_eq(rl_latency_count(latency), 1);
}

Test(latency, names_and_events_are_bounded)
{
    char name[64];
    memset(name, 'n', sizeof name);
    name[63] = '\0';
    rl_latency_add(latency, 1, name, 100, 5);
    cr_assert_eq(rl_latency_count(latency), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "event-%03d", i);
        rl_latency_add(latency, 1, name, 100, 5);
    }
    size_t count = rl_latency_count(latency);
    cr_assert(count > 10 && count < 100);
    rl_latency_add(latency, 1, "event-000", 101, 7);
    cr_assert_eq(rl_latency_find(latency, RL_BYTES("event-000"))->count, 2);
}
