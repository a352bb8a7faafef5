/* SPDX-License-Identifier: MIT */
/*
 * A sorted set: members, each once, in the order of (score, member).
 *
 *   packed   up to the limits: one block, member and score one behind the other, in order; finding
 *            walks.
 *   tree     a counted tree of (score, member), and from each member's hash the leaf it is in.
 *
 * It grows from one form to the next and never back. The pointer to a sorted set changes when it
 * changes: functions that change it take the place of the pointer. What they are given must not lie
 * in the set itself. What they hand out is valid until the set changes or the scratch is used
 * again.
 *
 * Scores are never NaN: the caller refuses it. -0 and 0 are the same place in the order, and are
 * given back as they came. Every range is one of ranks: the functions that count say where a range
 * of scores or members begins and ends. Loop thread.
 */
#ifndef RL_TYPES_ZSET_H
#define RL_TYPES_ZSET_H

#include "base/bytes.h"
#include "base/number.h"
#include "base/random.h"
#include "types/limits.h"
#include "types/tree.h"

typedef struct rl_zset rl_zset;

typedef enum rl_zset_form {
    RL_ZSET_PACKED = 1, /* OBJECT ENCODING "listpack" */
    RL_ZSET_TREE,       /* "skiplist" */
} rl_zset_form;

typedef struct rl_zset_scratch {
    char member[RL_INT64_TEXT_MAX];
} rl_zset_scratch;

typedef enum rl_zset_added {
    RL_ZSET_NEW,
    RL_ZSET_CHANGED, /* it had another score */
    RL_ZSET_SAME,    /* it had this one */
} rl_zset_added;

rl_zset *rl_zset_create(void);
void rl_zset_free(rl_zset *z); /* takes its time; NULL is fine */
/* Frees a part (RL_FREE_BUDGET); true when z is gone. Nothing else may be done with it any more. */
bool rl_zset_free_step(rl_zset *z, size_t budget);

rl_zset_form rl_zset_form_of(const rl_zset *z);
size_t rl_zset_count(const rl_zset *z);
size_t rl_zset_memory(const rl_zset *z); /* all its allocations; O(1) */

/* In the tree: score O(1), all others O(log n). */
bool rl_zset_score(const rl_zset *z, rl_bytes member, double *score);
rl_zset_added rl_zset_set(rl_zset **place, rl_bytes member, double score,
                          const rl_small_limits *limits);
/* For a member that is not there and stands behind all that are. O(1) in the packed form. */
void rl_zset_append(rl_zset **place, rl_bytes member, double score, const rl_small_limits *limits);
bool rl_zset_remove(rl_zset **place, rl_bytes member);
/* The rank from 0, lowest score first; false when the member is not there. */
bool rl_zset_rank(const rl_zset *z, rl_bytes member, size_t *rank, double *score);

/* How many members have a score below this one; below or equal to it. */
size_t rl_zset_count_below(const rl_zset *z, double score);
size_t rl_zset_count_upto(const rl_zset *z, double score);
/* The same by members, for sets in which all scores are equal (else the answer means nothing). */
size_t rl_zset_count_below_member(const rl_zset *z, rl_bytes member);
size_t rl_zset_count_upto_member(const rl_zset *z, rl_bytes member);

/* Takes out the members of ranks from..from + count - 1 (clipped to what is there); returns how
 * many those were. each (NULL: nobody) is told of every one before it goes, in order. */
size_t rl_zset_remove_range(rl_zset **place, size_t from, size_t count,
                            void (*each)(void *arg, rl_bytes member, double score), void *arg);

/* A walk in order, upward or downward, beginning at a rank; the set must not change meanwhile. */
typedef struct rl_zset_walk {
    const rl_zset *zset;
    bool down, ended;
    types_spot spot;
    const char *at;
    rl_zset_scratch scratch;
} rl_zset_walk;
void rl_zset_walk_init(rl_zset_walk *walk, const rl_zset *z, size_t rank, bool down);
bool rl_zset_next(rl_zset_walk *walk, rl_bytes *member, double *score);

/* As rl_fields_scan. */
uint64_t rl_zset_scan(const rl_zset *z, uint64_t cursor, size_t count,
                      void (*each)(void *arg, rl_bytes member, double score), void *arg);
/* Any member, each as likely as any other. The set is not empty. */
rl_bytes rl_zset_random(const rl_zset *z, rl_random *random, rl_zset_scratch *scratch,
                        double *score);

void rl_zset_check(const rl_zset *z); /* asserts every invariant */

#endif
