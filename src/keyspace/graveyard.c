/* SPDX-License-Identifier: MIT */
/* See graveyard.h. */
#include "keyspace/graveyard.h"

#include "base/alloc.h"
#include "keyspace/structure.h"
#include "types/fields.h"

/* Freeing so many elements takes no longer than a command. */
#define AT_ONCE 64

typedef struct grave {
    struct grave *next;
    void *structure;
    rl_type type;
} grave;

struct rl_graveyard {
    grave *first;
    size_t count;
};

rl_graveyard *rl_graveyard_create(void) {
    return rl_calloc(1, sizeof(rl_graveyard));
}

void rl_graveyard_free(rl_graveyard *g) {
    if (!g)
        return;
    while (rl_graveyard_step(g))
        ;
    rl_free(g);
}

void rl_graveyard_take(rl_graveyard *g, rl_entry *e) {
    rl_type type = e->type;
    void *structure = rl_entry_free_shell(e);
    if (structure == NULL)
        return;
    if (type == RL_TYPE_HASH)
        rl_fields_hide(structure, 0); /* hidden fields have to be freed as well */
    if (keyspace_structure_count(type, structure) <= AT_ONCE) {
        keyspace_structure_free(type, structure);
        return;
    }
    grave *add = rl_malloc(sizeof *add);
    *add = (grave){g->first, structure, type};
    g->first = add;
    g->count++;
}

bool rl_graveyard_step(rl_graveyard *g) {
    grave *one = g->first;
    if (one && keyspace_structure_free_step(one->type, one->structure, RL_FREE_BUDGET)) {
        g->first = one->next;
        g->count--;
        rl_free(one);
    }
    return g->first != NULL;
}

size_t rl_graveyard_count(const rl_graveyard *g) {
    return g->count;
}
