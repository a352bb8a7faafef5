/* SPDX-License-Identifier: MIT */
/*
 * A packed block: a small collection in one allocation. A header of 8 bytes, then items (item.h).
 * The first byte says which form a collection has; a large form begins with such a byte too, so the
 * pointer to a collection is the pointer to its block, and nothing stands between.
 *
 * A change moves the block: every function that changes takes the place of the pointer. Finding is
 * walking; whoever uses it keeps blocks short. Loop thread.
 */
#ifndef RL_TYPES_PACKED_H
#define RL_TYPES_PACKED_H

#include "types/item.h"

typedef struct types_packed {
    uint8_t form; /* the collection's own enum */
    uint8_t unused;
    uint16_t count; /* items */
    uint32_t bytes; /* the whole block */
    char items[];
} types_packed;

#define TYPES_PACKED_MAX_ITEMS 65000
#define TYPES_PACKED_MAX_BYTES (1u << 30)

types_packed *types_packed_create(uint8_t form);

static inline const char *types_packed_end(const types_packed *p) {
    return (const char *)p + p->bytes;
}

/* Whether these items still fit the block's counters. */
bool types_packed_has_room(const types_packed *p, const types_item *add, unsigned count);

/* At `at` (within the block) takes out `removed` items and puts in `added` ones. The bodies added
 * must not lie in the block. */
void types_packed_splice(types_packed **place, const char *at, unsigned removed,
                         const types_item *add, unsigned added);

/* The first item equal to `key`, looking at every `stride`-th; NULL if there is none. */
const char *types_packed_find(const types_packed *p, const types_item *key, unsigned stride);
/* The item of that index; walks from the nearer end. index < count. */
const char *types_packed_at(const types_packed *p, unsigned index);
/* Asserts that the items fill the block. */
void types_packed_check(const types_packed *p);

#endif
