/* SPDX-License-Identifier: MIT */
/* Lists: LINSERT, LREM, LTRIM, LPOS. */
#include "base/alloc.h"
#include "commands/handlers.h"
#include "commands/lists.h"

rl_list_span rl_cmd_list_span(int64_t start, int64_t end, size_t length) {
    int64_t there = (int64_t)length;
    if (start < 0)
        start += there;
    if (end < 0)
        end += there;
    if (start < 0)
        start = 0;
    if (end >= there)
        end = there - 1;
    if (start > end)
        return (rl_list_span){0, 0};
    return (rl_list_span){(size_t)start, (size_t)(end - start) + 1};
}

void rl_cmd_linsert(rl_ctx *c) {
    rl_collection list;
    rl_list_walk walk;
    size_t index;
    bool after = rl_bytes_is(c->argv[2], "AFTER");
    if (!after && !rl_bytes_is(c->argv[2], "BEFORE")) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (!rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
        return;
    if (rl_list_of(&list) == NULL) {
        rl_reply_int(c->reply, 0);
        return;
    }
    rl_list_walk_init(&walk, rl_list_of(&list), 0, false);
    if (!rl_list_find(&walk, c->argv[3], 0, &index)) {
        rl_reply_int(c->reply, -1);
        return;
    }
    rl_key_list_insert(&list, index + after, c->argv[4]);
    int64_t length = (int64_t)rl_collection_count(&list);
    rl_ctx_notify(c, RL_NOTIFY_LIST, "linsert", c->argv[1]);
    rl_collection_done(&list);
    rl_reply_int(c->reply, length);
}

void rl_cmd_ltrim(rl_ctx *c) {
    rl_collection list;
    int64_t start, end;
    if (!rl_ctx_int(c, 2, &start, NULL) || !rl_ctx_int(c, 3, &end, NULL) ||
        !rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
        return;
    if (rl_list_of(&list)) {
        size_t there = rl_collection_count(&list);
        rl_list_span kept = rl_cmd_list_span(start, end, there);
        rl_key_list_remove(&list, kept.from + kept.count, there);
        rl_key_list_remove(&list, 0, kept.from);
        rl_ctx_notify(c, RL_NOTIFY_LIST, "ltrim", c->argv[1]);
        rl_collection_done(&list);
    }
    rl_reply_ok(c->reply);
}

/* ---- looking for values ---- */

typedef struct found {
    size_t *indexes, count, capacity;
} found;

static void found_add(found *f, size_t index) {
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : 16;
        f->indexes = rl_realloc(f->indexes, f->capacity * sizeof *f->indexes);
    }
    f->indexes[f->count++] = index;
}

static void found_reverse(found *f) {
    for (size_t i = 0, k = f->count; i + 1 < k; i++) {
        size_t index = f->indexes[i];
        f->indexes[i] = f->indexes[--k];
        f->indexes[k] = index;
    }
}

typedef struct search {
    rl_bytes value;
    bool left;       /* from the right end to the left */
    uint64_t skip;   /* matches that are passed over */
    uint64_t wanted; /* matches; 0: all */
    uint64_t limit;  /* values that are looked at; 0: all */
} search;

static void find_all(const rl_list *l, const search *s, found *f) {
    rl_list_walk walk;
    size_t there = rl_list_count(l), index;
    uint64_t skip = s->skip, limit = s->limit && s->limit < there ? s->limit : there;
    rl_list_walk_init(&walk, l, s->left ? there - 1 : 0, s->left);
    for (size_t seen = 0; seen < limit && rl_list_find(&walk, s->value, limit - seen, &index);) {
        seen = s->left ? there - index : index + 1;
        if (skip) {
            skip--;
            continue;
        }
        found_add(f, index);
        if (f->count == s->wanted)
            return;
    }
}

void rl_cmd_lrem(rl_ctx *c) {
    rl_collection list;
    found f = {0};
    int64_t count;
    if (!rl_ctx_int(c, 2, &count, NULL) || !rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
        return;
    if (rl_list_of(&list)) {
        search s = {.value = c->argv[3], .left = count < 0};
        s.wanted = count < 0 ? -(uint64_t)count : (uint64_t)count;
        find_all(rl_list_of(&list), &s, &f);
        if (s.left)
            found_reverse(&f);
    }
    if (f.count) {
        rl_key_list_remove_many(&list, f.indexes, f.count);
        rl_ctx_notify(c, RL_NOTIFY_LIST, "lrem", c->argv[1]);
        rl_collection_done(&list);
    }
    rl_reply_int(c->reply, (int64_t)f.count);
    rl_free(f.indexes);
}

/* ---- LPOS ---- */

typedef struct lpos_options {
    int64_t rank, count, limit; /* count -1: not given, one position is wanted */
} lpos_options;

#define RANK_ZERO                                                                                  \
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "   \
    "negative to start from the end of the list"

static bool lpos_rank(rl_ctx *c, int arg, int64_t *rank) {
    if (!rl_ctx_int(c, arg, rank, NULL))
        return false;
    if (*rank == INT64_MIN)
        rl_reply_errorf(c->reply, "ERR value is out of range, value must between %lld and %lld",
                        -(long long)INT64_MAX, (long long)INT64_MAX);
    else if (*rank == 0)
        rl_reply_error(c->reply, RANK_ZERO);
    return *rank != 0 && *rank != INT64_MIN;
}

static bool not_negative(rl_ctx *c, int arg, int64_t *out, const char *error) {
    if (rl_int64_parse(c->argv[arg], out) && *out >= 0)
        return true;
    rl_reply_error(c->reply, error);
    return false;
}

static bool lpos_parse(rl_ctx *c, lpos_options *o) {
    for (int i = 3; i < c->argc; i += 2) {
        bool good;
        if (i + 1 < c->argc && rl_bytes_is(c->argv[i], "RANK")) {
            good = lpos_rank(c, i + 1, &o->rank);
        } else if (i + 1 < c->argc && rl_bytes_is(c->argv[i], "COUNT")) {
            good = not_negative(c, i + 1, &o->count, "ERR COUNT can't be negative");
        } else if (i + 1 < c->argc && rl_bytes_is(c->argv[i], "MAXLEN")) {
            good = not_negative(c, i + 1, &o->limit, "ERR MAXLEN can't be negative");
        } else {
            rl_ctx_syntax_error(c);
            good = false;
        }
        if (!good)
            return false;
    }
    return true;
}

static void lpos_reply(rl_ctx *c, const found *f, bool counted) {
    if (counted)
        rl_reply_array(c->reply, f->count);
    else if (f->count == 0)
        rl_reply_null(c->reply);
    for (size_t i = 0; i < f->count; i++)
        rl_reply_int(c->reply, (int64_t)f->indexes[i]);
}

void rl_cmd_lpos(rl_ctx *c) {
    rl_collection list;
    lpos_options o = {.rank = 1, .count = -1};
    found f = {0};
    if (!lpos_parse(c, &o) || !rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_READ, &list))
        return;
    if (rl_list_of(&list)) {
        search s = {.value = c->argv[2], .left = o.rank < 0};
        s.skip = (uint64_t)(s.left ? -o.rank : o.rank) - 1;
        s.wanted = o.count < 0 ? 1 : (uint64_t)o.count;
        s.limit = (uint64_t)o.limit;
        find_all(rl_list_of(&list), &s, &f);
    }
    lpos_reply(c, &f, o.count >= 0);
    rl_free(f.indexes);
}
