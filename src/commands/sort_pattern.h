/* SPDX-License-Identifier: MIT */
/* The patterns of SORT: names of keys in which the first star stands for an element, "weight_*", or
 * of a field of such a key, "object_*->weight". "#" is the element itself. Loop thread. */
#ifndef RL_COMMANDS_SORT_PATTERN_H
#define RL_COMMANDS_SORT_PATTERN_H

#include "base/buffer.h"
#include "server/command.h"

typedef struct rl_sort_pattern {
    bool self;              /* "#" */
    bool star;              /* without one (and not "#") it names nothing */
    rl_bytes before, after; /* of the key's name, around the star; borrowed from the text */
    rl_bytes field;         /* empty: the key is a string */
} rl_sort_pattern;

rl_sort_pattern rl_sort_pattern_of(rl_bytes text);

/* Looks up values; a zeroed one with c is ready. */
typedef struct rl_sort_lookup {
    rl_ctx *c;
    rl_buffer name; /* of the key looked up last */
    rl_field_scratch scratch;
} rl_sort_lookup;

/* What the pattern names for this element; false when there is no such thing. *value is valid until
 * the next lookup or change. */
bool rl_sort_lookup_value(rl_sort_lookup *l, const rl_sort_pattern *p, rl_bytes element,
                          rl_bytes *value);
void rl_sort_lookup_release(rl_sort_lookup *l);

#endif
