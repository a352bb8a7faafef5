/* SPDX-License-Identifier: MIT */
/*
 * The sweeper; see sweep.h.
 *
 * A step takes the first STEP_ROWS rows of a collection. The row behind them is found by an OFFSET,
 * and all before it are one range of the primary key; when there is none behind, all that is left
 * goes.
 */
#include "store/sweep.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/batch.h"

#define SLICE_ROWS 2000
#define BUSY_MS    2000 /* of the connection; see schema.c */

enum {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_NEXT,
    SQL_IS_ALIVE,
    SQL_DONE,
    SQL_PART, /* and one for each table */
    SQL_REST = SQL_PART + 4,
    SQL_COUNT = SQL_REST + 4,
};

#define STEP_ROWS "128"
#define PART(table, element)                                                                       \
    "DELETE FROM " table " WHERE key_id = ?1 AND " element " < (SELECT " element " FROM " table    \
    " WHERE key_id = ?1 ORDER BY " element " LIMIT 1 OFFSET " STEP_ROWS ")"
#define REST(table) "DELETE FROM " table " WHERE key_id = ?1"

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_NEXT] = "SELECT key_id, type FROM rl_dead ORDER BY key_id LIMIT 1",
    [SQL_IS_ALIVE] = "SELECT 1 FROM rl_key WHERE id = ?1",
    [SQL_DONE] = "DELETE FROM rl_dead WHERE key_id = ?1",
    /* in the order of the types */
    [SQL_PART] = PART("rl_list", "pos"),
    [SQL_PART + 1] = PART("rl_set", "member"),
    [SQL_PART + 2] = PART("rl_zset", "member"),
    [SQL_PART + 3] = PART("rl_hash", "field"),
    [SQL_REST] = REST("rl_list"),
    [SQL_REST + 1] = REST("rl_set"),
    [SQL_REST + 2] = REST("rl_zset"),
    [SQL_REST + 3] = REST("rl_hash"),
};

struct rl_sweep {
    sqlite3 *db;
    rl_schema_meta *meta;
    sqlite3_stmt *statements[SQL_COUNT];
};

void rl_sweep_free(rl_sweep *s) {
    if (s == NULL)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    rl_free(s);
}

int rl_sweep_create(sqlite3 *db, rl_schema_meta *meta, rl_sweep **out) {
    rl_sweep *s = rl_calloc(1, sizeof *s);
    s->db = db;
    s->meta = meta;
    int rc = SQLITE_OK;
    for (int i = 0; i < SQL_COUNT && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                                NULL);
    if (rc != SQLITE_OK) {
        rl_sweep_free(s);
        return rc;
    }
    *out = s;
    return SQLITE_OK;
}

/* --- a slice ---------------------------------------------------------------------------------- */

/* Runs a statement that gives no row and has this id as its parameter, if any. */
static int run(rl_sweep *s, int number, int64_t id) {
    sqlite3_stmt *stmt = s->statements[number];
    if (sqlite3_bind_parameter_count(stmt))
        sqlite3_bind_int64(stmt, 1, id);
    sqlite3_step(stmt);
    return sqlite3_reset(stmt);
}

typedef struct dead {
    int64_t id; /* 0: there is none */
    int64_t type;
} dead;

static int next_dead(rl_sweep *s, dead *out) {
    sqlite3_stmt *stmt = s->statements[SQL_NEXT];
    *out = (dead){0};
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
        out->id = sqlite3_column_int64(stmt, 0);
        out->type = sqlite3_column_int64(stmt, 1);
    }
    return sqlite3_reset(stmt);
}

/* Only another program can have called a living key dead; its elements are not to be touched. */
static int is_alive(rl_sweep *s, int64_t id, bool *alive) {
    sqlite3_stmt *stmt = s->statements[SQL_IS_ALIVE];
    sqlite3_bind_int64(stmt, 1, id);
    *alive = sqlite3_step(stmt) == SQLITE_ROW;
    if (*alive)
        rl_log(RL_LOG_WARNING,
               "data.db: rl_dead names the key with the id %lld, which is there; this server did "
               "not write that, removed the row of rl_dead",
               (long long)id);
    return sqlite3_reset(stmt);
}

/* Deletes some rows of a collection, or all that are left: *done. */
static int delete_some(rl_sweep *s, const dead *d, uint64_t *rows, bool *done) {
    int table = (int)(d->type - RL_TYPE_LIST);
    int rc = run(s, SQL_PART + table, d->id);
    uint64_t gone = rc == SQLITE_OK ? (uint64_t)sqlite3_changes64(s->db) : 0;
    *done = rc == SQLITE_OK && gone == 0;
    if (*done) {
        rc = run(s, SQL_REST + table, d->id);
        gone = (uint64_t)sqlite3_changes64(s->db);
    }
    *rows += gone;
    return rc;
}

static bool has_table(const dead *d) {
    return d->type >= RL_TYPE_LIST && d->type <= RL_TYPE_HASH;
}

/* One step of one collection. */
static int step(rl_sweep *s, const dead *d, uint64_t *rows, uint64_t *finished) {
    bool alive;
    bool done = true;
    int rc = is_alive(s, d->id, &alive);
    if (rc == SQLITE_OK && !alive && has_table(d))
        rc = delete_some(s, d, rows, &done);
    if (rc == SQLITE_OK && done) {
        rc = run(s, SQL_DONE, d->id);
        ++*finished;
    }
    return rc;
}

static int steps(rl_sweep *s, uint64_t *rows, uint64_t *finished, bool *empty) {
    int64_t until_us = rl_clock_mono_us() + RL_SWEEP_SLICE_MS * 1000;
    int rc;
    do {
        dead d;
        rc = next_dead(s, &d);
        *empty = d.id == 0;
        if (rc != SQLITE_OK || *empty)
            return rc;
        rc = step(s, &d, rows, finished);
    } while (rc == SQLITE_OK && *rows + *finished < SLICE_ROWS && rl_clock_mono_us() < until_us);
    return rc;
}

int rl_sweep_slice(rl_sweep *s, uint64_t *rows) {
    uint64_t finished = 0;
    bool empty = false;
    *rows = 0;
    sqlite3_busy_timeout(s->db, 0);
    int rc = run(s, SQL_BEGIN, 0);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    if (rc != SQLITE_OK)
        return rc;
    rc = steps(s, rows, &finished, &empty);
    if (rc == SQLITE_OK)
        rc = run(s, SQL_COMMIT, 0);
    if (rc != SQLITE_OK) {
        if (!sqlite3_get_autocommit(s->db))
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        *rows = 0;
        return rc;
    }
    /* Others may have written to rl_dead: what is counted is not what is there for sure. */
    s->meta->dead -= finished < s->meta->dead ? finished : s->meta->dead;
    if (empty)
        s->meta->dead = 0;
    return SQLITE_OK;
}
