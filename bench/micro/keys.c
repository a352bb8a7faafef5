/* SPDX-License-Identifier: MIT */
/* The table of keys and the heap of those that expire. */
#include "base/hash.h"
#include "keyspace/expiry.h"
#include "keyspace/table.h"
#include "micro.h"

enum { KEYS = 500000, MISSES = MICRO_NAMES / 2 };

static uint64_t hash_of(size_t number) {
    return rl_hash(micro_name(number));
}

static rl_entry *entry(size_t number) {
    return rl_entry_create(number + 1, RL_TYPE_STRING, micro_name(number), micro_name(number));
}

/* Growth from nothing: what a step of it costs at worst is the longest insert. */
static void insert(micro *m, rl_table *t) {
    const uint32_t *order = micro_shuffled(m, KEYS);
    micro_start(m);
    for (size_t i = 0; i < KEYS; i++)
        rl_table_insert(t, hash_of(order[i]), entry(order[i]));
    micro_stop(m, "insert", KEYS);
    micro_bytes(m, "insert", (double)rl_table_memory(t) / KEYS);
}

static void longest_insert(micro *m) {
    rl_table *t = rl_table_create(0);
    uint64_t longest = 0;
    micro_start(m);
    for (size_t i = 0; i < KEYS; i++) {
        rl_entry *e = entry(i);
        uint64_t hash = hash_of(i), from = micro_cpu_ns();
        rl_table_insert(t, hash, e);
        uint64_t took = micro_cpu_ns() - from;
        longest = took > longest ? took : longest;
    }
    micro_stop(m, "insert, each timed", KEYS);
    micro_longest(m, "insert, each timed", longest);
    rl_table_free(t);
}

static void find(micro *m, const rl_table *t, const char *row, size_t from) {
    size_t found = 0;
    const uint32_t *order = micro_shuffled(m, KEYS);
    micro_start(m);
    for (size_t i = 0; i < KEYS; i++) {
        size_t number = from + order[i];
        found += rl_table_find(t, micro_name(number), hash_of(number)) != NULL;
    }
    micro_stop(m, row, KEYS);
    micro_must(found == (from ? 0 : KEYS), "finding keys");
}

/* As a pipeline does it: the cache lines of a window of keys are got under way first. */
static void find_ahead(micro *m, const rl_table *t) {
    enum { WINDOW = 16 };
    size_t found = 0;
    const uint32_t *order = micro_shuffled(m, KEYS);
    micro_start(m);
    for (size_t i = 0; i < KEYS; i += WINDOW) {
        uint64_t hashes[WINDOW];
        for (size_t k = 0; k < WINDOW; k++) {
            hashes[k] = hash_of(order[i + k]);
            rl_table_prefetch_bucket(t, hashes[k]);
        }
        for (size_t k = 0; k < WINDOW; k++)
            rl_table_prefetch_entry(t, hashes[k]);
        for (size_t k = 0; k < WINDOW; k++)
            found += rl_table_find(t, micro_name(order[i + k]), hashes[k]) != NULL;
    }
    micro_stop(m, "hit, 16 ahead", KEYS);
    micro_must(found == KEYS, "finding keys");
}

static void seen(void *arg, rl_entry *e) {
    *(size_t *)arg += e->key_len;
}

static void scan(micro *m, const rl_table *t) {
    size_t sum = 0;
    uint64_t cursor = 0;
    micro_start(m);
    do
        cursor = rl_table_scan(t, cursor, 10, seen, &sum);
    while (cursor);
    micro_stop(m, "scan", KEYS);
    micro_sink(sum);
}

static void delete (micro *m, rl_table *t) {
    const uint32_t *order = micro_shuffled(m, KEYS);
    micro_start(m);
    for (size_t i = 0; i < KEYS; i++) {
        uint64_t hash = hash_of(order[i]);
        rl_slot slot = rl_table_find(t, micro_name(order[i]), hash);
        rl_entry *e = *slot;
        rl_table_remove(t, slot, hash);
        rl_entry_free(e);
    }
    micro_stop(m, "delete", KEYS);
}

static void table(micro *m, const void *arg) {
    (void)arg;
    rl_table *t = rl_table_create(0);
    insert(m, t);
    find(m, t, "hit", 0);
    find_ahead(m, t);
    find(m, t, "miss", MISSES);
    scan(m, t);
    delete (m, t);
    rl_table_free(t);
    longest_insert(m);
}

static void expiry(micro *m, const void *arg) {
    enum { COUNT = 200000 };
    static rl_entry *entries[COUNT];
    rl_expiry *x = rl_expiry_create();
    int64_t at;
    (void)arg;
    for (size_t i = 0; i < COUNT; i++)
        entries[i] = rl_entry_set_expiring(entry(i), true);
    micro_start(m);
    for (size_t i = 0; i < COUNT; i++)
        rl_expiry_add(x, entries[i], (int64_t)rl_random_below(micro_random(m), 1u << 30));
    micro_stop(m, "add", COUNT);
    micro_start(m);
    for (size_t i = 0; i < COUNT; i++)
        rl_expiry_change(x, entries[i], (int64_t)(1u << 30) + (int64_t)i);
    micro_stop(m, "put off", COUNT);
    micro_start(m);
    for (rl_entry *e = rl_expiry_next(x, &at); e; e = rl_expiry_next(x, &at))
        rl_expiry_remove(x, e);
    micro_stop(m, "take the next", COUNT);
    for (size_t i = 0; i < COUNT; i++)
        rl_entry_free(entries[i]);
    rl_expiry_free(x);
}

static const micro_case cases[] = {
    {"keys", table, NULL, false},
    {"expiry", expiry, NULL, false},
};
const micro_group micro_keys = {cases, sizeof cases / sizeof *cases};
