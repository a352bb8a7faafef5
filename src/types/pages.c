/* SPDX-License-Identifier: MIT */
/*
 * Invariants (asserted by types_pages_check):
 *   1. top[i] names the segment whose hashes begin with the top bits of i; one of local depth d
 *      fills 2^(depth - d) neighbouring places.
 *   2. So with the places of a segment, and the pages.
 *   3. A segment with more than one page has only pages deeper than its local depth.
 *   4. An element is in the page (or its chain) that its hash selects; only pages of the greatest
 *      depth have chains.
 *   5. count is the number of elements, bytes the sum of the allocations.
 */
#include "types/pages.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "types/must.h"

#define SEGMENT_DEPTH_MAX  9
#define SEGMENT_DEPTH_JOIN 5  /* two segments no deeper than this become one */
#define JOIN_BELOW         28 /* elements in two pages that become one */
#define RANDOM_TRIES       256

/* ---- directories ---- */

static size_t segment_bytes(unsigned depth) {
    return sizeof(types_segment) + (sizeof(types_page *) << depth);
}

static size_t top_bytes(unsigned depth) {
    return sizeof(types_segment *) << depth;
}

static size_t top_index(const types_pages *t, uint64_t hash) {
    return hash >> 1 >> (63 - t->depth);
}

static size_t place_index(const types_segment *s, uint64_t hash) {
    return (hash << s->local) >> 1 >> (63 - s->depth);
}

static types_segment *segment_of(const types_pages *t, uint64_t hash) {
    return t->top[top_index(t, hash)];
}

static types_segment *segment_create(types_pages *t, unsigned local, unsigned depth) {
    types_segment *s = rl_malloc(segment_bytes(depth));
    s->local = (uint8_t)local;
    s->depth = (uint8_t)depth;
    t->bytes += rl_alloc_good_size(segment_bytes(depth));
    return s;
}

static void segment_free(types_pages *t, types_segment *s) {
    t->bytes -= rl_alloc_good_size(segment_bytes(s->depth));
    rl_free(s);
}

/* Points every place of the top that belongs to it to a segment. */
static void top_fill(types_pages *t, uint64_t hash, types_segment *s) {
    size_t n = (size_t)1 << (t->depth - s->local), first = top_index(t, hash) & ~(n - 1);
    for (size_t i = 0; i < n; i++)
        t->top[first + i] = s;
}

/* Points every place of a segment that belongs to it to a page. */
static void segment_fill(types_segment *s, uint64_t hash, types_page *page) {
    size_t n = (size_t)1 << (s->local + s->depth - page->depth);
    size_t first = place_index(s, hash) & ~(n - 1);
    for (size_t i = 0; i < n; i++)
        s->places[first + i] = page;
}

static void top_double(types_pages *t) {
    size_t n = (size_t)1 << t->depth;
    types_segment **wider = rl_malloc(top_bytes(t->depth + 1u));
    for (size_t i = 0; i < n; i++)
        wider[2 * i] = wider[2 * i + 1] = t->top[i];
    t->bytes += rl_alloc_good_size(top_bytes(t->depth + 1u));
    t->bytes -= rl_alloc_good_size(top_bytes(t->depth));
    rl_free(t->top);
    t->top = wider;
    t->depth++;
}

/* The same segment with places for one bit more or less. */
static types_segment *segment_with_depth(types_pages *t, uint64_t hash, unsigned depth) {
    types_segment *old = segment_of(t, hash);
    types_segment *s = segment_create(t, old->local, depth);
    for (size_t i = 0; i < (size_t)1 << depth; i++)
        s->places[i] = depth > old->depth ? old->places[i >> 1] : old->places[i << 1];
    top_fill(t, hash, s);
    segment_free(t, old);
    return s;
}

static void segment_split(types_pages *t, uint64_t hash) {
    types_segment *old = segment_of(t, hash);
    if (old->local == t->depth)
        top_double(t);
    unsigned local = old->local + 1u, depth = old->depth - 1u;
    uint64_t bit = (uint64_t)1 << (64 - local);
    types_segment *low = segment_create(t, local, depth), *high = segment_create(t, local, depth);
    memcpy(low->places, old->places, sizeof(types_page *) << depth);
    memcpy(high->places, old->places + ((size_t)1 << depth), sizeof(types_page *) << depth);
    top_fill(t, hash & ~bit, low);
    top_fill(t, hash | bit, high);
    segment_free(t, old);
}

/* Gives the segment of this hash places enough for pages of that depth. */
static void directory_deepen(types_pages *t, uint64_t hash, unsigned depth) {
    for (;;) {
        types_segment *s = segment_of(t, hash);
        if ((unsigned)s->local + s->depth >= depth)
            return;
        if (s->depth < SEGMENT_DEPTH_MAX)
            segment_with_depth(t, hash, s->depth + 1u);
        else
            segment_split(t, hash);
    }
}

static bool segment_has_deepest(const types_segment *s) {
    for (size_t i = 0; i < (size_t)1 << s->depth; i++)
        if (s->places[i]->depth == s->local + s->depth)
            return true;
    return false;
}

/* Joins the segment with its other half when both are small. */
static bool segment_join(types_pages *t, uint64_t hash) {
    types_segment *s = segment_of(t, hash);
    if (s->local == 0)
        return false;
    uint64_t bit = (uint64_t)1 << (64 - s->local);
    types_segment *low = segment_of(t, hash & ~bit), *high = segment_of(t, hash | bit);
    if (low->local != high->local || low->depth > SEGMENT_DEPTH_JOIN ||
        high->depth > SEGMENT_DEPTH_JOIN)
        return false;
    unsigned depth = low->depth > high->depth ? low->depth : high->depth;
    types_segment *joined = segment_create(t, s->local - 1u, depth + 1);
    size_t half = (size_t)1 << depth;
    for (size_t i = 0; i < half; i++) {
        joined->places[i] = low->places[i >> (depth - low->depth)];
        joined->places[half + i] = high->places[i >> (depth - high->depth)];
    }
    top_fill(t, hash, joined);
    segment_free(t, low);
    segment_free(t, high);
    return true;
}

static void top_shrink(types_pages *t) {
    while (t->depth > 0) {
        size_t n = (size_t)1 << (t->depth - 1);
        for (size_t i = 0; i < n; i++)
            if (t->top[2 * i] != t->top[2 * i + 1])
                return;
        for (size_t i = 0; i < n; i++)
            t->top[i] = t->top[2 * i];
        t->bytes += rl_alloc_good_size(top_bytes(t->depth - 1u));
        t->bytes -= rl_alloc_good_size(top_bytes(t->depth));
        t->depth--;
        t->top = rl_realloc(t->top, top_bytes(t->depth));
    }
}

/* After pages were joined: fewer places, perhaps fewer segments. */
static void segment_shrink(types_pages *t, uint64_t hash) {
    bool joined = false;
    for (;;) {
        types_segment *s = segment_of(t, hash);
        if (s->depth > 0 && !segment_has_deepest(s))
            segment_with_depth(t, hash, s->depth - 1u);
        else if (segment_join(t, hash))
            joined = true;
        else
            break;
    }
    if (joined)
        top_shrink(t);
}

/* ---- pages ---- */

void types_pages_init(types_pages *t, const types_page_kind *kind, unsigned depth_max) {
    *t = (types_pages){.kind = kind, .depth_max = (uint8_t)depth_max};
    t->top = rl_malloc(top_bytes(0));
    t->top[0] = segment_create(t, 0, 0);
    t->top[0]->places[0] = types_page_create(kind, 1, 0);
    t->bytes += t->top[0]->places[0]->bytes + rl_alloc_good_size(top_bytes(0));
}

/* `page` may have moved from `old`, which its size was before: whatever points to it is told. */
static void page_moved(types_pages *t, uint64_t hash, const types_page *old, size_t old_bytes,
                       types_page *page) {
    t->bytes += page->bytes;
    t->bytes -= old_bytes;
    if (page == old)
        return;
    types_page *before = types_pages_find(t, hash);
    if (before == old) {
        segment_fill(segment_of(t, hash), hash, page);
        return;
    }
    while (before->next != old)
        before = before->next;
    before->next = page;
}

static void page_split(types_pages *t, uint64_t hash) {
    types_page *old = types_pages_find(t, hash);
    unsigned depth = old->depth + 1u;
    directory_deepen(t, hash, depth);
    uint64_t bit = (uint64_t)1 << (64 - depth);
    uint8_t side[TYPES_PAGE_SLOTS];
    for (unsigned i = 0; i < old->count; i++)
        side[i] = (t->kind->hash(old, i) & bit) != 0;
    types_page *low = types_page_part(t->kind, old, side, 0);
    types_page *high = types_page_part(t->kind, old, side, 1);
    low->depth = high->depth = (uint8_t)depth;
    types_segment *s = segment_of(t, hash);
    segment_fill(s, hash & ~bit, low);
    segment_fill(s, hash | bit, high);
    t->bytes += (size_t)low->bytes + high->bytes;
    t->bytes -= old->bytes;
    types_page_free(old);
}

/* The page a new element of this hash goes to. */
static types_page *page_for(types_pages *t, uint64_t hash) {
    types_page *page;
    for (;;) {
        page = types_pages_find(t, hash);
        if (page->count < TYPES_PAGE_SLOTS)
            return page;
        if (page->depth == t->depth_max)
            break;
        page_split(t, hash);
    }
    while (page->count == TYPES_PAGE_SLOTS) {
        if (page->next == NULL) {
            page->next = types_page_create(t->kind, 1, 0);
            page->next->depth = page->depth;
            t->bytes += page->next->bytes;
        }
        page = page->next;
    }
    return page;
}

char *types_pages_add(types_pages *t, uint64_t hash, size_t size, types_page **page,
                      unsigned *slot) {
    types_page *old = page_for(t, hash), *now = old;
    size_t old_bytes = old->bytes;
    *slot = old->count;
    char *to = types_page_insert(&now, *slot, size);
    page_moved(t, hash, old, old_bytes, now);
    t->count++;
    *page = now;
    return to;
}

static bool page_join(types_pages *t, uint64_t hash) {
    types_page *page = types_pages_find(t, hash);
    if (page->depth == 0)
        return false;
    uint64_t bit = (uint64_t)1 << (64 - page->depth);
    types_page *low = types_pages_find(t, hash & ~bit), *high = types_pages_find(t, hash | bit);
    types_segment *s = segment_of(t, hash);
    if (low->depth != high->depth || low->next || high->next || page->depth == s->local ||
        low->count + high->count >= JOIN_BELOW)
        return false;
    types_page *joined = types_page_join(t->kind, low, high);
    joined->depth = (uint8_t)(page->depth - 1);
    t->bytes += joined->bytes;
    t->bytes -= (size_t)low->bytes + high->bytes;
    segment_fill(s, hash, joined);
    if ((unsigned)s->local + s->depth == joined->depth + 1u)
        segment_shrink(t, hash);
    types_page_free(low);
    types_page_free(high);
    return true;
}

/* Takes a page that has become empty out of its chain; true if it did. */
static bool chain_trim(types_pages *t, uint64_t hash, types_page *page) {
    types_page *before = types_pages_find(t, hash);
    if (page == before || page->count > 0)
        return false;
    while (before->next != page)
        before = before->next;
    before->next = page->next;
    t->bytes -= page->bytes;
    types_page_free(page);
    return true;
}

void types_pages_remove(types_pages *t, uint64_t hash, types_page *page, unsigned slot) {
    types_page *now = page;
    size_t old_bytes = page->bytes;
    types_page_remove(&now, slot, types_page_size(t->kind, page, slot));
    page_moved(t, hash, page, old_bytes, now);
    t->count--;
    if (chain_trim(t, hash, now))
        return;
    if (now->count < JOIN_BELOW / 2)
        while (page_join(t, hash))
            ;
}

char *types_pages_resize(types_pages *t, uint64_t hash, types_page **page, unsigned slot,
                         size_t old, size_t size) {
    types_page *before = *page;
    size_t old_bytes = before->bytes;
    char *to = types_page_resize(page, slot, old, size);
    page_moved(t, hash, before, old_bytes, *page);
    return to;
}

/* ---- walking ---- */

bool types_pages_next(const types_pages *t, types_pages_walk *walk) {
    if (!walk->begun) {
        walk->begun = true;
        walk->page = types_pages_find(t, 0);
        walk->slot = 0;
    } else {
        walk->slot++;
    }
    while (walk->slot >= walk->page->count) {
        if (walk->page->next) {
            walk->page = walk->page->next;
        } else {
            walk->at = types_pages_after(walk->page, walk->at);
            if (walk->at == 0)
                return false;
            walk->page = types_pages_find(t, walk->at);
            __builtin_prefetch(walk->page + 2);
        }
        walk->slot = 0;
    }
    return true;
}

uint64_t types_pages_scan(const types_pages *t, uint64_t cursor, size_t count,
                          void (*each)(void *, const types_page *), void *arg) {
    uint64_t at = cursor << 16;
    size_t seen = 0;
    do {
        const types_page *page = types_pages_find(t, at);
        uint64_t next = types_pages_after(page, at);
        for (; page != NULL; page = page->next) {
            each(arg, page);
            seen += page->count;
        }
        at = next;
    } while (at != 0 && seen < count);
    return at >> 16;
}

static size_t chain_count(const types_page *page) {
    size_t count = 0;
    for (; page != NULL; page = page->next)
        count += page->count;
    return count;
}

/*
 * A random position in hash order hits a page with the probability of its range, so the elements of
 * a page that has few for its range would be drawn too often. Hence a page is accepted with a
 * probability in proportion to its density: half of it, in units of the average. Only where a page
 * is more than twice as dense as the average are its elements drawn too rarely.
 */
static bool density_accepts(const types_pages *t, const types_page *page, size_t count,
                            rl_random *random) {
    double density = (double)count * (double)((uint64_t)1 << page->depth);
    double scale = 2.0 * (double)t->count;
    return (double)(rl_random_next(random) >> 11) * 0x1p-53 * scale < density;
}

const types_page *types_pages_random(const types_pages *t, rl_random *random, unsigned *slot) {
    uint64_t at = 0;
    for (unsigned tries = 0;; tries++) {
        /* By chance first; in a table that is nearly empty, on from the last place in order. */
        if (tries < RANDOM_TRIES)
            at = rl_random_next(random);
        const types_page *page = types_pages_find(t, at);
        size_t count = chain_count(page);
        if (count > 0 && (tries >= RANDOM_TRIES || density_accepts(t, page, count, random))) {
            uint64_t pick = rl_random_below(random, count);
            for (; pick >= page->count; page = page->next)
                pick -= page->count;
            *slot = (unsigned)pick;
            return page;
        }
        if (tries >= RANDOM_TRIES)
            at = types_pages_after(page, at);
    }
}

/* ---- the end ---- */

static size_t page_release(types_pages *t, types_page *page) {
    size_t freed = 1;
    if (t->kind->release) {
        freed += page->count;
        t->kind->release(page);
    }
    t->count -= page->count;
    types_page_free(page);
    return freed;
}

static void directory_free(types_pages *t) {
    for (size_t i = 0; i < (size_t)1 << t->depth;) {
        types_segment *s = t->top[i];
        i += (size_t)1 << (t->depth - s->local);
        rl_free(s);
    }
    rl_free(t->top);
    t->top = NULL;
}

bool types_pages_free_step(types_pages *t, size_t budget) {
    size_t freed = 0;
    while (t->top != NULL && freed < budget) {
        types_page *page = types_pages_find(t, t->freeing);
        t->freeing = types_pages_after(page, t->freeing);
        while (page != NULL) {
            types_page *next = page->next;
            freed += page_release(t, page);
            page = next;
        }
        if (t->freeing == 0)
            directory_free(t);
    }
    return t->top == NULL;
}

/* ---- the check ---- */

static size_t page_check(const types_pages *t, const types_page *page, uint64_t at) {
    types_page_check(t->kind, page);
    for (unsigned i = 0; i < page->count; i++)
        types_must(page->depth == 0 ||
                   t->kind->hash(page, i) >> (64 - page->depth) == at >> (64 - page->depth));
    return page->count;
}

static size_t segment_check(const types_pages *t, const types_segment *s, uint64_t prefix,
                            size_t *bytes) {
    size_t count = 0, places = (size_t)1 << s->depth;
    for (size_t i = 0; i < places;) {
        const types_page *page = s->places[i];
        types_must(page->depth <= s->local + s->depth && page->depth >= s->local);
        size_t span = (size_t)1 << (s->local + s->depth - page->depth);
        types_must(i % span == 0);
        for (size_t k = 0; k < span; k++)
            types_must(s->places[i + k] == page);
        unsigned bits = (unsigned)s->local + s->depth;
        uint64_t at = prefix | (bits ? (uint64_t)i << (64 - bits) : 0);
        types_must(page->next == NULL || page->depth == t->depth_max);
        for (const types_page *p = page; p != NULL; p = p->next) {
            types_must(p->depth == page->depth && (p == page || p->count > 0));
            count += page_check(t, p, at);
            *bytes += p->bytes;
        }
        i += span;
    }
    return count;
}

void types_pages_check(const types_pages *t) {
    size_t places = (size_t)1 << t->depth, count = 0;
    size_t bytes = rl_alloc_good_size(top_bytes(t->depth));
    for (size_t i = 0; i < places;) {
        const types_segment *s = t->top[i];
        types_must(s->local <= t->depth);
        size_t span = (size_t)1 << (t->depth - s->local);
        types_must(i % span == 0);
        for (size_t k = 0; k < span; k++)
            types_must(t->top[i + k] == s);
        bytes += rl_alloc_good_size(segment_bytes(s->depth));
        count += segment_check(t, s, t->depth ? (uint64_t)i << (64 - t->depth) : 0, &bytes);
        i += span;
    }
    types_must(count == t->count && bytes == t->bytes);
}
