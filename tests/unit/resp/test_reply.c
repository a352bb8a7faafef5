/* SPDX-License-Identifier: MIT */
/* Replies: the exact bytes of every type, in RESP2 and RESP3. */
#include "resp/reply.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

static rl_chain chain;
static rl_reply reply;

static void setup(void) {
    chain = (rl_chain){0};
    reply = (rl_reply){.chain = &chain, .resp = 2};
}

static void teardown(void) {
    rl_chain_release(&chain);
    rl_chain_pool_release();
}

TestSuite(reply, .init = setup, .fini = teardown);

/* Takes out what was written. */
static void take(rl_buffer *out) {
    while (rl_chain_pending(&chain)) {
        struct iovec iov[8];
        size_t total;
        int runs = rl_chain_peek(&chain, rl_chain_position(&chain), iov, 8, &total);
        for (int i = 0; i < runs; i++)
            rl_buffer_add(out, iov[i].iov_base, iov[i].iov_len);
        rl_chain_consume(&chain, total);
    }
}

static void expect(const char *what, int resp, rl_bytes want) {
    rl_buffer got = {0}, shown = {0};
    take(&got);
    rl_buffer_add_quoted(&shown, rl_buffer_bytes(&got));
    cr_expect(rl_bytes_equal(rl_buffer_bytes(&got), want), "%s in RESP%d wrote %.200s", what, resp,
              rl_buffer_cstr(&shown));
    rl_buffer_release(&got);
    rl_buffer_release(&shown);
}

/* What a call writes in RESP2 and in RESP3. */
#define EXPECT(call, resp2, resp3)                                                                 \
    do {                                                                                           \
        reply.resp = 2;                                                                            \
        call;                                                                                      \
        expect(#call, 2, RL_BYTES(resp2));                                                         \
        reply.resp = 3;                                                                            \
        call;                                                                                      \
        expect(#call, 3, RL_BYTES(resp3));                                                         \
    } while (0)
#define EXPECT_BOTH(call, bytes) EXPECT(call, bytes, bytes)

Test(reply, plain_types)
{
    EXPECT_BOTH(rl_reply_ok(&reply), "+OK\r\n");
    EXPECT_BOTH(rl_reply_status(&reply, "PONG"), "+PONG\r\n");
    EXPECT_BOTH(rl_reply_bulk(&reply, RL_BYTES("a\0\r\n")), "$4\r\na\0\r\n\r\n");
    EXPECT_BOTH(rl_reply_bulk(&reply, RL_BYTES("")), "$0\r\n\r\n");
    EXPECT_BOTH(rl_reply_text(&reply, "text"), "$4\r\ntext\r\n");
    EXPECT_BOTH(rl_reply_array(&reply, 0), "*0\r\n");
    EXPECT_BOTH(rl_reply_array(&reply, 12345), "*12345\r\n");
    EXPECT_BOTH(rl_reply_raw(&reply, RL_BYTES(":1\r\n")), ":1\r\n");
    EXPECT_BOTH(rl_reply_literal(&reply, "+QUEUED\r\n"), "+QUEUED\r\n");
}

Test(reply, integers)
{
    EXPECT_BOTH(rl_reply_int(&reply, 0), ":0\r\n");
    EXPECT_BOTH(rl_reply_int(&reply, 9), ":9\r\n");
    EXPECT_BOTH(rl_reply_int(&reply, 10), ":10\r\n");
    EXPECT_BOTH(rl_reply_int(&reply, -1), ":-1\r\n");
    EXPECT_BOTH(rl_reply_int(&reply, INT64_MAX), ":9223372036854775807\r\n");
    EXPECT_BOTH(rl_reply_int(&reply, INT64_MIN), ":-9223372036854775808\r\n");
}

Test(reply, types_that_resp2_lacks)
{
    EXPECT(rl_reply_null(&reply), "$-1\r\n", "_\r\n");
    EXPECT(rl_reply_null_array(&reply), "*-1\r\n", "_\r\n");
    EXPECT(rl_reply_bool(&reply, true), ":1\r\n", "#t\r\n");
    EXPECT(rl_reply_bool(&reply, false), ":0\r\n", "#f\r\n");
    EXPECT(rl_reply_map(&reply, 3), "*6\r\n", "%3\r\n");
    EXPECT(rl_reply_map(&reply, 0), "*0\r\n", "%0\r\n");
    EXPECT(rl_reply_set(&reply, 3), "*3\r\n", "~3\r\n");
    EXPECT(rl_reply_push(&reply, 3), "*3\r\n", ">3\r\n");
    EXPECT(rl_reply_attribute(&reply, 1), "", "|1\r\n");
    EXPECT(rl_reply_verbatim(&reply, "txt", RL_BYTES("Some")), "$4\r\nSome\r\n",
           "=8\r\ntxt:Some\r\n");
}

Test(reply, doubles)
{
    EXPECT(rl_reply_double(&reply, 3), "$1\r\n3\r\n", ",3\r\n");
    EXPECT(rl_reply_double(&reply, 0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    EXPECT(rl_reply_double(&reply, -2.5), "$4\r\n-2.5\r\n", ",-2.5\r\n");
    EXPECT(rl_reply_double(&reply, INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
    EXPECT(rl_reply_double(&reply, -INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
}

/* Around the size up to which a bulk is written at once, and over several chunks. */
Test(reply, bulks_of_every_size)
{
    static const size_t sizes[] = {9,    10,    99,    100,   511,    512,    513,
                                   4095, 16384, 65536, 70000, 500000, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rl_buffer value = {0}, want = {0};
        for (size_t k = 0; k < sizes[i]; k++)
            rl_buffer_add_char(&value, (char)('a' + k % 23));
        rl_buffer_printf(&want, "$%zu\r\n", sizes[i]);
        rl_buffer_add_bytes(&want, rl_buffer_bytes(&value));
        rl_buffer_add_text(&want, "\r\n");
        rl_reply_bulk(&reply, rl_buffer_bytes(&value));
        expect("a bulk", 2, rl_buffer_bytes(&want));
        rl_buffer_release(&value);
        rl_buffer_release(&want);
    }
}

Test(reply, errors_are_one_line)
{
    rl_reply_error(&reply, "ERR syntax error");
    expect("an error", 2, RL_BYTES("-ERR syntax error\r\n"));
    rl_reply_error(&reply, "ERR a\r\nb\nc");
    expect("an error of several lines", 2, RL_BYTES("-ERR a  b c\r\n"));
    rl_reply_errorf(&reply, "ERR '%s' of %d", "x\r\n+OK", 3);
    expect("an error that quotes its cause", 2, RL_BYTES("-ERR 'x  +OK' of 3\r\n"));
}

Test(reply, errors_may_be_long)
{
    static char long_text[5000];
    for (size_t len = 480; len < sizeof long_text - 1; len = len < 540 ? len + 1 : len * 2) {
        memset(long_text, 'x', len);
        long_text[len] = '\0';
        rl_buffer want = {0};
        rl_buffer_printf(&want, "-ERR %s\r\n", long_text);
        rl_reply_errorf(&reply, "ERR %s", long_text);
        expect("a long error", 2, rl_buffer_bytes(&want));
        rl_buffer_release(&want);
    }
}

Test(reply, errors_are_counted_by_their_first_word)
{
    rl_reply_error(&reply, RL_ERR_WRONGTYPE);
    cr_assert_eq(reply.errors, 1);
    cr_assert_str_eq(reply.error_code, "WRONGTYPE");
    rl_reply_errorf(&reply, "%s", "ERR x");
    cr_assert_eq(reply.errors, 2);
    cr_assert_str_eq(reply.error_code, "ERR");
    rl_reply_error(&reply, "AVERYLONGCODEWITHMORETHANTHIRTYTWOLETTERS x");
    cr_assert_str_eq(reply.error_code, "AVERYLONGCODEWITHMORETHANTHIRTY");
    rl_reply_int(&reply, 1);
    cr_assert_eq(reply.errors, 3);
}

Test(reply, many_replies_run_over_chunks)
{
    rl_buffer want = {0};
    for (int i = 0; i < 50000; i++) {
        char text[32];
        snprintf(text, sizeof text, "value-%d", i);
        rl_reply_text(&reply, text);
        rl_reply_int(&reply, i);
        rl_buffer_printf(&want, "$%zu\r\n%s\r\n:%d\r\n", strlen(text), text, i);
    }
    expect("many replies", 2, rl_buffer_bytes(&want));
    rl_buffer_release(&want);
}
