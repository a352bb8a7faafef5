/* SPDX-License-Identifier: MIT */
/*
 * What a client asked with the SQL command: text, parameters, limits. Plain data that travels from
 * the loop to the thread that runs it.
 */
#ifndef RL_SQL_QUERY_H
#define RL_SQL_QUERY_H

#include <stdint.h>

#include "base/bytes.h"

typedef struct rl_sql_limits {
    int64_t timeout_ms; /* of one statement; 0: none */
    int64_t max_rows;   /* of one statement's answer */
    uint64_t max_bytes; /* of the whole answer, and of a single value */
} rl_sql_limits;

/* How a parameter is bound, by the letters of SQL TYPES. */
enum {
    RL_SQL_AUTO = '-',    /* TEXT where it is UTF-8 without a zero byte, else BLOB: as in rl_key */
    RL_SQL_TEXT = 't',    /* refused when it is not UTF-8 */
    RL_SQL_INTEGER = 'i', /* 64 bits, decimal */
    RL_SQL_DOUBLE = 'd',
    RL_SQL_BLOB = 'b',
    RL_SQL_NULL = 'n', /* the argument is there and does not count */
};

typedef struct rl_sql_query {
    rl_bytes text; /* one statement or several */
    const rl_bytes *params;
    int param_count;
    const char *types; /* param_count letters; NULL: all RL_SQL_AUTO */
    int resp;          /* 2 or 3: what the answer is written in */
    rl_sql_limits limits;
} rl_sql_query;

#endif
