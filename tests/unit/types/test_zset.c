/* SPDX-License-Identifier: MIT */
/* Sorted sets of both forms against a plain model. */
#include "types/zset.h"

#include <criterion/criterion.h>
#include <math.h>

#include "unit/types/names.h"

#define NAMES 1500

typedef struct pair {
    double score;
    unsigned name;
} pair;

static rl_zset *zset;
static rl_small_limits limits;
static bool there[NAMES];
static double score_of[NAMES];
static pair pairs[NAMES]; /* in order, after model_sort */
static size_t count;

static void setup(void) {
    zset = rl_zset_create();
    limits = (rl_small_limits){128, 64};
}

static void teardown(void) {
    rl_zset_free(zset);
}

TestSuite(zset, .init = setup, .fini = teardown);

static void set(unsigned number, double score) {
    char name[NAME_MAX_LEN];
    rl_zset_added wanted = !there[number] ? RL_ZSET_NEW : RL_ZSET_CHANGED;
    if (there[number] && score == score_of[number] && signbit(score) == signbit(score_of[number]))
        wanted = RL_ZSET_SAME;
    cr_assert_eq(rl_zset_set(&zset, name_of(number, name), score, &limits), wanted);
    count += !there[number];
    there[number] = true;
    score_of[number] = score;
}

static void take_out(unsigned number) {
    char name[NAME_MAX_LEN];
    cr_assert_eq(rl_zset_remove(&zset, name_of(number, name)), there[number]);
    count -= there[number];
    there[number] = false;
}

static int pair_compare(const void *a, const void *b) {
    const pair *x = a, *y = b;
    char one[NAME_MAX_LEN], other[NAME_MAX_LEN];
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return rl_bytes_compare(name_of(x->name, one), name_of(y->name, other));
}

static void model_sort(void) {
    size_t n = 0;
    for (unsigned i = 0; i < NAMES; i++)
        if (there[i])
            pairs[n++] = (pair){score_of[i], i};
    cr_assert_eq(n, count);
    qsort(pairs, n, sizeof *pairs, pair_compare);
}

static void expect_pair(rl_bytes member, double score, size_t rank) {
    char name[NAME_MAX_LEN];
    cr_assert(rl_bytes_equal(member, name_of(pairs[rank].name, name)), "rank %zu", rank);
    cr_assert(score == pairs[rank].score && signbit(score) == signbit(pairs[rank].score));
}

static void expect_walks(size_t from) {
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_zset_walk_init(&walk, zset, from, false);
    for (size_t i = from; i < count; i++) {
        cr_assert(rl_zset_next(&walk, &member, &score));
        expect_pair(member, score, i);
    }
    cr_assert_not(rl_zset_next(&walk, &member, &score));
    rl_zset_walk_init(&walk, zset, from, true);
    for (size_t i = from + 1; from < count && i-- > 0;) {
        cr_assert(rl_zset_next(&walk, &member, &score));
        expect_pair(member, score, i);
    }
    cr_assert_not(rl_zset_next(&walk, &member, &score));
}

static void expect_counts(double score) {
    size_t below = 0, upto = 0;
    for (size_t i = 0; i < count; i++) {
        below += pairs[i].score < score;
        upto += pairs[i].score <= score;
    }
    cr_assert_eq(rl_zset_count_below(zset, score), below);
    cr_assert_eq(rl_zset_count_upto(zset, score), upto);
}

static void expect_as_modelled(void) {
    char name[NAME_MAX_LEN];
    double score;
    size_t rank;
    rl_zset_check(zset);
    model_sort();
    cr_assert_eq(rl_zset_count(zset), count);
    for (unsigned i = 0; i < NAMES; i++)
        cr_assert_eq(rl_zset_score(zset, name_of(i, name), &score), there[i]);
    for (size_t i = 0; i < count; i++) {
        cr_assert(rl_zset_rank(zset, name_of(pairs[i].name, name), &rank, &score));
        cr_assert(rank == i && score == pairs[i].score);
    }
    expect_walks(0);
    expect_walks(count / 2);
    expect_walks(count ? count - 1 : 0);
    expect_walks(count);
    static const double bounds[] = {-INFINITY, -1, -0.0, 0, 0.5, 3, 7, 7.5, 19, 1e9, INFINITY};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        expect_counts(bounds[i]);
}

static double random_score(rl_random *random) {
    static const double odd[] = {-0.0, 0.0, INFINITY, -INFINITY, 1e300, 0.1};
    if (rl_random_below(random, 10) == 0)
        return odd[rl_random_below(random, 6)];
    return (double)rl_random_below(random, 200) / 10;
}

static void play(uint64_t seed, unsigned names, int steps) {
    static const unsigned phases[] = {10, 5, 9, 1, 0, 7, 0};
    rl_random random;
    rl_random_seed(&random, seed);
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < steps; step++) {
            unsigned number = (unsigned)rl_random_below(&random, names);
            if (rl_random_below(&random, 10) >= phases[phase])
                take_out(number);
            else if (there[number] && rl_random_below(&random, 2))
                set(number, score_of[number] + 0.25);
            else
                set(number, random_score(&random));
            if (step % 201 == 0)
                rl_zset_check(zset);
        }
        expect_as_modelled();
    }
}

Test(zset, packed)
{
    limits = (rl_small_limits){5000, 5000};
    play(1, 80, 1500);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_PACKED);
}

Test(zset, from_packed_to_tree)
{
    play(2, NAMES, 5000);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_TREE);
}

Test(zset, a_tree_from_the_first_member_on)
{
    limits = (rl_small_limits){0, 0};
    play(3, 30, 1000);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_TREE);
}

Test(zset, borders_between_the_forms)
{
    static char text[80];
    for (unsigned i = 0; i < 128; i++)
        rl_zset_set(&zset, plain_name(i, text), i, &limits);
    rl_zset_set(&zset, RL_BYTES("m3"), 1000, &limits);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_PACKED);
    rl_zset_set(&zset, RL_BYTES("another"), 0, &limits);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_TREE);
    cr_assert_eq(rl_zset_count(zset), 129);
    rl_zset_check(zset);
    teardown();
    setup();
    memset(text, 'x', sizeof text);
    rl_zset_set(&zset, rl_bytes_of(text, 64), 1, &limits);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_PACKED);
    rl_zset_set(&zset, rl_bytes_of(text, 65), 1, &limits);
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_TREE);
}

Test(zset, counts_by_member_when_scores_are_equal)
{
    char name[NAME_MAX_LEN], other[NAME_MAX_LEN];
    for (unsigned have = 0; have < 600; have = have * 3 + 5) {
        for (unsigned i = 0; i < have; i++)
            set(i * 2, 4);
        model_sort();
        for (unsigned i = 0; i < 1200; i += 7) {
            rl_bytes member = name_of(i, name);
            size_t below = 0;
            for (size_t k = 0; k < count; k++)
                below += rl_bytes_compare(name_of(pairs[k].name, other), member) < 0;
            cr_assert_eq(rl_zset_count_below_member(zset, member), below);
            cr_assert_eq(rl_zset_count_upto_member(zset, member), below + there[i]);
        }
    }
}

static size_t told;
static size_t told_from;

static void note_removed(void *arg, rl_bytes member, double score) {
    (void)arg;
    expect_pair(member, score, told_from + told++);
}

Test(zset, ranges_are_taken_out)
{
    rl_random random;
    rl_random_seed(&random, 4);
    for (int round = 0; round < 60; round++) {
        unsigned names = round % 2 ? NAMES : 100;
        for (unsigned i = 0; i < names; i++)
            set((unsigned)rl_random_below(&random, names), random_score(&random));
        model_sort();
        size_t from = rl_random_below(&random, count + 2);
        size_t n = rl_random_below(&random, count + 2);
        size_t real = from >= count ? 0 : n < count - from ? n : count - from;
        told = 0;
        told_from = from;
        cr_assert_eq(rl_zset_remove_range(&zset, from, n, note_removed, NULL), real);
        cr_assert_eq(told, real);
        for (size_t i = 0; i < real; i++)
            there[pairs[from + i].name] = false;
        count -= real;
        if (round % 6 < 2)
            expect_as_modelled();
        rl_zset_check(zset);
    }
    rl_zset_remove_range(&zset, 0, SIZE_MAX, NULL, NULL);
    cr_assert_eq(rl_zset_count(zset), 0);
    rl_zset_check(zset);
}

/* ---- scans and chance ---- */

static int seen[NAMES];

static void note_seen(void *arg, rl_bytes member, double score) {
    (void)arg;
    int number = number_of(member, NAMES);
    cr_assert(number >= 0 && there[number] && score == score_of[number]);
    seen[number]++;
}

Test(zset, members_in_order_are_appended)
{
    char name[NAME_MAX_LEN];
    rl_zset *built = rl_zset_create(), *appended = rl_zset_create();
    for (unsigned number = 0; number < 400; number++)
        set(number * 3, number % 50 - 20.5);
    model_sort();
    for (size_t i = 0; i < count; i++) {
        rl_bytes member = name_of(pairs[i].name, name);
        rl_zset_set(&built, member, pairs[i].score, &limits);
        rl_zset_append(&appended, member, pairs[i].score, &limits);
        cr_assert_eq(rl_zset_form_of(appended), rl_zset_form_of(built));
        rl_zset_check(appended);
    }
    rl_zset_free(built);
    rl_zset_free(zset);
    zset = appended;
    expect_as_modelled();
}

Test(zset, a_scan_returns_every_member_that_stays)
{
    rl_random random;
    rl_random_seed(&random, 9);
    for (unsigned i = 0; i < 60; i++)
        set(i * 25, i);
    for (int round = 0; round < 6; round++) {
        memset(seen, 0, sizeof seen);
        uint64_t cursor = 0;
        do {
            cursor = rl_zset_scan(zset, cursor, 10, note_seen, NULL);
            for (int i = 0; i < 50; i++) {
                unsigned number = (unsigned)rl_random_below(&random, NAMES);
                if (number % 25 == 0) /* stays, with another score */
                    set(number, random_score(&random));
                else if (rl_random_below(&random, 10) < (round % 2 ? 1 : 9))
                    set(number, random_score(&random));
                else
                    take_out(number);
            }
        } while (cursor);
        for (unsigned i = 0; i < 60; i++)
            cr_assert_neq(seen[i * 25], 0, "round %d, member %u", round, i * 25);
    }
    cr_assert_eq(rl_zset_form_of(zset), RL_ZSET_TREE);
}

Test(zset, every_member_is_drawn_by_chance)
{
    rl_random random;
    rl_random_seed(&random, 10);
    rl_zset_scratch scratch;
    double score;
    static const unsigned sizes[] = {1, 30, 400};
    for (size_t round = 0; round < 3; round++) {
        for (unsigned i = 0; i < sizes[round]; i++)
            set(i, i);
        memset(seen, 0, sizeof seen);
        for (unsigned i = 0; i < sizes[round] * 40; i++) {
            rl_bytes member = rl_zset_random(zset, &random, &scratch, &score);
            note_seen(NULL, member, score);
        }
        for (unsigned i = 0; i < sizes[round]; i++)
            cr_assert_neq(seen[i], 0, "member %u of %u", i, sizes[round]);
    }
}

Test(zset, frees_itself_in_steps)
{
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 50000; i++)
        rl_zset_set(&zset, plain_name(i * 7919U % 50000, name), i, &limits);
    cr_assert_lt(rl_zset_memory(zset), 50000 * 45);
    int steps = 1;
    while (!rl_zset_free_step(zset, 10))
        steps++;
    cr_assert_gt(steps, 100);
    zset = NULL;
}
