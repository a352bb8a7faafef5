/* SPDX-License-Identifier: MIT */
/* Sorted sets: members and their scores, one by one. Ranges are in zset_range.c, popping in
 * zset_pop.c, any members in zset_random.c, several sets in zset_algebra.c. */
#include "commands/zsets.h"

#include <math.h>

#include "base/alloc.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"

void rl_cmd_zset_members(rl_reply *r, size_t count, bool scores) {
    rl_reply_array(r, scores && r->resp < 3 ? count * 2 : count);
}

void rl_cmd_zset_member(rl_reply *r, rl_bytes member, double score, bool scores) {
    if (scores && r->resp >= 3)
        rl_reply_array(r, 2);
    rl_reply_bulk(r, member);
    if (scores)
        rl_reply_double(r, score);
}

void rl_cmd_zset_store(rl_ctx *c, int key, rl_zset *z, const char *event) {
    size_t count = z ? rl_zset_count(z) : 0;
    if (rl_keyspace_store(c->keys, c->db, c->argv[key], rl_ctx_hash(c, key), RL_TYPE_ZSET, z)) {
        if (count)
            rl_ctx_notify(c, RL_NOTIFY_ZSET, event, c->argv[key]);
        else
            rl_ctx_notify(c, RL_NOTIFY_GENERIC, "del", c->argv[key]);
    }
    rl_reply_int(c->reply, (int64_t)count);
}

/* ---- ZADD, ZINCRBY ---- */

enum { ADD_NX = 1, ADD_XX = 2, ADD_GT = 4, ADD_LT = 8, ADD_CH = 16, ADD_INCR = 32 };

typedef struct adding {
    unsigned flags;
    int first; /* argument of the first score */
    int pairs;
    size_t added, changed;
    bool done;    /* the last pair was not kept away by an option */
    double score; /* that of the last pair, as it is now */
} adding;

/* The flags in front of the scores. */
static void parse_flags(rl_ctx *c, adding *a) {
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {{"NX", ADD_NX}, {"XX", ADD_XX}, {"GT", ADD_GT},
                 {"LT", ADD_LT}, {"CH", ADD_CH}, {"INCR", ADD_INCR}};
    const size_t count = sizeof words / sizeof *words;
    for (a->first = 2; a->first < c->argc; a->first++) {
        size_t k = 0;
        while (k < count && !rl_bytes_is(c->argv[a->first], words[k].word))
            k++;
        if (k == count)
            break;
        a->flags |= words[k].flag;
    }
}

/* What is wrong with the arguments; NULL: nothing. */
static const char *parse_adding(rl_ctx *c, adding *a) {
    parse_flags(c, a);
    int left = c->argc - a->first;
    unsigned order = a->flags & (ADD_NX | ADD_GT | ADD_LT);
    a->pairs = left / 2;
    if (left == 0 || left % 2)
        return RL_ERR_SYNTAX;
    if ((a->flags & (ADD_NX | ADD_XX)) == (ADD_NX | ADD_XX))
        return "ERR XX and NX options at the same time are not compatible";
    if (order & (order - 1))
        return "ERR GT, LT, and/or NX options at the same time are not compatible";
    if (a->flags & ADD_INCR && a->pairs > 1)
        return "ERR INCR option supports a single increment-element pair";
    return NULL;
}

/* The scores, all before anything is changed. */
static bool parse_scores(rl_ctx *c, const adding *a, double *scores) {
    for (int i = 0; i < a->pairs; i++) {
        if (!rl_double_parse(c->argv[a->first + 2 * i], &scores[i])) {
            rl_reply_error(c->reply, RL_ERR_NOT_FLOAT);
            return false;
        }
        scores[i] = rl_cmd_zset_score(scores[i]);
    }
    return true;
}

/* Whether the options let a member have this score. old NULL: it is new. */
static bool allowed(unsigned flags, const double *old, double score) {
    if (old == NULL)
        return !(flags & ADD_XX);
    return !(flags & ADD_NX) && !(flags & ADD_GT && score <= *old) &&
           !(flags & ADD_LT && score >= *old);
}

static void set_score(rl_collection *z, rl_bytes member, adding *a) {
    switch (rl_key_zset_set(z, member, a->score)) {
    case RL_ZSET_NEW:
        a->added++;
        break;
    case RL_ZSET_CHANGED:
        a->changed++;
        break;
    case RL_ZSET_SAME:
        break;
    }
    a->done = true;
}

/* One pair; false when the sum is no number. */
static bool add_pair(rl_collection *z, rl_bytes member, double score, adding *a) {
    double old;
    a->score = score;
    if ((a->flags & ~(unsigned)ADD_CH) == 0) {
        set_score(z, member, a);
        return true;
    }
    bool is_there = rl_sorted_set_of(z) && rl_zset_score(rl_sorted_set_of(z), member, &old);
    if (a->flags & ADD_INCR && is_there && !(a->flags & ADD_NX)) {
        a->score = old + score;
        if (isnan(a->score))
            return false;
    }
    if (allowed(a->flags, is_there ? &old : NULL, a->score))
        set_score(z, member, a);
    return true;
}

static void reply_added(rl_ctx *c, const adding *a) {
    if (!(a->flags & ADD_INCR))
        rl_reply_int(c->reply, (int64_t)(a->added + (a->flags & ADD_CH ? a->changed : 0)));
    else if (a->done)
        rl_reply_double(c->reply, a->score);
    else
        rl_reply_null(c->reply);
}

static void add_pairs(rl_ctx *c, adding *a, const double *scores) {
    rl_collection z;
    bool numbers = true;
    if (!rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_WRITE, &z))
        return;
    for (int i = 0; i < a->pairs && numbers; i++)
        numbers = add_pair(&z, c->argv[a->first + 2 * i + 1], scores[i], a);
    if (a->added || a->changed)
        rl_ctx_notify(c, RL_NOTIFY_ZSET, a->flags & ADD_INCR ? "zincr" : "zadd", c->argv[1]);
    rl_collection_done(&z);
    if (numbers)
        reply_added(c, a);
    else
        rl_reply_error(c->reply, "ERR resulting score is not a number (NaN)");
}

static void add(rl_ctx *c, unsigned flags) {
    double few[16];
    adding a = {.flags = flags};
    const char *error = parse_adding(c, &a);
    if (error) {
        rl_reply_error(c->reply, error);
        return;
    }
    bool fits = (size_t)a.pairs <= sizeof few / sizeof *few;
    double *scores = fits ? few : rl_malloc((size_t)a.pairs * sizeof *scores);
    if (parse_scores(c, &a, scores))
        add_pairs(c, &a, scores);
    if (!fits)
        rl_free(scores);
}

void rl_cmd_zadd(rl_ctx *c) {
    add(c, 0);
}

void rl_cmd_zincrby(rl_ctx *c) {
    add(c, ADD_INCR);
}

/* ---- removing, counting ---- */

void rl_cmd_zrem(rl_ctx *c) {
    rl_collection z;
    int64_t removed = 0;
    if (!rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_WRITE, &z))
        return;
    for (int i = 2; i < c->argc && rl_collection_count(&z); i++)
        removed += rl_key_zset_remove(&z, c->argv[i]);
    if (removed)
        rl_ctx_notify(c, RL_NOTIFY_ZSET, "zrem", c->argv[1]);
    rl_collection_done(&z);
    rl_reply_int(c->reply, removed);
}

void rl_cmd_zcard(rl_ctx *c) {
    rl_collection z;
    if (rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &z))
        rl_reply_int(c->reply, (int64_t)rl_collection_count(&z));
}

/* ---- scores and ranks ---- */

static void reply_score(rl_ctx *c, const rl_zset *z, rl_bytes member) {
    double score;
    if (z && rl_zset_score(z, member, &score))
        rl_reply_double(c->reply, score);
    else
        rl_reply_null(c->reply);
}

void rl_cmd_zscore(rl_ctx *c) {
    rl_collection z;
    if (rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &z))
        reply_score(c, rl_sorted_set_of(&z), c->argv[2]);
}

void rl_cmd_zmscore(rl_ctx *c) {
    rl_collection z;
    if (!rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &z))
        return;
    rl_reply_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_score(c, rl_sorted_set_of(&z), c->argv[i]);
}

static bool rank_arguments(rl_ctx *c) {
    if (c->argc <= 3 || (c->argc == 4 && rl_bytes_is(c->argv[3], "WITHSCORE")))
        return true;
    if (c->argc == 4)
        rl_ctx_syntax_error(c);
    else
        rl_reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                        c->command->name);
    return false;
}

static void reply_rank(rl_ctx *c, bool from_top) {
    rl_collection z;
    size_t rank;
    double score;
    if (!rank_arguments(c) || !rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &z))
        return;
    bool with_score = c->argc == 4;
    if (rl_sorted_set_of(&z) == NULL ||
        !rl_zset_rank(rl_sorted_set_of(&z), c->argv[2], &rank, &score)) {
        if (with_score)
            rl_reply_null_array(c->reply);
        else
            rl_reply_null(c->reply);
        return;
    }
    if (from_top)
        rank = rl_collection_count(&z) - 1 - rank;
    if (with_score)
        rl_reply_array(c->reply, 2);
    rl_reply_int(c->reply, (int64_t)rank);
    if (with_score)
        rl_reply_double(c->reply, score);
}

void rl_cmd_zrank(rl_ctx *c) {
    reply_rank(c, false);
}

void rl_cmd_zrevrank(rl_ctx *c) {
    reply_rank(c, true);
}
