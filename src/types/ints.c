/* SPDX-License-Identifier: MIT */
#include "types/ints.h"

#include <string.h>

#include "base/alloc.h"
#include "types/must.h"

types_ints *types_ints_create(uint8_t form) {
    types_ints *v = rl_malloc(sizeof *v);
    *v = (types_ints){.form = form, .width = sizeof(int16_t)};
    return v;
}

size_t types_ints_bytes(const types_ints *v) {
    return sizeof *v + (size_t)v->width * v->count;
}

static uint8_t width_of(int64_t value) {
    if (value == (int16_t)value)
        return sizeof(int16_t);
    return value == (int32_t)value ? sizeof(int32_t) : sizeof(int64_t);
}

static int64_t value_get(const char *values, uint8_t width, size_t index) {
    int16_t narrow;
    int32_t middle;
    int64_t wide;
    switch (width) {
    case sizeof narrow:
        memcpy(&narrow, values + index * sizeof narrow, sizeof narrow);
        return narrow;
    case sizeof middle:
        memcpy(&middle, values + index * sizeof middle, sizeof middle);
        return middle;
    default:
        memcpy(&wide, values + index * sizeof wide, sizeof wide);
        return wide;
    }
}

static void value_put(types_ints *v, size_t index, int64_t value) {
    int16_t narrow = (int16_t)value;
    int32_t middle = (int32_t)value;
    const void *from = v->width == sizeof narrow   ? (const void *)&narrow
                       : v->width == sizeof middle ? (const void *)&middle
                                                   : (const void *)&value;
    memcpy(v->values + index * v->width, from, v->width);
}

int64_t types_ints_at(const types_ints *v, size_t index) {
    return value_get(v->values, v->width, index);
}

size_t types_ints_find(const types_ints *v, int64_t value) {
    size_t low = 0, high = v->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (types_ints_at(v, middle) < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool types_ints_has(const types_ints *v, int64_t value) {
    size_t at = types_ints_find(v, value);
    return at < v->count && types_ints_at(v, at) == value;
}

/* Gives every integer more bytes, from the last on, so that none is overwritten. */
static void widen(types_ints **place, uint8_t width) {
    types_ints *v = *place;
    uint8_t old = v->width;
    v = rl_realloc(v, sizeof *v + (size_t)width * v->count);
    v->width = width;
    for (size_t i = v->count; i-- > 0;)
        value_put(v, i, value_get(v->values, old, i));
    *place = v;
}

bool types_ints_add(types_ints **place, int64_t value) {
    if (types_ints_has(*place, value))
        return false;
    if (width_of(value) > (*place)->width)
        widen(place, width_of(value));
    types_ints *v = *place;
    size_t at = types_ints_find(v, value);
    v = rl_realloc(v, types_ints_bytes(v) + v->width);
    char *to = v->values + at * v->width;
    memmove(to + v->width, to, (v->count - at) * v->width);
    v->count++;
    value_put(v, at, value);
    *place = v;
    return true;
}

bool types_ints_remove(types_ints **place, int64_t value) {
    types_ints *v = *place;
    if (!types_ints_has(v, value))
        return false;
    size_t at = types_ints_find(v, value);
    char *to = v->values + at * v->width;
    v->count--;
    memmove(to, to + v->width, (v->count - at) * v->width);
    *place = rl_realloc(v, types_ints_bytes(v));
    return true;
}

void types_ints_check(const types_ints *v) {
    types_must(v->width == sizeof(int16_t) || v->width == sizeof(int32_t) ||
               v->width == sizeof(int64_t));
    for (size_t i = 1; i < v->count; i++)
        types_must(types_ints_at(v, i - 1) < types_ints_at(v, i));
}
