/* SPDX-License-Identifier: MIT */
/* See zset_pairs.h. */
#include "commands/zset_pairs.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

void rl_zset_pairs_add(rl_zset_pairs *p, rl_bytes member, double score) {
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 32;
        p->list = rl_realloc(p->list, p->capacity * sizeof *p->list);
    }
    p->list[p->count++] = (rl_zset_pair){score, p->bytes.len, member.len};
    rl_buffer_add_bytes(&p->bytes, member);
}

/* ---- the index ---- */

/* The slot of a member, or the empty one where it would be. */
static uint32_t *slot_of(const rl_zset_pairs *p, rl_bytes member) {
    size_t mask = p->slot_count - 1, at = rl_hash(member) & mask;
    while (p->slots[at] && !rl_bytes_equal(rl_zset_pairs_member(p, p->slots[at] - 1), member))
        at = (at + 1) & mask;
    return &p->slots[at];
}

/* At most half of the slots are taken. */
static void grow_index(rl_zset_pairs *p) {
    p->slot_count = p->slot_count ? p->slot_count * 2 : 64;
    rl_free(p->slots);
    p->slots = rl_calloc(p->slot_count, sizeof *p->slots);
    for (size_t i = 0; i < p->count; i++)
        *slot_of(p, rl_zset_pairs_member(p, i)) = (uint32_t)i + 1;
}

double *rl_zset_pairs_meet(rl_zset_pairs *p, rl_bytes member, double score) {
    if (p->count * 2 >= p->slot_count)
        grow_index(p);
    uint32_t *slot = slot_of(p, member);
    if (*slot)
        return &p->list[*slot - 1].score;
    rl_zset_pairs_add(p, member, score);
    *slot = (uint32_t)p->count;
    return NULL;
}

/* ---- the order ---- */

static int compare(const void *a, const void *b, void *arg) {
    const rl_zset_pair *x = a, *y = b;
    const char *bytes = arg;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return rl_bytes_compare(rl_bytes_of(bytes + x->at, x->len), rl_bytes_of(bytes + y->at, y->len));
}

static bool is_sorted(const rl_zset_pairs *p) {
    for (size_t i = 1; i < p->count; i++)
        if (compare(&p->list[i - 1], &p->list[i], p->bytes.ptr) > 0)
            return false;
    return true;
}

void rl_zset_pairs_sort(rl_zset_pairs *p) {
    if (!is_sorted(p)) /* one set alone, or an intersection with its order kept, is */
        qsort_r(p->list, p->count, sizeof *p->list, compare, p->bytes.ptr);
}

rl_zset *rl_zset_pairs_build(const rl_zset_pairs *p, const rl_small_limits *limits) {
    rl_zset *z = rl_zset_create();
    for (size_t i = 0; i < p->count; i++)
        rl_zset_append(&z, rl_zset_pairs_member(p, i), p->list[i].score, limits);
    return z;
}

void rl_zset_pairs_release(rl_zset_pairs *p) {
    rl_free(p->list);
    rl_free(p->slots);
    rl_buffer_release(&p->bytes);
    *p = (rl_zset_pairs){0};
}
