/* SPDX-License-Identifier: MIT */
/* A list, in one of its two forms; see list.h. */
#include "types/list.h"

#include <assert.h>

#include "base/alloc.h"
#include "types/chunks.h"
#include "types/packed.h"

#define SMALL_MAX 4096 /* bytes of a packed list */

/* An rl_list is a types_packed or a types_chunks; both begin with the form. */
struct rl_list {
    uint8_t form;
};

static inline types_packed *small_of(const rl_list *l) {
    return (types_packed *)(uintptr_t)l;
}

static inline types_chunks *large_of(const rl_list *l) {
    return (types_chunks *)(uintptr_t)l;
}

static inline bool is_large(const rl_list *l) {
    return l->form == RL_LIST_CHUNKS;
}

/* ---- life ---- */

rl_list *rl_list_create(void) {
    return (rl_list *)types_packed_create(RL_LIST_PACKED);
}

bool rl_list_free_step(rl_list *list, size_t budget) {
    if (is_large(list))
        return types_chunks_free_step(large_of(list), budget);
    rl_free(list);
    return true;
}

void rl_list_free(rl_list *l) {
    if (l)
        while (!rl_list_free_step(l, SIZE_MAX))
            ;
}

rl_list_form rl_list_form_of(const rl_list *l) {
    return (rl_list_form)l->form;
}

size_t rl_list_count(const rl_list *l) {
    return is_large(l) ? large_of(l)->count : small_of(l)->count;
}

size_t rl_list_memory(const rl_list *l) {
    if (is_large(l))
        return rl_alloc_good_size(sizeof(types_chunks)) + large_of(l)->bytes;
    return rl_alloc_good_size(small_of(l)->bytes);
}

/* ---- changes ---- */

/* Whether a packed list may become that long; if not, it is large now. */
static bool stays_small(rl_list **place, size_t grow) {
    if (is_large(*place))
        return false;
    if (small_of(*place)->bytes + grow <= SMALL_MAX)
        return true;
    *place = (rl_list *)types_chunks_of(small_of(*place));
    return false;
}

void rl_list_insert(rl_list **place, size_t index, rl_bytes value) {
    assert(index <= rl_list_count(*place));
    types_item item = types_item_of(value);
    if (!stays_small(place, item.size)) {
        types_chunks_insert(large_of(*place), index, &item);
        return;
    }
    types_packed *p = small_of(*place);
    const char *at = index == p->count ? types_packed_end(p) : types_packed_at(p, (unsigned)index);
    types_packed_splice(&p, at, 0, &item, 1);
    *place = (rl_list *)p;
}

void rl_list_push(rl_list **place, rl_list_end end, rl_bytes value) {
    rl_list_insert(place, end == RL_LIST_LEFT ? 0 : rl_list_count(*place), value);
}

void rl_list_set(rl_list **place, size_t index, rl_bytes value) {
    assert(index < rl_list_count(*place));
    types_item item = types_item_of(value);
    if (!stays_small(place, item.size)) {
        types_chunks_set(large_of(*place), index, &item);
        return;
    }
    types_packed *p = small_of(*place);
    types_packed_splice(&p, types_packed_at(p, (unsigned)index), 1, &item, 1);
    *place = (rl_list *)p;
}

void rl_list_remove(rl_list **place, size_t from, size_t count) {
    size_t there = rl_list_count(*place);
    if (from >= there || count == 0)
        return;
    count = count < there - from ? count : there - from;
    if (is_large(*place)) {
        types_chunks_remove(large_of(*place), from, count);
        return;
    }
    types_packed *p = small_of(*place);
    types_packed_splice(&p, types_packed_at(p, (unsigned)from), (unsigned)count, NULL, 0);
    *place = (rl_list *)p;
}

void rl_list_remove_many(rl_list **place, const size_t *indexes, size_t count) {
    types_removal r = {indexes, count};
    assert(count > 0 && indexes[count - 1] < rl_list_count(*place));
    if (is_large(*place)) {
        types_chunks_remove_many(large_of(*place), r);
        return;
    }
    types_packed *p = small_of(*place);
    char *end = types_items_remove(p->items, types_packed_end(p), 0, &r);
    p->bytes = (uint32_t)(end - (char *)p);
    p->count = (uint16_t)(p->count - count);
    *place = rl_realloc(p, p->bytes);
}

/* ---- reading ---- */

static const char *item_at(const rl_list *l, size_t index) {
    if (!is_large(l))
        return types_packed_at(small_of(l), (unsigned)index);
    size_t i = types_chunks_find(large_of(l), &index);
    return types_chunk_at(types_chunk_of(large_of(l), i), index);
}

rl_bytes rl_list_get(const rl_list *l, size_t index, rl_list_scratch *scratch) {
    assert(index < rl_list_count(l));
    return types_item_text(item_at(l, index), scratch->text);
}

static void walk_enter(rl_list_walk *walk) {
    const types_chunk *c = types_chunk_of(large_of(walk->list), walk->chunk);
    walk->at = c->bytes + (walk->left ? c->end : c->start);
    walk->edge = c->bytes + (walk->left ? c->start : c->end);
}

void rl_list_walk_init(rl_list_walk *walk, const rl_list *l, size_t index, bool left) {
    *walk = (rl_list_walk){.list = l, .index = index, .left = left};
    walk->ended = index >= rl_list_count(l);
    if (walk->ended)
        return;
    if (is_large(l)) {
        walk->chunk = types_chunks_find(large_of(l), &index);
        walk_enter(walk);
        walk->at = types_chunk_at(types_chunk_of(large_of(l), walk->chunk), index);
    } else {
        const types_packed *p = small_of(l);
        walk->at = types_packed_at(p, (unsigned)index);
        walk->edge = left ? p->items : types_packed_end(p);
    }
    if (left)
        walk->at = types_item_next(walk->at);
}

/* Goes over the next item, which begins where this says. The walk has not ended. */
static const char *walk_step(rl_list_walk *walk) {
    const char *item = walk->left ? types_item_back(walk->at) : walk->at;
    walk->at = walk->left ? item : types_item_next(item);
    walk->index += walk->left ? (size_t)-1 : 1;
    if (walk->at != walk->edge)
        return item;
    if (!is_large(walk->list)) {
        walk->ended = true;
    } else if (walk->left ? walk->chunk == 0 : walk->chunk + 1 == large_of(walk->list)->used) {
        walk->ended = true;
    } else {
        walk->chunk += walk->left ? (size_t)-1 : 1;
        walk_enter(walk);
    }
    return item;
}

bool rl_list_next(rl_list_walk *walk, rl_bytes *value) {
    if (walk->ended)
        return false;
    *value = types_item_text(walk_step(walk), walk->scratch.text);
    return true;
}

bool rl_list_find(rl_list_walk *walk, rl_bytes value, size_t limit, size_t *index) {
    types_item key = types_item_of(value);
    for (size_t seen = 0; !walk->ended && (limit == 0 || seen < limit); seen++) {
        size_t here = walk->index;
        if (types_item_is(walk_step(walk), &key)) {
            *index = here;
            return true;
        }
    }
    return false;
}

/* ---- the check ---- */

void rl_list_check(const rl_list *l) {
    if (is_large(l))
        types_chunks_check(large_of(l));
    else
        types_packed_check(small_of(l));
}
