/* SPDX-License-Identifier: MIT */
/*
 * rubellite check: looks for damage and says all it finds, one line each. Changes nothing.
 *
 * A directory without a server is read as it is, without a lock, so a server may be started
 * meanwhile. What was read then may be neither the old nor the new state: it is read again, as
 * beside a running server.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/datadir.h"
#include "admin/output.h"
#include "base/alloc.h"
#include "store/backup.h"
#include "store/check.h"
#include "store/store.h"

typedef struct found {
    const char *area;
    char *text;
} found;

typedef struct check {
    const admin_args *args;
    admin_datadir *d;
    rl_check_level level;
    found *findings;
    size_t count;
    bool readable; /* meta is there */
    admin_meta meta;
    admin_journal journal;
    size_t backups;
} check;

static void add(check *c, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(check *c, const char *area, const char *format, ...) {
    rl_buffer text = {0};
    va_list args;
    va_start(args, format);
    rl_buffer_vprintf(&text, format, args);
    va_end(args);
    rl_buffer_cstr(&text);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n')
            text.ptr[i] = ' '; /* one line each */
    c->findings = rl_realloc(c->findings, (c->count + 1) * sizeof *c->findings);
    c->findings[c->count++] = (found){area, text.ptr};
}

static void drop_findings(check *c) {
    for (size_t i = 0; i < c->count; i++)
        rl_free(c->findings[i].text);
    rl_free(c->findings);
    c->findings = NULL;
    c->count = 0;
}

static void on_finding(void *arg, const rl_check_finding *finding) {
    add(arg, finding->damage ? "database" : "rules", "%s", finding->text);
}

static bool keep_going(void *arg) {
    (void)arg;
    admin_progress(0, 0);
    return false;
}

/* --- the schema ------------------------------------------------------------------------------ */

/* A database as this version makes it, in memory of the directory for temporary files. */
static sqlite3 *open_reference(char dir[64], char *error, size_t error_len) {
    char path[96];
    sqlite3 *db = NULL;
    rl_schema_meta meta;
    snprintf(dir, 64, "/tmp/rubellite-check-XXXXXX");
    if (!mkdtemp(dir)) {
        snprintf(error, error_len, "cannot make %s: %s", dir, strerror(errno));
        return NULL;
    }
    snprintf(path, sizeof path, "%s/data.db", dir);
    rl_schema_open(path, &db, &meta, error, error_len);
    return db;
}

static void close_reference(sqlite3 *db, const char *dir) {
    static const char *const names[] = {"data.db", "data.db-wal", "data.db-shm"};
    sqlite3_close(db);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static const char *text_of(sqlite3_stmt *stmt, int column) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : "";
}

/* One object of ours: is it there, and the same? */
static void compare_object(check *c, sqlite3_stmt *mine, const char *kind, const char *name,
                           const char *sql) {
    sqlite3_reset(mine);
    sqlite3_bind_text(mine, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(mine) != SQLITE_ROW)
        add(c, "schema", "%s %s is missing", kind, name);
    else if (strcmp(text_of(mine, 0), kind) != 0)
        add(c, "schema", "%s is a %s; expected a %s", name, text_of(mine, 0), kind);
    else if (strcmp(text_of(mine, 1), sql) != 0)
        add(c, "schema", "%s %s is not as this version makes it: %s", kind, name, text_of(mine, 1));
}

static void compare_objects(check *c, sqlite3 *db, sqlite3 *reference) {
    static const char all[] = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL";
    static const char one[] = "SELECT type, sql FROM sqlite_schema WHERE name = ?1";
    sqlite3_stmt *theirs = NULL, *mine = NULL;
    if (sqlite3_prepare_v2(reference, all, -1, &theirs, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, one, -1, &mine, NULL) != SQLITE_OK) {
        add(c, "schema", "cannot be read: %s", sqlite3_errmsg(db));
    } else {
        while (sqlite3_step(theirs) == SQLITE_ROW)
            compare_object(c, mine, text_of(theirs, 0), text_of(theirs, 1), text_of(theirs, 2));
    }
    sqlite3_finalize(theirs);
    sqlite3_finalize(mine);
}

/* The prefix rl_ is the server's: a later version may want the name. */
static void find_strangers(check *c, sqlite3 *db, sqlite3 *reference) {
    static const char sql[] = "SELECT type, name FROM sqlite_schema WHERE name LIKE 'rl\\_%' ESCAPE"
                              " '\\'";
    sqlite3_stmt *mine = NULL, *theirs = NULL;
    sqlite3_prepare_v2(db, sql, -1, &mine, NULL);
    sqlite3_prepare_v2(reference, "SELECT 1 FROM sqlite_schema WHERE name = ?1", -1, &theirs, NULL);
    while (mine && theirs && sqlite3_step(mine) == SQLITE_ROW) {
        sqlite3_reset(theirs);
        sqlite3_bind_text(theirs, 1, text_of(mine, 1), -1, SQLITE_TRANSIENT);
        if (sqlite3_step(theirs) != SQLITE_ROW)
            add(c, "schema", "%s %s is none of the server's, but names with rl_ are reserved",
                text_of(mine, 0), text_of(mine, 1));
    }
    sqlite3_finalize(mine);
    sqlite3_finalize(theirs);
}

static int64_t pragma_int(sqlite3 *db, const char *name) {
    char sql[64];
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static void check_schema(check *c, sqlite3 *db) {
    char dir[64], error[ADMIN_ERROR_LEN];
    if (pragma_int(db, "application_id") != RL_SCHEMA_APPLICATION_ID) {
        add(c, "schema", "application_id is not Rubellite's: is this the file of another program?");
        return;
    }
    if (c->meta.schema_version != RL_SCHEMA_VERSION) {
        if (c->meta.schema_version > RL_SCHEMA_VERSION || c->meta.schema_version < 1)
            add(c, "schema",
                "version %" PRId64 ", this program knows %d: use the version that wrote it",
                c->meta.schema_version, RL_SCHEMA_VERSION);
        return; /* an older one is brought forward by the next start */
    }
    sqlite3 *reference = open_reference(dir, error, sizeof error);
    if (!reference) {
        add(c, "schema", "was not compared: %s", error);
        return;
    }
    compare_objects(c, db, reference);
    find_strangers(c, db, reference);
    close_reference(reference, dir);
}

/* --- the database ---------------------------------------------------------------------------- */

static void read_schema(check *c, const admin_reading *r) {
    char error[ADMIN_ERROR_LEN];
    c->readable = admin_meta_read(r->db, &c->meta, error, sizeof error);
    if (!c->readable)
        add(c, "schema", "rl_meta cannot be read: %s", error);
    check_schema(c, r->db);
}

/* False: the file changed under a look that thought it was still. */
static bool check_database_once(check *c) {
    char error[ADMIN_ERROR_LEN];
    admin_reading r;
    int rc = admin_reading_open(c->d, true, &r, error, sizeof error);
    if (rc == RL_STORE_OK) {
        read_schema(c, &r);
        admin_progress_begin("Checking the database", ADMIN_TIME, c->args->quiet);
        rl_check_options options = {.path = c->d->path,
                                    .level = c->level,
                                    .settled = r.still,
                                    .stop = keep_going,
                                    .on_finding = on_finding,
                                    .arg = c};
        size_t before = c->count;
        rc = rl_check_run(&options, error, sizeof error);
        admin_progress_end();
        if (c->count > before)
            rc = RL_STORE_OK; /* it was told one by one */
    }
    if (rc != RL_STORE_OK)
        add(c, "database", "%s", error);
    bool held = admin_reading_held_still(c->d, &r);
    admin_reading_close(&r);
    return held;
}

static void check_database(check *c) {
    if (check_database_once(c))
        return;
    drop_findings(c);
    rl_dirlock_look(c->d->dir, &c->d->holder);
    c->d->holder.held = true; /* read it as a file that is in use */
    check_database_once(c);
}

/* --- the journal ----------------------------------------------------------------------------- */

static void check_journal(check *c) {
    admin_journal *j = &c->journal;
    if (!c->readable) /* without folded_seq there is nothing to compare with */
        return;
    admin_journal_look(c->d, c->meta.run_id, c->meta.folded_seq, j);
    if (j->state == ADMIN_JOURNAL_MOVING)
        admin_warn("the journal was not checked: the server writes too fast. Try again later");
    else if (j->state != ADMIN_JOURNAL_NONE && j->state != ADMIN_JOURNAL_GOOD)
        add(c, "journal", "%s", j->detail);
    if (j->bad_changes)
        add(c, "journal", "%" PRIu64 " of %" PRIu64 " batches hold changes that cannot be read",
            j->bad_changes, j->batches);
}

/* --- the backups ----------------------------------------------------------------------------- */

static void check_backup(check *c, rl_backup_entry *e) {
    char error[ADMIN_ERROR_LEN];
    int rc = rl_check_file(e->path, c->level, true, keep_going, NULL, error, sizeof error);
    if (rc == RL_STORE_OK)
        rc = rl_backup_describe(e, error, sizeof error);
    if (rc != RL_STORE_OK)
        add(c, "backup", "%s", error);
}

static void check_backups(check *c) {
    char error[ADMIN_ERROR_LEN];
    rl_backup_entry *list = NULL;
    size_t count = 0;
    if (rl_backup_list(c->d->backups, c->d->stem, &list, &count, error, sizeof error) !=
        RL_STORE_OK) {
        add(c, "backup", "%s", error);
        return;
    }
    c->backups = count;
    admin_progress_begin("Checking the backups", ADMIN_TIME, c->args->quiet);
    for (size_t i = 0; i < count; i++) {
        check_backup(c, &list[i]);
        rl_backup_entry_release(&list[i]);
    }
    admin_progress_end();
    rl_free(list);
}

/* --- the command ----------------------------------------------------------------------------- */

static void print_json(const check *c) {
    admin_json j = {0};
    admin_json_open(&j, NULL, '{');
    admin_json_bool(&j, "good", c->count == 0);
    admin_json_text(&j, "path", c->d->path);
    admin_json_text(&j, "level", c->level == RL_CHECK_FULL ? "full" : "quick");
    admin_json_uint(&j, "folded_seq", c->meta.folded_seq);
    admin_json_uint(&j, "waiting_batches", c->journal.batches);
    admin_json_uint(&j, "dropped_batches", c->journal.dropped);
    if (c->args->backups)
        admin_json_uint(&j, "backups", c->backups);
    admin_json_open(&j, "findings", '[');
    for (size_t i = 0; i < c->count; i++) {
        admin_json_open(&j, NULL, '{');
        admin_json_text(&j, "area", c->findings[i].area);
        admin_json_text(&j, "text", c->findings[i].text);
        admin_json_close(&j, '}');
    }
    admin_json_close(&j, ']');
    admin_json_close(&j, '}');
    admin_json_print(&j);
}

static void print_text(const check *c) {
    char text[32];
    for (size_t i = 0; i < c->count; i++)
        printf("%s: %s\n", c->findings[i].area, c->findings[i].text);
    if (c->args->quiet || c->count > 0)
        return;
    printf("%s: good (%s), up to batch %" PRIu64 "\n", c->d->path,
           c->level == RL_CHECK_FULL ? "full check" : "quick check", c->meta.folded_seq);
    if (c->journal.state == ADMIN_JOURNAL_GOOD)
        printf("journal: good, %s %s\n", admin_count_text(text, c->journal.batches),
               admin_plural(c->journal.batches, "batch waits", "batches wait"));
    if (c->journal.dropped)
        printf("journal: %s\n", c->journal.detail);
    if (c->args->backups)
        printf("backups: %zu, all good\n", c->backups);
}

int admin_check(admin_args *args) {
    if (args->quick && args->full) {
        admin_error("check: both --quick and --full; expected one of them");
        return ADMIN_USAGE;
    }
    admin_datadir d;
    int code = admin_datadir_open(&d, args->word_count ? args->words[0] : ".", args, true);
    if (code != ADMIN_OK)
        return code;
    check c = {.args = args, .d = &d, .level = args->full ? RL_CHECK_FULL : RL_CHECK_QUICK};
    check_database(&c);
    check_journal(&c);
    if (args->backups)
        check_backups(&c);
    if (args->json)
        print_json(&c);
    else
        print_text(&c);
    code = c.count ? ADMIN_FAILED : ADMIN_OK;
    drop_findings(&c);
    admin_datadir_release(&d);
    return code;
}
