/* SPDX-License-Identifier: MIT */
/* Sorted sets: ranges of members, read, counted, removed and stored. See zset_range.h. */
#include "commands/zset_range.h"

#include "commands/handlers.h"
#include "commands/shared.h"
#include "commands/zsets.h"

/* ---- from a range to ranks ---- */

/* Positions first..last as they were given: below 0 from the end; counted from the top in a
 * downward range. */
static rl_zspan rank_span(size_t there, const rl_zrange *r) {
    int64_t count = (int64_t)there;
    int64_t first = r->first < 0 ? r->first + count : r->first;
    int64_t last = r->last < 0 ? r->last + count : r->last;
    first = first < 0 ? 0 : first;
    last = last >= count ? count - 1 : last;
    if (first > last || first >= count)
        return (rl_zspan){0, 0};
    if (r->down)
        return (rl_zspan){there - 1 - (size_t)last, there - (size_t)first};
    return (rl_zspan){(size_t)first, (size_t)last + 1};
}

static rl_zspan score_span(const rl_zset *z, const rl_zrange *r) {
    const rl_score_end *low = &r->score[0], *high = &r->score[1];
    return (rl_zspan){
        low->open ? rl_zset_count_upto(z, low->score) : rl_zset_count_below(z, low->score),
        high->open ? rl_zset_count_below(z, high->score) : rl_zset_count_upto(z, high->score)};
}

/* How many members are in front of this end. with: the end itself counts among them. */
static size_t before_lex_end(const rl_zset *z, const rl_lex_end *end, bool with) {
    if (end->infinite)
        return end->infinite < 0 ? 0 : rl_zset_count(z);
    return with ? rl_zset_count_upto_member(z, end->member)
                : rl_zset_count_below_member(z, end->member);
}

static rl_zspan lex_span(const rl_zset *z, const rl_zrange *r) {
    return (rl_zspan){before_lex_end(z, &r->lex[0], r->lex[0].open),
                      before_lex_end(z, &r->lex[1], !r->lex[1].open)};
}

/* LIMIT counts from where the range begins, which is its upper end when it goes down. */
static rl_zspan limited(rl_zspan s, const rl_zrange *r) {
    size_t count = s.to - s.from;
    if (r->offset < 0 || (uint64_t)r->offset >= count)
        return (rl_zspan){0, 0};
    count -= (size_t)r->offset;
    if (r->limit >= 0 && (uint64_t)r->limit < count)
        count = (size_t)r->limit;
    if (r->down)
        return (rl_zspan){s.to - (size_t)r->offset - count, s.to - (size_t)r->offset};
    return (rl_zspan){s.from + (size_t)r->offset, s.from + (size_t)r->offset + count};
}

rl_zspan rl_cmd_zrange_span(const rl_zset *z, const rl_zrange *r) {
    if (r->by == RL_ZRANGE_RANK)
        return rank_span(rl_zset_count(z), r);
    rl_zspan s = r->by == RL_ZRANGE_SCORE ? score_span(z, r) : lex_span(z, r);
    /* The ends may be the wrong way round; by members, in a set with several scores, anything. */
    if (s.from >= s.to)
        return (rl_zspan){0, 0};
    return limited(s, r);
}

static void walk_span(rl_zset_walk *walk, const rl_zset *z, rl_zspan span, bool down) {
    rl_zset_walk_init(walk, z, down && span.to ? span.to - 1 : span.from, down);
}

/* ---- the ZRANGE family ---- */

static void reply_span(rl_ctx *c, const rl_zset *z, rl_zspan span, bool down, bool scores) {
    size_t count = span.to - span.from;
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_cmd_zset_members(c->reply, count, scores);
    walk_span(&walk, z, span, down);
    for (size_t i = 0; i < count && rl_zset_next(&walk, &member, &score); i++)
        rl_cmd_zset_member(c->reply, member, score, scores);
}

static void range(rl_ctx *c, const rl_zrange_form *form) {
    rl_zrange r = {0};
    bool scores;
    rl_collection z;
    if (!rl_cmd_zrange_parse(c, form, &r, &scores) ||
        !rl_ctx_open(c, form->key, RL_TYPE_ZSET, RL_LOOK_READ, &z))
        return;
    const rl_zset *zset = rl_sorted_set_of(&z);
    if (zset == NULL)
        rl_reply_array(c->reply, 0);
    else
        reply_span(c, zset, rl_cmd_zrange_span(zset, &r), r.down, scores);
}

void rl_cmd_zrange(rl_ctx *c) {
    range(c, &(rl_zrange_form){.key = 1, .any = true});
}

void rl_cmd_zrevrange(rl_ctx *c) {
    range(c, &(rl_zrange_form){.key = 1, .by = RL_ZRANGE_RANK, .down = true});
}

void rl_cmd_zrangebyscore(rl_ctx *c) {
    range(c, &(rl_zrange_form){.key = 1, .by = RL_ZRANGE_SCORE});
}

void rl_cmd_zrevrangebyscore(rl_ctx *c) {
    range(c, &(rl_zrange_form){.key = 1, .by = RL_ZRANGE_SCORE, .down = true});
}

void rl_cmd_zrangebylex(rl_ctx *c) {
    range(c, &(rl_zrange_form){.key = 1, .by = RL_ZRANGE_LEX});
}

void rl_cmd_zrevrangebylex(rl_ctx *c) {
    range(c, &(rl_zrange_form){.key = 1, .by = RL_ZRANGE_LEX, .down = true});
}

/* ---- ZRANGESTORE ---- */

static rl_zset *copy_span(rl_ctx *c, const rl_zset *z, rl_zspan span) {
    const rl_small_limits *limits = &rl_keyspace_limits(c->keys)->zset;
    rl_zset *copy = rl_zset_create();
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    walk_span(&walk, z, span, false);
    for (size_t i = span.from; i < span.to && rl_zset_next(&walk, &member, &score); i++)
        rl_zset_append(&copy, member, score, limits);
    return copy;
}

void rl_cmd_zrangestore(rl_ctx *c) {
    rl_zrange r = {0};
    bool scores;
    rl_collection source;
    rl_zset *copy = NULL;
    if (!rl_cmd_zrange_parse(c, &(rl_zrange_form){.key = 2, .any = true, .store = true}, &r,
                             &scores) ||
        !rl_ctx_open(c, 2, RL_TYPE_ZSET, RL_LOOK_READ, &source))
        return;
    const rl_zset *zset = rl_sorted_set_of(&source);
    if (zset)
        copy = copy_span(c, zset, rl_cmd_zrange_span(zset, &r));
    rl_cmd_zset_store(c, 1, copy, "zrangestore");
}

/* ---- counting ---- */

static void count_range(rl_ctx *c, rl_zrange_by by) {
    rl_zrange r = {.by = by, .limit = -1};
    rl_zspan span = {0, 0};
    rl_collection z;
    if (!rl_cmd_zrange_ends(c, 2, &r) || !rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &z))
        return;
    if (rl_sorted_set_of(&z))
        span = rl_cmd_zrange_span(rl_sorted_set_of(&z), &r);
    rl_reply_int(c->reply, (int64_t)(span.to - span.from));
}

void rl_cmd_zcount(rl_ctx *c) {
    count_range(c, RL_ZRANGE_SCORE);
}

void rl_cmd_zlexcount(rl_ctx *c) {
    count_range(c, RL_ZRANGE_LEX);
}

/* ---- removing ---- */

static void remove_range(rl_ctx *c, rl_zrange_by by, const char *event) {
    rl_zrange r = {.by = by, .limit = -1};
    rl_zspan span = {0, 0};
    rl_collection z;
    if (!rl_cmd_zrange_ends(c, 2, &r) || !rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_WRITE, &z))
        return;
    if (rl_sorted_set_of(&z))
        span = rl_cmd_zrange_span(rl_sorted_set_of(&z), &r);
    if (span.to > span.from) {
        rl_key_zset_remove_range(&z, span.from, span.to - span.from, NULL, NULL);
        rl_ctx_notify(c, RL_NOTIFY_ZSET, event, c->argv[1]);
        rl_collection_done(&z);
    }
    rl_reply_int(c->reply, (int64_t)(span.to - span.from));
}

void rl_cmd_zremrangebyrank(rl_ctx *c) {
    remove_range(c, RL_ZRANGE_RANK, "zremrangebyrank");
}

void rl_cmd_zremrangebyscore(rl_ctx *c) {
    remove_range(c, RL_ZRANGE_SCORE, "zremrangebyscore");
}

void rl_cmd_zremrangebylex(rl_ctx *c) {
    remove_range(c, RL_ZRANGE_LEX, "zremrangebylex");
}
