/* SPDX-License-Identifier: MIT */
/* A connection's life: opening, every way of closing, and what a turn does for it. */
#include "unit/net/fixture.h"

TestSuite(conn, .timeout = 60);

Test(conn, answers_a_line)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "hello\n");
    fx_expect(&f, fd, "hello\n");
    rl_conn *c = fx_last(&f)->c;
    cr_assert_eq(rl_net_count(f.net), 1);
    cr_assert_eq(rl_conn_bytes_in(c), 6);
    cr_assert_eq(rl_conn_bytes_out(c), 6);
    rl_net_stats stats;
    rl_net_stats_read(f.net, &stats);
    cr_assert_eq(stats.accepted, 1);
    cr_assert_eq(stats.bytes_in, 6);
    cr_assert_eq(stats.bytes_out, 6);
    cr_assert_eq(stats.reads, 1);
    cr_assert_eq(stats.writes, 1);
    rl_net_stats_reset(f.net);
    rl_net_stats_read(f.net, &stats);
    cr_assert_eq(stats.accepted + stats.bytes_in + stats.reads, 0);
    /* An idle connection holds no buffers. */
    cr_assert_eq(rl_conn_input_capacity(c), 0);
    cr_assert_eq(rl_conn_output_memory(c), 0);
    close(fd);
    fx_wait_closed(&f, 1);
    cr_assert_eq(rl_net_count(f.net), 0);
    fx_end(&f);
}

Test(conn, a_pipeline_is_one_read_and_one_write)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    rl_net_stats_reset(f.net);
    fx_send_text(&f, fd, "a\nb\nc\nd\n");
    fx_expect(&f, fd, "a\nb\nc\nd\n");
    rl_net_stats stats;
    rl_net_stats_read(f.net, &stats);
    cr_assert_eq(stats.reads, 1);
    cr_assert_eq(stats.writes, 1);
    close(fd);
    fx_end(&f);
}

Test(conn, many_at_once)
{
    fx f;
    int fds[200];
    char text[32];
    fx_start_tcp(&f);
    for (int i = 0; i < 200; i++)
        fds[i] = fx_client(&f);
    cr_assert_eq(rl_net_count(f.net), 200);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "line %d\n", i);
        cr_assert_eq(send(fds[i], text, strlen(text), 0), (ssize_t)strlen(text));
    }
    for (int i = 199; i >= 0; i--) {
        snprintf(text, sizeof text, "line %d\n", i);
        fx_expect(&f, fds[i], text);
    }
    for (int i = 0; i < 200; i += 2)
        close(fds[i]);
    fx_wait_closed(&f, 100);
    cr_assert_eq(rl_net_count(f.net), 100);
    fx_end(&f); /* closes the rest */
    for (int i = 1; i < 200; i += 2)
        close(fds[i]);
}

static void line_close_now(fx_session *s, rl_bytes line) {
    fx_echo(s, line);
    fx_close(s, RL_CLOSE_NOW);
    cr_assert(rl_conn_is_closing(s->c));
    fx_close(s, RL_CLOSE_NOW); /* again does no harm */
    fx_close(s, RL_CLOSE_AFTER_REPLY);
    rl_conn_touch(s->c);
}

Test(conn, close_now_drops_the_answer_and_the_rest_of_the_input)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_close_now;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "one\ntwo\n");
    fx_expect_closed(&f, fd);
    fx_wait_closed(&f, 1);
    close(fd);
    fx_end(&f);
}

static void line_close_after(fx_session *s, rl_bytes line) {
    fx_echo(s, line);
    fx_close(s, RL_CLOSE_AFTER_REPLY);
    cr_assert(rl_conn_is_closing(s->c));
}

Test(conn, close_after_reply_writes_the_answer_first)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_close_after;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "one\ntwo\n");
    fx_expect(&f, fd, "one\n");
    fx_expect_closed(&f, fd);
    fx_wait_closed(&f, 1);
    close(fd);
    fx_end(&f);
}

static void line_quiet_close(fx_session *s, rl_bytes line) {
    (void)line;
    fx_close(s, RL_CLOSE_AFTER_REPLY);
}

Test(conn, close_after_reply_without_a_reply_closes_too)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_quiet_close;
    int fd = fx_client(&f);
    fx_send_text(&f, fd, "one\n");
    fx_expect_closed(&f, fd);
    close(fd);
    fx_end(&f);
}

Test(conn, turned_away_gets_the_text_and_no_more)
{
    fx f;
    fx_start_tcp(&f);
    f.turn_away = true;
    int fd = fx_connect(&f);
    cr_assert_eq(send(fd, "hello\n", 6, MSG_NOSIGNAL), 6);
    fx_expect(&f, fd, "-full\n");
    fx_expect_closed(&f, fd);
    rl_net_stats stats;
    rl_net_stats_read(f.net, &stats);
    cr_assert_eq(stats.refused, 1);
    cr_assert_eq(stats.accepted, 0);
    cr_assert_eq(rl_net_count(f.net), 0);
    f.turn_away = false;
    int other = fx_client(&f);
    fx_send_text(&f, other, "x\n");
    fx_expect(&f, other, "x\n");
    close(fd);
    close(other);
    fx_end(&f);
}

Test(conn, a_reset_by_the_peer_closes_quietly)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
    fx_wait_closed(&f, 1);
    fx_end(&f);
}

Test(conn, a_half_closed_peer_gets_what_it_asked_for)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    cr_assert_eq(send(fd, "a\nb\nrest", 8, 0), 8);
    shutdown(fd, SHUT_WR);
    fx_expect(&f, fd, "a\nb\n");
    fx_expect_closed(&f, fd);
    fx_wait_closed(&f, 1);
    close(fd);
    fx_end(&f);
}

Test(conn, a_half_closed_peer_gets_held_answers_too)
{
    fx f;
    fx_start_tcp(&f);
    f.hold_flush = true;
    int fd = fx_client(&f);
    cr_assert_eq(send(fd, "a\n", 2, 0), 2);
    shutdown(fd, SHUT_WR);
    fx_session *s = fx_last(&f);
    while (!rl_conn_is_closing(s->c))
        fx_run(&f);
    cr_assert_eq(f.closed, 0);
    f.hold_flush = false;
    fx_expect(&f, fd, "a\n");
    fx_expect_closed(&f, fd);
    close(fd);
    fx_end(&f);
}

/* Takes the first line and pauses: what comes behind it stays unread. */
static void line_pause(fx_session *s, rl_bytes line) {
    (void)line;
    s->stopped = true;
    rl_conn_pause(s->c);
}

Test(conn, a_paused_one_with_unread_bytes_tells_that_its_peer_is_gone)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_pause;
    int fd = fx_client(&f);
    fx_session *s = fx_last(&f);
    fx_send_text(&f, fd, "a\nb\n");
    while (s->inputs == 0)
        fx_run(&f);
    cr_assert_eq(send(fd, "c\n", 2, 0), 2);
    for (int i = 0; i < 10; i++) {
        fx_run(&f);
        cr_assert(!rl_conn_peer_gone(s->c));
    }
    close(fd);
    while (!rl_conn_peer_gone(s->c))
        fx_run(&f);
    cr_assert_eq(f.closed, 0); /* nobody else noticed */
    fx_close(s, RL_CLOSE_NOW);
    fx_wait_closed(&f, 1);
    fx_end(&f);
}

/* One session's line closes all the others. */
static void line_close_others(fx_session *s, rl_bytes line) {
    for (int i = 0; i < s->f->opened; i++)
        if (s->f->sessions[i] && s->f->sessions[i] != s)
            fx_close(s->f->sessions[i], RL_CLOSE_NOW);
    fx_echo(s, line);
}

Test(conn, one_may_close_others_that_are_in_the_same_turn)
{
    fx f;
    int fds[20];
    fx_start_tcp(&f);
    for (int i = 0; i < 20; i++)
        fds[i] = fx_client(&f);
    f.on_line = line_close_others;
    for (int i = 0; i < 20; i++)
        cr_assert_eq(send(fds[i], "x\n", 2, 0), 2);
    fx_wait_closed(&f, 19);
    cr_assert_eq(rl_net_count(f.net), 1);
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    fx_wait_closed(&f, 20);
    fx_end(&f);
}

/* ---- turns ---- */

typedef struct client_watch {
    uv_poll_t poll;
    int fd;
    char got[64];
    size_t len;
} client_watch;

static void on_client_readable(uv_poll_t *poll, int status, int events) {
    client_watch *w = poll->data;
    (void)events;
    cr_assert_eq(status, 0);
    ssize_t n = recv(w->fd, w->got + w->len, sizeof w->got - w->len, 0);
    cr_assert_gt(n, 0);
    w->len += (size_t)n;
}

static void on_timer(uv_timer_t *t) {
    fx *f = t->data;
    fx_answer_text(fx_last(f), "tick\n");
}

static void on_async(uv_async_t *a) {
    fx *f = a->data;
    fx_answer_text(fx_last(f), "async\n");
}

/* The loop blocks in poll here: if the answer were not written before it does, nothing would ever
 * wake it up again, since the client waits for that answer only. */
Test(conn, what_a_timer_or_an_async_adds_is_written_at_once)
{
    fx f;
    client_watch w = {0};
    uv_timer_t timer;
    uv_async_t async;
    fx_start_tcp(&f);
    w.fd = fx_client(&f);
    w.poll.data = &w;
    timer.data = async.data = &f;
    cr_assert_eq(uv_poll_init(&f.loop, &w.poll, w.fd), 0);
    uv_poll_start(&w.poll, UV_READABLE, on_client_readable);
    uv_timer_init(&f.loop, &timer);
    uv_async_init(&f.loop, &async, on_async);

    uv_timer_start(&timer, on_timer, 1, 0);
    while (w.len < 5)
        uv_run(&f.loop, UV_RUN_ONCE);
    uv_async_send(&async);
    while (w.len < 11)
        uv_run(&f.loop, UV_RUN_ONCE);
    cr_assert_str_eq(w.got, "tick\nasync\n");

    uv_close((uv_handle_t *)&w.poll, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&async, NULL);
    fx_run(&f);
    close(w.fd);
    fx_end(&f);
}

/* A timer closes the connection: on_close comes before the loop blocks, too. */
static void on_timer_close(uv_timer_t *t) {
    fx *f = t->data;
    fx_close(fx_last(f), RL_CLOSE_NOW);
}

Test(conn, a_timer_may_close)
{
    fx f;
    uv_timer_t timer;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    timer.data = &f;
    uv_timer_init(&f.loop, &timer);
    uv_timer_start(&timer, on_timer_close, 0, 0);
    while (f.closed == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    fx_expect_closed(&f, fd);
    uv_close((uv_handle_t *)&timer, NULL);
    close(fd);
    fx_end(&f);
}

static void turn_close_first(fx *f) {
    if (f->opened && f->sessions[0])
        fx_close(f->sessions[0], RL_CLOSE_NOW);
}

Test(conn, on_turn_may_close)
{
    fx f;
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    f.on_turn = turn_close_first;
    fx_expect_closed(&f, fd);
    fx_wait_closed(&f, 1);
    close(fd);
    fx_end(&f);
}

static void line_end_of_net(fx_session *s, rl_bytes line) {
    fx_echo(s, line);
    rl_net_close(s->f->net, fx_on_done, s->f);
}

Test(conn, the_net_may_be_closed_from_a_line)
{
    fx f;
    fx_start_tcp(&f);
    f.on_line = line_end_of_net;
    int a = fx_client(&f), b = fx_client(&f);
    cr_assert_eq(send(a, "x\ny\n", 4, 0), 4);
    cr_assert_eq(send(b, "z\n", 2, 0), 2);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    cr_assert(f.done);
    cr_assert_eq(f.closed, 2);
    cr_assert_eq(uv_loop_close(&f.loop), 0);
    close(a);
    close(b);
}

Test(conn, an_unused_net_closes)
{
    fx f;
    fx_start(&f);
    cr_assert_eq(rl_net_port(f.net), 0);
    fx_end(&f);
}
