/* SPDX-License-Identifier: MIT */
/* Pieces of lists: against a model that has every position of a small range in an array. */
#include "store/pieces.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"

static rl_pieces *pieces;

static void setup(void) {
    pieces = rl_pieces_create();
}

static void teardown(void) {
    rl_pieces_free(pieces);
}

TestSuite(pieces, .init = setup, .fini = teardown);

/* --- the model -------------------------------------------------------------------------------- */

#define REACH  60 /* positions -REACH..REACH are looked at */
#define PLACES (2 * REACH + 1)

/* What is at a position: "old 5", "new 7", or nothing. */
typedef struct place {
    char kind; /* 'o', 'n', or 0 */
    int64_t number;
} place;

static void model_stored(place *m) {
    for (int64_t i = 0; i < PLACES; i++)
        m[i] = (place){'o', i - REACH};
}

static void model_shift(place *m, int64_t from, int64_t to, int64_t delta) {
    place moved[PLACES];
    for (int64_t p = from; p <= to; p++) {
        moved[p - from] = m[p + REACH];
        m[p + REACH] = (place){0, 0};
    }
    for (int64_t p = from; p <= to; p++)
        m[p + delta + REACH] = moved[p - from];
}

static void model_bounds(place *m, int64_t first, int64_t last) {
    for (int64_t p = -REACH; p <= REACH; p++) {
        if (p < first || p > last)
            m[p + REACH] = (place){0, 0};
    }
}

/* Values are their numbers as text. */
static char texts[4096][8];
static rl_bytes text_of(int64_t number) {
    int len = snprintf(texts[number], sizeof texts[number], "%d", (int)number);
    return rl_bytes_of(texts[number], (size_t)len);
}

static void expect_same(const place *m, uint32_t list, uint64_t round) {
    const rl_piece *all;
    size_t count = rl_pieces_list(pieces, list, &all);
    int64_t position = -REACH;
    for (size_t i = 0; i < count; i++) {
        cr_assert_leq(all[i].first, all[i].last);
        if (i)
            cr_assert_gt(all[i].first, all[i - 1].last);
        for (; position <= REACH && position < all[i].first; position++)
            cr_assert_eq(m[position + REACH].kind, 0, "round %d at %d", (int)round, (int)position);
        for (; position <= REACH && position <= all[i].last; position++) {
            place want = m[position + REACH];
            cr_assert_eq(want.kind, all[i].step ? 'n' : 'o', "round %d at %d", (int)round,
                         (int)position);
            if (all[i].step)
                cr_assert(rl_bytes_equal(rl_pieces_value(pieces, &all[i], position),
                                         text_of(want.number)));
            else
                cr_assert_eq(all[i].source + (position - all[i].first), want.number);
        }
    }
    for (; position <= REACH; position++)
        cr_assert_eq(m[position + REACH].kind, 0, "round %d at %d", (int)round, (int)position);
}

/* --- single changes --------------------------------------------------------------------------- */

Test(pieces, values_pushed_at_an_end_are_one_piece)
{
    uint32_t list = 0;
    const rl_piece *all;
    for (int i = 0; i < 1000; i++)
        rl_pieces_item(pieces, &list, i, text_of(i));
    cr_assert_eq(rl_pieces_list(pieces, list, &all), 1);
    cr_assert_eq(all[0].last, 999);
    uint32_t other = 0;
    for (int i = 0; i < 1000; i++)
        rl_pieces_item(pieces, &other, -i, text_of(i));
    cr_assert_eq(rl_pieces_list(pieces, other, &all), 1);
    cr_assert_eq(all[0].first, -999);
    cr_assert(rl_bytes_equal(rl_pieces_value(pieces, &all[0], -999), text_of(999)));
    cr_assert(rl_bytes_equal(rl_pieces_value(pieces, &all[0], 0), text_of(0)));
    /* A queue, pushed at one end and popped at the other. */
    rl_pieces_bounds(pieces, &other, -999, -900);
    cr_assert_eq(rl_pieces_list(pieces, other, &all), 1);
    cr_assert(rl_bytes_equal(rl_pieces_value(pieces, &all[0], -900), text_of(900)));
    rl_pieces_bounds(pieces, &other, 1, 0);
    cr_assert_eq(rl_pieces_list(pieces, other, &all), 0);
    cr_assert_eq(rl_pieces_values(pieces), 2000);
}

Test(pieces, a_thousand_insertions_into_a_stored_list_are_a_thousand_pieces)
{
    uint32_t list = rl_pieces_stored(pieces);
    const rl_piece *all;
    for (int i = 0; i < 1000; i++) {
        int64_t at = 3 * i;
        rl_pieces_shift(pieces, &list, at, 1000000, 1);
        rl_pieces_item(pieces, &list, at, text_of(i));
    }
    size_t count = rl_pieces_list(pieces, list, &all);
    cr_assert_leq(count, 2 * 1000 + 2 + 1000);
    /* Each insertion moves what is behind it by one more. */
    int64_t moved = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].step || all[i].first > 1000000)
            continue;
        cr_assert_geq(all[i].first - all[i].source, moved);
        moved = all[i].first - all[i].source;
    }
    cr_assert_eq(moved, 1000);
}

Test(pieces, positions_at_the_far_ends)
{
    const int64_t far = (int64_t)1 << 61;
    uint32_t list = rl_pieces_stored(pieces);
    const rl_piece *all;
    rl_pieces_shift(pieces, &list, -far, far, far);
    rl_pieces_shift(pieces, &list, -far, far, -far);
    rl_pieces_item(pieces, &list, far, text_of(1));
    rl_pieces_item(pieces, &list, -far, text_of(2));
    rl_pieces_bounds(pieces, &list, -far, far);
    size_t count = rl_pieces_list(pieces, list, &all);
    cr_assert_geq(count, 2);
    cr_assert_eq(all[0].first, -far);
    cr_assert_eq(all[count - 1].last, far);
}

/* --- any changes ------------------------------------------------------------------------------ */

static rl_random dice;

static uint64_t below(uint64_t limit) {
    return rl_random_below(&dice, limit);
}

static int64_t anywhere(int64_t from, int64_t to) {
    return from + (int64_t)below((uint64_t)(to - from + 1));
}

static void change(place *m, uint32_t *list, int64_t *number) {
    int64_t a = anywhere(-REACH, REACH), b = anywhere(-REACH, REACH);
    int64_t from = a < b ? a : b, to = a < b ? b : a;
    switch (below(8)) {
    case 0:
    case 1: {
        int64_t delta = anywhere(-REACH - from, REACH - to);
        rl_pieces_shift(pieces, list, from, to, delta);
        model_shift(m, from, to, delta);
        break;
    }
    case 2: {
        if (below(6) == 0) {
            rl_pieces_bounds(pieces, list, from, to);
            model_bounds(m, from, to);
        }
        break;
    }
    default: /* one, or a few in a row, either way */
        for (int64_t i = 0, step = a & 1 ? 1 : -1; i < 1 + (b & 3); i++) {
            int64_t at = a + i * step;
            if (at < -REACH || at > REACH)
                break;
            rl_pieces_item(pieces, list, at, text_of(*number));
            m[at + REACH] = (place){'n', (*number)++};
        }
    }
}

Test(pieces, random_changes_do_what_the_model_does)
{
    for (uint64_t round = 0; round < 3000; round++) {
        rl_random_seed(&dice, round);
        place m[2][PLACES] = {0}; /* two lists in one arena */
        uint32_t list[2] = {0, 0};
        int64_t number = 0;
        if (round & 1) {
            list[0] = rl_pieces_stored(pieces);
            model_stored(m[0]);
        }
        for (uint64_t i = 0, all = below(60); i < all; i++) {
            size_t which = below(2);
            change(m[which], &list[which], &number);
        }
        expect_same(m[0], list[0], round);
        expect_same(m[1], list[1], round);
        rl_pieces_reset(pieces);
    }
}

/* A tree that is no balanced one takes minutes for this, or the stack. */
Test(pieces, every_other_item_goes, .timeout = 60)
{
    enum { ITEMS = 400000 };
    const rl_piece *all;
    uint32_t list = rl_pieces_stored(pieces);
    for (int64_t i = 1; i < ITEMS; i += 2)
        rl_pieces_shift(pieces, &list, i, i, -(i + 1) / 2);
    rl_pieces_bounds(pieces, &list, 0, ITEMS / 2 - 1);
    cr_assert_eq(rl_pieces_list(pieces, list, &all), ITEMS / 2);
    for (int64_t i = 0; i < ITEMS / 2; i++) {
        cr_assert_eq(all[i].first, i);
        cr_assert_eq(all[i].source, 2 * i + 1);
    }
}
