/* SPDX-License-Identifier: MIT */
/* The fold's part that writes keys (rl_key); see fold.h, and fold.c for the order of it all. */
#include <stdio.h>

#include "base/log.h"
#include "store/fold_internal.h"

/* Databases that no batch speaks of: for rows that wait for their name. */
#define PARKED_DB (-2)

/* In a flush: entries whose memory is on its way, and of those the ones whose bytes are. */
#define ENTRIES_AHEAD 24
#define BYTES_AHEAD   12

static void bind_value(sqlite3_stmt *stmt, int at, const rl_merge_entry *e) {
    if (e->type == RL_TYPE_STRING)
        store_fold_bind_bytes(stmt, at, e->value);
    else
        sqlite3_bind_null(stmt, at);
}

/* The parameters that INSERT and UPDATE_ROW share. */
static void bind_row(sqlite3_stmt *stmt, const rl_merge_entry *e) {
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
    sqlite3_bind_int64(stmt, 2, e->db);
    sqlite3_bind_int64(stmt, 3, e->type);
    store_fold_bind_when(stmt, 4, e->expires_at);
    store_fold_bind_bytes(stmt, 5, e->key);
    bind_value(stmt, 6, e);
}

/* --- single rows ----------------------------------------------------------------------------- */

/* Rows of strangers were never counted: the number must not fall below zero. */
void store_fold_count_gone(rl_fold *f) {
    uint64_t gone = (uint64_t)sqlite3_changes64(f->db);
    f->next.rows -= gone < f->next.rows ? gone : f->next.rows;
}

void store_fold_count_dead(rl_fold *f) {
    f->next.dead += (uint64_t)sqlite3_changes64(f->db);
}

/* A collection's elements stay, to be swept. The type is the table's: of a row that was renamed and
 * then met a clear, the merge does not know it. */
static int bury_row(rl_fold *f, const rl_merge_entry *e) {
    sqlite3_bind_int64(f->statements[FOLD_BURY], 1, (sqlite3_int64)e->id);
    int rc = store_fold_run_write(f, FOLD_BURY);
    if (rc == SQLITE_OK)
        store_fold_count_dead(f);
    return rc;
}

static int delete_row(rl_fold *f, const rl_merge_entry *e) {
    int buried = e->type == RL_TYPE_STRING ? SQLITE_OK : bury_row(f, e);
    if (buried != SQLITE_OK)
        return buried;
    sqlite3_bind_int64(f->statements[FOLD_DELETE], 1, (sqlite3_int64)e->id);
    int rc = store_fold_run_write(f, FOLD_DELETE);
    if (rc == SQLITE_OK)
        store_fold_count_gone(f);
    return rc;
}

/* A row that batches know nothing of has the name or, when the row of e is new, the id: somebody
 * wrote to the table. Memory is right; it goes. */
static int evict(rl_fold *f, const rl_merge_entry *e, bool is_new) {
    sqlite3_stmt *bury = f->statements[FOLD_BURY_EVICTED];
    store_fold_bind_bytes(bury, 1, e->key);
    sqlite3_bind_int64(bury, 2, e->db);
    sqlite3_bind_int64(bury, 3, (sqlite3_int64)e->id);
    int rc = store_fold_run_write(f, FOLD_BURY_EVICTED);
    if (rc != SQLITE_OK)
        return rc;
    store_fold_count_dead(f);
    sqlite3_stmt *stmt = f->statements[FOLD_EVICT];
    store_fold_bind_bytes(stmt, 1, e->key);
    sqlite3_bind_int64(stmt, 2, e->db);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)e->id);
    sqlite3_bind_null(stmt, 4);
    if (is_new)
        sqlite3_bind_int64(stmt, 4, (sqlite3_int64)e->id);
    rc = store_fold_run_write(f, FOLD_EVICT);
    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_changes64(f->db) > 0)
        rl_log(RL_LOG_WARNING,
               "data.db: a row of rl_key that this server did not write had the name or the id of "
               "a key in database %d; removed it",
               (int)e->db);
    store_fold_count_gone(f);
    return SQLITE_OK;
}

static bool is_clash(int rc) {
    return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
           rc == SQLITE_CONSTRAINT_ROWID;
}

static int insert_row(rl_fold *f, const rl_merge_entry *e) {
    bind_row(f->statements[FOLD_INSERT], e);
    int rc = store_fold_run_write(f, FOLD_INSERT);
    if (is_clash(rc)) {
        rc = evict(f, e, true);
        if (rc == SQLITE_OK)
            rc = store_fold_run(f, FOLD_INSERT);
    }
    if (rc == SQLITE_OK)
        f->next.rows++;
    return rc;
}

/* Gives a stored row its db and key, or all of its fields; SQLITE_CONSTRAINT_UNIQUE when they are
 * taken. */
static int name_row(rl_fold *f, rl_merge_entry *e) {
    if (e->has & RL_MERGE_ROW) {
        bind_row(f->statements[FOLD_UPDATE_ROW], e);
        int rc = store_fold_run_write(f, FOLD_UPDATE_ROW);
        if (rc == SQLITE_OK) {
            /* Not there after all: an insert like others. There: done. */
            if (sqlite3_changes64(f->db) == 0)
                e->has &= (uint8_t)~RL_MERGE_STORED;
            else
                e->has = 0;
        }
        return rc;
    }
    sqlite3_stmt *stmt = f->statements[FOLD_UPDATE_NAME];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
    sqlite3_bind_int64(stmt, 2, e->db);
    store_fold_bind_bytes(stmt, 3, e->key);
    int rc = store_fold_run_write(f, FOLD_UPDATE_NAME);
    if (rc == SQLITE_OK)
        e->has &= (uint8_t)~RL_MERGE_NAME;
    return rc;
}

/* Takes a row's old name away, under one that nothing else has: its id. */
static int park_row(rl_fold *f, rl_merge_entry *e) {
    sqlite3_stmt *stmt = f->statements[FOLD_UPDATE_NAME];
    char name[32];
    int len = snprintf(name, sizeof name, "%llu", (unsigned long long)e->id);
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
    sqlite3_bind_int64(stmt, 2, PARKED_DB);
    sqlite3_bind_text(stmt, 3, name, len, SQLITE_STATIC);
    int rc = store_fold_run_write(f, FOLD_UPDATE_NAME);
    sqlite3_clear_bindings(stmt); /* name is gone when this returns */
    e->has |= RL_MERGE_PARKED;
    return rc;
}

/* The last name still missing after all others were given: only a stranger can have it. */
static int name_parked_row(rl_fold *f, rl_merge_entry *e) {
    e->has &= (uint8_t)~RL_MERGE_PARKED;
    int rc = name_row(f, e);
    if (!is_clash(rc))
        return rc;
    rc = evict(f, e, false);
    return rc == SQLITE_OK ? name_row(f, e) : rc;
}

static int update_row(rl_fold *f, const rl_merge_entry *e) {
    if (e->has & RL_MERGE_VALUE) {
        sqlite3_stmt *stmt = f->statements[FOLD_UPDATE_VALUE];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
        store_fold_bind_when(stmt, 2, e->expires_at);
        store_fold_bind_bytes(stmt, 3, e->value);
        return store_fold_run_write(f, FOLD_UPDATE_VALUE);
    }
    if (e->has & RL_MERGE_EXPIRY) {
        sqlite3_stmt *stmt = f->statements[FOLD_UPDATE_EXPIRY];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
        store_fold_bind_when(stmt, 2, e->expires_at);
        return store_fold_run_write(f, FOLD_UPDATE_EXPIRY);
    }
    return SQLITE_OK;
}

/* Step 2 of a flush. */
static int flush_names(rl_fold *f, const uint32_t *order, size_t count) {
    rl_merge_entry *entries = rl_merge_entries(f->merge);
    bool parked = false;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        rl_merge_entry *e = &entries[order[i]];
        if (!(e->has & RL_MERGE_STORED) || !(e->has & (RL_MERGE_ROW | RL_MERGE_NAME)))
            continue;
        rc = name_row(f, e);
        if (is_clash(rc)) {
            rc = park_row(f, e);
            parked = true;
        }
    }
    for (size_t i = 0; i < count && rc == SQLITE_OK && parked; i++) {
        rl_merge_entry *e = &entries[order[i]];
        if (e->has & RL_MERGE_PARKED)
            rc = name_parked_row(f, e);
    }
    return rc;
}

/* Rows in order of id lie in memory in the order of change: ask for them before their turn. */
static void prefetch(const rl_merge_entry *entries, const uint32_t *order, size_t at,
                     size_t count) {
    if (at + ENTRIES_AHEAD < count)
        __builtin_prefetch(&entries[order[at + ENTRIES_AHEAD]]);
    if (at + BYTES_AHEAD < count) {
        const rl_merge_entry *e = &entries[order[at + BYTES_AHEAD]];
        __builtin_prefetch(e->value.ptr);
        __builtin_prefetch(e->key.ptr);
    }
    __asm__ volatile(""); /* else gcc takes the function for one without effect */
}

static int delete_rows(rl_fold *f, const uint32_t *order, size_t count) {
    rl_merge_entry *entries = rl_merge_entries(f->merge);
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        rl_merge_entry *e = &entries[order[i]];
        if (e->has & RL_MERGE_DELETE) {
            rc = delete_row(f, e);
            e->has = 0;
        }
    }
    return rc;
}

int store_fold_flush_rows(rl_fold *f) {
    size_t count = rl_merge_count(f->merge);
    if (count == 0)
        return SQLITE_OK;
    rl_merge_entry *entries = rl_merge_entries(f->merge);
    const uint32_t *order = rl_merge_sorted(f->merge);
    int rc = SQLITE_OK;
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) /* in the order of memory */
        any |= entries[i].has;
    if (any & RL_MERGE_DELETE)
        rc = delete_rows(f, order, count);
    if (rc == SQLITE_OK && (any & RL_MERGE_STORED) && (any & (RL_MERGE_ROW | RL_MERGE_NAME)))
        rc = flush_names(f, order, count);
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        prefetch(entries, order, i, count);
        store_fold_report(f);
        rl_merge_entry *e = &entries[order[i]];
        if (e->has & RL_MERGE_STORED)
            rc = update_row(f, e);
        else if (e->has & RL_MERGE_ROW)
            rc = insert_row(f, e);
    }
    return rc;
}
