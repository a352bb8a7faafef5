/* SPDX-License-Identifier: MIT */
/* What list commands share with those that wait for a list. Loop thread. */
#ifndef RL_COMMANDS_LISTS_H
#define RL_COMMANDS_LISTS_H

#include "server/command.h"

/* LEFT or RIGHT, in any case; false when it is neither. */
bool rl_cmd_list_end(rl_bytes word, rl_list_end *out);

/* What start and end (negative ones from the right) mean for a list of that length. */
typedef struct rl_list_span {
    size_t from, count; /* count 0: nothing */
} rl_list_span;
rl_list_span rl_cmd_list_span(int64_t start, int64_t end, size_t length);

/* Takes one value from the end of a list that is not empty and answers it as a bulk; notifies
 * "lpop" or "rpop", and closes the handle. */
void rl_cmd_list_pop_value(rl_ctx *c, rl_collection *list, rl_list_end end);
/* The same with up to `count` values, as an array; the outermost comes first. 0: an empty array,
 * and nothing is changed. */
void rl_cmd_list_pop_values(rl_ctx *c, rl_collection *list, rl_list_end end, uint64_t count);

/* Pops from the first key that has a list, of those that concern the command (rl_wait_concerns):
 * answers the key and its value (count 0: BLPOP), or the key and an array of up to `count` values
 * (LMPOP). False when there is none, and nothing was answered; true also after WRONGTYPE. */
bool rl_cmd_list_pop_first(rl_ctx *c, int first_key, int key_count, rl_list_end end,
                           uint64_t count);

/* Moves a value from the list argv[1] to the list argv[2], which may be the same, and answers it.
 * False when there is no source, and nothing was answered; true also after WRONGTYPE. */
bool rl_cmd_list_move(rl_ctx *c, rl_list_end from, rl_list_end to);

/* numkeys key [key …] LEFT | RIGHT [COUNT count], of LMPOP and BLMPOP. */
typedef struct rl_lmpop {
    int first_key, key_count; /* arguments */
    rl_list_end end;
    uint64_t count; /* at least 1 */
} rl_lmpop;
/* numkeys is argument `arg`. False after answering what is wrong. */
bool rl_cmd_lmpop_parse(rl_ctx *c, int arg, rl_lmpop *out);

#endif
