/* SPDX-License-Identifier: MIT */
/*
 * Collections that no key has any more, freed step by step, so that deleting one of a million
 * elements is no pause. Loop thread.
 */
#ifndef RL_KEYSPACE_GRAVEYARD_H
#define RL_KEYSPACE_GRAVEYARD_H

#include "keyspace/entry.h"

typedef struct rl_graveyard rl_graveyard;

rl_graveyard *rl_graveyard_create(void);
void rl_graveyard_free(rl_graveyard *g); /* with all that is in it */
/* Takes over an entry: a small one is freed at once, a large collection later. */
void rl_graveyard_take(rl_graveyard *g, rl_entry *e);
bool rl_graveyard_step(rl_graveyard *g);          /* frees some; true: more is left */
size_t rl_graveyard_count(const rl_graveyard *g); /* collections waiting */

#endif
