/* SPDX-License-Identifier: MIT */
/*
 * Pages found by hash: extendible hashing (Fagin, Nievergelt, Pippenger, Strong, "Extendible
 * hashing: a fast access method for dynamic files", ACM TODS 4(3), 1979) in two levels.
 *
 *   - A page holds the elements whose hashes begin with the same `depth` bits. A page that is full
 *     splits in two by the next bit; two halves that are nearly empty are joined.
 *   - The top, indexed by the first bits of a hash, points to segments; a segment is a directory of
 *     at most 512 places, indexed by the bits behind, that point to pages. A segment grows by
 *     doubling, and a full one splits in two. So no step of growing moves more than 64 elements and
 *     512 pointers, but for the doubling of the top: 16 bytes for each 20,000 elements.
 *   - Pages are ranges of the hash, in order, whatever the depth. A SCAN cursor is a position in
 *     hash order (its top 48 bits, so it fits a double exactly), which no split or join can
 *     invalidate: an element that is there from the beginning to the end of a scan is returned.
 *   - A page at the greatest depth cannot split; more pages are chained to it by `next`. With a
 *     hash whose seed nobody knows that does not happen.
 *
 * Loop thread.
 */
#ifndef RL_TYPES_PAGES_H
#define RL_TYPES_PAGES_H

#include "base/random.h"
#include "types/page.h"

#define TYPES_PAGES_DEPTH_MAX 32

typedef struct types_segment {
    uint8_t local; /* bits of the hash that all its pages share, at least */
    uint8_t depth; /* 2^depth places */
    types_page *places[];
} types_segment;

typedef struct types_pages {
    const types_page_kind *kind;
    types_segment **top; /* 2^depth places */
    uint8_t depth;
    uint8_t depth_max; /* of a page */
    size_t count;      /* elements */
    size_t bytes;      /* of pages, segments and top */
    uint64_t freeing;  /* types_pages_free_step: the next position */
} types_pages;

/* depth_max: TYPES_PAGES_DEPTH_MAX; less in tests, to see pages chained. */
void types_pages_init(types_pages *t, const types_page_kind *kind, unsigned depth_max);
/* Frees the elements of up to about `budget` allocations; true when everything is gone. Between
 * steps nothing else may be done with it. */
bool types_pages_free_step(types_pages *t, size_t budget);

/* The page an element of that hash is in, if it is there; further ones follow by `next`. */
static inline types_page *types_pages_find(const types_pages *t, uint64_t hash) {
    const types_segment *s = t->top[hash >> 1 >> (63 - t->depth)];
    return s->places[(hash << s->local) >> 1 >> (63 - s->depth)];
}

/* Makes room for a new element; the caller fills it and the column of its slot. */
char *types_pages_add(types_pages *t, uint64_t hash, size_t size, types_page **page,
                      unsigned *slot);
/* Takes out an element, which is in `page`. What it points to is the caller's to free. */
void types_pages_remove(types_pages *t, uint64_t hash, types_page *page, unsigned slot);
/* Changes the size of an element; *page may move. Its bytes are lost. */
char *types_pages_resize(types_pages *t, uint64_t hash, types_page **page, unsigned slot,
                         size_t old, size_t size);

/* The position behind a page that was found at position `at`; 0 behind the last. */
static inline uint64_t types_pages_after(const types_page *page, uint64_t at) {
    if (page->depth == 0)
        return 0;
    uint64_t span = (uint64_t)1 << (64 - page->depth);
    return (at & ~(span - 1)) + span;
}

/* A walk over all elements; nothing may change meanwhile. */
typedef struct types_pages_walk {
    uint64_t at; /* position of the page */
    const types_page *page;
    unsigned slot;
    bool begun;
} types_pages_walk; /* begin with {0} */

/* On to the next element: sets page and slot; false at the end. */
bool types_pages_next(const types_pages *t, types_pages_walk *walk);

/* Calls each for one page after another from the cursor on, until at least `count` elements were
 * in them; returns the next cursor, 0 at the end. Any cursor is fine. */
uint64_t types_pages_scan(const types_pages *t, uint64_t cursor, size_t count,
                          void (*each)(void *arg, const types_page *page), void *arg);
/* Any element, each as likely as the others but for a few percent. t->count > 0. */
const types_page *types_pages_random(const types_pages *t, rl_random *random, unsigned *slot);
/* Asserts every invariant. */
void types_pages_check(const types_pages *t);

#endif
