/* SPDX-License-Identifier: MIT */
/*
 * The turn. libuv runs: timers, pending, idle, prepare, poll, check, closing. Input arrives in
 * poll, so the turn is done in check. What a timer or a close callback touched must not wait for
 * poll to come back, so prepare does a turn too when there is something to do.
 */
#include "net/net_private.h"

#include <signal.h>

#include "base/alloc.h"

enum {
    TURN_ROUNDS = 2, /* on_turn may resume or close connections, which may need on_turn again */
};

/* ---- sets ---- */

void rl_net_set_add(rl_net *n, net_set_id id, rl_conn *c) {
    net_set *s = &n->sets[id];
    if (c->slot[id])
        return;
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->at = rl_realloc(s->at, s->cap * sizeof(rl_conn *));
    }
    s->at[s->count++] = c;
    c->slot[id] = s->count;
}

void rl_net_set_remove(rl_net *n, net_set_id id, rl_conn *c) {
    net_set *s = &n->sets[id];
    uint32_t place = c->slot[id];
    if (place == 0)
        return;
    rl_conn *last = s->at[--s->count];
    s->at[place - 1] = last;
    last->slot[id] = place;
    c->slot[id] = 0;
}

/* ---- the turn ---- */

static void net_deliver(rl_net *n) {
    net_set *s = &n->sets[NET_RESUMED];
    /* Only those that are here now: a session that resumes again from on_input waits its turn. */
    uint32_t count = s->count;
    for (uint32_t i = 0; i < count; i++) {
        rl_conn *c = s->at[i];
        c->slot[NET_RESUMED] = 0;
        s->at[i] = NULL;
        rl_net_conn_deliver_left(c);
    }
    s->count -= count;
    for (uint32_t i = 0; i < s->count; i++) {
        s->at[i] = s->at[i + count];
        s->at[i]->slot[NET_RESUMED] = i + 1;
    }
}

static void net_settle(rl_net *n) {
    net_set *s = &n->sets[NET_TO_SETTLE];
    for (uint32_t i = 0; i < s->count; i++) /* on_close may close others: count may grow */
        rl_net_conn_settle(s->at[i]);
    s->count = 0;
}

static bool net_has_work(const rl_net *n) {
    return n->sets[NET_TOUCHED].count || n->sets[NET_RESUMED].count || n->sets[NET_TO_SETTLE].count;
}

static void handle_closed(uv_handle_t *h) {
    rl_net_handle_closed(h->data);
}

static void net_close_handles(rl_net *n) {
    n->handles_closing = true;
    uv_close((uv_handle_t *)&n->check, handle_closed);
    uv_close((uv_handle_t *)&n->prepare, handle_closed);
    uv_close((uv_handle_t *)&n->idle, handle_closed);
    uv_close((uv_handle_t *)&n->accept_wait, handle_closed);
}

static void on_idle(uv_idle_t *h) {
    uv_idle_stop(h); /* being active made this iteration's poll return at once: that was all */
}

static void net_turn(rl_net *n) {
    for (int round = 0; round < TURN_ROUNDS; round++) {
        if (n->sets[NET_RESUMED].count)
            net_deliver(n);
        if (n->sets[NET_TO_SETTLE].count)
            net_settle(n); /* before on_turn, because on_close may touch other connections */
        n->handler.on_turn(n->handler.arg);
        if (n->sets[NET_TO_SETTLE].count)
            net_settle(n); /* those whose peer was found to be gone, or that are done */
        if (!net_has_work(n))
            break;
    }
    if (n->sets[NET_RESUMED].count || n->sets[NET_TO_SETTLE].count)
        uv_idle_start(&n->idle, on_idle);
    else if (n->closing && !n->handles_closing)
        net_close_handles(n);
}

static void on_check(uv_check_t *h) {
    rl_net *n = h->data;
    net_turn(n);
    n->turn++;
}

static void on_prepare(uv_prepare_t *h) {
    rl_net *n = h->data;
    if (net_has_work(n) || n->closing)
        net_turn(n);
}

/* ---- flush ---- */

static void net_flush_held(rl_net *n) {
    net_set *s = &n->sets[NET_HELD];
    uint64_t min = UINT64_MAX;
    uint32_t i = 0;
    while (i < s->count) {
        rl_conn *c = s->at[i];
        if (c->gates.count && net_gates_first(&c->gates)->seq <= n->released)
            rl_net_conn_flush(c);
        if (c->gates.count == 0 || c->state >= NET_CLOSING) {
            rl_net_set_remove(n, NET_HELD, c); /* another is in its place now */
            continue;
        }
        uint64_t seq = net_gates_first(&c->gates)->seq;
        if (seq < min)
            min = seq;
        i++;
    }
    n->held_min = min;
}

void rl_net_flush(rl_net *n, uint64_t released_seq) {
    if (released_seq > n->released)
        n->released = released_seq;
    net_set *s = &n->sets[NET_TOUCHED];
    for (uint32_t i = 0; i < s->count; i++) {
        rl_conn *c = s->at[i];
        c->slot[NET_TOUCHED] = 0;
        rl_net_conn_flush(c);
    }
    s->count = 0;
    if (n->held_min <= n->released)
        net_flush_held(n);
}

/* ---- life ---- */

static void net_free(rl_net *n) {
    rl_net_listeners_release(n);
    for (int id = 0; id < NET_SETS; id++)
        rl_free(n->sets[id].at);
    rl_free(n->shared);
    rl_free(n);
}

int rl_net_create(uv_loop_t *loop, const rl_net_handler *handler, rl_net **out) {
    /* libuv writes with write(2): a peer that went away must be an error, not a signal. */
    signal(SIGPIPE, SIG_IGN);
    rl_net *n = rl_calloc(1, sizeof *n);
    n->loop = loop;
    n->handler = *handler;
    n->turn = 1;
    n->held_min = UINT64_MAX;
    n->listeners_end = &n->listeners;
    n->shared = rl_malloc(NET_HEAD_BYTES + NET_READ_BYTES);
    /* None of these can fail once the loop exists: they only link memory. */
    uv_check_init(loop, &n->check);
    uv_prepare_init(loop, &n->prepare);
    uv_idle_init(loop, &n->idle);
    uv_timer_init(loop, &n->accept_wait);
    n->handles = 4;
    n->check.data = n->prepare.data = n->idle.data = n->accept_wait.data = n;
    uv_check_start(&n->check, on_check);
    uv_prepare_start(&n->prepare, on_prepare);
    *out = n;
    return 0;
}

void rl_net_handle_closed(rl_net *n) {
    if (--n->handles > 0)
        return;
    void (*done)(void *arg) = n->done;
    void *arg = n->done_arg;
    net_free(n);
    if (done)
        done(arg);
}

void rl_net_close(rl_net *n, void (*done)(void *arg), void *arg) {
    if (n->closing)
        return;
    n->closing = true;
    n->done = done;
    n->done_arg = arg;
    rl_net_listen_stop(n);
    while (n->sets[NET_ALL].count)
        rl_conn_close(n->sets[NET_ALL].at[n->sets[NET_ALL].count - 1], RL_CLOSE_NOW);
    uv_idle_start(&n->idle, on_idle); /* sessions are told in the next turn: have one soon */
}

size_t rl_net_count(const rl_net *n) {
    return n->sets[NET_ALL].count - n->turned_away;
}

void rl_net_stats_read(const rl_net *n, rl_net_stats *out) {
    *out = n->stats;
}

void rl_net_stats_reset(rl_net *n) {
    n->stats = (rl_net_stats){0};
}
