/* SPDX-License-Identifier: MIT */
/*
 * Members with scores that are collected in any order, each once, and then brought into the order
 * of a sorted set: the results of several sets. Cheaper than a sorted set of their own, which has
 * to be found through for every member. Bytes are copied. Zeroed is empty. Loop thread.
 */
#ifndef RL_COMMANDS_ZSET_PAIRS_H
#define RL_COMMANDS_ZSET_PAIRS_H

#include "base/buffer.h"
#include "types/zset.h"

typedef struct rl_zset_pair {
    double score;
    size_t at; /* of the member in bytes */
    size_t len;
} rl_zset_pair;

typedef struct rl_zset_pairs {
    rl_zset_pair *list;
    size_t count, capacity;
    rl_buffer bytes;
    uint32_t *slots; /* index of rl_zset_pairs_meet: number of a pair + 1; open addressing */
    size_t slot_count;
} rl_zset_pairs;

/* The member must not be there. */
void rl_zset_pairs_add(rl_zset_pairs *p, rl_bytes member, double score);
/* The score of a member that is there, to be changed; else NULL, and it is added with this score.
 * Not to be mixed with rl_zset_pairs_add. */
double *rl_zset_pairs_meet(rl_zset_pairs *p, rl_bytes member, double score);
void rl_zset_pairs_sort(rl_zset_pairs *p); /* afterwards nothing is to be added */
static inline rl_bytes rl_zset_pairs_member(const rl_zset_pairs *p, size_t index) {
    return rl_bytes_of(p->bytes.ptr + p->list[index].at, p->list[index].len);
}
/* A sorted set of them; they must be sorted. */
rl_zset *rl_zset_pairs_build(const rl_zset_pairs *p, const rl_small_limits *limits);
void rl_zset_pairs_release(rl_zset_pairs *p);

#endif
