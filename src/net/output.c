/* SPDX-License-Identifier: MIT */
/*
 * Writing. A flush tries write(2) at once, which takes everything nearly always. What the kernel
 * does not take goes to a uv_write, of which there is never more than one for a connection; its
 * bytes stay where they are in the chain until its callback.
 */
#include "net/net_private.h"

#include <assert.h>

#include "base/alloc.h"

static_assert(sizeof(uv_buf_t) == sizeof(struct iovec), "uv_buf_t is a struct iovec");

static void output_taken(rl_conn *c, size_t len) {
    rl_chain_consume(&c->out, len);
    c->bytes_out += len;
    c->net->stats.bytes_out += len;
}

static void on_written(uv_write_t *req, int status) {
    rl_conn *c = req->data;
    size_t len = c->in_flight;
    rl_free(req);
    c->in_flight = 0;
    if (c->state >= NET_CLOSING)
        return;
    if (status < 0) {
        rl_conn_close(c, RL_CLOSE_NOW);
        return;
    }
    output_taken(c, len);
    rl_conn_touch(c); /* what was appended meanwhile goes out with this turn's flush */
}

/* The kernel is full: hands what may be sent to libuv. */
static void output_wait(rl_conn *c, uint64_t until) {
    struct iovec iov[NET_IOVECS];
    size_t total;
    if (c->session == NULL) {
        /* Turned away, and not reading what it is told: nobody would ever close it. */
        rl_conn_close(c, RL_CLOSE_NOW);
        return;
    }
    int count = rl_chain_peek(&c->out, until, iov, NET_IOVECS, &total);
    uv_write_t *req = rl_malloc(sizeof *req);
    req->data = c;
    c->in_flight = total;
    int err = uv_write(req, &c->uv.stream, (uv_buf_t *)iov, (unsigned)count, on_written);
    if (err) {
        c->in_flight = 0;
        rl_free(req);
        rl_conn_close(c, RL_CLOSE_NOW);
    }
}

/* Writes up to position `until`. */
static void output_write(rl_conn *c, uint64_t until) {
    while (c->out.consumed < until) {
        struct iovec iov[NET_IOVECS];
        size_t total;
        int count = rl_chain_peek(&c->out, until, iov, NET_IOVECS, &total);
        int written = uv_try_write(&c->uv.stream, (uv_buf_t *)iov, (unsigned)count);
        c->net->stats.writes++;
        if (written < 0 && written != UV_EAGAIN) {
            rl_conn_close(c, RL_CLOSE_NOW);
            return;
        }
        if (written > 0)
            output_taken(c, (size_t)written);
        if (written < 0 || (size_t)written < total) {
            output_wait(c, until);
            return;
        }
    }
}

void rl_net_conn_flush(rl_conn *c) {
    rl_net *n = c->net;
    uint64_t until;
    if (c->state >= NET_CLOSING)
        return;
    if (c->gates.count)
        rl_net_gates_open(&c->gates, n->released);
    if (c->gates.count) {
        net_gate *first = net_gates_first(&c->gates);
        until = first->from;
        rl_net_set_add(n, NET_HELD, c);
        if (first->seq < n->held_min)
            n->held_min = first->seq;
    } else {
        until = rl_chain_position(&c->out);
    }
    if (c->in_flight == 0)
        output_write(c, until);
    if (c->state == NET_FINISHING && rl_chain_pending(&c->out) == 0)
        rl_conn_close(c, RL_CLOSE_NOW);
}

rl_chain *rl_conn_output(rl_conn *c) {
    return &c->out;
}

void rl_conn_touch(rl_conn *c) {
    if (c->slot[NET_TOUCHED] == 0 && c->state < NET_CLOSING)
        rl_net_set_add(c->net, NET_TOUCHED, c);
}

size_t rl_conn_output_pending(const rl_conn *c) {
    size_t pending = rl_chain_pending(&c->out);
    if (c->in_flight) /* what libuv has written of it is the kernel's */
        pending -= c->in_flight - uv_stream_get_write_queue_size(&c->uv.stream);
    return pending;
}

size_t rl_conn_output_memory(const rl_conn *c) {
    return rl_chain_memory(&c->out);
}

uint64_t rl_conn_bytes_out(const rl_conn *c) {
    return c->bytes_out;
}
