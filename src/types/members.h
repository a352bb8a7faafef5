/* SPDX-License-Identifier: MIT */
/*
 * A set: members, each once.
 *
 *   ints     only integers, not too many: a sorted array of 16, 32 or 64-bit numbers, as wide as
 *            the widest needs; found by bisection.
 *   packed   up to the limits: one block; finding walks.
 *   table    an element table of names.
 *
 * It grows from one form to the next and never back. The pointer to a set changes when it changes:
 * functions that change it take the place of the pointer. What they are given must not lie in the
 * set itself. What they hand out is valid until the set changes or the scratch is used again.
 * Loop thread.
 */
#ifndef RL_TYPES_MEMBERS_H
#define RL_TYPES_MEMBERS_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/number.h"
#include "base/random.h"
#include "types/limits.h"
#include "types/pages.h"

typedef struct rl_members rl_members;

typedef enum rl_members_form {
    RL_MEMBERS_INTS = 1, /* OBJECT ENCODING "intset" */
    RL_MEMBERS_PACKED,   /* "listpack"; before Redis 7.2 there was none: "hashtable" */
    RL_MEMBERS_TABLE,    /* "hashtable" */
} rl_members_form;

typedef struct rl_members_limits {
    size_t ints;           /* set-max-intset-entries */
    rl_small_limits small; /* set-max-listpack-… */
} rl_members_limits;

typedef struct rl_member_scratch {
    char text[RL_INT64_TEXT_MAX];
} rl_member_scratch;

rl_members *rl_members_create(void); /* empty, of integers */
void rl_members_free(rl_members *s); /* takes its time; NULL is fine */
/* Frees a part (RL_FREE_BUDGET); true when s is gone. Nothing else may be done with it any more. */
bool rl_members_free_step(rl_members *s, size_t budget);

rl_members_form rl_members_form_of(const rl_members *s);
size_t rl_members_count(const rl_members *s);
size_t rl_members_memory(const rl_members *s); /* all its allocations; O(1) */

/* All O(1); O(log n) of integers, O(limit) in a packed set. */
bool rl_members_has(const rl_members *s, rl_bytes member);
bool rl_members_add(rl_members **place, rl_bytes member,
                    const rl_members_limits *limits); /* true: it is new */
bool rl_members_remove(rl_members **place, rl_bytes member);

/* All members, integers in order, others in none; the set must not change meanwhile. Begin with
 * {0}. */
typedef struct rl_members_walk {
    types_pages_walk pages;
    const char *at;
    size_t index;
    rl_member_scratch scratch;
} rl_members_walk;
bool rl_members_next(const rl_members *s, rl_members_walk *walk, rl_bytes *member);

/* As rl_fields_scan. */
uint64_t rl_members_scan(const rl_members *s, uint64_t cursor, size_t count,
                         void (*each)(void *arg, rl_bytes member), void *arg);
/* Any member, nearly as likely as any other. The set is not empty. */
rl_bytes rl_members_random(const rl_members *s, rl_random *random, rl_member_scratch *scratch);
/* Takes any member out and appends it to `out`. The set is not empty. */
void rl_members_pop(rl_members **place, rl_random *random, rl_buffer *out);

void rl_members_check(const rl_members *s); /* asserts every invariant */

#endif
