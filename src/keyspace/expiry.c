/* SPDX-License-Identifier: MIT */
/* The expiry heap. See expiry.h. Place i has its children at 4i+1 … 4i+4. */
#include "keyspace/expiry.h"

#include <assert.h>

#include "base/alloc.h"

#define ARITY        4
#define CHUNK_BITS   12
#define CHUNK_PLACES ((size_t)1 << CHUNK_BITS)

typedef struct place {
    int64_t at_ms;
    rl_entry *entry;
} place;

struct rl_expiry {
    place **chunks;
    size_t chunk_count, chunk_capacity;
    size_t count;
};

rl_expiry *rl_expiry_create(void) {
    return rl_calloc(1, sizeof(rl_expiry));
}

void rl_expiry_free(rl_expiry *x) {
    if (!x)
        return;
    for (size_t i = 0; i < x->chunk_count; i++)
        rl_free(x->chunks[i]);
    rl_free(x->chunks);
    rl_free(x);
}

size_t rl_expiry_count(const rl_expiry *x) {
    return x->count;
}

size_t rl_expiry_memory(const rl_expiry *x) {
    return sizeof *x + x->chunk_count * CHUNK_PLACES * sizeof(place) +
           x->chunk_capacity * sizeof *x->chunks;
}

static inline place *at(const rl_expiry *x, size_t i) {
    return &x->chunks[i >> CHUNK_BITS][i & (CHUNK_PLACES - 1)];
}

static inline void put(rl_expiry *x, size_t i, place p) {
    *at(x, i) = p;
    rl_entry_expiry_part(p.entry)->slot = (uint32_t)i;
}

static size_t sift_up(rl_expiry *x, size_t i, place p) {
    while (i > 0) {
        size_t parent = (i - 1) / ARITY;
        if (at(x, parent)->at_ms <= p.at_ms)
            break;
        put(x, i, *at(x, parent));
        i = parent;
    }
    put(x, i, p);
    return i;
}

static void sift_down(rl_expiry *x, size_t i, place p) {
    for (;;) {
        size_t first = i * ARITY + 1, least = first;
        if (first >= x->count)
            break;
        size_t end = first + ARITY < x->count ? first + ARITY : x->count;
        for (size_t k = first + 1; k < end; k++)
            if (at(x, k)->at_ms < at(x, least)->at_ms)
                least = k;
        if (at(x, least)->at_ms >= p.at_ms)
            break;
        put(x, i, *at(x, least));
        i = least;
    }
    put(x, i, p);
}

void rl_expiry_add(rl_expiry *x, rl_entry *e, int64_t at_ms) {
    assert(e->flags & RL_ENTRY_EXPIRES && x->count < UINT32_MAX);
    if (x->count >> CHUNK_BITS == x->chunk_count) {
        if (x->chunk_count == x->chunk_capacity) {
            x->chunk_capacity = x->chunk_capacity ? x->chunk_capacity * 2 : 8;
            x->chunks = rl_realloc(x->chunks, x->chunk_capacity * sizeof *x->chunks);
        }
        x->chunks[x->chunk_count++] = rl_malloc(CHUNK_PLACES * sizeof(place));
    }
    rl_entry_expiry_part(e)->at_ms = at_ms;
    sift_up(x, x->count++, (place){at_ms, e});
}

void rl_expiry_change(rl_expiry *x, rl_entry *e, int64_t at_ms) {
    rl_entry_expiry *part = rl_entry_expiry_part(e);
    size_t i = part->slot;
    assert(at(x, i)->entry == e);
    bool later = at_ms > part->at_ms;
    part->at_ms = at_ms;
    if (later)
        sift_down(x, i, (place){at_ms, e});
    else
        sift_up(x, i, (place){at_ms, e});
}

void rl_expiry_remove(rl_expiry *x, rl_entry *e) {
    size_t i = rl_entry_expiry_part(e)->slot;
    assert(at(x, i)->entry == e);
    place last = *at(x, --x->count);
    if (i < x->count) {
        if (last.at_ms > at(x, i)->at_ms)
            sift_down(x, i, last);
        else
            sift_up(x, i, last);
    }
    /* One spare chunk stays, so that a count around a chunk's edge does not allocate at every step.
     */
    while (x->chunk_count > 1 && (x->chunk_count - 2) * CHUNK_PLACES >= x->count)
        rl_free(x->chunks[--x->chunk_count]);
}

void rl_expiry_moved(rl_expiry *x, rl_entry *e) {
    at(x, rl_entry_expiry_part(e)->slot)->entry = e;
}

rl_entry *rl_expiry_next(const rl_expiry *x, int64_t *at_ms) {
    if (x->count == 0)
        return NULL;
    *at_ms = at(x, 0)->at_ms;
    return at(x, 0)->entry;
}

int64_t rl_expiry_sample_mean(const rl_expiry *x, int64_t now_ms) {
    size_t samples = x->count < 64 ? x->count : 64;
    if (samples == 0)
        return now_ms;
    /* Divided one by one: the sum of times that are far off would not fit. */
    int64_t n = (int64_t)samples, mean = 0, rest = 0;
    for (size_t i = 0; i < samples; i++) {
        int64_t at_ms = at(x, i * (x->count / samples))->at_ms;
        mean += at_ms / n;
        rest += at_ms % n;
    }
    return mean + rest / n;
}

size_t rl_expiry_sample_due(const rl_expiry *x, int64_t now_ms) {
    size_t samples = x->count < 1000 ? x->count : 1000, due = 0;
    if (samples == 0 || at(x, 0)->at_ms > now_ms)
        return 0;
    /* Place 0, the next to expire, is in the sample: the answer is never 0 from here on. */
    for (size_t i = 0; i < samples; i++)
        due += at(x, i * (x->count / samples))->at_ms <= now_ms;
    return (size_t)((double)due / (double)samples * (double)x->count + 0.5);
}
