/* SPDX-License-Identifier: MIT */
/*
 * The engine; see engine.h.
 *
 *     text ─▶ skip blanks ─▶ prepare (authorizer) ─▶ bind ─▶ step … ─▶ answer ─▶ next statement
 *
 * A script is run statement by statement, since the second may need what the first has made. The
 * answer is handed over only when all of it went well.
 */
#include "sql/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/text.h"
#include "resp/reply.h"
#include "sql/answer.h"
#include "sql/authorizer.h"
#include "sql/cache.h"
#include "sql/functions.h"
#include "sql/limits.h"
#include "sql/params.h"
#include "sql/schema_check.h"
#include "sql/text.h"

enum {
    LOOK_EVERY = 1000, /* steps of SQLite's machine between looks at the clock: some 20 us */
    CLOCK_SLACK_MS = 20,
    MESSAGE_BYTES_MAX = 600, /* of SQLite's words: they may quote the statement */
};

/* How far a statement came. */
typedef enum step_result { STEP_DONE, STEP_FAILED, STEP_WRITES } step_result;

/* One call of run. */
typedef struct run {
    const rl_sql_query *query;
    const _Atomic bool *cancelled;
    sql_answer answer;
    char *text;       /* the query's, zero-terminated */
    const char *rest; /* of it, not prepared yet */
    const char *statement;
    size_t number; /* of the statement, from 1 */
    bool script;   /* there is more than one */
    int params_used;
    int64_t deadline_ms;  /* of the statement; 0: none */
    bool timed_out, told; /* why SQLite was interrupted: the deadline, or cancelled */
    char error[1024];     /* "SQLERR …", without the statement's number */
} run;

struct rl_sql_engine {
    sqlite3 *db;
    rl_sql_role role;
    sql_guard guard;
    sql_functions *functions;
    sql_cache *cache;            /* readers */
    sqlite3_stmt *look;          /* readers: see look_at_schema */
    run *run;                    /* NULL: none */
    _Atomic int64_t deadline_ms; /* of the statement at work, for rl_sql_engine_overdue; 0: none */
    int rc;
    char code[16];
};

/* --- time ------------------------------------------------------------------------------------ */

/* Good to a few milliseconds, and cheap. */
static int64_t coarse_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_cancelled(run *r) {
    if (r->cancelled && atomic_load_explicit(r->cancelled, memory_order_relaxed))
        r->told = true;
    return r->told;
}

static bool is_late(run *r) {
    if (r->deadline_ms && coarse_ms() >= r->deadline_ms)
        r->timed_out = true;
    return r->timed_out;
}

/* Somebody called interrupt: it came before the progress handler had looked. The clock here may be
 * a little behind the one of whoever watches the deadline. */
static void find_interrupter(run *r) {
    if (!is_cancelled(r) && r->deadline_ms && coarse_ms() + CLOCK_SLACK_MS >= r->deadline_ms)
        r->timed_out = true;
}

/* SQLite asks every LOOK_EVERY steps; not 0 ends the statement. */
static int on_progress(void *arg) {
    rl_sql_engine *e = arg;
    return e->run && (is_cancelled(e->run) || is_late(e->run));
}

/* --- errors ---------------------------------------------------------------------------------- */

static step_result fail(run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static step_result fail(run *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(r->error, sizeof r->error, format, args);
    va_end(args);
    return STEP_FAILED;
}

/* SQLite's words, and where in the client's text if it knows. */
static step_result fail_words(rl_sql_engine *e, int rc) {
    run *r = e->run;
    const char *words = sqlite3_errmsg(e->db);
    if (rc != SQLITE_OK && sqlite3_errcode(e->db) == SQLITE_OK)
        words = sqlite3_errstr(rc);
    int len = (int)sql_text_cut(words, strlen(words), MESSAGE_BYTES_MAX);
    int offset = -1;
#if SQLITE_VERSION_NUMBER >= 3038000
    offset = sqlite3_error_offset(e->db);
#endif
    if (offset < 0 || r->statement == NULL)
        return fail(r, "SQLERR %.*s", len, words);
    size_t bytes = (size_t)(r->statement - r->text) + (size_t)offset;
    return fail(r, "SQLERR %.*s (at character %zu)", len, words,
                sql_text_characters(r->text, bytes) + 1);
}

/* For UPDATE and DELETE SQLite refuses views before it asks the authorizer. */
static void look_for_view(rl_sql_engine *e) {
    char name[32];
    if (sscanf(sqlite3_errmsg(e->db), "cannot modify %31s because it is a view", name) == 1 &&
        sql_is_our_view(name))
        sql_deny_view(&e->guard, name);
}

/* An error of SQLite's, in our words where we know better. */
static step_result fail_sqlite(rl_sql_engine *e, int rc) {
    run *r = e->run;
    e->rc = rc;
    look_for_view(e);
    if ((rc & 0xff) == SQLITE_INTERRUPT)
        find_interrupter(r);
    if (e->guard.reason[0])
        return fail(r, "%s", e->guard.reason);
    if (r->told)
        return fail(r, "SQLCANCELED the statement was ended before it was done");
    if (r->timed_out)
        return fail(r,
                    "SQLTIMEOUT the statement took longer than %lld ms (sql-timeout, or SQL "
                    "TIMEOUT); an index may help: see EXPLAIN QUERY PLAN",
                    (long long)r->query->limits.timeout_ms);
    if ((rc & 0xff) == SQLITE_INTERRUPT)
        return fail(r, "SQLCANCELED the statement was interrupted");
    if ((rc & 0xff) == SQLITE_TOOBIG)
        return fail(r, "SQLLIMIT a value would be longer than %d bytes (sql-max-memory)",
                    sqlite3_limit(e->db, SQLITE_LIMIT_LENGTH, -1));
    fail_words(e, rc);
    size_t len = strlen(r->error);
    if (e->guard.facts.index_of[0] && strcasestr(r->error, "json"))
        snprintf(r->error + len, sizeof r->error - len,
                 "; leave such rows out of the index with WHERE json_valid(value)");
    return STEP_FAILED;
}

static step_result fail_limit(rl_sql_engine *e, sql_answer_state state) {
    const rl_sql_limits *limits = &e->run->query->limits;
    e->rc = SQLITE_TOOBIG;
    if (state == SQL_ANSWER_MANY_ROWS)
        return fail(e->run,
                    "SQLLIMIT the answer has more than %lld rows (sql-max-rows); ask for fewer "
                    "with LIMIT, page by page with WHERE … > the last one",
                    (long long)limits->max_rows);
    return fail(e->run,
                "SQLLIMIT the answer has more than %llu bytes (sql-max-memory); ask for fewer rows "
                "or columns",
                (unsigned long long)limits->max_bytes);
}

static const char *were(int count) {
    return count == 1 ? "was" : "were";
}

/* Every statement takes its share of the parameters, the last one all that are left. */
static step_result check_params(rl_sql_engine *e, int wanted, bool last) {
    run *r = e->run;
    int given = r->query->param_count;
    int left = given - r->params_used;
    if (wanted == left || (wanted < left && !last))
        return STEP_DONE;
    e->rc = SQLITE_RANGE;
    if (!r->script)
        return fail(r, "SQLERR wrong number of parameters: the statement has %d, %d %s given",
                    wanted, given, were(given));
    if (wanted > left)
        return fail(r, "SQLERR wrong number of parameters: it has %d, and %d %s left of %d", wanted,
                    left, left == 1 ? "is" : "are", given);
    r->number = 0;
    return fail(r,
                "SQLERR wrong number of parameters: the statements have %d together, %d %s given",
                r->params_used + wanted, given, were(given));
}

/* Writes the error line, with the statement's number in a script. */
static void write_error(rl_sql_engine *e, rl_chain *out) {
    run *r = e->run;
    rl_reply reply = {.chain = out, .resp = r->query->resp};
    const char *words = strchr(r->error, ' ');
    int code = words ? (int)(words - r->error) : (int)strlen(r->error);
    snprintf(e->code, sizeof e->code, "%.*s", code, r->error);
    size_t len = sql_text_cut(r->error, strlen(r->error), sizeof r->error - 8);
    r->error[len] = '\0';
    if (r->script && r->number && words)
        rl_reply_errorf(&reply, "%s in statement %zu:%s", e->code, r->number, words);
    else
        rl_reply_error(&reply, r->error);
}

/* --- one statement --------------------------------------------------------------------------- */

static int run_own(rl_sql_engine *e, const char *sql) {
    bool lifted = e->guard.lifted;
    e->guard.lifted = true;
    int rc = sqlite3_exec(e->db, sql, NULL, NULL, NULL);
    e->guard.lifted = lifted;
    return rc;
}

/* EXPLAIN of a write is a read; SQLite says what the statement would be without EXPLAIN. */
static bool is_read(sqlite3_stmt *stmt, const sql_facts *facts) {
    if (sql_text_begins(sqlite3_sql(stmt), "PRAGMA"))
        return facts->pragma_reads;
    return sqlite3_stmt_isexplain(stmt) || sqlite3_stmt_readonly(stmt);
}

/* Steps through all rows. The columns are those after the first step, which may have prepared the
 * statement again for a schema that has changed. */
static step_result step_all(rl_sql_engine *e, sqlite3_stmt *stmt, const sql_facts *facts) {
    sql_answer *a = &e->run->answer;
    int64_t changes = sqlite3_total_changes64(e->db);
    int rc = sqlite3_step(stmt);
    bool rows = sqlite3_column_count(stmt) > 0;
    sql_answer_state state = SQL_ANSWER_FITS;
    if (rows && (rc == SQLITE_ROW || rc == SQLITE_DONE))
        state = sql_answer_names(a, stmt);
    while (rc == SQLITE_ROW && state == SQL_ANSWER_FITS) {
        if ((state = sql_answer_row(a, stmt)) == SQL_ANSWER_FITS)
            rc = sqlite3_step(stmt);
    }
    if (state != SQL_ANSWER_FITS)
        return fail_limit(e, state);
    if (rc != SQLITE_DONE)
        return fail_sqlite(e, rc);
    if (rows)
        sql_answer_rows_end(a);
    else if (facts->schema || sqlite3_total_changes64(e->db) == changes)
        sql_answer_changes(a, 0);
    else
        sql_answer_changes(a, sqlite3_changes64(e->db));
    return STEP_DONE;
}

/* What the authorizer could not see, once the schema has changed. */
static step_result check_schema(rl_sql_engine *e, const sql_facts *facts, int64_t reserved) {
    run *r = e->run;
    e->guard.lifted = true;
    int rc = sql_schema_check(e->db, reserved, r->error, sizeof r->error);
    if (rc == SQLITE_OK && facts->index_of[0])
        rc = sql_schema_probe(e->db, facts->index_of, r->error, sizeof r->error);
    e->guard.lifted = false;
    if (rc == SQLITE_AUTH) {
        e->rc = rc;
        return STEP_FAILED;
    }
    return rc == SQLITE_OK ? STEP_DONE : fail_sqlite(e, rc);
}

static step_result step_writer(rl_sql_engine *e, sqlite3_stmt *stmt, const sql_facts *facts) {
    int64_t reserved = 0;
    if (facts->makes) {
        e->guard.lifted = true;
        int rc = sql_schema_reserved(e->db, &reserved);
        e->guard.lifted = false;
        if (rc != SQLITE_OK)
            return fail_sqlite(e, rc);
    }
    step_result result = step_all(e, stmt, facts);
    sqlite3_reset(stmt);
    if (result == STEP_DONE && facts->makes)
        result = check_schema(e, facts, reserved);
    return result;
}

static step_result run_statement(rl_sql_engine *e, sqlite3_stmt *stmt, const sql_facts *facts,
                                 bool last) {
    run *r = e->run;
    if (e->role == RL_SQL_READER && !is_read(stmt, facts))
        return STEP_WRITES;
    int count = sqlite3_bind_parameter_count(stmt);
    if (check_params(e, count, last) != STEP_DONE)
        return STEP_FAILED;
    if (!sql_params_bind(stmt, r->query, r->params_used, count, r->error, sizeof r->error)) {
        e->rc = SQLITE_MISMATCH;
        return STEP_FAILED;
    }
    r->params_used += count;
    return e->role == RL_SQL_WRITER ? step_writer(e, stmt, facts) : step_all(e, stmt, facts);
}

/* Before a statement is prepared, or taken from the cache. */
static step_result begin_statement(rl_sql_engine *e) {
    run *r = e->run;
    r->number++;
    sql_guard_begin(&e->guard);
    sql_functions_begin(e->functions);
    if (r->query->limits.timeout_ms > 0)
        r->deadline_ms = coarse_ms() + r->query->limits.timeout_ms;
    atomic_store(&e->deadline_ms, r->deadline_ms);
    return is_cancelled(r) ? fail_sqlite(e, SQLITE_INTERRUPT) : STEP_DONE;
}

/* --- a script -------------------------------------------------------------------------------- */

/* A reader that has not read anything since the schema changed knows the old one. SQLite notices
 * when it runs a statement, and when it misses a table; not when it explains a statement, nor when
 * it misses an index. Running this one makes it look. */
static void look_at_schema(rl_sql_engine *e) {
    e->guard.lifted = true;
    if (e->look == NULL)
        sqlite3_prepare_v3(e->db, "SELECT 1 FROM main.sqlite_schema LIMIT 1", -1,
                           SQLITE_PREPARE_PERSISTENT, &e->look, NULL);
    sqlite3_step(e->look);
    sqlite3_reset(e->look);
    e->guard.lifted = false;
}

static step_result prepare(rl_sql_engine *e, sqlite3_stmt **stmt) {
    run *r = e->run;
    r->statement = r->rest;
    if (sql_text_begins(r->statement, "VACUUM"))
        return fail(r, "SQLDENIED VACUUM would keep all clients waiting while it writes the whole "
                       "file anew; stop the server and run it with sqlite3");
    bool first = r->number == 1;
    unsigned flags = 0;
    if (first && e->role == RL_SQL_READER) {
        look_at_schema(e);
        flags = SQLITE_PREPARE_PERSISTENT;
    }
    const char *tail = NULL;
    int rc = sqlite3_prepare_v3(e->db, r->statement, -1, flags, stmt, &tail);
    if (rc == SQLITE_TOOBIG && e->guard.reason[0] == '\0') {
        e->rc = rc;
        return fail(r,
                    "SQLLIMIT the statement has more than %d bytes; give values as parameters, or "
                    "send several statements",
                    SQL_STATEMENT_BYTES_MAX);
    }
    if (rc != SQLITE_OK)
        return fail_sqlite(e, rc);
    if (*stmt == NULL)
        return fail(r, "SQLERR there is no statement at character %zu",
                    sql_text_characters(r->text, (size_t)(r->statement - r->text)) + 1);
    r->rest = sql_text_skip(tail);
    if (first)
        r->script = *r->rest != '\0';
    return STEP_DONE;
}

/* Some pragmas act while they are prepared. */
static bool may_cache(const rl_sql_engine *e) {
    return e->role == RL_SQL_READER && !e->run->script &&
           !sql_text_begins(e->run->statement, "PRAGMA");
}

static step_result run_next(rl_sql_engine *e) {
    run *r = e->run;
    sqlite3_stmt *stmt = NULL;
    step_result result = begin_statement(e);
    if (result == STEP_DONE)
        result = prepare(e, &stmt);
    sql_facts facts = e->guard.facts; /* later ones are of statements that SQLite runs for it */
    if (result == STEP_DONE && e->role == RL_SQL_READER && r->script && r->number == 1) {
        int rc = run_own(e, "BEGIN");
        if (rc != SQLITE_OK)
            result = fail_sqlite(e, rc);
    }
    if (result == STEP_DONE)
        result = run_statement(e, stmt, &facts, *r->rest == '\0');
    if (result == STEP_DONE && may_cache(e))
        sql_cache_put(e->cache, r->query->text, stmt);
    else
        sqlite3_finalize(stmt);
    return result;
}

static step_result check_text(run *r) {
    rl_bytes text = r->query->text;
    if (rl_text_is_utf8(text))
        return STEP_DONE;
    const char *zero = memchr(text.ptr, 0, text.len);
    if (zero)
        return fail(r,
                    "SQLERR the statement has a zero byte (at byte %zu); give such values as "
                    "parameters",
                    (size_t)(zero - text.ptr) + 1);
    return fail(r, "SQLERR the statement is not UTF-8; give such values as parameters");
}

static step_result run_text(rl_sql_engine *e) {
    run *r = e->run;
    if (check_text(r) != STEP_DONE)
        return STEP_FAILED;
    r->text = rl_strndup(r->query->text.ptr, r->query->text.len);
    r->rest = sql_text_skip(r->text);
    if (*r->rest == '\0')
        return fail(r, "SQLERR there is no statement: the text is empty, or has comments only");
    step_result result = STEP_DONE;
    while (result == STEP_DONE && *r->rest)
        result = run_next(e);
    return result;
}

/* --- readers --------------------------------------------------------------------------------- */

static step_result run_cached(rl_sql_engine *e, sqlite3_stmt *stmt) {
    static const sql_facts none;
    step_result result = begin_statement(e);
    if (result == STEP_DONE)
        result = run_statement(e, stmt, &none, true);
    if (result == STEP_DONE)
        sql_cache_put(e->cache, e->run->query->text, stmt);
    else
        sqlite3_finalize(stmt);
    return result;
}

/* A read transaction that stays open keeps the WAL from being reset: worse than anything else a
 * reader can do. So it does not rest on every path above being right. */
static void end_reading(rl_sql_engine *e) {
    if (!sqlite3_get_autocommit(e->db))
        run_own(e, "ROLLBACK");
    if (sqlite3_txn_state(e->db, "main") == SQLITE_TXN_NONE)
        return;
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(e->db, s)) != NULL;)
        sqlite3_reset(s);
    if (!sqlite3_get_autocommit(e->db))
        run_own(e, "ROLLBACK");
}

static rl_sql_outcome run_reader(rl_sql_engine *e, rl_chain *out) {
    run *r = e->run;
    sql_limits unused;
    sql_limits_set(e->db, r->query->limits.max_bytes, &unused);
    sqlite3_stmt *cached = sql_cache_take(e->cache, r->query->text);
    step_result result = cached ? run_cached(e, cached) : run_text(e);
    end_reading(e);
    switch (result) {
    case STEP_DONE:
        sql_answer_finish(&r->answer, r->script, out);
        return RL_SQL_ANSWERED;
    case STEP_WRITES:
        return RL_SQL_WRITES;
    default:
        write_error(e, out);
        return RL_SQL_ERROR;
    }
}

/* --- the writer ------------------------------------------------------------------------------ */

/* Errors that have nothing to do with what the statement says. SQLITE_CORRUPT is not among them:
 * the damage may be in a table of the client's own (FTS5 answers so when its index and its content
 * differ), and others must go on. */
static bool is_environment(int rc) {
    switch (rc & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
        return true;
    default:
        return false;
    }
}

/* SQLITE_FULL also means that an AUTOINCREMENT table has used the highest id there is, which no
 * free space mends. */
static bool is_out_of_ids(rl_sql_engine *e) {
    if (sqlite3_last_insert_rowid(e->db) == INT64_MAX)
        return true;
    bool found = false;
    sqlite3_stmt *stmt = NULL;
    e->guard.lifted = true;
    if (sqlite3_prepare_v2(e->db, "SELECT 1 FROM sqlite_sequence WHERE seq = 9223372036854775807",
                           -1, &stmt, NULL) == SQLITE_OK)
        found = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    e->guard.lifted = false;
    return found;
}

/* A commit that fails would take more with it than this script. */
static step_result check_deferred(rl_sql_engine *e) {
    int open = 0, unused = 0;
    sqlite3_db_status(e->db, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &unused, 0);
    if (!open)
        return STEP_DONE;
    e->rc = SQLITE_CONSTRAINT_FOREIGNKEY;
    e->run->number = 0;
    return fail(e->run, "SQLERR FOREIGN KEY constraint failed: at the end there is a row whose "
                        "parent is not there; PRAGMA foreign_key_check finds such rows");
}

static rl_sql_outcome undo(rl_sql_engine *e) {
    bool environment =
        is_environment(e->rc) && !((e->rc & 0xff) == SQLITE_FULL && is_out_of_ids(e));
    if (sqlite3_get_autocommit(e->db))
        return environment ? RL_SQL_BROKEN : RL_SQL_ROLLED_BACK;
    int rc = run_own(e, "ROLLBACK TO rl_sql; RELEASE rl_sql");
    if (rc != SQLITE_OK)
        e->rc = rc;
    return environment || rc != SQLITE_OK ? RL_SQL_BROKEN : RL_SQL_ERROR;
}

static rl_sql_outcome run_in_savepoint(rl_sql_engine *e) {
    int rc = run_own(e, "SAVEPOINT rl_sql");
    if (rc != SQLITE_OK) {
        fail_sqlite(e, rc);
        return RL_SQL_BROKEN;
    }
    sqlite3_set_authorizer(e->db, sql_authorize, &e->guard);
    sqlite3_progress_handler(e->db, LOOK_EVERY, on_progress, e);
    step_result result = run_text(e);
    sqlite3_progress_handler(e->db, 0, NULL, NULL);
    sqlite3_set_authorizer(e->db, NULL, NULL);
    sql_functions_rest(e->functions);
    if (result == STEP_DONE)
        result = check_deferred(e);
    if (result == STEP_DONE && (rc = run_own(e, "RELEASE rl_sql")) != SQLITE_OK)
        result = fail_sqlite(e, rc);
    return result == STEP_DONE ? RL_SQL_ANSWERED : undo(e);
}

static rl_sql_outcome run_writer(rl_sql_engine *e, rl_chain *out) {
    run *r = e->run;
    sql_limits saved;
    sql_guard_begin(&e->guard);
    sql_limits_set(e->db, r->query->limits.max_bytes, &saved);
    rl_sql_outcome outcome = run_in_savepoint(e);
    sql_limits_restore(e->db, &saved);
    if (outcome == RL_SQL_ANSWERED)
        sql_answer_finish(&r->answer, r->script, out);
    else
        write_error(e, out);
    return outcome;
}

/* --- the engine ------------------------------------------------------------------------------ */

/* A small cache: there are several readers. Sorts go to files, however large. Triggers and foreign
 * keys never act here, but a statement that writes is prepared, and must get the writer's errors.
 */
static void configure_reader(rl_sql_engine *e) {
    sqlite3_exec(e->db,
                 "PRAGMA query_only = ON; PRAGMA foreign_keys = ON; PRAGMA temp_store = FILE;"
                 "PRAGMA cache_size = -4096",
                 NULL, NULL, NULL);
    sqlite3_db_config(e->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    e->cache = sql_cache_create();
    sqlite3_set_authorizer(e->db, sql_authorize, &e->guard);
    sqlite3_progress_handler(e->db, LOOK_EVERY, on_progress, e);
}

rl_sql_engine *rl_sql_engine_create(sqlite3 *db, rl_sql_role role) {
    rl_sql_engine *e = rl_calloc(1, sizeof *e);
    e->db = db;
    e->role = role;
    e->functions = sql_functions_add(db);
    if (role == RL_SQL_READER)
        configure_reader(e);
    return e;
}

void rl_sql_engine_free(rl_sql_engine *e) {
    if (e == NULL)
        return;
    if (e->role == RL_SQL_READER) {
        sql_cache_free(e->cache);
        sqlite3_finalize(e->look);
        sql_functions_rest(e->functions);
        sqlite3_progress_handler(e->db, 0, NULL, NULL);
        sqlite3_set_authorizer(e->db, NULL, NULL);
    }
    sql_functions_release(e->functions);
    rl_free(e);
}

rl_sql_outcome rl_sql_engine_run(rl_sql_engine *e, const rl_sql_query *q,
                                 const _Atomic bool *cancelled, rl_chain *out) {
    run r = {.query = q, .cancelled = cancelled};
    sql_answer_init(&r.answer, q->resp, q->limits.max_rows, q->limits.max_bytes);
    e->run = &r;
    e->rc = SQLITE_OK;
    e->code[0] = '\0';
    rl_sql_outcome outcome = e->role == RL_SQL_READER ? run_reader(e, out) : run_writer(e, out);
    e->run = NULL;
    atomic_store(&e->deadline_ms, 0);
    sql_answer_release(&r.answer);
    rl_free(r.text);
    return outcome;
}

bool rl_sql_engine_overdue(rl_sql_engine *e, int64_t by_ms) {
    int64_t deadline_ms = atomic_load(&e->deadline_ms);
    return deadline_ms && coarse_ms() - deadline_ms > by_ms;
}

void rl_sql_engine_interrupt(rl_sql_engine *e) {
    sqlite3_interrupt(e->db);
}

int rl_sql_engine_rc(const rl_sql_engine *e) {
    return e->rc;
}

const char *rl_sql_engine_error_code(const rl_sql_engine *e) {
    return e->code;
}
