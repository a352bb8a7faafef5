/* SPDX-License-Identifier: MIT */
/*
 * data.db as a file; see schema.h. Its tables are in schema_tables.c.
 *
 * Choices, with their reasons (measured with SQLite 3.40, 1,000,000 rows, folds of 100,000):
 *
 * - Pages of 4 KiB. A fold of scattered rows writes a page for each, so the page decides how much
 *   goes to disk: 500,000 updates of 1,000-byte values in 8 folds wrote 3.6 GB with pages of 4 KiB
 *   and 5.2 GB with 8 (store thread: 6.1 against 7.2 s of CPU). That is worth more than what 8 KiB
 *   are better at: a new row takes 2.8 us instead of 3.0, scanning a row at start 170 ns instead of
 *   190 (16-byte values), 0.5 us instead of 0.9 (1,000 bytes).
 * - UNIQUE (key, db), in this order, so that `WHERE key = 'user:1'` finds its row without naming a
 *   database. Inserting is no slower than with db first. The price: FLUSHDB of one of several
 *   databases scans the table.
 * - value is the last column: reading the others never follows a long value's overflow pages.
 * - TEXT affinity, so that `WHERE value = 11` finds the counter "11". A BLOB stays a BLOB.
 * - synchronous FULL: a fold must be on disk before the journal forgets what it held.
 */
#include "store/schema.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/text.h"
#include "store/schema_tables.h"
#include "store/store.h"

#define PAGE_BYTES 4096

static void configure_sqlite(void) {
    /* Counting bytes takes a process-wide lock at each allocation. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static int say(char *error, size_t error_len, int code, const char *path, const char *what) {
    snprintf(error, error_len, "%s: %s", path, what);
    return code;
}

int rl_schema_error_of(int sqlite_rc) {
    switch (sqlite_rc & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
        return RL_STORE_DAMAGED;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return RL_STORE_IO;
    default:
        return RL_STORE_SQLITE;
    }
}

/* A sentence for what SQLite answered, and what to do about it. */
static int say_sqlite(char *error, size_t error_len, sqlite3 *db, int rc, const char *path) {
    int code = rl_schema_error_of(rc);
    const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    const char *todo = "";
    char system[128] = "";
    if (code == RL_STORE_DAMAGED) {
        todo = "; the file is damaged"; /* what to do, the caller knows: see store_recover.c */
    } else if ((rc & 0xff) == SQLITE_BUSY) {
        todo = "; another program holds a lock on the file: close it and start again";
    } else if (code == RL_STORE_IO && db && sqlite3_system_errno(db)) {
        snprintf(system, sizeof system, " (%s)", strerror(sqlite3_system_errno(db)));
    }
    snprintf(error, error_len, "%s: %s%s%s", path, text, system, todo);
    return code;
}

static uint32_t read_u32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* An RDB file begins with its name and four digits; an append-only file with a request. */
static bool is_of_redis(const unsigned char *header, size_t len) {
    return len >= 9 && (memcmp(header, "REDIS0", 6) == 0 || memcmp(header, "*2\r\n$6\r\n", 9) == 0);
}

static int open_connection(const char *path, int flags, sqlite3 **out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_sqlite);
    int rc =
        sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_extended_result_codes(*out, 1);
    sqlite3_busy_timeout(*out, 2000);
    /* A user's triggers are the user's; a fold must not run them, nor fail by them. */
    sqlite3_db_config(*out, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(*out, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* TRUSTED_SCHEMA stays on: without it SQLite 3.40 takes the JSON functions for unsafe, and an
     * index on value ->> '$.city' would fail every fold. No function of ours does harm. */
    return SQLITE_OK;
}

/* Reads the first bytes through SQLite. An open and close of our own would drop all locks that this
 * process has on the file, and with them SQLite's: another program that closes the database would
 * take itself for the last, and delete the WAL under us. */
static int read_header(const char *path, unsigned char *header, int len) {
    sqlite3 *db = NULL;
    sqlite3_file *file = NULL;
    int rc = open_connection(path, SQLITE_OPEN_READONLY, &db);
    if (rc == SQLITE_OK)
        rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK)
        rc = file->pMethods->xRead(file, header, len, 0);
    int failed = rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ ? 0
                 : db && sqlite3_system_errno(db)                 ? sqlite3_system_errno(db)
                                                                  : EIO;
    sqlite3_close(db);
    return failed;
}

int rl_schema_check_header(const char *path, char *error, size_t error_len) {
    unsigned char header[100] = {0};
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? RL_STORE_OK
                               : say(error, error_len, RL_STORE_IO, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return say(error, error_len, RL_STORE_REFUSED, path, "is not a file");
    if (st.st_size == 0)
        return RL_STORE_OK;
    ssize_t got = st.st_size < (off_t)sizeof header ? (ssize_t)st.st_size : (ssize_t)sizeof header;
    int failed = read_header(path, header, (int)got);
    if (failed)
        return say(error, error_len, RL_STORE_IO, path, strerror(failed));
    if (is_of_redis(header, (size_t)got)) {
        snprintf(error, error_len,
                 "%s: is a file of a Redis server, not a database of Rubellite's, and cannot be "
                 "read here. Move it aside, or choose another dbfilename; how to bring its data "
                 "over as commands is in docs/operations.md under \"Coming from Redis\"",
                 path);
        return RL_STORE_REFUSED;
    }
    if (got < (ssize_t)sizeof header || memcmp(header, "SQLite format 3", 16) != 0)
        return say(error, error_len, RL_STORE_DAMAGED, path,
                   "is not an SQLite database, or its beginning is damaged");
    uint32_t page = (uint32_t)header[16] << 8 | header[17];
    if (page == 1)
        page = 65536;
    if (page < 512 || (page & (page - 1)) != 0)
        return say(error, error_len, RL_STORE_DAMAGED, path, "its header is damaged (page size)");
    uint32_t application = read_u32(header + 68);
    if (application != 0 && application != RL_SCHEMA_APPLICATION_ID)
        return say(error, error_len, RL_STORE_REFUSED, path,
                   "is the database of another program; choose another dir or dbfilename");
    return RL_STORE_OK;
}

/* An int result of one statement, such as a PRAGMA; def when it gives no row. */
static int query_int(sqlite3 *db, const char *sql, int64_t def, int64_t *out) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    *out = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : def;
    return sqlite3_finalize(stmt);
}

int rl_schema_open_settled(const char *path, sqlite3 **out, char *error, size_t error_len) {
    rl_buffer uri = {0};
    rl_buffer_add_text(&uri, "file:");
    for (const char *p = path; *p; p++)
        rl_buffer_printf(&uri, isalnum((unsigned char)*p) || strchr("/._-", *p) ? "%c" : "%%%02X",
                         (unsigned char)*p);
    rl_buffer_add_text(&uri, "?immutable=1");
    sqlite3 *db = NULL;
    int rc = open_connection(rl_buffer_cstr(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db);
    rl_buffer_release(&uri);
    if (rc != SQLITE_OK) {
        int code = say_sqlite(error, error_len, db, rc, path);
        sqlite3_close(db);
        return code;
    }
    *out = db;
    return RL_STORE_OK;
}

int rl_schema_open_more(const char *path, bool read_only, sqlite3 **out, char *error,
                        size_t error_len) {
    sqlite3 *db = NULL;
    int rc = open_connection(path, read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, &db);
    if (rc == SQLITE_OK && !read_only)
        rc = sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL", NULL,
                          NULL, NULL);
    if (rc != SQLITE_OK) {
        int code = say_sqlite(error, error_len, db, rc, path);
        sqlite3_close(db);
        return code;
    }
    *out = db;
    return RL_STORE_OK;
}

bool rl_schema_class_fits(int class, rl_bytes bytes) {
    return class == (rl_text_is_utf8(bytes) ? SQLITE_TEXT : SQLITE_BLOB);
}

void rl_schema_draw_run_id(char out[41]) {
    unsigned char bytes[20];
    rl_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* In one transaction, so that a file is never seen half made. */
static int create_tables(sqlite3 *db) {
    char run_id[41];
    rl_schema_draw_run_id(run_id);
    char meta_sql[512];
    snprintf(
        meta_sql, sizeof meta_sql,
        "INSERT INTO rl_meta VALUES('schema_version',%d),('folded_seq',0),('next_id',1),('rows',0),"
        "('run_id','%s');"
        "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
        RL_SCHEMA_VERSION, run_id, RL_SCHEMA_APPLICATION_ID, RL_SCHEMA_VERSION);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int v = 1; v <= RL_SCHEMA_VERSION && rc == SQLITE_OK; v++)
        rc = sqlite3_exec(db, store_schema_steps[v], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, meta_sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* A key in memory has 48 bits for its id. Ids of keys above this are refused, so that there is room
 * for all that are to come. */
#define ID_MAX    "140737488355328"
#define ID_MAX_IS ((uint64_t)1 << 47)

/* Somebody may have written to the tables. Ids of rows they put there are not ours to give, and a
 * count that cannot be must not be believed by those who size memory with it. */
static int distrust_meta(sqlite3 *db, rl_schema_meta *meta) {
    static const char last_id_1[] = "SELECT max(id) FROM rl_key WHERE id <= " ID_MAX;
    /* Elements count too: a new key must not find rows that wait to be swept under its id. */
    static const char last_id_2[] =
        "SELECT max(ifnull((SELECT max(id) FROM rl_key WHERE id <= " ID_MAX "), 0),"
        " ifnull((SELECT max(key_id) FROM rl_dead WHERE key_id <= " ID_MAX "), 0),"
        " ifnull((SELECT max(key_id) FROM rl_hash WHERE key_id <= " ID_MAX "), 0),"
        " ifnull((SELECT max(key_id) FROM rl_set WHERE key_id <= " ID_MAX "), 0),"
        " ifnull((SELECT max(key_id) FROM rl_zset WHERE key_id <= " ID_MAX "), 0),"
        " ifnull((SELECT max(key_id) FROM rl_list WHERE key_id <= " ID_MAX "), 0))";
    int64_t last_id = 0, most_rows = 0, dead = 0;
    int rc = query_int(db, meta->version < 2 ? last_id_1 : last_id_2, 0, &last_id);
    if (rc == SQLITE_OK && meta->version >= 2)
        rc = query_int(db, "SELECT count(*) FROM rl_dead", 0, &dead);
    meta->dead = (uint64_t)dead;
    if (rc == SQLITE_OK) /* a row takes 8 bytes or more in its page */
        rc = query_int(db,
                       "SELECT page_count * page_size / 8 FROM pragma_page_count, pragma_page_size",
                       0, &most_rows);
    if (meta->next_id == 0 || meta->next_id > ID_MAX_IS)
        meta->next_id = 1;
    if (last_id >= (int64_t)meta->next_id)
        meta->next_id = (uint64_t)last_id + 1;
    if (meta->rows > (uint64_t)most_rows)
        meta->rows = (uint64_t)most_rows;
    return rc;
}

/* Only another program can have given a key such an id. */
static int refuse_large_ids(sqlite3 *db, const char *path, char *error, size_t error_len) {
    int64_t id = 0;
    int rc = query_int(db, "SELECT max(id) FROM rl_key", 0, &id);
    if (rc != SQLITE_OK)
        return say_sqlite(error, error_len, db, rc, path);
    if (id <= (int64_t)ID_MAX_IS)
        return RL_STORE_OK;
    snprintf(
        error, error_len,
        "%s: rl_key has a row with the id %lld, which another program has put there; ids go up "
        "to " ID_MAX ". Give it a smaller one that is free, or delete it, with sqlite3",
        path, (long long)id);
    return RL_STORE_REFUSED;
}

/* Reads rl_meta; SQLITE_CORRUPT when a row that must be there is not. */
static int read_meta(sqlite3 *db, rl_schema_meta *meta) {
    const struct {
        const char *name;
        uint64_t *out;
    } numbers[] = {
        {"folded_seq", &meta->folded_seq}, {"next_id", &meta->next_id}, {"rows", &meta->rows}};
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, "SELECT name, value FROM rl_meta", -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    size_t found = 0;
    meta->run_id[0] = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (name == NULL)
            continue;
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            if (strcmp(name, numbers[i].name) == 0) {
                *numbers[i].out = (uint64_t)sqlite3_column_int64(stmt, 1);
                found++;
            }
        }
        const char *text = (const char *)sqlite3_column_text(stmt, 1);
        if (strcmp(name, "run_id") == 0 && text)
            snprintf(meta->run_id, sizeof meta->run_id, "%s", text);
    }
    rc = sqlite3_finalize(stmt);
    if (rc == SQLITE_OK && found != sizeof numbers / sizeof numbers[0])
        rc = SQLITE_CORRUPT;
    return rc == SQLITE_OK ? distrust_meta(db, meta) : rc;
}

/* Decides by application_id and user_version whether the file is new, ours, foreign or too new. */
static int check_version(sqlite3 *db, const char *path, int *found, char *error, size_t error_len) {
    int64_t application = 0, version = 0, objects = 0;
    *found = 0;
    int rc = query_int(db, "PRAGMA application_id", 0, &application);
    if (rc == SQLITE_OK)
        rc = query_int(db, "PRAGMA user_version", 0, &version);
    if (rc == SQLITE_OK)
        rc = query_int(db, "SELECT count(*) FROM sqlite_schema", 0, &objects);
    if (rc != SQLITE_OK)
        return say_sqlite(error, error_len, db, rc, path);
    if (objects == 0 && application == 0)
        return RL_STORE_OK; /* empty: no version yet */
    if (application != RL_SCHEMA_APPLICATION_ID)
        return say(
            error, error_len, RL_STORE_REFUSED, path,
            "is an SQLite database, but not one of Rubellite's; choose another dir or dbfilename");
    if (version > RL_SCHEMA_VERSION) {
        snprintf(error, error_len,
                 "%s: was written by a newer Rubellite (its schema version is %lld, this program "
                 "knows %d); start "
                 "that version or a newer one, or use another dir",
                 path, (long long)version, RL_SCHEMA_VERSION);
        return RL_STORE_NEWER;
    }
    if (version < 1)
        return say(error, error_len, RL_STORE_DAMAGED, path, "has no schema version");
    *found = (int)version;
    return RL_STORE_OK;
}

/* SQLITE_ERROR when a table of ours, or a column of one, is not there. */
static int look_for_tables(sqlite3 *db, int version) {
    static const struct {
        int since;
        const char *sql;
    } tables[] = {
        {1, "SELECT id, db, type, expires_at, key, value FROM rl_key"},
        {2, "SELECT key_id, field, value, expires_at FROM rl_hash"},
        {2, "SELECT key_id, member FROM rl_set"},
        {2, "SELECT key_id, member, score FROM rl_zset"},
        {2, "SELECT key_id, pos, value FROM rl_list"},
        {2, "SELECT key_id, type FROM rl_dead"},
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && rc == SQLITE_OK; i++) {
        sqlite3_stmt *stmt = NULL;
        if (tables[i].since <= version)
            rc = sqlite3_prepare_v2(db, tables[i].sql, -1, &stmt, NULL);
        sqlite3_finalize(stmt);
    }
    return rc;
}

int rl_schema_inspect(sqlite3 *db, const char *path, rl_schema_meta *meta, char *error,
                      size_t error_len) {
    memset(meta, 0, sizeof *meta);
    int code = check_version(db, path, &meta->version, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    if (meta->version == 0)
        return say(error, error_len, RL_STORE_DAMAGED, path, "is empty");
    int rc = look_for_tables(db, meta->version);
    if (rc == SQLITE_OK)
        rc = read_meta(db, meta);
    if (rc == SQLITE_ERROR) {
        snprintf(error, error_len, "%s: lacks tables of Rubellite's: %s", path, sqlite3_errmsg(db));
        return RL_STORE_DAMAGED;
    }
    return rc == SQLITE_OK ? RL_STORE_OK : say_sqlite(error, error_len, db, rc, path);
}

/* Settings of the writing connection. The page size and the encoding count only while a file is
 * new. */
static int configure_writer(sqlite3 *db) {
    char sql[512];
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = NONE;"
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
             /* A WAL that a long reader let grow is cut back when it is next reset. */
             "PRAGMA journal_size_limit = 134217728;"
             "PRAGMA secure_delete = OFF; PRAGMA foreign_keys = OFF;"
             /* A fold that dirties more than this writes pages twice: 1,000,000 new rows take 2.8 s
              * with 16 MB, 2.3 s with 32 and no less with more. Given back when nobody writes. */
             "PRAGMA cache_size = -32768",
             PAGE_BYTES);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    int64_t wal = 0;
    if (rc == SQLITE_OK)
        rc = query_int(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", 0, &wal);
    if (rc == SQLITE_OK && !wal)
        rc = SQLITE_CANTOPEN;
    return rc;
}

int rl_schema_open(const char *path, sqlite3 **out, rl_schema_meta *meta, char *error,
                   size_t error_len) {
    memset(meta, 0, sizeof *meta);
    int code = rl_schema_check_header(path, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    sqlite3 *db = NULL;
    int rc = open_connection(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);
    if (rc != SQLITE_OK) {
        code = say_sqlite(error, error_len, db, rc, path);
        goto failed;
    }
    code = check_version(db, path, &meta->version, error, error_len);
    meta->created = meta->version == 0;
    if (code == RL_STORE_OK && !meta->created && meta->version < RL_SCHEMA_VERSION) {
        snprintf(error, error_len,
                 "%s: has schema version %d and is to be migrated to %d first; start the server "
                 "with it",
                 path, meta->version, RL_SCHEMA_VERSION);
        code = RL_STORE_REFUSED;
    }
    if (code == RL_STORE_OK && sqlite3_db_readonly(db, "main") == 1)
        code =
            say(error, error_len, RL_STORE_IO, path,
                "cannot be written; check its owner and permissions, and those of its directory");
    if (code != RL_STORE_OK)
        goto failed;
    rc = configure_writer(db);
    if (rc == SQLITE_OK && meta->created)
        rc = create_tables(db);
    meta->version = RL_SCHEMA_VERSION;
    if (rc == SQLITE_OK)
        rc = read_meta(db, meta);
    if (rc != SQLITE_OK) {
        code = say_sqlite(error, error_len, db, rc, path);
        goto failed;
    }
    code = refuse_large_ids(db, path, error, error_len);
    if (code != RL_STORE_OK)
        goto failed;
    *out = db;
    return RL_STORE_OK;

failed:
    sqlite3_close(db);
    return code;
}

/* --- older files ------------------------------------------------------------------------------ */

static bool has_rollback_journal(const char *path) {
    static const char magic[8] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
    char begin[sizeof magic] = "";
    rl_buffer name = {0};
    rl_buffer_printf(&name, "%s-journal", path);
    int fd = open(rl_buffer_cstr(&name), O_RDONLY | O_CLOEXEC);
    rl_buffer_release(&name);
    if (fd < 0)
        return false;
    bool found = pread(fd, begin, sizeof begin, 0) == (ssize_t)sizeof begin &&
                 memcmp(begin, magic, sizeof magic) == 0;
    close(fd);
    return found;
}

/* A first start that was killed may have left the first page half made, and beside it the rollback
 * journal that takes it back. SQLite does that by itself, but not on a connection that only reads,
 * and our look at the header would take a torn page for damage. (Once the file is in WAL mode,
 * there is no such journal.) */
static int roll_back_first_start(const char *path, char *error, size_t error_len) {
    if (!has_rollback_journal(path))
        return RL_STORE_OK;
    sqlite3 *db = NULL;
    int code = rl_schema_open_more(path, false, &db, error, error_len);
    if (code == RL_STORE_OK) {
        sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    sqlite3_close(db);
    return code == RL_STORE_DAMAGED ? RL_STORE_OK : code; /* the next look tells more */
}

int rl_schema_version(const char *path, int *version, char *error, size_t error_len) {
    *version = 0;
    struct stat st;
    if (stat(path, &st) != 0 || st.st_size == 0)
        return RL_STORE_OK;
    int code = roll_back_first_start(path, error, error_len);
    if (code != RL_STORE_OK || (stat(path, &st) == 0 && st.st_size == 0))
        return code;
    code = rl_schema_check_header(path, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    sqlite3 *db = NULL; /* reading only: closing it leaves the WAL alone */
    code = rl_schema_open_more(path, true, &db, error, error_len);
    if (code == RL_STORE_OK)
        code = check_version(db, path, version, error, error_len);
    sqlite3_close(db);
    return code;
}

static int run_steps(sqlite3 *db, int from) {
    char meta_sql[200];
    snprintf(meta_sql, sizeof meta_sql,
             "UPDATE rl_meta SET value = %d WHERE name = 'schema_version';"
             "PRAGMA user_version = %d; COMMIT",
             RL_SCHEMA_VERSION, RL_SCHEMA_VERSION);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int v = from + 1; v <= RL_SCHEMA_VERSION && rc == SQLITE_OK; v++)
        rc = sqlite3_exec(db, store_schema_steps[v], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, meta_sql, NULL, NULL, NULL);
    return rc;
}

int rl_schema_migrate(const char *path, char *error, size_t error_len) {
    sqlite3 *db = NULL;
    int version;
    int code = rl_schema_open_more(path, false, &db, error, error_len);
    if (code == RL_STORE_OK)
        code = check_version(db, path, &version, error, error_len);
    if (code == RL_STORE_OK) {
        int rc = configure_writer(db);
        if (rc == SQLITE_OK)
            rc = run_steps(db, version);
        if (rc != SQLITE_OK) { /* closing rolls back */
            char why[512];
            code = say_sqlite(why, sizeof why, db, rc, path);
            snprintf(error, error_len,
                     "%s (while migrating it from schema version %d to %d; nothing was changed%s)",
                     why, version, RL_SCHEMA_VERSION,
                     code == RL_STORE_SQLITE ? ". If something of another program has a name that "
                                               "is ours now, rename it with sqlite3"
                                             : "");
        }
    }
    sqlite3_close(db);
    return code;
}
