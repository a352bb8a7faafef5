/* SPDX-License-Identifier: MIT */
/* A deque of chunks; see chunks.h. */
#include "types/chunks.h"

#include <assert.h>

#include "base/alloc.h"
#include "types/must.h"

#define CHUNK_MAX   4096 /* a chunk of more has one value */
#define CHUNK_FIRST 512
#define JOIN_BELOW  2048 /* bytes of two neighbours that become one */

/* ---- one chunk ---- */

static void chunk_release(types_chunks *l, types_chunk *c) {
    l->bytes -= c->room;
    rl_free(c->bytes);
}

/* Another allocation of at least `room` bytes, with the values at offset `start`. */
static void chunk_move(types_chunks *l, types_chunk *c, size_t room, size_t start) {
    room = rl_alloc_good_size(room);
    assert(room <= UINT32_MAX && start + types_chunk_used(c) <= room);
    char *bytes = rl_malloc(room);
    uint32_t used = types_chunk_used(c);
    memcpy(bytes + start, c->bytes + c->start, used);
    chunk_release(l, c);
    l->bytes += room;
    *c = (types_chunk){bytes, c->count, (uint32_t)start, (uint32_t)(start + used), (uint32_t)room};
}

static types_chunk chunk_create(types_chunks *l, size_t room) {
    room = rl_alloc_good_size(room);
    l->bytes += room;
    return (types_chunk){.bytes = rl_malloc(room), .room = (uint32_t)room};
}

/* No more than it needs: for a chunk that is not at an end any more. */
static void chunk_fit(types_chunks *l, types_chunk *c) {
    if (rl_alloc_good_size(types_chunk_used(c)) < c->room)
        chunk_move(l, c, types_chunk_used(c), 0);
}

/* Gives memory back when most of it is unused. */
static void chunk_thin(types_chunks *l, types_chunk *c) {
    if (c->room > CHUNK_FIRST && types_chunk_used(c) < c->room / 4)
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
static void chunk_room_right(types_chunks *l, types_chunk *c, size_t size) {
    size_t need = types_chunk_used(c) + size;
    if (c->room - c->end >= size)
        return;
    if (need <= c->room - c->room / 4) { /* much room on the other side */
        memmove(c->bytes, c->bytes + c->start, types_chunk_used(c));
        c->end -= c->start;
        c->start = 0;
        return;
    }
    chunk_move(l, c, room_to_grow(need), 0);
}

static void chunk_room_left(types_chunks *l, types_chunk *c, size_t size) {
    size_t need = types_chunk_used(c) + size;
    if (c->start >= size)
        return;
    if (need <= c->room - c->room / 4) {
        uint32_t used = types_chunk_used(c);
        memmove(c->bytes + c->room - used, c->bytes + c->start, used);
        c->start = c->room - used;
        c->end = c->room;
        return;
    }
    size_t room = rl_alloc_good_size(room_to_grow(need));
    chunk_move(l, c, room, room - types_chunk_used(c));
}

static void chunk_append(types_chunks *l, types_chunk *c, const types_item *item) {
    chunk_room_right(l, c, item->size);
    types_item_write(c->bytes + c->end, item);
    c->end += (uint32_t)item->size;
    c->count++;
}

static void chunk_prepend(types_chunks *l, types_chunk *c, const types_item *item) {
    chunk_room_left(l, c, item->size);
    c->start -= (uint32_t)item->size;
    types_item_write(c->bytes + c->start, item);
    c->count++;
}

/* Walks from the nearer end. */
const char *types_chunk_at(const types_chunk *c, size_t index) {
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
static void chunk_splice(types_chunks *l, types_chunk *c, size_t offset, size_t shrink,
                         unsigned removed, const types_item *item) {
    size_t grow = item ? item->size : 0;
    if (grow > shrink && c->room - c->end < grow - shrink) {
        size_t before = offset - c->start;
        chunk_move(l, c, types_chunk_used(c) + grow - shrink, 0);
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

static void places_set(types_chunks *l, size_t places, size_t first) {
    types_chunk *chunks = rl_malloc(places * sizeof *chunks);
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
static void deque_insert(types_chunks *l, size_t i, types_chunk c) {
    if (l->used + 2 > l->places || l->first == 0 || l->first + l->used == l->places) {
        /* Many taken from one end, and no place at the other: then moving them is enough. */
        size_t places = l->used + l->used / 2 + 4;
        places_set(l, places, (places - l->used) / 2);
    }
    if (i < l->used / 2) {
        l->first--;
        memmove(types_chunk_of(l, 0), types_chunk_of(l, 1), i * sizeof c);
    } else {
        memmove(types_chunk_of(l, i + 1), types_chunk_of(l, i), (l->used - i) * sizeof c);
    }
    l->used++;
    *types_chunk_of(l, i) = c;
}

/* Takes out chunks without releasing them; the side with fewer chunks moves. */
static void deque_remove(types_chunks *l, size_t i, size_t n) {
    size_t behind = l->used - i - n;
    if (i < behind) {
        memmove(types_chunk_of(l, n), types_chunk_of(l, 0), i * sizeof(types_chunk));
        l->first += n;
    } else {
        memmove(types_chunk_of(l, i), types_chunk_of(l, i + n), behind * sizeof(types_chunk));
    }
    l->used -= n;
    if (l->places > 16 && l->used < l->places / 4) {
        size_t places = l->used + l->used / 2 + 4;
        places_set(l, places, (places - l->used) / 2);
    }
}

size_t types_chunks_find(const types_chunks *l, size_t *index) {
    size_t i;
    if (*index < l->count / 2) {
        for (i = 0; *index >= types_chunk_of(l, i)->count; i++)
            *index -= types_chunk_of(l, i)->count;
        return i;
    }
    size_t behind = l->count - *index; /* this value and those to the right of it */
    for (i = l->used - 1; behind > types_chunk_of(l, i)->count; i--)
        behind -= types_chunk_of(l, i)->count;
    *index = types_chunk_of(l, i)->count - behind;
    return i;
}

/* Chunk a gets the values of b, which is behind it and released, when they are few together. */
static bool chunk_absorb(types_chunks *l, types_chunk *a, types_chunk *b) {
    if (types_chunk_used(a) + types_chunk_used(b) > JOIN_BELOW)
        return false;
    chunk_move(l, a, types_chunk_used(a) + types_chunk_used(b), 0);
    memcpy(a->bytes + a->end, b->bytes + b->start, types_chunk_used(b));
    a->end += types_chunk_used(b);
    a->count += b->count;
    chunk_release(l, b);
    return true;
}

static void deque_join(types_chunks *l, size_t i) {
    if (i + 1 < l->used && chunk_absorb(l, types_chunk_of(l, i), types_chunk_of(l, i + 1)))
        deque_remove(l, i + 1, 1);
}

/* Cuts chunk i in two before the value of that index within it; neither half is empty. */
static void chunk_split(types_chunks *l, size_t i, size_t index) {
    types_chunk *c = types_chunk_of(l, i);
    uint32_t offset = (uint32_t)(types_chunk_at(c, index) - c->bytes);
    types_chunk right = chunk_create(l, c->end - offset);
    memcpy(right.bytes, c->bytes + offset, c->end - offset);
    right.end = c->end - offset;
    right.count = (uint32_t)(c->count - index);
    c->end = offset;
    c->count = (uint32_t)index;
    chunk_fit(l, c);
    deque_insert(l, i + 1, right);
}

/* ---- changes of a large list ---- */

static void chunks_push(types_chunks *l, rl_list_end end, const types_item *item) {
    size_t i = end == RL_LIST_LEFT ? 0 : l->used - 1;
    if (l->used == 0 || types_chunk_used(types_chunk_of(l, i)) + item->size > CHUNK_MAX) {
        if (l->used)
            chunk_fit(l, types_chunk_of(l, i));
        types_chunk c = chunk_create(l, item->size > CHUNK_FIRST ? item->size : CHUNK_FIRST);
        if (end == RL_LIST_LEFT)
            c.start = c.end = c.room;
        deque_insert(l, end == RL_LIST_LEFT ? 0 : l->used, c);
        i = end == RL_LIST_LEFT ? 0 : l->used - 1;
    }
    if (end == RL_LIST_LEFT)
        chunk_prepend(l, types_chunk_of(l, i), item);
    else
        chunk_append(l, types_chunk_of(l, i), item);
    l->count++;
}

static bool chunk_takes(const types_chunks *l, size_t i, const types_item *item) {
    return types_chunk_used(types_chunk_of(l, i)) + item->size <= CHUNK_MAX;
}

void types_chunks_insert(types_chunks *l, size_t index, const types_item *item) {
    if (index == 0 || index == l->count) {
        chunks_push(l, index == 0 ? RL_LIST_LEFT : RL_LIST_RIGHT, item);
        return;
    }
    size_t i = types_chunks_find(l, &index);
    types_chunk *c = types_chunk_of(l, i);
    l->count++;
    if (chunk_takes(l, i, item)) {
        chunk_splice(l, c, (size_t)(types_chunk_at(c, index) - c->bytes), 0, 0, item);
        return;
    }
    if (index > 0) {
        chunk_split(l, i, index);
        i++;
    }
    /* Between i - 1 and i: at the end of the one, the beginning of the other, or by itself. */
    if (i > 0 && chunk_takes(l, i - 1, item)) {
        chunk_append(l, types_chunk_of(l, i - 1), item);
    } else if (chunk_takes(l, i, item)) {
        chunk_prepend(l, types_chunk_of(l, i), item);
    } else {
        types_chunk alone = chunk_create(l, item->size);
        chunk_append(l, &alone, item);
        deque_insert(l, i, alone);
    }
}

/* Takes `count` values out of chunk i, but not all of them. */
static void chunk_cut(types_chunks *l, size_t i, size_t index, size_t count) {
    types_chunk *c = types_chunk_of(l, i);
    const char *from = types_chunk_at(c, index), *to = from;
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

void types_chunks_remove(types_chunks *l, size_t from, size_t count) {
    size_t index = from, i = types_chunks_find(l, &index), whole = 0, first = i;
    l->count -= count;
    if (index > 0) {
        size_t n = types_chunk_of(l, i)->count - index;
        n = n < count ? n : count;
        chunk_cut(l, i, index, n);
        count -= n;
        first = ++i;
    }
    for (; count > 0 && count >= types_chunk_of(l, i)->count; i++, whole++) {
        count -= types_chunk_of(l, i)->count;
        chunk_release(l, types_chunk_of(l, i));
    }
    if (count > 0)
        chunk_cut(l, i, 0, count);
    if (whole)
        deque_remove(l, first, whole);
    if (l->used && first > 0 && first < l->used) /* in the middle: are neighbours small now? */
        deque_join(l, first - 1);
}

/* What stays of each chunk moves together, and into the chunk before where both are short. */
void types_chunks_remove_many(types_chunks *l, types_removal r) {
    size_t base = *r.next, i = types_chunks_find(l, &base), kept = i;
    base = *r.next - base; /* index of the chunk's first value */
    l->count -= r.count;
    for (; r.count; i++) {
        types_chunk *c = types_chunk_of(l, i);
        size_t before = r.count, there = c->count;
        char *end = types_items_remove(c->bytes + c->start, c->bytes + c->end, base, &r);
        c->end = (uint32_t)(end - c->bytes);
        c->count -= (uint32_t)(before - r.count);
        base += there;
        if (c->count == 0) {
            chunk_release(l, c);
            continue;
        }
        chunk_thin(l, c);
        if (kept == 0 || !chunk_absorb(l, types_chunk_of(l, kept - 1), c))
            *types_chunk_of(l, kept++) = *c;
    }
    deque_remove(l, kept, i - kept);
    if (kept > 0)
        deque_join(l, kept - 1);
}

void types_chunks_set(types_chunks *l, size_t index, const types_item *item) {
    size_t within = index, i = types_chunks_find(l, &within);
    types_chunk *c = types_chunk_of(l, i);
    const char *at = types_chunk_at(c, within);
    size_t old = (size_t)(types_item_next(at) - at);
    if (c->count == 1 || types_chunk_used(c) - old + item->size <= CHUNK_MAX) {
        chunk_splice(l, c, (size_t)(at - c->bytes), old, 1, item);
        return;
    }
    types_chunks_remove(l, index, 1);
    types_chunks_insert(l, index, item);
}

/* ---- life ---- */

types_chunks *types_chunks_of(types_packed *from) {
    types_chunks *l = rl_calloc(1, sizeof *l);
    l->form = RL_LIST_CHUNKS;
    if (from->count) {
        size_t used = from->bytes - sizeof *from;
        types_chunk c = chunk_create(l, used);
        memcpy(c.bytes, from->items, used);
        c.end = (uint32_t)used;
        c.count = from->count;
        deque_insert(l, 0, c);
        l->count = from->count;
    }
    rl_free(from);
    return l;
}

bool types_chunks_free_step(types_chunks *l, size_t budget) {
    for (; l->used && budget; budget--)
        chunk_release(l, types_chunk_of(l, --l->used));
    if (l->used)
        return false;
    rl_free(l->chunks);
    rl_free(l);
    return true;
}

/* ---- the check ---- */

static void chunk_check(const types_chunk *c) {
    types_must(c->count > 0 && c->start <= c->end && c->end <= c->room);
    types_must(c->count == 1 || types_chunk_used(c) <= CHUNK_MAX);
    const char *at = c->bytes + c->start, *end = c->bytes + c->end;
    uint32_t count = 0;
    for (; at < end; count++) {
        const char *next = types_item_next(at);
        types_must(types_item_back(next) == at);
        at = next;
    }
    types_must(at == end && count == c->count);
}

void types_chunks_check(const types_chunks *l) {
    size_t count = 0, bytes = l->chunks ? rl_alloc_good_size(l->places * sizeof(types_chunk)) : 0;
    types_must(l->first + l->used <= l->places);
    for (size_t i = 0; i < l->used; i++) {
        chunk_check(types_chunk_of(l, i));
        count += types_chunk_of(l, i)->count;
        bytes += types_chunk_of(l, i)->room;
    }
    types_must(count == l->count && bytes == l->bytes);
}
