/* SPDX-License-Identifier: MIT */
/*
 * What the files of the tree share; see tree.h. tree.c makes and frees leaves and nodes,
 * tree_find.c goes down from the root and answers questions, tree_change.c puts pairs in and takes
 * them out, tree_check.c looks at the whole.
 *
 * Invariants (asserted by types_tree_check):
 *   1. Pairs ascend along the leaves; the leaves are linked in order, no leaf is empty (but the
 *      root), all are at the same height.
 *   2. counts[i] is the number of pairs below children[i].
 *   3. Cut to score and prefix, every pair of the children before i is below or equal to key i,
 *      and every pair from child i on is above or equal to it. keys[0] is not looked at.
 */
#ifndef RL_TYPES_TREE_PARTS_H
#define RL_TYPES_TREE_PARTS_H

#include <string.h>

#include "base/alloc.h"
#include "types/tree.h"
#include "types/varint.h"

#define TYPES_CHILDREN   63
#define TYPES_HEIGHT_MAX 16
#define TYPES_FAR        1u /* bit of an element: its member is outside */

typedef struct types_inner {
    uint32_t count; /* children */
    uint32_t unused;
    double scores[TYPES_CHILDREN];
    uint64_t prefixes[TYPES_CHILDREN]; /* keys */
    uint64_t counts[TYPES_CHILDREN];
    void *children[TYPES_CHILDREN];
} types_inner;

typedef struct types_far {
    uint32_t len;
    char bytes[];
} types_far;

typedef struct types_step {
    types_inner *node;
    unsigned child;
} types_step;

/* The way from the root to a leaf. */
typedef struct types_path {
    types_step steps[TYPES_HEIGHT_MAX];
    unsigned height;
    types_page *leaf;
    unsigned slot;
    size_t rank; /* pairs before the slot, if that was asked for */
} types_path;

/* ---- pairs of a leaf ---- */

extern const types_page_kind types_leaves;

static inline double types_leaf_score(const types_page *leaf, unsigned slot) {
    return ((const double *)(const void *)types_page_column(leaf))[slot];
}

static inline void types_leaf_score_set(types_page *leaf, unsigned slot, double score) {
    ((double *)(void *)types_page_column(leaf))[slot] = score;
}

/* The member if it is outside of the leaf, else NULL. */
static inline types_far *types_leaf_outside(const types_page *leaf, unsigned slot) {
    const char *at = types_page_element(leaf, slot);
    types_far *outside = NULL;
    if (*at == TYPES_FAR)
        memcpy(&outside, at + 1, sizeof outside);
    return outside;
}

static inline rl_bytes types_leaf_member(const types_page *leaf, unsigned slot) {
    uint64_t head;
    const char *from = types_varint_read(types_page_element(leaf, slot), &head);
    if (__builtin_expect(!(head & TYPES_FAR), 1))
        return rl_bytes_of(from, head >> 1);
    const types_far *outside = types_leaf_outside(leaf, slot);
    return rl_bytes_of(outside->bytes, outside->len);
}

size_t types_leaf_size(const types_page *leaf, unsigned slot); /* of the element */

static inline size_t types_far_bytes(const types_far *outside) {
    return rl_alloc_good_size(sizeof *outside + outside->len);
}

static inline uint8_t types_tag_of(uint64_t hash) {
    return (uint8_t)hash;
}

/* ---- order ---- */

/* The first bytes as a number in the same order; members it does not tell apart are equal in it. */
static inline uint64_t types_prefix_of(rl_bytes member) {
    uint64_t prefix = 0;
    memcpy(&prefix, member.ptr, member.len < sizeof prefix ? member.len : sizeof prefix);
    return __builtin_bswap64(prefix);
}

/* Where a bound cuts the order: what is before it, and what is not. */
typedef struct types_cut {
    bool by_score, by_member, upto;
    double score;
    rl_bytes member;
    uint64_t prefix;
} types_cut;

static inline types_cut types_cut_pair(double score, rl_bytes member, bool upto) {
    return (types_cut){true, true, upto, score, member, member.len ? types_prefix_of(member) : 0};
}

static inline bool types_pair_before(const types_cut *b, const types_page *leaf, unsigned slot) {
    if (b->by_score) {
        double score = types_leaf_score(leaf, slot);
        if (score != b->score)
            return score < b->score;
    }
    if (!b->by_member)
        return b->upto;
    int order = rl_bytes_compare(types_leaf_member(leaf, slot), b->member);
    return order < 0 || (order == 0 && b->upto);
}

/* The first leaf below a node of that height. */
static inline const types_page *types_leaf_of(const void *node, unsigned height) {
    while (height--)
        node = ((const types_inner *)node)->children[0];
    return node;
}

/* ---- ways (tree_find.c) ---- */

/* To the first pair that is not before the cut, or to the end of the leaf before it. */
void types_tree_descend(const types_tree *t, const types_cut *c, types_path *p);
/* To a pair; false when it is not there. */
bool types_tree_descend_to(const types_tree *t, double score, rl_bytes member, types_path *p);
/* To the pair of that rank. rank < count. */
void types_tree_descend_by_rank(const types_tree *t, size_t rank, types_path *p);

/* ---- leaves and nodes (tree.c); t->bytes is kept ---- */

/* Numbers a leaf, if the tree numbers its leaves. */
void types_tree_id_take(types_tree *t, types_page *leaf);
void types_tree_id_give_back(types_tree *t, const types_page *leaf);
types_inner *types_inner_create(types_tree *t);
void types_inner_free(types_tree *t, types_inner *node);

#endif
