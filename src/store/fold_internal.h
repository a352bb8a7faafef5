/* SPDX-License-Identifier: MIT */
/*
 * What the files of the fold share: fold.c (transactions, batches), fold_rows.c (keys),
 * fold_elements.c and fold_lists.c (elements of collections), fold_barriers.c (clear and swap).
 * Nobody else includes it.
 */
#ifndef RL_STORE_FOLD_INTERNAL_H
#define RL_STORE_FOLD_INTERNAL_H

#include "store/elements.h"
#include "store/fold.h"
#include "store/merge.h"
#include "store/user_indexes.h"

enum {
    FOLD_BEGIN,
    FOLD_COMMIT,
    FOLD_ROLLBACK,
    FOLD_INSERT,
    FOLD_UPDATE_ROW,
    FOLD_UPDATE_NAME,
    FOLD_UPDATE_VALUE,
    FOLD_UPDATE_EXPIRY,
    FOLD_DELETE,
    FOLD_BURY,
    FOLD_READ_VALUE,
    FOLD_OTHER_DB,
    FOLD_CLEAR_ALL,
    FOLD_CLEAR_DB,
    FOLD_BURY_DB,
    FOLD_COUNT_DB,
    FOLD_MOVE_DB,
    FOLD_EVICT,
    FOLD_BURY_EVICTED,
    FOLD_META,
    FOLD_PUT_FIELD,
    FOLD_PUT_MEMBER,
    FOLD_PUT_SCORE,
    FOLD_PUT_ITEM,
    FOLD_DELETE_FIELD,
    FOLD_DELETE_MEMBER,
    FOLD_DELETE_SCORE,
    FOLD_DELETE_ITEMS,
    FOLD_READ_ITEMS_UP,
    FOLD_READ_ITEMS_DOWN,
    FOLD_STATEMENTS,
};

typedef struct fold_swap {
    int32_t spoken; /* the number in batches from here on */
    int32_t stored; /* the number in the table, and in the merge */
} fold_swap;

struct rl_fold {
    sqlite3 *db;
    rl_schema_meta *meta;
    sqlite3_stmt *statements[FOLD_STATEMENTS];
    rl_merge *merge;
    rl_elements *elements;
    rl_buffer moved;       /* items of a list on their way */
    rl_schema_meta next;   /* what meta is once this fold is committed */
    uint64_t stored_below; /* rows at or above this id are not in the table */
    fold_swap *swaps;
    size_t swap_count, swap_cap;
    int32_t
        *cleared; /* databases without a row in the table, since they were cleared in this fold */
    size_t cleared_count, cleared_cap;
    rl_user_indexes *indexes;
    bool rescue;  /* users' indexes are away while rows are written … */
    bool dropped; /* … and they are now */
    uint64_t rows, changes;
    uint64_t bytes, flushed_bytes;              /* of batches merged and written so far */
    uint64_t flush_done, flush_all;             /* rows of the flush at work */
    void (*on_rows)(void *arg, uint64_t bytes); /* NULL: nobody wants to know */
    void *on_rows_arg;
};

/* Answers are SQLite results, as everywhere here. */

/* Runs a statement that gives no row; run_write: one that writes rows; run_int: one whose first row
 * has an integer, def when there is no row. */
int store_fold_run(rl_fold *f, int number);
int store_fold_run_write(rl_fold *f, int number);
int store_fold_run_int(rl_fold *f, int number, int64_t def, int64_t *out);

/* The same bytes always get the same class: TEXT where they are UTF-8, else BLOB. Nothing is
 * copied. */
void store_fold_bind_bytes(sqlite3_stmt *stmt, int at, rl_bytes bytes);
void store_fold_bind_when(sqlite3_stmt *stmt, int at, int64_t when);

/* Tells on_rows of one more row now and then. */
void store_fold_report(rl_fold *f);

/* Writes what is merged and empties the merge. */
int store_fold_flush(rl_fold *f);
/* Parts of that: keys, then elements of the collections, which call the one for lists. */
int store_fold_flush_rows(rl_fold *f);
int store_fold_flush_elements(rl_fold *f);
int store_fold_flush_list(rl_fold *f, const rl_element_group *g);

/* Rows went from rl_key by the last statement; collections came into rl_dead by it. */
void store_fold_count_gone(rl_fold *f);
void store_fold_count_dead(rl_fold *f);

/* Barriers. */
int32_t store_fold_stored_db(const rl_fold *f, int32_t spoken);
void store_fold_swap(rl_fold *f, const rl_change *c);
int store_fold_apply_swaps(rl_fold *f);
int store_fold_clear(rl_fold *f, int32_t spoken); /* -1: every database */

#endif
