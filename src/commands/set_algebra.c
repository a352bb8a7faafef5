/* SPDX-License-Identifier: MIT */
/* Intersections, unions and differences of sets. */
#include <stdlib.h>

#include "base/alloc.h"
#include "commands/bulks.h"
#include "commands/handlers.h"
#include "commands/shared.h"

/* ---- the sets ---- */

/* The sets of the keys, in their order; NULL where there is no such key. Only read, and until the
 * keyspace changes. */
typedef struct sources {
    const rl_members **sets;
    size_t count;
} sources;

/* False after answering WRONGTYPE. The caller releases it otherwise. */
static bool sources_open(rl_ctx *c, int first, int count, sources *out) {
    out->sets = rl_malloc((size_t)count * sizeof *out->sets);
    out->count = (size_t)count;
    for (int i = 0; i < count; i++) {
        rl_collection set;
        if (!rl_ctx_open(c, first + i, RL_TYPE_SET, RL_LOOK_READ, &set)) {
            rl_free(out->sets);
            return false;
        }
        out->sets[i] = rl_set_of(&set);
    }
    return true;
}

static void sources_release(sources *s) {
    rl_free(s->sets);
}

static size_t size_of(const rl_members *set) {
    return set ? rl_members_count(set) : 0;
}

static int by_size(const void *a, const void *b) {
    size_t left = size_of(*(const rl_members *const *)a);
    size_t right = size_of(*(const rl_members *const *)b);
    return (left > right) - (left < right);
}

static int by_size_down(const void *a, const void *b) {
    return by_size(b, a);
}

/* ---- what comes out ---- */

typedef enum result_kind {
    TO_REPLY, /* members that come once each, to be answered */
    TO_SET,   /* members to be stored, or that may come again or go */
    TO_COUNT, /* only how many */
} result_kind;

typedef struct result {
    result_kind kind;
    const rl_members_limits *limits;
    uint64_t limit; /* of TO_COUNT: enough; 0: none */
    uint64_t count; /* of TO_COUNT */
    rl_bulks bulks;
    rl_members *set;
} result;

static result result_begin(rl_ctx *c, result_kind kind) {
    result r = {.kind = kind, .limits = &rl_keyspace_limits(c->keys)->set};
    if (kind == TO_SET)
        r.set = rl_members_create();
    return r;
}

/* False when that is enough. */
static bool result_add(result *r, rl_bytes member) {
    if (r->kind == TO_REPLY)
        rl_bulks_add(&r->bulks, member);
    else if (r->kind == TO_SET)
        rl_members_add(&r->set, member, r->limits);
    else
        return ++r->count != r->limit;
    return true;
}

static void result_answer(rl_ctx *c, result *r) {
    rl_members_walk walk = {0};
    rl_bytes member;
    if (r->kind == TO_COUNT) {
        rl_reply_int(c->reply, (int64_t)r->count);
    } else if (r->kind == TO_REPLY) {
        rl_reply_set(c->reply, r->bulks.count);
        rl_bulks_reply(c, &r->bulks);
    } else {
        rl_reply_set(c->reply, rl_members_count(r->set));
        while (rl_members_next(r->set, &walk, &member))
            rl_reply_bulk(c->reply, member);
        rl_members_free(r->set);
    }
}

/* The set becomes the key of argument 1. */
static void result_store(rl_ctx *c, result *r, const char *event) {
    size_t count = rl_members_count(r->set);
    if (count == 0) {
        rl_members_free(r->set);
        r->set = NULL;
    }
    bool changed =
        rl_keyspace_store(c->keys, c->db, c->argv[1], rl_ctx_hash(c, 1), RL_TYPE_SET, r->set);
    if (count)
        rl_ctx_notify(c, RL_NOTIFY_SET, event, c->argv[1]);
    else if (changed)
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "del", c->argv[1]);
    rl_reply_int(c->reply, (int64_t)count);
}

/* ---- intersection ---- */

static bool all_have(const sources *s, size_t from, rl_bytes member) {
    for (size_t i = from; i < s->count; i++)
        if (!rl_members_has(s->sets[i], member))
            return false;
    return true;
}

/* The members of the smallest set that all others have, asked in the order of their size. */
static void intersect(sources *s, result *r) {
    rl_members_walk walk = {0};
    rl_bytes member;
    qsort(s->sets, s->count, sizeof *s->sets, by_size);
    if (s->sets[0] == NULL)
        return;
    while (rl_members_next(s->sets[0], &walk, &member))
        if (all_have(s, 1, member) && !result_add(r, member))
            return;
}

/* ---- union ---- */

static bool any_has(const sources *s, size_t from, size_t to, rl_bytes member) {
    for (size_t i = from; i < to; i++)
        if (s->sets[i] && rl_members_has(s->sets[i], member))
            return true;
    return false;
}

/* All members into a result of kind TO_SET, which takes each once. */
static void unite_adding(const sources *s, result *r) {
    for (size_t i = 0; i < s->count; i++) {
        rl_members_walk walk = {0};
        rl_bytes member;
        while (s->sets[i] && rl_members_next(s->sets[i], &walk, &member))
            result_add(r, member);
    }
}

/* Of each set the members that no larger one has. */
static void unite_asking(sources *s, result *r) {
    qsort(s->sets, s->count, sizeof *s->sets, by_size_down);
    for (size_t i = 0; i < s->count; i++) {
        rl_members_walk walk = {0};
        rl_bytes member;
        while (s->sets[i] && rl_members_next(s->sets[i], &walk, &member))
            if (!any_has(s, 0, i, member))
                result_add(r, member);
    }
}

#define ASK_MAX 4 /* sets; adding a member costs about as much as asking that many for it */

static result unite(rl_ctx *c, sources *s, result_kind kind) {
    if (kind == TO_REPLY && s->count > ASK_MAX)
        kind = TO_SET;
    result r = result_begin(c, kind);
    if (kind == TO_SET)
        unite_adding(s, &r);
    else
        unite_asking(s, &r);
    return r;
}

/* ---- difference ---- */

/* Each member of the first set is looked for in the others, the largest first. */
static void subtract_asking(sources *s, result *r) {
    rl_members_walk walk = {0};
    rl_bytes member;
    qsort(s->sets + 1, s->count - 1, sizeof *s->sets, by_size_down);
    while (rl_members_next(s->sets[0], &walk, &member))
        if (!any_has(s, 1, s->count, member))
            result_add(r, member);
}

/* Every member of the others is taken out of a copy of the first; a result of kind TO_SET. */
static void subtract_removing(const sources *s, result *r) {
    sources first = {s->sets, 1};
    unite_adding(&first, r);
    for (size_t i = 1; i < s->count && rl_members_count(r->set); i++) {
        rl_members_walk walk = {0};
        rl_bytes member;
        while (s->sets[i] && rl_members_next(s->sets[i], &walk, &member))
            rl_members_remove(&r->set, member);
    }
}

/* Asking stops at the first set that has the member, so about half of the questions are asked;
 * removing copies the first set and meets every member. */
static bool removing_is_cheaper(const sources *s) {
    size_t members = 0;
    for (size_t i = 0; i < s->count; i++)
        members += size_of(s->sets[i]);
    return size_of(s->sets[0]) * s->count / 2 > members;
}

static bool takes_from_itself(const sources *s) {
    for (size_t i = 1; i < s->count; i++)
        if (s->sets[i] == s->sets[0])
            return true;
    return false;
}

static result subtract(rl_ctx *c, sources *s, result_kind kind) {
    bool nothing = s->sets[0] == NULL || takes_from_itself(s);
    bool removing = !nothing && removing_is_cheaper(s);
    result r = result_begin(c, removing ? TO_SET : kind);
    if (removing)
        subtract_removing(s, &r);
    else if (!nothing)
        subtract_asking(s, &r);
    return r;
}

/* ---- the commands ---- */

typedef enum operation { INTERSECT, UNITE, SUBTRACT } operation;

static result combine(rl_ctx *c, sources *s, operation op, result_kind kind) {
    if (op == SUBTRACT)
        return subtract(c, s, kind);
    if (op == UNITE)
        return unite(c, s, kind);
    result r = result_begin(c, kind);
    intersect(s, &r);
    return r;
}

static void answer(rl_ctx *c, operation op) {
    sources s;
    if (!sources_open(c, 1, c->argc - 1, &s))
        return;
    result r = combine(c, &s, op, TO_REPLY);
    result_answer(c, &r);
    sources_release(&s);
}

static void store(rl_ctx *c, operation op, const char *event) {
    sources s;
    if (!sources_open(c, 2, c->argc - 2, &s))
        return;
    result r = combine(c, &s, op, TO_SET);
    sources_release(&s);
    result_store(c, &r, event);
}

void rl_cmd_sinter(rl_ctx *c) {
    answer(c, INTERSECT);
}

void rl_cmd_sunion(rl_ctx *c) {
    answer(c, UNITE);
}

void rl_cmd_sdiff(rl_ctx *c) {
    answer(c, SUBTRACT);
}

void rl_cmd_sinterstore(rl_ctx *c) {
    store(c, INTERSECT, "sinterstore");
}

void rl_cmd_sunionstore(rl_ctx *c) {
    store(c, UNITE, "sunionstore");
}

void rl_cmd_sdiffstore(rl_ctx *c) {
    store(c, SUBTRACT, "sdiffstore");
}

/* ---- SINTERCARD ---- */

static bool parse_keys(rl_ctx *c, int64_t *count) {
    const char *few = "ERR numkeys should be greater than 0";
    if (!rl_ctx_int(c, 1, count, few))
        return false;
    if (*count >= 1 && *count <= c->argc - 2)
        return true;
    rl_reply_error(c->reply,
                   *count < 1 ? few : "ERR Number of keys can't be greater than number of args");
    return false;
}

void rl_cmd_sintercard(rl_ctx *c) {
    int64_t keys, limit = 0;
    sources s;
    if (!parse_keys(c, &keys))
        return;
    for (int i = 2 + (int)keys; i < c->argc; i += 2) {
        if (i + 1 == c->argc || !rl_bytes_is(c->argv[i], "LIMIT")) {
            rl_ctx_syntax_error(c);
            return;
        }
        if (!rl_cmd_count(c, i + 1, &limit, "ERR LIMIT can't be negative"))
            return;
    }
    if (!sources_open(c, 2, (int)keys, &s))
        return;
    result r = result_begin(c, TO_COUNT);
    r.limit = (uint64_t)limit;
    intersect(&s, &r);
    result_answer(c, &r);
    sources_release(&s);
}
