/* SPDX-License-Identifier: MIT */
/* The queue of bytes in chunks: order, positions, what it holds, and replacing. */
#include "base/chain.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* What a chain must contain, kept as one flat run: byte i of everything ever appended. */
typedef struct model {
    char *bytes;
    size_t len, cap, consumed;
} model;

static unsigned long long seed = 88172645463325252ull;

static size_t next_random(size_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % below);
}

static void model_add(model *m, const char *bytes, size_t len) {
    if (m->len + len > m->cap || m->cap == 0) {
        m->cap = 2 * (m->len + len) + 1;
        m->bytes = rl_realloc(m->bytes, m->cap);
    }
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void expect_same(const rl_chain *c, const model *m) {
    cr_assert_eq(rl_chain_position(c), m->len);
    cr_assert_eq(rl_chain_pending(c), m->len - m->consumed);
    struct iovec iov[512];
    size_t total;
    int n = rl_chain_peek(c, m->len, iov, 512, &total);
    size_t at = m->consumed;
    for (int i = 0; i < n; i++) {
        cr_assert_neq(iov[i].iov_len, 0);
        cr_assert_leq(iov[i].iov_len, m->len - at);
        cr_assert_eq(memcmp(iov[i].iov_base, m->bytes + at, iov[i].iov_len), 0);
        at += iov[i].iov_len;
    }
    cr_assert_eq(at - m->consumed, total);
    cr_assert_eq(at, m->len);
    cr_assert_geq(rl_chain_memory(c), m->len - m->consumed);
}

Test(chain, an_empty_one_holds_nothing)
{
    rl_chain c = {0};
    struct iovec iov[2];
    size_t total = 7;
    cr_assert_eq(rl_chain_position(&c), 0);
    cr_assert_eq(rl_chain_pending(&c), 0);
    cr_assert_eq(rl_chain_memory(&c), 0);
    cr_assert_null(rl_chain_tail_data(&c));
    cr_assert_eq(rl_chain_peek(&c, 100, iov, 2, &total), 0);
    cr_assert_eq(total, 0);
    rl_chain_add(&c, "", 0);
    rl_chain_consume(&c, 0);
    cr_assert_eq(rl_chain_memory(&c), 0);
    rl_chain_release(&c);
    rl_chain_pool_release();
}

Test(chain, gives_its_memory_back_when_all_is_consumed)
{
    rl_chain c = {0};
    rl_chain_add(&c, "+OK\r\n", 5);
    cr_assert_gt(rl_chain_memory(&c), 0);
    rl_chain_consume(&c, 4);
    cr_assert_gt(rl_chain_memory(&c), 0);
    rl_chain_consume(&c, 1);
    cr_assert_eq(rl_chain_memory(&c), 0);
    cr_assert_null(rl_chain_tail_data(&c));
    cr_assert_eq(rl_chain_position(&c), 5);
    char *room = rl_chain_reserve(&c, 10);
    cr_assert_eq(room, rl_chain_tail_data(&c));
    cr_assert_gt(rl_chain_memory(&c), 0);
    rl_chain_consume(&c, 0); /* nothing was written */
    cr_assert_eq(rl_chain_memory(&c), 0);
    cr_assert_eq(rl_chain_position(&c), 5);
    rl_chain_pool_release();
}

Test(chain, uses_the_chunk_given_back_last)
{
    rl_chain a = {0}, b = {0};
    char *first = rl_chain_reserve(&a, 1);
    rl_chain_commit(&a, 1);
    char *second = rl_chain_reserve(&b, 1);
    rl_chain_commit(&b, 1);
    rl_chain_consume(&a, 1);
    rl_chain_consume(&b, 1);
    cr_assert_eq(rl_chain_reserve(&a, 1), second);
    cr_assert_eq(rl_chain_reserve(&b, 1), first);
    rl_chain_release(&a);
    rl_chain_release(&b);
    rl_chain_pool_release();
}

/* Takes chunks for `bytes` of output and gives them back. */
static void burst(size_t bytes) {
    char *text = calloc(1, 1000);
    rl_chain c = {0};
    for (size_t n = 0; n < bytes; n += 1000)
        rl_chain_add(&c, text, 1000);
    rl_chain_consume(&c, rl_chain_pending(&c));
    free(text);
}

Test(chain, a_pool_that_nobody_uses_goes_back)
{
    rl_chain_pool_release();
    burst(8 << 20);
    size_t full = rl_chain_pool_bytes();
    cr_assert_geq(full, 8u << 20);
    rl_chain_pool_trim(); /* what is there now was there since then: nothing is known of it yet */
    cr_assert_eq(rl_chain_pool_bytes(), full);
    rl_chain_pool_trim();
    cr_assert_lt(rl_chain_pool_bytes(), full);
    cr_assert_gt(rl_chain_pool_bytes(), full / 2);
    for (int i = 0; i < 100; i++)
        rl_chain_pool_trim();
    cr_assert_leq(rl_chain_pool_bytes(), 256u << 10);
    cr_assert_gt(rl_chain_pool_bytes(), 0);
    rl_chain_pool_release();
    cr_assert_eq(rl_chain_pool_bytes(), 0);
}

Test(chain, a_pool_that_is_used_stays)
{
    rl_chain_pool_release();
    burst(4 << 20);
    size_t full = rl_chain_pool_bytes();
    for (int i = 0; i < 100; i++) {
        burst(4 << 20);
        rl_chain_pool_trim();
        cr_assert_eq(rl_chain_pool_bytes(), full);
    }
    rl_chain_pool_release();
}

Test(chain, a_reply_larger_than_a_chunk_is_one_run)
{
    rl_chain c = {0};
    size_t len = 1 << 20;
    char *big = rl_malloc(len);
    memset(big, 'x', len);
    rl_chain_add(&c, big, len);
    struct iovec iov[4];
    size_t total;
    cr_assert_eq(rl_chain_peek(&c, len, iov, 4, &total), 1);
    cr_assert_eq(total, len);
    cr_assert_lt(rl_chain_memory(&c), len + len / 2); /* jemalloc rounds up by a quarter */
    /* A reserve is contiguous, whatever the tail has left. */
    rl_chain_add(&c, "y", 1);
    char *room = rl_chain_reserve(&c, len);
    memset(room, 'z', len);
    rl_chain_commit(&c, len);
    cr_assert_eq(rl_chain_position(&c), 2 * len + 1);
    rl_chain_consume(&c, len + 1);
    cr_assert_eq(rl_chain_peek(&c, UINT64_MAX, iov, 4, &total), 1);
    cr_assert_eq(iov[0].iov_base, room);
    cr_assert_eq(total, len);
    rl_chain_release(&c);
    rl_chain_pool_release();
    rl_free(big);
}

Test(chain, peek_stops_at_a_position_and_at_a_count)
{
    rl_chain c = {0};
    char block[40000];
    memset(block, 'a', sizeof block);
    for (int i = 0; i < 10; i++) {
        memset(block, 'a' + i, 10000);
        rl_chain_add(&c, block, 10000);
    }
    struct iovec iov[16];
    size_t total;
    int all = rl_chain_peek(&c, 100000, iov, 16, &total);
    cr_assert_gt(all, 3);
    cr_assert_eq(total, 100000);
    cr_assert_eq(rl_chain_peek(&c, 100000, iov, 2, &total), 2);
    cr_assert_eq(total, iov[0].iov_len + iov[1].iov_len);
    rl_chain_consume(&c, 15);
    rl_chain_peek(&c, 25, iov, 16, &total);
    cr_assert_eq(total, 10);
    cr_assert_eq(rl_chain_peek(&c, 15, iov, 16, &total), 0);
    cr_assert_eq(rl_chain_peek(&c, 3, iov, 16, &total), 0);
    rl_chain_release(&c);
    cr_assert_eq(rl_chain_position(&c), 0);
    rl_chain_pool_release();
}

Test(chain, replaces_what_did_not_hold)
{
    static const struct {
        size_t before, old, behind, new;
        size_t consumed;
    } cases[] = {
        {0, 5, 0, 7, 0},         {0, 5, 0, 0, 0},         {10, 5, 20, 5, 3},
        {10, 5, 20, 50, 10},     {16360, 5, 20, 50, 0},   {16360, 5, 20, 50, 16360},
        {16358, 5, 9, 70000, 1}, {50000, 40000, 1, 3, 0}, {50000, 40000, 60000, 3, 20000},
        {7, 0, 7, 9, 2},         {16360, 0, 0, 1, 0},     {3, 100000, 0, 0, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_chain c = {0};
        model m = {0};
        size_t lens[3] = {cases[i].before, cases[i].old, cases[i].behind};
        char *block = rl_malloc(200000);
        for (int part = 0; part < 3; part++) {
            memset(block, 'a' + part, lens[part]);
            rl_chain_add(&c, block, lens[part]);
            if (part != 1)
                model_add(&m, block, lens[part]);
            else {
                memset(block, 'N', cases[i].new);
                model_add(&m, block, cases[i].new);
            }
        }
        rl_chain_consume(&c, cases[i].consumed);
        m.consumed = cases[i].consumed;
        memset(block, 'N', cases[i].new);
        int64_t change = rl_chain_replace(&c, cases[i].before, cases[i].before + cases[i].old,
                                          block, cases[i].new);
        cr_assert_eq(change, (int64_t)cases[i].new - (int64_t)cases[i].old);
        expect_same(&c, &m);
        rl_chain_add(&c, "tail", 4);
        model_add(&m, "tail", 4);
        expect_same(&c, &m);
        rl_chain_release(&c);
        rl_free(m.bytes);
        rl_free(block);
    }
    rl_chain_pool_release();
}

Test(chain, append_moves_chunks_and_copies_what_is_small)
{
    rl_chain to = {0}, from = {0};
    char *block = rl_malloc(100000);
    memset(block, 'b', 100000);
    rl_chain_add(&to, "head", 4);
    rl_chain_add(&from, block, 100000);
    const char *moved = rl_chain_tail_data(&from);
    size_t memory = rl_chain_memory(&to) + rl_chain_memory(&from);
    rl_chain_append(&to, &from);
    cr_assert_eq(rl_chain_position(&to), 100004);
    cr_assert_eq(rl_chain_pending(&to), 100004);
    cr_assert_eq(rl_chain_memory(&to), memory);
    cr_assert_eq(rl_chain_memory(&from), 0);
    cr_assert_eq(rl_chain_pending(&from), 0);
    struct iovec iov[4];
    size_t total;
    cr_assert_eq(rl_chain_peek(&to, UINT64_MAX, iov, 4, &total), 2);
    cr_assert_eq(total, 100004);
    cr_assert_eq(iov[1].iov_base, moved, "the bytes were copied");
    /* The emptied chain is usable, and its positions go on. */
    cr_assert_eq(rl_chain_position(&from), 100000);
    rl_chain_add(&from, "small", 5);
    rl_chain_append(&to, &from);
    for (int i = 0; i < 100; i++) { /* small ones share a chunk */
        rl_chain_add(&from, "small", 5);
        rl_chain_append(&to, &from);
    }
    cr_assert_leq(rl_chain_memory(&to), memory + 16384);
    cr_assert_eq(rl_chain_position(&to), 100509);
    cr_assert_eq(rl_chain_memory(&from), 0);
    rl_chain_append(&to, &from); /* nothing */
    rl_chain_append(&from, &to); /* into an empty one */
    cr_assert_eq(rl_chain_pending(&from), 100509);
    cr_assert_eq(rl_chain_position(&from), 100505 + 100509);
    rl_chain_consume(&from, 100504);
    rl_chain_peek(&from, UINT64_MAX, iov, 4, &total);
    cr_assert_eq(total, 5);
    cr_assert_eq(memcmp(iov[0].iov_base, "small", 5), 0);
    rl_chain_reserve(&to, 10); /* a chunk with nothing in it */
    rl_chain_append(&from, &to);
    cr_assert_eq(rl_chain_memory(&to), 0);
    cr_assert_eq(rl_chain_pending(&from), 5);
    rl_chain_release(&from);
    rl_chain_release(&to);
    rl_chain_pool_release();
    rl_free(block);
}

static void *fill_elsewhere(void *arg) {
    rl_chain *c = arg;
    for (int i = 0; i < 100000; i++)
        rl_chain_add(c, "0123456789", 10);
    rl_chain used = {0};
    rl_chain_add(&used, "x", 1);
    rl_chain_consume(&used, 1); /* leaves a chunk in this thread's pool */
    rl_chain_pool_release();
    return NULL;
}

Test(chain, may_be_filled_by_another_thread)
{
    for (int round = 0; round < 3; round++) {
        rl_chain here = {0}, there = {0};
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, fill_elsewhere, &there), 0);
        for (int i = 0; i < 100000; i++) { /* both pools at work at the same time */
            rl_chain_add(&here, "abcdefghij", 10);
            if (i % 5000 == 0)
                rl_chain_consume(&here, rl_chain_pending(&here));
        }
        cr_assert_eq(pthread_join(thread, NULL), 0);
        size_t mine = rl_chain_pending(&here);
        rl_chain_append(&here, &there);
        cr_assert_eq(rl_chain_pending(&here), mine + 1000000);
        rl_chain_consume(&here, mine);
        while (rl_chain_pending(&here)) {
            struct iovec iov;
            size_t total;
            cr_assert_eq(rl_chain_peek(&here, UINT64_MAX, &iov, 1, &total), 1);
            for (size_t i = 0; i < total; i++) {
                size_t at = 1000000 - rl_chain_pending(&here) + i;
                if (((char *)iov.iov_base)[i] != (char)('0' + at % 10))
                    cr_assert_fail("byte %zu", at);
            }
            rl_chain_consume(&here, total);
        }
    }
    rl_chain_pool_release();
}

/* Appends a chain of several pieces, a part of it consumed. */
static void append_random(rl_chain *c, model *m, char *block, size_t len) {
    rl_chain from = {0};
    size_t gone = next_random(2) ? next_random(len + 1) : 0;
    for (size_t at = 0; at < len;) {
        size_t n = next_random(len - at) + 1;
        rl_chain_add(&from, block + at, n);
        at += n;
    }
    rl_chain_consume(&from, gone);
    struct iovec iov[512];
    size_t total;
    int n = rl_chain_peek(&from, UINT64_MAX, iov, 512, &total);
    for (int i = 0; i < n; i++)
        model_add(m, iov[i].iov_base, iov[i].iov_len);
    rl_chain_append(c, &from);
    cr_assert_eq(rl_chain_pending(&from), 0);
    cr_assert_eq(rl_chain_memory(&from), 0);
    rl_chain_release(&from);
}

Test(chain, random_steps_agree_with_a_flat_copy)
{
    rl_chain c = {0};
    model m = {0};
    char *block = rl_malloc(100000);
    for (int step = 0; step < 20000; step++) {
        size_t kind = next_random(9);
        size_t len = next_random(4) ? next_random(60) : next_random(4) ? next_random(9000) : 0;
        if (next_random(200) == 0)
            len = next_random(100000);
        memset(block, 'a' + step % 26, len);
        if (kind < 3) {
            rl_chain_add(&c, block, len);
            model_add(&m, block, len);
        } else if (kind < 5) {
            char *room = rl_chain_reserve(&c, len + next_random(20));
            memcpy(room, block, len);
            rl_chain_commit(&c, len);
            model_add(&m, block, len);
        } else if (kind < 7) {
            size_t pending = m.len - m.consumed;
            size_t n = next_random(3) ? next_random(pending + 1) : pending;
            rl_chain_consume(&c, n);
            m.consumed += n;
            if (m.consumed == m.len)
                cr_assert_eq(rl_chain_memory(&c), 0);
        } else if (kind == 8) {
            append_random(&c, &m, block, len);
        } else if (m.len - m.consumed < 50000) {
            size_t from = m.consumed + next_random(m.len - m.consumed + 1);
            size_t until = from + next_random(m.len - from + 1);
            size_t n = next_random(40);
            rl_chain_replace(&c, from, until, block, n);
            size_t behind = m.len - until;
            char *rest = rl_malloc(behind + 1);
            memcpy(rest, m.bytes + until, behind);
            m.len = from;
            model_add(&m, block, n);
            model_add(&m, rest, behind);
            rl_free(rest);
        }
        expect_same(&c, &m);
    }
    rl_chain_release(&c);
    rl_chain_pool_release();
    rl_free(m.bytes);
    rl_free(block);
}
