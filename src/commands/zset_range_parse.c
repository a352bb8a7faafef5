/* SPDX-License-Identifier: MIT */
/* Sorted sets: the arguments of ranges. See zset_range.h. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/number.h"
#include "commands/zset_range.h"

static bool fail(rl_ctx *c, const char *error) {
    rl_reply_error(c->reply, error);
    return false;
}

/* ---- the ends ---- */

/* As C reads a number: blanks in front, numbers too large for a double, and nothing at all are
 * fine here, unlike in ZADD. */
static bool parse_loose(rl_bytes text, double *out) {
    char *copy = rl_strndup(text.ptr, text.len), *end;
    *out = strtod(copy, &end);
    bool ok = *end == '\0' && !isnan(*out);
    rl_free(copy);
    return ok;
}

static bool parse_score_end(rl_bytes text, rl_score_end *out) {
    out->open = text.len && text.ptr[0] == '(';
    if (out->open)
        text = rl_bytes_of(text.ptr + 1, text.len - 1);
    return rl_double_parse(text, &out->score) || parse_loose(text, &out->score);
}

static bool parse_lex_end(rl_bytes text, rl_lex_end *out) {
    char kind = text.len ? text.ptr[0] : '\0';
    *out = (rl_lex_end){0};
    switch (kind) {
    case '-':
    case '+':
        out->infinite = kind == '+' ? 1 : -1;
        return text.len == 1 || text.ptr[1] == '\0';
    case '(':
    case '[':
        out->open = kind == '(';
        out->member = rl_bytes_of(text.ptr + 1, text.len - 1);
        return true;
    default:
        return false;
    }
}

bool rl_cmd_zrange_ends(rl_ctx *c, int arg, rl_zrange *r) {
    int low = arg + r->down, high = arg + !r->down; /* downward ranges name the upper end first */
    switch (r->by) {
    case RL_ZRANGE_RANK:
        return rl_ctx_int(c, arg, &r->first, NULL) && rl_ctx_int(c, arg + 1, &r->last, NULL);
    case RL_ZRANGE_SCORE:
        return (parse_score_end(c->argv[low], &r->score[0]) &&
                parse_score_end(c->argv[high], &r->score[1])) ||
               fail(c, RL_ERR_ZRANGE_SCORE);
    case RL_ZRANGE_LEX:
        return (parse_lex_end(c->argv[low], &r->lex[0]) &&
                parse_lex_end(c->argv[high], &r->lex[1])) ||
               fail(c, RL_ERR_ZRANGE_LEX);
    }
    return false;
}

/* ---- options ---- */

typedef struct options {
    rl_ctx *c;
    const rl_zrange_form *form;
    rl_zrange *range;
    bool ordered; /* BYSCORE or BYLEX was given */
    bool scores;
} options;

/* One option at argument *i, and its values; false after answering. */
static bool parse_option(options *o, int *i) {
    rl_ctx *c = o->c;
    rl_bytes word = c->argv[*i];
    if (!o->form->store && rl_bytes_is(word, "WITHSCORES")) {
        o->scores = true;
    } else if (rl_bytes_is(word, "LIMIT") && c->argc - *i > 2) {
        if (!rl_ctx_int(c, *i + 1, &o->range->offset, NULL) ||
            !rl_ctx_int(c, *i + 2, &o->range->limit, NULL))
            return false;
        *i += 2;
    } else if (o->form->any && !o->range->down && rl_bytes_is(word, "REV")) {
        o->range->down = true;
    } else if (o->form->any && !o->ordered && rl_bytes_is(word, "BYLEX")) {
        o->range->by = RL_ZRANGE_LEX;
        o->ordered = true;
    } else if (o->form->any && !o->ordered && rl_bytes_is(word, "BYSCORE")) {
        o->range->by = RL_ZRANGE_SCORE;
        o->ordered = true;
    } else {
        return fail(c, RL_ERR_SYNTAX);
    }
    return true;
}

bool rl_cmd_zrange_parse(rl_ctx *c, const rl_zrange_form *form, rl_zrange *r, bool *scores) {
    options o = {c, form, r, false, false};
    *r = (rl_zrange){.by = form->by, .down = form->down, .limit = -1};
    for (int i = form->key + 3; i < c->argc; i++)
        if (!parse_option(&o, &i))
            return false;
    if (r->limit != -1 && r->by == RL_ZRANGE_RANK)
        return fail(c, "ERR syntax error, LIMIT is only supported in combination with either "
                       "BYSCORE or BYLEX");
    if (o.scores && r->by == RL_ZRANGE_LEX)
        return fail(c, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    *scores = o.scores;
    return rl_cmd_zrange_ends(c, form->key + 1, r);
}
