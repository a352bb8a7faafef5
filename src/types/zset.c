/* SPDX-License-Identifier: MIT */
#include "types/zset.h"

#include <assert.h>
#include <math.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "types/homes.h"
#include "types/must.h"
#include "types/packed.h"

typedef struct large {
    uint8_t form;
    types_tree tree;
    types_pages homes; /* of its members in the leaves of the tree */
} large;

/* An rl_zset is a types_packed or a large; both begin with the form. */
struct rl_zset {
    uint8_t form;
};

static inline types_packed *small_of(const rl_zset *z) {
    return (types_packed *)(uintptr_t)z;
}

static inline large *large_of(const rl_zset *z) {
    return (large *)(uintptr_t)z;
}

static inline bool is_large(const rl_zset *z) {
    return z->form == RL_ZSET_TREE;
}

/* As the order sees it: -0 and 0 are the same score, and yet one replaces the other. */
static bool same_score(double a, double b) {
    return a == b && signbit(a) == signbit(b);
}

/* ---- the small form ---- */

static const char *small_find(const types_packed *p, rl_bytes member, double *score) {
    types_item key = types_item_of(member);
    const char *at = types_packed_find(p, &key, 2);
    if (at)
        *score = types_item_score(types_item_next(at));
    return at;
}

/* Where a pair goes: the first member that is behind it. */
static const char *small_place(const types_packed *p, double score, rl_bytes member) {
    char scratch[TYPES_SCRATCH];
    const char *at = p->items, *end = types_packed_end(p);
    while (at < end) {
        const char *score_item = types_item_next(at);
        double other = types_item_score(score_item);
        if (other > score ||
            (other == score && rl_bytes_compare(types_item_text(at, scratch), member) > 0))
            return at;
        at = types_item_next(score_item);
    }
    return at;
}

static void small_insert(rl_zset **place, rl_bytes member, double score) {
    types_packed *p = small_of(*place);
    types_item items[2] = {types_item_of(member), types_item_of_score(score)};
    types_packed_splice(&p, small_place(p, score, member), 0, items, 2);
    *place = (rl_zset *)p;
}

static void small_remove(rl_zset **place, const char *at) {
    types_packed *p = small_of(*place);
    types_packed_splice(&p, at, 2, NULL, 0);
    *place = (rl_zset *)p;
}

static bool small_has_room(const types_packed *p, rl_bytes member, const rl_small_limits *limits) {
    types_item items[2] = {types_item_of(member), types_item_of_score(0.1)};
    return member.len <= limits->bytes && p->count / 2u < limits->entries &&
           types_packed_has_room(p, items, 2);
}

/* ---- the large form ---- */

static uint64_t hash_of(rl_bytes member) {
    return rl_hash(member);
}

static void members_moved(void *arg, const types_page *leaf, unsigned from, uint32_t old_id) {
    const large *l = arg;
    for (unsigned i = from; i < leaf->count; i++) {
        uint64_t hash = hash_of(types_spot_member((types_spot){leaf, i}));
        types_homes_move(&l->homes, hash, old_id, leaf->id);
    }
}

/* Finds a member: its home and its place in the leaf. */
static bool large_find(const large *l, uint64_t hash, rl_bytes member, types_home *home,
                       types_spot *spot) {
    *home = (types_home){.hash = hash};
    while (types_homes_next(&l->homes, home)) {
        *spot = types_tree_in_leaf(&l->tree, home->leaf, member, hash);
        if (spot->leaf)
            return true;
    }
    return false;
}

static void large_insert(large *l, uint64_t hash, rl_bytes member, double score) {
    types_homes_add(&l->homes, hash, types_tree_insert(&l->tree, score, member));
}

static rl_zset_added large_set(large *l, rl_bytes member, double score) {
    uint64_t hash = hash_of(member);
    types_home home;
    types_spot spot;
    if (!large_find(l, hash, member, &home, &spot)) {
        large_insert(l, hash, member, score);
        return RL_ZSET_NEW;
    }
    double old = types_spot_score(spot);
    if (same_score(old, score))
        return RL_ZSET_SAME;
    if (!types_spot_nudge(spot, score)) {
        types_homes_remove(&l->homes, &home);
        types_tree_remove(&l->tree, old, member);
        large_insert(l, hash, member, score);
    }
    return RL_ZSET_CHANGED;
}

static bool large_remove(large *l, rl_bytes member) {
    types_home home;
    types_spot spot;
    if (!large_find(l, hash_of(member), member, &home, &spot))
        return false;
    types_homes_remove(&l->homes, &home);
    types_tree_remove(&l->tree, types_spot_score(spot), member);
    return true;
}

static bool large_score(const large *l, rl_bytes member, double *score) {
    types_home home;
    types_spot spot;
    if (!large_find(l, hash_of(member), member, &home, &spot))
        return false;
    *score = types_spot_score(spot);
    return true;
}

static void become_large(rl_zset **place) {
    types_packed *from = small_of(*place);
    large *l = rl_malloc(sizeof *l);
    l->form = RL_ZSET_TREE;
    types_tree_init(&l->tree, members_moved, l);
    types_homes_init(&l->homes, TYPES_PAGES_DEPTH_MAX);
    char scratch[TYPES_SCRATCH];
    for (const char *at = from->items; at < types_packed_end(from);) {
        const char *score = types_item_next(at);
        rl_bytes member = types_item_text(at, scratch);
        large_insert(l, hash_of(member), member, types_item_score(score));
        at = types_item_next(score);
    }
    rl_free(from);
    *place = (rl_zset *)l;
}

/* ---- life ---- */

rl_zset *rl_zset_create(void) {
    return (rl_zset *)types_packed_create(RL_ZSET_PACKED);
}

bool rl_zset_free_step(rl_zset *z, size_t budget) {
    if (is_large(z)) {
        large *l = large_of(z);
        if (l->homes.top && !types_pages_free_step(&l->homes, budget))
            return false;
        if (!types_tree_free_step(&l->tree, budget))
            return false;
    }
    rl_free(z);
    return true;
}

void rl_zset_free(rl_zset *z) {
    if (z)
        while (!rl_zset_free_step(z, SIZE_MAX))
            ;
}

rl_zset_form rl_zset_form_of(const rl_zset *z) {
    return (rl_zset_form)z->form;
}

size_t rl_zset_count(const rl_zset *z) {
    return is_large(z) ? large_of(z)->tree.count : small_of(z)->count / 2u;
}

size_t rl_zset_memory(const rl_zset *z) {
    if (!is_large(z))
        return rl_alloc_good_size(small_of(z)->bytes);
    const large *l = large_of(z);
    return rl_alloc_good_size(sizeof *l) + l->tree.bytes + l->homes.bytes;
}

/* ---- one member ---- */

bool rl_zset_score(const rl_zset *z, rl_bytes member, double *score) {
    if (is_large(z))
        return large_score(large_of(z), member, score);
    return small_find(small_of(z), member, score) != NULL;
}

rl_zset_added rl_zset_set(rl_zset **place, rl_bytes member, double score,
                          const rl_small_limits *limits) {
    assert(!isnan(score));
    if (is_large(*place))
        return large_set(large_of(*place), member, score);
    double old;
    const char *at = small_find(small_of(*place), member, &old);
    if (at) {
        if (same_score(old, score))
            return RL_ZSET_SAME;
        small_remove(place, at);
        small_insert(place, member, score);
        return RL_ZSET_CHANGED;
    }
    if (small_has_room(small_of(*place), member, limits)) {
        small_insert(place, member, score);
        return RL_ZSET_NEW;
    }
    become_large(place);
    return large_set(large_of(*place), member, score);
}

void rl_zset_append(rl_zset **place, rl_bytes member, double score, const rl_small_limits *limits) {
    assert(!isnan(score));
    if (!is_large(*place)) {
        types_packed *p = small_of(*place);
        if (small_has_room(p, member, limits)) {
            types_item items[2] = {types_item_of(member), types_item_of_score(score)};
            types_packed_splice(&p, types_packed_end(p), 0, items, 2);
            *place = (rl_zset *)p;
            return;
        }
        become_large(place);
    }
    large_insert(large_of(*place), hash_of(member), member, score);
}

bool rl_zset_remove(rl_zset **place, rl_bytes member) {
    if (is_large(*place))
        return large_remove(large_of(*place), member);
    double score;
    const char *at = small_find(small_of(*place), member, &score);
    if (at == NULL)
        return false;
    small_remove(place, at);
    return true;
}

bool rl_zset_rank(const rl_zset *z, rl_bytes member, size_t *rank, double *score) {
    if (!rl_zset_score(z, member, score))
        return false;
    if (is_large(z)) {
        types_bound bound = {TYPES_BEFORE_PAIR, *score, member};
        *rank = types_tree_count_before(&large_of(z)->tree, &bound);
        return true;
    }
    const char *found = small_find(small_of(z), member, score);
    *rank = 0;
    for (const char *at = small_of(z)->items; at != found; (*rank)++)
        at = types_item_next(types_item_next(at));
    return true;
}

/* ---- counting ---- */

static bool small_before(const types_bound *bound, const char *at, const char *score_item) {
    char scratch[TYPES_SCRATCH];
    if (bound->kind == TYPES_BEFORE_SCORE)
        return types_item_score(score_item) < bound->score;
    if (bound->kind == TYPES_UPTO_SCORE)
        return types_item_score(score_item) <= bound->score;
    int order = rl_bytes_compare(types_item_text(at, scratch), bound->member);
    return order < 0 || (order == 0 && bound->kind == TYPES_UPTO_MEMBER);
}

static size_t count_before(const rl_zset *z, types_bound bound) {
    if (is_large(z))
        return types_tree_count_before(&large_of(z)->tree, &bound);
    const types_packed *p = small_of(z);
    size_t count = 0;
    for (const char *at = p->items; at < types_packed_end(p); count++) {
        const char *score = types_item_next(at);
        if (!small_before(&bound, at, score))
            break;
        at = types_item_next(score);
    }
    return count;
}

size_t rl_zset_count_below(const rl_zset *z, double score) {
    return count_before(z, (types_bound){.kind = TYPES_BEFORE_SCORE, .score = score});
}

size_t rl_zset_count_upto(const rl_zset *z, double score) {
    return count_before(z, (types_bound){.kind = TYPES_UPTO_SCORE, .score = score});
}

size_t rl_zset_count_below_member(const rl_zset *z, rl_bytes member) {
    return count_before(z, (types_bound){.kind = TYPES_BEFORE_MEMBER, .member = member});
}

size_t rl_zset_count_upto_member(const rl_zset *z, rl_bytes member) {
    return count_before(z, (types_bound){.kind = TYPES_UPTO_MEMBER, .member = member});
}

/* ---- ranges ---- */

typedef void on_removed(void *arg, rl_bytes member, double score);

static void large_remove_at(large *l, size_t rank, on_removed *each, void *arg) {
    types_spot spot = types_tree_at(&l->tree, rank);
    rl_bytes member = types_spot_member(spot);
    if (each)
        each(arg, member, types_spot_score(spot));
    types_homes_forget(&l->homes, hash_of(member), spot.leaf->id);
    types_tree_remove_at(&l->tree, rank);
}

static void small_remove_range(rl_zset **place, size_t from, size_t count, on_removed *each,
                               void *arg) {
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_zset_walk_init(&walk, *place, from, false);
    for (size_t i = 0; each && i < count && rl_zset_next(&walk, &member, &score); i++)
        each(arg, member, score);
    types_packed *p = small_of(*place);
    types_packed_splice(&p, types_packed_at(p, (unsigned)from * 2), (unsigned)count * 2, NULL, 0);
    *place = (rl_zset *)p;
}

size_t rl_zset_remove_range(rl_zset **place, size_t from, size_t count, on_removed *each,
                            void *arg) {
    size_t there = rl_zset_count(*place);
    if (from >= there || count == 0)
        return 0;
    count = count < there - from ? count : there - from;
    if (!is_large(*place))
        small_remove_range(place, from, count, each, arg);
    else
        for (size_t i = 0; i < count; i++)
            large_remove_at(large_of(*place), from, each, arg);
    return count;
}

void rl_zset_walk_init(rl_zset_walk *walk, const rl_zset *z, size_t rank, bool down) {
    *walk = (rl_zset_walk){.zset = z, .down = down, .ended = rank >= rl_zset_count(z)};
    if (walk->ended)
        return;
    if (is_large(z))
        walk->spot = types_tree_at(&large_of(z)->tree, rank);
    else
        walk->at = types_packed_at(small_of(z), (unsigned)rank * 2);
}

static void small_step(rl_zset_walk *walk) {
    const types_packed *p = small_of(walk->zset);
    if (walk->down) {
        walk->ended = walk->at == p->items;
        if (!walk->ended)
            walk->at = types_item_back(types_item_back(walk->at));
    } else {
        walk->at = types_item_next(types_item_next(walk->at));
        walk->ended = walk->at == types_packed_end(p);
    }
}

bool rl_zset_next(rl_zset_walk *walk, rl_bytes *member, double *score) {
    if (walk->ended)
        return false;
    if (!is_large(walk->zset)) {
        *member = types_item_text(walk->at, walk->scratch.member);
        *score = types_item_score(types_item_next(walk->at));
        small_step(walk);
        return true;
    }
    *member = types_spot_member(walk->spot);
    *score = types_spot_score(walk->spot);
    if (walk->down)
        types_spot_previous(&walk->spot);
    else
        types_spot_next(&walk->spot);
    walk->ended = walk->spot.leaf == NULL;
    return true;
}

/* ---- scanning ---- */

typedef struct scanning {
    const large *large;
    void (*each)(void *, rl_bytes, double);
    void *arg;
} scanning;

/* An entry of homes names a leaf: its members of that hash are returned; nearly always one. */
static void scan_page(void *arg, const types_page *page) {
    const scanning *scan = arg;
    for (unsigned i = 0; i < page->count; i++) {
        uint32_t hash = types_homes_hash(page, i);
        const types_page *leaf = scan->large->tree.leaves[types_homes_leaf(page, i)];
        for (unsigned k = 0; k < leaf->count; k++) {
            types_spot spot = {leaf, k};
            rl_bytes member = types_spot_member(spot);
            if ((uint32_t)(hash_of(member) >> 32) == hash)
                scan->each(scan->arg, member, types_spot_score(spot));
        }
    }
}

uint64_t rl_zset_scan(const rl_zset *z, uint64_t cursor, size_t count,
                      void (*each)(void *, rl_bytes, double), void *arg) {
    if (is_large(z)) {
        scanning scan = {large_of(z), each, arg};
        return types_pages_scan(&large_of(z)->homes, cursor, count, scan_page, &scan);
    }
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_zset_walk_init(&walk, z, 0, false);
    while (rl_zset_next(&walk, &member, &score))
        each(arg, member, score);
    return 0;
}

rl_bytes rl_zset_random(const rl_zset *z, rl_random *random, rl_zset_scratch *scratch,
                        double *score) {
    assert(rl_zset_count(z) > 0);
    size_t rank = rl_random_below(random, rl_zset_count(z));
    if (is_large(z)) {
        types_spot spot = types_tree_at(&large_of(z)->tree, rank);
        *score = types_spot_score(spot);
        return types_spot_member(spot);
    }
    const char *at = types_packed_at(small_of(z), (unsigned)rank * 2);
    *score = types_item_score(types_item_next(at));
    return types_item_text(at, scratch->member);
}

/* ---- the check ---- */

static void large_check(const large *l) {
    types_tree_check(&l->tree);
    types_pages_check(&l->homes);
    types_must(l->tree.count == l->homes.count);
    for (const types_page *leaf = l->tree.first; leaf != NULL; leaf = leaf->next)
        for (unsigned i = 0; i < leaf->count; i++) {
            rl_bytes member = types_spot_member((types_spot){leaf, i});
            types_home home;
            types_spot spot;
            types_must(large_find(l, hash_of(member), member, &home, &spot));
            types_must(spot.leaf == leaf && spot.slot == i);
        }
}

static void small_check(const rl_zset *z) {
    types_packed_check(small_of(z));
    types_must(small_of(z)->count % 2 == 0);
    rl_zset_walk walk, behind;
    rl_bytes a, b;
    double x, y;
    rl_zset_walk_init(&walk, z, 0, false);
    rl_zset_walk_init(&behind, z, 1, false);
    while (rl_zset_next(&behind, &b, &y)) {
        types_must(rl_zset_next(&walk, &a, &x));
        types_must(x < y || (x == y && rl_bytes_compare(a, b) < 0));
    }
}

void rl_zset_check(const rl_zset *z) {
    if (is_large(z))
        large_check(large_of(z));
    else
        small_check(z);
}
