/* SPDX-License-Identifier: MIT */
/*
 * Writes replies, in RESP2 or RESP3 as the client asked with HELLO. Types RESP2 lacks become what
 * Redis makes of them: a map is an array of twice the length, a null bulk "$-1", a double a bulk, a
 * boolean 0 or 1. Appends to a chain that the connection owns. Loop thread.
 */
#ifndef RL_RESP_REPLY_H
#define RL_RESP_REPLY_H

#include <stdint.h>

#include "base/chain.h"

typedef struct rl_reply {
    rl_chain *chain;
    int resp;            /* 2 or 3 */
    uint32_t errors;     /* error replies written so far */
    char error_code[32]; /* the first word of the last one ("WRONGTYPE"), for statistics */
} rl_reply;

void rl_reply_raw(rl_reply *r, rl_bytes bytes); /* already encoded */
#define rl_reply_literal(r, text) rl_chain_add((r)->chain, (text), sizeof(text) - 1)

static inline void rl_reply_ok(rl_reply *r) {
    rl_reply_literal(r, "+OK\r\n");
}
void rl_reply_status(rl_reply *r, const char *text);
void rl_reply_bulk(rl_reply *r, rl_bytes bytes);
void rl_reply_text(rl_reply *r, const char *text); /* a bulk */
void rl_reply_int(rl_reply *r, int64_t value);
void rl_reply_null(rl_reply *r);       /* $-1 or _ */
void rl_reply_null_array(rl_reply *r); /* *-1 or _ */
void rl_reply_bool(rl_reply *r, bool value);
void rl_reply_double(rl_reply *r, double value);
void rl_reply_verbatim(rl_reply *r, const char format[3], rl_bytes text); /* a bulk in RESP2 */
void rl_reply_array(rl_reply *r, size_t count);
void rl_reply_map(rl_reply *r, size_t pairs);
void rl_reply_set(rl_reply *r, size_t count);
void rl_reply_push(rl_reply *r, size_t count);
void rl_reply_attribute(rl_reply *r, size_t pairs);

/* Errors. The text has its prefix and no line end ("ERR syntax error"); \r and \n in it become
 * blanks. */
void rl_reply_error(rl_reply *r, const char *text);
void rl_reply_errorf(rl_reply *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The errors everybody knows. */
#define RL_ERR_SYNTAX      "ERR syntax error"
#define RL_ERR_NOT_INTEGER "ERR value is not an integer or out of range"
#define RL_ERR_NOT_FLOAT   "ERR value is not a valid float"
#define RL_ERR_WRONGTYPE   "WRONGTYPE Operation against a key holding the wrong kind of value"
#define RL_ERR_NO_KEY      "ERR no such key"
#define RL_ERR_INDEX       "ERR index out of range"
#define RL_ERR_TOO_LONG    "ERR string exceeds maximum allowed size (proto-max-bulk-len)"

#endif
