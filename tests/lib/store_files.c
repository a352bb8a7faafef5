/* SPDX-License-Identifier: MIT */
/* Files for tests of the store; see store_files.h. */
#include "lib/store_files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

char *store_files_make(void) {
    const char *base = getenv("TMPDIR");
    char name[512];
    snprintf(name, sizeof name, "%s/rubellite-test-XXXXXX", base && base[0] ? base : "/tmp");
    cr_assert_not_null(mkdtemp(name), "cannot make %s", name);
    return rl_strdup(name);
}

const char *store_files_path(const char *dir, const char *name) {
    static char paths[4][1024];
    static int at;
    char *path = paths[at++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

typedef void each_file(const char *dir, const char *name, const char *arg);

static void walk(const char *dir, each_file *file, each_file *directory, const char *arg) {
    DIR *d = opendir(dir);
    cr_assert_not_null(d, "cannot read %s", dir);
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (e->d_type == DT_DIR ? directory : file)(dir, e->d_name, arg);
    }
    closedir(d);
}

static void remove_file(const char *dir, const char *name, const char *arg) {
    (void)arg;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

static void remove_directory(const char *dir, const char *name, const char *arg) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    walk(path, remove_file, remove_directory, arg);
    rmdir(path);
}

void store_files_remove(char *dir) {
    if (dir == NULL)
        return;
    walk(dir, remove_file, remove_directory, NULL);
    rmdir(dir);
    rl_free(dir);
}

static void copy_file(const char *dir, const char *name, const char *to) {
    size_t len = strlen(name);
    if (strcmp(name, "rubellite.lock") == 0 || (len > 4 && strcmp(name + len - 4, "-shm") == 0))
        return;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int in = open(path, O_RDONLY);
    if (in < 0 && errno == ENOENT)
        return; /* a spare segment that got another name meanwhile; those hold nothing */
    cr_assert_geq(in, 0, "cannot open %s", path);
    snprintf(path, sizeof path, "%s/%s", to, name);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(out, 0, "cannot create %s", path);
    static char bytes[1 << 16];
    ssize_t got;
    while ((got = read(in, bytes, sizeof bytes)) > 0)
        cr_assert_eq(write(out, bytes, (size_t)got), got);
    cr_assert_eq(got, 0);
    close(in);
    close(out);
}

static void copy_directory(const char *dir, const char *name, const char *to) {
    char from_path[1024], to_path[1024];
    snprintf(from_path, sizeof from_path, "%s/%s", dir, name);
    snprintf(to_path, sizeof to_path, "%s/%s", to, name);
    cr_assert_eq(mkdir(to_path, 0700), 0);
    walk(from_path, copy_file, copy_directory, to_path);
}

void store_files_copy(const char *from, const char *to) {
    walk(from, copy_file, copy_directory, to);
}

rl_store_options store_files_options(const char *dir) {
    return (rl_store_options){
        .dir = dir,
        .dbfilename = "data.db",
        .durability = RL_DURABILITY_EVERYSEC,
        .segment_bytes = 64 << 10,
        .backlog_limit_bytes = 64 << 20,
        .fold_interval_ms = STORE_FILES_NEVER_MS,
    };
}

bool store_files_await(sem_t *posted, unsigned at_most_ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + at_most_ms * UINT64_C(1000000);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    return sem_timedwait(posted, &until) == 0;
}

void store_files_write(const char *path, const void *bytes, size_t len) {
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

void store_files_damage(const char *path, long offset, const void *bytes, size_t len) {
    int fd = open(path, O_WRONLY);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, bytes, len, offset), (ssize_t)len);
    close(fd);
}

sqlite3 *store_sql_open(const char *path) {
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *format, va_list args) {
    char *sql = sqlite3_vmprintf(format, args);
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    cr_assert_eq(rc, SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_free(sql);
    return stmt;
}

int64_t store_sql_int(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = prepare(db, format, args);
    va_end(args);
    int rc = sqlite3_step(stmt);
    cr_assert_eq(rc, SQLITE_ROW, "%s: %s", sqlite3_sql(stmt), sqlite3_errmsg(db));
    int64_t result = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return result;
}

const char *store_sql_text(sqlite3 *db, const char *format, ...) {
    static char text[4096];
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = prepare(db, format, args);
    va_end(args);
    int rc = sqlite3_step(stmt);
    cr_assert_eq(rc, SQLITE_ROW, "%s: %s", sqlite3_sql(stmt), sqlite3_errmsg(db));
    const char *got = (const char *)sqlite3_column_text(stmt, 0);
    snprintf(text, sizeof text, "%s", got ? got : "NULL");
    sqlite3_finalize(stmt);
    return text;
}

void store_sql_run(sqlite3 *db, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    char *error = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &error);
    cr_assert_eq(rc, SQLITE_OK, "%s: %s", sql, error ? error : "");
    sqlite3_free(sql);
}

/* --- an older version ------------------------------------------------------------------------- */

/* What version 1 made, word for word. */
#define NOW "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
static const char version_1[] =
    "CREATE TABLE rl_meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE rl_key(  id INTEGER PRIMARY KEY,  db INTEGER NOT NULL,  type INTEGER NOT NULL,"
    "  expires_at INTEGER,  key TEXT NOT NULL,  value TEXT);"
    "CREATE UNIQUE INDEX rl_key_name ON rl_key(key, db);"
    "CREATE VIEW keys AS SELECT  db AS database,  key,  CASE type WHEN 1 THEN 'string' WHEN 2 THEN "
    "'list' WHEN 3 THEN 'set' WHEN 4 THEN 'zset'    WHEN 5 THEN 'hash' WHEN 6 THEN 'stream' END AS "
    "type,  value,  expires_at,  strftime('%Y-%m-%d %H:%M:%f', expires_at / 1000.0, 'unixepoch') AS"
    " expires_time,  expires_at - " NOW " AS ttl_ms  FROM rl_key WHERE expires_at IS NULL OR "
    "expires_at > " NOW ";"
    "CREATE VIEW strings AS SELECT  db AS database,  key,  value,  expires_at,  strftime('%Y-%m-%d "
    "%H:%M:%f', expires_at / 1000.0, 'unixepoch') AS expires_time,  expires_at - " NOW
    " AS ttl_ms  FROM rl_key WHERE type = 1 AND (expires_at IS NULL OR expires_at > " NOW ");"
    "INSERT INTO rl_meta VALUES('schema_version',1),('folded_seq',7),('next_id',4),('rows',2),"
    "('run_id','0123456789abcdef0123456789abcdef01234567');"
    "INSERT INTO rl_key VALUES(1, 0, 1, NULL, 'a', 'one'), (3, 1, 1, NULL, X'ff', X'00');"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, what); INSERT INTO orders VALUES(1, 'ink');"
    "PRAGMA application_id = 1380076628; PRAGMA user_version = 1";

void store_files_version_1(const char *path) {
    sqlite3 *db = store_sql_open(path);
    store_sql_run(db, "PRAGMA journal_mode = WAL");
    store_sql_run(db, "%s", version_1);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
}
