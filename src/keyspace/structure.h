/* SPDX-License-Identifier: MIT */
/*
 * What a collection's value is, whatever its type: freeing, counting, copying the structures of
 * types/. Every function takes the pointer that an entry holds. Loop thread.
 */
#ifndef RL_KEYSPACE_STRUCTURE_H
#define RL_KEYSPACE_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "keyspace/collection.h"
#include "store/batch.h"

bool keyspace_is_collection(rl_type type); /* of a type with a structure */
void *keyspace_structure_create(rl_type type);
void keyspace_structure_free(rl_type type, void *structure); /* takes its time */
/* Frees a part; true when all is gone. */
bool keyspace_structure_free_step(rl_type type, void *structure, size_t budget);
size_t keyspace_structure_count(rl_type type, const void *structure);
size_t keyspace_structure_memory(rl_type type, const void *structure);
void *keyspace_structure_copy(rl_type type, const void *structure,
                              const rl_collection_limits *limits);
/* Adds a row change for every element. position: of a list's first item. */
void keyspace_structure_write(rl_type type, const void *structure, int64_t position, uint64_t id,
                              rl_batch_builder *batch);

#endif
