/* SPDX-License-Identifier: MIT */
/* A binary heap. See field_times.h. */
#include "keyspace/field_times.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Items that were outrun by sooner ones, or whose hash is gone, stay until they are due. When there
 * are many of them, they are sorted out. */
#define SPARE 64

void rl_field_times_release(rl_field_times *t) {
    rl_free(t->items);
    *t = (rl_field_times){0};
}

static void sift_up(rl_field_times *t, size_t i, rl_field_time item) {
    for (; i > 0 && t->items[(i - 1) / 2].at_ms > item.at_ms; i = (i - 1) / 2)
        t->items[i] = t->items[(i - 1) / 2];
    t->items[i] = item;
}

static void sift_down(rl_field_times *t, size_t i, rl_field_time item) {
    for (size_t child; (child = 2 * i + 1) < t->count; i = child) {
        if (child + 1 < t->count && t->items[child + 1].at_ms < t->items[child].at_ms)
            child++;
        if (t->items[child].at_ms >= item.at_ms)
            break;
        t->items[i] = t->items[child];
    }
    t->items[i] = item;
}

static int by_id_and_time(const void *a, const void *b) {
    const rl_field_time *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

static int by_time(const void *a, const void *b) {
    const rl_field_time *x = a, *y = b;
    return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

/* Keeps the soonest item of each hash that is there. A sorted array is a heap. */
static void compact(rl_field_times *t, bool (*alive)(void *, const rl_field_time *), void *arg) {
    size_t kept = 0;
    qsort(t->items, t->count, sizeof *t->items, by_id_and_time);
    for (size_t i = 0; i < t->count; i++)
        if ((kept == 0 || t->items[i].id != t->items[kept - 1].id ||
             t->items[i].hash != t->items[kept - 1].hash) &&
            alive(arg, &t->items[i]))
            t->items[kept++] = t->items[i];
    t->count = kept;
    qsort(t->items, t->count, sizeof *t->items, by_time);
}

void rl_field_times_add(rl_field_times *t, rl_field_time item,
                        bool (*alive)(void *, const rl_field_time *), void *arg) {
    if (t->count > SPARE + 2 * t->hashes)
        compact(t, alive, arg);
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->items = rl_realloc(t->items, t->cap * sizeof *t->items);
    }
    sift_up(t, t->count++, item);
}

bool rl_field_times_first(const rl_field_times *t, rl_field_time *out) {
    if (t->count == 0)
        return false;
    *out = t->items[0];
    return true;
}

void rl_field_times_drop_first(rl_field_times *t) {
    rl_field_time last = t->items[--t->count];
    if (t->count)
        sift_down(t, 0, last);
}
