/* SPDX-License-Identifier: MIT */
/*
 * Gates: what of a connection's output waits for the journal. They stand in the order of the bytes
 * they hold. Their seqs need not: a gate that is open behind one that is not still waits, because
 * bytes never pass other bytes.
 */
#include "net/net_private.h"

#include "base/alloc.h"
#include "base/buffer.h"

static void gates_to_heap(net_gates *g) {
    uint32_t cap = g->cap > 1 ? 2 * g->cap : 8;
    net_gate *at = rl_malloc(cap * sizeof *at);
    memcpy(at, g->at, g->count * sizeof *at); /* head is 0 here */
    if (g->at != &g->one)
        rl_free(g->at);
    g->at = at;
    g->cap = cap;
}

static net_gate *gates_push(net_gates *g) {
    if (g->at == NULL) {
        g->at = &g->one;
        g->cap = 1;
    }
    if (g->head + g->count == g->cap) {
        if (g->head) {
            memmove(g->at, g->at + g->head, g->count * sizeof *g->at);
            g->head = 0;
        } else {
            gates_to_heap(g);
        }
    }
    return &g->at[g->head + g->count++];
}

void rl_net_gates_release(net_gates *g) {
    if (g->at != &g->one)
        rl_free(g->at);
    g->at = NULL;
    g->head = g->count = g->cap = 0;
}

void rl_net_gates_open(net_gates *g, uint64_t released) {
    while (g->count && g->at[g->head].seq <= released) {
        g->head++;
        g->count--;
    }
    if (g->count == 0)
        rl_net_gates_release(g);
}

void rl_conn_gate(rl_conn *c, uint64_t from, uint64_t seq, unsigned replies, bool is_write) {
    net_gates *g = &c->gates;
    uint64_t until = rl_chain_position(&c->out);
    if (from == until)
        return;
    if (g->count) {
        net_gate *last = &g->at[g->head + g->count - 1];
        /* Answers between two held reads may be taken in with them, since they wait anyway; not
         * those between two writes, since they would be replaced with them. */
        if (last->seq == seq && last->is_write == is_write && (last->until == from || !is_write)) {
            last->until = until;
            last->replies += replies;
            return;
        }
    }
    *gates_push(g) = (net_gate){from, until, seq, replies, is_write};
}

bool rl_conn_gated(const rl_conn *c) {
    return c->gates.count > 0;
}

/* A copy of the output from position `from` on; *len says how long it is. The caller frees it. */
static char *output_copy(const rl_chain *out, uint64_t from, size_t *len) {
    /* A chunk is at least a page, so this many runs are more than there are. */
    int count = (int)(rl_chain_memory(out) / 4096) + 1;
    struct iovec *iov = rl_malloc((size_t)count * sizeof *iov);
    size_t total, done = 0;
    size_t skip = (size_t)(from - out->consumed);
    count = rl_chain_peek(out, UINT64_MAX, iov, count, &total);
    char *bytes = rl_malloc(total - skip + 1);
    for (int i = 0; i < count; i++) {
        size_t drop = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        memcpy(bytes + done, (char *)iov[i].iov_base + drop, iov[i].iov_len - drop);
        done += iov[i].iov_len - drop;
        skip -= drop;
    }
    rl_free(iov);
    *len = done;
    return bytes;
}

unsigned rl_conn_fail_gates(rl_conn *c, rl_bytes text) {
    net_gates *g = &c->gates;
    rl_net_gates_open(g, c->net->released);
    uint32_t i = g->head, end = g->head + g->count;
    while (i < end && !g->at[i].is_write)
        i++;
    if (i == end)
        return 0;

    uint64_t start = g->at[i].from;
    uint64_t cursor = start; /* old bytes before it are dealt with */
    unsigned replaced = 0;
    uint32_t kept = i;
    rl_buffer new = {0};
    size_t old_len;
    char *old = output_copy(&c->out, start, &old_len);
    for (; i < end; i++) {
        net_gate gate = g->at[i];
        rl_buffer_add(&new, old + (cursor - start), (size_t)(gate.from - cursor));
        if (gate.is_write) {
            for (uint32_t k = 0; k < gate.replies; k++)
                rl_buffer_add_bytes(&new, text);
            replaced += gate.replies;
        } else {
            size_t len = (size_t)(gate.until - gate.from);
            rl_buffer_add(&new, old + (gate.from - start), len);
            g->at[kept] = gate;
            g->at[kept].until = start + new.len;
            g->at[kept++].from = start + new.len - len;
        }
        cursor = gate.until;
    }
    rl_buffer_add(&new, old + (cursor - start), old_len - (size_t)(cursor - start));
    g->count = kept - g->head;
    rl_chain_replace(&c->out, start, rl_chain_position(&c->out), new.ptr, new.len);
    rl_free(old);
    rl_buffer_release(&new);
    if (g->count == 0)
        rl_net_gates_release(g);
    rl_conn_touch(c);
    return replaced;
}
