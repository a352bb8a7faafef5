/* SPDX-License-Identifier: MIT */
/* Parameters; see params.h. */
#include "sql/params.h"

#include <stdint.h>
#include <stdio.h>

#include "base/number.h"
#include "base/text.h"

/* Empty bytes may have no address, which SQLite would take for NULL. */
static const char *address(rl_bytes bytes) {
    return bytes.len ? bytes.ptr : "";
}

static int bind_text(sqlite3_stmt *stmt, int at, rl_bytes bytes) {
    return sqlite3_bind_text64(stmt, at, address(bytes), bytes.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_blob(sqlite3_stmt *stmt, int at, rl_bytes bytes) {
    return sqlite3_bind_blob64(stmt, at, address(bytes), bytes.len, SQLITE_STATIC);
}

/* An SQLite code, or -1 with what was expected in *expected. */
static int bind_one(sqlite3_stmt *stmt, int at, char type, rl_bytes bytes, const char **expected) {
    int64_t integer;
    double real;
    switch (type) {
    case RL_SQL_AUTO:
        return rl_text_is_utf8(bytes) ? bind_text(stmt, at, bytes) : bind_blob(stmt, at, bytes);
    case RL_SQL_TEXT:
        *expected = "text (t): UTF-8 without a zero byte";
        return rl_text_is_utf8(bytes) ? bind_text(stmt, at, bytes) : -1;
    case RL_SQL_INTEGER:
        *expected = "an integer (i): 64 bits, decimal";
        return rl_int64_parse(bytes, &integer) ? sqlite3_bind_int64(stmt, at, integer) : -1;
    case RL_SQL_DOUBLE:
        *expected = "a number (d)";
        return rl_double_parse(bytes, &real) ? sqlite3_bind_double(stmt, at, real) : -1;
    case RL_SQL_BLOB:
        return bind_blob(stmt, at, bytes);
    case RL_SQL_NULL:
        return sqlite3_bind_null(stmt, at);
    default:
        *expected = "of a type among t i d b n and -";
        return -1;
    }
}

bool sql_params_bind(sqlite3_stmt *stmt, const rl_sql_query *q, int first, int count, char *error,
                     size_t error_len) {
    for (int i = 0; i < count; i++) {
        int number = first + i;
        const char *expected = "";
        int rc = bind_one(stmt, i + 1, q->types ? q->types[number] : RL_SQL_AUTO, q->params[number],
                          &expected);
        if (rc == SQLITE_OK)
            continue;
        if (rc < 0)
            snprintf(error, error_len, "SQLERR parameter %d is not %s", number + 1, expected);
        else if (rc == SQLITE_TOOBIG)
            snprintf(error, error_len,
                     "SQLLIMIT parameter %d has %zu bytes; a single value may have %d "
                     "(sql-max-memory)",
                     number + 1, q->params[number].len,
                     sqlite3_limit(sqlite3_db_handle(stmt), SQLITE_LIMIT_LENGTH, -1));
        else
            snprintf(error, error_len, "SQLERR parameter %d: %s", number + 1, sqlite3_errstr(rc));
        return false;
    }
    return true;
}
