/* SPDX-License-Identifier: MIT */
/*
 * A page: up to 64 elements of any size in one allocation, found by slot number. What the large
 * forms of sets, hashes and sorted sets are made of: against an allocation for each element it
 * saves the pointer, the allocator's rounding and the cache misses of walking.
 *
 *   header | column: `width` bytes per slot | tags: a byte per slot | offsets: two bytes | heap
 *
 * Column and tags hold what is looked at first (a score; a byte of the hash); the heap holds the
 * elements in any order, without gaps. A kind whose elements all have one size has no offsets: slot
 * i is at i times that size. A page is as large as the allocator's size class that holds it, and
 * grows class by class; it has room for as many slots as are likely to fit.
 *
 * Every function that may move a page takes the place of its pointer. What an element is (and how
 * long) only its owner knows. Loop thread.
 */
#ifndef RL_TYPES_PAGE_H
#define RL_TYPES_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TYPES_PAGE_SLOTS       64
#define TYPES_PAGE_ELEMENT_MAX 512 /* so that every offset fits two bytes */

typedef struct types_page types_page;

typedef struct types_page_kind {
    uint8_t width; /* bytes of column per slot; may be 0 */
    bool tagged;
    uint8_t fixed;                                       /* the size of all elements; 0: offsets */
    size_t (*size)(const types_page *, unsigned slot);   /* of an element; not if fixed */
    uint64_t (*hash)(const types_page *, unsigned slot); /* for pages.h */
    size_t (*release)(types_page *); /* frees what elements point to and says how many bytes that
                                        was; NULL: nothing */
} types_page_kind;

struct types_page {
    types_page *next, *prev; /* for the owner */
    uint32_t id;             /* for the owner */
    uint16_t used;           /* bytes of heap */
    uint16_t bytes;          /* of the allocation */
    uint8_t count;
    uint8_t slots; /* room in column and offsets */
    uint8_t width, fixed;
    uint8_t depth; /* pages.h: how many bits of the hash all elements share */
    uint8_t tagged;
    uint8_t unused[2];
};

_Static_assert(sizeof(types_page) % 16 == 0, "the column is aligned");

types_page *types_page_create(const types_page_kind *kind, unsigned slots, size_t heap);
void types_page_free(types_page *p);

static inline char *types_page_column(const types_page *p) {
    return (char *)(uintptr_t)(p + 1);
}

/* Gets under way what a search looks at one after the other: tags and offsets. */
static inline void types_page_prefetch(const types_page *p) {
    const char *from = (const char *)p;
    __builtin_prefetch(from + 64);
    __builtin_prefetch(from + 128);
    __builtin_prefetch(from + 192);
}

static inline uint8_t *types_page_tags(const types_page *p) {
    return (uint8_t *)types_page_column(p) + (size_t)p->width * p->slots;
}

/* One bit (the top one of a byte) for each of the eight tags from `first` on that may be equal:
 * never misses one, may name a wrong one, and one beyond count. */
static inline uint64_t types_page_match(const types_page *p, unsigned first, uint8_t tag) {
    uint64_t word;
    __builtin_memcpy(&word, types_page_tags(p) + first, sizeof word);
    uint64_t x = word ^ (0x0101010101010101u * tag);
    return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

static inline char *types_page_element(const types_page *p, unsigned slot) {
    char *offsets = (char *)types_page_tags(p) + (p->tagged ? p->slots : 0);
    if (p->fixed)
        return offsets + (size_t)p->fixed * slot;
    uint16_t offset;
    __builtin_memcpy(&offset, offsets + 2 * (size_t)slot, sizeof offset);
    return offsets + 2 * (size_t)p->slots + offset;
}

/* Makes room for an element of `size` bytes in that slot; those behind move up by one. Returns
 * where the element goes; the caller fills its column and tag too. count < TYPES_PAGE_SLOTS. */
char *types_page_insert(types_page **place, unsigned slot, size_t size);
/* Takes out an element of `size` bytes; those behind move down. Gives memory back when much is
 * unused. */
void types_page_remove(types_page **place, unsigned slot, size_t size);
/* Changes an element's size from `old` to `size`; its bytes are lost. Not for fixed sizes. */
char *types_page_resize(types_page **place, unsigned slot, size_t old, size_t size);
/* A new page with copies of some slots of `from`: those for which side[slot] == which. */
types_page *types_page_part(const types_page_kind *kind, const types_page *from,
                            const uint8_t *side, uint8_t which);
/* A new page with the elements of both, in this order; together at most TYPES_PAGE_SLOTS. */
types_page *types_page_join(const types_page_kind *kind, const types_page *a, const types_page *b);
size_t types_page_size(const types_page_kind *kind, const types_page *p, unsigned slot);
void types_page_check(const types_page_kind *kind, const types_page *p);

#endif
