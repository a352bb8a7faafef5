/* SPDX-License-Identifier: MIT */
#include "types/members.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "types/ints.h"
#include "types/must.h"
#include "types/packed.h"
#include "types/table.h"

typedef struct large {
    uint8_t form;
    types_table table;
} large;

/* An rl_members is a types_ints, a types_packed or a large; all begin with the form. */
struct rl_members {
    uint8_t form;
};

static inline types_ints *ints_of(const rl_members *s) {
    return (types_ints *)(uintptr_t)s;
}

static inline types_packed *packed_of(const rl_members *s) {
    return (types_packed *)(uintptr_t)s;
}

static inline large *large_of(const rl_members *s) {
    return (large *)(uintptr_t)s;
}

static uint64_t hash_of(rl_bytes member) {
    return rl_hash(member);
}

static bool int_of(rl_bytes member, int64_t *value) {
    return member.len < RL_INT64_TEXT_MAX && rl_int64_parse(member, value);
}

/* ---- life ---- */

rl_members *rl_members_create(void) {
    return (rl_members *)types_ints_create(RL_MEMBERS_INTS);
}

bool rl_members_free_step(rl_members *s, size_t budget) {
    if (s->form == RL_MEMBERS_TABLE && !types_table_free_step(&large_of(s)->table, budget))
        return false;
    rl_free(s);
    return true;
}

void rl_members_free(rl_members *s) {
    if (s)
        while (!rl_members_free_step(s, SIZE_MAX))
            ;
}

rl_members_form rl_members_form_of(const rl_members *s) {
    return (rl_members_form)s->form;
}

size_t rl_members_count(const rl_members *s) {
    switch (s->form) {
    case RL_MEMBERS_INTS:
        return ints_of(s)->count;
    case RL_MEMBERS_PACKED:
        return packed_of(s)->count;
    default:
        return types_table_count(&large_of(s)->table);
    }
}

size_t rl_members_memory(const rl_members *s) {
    switch (s->form) {
    case RL_MEMBERS_INTS:
        return rl_alloc_good_size(types_ints_bytes(ints_of(s)));
    case RL_MEMBERS_PACKED:
        return rl_alloc_good_size(packed_of(s)->bytes);
    default:
        return rl_alloc_good_size(sizeof(large)) + types_table_bytes(&large_of(s)->table);
    }
}

/* ---- from form to form ---- */

static void become_large(rl_members **place) {
    rl_members *s = *place;
    large *l = rl_malloc(sizeof *l);
    l->form = RL_MEMBERS_TABLE;
    types_table_init(&l->table, false, TYPES_PAGES_DEPTH_MAX);
    rl_members_walk walk = {0};
    rl_bytes member;
    while (rl_members_next(s, &walk, &member))
        types_table_set(&l->table, hash_of(member), member, RL_BYTES(""), 0);
    rl_free(s);
    *place = (rl_members *)l;
}

static void ints_become_packed(rl_members **place) {
    types_ints *from = ints_of(*place);
    types_packed *to = types_packed_create(RL_MEMBERS_PACKED);
    for (size_t i = 0; i < from->count; i++) {
        types_item item = types_item_of_int(types_ints_at(from, i));
        types_packed_splice(&to, types_packed_end(to), 0, &item, 1);
    }
    rl_free(from);
    *place = (rl_members *)to;
}

static size_t text_len(int64_t value) {
    char text[RL_INT64_TEXT_MAX];
    return rl_int64_format(text, value);
}

/* Whether a set of integers, with one more member of `len` bytes, is within the packed limits. */
static bool ints_fit_packed(const types_ints *v, size_t len, const rl_small_limits *limits) {
    if (v->count >= limits->entries || v->count >= TYPES_PACKED_MAX_ITEMS || len > limits->bytes)
        return false;
    return v->count == 0 || (text_len(types_ints_at(v, 0)) <= limits->bytes &&
                             text_len(types_ints_at(v, v->count - 1u)) <= limits->bytes);
}

/* ---- adding ---- */

/* Each returns false when the set must take another form first, which it then has. */
static bool ints_add(rl_members **place, rl_bytes member, const rl_members_limits *limits,
                     bool *fresh) {
    types_ints *v = ints_of(*place);
    int64_t value;
    bool is_int = int_of(member, &value);
    if (is_int && (v->count < limits->ints || types_ints_has(v, value))) {
        *fresh = types_ints_add(&v, value);
        *place = (rl_members *)v;
        return true;
    }
    if (ints_fit_packed(v, member.len, &limits->small))
        ints_become_packed(place);
    else
        become_large(place);
    return false;
}

static bool packed_add(rl_members **place, rl_bytes member, const rl_members_limits *limits,
                       bool *fresh) {
    types_packed *p = packed_of(*place);
    types_item item = types_item_of(member);
    *fresh = types_packed_find(p, &item, 1) == NULL;
    if (!*fresh)
        return true;
    if (member.len > limits->small.bytes || p->count >= limits->small.entries ||
        !types_packed_has_room(p, &item, 1)) {
        become_large(place);
        return false;
    }
    types_packed_splice(&p, types_packed_end(p), 0, &item, 1);
    *place = (rl_members *)p;
    return true;
}

bool rl_members_add(rl_members **place, rl_bytes member, const rl_members_limits *limits) {
    bool fresh;
    if ((*place)->form == RL_MEMBERS_INTS && ints_add(place, member, limits, &fresh))
        return fresh;
    if ((*place)->form == RL_MEMBERS_PACKED && packed_add(place, member, limits, &fresh))
        return fresh;
    return types_table_set(&large_of(*place)->table, hash_of(member), member, RL_BYTES(""), 0);
}

/* ---- one member ---- */

bool rl_members_has(const rl_members *s, rl_bytes member) {
    int64_t value;
    types_item item;
    switch (s->form) {
    case RL_MEMBERS_INTS:
        return int_of(member, &value) && types_ints_has(ints_of(s), value);
    case RL_MEMBERS_PACKED:
        item = types_item_of(member);
        return types_packed_find(packed_of(s), &item, 1) != NULL;
    default:
        return types_table_has(&large_of(s)->table, hash_of(member), member);
    }
}

static bool ints_remove(rl_members **place, rl_bytes member) {
    int64_t value;
    types_ints *v = ints_of(*place);
    bool there = int_of(member, &value) && types_ints_remove(&v, value);
    *place = (rl_members *)v;
    return there;
}

static bool packed_remove(rl_members **place, rl_bytes member) {
    types_packed *p = packed_of(*place);
    types_item item = types_item_of(member);
    const char *at = types_packed_find(p, &item, 1);
    if (at == NULL)
        return false;
    types_packed_splice(&p, at, 1, NULL, 0);
    *place = (rl_members *)p;
    return true;
}

bool rl_members_remove(rl_members **place, rl_bytes member) {
    switch ((*place)->form) {
    case RL_MEMBERS_INTS:
        return ints_remove(place, member);
    case RL_MEMBERS_PACKED:
        return packed_remove(place, member);
    default:
        return types_table_remove(&large_of(*place)->table, hash_of(member), member);
    }
}

/* ---- all members ---- */

static rl_bytes int_text(const types_ints *v, size_t index, rl_member_scratch *scratch) {
    return rl_bytes_of(scratch->text, rl_int64_format(scratch->text, types_ints_at(v, index)));
}

static bool ints_next(const types_ints *v, rl_members_walk *walk, rl_bytes *member) {
    if (walk->index == v->count)
        return false;
    *member = int_text(v, walk->index++, &walk->scratch);
    return true;
}

static bool packed_next(const types_packed *p, rl_members_walk *walk, rl_bytes *member) {
    const char *at = walk->at ? walk->at : p->items;
    if (at == types_packed_end(p))
        return false;
    *member = types_item_text(at, walk->scratch.text);
    walk->at = types_item_next(at);
    return true;
}

static bool table_next(const types_table *t, rl_members_walk *walk, rl_bytes *member) {
    if (!types_pages_next(&t->pages, &walk->pages))
        return false;
    *member = types_table_element(t, walk->pages.page, walk->pages.slot).name;
    return true;
}

bool rl_members_next(const rl_members *s, rl_members_walk *walk, rl_bytes *member) {
    switch (s->form) {
    case RL_MEMBERS_INTS:
        return ints_next(ints_of(s), walk, member);
    case RL_MEMBERS_PACKED:
        return packed_next(packed_of(s), walk, member);
    default:
        return table_next(&large_of(s)->table, walk, member);
    }
}

typedef struct scanning {
    void (*each)(void *, rl_bytes);
    void *arg;
} scanning;

static void scan_element(void *arg, const types_element *e) {
    const scanning *scan = arg;
    scan->each(scan->arg, e->name);
}

uint64_t rl_members_scan(const rl_members *s, uint64_t cursor, size_t count,
                         void (*each)(void *, rl_bytes), void *arg) {
    if (s->form == RL_MEMBERS_TABLE) {
        scanning scan = {each, arg};
        return types_table_scan(&large_of(s)->table, cursor, count, scan_element, &scan);
    }
    rl_members_walk walk = {0};
    rl_bytes member;
    while (rl_members_next(s, &walk, &member))
        each(arg, member);
    return 0;
}

/* ---- chance ---- */

rl_bytes rl_members_random(const rl_members *s, rl_random *random, rl_member_scratch *scratch) {
    size_t count = rl_members_count(s);
    assert(count > 0);
    if (s->form == RL_MEMBERS_TABLE) {
        unsigned slot;
        const types_table *t = &large_of(s)->table;
        const types_page *page = types_pages_random(&t->pages, random, &slot);
        return types_table_element(t, page, slot).name;
    }
    size_t pick = rl_random_below(random, count);
    if (s->form == RL_MEMBERS_INTS)
        return int_text(ints_of(s), pick, scratch);
    return types_item_text(types_packed_at(packed_of(s), (unsigned)pick), scratch->text);
}

void rl_members_pop(rl_members **place, rl_random *random, rl_buffer *out) {
    rl_member_scratch scratch;
    size_t from = out->len;
    rl_buffer_add_bytes(out, rl_members_random(*place, random, &scratch));
    /* The copy: what was chosen lies in the set. An empty one may leave the buffer without any. */
    const char *copy = out->ptr ? out->ptr + from : "";
    rl_members_remove(place, rl_bytes_of(copy, out->len - from));
}

/* ---- the check ---- */

void rl_members_check(const rl_members *s) {
    switch (s->form) {
    case RL_MEMBERS_INTS:
        types_ints_check(ints_of(s));
        break;
    case RL_MEMBERS_PACKED:
        types_packed_check(packed_of(s));
        break;
    default:
        types_must(s->form == RL_MEMBERS_TABLE);
        types_table_check(&large_of(s)->table);
    }
}
