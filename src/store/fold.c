/* SPDX-License-Identifier: MIT */
/*
 * The fold; see fold.h.
 *
 *     batches ──▶ merge (newest state per row) ──▶ flush: deletes, names, values and new rows, by
 * id
 *
 * Flush writes in an order in which UNIQUE (key, db) holds at every step, given that it holds at
 * the end:
 *
 *   1. rows that go, go;
 *   2. stored rows that get a name take it. Where another row still has it (a swap of two names),
 * the row is parked under its id in a database of its own until all others are done;
 *   3. the rest in order of id: new values, then new rows, whose ids are above all others, at the
 * end of the table.
 *
 * Barriers. clear empties databases: what was merged of them is moot, what was merged of others is
 * flushed first, unless the whole table goes. swap exchanges two database numbers; no row is
 * touched for it while batches are merged: `swaps` maps the numbers that batches speak of to those
 * in the table, and before the commit the rows whose number really changed are moved (an even
 * number of swaps moves none).
 */
#include "store/fold.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "store/merge.h"
#include "store/user_indexes.h"

enum {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_INSERT,
    SQL_UPDATE_ROW,
    SQL_UPDATE_NAME,
    SQL_UPDATE_VALUE,
    SQL_UPDATE_EXPIRY,
    SQL_DELETE,
    SQL_READ_VALUE,
    SQL_OTHER_DB,
    SQL_CLEAR_ALL,
    SQL_CLEAR_DB,
    SQL_COUNT_DB,
    SQL_MOVE_DB,
    SQL_EVICT,
    SQL_META,
    SQL_COUNT,
};

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_INSERT] =
        "INSERT INTO rl_key(id, db, type, expires_at, key, value) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_UPDATE_ROW] =
        "UPDATE rl_key SET db = ?2, type = ?3, expires_at = ?4, key = ?5, value = ?6 WHERE id = ?1",
    [SQL_UPDATE_NAME] = "UPDATE rl_key SET db = ?2, key = ?3 WHERE id = ?1",
    [SQL_UPDATE_VALUE] = "UPDATE rl_key SET expires_at = ?2, value = ?3 WHERE id = ?1",
    [SQL_UPDATE_EXPIRY] = "UPDATE rl_key SET expires_at = ?2 WHERE id = ?1",
    [SQL_DELETE] = "DELETE FROM rl_key WHERE id = ?1",
    [SQL_READ_VALUE] = "SELECT value FROM rl_key WHERE id = ?1",
    [SQL_OTHER_DB] = "SELECT 1 FROM rl_key WHERE db <> ?1 LIMIT 1",
    [SQL_CLEAR_ALL] = "DELETE FROM rl_key", /* no WHERE: SQLite drops whole pages */
    [SQL_CLEAR_DB] = "DELETE FROM rl_key WHERE db = ?1",
    [SQL_COUNT_DB] = "SELECT count(*) FROM rl_key WHERE db = ?1",
    [SQL_MOVE_DB] = "UPDATE rl_key SET db = ?2 WHERE db = ?1",
    [SQL_EVICT] = "DELETE FROM rl_key WHERE (key = ?1 AND db = ?2 AND id <> ?3) OR id = ?4",
    [SQL_META] = "UPDATE rl_meta SET value = ?2 WHERE name = ?1",
};

/* Databases that no batch speaks of: for rows that wait for their name, and for databases on the
 * move. */
#define PARKED_DB (-2)
#define MOVING_DB (-3)

/* Changes read and looked up together, so that their memory is fetched together. */
#define CHANGES_AT_ONCE 16
/* In a flush: entries whose memory is on its way, and of those the ones whose bytes are. */
#define ENTRIES_AHEAD 24
#define BYTES_AHEAD   12

/* See rl_fold_report. */
#define ROWS_PER_REPORT 1024

typedef struct swap {
    int32_t spoken; /* the number in batches from here on */
    int32_t stored; /* the number in the table, and in the merge */
} swap;

struct rl_fold {
    sqlite3 *db;
    rl_schema_meta *meta;
    sqlite3_stmt *statements[SQL_COUNT];
    rl_merge *merge;
    rl_schema_meta next;   /* what meta is once this fold is committed */
    uint64_t stored_below; /* rows at or above this id are not in the table */
    swap *swaps;
    size_t swap_count, swap_cap;
    int32_t
        *cleared; /* databases without a row in the table, since they were cleared in this fold */
    size_t cleared_count, cleared_cap;
    rl_user_indexes *indexes;
    bool rescue;  /* users' indexes are away while rows are written … */
    bool dropped; /* … and they are now */
    uint64_t rows, changes;
    uint64_t bytes, flushed_bytes;              /* of batches merged and written so far */
    void (*on_rows)(void *arg, uint64_t bytes); /* NULL: nobody wants to know */
    void *on_rows_arg;
};

/* --- statements ------------------------------------------------------------------------------ */

/* Runs a statement that gives no row. */
static int run(rl_fold *f, int number) {
    sqlite3_stmt *stmt = f->statements[number];
    int rc = sqlite3_step(stmt);
    int reset = sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : reset != SQLITE_OK ? reset : SQLITE_INTERNAL;
}

/* Runs one that writes rows. */
static int run_write(rl_fold *f, int number) {
    f->rows++;
    return run(f, number);
}

/* Runs one whose first row has an integer; def when there is no row. */
static int run_int(rl_fold *f, int number, int64_t def, int64_t *out) {
    sqlite3_stmt *stmt = f->statements[number];
    *out = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : def;
    return sqlite3_reset(stmt);
}

/* The same bytes always get the same class: TEXT where they are UTF-8, else BLOB. Nothing is
 * copied. */
static void bind_bytes(sqlite3_stmt *stmt, int at, rl_bytes bytes) {
    const char *ptr = bytes.len ? bytes.ptr : "";
    if (rl_text_is_utf8(bytes))
        sqlite3_bind_text64(stmt, at, ptr, bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(stmt, at, ptr, bytes.len, SQLITE_STATIC);
}

static void bind_when(sqlite3_stmt *stmt, int at, int64_t when) {
    if (when == RL_NEVER)
        sqlite3_bind_null(stmt, at);
    else
        sqlite3_bind_int64(stmt, at, when);
}

static void bind_value(sqlite3_stmt *stmt, int at, const rl_merge_entry *e) {
    if (e->type == RL_TYPE_STRING)
        bind_bytes(stmt, at, e->value);
    else
        sqlite3_bind_null(stmt, at);
}

/* The parameters that INSERT and UPDATE_ROW share. */
static void bind_row(sqlite3_stmt *stmt, const rl_merge_entry *e) {
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
    sqlite3_bind_int64(stmt, 2, e->db);
    sqlite3_bind_int64(stmt, 3, e->type);
    bind_when(stmt, 4, e->expires_at);
    bind_bytes(stmt, 5, e->key);
    bind_value(stmt, 6, e);
}

/* --- flush ----------------------------------------------------------------------------------- */

/* Rows of strangers were never counted: the number must not fall below zero. */
static void count_gone(rl_fold *f) {
    uint64_t gone = (uint64_t)sqlite3_changes64(f->db);
    f->next.rows -= gone < f->next.rows ? gone : f->next.rows;
}

static int delete_row(rl_fold *f, const rl_merge_entry *e) {
    sqlite3_bind_int64(f->statements[SQL_DELETE], 1, (sqlite3_int64)e->id);
    int rc = run_write(f, SQL_DELETE);
    if (rc == SQLITE_OK)
        count_gone(f);
    return rc;
}

/* A row that batches know nothing of has the name or, when the row of e is new, the id: somebody
 * wrote to the table. Memory is right; it goes. */
static int evict(rl_fold *f, const rl_merge_entry *e, bool is_new) {
    sqlite3_stmt *stmt = f->statements[SQL_EVICT];
    bind_bytes(stmt, 1, e->key);
    sqlite3_bind_int64(stmt, 2, e->db);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)e->id);
    sqlite3_bind_null(stmt, 4);
    if (is_new)
        sqlite3_bind_int64(stmt, 4, (sqlite3_int64)e->id);
    int rc = run_write(f, SQL_EVICT);
    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_changes64(f->db) > 0)
        rl_log(RL_LOG_WARNING,
               "data.db: a row of rl_key that this server did not write had the name or the id of "
               "a key in database %d; removed it",
               (int)e->db);
    count_gone(f);
    return SQLITE_OK;
}

static bool is_clash(int rc) {
    return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
           rc == SQLITE_CONSTRAINT_ROWID;
}

static int insert_row(rl_fold *f, const rl_merge_entry *e) {
    bind_row(f->statements[SQL_INSERT], e);
    int rc = run_write(f, SQL_INSERT);
    if (is_clash(rc)) {
        rc = evict(f, e, true);
        if (rc == SQLITE_OK)
            rc = run(f, SQL_INSERT);
    }
    if (rc == SQLITE_OK)
        f->next.rows++;
    return rc;
}

/* Gives a stored row its db and key, or all of its fields; SQLITE_CONSTRAINT_UNIQUE when they are
 * taken. */
static int name_row(rl_fold *f, rl_merge_entry *e) {
    if (e->has & RL_MERGE_ROW) {
        bind_row(f->statements[SQL_UPDATE_ROW], e);
        int rc = run_write(f, SQL_UPDATE_ROW);
        if (rc == SQLITE_OK) {
            /* Not there after all: an insert like others. There: done. */
            if (sqlite3_changes64(f->db) == 0)
                e->has &= (uint8_t)~RL_MERGE_STORED;
            else
                e->has = 0;
        }
        return rc;
    }
    sqlite3_stmt *stmt = f->statements[SQL_UPDATE_NAME];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
    sqlite3_bind_int64(stmt, 2, e->db);
    bind_bytes(stmt, 3, e->key);
    int rc = run_write(f, SQL_UPDATE_NAME);
    if (rc == SQLITE_OK)
        e->has &= (uint8_t)~RL_MERGE_NAME;
    return rc;
}

/* Takes a row's old name away, under one that nothing else has: its id. */
static int park_row(rl_fold *f, rl_merge_entry *e) {
    sqlite3_stmt *stmt = f->statements[SQL_UPDATE_NAME];
    char name[32];
    int len = snprintf(name, sizeof name, "%llu", (unsigned long long)e->id);
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
    sqlite3_bind_int64(stmt, 2, PARKED_DB);
    sqlite3_bind_text(stmt, 3, name, len, SQLITE_STATIC);
    int rc = run_write(f, SQL_UPDATE_NAME);
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
        sqlite3_stmt *stmt = f->statements[SQL_UPDATE_VALUE];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
        bind_when(stmt, 2, e->expires_at);
        bind_bytes(stmt, 3, e->value);
        return run_write(f, SQL_UPDATE_VALUE);
    }
    if (e->has & RL_MERGE_EXPIRY) {
        sqlite3_stmt *stmt = f->statements[SQL_UPDATE_EXPIRY];
        sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->id);
        bind_when(stmt, 2, e->expires_at);
        return run_write(f, SQL_UPDATE_EXPIRY);
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

/* A quarter is for the commit, which writes and syncs what is still in the cache. */
static void report_rows(rl_fold *f, size_t done, size_t count) {
    double share = 0.75 * (double)done / (double)count;
    f->on_rows(f->on_rows_arg,
               f->flushed_bytes + (uint64_t)(share * (double)(f->bytes - f->flushed_bytes)));
}

/* Writes what is merged and empties the merge. */
static int flush(rl_fold *f) {
    size_t count = rl_merge_count(f->merge);
    if (count == 0)
        return SQLITE_OK;
    rl_merge_entry *entries = rl_merge_entries(f->merge);
    const uint32_t *order = rl_merge_sorted(f->merge);
    int rc = SQLITE_OK;
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) /* in the order of memory */
        any |= entries[i].has;
    for (size_t i = 0; i < count && rc == SQLITE_OK && (any & RL_MERGE_DELETE); i++) {
        rl_merge_entry *e = &entries[order[i]];
        if (e->has & RL_MERGE_DELETE) {
            rc = delete_row(f, e);
            e->has = 0;
        }
    }
    if (rc == SQLITE_OK && (any & RL_MERGE_STORED) && (any & (RL_MERGE_ROW | RL_MERGE_NAME)))
        rc = flush_names(f, order, count);
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        prefetch(entries, order, i, count);
        if (i % ROWS_PER_REPORT == 0 && f->on_rows)
            report_rows(f, i, count);
        rl_merge_entry *e = &entries[order[i]];
        if (e->has & RL_MERGE_STORED)
            rc = update_row(f, e);
        else if (e->has & RL_MERGE_ROW)
            rc = insert_row(f, e);
    }
    rl_merge_reset(f->merge);
    f->stored_below = f->next.next_id;
    f->cleared_count = 0;
    f->flushed_bytes += (f->bytes - f->flushed_bytes) / 4 * 3;
    return rc;
}

/* --- barriers -------------------------------------------------------------------------------- */

static int32_t stored_db(const rl_fold *f, int32_t spoken) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == spoken)
            return f->swaps[i].stored;
    }
    return spoken;
}

static swap *swap_of(rl_fold *f, int32_t spoken) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == spoken)
            return &f->swaps[i];
    }
    if (f->swap_count == f->swap_cap) {
        f->swap_cap = f->swap_cap ? f->swap_cap * 2 : 8;
        f->swaps = rl_realloc(f->swaps, f->swap_cap * sizeof *f->swaps);
    }
    f->swaps[f->swap_count] = (swap){spoken, spoken};
    return &f->swaps[f->swap_count++];
}

static void merge_swap(rl_fold *f, const rl_change *c) {
    swap_of(f, c->db);
    swap *b = swap_of(f, c->other_db); /* may move the array */
    swap *a = swap_of(f, c->db);
    int32_t stored = a->stored;
    a->stored = b->stored;
    b->stored = stored;
}

static int run_clear(rl_fold *f, int number) {
    int rc = run_write(f, number);
    if (rc == SQLITE_OK)
        count_gone(f);
    return rc;
}

/* True when all merged rows of databases other than db are new ones, so that no row in the table
 * matters to them. */
static bool only_new_rows_but(rl_fold *f, int32_t db) {
    rl_merge_entry *entries = rl_merge_entries(f->merge);
    for (size_t i = 0, count = rl_merge_count(f->merge); i < count; i++) {
        if ((entries[i].has & RL_MERGE_WORK) && !(entries[i].has & RL_MERGE_ROW) &&
            (entries[i].has & RL_MERGE_NAME) && entries[i].db != db)
            return false;
        if ((entries[i].has & RL_MERGE_ROW) && entries[i].db != db)
            return false;
    }
    return true;
}

/* What is merged of a database that is cleared: its rows go where they may be stored. */
static void forget_db(rl_fold *f, int32_t db) {
    rl_merge_entry *entries = rl_merge_entries(f->merge);
    for (size_t i = 0, count = rl_merge_count(f->merge); i < count; i++) {
        rl_merge_entry *e = &entries[i];
        if ((e->has & (RL_MERGE_ROW | RL_MERGE_NAME)) && e->db == db)
            e->has = e->has & RL_MERGE_STORED ? RL_MERGE_STORED | RL_MERGE_DELETE : 0;
    }
}

static bool is_cleared(const rl_fold *f, int32_t db) {
    for (size_t i = 0; i < f->cleared_count; i++) {
        if (f->cleared[i] == db)
            return true;
    }
    return false;
}

static void note_cleared(rl_fold *f, int32_t db) {
    if (f->cleared_count == f->cleared_cap) {
        f->cleared_cap = f->cleared_cap ? f->cleared_cap * 2 : 8;
        f->cleared = rl_realloc(f->cleared, f->cleared_cap * sizeof *f->cleared);
    }
    f->cleared[f->cleared_count++] = db;
}

static int clear_all(rl_fold *f) {
    rl_merge_reset(f->merge);
    f->cleared_count = 0;
    f->swap_count = 0; /* no row is left that a swap could have moved */
    int rc = run_clear(f, SQL_CLEAR_ALL);
    f->next.rows = 0;
    return rc;
}

static int clear_db(rl_fold *f, int32_t db) {
    if (is_cleared(f, db)) {
        forget_db(f, db);
        return SQLITE_OK;
    }
    int64_t others = 0;
    sqlite3_bind_int64(f->statements[SQL_OTHER_DB], 1, db);
    int rc = run_int(f, SQL_OTHER_DB, 0, &others);
    if (rc != SQLITE_OK)
        return rc;
    if (!others && only_new_rows_but(f, db)) {
        rl_merge_reset(f->merge);
        f->cleared_count = 0;
        rc = run_clear(f, SQL_CLEAR_ALL);
        f->next.rows = 0;
    } else {
        forget_db(f, db);
        rc = flush(f);
        if (rc == SQLITE_OK) {
            sqlite3_bind_int64(f->statements[SQL_CLEAR_DB], 1, db);
            rc = run_clear(f, SQL_CLEAR_DB);
        }
    }
    if (rc == SQLITE_OK)
        note_cleared(f, db);
    return rc;
}

static int move_db(rl_fold *f, int32_t from, int32_t to) {
    sqlite3_stmt *stmt = f->statements[SQL_MOVE_DB];
    sqlite3_bind_int64(stmt, 1, from);
    sqlite3_bind_int64(stmt, 2, to);
    return run_write(f, SQL_MOVE_DB);
}

/* The swap entry whose rows must go to the number `stored` of the table: next in the cycle. */
static swap *swap_into(rl_fold *f, int32_t stored) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == stored)
            return &f->swaps[i];
    }
    return NULL;
}

/* Of the cycle that `start` is in, the entry whose database in the table has the fewest rows: its
 * rows move twice, all others once. */
static int smallest_of_cycle(rl_fold *f, swap *start, swap **out) {
    int64_t fewest = INT64_MAX;
    swap *at = start;
    do {
        int64_t rows;
        sqlite3_bind_int64(f->statements[SQL_COUNT_DB], 1, at->spoken);
        int rc = run_int(f, SQL_COUNT_DB, 0, &rows);
        if (rc != SQLITE_OK)
            return rc;
        if (rows < fewest) {
            fewest = rows;
            *out = at;
        }
        at = swap_into(f, at->stored);
    } while (at && at != start);
    return SQLITE_OK;
}

/* Moves the rows of databases that ended up with another number. Each cycle: the smallest steps
 * aside, each place is filled by the one that belongs there, and the smallest goes to the place
 * left. */
static int apply_swaps(rl_fold *f) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == f->swaps[i].stored)
            continue;
        swap *place = &f->swaps[i];
        int rc = smallest_of_cycle(f, place, &place);
        if (rc == SQLITE_OK)
            rc = move_db(f, place->spoken, MOVING_DB);
        int32_t aside = place->spoken;
        while (rc == SQLITE_OK && place->stored != aside) {
            rc = move_db(f, place->stored, place->spoken);
            swap *next = swap_into(f, place->stored);
            place->stored = place->spoken;
            place = next;
        }
        if (rc == SQLITE_OK)
            rc = move_db(f, MOVING_DB, place->spoken);
        place->stored = place->spoken;
        if (rc != SQLITE_OK)
            return rc;
    }
    f->swap_count = 0;
    return SQLITE_OK;
}

/* --- one fold -------------------------------------------------------------------------------- */

static int read_value(void *arg, uint64_t id, rl_buffer *out, bool *found) {
    rl_fold *f = arg;
    sqlite3_stmt *stmt = f->statements[SQL_READ_VALUE];
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
        return c->db < 0 ? clear_all(f) : clear_db(f, stored_db(f, c->db));
    if (c->kind == RL_CHANGE_SWAP) {
        merge_swap(f, c);
        return SQLITE_OK;
    }
    if (c->id >= f->next.next_id)
        f->next.next_id = c->id + 1;
    int32_t db = f->swap_count ? stored_db(f, c->db) : c->db;
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
        sqlite3_bind_text(f->statements[SQL_META], 1, rows[i].name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(f->statements[SQL_META], 2, (sqlite3_int64)rows[i].value);
        int rc = run(f, SQL_META);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* What holds for one transaction only. Statements' bindings point into batches. */
static void forget_transaction(rl_fold *f) {
    rl_merge_reset(f->merge);
    for (int i = 0; i < SQL_COUNT; i++)
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
        rc = run(f, SQL_ROLLBACK); /* the one after the last failure failed too */
    return rc == SQLITE_OK ? run(f, SQL_BEGIN) : rc;
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
    int rc = flush(f);
    if (rc == SQLITE_OK)
        rc = apply_swaps(f);
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
        rc = run(f, SQL_COMMIT);
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
        run(f, SQL_ROLLBACK);
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
    for (int i = 0; i < SQL_COUNT && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(f->db, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &f->statements[i], NULL);
    return rc;
}

static void finalize(rl_fold *f) {
    for (int i = 0; i < SQL_COUNT; i++) {
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
    rl_free(f->swaps);
    rl_free(f->cleared);
    rl_free(f);
}
