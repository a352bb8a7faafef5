/* SPDX-License-Identifier: MIT */
/*
 * The element table: the large form of sets (names) and hashes (names with values). Pages found by
 * hash (pages.h); the tags are bytes of the hash, eight compared at a time.
 *
 * An element in a page:
 *
 *   head      varint: length of the name * 4 + timed * 2 + far
 *   expiry    8 bytes, if timed: Unix milliseconds
 *   length    varint: of the value; in a table of names left out
 *   name, value
 *
 * or, when that would be more than 128 bytes, far: head (with length 0), expiry, and the pointer to
 * an allocation with both lengths, name and value. Loop thread.
 */
#ifndef RL_TYPES_TABLE_H
#define RL_TYPES_TABLE_H

#include "base/bytes.h"
#include "types/pages.h"

typedef struct types_table {
    types_pages pages;
    size_t far_bytes; /* of elements outside pages */
    bool valued;
} types_table;

#define TYPES_KEEP_EXPIRY (-1)

typedef struct types_element {
    rl_bytes name, value;
    int64_t expires_at; /* 0: none */
} types_element;

/* depth_max as in types_pages_init. */
void types_table_init(types_table *t, bool valued, unsigned depth_max);
bool types_table_free_step(types_table *t, size_t budget);
static inline size_t types_table_count(const types_table *t) {
    return t->pages.count;
}
static inline size_t types_table_bytes(const types_table *t) { /* without the struct itself */
    return t->pages.bytes + t->far_bytes;
}

/* What is found is valid until the table changes. `hash` is rl_hash(name). */
bool types_table_has(const types_table *t, uint64_t hash, rl_bytes name);
bool types_table_get(const types_table *t, uint64_t hash, rl_bytes name, types_element *out);
/* Adds the element or gives it a new value; true when it is new. In a table of names the value is
 * not looked at. Neither name nor value may lie in the table. */
bool types_table_set(types_table *t, uint64_t hash, rl_bytes name, rl_bytes value,
                     int64_t expires_at);
/* Gives an element another expiry (0: none); false when it is not there. */
bool types_table_expire(types_table *t, uint64_t hash, rl_bytes name, int64_t expires_at);
bool types_table_remove(types_table *t, uint64_t hash, rl_bytes name);

/* The element a walk stands on, or that types_pages_random chose. */
types_element types_table_element(const types_table *t, const types_page *page, unsigned slot);
uint64_t types_table_scan(const types_table *t, uint64_t cursor, size_t count,
                          void (*each)(void *arg, const types_element *e), void *arg);
void types_table_check(const types_table *t);

#endif
