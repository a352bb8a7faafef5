/* SPDX-License-Identifier: MIT */
/*
 * The fold; see fold.h.
 *
 *     batches ─▶ merge (newest state per row) ─▶ flush: keys (fold_rows.c), then elements
 *                                                (fold_elements.c, fold_lists.c)
 *
 * Flush writes keys in an order in which UNIQUE (key, db) holds at every step, given that it holds
 * at the end:
 *
 *   1. rows that go, go; the ids of collections among them are put into rl_dead, and their elements
 *      are left to the sweeper (sweep.h);
 *   2. stored rows that get a name take it. Where another row still has it (a swap of two names),
 *      the row is parked under its id in a database of its own until all others are done;
 *   3. the rest in order of id: new values, then new rows, whose ids are above all others, at the
 *      end of the table.
 *
 * Then elements, table by table, in order of id and name. Those of a key that came and went are
 * never written.
 *
 * Changes that speak of many rows are barriers: fold_barriers.c.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "store/fold_internal.h"

static const char *const sql_texts[FOLD_STATEMENTS] = {
    [FOLD_BEGIN] = "BEGIN IMMEDIATE",
    [FOLD_COMMIT] = "COMMIT",
    [FOLD_ROLLBACK] = "ROLLBACK",
    [FOLD_INSERT] =
        "INSERT INTO rl_key(id, db, type, expires_at, key, value) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [FOLD_UPDATE_ROW] =
        "UPDATE rl_key SET db = ?2, type = ?3, expires_at = ?4, key = ?5, value = ?6 WHERE id = ?1",
    [FOLD_UPDATE_NAME] = "UPDATE rl_key SET db = ?2, key = ?3 WHERE id = ?1",
    [FOLD_UPDATE_VALUE] = "UPDATE rl_key SET expires_at = ?2, value = ?3 WHERE id = ?1",
    [FOLD_UPDATE_EXPIRY] = "UPDATE rl_key SET expires_at = ?2 WHERE id = ?1",
    [FOLD_DELETE] = "DELETE FROM rl_key WHERE id = ?1",
    [FOLD_BURY] = "INSERT OR IGNORE INTO rl_dead(key_id, type)"
                  " SELECT id, type FROM rl_key WHERE id = ?1 AND type BETWEEN 2 AND 6",
    [FOLD_READ_VALUE] = "SELECT value FROM rl_key WHERE id = ?1",
    [FOLD_OTHER_DB] = "SELECT 1 FROM rl_key WHERE db <> ?1 LIMIT 1",
    [FOLD_CLEAR_ALL] = "DELETE FROM rl_key", /* no WHERE: SQLite drops whole pages */
    [FOLD_CLEAR_DB] = "DELETE FROM rl_key WHERE db = ?1",
    [FOLD_BURY_DB] = "INSERT OR IGNORE INTO rl_dead(key_id, type)"
                     " SELECT id, type FROM rl_key WHERE db = ?1 AND type BETWEEN 2 AND 6",
    [FOLD_COUNT_DB] = "SELECT count(*) FROM rl_key WHERE db = ?1",
    [FOLD_MOVE_DB] = "UPDATE rl_key SET db = ?2 WHERE db = ?1",
    [FOLD_EVICT] = "DELETE FROM rl_key WHERE (key = ?1 AND db = ?2 AND id <> ?3) OR id = ?4",
    [FOLD_BURY_EVICTED] = "INSERT OR IGNORE INTO rl_dead(key_id, type) SELECT id, type FROM rl_key"
                          " WHERE key = ?1 AND db = ?2 AND id <> ?3 AND type BETWEEN 2 AND 6",
    [FOLD_META] = "UPDATE rl_meta SET value = ?2 WHERE name = ?1",
    /* Not OR REPLACE, which takes a quarter less time for a field that is there: beside a UNIQUE
     * index of another program's it would delete other rows. */
    [FOLD_PUT_FIELD] =
        "INSERT INTO rl_hash(key_id, field, value, expires_at) VALUES(?1, ?2, ?3, ?4)"
        " ON CONFLICT(key_id, field) DO UPDATE SET value = ?3, expires_at = ?4",
    [FOLD_PUT_MEMBER] = "INSERT OR IGNORE INTO rl_set(key_id, member) VALUES(?1, ?2)",
    [FOLD_PUT_SCORE] = "INSERT INTO rl_zset(key_id, member, score) VALUES(?1, ?2, ?3)"
                       " ON CONFLICT(key_id, member) DO UPDATE SET score = ?3",
    [FOLD_PUT_ITEM] = "INSERT INTO rl_list(key_id, pos, value) VALUES(?1, ?2, ?3)"
                      " ON CONFLICT(key_id, pos) DO UPDATE SET value = ?3",
    [FOLD_DELETE_FIELD] = "DELETE FROM rl_hash WHERE key_id = ?1 AND field = ?2",
    [FOLD_DELETE_MEMBER] = "DELETE FROM rl_set WHERE key_id = ?1 AND member = ?2",
    [FOLD_DELETE_SCORE] = "DELETE FROM rl_zset WHERE key_id = ?1 AND member = ?2",
    [FOLD_DELETE_ITEMS] = "DELETE FROM rl_list WHERE key_id = ?1 AND pos BETWEEN ?2 AND ?3",
    [FOLD_READ_ITEMS_UP] = "SELECT pos, value FROM rl_list"
                           " WHERE key_id = ?1 AND pos BETWEEN ?2 AND ?3 ORDER BY pos",
    [FOLD_READ_ITEMS_DOWN] = "SELECT pos, value FROM rl_list"
                             " WHERE key_id = ?1 AND pos BETWEEN ?2 AND ?3 ORDER BY pos DESC",
};

/* Changes read and looked up together, so that their memory is fetched together. */
#define CHANGES_AT_ONCE 16
/* See rl_fold_report. */
#define ROWS_PER_REPORT 1024

/* --- statements ------------------------------------------------------------------------------ */

int store_fold_run(rl_fold *f, int number) {
    sqlite3_stmt *stmt = f->statements[number];
    int rc = sqlite3_step(stmt);
    int reset = sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : reset != SQLITE_OK ? reset : SQLITE_INTERNAL;
}

int store_fold_run_write(rl_fold *f, int number) {
    f->rows++;
    return store_fold_run(f, number);
}

int store_fold_run_int(rl_fold *f, int number, int64_t def, int64_t *out) {
    sqlite3_stmt *stmt = f->statements[number];
    *out = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : def;
    return sqlite3_reset(stmt);
}

void store_fold_bind_bytes(sqlite3_stmt *stmt, int at, rl_bytes bytes) {
    const char *ptr = bytes.len ? bytes.ptr : "";
    if (rl_text_is_utf8(bytes))
        sqlite3_bind_text64(stmt, at, ptr, bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(stmt, at, ptr, bytes.len, SQLITE_STATIC);
}

void store_fold_bind_when(sqlite3_stmt *stmt, int at, int64_t when) {
    if (when == RL_NEVER)
        sqlite3_bind_null(stmt, at);
    else
        sqlite3_bind_int64(stmt, at, when);
}

/* --- flush ----------------------------------------------------------------------------------- */

/* A quarter is for the commit, which writes and syncs what is still in the cache. */
void store_fold_report(rl_fold *f) {
    if (f->flush_done++ % ROWS_PER_REPORT != 0 || f->on_rows == NULL)
        return;
    double share = 0.75 * (double)f->flush_done / (double)(f->flush_all + 1);
    if (share > 0.75) /* items of lists that are moved were not counted */
        share = 0.75;
    f->on_rows(f->on_rows_arg,
               f->flushed_bytes + (uint64_t)(share * (double)(f->bytes - f->flushed_bytes)));
}

int store_fold_flush(rl_fold *f) {
    f->flush_done = 0;
    f->flush_all = rl_merge_count(f->merge) + rl_elements_count(f->elements);
    int rc = store_fold_flush_rows(f);
    if (rc == SQLITE_OK)
        rc = store_fold_flush_elements(f);
    rl_merge_reset(f->merge);
    rl_elements_reset(f->elements);
    f->stored_below = f->next.next_id;
    f->cleared_count = 0;
    f->flushed_bytes += (f->bytes - f->flushed_bytes) / 4 * 3;
    return rc;
}

/* --- one fold -------------------------------------------------------------------------------- */

static int read_value(void *arg, uint64_t id, rl_buffer *out, bool *found) {
    rl_fold *f = arg;
    sqlite3_stmt *stmt = f->statements[FOLD_READ_VALUE];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)id);
    *found = false;
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(stmt, 0);
        rl_buffer_add(out, bytes, (size_t)sqlite3_column_bytes(stmt, 0));
        *found = true;
    }
    return sqlite3_reset(stmt);
}

static int merge_change(rl_fold *f, const rl_change *c) {
    if (c->kind == RL_CHANGE_CLEAR)
        return store_fold_clear(f, c->db);
    if (c->kind == RL_CHANGE_SWAP) {
        store_fold_swap(f, c);
        return SQLITE_OK;
    }
    if (c->id >= f->next.next_id)
        f->next.next_id = c->id + 1;
    if (rl_change_is_element(c->kind)) {
        rl_elements_add(f->elements, c, f->stored_below);
        return SQLITE_OK;
    }
    if (c->kind == RL_CHANGE_DELETE && c->type != RL_TYPE_STRING)
        rl_elements_drop(f->elements, c->id);
    int32_t db = f->swap_count ? store_fold_stored_db(f, c->db) : c->db;
    return rl_merge_add(f->merge, c, db, f->stored_below, read_value, f);
}

static int merge_changes(rl_fold *f, rl_bytes bytes, size_t offset) {
    int got;
    do {
        rl_change some[CHANGES_AT_ONCE];
        size_t count = 0;
        while (count < CHANGES_AT_ONCE && (got = rl_batch_read(bytes, &offset, &some[count])) == 1)
            count++;
        if (got < 0)
            return SQLITE_CORRUPT;
        f->changes += count;
        rl_merge_prefetch(f->merge, some, count);
        for (size_t i = 0; i < count; i++) {
            int rc = merge_change(f, &some[i]);
            if (rc != SQLITE_OK)
                return rc;
        }
    } while (got == 1);
    return SQLITE_OK;
}

static int write_meta(rl_fold *f) {
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"folded_seq", f->next.folded_seq}, {"next_id", f->next.next_id}, {"rows", f->next.rows}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sqlite3_bind_text(f->statements[FOLD_META], 1, rows[i].name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(f->statements[FOLD_META], 2, (sqlite3_int64)rows[i].value);
        int rc = store_fold_run(f, FOLD_META);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* What holds for one transaction only. Statements' bindings point into batches. */
static void forget_transaction(rl_fold *f) {
    rl_merge_reset(f->merge);
    rl_elements_reset(f->elements);
    for (int i = 0; i < FOLD_STATEMENTS; i++)
        sqlite3_clear_bindings(f->statements[i]);
}

int rl_fold_begin(rl_fold *f, bool rescue) {
    f->next = *f->meta;
    f->stored_below = f->next.next_id;
    f->rows = f->changes = f->bytes = f->flushed_bytes = 0;
    f->swap_count = f->cleared_count = 0;
    f->rescue = rescue;
    f->dropped = false;
    int rc = SQLITE_OK;
    if (!sqlite3_get_autocommit(f->db))
        rc = store_fold_run(f, FOLD_ROLLBACK); /* the one after the last failure failed too */
    return rc == SQLITE_OK ? store_fold_run(f, FOLD_BEGIN) : rc;
}

int rl_fold_take(rl_fold *f, const rl_batch *batch, size_t from, size_t to) {
    if (from == to)
        return SQLITE_OK;
    if (f->rescue && !f->dropped) {
        int rc = rl_user_indexes_drop(f->indexes);
        if (rc != SQLITE_OK)
            return rc;
        f->dropped = true;
    }
    rl_bytes bytes = rl_batch_bytes(batch);
    if (from > to || to > bytes.len)
        return SQLITE_CORRUPT;
    return merge_changes(f, rl_bytes_of(bytes.ptr, to), from);
}

int rl_fold_flush(rl_fold *f) {
    int rc = store_fold_flush(f);
    if (rc == SQLITE_OK)
        rc = store_fold_apply_swaps(f);
    f->cleared_count = 0;
    if (rc == SQLITE_OK && f->dropped) {
        rc = rl_user_indexes_restore(f->indexes);
        f->dropped = false;
    }
    return rc;
}

int rl_fold_commit(rl_fold *f, const rl_batch *last, rl_fold_result *result) {
    f->next.folded_seq = rl_batch_seq(last);
    int rc = write_meta(f);
    if (rc == SQLITE_OK)
        rc = store_fold_run(f, FOLD_COMMIT);
    if (rc != SQLITE_OK) {
        rl_fold_rollback(f);
        return rc;
    }
    forget_transaction(f);
    rl_user_indexes_ended(f->indexes, true);
    result->last = last;
    result->seq = f->next.folded_seq;
    result->changes = f->changes;
    result->rows = f->rows;
    *f->meta = f->next;
    return SQLITE_OK;
}

void rl_fold_rollback(rl_fold *f) {
    forget_transaction(f);
    if (!sqlite3_get_autocommit(f->db)) /* some errors have rolled back already */
        store_fold_run(f, FOLD_ROLLBACK);
    rl_user_indexes_ended(f->indexes, false);
}

bool rl_fold_needs_rescue(rl_fold *f, int rc) {
    return !f->rescue && rl_user_indexes_to_blame(f->indexes, rc);
}

uint64_t rl_fold_indexes_dropped(const rl_fold *f) {
    return rl_user_indexes_lost(f->indexes);
}

/* A prefix of the batches from first on. */
static int take_batches(rl_fold *f, const rl_batch *first, uint64_t max_bytes,
                        const rl_batch **last, rl_fold_result *result) {
    const rl_batch *b = first;
    do {
        int rc = rl_fold_take(f, b, 0, rl_batch_bytes(b).len);
        if (rc != SQLITE_OK)
            return rc;
        *last = b;
        result->batches++;
        result->bytes += rl_batch_footprint(b);
        f->bytes = result->bytes;
        b = rl_batch_next_load(b);
    } while (b && rl_batch_job(b) == NULL && result->bytes < max_bytes);
    return SQLITE_OK;
}

static int run_once(rl_fold *f, const rl_batch *first, uint64_t max_bytes, bool rescue,
                    rl_fold_result *result) {
    memset(result, 0, sizeof *result);
    int rc = rl_fold_begin(f, rescue);
    if (rc != SQLITE_OK)
        return rc;
    const rl_batch *last = NULL;
    rc = take_batches(f, first, max_bytes, &last, result);
    if (rc == SQLITE_OK)
        rc = rl_fold_flush(f);
    if (rc == SQLITE_OK)
        rc = rl_fold_commit(f, last, result);
    else
        rl_fold_rollback(f);
    return rc;
}

int rl_fold_run(rl_fold *f, const rl_batch *first, uint64_t max_bytes, rl_fold_result *result) {
    int rc = run_once(f, first, max_bytes, false, result);
    if (rc != SQLITE_OK && rl_fold_needs_rescue(f, rc))
        rc = run_once(f, first, max_bytes, true, result);
    if (rc != SQLITE_OK)
        memset(result, 0, sizeof *result);
    return rc;
}

static int prepare(rl_fold *f) {
    int rc = SQLITE_OK;
    for (int i = 0; i < FOLD_STATEMENTS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(f->db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &f->statements[i], NULL);
    return rc;
}

static void finalize(rl_fold *f) {
    for (int i = 0; i < FOLD_STATEMENTS; i++) {
        sqlite3_finalize(f->statements[i]);
        f->statements[i] = NULL;
    }
}

/* An index whose expression cannot even be compiled, as one on a function that another program
 * had. */
static int prepare_rescued(rl_fold *f) {
    finalize(f);
    int rc = sqlite3_exec(f->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = rl_user_indexes_drop(f->indexes);
    if (rc == SQLITE_OK)
        rc = rl_user_indexes_restore(f->indexes);
    if (rc == SQLITE_OK)
        rc = prepare(f);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL);
    if (!sqlite3_get_autocommit(f->db))
        sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
    rl_user_indexes_ended(f->indexes, rc == SQLITE_OK);
    return rc;
}

int rl_fold_create(sqlite3 *db, rl_schema_meta *meta, rl_fold **out) {
    rl_fold *f = rl_calloc(1, sizeof *f);
    f->db = db;
    f->meta = meta;
    f->merge = rl_merge_create();
    f->elements = rl_elements_create();
    f->indexes = rl_user_indexes_create(db);
    int rc = prepare(f);
    if (rl_user_indexes_to_blame(f->indexes, rc))
        rc = prepare_rescued(f);
    if (rc != SQLITE_OK) {
        rl_fold_free(f);
        return rc;
    }
    *out = f;
    return SQLITE_OK;
}

void rl_fold_report(rl_fold *f, void (*on_rows)(void *arg, uint64_t bytes), void *arg) {
    f->on_rows = on_rows;
    f->on_rows_arg = arg;
}

void rl_fold_free(rl_fold *f) {
    if (f == NULL)
        return;
    finalize(f);
    rl_user_indexes_free(f->indexes);
    rl_merge_free(f->merge);
    rl_elements_free(f->elements);
    rl_buffer_release(&f->moved);
    rl_free(f->swaps);
    rl_free(f->cleared);
    rl_free(f);
}
