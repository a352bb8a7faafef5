/* SPDX-License-Identifier: MIT */
/*
 * The fold's barriers; see fold.c.
 *
 * clear empties databases: what was merged of them is moot, what was merged of others is flushed
 * first, unless the whole table goes. swap exchanges two database numbers; no row is touched for it
 * while batches are merged: `swaps` maps the numbers that batches speak of to those in the table,
 * and before the commit the rows whose number really changed are moved (an even number of swaps
 * moves none).
 */
#include "base/alloc.h"
#include "store/fold_internal.h"

/* The database of rows on the move. No batch speaks of it. */
#define MOVING_DB (-3)

int32_t store_fold_stored_db(const rl_fold *f, int32_t spoken) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == spoken)
            return f->swaps[i].stored;
    }
    return spoken;
}

static fold_swap *swap_of(rl_fold *f, int32_t spoken) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == spoken)
            return &f->swaps[i];
    }
    if (f->swap_count == f->swap_cap) {
        f->swap_cap = f->swap_cap ? f->swap_cap * 2 : 8;
        f->swaps = rl_realloc(f->swaps, f->swap_cap * sizeof *f->swaps);
    }
    f->swaps[f->swap_count] = (fold_swap){spoken, spoken};
    return &f->swaps[f->swap_count++];
}

void store_fold_swap(rl_fold *f, const rl_change *c) {
    swap_of(f, c->db);
    fold_swap *b = swap_of(f, c->other_db); /* may move the array */
    fold_swap *a = swap_of(f, c->db);
    int32_t stored = a->stored;
    a->stored = b->stored;
    b->stored = stored;
}

static int run_clear(rl_fold *f, int number) {
    int rc = store_fold_run_write(f, number);
    if (rc == SQLITE_OK)
        store_fold_count_gone(f);
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
        if ((e->has & (RL_MERGE_ROW | RL_MERGE_NAME)) && e->db == db) {
            e->has = e->has & RL_MERGE_STORED ? RL_MERGE_STORED | RL_MERGE_DELETE : 0;
            if (e->type != RL_TYPE_STRING)
                rl_elements_drop(f->elements, e->id);
        }
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

/* Every row of every table that has keys or elements, by whole pages. */
static int empty_tables(rl_fold *f) {
    rl_merge_reset(f->merge);
    rl_elements_reset(f->elements);
    f->cleared_count = 0;
    int rc = run_clear(f, FOLD_CLEAR_ALL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(f->db,
                          "DELETE FROM rl_hash; DELETE FROM rl_set; DELETE FROM rl_zset;"
                          "DELETE FROM rl_list; DELETE FROM rl_dead",
                          NULL, NULL, NULL);
    f->next.rows = f->next.dead = 0;
    return rc;
}

/* The elements stay, to be swept. */
static int clear_rows(rl_fold *f, int32_t db) {
    sqlite3_bind_int64(f->statements[FOLD_BURY_DB], 1, db);
    int rc = store_fold_run_write(f, FOLD_BURY_DB);
    if (rc != SQLITE_OK)
        return rc;
    store_fold_count_dead(f);
    sqlite3_bind_int64(f->statements[FOLD_CLEAR_DB], 1, db);
    return run_clear(f, FOLD_CLEAR_DB);
}

static int clear_all(rl_fold *f) {
    f->swap_count = 0; /* no row is left that a swap could have moved */
    return empty_tables(f);
}

static int clear_db(rl_fold *f, int32_t db) {
    if (is_cleared(f, db)) {
        forget_db(f, db);
        return SQLITE_OK;
    }
    int64_t others = 0;
    sqlite3_bind_int64(f->statements[FOLD_OTHER_DB], 1, db);
    int rc = store_fold_run_int(f, FOLD_OTHER_DB, 0, &others);
    if (rc != SQLITE_OK)
        return rc;
    if (!others && only_new_rows_but(f, db)) {
        rc = empty_tables(f);
    } else {
        forget_db(f, db);
        rc = store_fold_flush(f);
        if (rc == SQLITE_OK)
            rc = clear_rows(f, db);
    }
    if (rc == SQLITE_OK)
        note_cleared(f, db);
    return rc;
}

int store_fold_clear(rl_fold *f, int32_t spoken) {
    return spoken < 0 ? clear_all(f) : clear_db(f, store_fold_stored_db(f, spoken));
}

static int move_db(rl_fold *f, int32_t from, int32_t to) {
    sqlite3_stmt *stmt = f->statements[FOLD_MOVE_DB];
    sqlite3_bind_int64(stmt, 1, from);
    sqlite3_bind_int64(stmt, 2, to);
    return store_fold_run_write(f, FOLD_MOVE_DB);
}

/* The swap entry whose rows must go to the number `stored` of the table: next in the cycle. */
static fold_swap *swap_into(rl_fold *f, int32_t stored) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == stored)
            return &f->swaps[i];
    }
    return NULL;
}

/* Of the cycle that `start` is in, the entry whose database in the table has the fewest rows: its
 * rows move twice, all others once. */
static int smallest_of_cycle(rl_fold *f, fold_swap *start, fold_swap **out) {
    int64_t fewest = INT64_MAX;
    fold_swap *at = start;
    do {
        int64_t rows;
        sqlite3_bind_int64(f->statements[FOLD_COUNT_DB], 1, at->spoken);
        int rc = store_fold_run_int(f, FOLD_COUNT_DB, 0, &rows);
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
int store_fold_apply_swaps(rl_fold *f) {
    for (size_t i = 0; i < f->swap_count; i++) {
        if (f->swaps[i].spoken == f->swaps[i].stored)
            continue;
        fold_swap *place = &f->swaps[i];
        int rc = smallest_of_cycle(f, place, &place);
        if (rc == SQLITE_OK)
            rc = move_db(f, place->spoken, MOVING_DB);
        int32_t aside = place->spoken;
        while (rc == SQLITE_OK && place->stored != aside) {
            rc = move_db(f, place->stored, place->spoken);
            fold_swap *next = swap_into(f, place->stored);
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
