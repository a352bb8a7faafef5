/* SPDX-License-Identifier: MIT */
/* The expiry heap: always in order, whatever is added, changed, moved and taken out. */
#include "keyspace/expiry.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"

static rl_expiry *heap;

static void setup(void) {
    heap = rl_expiry_create();
}

static void teardown(void) {
    rl_expiry_free(heap);
}

TestSuite(expiry, .init = setup, .fini = teardown);

static rl_entry *add(int64_t at_ms) {
    rl_entry *e = rl_entry_create(1, RL_TYPE_STRING, RL_BYTES("k"), RL_BYTES("v"));
    e = rl_entry_set_expiring(e, true);
    rl_expiry_add(heap, e, at_ms);
    return e;
}

static int64_t take_next(void) {
    int64_t at_ms;
    rl_entry *e = rl_expiry_next(heap, &at_ms);
    cr_assert_not_null(e);
    cr_assert_eq(rl_entry_expires_at(e), at_ms);
    rl_expiry_remove(heap, e);
    rl_entry_free(e);
    return at_ms;
}

Test(expiry, an_empty_heap_has_no_next)
{
    int64_t at_ms;
    cr_assert_null(rl_expiry_next(heap, &at_ms));
    cr_assert_eq(rl_expiry_count(heap), 0);
    cr_assert_eq(rl_expiry_sample_mean(heap, 5), 5);
    rl_expiry_free(NULL);
}

Test(expiry, the_earliest_comes_first)
{
    static const int64_t times[] = {50, 10, 40, 10, INT64_MAX, 30, 1, 20};
    static const int64_t sorted[] = {1, 10, 10, 20, 30, 40, 50, INT64_MAX};
    for (size_t i = 0; i < 8; i++)
        add(times[i]);
    cr_assert_eq(rl_expiry_count(heap), 8);
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(take_next(), sorted[i]);
}

Test(expiry, a_time_can_change_both_ways)
{
    rl_entry *a = add(100), *b = add(200), *c = add(300);
    rl_expiry_change(heap, c, 50);
    rl_expiry_change(heap, a, 250);
    int64_t at_ms;
    cr_assert_eq(rl_expiry_next(heap, &at_ms), c);
    cr_assert_eq(take_next(), 50);
    cr_assert_eq(rl_expiry_next(heap, &at_ms), b);
    cr_assert_eq(take_next(), 200);
    cr_assert_eq(take_next(), 250);
}

Test(expiry, an_entry_may_move_in_memory)
{
    rl_entry *a = add(100);
    add(200);
    rl_entry *moved =
        rl_entry_rename(a, RL_BYTES("a much longer name than before, to make it move"));
    rl_expiry_moved(heap, moved);
    int64_t at_ms;
    cr_assert_eq(rl_expiry_next(heap, &at_ms), moved);
    cr_assert_eq(take_next(), 100);
    cr_assert_eq(take_next(), 200);
}

Test(expiry, the_mean_stands_far_times)
{
    rl_entry *entries[200];
    for (size_t i = 0; i < 200; i++)
        entries[i] = add(INT64_MAX - (int64_t)i);
    cr_assert_gt(rl_expiry_sample_mean(heap, 1700000000000), INT64_MAX / 2);
    for (size_t i = 0; i < 200; i++)
        rl_expiry_change(heap, entries[i], 1700000000000 + 5000);
    cr_assert_eq(rl_expiry_sample_mean(heap, 1700000000000), 1700000000000 + 5000);
    for (size_t i = 0; i < 200; i++)
        take_next();
}

#define MANY 20000

static int64_t least_of(rl_entry *const *all, size_t count) {
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (rl_entry_expires_at(all[i]) < least)
            least = rl_entry_expires_at(all[i]);
    return least;
}

/* Grows over several chunks and shrinks again; the next is compared with the least of all. */
Test(expiry, random_changes_keep_the_order)
{
    static rl_entry *all[MANY];
    size_t count = 0;
    int64_t at_ms;
    rl_random random;
    rl_random_seed(&random, 3);
    for (int step = 0; step < 6 * MANY; step++) {
        bool growing = step / MANY % 2 == 0;
        uint64_t dice = rl_random_below(&random, 10);
        if (count < MANY && (count == 0 || dice < (growing ? 7 : 1))) {
            all[count++] = add((int64_t)rl_random_below(&random, 1000000));
        } else if (dice < 8) {
            size_t i = rl_random_below(&random, count);
            rl_expiry_remove(heap, all[i]);
            rl_entry_free(all[i]);
            all[i] = all[--count];
        } else {
            rl_expiry_change(heap, all[rl_random_below(&random, count)],
                             (int64_t)rl_random_below(&random, 1000000));
        }
        cr_assert_eq(rl_expiry_count(heap), count);
        if (step % 97 == 0 && count) {
            rl_expiry_next(heap, &at_ms);
            cr_assert_eq(at_ms, least_of(all, count), "step %d", step);
        }
    }
    int64_t last = INT64_MIN;
    while (rl_expiry_count(heap)) {
        rl_expiry_next(heap, &at_ms);
        cr_assert_leq(last, at_ms);
        last = take_next();
    }
    cr_assert_leq(rl_expiry_memory(heap), 2 * 4096 * 16 + 4096, "an empty heap holds little");
}

Test(expiry, says_how_many_are_overdue)
{
    rl_entry *entries[200];
    cr_assert_eq(rl_expiry_sample_due(heap, 1000), 0);
    for (size_t i = 0; i < 200; i++)
        entries[i] = add(1001 + (int64_t)i);
    cr_assert_eq(rl_expiry_sample_due(heap, 1000), 0);
    cr_assert_eq(rl_expiry_sample_due(heap, 1001), 1);
    cr_assert_eq(rl_expiry_sample_due(heap, 1050), 50);
    cr_assert_eq(rl_expiry_sample_due(heap, 5000), 200);
    rl_expiry_change(heap, entries[0], 9000);
    cr_assert_eq(rl_expiry_sample_due(heap, 5000), 199);
    for (size_t i = 0; i < 200; i++)
        take_next();
}

/* Beyond a thousand it is a sample: right in its size, and never 0 when some are due. */
Test(expiry, guesses_how_many_of_many_are_overdue)
{
    for (size_t i = 0; i < MANY; i++)
        add(1001 + (int64_t)i);
    cr_assert_eq(rl_expiry_sample_due(heap, 1000), 0);
    cr_assert_geq(rl_expiry_sample_due(heap, 1001), 1);
    size_t half = rl_expiry_sample_due(heap, 1000 + MANY / 2);
    cr_assert(half > MANY / 3 && half < MANY * 2 / 3, "%zu", half);
    cr_assert_eq(rl_expiry_sample_due(heap, 1000 + MANY), MANY);
    for (size_t i = 0; i < MANY; i++)
        take_next();
}
