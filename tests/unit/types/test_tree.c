/* SPDX-License-Identifier: MIT */
/* The counted tree: order, ranks, bounds, and the leaves of its pairs, against a sorted array. */
#include "types/tree.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/hash.h"
#include "base/random.h"
#include "unit/types/names.h"

#define NAMES  4000
#define COMMON 40

typedef struct pair {
    double score;
    unsigned name;
} pair;

static types_tree tree;
static pair pairs[NAMES]; /* in order */
static size_t count;
static double score_of[NAMES];
static bool there[NAMES];
static uint32_t home[NAMES];
static bool similar; /* names that begin alike */

static rl_bytes name_in(unsigned number, char *out) {
    if (similar)
        return rl_bytes_of(out, (size_t)sprintf(out, "a-common-beginning:%05u", number));
    return name_of(number, out);
}

static void moved(void *arg, const types_page *leaf, unsigned from, uint32_t old_id) {
    char name[NAME_MAX_LEN];
    cr_assert_eq(arg, &tree);
    for (unsigned i = from; i < leaf->count; i++) {
        rl_bytes member = types_spot_member((types_spot){leaf, i});
        unsigned number = 0;
        while (!there[number] || !rl_bytes_equal(name_in(number, name), member))
            number++;
        cr_assert_eq(home[number], old_id);
        home[number] = leaf->id;
    }
}

static void setup(void) {
    types_tree_init(&tree, moved, &tree);
}

static void teardown(void) {
    while (!types_tree_free_step(&tree, 1000))
        ;
    cr_assert_eq(tree.count, 0);
}

TestSuite(tree, .init = setup, .fini = teardown);

static int pair_compare(const void *a, const void *b) {
    const pair *x = a, *y = b;
    char one[NAME_MAX_LEN], other[NAME_MAX_LEN];
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return rl_bytes_compare(name_in(x->name, one), name_in(y->name, other));
}

static void insert(unsigned number, double score) {
    char name[NAME_MAX_LEN];
    home[number] = types_tree_insert(&tree, score, name_in(number, name));
    score_of[number] = score;
    there[number] = true;
}

static void take_out(unsigned number) {
    char name[NAME_MAX_LEN];
    cr_assert(types_tree_remove(&tree, score_of[number], name_in(number, name)));
    there[number] = false;
}

static void model_sort(void) {
    count = 0;
    for (unsigned i = 0; i < NAMES; i++)
        if (there[i])
            pairs[count++] = (pair){score_of[i], i};
    qsort(pairs, count, sizeof *pairs, pair_compare);
}

static void expect_spot(types_spot spot, size_t rank) {
    char name[NAME_MAX_LEN];
    cr_assert_not_null(spot.leaf);
    cr_assert(rl_bytes_equal(types_spot_member(spot), name_in(pairs[rank].name, name)));
    cr_assert_eq(types_spot_score(spot), pairs[rank].score);
}

static void expect_ranks(void) {
    char name[NAME_MAX_LEN];
    for (size_t rank = 0; rank < count; rank++) {
        unsigned number = pairs[rank].name;
        rl_bytes member = name_in(number, name);
        expect_spot(types_tree_at(&tree, rank), rank);
        types_bound bound = {TYPES_BEFORE_PAIR, pairs[rank].score, member};
        cr_assert_eq(types_tree_count_before(&tree, &bound), rank);
        cr_assert(types_tree_has(&tree, pairs[rank].score, member));
        double other = isinf(pairs[rank].score) ? 3 : pairs[rank].score + 0.5;
        cr_assert_not(types_tree_has(&tree, other, member));
        types_spot spot = types_tree_in_leaf(&tree, home[number], member, rl_hash(member));
        expect_spot(spot, rank);
    }
    cr_assert_null(types_tree_at(&tree, count).leaf);
}

static void expect_walks(void) {
    if (count == 0)
        return;
    types_spot up = types_tree_at(&tree, 0), down = types_tree_at(&tree, count - 1);
    for (size_t i = 0; i < count; i++) {
        expect_spot(up, i);
        expect_spot(down, count - 1 - i);
        types_spot_next(&up);
        types_spot_previous(&down);
    }
    cr_assert(up.leaf == NULL && down.leaf == NULL);
}

static void expect_scores_counted(double score) {
    size_t below = 0, upto = 0;
    for (size_t i = 0; i < count; i++) {
        below += pairs[i].score < score;
        upto += pairs[i].score <= score;
    }
    types_bound bound = {.kind = TYPES_BEFORE_SCORE, .score = score};
    cr_assert_eq(types_tree_count_before(&tree, &bound), below);
    bound.kind = TYPES_UPTO_SCORE;
    cr_assert_eq(types_tree_count_before(&tree, &bound), upto);
}

static void expect_as_modelled(void) {
    types_tree_check(&tree);
    model_sort();
    cr_assert_eq(tree.count, count);
    expect_ranks();
    expect_walks();
    for (double score = -2; score < COMMON + 2; score += 0.5)
        expect_scores_counted(score);
    expect_scores_counted(INFINITY);
    expect_scores_counted(-INFINITY);
}

static double random_score(rl_random *random, int kind) {
    double few = (double)rl_random_below(random, COMMON);
    switch (kind) {
    case 0:
        return few;
    case 1:
        return 7;
    case 2:
        return (double)rl_random_below(random, 1000000) / 1000;
    default:
        return few < 2 ? INFINITY : few < 4 ? -INFINITY : few < 6 ? -0.0 : few < 8 ? 0.0 : few;
    }
}

static void play(uint64_t seed, int kind) {
    static const unsigned phases[] = {10, 5, 9, 2, 0, 8, 0};
    rl_random random;
    rl_random_seed(&random, seed);
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < NAMES; step++) {
            unsigned number = (unsigned)rl_random_below(&random, NAMES);
            bool want = rl_random_below(&random, 10) < phases[phase];
            if (there[number])
                take_out(number);
            if (want)
                insert(number, random_score(&random, kind));
            if (step % 499 == 0)
                types_tree_check(&tree);
        }
        expect_as_modelled();
    }
}

Test(tree, few_scores)
{ play(1, 0); }

Test(tree, one_score)
{ play(2, 1); }

Test(tree, one_score_and_names_that_begin_alike)
{
    similar = true;
    play(3, 1);
}

Test(tree, many_scores)
{ play(4, 2); }

Test(tree, infinite_scores_and_zeros)
{ play(5, 3); }

Test(tree, in_order_its_leaves_are_full)
{
    for (unsigned i = 0; i < NAMES; i++)
        insert(i, i);
    expect_as_modelled();
    size_t leaves = 0;
    for (const types_page *leaf = tree.first; leaf; leaf = leaf->next)
        leaves++;
    cr_assert_leq(leaves, NAMES / TYPES_PAGE_SLOTS + 1);
    for (unsigned i = 0; i < NAMES; i++)
        take_out(i);
    expect_as_modelled();
}

Test(tree, in_descending_order_too)
{
    for (unsigned i = NAMES; i-- > 0;)
        insert(i, i);
    expect_as_modelled();
    size_t leaves = 0;
    for (const types_page *leaf = tree.first; leaf; leaf = leaf->next)
        leaves++;
    cr_assert_leq(leaves, NAMES / (TYPES_PAGE_SLOTS - 2) + 2);
    for (unsigned i = NAMES; i-- > 0;)
        take_out(i);
    expect_as_modelled();
}

Test(tree, counts_by_member)
{
    char name[NAME_MAX_LEN], other[NAME_MAX_LEN];
    for (unsigned i = 0; i < NAMES; i += 2)
        insert(i, 3);
    model_sort();
    for (unsigned i = 0; i < NAMES; i++) {
        rl_bytes member = name_in(i, name);
        size_t below = 0;
        for (size_t k = 0; k < count && i % 7 == 0; k++)
            below += rl_bytes_compare(name_in(pairs[k].name, other), member) < 0;
        if (i % 7)
            continue;
        types_bound bound = {.kind = TYPES_BEFORE_MEMBER, .member = member};
        cr_assert_eq(types_tree_count_before(&tree, &bound), below);
        bound.kind = TYPES_UPTO_MEMBER;
        cr_assert_eq(types_tree_count_before(&tree, &bound), below + there[i]);
    }
}

Test(tree, scores_are_nudged_only_where_order_allows)
{
    rl_random random;
    rl_random_seed(&random, 6);
    char name[NAME_MAX_LEN];
    unsigned done = 0;
    for (unsigned i = 0; i < NAMES; i++)
        insert(i, (double)rl_random_below(&random, 1000));
    for (int step = 0; step < 20000; step++) {
        unsigned number = (unsigned)rl_random_below(&random, NAMES);
        double score = score_of[number] + (double)rl_random_below(&random, 5) - 2;
        rl_bytes member = name_in(number, name);
        types_spot spot = types_tree_in_leaf(&tree, home[number], member, rl_hash(member));
        if (types_spot_nudge(spot, score)) {
            score_of[number] = score;
            done++;
        }
        if (step % 1000 == 0)
            types_tree_check(&tree);
    }
    cr_assert_gt(done, 2000);
    expect_as_modelled();
}

Test(tree, of_two_levels_of_inner_nodes)
{
    types_tree big;
    char name[32];
    enum { COUNT = 300000 };
    types_tree_init(&big, NULL, NULL);
    for (unsigned i = 0; i < COUNT; i++)
        types_tree_insert(&big, (double)(i * 7919ULL % COUNT), plain_name(i, name));
    types_tree_check(&big);
    cr_assert_geq(big.height, 2);
    for (unsigned i = 0; i < COUNT; i += 1001)
        cr_assert_eq(types_spot_score(types_tree_at(&big, i)), i);
    for (unsigned i = 0; i < COUNT; i++) {
        cr_assert(types_tree_remove(&big, (double)(i * 7919ULL % COUNT), plain_name(i, name)));
        if (i % 50000 == 0)
            types_tree_check(&big);
    }
    types_tree_check(&big);
    cr_assert_eq(big.height, 0);
    for (unsigned i = 0; i < COUNT; i++)
        types_tree_insert(&big, i, plain_name(i, name));
    int steps = 1;
    while (!types_tree_free_step(&big, 200))
        steps++;
    cr_assert(steps > COUNT / 400 && big.bytes == 0, "%d steps, %zu bytes", steps, big.bytes);
}
