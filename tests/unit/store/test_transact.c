/* SPDX-License-Identifier: MIT */
/*
 * Jobs and units on one connection: steps see the changes before them and no others, a unit is
 * whole or not there, and what users put into the file (foreign keys, triggers, indexes) counts for
 * their statements and never stops a fold.
 */
#include "store/transact.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "lib/faulty_vfs.h"
#include "lib/store_files.h"
#include "store/store.h"

#define MOST_STEPS 8

typedef struct base {
    char path[1024];
    sqlite3 *db;
    rl_schema_meta meta;
    rl_fold *fold;
} base;

static char *dir;
static base main_base;
static rl_batch_builder *builder;
static uint64_t seq;
static char error[512];

static void open_base(base *b, const char *name) {
    snprintf(b->path, sizeof b->path, "%s/%s", dir, name);
    cr_assert_eq(rl_schema_open(b->path, &b->db, &b->meta, error, sizeof error), RL_STORE_OK, "%s",
                 error);
    cr_assert_eq(rl_fold_create(b->db, &b->meta, &b->fold), SQLITE_OK);
}

static void close_base(base *b) {
    rl_fold_free(b->fold);
    cr_assert_eq(sqlite3_close(b->db), SQLITE_OK);
}

static void setup(void) {
    dir = store_files_make();
    builder = rl_batch_builder_create();
    seq = 0;
    open_base(&main_base, "data.db");
}

static void teardown(void) {
    close_base(&main_base);
    rl_batch_builder_free(builder);
    store_files_remove(dir);
}

TestSuite(transact, .init = setup, .fini = teardown);

/* --- tools ----------------------------------------------------------------------------------- */

typedef struct test_job {
    rl_job job;
    const char *sql[MOST_STEPS];
    int rc[MOST_STEPS];     /* what SQLite said */
    int answer[MOST_STEPS]; /* what run answers, when it is not OK */
    size_t cuts[MOST_STEPS];
    void (*look)(size_t step);
    int runs;
} test_job;

/* As the engine does: a statement that fails is undone alone. */
static int run_sql(rl_job *job, size_t step, sqlite3 *db) {
    test_job *t = (test_job *)job;
    t->runs++;
    if (t->look)
        t->look(step);
    if (t->answer[step])
        return t->answer[step];
    if (t->sql[step] == NULL)
        return SQLITE_OK;
    cr_assert_eq(sqlite3_exec(db, "SAVEPOINT s", NULL, NULL, NULL), SQLITE_OK);
    t->rc[step] = sqlite3_exec(db, t->sql[step], NULL, NULL, NULL);
    if (sqlite3_get_autocommit(db))
        return t->rc[step];
    if ((t->rc[step] & 0xff) == SQLITE_IOERR || (t->rc[step] & 0xff) == SQLITE_FULL)
        return t->rc[step];
    int rc = SQLITE_OK;
    if (t->rc[step] != SQLITE_OK)
        rc = sqlite3_exec(db, "ROLLBACK TO s", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "RELEASE s", NULL, NULL, NULL);
    return rc;
}

static test_job make_job(const char *first) {
    return (test_job){.job = {.run = run_sql, .steps = 1}, .sql = {first}};
}

static void put(uint64_t id, const char *key, const char *value) {
    rl_batch_key(builder, id, 0, RL_TYPE_STRING, RL_NEVER, rl_bytes_text(key),
                 rl_bytes_text(value));
}

/* The next step comes here. */
static void cut(test_job *t, const char *sql) {
    t->sql[t->job.steps] = sql;
    t->cuts[t->job.steps++] = rl_batch_builder_bytes(builder);
}

static rl_batch *seal_unit(test_job *t) {
    t->job.run = run_sql;
    t->job.cuts = t->cuts;
    rl_batch *unit = rl_batch_seal(builder, ++seq);
    rl_batch_job_set(unit, &t->job);
    return unit;
}

static rl_job_end end;

static int run_unit(test_job *t) {
    rl_batch *unit = seal_unit(t);
    rl_fold_result result;
    int rc = rl_transact_unit(main_base.fold, main_base.db, unit, &result, &end);
    if (rc == SQLITE_OK)
        cr_assert_eq(result.last, unit);
    rl_batch_free(unit);
    return rc;
}

static void run_job(test_job *t) {
    rl_transact_job(main_base.db, &t->job, &end);
}

static void run_ok(const char *sql) {
    test_job t = make_job(sql);
    run_job(&t);
    cr_assert_eq(end.rc, SQLITE_OK, "%s", end.why);
    cr_assert_eq(t.rc[0], SQLITE_OK, "%s: %d", sql, t.rc[0]);
}

static void fold_builder(base *b, uint64_t number) {
    rl_batch *batch = rl_batch_seal(builder, number);
    rl_fold_result result;
    int rc = rl_fold_run(b->fold, batch, UINT64_MAX, &result);
    cr_assert_eq(rc, SQLITE_OK, "%s", sqlite3_errmsg(b->db));
    rl_batch_free(batch);
}

static void fold_now(void) {
    fold_builder(&main_base, ++seq);
}

static const char *dump(sqlite3 *db) {
    return store_sql_text(db,
                          "SELECT ifnull(group_concat(row, ' '), '') FROM (SELECT id || ':' || db "
                          "|| ':' || key || '=' || ifnull(value, '-') AS row FROM rl_key ORDER BY "
                          "id)");
}

#define ONE(sql) store_sql_text(main_base.db, sql)

/* --- units ----------------------------------------------------------------------------------- */

Test(transact, a_step_sees_the_changes_before_it_and_no_others)
{
    run_ok("CREATE TABLE seen(step, rows)");
    put(1, "a", "0");
    fold_now();
    test_job t = {0};
    cut(&t, "INSERT INTO seen SELECT 0, group_concat(key || value) FROM rl_key");
    put(2, "b", "1");
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("2"));
    cut(&t, "INSERT INTO seen SELECT 1, group_concat(key || value) FROM rl_key");
    rl_batch_name(builder, 1, 0, RL_BYTES("c"));
    rl_batch_delete(builder, 2, RL_TYPE_STRING);
    cut(&t, "INSERT INTO seen SELECT 2, group_concat(key || value) FROM rl_key");
    rl_batch_clear(builder, -1);
    cut(&t, "INSERT INTO seen SELECT 3, count(*) FROM rl_key");
    put(3, "d", "3");
    cr_assert_eq(run_unit(&t), SQLITE_OK);
    cr_assert_eq(end.rc, SQLITE_OK);
    cr_assert_str_eq(ONE("SELECT group_concat(rows, ' ') FROM seen ORDER BY step"),
                     "a0 a2,b1 c2 0");
    cr_assert_str_eq(dump(main_base.db), "3:0:d=3");
    cr_assert_eq(main_base.meta.folded_seq, seq);
    cr_assert_eq(main_base.meta.next_id, 4);
    cr_assert_eq(main_base.meta.rows, 1);
}

Test(transact, a_failed_statement_leaves_the_rest_of_the_unit)
{
    run_ok("CREATE TABLE u(n UNIQUE)");
    test_job t = {0};
    put(1, "a", "1");
    cut(&t, "INSERT INTO u VALUES(1)");
    cut(&t, "INSERT INTO u VALUES(2), (1)");
    put(2, "b", "2");
    cut(&t, "INSERT INTO u VALUES(3)");
    cr_assert_eq(run_unit(&t), SQLITE_OK);
    cr_assert_eq(end.rc, SQLITE_OK);
    cr_assert_eq(t.rc[1], SQLITE_CONSTRAINT_UNIQUE);
    cr_assert_eq(t.runs, 3);
    cr_assert_str_eq(ONE("SELECT group_concat(n) FROM u"), "1,3");
    cr_assert_str_eq(dump(main_base.db), "1:0:a=1 2:0:b=2");
}

Test(transact, a_fold_stops_in_front_of_a_unit)
{
    put(1, "a", "1");
    rl_batch *first = rl_batch_seal(builder, 1);
    put(2, "b", "2");
    seq = 1;
    test_job t = {0};
    rl_batch *unit = seal_unit(&t);
    rl_batch_next_store(first, unit);
    rl_fold_result result;
    cr_assert_eq(rl_fold_run(main_base.fold, first, UINT64_MAX, &result), SQLITE_OK);
    cr_assert_eq(result.last, first);
    cr_assert_str_eq(dump(main_base.db), "1:0:a=1");
    rl_batch_free(first);
    rl_batch_free(unit);
}

static int answer_now; /* of the step that breaks; 0: it knows its answer */

static int run_breaking(rl_job *job, size_t step, sqlite3 *db) {
    test_job *t = (test_job *)job;
    if (step == 1 && answer_now) {
        t->runs++;
        int rc = answer_now;
        answer_now = 0;
        cr_assert_eq(sqlite3_exec(db, "INSERT INTO u VALUES(99)", NULL, NULL, NULL), SQLITE_OK);
        if (rc == SQLITE_ABORT_ROLLBACK)
            cr_assert_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
        return rc;
    }
    return step == 1 ? (t->runs++, SQLITE_OK) : run_sql(job, step, db);
}

Test(transact, a_step_that_breaks_the_transaction_has_it_begun_anew)
{
    run_ok("CREATE TABLE u(n)");
    static const int codes[] = {SQLITE_ABORT_ROLLBACK, SQLITE_INTERRUPT, SQLITE_CORRUPT_VTAB,
                                SQLITE_ERROR};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        test_job t = {0};
        put(i + 1, "a", "1");
        rl_batch_name(builder, i + 1, (int)i, RL_BYTES("k"));
        cut(&t, "INSERT INTO u VALUES(1)");
        cut(&t, NULL);
        cut(&t, "INSERT INTO u VALUES(2)");
        rl_batch *unit = seal_unit(&t);
        t.job.run = run_breaking;
        answer_now = codes[i];
        rl_fold_result result;
        cr_assert_eq(rl_transact_unit(main_base.fold, main_base.db, unit, &result, &end),
                     SQLITE_OK);
        rl_batch_free(unit);
        cr_assert_eq(end.rc, SQLITE_OK);
        cr_assert_eq(t.runs, 2 + 3);
    }
    cr_assert_str_eq(ONE("SELECT group_concat(n) FROM u"), "1,2,1,2,1,2,1,2");
    cr_assert_str_eq(dump(main_base.db), "1:0:k=1 2:1:k=1 3:2:k=1 4:3:k=1");
}

Test(transact, changes_are_kept_without_steps_that_never_end_well)
{
    run_ok("CREATE TABLE u(n)");
    test_job t = {0};
    put(1, "a", "1");
    cut(&t, "INSERT INTO u VALUES(1)");
    cut(&t, NULL);
    put(2, "b", "2");
    t.answer[1] = SQLITE_MISUSE;
    cr_assert_eq(run_unit(&t), SQLITE_OK);
    cr_assert_eq(end.rc, SQLITE_MISUSE);
    cr_assert_gt(strlen(end.why), 0);
    cr_assert_eq(t.runs, 4 * 2);
    cr_assert_str_eq(ONE("SELECT count(*) FROM u"), "0");
    cr_assert_str_eq(dump(main_base.db), "1:0:a=1 2:0:b=2");
}

Test(transact, a_full_disk_in_a_step_has_the_unit_tried_again_later)
{
    test_job t = {0};
    put(1, "a", "1");
    cut(&t, NULL);
    t.answer[0] = SQLITE_FULL;
    rl_batch *unit = seal_unit(&t);
    rl_fold_result result;
    cr_assert_eq(rl_transact_unit(main_base.fold, main_base.db, unit, &result, &end), SQLITE_FULL);
    cr_assert_eq(t.runs, 1);
    cr_assert_str_eq(dump(main_base.db), "");
    cr_assert_eq(main_base.meta.folded_seq, 0);
    t.answer[0] = 0;
    cr_assert_eq(rl_transact_unit(main_base.fold, main_base.db, unit, &result, &end), SQLITE_OK);
    cr_assert_str_eq(dump(main_base.db), "1:0:a=1");
    rl_batch_free(unit);
}

Test(transact, a_deferred_foreign_key_left_open_costs_the_steps_and_no_more)
{
    run_ok("CREATE TABLE p(n PRIMARY KEY);"
           "CREATE TABLE c(n REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    test_job t = {0};
    put(1, "a", "1");
    cut(&t, "INSERT INTO c VALUES(7)");
    cr_assert_eq(run_unit(&t), SQLITE_OK);
    cr_assert_eq(end.rc, SQLITE_CONSTRAINT_FOREIGNKEY);
    cr_assert(strstr(end.why, "FOREIGN KEY") != NULL);
    cr_assert_str_eq(ONE("SELECT count(*) FROM c"), "0");
    cr_assert_str_eq(dump(main_base.db), "1:0:a=1");

    test_job both = {0};
    cut(&both, "INSERT INTO c VALUES(7)");
    put(2, "b", "2");
    cut(&both, "INSERT INTO p VALUES(7)");
    cr_assert_eq(run_unit(&both), SQLITE_OK);
    cr_assert_eq(end.rc, SQLITE_OK);
    cr_assert_str_eq(ONE("SELECT count(*) FROM c"), "1");

    test_job alone = make_job("INSERT INTO c VALUES(8)");
    run_job(&alone);
    cr_assert_eq(end.rc, SQLITE_CONSTRAINT_FOREIGNKEY);
    cr_assert_str_eq(ONE("SELECT count(*) FROM c"), "1");
}

/* --- random units against folds of their parts -------------------------------------------------
 */

static base parts;
static char *snapshots[MOST_STEPS];

static void compare_with_parts(size_t step) {
    cr_assert_str_eq(dump(main_base.db), snapshots[step]);
}

typedef struct model_key {
    uint64_t id;
    int number;
    char name[16];
} model_key;

#define KEYS 24

static struct {
    model_key keys[KEYS];
    size_t count;
    uint64_t next_id;
} model;

static model_key *find(int number, const char *name) {
    for (size_t i = 0; i < model.count; i++) {
        if (model.keys[i].number == number && strcmp(model.keys[i].name, name) == 0)
            return &model.keys[i];
    }
    return NULL;
}

static void drop_key(rl_batch_builder *to[2], model_key *k) {
    for (int i = 0; i < 2; i++)
        rl_batch_delete(to[i], k->id, RL_TYPE_STRING);
    *k = model.keys[--model.count];
}

/* One change that a keyspace could make, into both builders. */
static void random_change(rl_random *random, rl_batch_builder *to[2]) {
    char name[16], value[16];
    int number = (int)rl_random_below(random, 2);
    snprintf(name, sizeof name, "k%d", (int)rl_random_below(random, 12));
    snprintf(value, sizeof value, "v%d", (int)rl_random_below(random, 1000));
    model_key *k = find(number, name);
    unsigned what = (unsigned)rl_random_below(random, 100);
    if (what < 3) {
        for (int i = 0; i < 2; i++)
            rl_batch_clear(to[i], what == 0 ? -1 : number);
        for (size_t i = model.count; i-- > 0;) {
            if (what == 0 || model.keys[i].number == number)
                model.keys[i] = model.keys[--model.count];
        }
    } else if (what < 7) {
        for (int i = 0; i < 2; i++)
            rl_batch_swap(to[i], 0, 1);
        for (size_t i = 0; i < model.count; i++)
            model.keys[i].number = 1 - model.keys[i].number;
    } else if (what < 20 && k) {
        drop_key(to, k);
    } else if (what < 40 && model.count) {
        model_key moved = model.keys[rl_random_below(random, model.count)];
        if (k && k->id == moved.id)
            return;
        if (k)
            drop_key(to, k);
        for (size_t i = 0; i < model.count; i++) {
            if (model.keys[i].id == moved.id) {
                model.keys[i].number = number;
                snprintf(model.keys[i].name, sizeof name, "%s", name);
            }
        }
        for (int i = 0; i < 2; i++)
            rl_batch_name(to[i], moved.id, number, rl_bytes_text(name));
    } else if (k) {
        for (int i = 0; i < 2; i++)
            rl_batch_value(to[i], k->id, RL_NEVER, rl_bytes_text(value));
    } else if (model.count < KEYS) {
        k = &model.keys[model.count++];
        *k = (model_key){.id = model.next_id++, .number = number};
        snprintf(k->name, sizeof k->name, "%s", name);
        for (int i = 0; i < 2; i++)
            rl_batch_key(to[i], k->id, number, RL_TYPE_STRING, RL_NEVER, rl_bytes_text(name),
                         rl_bytes_text(value));
    }
}

Test(transact, random_units_are_what_folds_of_their_parts_are, .timeout = 120)
{
    open_base(&parts, "parts.db");
    store_sql_run(main_base.db, "PRAGMA synchronous = OFF");
    store_sql_run(parts.db, "PRAGMA synchronous = OFF");
    rl_batch_builder *part_builder = rl_batch_builder_create();
    rl_batch_builder *to[2] = {builder, part_builder};
    rl_random random;
    rl_random_seed(&random, 42);
    model.next_id = 1;
    uint64_t part_seq = 0;
    for (int round = 0; round < 300; round++) {
        test_job t = {.look = compare_with_parts};
        size_t steps = rl_random_below(&random, MOST_STEPS);
        for (size_t s = 0; s <= steps; s++) {
            for (uint64_t n = rl_random_below(&random, 12); n > 0; n--)
                random_change(&random, to);
            builder = part_builder;
            fold_builder(&parts, ++part_seq);
            builder = to[0];
            if (s < steps) {
                snapshots[s] = rl_strdup(dump(parts.db));
                cut(&t, NULL);
            }
        }
        cr_assert_eq(run_unit(&t), SQLITE_OK);
        cr_assert_eq(t.runs, (int)steps);
        char *rows = rl_strdup(dump(parts.db));
        cr_assert_str_eq(dump(main_base.db), rows, "round %d", round);
        rl_free(rows);
        cr_assert_eq(main_base.meta.rows, model.count);
        cr_assert_eq(main_base.meta.next_id, parts.meta.next_id);
        for (size_t s = 0; s < steps; s++)
            rl_free(snapshots[s]);
    }
    rl_batch_builder_free(part_builder);
    close_base(&parts);
}

/* --- the disk fails ----------------------------------------------------------------------------
 */

/* A teardown and a setup of the connection: what a next start finds. */
static void restart(void) {
    close_base(&main_base);
    open_base(&main_base, "data.db");
}

Test(transact, a_unit_is_whole_or_not_there_whatever_call_fails, .timeout = 120)
{
    faulty_vfs_install();
    restart(); /* on that file system */
    run_ok("CREATE TABLE u(n)");
    int failures = 0;
    bool more = true;
    for (uint64_t nth = 1; more; nth++) {
        uint64_t before = main_base.meta.folded_seq;
        seq = before;
        test_job t = {0};
        char key[32], sql[64];
        snprintf(key, sizeof key, "%d", (int)nth);
        put(nth * 2, key, "x");
        snprintf(sql, sizeof sql, "INSERT INTO u VALUES(%d)", (int)nth);
        cut(&t, sql);
        snprintf(key, sizeof key, "-%d", (int)nth);
        put(nth * 2 + 1, key, "y");
        faulty_vfs_fail_once(nth);
        int rc = run_unit(&t);
        faulty_vfs_heal();
        more = rc != SQLITE_OK;
        failures += more;
        if (more)
            cr_assert_eq(main_base.meta.folded_seq, before);
        if (nth % 2)
            restart(); /* else it goes on, on the same connection */
        int64_t rows = store_sql_int(main_base.db,
                                     "SELECT count(*) FROM rl_key WHERE abs(key) = %d", (int)nth);
        int64_t ours = store_sql_int(main_base.db, "SELECT count(*) FROM u WHERE n = %d", (int)nth);
        cr_assert(rows == 2 * ours, "%d: %d rows and %d", (int)nth, (int)rows, (int)ours);
        cr_assert_eq(main_base.meta.folded_seq, before + (uint64_t)ours);
        cr_assert(more ? ours == 0 || nth % 2 : ours == 1);
    }
    cr_assert_gt(failures, 5);
    cr_assert_str_eq(ONE("PRAGMA integrity_check"), "ok");
}

Test(transact, a_job_is_whole_or_not_there_whatever_call_fails, .timeout = 120)
{
    faulty_vfs_install();
    restart();
    run_ok("CREATE TABLE u(n)");
    int failures = 0;
    bool more = true;
    for (uint64_t nth = 1; more; nth++) {
        char sql[128];
        snprintf(sql, sizeof sql, "INSERT INTO u VALUES(%d); INSERT INTO u VALUES(%d)", (int)nth,
                 (int)nth);
        test_job t = make_job(sql);
        faulty_vfs_fail_once(nth);
        run_job(&t);
        faulty_vfs_heal();
        more = end.rc != SQLITE_OK;
        failures += more;
        if (more)
            cr_assert_gt(strlen(end.why), 0);
        int64_t ours = store_sql_int(main_base.db, "SELECT count(*) FROM u WHERE n = %d", (int)nth);
        cr_assert_eq(ours, more ? 0 : 2);
    }
    cr_assert_gt(failures, 2);
}

Test(transact, a_job_waits_for_another_programs_lock_and_says_so_in_the_end)
{
    sqlite3_busy_timeout(main_base.db, 10);
    run_ok("CREATE TABLE u(n)");
    sqlite3 *other = store_sql_open(main_base.path);
    store_sql_run(other, "BEGIN IMMEDIATE");
    test_job t = make_job("INSERT INTO u VALUES(1)");
    run_job(&t);
    cr_assert_eq(end.rc & 0xff, SQLITE_BUSY);
    cr_assert_eq(t.runs, 0);
    store_sql_run(other, "ROLLBACK");
    run_job(&t);
    cr_assert_eq(end.rc, SQLITE_OK);
    cr_assert_eq(sqlite3_close(other), SQLITE_OK);
}

/* --- what users put into the file --------------------------------------------------------------
 */

Test(transact, foreign_keys_and_triggers_are_on_for_steps_and_off_for_folds)
{
    run_ok("CREATE TABLE p(n PRIMARY KEY); CREATE TABLE c(n REFERENCES p ON DELETE CASCADE);"
           "CREATE TABLE log(what);"
           "CREATE TRIGGER on_key INSERT ON rl_key BEGIN SELECT RAISE(ABORT, 'no'); END;"
           "CREATE TRIGGER on_p INSERT ON p BEGIN INSERT INTO log VALUES(new.n); END");
    test_job t = {0};
    put(1, "a", "1"); /* the trigger would refuse it */
    cut(&t, "INSERT INTO c VALUES(5)");
    put(2, "b", "2");
    cut(&t, "INSERT INTO p VALUES(6)");
    put(3, "c", "3");
    cr_assert_eq(run_unit(&t), SQLITE_OK);
    cr_assert_eq(t.rc[0], SQLITE_CONSTRAINT_FOREIGNKEY);
    cr_assert_eq(t.rc[1], SQLITE_OK);
    cr_assert_str_eq(ONE("SELECT group_concat(what) FROM log"), "6");
    cr_assert_eq(main_base.meta.rows, 3);
    run_ok("INSERT INTO c VALUES(6); DELETE FROM p");
    cr_assert_str_eq(ONE("SELECT count(*) FROM c"), "0", "cascaded");
}

Test(transact, folds_go_on_after_the_schema_has_changed)
{
    static const char *const changes[] = {
        "CREATE INDEX i ON rl_key(value)",
        "CREATE TABLE t(a, b)",
        "CREATE INDEX j ON rl_key(json_extract(value, '$.a')) WHERE json_valid(value)",
        "DROP INDEX i",
        "CREATE VIEW v AS SELECT key FROM rl_key",
        "ALTER TABLE t ADD COLUMN c",
        "DROP TABLE t",
        "ANALYZE",
    };
    uint64_t id = 1;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", (int)i);
        put(id++, key, "{\"a\":1}");
        fold_now();
        run_ok(changes[i]);
        rl_batch_value(builder, id - 1, RL_NEVER, RL_BYTES("text"));
        fold_now();
        test_job t = {0};
        snprintf(key, sizeof key, "u%d", (int)i);
        put(id++, key, "x");
        cut(&t, "CREATE TABLE made(a); CREATE INDEX made_i ON rl_key(type)");
        rl_batch_value(builder, id - 1, RL_NEVER, RL_BYTES("y"));
        cut(&t, "DROP INDEX made_i; DROP TABLE made");
        rl_batch_value(builder, id - 2, RL_NEVER, RL_BYTES("z"));
        cr_assert_eq(run_unit(&t), SQLITE_OK);
        cr_assert_eq(t.rc[0] | t.rc[1], SQLITE_OK);
    }
    cr_assert_eq(
        store_sql_int(main_base.db, "SELECT count(*) FROM rl_key WHERE value IN ('y','z')"),
        2 * (int64_t)(sizeof changes / sizeof *changes));
    cr_assert_str_eq(ONE("PRAGMA integrity_check"), "ok");
    cr_assert_eq(rl_fold_indexes_dropped(main_base.fold), 0);
}

static bool index_exists(const char *name) {
    return store_sql_int(main_base.db, "SELECT count(*) FROM sqlite_schema WHERE name = %Q", name);
}

Test(transact, an_index_that_cannot_take_a_value_is_dropped_and_the_others_kept)
{
    run_ok("CREATE INDEX bad ON rl_key(value ->> '$.city');"
           "CREATE INDEX good ON rl_key(length(value));"
           "CREATE INDEX guarded ON rl_key(value ->> '$.city') WHERE json_valid(value);"
           "CREATE TABLE mine(a); CREATE INDEX \"odd \"\"name\" ON mine(a)");
    put(1, "a", "{\"city\":\"Oslo\"}");
    fold_now();
    cr_assert(index_exists("bad"));
    put(2, "b", "no json");
    put(3, "c", "{\"city\":\"Rome\"}");
    fold_now();
    cr_assert_eq(main_base.meta.rows, 3);
    cr_assert_not(index_exists("bad"));
    cr_assert(index_exists("good"));
    cr_assert(index_exists("guarded"));
    cr_assert(index_exists("odd \"name"));
    cr_assert(index_exists("rl_key_name"));
    cr_assert_eq(rl_fold_indexes_dropped(main_base.fold), 1);
    cr_assert_str_eq(ONE("PRAGMA integrity_check"), "ok");
    put(4, "d", "more");
    fold_now();
    cr_assert_eq(main_base.meta.rows, 4);
}

Test(transact, a_unique_index_of_a_users_goes_when_two_values_are_alike)
{
    run_ok("CREATE UNIQUE INDEX one ON rl_key(value)");
    put(1, "a", "same");
    fold_now();
    put(2, "b", "same");
    rl_batch_name(builder, 1, 0, RL_BYTES("c"));
    fold_now();
    cr_assert_str_eq(dump(main_base.db), "1:0:c=same 2:0:b=same");
    cr_assert_not(index_exists("one"));
    cr_assert_eq(rl_fold_indexes_dropped(main_base.fold), 1);
}

Test(transact, an_index_that_is_made_and_broken_within_a_unit_stops_nothing)
{
    run_ok("CREATE TABLE u(n); CREATE INDEX good ON rl_key(value)");
    test_job t = {0};
    put(1, "a", "{}");
    cut(&t, "CREATE INDEX bad ON rl_key(value ->> '$.x')");
    put(2, "b", "no json");
    cut(&t, "INSERT INTO u SELECT count(*) FROM rl_key");
    put(3, "c", "nor this");
    cr_assert_eq(run_unit(&t), SQLITE_OK);
    cr_assert_eq(end.rc, SQLITE_OK);
    cr_assert_str_eq(dump(main_base.db), "1:0:a={} 2:0:b=no json 3:0:c=nor this");
    cr_assert_str_eq(ONE("SELECT n FROM u"), "2");
    cr_assert_not(index_exists("bad"));
    cr_assert(index_exists("good"));
    cr_assert_eq(rl_fold_indexes_dropped(main_base.fold), 1);
}

static void f_double(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
}

Test(transact, an_index_on_another_programs_function_is_dropped_at_open)
{
    sqlite3 *other = store_sql_open(main_base.path);
    cr_assert_eq(sqlite3_create_function(other, "strange", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                         NULL, f_double, NULL, NULL),
                 SQLITE_OK);
    store_sql_run(other, "CREATE INDEX good ON rl_key(type)");
    store_sql_run(other, "CREATE INDEX odd ON rl_key(strange(id))");
    put(1, "a", "1");
    fold_now(); /* under the eyes of a running server */
    cr_assert_eq(main_base.meta.rows, 1);
    cr_assert_not(index_exists("odd"));
    cr_assert(index_exists("good"));
    store_sql_int(other, "SELECT count(*) FROM sqlite_schema"); /* it hears of the change */
    store_sql_run(other, "CREATE INDEX odd ON rl_key(strange(id))");
    cr_assert_eq(sqlite3_close(other), SQLITE_OK);
    restart();
    cr_assert_not(index_exists("odd"));
    cr_assert(index_exists("good"));
    put(2, "b", "2");
    fold_now();
    cr_assert_eq(main_base.meta.rows, 2);
}

Test(transact, a_rescue_is_whole_or_not_there_whatever_call_fails, .timeout = 120)
{
    faulty_vfs_install();
    restart();
    bool more = true;
    uint64_t id = 1;
    for (uint64_t nth = 1; more; nth++) {
        store_sql_run(main_base.db, "DELETE FROM rl_key WHERE value = 'no json'");
        store_sql_run(main_base.db, "CREATE INDEX IF NOT EXISTS bad ON rl_key(value ->> '$.x')");
        char key[16];
        snprintf(key, sizeof key, "k%d", (int)nth);
        put(id++, key, "no json");
        rl_batch *batch = rl_batch_seal(builder, ++seq);
        rl_fold_result result;
        faulty_vfs_fail_once(nth);
        int rc = rl_fold_run(main_base.fold, batch, UINT64_MAX, &result);
        faulty_vfs_heal();
        more = rc != SQLITE_OK;
        cr_assert_eq(index_exists("bad"), more);
        if (more)
            cr_assert_eq(rc & 0xff, SQLITE_IOERR);
        rl_batch_free(batch);
    }
    cr_assert_eq(store_sql_int(main_base.db, "SELECT count(*) FROM rl_key"), 1);
}
