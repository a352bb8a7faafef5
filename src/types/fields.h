/* SPDX-License-Identifier: MIT */
/*
 * A hash: fields with values, each with an expiry of its own if it is given one.
 *
 *   packed   up to the limits: one block, field and value one behind the other; finding walks.
 *   timed    the same with a third item, the expiry, once a field has one.
 *   table    an element table; with a counted tree of (expiry, field) once a field has one.
 *
 * It grows from one form to the next and never back. The pointer to a hash changes when it changes:
 * functions that change it take the place of the pointer. What they are given must not lie in the
 * hash itself. What they hand out is valid until the hash changes or, where there is a scratch,
 * until that is used again.
 *
 * Times are Unix milliseconds, below 2^53; the hash knows no clock: a field whose time is over is
 * there until somebody takes it out, or hides it. Loop thread.
 */
#ifndef RL_TYPES_FIELDS_H
#define RL_TYPES_FIELDS_H

#include "base/bytes.h"
#include "base/number.h"
#include "base/random.h"
#include "types/limits.h"
#include "types/pages.h"

typedef struct rl_fields rl_fields;

typedef enum rl_fields_form {
    RL_FIELDS_PACKED = 1, /* OBJECT ENCODING "listpack" */
    RL_FIELDS_TIMED,      /* "listpackex" */
    RL_FIELDS_TABLE,      /* "hashtable" */
} rl_fields_form;

#define RL_FIELD_KEEP (-1) /* an expiry as it is */

/* Room for the texts of integers, which a packed hash keeps as such. */
typedef struct rl_field_scratch {
    char field[RL_INT64_TEXT_MAX], value[RL_INT64_TEXT_MAX];
} rl_field_scratch;

typedef struct rl_field {
    rl_bytes name, value;
    int64_t expires_at; /* 0: never */
} rl_field;

rl_fields *rl_fields_create(void);
void rl_fields_free(rl_fields *h); /* takes its time; NULL is fine */
/* Frees a part (RL_FREE_BUDGET); true when h is gone. Nothing else may be done with it any more. */
bool rl_fields_free_step(rl_fields *h, size_t budget);

rl_fields_form rl_fields_form_of(const rl_fields *h);
size_t rl_fields_count(const rl_fields *h);
size_t rl_fields_memory(const rl_fields *h); /* all its allocations; O(1) */

/* All O(1), or O(limit) in a small form. */
bool rl_fields_get(const rl_fields *h, rl_bytes name, rl_field_scratch *scratch, rl_field *out);
bool rl_fields_has(const rl_fields *h, rl_bytes name);
/* True when the field is new. expires_at: 0 for none, RL_FIELD_KEEP for what it has. */
bool rl_fields_set(rl_fields **place, rl_bytes name, rl_bytes value, int64_t expires_at,
                   const rl_small_limits *limits);
/* False when there is no such field. expires_at: 0 takes the expiry away. */
bool rl_fields_expire(rl_fields **place, rl_bytes name, int64_t expires_at);
bool rl_fields_remove(rl_fields **place, rl_bytes name);

/* Whether a field may have an expiry; false is certain, and costs nothing to ask. */
bool rl_fields_timed(const rl_fields *h);
/* The field that expires first, a hidden one too; false when none does. O(1), O(limit) in a small
 * form. */
bool rl_fields_next_expiry(const rl_fields *h, rl_field_scratch *scratch, rl_field *out);

/* From here on, fields of a large hash whose time is `until` or before are as if they were not
 * there, for every function but rl_fields_next_expiry: they have no place in counts, walks, scans
 * and chances, are new when they are set again and cannot be taken out. For who has more of them
 * than he wants to take out at once. 0: all are there again, and may be taken out. Returns how many
 * are hidden now, in O(log n); a small hash hides none. */
size_t rl_fields_hide(rl_fields *h, int64_t until);

/* All fields, in no order; the hash must not change meanwhile. Begin with {0}. */
typedef struct rl_fields_walk {
    types_pages_walk pages;
    const char *at;
    rl_field_scratch scratch;
} rl_fields_walk;
bool rl_fields_next(const rl_fields *h, rl_fields_walk *walk, rl_field *out);

/* Calls each for some fields, at least `count` of them if there are so many (a small form: all),
 * and returns the next cursor; 0 at the end. Any cursor is fine. A field that is there from the
 * beginning to the end of a scan is returned at least once, whatever happens meanwhile. A cursor
 * fits a double exactly. each must not change the hash. */
uint64_t rl_fields_scan(const rl_fields *h, uint64_t cursor, size_t count,
                        void (*each)(void *arg, const rl_field *field), void *arg);
/* Any field, nearly as likely as any other. The hash is not empty. */
void rl_fields_random(const rl_fields *h, rl_random *random, rl_field_scratch *scratch,
                      rl_field *out);

void rl_fields_check(const rl_fields *h); /* asserts every invariant */

#endif
