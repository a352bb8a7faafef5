/* SPDX-License-Identifier: MIT */
/*
 * The collections by themselves, without a server: nanoseconds per operation and bytes per element
 * of hashes, sets, sorted sets and lists of 10, 100, 10,000 and a million elements, in random
 * order. Small ones are made many times over, so that they do not all fit the caches.
 *
 *   types [largest]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "types/fields.h"
#include "types/list.h"
#include "types/members.h"
#include "types/zset.h"

#define NAME_BYTES 16
#define LARGEST    1000000
#define TOTAL      200000 /* elements in all collections of a size together, at least */

static const rl_small_limits small = {128, 64};
static const rl_members_limits set_limits = {512, {128, 64}};

static char names[2 * LARGEST][NAME_BYTES]; /* the upper half is never in a collection */
static uint32_t order[LARGEST];
static rl_random random_source;
static volatile size_t sink; /* so that nothing measured is optimized away */

/* The processor's time of this thread: what else the machine does counts less. */
static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static rl_bytes name(size_t number) {
    return rl_bytes_of(names[number], 13);
}

static void prepare(size_t n) {
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t k = rl_random_below(&random_source, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

/* ---- what is measured ---- */

/* One kind of collection; each function works on element `i` of collection `c`. */
typedef struct kind {
    const char *name;
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
    bool in_order; /* elements are added in the order of their numbers */
} kind;

static void *hash_create(void) {
    return rl_fields_create();
}
static void hash_add(void **c, size_t i) {
    rl_fields_set((rl_fields **)c, name(i), rl_bytes_of(names[i] + 3, 10), 0, &small);
}
static size_t hash_get(void *c, size_t i) {
    rl_field_scratch scratch;
    rl_field f;
    return rl_fields_get(c, name(i), &scratch, &f) ? f.value.len : 0;
}
static void hash_change(void **c, size_t i) {
    rl_fields_set((rl_fields **)c, name(i), rl_bytes_of(names[i] + 2, 10), 0, &small);
}
static size_t hash_pick(void **c, size_t count) {
    rl_field_scratch scratch;
    rl_field f;
    (void)count;
    rl_fields_random(*c, &random_source, &scratch, &f);
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
    return rl_members_random(*c, &random_source, &scratch).len;
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
    return rl_bytes_of(names[i] + 6, 7);
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
    rl_zset_rank(*c, name(order[rl_random_below(&random_source, count)]), &rank, &s);
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
                 rl_bytes_of(names[i] + 3, 10));
}
static void list_add_int(void **c, size_t i) {
    rl_list_push((rl_list **)c, RL_LIST_RIGHT, integer(i));
}
static size_t list_get(void *c, size_t i) {
    rl_list_scratch scratch;
    return rl_list_get(c, i, &scratch).len;
}
static void list_change(void **c, size_t i) {
    rl_list_set((rl_list **)c, i, rl_bytes_of(names[i] + 2, 10));
}
static size_t list_pick(void **c, size_t count) {
    rl_list_insert((rl_list **)c, rl_random_below(&random_source, count), name(1));
    rl_list_remove((rl_list **)c, rl_random_below(&random_source, count), 1);
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

static const kind kinds[] = {
    {"hash", hash_create, hash_add, hash_get, hash_change, hash_pick, hash_walk, hash_take,
     hash_memory, hash_free, "get", "replace", "random", false},
    {"set", set_create, set_add, set_get, NULL, set_pick, set_walk, set_take, set_memory, set_free,
     "has", "", "random", false},
    {"set, misses", set_create, set_add, set_miss, NULL, NULL, NULL, NULL, set_memory, set_free,
     "has", "", "", false},
    {"set of integers", set_create, ints_add, ints_get, NULL, set_pick, set_walk, ints_take,
     set_memory, set_free, "has", "", "random", false},
    {"zset", zset_create, zset_add, zset_get, zset_change, zset_pick, zset_walk, zset_take,
     zset_memory, zset_free, "score", "move", "rank", false},
    {"zset in order", zset_create, zset_add_in_order, zset_get, NULL, zset_pick, zset_walk,
     zset_take, zset_memory, zset_free, "score", "", "rank", true},
    {"list", list_create, list_add, list_get, list_change, NULL, list_walk, list_take, list_memory,
     list_free, "index", "set", "", false},
    {"list of integers", list_create, list_add_int, list_get, NULL, list_pick, list_walk, list_take,
     list_memory, list_free, "index", "", "insert+remove", false},
};

/* ---- measuring ---- */

typedef struct run {
    const kind *kind;
    void **collections;
    size_t collections_count, n, done;
    uint64_t begun_ns;
} run;

static void begin(run *r) {
    r->done = 0;
    r->begun_ns = now_ns();
}

static void end(const run *r, const char *what) {
    double ns = (double)(now_ns() - r->begun_ns);
    printf("  %-14s %8.1f ns\n", what, ns / (double)(r->done ? r->done : 1));
}

/* In turn over the collections, so that each operation meets another one. */
#define FOR_ALL(r, i, c)                                                                           \
    for (size_t at_ = 0; at_ < (r)->n; at_++)                                                      \
        for (size_t i = order[at_], c = 0; c < (r)->collections_count; c++, (r)->done++)

static void measure_changes(run *r) {
    const kind *k = r->kind;
    begin(r);
    FOR_ALL(r, i, c)
    k->add(&r->collections[c], i);
    end(r, "add");
    size_t bytes = 0;
    for (size_t c = 0; c < r->collections_count; c++)
        bytes += k->memory(r->collections[c]);
    printf("  %-14s %8.1f bytes\n", "element",
           (double)bytes / (double)(r->n * r->collections_count));
}

static void measure_reads(run *r) {
    const kind *k = r->kind;
    size_t sum = 0;
    begin(r);
    FOR_ALL(r, i, c)
    sum += k->get(r->collections[c], i);
    end(r, k->get_name);
    if (k->change) {
        begin(r);
        FOR_ALL(r, i, c)
        k->change(&r->collections[c], i);
        end(r, k->change_name);
    }
    if (k->pick) {
        begin(r);
        FOR_ALL(r, i, c)
        sum += k->pick(&r->collections[c], r->n) + i;
        end(r, k->pick_name);
    }
    if (k->walk) {
        begin(r);
        for (size_t c = 0; c < r->collections_count; c++, r->done += r->n)
            sum += k->walk(r->collections[c]);
        end(r, "walk");
    }
    sink += sum;
}

static void measure_free(run *r) {
    uint64_t longest = 0;
    begin(r);
    for (size_t c = 0; c < r->collections_count; c++) {
        bool gone = false;
        while (!gone) {
            uint64_t from = now_ns();
            gone = r->kind->free_step(r->collections[c], RL_FREE_BUDGET);
            uint64_t took = now_ns() - from;
            longest = took > longest ? took : longest;
        }
        r->done += r->n;
    }
    end(r, "free");
    printf("  %-14s %8.1f us\n", "longest step", (double)longest / 1000);
}

static void measure(const kind *k, size_t n) {
    run r = {.kind = k, .n = n, .collections_count = TOTAL / n ? TOTAL / n : 1};
    r.collections = rl_calloc(r.collections_count, sizeof *r.collections);
    printf("%s of %zu\n", k->name, n);
    prepare(n);
    for (size_t c = 0; c < r.collections_count; c++)
        r.collections[c] = k->create();
    measure_changes(&r);
    measure_reads(&r);
    if (k->take) {
        begin(&r);
        FOR_ALL(&r, i, c)
        k->take(&r.collections[c], i);
        end(&r, "remove");
        FOR_ALL(&r, i, c)
        k->add(&r.collections[c], i);
    }
    measure_free(&r);
    rl_free(r.collections);
}

int main(int argc, char **argv) {
    static const size_t sizes[] = {10, 100, 10000, 1000000};
    size_t largest = argc > 1 ? strtoul(argv[1], NULL, 10) : LARGEST;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    rl_hash_init();
    rl_random_seed(&random_source, 1);
    for (size_t i = 0; i < 2 * LARGEST; i++)
        snprintf(names[i], NAME_BYTES, "name:%08zu", i + 1000000);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            if (sizes[s] <= largest)
                measure(&kinds[k], sizes[s]);
    return 0;
}
