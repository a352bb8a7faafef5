/* SPDX-License-Identifier: MIT */
/*
 * The key table. Terms: the hash's top `depth` bits select the segment; the 16 bits below select
 * one of its 63 buckets by multiplication, which keeps the order; the low 8 bits are the tag.
 *
 * Invariants (asserted by rl_table_check):
 *   1. directory[i] names the segment whose prefix is the top bits of i; a segment of local depth d
 * fills 2^(depth - d) neighbouring places of the directory.
 *   2. An entry is in the segment and bucket (or its children) that its hash selects.
 *   3. A tag is 0 exactly where the slot is empty; with `chained`, slot 6 is the child bucket.
 *   4. A segment's count is the number of its entries, and the table's the sum.
 * A directory place is the segment's address with the local depth in its low bits (segments are 4
 * KiB aligned), so a lookup touches the directory, one bucket and the entry.
 */
#include "keyspace/table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

#define SEGMENT_BYTES 4096
#define BUCKETS       63
#define SLOTS         7
#define SPLIT_AT      350 /* of 441: a fifth of the buckets have a child by then */
#define MERGE_BELOW   120
#define RANDOM_TRIES  256
#define DEPTH_MAX     32 /* 48 bits of cursor less 16 of bucket */
#define CHILD_SLOT    (SLOTS - 1)

typedef struct bucket {
    uint8_t tags[SLOTS];
    uint8_t chained;
    void *slots[SLOTS];
} bucket;

typedef struct segment {
    uint64_t prefix; /* its hash bits, at the top */
    uint32_t count;
    uint32_t children;
    uint8_t unused[64 - 16];
    bucket buckets[BUCKETS];
} segment;

_Static_assert(sizeof(bucket) == 64, "a bucket is one cache line");
_Static_assert(sizeof(segment) == SEGMENT_BYTES, "a segment is one page");

struct rl_table {
    uintptr_t *directory; /* 2^depth places */
    unsigned depth;
    size_t count, segments, children;
    size_t
        deepest; /* segments whose local depth is the table's: none means the directory can halve */
    size_t freeing; /* rl_table_free_step: the next place */
};

static inline segment *place_segment(uintptr_t place) {
    return (segment *)(place & ~(uintptr_t)(SEGMENT_BYTES - 1));
}
static inline unsigned place_depth(uintptr_t place) {
    return (unsigned)(place & (SEGMENT_BYTES - 1));
}
static inline uintptr_t place_of(segment *s, unsigned depth) {
    return (uintptr_t)s | depth;
}
static inline size_t directory_index(const rl_table *t, uint64_t hash) {
    return t->depth ? (size_t)(hash >> (64 - t->depth)) : 0;
}
static inline unsigned bucket_index(uint64_t hash, unsigned depth) {
    return (unsigned)(((hash << depth) >> 48) * BUCKETS >> 16);
}
static inline uint8_t tag_of(uint64_t hash) {
    uint8_t tag = (uint8_t)hash;
    return tag ? tag : 1;
}
static inline bucket *bucket_of(const rl_table *t, uint64_t hash) {
    uintptr_t place = t->directory[directory_index(t, hash)];
    return &place_segment(place)->buckets[bucket_index(hash, place_depth(place))];
}
static inline bucket *child_of(const bucket *b) {
    return b->chained ? b->slots[CHILD_SLOT] : NULL;
}
static inline int slots_of(const bucket *b) { /* how many hold entries */
    return b->chained ? CHILD_SLOT : SLOTS;
}
/* One bit (the top one of a byte) for each tag that may be equal: never misses one, and may name a
 * wrong one, which the comparison of keys finds out. */
static inline uint64_t tags_match(const bucket *b, uint8_t tag) {
    uint64_t word;
    memcpy(&word, b->tags, sizeof word);
    uint64_t x = word ^ (0x0101010101010101u * tag);
    uint64_t hits = (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
    return hits & (b->chained ? 0x0000808080808080u : 0x0080808080808080u);
}

static segment *segment_create(rl_table *t, uint64_t prefix) {
    segment *s = rl_memalign(SEGMENT_BYTES, SEGMENT_BYTES);
    memset(s, 0, sizeof *s);
    s->prefix = prefix;
    t->segments++;
    return s;
}

rl_table *rl_table_create(size_t expected_keys) {
    rl_table *t = rl_calloc(1, sizeof *t);
    while (t->depth < DEPTH_MAX && expected_keys >> t->depth > SPLIT_AT * 9 / 10)
        t->depth++;
    size_t places = (size_t)1 << t->depth;
    t->directory = rl_malloc(places * sizeof *t->directory);
    for (size_t i = 0; i < places; i++)
        t->directory[i] =
            place_of(segment_create(t, t->depth ? (uint64_t)i << (64 - t->depth) : 0), t->depth);
    t->deepest = places;
    return t;
}

static void entry_free(rl_entry *e, rl_graveyard *graveyard) {
    if (graveyard)
        rl_graveyard_take(graveyard, e);
    else
        rl_entry_free(e);
}

static void segment_free(rl_table *t, segment *s, rl_graveyard *graveyard) {
    for (int i = 0; i < BUCKETS; i++) {
        bucket *child = NULL;
        for (bucket *b = &s->buckets[i]; b != NULL; b = child) {
            child = child_of(b);
            for (int k = 0; k < slots_of(b); k++)
                if (b->tags[k])
                    entry_free(b->slots[k], graveyard);
            if (b != &s->buckets[i])
                rl_free(b);
        }
    }
    t->count -= s->count;
    t->segments--;
    rl_free(s);
}

bool rl_table_free_step(rl_table *t, rl_graveyard *graveyard) {
    size_t places = (size_t)1 << t->depth;
    for (int done = 0; done < 2 && t->freeing < places; done++) {
        uintptr_t place = t->directory[t->freeing];
        t->freeing += (size_t)1 << (t->depth - place_depth(place));
        segment_free(t, place_segment(place), graveyard);
    }
    if (t->freeing < places)
        return false;
    rl_free(t->directory);
    rl_free(t);
    return true;
}

void rl_table_free(rl_table *t) {
    if (t)
        while (!rl_table_free_step(t, NULL))
            ;
}

size_t rl_table_count(const rl_table *t) {
    return t->count;
}

size_t rl_table_segments(const rl_table *t) {
    return t->segments;
}

size_t rl_table_memory(const rl_table *t) {
    return sizeof *t + ((size_t)sizeof *t->directory << t->depth) + t->segments * SEGMENT_BYTES +
           t->children * sizeof(bucket);
}

void rl_table_prefetch_bucket(const rl_table *t, uint64_t hash) {
    __builtin_prefetch(bucket_of(t, hash));
}

void rl_table_prefetch_insert(const rl_table *t, uint64_t hash) {
    uintptr_t place = t->directory[directory_index(t, hash)];
    segment *s = place_segment(place);
    __builtin_prefetch(s, 1);
    __builtin_prefetch(&s->buckets[bucket_index(hash, place_depth(place))], 1);
}

void rl_table_prefetch_entry(const rl_table *t, uint64_t hash) {
    const bucket *b = bucket_of(t, hash);
    uint64_t hits = tags_match(b, tag_of(hash));
    if (hits) {
        const char *e = b->slots[__builtin_ctzll(hits) / 8];
        __builtin_prefetch(e);
        __builtin_prefetch(e + 64);
    } else if (b->chained) {
        __builtin_prefetch(b->slots[CHILD_SLOT]);
    }
}

rl_slot rl_table_find(const rl_table *t, rl_bytes key, uint64_t hash) {
    uint8_t tag = tag_of(hash);
    for (bucket *b = bucket_of(t, hash); b != NULL; b = child_of(b)) {
        for (uint64_t hits = tags_match(b, tag); hits; hits &= hits - 1) {
            int i = __builtin_ctzll(hits) / 8;
            if (b->tags[i] == tag && rl_bytes_equal(rl_entry_key(b->slots[i]), key))
                return (rl_slot)&b->slots[i];
        }
    }
    return NULL;
}

rl_entry *rl_table_find_row(const rl_table *t, uint64_t hash, uint64_t id) {
    uint8_t tag = tag_of(hash);
    for (bucket *b = bucket_of(t, hash); b != NULL; b = child_of(b)) {
        for (int i = 0; i < slots_of(b); i++) {
            rl_entry *e = b->slots[i];
            if (b->tags[i] == tag && e->id == id)
                return e;
        }
    }
    return NULL;
}

/* Puts an entry into the first free slot of the bucket or its children, growing a child when all
 * are taken. */
static void bucket_add(rl_table *t, segment *s, bucket *b, uint8_t tag, void *e) {
    for (;;) {
        int used = slots_of(b);
        for (int i = 0; i < used; i++) {
            if (!b->tags[i]) {
                b->tags[i] = tag;
                b->slots[i] = e;
                return;
            }
        }
        if (!b->chained) {
            bucket *child = rl_memalign(sizeof *child, sizeof *child);
            memset(child, 0, sizeof *child);
            child->tags[0] = b->tags[CHILD_SLOT];
            child->slots[0] = b->slots[CHILD_SLOT];
            b->tags[CHILD_SLOT] = 0;
            b->slots[CHILD_SLOT] = child;
            b->chained = 1;
            s->children++;
            t->children++;
        }
        b = child_of(b);
    }
}

static inline void segment_add(rl_table *t, segment *s, unsigned depth, uint64_t hash, void *e) {
    bucket_add(t, s, &s->buckets[bucket_index(hash, depth)], tag_of(hash), e);
    s->count++;
}

/* Takes all entries out of a segment into `out` (room for s->count) and frees its child buckets. */
static size_t segment_drain(rl_table *t, segment *s, rl_entry **out) {
    size_t n = 0;
    for (int i = 0; i < BUCKETS; i++) {
        bucket *child = NULL;
        for (bucket *b = &s->buckets[i]; b != NULL; b = child) {
            child = child_of(b);
            for (int k = 0; k < slots_of(b); k++)
                if (b->tags[k]) {
                    out[n++] = b->slots[k];
                    __builtin_prefetch(b->slots[k]);
                }
            if (b != &s->buckets[i])
                rl_free(b);
        }
    }
    assert(n == s->count);
    t->children -= s->children;
    memset(s->buckets, 0, sizeof s->buckets);
    s->count = s->children = 0;
    return n;
}

static void directory_double(rl_table *t) {
    size_t places = (size_t)1 << t->depth;
    uintptr_t *wider = rl_malloc(places * 2 * sizeof *wider);
    for (size_t i = 0; i < places; i++)
        wider[2 * i] = wider[2 * i + 1] = t->directory[i];
    rl_free(t->directory);
    t->directory = wider;
    t->depth++;
    t->deepest = 0;
}

/* Points the directory places of hash prefix `prefix` (its top `local` bits) to a segment. */
static void directory_fill(rl_table *t, uint64_t prefix, segment *s, unsigned local) {
    size_t first = directory_index(t, prefix), n = (size_t)1 << (t->depth - local);
    for (size_t i = 0; i < n; i++)
        t->directory[first + i] = place_of(s, local);
}

static void segment_split(rl_table *t, size_t index) {
    uintptr_t place = t->directory[index];
    unsigned local = place_depth(place);
    segment *low = place_segment(place);
    if (local == t->depth) {
        directory_double(t);
        t->deepest = 0;
    }
    local++;
    rl_entry **entries = rl_malloc(low->count * sizeof *entries);
    size_t n = segment_drain(t, low, entries);
    uint64_t bit = (uint64_t)1 << (64 - local);
    segment *high = segment_create(t, low->prefix | bit);
    directory_fill(t, low->prefix, low, local);
    directory_fill(t, high->prefix, high, local);
    if (local == t->depth)
        t->deepest += 2;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = rl_hash(rl_entry_key(entries[i]));
        segment_add(t, hash & bit ? high : low, local, hash, entries[i]);
    }
    rl_free(entries);
}

void rl_table_insert(rl_table *t, uint64_t hash, rl_entry *e) {
    for (;;) {
        size_t index = directory_index(t, hash);
        uintptr_t place = t->directory[index];
        segment *s = place_segment(place);
        if (s->count >= SPLIT_AT && place_depth(place) < DEPTH_MAX) {
            segment_split(t, index);
            continue;
        }
        segment_add(t, s, place_depth(place), hash, e);
        t->count++;
        return;
    }
}

static void directory_halve(rl_table *t) {
    while (t->depth > 0 && t->deepest == 0) {
        size_t places = (size_t)1 << --t->depth;
        for (size_t i = 0; i < places; i++)
            t->directory[i] = t->directory[2 * i];
        for (size_t i = 0; i < places; i++)
            t->deepest += place_depth(t->directory[i]) == t->depth;
        t->directory = rl_realloc(t->directory, places * sizeof *t->directory);
    }
}

/* Joins a segment with the other half of its parent when both are nearly empty. */
static void segment_merge(rl_table *t, uint64_t hash) {
    uintptr_t place = t->directory[directory_index(t, hash)];
    unsigned local = place_depth(place);
    if (local == 0)
        return;
    segment *s = place_segment(place);
    uint64_t bit = (uint64_t)1 << (64 - local);
    uintptr_t other_place = t->directory[directory_index(t, s->prefix ^ bit)];
    segment *other = place_segment(other_place);
    if (place_depth(other_place) != local || s->count + other->count >= MERGE_BELOW)
        return;
    rl_entry *entries[MERGE_BELOW];
    size_t n = segment_drain(t, s, entries);
    n += segment_drain(t, other, entries + n);
    s->prefix &= ~bit;
    rl_free(other);
    t->segments--;
    if (local == t->depth)
        t->deepest -= 2;
    directory_fill(t, s->prefix, s, local - 1);
    for (size_t i = 0; i < n; i++)
        segment_add(t, s, local - 1, rl_hash(rl_entry_key(entries[i])), entries[i]);
    directory_halve(t);
}

/* Frees children at the end of the chain that have become empty. */
static void chain_trim(rl_table *t, segment *s, bucket *head) {
    while (head->chained) {
        bucket *parent = head;
        while (child_of(parent)->chained)
            parent = child_of(parent);
        bucket *last = child_of(parent);
        for (int i = 0; i < SLOTS; i++)
            if (last->tags[i])
                return;
        parent->chained = 0;
        parent->slots[CHILD_SLOT] = NULL;
        rl_free(last);
        s->children--;
        t->children--;
    }
}

void rl_table_remove(rl_table *t, rl_slot slot, uint64_t hash) {
    uintptr_t place = t->directory[directory_index(t, hash)];
    segment *s = place_segment(place);
    bucket *head = &s->buckets[bucket_index(hash, place_depth(place))];
    for (bucket *b = head; b != NULL; b = child_of(b)) {
        uintptr_t offset = (uintptr_t)slot - (uintptr_t)b->slots;
        if (offset < (uintptr_t)slots_of(b) * sizeof b->slots[0]) {
            size_t i = offset / sizeof b->slots[0];
            b->tags[i] = 0;
            b->slots[i] = NULL;
            break;
        }
    }
    if (head->chained) /* NOLINT: head is an element of an array, never NULL */
        chain_trim(t, s, head);
    s->count--;
    t->count--;
    if (s->count < MERGE_BELOW / 2)
        segment_merge(t, hash);
}

static size_t bucket_each(bucket *b, void (*each)(void *, rl_entry *), void *arg) {
    size_t seen = 0;
    for (; b != NULL; b = child_of(b))
        for (int i = 0; i < slots_of(b); i++)
            if (b->tags[i]) {
                each(arg, b->slots[i]);
                seen++;
            }
    return seen;
}

/* Where the bucket behind that of position `at` begins, in hash order; 0 behind the last. */
static uint64_t next_bucket(const rl_table *t, uint64_t at) {
    uintptr_t place = t->directory[directory_index(t, at)];
    const segment *s = place_segment(place);
    unsigned depth = place_depth(place), i = bucket_index(at, depth);
    if (i + 1 == BUCKETS)
        return depth ? s->prefix + ((uint64_t)1 << (64 - depth)) : 0;
    /* the first of the 16-bit values that select bucket i + 1 */
    uint64_t first = ((uint64_t)(i + 1) * 65536 + BUCKETS - 1) / BUCKETS;
    return s->prefix | (first << 48 >> depth);
}

uint64_t rl_table_scan(const rl_table *t, uint64_t cursor, size_t count,
                       void (*each)(void *, rl_entry *), void *arg) {
    uint64_t at = cursor << 16;
    size_t seen = 0;
    do {
        seen += bucket_each(bucket_of(t, at), each, arg);
        at = next_bucket(t, at);
    } while (at != 0 && seen < count);
    return at >> 16;
}

rl_entry *rl_table_random(const rl_table *t, rl_random *random) {
    if (t->count == 0)
        return NULL;
    uint64_t at = rl_random_next(random);
    for (unsigned tries = 0;; tries++) {
        /* By chance first; in a table that is nearly empty, on from the last place in order. */
        if (tries < RANDOM_TRIES)
            at = rl_random_next(random);
        bucket *head = bucket_of(t, at);
        unsigned n = 0;
        rl_entry *chosen = NULL;
        for (bucket *b = head; b != NULL; b = child_of(b))
            for (int i = 0; i < slots_of(b); i++)
                if (b->tags[i] && rl_random_below(random, ++n) == 0)
                    chosen = b->slots[i];
        if (chosen)
            return chosen;
        at = next_bucket(t, at);
    }
}

/* Not assert: a test asks for the check in every build. */
static void must(bool holds) {
    if (!holds)
        abort();
}

size_t rl_table_check(const rl_table *t) {
    size_t places = (size_t)1 << t->depth, total = 0, segments = 0, deepest = 0;
    for (size_t i = 0; i < places;) {
        uintptr_t place = t->directory[i];
        unsigned local = place_depth(place);
        segment *s = place_segment(place);
        size_t span = (size_t)1 << (t->depth - local), found = 0;
        must(local <= t->depth && i % span == 0 && directory_index(t, s->prefix) == i);
        for (size_t k = 0; k < span; k++)
            must(t->directory[i + k] == place);
        for (unsigned n = 0; n < BUCKETS; n++)
            for (bucket *b = &s->buckets[n]; b != NULL; b = child_of(b))
                for (int k = 0; k < slots_of(b); k++)
                    if (b->tags[k]) {
                        uint64_t hash = rl_hash(rl_entry_key(b->slots[k]));
                        must(tag_of(hash) == b->tags[k] && bucket_index(hash, local) == n);
                        must(directory_index(t, hash) >= i && directory_index(t, hash) < i + span);
                        found++;
                    }
        must(found == s->count);
        total += found;
        segments++;
        deepest += local == t->depth;
        i += span;
    }
    must(total == t->count && segments == t->segments && (deepest == t->deepest || t->depth == 0));
    return total;
}
