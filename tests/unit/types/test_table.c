/* SPDX-License-Identifier: MIT */
/* The element table: finds what was put in, keeps its invariants and the promise of a scan. */
#include "types/table.h"

#include <criterion/criterion.h>

#include "base/hash.h"
#include "unit/types/names.h"

#define NAMES 3000

static types_table table;

typedef struct model {
    bool there;
    unsigned value;
    int64_t expires_at;
} model;

static model expected[NAMES];
static size_t count;

static void setup(void) {
    types_table_init(&table, true, TYPES_PAGES_DEPTH_MAX);
}

static void teardown(void) {
    while (!types_table_free_step(&table, 1000))
        ;
}

TestSuite(table, .init = setup, .fini = teardown);

static bool set(unsigned number, unsigned value, int64_t expires_at) {
    char name[NAME_MAX_LEN], text[NAME_MAX_LEN];
    rl_bytes key = name_of(number, name);
    return types_table_set(&table, rl_hash(key), key, name_of(value, text), expires_at);
}

static bool take_out(unsigned number) {
    char name[NAME_MAX_LEN];
    rl_bytes key = name_of(number, name);
    return types_table_remove(&table, rl_hash(key), key);
}

static bool expire(unsigned number, int64_t expires_at) {
    char name[NAME_MAX_LEN];
    rl_bytes key = name_of(number, name);
    return types_table_expire(&table, rl_hash(key), key, expires_at);
}

static void expect_element(unsigned number) {
    char name[NAME_MAX_LEN], text[NAME_MAX_LEN];
    rl_bytes key = name_of(number, name);
    types_element e;
    const model *m = &expected[number];
    cr_assert_eq(types_table_get(&table, rl_hash(key), key, &e), m->there, "%u", number);
    if (!m->there)
        return;
    cr_assert(rl_bytes_equal(e.name, key));
    cr_assert(rl_bytes_equal(e.value, name_of(m->value, text)), "value of %u", number);
    cr_assert_eq(e.expires_at, m->expires_at);
}

static void expect_as_modelled(void) {
    types_table_check(&table);
    cr_assert_eq(types_table_count(&table), count);
    for (unsigned i = 0; i < NAMES; i++)
        expect_element(i);
}

/* One change; `grow` of ten add. */
static void random_change(rl_random *random, unsigned from, unsigned grow) {
    unsigned number = from + (unsigned)rl_random_below(random, NAMES - from);
    model *m = &expected[number];
    if (rl_random_below(random, 4) == 0) {
        int64_t at = rl_random_below(random, 2) ? (int64_t)rl_random_below(random, 1000) + 1 : 0;
        cr_assert_eq(expire(number, at), m->there);
        m->expires_at = at;
    } else if (rl_random_below(random, 10) < grow) {
        unsigned value = (unsigned)rl_random_below(random, 200);
        int64_t at = (int64_t)rl_random_below(random, 3) - 1;
        cr_assert_eq(set(number, value, at), !m->there);
        if (!m->there || at != TYPES_KEEP_EXPIRY)
            m->expires_at = at == TYPES_KEEP_EXPIRY ? 0 : at;
        count += !m->there;
        m->there = true;
        m->value = value;
    } else {
        cr_assert_eq(take_out(number), m->there);
        count -= m->there;
        m->there = false;
    }
}

static void play(uint64_t seed, int steps) {
    static const unsigned phases[] = {10, 5, 9, 1, 0, 7, 3, 10, 0};
    rl_random random;
    rl_random_seed(&random, seed);
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < steps; step++) {
            random_change(&random, 0, phases[phase]);
            if (step % 997 == 0)
                types_table_check(&table);
        }
        expect_as_modelled();
    }
}

Test(table, random_changes_agree_with_a_model)
{
    play(1, 3 * NAMES);
    play(2, 20);
}

/* With pages that may share only one bit of their hash, all else is chained. */
Test(table, chained_pages_agree_with_a_model)
{
    teardown();
    types_table_init(&table, true, 1);
    play(3, 2 * NAMES);
}

Test(table, grows_and_shrinks_with_its_elements)
{
    enum { COUNT = 200000 };
    char name[32];
    size_t empty = types_table_bytes(&table);
    teardown();
    types_table_init(&table, false, TYPES_PAGES_DEPTH_MAX);
    for (unsigned i = 0; i < COUNT; i++) {
        rl_bytes key = plain_name(i, name);
        types_table_set(&table, rl_hash(key), key, RL_BYTES(""), 0);
    }
    types_table_check(&table);
    size_t full = types_table_bytes(&table);
    cr_assert_lt(full, (size_t)COUNT * 24, "%zu bytes for %d names", full, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        rl_bytes key = plain_name(i, name);
        cr_assert(types_table_remove(&table, rl_hash(key), key));
    }
    types_table_check(&table);
    cr_assert_eq(types_table_count(&table), 0);
    cr_assert_leq(types_table_bytes(&table), empty + 200, "%zu", types_table_bytes(&table));
}

Test(table, frees_itself_in_steps)
{
    for (unsigned i = 0; i < NAMES; i++)
        set(i, i, 0);
    int steps = 1;
    while (!types_table_free_step(&table, 100))
        steps++;
    cr_assert_gt(steps, NAMES / 200);
    cr_assert_eq(table.pages.count, 0);
    setup();
}

/* ---- scans ---- */

static int seen[NAMES];

static void note_seen(void *arg, const types_element *e) {
    (void)arg;
    unsigned number;
    cr_assert(sscanf(e->value.ptr, "m%u", &number) == 1 && number < NAMES);
    seen[number]++;
}

static bool there[NAMES];

static void plain_change(unsigned number, bool want) {
    char name[NAME_MAX_LEN], value[32];
    rl_bytes key = name_of(number, name), text = plain_name(number, value);
    if (want == there[number])
        return;
    value[text.len++] = ' '; /* what sscanf stops at */
    if (want)
        types_table_set(&table, rl_hash(key), key, text, 0);
    else
        types_table_remove(&table, rl_hash(key), key);
    there[number] = want;
}

static void scan_through(rl_random *random, unsigned stable, unsigned grow, int changes) {
    memset(seen, 0, sizeof seen);
    uint64_t cursor = 0;
    do {
        cursor = types_table_scan(&table, cursor, 1 + rl_random_below(random, 40), note_seen, NULL);
        cr_assert_lt(cursor, (uint64_t)1 << 53, "a cursor fits a double");
        for (int i = 0; i < changes; i++)
            plain_change(stable + (unsigned)rl_random_below(random, NAMES - stable),
                         rl_random_below(random, 10) < grow);
    } while (cursor);
    for (unsigned i = 0; i < stable; i++)
        cr_assert_neq(seen[i], 0, "name %u, growing by %u", i, grow);
    types_table_check(&table);
}

static void scan_in_all_weathers(void) {
    rl_random random;
    for (uint64_t seed = 0; seed < 20; seed++) {
        rl_random_seed(&random, seed);
        for (unsigned i = 0; i < 100; i++)
            plain_change(i, true);
        scan_through(&random, 100, 10, 100);
        scan_through(&random, 100, 0, 200);
        scan_through(&random, 100, 5, 30);
        scan_through(&random, 5, 10, 300);
        scan_through(&random, 5, 0, 500);
        scan_through(&random, 5, 10, 1000);
    }
}

Test(table, a_scan_returns_every_element_that_stays)
{ scan_in_all_weathers(); }

Test(table, a_scan_of_chained_pages_too)
{
    teardown();
    types_table_init(&table, true, 2);
    scan_in_all_weathers();
}

Test(table, a_quiet_scan_returns_everything_once)
{
    for (unsigned have = 0; have <= NAMES; have += have < 200 ? 1 : 700) {
        for (unsigned i = 0; i < have; i++)
            plain_change(i, true);
        memset(seen, 0, sizeof seen);
        uint64_t cursor = 0, last = 0;
        do {
            cursor = types_table_scan(&table, cursor, 10, note_seen, NULL);
            cr_assert(cursor == 0 || cursor > last);
            last = cursor;
        } while (cursor);
        for (unsigned i = 0; i < NAMES; i++)
            cr_assert_eq(seen[i], i < have, "%u of %u", i, have);
    }
    for (uint64_t cursor = 1; cursor; cursor <<= 1) /* any cursor is fine, and comes to an end */
        for (uint64_t at = cursor; at;)
            at = types_table_scan(&table, at, 1000, note_seen, NULL);
}

/* ---- chance ---- */

Test(table, random_elements_are_spread_evenly)
{
    enum { COUNT = 2000, DRAWS = 400000 };
    static int drawn[NAMES];
    rl_random random;
    rl_random_seed(&random, 7);
    for (unsigned i = 0; i < COUNT; i++)
        plain_change(i, true);
    for (int i = 0; i < DRAWS; i++) {
        unsigned slot, number;
        const types_page *page = types_pages_random(&table.pages, &random, &slot);
        types_element e = types_table_element(&table, page, slot);
        cr_assert(sscanf(e.value.ptr, "m%u", &number) == 1);
        drawn[number]++;
    }
    /* 200 each on average, with a deviation of 14. */
    for (unsigned i = 0; i < COUNT; i++)
        cr_assert(drawn[i] > 110 && drawn[i] < 300, "name %u was drawn %d times", i, drawn[i]);
}

Test(table, the_last_element_is_found_by_chance_too)
{
    rl_random random;
    rl_random_seed(&random, 8);
    for (unsigned i = 0; i < NAMES; i++)
        plain_change(i, true);
    for (unsigned i = 1; i < NAMES; i++)
        plain_change(i, false);
    unsigned slot;
    const types_page *page = types_pages_random(&table.pages, &random, &slot);
    cr_assert_eq(types_table_element(&table, page, slot).name.len, 0, "name 0 is the empty one");
}
