/* SPDX-License-Identifier: MIT */
/*
 * The merge of elements; see elements.h. Groups and elements stand in arrays in the order they
 * came; an open-addressing table finds each. Both are kept from fold to fold.
 */
#include "store/elements.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

typedef struct slot {
    uint32_t hash;
    uint32_t number; /* 1 + its place in the array; 0: free */
} slot;

/* A power of two of slots, at most half of them taken. */
typedef struct index {
    slot *slots;
    size_t mask;
} table;

typedef struct sort_item {
    uint64_t prefix; /* of the name: eight bytes, the first one highest */
    const rl_element *element;
} sort_item;

struct rl_elements {
    rl_element_group *groups;
    size_t group_count, group_cap;
    table by_id;
    uint32_t last_group; /* the one of the last change: mostly that of the next one too */
    rl_element *elements;
    size_t count, cap;
    table by_name;
    rl_pieces *pieces;
    const rl_element_group **sorted_groups;
    const rl_element **sorted;
    sort_item *items;
    size_t sorted_groups_cap, sorted_cap;
};

#define FIRST_SLOTS 256
/* Beyond this many, reset gives the memory back. */
#define KEEP_ENTRIES (1u << 17)

/* --- the tables ------------------------------------------------------------------------------- */

static void table_init(table *t) {
    t->slots = rl_calloc(FIRST_SLOTS, sizeof *t->slots);
    t->mask = FIRST_SLOTS - 1;
}

static void table_clear(table *t, size_t used) {
    if (t->mask >= 2 * KEEP_ENTRIES) {
        rl_free(t->slots);
        table_init(t);
    } else if (used) {
        memset(t->slots, 0, (t->mask + 1) * sizeof *t->slots);
    }
}

static void table_put(table *t, uint32_t hash, uint32_t number) {
    size_t at = hash & t->mask;
    while (t->slots[at].number)
        at = (at + 1) & t->mask;
    t->slots[at] = (slot){hash, number};
}

/* Makes room for one more than count. */
static void table_grow(table *t, size_t count) {
    if ((count + 1) * 2 <= t->mask)
        return;
    slot *old = t->slots;
    size_t slots = t->mask + 1;
    t->slots = rl_calloc(slots * 2, sizeof *t->slots);
    t->mask = slots * 2 - 1;
    for (size_t i = 0; i < slots; i++) {
        if (old[i].number)
            table_put(t, old[i].hash, old[i].number);
    }
    rl_free(old);
}

/* --- life ------------------------------------------------------------------------------------- */

rl_elements *rl_elements_create(void) {
    rl_elements *x = rl_calloc(1, sizeof *x);
    table_init(&x->by_id);
    table_init(&x->by_name);
    x->pieces = rl_pieces_create();
    return x;
}

static void free_sorted(rl_elements *x) {
    rl_free(x->sorted_groups);
    rl_free(x->sorted);
    rl_free(x->items);
    x->sorted_groups = NULL;
    x->sorted = NULL;
    x->items = NULL;
    x->sorted_groups_cap = x->sorted_cap = 0;
}

void rl_elements_reset(rl_elements *x) {
    table_clear(&x->by_id, x->group_count);
    table_clear(&x->by_name, x->count);
    rl_pieces_reset(x->pieces);
    if (x->group_cap > KEEP_ENTRIES) {
        rl_free(x->groups);
        x->groups = NULL;
        x->group_cap = 0;
    }
    if (x->cap > KEEP_ENTRIES) {
        rl_free(x->elements);
        x->elements = NULL;
        x->cap = 0;
    }
    if (x->sorted_cap > KEEP_ENTRIES || x->sorted_groups_cap > KEEP_ENTRIES)
        free_sorted(x);
    x->group_count = x->count = 0;
}

void rl_elements_free(rl_elements *x) {
    if (x == NULL)
        return;
    rl_pieces_free(x->pieces);
    rl_free(x->groups);
    rl_free(x->elements);
    rl_free(x->by_id.slots);
    rl_free(x->by_name.slots);
    free_sorted(x);
    rl_free(x);
}

size_t rl_elements_count(const rl_elements *x) {
    return x->count + rl_pieces_values(x->pieces);
}

rl_pieces *rl_elements_pieces(rl_elements *x) {
    return x->pieces;
}

/* --- taking in -------------------------------------------------------------------------------- */

static uint32_t hash_id(uint64_t id) {
    return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32);
}

static rl_element_group *find_group(rl_elements *x, uint64_t id) {
    if (x->last_group < x->group_count && x->groups[x->last_group].id == id)
        return &x->groups[x->last_group];
    uint32_t hash = hash_id(id);
    for (size_t at = hash & x->by_id.mask; x->by_id.slots[at].number;
         at = (at + 1) & x->by_id.mask) {
        const slot *s = &x->by_id.slots[at];
        if (s->hash == hash && x->groups[s->number - 1].id == id) {
            x->last_group = s->number - 1;
            return &x->groups[x->last_group];
        }
    }
    return NULL;
}

static rl_element_group *make_group(rl_elements *x, uint64_t id) {
    table_grow(&x->by_id, x->group_count);
    if (x->group_count == x->group_cap) {
        x->group_cap = x->group_cap ? x->group_cap * 2 : FIRST_SLOTS / 2;
        x->groups = rl_realloc(x->groups, x->group_cap * sizeof *x->groups);
    }
    x->last_group = (uint32_t)x->group_count;
    x->groups[x->group_count++] = (rl_element_group){.id = id};
    table_put(&x->by_id, hash_id(id), (uint32_t)x->group_count);
    return &x->groups[x->last_group];
}

static uint8_t type_of(const rl_change *c) {
    switch (c->kind) {
    case RL_CHANGE_FIELD:
        return RL_TYPE_HASH;
    case RL_CHANGE_MEMBER:
        return RL_TYPE_SET;
    case RL_CHANGE_SCORE:
        return RL_TYPE_ZSET;
    case RL_CHANGE_GONE:
        return (uint8_t)c->type;
    default:
        return RL_TYPE_LIST;
    }
}

static rl_element_group *group_of(rl_elements *x, const rl_change *c, uint64_t stored_below) {
    rl_element_group *g = find_group(x, c->id);
    if (g)
        return g;
    g = make_group(x, c->id);
    g->type = type_of(c);
    g->stored = c->id < stored_below;
    if (g->type == RL_TYPE_LIST && g->stored)
        g->list = rl_pieces_stored(x->pieces);
    return g;
}

/* The element of this name, made when there is none. */
static rl_element *element_of(rl_elements *x, uint32_t group, rl_bytes name) {
    uint32_t hash = (uint32_t)rl_hash(name) ^ hash_id(x->groups[group].id);
    for (size_t at = hash & x->by_name.mask; x->by_name.slots[at].number;
         at = (at + 1) & x->by_name.mask) {
        const slot *s = &x->by_name.slots[at];
        if (s->hash == hash) {
            rl_element *e = &x->elements[s->number - 1];
            if (e->group == group && rl_bytes_equal(e->name, name))
                return e;
        }
    }
    table_grow(&x->by_name, x->count);
    if (x->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : FIRST_SLOTS / 2;
        x->elements = rl_realloc(x->elements, x->cap * sizeof *x->elements);
    }
    x->groups[group].count++;
    rl_element *e = &x->elements[x->count++];
    *e = (rl_element){.name = name, .group = group};
    table_put(&x->by_name, hash, (uint32_t)x->count);
    return e;
}

static void add_name(rl_elements *x, const rl_element_group *g, const rl_change *c) {
    rl_element *e = element_of(x, (uint32_t)(g - x->groups), c->key);
    e->gone = c->kind == RL_CHANGE_GONE;
    if (c->kind == RL_CHANGE_FIELD) {
        e->value = c->value;
        e->expires_at = c->expires_at;
    } else if (c->kind == RL_CHANGE_SCORE) {
        e->score = c->score;
    }
}

void rl_elements_add(rl_elements *x, const rl_change *c, uint64_t stored_below) {
    rl_element_group *g = group_of(x, c, stored_below);
    if (g->dropped || g->type != type_of(c))
        return; /* an id has one type for ever */
    switch (c->kind) {
    case RL_CHANGE_ITEM:
        rl_pieces_item(x->pieces, &g->list, c->position, c->value);
        break;
    case RL_CHANGE_BOUNDS:
        rl_pieces_bounds(x->pieces, &g->list, c->position, c->last);
        break;
    case RL_CHANGE_SHIFT:
        rl_pieces_shift(x->pieces, &g->list, c->position, c->last, c->delta);
        break;
    default:
        add_name(x, g, c);
    }
}

void rl_elements_drop(rl_elements *x, uint64_t id) {
    rl_element_group *g = find_group(x, id);
    if (g == NULL)
        g = make_group(x, id);
    g->dropped = true;
}

/* --- in order --------------------------------------------------------------------------------- */

static int compare_groups(const void *a, const void *b) {
    const rl_element_group *x = *(const rl_element_group *const *)a;
    const rl_element_group *y = *(const rl_element_group *const *)b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static uint64_t prefix_of(rl_bytes name) {
    unsigned char first[8] = {0};
    uint64_t prefix = 0;
    if (name.len)
        memcpy(first, name.ptr, name.len < sizeof first ? name.len : sizeof first);
    for (size_t i = 0; i < sizeof first; i++)
        prefix = prefix << 8 | first[i];
    return prefix;
}

static int compare_names(const void *a, const void *b) {
    const sort_item *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    rl_bytes m = x->element->name, n = y->element->name;
    size_t both = m.len < n.len ? m.len : n.len;
    int order = both ? memcmp(m.ptr, n.ptr, both) : 0;
    if (order)
        return order;
    return m.len < n.len ? -1 : m.len > n.len;
}

static void make_room(rl_elements *x) {
    if (x->sorted_groups_cap < x->group_cap) {
        x->sorted_groups_cap = x->group_cap;
        x->sorted_groups = rl_realloc(x->sorted_groups, x->group_cap * sizeof *x->sorted_groups);
    }
    if (x->sorted_cap < x->cap) {
        x->sorted_cap = x->cap;
        x->sorted = rl_realloc(x->sorted, x->cap * sizeof *x->sorted);
        x->items = rl_realloc(x->items, x->cap * sizeof *x->items);
    }
}

/* Elements of a group side by side, the groups in the order they came. */
static void gather(rl_elements *x) {
    uint32_t from = 0;
    for (size_t i = 0; i < x->group_count; i++) {
        x->groups[i].from = from;
        from += x->groups[i].count;
        x->groups[i].count = 0;
    }
    for (size_t i = 0; i < x->count; i++) {
        const rl_element *e = &x->elements[i];
        rl_element_group *g = &x->groups[e->group];
        x->items[g->from + g->count++] = (sort_item){prefix_of(e->name), e};
    }
}

static void sort_names(sort_item *items, size_t count) {
    bool in_order = true;
    for (size_t i = 1; i < count && in_order; i++)
        in_order = compare_names(&items[i - 1], &items[i]) <= 0;
    if (!in_order)
        qsort(items, count, sizeof *items, compare_names);
}

size_t rl_elements_sorted(rl_elements *x, const rl_element_group *const **groups,
                          const rl_element *const **elements) {
    make_room(x);
    gather(x);
    for (size_t i = 0; i < x->group_count; i++) {
        const rl_element_group *g = &x->groups[i];
        x->sorted_groups[i] = g;
        if (!g->dropped && g->count > 1)
            sort_names(&x->items[g->from], g->count);
    }
    for (size_t i = 0; i < x->count; i++)
        x->sorted[i] = x->items[i].element;
    if (x->group_count > 1)
        qsort(x->sorted_groups, x->group_count, sizeof *x->sorted_groups, compare_groups);
    *groups = x->sorted_groups;
    *elements = x->sorted;
    return x->group_count;
}
