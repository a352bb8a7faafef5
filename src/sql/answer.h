/* SPDX-License-Identifier: MIT */
/*
 * The answer of a script while it is made. RESP wants counts in front of what is counted, and they
 * are known last: so rows go into a chain of their own, which is put behind its header when the
 * statement is done, and the statements' answers likewise. Chunks move, bytes stay.
 */
#ifndef RL_SQL_ANSWER_H
#define RL_SQL_ANSWER_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chain.h"

typedef enum sql_answer_state {
    SQL_ANSWER_FITS,
    SQL_ANSWER_MANY_ROWS,
    SQL_ANSWER_LARGE,
} sql_answer_state;

typedef struct sql_answer {
    rl_chain done; /* of the statements that are finished */
    rl_chain rows; /* of the one at work: names, then rows */
    size_t statements;
    int64_t row_count; /* of the one at work */
    int resp;
    int64_t max_rows; /* of one statement */
    uint64_t max_bytes;
} sql_answer;

void sql_answer_init(sql_answer *a, int resp, int64_t max_rows, uint64_t max_bytes);
void sql_answer_release(sql_answer *a);

/* A statement with columns: names, rows, end. Stops in the middle of a row that is too large. */
sql_answer_state sql_answer_names(sql_answer *a, sqlite3_stmt *stmt);
sql_answer_state sql_answer_row(sql_answer *a, sqlite3_stmt *stmt);
void sql_answer_rows_end(sql_answer *a);
/* A statement without. */
void sql_answer_changes(sql_answer *a, int64_t changes);

/* Moves the answer to the end of `out`; as an array when it is a script's. Leaves a empty. */
void sql_answer_finish(sql_answer *a, bool script, rl_chain *out);

#endif
