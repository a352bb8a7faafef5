/* SPDX-License-Identifier: MIT */
/* Looking for damage; see check.h. */
#include "store/check.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/thread.h"

#define FINDINGS_MAX 100 /* damages that are told one by one */
#define ASK_MS       50  /* between two questions whether to stop */

typedef struct check {
    const rl_check_options *options;
    sqlite3 *db;
    int version; /* of the schema */
    uint64_t damages;
    char first[400]; /* what was found first */
    char known[60];  /* a finding that is of our own making */
} check;

/* --- rules ----------------------------------------------------------------------------------- */

/* Every collection that has an element: its id, and the type of the table. */
#define COLLECTIONS                                                                                \
    "(SELECT DISTINCT key_id AS id, 2 AS type FROM rl_list UNION ALL"                              \
    " SELECT DISTINCT key_id, 3 FROM rl_set UNION ALL SELECT DISTINCT key_id, 4 FROM rl_zset"      \
    " UNION ALL SELECT DISTINCT key_id, 5 FROM rl_hash)"

/* The same bytes as SQLite does not take for the same. */
#define OTHER_CLASS(name)                                                                          \
    "CASE typeof(" name ") WHEN 'blob' THEN CAST(" name " AS TEXT)"                                \
    " ELSE CAST(" name " AS BLOB) END"

#define TWICE(table, name)                                                                         \
    "SELECT key_id AS id FROM " table " AS e WHERE NOT stored_right(" name ") AND EXISTS ("        \
    "SELECT 1 FROM " table " AS o WHERE o.key_id = e.key_id AND o." name                           \
    " = " OTHER_CLASS("e." name) ")"

/* A row for each: how many rows break it, and an example. No row, or 0, when all is well. */
static const struct {
    int since; /* the version of the schema */
    const char *name, *sentence, *sql;
} rules[] = {
    {1, "meta", "rl_meta lacks a row that must be there",
     "SELECT count(*), min(column1) FROM (VALUES('schema_version'),('folded_seq'),('next_id'),"
     "('rows'),('run_id')) WHERE column1 NOT IN (SELECT name FROM rl_meta)"},
    {1, "meta-value", "rl_meta has a value that cannot be",
     "SELECT count(*), min(name) FROM rl_meta WHERE"
     " name IN ('schema_version','folded_seq','next_id','rows') AND"
     " (typeof(value) <> 'integer' OR value < 0) OR"
     " name = 'run_id' AND (typeof(value) <> 'text' OR length(value) <> 40)"},
    {1, "row-id", "a key has an id that was never given",
     "SELECT count(*), min(id) FROM rl_key WHERE id < 1 OR"
     " id >= (SELECT value FROM rl_meta WHERE name = 'next_id')"},
    {1, "row-type", "a key has a type that there is not",
     "SELECT count(*), min(id) FROM rl_key WHERE typeof(type) <> 'integer' OR"
     " type NOT BETWEEN 1 AND 6"},
    {1, "row-db", "a key has a database number that cannot be",
     "SELECT count(*), min(id) FROM rl_key WHERE typeof(db) <> 'integer' OR"
     " db NOT BETWEEN 0 AND 2147483647"},
    {1, "row-expiry", "a key has an expiry that is not a time",
     "SELECT count(*), min(id) FROM rl_key WHERE typeof(expires_at) NOT IN ('integer','null')"},
    {1, "key-class", "a key is stored as the wrong class (TEXT for UTF-8, else BLOB)",
     "SELECT count(*), min(id) FROM rl_key WHERE NOT stored_right(key)"},
    {1, "key-twice", "a database has two rows of the same key; the next start keeps one",
     "SELECT count(*), min(id) FROM (SELECT max(id) AS id FROM rl_key GROUP BY key, db"
     " HAVING count(*) > 1 UNION ALL SELECT id FROM rl_key AS k WHERE NOT stored_right(key) AND"
     " EXISTS (SELECT 1 FROM rl_key AS o WHERE o.db = k.db AND o.key = " OTHER_CLASS("k.key") "))"},
    {1, "value-class", "a value is stored as the wrong class (TEXT for UTF-8, else BLOB)",
     "SELECT count(*), min(id) FROM rl_key WHERE value IS NOT NULL AND NOT stored_right(value)"},
    {1, "value-missing", "a string has no value",
     "SELECT count(*), min(id) FROM rl_key WHERE type = 1 AND value IS NULL"},
    {1, "value-extra", "a key that is not a string has a value",
     "SELECT count(*), min(id) FROM rl_key WHERE type BETWEEN 2 AND 6 AND value IS NOT NULL"},
    {2, "collection-empty", "a hash, list, set or sorted set has no elements",
     "SELECT count(*), min(id) FROM rl_key WHERE type BETWEEN 2 AND 5 AND"
     " (id, type) NOT IN " COLLECTIONS},
    {2, "element-orphan",
     "there are elements of a key that is not there, and not among the deleted",
     "SELECT count(*), min(id) FROM " COLLECTIONS " WHERE id NOT IN (SELECT id FROM rl_key)"
     " AND id NOT IN (SELECT key_id FROM rl_dead)"},
    {2, "element-type", "there are elements in the table of another type than their key's",
     "SELECT count(*), min(c.id) FROM " COLLECTIONS " AS c JOIN rl_key AS k ON k.id = c.id"
     " WHERE k.type <> c.type"},
    {2, "element-class", "an element is stored as the wrong class (TEXT for UTF-8, else BLOB)",
     "SELECT count(*), min(id) FROM (SELECT key_id AS id FROM rl_hash WHERE NOT stored_right(field)"
     " OR NOT stored_right(value)"
     " UNION ALL SELECT key_id FROM rl_set WHERE NOT stored_right(member)"
     " UNION ALL SELECT key_id FROM rl_zset WHERE NOT stored_right(member)"
     " UNION ALL SELECT key_id FROM rl_list WHERE NOT stored_right(value))"},
    {2, "element-twice",
     "a hash, set or sorted set has two rows of the same element; the next start keeps one",
     "SELECT count(*), min(id) FROM (" TWICE("rl_hash", "field") " UNION ALL " TWICE(
         "rl_set", "member") " UNION ALL " TWICE("rl_zset", "member") ")"},
    {2, "field-expiry", "a field of a hash has an expiry that is not a time",
     "SELECT count(*), min(key_id) FROM rl_hash"
     " WHERE typeof(expires_at) NOT IN ('integer','null')"},
    {2, "score", "a member of a sorted set has a score that is not a number",
     "SELECT count(*), min(key_id) FROM rl_zset WHERE typeof(score) <> 'real'"},
    {2, "list-position", "an item of a list has a position that is not an integer",
     "SELECT count(*), min(key_id) FROM rl_list WHERE typeof(pos) <> 'integer'"},
    {2, "list-gap", "a list has a gap between its positions",
     "SELECT count(*), min(id) FROM (SELECT key_id AS id FROM rl_list WHERE typeof(pos) = 'integer'"
     " GROUP BY key_id HAVING max(pos) - min(pos) + 1 <> count(*))"},
    {2, "dead-id", "a key that is there is noted as deleted",
     "SELECT count(*), min(key_id) FROM rl_dead WHERE key_id IN (SELECT id FROM rl_key)"},
    {2, "dead-type", "a deleted key has a type that has no elements",
     "SELECT count(*), min(key_id) FROM rl_dead WHERE typeof(type) <> 'integer' OR"
     " type NOT BETWEEN 2 AND 6"},
};

/* stored_right(x): x has the class that its bytes call for. */
static void stored_right(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    int class = sqlite3_value_type(argv[0]);
    const void *bytes = sqlite3_value_blob(argv[0]);
    size_t len = (size_t)sqlite3_value_bytes(argv[0]);
    sqlite3_result_int(context, rl_schema_class_fits(class, rl_bytes_of(bytes, len)));
}

static int check_rule(check *c, size_t i) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(c->db, rules[i].sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) > 0) {
        char text[300];
        const char *example = (const char *)sqlite3_column_text(stmt, 1);
        rl_check_finding finding = {
            .rule = rules[i].name, .count = (uint64_t)sqlite3_column_int64(stmt, 0), .text = text};
        snprintf(text, sizeof text, "%s: %" PRIu64 " of them, such as %s%s", rules[i].sentence,
                 finding.count, strncmp(rules[i].name, "meta", 4) == 0 ? "" : "id ",
                 example ? example : "?");
        c->options->on_finding(c->options->arg, &finding);
    }
    return sqlite3_finalize(stmt);
}

static int check_rules(check *c) {
    if (c->options->on_finding == NULL)
        return SQLITE_OK; /* nobody would hear of it */
    int rc =
        sqlite3_create_function_v2(c->db, "stored_right", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   NULL, stored_right, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof rules / sizeof *rules && rc == SQLITE_OK; i++) {
        if (rules[i].since <= c->version)
            rc = check_rule(c, i);
    }
    return rc;
}

/* --- damage ---------------------------------------------------------------------------------- */

static void found(check *c, const char *rule, const char *text, size_t len) {
    char copy[sizeof c->first];
    snprintf(copy, sizeof copy, "%.*s", (int)len, text);
    if (c->damages++ == 0)
        memcpy(c->first, copy, sizeof copy);
    rl_check_finding finding = {.rule = rule, .damage = true, .count = 1, .text = copy};
    if (c->options->on_finding && c->damages <= FINDINGS_MAX)
        c->options->on_finding(c->options->arg, &finding);
}

/* "CHECK constraint failed in orders", "NULL value in orders.price": a row that breaks a rule of
 * the table. No page is damaged by that. In our tables, though, nobody can do it by SQL, but for
 * one. */
static bool is_of_rows(const char *line) {
    static const char check_mark[] = "CHECK constraint failed in ", value_mark[] = " value in ";
    if (strncmp(line, check_mark, sizeof check_mark - 1) == 0)
        return true;
    const char *at = strstr(line, value_mark);
    return at && (strncmp(at + sizeof value_mark - 1, "rl_", 3) != 0 ||
                  strncmp(line, "TEXT value in ", 14) == 0);
}

/* A row of the answer has one finding, or several lines under a heading of stars. */
static void take_answer(check *c, const char *text) {
    if (strcmp(text, "ok") == 0)
        return;
    while (*text) {
        size_t len = strcspn(text, "\n");
        bool known = len == strlen(c->known) && strncmp(text, c->known, len) == 0;
        if (len > 0 && strncmp(text, "***", 3) != 0 && !known && !is_of_rows(text))
            found(c, "structure", text, len);
        text += len;
        text += *text == '\n';
    }
}

/* SQLite (3.40) takes a check for one of a single table, and leaves out free pages and pages that
 * nothing refers to, when the first object of its schema has no root page; first in the order of a
 * hash table. Views and virtual tables have none, and there are views of ours. */
static bool leaves_out_free_pages(check *c) {
    sqlite3_stmt *stmt;
    bool rootless = false;
    if (sqlite3_prepare_v2(c->db, "PRAGMA main.table_list", -1, &stmt, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_step(stmt) == SQLITE_ROW) { /* in the same order */
        const char *type = (const char *)sqlite3_column_text(stmt, 2);
        rootless = type && (strcmp(type, "view") == 0 || strcmp(type, "virtual") == 0);
    }
    sqlite3_finalize(stmt);
    return rootless;
}

static int meta_root(sqlite3 *db) {
    sqlite3_stmt *stmt;
    int root = 0;
    if (sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'rl_meta'", -1,
                           &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        root = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return root;
}

/* Puts a table before it, in this connection's memory alone: a second name for rl_meta. Its page is
 * then referred to twice, which take_answer knows. */
static void cover_free_pages(check *c) {
    for (int i = 0; i < 50 && leaves_out_free_pages(c); i++) {
        char sql[120];
        snprintf(sql, sizeof sql,
                 "CREATE TABLE rl_check_%d(name TEXT PRIMARY KEY, value) WITHOUT ROWID", i);
        int root = meta_root(c->db);
        if (root == 0 ||
            sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, c->db, "main", 1, root) != SQLITE_OK)
            return;
        sqlite3_exec(c->db, sql, NULL, NULL, NULL);
        sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, c->db, "main", 0, 0);
        snprintf(c->known, sizeof c->known, "2nd reference to page %d", root);
    }
}

static int check_structure(check *c, const char *pragma) {
    cover_free_pages(c);
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(c->db, pragma, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    while (c->damages < FINDINGS_MAX && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        take_answer(c, text ? text : "");
    }
    rc = sqlite3_finalize(stmt);
    return c->damages ? SQLITE_OK : rc;
}

/* What quick_check leaves out and costs little: that the index has an entry for each row. */
static int check_counts(check *c) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(c->db,
                                "SELECT (SELECT count(*) FROM rl_key NOT INDEXED),"
                                " (SELECT count(*) FROM rl_key INDEXED BY rl_key_name)",
                                -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
        sqlite3_column_int64(stmt, 0) != sqlite3_column_int64(stmt, 1)) {
        char text[200];
        int len = snprintf(
            text, sizeof text, "rl_key has %lld rows, but its index rl_key_name has %lld entries",
            (long long)sqlite3_column_int64(stmt, 0), (long long)sqlite3_column_int64(stmt, 1));
        found(c, "count", text, (size_t)len);
    }
    int end = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? end : rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int run_checks(check *c) {
    static const char *const pragmas[] = {[RL_CHECK_QUICK] = "PRAGMA main.quick_check(1000000)",
                                          [RL_CHECK_FULL] = "PRAGMA main.integrity_check(1000000)"};
    rl_check_level level = c->options->level;
    if (level == RL_CHECK_NONE)
        return SQLITE_OK;
    int rc = check_structure(c, pragmas[level]);
    if (rc == SQLITE_OK && c->damages == 0)
        rc = check_counts(c);
    if (rc == SQLITE_OK && c->damages == 0 && level == RL_CHECK_FULL)
        rc = check_rules(c);
    return rc;
}

/* SQLite's walk over the pages is one step of its virtual machine, so no progress handler could end
 * it, only sqlite3_interrupt from another thread. */
typedef struct walk {
    check *check;
    int rc;
    sem_t ended;
} walk;

static void walk_main(void *arg) {
    walk *w = arg;
    w->rc = run_checks(w->check);
    sem_post(&w->ended);
}

static bool wait_ended(walk *w) {
    int64_t until_ms = rl_clock_mono_ms() + ASK_MS;
    struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    return sem_clockwait(&w->ended, CLOCK_MONOTONIC, &t) == 0;
}

/* SQLITE_INTERRUPT when it was stopped, whatever it had found. */
static int run_stoppable(check *c) {
    walk w = {.check = c};
    pthread_t thread;
    bool stopped = false;
    sem_init(&w.ended, 0, 0);
    if (rl_thread_start(&thread, "rl-check", 0, walk_main, &w) != 0) {
        w.rc = run_checks(c);
    } else {
        while (!wait_ended(&w)) {
            stopped = stopped || c->options->stop(c->options->arg);
            if (stopped)
                sqlite3_interrupt(c->db);
        }
        pthread_join(thread, NULL);
    }
    sem_destroy(&w.ended);
    if (!stopped)
        return w.rc;
    c->damages = 0;
    return SQLITE_INTERRUPT;
}

static int conclude(check *c, int rc, char *error, size_t error_len) {
    const char *path = c->options->path;
    if (c->damages == 0 && rl_schema_error_of(rc) == RL_STORE_DAMAGED) {
        const char *text = sqlite3_errmsg(c->db);
        found(c, "structure", text, strlen(text));
    }
    if (c->damages == 1)
        snprintf(error, error_len, "%s is damaged: %s", path, c->first);
    else if (c->damages > 1)
        snprintf(error, error_len, "%s is damaged: %s (and %" PRIu64 "%s more findings)", path,
                 c->first, c->damages - 1, c->damages >= FINDINGS_MAX ? " or" : "");
    if (c->damages)
        return RL_STORE_DAMAGED;
    if (rc == SQLITE_OK || rc == SQLITE_INTERRUPT)
        return RL_STORE_OK;
    snprintf(error, error_len, "%s could not be checked: %s", path, sqlite3_errmsg(c->db));
    return rl_schema_error_of(rc);
}

int rl_check_run(const rl_check_options *options, char *error, size_t error_len) {
    check c = {.options = options};
    int code = rl_schema_check_header(options->path, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    if (options->settled)
        code = rl_schema_open_settled(options->path, &c.db, error, error_len);
    else
        code = rl_schema_open_more(options->path, true, &c.db, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    rl_schema_meta meta;
    code = rl_schema_inspect(c.db, options->path, &meta, error, error_len);
    c.version = meta.version;
    if (code == RL_STORE_OK)
        code = conclude(&c, options->stop ? run_stoppable(&c) : run_checks(&c), error, error_len);
    sqlite3_close(c.db);
    return code;
}

int rl_check_file(const char *path, rl_check_level level, bool settled, bool (*stop)(void *arg),
                  void *arg, char *error, size_t error_len) {
    rl_check_options options = {
        .path = path, .level = level, .settled = settled, .stop = stop, .arg = arg};
    return rl_check_run(&options, error, error_len);
}
