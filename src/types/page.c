/* SPDX-License-Identifier: MIT */
#include "types/page.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "types/must.h"

/* Tags are read eight at a time, also behind the last. */
#define LEAST_BYTES (sizeof(types_page) + TYPES_PAGE_SLOTS / 2)

static inline size_t slot_bytes(const types_page *p) {
    return p->width + (p->tagged ? 1u : 0u) + (p->fixed ? 0u : 2u);
}

static inline size_t needed(const types_page *p) {
    return sizeof *p + slot_bytes(p) * p->slots + p->used;
}

static inline char *offsets_of(const types_page *p) {
    return (char *)types_page_tags(p) + (p->tagged ? p->slots : 0);
}

static inline char *heap_of(const types_page *p) {
    return offsets_of(p) + (p->fixed ? 0 : 2 * (size_t)p->slots);
}

static inline uint16_t offset_get(const types_page *p, unsigned slot) {
    uint16_t offset;
    memcpy(&offset, offsets_of(p) + 2 * (size_t)slot, sizeof offset);
    return offset;
}

static inline void offset_set(types_page *p, unsigned slot, size_t value) {
    uint16_t offset = (uint16_t)value;
    memcpy(offsets_of(p) + 2 * (size_t)slot, &offset, sizeof offset);
}

static size_t class_of(size_t bytes) {
    return rl_alloc_good_size(bytes < LEAST_BYTES ? LEAST_BYTES : bytes);
}

types_page *types_page_create(const types_page_kind *kind, unsigned slots, size_t heap) {
    types_page head = {.width = kind->width,
                       .tagged = kind->tagged,
                       .fixed = kind->fixed,
                       .slots = (uint8_t)slots};
    head.bytes = (uint16_t)class_of(sizeof head + slot_bytes(&head) * slots + heap);
    types_page *p = rl_malloc(head.bytes);
    *p = head;
    return p;
}

void types_page_free(types_page *p) {
    rl_free(p);
}

/* Another allocation with that many slots and at least so many bytes of heap. */
static void page_move(types_page **place, unsigned slots, size_t heap) {
    types_page *old = *place;
    size_t bytes = class_of(sizeof *old + slot_bytes(old) * slots + heap);
    types_page *p = rl_malloc(bytes);
    *p = *old;
    p->slots = (uint8_t)slots;
    p->bytes = (uint16_t)bytes;
    memcpy(types_page_column(p), types_page_column(old), (size_t)p->width * p->count);
    if (p->tagged)
        memcpy(types_page_tags(p), types_page_tags(old), p->count);
    if (!p->fixed)
        memcpy(offsets_of(p), offsets_of(old), 2 * (size_t)p->count);
    memcpy(heap_of(p), heap_of(old), p->used);
    rl_free(old);
    *place = p;
}

/* How many slots to lay out in an allocation that holds `slots` of them and `heap` bytes: what the
 * class has beyond that is divided as the elements so far suggest. */
static unsigned slots_for(const types_page *p, unsigned slots, size_t heap) {
    size_t need = sizeof *p + slot_bytes(p) * slots + heap;
    size_t spare = class_of(need) - need;
    size_t more = slots + spare / (heap / slots + slot_bytes(p));
    return more < TYPES_PAGE_SLOTS ? (unsigned)more : TYPES_PAGE_SLOTS;
}

static void page_make_room(types_page **place, unsigned slots, size_t heap) {
    const types_page *p = *place;
    if (slots <= p->slots && sizeof *p + slot_bytes(p) * p->slots + heap <= p->bytes)
        return;
    page_move(place, slots_for(p, slots, heap), heap);
}

char *types_page_insert(types_page **place, unsigned slot, size_t size) {
    assert((*place)->count < TYPES_PAGE_SLOTS && size <= TYPES_PAGE_ELEMENT_MAX);
    page_make_room(place, (*place)->count + 1u, (*place)->used + size);
    types_page *p = *place;
    char *column = types_page_column(p) + (size_t)p->width * slot;
    size_t behind = (size_t)p->count - slot;
    memmove(column + p->width, column, p->width * behind);
    if (p->tagged)
        memmove(types_page_tags(p) + slot + 1, types_page_tags(p) + slot, behind);
    if (p->fixed) {
        char *to = heap_of(p) + (size_t)p->fixed * slot;
        memmove(to + p->fixed, to, p->fixed * behind);
    } else {
        char *offset = offsets_of(p) + 2 * (size_t)slot;
        if (behind)
            memmove(offset + 2, offset, 2 * behind);
        offset_set(p, slot, p->used);
    }
    p->used = (uint16_t)(p->used + size);
    p->count++;
    return types_page_element(p, slot);
}

/* Closes (or opens) a gap: what lies behind `end` in the heap moves by `by`. */
static void heap_shift(types_page *p, size_t end, ptrdiff_t by) {
    char *heap = heap_of(p);
    memmove(heap + end + by, heap + end, p->used - end);
    for (unsigned i = 0; i < p->count; i++) {
        size_t offset = offset_get(p, i);
        if (offset >= end)
            offset_set(p, i, offset + (size_t)by);
    }
    p->used = (uint16_t)(p->used + by);
}

void types_page_remove(types_page **place, unsigned slot, size_t size) {
    types_page *p = *place;
    char *column = types_page_column(p) + (size_t)p->width * slot;
    size_t behind = (size_t)p->count - slot - 1;
    if (p->fixed) {
        char *at = heap_of(p) + (size_t)p->fixed * slot;
        memmove(at, at + p->fixed, p->fixed * behind);
        p->used = (uint16_t)(p->used - size);
    } else {
        heap_shift(p, offset_get(p, slot) + size, -(ptrdiff_t)size);
        char *offset = offsets_of(p) + 2 * (size_t)slot;
        memmove(offset, offset + 2, 2 * behind);
    }
    memmove(column, column + p->width, p->width * behind);
    if (p->tagged)
        memmove(types_page_tags(p) + slot, types_page_tags(p) + slot + 1, behind);
    p->count--;
    size_t need = sizeof *p + slot_bytes(p) * p->count + p->used;
    if (p->bytes > LEAST_BYTES + 64 && need + need / 2 < p->bytes)
        page_move(place, p->count ? slots_for(p, p->count, p->used) : 1, p->used);
}

char *types_page_resize(types_page **place, unsigned slot, size_t old, size_t size) {
    assert(!(*place)->fixed && size <= TYPES_PAGE_ELEMENT_MAX);
    if (size > old)
        page_make_room(place, (*place)->count, (*place)->used + size - old);
    types_page *p = *place;
    if (size != old)
        heap_shift(p, offset_get(p, slot) + old, (ptrdiff_t)size - (ptrdiff_t)old);
    return types_page_element(p, slot);
}

size_t types_page_size(const types_page_kind *kind, const types_page *p, unsigned slot) {
    return kind->fixed ? kind->fixed : kind->size(p, slot);
}

static void page_append(const types_page_kind *kind, types_page *to, const types_page *from,
                        unsigned slot) {
    size_t size = types_page_size(kind, from, slot);
    memcpy(types_page_column(to) + (size_t)to->width * to->count,
           types_page_column(from) + (size_t)from->width * slot, to->width);
    if (to->tagged)
        types_page_tags(to)[to->count] = types_page_tags(from)[slot];
    if (!to->fixed)
        offset_set(to, to->count, to->used);
    memcpy(heap_of(to) + to->used, types_page_element(from, slot), size);
    to->used = (uint16_t)(to->used + size);
    to->count++;
}

types_page *types_page_part(const types_page_kind *kind, const types_page *from,
                            const uint8_t *side, uint8_t which) {
    size_t heap = 0;
    unsigned slots = 0;
    for (unsigned i = 0; i < from->count; i++)
        if (side[i] == which) {
            heap += types_page_size(kind, from, i);
            slots++;
        }
    types_page *p = types_page_create(kind, slots ? slots_for(from, slots, heap) : 1, heap);
    for (unsigned i = 0; i < from->count; i++)
        if (side[i] == which)
            page_append(kind, p, from, i);
    return p;
}

types_page *types_page_join(const types_page_kind *kind, const types_page *a, const types_page *b) {
    unsigned slots = (unsigned)a->count + b->count;
    size_t heap = (size_t)a->used + b->used;
    assert(slots <= TYPES_PAGE_SLOTS);
    types_page *p = types_page_create(kind, slots ? slots_for(a, slots, heap) : 1, heap);
    for (unsigned i = 0; i < a->count; i++)
        page_append(kind, p, a, i);
    for (unsigned i = 0; i < b->count; i++)
        page_append(kind, p, b, i);
    return p;
}

void types_page_check(const types_page_kind *kind, const types_page *p) {
    size_t used = 0;
    types_must(p->width == kind->width && p->fixed == kind->fixed && p->tagged == kind->tagged);
    types_must(p->count <= p->slots && p->slots <= TYPES_PAGE_SLOTS && needed(p) <= p->bytes);
    for (unsigned i = 0; i < p->count; i++) {
        size_t size = types_page_size(kind, p, i);
        types_must(kind->fixed || offset_get(p, i) + size <= p->used);
        used += size;
    }
    types_must(used == p->used);
}
