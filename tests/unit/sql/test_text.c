/* SPDX-License-Identifier: MIT */
/* Where statements begin, first words, characters; and copies of queries. */
#include "sql/text.h"

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "sql/query.h"

Test(text, blanks_and_comments_are_skipped)
{
    static const struct {
        const char *text, *rest;
    } cases[] = {
        {"", ""},
        {"SELECT", "SELECT"},
        {" \t\r\n\f;;SELECT", "SELECT"},
        {"-- note\nSELECT", "SELECT"},
        {"-- note", ""},
        {"/* a */ /* b -- */SELECT", "SELECT"},
        {"/* open", ""},
        {"/*", ""},
        {"/**/x", "x"},
        {"/*/x*/y", "y"},
        {"-x", "-x"},
        {"/x", "/x"},
        {"\xef\xbb\xbf; --\n\xef\xbb\xbfx", "x"},
        {"\v", "\v"}, /* not a blank for SQLite */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_str_eq(sql_text_skip(cases[i].text), cases[i].rest, "%s", cases[i].text);
}

Test(text, first_words)
{
    cr_assert(sql_text_begins("vacuum", "VACUUM"));
    cr_assert(sql_text_begins("VACUUM INTO", "VACUUM"));
    cr_assert(sql_text_begins("VACUUM;", "VACUUM"));
    cr_assert(sql_text_begins("VACUUM/**/main", "VACUUM"));
    cr_assert_not(sql_text_begins("VACUUMED", "VACUUM"));
    cr_assert_not(sql_text_begins("vacuum_", "VACUUM"));
    cr_assert_not(sql_text_begins("vacuum\xc3\xbc", "VACUUM"));
    cr_assert_not(sql_text_begins("VAC", "VACUUM"));
}

Test(text, characters_are_not_bytes)
{
    const char *text = "a\xc3\xbc\xe2\x82\xacz"; /* a ü € z */
    cr_assert_eq(sql_text_characters(text, 0), 0);
    cr_assert_eq(sql_text_characters(text, 1), 1);
    cr_assert_eq(sql_text_characters(text, 3), 2);
    cr_assert_eq(sql_text_characters(text, 7), 4);
    cr_assert_eq(sql_text_cut(text, 7, 100), 7);
    cr_assert_eq(sql_text_cut(text, 7, 6), 6);
    cr_assert_eq(sql_text_cut(text, 7, 5), 3);
    cr_assert_eq(sql_text_cut(text, 7, 2), 1);
    cr_assert_eq(sql_text_cut(text, 7, 0), 0);
}

Test(query, a_copy_stands_alone)
{
    char text[] = "SELECT ?, ?", first[] = "one", types[] = "ti";
    rl_bytes params[] = {rl_bytes_text(first), rl_bytes_of(NULL, 0)};
    rl_sql_query q = {.text = rl_bytes_text(text),
                      .params = params,
                      .param_count = 2,
                      .types = types,
                      .resp = 3,
                      .limits = {1, 2, 3}};
    rl_sql_query *copy = rl_sql_query_copy(&q);
    memset(text, 'x', sizeof text);
    memset(first, 'x', sizeof first);
    memset(types, 'x', sizeof types);
    memset(params, 0, sizeof params);
    cr_assert(rl_bytes_equal(copy->text, RL_BYTES("SELECT ?, ?")));
    cr_assert(rl_bytes_equal(copy->params[0], RL_BYTES("one")));
    cr_assert_eq(copy->params[1].len, 0);
    cr_assert_eq(memcmp(copy->types, "ti", 2), 0);
    cr_assert_eq(copy->resp, 3);
    cr_assert_eq(copy->limits.max_bytes, 3);
    rl_free(copy);
    rl_sql_query bare = {.text = RL_BYTES("x")};
    copy = rl_sql_query_copy(&bare);
    cr_assert_null(copy->types);
    cr_assert_eq(copy->param_count, 0);
    rl_free(copy);
}
