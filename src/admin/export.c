/* SPDX-License-Identifier: MIT */
/*
 * rubellite export: the live keys as a stream of Redis commands.
 *
 * One pass over rl_key, in the order of the table, so that a database of any size needs little
 * memory. Each database number has a buffer of its own, and a full one is written behind a SELECT;
 * keys of several databases that alternate in the table so do not make a SELECT each.
 *
 * A type of keys is one row of `writers`. A key whose type has none is counted and reported, and
 * the exit code says that the stream is not all.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/datadir.h"
#include "admin/output.h"
#include "admin/sink.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "store/store.h"

#define BUFFER_BYTES  (256u << 10) /* of one database's commands, before they are written */
#define BUFFERS_BYTES (64u << 20)  /* of all of them together */
#define LOOK_EVERY    1024         /* rows between two looks at the progress */

typedef struct database {
    int number;
    rl_buffer commands;
} database;

typedef struct export {
    const admin_args *args;
    sqlite3 *db;
    admin_sink sink;
    int64_t now_ms;
    database *databases;
    size_t database_count, last; /* last: index of the last one used */
    size_t buffered;             /* bytes in all buffers, about */
    int64_t selected;            /* the database the stream is in, -1: none yet */
    uint64_t rows, keys, expired;
    uint64_t unknown[16]; /* keys by type that cannot be written; [0]: a type beyond these */
}
export;

typedef struct row {
    int64_t id;
    int type;
    int64_t expires_at; /* RL_NEVER or Unix ms */
    rl_bytes key, value;
} row;

/* --- commands -------------------------------------------------------------------------------- */

static void add_head(rl_buffer *b, char mark, uint64_t number) {
    char *at = rl_buffer_reserve(b, RL_INT64_TEXT_MAX + 3), *end = at;
    *end++ = mark;
    end += rl_uint64_format(end, number);
    *end++ = '\r';
    *end++ = '\n';
    b->len += (size_t)(end - at);
}

static void add_bulk(rl_buffer *b, rl_bytes bytes) {
    add_head(b, '$', bytes.len);
    rl_buffer_add_bytes(b, bytes);
    rl_buffer_add(b, "\r\n", 2);
}

static void add_number(rl_buffer *b, int64_t number) {
    char text[RL_INT64_TEXT_MAX];
    add_bulk(b, rl_bytes_of(text, rl_int64_format(text, number)));
}

/* A command that sets when a key expires, for keys whose own command cannot. */
static void add_expiry(rl_buffer *b, const row *r) {
    add_head(b, '*', 3);
    add_bulk(b, RL_BYTES("PEXPIREAT"));
    add_bulk(b, r->key);
    add_number(b, r->expires_at);
}

/* Both in one command where the server knows it: nobody ever sees the key without its expiry. */
static bool write_string(export *e, const row *r, rl_buffer *b) {
    bool expires = r->expires_at != RL_NEVER && !e->args->no_expiry;
    bool together = expires && !e->args->compat;
    add_head(b, '*', together ? 5 : 3);
    add_bulk(b, RL_BYTES("SET"));
    add_bulk(b, r->key);
    add_bulk(b, r->value);
    if (together) {
        add_bulk(b, RL_BYTES("PXAT"));
        add_number(b, r->expires_at);
    } else if (expires) {
        add_expiry(b, r);
    }
    return true;
}

/* Appends the commands that make the key. May read other tables of e->db by r->id; false when that
 * fails (SQLite then has the reason). */
static bool (*const writers[])(export *e, const row *r, rl_buffer *commands) = {
    [RL_TYPE_STRING] = write_string,
};
#define WRITERS ((int)(sizeof writers / sizeof *writers))

static const char *const type_names[] = {
    [RL_TYPE_STRING] = "string", [RL_TYPE_LIST] = "list", [RL_TYPE_SET] = "set",
    [RL_TYPE_ZSET] = "zset",     [RL_TYPE_HASH] = "hash", [RL_TYPE_STREAM] = "stream",
};
#define TYPE_NAMES (sizeof type_names / sizeof *type_names)

/* --- buffers --------------------------------------------------------------------------------- */

static bool flush(export *e, database *d) {
    if (d->commands.len == 0)
        return true;
    if (e->selected != d->number) {
        rl_buffer select = {0};
        add_head(&select, '*', 2);
        add_bulk(&select, RL_BYTES("SELECT"));
        add_number(&select, d->number);
        admin_sink_write(&e->sink, rl_buffer_bytes(&select));
        rl_buffer_release(&select);
        e->selected = d->number;
    }
    bool written = admin_sink_write(&e->sink, rl_buffer_bytes(&d->commands));
    e->buffered -= d->commands.len;
    if (d->commands.cap > 2 * (size_t)BUFFER_BYTES)
        rl_buffer_release(&d->commands); /* one very long value */
    rl_buffer_clear(&d->commands);
    return written;
}

static bool flush_all(export *e) {
    bool written = true;
    for (size_t i = 0; i < e->database_count; i++)
        written = flush(e, &e->databases[i]) && written;
    return written;
}

static database *find_database(export *e, int number) {
    if (e->last < e->database_count && e->databases[e->last].number == number)
        return &e->databases[e->last];
    for (size_t i = 0; i < e->database_count; i++) {
        if (e->databases[i].number == number) {
            e->last = i;
            return &e->databases[i];
        }
    }
    e->databases = rl_realloc(e->databases, (e->database_count + 1) * sizeof *e->databases);
    e->last = e->database_count++;
    e->databases[e->last] = (database){.number = number};
    return &e->databases[e->last];
}

/* --- rows ------------------------------------------------------------------------------------ */

static rl_bytes column(sqlite3_stmt *stmt, int i) {
    const char *ptr = sqlite3_column_blob(stmt, i);
    return rl_bytes_of(ptr, (size_t)sqlite3_column_bytes(stmt, i));
}

static bool is_wanted(export *e, const row *r) {
    if (r->expires_at != RL_NEVER && r->expires_at <= e->now_ms) {
        e->expired++;
        return false;
    }
    return !e->args->match || rl_text_glob(rl_bytes_text(e->args->match), r->key, false);
}

static bool take_row(export *e, sqlite3_stmt *stmt) {
    row r = {
        .id = sqlite3_column_int64(stmt, 0),
        .type = sqlite3_column_int(stmt, 2),
        .expires_at =
            sqlite3_column_type(stmt, 3) == SQLITE_NULL ? RL_NEVER : sqlite3_column_int64(stmt, 3),
        .key = column(stmt, 4),
    };
    if (++e->rows % LOOK_EVERY == 0)
        admin_progress(e->keys, 0);
    if (!is_wanted(e, &r))
        return true;
    if (r.type < 0 || r.type >= WRITERS || !writers[r.type]) {
        bool countable = r.type > 0 && (size_t)r.type < sizeof e->unknown / sizeof *e->unknown;
        e->unknown[countable ? r.type : 0]++;
        return true;
    }
    r.value = column(stmt, 5);
    database *d = find_database(e, sqlite3_column_int(stmt, 1));
    size_t before = d->commands.len;
    if (!writers[r.type](e, &r, &d->commands))
        return false;
    e->buffered += d->commands.len - before;
    e->keys++;
    if (e->buffered >= BUFFERS_BYTES)
        return flush_all(e);
    return d->commands.len < BUFFER_BYTES || flush(e, d);
}

static bool scan(export *e) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(e->db,
                                "SELECT id, db, type, expires_at, key, value FROM rl_key"
                                " WHERE ?1 < 0 OR db = ?1 ORDER BY id",
                                -1, &stmt, NULL);
    sqlite3_bind_int64(stmt, 1, e->args->db);
    bool good = rc == SQLITE_OK;
    while (good && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        good = take_row(e, stmt);
    if (good)
        good = rc == SQLITE_DONE && flush_all(e);
    if (!good && e->sink.error == 0)
        admin_error("reading the keys: %s", sqlite3_errmsg(e->db));
    sqlite3_finalize(stmt);
    return good;
}

/* --- the command ----------------------------------------------------------------------------- */

static bool report_unknown(const export *e) {
    bool all = true;
    for (size_t i = 0; i < sizeof e->unknown / sizeof *e->unknown; i++) {
        if (e->unknown[i] == 0)
            continue;
        all = false;
        admin_error("%" PRIu64 " %s of type %s left out: this version cannot export them",
                    e->unknown[i], admin_plural(e->unknown[i], "key was", "keys were"),
                    i > 0 && i < TYPE_NAMES ? type_names[i] : "unknown");
    }
    return all;
}

static void summarize(const export *e) {
    char keys[32], bytes[32];
    if (e->args->quiet)
        return;
    fprintf(stderr, "Exported %s %s, %s", admin_count_text(keys, e->keys),
            admin_plural(e->keys, "key", "keys"), admin_bytes_text(bytes, e->sink.written));
    if (e->expired)
        fprintf(stderr, " (%s expired, left out)", admin_count_text(keys, e->expired));
    fputc('\n', stderr);
}

static int run(export *e, const admin_datadir *d) {
    char error[ADMIN_ERROR_LEN];
    admin_reading reading;
    if (admin_reading_open(d, false, &reading, error, sizeof error) != RL_STORE_OK) {
        admin_error("%s", error);
        return ADMIN_FAILED;
    }
    e->db = reading.db;
    e->now_ms = rl_clock_wall_ms();
    int code = admin_sink_open(&e->sink, e->args->to);
    if (code == ADMIN_OK) {
        admin_progress_begin("Exporting keys", ADMIN_COUNT, e->args->quiet);
        bool good = scan(e);
        admin_progress_end();
        code = admin_sink_close(&e->sink, good);
        if (!good)
            code = ADMIN_FAILED;
    }
    admin_reading_close(&reading);
    return code;
}

int admin_export(admin_args *args) {
    admin_datadir d;
    uint64_t settled;
    int code = admin_datadir_open(&d, args->word_count ? args->words[0] : ".", args, true);
    if (code != ADMIN_OK)
        return code;
    export e = {.args = args, .selected = -1};
    code = admin_prepare_source(&d, args, &settled);
    if (code == ADMIN_OK)
        code = run(&e, &d);
    if (code == ADMIN_OK) {
        summarize(&e);
        if (!report_unknown(&e))
            code = ADMIN_FAILED;
    }
    for (size_t i = 0; i < e.database_count; i++)
        rl_buffer_release(&e.databases[i].commands);
    rl_free(e.databases);
    admin_datadir_release(&d);
    return code;
}
