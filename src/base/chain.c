/* SPDX-License-Identifier: MIT */
/*
 * Chunks in a singly linked list, oldest first. Invariants:
 *   1. head == NULL exactly when tail, pos and end are NULL; then before_tail == consumed.
 *   2. A chunk's `used` is valid once it is not the tail; the tail's is pos - tail->data.
 *   3. The first unconsumed byte is head->data[head_offset]; head_offset never passes what head
 *      uses, and is below it unless head is also the tail or empty.
 *   4. A consume that takes the last byte gives every chunk back.
 * A chunk may be empty: reserve opens a bigger one behind a tail that nothing was written to.
 */
#include "base/chain.h"

#include <assert.h>

#include "base/alloc.h"

enum {
    CHUNK_BYTES = 16 * 1024, /* a common chunk, its header included */
    POOL_CHUNKS = 1024,      /* common chunks kept for reuse by a thread: 16 MiB at most */
    POOL_LEAST = 16,         /* of these trim leaves so many */
    TRIM_SHARE = 16,         /* and frees one in so many of the others at a time */
    COPY_BYTES = 2 * 1024,   /* an append below this copies instead of taking the chunk */
};

struct rl_chunk {
    rl_chunk *next;
    size_t size; /* bytes of the allocation */
    size_t used; /* bytes of data, see invariant 2 */
    char data[];
};

/* Last in, first out: the next taker gets the chunk that is most likely still in the cache. */
static _Thread_local struct {
    rl_chunk *first;
    size_t count;
    size_t idle; /* the fewest that there were since the last trim: nobody needed these */
} pool;

static rl_chunk *chunk_get(size_t len) {
    rl_chunk *k;
    size_t size = CHUNK_BYTES;
    if (len <= CHUNK_BYTES - sizeof *k) {
        if ((k = pool.first) != NULL) {
            pool.first = k->next;
            if (--pool.count < pool.idle)
                pool.idle = pool.count;
        } else {
            k = rl_malloc(CHUNK_BYTES);
        }
    } else {
        size = rl_alloc_good_size(sizeof *k + len);
        k = rl_malloc(size);
    }
    k->next = NULL;
    k->size = size;
    k->used = 0;
    return k;
}

static void chunk_put(rl_chunk *k) {
    if (k->size != CHUNK_BYTES || pool.count >= POOL_CHUNKS) {
        rl_free(k);
        return;
    }
    k->next = pool.first;
    pool.first = k;
    pool.count++;
}

static void pool_drop(size_t chunks) {
    for (; chunks; chunks--) {
        rl_chunk *k = pool.first;
        pool.first = k->next;
        pool.count--;
        rl_free(k);
    }
}

void rl_chain_pool_trim(void) {
    if (pool.idle > POOL_LEAST)
        pool_drop((pool.idle - POOL_LEAST + TRIM_SHARE - 1) / TRIM_SHARE);
    pool.idle = pool.count;
}

void rl_chain_pool_release(void) {
    pool_drop(pool.count);
    pool.idle = 0;
}

size_t rl_chain_pool_bytes(void) {
    return pool.count * CHUNK_BYTES;
}

static inline size_t chunk_used(const rl_chain *c, const rl_chunk *k) {
    return k == c->tail ? (size_t)(c->pos - k->data) : k->used;
}

/* Takes the first chunk out; there is one. */
static void chain_drop_head(rl_chain *c) {
    rl_chunk *k = c->head;
    if (k == c->tail) {
        c->before_tail += (size_t)(c->pos - k->data);
        c->tail = NULL;
        c->pos = c->end = NULL;
    }
    c->head = k->next;
    c->head_offset = 0;
    c->memory -= k->size;
    chunk_put(k);
}

void rl_chain_grow(rl_chain *c, size_t len) {
    rl_chunk *k = chunk_get(len);
    if (c->tail) {
        c->tail->used = (size_t)(c->pos - c->tail->data);
        c->before_tail += c->tail->used;
        c->tail->next = k;
    } else {
        c->head = k;
        c->head_offset = 0;
    }
    c->tail = k;
    c->pos = k->data;
    c->end = (char *)k + k->size;
    c->memory += k->size;
}

char *rl_chain_tail_data(const rl_chain *c) {
    return c->tail ? c->tail->data : NULL;
}

void rl_chain_add_slow(rl_chain *c, const void *bytes, size_t len) {
    const char *from = bytes;
    size_t room = (size_t)(c->end - c->pos);
    if (room > len)
        room = len;
    if (room) {
        memcpy(c->pos, from, room);
        c->pos += room;
        from += room;
        len -= room;
    }
    if (len) {
        rl_chain_grow(c, len);
        memcpy(c->pos, from, len);
        c->pos += len;
    }
}

uint64_t rl_chain_position(const rl_chain *c) {
    return c->tail ? c->before_tail + (size_t)(c->pos - c->tail->data) : c->before_tail;
}

size_t rl_chain_pending(const rl_chain *c) {
    return (size_t)(rl_chain_position(c) - c->consumed);
}

int rl_chain_peek(const rl_chain *c, uint64_t until, struct iovec *iov, int count, size_t *total) {
    size_t want = until > c->consumed ? (size_t)(until - c->consumed) : 0;
    size_t offset = c->head_offset;
    int n = 0;
    if (c->head == c->tail && count > 0) { /* nearly always */
        size_t all = c->head ? (size_t)(c->pos - c->head->data) - offset : 0;
        *total = want < all ? want : all;
        if (*total == 0)
            return 0;
        iov->iov_base = c->head->data + offset;
        iov->iov_len = *total;
        return 1;
    }
    *total = 0;
    for (rl_chunk *k = c->head; k && want && n < count; k = k->next) {
        size_t len = chunk_used(c, k) - offset;
        if (len > want)
            len = want;
        if (len) {
            iov[n].iov_base = k->data + offset;
            iov[n].iov_len = len;
            n++;
            *total += len;
            want -= len;
        }
        offset = 0;
    }
    return n;
}

void rl_chain_consume(rl_chain *c, size_t len) {
    assert(len <= rl_chain_pending(c));
    c->consumed += len;
    while (c->head) {
        size_t left = chunk_used(c, c->head) - c->head_offset;
        if (len < left) {
            c->head_offset += len;
            return;
        }
        len -= left;
        chain_drop_head(c);
    }
}

/* Frees every chunk behind the one that holds position `to`, and ends the chain there. */
static void chain_truncate(rl_chain *c, uint64_t to) {
    rl_chunk *k = c->head;
    uint64_t start = c->consumed - c->head_offset; /* position of k->data[0] */
    while (k->next && start + k->used < to) {
        start += k->used;
        k = k->next;
    }
    rl_chunk *next = k->next;
    while (next) {
        rl_chunk *dead = next;
        next = dead->next;
        c->memory -= dead->size;
        chunk_put(dead);
    }
    k->next = NULL;
    c->tail = k;
    c->before_tail = start;
    c->pos = k->data + (size_t)(to - start);
    c->end = (char *)k + k->size;
}

/* Copies [from, until) out. */
static void chain_copy(const rl_chain *c, uint64_t from, uint64_t until, char *to) {
    uint64_t start = c->consumed - c->head_offset;
    for (const rl_chunk *k = c->head; k && start < until; k = k->next) {
        uint64_t end = start + chunk_used(c, k);
        uint64_t first = from > start ? from : start;
        uint64_t last = until < end ? until : end;
        if (first < last) {
            memcpy(to, k->data + (first - start), (size_t)(last - first));
            to += last - first;
        }
        start = end;
    }
}

int64_t rl_chain_replace(rl_chain *c, uint64_t from, uint64_t until, const void *bytes,
                         size_t len) {
    uint64_t end = rl_chain_position(c);
    assert(c->consumed <= from && from <= until && until <= end);
    size_t behind = (size_t)(end - until);
    char *rest = NULL;
    if (behind) {
        rest = rl_malloc(behind);
        chain_copy(c, until, end, rest);
    }
    if (c->head)
        chain_truncate(c, from);
    rl_chain_add(c, bytes, len);
    rl_chain_add(c, rest, behind);
    rl_free(rest);
    rl_chain_consume(c, 0); /* empty now? then give the chunks back */
    return (int64_t)len - (int64_t)(until - from);
}

/* Copies what is left of the first chunk of `from` to `to`, and drops that chunk. */
static void append_copy(rl_chain *to, rl_chain *from) {
    size_t len = chunk_used(from, from->head) - from->head_offset;
    rl_chain_add(to, from->head->data + from->head_offset, len);
    rl_chain_consume(from, len);
}

void rl_chain_append(rl_chain *to, rl_chain *from) {
    while (from->head && (from->head_offset || rl_chain_pending(from) < COPY_BYTES))
        append_copy(to, from);
    if (from->head == NULL)
        return;
    uint64_t end = rl_chain_position(from);
    uint64_t position = rl_chain_position(to) + rl_chain_pending(from);
    if (to->tail) {
        to->tail->used = (size_t)(to->pos - to->tail->data);
        to->tail->next = from->head;
    } else {
        to->head = from->head;
        to->head_offset = 0;
    }
    to->tail = from->tail;
    to->pos = from->pos;
    to->end = from->end;
    to->before_tail = position - (size_t)(to->pos - to->tail->data);
    to->memory += from->memory;
    *from = (rl_chain){.before_tail = end, .consumed = end};
}

void rl_chain_release(rl_chain *c) {
    while (c->head) {
        rl_chunk *k = c->head;
        c->head = k->next;
        chunk_put(k);
    }
    *c = (rl_chain){0};
}
