/* SPDX-License-Identifier: MIT */
/*
 * Ranges of sorted sets, however they are given: by rank, by score, by member, with LIMIT, upward
 * or downward. First the arguments are read (zset_range_parse.c); then the range is laid upon a
 * set, which makes ranks of it in O(log n), and the ranks are walked (zset_range.c). Loop thread.
 */
#ifndef RL_COMMANDS_ZSET_RANGE_H
#define RL_COMMANDS_ZSET_RANGE_H

#include "server/command.h"

#define RL_ERR_ZRANGE_SCORE "ERR min or max is not a float"
#define RL_ERR_ZRANGE_LEX   "ERR min or max not valid string range item"

typedef enum rl_zrange_by {
    RL_ZRANGE_RANK,
    RL_ZRANGE_SCORE,
    RL_ZRANGE_LEX,
} rl_zrange_by;

/* One end of a range of scores. */
typedef struct rl_score_end {
    double score;
    bool open; /* the score itself is outside */
} rl_score_end;

/* One end of a range of members. */
typedef struct rl_lex_end {
    int infinite; /* -1: before every member; 1: behind every one; 0: at `member` */
    bool open;    /* the member itself is outside */
    rl_bytes member;
} rl_lex_end;

typedef struct rl_zrange {
    rl_zrange_by by;
    bool down;             /* from the highest; the ends of ranks then count from there */
    int64_t first, last;   /* RANK, as given */
    rl_score_end score[2]; /* SCORE: the lower end, the upper end */
    rl_lex_end lex[2];     /* LEX */
    int64_t offset, limit; /* LIMIT; a limit below 0 is none */
} rl_zrange;

/* Reads both ends of a range of r->by and r->down, at argument `arg` and the next. False after
 * answering. */
bool rl_cmd_zrange_ends(rl_ctx *c, int arg, rl_zrange *r);

/* Ranks from..to - 1, lowest score first; from <= to. */
typedef struct rl_zspan {
    size_t from, to;
} rl_zspan;
rl_zspan rl_cmd_zrange_span(const rl_zset *z, const rl_zrange *r);

/* What a command of the ZRANGE family lets its arguments say. */
typedef struct rl_zrange_form {
    int key;    /* argument; the ends follow it, then the options */
    bool any;   /* BYSCORE, BYLEX and REV may be given; else `by` and `down` hold */
    bool store; /* no WITHSCORES */
    rl_zrange_by by;
    bool down;
} rl_zrange_form;

/* Reads the ends and options of such a command. False after answering. */
bool rl_cmd_zrange_parse(rl_ctx *c, const rl_zrange_form *form, rl_zrange *r, bool *scores);

#endif
