/* SPDX-License-Identifier: MIT */
#include "commands/sort_pattern.h"

#include "server/session.h"

rl_sort_pattern rl_sort_pattern_of(rl_bytes text) {
    rl_sort_pattern p = {.self = text.len == 1 && text.ptr[0] == '#'};
    const char *star = text.len ? memchr(text.ptr, '*', text.len) : NULL;
    if (star == NULL)
        return p;
    p.star = true;
    p.before = rl_bytes_of(text.ptr, (size_t)(star - text.ptr));
    p.after = rl_bytes_of(star + 1, text.len - p.before.len - 1);
    const char *arrow = p.after.len ? memmem(p.after.ptr, p.after.len, "->", 2) : NULL;
    size_t name = arrow ? (size_t)(arrow - p.after.ptr) : 0;
    if (arrow && name + 2 < p.after.len) { /* an arrow at the very end belongs to the name */
        p.field = rl_bytes_of(arrow + 2, p.after.len - name - 2);
        p.after.len = name;
    }
    return p;
}

static bool field_value(rl_sort_lookup *l, rl_entry *e, uint64_t hash, rl_bytes field,
                        rl_bytes *value) {
    rl_collection object;
    rl_field found;
    if (e->type != RL_TYPE_HASH)
        return false;
    rl_collection_open_entry(&object, l->c->keys, l->c->db, e, hash);
    const rl_fields *fields = rl_hash_of(&object);
    if (fields == NULL || !rl_fields_get(fields, field, &l->scratch, &found))
        return false;
    *value = found.value;
    return true;
}

bool rl_sort_lookup_value(rl_sort_lookup *l, const rl_sort_pattern *p, rl_bytes element,
                          rl_bytes *value) {
    if (p->self) {
        *value = element;
        return true;
    }
    if (!p->star)
        return false;
    rl_buffer_clear(&l->name);
    rl_buffer_add_bytes(&l->name, p->before);
    rl_buffer_add_bytes(&l->name, element);
    rl_buffer_add_bytes(&l->name, p->after);
    rl_bytes key = rl_buffer_bytes(&l->name);
    uint64_t hash = rl_hash(key);
    rl_look look = l->c->session->no_touch ? RL_LOOK_READ_NOTOUCH : RL_LOOK_READ;
    rl_entry *e = rl_keyspace_find(l->c->keys, l->c->db, key, hash, look);
    if (e == NULL)
        return false;
    if (p->field.len)
        return field_value(l, e, hash, p->field, value);
    if (e->type != RL_TYPE_STRING)
        return false;
    *value = rl_entry_value(e);
    return true;
}

void rl_sort_lookup_release(rl_sort_lookup *l) {
    rl_buffer_release(&l->name);
}
