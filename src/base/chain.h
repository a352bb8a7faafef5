/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes in chunks: replies are appended at one end and written to a socket from the
 * other. Bytes never move once written, so a write in flight may keep pointers into it. Positions
 * are absolute: the number of bytes ever appended before. One thread at a time; a chain filled by
 * one thread may be handed to another. (Chunks of the common size are recycled through a pool,
 * which each thread has for itself; a chunk goes to the pool of the thread that gives it back.)
 */
#ifndef RL_BASE_CHAIN_H
#define RL_BASE_CHAIN_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/bytes.h"

typedef struct rl_chunk rl_chunk;

/* A zeroed rl_chain is a valid empty one; it holds no memory while empty after a consume. */
typedef struct rl_chain {
    char *pos; /* where the next byte goes */
    char *end; /* the end of the last chunk */
    rl_chunk *head, *tail;
    uint64_t before_tail; /* absolute position of the last chunk's first byte */
    uint64_t consumed;    /* absolute position of the first byte that is not consumed */
    size_t head_offset;   /* of that byte in the first chunk */
    size_t memory;        /* bytes held in chunks */
} rl_chain;

/* Frees the calling thread's pool of common-size chunks. Threads that use chains call it at their
 * end. */
void rl_chain_pool_release(void);

/* Frees a part of those chunks in the calling thread's pool that nobody has taken since the last
 * call, so that after a burst of output the memory goes back. To be called now and then: a pool
 * that nobody uses is down to 256 KiB after some hundred calls. */
void rl_chain_pool_trim(void);

/* The bytes of the calling thread's pool. */
size_t rl_chain_pool_bytes(void);

void rl_chain_grow(rl_chain *c, size_t len); /* slow half of reserve */
char *
rl_chain_tail_data(const rl_chain *c); /* first byte of the last chunk, NULL when there is none */

/* Room for at least len contiguous bytes; commit says how many were written. */
static inline char *rl_chain_reserve(rl_chain *c, size_t len) {
    if ((size_t)(c->end - c->pos) < len || c->pos == NULL)
        rl_chain_grow(c, len);
    return c->pos;
}
static inline void rl_chain_commit(rl_chain *c, size_t len) {
    c->pos += len;
}
void rl_chain_add_slow(rl_chain *c, const void *bytes,
                       size_t len); /* splits over chunks; any length */
static inline void rl_chain_add(rl_chain *c, const void *bytes, size_t len) {
    if (len && len <= (size_t)(c->end - c->pos)) {
        memcpy(c->pos, bytes, len);
        c->pos += len;
    } else {
        rl_chain_add_slow(c, bytes, len);
    }
}

uint64_t rl_chain_position(const rl_chain *c); /* bytes ever appended */
size_t rl_chain_pending(const rl_chain *c);    /* bytes appended and not consumed */
static inline size_t rl_chain_memory(const rl_chain *c) {
    return c->memory;
}
/* Fills iov with up to `count` runs from the first unconsumed byte up to absolute position `until`;
 * returns how many runs, and their bytes in *total. */
int rl_chain_peek(const rl_chain *c, uint64_t until, struct iovec *iov, int count, size_t *total);
void rl_chain_consume(rl_chain *c, size_t len);
/* Replaces the unconsumed bytes in [from, until) by `len` others, keeping what is behind; for
 * answers that turned out not to hold. Only while no write is in flight at or behind `from`. Later
 * positions shift: returns the change in length. */
int64_t rl_chain_replace(rl_chain *c, uint64_t from, uint64_t until, const void *bytes, size_t len);
/* Moves what `from` has pending to the end of `to`: its chunks change hands and its bytes stay
 * where they are, but for a few (below 2 KiB, and what is left of a chunk that was consumed in
 * part), which are copied so that small answers do not hold a chunk each. `from` is empty
 * afterwards and its positions go on. */
void rl_chain_append(rl_chain *to, rl_chain *from);
void rl_chain_release(rl_chain *c); /* frees everything; empty and usable again */

#endif
