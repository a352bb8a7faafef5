/* SPDX-License-Identifier: MIT */
/*
 * The counted tree: (score, member) pairs in order, found by their place, by score or by member. A
 * B+ tree (Bayer, McCreight, "Organization and maintenance of large ordered indexes", Acta
 * Informatica 1, 1972) whose inner nodes know how many pairs are below each child.
 *
 *   - Leaves are pages (page.h) of up to 64 pairs: the column is the scores, the tags are bytes
 *     of the members' hashes, the heap has the members; they are linked in both directions. A
 * member longer than 128 bytes is outside.
 *   - Inner nodes have up to 63 children: for each its count, the score and the first 8 bytes of
 *     the member it begins with (or began with once: a lower bound). Where those are equal, the
 *     member the child begins with now decides.
 *   - A leaf that is full splits in the middle; at both ends of the tree it splits at the end, so
 *     that pairs added in order fill their leaves.
 *
 *   - A leaf has a number that stays the same while it moves in memory. Who wants to know in which
 *     leaf a pair is gives a `moved` function, and is told when pairs change their leaf.
 *
 * Order: by score, then by the member's bytes. -0 and 0 are the same score. Scores are never NaN.
 * Loop thread.
 */
#ifndef RL_TYPES_TREE_H
#define RL_TYPES_TREE_H

#include "base/bytes.h"
#include "types/page.h"

/* The pairs in the slots of `leaf` from `from` on were in the leaf `old_id` before. */
typedef void types_tree_moved(void *arg, const types_page *leaf, unsigned from, uint32_t old_id);

typedef struct types_tree {
    void *root; /* a leaf when height is 0 */
    unsigned height;
    uint32_t ids, ids_room, id_free; /* numbers given; room in `leaves`; a list of unused ones */
    types_page **leaves;             /* by number; NULL without `moved` */
    size_t count;
    size_t bytes; /* of all allocations */
    types_page *first, *last;
    types_tree_moved *moved;
    void *arg;
} types_tree;

/* Where a pair is: valid until the tree changes. */
typedef struct types_spot {
    const types_page *leaf; /* NULL: nowhere */
    unsigned slot;
} types_spot;

/* What lies before a bound. */
typedef enum types_bound_kind {
    TYPES_BEFORE_SCORE,  /* scores below */
    TYPES_UPTO_SCORE,    /* scores below or equal */
    TYPES_BEFORE_MEMBER, /* members below; all scores must be equal */
    TYPES_UPTO_MEMBER,   /* members below or equal; all scores must be equal */
    TYPES_BEFORE_PAIR,   /* pairs below */
} types_bound_kind;

typedef struct types_bound {
    types_bound_kind kind;
    double score;
    rl_bytes member;
} types_bound;

/* moved may be NULL. It must not touch the tree. */
void types_tree_init(types_tree *t, types_tree_moved *moved, void *arg);
/* Frees about `budget` allocations; true when everything is gone. Between steps nothing else may be
 * done with it. */
bool types_tree_free_step(types_tree *t, size_t budget);

/* The pair must not be there. Returns the number of its leaf. */
uint32_t types_tree_insert(types_tree *t, double score, rl_bytes member);
bool types_tree_remove(types_tree *t, double score, rl_bytes member);
void types_tree_remove_at(types_tree *t, size_t rank); /* rank < count */
bool types_tree_has(const types_tree *t, double score, rl_bytes member);
/* Finds a member, whose rl_hash is `hash`, in the leaf of that number; nowhere if it is not there.
 */
types_spot types_tree_in_leaf(const types_tree *t, uint32_t id, rl_bytes member, uint64_t hash);
/* Gives a pair another score in place; false if it would have to move (then nothing is done). */
bool types_spot_nudge(types_spot spot, double score);

/* How many pairs lie before the bound; O(log n). */
size_t types_tree_count_before(const types_tree *t, const types_bound *bound);

/* The pair of that rank, from 0; nowhere if there are not so many. */
types_spot types_tree_at(const types_tree *t, size_t rank);
void types_spot_next(types_spot *spot);
void types_spot_previous(types_spot *spot);
double types_spot_score(types_spot spot);
rl_bytes types_spot_member(types_spot spot);

void types_tree_check(const types_tree *t);

#endif
