/* SPDX-License-Identifier: MIT */
/*
 * Sorted sets: ZUNION, ZINTER, ZDIFF, ZINTERCARD and their …STORE forms. Sources are sorted sets,
 * or sets, whose members all have the score 1. What comes out is a sorted set of its own.
 *
 * inf - inf and inf * 0 are no numbers; they count as 0. Sources are taken in the order of their
 * sizes, the smallest first, which also is the order in which scores are added up.
 */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "commands/zset_pairs.h"
#include "commands/zsets.h"

typedef struct source {
    const rl_zset *zset;   /* one of the two, or neither: no such key */
    const rl_members *set; /* … */
    size_t count;
    double weight;
    size_t index; /* as given */
} source;

/* Options that a command may have. */
enum { MAY_WEIGH = 1, MAY_SHOW_SCORES = 2, MAY_LIMIT = 4 };

typedef struct algebra {
    unsigned may;
    source *sources;
    size_t count;
    double (*aggregate)(double a, double b);
    bool scores;   /* WITHSCORES */
    bool counting; /* ZINTERCARD: no result is made */
    size_t limit;  /* of ZINTERCARD; 0: none */
    size_t found;
    rl_zset_pairs result;
} algebra;

/* ---- scores ---- */

static double number(double score) {
    return isnan(score) ? 0 : score;
}

static double sum(double a, double b) {
    return number(a + b);
}

static double lower(double a, double b) {
    return b < a ? b : a;
}

static double higher(double a, double b) {
    return b > a ? b : a;
}

/* ---- sources ---- */

typedef struct source_walk {
    rl_zset_walk zset;
    rl_members_walk set;
} source_walk;

static void walk_init(source_walk *walk, const source *s) {
    if (s->zset)
        rl_zset_walk_init(&walk->zset, s->zset, 0, false);
    else
        walk->set = (rl_members_walk){0};
}

static bool walk_next(source_walk *walk, const source *s, rl_bytes *member, double *score) {
    *score = 1;
    if (s->zset)
        return rl_zset_next(&walk->zset, member, score);
    return s->set && rl_members_next(s->set, &walk->set, member);
}

static bool source_score(const source *s, rl_bytes member, double *score) {
    *score = 1;
    if (s->zset)
        return rl_zset_score(s->zset, member, score);
    return s->set && rl_members_has(s->set, member);
}

static int by_size(const void *a, const void *b) {
    const source *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static void sort_sources(algebra *a) {
    qsort(a->sources, a->count, sizeof *a->sources, by_size);
}

/* ---- the operations ---- */

/* One member of the result; false: that is enough. */
static bool give(algebra *a, rl_bytes member, double score) {
    a->found++;
    if (a->counting)
        return a->found != a->limit;
    rl_zset_pairs_add(&a->result, member, rl_cmd_zset_score(score));
    return true;
}

static void unite(algebra *a) {
    source_walk walk;
    rl_bytes member;
    double score;
    sort_sources(a);
    for (const source *s = a->sources; s < a->sources + a->count; s++) {
        walk_init(&walk, s);
        while (walk_next(&walk, s, &member, &score)) {
            score = rl_cmd_zset_score(number(s->weight * score));
            double *there = rl_zset_pairs_meet(&a->result, member, score);
            if (there)
                *there = a->aggregate(*there, score);
        }
    }
}

/* Whether all sources but the first have the member, whose score in the first is given. */
static bool in_all(const algebra *a, rl_bytes member, double *score) {
    for (const source *s = a->sources + 1; s < a->sources + a->count; s++) {
        double other;
        if (!source_score(s, member, &other))
            return false;
        if (!a->counting)
            *score = a->aggregate(*score, other * s->weight);
    }
    return true;
}

static void intersect(algebra *a) {
    source_walk walk;
    rl_bytes member;
    double score;
    sort_sources(a);
    const source *first = a->sources;
    walk_init(&walk, first);
    while (walk_next(&walk, first, &member, &score)) {
        score = number(first->weight * score);
        if (in_all(a, member, &score) && !give(a, member, score))
            return;
    }
}

static bool in_any(const algebra *a, rl_bytes member) {
    double score;
    for (const source *s = a->sources + 1; s < a->sources + a->count; s++)
        if (source_score(s, member, &score))
            return true;
    return false;
}

static void subtract(algebra *a) {
    source_walk walk;
    rl_bytes member;
    double score;
    walk_init(&walk, a->sources);
    while (walk_next(&walk, a->sources, &member, &score))
        if (!in_any(a, member))
            give(a, member, score);
}

/* ---- options ---- */

static bool fail(rl_ctx *c, const char *error) {
    rl_reply_error(c->reply, error);
    return false;
}

/* Each reads what follows its word at *arg and leaves *arg at the last argument it took. */

static bool parse_weights(rl_ctx *c, algebra *a, int *arg) {
    for (size_t i = 0; i < a->count; i++)
        if (!rl_double_parse(c->argv[++*arg], &a->sources[i].weight))
            return fail(c, "ERR weight value is not a float");
    return true;
}

static bool parse_aggregate(rl_ctx *c, algebra *a, int *arg) {
    static const struct {
        const char *word;
        double (*aggregate)(double a, double b);
    } words[] = {{"SUM", sum}, {"MIN", lower}, {"MAX", higher}};
    ++*arg;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (rl_bytes_is(c->argv[*arg], words[i].word)) {
            a->aggregate = words[i].aggregate;
            return true;
        }
    }
    return fail(c, RL_ERR_SYNTAX);
}

static bool parse_withscores(rl_ctx *c, algebra *a, int *arg) {
    (void)c;
    (void)arg;
    a->scores = true;
    return true;
}

static bool parse_limit(rl_ctx *c, algebra *a, int *arg) {
    int64_t limit;
    if (!rl_cmd_count(c, ++*arg, &limit, "ERR LIMIT can't be negative"))
        return false;
    a->limit = (size_t)limit;
    return true;
}

static bool parse_options(rl_ctx *c, algebra *a, int arg) {
    const struct {
        const char *word;
        unsigned may;
        size_t values;
        bool (*parse)(rl_ctx *c, algebra *a, int *arg);
    } options[] = {{"WEIGHTS", MAY_WEIGH, a->count, parse_weights},
                   {"AGGREGATE", MAY_WEIGH, 1, parse_aggregate},
                   {"WITHSCORES", MAY_SHOW_SCORES, 0, parse_withscores},
                   {"LIMIT", MAY_LIMIT, 1, parse_limit}};
    const size_t count = sizeof options / sizeof *options;
    for (; arg < c->argc; arg++) {
        size_t k = 0;
        while (k < count &&
               !(a->may & options[k].may && rl_bytes_is(c->argv[arg], options[k].word) &&
                 (size_t)(c->argc - arg) > options[k].values))
            k++;
        if (k == count)
            return fail(c, RL_ERR_SYNTAX);
        if (!options[k].parse(c, a, &arg))
            return false;
    }
    return true;
}

/* ---- the commands ---- */

/* Finds the sources, at argument `key` and behind it; false after answering WRONGTYPE. */
static bool find_sources(rl_ctx *c, algebra *a, int key) {
    for (size_t i = 0; i < a->count; i++) {
        source *s = &a->sources[i];
        const rl_entry *e = rl_ctx_find(c, key + (int)i, RL_LOOK_READ);
        *s = (source){.weight = 1, .index = i};
        if (e == NULL)
            continue;
        if (e->type == RL_TYPE_ZSET)
            s->zset = *(rl_zset **)rl_entry_place(e);
        else if (e->type == RL_TYPE_SET)
            s->set = *(rl_members **)rl_entry_place(e);
        else
            return fail(c, RL_ERR_WRONGTYPE);
        s->count = rl_entry_count(e);
    }
    return true;
}

static bool parse(rl_ctx *c, algebra *a, int numkeys) {
    int64_t count;
    if (!rl_ctx_int(c, numkeys, &count, NULL))
        return false;
    if (count < 1) {
        rl_reply_errorf(c->reply, "ERR at least 1 input key is needed for '%s' command",
                        c->command->name);
        return false;
    }
    if (count > c->argc - numkeys - 1)
        return fail(c, RL_ERR_SYNTAX);
    a->count = (size_t)count;
    a->sources = rl_malloc(a->count * sizeof *a->sources);
    a->aggregate = sum;
    return find_sources(c, a, numkeys + 1) && parse_options(c, a, numkeys + 1 + (int)count);
}

/* Runs an operation whose number of keys is at argument `numkeys`. True: a->found and a->result are
 * there, in order; false after answering. The caller releases the result. */
static bool compute(rl_ctx *c, algebra *a, int numkeys, void (*operation)(algebra *a)) {
    bool parsed = parse(c, a, numkeys);
    if (parsed) {
        operation(a);
        rl_zset_pairs_sort(&a->result);
    }
    rl_free(a->sources);
    a->sources = NULL;
    return parsed;
}

static void show(rl_ctx *c, void (*operation)(algebra *a), unsigned may) {
    algebra a = {.may = may | MAY_SHOW_SCORES};
    if (!compute(c, &a, 1, operation))
        return;
    rl_cmd_zset_members(c->reply, a.result.count, a.scores);
    for (size_t i = 0; i < a.result.count; i++)
        rl_cmd_zset_member(c->reply, rl_zset_pairs_member(&a.result, i), a.result.list[i].score,
                           a.scores);
    rl_zset_pairs_release(&a.result);
}

static void store(rl_ctx *c, void (*operation)(algebra *a), unsigned may, const char *event) {
    algebra a = {.may = may};
    if (!compute(c, &a, 2, operation))
        return;
    const rl_small_limits *limits = &rl_keyspace_limits(c->keys)->zset;
    rl_cmd_zset_store(c, 1, rl_zset_pairs_build(&a.result, limits), event);
    rl_zset_pairs_release(&a.result);
}

void rl_cmd_zunion(rl_ctx *c) {
    show(c, unite, MAY_WEIGH);
}

void rl_cmd_zinter(rl_ctx *c) {
    show(c, intersect, MAY_WEIGH);
}

void rl_cmd_zdiff(rl_ctx *c) {
    show(c, subtract, 0);
}

void rl_cmd_zunionstore(rl_ctx *c) {
    store(c, unite, MAY_WEIGH, "zunionstore");
}

void rl_cmd_zinterstore(rl_ctx *c) {
    store(c, intersect, MAY_WEIGH, "zinterstore");
}

void rl_cmd_zdiffstore(rl_ctx *c) {
    store(c, subtract, 0, "zdiffstore");
}

void rl_cmd_zintercard(rl_ctx *c) {
    algebra a = {.may = MAY_LIMIT, .counting = true};
    if (compute(c, &a, 1, intersect))
        rl_reply_int(c->reply, (int64_t)a.found);
}
