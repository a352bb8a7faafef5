/* SPDX-License-Identifier: MIT */
/* Where statements begin, first words, characters. */
#include "sql/text.h"

#include <criterion/criterion.h>

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
