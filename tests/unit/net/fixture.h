/* SPDX-License-Identifier: MIT */
/*
 * A small line server on a real loop, and clients on plain sockets in the same thread: a wait for
 * bytes runs the loop without blocking in between. A request is a line; its answer is "<line>\n"
 * unless the test sets another on_line. Every test ends with fx_end, which requires a clean
 * uv_loop_close.
 */
#ifndef RL_TESTS_UNIT_NET_FIXTURE_H
#define RL_TESTS_UNIT_NET_FIXTURE_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/net.h"

#define FX_UNUSED __attribute__((unused))

enum { FX_MOST = 512 };

typedef struct fx fx;

typedef struct fx_session {
    fx *f;
    rl_conn *c;
    int index;    /* in f->sessions */
    bool stopped; /* take no more lines in this call */
    int inputs, closes;
    size_t largest_input; /* longest run handed over in one call */
} fx_session;

struct fx {
    uv_loop_t loop;
    rl_net *net;
    fx_session *sessions[FX_MOST]; /* in order of arrival; NULL after on_close */
    int opened, closed, turns;
    bool turn_away, in_close_call, done;
    bool hold_flush; /* on_turn does not flush */
    uint64_t released;
    void (*on_line)(fx_session *s, rl_bytes line); /* line without its end */
    void (*on_turn)(fx *f);
    size_t (*on_input)(fx_session *s, const char *bytes, size_t len);
};

static void fx_answer(fx_session *s, const char *bytes, size_t len) {
    rl_chain_add(rl_conn_output(s->c), bytes, len);
    rl_conn_touch(s->c);
}

static FX_UNUSED void fx_answer_text(fx_session *s, const char *text) {
    fx_answer(s, text, strlen(text));
}

static void fx_echo(fx_session *s, rl_bytes line) {
    fx_answer(s, line.ptr, line.len);
    fx_answer(s, "\n", 1);
}

static void *fx_on_open(void *arg, rl_conn *c) {
    fx *f = arg;
    if (f->turn_away) {
        rl_chain_add(rl_conn_output(c), "-full\n", 6);
        return NULL;
    }
    fx_session *s = rl_calloc(1, sizeof *s);
    cr_assert_lt(f->opened, FX_MOST);
    *s = (fx_session){.f = f, .c = c, .index = f->opened};
    f->sessions[f->opened++] = s;
    return s;
}

static size_t fx_on_input(void *session, const char *bytes, size_t len) {
    fx_session *s = session;
    size_t used = 0;
    cr_assert_gt(len, 0);
    cr_assert_not(rl_conn_is_closing(s->c), "input for a closing connection");
    s->inputs++;
    if (len > s->largest_input)
        s->largest_input = len;
    if (s->f->on_input)
        return s->f->on_input(s, bytes, len);
    s->stopped = false;
    while (used < len && !s->stopped && !rl_conn_is_closing(s->c)) {
        const char *end = memchr(bytes + used, '\n', len - used);
        if (end == NULL)
            break;
        rl_bytes line = rl_bytes_of(bytes + used, (size_t)(end - bytes) - used);
        used += line.len + 1;
        s->f->on_line(s, line);
    }
    return used;
}

static void fx_on_close(void *session) {
    fx_session *s = session;
    cr_assert_not(s->f->in_close_call, "on_close from inside rl_conn_close");
    cr_assert_eq(++s->closes, 1);
    s->f->sessions[s->index] = NULL;
    s->f->closed++;
    rl_free(s);
}

static void fx_on_turn(void *arg) {
    fx *f = arg;
    f->turns++;
    if (f->on_turn)
        f->on_turn(f);
    if (!f->hold_flush)
        rl_net_flush(f->net, f->released);
}

static FX_UNUSED void fx_start(fx *f) {
    memset(f, 0, sizeof *f);
    f->on_line = fx_echo;
    cr_assert_eq(uv_loop_init(&f->loop), 0);
    rl_net_handler handler = {fx_on_open, fx_on_input, fx_on_close, fx_on_turn, f};
    cr_assert_eq(rl_net_create(&f->loop, &handler, &f->net), 0);
}

static FX_UNUSED void fx_start_tcp(fx *f) {
    fx_start(f);
    cr_assert_eq(rl_net_listen_tcp(f->net, "127.0.0.1", 0, 511), 0);
    cr_assert_gt(rl_net_port(f->net), 0);
}

static void fx_run(fx *f) {
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void fx_on_done(void *arg) {
    ((fx *)arg)->done = true;
}

static FX_UNUSED void fx_end(fx *f) {
    rl_net_close(f->net, fx_on_done, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    cr_assert(f->done);
    cr_assert_eq(f->opened, f->closed, "%d opened, %d closed", f->opened, f->closed);
    cr_assert_eq(uv_loop_close(&f->loop), 0);
    rl_chain_pool_release();
}

static FX_UNUSED void fx_close(fx_session *s, rl_conn_closing how) {
    s->f->in_close_call = true;
    rl_conn_close(s->c, how);
    s->f->in_close_call = false;
}

/* ---- clients ---- */

static FX_UNUSED int fx_connect(fx *f) {
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    in4.sin_port = htons((uint16_t)rl_net_port(f->net));
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&in4, sizeof in4), 0, "%s", strerror(errno));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Connects and waits until its session is there. */
static FX_UNUSED int fx_client(fx *f) {
    int before = f->opened;
    int fd = fx_connect(f);
    while (f->opened == before)
        fx_run(f);
    return fd;
}

static FX_UNUSED fx_session *fx_last(fx *f) {
    return f->sessions[f->opened - 1];
}

static FX_UNUSED void fx_send(fx *f, int fd, const char *bytes, size_t len) {
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else {
            cr_assert(errno == EAGAIN, "send: %s", strerror(errno));
        }
        fx_run(f);
    }
}

static FX_UNUSED void fx_send_text(fx *f, int fd, const char *text) {
    fx_send(f, fd, text, strlen(text));
}

/* Reads exactly len bytes, running the loop. */
static FX_UNUSED void fx_receive(fx *f, int fd, char *bytes, size_t len) {
    while (len) {
        ssize_t n = recv(fd, bytes, len, 0);
        cr_assert_neq(n, 0, "closed while %zu bytes were to come", len);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else {
            cr_assert(errno == EAGAIN, "recv: %s", strerror(errno));
            fx_run(f);
        }
    }
}

static FX_UNUSED void fx_expect(fx *f, int fd, const char *text) {
    size_t len = strlen(text);
    char *got = rl_calloc(1, len + 1);
    fx_receive(f, fd, got, len);
    cr_assert_str_eq(got, text);
    rl_free(got);
}

/* Nothing has arrived, and nothing does in some more turns. */
static FX_UNUSED void fx_expect_nothing(fx *f, int fd) {
    char byte;
    for (int i = 0; i < 5; i++) {
        fx_run(f);
        cr_assert_eq(recv(fd, &byte, 1, 0), -1);
        cr_assert_eq(errno, EAGAIN);
    }
}

/* The server closes, with nothing more before that. */
static FX_UNUSED void fx_expect_closed(fx *f, int fd) {
    char byte;
    ssize_t n;
    while ((n = recv(fd, &byte, 1, 0)) < 0 && errno == EAGAIN)
        fx_run(f);
    cr_assert(n == 0 || (n < 0 && errno == ECONNRESET), "recv gave %zd", n);
}

static FX_UNUSED void fx_wait_closed(fx *f, int closed) {
    while (f->closed < closed)
        fx_run(f);
    cr_assert_eq(f->closed, closed);
}

#endif
