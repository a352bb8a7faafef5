/* SPDX-License-Identifier: MIT */
/* A sorted array of integers in one allocation, each 2, 4 or 8 bytes: as wide as the widest ever
 * added needs. Loop thread. */
#ifndef RL_TYPES_INTS_H
#define RL_TYPES_INTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct types_ints {
    uint8_t form;  /* the collection's own enum */
    uint8_t width; /* bytes of an integer */
    uint16_t unused;
    uint32_t count;
    char values[];
} types_ints;

types_ints *types_ints_create(uint8_t form);
size_t types_ints_bytes(const types_ints *v); /* of the allocation, as it was asked for */
int64_t types_ints_at(const types_ints *v, size_t index);
/* The index of the first integer >= value. */
size_t types_ints_find(const types_ints *v, int64_t value);
bool types_ints_has(const types_ints *v, int64_t value);
bool types_ints_add(types_ints **place, int64_t value); /* true: it is new */
bool types_ints_remove(types_ints **place, int64_t value);
void types_ints_check(const types_ints *v);

#endif
