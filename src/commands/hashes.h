/* SPDX-License-Identifier: MIT */
/* What the hash commands share: lists of fields, expiry times of fields. Loop thread. */
#ifndef RL_COMMANDS_HASHES_H
#define RL_COMMANDS_HASHES_H

#include "commands/shared.h"

/* The latest time a field can expire at, in Unix milliseconds: that of Redis. */
#define RL_FIELD_TIME_MAX ((INT64_C(1) << 46) - 1)

/* "FIELDS numfields field …" up to the last argument. */
typedef struct rl_field_list {
    int first; /* argument of the first field */
    int count;
} rl_field_list;

/* Reads such a list that begins at argument `at`. False after answering an error; wrong_count: the
 * one for a number that is none. */
bool rl_cmd_field_list(rl_ctx *c, int at, const char *wrong_count, rl_field_list *out);
#define RL_ERR_FIELD_COUNT "ERR Number of fields must be a positive integer"

/* Turns the time of a field's expiry into Unix milliseconds, which may be over. False after
 * answering that it is not an integer, below 0 or too late. */
bool rl_cmd_field_time(rl_ctx *c, rl_bytes argument, rl_expire_option how, int64_t *out);

/* Gives a field that is there a new expiry; a time that is over takes it out. */
void rl_cmd_field_expire(rl_ctx *c, rl_collection *h, rl_bytes field, int64_t expires_at);
/* Tells what rl_cmd_field_expire did to one field or many. */
void rl_cmd_notify_fields_expire(rl_ctx *c, int64_t expires_at);

/* Answers the value of a field, null when there is none. True: there is one. The hash may be NULL.
 */
bool rl_cmd_reply_field(rl_ctx *c, const rl_fields *fields, rl_bytes name);
/* Answers `ERR string exceeds …` when a pair is too long for a row; false then. */
bool rl_cmd_check_pair(rl_ctx *c, rl_bytes field, rl_bytes value);

#endif
