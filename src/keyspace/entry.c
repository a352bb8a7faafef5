/* SPDX-License-Identifier: MIT */
/* Entries. See entry.h for the layout. */
#include "keyspace/entry.h"

#include <assert.h>

#include "base/alloc.h"
#include "keyspace/structure.h"

/*
 * The size class of an allocation: multiples of 16 up to 128, then four steps per doubling. These
 * are jemalloc's classes, so asking for the class wastes nothing; with another allocator they are
 * still right, since we allocate the class itself.
 */
static inline size_t size_class(size_t size) {
    if (size <= 128)
        return (size + 15) & ~(size_t)15;
    unsigned log = 63 - (unsigned)__builtin_clzll(size - 1);
    size_t step = (size_t)1 << (log - 2);
    return (size + step - 1) & ~(step - 1);
}

static inline size_t entry_bytes(const rl_entry *e) {
    return rl_entry_key_offset(e) + e->key_len + (e->flags & RL_ENTRY_OUTSIDE ? 0 : e->value_len);
}

static inline void set_outside(rl_entry *e, char *value) {
    *(char **)((char *)e + rl_entry_outside_offset(e)) = value;
}

static char *outside_alloc(size_t len) {
    return rl_malloc(size_class(len ? len : 1));
}

/*
 * A copy with these flags, key and room for a value of value_len, in a new allocation. The value
 * itself is not filled in; the expiry part is copied when both have one and zeroed when it is new.
 */
static rl_entry *rebuild(const rl_entry *e, unsigned flags, rl_bytes key, size_t value_len) {
    rl_entry shape = *e;
    shape.flags = flags & 0xfff;
    shape.key_len = (uint32_t)key.len;
    shape.value_len = (uint32_t)value_len;
    rl_entry *to = rl_malloc(size_class(entry_bytes(&shape)));
    *to = shape;
    if (flags & RL_ENTRY_EXPIRES) {
        if (e->flags & RL_ENTRY_EXPIRES)
            *rl_entry_expiry_part(to) = *rl_entry_expiry_part(e);
        else
            *rl_entry_expiry_part(to) = (rl_entry_expiry){0};
    }
    if (flags & e->flags & RL_ENTRY_LIST)
        *rl_entry_position(to) = *rl_entry_position(e);
    memcpy((char *)to + rl_entry_key_offset(to), key.ptr, key.len);
    return to;
}

rl_entry *rl_entry_create(uint64_t id, rl_type type, rl_bytes key, rl_bytes value) {
    assert(key.len <= RL_ENTRY_KEY_MAX && value.len <= RL_ENTRY_VALUE_MAX);
    rl_entry shape = {.id = id & 0xffffffffffffu, .type = (unsigned)type & 15u};
    unsigned flags = value.len > RL_ENTRY_INSIDE_MAX ? RL_ENTRY_OUTSIDE : 0;
    rl_entry *e = rebuild(&shape, flags, key, value.len);
    if (flags & RL_ENTRY_OUTSIDE)
        set_outside(e, outside_alloc(value.len));
    if (value.len)
        memcpy(rl_entry_value_ptr(e), value.ptr, value.len);
    return e;
}

rl_entry *rl_entry_create_collection(uint64_t id, rl_type type, rl_bytes key, void *structure) {
    assert(key.len <= RL_ENTRY_KEY_MAX && keyspace_is_collection(type));
    rl_entry shape = {.id = id & 0xffffffffffffu, .type = (unsigned)type & 15u};
    unsigned flags = RL_ENTRY_OUTSIDE | (type == RL_TYPE_LIST ? RL_ENTRY_LIST : 0);
    rl_entry *e = rebuild(&shape, flags, key, 0);
    if (flags & RL_ENTRY_LIST)
        *rl_entry_position(e) = 0;
    set_outside(e, structure);
    return e;
}

void rl_entry_free(rl_entry *e) {
    rl_type type = e->type;
    void *structure = rl_entry_free_shell(e);
    if (structure)
        keyspace_structure_free(type, structure);
}

void *rl_entry_free_shell(rl_entry *e) {
    void *structure = NULL;
    if (keyspace_is_collection(e->type))
        structure = *(void **)rl_entry_place(e);
    else if (e->flags & RL_ENTRY_OUTSIDE)
        rl_free(rl_entry_value_ptr(e));
    rl_free(e);
    return structure;
}

/* True when a value of `len` bytes fits where the present one is. */
static bool fits_in_place(const rl_entry *e, size_t len) {
    bool outside = len > RL_ENTRY_INSIDE_MAX;
    if (outside != !!(e->flags & RL_ENTRY_OUTSIDE))
        return false;
    if (outside)
        return size_class(len) == size_class(e->value_len);
    size_t fixed = rl_entry_key_offset(e) + e->key_len;
    return size_class(fixed + len) == size_class(fixed + e->value_len);
}

rl_entry *rl_entry_set_value(rl_entry *e, rl_bytes value) {
    assert(value.len <= RL_ENTRY_VALUE_MAX);
    if (fits_in_place(e, value.len)) {
        if (value.len)
            memmove(rl_entry_value_ptr(e), value.ptr, value.len);
        e->value_len = (uint32_t)value.len;
        return e;
    }
    bool outside = value.len > RL_ENTRY_INSIDE_MAX;
    if (outside && e->flags & RL_ENTRY_OUTSIDE) { /* only the value's own allocation changes */
        char *old = rl_entry_value_ptr(e);
        char *fresh = outside_alloc(value.len);
        memcpy(fresh, value.ptr, value.len);
        set_outside(e, fresh);
        e->value_len = (uint32_t)value.len;
        rl_free(old);
        return e;
    }
    unsigned flags = (e->flags & ~(unsigned)RL_ENTRY_OUTSIDE) | (outside ? RL_ENTRY_OUTSIDE : 0);
    rl_entry *to = rebuild(e, flags, rl_entry_key(e), value.len);
    if (outside)
        set_outside(to, outside_alloc(value.len));
    if (value.len)
        memcpy(rl_entry_value_ptr(to), value.ptr, value.len);
    rl_entry_free(e);
    return to;
}

rl_entry *rl_entry_resize_value(rl_entry *e, size_t len) {
    assert(len <= RL_ENTRY_VALUE_MAX);
    size_t old_len = e->value_len, kept = old_len < len ? old_len : len;
    if (!fits_in_place(e, len)) {
        if (len > RL_ENTRY_INSIDE_MAX && e->flags & RL_ENTRY_OUTSIDE) {
            set_outside(e, rl_realloc(rl_entry_value_ptr(e), size_class(len)));
        } else {
            bool outside = len > RL_ENTRY_INSIDE_MAX;
            unsigned flags =
                (e->flags & ~(unsigned)RL_ENTRY_OUTSIDE) | (outside ? RL_ENTRY_OUTSIDE : 0);
            rl_entry *to = rebuild(e, flags, rl_entry_key(e), len);
            if (outside)
                set_outside(to, outside_alloc(len));
            memcpy(rl_entry_value_ptr(to), rl_entry_value_ptr(e), kept);
            rl_entry_free(e);
            e = to;
        }
    }
    e->value_len = (uint32_t)len;
    if (len > old_len)
        memset(rl_entry_value_ptr(e) + old_len, 0, len - old_len);
    return e;
}

/* Moves the value (inside: its bytes, outside: its pointer) to a rebuilt entry and frees the old
 * shell. */
static rl_entry *move_value(rl_entry *e, rl_entry *to) {
    if (e->flags & RL_ENTRY_OUTSIDE)
        set_outside(to, rl_entry_value_ptr(e));
    else if (e->value_len)
        memcpy(rl_entry_value_ptr(to), rl_entry_value_ptr(e), e->value_len);
    rl_free(e);
    return to;
}

rl_entry *rl_entry_set_expiring(rl_entry *e, bool expires) {
    if (expires == !!(e->flags & RL_ENTRY_EXPIRES))
        return e;
    unsigned flags = e->flags ^ RL_ENTRY_EXPIRES;
    return move_value(e, rebuild(e, flags, rl_entry_key(e), e->value_len));
}

rl_entry *rl_entry_rename(rl_entry *e, rl_bytes key) {
    return move_value(e, rebuild(e, e->flags, key, e->value_len));
}

size_t rl_entry_memory(const rl_entry *e) {
    size_t bytes = size_class(entry_bytes(e));
    if (keyspace_is_collection(e->type))
        bytes += keyspace_structure_memory(e->type, *(void **)rl_entry_place(e));
    else if (e->flags & RL_ENTRY_OUTSIDE)
        bytes += size_class(e->value_len);
    return bytes;
}
