/* SPDX-License-Identifier: MIT */
/* Hashes of every form against a plain model. */
#include "types/fields.h"

#include <criterion/criterion.h>

#include "unit/types/names.h"

#define NAMES  1500
#define VALUES 300

static rl_fields *hash;
static rl_small_limits limits;

typedef struct model {
    bool there;
    unsigned value;
    int64_t expires_at;
} model;

static model expected[NAMES];
static size_t count, timed;

static void setup(void) {
    hash = rl_fields_create();
    limits = (rl_small_limits){128, 64};
}

static void teardown(void) {
    rl_fields_free(hash);
}

TestSuite(fields, .init = setup, .fini = teardown);

static void expiry_set(model *m, int64_t at) {
    timed += (at != 0) - (m->expires_at != 0);
    m->expires_at = at;
}

static void set(unsigned number, unsigned value, int64_t at) {
    char name[NAME_MAX_LEN], text[NAME_MAX_LEN];
    model *m = &expected[number];
    bool fresh = rl_fields_set(&hash, name_of(number, name), name_of(value, text), at, &limits);
    cr_assert_eq(fresh, !m->there);
    count += fresh;
    if (at != RL_FIELD_KEEP)
        expiry_set(m, at);
    m->there = true;
    m->value = value;
}

static void expire(unsigned number, int64_t at) {
    char name[NAME_MAX_LEN];
    model *m = &expected[number];
    cr_assert_eq(rl_fields_expire(&hash, name_of(number, name), at), m->there);
    if (m->there)
        expiry_set(m, at);
}

static void take_out(unsigned number) {
    char name[NAME_MAX_LEN];
    model *m = &expected[number];
    cr_assert_eq(rl_fields_remove(&hash, name_of(number, name)), m->there);
    count -= m->there;
    expiry_set(m, 0);
    m->there = false;
}

static void expect_field(unsigned number, const rl_field *f) {
    char text[NAME_MAX_LEN];
    const model *m = &expected[number];
    cr_assert(m->there, "field %u is there", number);
    cr_assert(rl_bytes_equal(f->name, name_of(number, text)), "name of %u", number);
    cr_assert(rl_bytes_equal(f->value, name_of(m->value, text)), "value of %u", number);
    cr_assert_eq(f->expires_at, m->expires_at);
}

static void expect_next_expiry(void) {
    rl_field_scratch scratch;
    rl_field f;
    int64_t earliest = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        int64_t at = expected[i].expires_at;
        if (at && (earliest == 0 || at < earliest))
            earliest = at;
    }
    cr_assert_eq(rl_fields_next_expiry(hash, &scratch, &f), timed > 0);
    cr_assert(timed == 0 || rl_fields_timed(hash));
    if (timed) {
        cr_assert_eq(f.expires_at, earliest);
        expect_field((unsigned)number_of(f.name, NAMES), &f);
    }
}

static void expect_as_modelled(void) {
    rl_field_scratch scratch;
    rl_field f;
    char name[NAME_MAX_LEN];
    rl_fields_check(hash);
    cr_assert_eq(rl_fields_count(hash), count);
    for (unsigned i = 0; i < NAMES; i++) {
        rl_bytes key = name_of(i, name);
        cr_assert_eq(rl_fields_get(hash, key, &scratch, &f), expected[i].there);
        cr_assert_eq(rl_fields_has(hash, key), expected[i].there);
        if (expected[i].there)
            expect_field(i, &f);
    }
    rl_fields_walk walk = {0};
    size_t walked = 0;
    for (; rl_fields_next(hash, &walk, &f); walked++)
        if (walked < 50)
            expect_field((unsigned)number_of(f.name, NAMES), &f);
    cr_assert_eq(walked, count);
    expect_next_expiry();
}

static void random_change(rl_random *random, unsigned names, unsigned grow, bool expiries) {
    unsigned number = (unsigned)rl_random_below(random, names);
    int64_t at = expiries ? (int64_t)rl_random_below(random, 1000) * 1000003 : 0;
    if (expiries && rl_random_below(random, 4) == 0)
        expire(number, rl_random_below(random, 2) ? at : 0);
    else if (rl_random_below(random, 10) < grow)
        set(number, (unsigned)rl_random_below(random, VALUES),
            rl_random_below(random, 3) ? RL_FIELD_KEEP : at);
    else
        take_out(number);
}

static void play(uint64_t seed, unsigned names, bool expiries, int steps) {
    static const unsigned phases[] = {10, 5, 9, 1, 0, 7, 0};
    rl_random random;
    rl_random_seed(&random, seed);
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < steps; step++) {
            random_change(&random, names, phases[phase], expiries);
            if (step % 37 == 0)
                rl_fields_check(hash);
        }
        expect_as_modelled();
    }
}

Test(fields, packed)
{
    limits = (rl_small_limits){5000, 5000};
    play(1, 60, false, 1500);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_PACKED);
}

Test(fields, packed_with_expiries)
{
    limits = (rl_small_limits){5000, 5000};
    play(2, 60, true, 1500);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TIMED);
}

Test(fields, from_packed_to_table)
{
    play(3, NAMES, false, 6000);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TABLE);
}

Test(fields, from_packed_to_table_with_expiries)
{
    play(4, NAMES, true, 6000);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TABLE);
}

Test(fields, a_table_from_the_first_field_on)
{
    limits = (rl_small_limits){0, 0};
    play(5, 30, true, 1000);
}

Test(fields, borders_between_the_forms)
{
    static char text[66];
    memset(text, 'v', sizeof text);
    for (unsigned i = 0; i < 128; i++)
        rl_fields_set(&hash, plain_name(i, text + 32), rl_bytes_of("1", 1), 0, &limits);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_PACKED);
    rl_fields_set(&hash, RL_BYTES("m5"), rl_bytes_of(text, 64), 0, &limits);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_PACKED, "a field that was there");
    rl_fields_set(&hash, RL_BYTES("m6"), rl_bytes_of(text, 65), 0, &limits);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TABLE, "a value too long");
    teardown();
    setup();
    for (unsigned i = 0; i < 128; i++)
        rl_fields_set(&hash, plain_name(i, text), RL_BYTES("1"), 5, &limits);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TIMED);
    rl_fields_set(&hash, RL_BYTES("another"), RL_BYTES("1"), 0, &limits);
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TABLE, "one field too many");
    cr_assert_eq(rl_fields_count(hash), 129);
    rl_fields_check(hash);
    cr_assert(rl_fields_timed(hash));
}

Test(fields, a_small_hash_takes_few_bytes)
{
    rl_fields_set(&hash, RL_BYTES("name"), RL_BYTES("ada"), 0, &limits);
    rl_fields_set(&hash, RL_BYTES("visits"), RL_BYTES("1024"), 0, &limits);
    cr_assert_leq(rl_fields_memory(hash), 48);
}

Test(fields, no_expiry_costs_nothing)
{
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 1000; i++)
        rl_fields_set(&hash, plain_name(i, name), RL_BYTES("0123456789"), 0, &limits);
    size_t without = rl_fields_memory(hash);
    cr_assert_not(rl_fields_timed(hash));
    cr_assert_lt(without, 1000 * 30, "%zu", without);
    rl_fields_expire(&hash, RL_BYTES("m7"), 99);
    cr_assert_lt(rl_fields_memory(hash), without + 1000);
    rl_fields_expire(&hash, RL_BYTES("m7"), 0);
    cr_assert_not(rl_fields_timed(hash));
}

Test(fields, frees_itself_in_steps)
{
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 20000; i++)
        rl_fields_set(&hash, plain_name(i, name), RL_BYTES("value"), i % 3, &limits);
    int steps = 1;
    while (!rl_fields_free_step(hash, 10))
        steps++;
    cr_assert_gt(steps, 100);
    hash = NULL;
}

/* ---- scans and chance ---- */

static int seen[NAMES];

static void note_seen(void *arg, const rl_field *f) {
    (void)arg;
    int number = number_of(f->name, NAMES);
    cr_assert(number >= 0 && expected[number].there);
    seen[number]++;
}

Test(fields, a_scan_returns_every_field_that_stays)
{
    rl_random random;
    rl_random_seed(&random, 9);
    for (unsigned i = 0; i < 60; i++)
        set(i * 25, 1, 0);
    for (int round = 0; round < 6; round++) {
        memset(seen, 0, sizeof seen);
        uint64_t cursor = 0;
        do {
            cursor = rl_fields_scan(hash, cursor, 10, note_seen, NULL);
            for (int i = 0; i < 50; i++) {
                unsigned number = (unsigned)rl_random_below(&random, NAMES);
                if (number % 25 && rl_random_below(&random, 10) < (round % 2 ? 1 : 9))
                    set(number, 2, 0);
                else if (number % 25)
                    take_out(number);
            }
        } while (cursor);
        for (unsigned i = 0; i < 60; i++)
            cr_assert_neq(seen[i * 25], 0, "round %d, field %u", round, i * 25);
    }
    cr_assert_eq(rl_fields_form_of(hash), RL_FIELDS_TABLE);
}

static void expect_random_fields(unsigned fields) {
    rl_random random;
    rl_random_seed(&random, 10);
    rl_field_scratch scratch;
    rl_field f;
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < fields * 40; i++) {
        rl_fields_random(hash, &random, &scratch, &f);
        note_seen(NULL, &f);
    }
    for (unsigned i = 0; i < fields; i++)
        cr_assert_neq(seen[i], 0, "field %u of %u", i, fields);
}

Test(fields, every_field_is_drawn_by_chance)
{
    for (unsigned i = 0; i < 400; i++) {
        set(i, 1, i == 50 ? 7 : 0);
        if (i == 0 || i == 20 || i == 60 || i == 399)
            expect_random_fields(i + 1);
    }
}

static void count_field(void *arg, const rl_field *f) {
    (void)f;
    ++*(size_t *)arg;
}

/* Of 3,000 fields, field i expires at i % 3 (0: never). */
static void fill_to_hide(void) {
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 3000; i++)
        rl_fields_set(&hash, plain_name(i, name), RL_BYTES("old"), i % 3, &limits);
}

Test(fields, hidden_ones_are_met_by_nobody)
{
    char name[NAME_MAX_LEN];
    rl_field_scratch scratch;
    rl_field f;
    rl_random random;
    size_t seen = 0;
    fill_to_hide();
    cr_assert_eq(rl_fields_hide(hash, 1), 1000);
    rl_fields_check(hash);
    cr_assert_eq(rl_fields_count(hash), 2000);
    for (unsigned i = 0; i < 3000; i++) {
        cr_assert_eq(rl_fields_has(hash, plain_name(i, name)), i % 3 != 1);
        cr_assert_eq(rl_fields_get(hash, plain_name(i, name), &scratch, &f), i % 3 != 1);
    }
    for (rl_fields_walk walk = {0}; rl_fields_next(hash, &walk, &f); seen++)
        cr_assert_neq(f.expires_at, 1);
    cr_assert_eq(seen, 2000);
    seen = 0;
    for (uint64_t cursor = 0; (cursor = rl_fields_scan(hash, cursor, 10, count_field, &seen));)
        ;
    cr_assert_eq(seen, 2000);
    rl_random_seed(&random, 1);
    for (int i = 0; i < 10000; i++) {
        rl_fields_random(hash, &random, &scratch, &f);
        cr_assert_neq(f.expires_at, 1);
    }
    cr_assert(rl_fields_next_expiry(hash, &scratch, &f));
    cr_assert_eq(f.expires_at, 1);
    cr_assert_eq(rl_fields_hide(hash, 0), 0);
    cr_assert_eq(rl_fields_count(hash), 3000);
}

Test(fields, hidden_ones_are_new_when_they_are_set)
{
    rl_field_scratch scratch;
    rl_field f;
    fill_to_hide();
    rl_fields_hide(hash, 1);
    cr_assert_not(rl_fields_remove(&hash, RL_BYTES("m1")));
    cr_assert_not(rl_fields_expire(&hash, RL_BYTES("m1"), 9));
    cr_assert(rl_fields_set(&hash, RL_BYTES("m1"), RL_BYTES("new"), RL_FIELD_KEEP, &limits));
    cr_assert(rl_fields_set(&hash, RL_BYTES("m4"), RL_BYTES("new"), 5, &limits));
    cr_assert_not(rl_fields_set(&hash, RL_BYTES("m5"), RL_BYTES("new"), RL_FIELD_KEEP, &limits));
    cr_assert(rl_fields_get(hash, RL_BYTES("m1"), &scratch, &f));
    cr_assert_eq(f.expires_at, 0);
    cr_assert(rl_fields_get(hash, RL_BYTES("m5"), &scratch, &f));
    cr_assert_eq(f.expires_at, 2);
    cr_assert_eq(rl_fields_count(hash), 2002);
    rl_fields_check(hash);
    cr_assert_eq(rl_fields_hide(hash, 2), 998 + 1000);
    rl_fields_check(hash);
}
