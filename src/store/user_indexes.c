/* SPDX-License-Identifier: MIT */
/* Users' indexes; see user_indexes.h. */
#include "store/user_indexes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

typedef struct user_index {
    char *name;
    char *sql;
    char *why; /* lost: SQLite's words; else NULL */
} user_index;

struct rl_user_indexes {
    sqlite3 *db;
    user_index *items; /* taken away in this transaction and not made again (yet) */
    size_t count, cap;
    uint64_t lost;
};

/* Names that begin with rl_ are ours, and so are indexes without SQL, which belong to their
 * table's constraints. */
static const char list_sql[] =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    " AND lower(substr(tbl_name, 1, 3)) = 'rl_' AND lower(substr(name, 1, 3)) <> 'rl_'";

rl_user_indexes *rl_user_indexes_create(sqlite3 *db) {
    rl_user_indexes *u = rl_calloc(1, sizeof *u);
    u->db = db;
    return u;
}

static void forget(rl_user_indexes *u) {
    for (size_t i = 0; i < u->count; i++) {
        rl_free(u->items[i].name);
        rl_free(u->items[i].sql);
        rl_free(u->items[i].why);
    }
    u->count = 0;
}

void rl_user_indexes_free(rl_user_indexes *u) {
    if (u == NULL)
        return;
    forget(u);
    rl_free(u->items);
    rl_free(u);
}

uint64_t rl_user_indexes_lost(const rl_user_indexes *u) {
    return u->lost;
}

/* SQLite's own troubles, which come and go whatever indexes there are. */
static bool is_of_the_system(int rc) {
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_NOLFS:
        return true;
    default:
        return false;
    }
}

bool rl_user_indexes_to_blame(rl_user_indexes *u, int rc) {
    if (is_of_the_system(rc))
        return false;
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(u->db, list_sql, -1, &stmt, NULL) != SQLITE_OK)
        return false;
    bool any = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return any;
}

static int list(rl_user_indexes *u) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(u->db, list_sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (u->count == u->cap) {
            u->cap = u->cap ? u->cap * 2 : 8;
            u->items = rl_realloc(u->items, u->cap * sizeof *u->items);
        }
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const char *sql = (const char *)sqlite3_column_text(stmt, 1);
        if (name && sql)
            u->items[u->count++] = (user_index){rl_strdup(name), rl_strdup(sql), NULL};
    }
    return sqlite3_finalize(stmt);
}

static int drop_one(sqlite3 *db, const char *name) {
    char *sql = sqlite3_mprintf("DROP INDEX main.\"%w\"", name);
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

int rl_user_indexes_drop(rl_user_indexes *u) {
    size_t from = u->count;
    int rc = list(u);
    for (size_t i = from; i < u->count && rc == SQLITE_OK; i++)
        rc = drop_one(u->db, u->items[i].name);
    return rc;
}

/* Makes one index again, or notes why that failed. An error is one of the system's. */
static int restore_one(rl_user_indexes *u, user_index *item) {
    int rc = sqlite3_exec(u->db, "SAVEPOINT rl_index", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_exec(u->db, item->sql, NULL, NULL, NULL);
    if (is_of_the_system(rc) && rc != SQLITE_OK)
        return rc;
    if (rc != SQLITE_OK) {
        item->why = rl_strdup(sqlite3_errmsg(u->db));
        rc = sqlite3_exec(u->db, "ROLLBACK TO rl_index", NULL, NULL, NULL);
    }
    int released = sqlite3_exec(u->db, "RELEASE rl_index", NULL, NULL, NULL);
    return rc == SQLITE_OK ? released : rc;
}

int rl_user_indexes_restore(rl_user_indexes *u) {
    size_t kept = 0;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < u->count; i++) {
        user_index *item = &u->items[i];
        bool before = item->why != NULL; /* lost earlier in this transaction */
        if (!before && rc == SQLITE_OK)
            rc = restore_one(u, item);
        if (rc != SQLITE_OK || item->why) {
            u->items[kept++] = *item;
            continue;
        }
        rl_free(item->name);
        rl_free(item->sql);
    }
    u->count = kept;
    return rc;
}

void rl_user_indexes_ended(rl_user_indexes *u, bool committed) {
    for (size_t i = 0; i < u->count && committed; i++) {
        u->lost++;
        rl_log(RL_LOG_WARNING,
               "data.db: the index %s could not take a row and was dropped, so that the row could "
               "be stored: %s. It was made with: %s. An index on an expression must take every "
               "value there may be: give it a WHERE that keeps others out, such as WHERE "
               "json_valid(value), and make it again",
               u->items[i].name, u->items[i].why ? u->items[i].why : "", u->items[i].sql);
    }
    forget(u);
}
