/* SPDX-License-Identifier: MIT */
/* Lists of both forms against a plain array. */
#include "types/list.h"

#include <criterion/criterion.h>

#include "base/random.h"
#include "unit/types/names.h"

#define NAMES 120
#define MOST  6000

static rl_list *list;
static unsigned model[MOST + 10];
static size_t count;

static void setup(void) {
    list = rl_list_create();
    count = 0;
}

static void teardown(void) {
    rl_list_free(list);
}

TestSuite(list, .init = setup, .fini = teardown);

static void insert(size_t index, unsigned number) {
    char name[NAME_MAX_LEN];
    if (index == 0 && number % 2)
        rl_list_push(&list, RL_LIST_LEFT, name_of(number, name));
    else if (index == count && number % 2)
        rl_list_push(&list, RL_LIST_RIGHT, name_of(number, name));
    else
        rl_list_insert(&list, index, name_of(number, name));
    memmove(model + index + 1, model + index, (count - index) * sizeof *model);
    model[index] = number;
    count++;
}

static void take_out(size_t from, size_t n) {
    rl_list_remove(&list, from, n);
    if (from >= count)
        return;
    n = n < count - from ? n : count - from;
    memmove(model + from, model + from + n, (count - from - n) * sizeof *model);
    count -= n;
}

static void set(size_t index, unsigned number) {
    char name[NAME_MAX_LEN];
    rl_list_set(&list, index, name_of(number, name));
    model[index] = number;
}

static void expect_value(rl_bytes value, size_t index) {
    char name[NAME_MAX_LEN];
    cr_assert(rl_bytes_equal(value, name_of(model[index], name)), "value %zu of %zu", index, count);
}

static void expect_as_modelled(void) {
    rl_list_walk walk;
    rl_list_scratch scratch;
    rl_bytes value;
    rl_list_check(list);
    cr_assert_eq(rl_list_count(list), count);
    rl_list_walk_init(&walk, list, 0, false);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(walk.index, i);
        cr_assert(rl_list_next(&walk, &value));
        expect_value(value, i);
    }
    cr_assert_not(rl_list_next(&walk, &value));
    rl_list_walk_init(&walk, list, count ? count - 1 : 0, true);
    for (size_t i = count; i-- > 0;) {
        cr_assert_eq(walk.index, i);
        cr_assert(rl_list_next(&walk, &value));
        expect_value(value, i);
    }
    cr_assert_not(rl_list_next(&walk, &value));
    for (size_t i = 0; i < count; i += 1 + count / 50)
        expect_value(rl_list_get(list, i, &scratch), i);
}

/* One change; `grow` of ten add. `where`: 0 anywhere, 1 at the ends, 2 in at the left and out at
 * the right, 3 the other way round. */
static void random_change(rl_random *random, unsigned grow, int where) {
    bool add = rl_random_below(random, 10) < grow && count < MOST;
    size_t at = rl_random_below(random, count + 1);
    if (where == 1)
        at = rl_random_below(random, 2) ? 0 : count;
    else if (where > 1)
        at = (where == 2) == add ? 0 : count;
    unsigned number = (unsigned)rl_random_below(random, NAMES);
    if (add) {
        insert(at, number);
    } else if (count > 0) {
        at = at == count ? at - 1 : at;
        if (rl_random_below(random, 3) == 0)
            set(at, number);
        else
            take_out(at, 1);
    }
}

static void play(uint64_t seed, int where, int steps) {
    static const unsigned phases[] = {10, 5, 9, 1, 0, 8, 5, 0};
    rl_random random;
    rl_random_seed(&random, seed);
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < steps; step++) {
            random_change(&random, phases[phase], where);
            if (step % 101 == 0)
                rl_list_check(list);
            if (step % 1013 == 0)
                expect_as_modelled();
        }
        expect_as_modelled();
    }
}

Test(list, changes_anywhere)
{ play(1, 0, 4000); }

Test(list, changes_of_a_short_list)
{
    play(2, 0, 60);
    play(3, 1, 60);
}

Test(list, changes_at_both_ends)
{ play(4, 1, 4000); }

Test(list, a_queue_in_each_direction)
{
    play(5, 2, 4000);
    play(6, 3, 4000);
}

Test(list, ranges_are_taken_out)
{
    rl_random random;
    rl_random_seed(&random, 7);
    for (int round = 0; round < 300; round++) {
        size_t wanted = rl_random_below(&random, round % 2 ? MOST : 300);
        while (count < wanted)
            insert(rl_random_below(&random, count + 1), (unsigned)rl_random_below(&random, NAMES));
        size_t from = rl_random_below(&random, count + 2), n = rl_random_below(&random, count + 2);
        if (round % 3 == 0)
            from = 0;
        take_out(from, n);
        rl_list_check(list);
        if (round % 5 == 0)
            expect_as_modelled();
    }
    take_out(0, SIZE_MAX);
    expect_as_modelled();
    insert(0, 5);
    expect_as_modelled();
}

/* Takes out each value with one chance in `odds`, between two indexes. */
static void take_some(rl_random *random, size_t from, size_t to, uint64_t odds) {
    static size_t indexes[MOST];
    size_t some = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= from && i < to && rl_random_below(random, odds) == 0)
            indexes[some++] = i;
        else
            model[kept++] = model[i];
    }
    if (some)
        rl_list_remove_many(&list, indexes, some);
    count = kept;
}

Test(list, many_are_taken_out_at_once)
{
    static const uint64_t odds[] = {1, 2, 3, 10, 300};
    rl_random random;
    rl_random_seed(&random, 9);
    for (int round = 0; round < 400; round++) {
        size_t wanted = rl_random_below(&random, round % 2 ? MOST : 300);
        while (count < wanted)
            insert(rl_random_below(&random, count + 1), (unsigned)rl_random_below(&random, NAMES));
        size_t from = round % 3 ? rl_random_below(&random, count + 1) : 0;
        size_t to = round % 4 ? from + rl_random_below(&random, count + 1 - from) : count;
        take_some(&random, from, to, odds[rl_random_below(&random, 5)]);
        expect_as_modelled();
    }
    take_some(&random, 0, count, 1);
    expect_as_modelled();
    insert(0, 5);
    expect_as_modelled();
}

Test(list, becomes_large_beyond_four_kilobytes)
{
    char value[1000];
    memset(value, 'v', sizeof value);
    cr_assert_eq(rl_list_form_of(list), RL_LIST_PACKED);
    for (int i = 0; i < 4; i++)
        rl_list_push(&list, RL_LIST_RIGHT, rl_bytes_of(value, sizeof value));
    cr_assert_eq(rl_list_form_of(list), RL_LIST_PACKED);
    rl_list_push(&list, RL_LIST_RIGHT, rl_bytes_of(value, sizeof value));
    cr_assert_eq(rl_list_form_of(list), RL_LIST_CHUNKS);
    rl_list_check(list);
}

Test(list, huge_values_among_small_ones)
{
    static char huge[300000];
    memset(huge, 'h', sizeof huge);
    rl_list_scratch scratch;
    for (unsigned i = 0; i < 200; i++)
        insert(count, i % NAMES);
    static const size_t places[] = {0, 3, 100, 150, 204};
    for (size_t i = 0; i < 5; i++) {
        rl_list_insert(&list, places[i], rl_bytes_of(huge, sizeof huge));
        rl_list_check(list);
        cr_assert_eq(rl_list_get(list, places[i], &scratch).len, sizeof huge);
    }
    cr_assert_eq(rl_list_count(list), 205);
    rl_list_set(&list, 50, rl_bytes_of(huge, sizeof huge));
    rl_list_check(list);
    cr_assert_eq(rl_list_get(list, 50, &scratch).len, sizeof huge);
    rl_list_set(&list, 50, RL_BYTES("small"));
    rl_list_set(&list, 100, RL_BYTES("small"));
    rl_list_check(list);
    for (size_t i = 5; i-- > 0;)
        if (places[i] != 100)
            rl_list_remove(&list, places[i], 1);
    rl_list_check(list);
    cr_assert_eq(rl_list_count(list), 201);
    cr_assert_lt(rl_list_memory(list), 100000);
}

Test(list, finds_equal_values_in_both_directions)
{
    rl_random random;
    rl_random_seed(&random, 8);
    char name[NAME_MAX_LEN];
    for (int i = 0; i < 3000; i++)
        insert(count, (unsigned)rl_random_below(&random, NAMES));
    for (unsigned number = 0; number < NAMES; number += 7) {
        rl_list_walk walk;
        size_t index;
        rl_bytes value = name_of(number, name);
        rl_list_walk_init(&walk, list, 0, false);
        for (size_t i = 0; i < count; i++)
            if (model[i] == number)
                cr_assert(rl_list_find(&walk, value, 0, &index) && index == i);
        cr_assert_not(rl_list_find(&walk, value, 0, &index));
        rl_list_walk_init(&walk, list, count - 1, true);
        for (size_t i = count; i-- > 0;)
            if (model[i] == number)
                cr_assert(rl_list_find(&walk, value, 0, &index) && index == i);
        cr_assert(!rl_list_find(&walk, value, 0, &index) && walk.ended);
    }
    rl_list_walk walk;
    size_t index;
    rl_list_walk_init(&walk, list, 0, false);
    cr_assert_not(rl_list_find(&walk, RL_BYTES("nowhere"), 10, &index));
    cr_assert(walk.index == 10 && !walk.ended, "a limit ends the search");
}

Test(list, frees_itself_in_steps)
{
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 200000; i++)
        rl_list_push(&list, RL_LIST_RIGHT, plain_name(i, name));
    cr_assert_lt(rl_list_memory(list), 200000 * 10);
    int steps = 1;
    while (!rl_list_free_step(list, 10))
        steps++;
    cr_assert_gt(steps, 20);
    list = NULL;
}

Test(list, gives_memory_back)
{
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 100000; i++)
        rl_list_push(&list, i % 2 ? RL_LIST_RIGHT : RL_LIST_LEFT, plain_name(i, name));
    while (rl_list_count(list) > 3)
        rl_list_remove(&list, rl_list_count(list) / 2, 1);
    rl_list_check(list);
    cr_assert_lt(rl_list_memory(list), 12000, "%zu", rl_list_memory(list));
}
