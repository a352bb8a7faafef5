/* SPDX-License-Identifier: MIT */
/* rubellite info: what is in a data directory, for people and, with --json, for programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/datadir.h"
#include "admin/output.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "rubellite_version.h"
#include "store/backup.h"
#include "store/store.h"

typedef struct key_count { /* of one database and type */
    int64_t db, type;
    char type_name[16];
    uint64_t live, expiring, expired;
    uint64_t elements; /* of the live ones: values, members, fields */
} key_count;

typedef struct table_size { /* or of an index */
    char *name;
    uint64_t bytes;
} table_size;

typedef struct user_object { /* a table, index, view or trigger of the user's */
    char *kind, *name, *table;
    int64_t rows; /* -1: has none, or could not be counted */
} user_object;

typedef struct info {
    const admin_datadir *d;
    const admin_args *args;
    int64_t now_ms;
    admin_meta meta;
    key_count *counts;
    size_t count_len;
    user_object *objects;
    size_t object_len;
    table_size *sizes; /* largest first; NULL unless asked for */
    size_t size_len;
    uint64_t dead; /* deleted collections whose elements are still in the tables */
    admin_journal journal;
    rl_backup_entry *backups;
    size_t backup_len;
    uint64_t db_bytes, wal_bytes, backup_bytes;
} info;

/* --- gathering ------------------------------------------------------------------------------- */

static bool has_table(sqlite3 *db, const char *name) {
    return sqlite3_table_column_metadata(db, "main", name, NULL, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

/* What the keys of a type are made of. */
static const struct {
    const char *table;
    const char *one, *many;
} parts[] = {
    [RL_TYPE_LIST] = {"rl_list", "value", "values"},
    [RL_TYPE_SET] = {"rl_set", "member", "members"},
    [RL_TYPE_ZSET] = {"rl_zset", "member", "members"},
    [RL_TYPE_HASH] = {"rl_hash", "field", "fields"},
};
#define PARTS ((int64_t)(sizeof parts / sizeof *parts))

static bool has_parts(int64_t type) {
    return type > 0 && type < PARTS && parts[type].table;
}

/* Elements of live keys, and fields that have not expired. */
static int count_elements(info *in, sqlite3 *db, key_count *c) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM rl_key k JOIN %s e ON e.key_id = k.id WHERE k.db = ?1 AND"
             " k.type = ?2 AND (k.expires_at IS NULL OR k.expires_at > ?3)%s",
             parts[c->type].table,
             c->type == RL_TYPE_HASH ? " AND (e.expires_at IS NULL OR e.expires_at > ?3)" : "");
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, c->db);
    sqlite3_bind_int64(stmt, 2, c->type);
    sqlite3_bind_int64(stmt, 3, in->now_ms);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        c->elements = (uint64_t)sqlite3_column_int64(stmt, 0);
    return sqlite3_finalize(stmt);
}

static void name_type(key_count *c) {
    const char *name = admin_type_name((int)c->type);
    if (name)
        snprintf(c->type_name, sizeof c->type_name, "%s", name);
    else
        snprintf(c->type_name, sizeof c->type_name, "type %d", (int)c->type);
}

static int count_keys(info *in, sqlite3 *db) {
    static const char sql[] = "SELECT db, type, sum(expires_at IS NULL OR expires_at > ?1),"
                              " sum(expires_at > ?1), sum(expires_at <= ?1)"
                              " FROM rl_key GROUP BY db, type ORDER BY db, type";
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    sqlite3_bind_int64(stmt, 1, in->now_ms);
    while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        in->counts = rl_realloc(in->counts, (in->count_len + 1) * sizeof *in->counts);
        key_count *c = &in->counts[in->count_len++];
        *c = (key_count){.db = sqlite3_column_int64(stmt, 0),
                         .type = sqlite3_column_int64(stmt, 1),
                         .live = (uint64_t)sqlite3_column_int64(stmt, 2),
                         .expiring = (uint64_t)sqlite3_column_int64(stmt, 3),
                         .expired = (uint64_t)sqlite3_column_int64(stmt, 4)};
        name_type(c);
        if (has_parts(c->type))
            rc = count_elements(in, db, c);
    }
    int end = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? end : rc;
}

/* Every page of the file is read for this. */
static int measure_tables(info *in, sqlite3 *db) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT name, pgsize FROM dbstat('main', 1) ORDER BY pgsize DESC, name", -1, &stmt,
        NULL);
    while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        in->sizes = rl_realloc(in->sizes, (in->size_len + 1) * sizeof *in->sizes);
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        in->sizes[in->size_len++] =
            (table_size){rl_strdup(name ? name : ""), (uint64_t)sqlite3_column_int64(stmt, 1)};
    }
    int end = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? end : rc;
}

static int64_t count_rows(sqlite3 *db, const char *table) {
    int64_t rows = -1;
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        rows = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    return rows;
}

static char *copy_text(sqlite3_stmt *stmt, int column) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return rl_strdup(text ? text : "");
}

/* Shadow tables, which a virtual table makes for itself, are left out. */
static int list_objects(info *in, sqlite3 *db) {
    static const char sql[] =
        "SELECT s.type, s.name, s.tbl_name FROM sqlite_schema s"
        " LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name"
        " WHERE s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND s.name NOT LIKE 'rl\\_%' ESCAPE '\\'"
        " AND coalesce(l.type, '') <> 'shadow' AND NOT (s.type = 'view' AND s.name IN"
        " ('keys', 'strings', 'hashes', 'lists', 'sets', 'zsets', 'streams'))"
        " ORDER BY s.type = 'table' DESC, s.type, s.name";
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        in->objects = rl_realloc(in->objects, (in->object_len + 1) * sizeof *in->objects);
        user_object *o = &in->objects[in->object_len++];
        *o = (user_object){copy_text(stmt, 0), copy_text(stmt, 1), copy_text(stmt, 2), -1};
        if (strcmp(o->kind, "table") == 0)
            o->rows = count_rows(db, o->name);
    }
    int end = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? end : rc;
}

static int read_database(info *in) {
    char error[ADMIN_ERROR_LEN];
    admin_reading r;
    if (admin_reading_open(in->d, true, &r, error, sizeof error) != RL_STORE_OK) {
        admin_error("%s. 'rubellite check' says what is wrong with the file", error);
        return ADMIN_FAILED;
    }
    bool good = admin_meta_read(r.db, &in->meta, error, sizeof error) &&
                count_keys(in, r.db) == SQLITE_OK && list_objects(in, r.db) == SQLITE_OK &&
                (!in->args->sizes || measure_tables(in, r.db) == SQLITE_OK);
    if (good && has_table(r.db, "rl_dead")) /* since schema version 2 */
        in->dead = (uint64_t)count_rows(r.db, "rl_dead");
    if (!good)
        admin_error("%s: %s. 'rubellite check' says what is wrong with the file", in->d->path,
                    sqlite3_errmsg(r.db));
    admin_reading_close(&r);
    return good ? ADMIN_OK : ADMIN_FAILED;
}

static int list_backups(info *in) {
    char error[ADMIN_ERROR_LEN];
    int rc = rl_backup_list(in->d->backups, in->d->stem, &in->backups, &in->backup_len, error,
                            sizeof error);
    if (rc != RL_STORE_OK) {
        admin_error("%s", error);
        return ADMIN_FAILED;
    }
    for (size_t i = 0; i < in->backup_len; i++)
        in->backup_bytes += in->backups[i].bytes;
    return ADMIN_OK;
}

static int gather(info *in) {
    in->now_ms = rl_clock_wall_ms();
    in->db_bytes = admin_file_bytes(in->d->path);
    in->wal_bytes = admin_file_bytes(in->d->wal);
    int code = read_database(in);
    if (code == ADMIN_OK)
        admin_journal_look(in->d, in->meta.run_id, in->meta.folded_seq, &in->journal);
    return code == ADMIN_OK ? list_backups(in) : code;
}

static void release(info *in) {
    for (size_t i = 0; i < in->object_len; i++) {
        rl_free(in->objects[i].kind);
        rl_free(in->objects[i].name);
        rl_free(in->objects[i].table);
    }
    for (size_t i = 0; i < in->backup_len; i++)
        rl_backup_entry_release(&in->backups[i]);
    for (size_t i = 0; i < in->size_len; i++)
        rl_free(in->sizes[i].name);
    rl_free(in->sizes);
    rl_free(in->backups);
    rl_free(in->objects);
    rl_free(in->counts);
}

/* --- for people ------------------------------------------------------------------------------ */

static void print_keys(const info *in) {
    char text[32], more[32];
    uint64_t expired = 0;
    for (size_t i = 0; i < in->count_len; i++) {
        const key_count *c = &in->counts[i];
        expired += c->expired;
        if (c->live == 0)
            continue;
        printf("keys       db%" PRId64 ": %s %s", c->db, admin_count_text(text, c->live),
               c->type_name);
        if (has_parts(c->type))
            printf(" with %s %s", admin_count_text(more, c->elements),
                   admin_plural(c->elements, parts[c->type].one, parts[c->type].many));
        if (c->expiring)
            printf(", %s %s", admin_count_text(more, c->expiring),
                   admin_plural(c->expiring, "key expires", "keys expire"));
        putchar('\n');
    }
    if (in->count_len == 0)
        puts("keys       none");
    if (expired)
        printf("expired    %s %s still in the file\n", admin_count_text(text, expired),
               admin_plural(expired, "key", "keys"));
    if (in->dead)
        printf("deleted    %s %s still to be swept from the tables\n",
               admin_count_text(text, in->dead),
               admin_plural(in->dead, "collection", "collections"));
}

static void print_sizes(const info *in) {
    char text[32];
    for (size_t i = 0; i < in->size_len; i++)
        printf("size       %s: %s\n", in->sizes[i].name,
               admin_bytes_text(text, in->sizes[i].bytes));
}

static void print_journal(const info *in) {
    const admin_journal *j = &in->journal;
    char text[32], more[32];
    if (j->state == ADMIN_JOURNAL_NONE) {
        puts("journal    none");
        return;
    }
    printf("journal    %" PRIu64 " %s, %s: ", j->segments,
           admin_plural(j->segments, "file", "files"), admin_bytes_text(text, j->bytes));
    if (j->state == ADMIN_JOURNAL_MOVING)
        puts("in use");
    else if (j->state != ADMIN_JOURNAL_GOOD)
        printf("%s\n", j->detail);
    else if (j->batches == 0)
        puts("nothing waits");
    else
        printf("%s %s (%s) to be folded%s\n", admin_count_text(text, j->batches),
               admin_plural(j->batches, "batch waits", "batches wait"),
               admin_bytes_text(more, j->batch_bytes),
               in->d->holder.held ? "" : " by the next start");
}

static void print_backups(const info *in) {
    char text[32], more[32], age[32];
    if (in->backup_len == 0) {
        printf("backups    none in %s\n", in->d->backups);
        return;
    }
    printf("backups    %zu in %s, %s\n", in->backup_len, in->d->backups,
           admin_bytes_text(text, in->backup_bytes));
    printf("           the newest is of %s (%s ago): %s\n",
           admin_time_text(more, in->backups[0].made_ms),
           admin_age_text(age, in->now_ms - in->backups[0].made_ms), in->backups[0].path);
}

static void print_objects(const info *in) {
    char text[32];
    for (size_t i = 0; i < in->object_len; i++) {
        const user_object *o = &in->objects[i];
        printf("%-10s %s", o->kind, o->name);
        if (o->rows >= 0)
            printf(": %s %s", admin_count_text(text, (uint64_t)o->rows),
                   admin_plural((uint64_t)o->rows, "row", "rows"));
        else if (strcmp(o->kind, "index") == 0 || strcmp(o->kind, "trigger") == 0)
            printf(" on %s", o->table);
        putchar('\n');
    }
}

static void print_text(const info *in) {
    char text[32], more[32];
    const rl_dirlock_holder *h = &in->d->holder;
    if (h->held)
        printf("server     runs: pid %s on %s since %s\n", *h->pid ? h->pid : "?",
               *h->host ? h->host : "?", *h->started ? h->started : "?");
    else
        puts("server     none runs");
    printf("database   %s: %s", in->d->path, admin_bytes_text(text, in->db_bytes));
    if (in->wal_bytes)
        printf(" and %s of WAL", admin_bytes_text(more, in->wal_bytes));
    printf(", schema version %" PRId64 "\n", in->meta.schema_version);
    printf("folded     up to batch %" PRIu64 "\n", in->meta.folded_seq);
    print_keys(in);
    print_journal(in);
    print_backups(in);
    print_objects(in);
    print_sizes(in);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static const char *journal_state_name(admin_journal_state state) {
    static const char *const names[] = {
        [ADMIN_JOURNAL_NONE] = "none",       [ADMIN_JOURNAL_GOOD] = "good",
        [ADMIN_JOURNAL_DAMAGED] = "damaged", [ADMIN_JOURNAL_FOREIGN] = "foreign",
        [ADMIN_JOURNAL_NEWER] = "newer",     [ADMIN_JOURNAL_FAILED] = "unreadable",
        [ADMIN_JOURNAL_MOVING] = "moving",
    };
    return names[state];
}

static void json_server(admin_json *j, const rl_dirlock_holder *h) {
    admin_json_open(j, "server", '{');
    admin_json_bool(j, "running", h->held);
    if (h->held) {
        admin_json_text(j, "pid", h->pid);
        admin_json_text(j, "host", h->host);
        admin_json_text(j, "started", h->started);
    }
    admin_json_close(j, '}');
}

static void json_keys(admin_json *j, const info *in) {
    admin_json_open(j, "keys", '[');
    for (size_t i = 0; i < in->count_len; i++) {
        const key_count *c = &in->counts[i];
        admin_json_open(j, NULL, '{');
        admin_json_int(j, "db", c->db);
        admin_json_text(j, "type", c->type_name);
        admin_json_uint(j, "keys", c->live);
        admin_json_uint(j, "expiring", c->expiring);
        admin_json_uint(j, "expired", c->expired);
        if (has_parts(c->type))
            admin_json_uint(j, "elements", c->elements);
        admin_json_close(j, '}');
    }
    admin_json_close(j, ']');
}

static void json_journal(admin_json *j, const admin_journal *journal) {
    admin_json_open(j, "journal", '{');
    admin_json_text(j, "state", journal_state_name(journal->state));
    admin_json_uint(j, "files", journal->segments);
    admin_json_uint(j, "bytes", journal->bytes);
    admin_json_uint(j, "waiting_batches", journal->batches);
    admin_json_uint(j, "waiting_bytes", journal->batch_bytes);
    admin_json_text(j, "detail", *journal->detail ? journal->detail : NULL);
    admin_json_close(j, '}');
}

static void json_backups(admin_json *j, const info *in) {
    admin_json_open(j, "backups", '{');
    admin_json_text(j, "dir", in->d->backups);
    admin_json_uint(j, "count", in->backup_len);
    admin_json_uint(j, "bytes", in->backup_bytes);
    if (in->backup_len) {
        admin_json_text(j, "newest", in->backups[0].path);
        admin_json_int(j, "newest_ms", in->backups[0].made_ms);
    } else {
        admin_json_null(j, "newest");
        admin_json_null(j, "newest_ms");
    }
    admin_json_close(j, '}');
}

static void json_objects(admin_json *j, const info *in) {
    admin_json_open(j, "user_objects", '[');
    for (size_t i = 0; i < in->object_len; i++) {
        const user_object *o = &in->objects[i];
        admin_json_open(j, NULL, '{');
        admin_json_text(j, "type", o->kind);
        admin_json_text(j, "name", o->name);
        admin_json_text(j, "table", o->table);
        if (o->rows >= 0)
            admin_json_int(j, "rows", o->rows);
        else
            admin_json_null(j, "rows");
        admin_json_close(j, '}');
    }
    admin_json_close(j, ']');
}

static void json_sizes(admin_json *j, const info *in) {
    admin_json_open(j, "sizes", '[');
    for (size_t i = 0; i < in->size_len; i++) {
        admin_json_open(j, NULL, '{');
        admin_json_text(j, "name", in->sizes[i].name);
        admin_json_uint(j, "bytes", in->sizes[i].bytes);
        admin_json_close(j, '}');
    }
    admin_json_close(j, ']');
}

static void print_json(const info *in) {
    admin_json j = {0};
    admin_json_open(&j, NULL, '{');
    admin_json_text(&j, "program_version", RUBELLITE_VERSION);
    admin_json_text(&j, "dir", in->d->dir);
    json_server(&j, &in->d->holder);
    admin_json_open(&j, "database", '{');
    admin_json_text(&j, "path", in->d->path);
    admin_json_uint(&j, "bytes", in->db_bytes);
    admin_json_uint(&j, "wal_bytes", in->wal_bytes);
    admin_json_int(&j, "schema_version", in->meta.schema_version);
    admin_json_text(&j, "run_id", in->meta.run_id);
    admin_json_uint(&j, "folded_seq", in->meta.folded_seq);
    admin_json_close(&j, '}');
    json_keys(&j, in);
    admin_json_uint(&j, "deleted_collections", in->dead);
    if (in->args->sizes)
        json_sizes(&j, in);
    json_journal(&j, &in->journal);
    json_backups(&j, in);
    json_objects(&j, in);
    admin_json_close(&j, '}');
    admin_json_print(&j);
}

int admin_info(admin_args *args) {
    admin_datadir d;
    int code = admin_datadir_open(&d, args->word_count ? args->words[0] : ".", args, true);
    if (code != ADMIN_OK)
        return code;
    info in = {.d = &d, .args = args};
    code = gather(&in);
    if (code == ADMIN_OK && args->json)
        print_json(&in);
    else if (code == ADMIN_OK)
        print_text(&in);
    release(&in);
    admin_datadir_release(&d);
    return code;
}
