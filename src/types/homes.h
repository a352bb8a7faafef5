/* SPDX-License-Identifier: MIT */
/*
 * From a member's hash to the number of the leaf it lives in, for large sorted sets: 32 bits of the
 * hash and the number, in pages (pages.h). The members themselves are in the tree alone, once. So a
 * hash may name several leaves, and only a look into them tells which of them, if any, has the
 * member. Loop thread.
 */
#ifndef RL_TYPES_HOMES_H
#define RL_TYPES_HOMES_H

#include "types/pages.h"

/* depth_max as in types_pages_init. */
void types_homes_init(types_pages *homes, unsigned depth_max);

typedef struct types_home {
    uint64_t hash;
    types_page *page;
    unsigned slot;
    uint32_t leaf; /* what it says */
} types_home;

void types_homes_add(types_pages *homes, uint64_t hash, uint32_t leaf);
/* On to the next entry of this hash; begin with {.hash = hash}. False when there is none. */
bool types_homes_next(const types_pages *homes, types_home *home);
void types_homes_remove(types_pages *homes, const types_home *home);
/* Takes out the entry of a member of that hash in that leaf. Members of one leaf with equal hashes
 * have equal entries. */
void types_homes_forget(types_pages *homes, uint64_t hash, uint32_t leaf);
/* The member of that hash moved to another leaf. */
void types_homes_move(const types_pages *homes, uint64_t hash, uint32_t from, uint32_t to);

/* What an entry of a page says, for scans: the upper 32 bits of the hash, and the leaf. */
uint32_t types_homes_hash(const types_page *page, unsigned slot);
uint32_t types_homes_leaf(const types_page *page, unsigned slot);

#endif
