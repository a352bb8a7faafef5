/* SPDX-License-Identifier: MIT */
/* The loader; see loader.h. */
#include "store/loader.h"

#include <stdio.h>

#include "store/schema.h"

static rl_bytes column_bytes(sqlite3_stmt *stmt, int at) {
    const void *ptr = sqlite3_column_blob(stmt, at);
    return rl_bytes_of(ptr ? ptr : "", (size_t)sqlite3_column_bytes(stmt, at));
}

int rl_loader_run(const char *path, void (*on_row)(void *arg, const rl_store_row *row), void *arg,
                  char *error, size_t error_len) {
    sqlite3 *db;
    int code = rl_schema_open_more(path, true, &db, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_exec(db, "PRAGMA mmap_size = 2147418112", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(
            db, "SELECT id, db, type, expires_at, key, value FROM rl_key ORDER BY id", -1, &stmt,
            NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rl_store_row row = {
            .id = (uint64_t)sqlite3_column_int64(stmt, 0),
            .db = sqlite3_column_int(stmt, 1),
            .type = (rl_type)sqlite3_column_int(stmt, 2),
            .expires_at = sqlite3_column_type(stmt, 3) == SQLITE_NULL
                              ? RL_NEVER
                              : sqlite3_column_int64(stmt, 3),
            .key = column_bytes(stmt, 4),
            .value = column_bytes(stmt, 5),
        };
        on_row(arg, &row);
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_DONE) {
        code = rl_schema_error_of(rc);
        snprintf(error, error_len, "%s: reading the keys: %s", path, sqlite3_errmsg(db));
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return code;
}
