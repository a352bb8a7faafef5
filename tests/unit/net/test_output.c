/* SPDX-License-Identifier: MIT */
/* Output: slow readers, large answers, gates that hold answers back and those that fail. */
#include "unit/net/fixture.h"

TestSuite(output, .timeout = 60);
TestSuite(gates, .timeout = 60);

static const size_t big = 20 << 20;

static char big_byte(size_t i) {
    return (char)(i * 31 % 251);
}

/* "big" gets 20 MiB in one piece, "bits" the same in pieces of 1000. */
static void line_big(fx_session *s, rl_bytes line) {
    size_t piece = rl_bytes_is(line, "bits") ? 1000 : big;
    for (size_t at = 0; at < big; at += piece) {
        size_t len = big - at < piece ? big - at : piece;
        char *room = rl_chain_reserve(rl_conn_output(s->c), len);
        for (size_t i = 0; i < len; i++)
            room[i] = big_byte(at + i);
        rl_chain_commit(rl_conn_output(s->c), len);
    }
    rl_conn_touch(s->c);
}

static void expect_big(fx *f, int fd) {
    char *got = rl_malloc(big);
    fx_receive(f, fd, got, big);
    for (size_t i = 0; i < big; i++)
        if (got[i] != big_byte(i))
            cr_assert_fail("byte %zu is wrong", i);
    rl_free(got);
}

Test(output, a_large_answer_reaches_a_slow_reader_whole)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_big;
    int fd = fx_client(&f);
    rl_conn *c = fx_last(&f)->c;
    for (int kind = 0; kind < 2; kind++) {
        fx_send_text(&f, fd, kind ? "bits\n" : "big\n");
        for (int i = 0; i < 20; i++)
            fx_run(&f);
        /* The kernel took some of it, and the rest is counted. */
        size_t pending = rl_conn_output_pending(c);
        cr_assert_gt(pending, 0);
        cr_assert_lt(pending, big);
        cr_assert_geq(rl_conn_output_memory(c), pending);
        expect_big(&f, fd);
        while (rl_conn_output_pending(c))
            fx_run(&f);
        cr_assert_eq(rl_conn_output_memory(c), 0);
        cr_assert_eq(rl_conn_bytes_out(c), (unsigned)(kind + 1) * big);
    }
    close(fd);
    fx_end(&f);
}

Test(output, answers_added_while_a_write_is_under_way_follow_it)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_big;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "big\n");
    f.on_line = fx_echo;
    fx_send_text(&f, fd, "one\n");
    fx_send_text(&f, fd, "two\n");
    fx_run(&f);
    expect_big(&f, fd);
    fx_expect(&f, fd, "one\ntwo\n");
    close(fd);
    fx_end(&f);
}

Test(output, closing_now_with_a_write_under_way)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_big;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "bits\n");
    fx_run(&f);
    cr_assert_gt(rl_conn_output_pending(fx_last(&f)->c), 0);
    fx_close(fx_last(&f), RL_CLOSE_NOW);
    fx_wait_closed(&f, 1);
    close(fd);
    fx_end(&f);
}

Test(output, a_reader_that_leaves_in_the_middle)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_big;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "bits\n");
    fx_run(&f);
    close(fd); /* with unread bytes: a reset */
    fx_wait_closed(&f, 1);
    fx_end(&f);
}

static void line_big_and_close(fx_session *s, rl_bytes line) {
    line_big(s, line);
    fx_close(s, RL_CLOSE_AFTER_REPLY);
}

Test(output, close_after_reply_waits_for_a_slow_reader)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_big_and_close;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "bits\n");
    for (int i = 0; i < 20; i++)
        fx_run(&f);
    cr_assert_eq(f.closed, 0);
    expect_big(&f, fd);
    fx_expect_closed(&f, fd);
    close(fd);
    fx_end(&f);
}

Test(output, nothing_is_written_before_a_flush)
{
    fx f;
    fx_start_tcp(&f);
    f.hold_flush = true;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "a\n");
    fx_expect_nothing(&f, fd);
    fx_send_text(&f, fd, "b\n");
    fx_expect_nothing(&f, fd);
    f.hold_flush = false;
    fx_expect(&f, fd, "a\nb\n");
    close(fd);
    fx_end(&f);
}

/* ---- gates: "w5:text" answers text as a write that waits for 5, "r5:text" as a read, else at once
 * ---- */

static void line_gated(fx_session *s, rl_bytes line) {
    uint64_t from = rl_chain_position(rl_conn_output(s->c));
    bool gated = line.len > 2 && line.ptr[2] == ':';
    rl_bytes text = gated ? rl_bytes_of(line.ptr + 3, line.len - 3) : line;
    fx_echo(s, text);
    if (gated)
        rl_conn_gate(s->c, from, (uint64_t)(line.ptr[1] - '0'), 1, line.ptr[0] == 'w');
}

static int gated_client(fx *f) {
    fx_start_tcp(f);
    f->on_line = line_gated;
    return fx_client(f);
}

Test(gates, hold_answers_until_released)
{
    fx f;
    int fd = gated_client(&f);
    rl_conn *c = fx_last(&f)->c;
    fx_send_text(&f, fd, "a\nw3:b\nw3:c\nd\nw4:e\nr3:f\n");
    fx_expect(&f, fd, "a\n");
    fx_expect_nothing(&f, fd);
    cr_assert(rl_conn_gated(c));
    f.released = 2;
    fx_expect_nothing(&f, fd);
    f.released = 3;
    fx_expect(&f, fd, "b\nc\nd\n");
    fx_expect_nothing(&f, fd);
    fx_send_text(&f, fd, "g\n"); /* open, but behind one that is not */
    fx_expect_nothing(&f, fd);
    f.released = 4;
    fx_expect(&f, fd, "e\nf\ng\n");
    cr_assert_not(rl_conn_gated(c));
    cr_assert_eq(rl_conn_output_memory(c), 0);
    fx_send_text(&f, fd, "w4:h\n"); /* released already */
    fx_expect(&f, fd, "h\n");
    close(fd);
    fx_end(&f);
}

Test(gates, of_many_connections_open_with_one_flush)
{
    fx f;
    int fds[100];
    char text[32];
    fx_start_tcp(&f);
    f.on_line = line_gated;
    for (int i = 0; i < 100; i++) {
        fds[i] = fx_client(&f);
        snprintf(text, sizeof text, "w%d:%d\n", 1 + i % 3, i);
        fx_send_text(&f, fds[i], text);
    }
    close(fds[50]); /* one leaves while it is held */
    fx_run(&f);
    for (f.released = 1; f.released <= 3; f.released++)
        for (int i = 0; i < 100; i++) {
            if (i == 50)
                continue;
            snprintf(text, sizeof text, "%d\n", i);
            if (1 + (uint64_t)i % 3 == f.released)
                fx_expect(&f, fds[i], text);
            else if (1 + (uint64_t)i % 3 > f.released)
                cr_assert_eq(recv(fds[i], text, 1, 0), -1);
        }
    for (int i = 0; i < 100; i++)
        if (i != 50)
            close(fds[i]);
    fx_end(&f);
}

Test(gates, a_long_mixed_pipeline)
{
    fx f;
    int fd = gated_client(&f);
    size_t lines = 3000, at = 0, len = 0;
    char *text = rl_malloc(lines * 16), *want = rl_malloc(lines * 16);
    for (size_t i = 0; i < lines; i++) {
        const char *kind = i % 3 == 0 ? "w1:" : i % 3 == 1 ? "" : i % 2 ? "r2:" : "r1:";
        at += (size_t)sprintf(text + at, "%s%zu\n", kind, i);
        len += (size_t)sprintf(want + len, "%zu\n", i);
    }
    fx_send(&f, fd, text, at);
    fx_expect_nothing(&f, fd);
    f.released = 1;
    fx_expect(&f, fd, "0\n1\n2\n3\n4\n"); /* 5 is a read that waits for 2 */
    fx_expect_nothing(&f, fd);
    f.released = 2;
    fx_expect(&f, fd, want + strlen("0\n1\n2\n3\n4\n"));
    rl_free(text);
    rl_free(want);
    close(fd);
    fx_end(&f);
}

Test(gates, that_fail_answer_an_error_for_each_write)
{
    fx f;
    int fd = gated_client(&f);
    rl_conn *c = fx_last(&f)->c;
    fx_send_text(&f, fd, "a\nr3:b\nw3:c\nw3:d\ne\nr3:f\nw4:longer answer\ng\nr4:h\ni\n");
    fx_expect(&f, fd, "a\n");
    fx_expect_nothing(&f, fd);
    cr_assert_eq(rl_conn_fail_gates(c, RL_BYTES("-MISCONF no\r\n")), 3);
    cr_assert_eq(rl_conn_fail_gates(c, RL_BYTES("-again\r\n")), 0);
    cr_assert(rl_conn_gated(c)); /* reads still wait */
    fx_expect_nothing(&f, fd);
    f.released = 3;
    fx_expect(&f, fd, "b\n-MISCONF no\r\n-MISCONF no\r\ne\nf\n-MISCONF no\r\ng\n");
    fx_expect_nothing(&f, fd);
    f.released = 4;
    fx_expect(&f, fd, "h\ni\n");
    cr_assert_not(rl_conn_gated(c));
    fx_send_text(&f, fd, "w9:x\n");
    while (!rl_conn_gated(c))
        fx_run(&f);
    cr_assert_eq(rl_conn_fail_gates(c, RL_BYTES("-no\r\n")), 1);
    cr_assert_not(rl_conn_gated(c));
    fx_expect(&f, fd, "-no\r\n");
    close(fd);
    fx_end(&f);
}

/* What is under way in front of the gate stays as it is. */
static void line_big_then_gated(fx_session *s, rl_bytes line) {
    if (rl_bytes_is(line, "bits"))
        line_big(s, line);
    else
        line_gated(s, line);
}

Test(gates, may_fail_behind_a_write_under_way)
{
    fx f;
    int fd = gated_client(&f);
    f.on_line = line_big_then_gated;
    rl_conn *c = fx_last(&f)->c;
    fx_send_text(&f, fd, "bits\nw5:gone\nafter\n");
    while (!rl_conn_gated(c))
        fx_run(&f);
    cr_assert_gt(rl_conn_output_pending(c), 100);
    cr_assert_eq(rl_conn_fail_gates(c, RL_BYTES("-a longer error than the answer was\r\n")), 1);
    expect_big(&f, fd);
    fx_expect(&f, fd, "-a longer error than the answer was\r\nafter\n");
    close(fd);
    fx_end(&f);
}

static void line_gated_quit(fx_session *s, rl_bytes line) {
    line_gated(s, line);
    if (rl_bytes_is(line, "quit"))
        fx_close(s, RL_CLOSE_AFTER_REPLY);
}

Test(gates, close_after_reply_waits_for_them)
{
    fx f;
    int fd = gated_client(&f);
    f.on_line = line_gated_quit;
    fx_send_text(&f, fd, "w5:held\nquit\n");
    fx_expect_nothing(&f, fd);
    cr_assert_eq(f.closed, 0);
    f.released = 5;
    fx_expect(&f, fd, "held\nquit\n");
    fx_expect_closed(&f, fd);
    close(fd);
    fx_end(&f);
}
