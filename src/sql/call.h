/* SPDX-License-Identifier: MIT */
/*
 * One SQL command: what a client asked, in memory of its own, and what came of it. Made on the
 * loop, run on the thread that has the connection, read on the loop again; whoever has it at the
 * moment is the only one to touch it.
 *
 *     SQL [TYPES letters] [TIMEOUT milliseconds] statement [parameter …]
 */
#ifndef RL_SQL_CALL_H
#define RL_SQL_CALL_H

#include "sql/engine.h"

typedef struct rl_sql_call {
    rl_sql_query query; /* points into argv */
    rl_chain answer;    /* of the last run; ends up with the client */
    rl_sql_outcome outcome;
    char code[16];    /* of an error answer: "SQLERR"; "" when there is none */
    uint64_t took_us; /* in the engine, all runs together */
    /* By a reader: no batch behind this one can have been seen; UINT64_MAX: not known. */
    uint64_t seen_seq;
    int argc;
    rl_bytes argv[]; /* as sent, argv[0] is the command's name; then the arguments' bytes */
} rl_sql_call;

/* Reads the options and copies everything. Limits are those of the settings; TIMEOUT changes one.
 * resp: what the answer is written in. NULL with an error for the client, with its prefix, when the
 * options are wrong. */
rl_sql_call *rl_sql_call_create(const rl_bytes *argv, int argc, const rl_sql_limits *limits,
                                int resp, char *error, size_t error_len);
void rl_sql_call_free(rl_sql_call *c); /* NULL is fine */

/* Runs it, forgetting the answer of an earlier run. */
rl_sql_outcome rl_sql_call_run(rl_sql_call *c, rl_sql_engine *engine,
                               const _Atomic bool *cancelled);
/* Makes the answer this error line instead, "SQLERR …". */
void rl_sql_call_fail(rl_sql_call *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
