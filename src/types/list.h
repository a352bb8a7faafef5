/* SPDX-License-Identifier: MIT */
/*
 * A list: values in order, with duplicates.
 *
 *   packed   up to 4 KiB: one block.
 *   chunks   a deque of chunks of up to 4 KiB, each with spare room at one or both ends; how many
 *            values a chunk has stands beside its address, so that an index is found without
 *            touching the chunks before.
 *
 * It grows from one form to the other and never back. The pointer to a list changes when it
 * changes: functions that change it take the place of the pointer. What they are given must not lie
 * in the list itself. What they hand out is valid until the list changes or the scratch is used
 * again.
 *
 * Both ends: O(1). An index: a sum over the chunks from the nearer end (n / some 300), then a walk
 * within one chunk; inserting and removing there moves at most a chunk's bytes. Loop thread.
 */
#ifndef RL_TYPES_LIST_H
#define RL_TYPES_LIST_H

#include "base/bytes.h"
#include "base/number.h"
#include "types/limits.h"

typedef struct rl_list rl_list;

typedef enum rl_list_form {
    RL_LIST_PACKED =
        1,          /* OBJECT ENCODING "listpack"; before Redis 7.2 there was only "quicklist" */
    RL_LIST_CHUNKS, /* "quicklist" */
} rl_list_form;

typedef enum rl_list_end { RL_LIST_LEFT, RL_LIST_RIGHT } rl_list_end;

typedef struct rl_list_scratch {
    char text[RL_INT64_TEXT_MAX];
} rl_list_scratch;

rl_list *rl_list_create(void);
void rl_list_free(rl_list *l); /* takes its time; NULL is fine */
/* Frees a part (RL_FREE_BUDGET); true when l is gone. Nothing else may be done with it any more. */
bool rl_list_free_step(rl_list *l, size_t budget);

rl_list_form rl_list_form_of(const rl_list *l);
size_t rl_list_count(const rl_list *l);
size_t rl_list_memory(const rl_list *l); /* all its allocations; O(1) */

void rl_list_push(rl_list **place, rl_list_end end, rl_bytes value);
/* index from 0 (left); it must be below the count. */
rl_bytes rl_list_get(const rl_list *l, size_t index, rl_list_scratch *scratch);
/* The new value gets this index, the one that had it comes behind; index <= count. */
void rl_list_insert(rl_list **place, size_t index, rl_bytes value);
void rl_list_set(rl_list **place, size_t index, rl_bytes value);
/* Takes out the values from..from + count - 1, clipped to what is there. O(1) at the ends but for
 * what is taken out. */
void rl_list_remove(rl_list **place, size_t from, size_t count);
/* Takes out the values of these indexes, which ascend and are all there; at least one. One pass
 * from the first of them on. */
void rl_list_remove_many(rl_list **place, const size_t *indexes, size_t count);

/* A walk from an index on, to the right or to the left; the list must not change meanwhile. */
typedef struct rl_list_walk {
    const rl_list *list;
    size_t index; /* of what comes next */
    size_t chunk;
    const char *at;   /* next to the right: where it begins; to the left: where it ends */
    const char *edge; /* of the chunk, in this direction */
    bool left, ended;
    rl_list_scratch scratch;
} rl_list_walk;
void rl_list_walk_init(rl_list_walk *walk, const rl_list *l, size_t index, bool left);
bool rl_list_next(rl_list_walk *walk, rl_bytes *value);
/* On to the next value equal to this one; tells its index. False when there is none. Looks at no
 * more than `limit` values (0: all); when that ends it, walk->ended is false. */
bool rl_list_find(rl_list_walk *walk, rl_bytes value, size_t limit, size_t *index);

void rl_list_check(const rl_list *l); /* asserts every invariant */

#endif
