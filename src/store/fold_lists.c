/* SPDX-License-Identifier: MIT */
/*
 * The fold's part that writes items of lists; see fold.c, and pieces.h for what is to become of a
 * list. Three steps:
 *
 *   1. rows that no piece speaks of, and that get no new value, go;
 *   2. rows that stand elsewhere now are moved;
 *   3. new values are written.
 *
 * Moving. UPDATE … SET pos = pos + 1 would collide with the primary key at the first row. So rows
 * are read in chunks and written at their new places, over what stood there. Nothing is lost by
 * that if pieces that move up are moved first, the last one first and each from its end, and then
 * those that move down, the first one first and each from its beginning:
 *
 * Let i and j be pieces, i before j, in the table and now. A place that i moves to can only belong
 * to a row of j if i moves up; then j, which stays behind i, moves up as well, and has been moved
 * already. The same holds the other way round. Pieces that have changed their order, which no
 * command brings about, are read as a whole before the first row is written.
 *
 * Behind each chunk, the places it was read from and did not write to are emptied. So every row is
 * read and written once, and gaps that another program may have made do not matter.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/fold_internal.h"

/* Rows are moved in chunks of so many, or so many bytes. */
#define CHUNK_ROWS  1000
#define CHUNK_BYTES (256u << 10)

/* A list in the flush. */
typedef struct flush {
    rl_fold *f;
    uint64_t id;
    const rl_piece *pieces; /* by position */
    size_t count;
    rl_piece *stored; /* those of the table, in the order of their places there */
    size_t stored_count;
    bool in_order; /* … which is that of their places now */
} flush;

/* An item on its way, in rl_fold.moved: this, and its bytes. */
typedef struct item_head {
    int64_t to;
    uint64_t len;
} item_head;

static int64_t old_last(const rl_piece *piece) {
    return piece->source + (piece->last - piece->first);
}

static int64_t distance(const rl_piece *piece) {
    return piece->first - piece->source;
}

/* --- single rows ------------------------------------------------------------------------------ */

static int delete_items(flush *l, int64_t first, int64_t last) {
    if (first > last)
        return SQLITE_OK;
    sqlite3_stmt *stmt = l->f->statements[FOLD_DELETE_ITEMS];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)l->id);
    sqlite3_bind_int64(stmt, 2, first);
    sqlite3_bind_int64(stmt, 3, last);
    return store_fold_run_write(l->f, FOLD_DELETE_ITEMS);
}

static int put_item(flush *l, int64_t position, rl_bytes value) {
    sqlite3_stmt *stmt = l->f->statements[FOLD_PUT_ITEM];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)l->id);
    sqlite3_bind_int64(stmt, 2, position);
    store_fold_bind_bytes(stmt, 3, value);
    store_fold_report(l->f);
    return store_fold_run_write(l->f, FOLD_PUT_ITEM);
}

/* --- 1. what goes ----------------------------------------------------------------------------- */

/* Empties first..last, but for places that get a new value. *at is the first piece that may be of
 * interest here and further on. */
static int delete_between(flush *l, int64_t first, int64_t last, size_t *at) {
    int rc = SQLITE_OK;
    while (*at < l->count && l->pieces[*at].last < first)
        ++*at;
    for (size_t i = *at; i < l->count && l->pieces[i].first <= last && rc == SQLITE_OK; i++) {
        if (l->pieces[i].step == 0)
            continue;
        rc = delete_items(l, first, l->pieces[i].first - 1);
        first = l->pieces[i].last + 1;
    }
    return rc == SQLITE_OK ? delete_items(l, first, last) : rc;
}

static int delete_rows(flush *l) {
    int64_t from = RL_PIECES_FIRST;
    size_t at = 0;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < l->stored_count && rc == SQLITE_OK; i++) {
        if (from < l->stored[i].source)
            rc = delete_between(l, from, l->stored[i].source - 1, &at);
        from = old_last(&l->stored[i]) + 1;
    }
    if (rc == SQLITE_OK && from <= RL_PIECES_LAST)
        rc = delete_between(l, from, RL_PIECES_LAST, &at);
    return rc;
}

/* --- 2. what moves ---------------------------------------------------------------------------- */

static void keep_item(flush *l, sqlite3_stmt *stmt, int64_t to) {
    const void *bytes = sqlite3_column_blob(stmt, 1);
    item_head head = {.to = to, .len = (uint64_t)sqlite3_column_bytes(stmt, 1)};
    rl_buffer_add(&l->f->moved, &head, sizeof head);
    if (head.len)
        rl_buffer_add(&l->f->moved, bytes, head.len);
}

/* Rows that were read: the place of the first one and of the last one, and how many. */
typedef struct chunk {
    int64_t begin, end;
    size_t count;
} chunk;

/* Reads rows of a piece, those from the place `from` on and towards its other end, until a chunk is
 * full or a place is empty. With `whole`: all. */
static int read_chunk(flush *l, const rl_piece *piece, int64_t from, bool whole, chunk *out) {
    int64_t by = distance(piece);
    sqlite3_stmt *stmt = l->f->statements[by > 0 ? FOLD_READ_ITEMS_DOWN : FOLD_READ_ITEMS_UP];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)l->id);
    sqlite3_bind_int64(stmt, 2, by > 0 ? piece->source : from);
    sqlite3_bind_int64(stmt, 3, by > 0 ? from : old_last(piece));
    out->count = 0;
    while ((whole || (out->count < CHUNK_ROWS && l->f->moved.len < CHUNK_BYTES)) &&
           sqlite3_step(stmt) == SQLITE_ROW) {
        int64_t at = sqlite3_column_int64(stmt, 0);
        if (out->count == 0)
            out->begin = at;
        else if (!whole && at != out->end + (by > 0 ? -1 : 1))
            break;
        out->end = at;
        out->count++;
        keep_item(l, stmt, at + by);
    }
    return sqlite3_reset(stmt);
}

/* Writes the items that were read. */
static int write_moved(flush *l) {
    const char *end = l->f->moved.ptr + l->f->moved.len;
    int rc = SQLITE_OK;
    for (const char *at = l->f->moved.ptr; at < end && rc == SQLITE_OK;) {
        item_head head;
        memcpy(&head, at, sizeof head);
        rc = put_item(l, head.to, rl_bytes_of(at + sizeof head, head.len));
        at += sizeof head + head.len;
    }
    sqlite3_clear_bindings(l->f->statements[FOLD_PUT_ITEM]); /* they point into the buffer */
    rl_buffer_clear(&l->f->moved);
    return rc;
}

/* Empties the places that a chunk was read from and did not write to. */
static int clean_chunk(flush *l, const chunk *c, int64_t by) {
    int64_t first = by > 0 ? c->end : c->begin;
    int64_t last = by > 0 ? c->begin : c->end;
    if (by > 0 && first + by <= last)
        last = first + by - 1;
    else if (by < 0 && last + by >= first)
        first = last + by + 1;
    return delete_items(l, first, last);
}

static int move_piece(flush *l, const rl_piece *piece) {
    int64_t by = distance(piece);
    int64_t from = by > 0 ? old_last(piece) : piece->source;
    for (;;) {
        chunk c;
        int rc = read_chunk(l, piece, from, false, &c);
        if (rc != SQLITE_OK || c.count == 0)
            return rc;
        rc = write_moved(l);
        if (rc == SQLITE_OK)
            rc = clean_chunk(l, &c, by);
        if (rc != SQLITE_OK)
            return rc;
        from = c.end + (by > 0 ? -1 : 1);
    }
}

/* For pieces that changed their order. */
static int move_all_at_once(flush *l) {
    int rc = SQLITE_OK;
    for (size_t i = 0; i < l->stored_count && rc == SQLITE_OK; i++) {
        const rl_piece *piece = &l->stored[i];
        int64_t from = distance(piece) > 0 ? old_last(piece) : piece->source;
        chunk c;
        if (distance(piece))
            rc = read_chunk(l, piece, from, true, &c);
    }
    for (size_t i = 0; i < l->stored_count && rc == SQLITE_OK; i++) {
        if (distance(&l->stored[i]))
            rc = delete_items(l, l->stored[i].source, old_last(&l->stored[i]));
    }
    return rc == SQLITE_OK ? write_moved(l) : rc;
}

static int move_rows(flush *l) {
    if (!l->in_order)
        return move_all_at_once(l);
    int rc = SQLITE_OK;
    for (size_t i = l->stored_count; i-- > 0 && rc == SQLITE_OK;) {
        if (distance(&l->stored[i]) > 0)
            rc = move_piece(l, &l->stored[i]);
    }
    for (size_t i = 0; i < l->stored_count && rc == SQLITE_OK; i++) {
        if (distance(&l->stored[i]) < 0)
            rc = move_piece(l, &l->stored[i]);
    }
    return rc;
}

/* --- 3. what is new --------------------------------------------------------------------------- */

static int write_values(flush *l) {
    const rl_pieces *pieces = rl_elements_pieces(l->f->elements);
    int rc = SQLITE_OK;
    for (size_t i = 0; i < l->count; i++) {
        const rl_piece *piece = &l->pieces[i];
        for (int64_t at = piece->first; piece->step && at <= piece->last && rc == SQLITE_OK; at++)
            rc = put_item(l, at, rl_pieces_value(pieces, piece, at));
    }
    return rc;
}

/* --- a list ----------------------------------------------------------------------------------- */

static int compare_sources(const void *a, const void *b) {
    const rl_piece *x = a, *y = b;
    return x->source < y->source ? -1 : x->source > y->source;
}

static void find_stored(flush *l) {
    l->in_order = true;
    l->stored = rl_malloc((l->count + 1) * sizeof *l->stored);
    for (size_t i = 0; i < l->count; i++) {
        if (l->pieces[i].step)
            continue;
        if (l->stored_count && l->stored[l->stored_count - 1].source > l->pieces[i].source)
            l->in_order = false;
        l->stored[l->stored_count++] = l->pieces[i];
    }
    if (!l->in_order)
        qsort(l->stored, l->stored_count, sizeof *l->stored, compare_sources);
}

int store_fold_flush_list(rl_fold *f, const rl_element_group *g) {
    flush l = {.f = f, .id = g->id};
    l.count = rl_pieces_list(rl_elements_pieces(f->elements), g->list, &l.pieces);
    int rc = SQLITE_OK;
    if (g->stored) {
        find_stored(&l);
        rc = delete_rows(&l);
        if (rc == SQLITE_OK)
            rc = move_rows(&l);
        rl_free(l.stored);
    }
    rl_buffer_clear(&f->moved); /* after an error it has some */
    return rc == SQLITE_OK ? write_values(&l) : rc;
}
