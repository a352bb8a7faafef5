/* SPDX-License-Identifier: MIT */
/*
 * The loader; see loader.h.
 *
 * Reading a row costs SQLite about as much as it costs the keyspace to take it in, so a second
 * thread reads: it scans the tables and copies rows into blocks, while the calling thread hands out
 * the rows of the block before. With 1,000,000 keys of 16-byte values and 140 ns of work for each:
 * 0.27 s against 0.40 with one thread. Blocks go round in a ring.
 *
 * In a block, each padded to a multiple of 8:
 *
 *     a key       row_head, key, value
 *     an element  element_head, name, value
 *
 * They begin with a number that tells them apart: the id, which is above 0, or 0. A collection may
 * begin in one block and go on in the next ones.
 *
 * Keys whose class is not ours are left for a second scan, which is made only when there are any.
 */
#include "store/loader.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "store/schema.h"
#include "store/thread.h"

#define BLOCKS      4
#define BLOCK_BYTES (256u << 10) /* a block is handed over once it has this much */

typedef struct row_head {
    uint64_t id;
    int64_t expires_at;
    uint64_t key_len, value_len;
    int32_t db;
    int32_t type;
    bool strange;
} row_head;

typedef struct element_head {
    uint64_t zero;
    union {
        int64_t expires_at;
        int64_t position;
        double score;
    } number;
    uint32_t name_len; /* SQLite has no longer rows */
    uint32_t value_len : 31;
    bool strange : 1;
} element_head;

typedef struct block {
    rl_buffer rows;
    bool last;
} block;

/* A table of elements, read in order of id. */
typedef struct cursor {
    sqlite3_stmt *stmt;
    bool begun, ended;
    int64_t id; /* of the row it stands on */
} cursor;

typedef struct scan {
    sqlite3 *db;
    cursor cursors[RL_TYPE_STREAM + 1]; /* by type; those without a table have no statement */
    bool has_strange;                   /* keys, for a second scan */
    block blocks[BLOCKS];
    sem_t free_blocks, full_blocks;
    int rc;          /* read after the last block */
    char error[512]; /* then too */
} scan;

/* sem_wait, which a signal may end early. */
static void wait_for(sem_t *sem) {
    while (sem_wait(sem) != 0) {}
}

/* What the type's table has, in this order: id, name, value, number. */
static const char *const cursor_sql[RL_TYPE_STREAM + 1] = {
    [RL_TYPE_LIST] = "SELECT key_id, NULL, value, pos FROM rl_list WHERE key_id >= ?1"
                     " ORDER BY key_id, pos",
    [RL_TYPE_SET] = "SELECT key_id, member, NULL, NULL FROM rl_set WHERE key_id >= ?1"
                    " ORDER BY key_id, member",
    [RL_TYPE_ZSET] = "SELECT key_id, member, NULL, score FROM rl_zset WHERE key_id >= ?1"
                     " ORDER BY key_id, member",
    [RL_TYPE_HASH] = "SELECT key_id, field, value, expires_at FROM rl_hash WHERE key_id >= ?1"
                     " ORDER BY key_id, field",
};

/* Rows of other ids are stepped over, but not many: a dead collection may have millions. */
#define STEPS_BEFORE_SEEK 16

static size_t padded(size_t len) {
    return (len + 7) & ~(size_t)7;
}

/* A head with the bytes that belong to it. */
static void append(rl_buffer *rows, const void *head, size_t head_len, rl_bytes first,
                   rl_bytes second) {
    size_t len = padded(head_len + first.len + second.len);
    char *to = rl_buffer_reserve(rows, len);
    memcpy(to, head, head_len);
    if (first.len)
        memcpy(to + head_len, first.ptr, first.len);
    if (second.len)
        memcpy(to + head_len + first.len, second.ptr, second.len);
    rows->len += len;
}

static rl_bytes bytes_of(sqlite3_stmt *stmt, int column) {
    const void *bytes = sqlite3_column_blob(stmt, column);
    return rl_bytes_of(bytes, (size_t)sqlite3_column_bytes(stmt, column));
}

/* The name of a key or an element. *strange: another program has stored it; the same bytes in
 * another class are another name to SQLite, so no statement of ours would find it. */
static rl_bytes name_of(sqlite3_stmt *stmt, int column, bool *strange) {
    int class = sqlite3_column_type(stmt, column);
    rl_bytes name = bytes_of(stmt, column);
    *strange = !rl_schema_class_fits(class, name);
    return name;
}

/* The type of the key, or 0 for a row that is not to be served. */
static int copy_row(rl_buffer *rows, sqlite3_stmt *stmt, rl_bytes key, bool strange) {
    rl_bytes value = bytes_of(stmt, 5);
    row_head head = {
        .id = (uint64_t)sqlite3_column_int64(stmt, 0),
        .db = sqlite3_column_int(stmt, 1),
        .type = sqlite3_column_int(stmt, 2),
        .expires_at =
            sqlite3_column_type(stmt, 3) == SQLITE_NULL ? RL_NEVER : sqlite3_column_int64(stmt, 3),
        .key_len = key.len,
        .value_len = value.len,
        .strange = strange,
    };
    /* An id can be anything where the table is not ours. */
    if (head.type < RL_TYPE_STRING || head.type > RL_TYPE_STREAM || (int64_t)head.id <= 0)
        return 0; /* not written by us, and nothing we could serve */
    append(rows, &head, sizeof head, key, value);
    return head.type;
}

static void copy_element(rl_buffer *rows, sqlite3_stmt *stmt, int type) {
    bool strange = false;
    rl_bytes name = type == RL_TYPE_LIST ? RL_BYTES("") : name_of(stmt, 1, &strange);
    rl_bytes value = bytes_of(stmt, 2);
    element_head head = {
        .name_len = (uint32_t)name.len,
        .value_len = (uint32_t)value.len & INT32_MAX,
        .strange = strange,
    };
    int class = sqlite3_column_type(stmt, 3);
    if (type == RL_TYPE_ZSET) {
        if (class != SQLITE_FLOAT && class != SQLITE_INTEGER)
            return; /* another program's: no score */
        head.number.score = sqlite3_column_double(stmt, 3);
    } else {
        head.number.position = class == SQLITE_NULL ? RL_NEVER : sqlite3_column_int64(stmt, 3);
    }
    append(rows, &head, sizeof head, name, value);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int cursor_step(cursor *c) {
    int rc = sqlite3_step(c->stmt);
    c->begun = true;
    c->ended = rc != SQLITE_ROW;
    if (rc == SQLITE_ROW)
        c->id = sqlite3_column_int64(c->stmt, 0);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Moves on to the first row of this id or a later one. */
static int cursor_reach(cursor *c, int64_t id) {
    int rc = SQLITE_OK;
    for (int i = 0; i < STEPS_BEFORE_SEEK; i++) {
        if (c->begun && (c->ended || c->id >= id))
            return SQLITE_OK;
        if (!c->begun)
            break;
        rc = cursor_step(c);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (c->begun && (c->ended || c->id >= id))
        return SQLITE_OK;
    sqlite3_reset(c->stmt);
    sqlite3_bind_int64(c->stmt, 1, id);
    return cursor_step(c);
}

/* The reading thread's place in the ring. */
typedef struct filler {
    scan *scan;
    unsigned at;
} filler;

static block *filler_begin(filler *f) {
    wait_for(&f->scan->free_blocks);
    block *b = &f->scan->blocks[f->at];
    rl_buffer_clear(&b->rows);
    return b;
}

/* The block that goes on being filled: this one, or the next one when it is full. */
static block *filler_room(filler *f) {
    block *b = &f->scan->blocks[f->at];
    if (b->rows.len < BLOCK_BYTES)
        return b;
    sem_post(&f->scan->full_blocks);
    f->at = (f->at + 1) % BLOCKS;
    return filler_begin(f);
}

static void filler_end(filler *f, int rc) {
    scan *s = f->scan;
    s->rc = rc;
    snprintf(s->error, sizeof s->error, "%s", sqlite3_errmsg(s->db));
    s->blocks[f->at].last = true;
    sem_post(&s->full_blocks);
}

static int read_elements(filler *f, cursor *c, int type, int64_t id) {
    int rc = cursor_reach(c, id);
    while (rc == SQLITE_OK && !c->ended && c->id == id) {
        copy_element(&filler_room(f)->rows, c->stmt, type);
        rc = cursor_step(c);
    }
    return rc;
}

/* A key and its elements. */
static int read_key(filler *f, sqlite3_stmt *stmt, rl_bytes key, bool strange) {
    int type = copy_row(&filler_room(f)->rows, stmt, key, strange);
    cursor *c = &f->scan->cursors[type];
    return c->stmt ? read_elements(f, c, type, sqlite3_column_int64(stmt, 0)) : SQLITE_OK;
}

/* The keys that are strange, or those that are not. */
static int read_keys(filler *f, sqlite3_stmt *stmt, bool strange) {
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        bool is_strange;
        rl_bytes key = name_of(stmt, 4, &is_strange);
        if (is_strange != strange) {
            f->scan->has_strange = true;
            continue;
        }
        rc = read_key(f, stmt, key, strange);
        if (rc != SQLITE_OK)
            return rc;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Ours first: of two rows of the same name, the first one stays. */
static int read_all(filler *f, sqlite3_stmt *stmt) {
    int rc = read_keys(f, stmt, false);
    if (rc != SQLITE_OK || !f->scan->has_strange)
        return rc;
    for (size_t i = 0; i < sizeof f->scan->cursors / sizeof *f->scan->cursors; i++)
        f->scan->cursors[i].begun = false;
    sqlite3_reset(stmt);
    return read_keys(f, stmt, true);
}

static int prepare(scan *s, sqlite3_stmt **keys) {
    int rc = sqlite3_prepare_v2(
        s->db, "SELECT id, db, type, expires_at, key, value FROM rl_key WHERE id > 0 ORDER BY id",
        -1, keys, NULL);
    for (size_t i = 0; i < sizeof cursor_sql / sizeof *cursor_sql && rc == SQLITE_OK; i++) {
        if (cursor_sql[i])
            rc = sqlite3_prepare_v2(s->db, cursor_sql[i], -1, &s->cursors[i].stmt, NULL);
    }
    return rc;
}

static void scan_main(void *arg) {
    scan *s = arg;
    filler f = {.scan = s};
    sqlite3_stmt *keys = NULL;
    filler_begin(&f);
    /* One state of all tables. */
    int rc = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = prepare(s, &keys);
    if (rc == SQLITE_OK)
        rc = read_all(&f, keys);
    filler_end(&f, rc);
    sqlite3_finalize(keys);
    for (size_t i = 0; i < sizeof s->cursors / sizeof *s->cursors; i++)
        sqlite3_finalize(s->cursors[i].stmt);
}

/* --- handing out ------------------------------------------------------------------------------ */

static size_t hand_out_row(const rl_store_loading *l, const char *at) {
    row_head head;
    memcpy(&head, at, sizeof head);
    const char *key = at + sizeof head;
    rl_store_row row = {
        .id = head.id,
        .db = head.db,
        .type = (rl_type)head.type,
        .expires_at = head.expires_at,
        .key = rl_bytes_of(key, head.key_len),
        .value = rl_bytes_of(key + head.key_len, head.value_len),
        .strange = head.strange,
    };
    l->on_row(l->arg, &row);
    return sizeof head + head.key_len + head.value_len;
}

static size_t hand_out_element(const rl_store_loading *l, const char *at) {
    element_head head;
    memcpy(&head, at, sizeof head);
    const char *name = at + sizeof head;
    rl_store_element element = {
        .name = rl_bytes_of(name, head.name_len),
        .value = rl_bytes_of(name + head.name_len, head.value_len),
        .expires_at = head.number.expires_at, /* the same eight bytes; each type has one of them */
        .position = head.number.position,
        .score = head.number.score,
        .strange = head.strange,
    };
    if (l->on_element)
        l->on_element(l->arg, &element);
    return sizeof head + head.name_len + head.value_len;
}

static void hand_out(const block *b, const rl_store_loading *l) {
    const char *end = b->rows.ptr + b->rows.len;
    for (const char *at = b->rows.ptr; at < end;) {
        uint64_t id;
        memcpy(&id, at, sizeof id);
        at += padded(id ? hand_out_row(l, at) : hand_out_element(l, at));
    }
}

static int run_scan(scan *s, const rl_store_loading *loading, char *error, size_t error_len) {
    pthread_t thread;
    int failed = rl_thread_start(&thread, "rl-loader", 0, scan_main, s);
    if (failed) {
        snprintf(error, error_len, "cannot start the loader thread: %s", strerror(failed));
        return RL_STORE_IO;
    }
    bool last = false;
    for (unsigned i = 0; !last; i = (i + 1) % BLOCKS) {
        block *b = &s->blocks[i];
        wait_for(&s->full_blocks);
        if (b->rows.len)
            hand_out(b, loading);
        last = b->last;
        sem_post(&s->free_blocks);
    }
    pthread_join(thread, NULL);
    if (s->rc == SQLITE_OK)
        return RL_STORE_OK;
    snprintf(error, error_len, "reading the keys: %s", s->error);
    return rl_schema_error_of(s->rc);
}

int rl_loader_run(const char *path, const rl_store_loading *loading, char *error,
                  size_t error_len) {
    scan *s = rl_calloc(1, sizeof *s);
    int code = rl_schema_open_more(path, true, &s->db, error, error_len);
    if (code == RL_STORE_OK) {
        /* Saves copying each page; unmapped again with the connection. */
        sqlite3_exec(s->db, "PRAGMA mmap_size = 2147418112", NULL, NULL, NULL);
        sem_init(&s->free_blocks, 0, BLOCKS);
        sem_init(&s->full_blocks, 0, 0);
        char text[600];
        code = run_scan(s, loading, text, sizeof text);
        if (code != RL_STORE_OK)
            snprintf(error, error_len, "%s: %s", path, text);
        for (int i = 0; i < BLOCKS; i++)
            rl_buffer_release(&s->blocks[i].rows);
        sem_destroy(&s->free_blocks);
        sem_destroy(&s->full_blocks);
        sqlite3_close(s->db);
    }
    rl_free(s);
    return code;
}
