/* SPDX-License-Identifier: MIT */
/* The authorizer; see authorizer.h. */
#include "sql/authorizer.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What SQLite hands over; first and second mean something else for each action. */
typedef struct request {
    int action;
    const char *first, *second, *database;
} request;

static int deny(sql_guard *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first reason of a statement is the one that helps. */
static int deny(sql_guard *g, const char *format, ...) {
    if (g->reason[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(g->reason, sizeof g->reason, format, args);
        va_end(args);
    }
    return SQLITE_DENY;
}

void sql_guard_begin(sql_guard *g) {
    g->facts = (sql_facts){0};
    g->reason[0] = '\0';
}

/* --- names ----------------------------------------------------------------------------------- */

bool sql_is_internal(const char *name) {
    return strncasecmp(name, "rl_", 3) == 0;
}

bool sql_is_our_view(const char *name) {
    static const char *const views[] = {"keys", "strings", "hashes", "lists",
                                        "sets", "zsets",   "streams"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        if (strcasecmp(name, views[i]) == 0)
            return true;
    }
    return false;
}

static bool is_ours(const char *name) {
    return sql_is_internal(name) || sql_is_our_view(name);
}

static int deny_reserved(sql_guard *g, const char *name) {
    if (sql_is_internal(name))
        return deny(g,
                    "SQLDENIED the name %s: names that begin with rl_ are kept for Rubellite; "
                    "choose another",
                    name);
    return deny(g,
                "SQLDENIED the name %s is that of a view of Rubellite, now or in a later version; "
                "choose another",
                name);
}

/* --- actions --------------------------------------------------------------------------------- */

int sql_deny_view(sql_guard *g, const char *name) {
    return deny(g,
                "SQLDENIED %s is a view of the keys and cannot be written; use SET, DEL, EXPIRE "
                "and the like",
                name);
}

static int on_write(sql_guard *g, const request *r) {
    if (sql_is_internal(r->first))
        return deny(g,
                    "SQLDENIED %s is written by key commands alone, which keep it and memory the "
                    "same; use SET, DEL, EXPIRE and the like, or keep your rows in a table of your "
                    "own",
                    r->first);
    if (sql_is_our_view(r->first))
        return sql_deny_view(g, r->first);
    return SQLITE_OK;
}

static int on_temporary(sql_guard *g, const request *r) {
    (void)r;
    return deny(g, "SQLDENIED temporary objects: connections are shared between clients; use WITH "
                   "… AS, or an ordinary table that you drop when you are done");
}

static int on_create(sql_guard *g, const request *r) {
    if (r->database && strcasecmp(r->database, "temp") == 0) /* CREATE TABLE temp.t */
        return on_temporary(g, r);
    g->facts.schema = g->facts.makes = true;
    return is_ours(r->first) ? deny_reserved(g, r->first) : SQLITE_OK;
}

static int on_create_index(sql_guard *g, const request *r) {
    if (strcasecmp(r->second, "rl_meta") == 0)
        return deny(g, "SQLDENIED rl_meta is Rubellite's own and has a few rows; an index on it "
                       "would gain nothing");
    if (sql_is_internal(r->second))
        snprintf(g->facts.index_of, sizeof g->facts.index_of, "%s", r->second);
    return on_create(g, r);
}

static int on_create_trigger(sql_guard *g, const request *r) {
    if (is_ours(r->second))
        return deny(g,
                    "SQLDENIED a trigger on %s would never fire: keys reach the tables in "
                    "bulk, with triggers off; do what it would do in the program that writes the "
                    "key, in one MULTI with it",
                    r->second);
    return on_create(g, r);
}

static int on_create_virtual(sql_guard *g, const request *r) {
    static const char *const modules[] = {"fts5",    "fts5vocab", "fts4",      "fts3",
                                          "fts4aux", "rtree",     "rtree_i32", "geopoly"};
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        if (strcasecmp(r->second, modules[i]) == 0)
            return on_create(g, r);
    }
    return deny(g,
                "SQLDENIED virtual tables of %s are not allowed; those of fts5, fts4, rtree and "
                "geopoly are",
                r->second);
}

static int on_drop(sql_guard *g, const request *r) {
    g->facts.schema = true;
    if (is_ours(r->first))
        return deny(g, "SQLDENIED %s is Rubellite's own and cannot be dropped", r->first);
    return SQLITE_OK;
}

static int on_alter(sql_guard *g, const request *r) {
    g->facts.schema = g->facts.makes = true;
    if (is_ours(r->second))
        return deny(g,
                    "SQLDENIED %s is Rubellite's own and cannot be altered; keep more columns in a "
                    "table of your own that has the key as a column",
                    r->second);
    return SQLITE_OK;
}

static int on_upkeep(sql_guard *g, const request *r) {
    (void)r;
    g->facts.schema = true;
    return SQLITE_OK;
}

static int on_attach(sql_guard *g, const request *r) {
    return deny(g,
                "SQLDENIED %s: a client may use this database file alone; to join it with another "
                "file, open a backup with sqlite3 and attach it there",
                r->action == SQLITE_ATTACH ? "ATTACH" : "DETACH");
}

static int on_transaction(sql_guard *g, const request *r) {
    const char *what = r->action == SQLITE_SAVEPOINT ? "SAVEPOINT and RELEASE" : r->first;
    return deny(g,
                "SQLERR %s: a transaction does not last from one SQL command to the next; send its "
                "statements as one script (they all happen or none), or use MULTI … EXEC, which "
                "takes key commands too",
                what);
}

static int on_function(sql_guard *g, const request *r) {
    static const struct {
        const char *name, *why;
    } denied[] = {
        {"load_extension", "it would run code of a file in the server"},
        {"fts3_tokenizer", "it hands out and takes addresses in the server's memory"},
        {"sqlite_log", "it writes to the server's log"},
    };
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        if (r->second && strcasecmp(r->second, denied[i].name) == 0)
            return deny(g, "SQLDENIED %s() is not for clients: %s", denied[i].name, denied[i].why);
    }
    return SQLITE_OK;
}

/* --- pragmas --------------------------------------------------------------------------------- */

/* Those that are allowed. */
static const struct {
    const char *name;
    bool value;  /* may be given one */
    bool writes; /* runs as a write */
} pragmas[] = {
    {"application_id", false, false},    /* what kind of file this is */
    {"auto_vacuum", false, false},       /* a property of the file */
    {"collation_list", false, false},    /* what SQL knows here */
    {"compile_options", false, false},   /* how SQLite was built */
    {"data_version", false, false},      /* changes when the file was written */
    {"database_list", false, false},     /* the file's name */
    {"defer_foreign_keys", true, false}, /* checks at the end of a script; lasts until then */
    {"encoding", false, false},          /* a property of the file */
    {"foreign_key_check", true, false},  /* rows whose parent is missing */
    {"foreign_key_list", true, false},   /* describes a table */
    {"foreign_keys", false, false},      /* whether they are enforced */
    {"freelist_count", false, false},    /* unused pages of the file */
    {"function_list", false, false},     /* what SQL knows here */
    {"index_info", true, false},         /* describes an index */
    {"index_list", true, false},         /* describes a table */
    {"index_xinfo", true, false},        /* describes an index */
    {"integrity_check", true, false},    /* is the file whole; reads all of it */
    {"journal_mode", false, false},      /* wal, always */
    {"module_list", false, false},       /* what SQL knows here */
    {"optimize", true, true},            /* ANALYZE where it is worth it */
    {"page_count", false, false},        /* the size of the file */
    {"page_size", false, false},         /* a property of the file */
    {"pragma_list", false, false},       /* what SQL knows here */
    {"quick_check", true, false},     /* is the file whole, without its indexes; reads all of it */
    {"schema_version", false, false}, /* changes with the schema */
    {"table_info", true, false},      /* describes a table */
    {"table_list", true, false},      /* the tables */
    {"table_xinfo", true, false},     /* describes a table */
    {"user_version", false, false},   /* the version of Rubellite's tables */
};

/* Those that people try, with what to do instead. */
static const struct {
    const char *name, *why;
} denied_pragmas[] = {
    {"foreign_keys", "foreign keys are always enforced; PRAGMA defer_foreign_keys = ON has them "
                     "checked at the end of the script"},
    {"journal_mode", "the server needs WAL"},
    {"wal_checkpoint", "the server does it by itself; see checkpoint-interval"},
    {"wal_autocheckpoint", "the server does it by itself; see checkpoint-interval"},
    {"user_version", "it is the version of Rubellite's tables; keep yours in a table"},
    {"application_id", "it says that the file is Rubellite's"},
    {"synchronous", "see appendfsync for what is kept when"},
    {"busy_timeout", "see sql-timeout, and SQL TIMEOUT"},
    {"cache_size", "connections are shared between clients"},
    {"case_sensitive_like", "connections are shared between clients; use GLOB, or instr()"},
    {"recursive_triggers", "connections are shared between clients"},
    {"temp_store", "connections are shared between clients"},
    {"writable_schema", "it would break the file"},
    {"trusted_schema", "it would let the schema run what a client may not"},
    {"ignore_check_constraints", "connections are shared between clients"},
    {"legacy_alter_table", "connections are shared between clients"},
};

static int deny_pragma(sql_guard *g, const char *name, const char *how) {
    const char *why = "it would change a connection that clients share, or the file";
    for (size_t i = 0; i < sizeof denied_pragmas / sizeof denied_pragmas[0]; i++) {
        if (strcasecmp(name, denied_pragmas[i].name) == 0)
            why = denied_pragmas[i].why;
    }
    return deny(g, "SQLDENIED PRAGMA %s%s: %s", name, how, why);
}

static int on_pragma(sql_guard *g, const request *r) {
    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++) {
        if (strcasecmp(pragmas[i].name, r->first) != 0)
            continue;
        if (r->second && !pragmas[i].value)
            return deny_pragma(g, pragmas[i].name, " with a value");
        g->facts.pragma_reads = !pragmas[i].writes;
        return SQLITE_OK;
    }
    return deny_pragma(g, r->first, "");
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct {
    int action;
    int (*check)(sql_guard *g, const request *r); /* NULL: allowed */
} actions[] = {
    {SQLITE_READ, NULL},
    {SQLITE_SELECT, NULL},
    {SQLITE_FUNCTION, on_function},
    {SQLITE_INSERT, on_write},
    {SQLITE_UPDATE, on_write},
    {SQLITE_DELETE, on_write},
    {SQLITE_RECURSIVE, NULL},
    {SQLITE_CREATE_TABLE, on_create},
    {SQLITE_CREATE_VIEW, on_create},
    {SQLITE_CREATE_INDEX, on_create_index},
    {SQLITE_CREATE_TRIGGER, on_create_trigger},
    {SQLITE_CREATE_VTABLE, on_create_virtual},
    {SQLITE_CREATE_TEMP_TABLE, on_temporary},
    {SQLITE_CREATE_TEMP_VIEW, on_temporary},
    {SQLITE_CREATE_TEMP_INDEX, on_temporary},
    {SQLITE_CREATE_TEMP_TRIGGER, on_temporary},
    {SQLITE_DROP_TABLE, on_drop},
    {SQLITE_DROP_VIEW, on_drop},
    {SQLITE_DROP_INDEX, on_drop},
    {SQLITE_DROP_TRIGGER, on_drop},
    {SQLITE_DROP_VTABLE, on_drop},
    {SQLITE_DROP_TEMP_TABLE, on_temporary},
    {SQLITE_DROP_TEMP_VIEW, on_temporary},
    {SQLITE_DROP_TEMP_INDEX, on_temporary},
    {SQLITE_DROP_TEMP_TRIGGER, on_temporary},
    {SQLITE_ALTER_TABLE, on_alter},
    {SQLITE_REINDEX, on_upkeep},
    {SQLITE_ANALYZE, on_upkeep},
    {SQLITE_PRAGMA, on_pragma},
    {SQLITE_ATTACH, on_attach},
    {SQLITE_DETACH, on_attach},
    {SQLITE_TRANSACTION, on_transaction},
    {SQLITE_SAVEPOINT, on_transaction},
};

int sql_authorize(void *guard, int action, const char *first, const char *second,
                  const char *database, const char *inner) {
    (void)inner; /* what a view or trigger does is checked as if the client did it */
    sql_guard *g = guard;
    if (g->lifted)
        return SQLITE_OK;
    const request r = {action, first ? first : "", second, database};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (actions[i].action == action)
            return actions[i].check ? actions[i].check(g, &r) : SQLITE_OK;
    }
    return deny(g,
                "SQLDENIED what this statement does is not known to this version of Rubellite "
                "(action %d of SQLite)",
                action);
}
