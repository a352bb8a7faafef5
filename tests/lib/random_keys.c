/* SPDX-License-Identifier: MIT */
/* See random_keys.h. */
#include "lib/random_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { KEYS = 6, ELEMENTS = 30 };

/* The one keyspace at work. */
static rl_keyspace *ks;
static rl_random *dice;
static int64_t now_ms;

rl_keyspace *random_keys_create(rl_batch_builder *batch) {
    rl_keyspace *made = rl_keyspace_create(RANDOM_KEYS_DBS, batch);
    rl_keyspace_set_limits(
        made, &(rl_collection_limits){.hash = {8, 10}, .zset = {8, 10}, .set = {8, {8, 10}}});
    return made;
}

/* ---- random operations ---- */

typedef struct target {
    char name[16];
    rl_bytes key;
    uint64_t hash;
    int db;
} target;

static uint64_t below(uint64_t limit) {
    return rl_random_below(dice, limit);
}

static void any_key(target *t) {
    t->db = (int)below(RANDOM_KEYS_DBS);
    snprintf(t->name, sizeof t->name, "k%d", (int)below(KEYS));
    t->key = rl_bytes_text(t->name);
    t->hash = rl_hash(t->key);
}

static rl_bytes any_element(char out[16]) {
    int n = (int)below(ELEMENTS);
    snprintf(out, 16, n % 3 ? "%d" : "element-%d", n);
    return rl_bytes_text(out);
}

static bool open_any(rl_collection *c, target *t, rl_type type) {
    any_key(t);
    return rl_collection_open(c, ks, t->db, t->key, t->hash, type, RL_LOOK_WRITE);
}

static void change_string(void) {
    target t;
    char value[16];
    any_key(&t);
    rl_bytes bytes = any_element(value);
    rl_entry *e = rl_keyspace_find(ks, t.db, t.key, t.hash, RL_LOOK_WRITE);
    if (e && e->type == RL_TYPE_STRING && below(2))
        rl_keyspace_patch(ks, t.db, e, t.hash, below(400), bytes);
    else
        rl_keyspace_set(ks, t.db, t.key, t.hash, bytes,
                        below(2) ? RL_NEVER : now_ms + (int64_t)below(60));
}

static void change_hash(void) {
    rl_collection c;
    target t;
    char field[16], value[16];
    if (!open_any(&c, &t, RL_TYPE_HASH))
        return;
    for (uint64_t n = 1 + below(4); n > 0; n--) {
        uint64_t what = below(10);
        any_element(field);
        any_element(value);
        if (what < 4)
            rl_key_hash_set(&c, rl_bytes_text(field), rl_bytes_text(value),
                            what == 0   ? RL_FIELD_KEEP
                            : what == 1 ? now_ms + 1 + (int64_t)below(50)
                                        : 0);
        else if (what < 6)
            rl_key_hash_expire(&c, rl_bytes_text(field),
                               what == 4 ? 0 : now_ms - 5 + (int64_t)below(50));
        else
            rl_key_hash_remove(&c, rl_bytes_text(field));
    }
    rl_collection_done(&c);
}

static void change_set(void) {
    rl_collection c;
    target t;
    char member[16];
    rl_buffer popped = {0};
    if (!open_any(&c, &t, RL_TYPE_SET))
        return;
    for (uint64_t n = 1 + below(6); n > 0; n--) {
        if (below(2))
            rl_key_set_add(&c, any_element(member));
        else if (below(3))
            rl_key_set_remove(&c, any_element(member));
        else if (rl_collection_count(&c))
            rl_key_set_pop(&c, &popped);
    }
    rl_buffer_release(&popped);
    rl_collection_done(&c);
}

static void change_zset(void) {
    rl_collection c;
    target t;
    char member[16];
    if (!open_any(&c, &t, RL_TYPE_ZSET))
        return;
    for (uint64_t n = 1 + below(6); n > 0; n--) {
        if (below(2))
            rl_key_zset_set(&c, any_element(member), (double)below(5) / 2);
        else if (below(3))
            rl_key_zset_remove(&c, any_element(member));
        else if (c.entry)
            rl_key_zset_remove_range(&c, below(4), below(10), NULL, NULL);
    }
    rl_collection_done(&c);
}

/* Takes out each value with one chance in `odds`. */
static void remove_some(rl_collection *c, size_t count, uint64_t odds) {
    size_t *indexes = rl_malloc(count * sizeof *indexes), some = 0;
    for (size_t i = 0; i < count; i++)
        if (below(odds) == 0)
            indexes[some++] = i;
    if (some)
        rl_key_list_remove_many(c, indexes, some);
    rl_free(indexes);
}

static void change_list(void) {
    rl_collection c;
    target t;
    char value[16];
    if (!open_any(&c, &t, RL_TYPE_LIST))
        return;
    for (uint64_t n = 1 + below(8); n > 0; n--) {
        size_t count = rl_collection_count(&c);
        switch (below(7)) {
        case 0:
        case 1:
            rl_key_list_push(&c, below(2) ? RL_LIST_LEFT : RL_LIST_RIGHT, any_element(value));
            break;
        case 2:
            if (count)
                rl_key_list_insert(&c, below(count + 1), any_element(value));
            break;
        case 3:
            if (count)
                rl_key_list_set(&c, below(count), any_element(value));
            break;
        case 4:
            if (count)
                remove_some(&c, count, 1 + below(below(3) ? 20 : 3));
            break;
        default:
            if (count)
                rl_key_list_remove(&c, below(count), 1 + below(below(3) ? 2 : 40));
        }
    }
    rl_collection_done(&c);
}

static void change_names(void) {
    target t, to;
    any_key(&t);
    any_key(&to);
    rl_entry *e = rl_keyspace_find(ks, t.db, t.key, t.hash, RL_LOOK_WRITE);
    bool same = t.db == to.db && strcmp(t.name, to.name) == 0;
    if (e == NULL || same)
        return;
    rl_keyspace_find(ks, to.db, to.key, to.hash, RL_LOOK_WRITE);
    if (below(2))
        rl_keyspace_rename(ks, t.db, t.key, t.hash, to.db, to.key, to.hash);
    else
        rl_keyspace_copy(ks, e, to.db, to.key, to.hash);
}

static void change_key(void) {
    target t;
    any_key(&t);
    rl_entry *e = rl_keyspace_find(ks, t.db, t.key, t.hash, RL_LOOK_WRITE);
    if (e == NULL)
        return;
    if (below(3) == 0)
        rl_keyspace_delete(ks, t.db, t.key, t.hash);
    else
        rl_keyspace_expire(ks, t.db, e, t.hash, below(3) ? now_ms + (int64_t)below(60) : RL_NEVER);
}

static void store_set(void) {
    target t;
    char member[16];
    rl_members *s = rl_members_create();
    any_key(&t);
    for (uint64_t n = below(5); n > 0; n--)
        rl_members_add(&s, any_element(member), &rl_keyspace_limits(ks)->set);
    rl_keyspace_store(ks, t.db, t.key, t.hash, RL_TYPE_SET, s);
}

static void change_databases(void) {
    if (below(20) == 0)
        rl_keyspace_clear(ks, (int)below(RANDOM_KEYS_DBS + 1) - 1);
    else if (below(5) == 0)
        rl_keyspace_swap(ks, 0, 1);
}

static const struct {
    const char *name;
    void (*run)(void);
} operations[] = {
    {"hash", change_hash}, {"hash", change_hash},           {"set", change_set},
    {"zset", change_zset}, {"list", change_list},           {"list", change_list},
    {"list", change_list}, {"names", change_names},         {"key", change_key},
    {"store", store_set},  {"databases", change_databases}, {"string", change_string},
};

const char *random_keys_step(rl_keyspace *of, rl_random *random, int64_t now) {
    ks = of;
    dice = random;
    now_ms = now;
    size_t which = below(sizeof operations / sizeof *operations);
    operations[which].run();
    return operations[which].name;
}

uint64_t random_keys_hash(rl_bytes key) {
    return rl_hash(key);
}

/* ---- a digest ---- */

static uint64_t mix(uint64_t digest, rl_bytes bytes) {
    return XXH3_64bits_withSeed(bytes.ptr, bytes.len, digest + bytes.len);
}

static uint64_t mix_number(uint64_t digest, const void *number) {
    return mix(digest, rl_bytes_of(number, 8));
}

static uint64_t hash_digest(const rl_fields *h, uint64_t digest) {
    rl_fields_walk walk = {0};
    rl_field f;
    uint64_t sum = 0;
    while (rl_fields_next(h, &walk, &f))
        sum += mix_number(mix(mix(digest, f.name), f.value), &f.expires_at);
    return sum;
}

static uint64_t set_digest(const rl_members *s, uint64_t digest) {
    rl_members_walk walk = {0};
    rl_bytes member;
    uint64_t sum = 0;
    while (rl_members_next(s, &walk, &member))
        sum += mix(digest, member);
    return sum;
}

static uint64_t zset_digest(const rl_zset *z, uint64_t digest) {
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    uint64_t sum = 0;
    rl_zset_walk_init(&walk, z, 0, false);
    while (rl_zset_next(&walk, &member, &score))
        sum += mix_number(mix(digest, member), &score);
    return sum;
}

static uint64_t list_digest(const rl_entry *e, uint64_t digest) {
    rl_list_walk walk;
    rl_bytes value;
    digest = mix_number(digest, rl_entry_position(e));
    rl_list_walk_init(&walk, *(rl_list **)rl_entry_place(e), 0, false);
    while (rl_list_next(&walk, &value))
        digest = mix(digest, value);
    return digest;
}

typedef struct summing {
    uint64_t sum, db;
} summing;

static void add_key(void *arg, rl_entry *e) {
    summing *s = arg;
    uint64_t head[] = {e->id, e->type};
    int64_t expires_at = rl_entry_expires_at(e);
    uint64_t digest = mix(s->db, rl_entry_key(e));
    digest = mix_number(mix_number(mix_number(digest, &head[0]), &head[1]), &expires_at);
    if (e->type == RL_TYPE_STRING)
        digest = mix(digest, rl_entry_value(e));
    else if (e->type == RL_TYPE_LIST)
        digest = list_digest(e, digest);
    else if (e->type == RL_TYPE_HASH)
        digest += hash_digest(*(rl_fields **)rl_entry_place(e), digest);
    else if (e->type == RL_TYPE_SET)
        digest += set_digest(*(rl_members **)rl_entry_place(e), digest);
    else
        digest += zset_digest(*(rl_zset **)rl_entry_place(e), digest);
    s->sum += digest;
}

uint64_t random_keys_digest(rl_keyspace *of) {
    summing s = {0};
    for (int db = 0; db < RANDOM_KEYS_DBS; db++) {
        uint64_t cursor = 0;
        s.db = (uint64_t)db;
        do
            cursor = rl_keyspace_scan(of, db, cursor, 1000, add_key, &s);
        while (cursor);
    }
    return s.sum;
}
