/* SPDX-License-Identifier: MIT */
/* What several families of commands share: arguments that are times, counts, lengths. Loop thread.
 */
#ifndef RL_COMMANDS_SHARED_H
#define RL_COMMANDS_SHARED_H

#include "server/command.h"
#include "server/server.h"

/* How a time argument is meant. */
typedef enum rl_time_unit { RL_TIME_SECONDS, RL_TIME_MILLISECONDS } rl_time_unit;

/* Turns a time argument into Unix milliseconds. Answers "not an integer" or "invalid expire time in
 * '…' command" and returns false when it is not one; with `positive`, 0 and less are refused. */
bool rl_cmd_expire_time(rl_ctx *c, rl_bytes argument, rl_time_unit unit, bool absolute,
                        bool positive, int64_t *out);

/* The option EX, PX, EXAT or PXAT. */
typedef struct rl_expire_option {
    rl_time_unit unit;
    bool absolute;
} rl_expire_option;
bool rl_cmd_expire_option(rl_bytes word, rl_expire_option *out);

/* A count from 0 on, or "ERR value is out of range, must be positive" (or text) and false. */
bool rl_cmd_count(rl_ctx *c, int arg, int64_t *out, const char *error_or_null);

/* "ERR string exceeds maximum allowed size" when a string of this length may not be; false then. */
bool rl_cmd_check_length(rl_ctx *c, uint64_t length);

/* "count [WORD]" behind the key of HRANDFIELD and ZRANDMEMBER; false after answering. */
bool rl_cmd_random_count(rl_ctx *c, const char *word, int64_t *count, bool *with);
/* How often HRANDFIELD, SRANDMEMBER and ZRANDMEMBER pick when they may pick the same again: the
 * reply is made at one go, in memory, and meanwhile nobody else is served. */
#define RL_REPEATS_MAX 10000000
/* False after answering that `count`, which is negative, asks for more. */
bool rl_cmd_check_repeats(rl_ctx *c, int64_t count);

/* What INCRBYFLOAT and HINCRBYFLOAT make of two numbers: the text of their sum, in `text` (of
 * RL_DOUBLE_TEXT_MAX bytes). False after answering that it is none. */
bool rl_cmd_float_sum(rl_ctx *c, long double a, long double b, char *text, rl_bytes *sum);

#endif
