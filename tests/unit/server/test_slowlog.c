/* SPDX-License-Identifier: MIT */
/* The slow log: order, length, and how long requests are shortened. */
#include "server/slowlog.h"

#include <criterion/criterion.h>
#include <stdio.h>

static rl_slowlog *slow;

static void setup(void) {
    slow = rl_slowlog_create();
}

static void teardown(void) {
    rl_slowlog_free(slow);
}

TestSuite(slowlog, .init = setup, .fini = teardown);

static void add(uint64_t max_len, int64_t took_us) {
    rl_bytes argv[] = {RL_BYTES("get"), RL_BYTES("k")};
    rl_slowlog_add(slow, max_len, 1700000000, took_us, argv, 2, "127.0.0.1:5000", "me");
}

static void expect_text(rl_bytes got, const char *wanted) {
    cr_assert(rl_bytes_equal(got, rl_bytes_text(wanted)), "got \"%.*s\", wanted \"%s\"",
              (int)got.len, got.ptr, wanted);
}

Test(slowlog, is_empty_at_first)
{
    cr_assert_eq(rl_slowlog_count(slow), 0);
    cr_assert_null(rl_slowlog_at(slow, 0));
    rl_slowlog_reset(slow);
    cr_assert_eq(rl_slowlog_count(slow), 0);
}

Test(slowlog, freeing_none_is_fine)
{ rl_slowlog_free(NULL); }

Test(slowlog, an_entry_has_all_it_was_told)
{
    rl_bytes argv[] = {RL_BYTES("SET"), RL_BYTES("a\0b"), RL_BYTES("")};
    rl_slowlog_add(slow, 10, 1700000001, 12345, argv, 3, "[::1]:7", "name");
    const rl_slow_entry *e = rl_slowlog_at(slow, 0);
    cr_assert_not_null(e);
    cr_assert_eq(e->at_s, 1700000001);
    cr_assert_eq(e->took_us, 12345);
    cr_assert_eq(e->argc, 3);
    for (int i = 0; i < 3; i++) {
        cr_assert(rl_bytes_equal(e->argv[i], argv[i]));
        cr_assert_neq(e->argv[i].ptr, argv[i].ptr, "an entry outlives its request");
    }
    cr_assert_str_eq(e->peer, "[::1]:7");
    cr_assert_str_eq(e->name, "name");
}

Test(slowlog, the_newest_comes_first_and_ids_go_on)
{
    for (int i = 0; i < 40; i++)
        add(100, i);
    cr_assert_eq(rl_slowlog_count(slow), 40);
    for (size_t i = 0; i < 40; i++) {
        cr_assert_eq(rl_slowlog_at(slow, i)->took_us, 39 - (int64_t)i);
        cr_assert_eq(rl_slowlog_at(slow, i)->id, 39 - (int64_t)i);
    }
    cr_assert_null(rl_slowlog_at(slow, 40));
    rl_slowlog_reset(slow);
    add(100, 7);
    cr_assert_eq(rl_slowlog_count(slow), 1);
    cr_assert_eq(rl_slowlog_at(slow, 0)->id, 40, "ids are not used again after a reset");
}

Test(slowlog, the_oldest_go_when_it_is_full)
{
    for (int i = 0; i < 10; i++)
        add(3, i);
    cr_assert_eq(rl_slowlog_count(slow), 3);
    cr_assert_eq(rl_slowlog_at(slow, 0)->took_us, 9);
    cr_assert_eq(rl_slowlog_at(slow, 2)->took_us, 7);
}

Test(slowlog, a_smaller_length_takes_effect_with_the_next_entry)
{
    for (int i = 0; i < 10; i++)
        add(10, i);
    add(2, 10);
    cr_assert_eq(rl_slowlog_count(slow), 2);
    cr_assert_eq(rl_slowlog_at(slow, 1)->took_us, 9);
    add(0, 11);
    cr_assert_eq(rl_slowlog_count(slow), 0);
}

Test(slowlog, long_arguments_are_cut_at_128_bytes)
{
    char text[500];
    memset(text, 'x', sizeof text);
    rl_bytes argv[] = {rl_bytes_of(text, 128), rl_bytes_of(text, 129), rl_bytes_of(text, 500)};
    rl_slowlog_add(slow, 10, 0, 0, argv, 3, "", "");
    const rl_slow_entry *e = rl_slowlog_at(slow, 0);
    cr_assert(rl_bytes_equal(e->argv[0], argv[0]));
    char wanted[200];
    snprintf(wanted, sizeof wanted, "%.128s... (1 more bytes)", text);
    expect_text(e->argv[1], wanted);
    snprintf(wanted, sizeof wanted, "%.128s... (372 more bytes)", text);
    expect_text(e->argv[2], wanted);
}

Test(slowlog, arguments_beyond_32_are_counted)
{
    rl_bytes argv[40];
    char texts[40][8];
    for (int i = 0; i < 40; i++) {
        snprintf(texts[i], sizeof texts[i], "%d", i);
        argv[i] = rl_bytes_text(texts[i]);
    }
    rl_slowlog_add(slow, 10, 0, 0, argv, 32, "", "");
    const rl_slow_entry *e = rl_slowlog_at(slow, 0);
    cr_assert_eq(e->argc, 32);
    expect_text(e->argv[31], "31");
    rl_slowlog_add(slow, 10, 0, 0, argv, 33, "", "");
    e = rl_slowlog_at(slow, 0);
    cr_assert_eq(e->argc, 32);
    expect_text(e->argv[30], "30");
    expect_text(e->argv[31], "... (2 more arguments)");
    rl_slowlog_add(slow, 10, 0, 0, argv, 40, "", "");
    expect_text(rl_slowlog_at(slow, 0)->argv[31], "... (9 more arguments)");
}
