/* SPDX-License-Identifier: MIT */
/* The key table: finds what was put in, keeps its invariants and SCAN's promise at every size. */
#include "keyspace/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

static rl_table *table;

static void setup(void) {
    table = rl_table_create(0);
}

static void teardown(void) {
    if (table)
        rl_table_free(table);
}

TestSuite(table, .init = setup, .fini = teardown);

static rl_bytes name_of(int number, char *out) {
    return rl_bytes_of(out, (size_t)sprintf(out, "key:%d", number));
}

static rl_slot find(int number) {
    char text[32];
    rl_bytes key = name_of(number, text);
    return rl_table_find(table, key, rl_hash(key));
}

static void insert(int number) {
    char text[32];
    rl_bytes key = name_of(number, text);
    rl_entry *e = rl_entry_create((uint64_t)number + 1, RL_TYPE_STRING, key, RL_BYTES("v"));
    rl_table_insert(table, rl_hash(key), e);
}

static void take_out(int number) {
    char text[32];
    rl_bytes key = name_of(number, text);
    rl_slot slot = find(number);
    cr_assert_not_null(slot, "key %d", number);
    rl_entry *e = *slot;
    rl_table_remove(table, slot, rl_hash(key));
    rl_entry_free(e);
}

static int number_of(const rl_entry *e) {
    return (int)e->id - 1;
}

Test(table, starts_empty)
{
    cr_assert_eq(rl_table_count(table), 0);
    cr_assert_eq(rl_table_segments(table), 1);
    cr_assert_null(find(1));
    cr_assert_eq(rl_table_check(table), 0);
    rl_random random;
    rl_random_seed(&random, 1);
    cr_assert_null(rl_table_random(table, &random));
}

Test(table, keys_of_any_bytes)
{
    static const char bytes[] = "\0\0a\0\xff\r\n";
    for (size_t len = 0; len <= 7; len++) {
        rl_bytes key = rl_bytes_of(bytes, len);
        cr_assert_null(rl_table_find(table, key, rl_hash(key)));
        rl_table_insert(table, rl_hash(key),
                        rl_entry_create(len + 1, RL_TYPE_STRING, key, RL_BYTES("")));
    }
    for (size_t len = 0; len <= 7; len++) {
        rl_bytes key = rl_bytes_of(bytes, len);
        rl_slot slot = rl_table_find(table, key, rl_hash(key));
        cr_assert(slot && (*slot)->id == len + 1);
    }
    cr_assert_eq(rl_table_check(table), 8);
}

Test(table, grows_and_shrinks_with_its_keys)
{
    enum { COUNT = 200000 };
    for (int i = 0; i < COUNT; i++)
        insert(i);
    cr_assert_eq(rl_table_check(table), COUNT);
    size_t full = rl_table_memory(table);
    cr_assert_lt(full, (size_t)COUNT * 24, "%zu bytes of table for %d keys", full, COUNT);
    for (int i = 0; i < COUNT; i++)
        cr_assert(find(i) && number_of(*find(i)) == i);
    for (int i = 0; i < COUNT; i++)
        take_out(i);
    cr_assert_eq(rl_table_check(table), 0);
    cr_assert_eq(rl_table_segments(table), 1);
    cr_assert_lt(rl_table_memory(table), full / 100);
}

Test(table, can_be_made_for_an_expected_size)
{
    rl_table_free(table);
    table = rl_table_create(100000);
    size_t segments = rl_table_segments(table);
    for (int i = 0; i < 100000; i++)
        insert(i);
    cr_assert_eq(rl_table_check(table), 100000);
    cr_assert_leq(rl_table_segments(table), segments * 2);
    for (int i = 0; i < 100000; i += 1)
        take_out(i);
    cr_assert_eq(rl_table_check(table), 0);
}

Test(table, frees_itself_in_steps)
{
    for (int i = 0; i < 50000; i++)
        insert(i);
    int steps = 0;
    while (!rl_table_free_step(table, NULL))
        steps++;
    table = NULL;
    cr_assert_gt(steps, 20);
}

#define KEYS 60000

static bool present[KEYS];
static int present_count;

/* One insert or removal; `grow` of ten are inserts. */
static void random_change(rl_random *random, int from, unsigned grow) {
    int number = from + (int)rl_random_below(random, (uint64_t)(KEYS - from));
    bool want = rl_random_below(random, 10) < grow;
    if (want == present[number])
        return;
    if (want)
        insert(number);
    else
        take_out(number);
    present[number] = want;
    present_count += want ? 1 : -1;
}

static void expect_as_modelled(void) {
    cr_assert_eq(rl_table_check(table), (size_t)present_count);
    for (int i = 0; i < KEYS; i++) {
        rl_slot slot = find(i);
        cr_assert_eq(slot != NULL, present[i], "key %d", i);
        cr_assert(slot == NULL || number_of(*slot) == i);
    }
}

Test(table, random_changes_agree_with_a_model)
{
    rl_random random;
    rl_random_seed(&random, 11);
    static const unsigned phases[] = {10, 5, 9, 1, 0, 7, 3, 10, 0};
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < 4 * KEYS; step++) {
            random_change(&random, 0, phases[phase]);
            if (step % 9973 == 0)
                cr_assert_eq(rl_table_check(table), (size_t)present_count);
        }
        expect_as_modelled();
    }
}

/* ---- SCAN ---- */

static int seen[KEYS];

static void note_seen(void *arg, rl_entry *e) {
    (void)arg;
    seen[number_of(e)]++;
}

Test(table, a_scan_of_a_quiet_table_returns_every_key_once)
{
    static const int sizes[] = {0, 1, 7, 349, 351, 5000, KEYS};
    int have = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (; have < sizes[i]; have++)
            insert(have);
        for (size_t count = 1; count <= 1000; count *= 10) {
            memset(seen, 0, sizeof seen);
            uint64_t cursor = 0, last = 0;
            do {
                cursor = rl_table_scan(table, cursor, count, note_seen, NULL);
                cr_assert(cursor == 0 || cursor > last, "a cursor only moves forward");
                last = cursor;
            } while (cursor);
            for (int k = 0; k < KEYS; k++)
                cr_assert_eq(seen[k], k < have, "key %d of %d, count %zu", k, have, count);
        }
    }
}

Test(table, a_scan_takes_any_cursor)
{
    for (int i = 0; i < 5000; i++)
        insert(i);
    static const uint64_t cursors[] = {
        1, UINT64_MAX, (uint64_t)1 << 48, ((uint64_t)1 << 48) - 1, 0x123456789abcdef, 12345};
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        uint64_t cursor = cursors[i];
        for (int steps = 0; steps < 100000; steps++) {
            cursor = rl_table_scan(table, cursor, 10, note_seen, NULL);
            if (cursor == 0)
                break;
        }
        cr_assert_eq(cursor, 0, "a scan from any cursor ends");
    }
}

#define STABLE 2000 /* keys that are there all the time */
#define FEW    10

/*
 * Scans while the table is changed between the calls: `grow` of ten changes are inserts. Every key
 * that is there from the beginning to the end is returned.
 */
static void scan_through(rl_random *random, int stable, unsigned grow, int changes) {
    memset(seen, 0, sizeof seen);
    uint64_t cursor = 0;
    do {
        cursor = rl_table_scan(table, cursor, 1 + rl_random_below(random, 40), note_seen, NULL);
        cr_assert_lt(cursor, (uint64_t)1 << 53, "a cursor fits a double");
        for (int i = 0; i < changes; i++)
            random_change(random, stable, grow);
    } while (cursor);
    for (int i = 0; i < stable; i++)
        cr_assert_neq(seen[i], 0, "key %d, growing by %u", i, grow);
}

Test(table, a_scan_returns_every_key_that_stays)
{
    rl_random random;
    for (uint64_t seed = 0; seed < 8; seed++) {
        rl_random_seed(&random, seed);
        for (int i = 0; i < STABLE; i++)
            if (!present[i]) {
                insert(i);
                present[i] = true;
                present_count++;
            }
        scan_through(&random, STABLE, 10, 100); /* splits all the way */
        scan_through(&random, STABLE, 0, 300);  /* merges all the way */
        scan_through(&random, STABLE, 5, 50);
        scan_through(&random, STABLE, 9, 500);
        scan_through(&random, STABLE, 1, 1000);
        cr_assert_eq(rl_table_check(table), (size_t)present_count);
        scan_through(&random, FEW, 10, 300);
        scan_through(&random, FEW, 0, 2000); /* down to few */
        scan_through(&random, FEW, 10, 1000);
        cr_assert_eq(rl_table_check(table), (size_t)present_count);
    }
}

/* ---- chance ---- */

Test(table, random_entries_are_spread)
{
    enum { COUNT = 1000, DRAWS = 100000 };
    static int drawn[COUNT];
    rl_random random;
    rl_random_seed(&random, 4);
    for (int i = 0; i < COUNT; i++)
        insert(i);
    for (int i = 0; i < DRAWS; i++)
        drawn[number_of(rl_table_random(table, &random))]++;
    for (int i = 0; i < COUNT; i++)
        cr_assert_gt(drawn[i], 0, "key %d is never drawn", i);
}

Test(table, the_last_key_is_found_by_chance_too)
{
    rl_random random;
    rl_random_seed(&random, 4);
    for (int i = 0; i < 20000; i++)
        insert(i);
    for (int i = 1; i < 20000; i++)
        take_out(i);
    cr_assert_eq(number_of(rl_table_random(table, &random)), 0);
}
