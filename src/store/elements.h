/* SPDX-License-Identifier: MIT */
/*
 * The merge of elements: of all changes to collections that a fold takes in, the newest state of
 * each field, member and score, and what becomes of lists. The counterpart of merge.h, which has
 * the keys' rows. Knows no SQL; the fold asks for collections in order of (type, id), each with its
 * elements in order of their bytes, which is the order of the tables. One thread at a time.
 *
 * Names and values point into the batches, which must outlive the merge.
 */
#ifndef RL_STORE_ELEMENTS_H
#define RL_STORE_ELEMENTS_H

#include "store/batch.h"
#include "store/pieces.h"

typedef struct rl_element {
    rl_bytes name;
    rl_bytes value;     /* of a field */
    int64_t expires_at; /* of a field */
    double score;       /* of a sorted set's member */
    uint32_t group;     /* the collection's */
    bool gone;
} rl_element;

/* The collection of one id. */
typedef struct rl_element_group {
    uint64_t id;
    uint8_t type;   /* rl_type */
    bool stored;    /* the table may have elements of it; without, it has none for sure */
    bool dropped;   /* the key is gone, and nothing of it is to be written */
    uint32_t list;  /* its pieces */
    uint32_t count; /* of elements */
    uint32_t from;  /* in order; see rl_elements_sorted */
} rl_element_group;

typedef struct rl_elements rl_elements;

rl_elements *rl_elements_create(void);
void rl_elements_free(rl_elements *x); /* NULL is fine */
void rl_elements_reset(rl_elements *x);
/* Names and items taken in; a measure of what is to be written. */
size_t rl_elements_count(const rl_elements *x);

/* True for the kinds that rl_elements_add takes. */
static inline bool rl_change_is_element(rl_change_kind kind) {
    return kind >= RL_CHANGE_FIELD && kind <= RL_CHANGE_SHIFT;
}
/* Takes in a change. Collections with id < stored_below may be in the table. */
void rl_elements_add(rl_elements *x, const rl_change *change, uint64_t stored_below);
/* The collection's key is gone: what was taken in is moot, and so is what comes. */
void rl_elements_drop(rl_elements *x, uint64_t id);

/* The collections in order of type, then id. *elements gets what each group's from and count speak
 * of: its elements in order of their names. Valid until the next add or reset. */
size_t rl_elements_sorted(rl_elements *x, const rl_element_group *const **groups,
                          const rl_element *const **elements);
rl_pieces *rl_elements_pieces(rl_elements *x);

#endif
