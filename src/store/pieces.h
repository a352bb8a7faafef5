/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a list's positions, while batches are merged: which of them hold what stood
 * somewhere in the table before, which hold a new value, and which are empty. All positions of a
 * list are a sequence of pieces; a change cuts pieces, moves or drops some and puts one in. So a
 * thousand insertions in the middle of a million items are a thousand pieces that are to be moved,
 * each by its own distance, and the rows are moved once, at the end.
 *
 * The pieces of a list are a treap (Seidel and Aragon, 1996) in order of position, in which the
 * distance that a subtree has moved stands at its root. Every change is O(log pieces); values that
 * are pushed one by one at an end make one piece.
 *
 * One arena for the lists of a fold. A list is the number of its root node, kept by the caller.
 * Values point into the batches. One thread at a time.
 */
#ifndef RL_STORE_PIECES_H
#define RL_STORE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* No position lies outside: batches speak of ±2^61, and a shift moves by no more. */
#define RL_PIECES_FIRST (-((int64_t)1 << 62))
#define RL_PIECES_LAST  ((int64_t)1 << 62)

typedef struct rl_pieces rl_pieces;

typedef struct rl_piece {
    int64_t first, last; /* positions, now */
    /* Stored: where `first` stood in the table, and the others behind it. New values: the number of
     * the value at `first`; the next one has source + step. */
    int64_t source;
    int32_t step; /* 0: stored; 1 or -1: new values */
} rl_piece;

rl_pieces *rl_pieces_create(void);
void rl_pieces_free(rl_pieces *p);           /* NULL is fine */
void rl_pieces_reset(rl_pieces *p);          /* all lists are gone */
size_t rl_pieces_values(const rl_pieces *p); /* new values taken in, replaced ones too */

/* A list without items is 0; this is one that is as the table has it. */
uint32_t rl_pieces_stored(rl_pieces *p);

/* The changes item, bounds and shift of a batch. */
void rl_pieces_item(rl_pieces *p, uint32_t *list, int64_t position, rl_bytes value);
void rl_pieces_bounds(rl_pieces *p, uint32_t *list, int64_t first, int64_t last);
void rl_pieces_shift(rl_pieces *p, uint32_t *list, int64_t from, int64_t to, int64_t delta);

/* The pieces in order of position, one behind the other; returns how many. *out is valid until the
 * next call here. */
size_t rl_pieces_list(rl_pieces *p, uint32_t list, const rl_piece **out);
/* The value at `position` of a piece of new values. */
rl_bytes rl_pieces_value(const rl_pieces *p, const rl_piece *piece, int64_t position);

#endif
