/* SPDX-License-Identifier: MIT */
/* Comparing runs of bytes. */
#include "base/bytes.h"

#include <criterion/criterion.h>

static const rl_bytes none = {NULL, 0};

Test(bytes, a_literal_is_taken_without_its_terminator_and_with_its_zeros)
{
    rl_bytes b = RL_BYTES("a\0b");
    cr_assert_eq(b.len, 3);
    cr_assert_eq(memcmp(b.ptr, "a\0b", 3), 0);
    cr_assert_eq(RL_BYTES("").len, 0);
}

Test(bytes, text_ends_at_its_zero)
{
    cr_assert_eq(rl_bytes_text("abc").len, 3);
    cr_assert_eq(rl_bytes_text("a\0c").len, 1);
    cr_assert_eq(rl_bytes_text("").len, 0);
}

Test(bytes, equal_compares_every_byte_and_the_length)
{
    cr_assert(rl_bytes_equal(RL_BYTES("abc"), RL_BYTES("abc")));
    cr_assert(rl_bytes_equal(RL_BYTES("a\0b"), RL_BYTES("a\0b")));
    cr_assert_not(rl_bytes_equal(RL_BYTES("a\0b"), RL_BYTES("a\0c")));
    cr_assert_not(rl_bytes_equal(RL_BYTES("abc"), RL_BYTES("ab")));
    cr_assert_not(rl_bytes_equal(RL_BYTES("abc"), RL_BYTES("abC")));
    cr_assert_not(rl_bytes_equal(RL_BYTES(""), RL_BYTES("a")));
}

Test(bytes, nothing_equals_nothing_wherever_it_points)
{
    cr_assert(rl_bytes_equal(none, none));
    cr_assert(rl_bytes_equal(none, RL_BYTES("")));
    cr_assert_not(rl_bytes_equal(none, RL_BYTES("a")));
    cr_assert(rl_bytes_is(none, ""));
    cr_assert_not(rl_bytes_is(none, "a"));
    cr_assert_eq(rl_bytes_compare(none, RL_BYTES("")), 0);
    cr_assert_lt(rl_bytes_compare(none, RL_BYTES("a")), 0);
}

Test(bytes, is_ignores_case_and_nothing_else)
{
    cr_assert(rl_bytes_is(RL_BYTES("KeepTTL"), "keepttl"));
    cr_assert(rl_bytes_is(RL_BYTES("keepttl"), "KEEPTTL"));
    cr_assert_not(rl_bytes_is(RL_BYTES("keeptt"), "keepttl"));
    cr_assert_not(rl_bytes_is(RL_BYTES("keepttl "), "keepttl"));
    cr_assert_not(rl_bytes_is(RL_BYTES("nx\0"), "nx"));
    cr_assert_not(rl_bytes_is(RL_BYTES("@"), "`")); /* 0x40 and 0x60: no letters */
}

Test(bytes, compare_orders_by_unsigned_bytes_then_by_length)
{
    static const struct {
        rl_bytes low, high;
    } ordered[] = {
        {RL_BYTES(""), RL_BYTES("\0")},   {RL_BYTES("a"), RL_BYTES("b")},
        {RL_BYTES("a"), RL_BYTES("aa")},  {RL_BYTES("ab"), RL_BYTES("b")},
        {RL_BYTES("A"), RL_BYTES("a")},   {RL_BYTES("a\x7f"), RL_BYTES("a\x80")},
        {RL_BYTES("a"), RL_BYTES("a\0")}, {RL_BYTES("a\0a"), RL_BYTES("a\0b")},
    };
    for (size_t i = 0; i < sizeof(ordered) / sizeof(ordered[0]); i++) {
        cr_assert_lt(rl_bytes_compare(ordered[i].low, ordered[i].high), 0, "row %zu", i);
        cr_assert_gt(rl_bytes_compare(ordered[i].high, ordered[i].low), 0, "row %zu", i);
        cr_assert_eq(rl_bytes_compare(ordered[i].low, ordered[i].low), 0, "row %zu", i);
    }
}
