/* SPDX-License-Identifier: MIT */
/* What the commands of sorted sets share, and what the blocking ones need of them. Loop thread. */
#ifndef RL_COMMANDS_ZSETS_H
#define RL_COMMANDS_ZSETS_H

#include "server/command.h"

/* ---- replies ---- */

/* `count` members, with their scores or without: the header, then each member. In RESP2 the scores
 * stand between the members, in RESP3 every member is a pair with its score. */
void rl_cmd_zset_members(rl_reply *r, size_t count, bool scores);
void rl_cmd_zset_member(rl_reply *r, rl_bytes member, double score, bool scores);

/* As scores are kept: there is no -0, because SQLite does not keep one. */
static inline double rl_cmd_zset_score(double score) {
    return score + 0.0;
}

/* What a …STORE command made becomes the key that argument `key` names, or the key goes when it is
 * empty or NULL: tells `event` or "del", and replies how many members there are. Takes over z. */
void rl_cmd_zset_store(rl_ctx *c, int key, rl_zset *z, const char *event);

/* ---- popping ---- */

typedef enum rl_zpop_form {
    RL_ZPOP_MEMBERS, /* ZPOPMIN: member, score, member, score …; in RESP3 pairs when many are set */
    RL_ZPOP_TRIPLE, /* BZPOPMIN: key, member, score */
    RL_ZPOP_NESTED, /* ZMPOP, BZMPOP: key and an array of pairs */
} rl_zpop_form;

typedef struct rl_zpop {
    rl_zpop_form form;
    bool max;  /* the highest scores first */
    bool many; /* a count was given */
    size_t count;
} rl_zpop;

/* Pops from the first of these keys that is there, leaving out those that do not concern a command
 * that was woken; replies and tells "zpopmin" or "zpopmax". True when it has replied, which may be
 * WRONGTYPE; false: there is none of the keys, and nothing was done. */
bool rl_cmd_zpop_first(rl_ctx *c, int first_key, int key_count, const rl_zpop *pop);

/* The arguments of ZMPOP from the number of keys on: numkeys key … MIN|MAX [COUNT n]. The keys
 * begin at numkeys_arg + 1. False after answering an error. */
bool rl_cmd_zmpop_parse(rl_ctx *c, int numkeys_arg, int *key_count, rl_zpop *pop);

#endif
