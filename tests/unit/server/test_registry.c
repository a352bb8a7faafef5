/* SPDX-License-Identifier: MIT */
/* The registry on a small table of its own: names, renaming, and where the keys of a request are.
 */
#include "server/registry.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const rl_command inner[] = {
    {.name = "box|open", .arity = 2, .index = 2},
    {.name = "box|Shut", .arity = 2, .index = 7},
};
static const rl_command table[] = {
    {.name = "alpha", .arity = 2, .index = 0},
    {.name = "box", .arity = -2, .index = 1, .subcommands = inner, .subcommand_count = 2},
    {.name = "a_name_of_more_than_sixteen_bytes_1", .arity = 1, .index = 3},
    {.name = "a_name_of_more_than_sixteen_bytes_2", .arity = 1, .index = 4},
    {.name = "omega", .arity = 1, .index = 5},
};
enum { COUNT = sizeof table / sizeof table[0] };

static rl_registry *r;
static char error[200];

static void set_up(void) {
    r = rl_registry_create(table, COUNT);
    error[0] = '\0';
}

static void tear_down(void) {
    rl_registry_free(r);
}

TestSuite(registry, .init = set_up, .fini = tear_down);

static const rl_command *find(const char *name) {
    return rl_registry_find(r, rl_bytes_text(name));
}

static bool rename_to(const char *from, const char *to) {
    return rl_registry_rename(r, from, to, error, sizeof error);
}

Test(registry, a_name_is_found_in_any_case)
{
    cr_assert_eq(find("alpha"), &table[0]);
    cr_assert_eq(find("ALPHA"), &table[0]);
    cr_assert_eq(find("aLpHa"), &table[0]);
    cr_assert_eq(find("A_NAME_OF_MORE_THAN_SIXTEEN_BYTES_1"), &table[2]);
    cr_assert_eq(find("a_name_of_more_than_sixteen_bytes_2"), &table[3]);
}

Test(registry, what_only_looks_like_a_name_is_not_found)
{
    cr_assert_null(find(""));
    cr_assert_null(rl_registry_find(r, (rl_bytes){NULL, 0}));
    cr_assert_null(find("alph"));
    cr_assert_null(find("alphaa"));
    cr_assert_null(find("a_name_of_more_than_sixteen_bytes_3"));
    cr_assert_null(find("box|open"));
    cr_assert_null(rl_registry_find(r, RL_BYTES("alpha\0")));
    cr_assert_null(rl_registry_find(r, RL_BYTES("alp\0a")));
    /* Setting bit 5 of '_' gives 0x7f and of '\x01' gives '!': folding must not make names of such
     * bytes. */
    cr_assert_null(find("a\x7fname_of_more_than_sixteen_bytes_1"));
    cr_assert_null(find("ALPH\x01"));
}

Test(registry, a_name_ends_at_its_length)
{ cr_assert_eq(rl_registry_find(r, rl_bytes_of("omegaXYZ", 5)), &table[4]); }

Test(registry, a_subcommand_is_found_in_any_case)
{
    cr_assert_eq(rl_registry_subcommand(&table[1], RL_BYTES("OPEN")), &inner[0]);
    cr_assert_eq(rl_registry_subcommand(&table[1], RL_BYTES("shut")), &inner[1]);
    cr_assert_null(rl_registry_subcommand(&table[1], RL_BYTES("box|open")));
    cr_assert_null(rl_registry_subcommand(&table[1], RL_BYTES("ope")));
    cr_assert_null(rl_registry_subcommand(&table[1], RL_BYTES("")));
    cr_assert_null(rl_registry_subcommand(&table[0], RL_BYTES("open")));
}

Test(registry, a_full_name_has_a_bar)
{
    cr_assert_eq(rl_registry_find_full(r, RL_BYTES("Alpha")), &table[0]);
    cr_assert_eq(rl_registry_find_full(r, RL_BYTES("BOX|open")), &inner[0]);
    cr_assert_null(rl_registry_find_full(r, RL_BYTES("box|")));
    cr_assert_null(rl_registry_find_full(r, RL_BYTES("|open")));
    cr_assert_null(rl_registry_find_full(r, RL_BYTES("|")));
    cr_assert_null(rl_registry_find_full(r, RL_BYTES("box|open|")));
    cr_assert_null(rl_registry_find_full(r, RL_BYTES("alpha|open")));
    cr_assert_null(rl_registry_find_full(r, (rl_bytes){NULL, 0}));
}

Test(registry, a_request_means_a_command_or_a_subcommand)
{
    const rl_command *container;
    rl_bytes open[] = {RL_BYTES("Box"), RL_BYTES("Open"), RL_BYTES("x")};
    rl_bytes odd[] = {RL_BYTES("box"), RL_BYTES("burn")};
    rl_bytes plain[] = {RL_BYTES("alpha"), RL_BYTES("open")};
    rl_bytes none[] = {RL_BYTES("beta")};
    cr_assert_eq(rl_registry_resolve(r, open, 3, &container), &inner[0]);
    cr_assert_eq(container, &table[1]);
    cr_assert_eq(rl_registry_resolve(r, open, 1, &container), &table[1]);
    cr_assert_null(rl_registry_resolve(r, odd, 2, &container));
    cr_assert_eq(container, &table[1]);
    cr_assert_eq(rl_registry_resolve(r, plain, 2, &container), &table[0]);
    cr_assert_null(rl_registry_resolve(r, none, 1, &container));
    cr_assert_null(container);
}

Test(registry, renaming_moves_a_command)
{
    cr_assert(rename_to("Alpha", "Beta"));
    cr_assert_null(find("alpha"));
    cr_assert_eq(find("beta"), &table[0]);
    cr_assert_eq(rl_registry_count(r), COUNT);
    cr_assert_eq(rl_registry_at(r, 0), &table[0]);
    cr_assert_not(rename_to("alpha", "gamma"));
    cr_assert(strstr(error, "alpha"));
}

Test(registry, renaming_to_nothing_removes_a_command)
{
    cr_assert(rename_to("box", ""));
    cr_assert_null(find("box"));
    cr_assert_null(rl_registry_find_full(r, RL_BYTES("box|open")));
    cr_assert_eq(rl_registry_count(r), COUNT - 1);
    cr_assert_eq(rl_registry_at(r, 0), &table[0]);
    cr_assert_eq(rl_registry_at(r, 1), &table[2]);
    cr_assert_eq(rl_registry_at(r, COUNT - 2), &table[COUNT - 1]);
    cr_assert_null(rl_registry_at(r, COUNT - 1));
    cr_assert_eq(find("omega"), &table[4]);
    cr_assert_not(rename_to("box", "x"));
}

Test(registry, all_commands_can_be_removed)
{
    for (size_t i = 0; i < COUNT; i++)
        cr_assert(rename_to(table[i].name, ""));
    cr_assert_eq(rl_registry_count(r), 0);
    cr_assert_null(rl_registry_at(r, 0));
}

Test(registry, a_name_that_is_taken_is_refused)
{
    cr_assert_not(rename_to("alpha", "OMEGA"));
    cr_assert(strstr(error, "OMEGA"));
    cr_assert_eq(find("alpha"), &table[0]);
    cr_assert_eq(find("omega"), &table[4]);
    cr_assert_not(rename_to("alpha", "alpha"));
    cr_assert_not(rename_to("beta", "gamma"));
}

Test(registry, two_commands_can_change_names)
{
    cr_assert(rename_to("alpha", "aside"));
    cr_assert(rename_to("omega", "alpha"));
    cr_assert(rename_to("aside", "omega"));
    cr_assert_eq(find("alpha"), &table[4]);
    cr_assert_eq(find("omega"), &table[0]);
    cr_assert_null(find("aside"));
}

/* Every rename takes a place; too many are refused, and none is lost. */
Test(registry, renaming_over_and_over_ends_in_a_refusal)
{
    char from[32] = "alpha", to[32];
    int done = 0;
    for (; done < 10000; done++) {
        snprintf(to, sizeof to, "name%d", done);
        if (!rename_to(from, to))
            break;
        memcpy(from, to, sizeof from);
    }
    cr_assert_gt(done, COUNT);
    cr_assert_lt(done, 10000);
    cr_assert(strstr(error, "too many"));
    cr_assert_eq(find(from), &table[0]);
    cr_assert_eq(find("omega"), &table[4]);
    cr_assert_null(find(to));
}

Test(registry, indexes_count_subcommands)
{ cr_assert_eq(rl_registry_indexes(r), 8); }

Test(registry, an_empty_table_finds_nothing)
{
    rl_registry *empty = rl_registry_create(table, 0);
    cr_assert_null(rl_registry_find(empty, RL_BYTES("alpha")));
    cr_assert_eq(rl_registry_count(empty), 0);
    cr_assert_eq(rl_registry_indexes(empty), 0);
    rl_registry_free(empty);
    rl_registry_free(NULL);
}

/* ---- keys ---- */

/* The positions of the keys of a request written with blanks, as text: "1 3"; "no" when it does not
 * fit. */
static const char *keys_of(const rl_key_spec *specs, int count, const char *request) {
    static char text[200];
    char copy[200];
    rl_bytes argv[20];
    int argc = 0, positions[20];
    const rl_key_spec *spec_of[20];
    snprintf(copy, sizeof copy, "%s", request);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = rl_bytes_text(word);
    rl_command command = {.name = "x", .key_specs = specs, .key_spec_count = count};
    int found = rl_command_keys(&command, argv, argc, positions, spec_of, 20);
    cr_assert_eq(rl_command_keys(&command, argv, argc, NULL, NULL, 0), found);
    if (found < 0)
        return "no";
    text[0] = '\0';
    for (int i = 0; i < found; i++) {
        cr_assert(spec_of[i] >= specs && spec_of[i] < specs + count);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "",
                 positions[i]);
    }
    return text;
}

#define RANGE(at, last_, step_)                                                                    \
    {                                                                                              \
        .begin = RL_BEGIN_INDEX, .begin_index = at, .find = RL_FIND_RANGE, .last = last_,          \
        .step = step_                                                                              \
    }

Test(keys, a_command_without_specifications_has_none)
{ cr_assert_str_eq(keys_of(NULL, 0, "x a b"), ""); }

Test(keys, one_at_a_place)
{
    rl_key_spec one[] = {RANGE(1, 0, 1)};
    cr_assert_str_eq(keys_of(one, 1, "x a b"), "1");
    cr_assert_str_eq(keys_of(one, 1, "x"), "no");
    rl_key_spec second[] = {RANGE(2, 0, 1)};
    cr_assert_str_eq(keys_of(second, 1, "x a b"), "2");
    cr_assert_str_eq(keys_of(second, 1, "x a"), "no");
}

Test(keys, several_up_to_a_distance)
{
    rl_key_spec pair[] = {RANGE(1, 1, 1)};
    cr_assert_str_eq(keys_of(pair, 1, "x a b c"), "1 2");
    cr_assert_str_eq(keys_of(pair, 1, "x a"), "no");
}

Test(keys, all_to_the_end_or_before_it)
{
    rl_key_spec all[] = {RANGE(1, -1, 1)};
    cr_assert_str_eq(keys_of(all, 1, "x a b c"), "1 2 3");
    cr_assert_str_eq(keys_of(all, 1, "x"), "no");
    rl_key_spec but_one[] = {RANGE(1, -2, 1)};
    cr_assert_str_eq(keys_of(but_one, 1, "x a b 0"), "1 2");
    cr_assert_str_eq(keys_of(but_one, 1, "x a"), "no");
}

Test(keys, every_other_argument)
{
    rl_key_spec pairs[] = {RANGE(1, -1, 2)};
    cr_assert_str_eq(keys_of(pairs, 1, "x a 1 b 2"), "1 3");
    cr_assert_str_eq(keys_of(pairs, 1, "x a 1 b"), "1 3");
}

/* A limit of 2 means the first half of what is left, as the keys of XREAD before their ids. */
Test(keys, the_first_half)
{
    rl_key_spec half[] = {{.begin = RL_BEGIN_KEYWORD,
                           .begin_keyword = "STREAMS",
                           .begin_index = 1,
                           .find = RL_FIND_RANGE,
                           .last = -1,
                           .step = 1,
                           .limit = 2}};
    cr_assert_str_eq(keys_of(half, 1, "x streams a b 1 2"), "2 3");
    cr_assert_str_eq(keys_of(half, 1, "x count 5 STREAMS a 1"), "4");
    cr_assert_str_eq(keys_of(half, 1, "x streams"), "no");
    cr_assert_str_eq(keys_of(half, 1, "x nothing"), "");
}

Test(keys, a_keyword_looked_for_from_the_end)
{
    rl_key_spec last[] = {{.begin = RL_BEGIN_KEYWORD,
                           .begin_keyword = "store",
                           .begin_index = -2,
                           .find = RL_FIND_RANGE,
                           .last = 0,
                           .step = 1}};
    cr_assert_str_eq(keys_of(last, 1, "x a store b store c"), "5");
    cr_assert_str_eq(keys_of(last, 1, "x a store b"), "3");
    cr_assert_str_eq(keys_of(last, 1, "x a b"), "");
    cr_assert_str_eq(keys_of(last, 1, "x"), "");
}

Test(keys, a_number_says_how_many)
{
    rl_key_spec counted[] = {{.begin = RL_BEGIN_INDEX,
                              .begin_index = 1,
                              .find = RL_FIND_KEYNUM,
                              .keynum_index = 0,
                              .first_key = 1,
                              .step = 1}};
    cr_assert_str_eq(keys_of(counted, 1, "x 2 a b c"), "2 3");
    cr_assert_str_eq(keys_of(counted, 1, "x 3 a b c"), "2 3 4");
    cr_assert_str_eq(keys_of(counted, 1, "x 4 a b c"), "no");
    cr_assert_str_eq(keys_of(counted, 1, "x 0 a"), "no");
    cr_assert_str_eq(keys_of(counted, 1, "x -1 a"), "no");
    cr_assert_str_eq(keys_of(counted, 1, "x many a"), "no");
    cr_assert_str_eq(keys_of(counted, 1, "x 9223372036854775807 a"), "no");
    cr_assert_str_eq(keys_of(counted, 1, "x 4294967297 a"), "no");
    cr_assert_str_eq(keys_of(counted, 1, "x"), "no");
}

Test(keys, what_cannot_be_told_does_not_fit)
{
    rl_key_spec begin[] = {{.begin = RL_BEGIN_UNKNOWN, .find = RL_FIND_RANGE, .step = 1}};
    rl_key_spec end[] = {{.begin = RL_BEGIN_INDEX, .begin_index = 1, .find = RL_FIND_UNKNOWN}};
    cr_assert_str_eq(keys_of(begin, 1, "x a"), "no");
    cr_assert_str_eq(keys_of(end, 1, "x a"), "no");
}

Test(keys, the_target_of_sort_stands_anywhere)
{
    rl_key_spec sort[] = {
        RANGE(1, 0, 1),
        {.flags = "RO access", .begin = RL_BEGIN_UNKNOWN, .find = RL_FIND_UNKNOWN},
        {.flags = "OW update", .begin = RL_BEGIN_UNKNOWN, .find = RL_FIND_UNKNOWN}};
    cr_assert_str_eq(keys_of(sort, 3, "sort a"), "1");
    cr_assert_str_eq(keys_of(sort, 3, "sort a desc STORE b alpha"), "1 4");
    cr_assert_str_eq(keys_of(sort, 3, "sort a store b store c"), "1 5");
    cr_assert_str_eq(keys_of(sort, 3, "sort a by store get store limit store store"), "1");
    cr_assert_str_eq(keys_of(sort, 3, "sort a store"), "1");
    cr_assert_str_eq(keys_of(sort, 2, "sort_ro a by x"), "1");
}

Test(keys, several_specifications_add_up)
{
    rl_key_spec two[] = {RANGE(2, 0, 1), RANGE(1, 0, 1)};
    cr_assert_str_eq(keys_of(two, 2, "x a b"), "2 1");
    cr_assert_str_eq(keys_of(two, 2, "x a"), "no");
}

Test(keys, no_more_are_written_than_there_is_room_for)
{
    rl_key_spec all[] = {RANGE(1, -1, 1)};
    rl_command command = {.name = "x", .key_specs = all, .key_spec_count = 1};
    rl_bytes argv[] = {RL_BYTES("x"), RL_BYTES("a"), RL_BYTES("b"), RL_BYTES("c")};
    int positions[3] = {0, 0, -7};
    cr_assert_eq(rl_command_keys(&command, argv, 4, positions, NULL, 2), 3);
    cr_assert_eq(positions[0], 1);
    cr_assert_eq(positions[1], 2);
    cr_assert_eq(positions[2], -7);
}
