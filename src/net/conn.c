/* SPDX-License-Identifier: MIT */
/*
 * A connection's life and its input.
 *
 * Where input is read to:
 *   - nothing left over: the network's shared buffer, behind its head;
 *   - a little left over: the same, and what was left is first copied to the end of the head, so
 * that the session sees one run; in between it is kept in an allocation of its own size;
 *   - much left over, or a large request announced: the connection's own buffer, behind what is
 * there.
 *
 * A connection that has read its share in a turn, or is paused, refuses the buffer libuv asks for;
 * libuv then reports UV_ENOBUFS and leaves the bytes to the kernel. That costs no system call,
 * unlike stopping the stream, which is done only for a paused connection with bytes waiting, since
 * it would keep poll from blocking.
 */
#include "net/net_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    EXPECT_FIRST_BYTES = 1024 * 1024, /* never allocated ahead beyond this … */
    EXPECT_FACTOR = 4,                /* … and this many times what has arrived */
};

/* ---- closing ---- */

static void input_drop(rl_conn *c) {
    rl_free(c->in);
    c->in = NULL;
    c->in_len = c->in_cap = 0;
}

static void conn_stop_reading(rl_conn *c) {
    if (c->reading)
        uv_read_stop(&c->uv.stream);
    c->reading = false;
}

void rl_conn_close(rl_conn *c, rl_conn_closing how) {
    rl_net *n = c->net;
    if (c->state >= NET_CLOSING)
        return;
    if (how == RL_CLOSE_AFTER_REPLY) {
        c->state = NET_FINISHING;
        conn_stop_reading(c);
        rl_conn_touch(c);
        return;
    }
    c->state = NET_CLOSING;
    rl_net_set_remove(n, NET_ALL, c);
    if (c->turned_away)
        n->turned_away--;
    rl_net_set_add(n, NET_TO_SETTLE, c);
}

static void conn_closed(uv_handle_t *h) {
    rl_conn *c = h->data;
    rl_net *n = c->net;
    rl_chain_release(&c->out);
    rl_net_gates_release(&c->gates);
    rl_free(c->peer);
    rl_free(c->local);
    rl_free(c);
    rl_net_handle_closed(n);
}

void rl_net_conn_settle(rl_conn *c) {
    rl_net *n = c->net;
    assert(c->state == NET_CLOSING);
    c->state = NET_CLOSED;
    c->slot[NET_TO_SETTLE] = 0;
    rl_net_set_remove(n, NET_TOUCHED, c);
    rl_net_set_remove(n, NET_HELD, c);
    rl_net_set_remove(n, NET_RESUMED, c);
    input_drop(c);
    if (c->session)
        n->handler.on_close(c->session);
    uv_close(&c->uv.handle, conn_closed);
}

bool rl_conn_is_closing(const rl_conn *c) {
    return c->state != NET_OPEN;
}

/* ---- input ---- */

static inline bool input_is_direct(const rl_conn *c) {
    return c->in_len > NET_HEAD_BYTES || c->expect > NET_HEAD_BYTES;
}

/* How large the own buffer should be for `left` bytes that stay. */
static size_t input_target(const rl_conn *c, size_t left) {
    if (c->expect > left) {
        /* Growing at each read would copy all there is each time: only once no read has room. */
        if (c->in_cap >= left + NET_HEAD_BYTES && c->in_cap < c->expect)
            return c->in_cap;
        size_t most = EXPECT_FACTOR * left;
        if (most < EXPECT_FIRST_BYTES)
            most = EXPECT_FIRST_BYTES;
        return c->expect < most ? c->expect : most;
    }
    if (left <= NET_HEAD_BYTES)
        return left;
    /* Not known how much is to come: double once there is no room for a good read, and give back
     * what is far too much. */
    bool fits = c->in_cap >= left + NET_HEAD_BYTES && c->in_cap / 4 <= left;
    return fits ? c->in_cap : 2 * left;
}

/* Keeps `left` bytes at `from` (which may be in the own buffer) as the left-over input. */
static void input_keep(rl_conn *c, const char *from, size_t left) {
    size_t target = rl_alloc_good_size(input_target(c, left));
    c->in_len = left;
    /* Too small, or a large one that would be held for little. */
    if (c->in_cap < target || c->in_cap - target > NET_READ_BYTES) {
        if (from == c->in && target > c->in_cap) {
            c->in = rl_realloc(c->in, target);
        } else {
            char *bytes = rl_malloc(target);
            memcpy(bytes, from, left);
            rl_free(c->in);
            c->in = bytes;
        }
        c->in_cap = target;
    } else if (from != c->in) {
        memmove(c->in, from, left);
    }
}

/* Hands over everything that is not consumed yet. */
static void input_deliver(rl_conn *c, const char *bytes, size_t len) {
    size_t expected = c->expect;
    c->expect = 0;
    size_t used = c->net->handler.on_input(c->session, bytes, len);
    assert(used <= len);
    if (used == len || c->state != NET_OPEN) {
        if (c->in)
            input_drop(c);
        return;
    }
    if (used == 0 && c->expect == 0)
        c->expect = expected; /* still the same request */
    input_keep(c, bytes + used, len - used);
}

void rl_net_conn_deliver_left(rl_conn *c) {
    if (c->state == NET_OPEN && c->pauses == 0 && c->in_len)
        input_deliver(c, c->in, c->in_len);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf) {
    rl_conn *c = h->data;
    rl_net *n = c->net;
    (void)suggested;
    if (c->state != NET_OPEN || c->pauses || c->read_turn == n->turn) {
        *buf = uv_buf_init(NULL, 0);
        return;
    }
    if (c->in_len == 0 || !input_is_direct(c)) {
        buf->base = n->shared + NET_HEAD_BYTES;
        buf->len = NET_READ_BYTES;
        if (c->in_len)
            memcpy(buf->base - c->in_len, c->in, c->in_len);
        return;
    }
    if (c->in_len == c->in_cap) /* the request was announced after the bytes were kept */
        input_keep(c, c->in, c->in_len);
    /* Not beyond an announced request, so that nothing is left when it is consumed. */
    size_t room =
        (c->expect > c->in_len && c->expect < c->in_cap ? c->expect : c->in_cap) - c->in_len;
    buf->base = c->in + c->in_len;
    buf->len = room < NET_DIRECT_BYTES ? room : NET_DIRECT_BYTES;
}

/* The peer is gone, or will send no more. Answers to what it sent before still go out. */
static void conn_peer_gone(rl_conn *c, bool at_end) {
    bool finish = at_end && rl_chain_pending(&c->out) > 0;
    rl_conn_close(c, finish ? RL_CLOSE_AFTER_REPLY : RL_CLOSE_NOW);
}

/* Bytes wait, or the peer went away, while the session has paused. */
static void conn_look(rl_conn *c) {
    char byte;
    ssize_t got = recv(rl_conn_fd(c), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0)
        conn_stop_reading(c);
    else if (got == 0)
        conn_peer_gone(c, true);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        conn_peer_gone(c, false);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf) {
    rl_conn *c = stream->data;
    rl_net *n = c->net;
    if (nread <= 0) {
        if (nread == 0 || c->state != NET_OPEN)
            return;
        if (nread != UV_ENOBUFS)
            conn_peer_gone(c, nread == UV_EOF);
        else if (c->pauses)
            conn_look(c);
        return;
    }
    size_t got = (size_t)nread;
    c->bytes_in += got;
    n->stats.bytes_in += got;
    n->stats.reads++;
    /* There is more when the buffer was filled. It has to wait, unless the buffer was a small one,
     * for the end of an announced request. */
    if (got == buf->len && got >= NET_READ_BYTES / 2)
        c->read_turn = n->turn;
    size_t left = c->in_len;
    const char *bytes = buf->base - left;
    if (bytes == c->in)
        c->in_len += got; /* where it will stay if it is not consumed */
    input_deliver(c, bytes, left + got);
}

void rl_conn_pause(rl_conn *c) {
    c->pauses++;
}

static int conn_start_reading(rl_conn *c) {
    int err = uv_read_start(&c->uv.stream, on_alloc, on_read);
    c->reading = err == 0;
    return err;
}

void rl_conn_resume(rl_conn *c) {
    assert(c->pauses > 0);
    if (--c->pauses || c->state != NET_OPEN)
        return;
    if (!c->reading && conn_start_reading(c)) {
        rl_conn_close(c, RL_CLOSE_NOW);
        return;
    }
    rl_net_set_add(c->net, NET_RESUMED, c); /* also from on_input, which may yet leave bytes over */
}

void rl_conn_expect(rl_conn *c, size_t total_bytes) {
    c->expect = total_bytes;
}

/* ---- opening ---- */

static int conn_open_handle(rl_conn *c, int fd) {
    int err;
    if (c->is_unix) {
        uv_pipe_init(c->net->loop, &c->uv.pipe, 0);
        err = uv_pipe_open(&c->uv.pipe, fd);
    } else {
        uv_tcp_init(c->net->loop, &c->uv.tcp);
        err = uv_tcp_open(&c->uv.tcp, fd);
    }
    c->uv.handle.data = c;
    c->net->handles++;
    return err;
}

void rl_net_conn_accept(net_listener *l, int fd, const struct sockaddr *address, socklen_t len) {
    rl_net *n = l->net;
    rl_conn *c = rl_calloc(1, sizeof *c);
    c->net = n;
    c->listener = l;
    c->is_unix = l->path != NULL;
    if (!c->is_unix && len <= sizeof c->peer_address)
        memcpy(&c->peer_address, address, len);
    if (conn_open_handle(c, fd)) {
        close(fd);
        uv_close(&c->uv.handle, conn_closed);
        return;
    }
    rl_net_set_add(n, NET_ALL, c);
    c->session = n->handler.on_open(n->handler.arg, c);
    if (c->session == NULL) {
        n->stats.refused++;
        if (c->state < NET_CLOSING) {
            c->turned_away = true;
            n->turned_away++;
            rl_conn_close(c, RL_CLOSE_AFTER_REPLY);
        }
        return;
    }
    n->stats.accepted++;
    if (c->state == NET_OPEN && conn_start_reading(c))
        rl_conn_close(c, RL_CLOSE_NOW);
}

int rl_conn_fd(const rl_conn *c) {
    uv_os_fd_t fd = -1;
    uv_fileno(&c->uv.handle, &fd);
    return fd;
}

bool rl_conn_peer_gone(const rl_conn *c) {
    struct pollfd p = {.fd = rl_conn_fd(c), .events = POLLRDHUP};
    return poll(&p, 1, 0) == 1 && p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL);
}

size_t rl_conn_input_pending(const rl_conn *c) {
    return c->in_len;
}

size_t rl_conn_input_capacity(const rl_conn *c) {
    return c->in_cap;
}

uint64_t rl_conn_bytes_in(const rl_conn *c) {
    return c->bytes_in;
}
