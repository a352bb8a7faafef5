/* SPDX-License-Identifier: MIT */
/* Answers as RESP; see answer.h. */
#include "sql/answer.h"

#include "resp/reply.h"

void sql_answer_init(sql_answer *a, int resp, int64_t max_rows, uint64_t max_bytes) {
    *a = (sql_answer){.resp = resp, .max_rows = max_rows, .max_bytes = max_bytes};
}

void sql_answer_release(sql_answer *a) {
    rl_chain_release(&a->rows);
    rl_chain_release(&a->done);
}

static rl_reply reply_to(sql_answer *a, rl_chain *chain) {
    return (rl_reply){.chain = chain, .resp = a->resp};
}

static sql_answer_state fits(const sql_answer *a) {
    return rl_chain_pending(&a->rows) + rl_chain_pending(&a->done) > a->max_bytes ? SQL_ANSWER_LARGE
                                                                                  : SQL_ANSWER_FITS;
}

static void add_value(rl_reply *r, sqlite3_stmt *stmt, int column) {
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        rl_reply_int(r, sqlite3_column_int64(stmt, column));
        break;
    case SQLITE_FLOAT:
        rl_reply_double(r, sqlite3_column_double(stmt, column));
        break;
    case SQLITE_NULL:
        rl_reply_null(r);
        break;
    default: { /* TEXT and BLOB; the file is UTF-8, so nothing is converted */
        const char *bytes = sqlite3_column_blob(stmt, column);
        int len = sqlite3_column_bytes(stmt, column);
        rl_reply_bulk(r, rl_bytes_of(bytes, (size_t)len));
    }
    }
}

sql_answer_state sql_answer_names(sql_answer *a, sqlite3_stmt *stmt) {
    rl_reply r = reply_to(a, &a->rows);
    int count = sqlite3_column_count(stmt);
    a->row_count = 0;
    rl_reply_array(&r, (size_t)count);
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(stmt, i);
        rl_reply_text(&r, name ? name : "");
    }
    return fits(a);
}

sql_answer_state sql_answer_row(sql_answer *a, sqlite3_stmt *stmt) {
    if (a->row_count >= a->max_rows)
        return SQL_ANSWER_MANY_ROWS;
    a->row_count++;
    rl_reply r = reply_to(a, &a->rows);
    int count = sqlite3_data_count(stmt);
    rl_reply_array(&r, (size_t)count);
    sql_answer_state state = fits(a);
    /* After each value: a row may name the same long value a thousand times. */
    for (int i = 0; i < count && state == SQL_ANSWER_FITS; i++) {
        add_value(&r, stmt, i);
        state = fits(a);
    }
    return state;
}

void sql_answer_rows_end(sql_answer *a) {
    rl_reply r = reply_to(a, &a->done);
    rl_reply_array(&r, (size_t)a->row_count + 1);
    rl_chain_append(&a->done, &a->rows);
    a->statements++;
}

void sql_answer_changes(sql_answer *a, int64_t changes) {
    rl_reply r = reply_to(a, &a->done);
    rl_reply_int(&r, changes);
    a->statements++;
}

void sql_answer_finish(sql_answer *a, bool script, rl_chain *out) {
    if (script) {
        rl_reply r = reply_to(a, out);
        rl_reply_array(&r, a->statements);
    }
    rl_chain_append(out, &a->done);
    sql_answer_release(a);
}
