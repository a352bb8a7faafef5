/* SPDX-License-Identifier: MIT */
/* How long a collection stays in its small form: the …-max-listpack-… settings. */
#ifndef RL_TYPES_LIMITS_H
#define RL_TYPES_LIMITS_H

#include <stddef.h>

typedef struct rl_small_limits {
    size_t entries; /* fields, members; more make it large */
    size_t bytes;   /* of one field, value or member; a longer one makes it large */
} rl_small_limits;

/* Freeing in steps: what one step frees, about, when it shall take some 20 microseconds. */
#define RL_FREE_BUDGET 256

#endif
