/* SPDX-License-Identifier: MIT */
/*
 * The large form of a list: a deque of chunks; see list.h for what it promises. For list.c alone.
 * Loop thread.
 */
#ifndef RL_TYPES_CHUNKS_H
#define RL_TYPES_CHUNKS_H

#include "types/item.h"
#include "types/list.h"
#include "types/packed.h"

typedef struct types_chunk {
    char *bytes;
    uint32_t count;      /* values */
    uint32_t start, end; /* where they are */
    uint32_t room;       /* of the allocation */
} types_chunk;

/* chunks[first] to chunks[first + used - 1]; spare places on both sides. No chunk is empty. */
typedef struct types_chunks {
    uint8_t form;
    types_chunk *chunks;
    size_t first, used, places;
    size_t count; /* values */
    size_t bytes; /* of all allocations but this struct */
} types_chunks;

static inline uint32_t types_chunk_used(const types_chunk *c) {
    return c->end - c->start;
}

static inline types_chunk *types_chunk_of(const types_chunks *l, size_t i) {
    return &l->chunks[l->first + i];
}

/* With the values of a packed list, which it takes the place of. */
types_chunks *types_chunks_of(types_packed *from);
/* Frees about `budget` chunks; true when it is gone. */
bool types_chunks_free_step(types_chunks *l, size_t budget);

/* The chunk with the value of that index, which becomes the index within it. */
size_t types_chunks_find(const types_chunks *l, size_t *index);
/* Where the value of that index is, within a chunk. index <= count. */
const char *types_chunk_at(const types_chunk *c, size_t index);

void types_chunks_insert(types_chunks *l, size_t index, const types_item *item);
void types_chunks_remove(types_chunks *l, size_t from, size_t count); /* they are there */
void types_chunks_remove_many(types_chunks *l, types_removal r); /* they are there; at least one */
void types_chunks_set(types_chunks *l, size_t index, const types_item *item);

void types_chunks_check(const types_chunks *l); /* asserts every invariant */

#endif
