/* SPDX-License-Identifier: MIT */
/* Sets of every form against a plain model. */
#include "types/members.h"

#include <criterion/criterion.h>

#include "unit/types/names.h"

#define NAMES 1500

static rl_members *set;
static rl_members_limits limits;
static bool there[NAMES];
static size_t count;
static bool integers; /* all members are integers */

static void setup(void) {
    set = rl_members_create();
    limits = (rl_members_limits){512, {128, 64}};
}

static void teardown(void) {
    rl_members_free(set);
}

TestSuite(members, .init = setup, .fini = teardown);

static rl_bytes member_of(unsigned number, char *out) {
    static const long long bases[] = {0, -30000, 100000, -3000000000LL, 4000000000000000000LL};
    if (!integers)
        return name_of(number, out);
    return rl_bytes_of(out, (size_t)sprintf(out, "%lld", bases[number % 5] + number));
}

static int member_number(rl_bytes member) {
    char text[NAME_MAX_LEN];
    for (unsigned i = 0; i < NAMES; i++)
        if (rl_bytes_equal(member_of(i, text), member))
            return (int)i;
    return -1;
}

static void change(unsigned number, bool want) {
    char text[NAME_MAX_LEN];
    rl_bytes member = member_of(number, text);
    if (want)
        cr_assert_eq(rl_members_add(&set, member, &limits), !there[number]);
    else
        cr_assert_eq(rl_members_remove(&set, member), there[number]);
    if (want != there[number])
        count += want ? 1 : (size_t)-1;
    there[number] = want;
}

static void expect_as_modelled(void) {
    char text[NAME_MAX_LEN];
    rl_members_check(set);
    cr_assert_eq(rl_members_count(set), count);
    for (unsigned i = 0; i < NAMES; i++)
        cr_assert_eq(rl_members_has(set, member_of(i, text)), there[i], "member %u", i);
    rl_members_walk walk = {0};
    rl_bytes member;
    size_t walked = 0;
    for (; rl_members_next(set, &walk, &member); walked++)
        if (walked < 50)
            cr_assert(there[member_number(member)]);
    cr_assert_eq(walked, count);
}

static void play(uint64_t seed, unsigned names, int steps) {
    static const unsigned phases[] = {10, 5, 9, 1, 0, 7, 0};
    rl_random random;
    rl_random_seed(&random, seed);
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int step = 0; step < steps; step++) {
            change((unsigned)rl_random_below(&random, names),
                   rl_random_below(&random, 10) < phases[phase]);
            if (step % 37 == 0)
                rl_members_check(set);
        }
        expect_as_modelled();
    }
}

Test(members, integers)
{
    integers = true;
    limits.ints = 5000;
    play(1, NAMES, 4000);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_INTS);
}

Test(members, few_integers)
{
    integers = true;
    play(2, 20, 500);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_INTS);
}

Test(members, integers_that_become_too_many)
{
    integers = true;
    play(3, NAMES, 4000);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE);
}

Test(members, packed)
{
    limits.small = (rl_small_limits){5000, 5000};
    play(4, 100, 1500);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_PACKED);
}

Test(members, from_form_to_form)
{
    play(5, NAMES, 5000);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE);
}

Test(members, a_table_from_the_first_member_on)
{
    limits = (rl_members_limits){0};
    play(6, 30, 500);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE);
}

Test(members, borders_between_the_forms)
{
    char text[NAME_MAX_LEN];
    integers = true;
    for (unsigned i = 0; i < 512; i++)
        change(i, true);
    change(511, true);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_INTS);
    rl_members_add(&set, RL_BYTES("999999"), &limits);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE, "one integer too many");
    cr_assert_eq(rl_members_count(set), 513);
    teardown();
    setup();
    for (int i = 0; i < 127; i++)
        rl_members_add(&set, rl_bytes_of(text, (size_t)sprintf(text, "%d", i)), &limits);
    rl_members_add(&set, RL_BYTES("word"), &limits);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_PACKED, "the 128th is no integer");
    rl_members_add(&set, RL_BYTES("word"), &limits);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_PACKED);
    rl_members_add(&set, RL_BYTES("another"), &limits);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE);
    cr_assert_eq(rl_members_count(set), 129);
    teardown();
    setup();
    rl_members_add(&set, RL_BYTES("7"), &limits);
    memset(text, 'x', 65);
    rl_members_add(&set, rl_bytes_of(text, 64), &limits);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_PACKED);
    rl_members_add(&set, rl_bytes_of(text, 65), &limits);
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE, "a long one");
    cr_assert(rl_members_has(set, RL_BYTES("7")));
    rl_members_check(set);
}

Test(members, integers_come_in_order)
{
    static const char *const given[] = {
        "5", "-7", "70000", "9223372036854775807", "0", "-9223372036854775808"};
    static const char *const wanted[] = {"-9223372036854775808", "-7", "0", "5", "70000",
                                         "9223372036854775807"};
    for (size_t i = 0; i < 6; i++)
        rl_members_add(&set, rl_bytes_text(given[i]), &limits);
    rl_members_walk walk = {0};
    rl_bytes member;
    for (size_t i = 0; i < 6; i++)
        cr_assert(rl_members_next(set, &walk, &member) &&
                  rl_bytes_equal(member, rl_bytes_text(wanted[i])));
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_INTS);
}

Test(members, are_popped_until_none_is_left)
{
    rl_random random;
    rl_random_seed(&random, 3);
    static const unsigned sizes[] = {100, 128, 1500};
    for (size_t round = 0; round < 3; round++) {
        integers = round == 0;
        for (unsigned i = 0; i < sizes[round]; i++)
            change(i, true);
        rl_buffer out = {0};
        while (count > 0) {
            rl_buffer_clear(&out);
            rl_buffer_add_text(&out, "before");
            rl_members_pop(&set, &random, &out);
            int number = member_number(rl_bytes_of(out.ptr + 6, out.len - 6));
            cr_assert(number >= 0 && there[number]);
            there[number] = false;
            count--;
            cr_assert_eq(rl_members_count(set), count);
        }
        rl_buffer_release(&out);
        rl_members_check(set);
        teardown();
        setup();
    }
}

static int seen[NAMES];

static void note_seen(void *arg, rl_bytes member) {
    (void)arg;
    int number = member_number(member);
    cr_assert(number >= 0 && there[number]);
    seen[number]++;
}

Test(members, a_scan_returns_every_member_that_stays)
{
    rl_random random;
    rl_random_seed(&random, 9);
    for (unsigned i = 0; i < 60; i++)
        change(i * 25, true);
    for (int round = 0; round < 6; round++) {
        memset(seen, 0, sizeof seen);
        uint64_t cursor = 0;
        do {
            cursor = rl_members_scan(set, cursor, 10, note_seen, NULL);
            for (int i = 0; i < 50; i++) {
                unsigned number = (unsigned)rl_random_below(&random, NAMES);
                if (number % 25)
                    change(number, rl_random_below(&random, 10) < (round % 2 ? 1 : 9));
            }
        } while (cursor);
        for (unsigned i = 0; i < 60; i++)
            cr_assert_neq(seen[i * 25], 0, "round %d, member %u", round, i * 25);
    }
    cr_assert_eq(rl_members_form_of(set), RL_MEMBERS_TABLE);
}

Test(members, every_member_is_drawn_by_chance)
{
    rl_random random;
    rl_random_seed(&random, 10);
    rl_member_scratch scratch;
    static const unsigned sizes[] = {1, 30, 400};
    for (int kind = 0; kind < 2; kind++) {
        integers = kind == 0;
        for (size_t round = 0; round < 3; round++) {
            for (unsigned i = 0; i < sizes[round]; i++)
                change(i, true);
            memset(seen, 0, sizeof seen);
            for (unsigned i = 0; i < sizes[round] * 40; i++)
                note_seen(NULL, rl_members_random(set, &random, &scratch));
            for (unsigned i = 0; i < sizes[round]; i++)
                cr_assert_neq(seen[i], 0, "member %u of %u", i, sizes[round]);
        }
        memset(there, 0, sizeof there);
        count = 0;
        teardown();
        setup();
    }
}

Test(members, frees_itself_in_steps)
{
    char name[NAME_MAX_LEN];
    for (unsigned i = 0; i < 50000; i++)
        rl_members_add(&set, plain_name(i, name), &limits);
    cr_assert_lt(rl_members_memory(set), 50000 * 22);
    int steps = 1;
    while (!rl_members_free_step(set, 10))
        steps++;
    cr_assert_gt(steps, 50);
    set = NULL;
}
