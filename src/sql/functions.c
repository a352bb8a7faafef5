/* SPDX-License-Identifier: MIT */
/* SQL functions; see functions.h. */
#include "sql/functions.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/batch.h"

struct sql_functions {
    int references; /* the connection's for each function, and the engine's */
    sqlite3 *db;
    sqlite3_stmt *find;
    int64_t now_ms; /* of the statement at work; 0: not asked for yet */
};

static int64_t now(sql_functions *f) {
    if (f->now_ms == 0)
        f->now_ms = rl_clock_wall_ms();
    return f->now_ms;
}

static rl_bytes bytes_of(sqlite3_value *value) {
    const char *ptr = sqlite3_value_blob(value); /* before the length */
    return rl_bytes_of(ptr ? ptr : "", (size_t)sqlite3_value_bytes(value));
}

/* --- keys ------------------------------------------------------------------------------------ */

static const char find_sql[] = "SELECT type, expires_at, value FROM rl_key"
                               " WHERE key = ?1 AND db = ?2"
                               " AND (expires_at IS NULL OR expires_at > ?3)";

/* Stands on the row of a key that lives, to be reset; or NULL, with an error set if there was one.
 */
static sqlite3_stmt *find_key(sqlite3_context *context, int argc, sqlite3_value **argv) {
    sql_functions *f = sqlite3_user_data(context);
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return NULL;
    if (f->find == NULL && sqlite3_prepare_v3(f->db, find_sql, sizeof find_sql,
                                              SQLITE_PREPARE_PERSISTENT, &f->find, NULL)) {
        sqlite3_result_error(context, sqlite3_errmsg(f->db), -1);
        return NULL;
    }
    /* The bytes are what counts: TEXT or BLOB as in rl_key. */
    rl_bytes key = bytes_of(argv[0]);
    if (rl_text_is_utf8(key))
        sqlite3_bind_text64(f->find, 1, key.ptr, key.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(f->find, 1, key.ptr, key.len, SQLITE_STATIC);
    sqlite3_bind_int64(f->find, 2, argc > 1 ? sqlite3_value_int64(argv[1]) : 0);
    sqlite3_bind_int64(f->find, 3, now(f));
    if (sqlite3_step(f->find) == SQLITE_ROW)
        return f->find;
    int rc = sqlite3_reset(f->find);
    sqlite3_clear_bindings(f->find);
    if (rc != SQLITE_OK)
        sqlite3_result_error_code(context, rc);
    return NULL;
}

static void leave_key(sqlite3_stmt *find) {
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
}

static void on_ttl(sqlite3_context *context, int argc, sqlite3_value **argv) {
    sqlite3_stmt *find = find_key(context, argc, argv);
    if (find == NULL)
        return;
    if (sqlite3_column_type(find, 1) != SQLITE_NULL)
        sqlite3_result_int64(context,
                             sqlite3_column_int64(find, 1) - now(sqlite3_user_data(context)));
    leave_key(find);
}

static void on_get(sqlite3_context *context, int argc, sqlite3_value **argv) {
    sqlite3_stmt *find = find_key(context, argc, argv);
    if (find == NULL)
        return;
    if (sqlite3_column_int(find, 0) == RL_TYPE_STRING)
        sqlite3_result_value(context, sqlite3_column_value(find, 2));
    leave_key(find);
}

static void on_type(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const char *const names[] = {
        [RL_TYPE_STRING] = "string", [RL_TYPE_LIST] = "list", [RL_TYPE_SET] = "set",
        [RL_TYPE_ZSET] = "zset",     [RL_TYPE_HASH] = "hash", [RL_TYPE_STREAM] = "stream",
    };
    sqlite3_stmt *find = find_key(context, argc, argv);
    if (find == NULL)
        return;
    int type = sqlite3_column_int(find, 0);
    if (type >= RL_TYPE_STRING && type <= RL_TYPE_STREAM)
        sqlite3_result_text(context, names[type], -1, SQLITE_STATIC);
    leave_key(find);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void on_now(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc, (void)argv;
    sqlite3_result_int64(context, now(sqlite3_user_data(context)));
}

static void on_time(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    int64_t ms = sqlite3_value_int64(argv[0]);
    int64_t fraction = ms % 1000;
    time_t seconds = (time_t)(ms / 1000);
    if (fraction < 0) {
        fraction += 1000;
        seconds--;
    }
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900)
        return;
    char text[64];
    size_t len = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    len += (size_t)snprintf(text + len, sizeof text - len, ".%03d", (int)fraction);
    sqlite3_result_text(context, text, (int)len, SQLITE_TRANSIENT);
}

static void on_glob(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL)
        return;
    sqlite3_result_int(context, rl_text_glob(bytes_of(argv[0]), bytes_of(argv[1]), false));
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int min, max; /* arguments */
    bool deterministic;
    void (*run)(sqlite3_context *context, int argc, sqlite3_value **argv);
} functions[] = {
    {"rl_now", 0, 0, false, on_now},   {"rl_time", 1, 1, true, on_time},
    {"rl_get", 1, 2, false, on_get},   {"rl_ttl", 1, 2, false, on_ttl},
    {"rl_type", 1, 2, false, on_type}, {"rl_glob", 2, 2, true, on_glob},
};

#define FUNCTION_COUNT (sizeof functions / sizeof functions[0])

static void let_go(void *arg) {
    sql_functions *f = arg;
    if (--f->references == 0)
        rl_free(f);
}

sql_functions *sql_functions_add(sqlite3 *db) {
    sql_functions *f = rl_calloc(1, sizeof *f);
    f->db = db;
    f->references = 1;
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
        if (functions[i].deterministic)
            flags |= SQLITE_DETERMINISTIC;
        for (int args = functions[i].min; args <= functions[i].max; args++) {
            f->references++; /* let_go is called even when this fails */
            sqlite3_create_function_v2(db, functions[i].name, args, flags, f, functions[i].run,
                                       NULL, NULL, let_go);
        }
    }
    return f;
}

void sql_functions_begin(sql_functions *f) {
    f->now_ms = 0;
}

void sql_functions_rest(sql_functions *f) {
    sqlite3_finalize(f->find);
    f->find = NULL;
}

void sql_functions_release(sql_functions *f) {
    if (f)
        let_go(f);
}
