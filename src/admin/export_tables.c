/* SPDX-License-Identifier: MIT */
/*
 * Exporting the tables of a database: one pass over rl_key, in the order of the table, and over the
 * elements of each collection, so that a database of any size needs little memory.
 */
#include "admin/export.h"
#include "admin/output.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"

#define LOOK_EVERY 1024 /* rows between two looks at the progress */

typedef struct source {
    admin_exporting *e;
    sqlite3 *db;
    int64_t now_ms;
    uint64_t rows;
    sqlite3_stmt *elements[RL_TYPE_HASH + 1]; /* by type */
} source;

typedef struct row {
    int64_t id;
    int db, type;
    int64_t expires_at; /* RL_NEVER or Unix ms */
    rl_bytes key, value;
} row;

static rl_bytes column(sqlite3_stmt *stmt, int i) {
    const char *ptr = sqlite3_column_blob(stmt, i);
    return rl_bytes_of(ptr, (size_t)sqlite3_column_bytes(stmt, i));
}

static int64_t column_time(sqlite3_stmt *stmt, int i) {
    return sqlite3_column_type(stmt, i) == SQLITE_NULL ? RL_NEVER : sqlite3_column_int64(stmt, i);
}

static void look(source *s) {
    if (++s->rows % LOOK_EVERY == 0)
        admin_progress(s->e->writer.keys, 0);
}

/* --- elements -------------------------------------------------------------------------------- */

static bool take_value(source *s, sqlite3_stmt *stmt) {
    return admin_writer_element(&s->e->writer, column(stmt, 0));
}

static bool take_score(source *s, sqlite3_stmt *stmt) {
    char text[64];
    size_t len = rl_double_format(text, sqlite3_column_double(stmt, 1));
    return admin_writer_pair(&s->e->writer, column(stmt, 0), rl_bytes_of(text, len));
}

static bool take_field(source *s, sqlite3_stmt *stmt) {
    int64_t expires_at = column_time(stmt, 2);
    if (expires_at != RL_NEVER && expires_at <= s->now_ms)
        return true;
    /* The field first: its expiry goes behind it. */
    return admin_writer_pair(&s->e->writer, column(stmt, 0), column(stmt, 1)) &&
           (expires_at == RL_NEVER ||
            admin_writer_field_expiry(&s->e->writer, column(stmt, 0), expires_at));
}

static const struct {
    const char *sql;
    bool (*take)(source *s, sqlite3_stmt *stmt);
} collections[] = {
    [RL_TYPE_LIST] = {"SELECT value FROM rl_list WHERE key_id = ?1 ORDER BY pos", take_value},
    [RL_TYPE_SET] = {"SELECT member FROM rl_set WHERE key_id = ?1", take_value},
    [RL_TYPE_ZSET] = {"SELECT member, score FROM rl_zset WHERE key_id = ?1", take_score},
    [RL_TYPE_HASH] = {"SELECT field, value, expires_at FROM rl_hash WHERE key_id = ?1", take_field},
};

static bool take_elements(source *s, const row *r) {
    sqlite3_stmt **stmt = &s->elements[r->type];
    if (!*stmt && sqlite3_prepare_v3(s->db, collections[r->type].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                     stmt, NULL) != SQLITE_OK)
        return false;
    bool good = true;
    int rc = SQLITE_DONE;
    sqlite3_bind_int64(*stmt, 1, r->id);
    while (good && (rc = sqlite3_step(*stmt)) == SQLITE_ROW) {
        good = collections[r->type].take(s, *stmt);
        look(s);
    }
    sqlite3_reset(*stmt);
    return good && rc == SQLITE_DONE;
}

/* --- keys ------------------------------------------------------------------------------------ */

static bool is_wanted(source *s, const row *r) {
    if (r->expires_at != RL_NEVER && r->expires_at <= s->now_ms) {
        s->e->expired++;
        return false;
    }
    const char *match = s->e->args->match;
    return !match || rl_text_glob(rl_bytes_text(match), r->key, false);
}

static bool take_row(source *s, sqlite3_stmt *stmt) {
    row r = {
        .id = sqlite3_column_int64(stmt, 0),
        .db = sqlite3_column_int(stmt, 1),
        .type = sqlite3_column_int(stmt, 2),
        .expires_at = column_time(stmt, 3),
        .key = column(stmt, 4),
    };
    look(s);
    if (!is_wanted(s, &r))
        return true;
    if (r.type < RL_TYPE_STRING || r.type > RL_TYPE_HASH) {
        s->e->unknown[r.type > 0 && r.type < ADMIN_EXPORT_TYPES ? r.type : 0]++;
        return true;
    }
    admin_writer_begin(&s->e->writer, r.db, (rl_type)r.type, r.key, r.expires_at);
    bool good = r.type == RL_TYPE_STRING ? admin_writer_string(&s->e->writer, column(stmt, 5))
                                         : take_elements(s, &r);
    return good && admin_writer_end(&s->e->writer);
}

bool admin_export_tables(admin_exporting *e, sqlite3 *db) {
    source s = {.e = e, .db = db, .now_ms = rl_clock_wall_ms()};
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT id, db, type, expires_at, key, value FROM rl_key"
                                " WHERE ?1 < 0 OR db = ?1 ORDER BY id",
                                -1, &stmt, NULL);
    bool good = rc == SQLITE_OK;
    sqlite3_bind_int64(stmt, 1, e->args->db);
    while (good && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        good = take_row(&s, stmt);
    good = good && rc == SQLITE_DONE && admin_writer_flush(&e->writer);
    if (!good && e->sink.error == 0)
        admin_error("reading the keys: %s", sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    for (int type = 0; type <= RL_TYPE_HASH; type++)
        sqlite3_finalize(s.elements[type]);
    return good;
}
