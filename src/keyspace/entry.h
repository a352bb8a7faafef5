/* SPDX-License-Identifier: MIT */
/*
 * An entry: one key in memory, in one allocation.
 *
 *     header (24 bytes)
 *     expiry (16)          only with RL_ENTRY_EXPIRES
 *     first position (8)   only of a list
 *     pointer (8)          only with RL_ENTRY_OUTSIDE: to the value, or to a collection's structure
 *     key bytes
 *     value bytes          only without RL_ENTRY_OUTSIDE
 *
 * A short string is inside, so a lookup costs one cache line or two; a longer one has an allocation
 * of its own without any header, so that 1,024 bytes take 1,024 bytes. Sizes are not stored: an
 * allocation always has the size class of what the lengths add up to, so a value is overwritten in
 * place while its class stays the same, and the entry moves otherwise. Functions that can move it
 * return where it is now; the old pointer is then dead.
 *
 * Loop thread. Owned by the table of its database.
 */
#ifndef RL_KEYSPACE_ENTRY_H
#define RL_KEYSPACE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "store/batch.h"

enum {
    RL_ENTRY_EXPIRES = 1, /* has the expiry part */
    RL_ENTRY_OUTSIDE = 2, /* the value is in an allocation of its own */
    RL_ENTRY_EDITED = 4,  /* changed in place (APPEND, SETRANGE): OBJECT ENCODING says "raw" */
    RL_ENTRY_TEXT = 8,    /* never "int" (INCRBYFLOAT); both are forgotten at a restart */
    RL_ENTRY_LIST = 16,   /* has the first position */
    RL_ENTRY_FIELDS = 32, /* a hash that stands among those whose fields expire */
};

#define RL_ENTRY_INSIDE_MAX 192 /* bytes of a value that is kept inside */
/* Key and value are one row, and SQLite takes rows of at most 1,000,000,000 bytes. */
#define RL_ENTRY_VALUE_MAX 700000000
#define RL_ENTRY_KEY_MAX   (256 * 1024 * 1024)

typedef struct rl_entry {
    uint64_t id : 48; /* of its row */
    uint64_t type : 4;
    uint64_t flags : 12;
    uint32_t change_seq; /* low half of the seq of the batch that changed it last */
    uint32_t access;     /* Unix seconds of the last access, as OBJECT IDLETIME wants it */
    uint32_t key_len;
    uint32_t value_len;
} rl_entry;

typedef struct rl_entry_expiry {
    int64_t at_ms;
    uint32_t slot; /* where it stands in the expiry heap */
    uint32_t spare;
} rl_entry_expiry;

static inline size_t rl_entry_position_offset(const rl_entry *e) {
    return sizeof(rl_entry) + (e->flags & RL_ENTRY_EXPIRES ? sizeof(rl_entry_expiry) : 0);
}
static inline size_t rl_entry_outside_offset(const rl_entry *e) {
    return rl_entry_position_offset(e) + (e->flags & RL_ENTRY_LIST ? sizeof(int64_t) : 0);
}
static inline size_t rl_entry_key_offset(const rl_entry *e) {
    return rl_entry_outside_offset(e) + (e->flags & RL_ENTRY_OUTSIDE ? sizeof(char *) : 0);
}
/* Where a collection's structure is pointed to; collections only. */
static inline void *rl_entry_place(const rl_entry *e) {
    return (char *)e + rl_entry_outside_offset(e);
}
/* The position of a list's first item in rl_list; lists only. */
static inline int64_t *rl_entry_position(const rl_entry *e) {
    return (int64_t *)(void *)((char *)e + rl_entry_position_offset(e));
}
static inline rl_bytes rl_entry_key(const rl_entry *e) {
    return rl_bytes_of((const char *)e + rl_entry_key_offset(e), e->key_len);
}
static inline char *rl_entry_value_ptr(const rl_entry *e) {
    if (e->flags & RL_ENTRY_OUTSIDE)
        return *(char *const *)((const char *)e + rl_entry_outside_offset(e));
    return (char *)e + rl_entry_key_offset(e) + e->key_len;
}
static inline rl_bytes rl_entry_value(const rl_entry *e) {
    return rl_bytes_of(rl_entry_value_ptr(e), e->value_len);
}
/* Only for entries with RL_ENTRY_EXPIRES. */
static inline rl_entry_expiry *rl_entry_expiry_part(const rl_entry *e) {
    return (rl_entry_expiry *)((char *)e + sizeof(rl_entry));
}
static inline int64_t rl_entry_expires_at(const rl_entry *e) {
    return e->flags & RL_ENTRY_EXPIRES ? rl_entry_expiry_part(e)->at_ms : RL_NEVER;
}

/* A new string without expiry. */
rl_entry *rl_entry_create(uint64_t id, rl_type type, rl_bytes key, rl_bytes value);
/* A new key with this collection, which it takes over. */
rl_entry *rl_entry_create_collection(uint64_t id, rl_type type, rl_bytes key, void *structure);
void rl_entry_free(rl_entry *e);
/* Frees the entry alone and returns the collection that it had; NULL when it is a string. */
void *rl_entry_free_shell(rl_entry *e);
/* Gives it this value; value may point into the entry itself. Returns where the entry is now. */
rl_entry *rl_entry_set_value(rl_entry *e, rl_bytes value);
/* Makes the value `len` bytes long, keeping what fits and filling with zeros. */
rl_entry *rl_entry_resize_value(rl_entry *e, size_t len);
/* Adds or removes the (zeroed) expiry part. */
rl_entry *rl_entry_set_expiring(rl_entry *e, bool expires);
/* The same entry under another name. */
rl_entry *rl_entry_rename(rl_entry *e, rl_bytes key);
/* Bytes of memory of the entry with its value. */
size_t rl_entry_memory(const rl_entry *e);

#endif
