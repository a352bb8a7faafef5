/* SPDX-License-Identifier: MIT */
/* The elements of collections, for DEBUG. See debug.h. */
#include "commands/debug.h"

typedef void (*element_function)(void *arg, const rl_store_element *element);

static void each_field(const rl_fields *h, element_function each, void *arg) {
    rl_fields_walk walk = {0};
    rl_field f;
    while (rl_fields_next(h, &walk, &f)) {
        rl_store_element element = {
            .name = f.name, .value = f.value, .expires_at = f.expires_at ? f.expires_at : RL_NEVER};
        each(arg, &element);
    }
}

static void each_member(const rl_members *s, element_function each, void *arg) {
    rl_members_walk walk = {0};
    rl_store_element element = {.expires_at = RL_NEVER};
    while (rl_members_next(s, &walk, &element.name))
        each(arg, &element);
}

static void each_score(const rl_zset *z, element_function each, void *arg) {
    rl_zset_walk walk;
    rl_store_element element = {.expires_at = RL_NEVER};
    rl_zset_walk_init(&walk, z, 0, false);
    while (rl_zset_next(&walk, &element.name, &element.score))
        each(arg, &element);
}

static void each_item(const rl_list *l, element_function each, void *arg) {
    rl_list_walk walk;
    rl_store_element element = {.expires_at = RL_NEVER};
    rl_list_walk_init(&walk, l, 0, false);
    for (; rl_list_next(&walk, &element.value); element.position++)
        each(arg, &element);
}

void rl_cmd_each_element(const rl_entry *e, element_function each, void *arg) {
    if (e->type == RL_TYPE_HASH)
        each_field(*(rl_fields **)rl_entry_place(e), each, arg);
    else if (e->type == RL_TYPE_SET)
        each_member(*(rl_members **)rl_entry_place(e), each, arg);
    else if (e->type == RL_TYPE_ZSET)
        each_score(*(rl_zset **)rl_entry_place(e), each, arg);
    else if (e->type == RL_TYPE_LIST)
        each_item(*(rl_list **)rl_entry_place(e), each, arg);
}

/* ---- the length of a dump: lengths and bytes ---- */

static size_t length_bytes(size_t len) {
    return len < 64 ? 1 : len < 16384 ? 2 : 5;
}

typedef struct measure {
    rl_type type;
    size_t bytes;
} measure;

static void measure_element(void *arg, const rl_store_element *element) {
    measure *m = arg;
    if (m->type != RL_TYPE_LIST)
        m->bytes += length_bytes(element->name.len) + element->name.len;
    if (m->type == RL_TYPE_LIST || m->type == RL_TYPE_HASH)
        m->bytes += length_bytes(element->value.len) + element->value.len;
    if (m->type == RL_TYPE_ZSET || element->expires_at != RL_NEVER)
        m->bytes += 8;
}

size_t rl_cmd_serialized_length(const rl_entry *e) {
    if (e->type == RL_TYPE_STRING)
        return length_bytes(e->value_len) + e->value_len;
    measure m = {e->type, length_bytes(rl_entry_count(e))};
    rl_cmd_each_element(e, measure_element, &m);
    return m.bytes;
}
