/* SPDX-License-Identifier: MIT */
/* One table over the types. See structure.h. */
#include "keyspace/structure.h"

#include <assert.h>

/* ---- copies ---- */

static void *copy_hash(const void *structure, const rl_collection_limits *limits) {
    rl_fields *copy = rl_fields_create();
    rl_fields_walk walk = {0};
    rl_field f;
    while (rl_fields_next(structure, &walk, &f))
        rl_fields_set(&copy, f.name, f.value, f.expires_at, &limits->hash);
    return copy;
}

static void *copy_set(const void *structure, const rl_collection_limits *limits) {
    rl_members *copy = rl_members_create();
    rl_members_walk walk = {0};
    rl_bytes member;
    while (rl_members_next(structure, &walk, &member))
        rl_members_add(&copy, member, &limits->set);
    return copy;
}

static void *copy_zset(const void *structure, const rl_collection_limits *limits) {
    rl_zset *copy = rl_zset_create();
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_zset_walk_init(&walk, structure, 0, false);
    while (rl_zset_next(&walk, &member, &score))
        rl_zset_append(&copy, member, score, &limits->zset);
    return copy;
}

static void *copy_list(const void *structure, const rl_collection_limits *limits) {
    rl_list *copy = rl_list_create();
    rl_list_walk walk;
    rl_bytes value;
    (void)limits;
    rl_list_walk_init(&walk, structure, 0, false);
    while (rl_list_next(&walk, &value))
        rl_list_push(&copy, RL_LIST_RIGHT, value);
    return copy;
}

/* ---- row changes ---- */

static void write_hash(const void *structure, int64_t position, uint64_t id,
                       rl_batch_builder *batch) {
    rl_fields_walk walk = {0};
    rl_field f;
    (void)position;
    while (rl_fields_next(structure, &walk, &f))
        rl_batch_field(batch, id, f.expires_at ? f.expires_at : RL_NEVER, f.name, f.value);
}

static void write_set(const void *structure, int64_t position, uint64_t id,
                      rl_batch_builder *batch) {
    rl_members_walk walk = {0};
    rl_bytes member;
    (void)position;
    while (rl_members_next(structure, &walk, &member))
        rl_batch_member(batch, id, member);
}

static void write_zset(const void *structure, int64_t position, uint64_t id,
                       rl_batch_builder *batch) {
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    (void)position;
    rl_zset_walk_init(&walk, structure, 0, false);
    while (rl_zset_next(&walk, &member, &score))
        rl_batch_score(batch, id, score, member);
}

static void write_list(const void *structure, int64_t position, uint64_t id,
                       rl_batch_builder *batch) {
    rl_list_walk walk;
    rl_bytes value;
    rl_list_walk_init(&walk, structure, 0, false);
    while (rl_list_next(&walk, &value))
        rl_batch_item(batch, id, position++, value);
}

/* ---- the table ---- */

/* The functions of one type, with the type of their argument taken away. */
#define WRAP(type, name)                                                                           \
    static void *create_##name(void) {                                                             \
        return rl_##type##_create();                                                               \
    }                                                                                              \
    static void free_##name(void *structure) {                                                     \
        rl_##type##_free(structure);                                                               \
    }                                                                                              \
    static bool free_step_##name(void *structure, size_t budget) {                                 \
        return rl_##type##_free_step(structure, budget);                                           \
    }                                                                                              \
    static size_t count_##name(const void *structure) {                                            \
        return rl_##type##_count(structure);                                                       \
    }                                                                                              \
    static size_t memory_##name(const void *structure) {                                           \
        return rl_##type##_memory(structure);                                                      \
    }

WRAP(fields, hash)
WRAP(list, list)
WRAP(members, set)
WRAP(zset, zset)

#define ROW(name)                                                                                  \
    {                                                                                              \
        create_##name, free_##name, free_step_##name, count_##name, memory_##name, copy_##name,    \
            write_##name                                                                           \
    }

static const struct {
    void *(*create)(void);
    void (*free)(void *structure);
    bool (*free_step)(void *structure, size_t budget);
    size_t (*count)(const void *structure);
    size_t (*memory)(const void *structure);
    void *(*copy)(const void *structure, const rl_collection_limits *limits);
    void (*write)(const void *structure, int64_t position, uint64_t id, rl_batch_builder *batch);
} by_type[] = {
    [RL_TYPE_LIST] = ROW(list),
    [RL_TYPE_SET] = ROW(set),
    [RL_TYPE_ZSET] = ROW(zset),
    [RL_TYPE_HASH] = ROW(hash),
};

bool keyspace_is_collection(rl_type type) {
    return type >= RL_TYPE_LIST && type <= RL_TYPE_HASH;
}

void *keyspace_structure_create(rl_type type) {
    assert(keyspace_is_collection(type));
    return by_type[type].create();
}

void keyspace_structure_free(rl_type type, void *structure) {
    by_type[type].free(structure);
}

bool keyspace_structure_free_step(rl_type type, void *structure, size_t budget) {
    return by_type[type].free_step(structure, budget);
}

size_t keyspace_structure_count(rl_type type, const void *structure) {
    return by_type[type].count(structure);
}

size_t keyspace_structure_memory(rl_type type, const void *structure) {
    return by_type[type].memory(structure);
}

void *keyspace_structure_copy(rl_type type, const void *structure,
                              const rl_collection_limits *limits) {
    return by_type[type].copy(structure, limits);
}

void keyspace_structure_write(rl_type type, const void *structure, int64_t position, uint64_t id,
                              rl_batch_builder *batch) {
    by_type[type].write(structure, position, id, batch);
}
