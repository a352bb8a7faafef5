/* SPDX-License-Identifier: MIT */
/*
 * Loads a data.db with any rows, as another program may have written them, into a keyspace: rows
 * that the tables of ours take, or, by the first byte, in tables of the same names and columns
 * without any rule, as a hostile file may have. All structures must be whole afterwards, every key
 * be found, changed and removed; and what the check says of the file must not crash either. What
 * the loading has put right in tables of ours, folded into them, the next one finds right.
 *
 * Behind the first byte come rows: a table, then its columns. See read_value for the columns. The
 * file is on a file system in memory where there is one, and written without syncs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "keyspace/collection.h"
#include "keyspace/table.h"
#include "store/check.h"
#include "store/fold.h"
#include "store/loader.h"
#include "store/schema.h"

#define ROWS_MAX  200
#define DATABASES 3
#define NOW_MS    1000000 /* some rows are over then */
#define NEXT_ID   (1u << 20)
#define TIME_STEP 256 /* of times in inputs, which are around NOW_MS */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRICT, LOOSE, FILES };
enum { BY_CHECK = 2, SMALL_LIMITS = 4 }; /* in the first byte, beside LOOSE */

static const struct {
    const char *name, *insert, *loose;
    int columns;
} tables[] = {
    {"rl_key",
     "INSERT OR IGNORE INTO rl_key(db, type, expires_at, key, value, id)"
     " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
     "CREATE TABLE rl_key(id, db, type, expires_at, key, value)", 6},
    {"rl_hash",
     "INSERT OR IGNORE INTO rl_hash(key_id, field, value, expires_at)"
     " VALUES(?1, ?2, ?3, ?4)",
     "CREATE TABLE rl_hash(key_id, field, value, expires_at)", 4},
    {"rl_set", "INSERT OR IGNORE INTO rl_set(key_id, member) VALUES(?1, ?2)",
     "CREATE TABLE rl_set(key_id, member)", 2},
    {"rl_zset", "INSERT OR IGNORE INTO rl_zset(key_id, member, score) VALUES(?1, ?2, ?3)",
     "CREATE TABLE rl_zset(key_id, member, score)", 3},
    {"rl_list", "INSERT OR IGNORE INTO rl_list(key_id, pos, value) VALUES(?1, ?2, ?3)",
     "CREATE TABLE rl_list(key_id, pos, value)", 3},
    {"rl_dead", "INSERT OR IGNORE INTO rl_dead(key_id, type) VALUES(?1, ?2)",
     "CREATE TABLE rl_dead(key_id, type)", 2},
};
#define TABLES (sizeof tables / sizeof *tables)

typedef struct database {
    char path[80];
    sqlite3 *db;
    sqlite3_stmt *inserts[TABLES];
    rl_schema_meta meta;
    rl_fold *fold; /* of STRICT */
} database;

static char folder[64];
static database databases[FILES];

static void must_hold(bool holds, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: does not hold\n", __FILE__, line);
        abort();
    }
}

#define must(holds) must_hold(holds, __LINE__)

static void run(sqlite3 *db, const char *sql) {
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        fprintf(stderr, "fuzz_load: %s: %s\n", sql, error);
        abort();
    }
}

/* ---- the files ---- */

static void clean_up(void) {
    for (int i = 0; i < FILES; i++) {
        rl_fold_free(databases[i].fold);
        for (size_t t = 0; t < TABLES; t++)
            sqlite3_finalize(databases[i].inserts[t]);
        sqlite3_close(databases[i].db);
        static const char *const ends[] = {"", "-wal", "-shm"};
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
            char path[sizeof databases->path + sizeof "-wal"];
            if ((size_t)snprintf(path, sizeof path, "%s%s", databases[i].path, ends[e]) <
                sizeof path)
                unlink(path);
        }
    }
    rmdir(folder);
}

static void loosen(sqlite3 *db) {
    run(db, "DROP INDEX rl_key_name");
    for (size_t t = 0; t < TABLES; t++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP TABLE %s", tables[t].name);
        run(db, sql);
        run(db, tables[t].loose);
    }
    run(db, "CREATE INDEX rl_key_name ON rl_key(key, db)");
}

static void make_databases(void) {
    static const char *const places[] = {"/dev/shm", "/tmp"};
    for (size_t i = 0; i < 2 && databases[0].db == NULL; i++) {
        snprintf(folder, sizeof folder, "%s/rubellite-fuzz-XXXXXX", places[i]);
        if (!mkdtemp(folder))
            continue;
        for (int f = 0; f < FILES; f++) {
            database *d = &databases[f];
            char error[256];
            snprintf(d->path, sizeof d->path, "%s/%d.db", folder, f);
            must(rl_schema_open(d->path, &d->db, &d->meta, error, sizeof error) == RL_STORE_OK);
            d->meta.next_id = NEXT_ID;
            run(d->db, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 200");
            if (f == LOOSE)
                loosen(d->db);
            else
                must(rl_fold_create(d->db, &d->meta, &d->fold) == SQLITE_OK);
            for (size_t t = 0; t < TABLES; t++)
                must(sqlite3_prepare_v2(d->db, tables[t].insert, -1, &d->inserts[t], NULL) ==
                     SQLITE_OK);
        }
    }
    must(databases[0].db != NULL);
    atexit(clean_up);
}

/* ---- rows of an input ---- */

typedef struct reading {
    const uint8_t *at, *end;
} reading;

static unsigned take_byte(reading *r) {
    return r->at < r->end ? *r->at++ : 0;
}

static uint64_t take_eight(reading *r) {
    uint64_t value = 0;
    size_t n = r->end - r->at < 8 ? (size_t)(r->end - r->at) : 8;
    memcpy(&value, r->at, n);
    r->at += n;
    return value;
}

/* A value: a byte below 0x80 is itself, a small integer; else its low bits say what follows. */
static void read_value(reading *r, sqlite3_stmt *stmt, int column) {
    unsigned kind = take_byte(r);
    double number;
    uint64_t bits;
    size_t len;
    if (kind < 0x80) {
        sqlite3_bind_int(stmt, column, (int)kind);
        return;
    }
    switch (kind % 8) {
    case 0:
        sqlite3_bind_null(stmt, column);
        break;
    case 1:
        sqlite3_bind_int64(stmt, column, (int64_t)take_eight(r));
        break;
    case 2:
        bits = take_eight(r);
        memcpy(&number, &bits, sizeof number);
        sqlite3_bind_double(stmt, column, number);
        break;
    case 3:
        bits = take_byte(r);
        sqlite3_bind_int64(stmt, column, NOW_MS + TIME_STEP * ((int64_t)(bits * bits) - 5000));
        break;
    case 4:
        bits = take_byte(r); /* near the end of the integers */
        sqlite3_bind_int64(stmt, column, INT64_MAX - (int64_t)bits);
        break;
    default: /* a text or a blob, long ones by repeating */
        len = kind & 0x40 ? 0 : take_byte(r);
        len = len < (size_t)(r->end - r->at) ? len : (size_t)(r->end - r->at);
        if (kind & 0x20)
            sqlite3_bind_zeroblob(stmt, column, (int)take_byte(r) * 8);
        else if (kind % 8 == 5)
            sqlite3_bind_blob(stmt, column, r->at, (int)len, SQLITE_TRANSIENT);
        else
            sqlite3_bind_text(stmt, column, (const char *)r->at, (int)len, SQLITE_TRANSIENT);
        r->at += len;
    }
}

static void write_rows(database *d, reading *r) {
    run(d->db, "BEGIN");
    for (size_t t = 0; t < TABLES; t++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[t].name);
        run(d->db, sql);
    }
    for (int row = 0; row < ROWS_MAX && r->at < r->end; row++) {
        unsigned t = take_byte(r);
        unsigned repeat = t & 0x80 ? 40 : 1; /* the same row with other numbers: a long one */
        t = (t & 0x7f) % TABLES;
        sqlite3_stmt *insert = d->inserts[t];
        for (int c = 1; c <= tables[t].columns; c++)
            read_value(r, insert, c);
        for (unsigned i = 0; i < repeat; i++) {
            if (i > 0)
                sqlite3_bind_int64(insert, 2, 1000 + i);
            sqlite3_step(insert); /* refused by a rule: another row */
            sqlite3_reset(insert);
        }
        sqlite3_clear_bindings(insert);
    }
    run(d->db, "COMMIT");
}

/* ---- loading, as the server does ---- */

typedef struct loading {
    rl_keyspace *keys;
    rl_type type;
} loading;

static void load_row(void *arg, const rl_store_row *row) {
    loading *l = arg;
    l->type = RL_TYPE_STRING;
    if (row->db < 0 || row->db >= DATABASES)
        return;
    l->type = row->type;
    if (row->strange)
        rl_keyspace_load_strange(l->keys);
    rl_keyspace_load(l->keys, row->id, row->db, row->type, row->expires_at, row->key, row->value);
}

static void load_element(void *arg, const rl_store_element *e) {
    loading *l = arg;
    if (e->strange)
        rl_keyspace_load_strange(l->keys);
    if (l->type == RL_TYPE_HASH)
        rl_keyspace_load_field(l->keys, e->name, e->value, e->expires_at);
    else if (l->type == RL_TYPE_SET)
        rl_keyspace_load_member(l->keys, e->name);
    else if (l->type == RL_TYPE_ZSET)
        rl_keyspace_load_score(l->keys, e->name, e->score);
    else if (l->type == RL_TYPE_LIST)
        rl_keyspace_load_item(l->keys, e->position, e->value);
}

static int load(const char *path, rl_keyspace *keys) {
    char error[256] = "";
    loading l = {keys, RL_TYPE_STRING};
    const rl_store_loading to = {load_row, load_element, &l};
    rl_keyspace_load_begin(keys, NEXT_ID, 16);
    int code = rl_loader_run(path, &to, error, sizeof error);
    rl_keyspace_load_end(keys);
    must((code == RL_STORE_OK) == (error[0] == '\0'));
    return code;
}

/* ---- looking at what was loaded ---- */

typedef struct listed {
    rl_buffer names[ROWS_MAX * 41];
    size_t count;
} listed;

static void list_key(void *arg, rl_entry *e) {
    listed *all = arg;
    if (all->count < sizeof all->names / sizeof *all->names)
        rl_buffer_add_bytes(&all->names[all->count++], rl_entry_key(e));
}

static void structure_check(rl_type type, rl_collection *c) {
    if (type == RL_TYPE_HASH)
        rl_fields_check(rl_hash_of(c));
    else if (type == RL_TYPE_SET)
        rl_members_check(rl_set_of(c));
    else if (type == RL_TYPE_ZSET)
        rl_zset_check(rl_sorted_set_of(c));
    else
        rl_list_check(rl_list_of(c));
}

static void structure_change(rl_type type, rl_collection *c) {
    if (type == RL_TYPE_HASH) {
        rl_key_hash_set(c, RL_BYTES("new"), RL_BYTES("value"), 0);
        rl_key_hash_remove(c, RL_BYTES("a"));
    } else if (type == RL_TYPE_SET) {
        rl_key_set_add(c, RL_BYTES("new"));
        rl_key_set_remove(c, RL_BYTES("a"));
    } else if (type == RL_TYPE_ZSET) {
        rl_key_zset_set(c, RL_BYTES("new"), 1);
        rl_key_zset_remove_range(c, 0, 1, NULL, NULL);
    } else {
        rl_key_list_push(c, RL_LIST_LEFT, RL_BYTES("new"));
        rl_key_list_push(c, RL_LIST_RIGHT, RL_BYTES("new"));
        rl_key_list_insert(c, rl_collection_count(c) / 2, RL_BYTES("new"));
        rl_key_list_remove(c, 0, 1);
    }
}

static void look_at(rl_keyspace *keys, int db, rl_bytes key) {
    uint64_t hash = rl_hash(key);
    rl_entry *e = rl_keyspace_find(keys, db, key, hash, RL_LOOK_READ);
    must(e != NULL && rl_bytes_equal(rl_entry_key(e), key));
    rl_type type = e->type;
    if (type == RL_TYPE_LIST || type == RL_TYPE_SET || type == RL_TYPE_ZSET ||
        type == RL_TYPE_HASH) {
        rl_collection c;
        must(rl_collection_open(&c, keys, db, key, hash, type, RL_LOOK_WRITE));
        if (c.entry != NULL) { /* else all its fields were over */
            structure_check(type, &c);
            structure_change(type, &c);
        }
        if (c.entry != NULL)
            structure_check(type, &c);
        rl_collection_done(&c);
    } else if (type == RL_TYPE_STRING) {
        rl_keyspace_patch(keys, db, e, hash, e->value_len, RL_BYTES("end"));
    }
}

static void look_at_all(rl_keyspace *keys, int db) {
    static listed all;
    all.count = 0;
    uint64_t cursor = 0;
    do
        cursor = rl_keyspace_scan(keys, db, cursor, 100, list_key, &all);
    while (cursor != 0);
    for (size_t i = 0; i < all.count; i++)
        look_at(keys, db, rl_buffer_bytes(&all.names[i]));
    for (size_t i = 0; i < all.count; i++) {
        rl_bytes name = rl_buffer_bytes(&all.names[i]);
        rl_keyspace_delete(keys, db, name, rl_hash(name));
        rl_buffer_release(&all.names[i]);
    }
    while (rl_keyspace_expire_due(keys, 100) > 0)
        continue;
    rl_db_stats stats;
    rl_keyspace_db_stats(keys, db, &stats);
    must(stats.keys == stats.expires); /* nothing is left but keys whose time comes later */
    must(stats.keys == 0);
}

/* ---- loading again ---- */

/* Whether all ids lie below NEXT_ID; a store's next one is above all it finds. */
static bool has_ids_below(sqlite3 *db) {
    sqlite3_stmt *stmt;
    must(
        sqlite3_prepare_v2(
            db,
            "SELECT count(*) FROM (SELECT id FROM rl_key UNION ALL SELECT key_id FROM rl_hash UNION"
            " ALL SELECT key_id FROM rl_set UNION ALL SELECT key_id FROM rl_zset UNION ALL SELECT"
            " key_id FROM rl_list UNION ALL SELECT key_id FROM rl_dead)"
            " WHERE typeof(id) = 'integer' AND id >= ?1",
            -1, &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, NEXT_ID);
    must(sqlite3_step(stmt) == SQLITE_ROW);
    bool below = sqlite3_column_int64(stmt, 0) == 0;
    sqlite3_finalize(stmt);
    return below;
}

static void check_again(database *d, rl_keyspace *keys, rl_batch_builder *repairs) {
    rl_fold_result result;
    rl_batch *batch = rl_batch_seal(repairs, d->meta.folded_seq + 1);
    must(rl_fold_run(d->fold, batch, UINT64_MAX, &result) == SQLITE_OK);
    rl_batch_free(batch);
    rl_batch_builder *builder = rl_batch_builder_create();
    rl_keyspace *again = rl_keyspace_create(DATABASES, builder);
    must(load(d->path, again) == RL_STORE_OK);
    must(rl_batch_builder_bytes(builder) == 0);
    for (int db = 0; db < DATABASES; db++)
        must(rl_keyspace_size(again, db) == rl_keyspace_size(keys, db));
    rl_keyspace_free(again);
    rl_batch_builder_free(builder);
}

/* What was put right and changed must read back as a batch. */
static void check_batch(rl_batch_builder *builder) {
    rl_batch *batch = rl_batch_seal(builder, 1);
    rl_change change;
    size_t offset = 0;
    int rc;
    while ((rc = rl_batch_read(rl_batch_bytes(batch), &offset, &change)) == 1)
        continue;
    if (rc != 0)
        fprintf(stderr, "fuzz_load: a change of kind %d cannot be read\n", (int)change.kind);
    must(rc == 0);
    rl_batch_free(batch);
}

static void set_small_limits(rl_keyspace *keys) {
    rl_keyspace_set_limits(
        keys, &(rl_collection_limits){.hash = {2, 8}, .zset = {2, 8}, .set = {2, {2, 8}}});
}

static void check_file(const char *path) {
    char error[512] = "";
    rl_check_options options = {.path = path, .level = RL_CHECK_FULL};
    int code = rl_check_run(&options, error, sizeof error);
    must((code == RL_STORE_OK) == (error[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    if (databases[0].db == NULL) {
        rl_clock_init();
        rl_log_open("/dev/null");
        rl_hash_seed = 1;
        make_databases();
    }
    database *d = &databases[data[0] & LOOSE];
    reading r = {data + 1, data + size};
    write_rows(d, &r);
    rl_batch_builder *builder = rl_batch_builder_create();
    rl_keyspace *keys = rl_keyspace_create(DATABASES, builder);
    if (data[0] & SMALL_LIMITS)
        set_small_limits(keys);
    if (load(d->path, keys) == RL_STORE_OK) {
        if (d->fold && rl_batch_builder_bytes(builder) && has_ids_below(d->db))
            check_again(d, keys, builder);
        rl_keyspace_begin(keys, NOW_MS, 1, 0, false);
        for (int db = 0; db < DATABASES; db++)
            look_at_all(keys, db);
        check_batch(builder);
    }
    rl_keyspace_free(keys);
    rl_batch_builder_free(builder);
    if (data[0] & BY_CHECK)
        check_file(d->path);
    return 0;
}
