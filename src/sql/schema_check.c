/* SPDX-License-Identifier: MIT */
/* Checks of the schema; see schema_check.h. */
#include "sql/schema_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

#define RESERVED_VIEWS "('keys','strings','hashes','lists','sets','zsets','streams')"

int sql_schema_reserved(sqlite3 *db, int64_t *count) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT count(*) FROM main.sqlite_schema WHERE type <> 'trigger'"
                                " AND (name LIKE 'rl\\_%' ESCAPE '\\'"
                                " OR lower(name) IN " RESERVED_VIEWS ")",
                                -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    *count = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    return sqlite3_finalize(stmt);
}

/* Each gives the names to put into its sentence, in the order of the %s there; no row is good. */
static const struct {
    const char *sql, *sentence;
} rules[] = {
    {
        "SELECT m.name, f.\"table\" FROM main.sqlite_schema AS m,"
        " pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'"
        " AND (f.\"table\" LIKE 'rl\\_%' ESCAPE '\\' OR lower(f.\"table\") IN " RESERVED_VIEWS
        ") LIMIT 1",
        "SQLDENIED a foreign key of %s refers to %s: keys come and go without asking tables; "
        "keep the key's name in a column and join on it",
    },
    {
        "SELECT i.name, m.name FROM main.sqlite_schema AS m, pragma_index_list(m.name) AS i"
        " WHERE m.type = 'table' AND m.name LIKE 'rl\\_%' ESCAPE '\\'"
        " AND i.origin = 'c' AND i.\"unique\" AND NOT i.name LIKE 'rl\\_%' ESCAPE '\\' LIMIT 1",
        "SQLDENIED the index %s on %s cannot be UNIQUE: a key command was answered before its row "
        "is written, so its row must not be refused; make it without UNIQUE",
    },
};

static const char *column(sqlite3_stmt *stmt, int i) {
    const char *text = (const char *)sqlite3_column_text(stmt, i);
    return text ? text : "";
}

int sql_schema_check(sqlite3 *db, int64_t reserved, char *error, size_t error_len) {
    int64_t now = 0;
    int code = sql_schema_reserved(db, &now);
    if (code == SQLITE_OK && now != reserved) { /* RENAME TO is the one way there */
        snprintf(error, error_len,
                 "SQLDENIED names that begin with rl_, and keys, strings, hashes, lists, sets, "
                 "zsets, streams are kept for Rubellite; choose another");
        code = SQLITE_AUTH;
    }
    if (code != SQLITE_OK)
        return code;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        sqlite3_stmt *stmt;
        int rc = sqlite3_prepare_v2(db, rules[i].sql, -1, &stmt, NULL);
        if (rc != SQLITE_OK)
            return rc;
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            char *text = sqlite3_mprintf(rules[i].sentence, column(stmt, 0), column(stmt, 1));
            snprintf(error, error_len, "%s", text ? text : "SQLDENIED");
            sqlite3_free(text);
            sqlite3_finalize(stmt);
            return SQLITE_AUTH;
        }
        if ((rc = sqlite3_finalize(stmt)) != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* --- the probe ------------------------------------------------------------------------------- */

/* A table, the column that an expression is most likely about, and a statement that puts a row in.
 * Rows nobody has: ids are above zero, and databases too (a fold parks rows in -2 and -3).
 * ?1: the id; ?2: the database; ?3: the type; ?4: when it expires; ?5, ?6: awkward values, the
 * first never NULL. Each has all of them, up to the last. */
static const struct probe {
    const char *table, *column, *insert;
} probes[] = {
    {"rl_key", "value",
     "INSERT INTO rl_key(id, db, type, expires_at, key, value) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
    {"rl_hash", "value",
     "INSERT INTO rl_hash(key_id, field, value, expires_at) VALUES(?1, ?5, ifnull(?6, ''), ?4)"},
    {"rl_set", "member", "INSERT INTO rl_set(key_id, member) VALUES(?1, ifnull(?6, ?5))"},
    {"rl_zset", "member",
     "INSERT INTO rl_zset(key_id, member, score) VALUES(?1, ?5, CAST(ifnull(?6, 0.5) AS REAL))"},
    {"rl_list", "value",
     "INSERT INTO rl_list(key_id, pos, value) VALUES(?1, ifnull(?4, 0), ifnull(?6, ''))"},
};

typedef struct awkward {
    const char *bytes; /* NULL: NULL */
    int len;           /* -1: a string */
    bool blob;
    size_t times; /* repeated */
} awkward;

static const awkward values[] = {
    {"", 0, false, 1},
    {"x", -1, false, 1},
    {"{", -1, false, 1},
    {"[", -1, false, 5000}, /* nested deeper than any parser goes */
    {"{\"a\":1}", -1, false, 1},
    {"[1,2]", -1, false, 1},
    {"null", -1, false, 1},
    {"\"text\"", -1, false, 1},
    {"0", -1, false, 1},
    {"-1", -1, false, 1},
    {"-9223372036854775808", -1, false, 1}, /* abs() of it does not fit */
    {"9223372036854775807", -1, false, 1},
    {"1e999", -1, false, 1},
    {"-1e999", -1, false, 1},
    {"%*.*f", -1, false, 1},  /* printf() */
    {"%_", -1, false, 60000}, /* too long a pattern for LIKE */
    {"x", -1, false, 300000},
    {"a\0b", 3, true, 1},
    {"\xff\xfe", 2, true, 1},
    {"\0", 1, true, 70000},
    {NULL, 0, false, 0},
};

#define VALUE_COUNT ((int)(sizeof values / sizeof values[0]))

static int bind_awkward(sqlite3_stmt *stmt, int at, const awkward *a) {
    if (a->bytes == NULL)
        return sqlite3_bind_null(stmt, at);
    size_t len = a->len < 0 ? strlen(a->bytes) : (size_t)a->len;
    char *bytes = rl_malloc(len * a->times + 1);
    for (size_t i = 0; i < a->times; i++)
        memcpy(bytes + i * len, a->bytes, len);
    int rc = a->blob ? sqlite3_bind_blob64(stmt, at, bytes, len * a->times, SQLITE_TRANSIENT)
                     : sqlite3_bind_text64(stmt, at, bytes, len * a->times, SQLITE_TRANSIENT,
                                           SQLITE_UTF8);
    rl_free(bytes);
    return rc;
}

/* Two rounds: strings that do not expire, and other types and times going round. */
static int probe_row(sqlite3_stmt *stmt, int round, int i) {
    static const int64_t whens[] = {0, 1, -1, INT64_MAX, INT64_MIN + 1, 1800000000000};
    static const awkward name = {"rl probe", -1, false, 1};
    const awkward *a = &values[i];
    sqlite3_bind_int64(stmt, 1, -1000 - i - round * VALUE_COUNT);
    sqlite3_bind_int(stmt, 2, -9 - round);
    sqlite3_bind_int(stmt, 3, round ? 1 + i % 6 : 1);
    if (round)
        sqlite3_bind_int64(stmt, 4, whens[i % 6]);
    else
        sqlite3_bind_null(stmt, 4);
    int rc = bind_awkward(stmt, 5, a->bytes ? a : &name);
    if (rc == SQLITE_OK)
        rc = bind_awkward(stmt, 6, a);
    if (rc == SQLITE_OK) {
        sqlite3_step(stmt);
        rc = sqlite3_reset(stmt);
    }
    return rc;
}

static int probe_rows(sqlite3 *db, const char *insert) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, insert, -1, &stmt, NULL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < VALUE_COUNT && rc == SQLITE_OK; i++)
            rc = probe_row(stmt, round, i);
    }
    sqlite3_finalize(stmt); /* leaves the message of a failed row */
    return rc;
}

/* What an index did not take is the statement's fault, but for these. */
static bool is_ours_to_mend(int rc) {
    switch (rc & 0xff) {
    case SQLITE_INTERRUPT:
    case SQLITE_NOMEM:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CORRUPT:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
        return true;
    default:
        return false;
    }
}

static void explain(sqlite3 *db, const struct probe *p, const char *table, char *error,
                    size_t error_len) {
    const char *why = sqlite3_errmsg(db);
    bool json = strcasestr(why, "json") != NULL;
    char todo[100] = "with a WHERE that names the keys you mean";
    if (json)
        snprintf(todo, sizeof todo, "with WHERE json_valid(%s)", p->column);
    snprintf(error, error_len,
             "SQLDENIED the index would refuse rows that keys may bring to %s (%s); leave them out "
             "%s",
             table, why, todo);
}

int sql_schema_probe(sqlite3 *db, const char *table, char *error, size_t error_len) {
    const struct probe *p = NULL;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (strcasecmp(table, probes[i].table) == 0)
            p = &probes[i];
    }
    if (p == NULL) {
        snprintf(error, error_len, "SQLDENIED %s has no indexes of clients in this version", table);
        return SQLITE_AUTH;
    }
    int rc = sqlite3_exec(db, "SAVEPOINT rl_probe", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = probe_rows(db, p->insert);
    if (rc != SQLITE_OK && !is_ours_to_mend(rc)) {
        explain(db, p, table, error, error_len);
        rc = SQLITE_AUTH;
    }
    if (sqlite3_get_autocommit(db)) /* all is rolled back */
        return rc == SQLITE_OK ? SQLITE_ABORT_ROLLBACK : rc;
    int undone = sqlite3_exec(db, "ROLLBACK TO rl_probe; RELEASE rl_probe", NULL, NULL, NULL);
    return undone != SQLITE_OK ? undone : rc;
}
