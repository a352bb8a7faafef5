/* SPDX-License-Identifier: MIT */
/*
 * The collections by themselves: hashes, sets, sorted sets and lists of 10, 100, 10,000 and (with
 * --large) a million elements, in random order. Small ones are made many times over, so that they
 * do not all fit the caches.
 */
#include "base/alloc.h"
#include "micro.h"
#include "types/fields.h"
#include "types/list.h"
#include "types/members.h"
#include "types/zset.h"

#define LARGEST 1000000
#define TOTAL   100000 /* elements in all collections of a size together, at least */

static const rl_small_limits small = {128, 64};
static const rl_members_limits set_limits = {512, {128, 64}};

/* Of the case at work. */
static const uint32_t *order;
static rl_random *chance;

static rl_bytes name(size_t number) {
    return micro_name(number);
}

/* ---- what is measured ---- */

/* One kind of collection; each function works on element `i` of collection `c`. */
typedef struct kind {
    void *(*create)(void);
    void (*add)(void **c, size_t i);
    size_t (*get)(void *c, size_t i);
    void (*change)(void **c, size_t i);
    size_t (*pick)(void **c, size_t count); /* any element; by index in lists */
    size_t (*walk)(void *c);
    void (*take)(void **c, size_t i);
    size_t (*memory)(const void *c);
    bool (*free_step)(void *c, size_t budget);
    const char *get_name, *change_name, *pick_name;
} kind;

static void *hash_create(void) {
    return rl_fields_create();
}
static void hash_add(void **c, size_t i) {
    rl_fields_set((rl_fields **)c, name(i), rl_bytes_of(name(i).ptr + 3, 10), 0, &small);
}
static size_t hash_get(void *c, size_t i) {
    rl_field_scratch scratch;
    rl_field f;
    return rl_fields_get(c, name(i), &scratch, &f) ? f.value.len : 0;
}
static void hash_change(void **c, size_t i) {
    rl_fields_set((rl_fields **)c, name(i), rl_bytes_of(name(i).ptr + 2, 10), 0, &small);
}
static size_t hash_pick(void **c, size_t count) {
    rl_field_scratch scratch;
    rl_field f;
    (void)count;
    rl_fields_random(*c, chance, &scratch, &f);
    return f.name.len;
}
static size_t hash_walk(void *c) {
    rl_fields_walk walk = {0};
    rl_field f;
    size_t sum = 0;
    while (rl_fields_next(c, &walk, &f))
        sum += f.value.len + (uint8_t)f.name.ptr[0];
    return sum;
}
static void hash_take(void **c, size_t i) {
    rl_fields_remove((rl_fields **)c, name(i));
}
static size_t hash_memory(const void *c) {
    return rl_fields_memory(c);
}
static bool hash_free(void *c, size_t budget) {
    return rl_fields_free_step(c, budget);
}

static void *set_create(void) {
    return rl_members_create();
}
static void set_add(void **c, size_t i) {
    rl_members_add((rl_members **)c, name(i), &set_limits);
}
static size_t set_get(void *c, size_t i) {
    return rl_members_has(c, name(i));
}
static size_t set_miss(void *c, size_t i) {
    return rl_members_has(c, name(LARGEST + i));
}
static size_t set_pick(void **c, size_t count) {
    rl_member_scratch scratch;
    (void)count;
    return rl_members_random(*c, chance, &scratch).len;
}
static size_t set_walk(void *c) {
    rl_members_walk walk = {0};
    rl_bytes member;
    size_t sum = 0;
    while (rl_members_next(c, &walk, &member))
        sum += member.len + (uint8_t)member.ptr[0];
    return sum;
}
static void set_take(void **c, size_t i) {
    rl_members_remove((rl_members **)c, name(i));
}
static size_t set_memory(const void *c) {
    return rl_members_memory(c);
}
static bool set_free(void *c, size_t budget) {
    return rl_members_free_step(c, budget);
}

static rl_bytes integer(size_t i) {
    return rl_bytes_of(name(i).ptr + 6, 7);
}
static void ints_add(void **c, size_t i) {
    rl_members_add((rl_members **)c, integer(i), &set_limits);
}
static size_t ints_get(void *c, size_t i) {
    return rl_members_has(c, integer(i));
}
static void ints_take(void **c, size_t i) {
    rl_members_remove((rl_members **)c, integer(i));
}

static double score(size_t i) {
    return (double)(i * 2654435761u % 100000000u) / 100;
}
static void *zset_create(void) {
    return rl_zset_create();
}
static void zset_add(void **c, size_t i) {
    rl_zset_set((rl_zset **)c, name(i), score(i), &small);
}
static void zset_add_in_order(void **c, size_t i) {
    rl_zset_set((rl_zset **)c, name(i), (double)i, &small);
}
static size_t zset_get(void *c, size_t i) {
    double s;
    return rl_zset_score(c, name(i), &s) ? (size_t)s : 0;
}
static void zset_change(void **c, size_t i) {
    rl_zset_set((rl_zset **)c, name(i), score(i + 7), &small);
}
static size_t zset_pick(void **c, size_t count) {
    size_t rank;
    double s;
    (void)count;
    rl_zset_rank(*c, name(order[rl_random_below(chance, count)]), &rank, &s);
    return rank;
}
static size_t zset_walk(void *c) {
    rl_zset_walk walk;
    rl_bytes member;
    double s;
    size_t sum = 0;
    rl_zset_walk_init(&walk, c, 0, false);
    while (rl_zset_next(&walk, &member, &s))
        sum += member.len + (uint8_t)member.ptr[0];
    return sum;
}
static void zset_take(void **c, size_t i) {
    rl_zset_remove((rl_zset **)c, name(i));
}
static size_t zset_memory(const void *c) {
    return rl_zset_memory(c);
}
static bool zset_free(void *c, size_t budget) {
    return rl_zset_free_step(c, budget);
}

static void *list_create(void) {
    return rl_list_create();
}
static void list_add(void **c, size_t i) {
    rl_list_push((rl_list **)c, i % 2 ? RL_LIST_LEFT : RL_LIST_RIGHT,
                 rl_bytes_of(name(i).ptr + 3, 10));
}
static void list_add_int(void **c, size_t i) {
    rl_list_push((rl_list **)c, RL_LIST_RIGHT, integer(i));
}
static size_t list_get(void *c, size_t i) {
    rl_list_scratch scratch;
    return rl_list_get(c, i, &scratch).len;
}
static void list_change(void **c, size_t i) {
    rl_list_set((rl_list **)c, i, rl_bytes_of(name(i).ptr + 2, 10));
}
static size_t list_pick(void **c, size_t count) {
    rl_list_insert((rl_list **)c, rl_random_below(chance, count), name(1));
    rl_list_remove((rl_list **)c, rl_random_below(chance, count), 1);
    return count;
}
static size_t list_walk(void *c) {
    rl_list_walk walk;
    rl_bytes value;
    size_t sum = 0;
    rl_list_walk_init(&walk, c, 0, false);
    while (rl_list_next(&walk, &value))
        sum += value.len;
    return sum;
}
static void list_take(void **c, size_t i) {
    rl_list *l = *c;
    rl_list_remove((rl_list **)c, i % 2 ? 0 : rl_list_count(l) - 1, 1);
}
static size_t list_memory(const void *c) {
    return rl_list_memory(c);
}
static bool list_free(void *c, size_t budget) {
    return rl_list_free_step(c, budget);
}

static const kind hash = {hash_create, hash_add,    hash_get,  hash_change, hash_pick, hash_walk,
                          hash_take,   hash_memory, hash_free, "get",       "replace", "random"};
static const kind set = {set_create, set_add,    set_get,  NULL,  set_pick, set_walk,
                         set_take,   set_memory, set_free, "has", "",       "random"};
static const kind set_misses = {set_create, set_add,    set_miss, NULL,        NULL, NULL,
                                NULL,       set_memory, set_free, "has, miss", "",   ""};
static const kind ints = {set_create, ints_add,   ints_get, NULL,  set_pick, set_walk,
                          ints_take,  set_memory, set_free, "has", "",       "random"};
static const kind zset = {zset_create, zset_add,    zset_get,  zset_change, zset_pick, zset_walk,
                          zset_take,   zset_memory, zset_free, "score",     "move",    "rank"};
static const kind zset_ordered = {zset_create, zset_add_in_order, zset_get,  NULL,
                                  zset_pick,   zset_walk,         zset_take, zset_memory,
                                  zset_free,   "score",           "",        "rank"};
static const kind list = {list_create, list_add,    list_get,  list_change, NULL,  list_walk,
                          list_take,   list_memory, list_free, "index",     "set", ""};
static const kind list_ints = {list_create, list_add_int, list_get,  NULL,
                               list_pick,   list_walk,    list_take, list_memory,
                               list_free,   "index",      "",        "insert+remove"};

/* ---- measuring ---- */

typedef struct sized {
    const kind *kind;
    size_t n;
} sized;

typedef struct run {
    micro *m;
    const kind *kind;
    void **collections;
    size_t collections_count, n;
} run;

static size_t operations(const run *r) {
    return r->n * r->collections_count;
}

/* In turn over the collections, so that each operation meets another one. */
#define FOR_ALL(r, i, c)                                                                           \
    for (size_t at_ = 0; at_ < (r)->n; at_++)                                                      \
        for (size_t i = order[at_], c = 0; c < (r)->collections_count; c++)

static void measure_add(run *r) {
    size_t bytes = 0;
    micro_start(r->m);
    FOR_ALL(r, i, c)
    r->kind->add(&r->collections[c], i);
    micro_stop(r->m, "add", operations(r));
    for (size_t c = 0; c < r->collections_count; c++)
        bytes += r->kind->memory(r->collections[c]);
    micro_bytes(r->m, "add", (double)bytes / (double)operations(r));
}

static void measure_reads(run *r) {
    const kind *k = r->kind;
    size_t sum = 0;
    micro_start(r->m);
    FOR_ALL(r, i, c)
    sum += k->get(r->collections[c], i);
    micro_stop(r->m, k->get_name, operations(r));
    if (k->walk) {
        micro_start(r->m);
        for (size_t c = 0; c < r->collections_count; c++)
            sum += k->walk(r->collections[c]);
        micro_stop(r->m, "walk", operations(r));
    }
    micro_sink(sum);
}

static void measure_changes(run *r) {
    const kind *k = r->kind;
    size_t sum = 0;
    if (k->change) {
        micro_start(r->m);
        FOR_ALL(r, i, c)
        k->change(&r->collections[c], i);
        micro_stop(r->m, k->change_name, operations(r));
    }
    if (k->pick) {
        micro_start(r->m);
        FOR_ALL(r, i, c)
        sum += k->pick(&r->collections[c], r->n) + i;
        micro_stop(r->m, k->pick_name, operations(r));
    }
    micro_sink(sum);
}

static void measure_take(run *r) {
    if (r->kind->take == NULL)
        return;
    micro_start(r->m);
    FOR_ALL(r, i, c)
    r->kind->take(&r->collections[c], i);
    micro_stop(r->m, "remove", operations(r));
    FOR_ALL(r, i, c)
    r->kind->add(&r->collections[c], i);
}

static void measure_free(run *r) {
    uint64_t longest = 0;
    micro_start(r->m);
    for (size_t c = 0; c < r->collections_count; c++) {
        bool gone = false;
        while (!gone) {
            uint64_t from = micro_cpu_ns();
            gone = r->kind->free_step(r->collections[c], RL_FREE_BUDGET);
            uint64_t took = micro_cpu_ns() - from;
            longest = took > longest ? took : longest;
        }
    }
    micro_stop(r->m, "free", operations(r));
    micro_longest(r->m, "free", longest);
}

static void measure(micro *m, const void *arg) {
    const sized *s = arg;
    run r = {m, s->kind, NULL, TOTAL / s->n ? TOTAL / s->n : 1, s->n};
    r.collections = rl_calloc(r.collections_count, sizeof *r.collections);
    order = micro_shuffled(m, s->n);
    chance = micro_random(m);
    for (size_t c = 0; c < r.collections_count; c++)
        r.collections[c] = s->kind->create();
    measure_add(&r);
    measure_reads(&r);
    measure_changes(&r);
    measure_take(&r);
    measure_free(&r);
    rl_free(r.collections);
}

#define SIZES(kind)                                                                                \
    {"types." #kind ".10", measure, &(const sized){&kind, 10}, false},                             \
        {"types." #kind ".100", measure, &(const sized){&kind, 100}, false},                       \
        {"types." #kind ".10000", measure, &(const sized){&kind, 10000}, false},                   \
        {"types." #kind ".1000000", measure, &(const sized){&kind, LARGEST}, true},

static const micro_case cases[] = {SIZES(hash) SIZES(set) SIZES(set_misses) SIZES(ints) SIZES(zset)
                                       SIZES(zset_ordered) SIZES(list) SIZES(list_ints)};
const micro_group micro_types = {cases, sizeof cases / sizeof *cases};
