/* SPDX-License-Identifier: MIT */
/* The histogram of latencies: its places cover every number once, and percentiles are close. */
#include "server/histogram.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"

static rl_histogram *h;

static void setup(void) {
    h = rl_calloc(1, sizeof *h);
}

static void teardown(void) {
    rl_free(h);
}

TestSuite(histogram, .init = setup, .fini = teardown);

Test(histogram, places_follow_each_other_without_gap_or_overlap)
{
    cr_assert_eq(rl_histogram_place(0), 0);
    for (unsigned place = 0; place < RL_HISTOGRAM_PLACES; place++) {
        uint64_t top = rl_histogram_place_top(place);
        cr_assert_eq(rl_histogram_place(top), place, "top %lu of place %u", top, place);
        if (place + 1 < RL_HISTOGRAM_PLACES)
            cr_assert_eq(rl_histogram_place(top + 1), place + 1, "behind %lu", top);
    }
}

Test(histogram, a_doubling_begins_a_place)
{
    for (unsigned log = 0; log < 37; log++) {
        unsigned place = rl_histogram_place((uint64_t)1 << log);
        cr_assert_eq(rl_histogram_place_top(place - 1), ((uint64_t)1 << log) - 1);
    }
}

Test(histogram, what_is_beyond_the_end_falls_into_the_last_place)
{
    cr_assert_eq(rl_histogram_place((uint64_t)1 << 37), RL_HISTOGRAM_PLACES - 1);
    cr_assert_eq(rl_histogram_place(UINT64_MAX), RL_HISTOGRAM_PLACES - 1);
    rl_histogram_add(h, UINT64_MAX);
    cr_assert_eq(h->count, 1);
    cr_assert_eq(h->max_ns, UINT64_MAX);
}

Test(histogram, an_empty_one_has_percentiles_of_zero)
{
    cr_assert_eq(rl_histogram_percentile(h, 0), 0);
    cr_assert_eq(rl_histogram_percentile(h, 50), 0);
    cr_assert_eq(rl_histogram_percentile(h, 100), 0);
}

Test(histogram, one_value_is_every_percentile)
{
    rl_histogram_add(h, 1234567);
    cr_assert_eq(rl_histogram_percentile(h, 0), 1234567);
    cr_assert_eq(rl_histogram_percentile(h, 50), 1234567);
    cr_assert_eq(rl_histogram_percentile(h, 100), 1234567);
}

Test(histogram, small_values_are_exact)
{
    for (uint64_t ns = 1; ns <= 10; ns++)
        rl_histogram_add(h, ns);
    cr_assert_eq(rl_histogram_percentile(h, 10), 1);
    cr_assert_eq(rl_histogram_percentile(h, 50), 5);
    cr_assert_eq(rl_histogram_percentile(h, 90), 9);
    cr_assert_eq(rl_histogram_percentile(h, 100), 10);
}

static int by_size(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

Test(histogram, percentiles_of_many_values_are_right_within_a_sixteenth)
{
    enum { COUNT = 20000 };
    static const double asked[] = {1, 10, 50, 90, 99, 99.9, 100};
    uint64_t *values = rl_malloc(COUNT * sizeof *values);
    rl_random random;
    rl_random_seed(&random, 42);
    for (int i = 0; i < COUNT; i++) {
        /* of every size, from nanoseconds to a minute */
        values[i] = rl_random_below(&random, (uint64_t)2 << rl_random_below(&random, 36));
        rl_histogram_add(h, values[i]);
    }
    qsort(values, COUNT, sizeof *values, by_size);
    cr_assert_eq(h->max_ns, values[COUNT - 1]);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        uint64_t exact = values[(size_t)(COUNT * asked[i] / 100 + 0.5) - 1];
        uint64_t got = rl_histogram_percentile(h, asked[i]);
        cr_assert(got >= exact && got <= exact + exact / RL_HISTOGRAM_STEPS + 1,
                  "percentile %g: %lu, exactly %lu", asked[i], got, exact);
    }
    rl_free(values);
}
