/* SPDX-License-Identifier: MIT */
#include "types/packed.h"

#include <assert.h>

#include "base/alloc.h"
#include "types/must.h"

types_packed *types_packed_create(uint8_t form) {
    types_packed *p = rl_malloc(sizeof *p);
    *p = (types_packed){.form = form, .bytes = sizeof *p};
    return p;
}

bool types_packed_has_room(const types_packed *p, const types_item *add, unsigned count) {
    size_t bytes = p->bytes;
    for (unsigned i = 0; i < count; i++)
        bytes += add[i].size;
    return p->count + count <= TYPES_PACKED_MAX_ITEMS && bytes <= TYPES_PACKED_MAX_BYTES;
}

void types_packed_splice(types_packed **place, const char *at, unsigned removed,
                         const types_item *add, unsigned added) {
    types_packed *p = *place;
    size_t offset = (size_t)(at - (const char *)p), grow = 0;
    const char *behind = at;
    for (unsigned i = 0; i < removed; i++)
        behind = types_item_next(behind);
    for (unsigned i = 0; i < added; i++)
        grow += add[i].size;
    size_t shrink = (size_t)(behind - at), rest = (size_t)(types_packed_end(p) - behind);
    size_t bytes = p->bytes - shrink + grow;
    assert(bytes <= UINT32_MAX);
    if (bytes > p->bytes)
        p = rl_realloc(p, bytes);
    char *to = (char *)p + offset;
    if (grow != shrink && rest)
        memmove(to + grow, to + shrink, rest);
    for (unsigned i = 0; i < added; i++)
        to = types_item_write(to, &add[i]);
    if (bytes < p->bytes)
        p = rl_realloc(p, bytes);
    p->bytes = (uint32_t)bytes;
    p->count = (uint16_t)(p->count + added - removed);
    *place = p;
}

const char *types_packed_find(const types_packed *p, const types_item *key, unsigned stride) {
    const char *end = types_packed_end(p);
    for (const char *at = p->items; at < end;) {
        if (types_item_is(at, key))
            return at;
        for (unsigned i = 0; i < stride; i++)
            at = types_item_next(at);
    }
    return NULL;
}

const char *types_packed_at(const types_packed *p, unsigned index) {
    assert(index < p->count);
    const char *at = p->items;
    if (index < p->count / 2u) {
        while (index--)
            at = types_item_next(at);
    } else {
        at = types_packed_end(p);
        for (unsigned left = p->count - index; left; left--)
            at = types_item_back(at);
    }
    return at;
}

void types_packed_check(const types_packed *p) {
    const char *at = p->items, *end = types_packed_end(p);
    unsigned count = 0;
    for (; at < end; count++) {
        const char *next = types_item_next(at);
        types_must(types_item_back(next) == at);
        at = next;
    }
    types_must(at == end && count == p->count);
}
