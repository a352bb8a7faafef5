/* SPDX-License-Identifier: MIT */
#include "types/list.h"

#include <assert.h>

#include "base/alloc.h"
#include "types/must.h"
#include "types/packed.h"

#define SMALL_MAX   4096 /* bytes of a packed list */
#define CHUNK_MAX   4096 /* a chunk of more has one value */
#define CHUNK_FIRST 512
#define JOIN_BELOW  2048 /* bytes of two neighbours that become one */

typedef struct chunk {
    char *bytes;
    uint32_t count;      /* values */
    uint32_t start, end; /* where they are */
    uint32_t room;       /* of the allocation */
} chunk;

/* chunks[first] to chunks[first + used - 1]; spare places on both sides. No chunk is empty. */
typedef struct large {
    uint8_t form;
    chunk *chunks;
    size_t first, used, places;
    size_t count; /* values */
    size_t bytes; /* of all allocations but this struct */
} large;

/* An rl_list is a types_packed or a large; both begin with the form. */
struct rl_list {
    uint8_t form;
};

static inline types_packed *small_of(const rl_list *l) {
    return (types_packed *)(uintptr_t)l;
}

static inline large *large_of(const rl_list *l) {
    return (large *)(uintptr_t)l;
}

static inline bool is_large(const rl_list *l) {
    return l->form == RL_LIST_CHUNKS;
}

/* ---- one chunk ---- */

static inline uint32_t chunk_used(const chunk *c) {
    return c->end - c->start;
}

static void chunk_release(large *l, chunk *c) {
    l->bytes -= c->room;
    rl_free(c->bytes);
}

/* Another allocation of at least `room` bytes, with the values at offset `start`. */
static void chunk_move(large *l, chunk *c, size_t room, size_t start) {
    room = rl_alloc_good_size(room);
    assert(room <= UINT32_MAX && start + chunk_used(c) <= room);
    char *bytes = rl_malloc(room);
    uint32_t used = chunk_used(c);
    memcpy(bytes + start, c->bytes + c->start, used);
    chunk_release(l, c);
    l->bytes += room;
    *c = (chunk){bytes, c->count, (uint32_t)start, (uint32_t)(start + used), (uint32_t)room};
}

static chunk chunk_create(large *l, size_t room) {
    room = rl_alloc_good_size(room);
    l->bytes += room;
    return (chunk){.bytes = rl_malloc(room), .room = (uint32_t)room};
}

/* No more than it needs: for a chunk that is not at an end any more. */
static void chunk_fit(large *l, chunk *c) {
    if (rl_alloc_good_size(chunk_used(c)) < c->room)
        chunk_move(l, c, chunk_used(c), 0);
}

/* Gives memory back when most of it is unused. */
static void chunk_thin(large *l, chunk *c) {
    if (c->room > CHUNK_FIRST && chunk_used(c) < c->room / 4)
        chunk_fit(l, c);
}

/* How large a chunk at an end becomes that needs `need` bytes: it will need more. */
static size_t room_to_grow(size_t need) {
    size_t room = need + need / 2;
    if (room < CHUNK_FIRST)
        room = CHUNK_FIRST;
    if (room > CHUNK_MAX)
        room = CHUNK_MAX;
    return room > need ? room : need;
}

/* Makes `size` bytes of room to the right or the left of the values. */
static void chunk_room_right(large *l, chunk *c, size_t size) {
    size_t need = chunk_used(c) + size;
    if (c->room - c->end >= size)
        return;
    if (need <= c->room - c->room / 4) { /* much room on the other side */
        memmove(c->bytes, c->bytes + c->start, chunk_used(c));
        c->end -= c->start;
        c->start = 0;
        return;
    }
    chunk_move(l, c, room_to_grow(need), 0);
}

static void chunk_room_left(large *l, chunk *c, size_t size) {
    size_t need = chunk_used(c) + size;
    if (c->start >= size)
        return;
    if (need <= c->room - c->room / 4) {
        uint32_t used = chunk_used(c);
        memmove(c->bytes + c->room - used, c->bytes + c->start, used);
        c->start = c->room - used;
        c->end = c->room;
        return;
    }
    size_t room = rl_alloc_good_size(room_to_grow(need));
    chunk_move(l, c, room, room - chunk_used(c));
}

static void chunk_append(large *l, chunk *c, const types_item *item) {
    chunk_room_right(l, c, item->size);
    types_item_write(c->bytes + c->end, item);
    c->end += (uint32_t)item->size;
    c->count++;
}

static void chunk_prepend(large *l, chunk *c, const types_item *item) {
    chunk_room_left(l, c, item->size);
    c->start -= (uint32_t)item->size;
    types_item_write(c->bytes + c->start, item);
    c->count++;
}

/* Where the value of that index is; walks from the nearer end. index <= count. */
static const char *chunk_at(const chunk *c, size_t index) {
    const char *at = c->bytes + c->start;
    if (index <= c->count / 2) {
        while (index--)
            at = types_item_next(at);
        return at;
    }
    at = c->bytes + c->end;
    for (size_t left = c->count - index; left; left--)
        at = types_item_back(at);
    return at;
}

/* Replaces `removed` values from an index on, `shrink` bytes at `offset`, by an item (or nothing).
 */
static void chunk_splice(large *l, chunk *c, size_t offset, size_t shrink, unsigned removed,
                         const types_item *item) {
    size_t grow = item ? item->size : 0;
    if (grow > shrink && c->room - c->end < grow - shrink) {
        size_t before = offset - c->start;
        chunk_move(l, c, chunk_used(c) + grow - shrink, 0);
        offset = before;
    }
    char *at = c->bytes + offset;
    size_t rest = c->end - offset - shrink;
    memmove(at + grow, at + shrink, rest);
    if (item)
        types_item_write(at, item);
    c->end = (uint32_t)(c->end + grow - shrink);
    c->count = c->count - removed + (item ? 1 : 0);
    chunk_thin(l, c);
}

/* ---- the deque of chunks ---- */

static inline chunk *chunk_of(const large *l, size_t i) {
    return &l->chunks[l->first + i];
}

static void places_set(large *l, size_t places, size_t first) {
    chunk *chunks = rl_malloc(places * sizeof *chunks);
    if (l->used)
        memcpy(chunks + first, l->chunks + l->first, l->used * sizeof *chunks);
    l->bytes += rl_alloc_good_size(places * sizeof *chunks);
    if (l->chunks)
        l->bytes -= rl_alloc_good_size(l->places * sizeof *chunks);
    rl_free(l->chunks);
    l->chunks = chunks;
    l->places = places;
    l->first = first;
}

/* Makes a place for a chunk before index i; the side with fewer chunks moves. */
static void chunks_insert(large *l, size_t i, chunk c) {
    if (l->used + 2 > l->places || l->first == 0 || l->first + l->used == l->places) {
        /* Many taken from one end, and no place at the other: then moving them is enough. */
        size_t places = l->used + l->used / 2 + 4;
        places_set(l, places, (places - l->used) / 2);
    }
    if (i < l->used / 2) {
        l->first--;
        memmove(chunk_of(l, 0), chunk_of(l, 1), i * sizeof c);
    } else {
        memmove(chunk_of(l, i + 1), chunk_of(l, i), (l->used - i) * sizeof c);
    }
    l->used++;
    *chunk_of(l, i) = c;
}

/* Takes out chunks without releasing them; the side with fewer chunks moves. */
static void chunks_remove(large *l, size_t i, size_t n) {
    size_t behind = l->used - i - n;
    if (i < behind) {
        memmove(chunk_of(l, n), chunk_of(l, 0), i * sizeof(chunk));
        l->first += n;
    } else {
        memmove(chunk_of(l, i), chunk_of(l, i + n), behind * sizeof(chunk));
    }
    l->used -= n;
    if (l->places > 16 && l->used < l->places / 4) {
        size_t places = l->used + l->used / 2 + 4;
        places_set(l, places, (places - l->used) / 2);
    }
}

/* The chunk with the value of that index, which becomes the index within it. */
static size_t chunk_find(const large *l, size_t *index) {
    size_t i;
    if (*index < l->count / 2) {
        for (i = 0; *index >= chunk_of(l, i)->count; i++)
            *index -= chunk_of(l, i)->count;
        return i;
    }
    size_t behind = l->count - *index; /* this value and those to the right of it */
    for (i = l->used - 1; behind > chunk_of(l, i)->count; i--)
        behind -= chunk_of(l, i)->count;
    *index = chunk_of(l, i)->count - behind;
    return i;
}

static void chunks_join(large *l, size_t i) {
    if (i + 1 >= l->used)
        return;
    chunk *a = chunk_of(l, i), *b = chunk_of(l, i + 1);
    if (chunk_used(a) + chunk_used(b) > JOIN_BELOW)
        return;
    chunk_move(l, a, chunk_used(a) + chunk_used(b), 0);
    memcpy(a->bytes + a->end, b->bytes + b->start, chunk_used(b));
    a->end += chunk_used(b);
    a->count += b->count;
    chunk_release(l, b);
    chunks_remove(l, i + 1, 1);
}

/* Cuts chunk i in two before the value of that index within it; neither half is empty. */
static void chunk_split(large *l, size_t i, size_t index) {
    chunk *c = chunk_of(l, i);
    uint32_t offset = (uint32_t)(chunk_at(c, index) - c->bytes);
    chunk right = chunk_create(l, c->end - offset);
    memcpy(right.bytes, c->bytes + offset, c->end - offset);
    right.end = c->end - offset;
    right.count = (uint32_t)(c->count - index);
    c->end = offset;
    c->count = (uint32_t)index;
    chunk_fit(l, c);
    chunks_insert(l, i + 1, right);
}

/* ---- changes of a large list ---- */

static void large_push(large *l, rl_list_end end, const types_item *item) {
    size_t i = end == RL_LIST_LEFT ? 0 : l->used - 1;
    if (l->used == 0 || chunk_used(chunk_of(l, i)) + item->size > CHUNK_MAX) {
        if (l->used)
            chunk_fit(l, chunk_of(l, i));
        chunk c = chunk_create(l, item->size > CHUNK_FIRST ? item->size : CHUNK_FIRST);
        if (end == RL_LIST_LEFT)
            c.start = c.end = c.room;
        chunks_insert(l, end == RL_LIST_LEFT ? 0 : l->used, c);
        i = end == RL_LIST_LEFT ? 0 : l->used - 1;
    }
    if (end == RL_LIST_LEFT)
        chunk_prepend(l, chunk_of(l, i), item);
    else
        chunk_append(l, chunk_of(l, i), item);
    l->count++;
}

static bool chunk_takes(const large *l, size_t i, const types_item *item) {
    return chunk_used(chunk_of(l, i)) + item->size <= CHUNK_MAX;
}

static void large_insert(large *l, size_t index, const types_item *item) {
    if (index == 0 || index == l->count) {
        large_push(l, index == 0 ? RL_LIST_LEFT : RL_LIST_RIGHT, item);
        return;
    }
    size_t i = chunk_find(l, &index);
    chunk *c = chunk_of(l, i);
    l->count++;
    if (chunk_takes(l, i, item)) {
        chunk_splice(l, c, (size_t)(chunk_at(c, index) - c->bytes), 0, 0, item);
        return;
    }
    if (index > 0) {
        chunk_split(l, i, index);
        i++;
    }
    /* Between i - 1 and i: at the end of the one, the beginning of the other, or by itself. */
    if (i > 0 && chunk_takes(l, i - 1, item)) {
        chunk_append(l, chunk_of(l, i - 1), item);
    } else if (chunk_takes(l, i, item)) {
        chunk_prepend(l, chunk_of(l, i), item);
    } else {
        chunk alone = chunk_create(l, item->size);
        chunk_append(l, &alone, item);
        chunks_insert(l, i, alone);
    }
}

/* Takes `count` values out of chunk i, but not all of them. */
static void chunk_cut(large *l, size_t i, size_t index, size_t count) {
    chunk *c = chunk_of(l, i);
    const char *from = chunk_at(c, index), *to = from;
    for (size_t k = 0; k < count; k++)
        to = types_item_next(to);
    if (index == 0) {
        c->start = (uint32_t)(to - c->bytes);
        c->count -= (uint32_t)count;
        chunk_thin(l, c);
    } else {
        chunk_splice(l, c, (size_t)(from - c->bytes), (size_t)(to - from), (unsigned)count, NULL);
    }
}

static void large_remove(large *l, size_t from, size_t count) {
    size_t index = from, i = chunk_find(l, &index), whole = 0, first = i;
    l->count -= count;
    if (index > 0) {
        size_t n = chunk_of(l, i)->count - index;
        n = n < count ? n : count;
        chunk_cut(l, i, index, n);
        count -= n;
        first = ++i;
    }
    for (; count > 0 && count >= chunk_of(l, i)->count; i++, whole++) {
        count -= chunk_of(l, i)->count;
        chunk_release(l, chunk_of(l, i));
    }
    if (count > 0)
        chunk_cut(l, i, 0, count);
    if (whole)
        chunks_remove(l, first, whole);
    if (l->used && first > 0 && first < l->used) /* in the middle: are neighbours small now? */
        chunks_join(l, first - 1);
}

static void large_set(large *l, size_t index, const types_item *item) {
    size_t within = index, i = chunk_find(l, &within);
    chunk *c = chunk_of(l, i);
    const char *at = chunk_at(c, within);
    size_t old = (size_t)(types_item_next(at) - at);
    if (c->count == 1 || chunk_used(c) - old + item->size <= CHUNK_MAX) {
        chunk_splice(l, c, (size_t)(at - c->bytes), old, 1, item);
        return;
    }
    large_remove(l, index, 1);
    large_insert(l, index, item);
}

static void become_large(rl_list **place) {
    types_packed *from = small_of(*place);
    large *l = rl_calloc(1, sizeof *l);
    l->form = RL_LIST_CHUNKS;
    if (from->count) {
        size_t used = from->bytes - sizeof *from;
        chunk c = chunk_create(l, used);
        memcpy(c.bytes, from->items, used);
        c.end = (uint32_t)used;
        c.count = from->count;
        chunks_insert(l, 0, c);
        l->count = from->count;
    }
    rl_free(from);
    *place = (rl_list *)l;
}

/* ---- life ---- */

rl_list *rl_list_create(void) {
    return (rl_list *)types_packed_create(RL_LIST_PACKED);
}

bool rl_list_free_step(rl_list *list, size_t budget) {
    if (is_large(list)) {
        large *l = large_of(list);
        for (; l->used && budget; budget--)
            chunk_release(l, chunk_of(l, --l->used));
        if (l->used)
            return false;
        rl_free(l->chunks);
    }
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
        return rl_alloc_good_size(sizeof(large)) + large_of(l)->bytes;
    return rl_alloc_good_size(small_of(l)->bytes);
}

/* ---- changes ---- */

/* Whether a packed list may become that long; if not, it is large now. */
static bool stays_small(rl_list **place, size_t grow) {
    if (is_large(*place))
        return false;
    if (small_of(*place)->bytes + grow <= SMALL_MAX)
        return true;
    become_large(place);
    return false;
}

void rl_list_insert(rl_list **place, size_t index, rl_bytes value) {
    assert(index <= rl_list_count(*place));
    types_item item = types_item_of(value);
    if (!stays_small(place, item.size)) {
        large_insert(large_of(*place), index, &item);
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
        large_set(large_of(*place), index, &item);
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
        large_remove(large_of(*place), from, count);
        return;
    }
    types_packed *p = small_of(*place);
    types_packed_splice(&p, types_packed_at(p, (unsigned)from), (unsigned)count, NULL, 0);
    *place = (rl_list *)p;
}

/* ---- reading ---- */

static const char *item_at(const rl_list *l, size_t index) {
    if (!is_large(l))
        return types_packed_at(small_of(l), (unsigned)index);
    size_t i = chunk_find(large_of(l), &index);
    return chunk_at(chunk_of(large_of(l), i), index);
}

rl_bytes rl_list_get(const rl_list *l, size_t index, rl_list_scratch *scratch) {
    assert(index < rl_list_count(l));
    return types_item_text(item_at(l, index), scratch->text);
}

static void walk_enter(rl_list_walk *walk) {
    const chunk *c = chunk_of(large_of(walk->list), walk->chunk);
    walk->at = c->bytes + (walk->left ? c->end : c->start);
    walk->edge = c->bytes + (walk->left ? c->start : c->end);
}

void rl_list_walk_init(rl_list_walk *walk, const rl_list *l, size_t index, bool left) {
    *walk = (rl_list_walk){.list = l, .index = index, .left = left};
    walk->ended = index >= rl_list_count(l);
    if (walk->ended)
        return;
    if (is_large(l)) {
        walk->chunk = chunk_find(large_of(l), &index);
        walk_enter(walk);
        walk->at = chunk_at(chunk_of(large_of(l), walk->chunk), index);
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

static void chunk_check(const chunk *c) {
    types_must(c->count > 0 && c->start <= c->end && c->end <= c->room);
    types_must(c->count == 1 || chunk_used(c) <= CHUNK_MAX);
    const char *at = c->bytes + c->start, *end = c->bytes + c->end;
    uint32_t count = 0;
    for (; at < end; count++) {
        const char *next = types_item_next(at);
        types_must(types_item_back(next) == at);
        at = next;
    }
    types_must(at == end && count == c->count);
}

void rl_list_check(const rl_list *list) {
    if (!is_large(list)) {
        types_packed_check(small_of(list));
        return;
    }
    const large *l = large_of(list);
    size_t count = 0, bytes = l->chunks ? rl_alloc_good_size(l->places * sizeof(chunk)) : 0;
    types_must(l->first + l->used <= l->places);
    for (size_t i = 0; i < l->used; i++) {
        chunk_check(chunk_of(l, i));
        count += chunk_of(l, i)->count;
        bytes += chunk_of(l, i)->room;
    }
    types_must(count == l->count && bytes == l->bytes);
}
