/* SPDX-License-Identifier: MIT */
/* Counting replies: every kind, in pieces of every size. */
#include "admin/replies.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct seen {
    int errors;
    uint64_t number;
    char text[64];
} seen;

static void on_error(void *arg, uint64_t number, rl_bytes text) {
    seen *s = arg;
    s->errors++;
    s->number = number;
    snprintf(s->text, sizeof s->text, "%.*s", (int)text.len, text.ptr);
}

/* Feeds the text in pieces of `step` bytes. */
static bool feed(admin_replies *r, const char *text, size_t len, size_t step) {
    bool good = true;
    for (size_t at = 0; at < len && good; at += step)
        good = admin_replies_feed(r, text + at, len - at < step ? len - at : step);
    return good;
}

static const struct {
    const char *text;
    uint64_t count, failed;
    int errors;
} streams[] = {
    {"+OK\r\n", 1, 0, 0},
    {"+OK\r\n+OK\r\n:12\r\n$-1\r\n*-1\r\n_\r\n", 6, 0, 0},
    {"-ERR no\r\n+OK\r\n", 2, 1, 1},
    {"$5\r\n+OK\r\n\r\n+OK\r\n", 2, 0, 0}, /* a value that looks like replies */
    {"$0\r\n\r\n", 1, 0, 0},
    {"*0\r\n*2\r\n$1\r\na\r\n:1\r\n", 2, 0, 0},
    {"*2\r\n-WRONGTYPE x\r\n*1\r\n-ERR y\r\n+OK\r\n", 2, 1, 2}, /* EXEC */
    {"*2\r\n*0\r\n*2\r\n*0\r\n+OK\r\n", 1, 0, 0},
    {"%1\r\n+a\r\n*1\r\n:1\r\n~2\r\n:1\r\n:2\r\n,1.5\r\n#t\r\n(123\r\n", 5, 0, 0},
    {">2\r\n+message\r\n-no error\r\n+OK\r\n", 1, 0, 0}, /* pushed: no reply */
    {"|1\r\n+a\r\n:1\r\n+OK\r\n", 1, 0, 0},              /* an attribute in front of a reply */
    {"=5\r\ntxt:a\r\n!5\r\nERR x\r\n", 2, 1, 1},
    {"*3\r\n:1\r\n", 0, 0, 0}, /* not whole */
    {"$10\r\nabc", 0, 0, 0},
};

Test(replies, counts_every_kind_in_pieces_of_every_size)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        size_t len = strlen(streams[i].text);
        for (size_t step = 1; step <= len; step++) {
            seen s = {0};
            admin_replies r = {.on_error = on_error, .arg = &s};
            cr_assert(feed(&r, streams[i].text, len, step), "%zu by %zu", i, step);
            cr_assert_eq(r.count, streams[i].count, "%zu by %zu: %d", i, step, (int)r.count);
            cr_assert_eq(r.failed, streams[i].failed, "%zu by %zu", i, step);
            cr_assert_eq(s.errors, streams[i].errors, "%zu by %zu", i, step);
        }
    }
}

Test(replies, an_error_is_told_with_its_number)
{
    seen s = {0};
    admin_replies r = {.on_error = on_error, .arg = &s};
    const char *text = "+OK\r\n:1\r\n-ERR value is not an integer\r\n";
    cr_assert(feed(&r, text, strlen(text), 7));
    cr_assert_eq(s.number, 3);
    cr_assert_str_eq(s.text, "ERR value is not an integer");
}

Test(replies, a_long_error_is_cut)
{
    seen s = {0};
    admin_replies r = {.on_error = on_error, .arg = &s};
    char text[4096];
    memset(text, 'x', sizeof text);
    text[0] = '-';
    memcpy(text + sizeof text - 2, "\r\n", 2);
    cr_assert(feed(&r, text, sizeof text, 100));
    cr_assert(feed(&r, "+OK\r\n", 5, 5));
    cr_assert_eq(r.count, 2);
    cr_assert_eq(s.errors, 1);
}

Test(replies, what_is_no_reply_is_refused)
{
    static const char *const bad[] = {"HTTP/1.1 200\r\n",          "\r\n",    "$x\r\n", "$-2\r\n",
                                      "*99999999999999999999\r\n", "|-1\r\n", "$\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        admin_replies r = {0};
        cr_assert_not(feed(&r, bad[i], strlen(bad[i]), 3), "%s", bad[i]);
        cr_assert_not(feed(&r, "+OK\r\n", 5, 5), "it stays refused");
        cr_assert_eq(r.count, 0);
    }
}

Test(replies, depth_is_bounded)
{
    admin_replies r = {0};
    bool good = true;
    for (int i = 0; i < ADMIN_REPLY_DEPTH + 1 && good; i++)
        good = feed(&r, "*1\r\n", 4, 4);
    cr_assert_not(good);
}
