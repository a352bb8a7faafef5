/* SPDX-License-Identifier: MIT */
#include "types/fields.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "types/must.h"
#include "types/packed.h"
#include "types/table.h"
#include "types/tree.h"

typedef struct large {
    uint8_t form;
    types_table table;
    types_tree *expiries; /* (time, field) of the fields that expire; NULL: none ever did */
    int64_t hidden_until; /* fields that expire then or before are hidden; 0: none */
} large;

#define RANDOM_TRIES 100 /* for a field that is not hidden */

/* An rl_fields is a types_packed or a large; both begin with the form. */
struct rl_fields {
    uint8_t form;
};

static inline types_packed *small_of(const rl_fields *h) {
    return (types_packed *)(uintptr_t)h;
}

static inline large *large_of(const rl_fields *h) {
    return (large *)(uintptr_t)h;
}

static inline bool is_large(const rl_fields *h) {
    return h->form == RL_FIELDS_TABLE;
}

static inline unsigned stride_of(const rl_fields *h) {
    return h->form == RL_FIELDS_TIMED ? 3 : 2;
}

/* ---- the small forms ---- */

static void small_read(const rl_fields *h, const char *at, rl_field_scratch *scratch,
                       rl_field *out) {
    const char *value = types_item_next(at);
    out->name = types_item_text(at, scratch->field);
    out->value = types_item_text(value, scratch->value);
    out->expires_at = 0;
    if (h->form == RL_FIELDS_TIMED)
        out->expires_at = types_item_int(types_item_next(value));
}

static const char *small_find(const rl_fields *h, rl_bytes name) {
    types_item key = types_item_of(name);
    return types_packed_find(small_of(h), &key, stride_of(h));
}

/* Gives every field a third item. */
static void small_become_timed(rl_fields **place) {
    types_packed *from = small_of(*place), *to = types_packed_create(RL_FIELDS_TIMED);
    size_t fields = from->count / 2u;
    types_item none = types_item_of_int(0);
    to = rl_realloc(to, from->bytes + fields * none.size);
    char *out = to->items;
    for (const char *at = from->items; at < types_packed_end(from);) {
        const char *next = types_item_next(types_item_next(at));
        memcpy(out, at, (size_t)(next - at));
        out = types_item_write(out + (next - at), &none);
        at = next;
    }
    to->bytes = (uint32_t)(out - (char *)to);
    to->count = (uint16_t)(fields * 3);
    rl_free(from);
    *place = (rl_fields *)to;
}

static void small_set_expiry(rl_fields **place, const char *at, int64_t expires_at) {
    types_item item = types_item_of_int(expires_at);
    types_packed *p = small_of(*place);
    types_packed_splice(&p, types_item_next(types_item_next(at)), 1, &item, 1);
    *place = (rl_fields *)p;
}

/* Whether a field may be added at its end, or, when it is at `at`, be given that value. */
static bool small_has_room(const rl_fields *h, const char *at, const types_item *items,
                           const rl_small_limits *limits) {
    const types_packed *p = small_of(h);
    unsigned stride = stride_of(h);
    return (at != NULL || p->count / stride < limits->entries) &&
           types_packed_has_room(p, items, stride);
}

/* False when the hash has to be large for that; *fresh: whether the field is new. */
static bool small_set(rl_fields **place, rl_bytes name, rl_bytes value, int64_t expires_at,
                      const rl_small_limits *limits, bool *fresh) {
    if (name.len > limits->bytes || value.len > limits->bytes)
        return false;
    if (expires_at > 0 && (*place)->form == RL_FIELDS_PACKED)
        small_become_timed(place);
    types_item items[3] = {types_item_of(name), types_item_of(value),
                           types_item_of_int(expires_at > 0 ? expires_at : 0)};
    types_packed *p = small_of(*place);
    unsigned stride = stride_of(*place);
    const char *at = types_packed_find(p, &items[0], stride);
    if (!small_has_room(*place, at, items, limits))
        return false;
    if (at == NULL) {
        types_packed_splice(&p, types_packed_end(p), 0, items, stride);
    } else {
        unsigned changed = stride == 3 && expires_at != RL_FIELD_KEEP ? 2 : 1;
        types_packed_splice(&p, types_item_next(at), changed, &items[1], changed);
    }
    *place = (rl_fields *)p;
    *fresh = at == NULL;
    return true;
}

/* ---- the large form ---- */

static uint64_t hash_of(rl_bytes name) {
    return rl_hash(name);
}

static inline bool is_hidden(const large *l, int64_t expires_at) {
    return expires_at != 0 && expires_at <= l->hidden_until;
}

static size_t hidden_count(const large *l) {
    if (l->hidden_until == 0 || l->expiries == NULL)
        return 0;
    types_bound bound = {.kind = TYPES_UPTO_SCORE, .score = (double)l->hidden_until};
    return types_tree_count_before(l->expiries, &bound);
}

/* Finds a field that is not hidden. */
static bool large_get(const large *l, uint64_t hash, rl_bytes name, types_element *out) {
    return types_table_get(&l->table, hash, name, out) && !is_hidden(l, out->expires_at);
}

/* The tree follows a field's expiry from `before` to `after`. */
static void expiry_changed(large *l, rl_bytes name, int64_t before, int64_t after) {
    if (before == after)
        return;
    if (before)
        types_tree_remove(l->expiries, (double)before, name);
    if (after && l->expiries == NULL) {
        l->expiries = rl_malloc(sizeof *l->expiries);
        types_tree_init(l->expiries, NULL, NULL);
    }
    if (after)
        types_tree_insert(l->expiries, (double)after, name);
}

static bool large_set(large *l, rl_bytes name, rl_bytes value, int64_t expires_at) {
    uint64_t hash = hash_of(name);
    int64_t before = 0;
    bool was_hidden = false;
    types_element old;
    if (l->expiries && (expires_at != RL_FIELD_KEEP || l->hidden_until) &&
        types_table_get(&l->table, hash, name, &old)) {
        before = old.expires_at;
        was_hidden = is_hidden(l, before);
    }
    if (was_hidden && expires_at == RL_FIELD_KEEP)
        expires_at = 0;
    bool fresh = types_table_set(&l->table, hash, name, value, expires_at);
    if (expires_at != RL_FIELD_KEEP)
        expiry_changed(l, name, before, expires_at);
    return fresh || was_hidden;
}

static void become_large(rl_fields **place) {
    rl_fields *h = *place;
    large *l = rl_malloc(sizeof *l);
    *l = (large){.form = RL_FIELDS_TABLE};
    types_table_init(&l->table, true, TYPES_PAGES_DEPTH_MAX);
    rl_fields_walk walk = {0};
    rl_field f;
    while (rl_fields_next(h, &walk, &f))
        large_set(l, f.name, f.value, f.expires_at);
    rl_free(h);
    *place = (rl_fields *)l;
}

static bool large_expire(large *l, rl_bytes name, int64_t expires_at) {
    uint64_t hash = hash_of(name);
    types_element old;
    if (!large_get(l, hash, name, &old))
        return false;
    int64_t before = old.expires_at;
    types_table_expire(&l->table, hash, name, expires_at);
    expiry_changed(l, name, before, expires_at);
    return true;
}

static bool large_remove(large *l, rl_bytes name) {
    uint64_t hash = hash_of(name);
    types_element old;
    if (l->expiries && types_table_get(&l->table, hash, name, &old)) {
        if (is_hidden(l, old.expires_at))
            return false;
        expiry_changed(l, name, old.expires_at, 0);
    }
    return types_table_remove(&l->table, hash, name);
}

static void field_of(const types_element *e, rl_field *out) {
    *out = (rl_field){e->name, e->value, e->expires_at};
}

/* ---- life ---- */

rl_fields *rl_fields_create(void) {
    return (rl_fields *)types_packed_create(RL_FIELDS_PACKED);
}

bool rl_fields_free_step(rl_fields *h, size_t budget) {
    if (is_large(h)) {
        large *l = large_of(h);
        if (l->expiries) {
            if (!types_tree_free_step(l->expiries, budget))
                return false;
            rl_free(l->expiries);
            l->expiries = NULL;
        }
        if (!types_table_free_step(&l->table, budget))
            return false;
    }
    rl_free(h);
    return true;
}

void rl_fields_free(rl_fields *h) {
    if (h)
        while (!rl_fields_free_step(h, SIZE_MAX))
            ;
}

rl_fields_form rl_fields_form_of(const rl_fields *h) {
    return (rl_fields_form)h->form;
}

size_t rl_fields_count(const rl_fields *h) {
    if (!is_large(h))
        return small_of(h)->count / stride_of(h);
    const large *l = large_of(h);
    return types_table_count(&l->table) - hidden_count(l);
}

size_t rl_fields_memory(const rl_fields *h) {
    if (!is_large(h))
        return rl_alloc_good_size(small_of(h)->bytes);
    const large *l = large_of(h);
    size_t bytes = rl_alloc_good_size(sizeof *l) + types_table_bytes(&l->table);
    if (l->expiries)
        bytes += rl_alloc_good_size(sizeof *l->expiries) + l->expiries->bytes;
    return bytes;
}

/* ---- fields ---- */

bool rl_fields_get(const rl_fields *h, rl_bytes name, rl_field_scratch *scratch, rl_field *out) {
    if (is_large(h)) {
        types_element e;
        if (!large_get(large_of(h), hash_of(name), name, &e))
            return false;
        field_of(&e, out);
        return true;
    }
    const char *at = small_find(h, name);
    if (at == NULL)
        return false;
    small_read(h, at, scratch, out);
    return true;
}

bool rl_fields_has(const rl_fields *h, rl_bytes name) {
    if (is_large(h)) {
        const large *l = large_of(h);
        types_element e;
        uint64_t hash = hash_of(name);
        return l->hidden_until ? large_get(l, hash, name, &e)
                               : types_table_has(&l->table, hash, name);
    }
    return small_find(h, name) != NULL;
}

bool rl_fields_set(rl_fields **place, rl_bytes name, rl_bytes value, int64_t expires_at,
                   const rl_small_limits *limits) {
    bool fresh;
    if (!is_large(*place)) {
        if (small_set(place, name, value, expires_at, limits, &fresh))
            return fresh;
        become_large(place);
    }
    return large_set(large_of(*place), name, value, expires_at);
}

bool rl_fields_expire(rl_fields **place, rl_bytes name, int64_t expires_at) {
    assert(expires_at >= 0);
    if (is_large(*place))
        return large_expire(large_of(*place), name, expires_at);
    const char *at = small_find(*place, name);
    if (at == NULL)
        return false;
    if ((*place)->form == RL_FIELDS_PACKED) {
        if (expires_at == 0)
            return true;
        small_become_timed(place);
        at = small_find(*place, name);
    }
    small_set_expiry(place, at, expires_at);
    return true;
}

bool rl_fields_remove(rl_fields **place, rl_bytes name) {
    if (is_large(*place))
        return large_remove(large_of(*place), name);
    const char *at = small_find(*place, name);
    if (at == NULL)
        return false;
    types_packed *p = small_of(*place);
    types_packed_splice(&p, at, stride_of(*place), NULL, 0);
    *place = (rl_fields *)p;
    return true;
}

/* ---- expiry ---- */

bool rl_fields_timed(const rl_fields *h) {
    if (!is_large(h))
        return h->form == RL_FIELDS_TIMED;
    const large *l = large_of(h);
    return l->expiries && l->expiries->count > 0;
}

bool rl_fields_next_expiry(const rl_fields *h, rl_field_scratch *scratch, rl_field *out) {
    if (!rl_fields_timed(h))
        return false;
    if (is_large(h)) {
        types_spot first = types_tree_at(large_of(h)->expiries, 0);
        types_element e;
        rl_bytes name = types_spot_member(first);
        types_table_get(&large_of(h)->table, hash_of(name), name, &e);
        field_of(&e, out);
        return true;
    }
    const types_packed *p = small_of(h);
    const char *best = NULL;
    int64_t earliest = INT64_MAX;
    for (const char *at = p->items; at < types_packed_end(p);) {
        const char *expiry = types_item_next(types_item_next(at));
        int64_t expires_at = types_item_int(expiry);
        if (expires_at > 0 && expires_at < earliest) {
            earliest = expires_at;
            best = at;
        }
        at = types_item_next(expiry);
    }
    if (best == NULL)
        return false;
    small_read(h, best, scratch, out);
    return true;
}

size_t rl_fields_hide(rl_fields *h, int64_t until) {
    if (!is_large(h))
        return 0;
    large_of(h)->hidden_until = until;
    return hidden_count(large_of(h));
}

/* ---- walking ---- */

/* Hidden ones too. */
static bool large_next(const large *l, rl_fields_walk *walk, rl_field *out) {
    if (!types_pages_next(&l->table.pages, &walk->pages))
        return false;
    types_element e = types_table_element(&l->table, walk->pages.page, walk->pages.slot);
    field_of(&e, out);
    return true;
}

bool rl_fields_next(const rl_fields *h, rl_fields_walk *walk, rl_field *out) {
    if (is_large(h)) {
        bool found = large_next(large_of(h), walk, out);
        while (found && is_hidden(large_of(h), out->expires_at))
            found = large_next(large_of(h), walk, out);
        return found;
    }
    const types_packed *p = small_of(h);
    const char *at = walk->at ? walk->at : p->items;
    if (at == types_packed_end(p))
        return false;
    small_read(h, at, &walk->scratch, out);
    for (unsigned i = stride_of(h); i; i--)
        at = types_item_next(at);
    walk->at = at;
    return true;
}

typedef struct scanning {
    const large *hash;
    void (*each)(void *, const rl_field *);
    void *arg;
} scanning;

static void scan_element(void *arg, const types_element *e) {
    const scanning *scan = arg;
    rl_field f;
    field_of(e, &f);
    if (!is_hidden(scan->hash, f.expires_at))
        scan->each(scan->arg, &f);
}

uint64_t rl_fields_scan(const rl_fields *h, uint64_t cursor, size_t count,
                        void (*each)(void *, const rl_field *), void *arg) {
    if (is_large(h)) {
        scanning scan = {large_of(h), each, arg};
        return types_table_scan(&large_of(h)->table, cursor, count, scan_element, &scan);
    }
    rl_fields_walk walk = {0};
    rl_field f;
    while (rl_fields_next(h, &walk, &f))
        each(arg, &f);
    return 0;
}

/* Of many tries one finds a field, unless nearly all are hidden: then it is the first. */
static void large_random(const large *l, rl_random *random, rl_field *out) {
    unsigned slot;
    for (int i = 0; i < RANDOM_TRIES; i++) {
        const types_page *page = types_pages_random(&l->table.pages, random, &slot);
        types_element e = types_table_element(&l->table, page, slot);
        field_of(&e, out);
        if (!is_hidden(l, out->expires_at))
            return;
    }
    rl_fields_walk walk = {0};
    rl_fields_next((const rl_fields *)l, &walk, out);
}

void rl_fields_random(const rl_fields *h, rl_random *random, rl_field_scratch *scratch,
                      rl_field *out) {
    assert(rl_fields_count(h) > 0);
    if (is_large(h)) {
        large_random(large_of(h), random, out);
        return;
    }
    unsigned pick = (unsigned)rl_random_below(random, rl_fields_count(h));
    small_read(h, types_packed_at(small_of(h), pick * stride_of(h)), scratch, out);
}

/* ---- the check ---- */

void rl_fields_check(const rl_fields *h) {
    if (!is_large(h)) {
        types_packed_check(small_of(h));
        types_must(small_of(h)->count % stride_of(h) == 0);
        return;
    }
    const large *l = large_of(h);
    size_t timed = 0;
    types_table_check(&l->table);
    if (l->expiries)
        types_tree_check(l->expiries);
    rl_fields_walk walk = {0};
    rl_field f;
    while (large_next(l, &walk, &f))
        if (f.expires_at) {
            types_must(l->expiries && types_tree_has(l->expiries, (double)f.expires_at, f.name));
            timed++;
        }
    types_must(timed == (l->expiries ? l->expiries->count : 0));
}
