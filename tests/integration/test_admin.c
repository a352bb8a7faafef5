/* SPDX-License-Identifier: MIT */
/* rubellite, the administration program: its arguments, backup, info, check, restore. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin_program.h"
#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(admin, .init = setup, .fini = teardown);

/* Nothing is folded before a stop: what is answered waits in the journal. */
#define UNFOLDED "--fold-interval 3600000"

/* One value, as text, of a database file (which may be of a running server). */
static const char *ask_file(const char *path, const char *sql) {
    static char text[4096];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s: %s", path,
                 sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s: %s", path, sqlite3_errmsg(db));
    const char *value = (const char *)sqlite3_column_text(stmt, 0);
    snprintf(text, sizeof text, "%s", value ? value : "(null)");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return text;
}

static void change_file(const char *path, const char *sql) {
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* What is at a path of a JSON text; the test fails when that is no JSON. */
static const char *json(const char *text, const char *path) {
    static char value[4096];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(
        sqlite3_prepare_v2(db, "SELECT json_extract(?1, ?2) WHERE json_valid(?1)", -1, &stmt, NULL),
        SQLITE_OK);
    sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, path, -1, SQLITE_STATIC);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "no JSON: %s", text);
    const char *found = (const char *)sqlite3_column_text(stmt, 0);
    snprintf(value, sizeof value, "%s", found ? found : "(null)");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static char *path_of(const char *name) {
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", s->data, name);
    return path;
}

/* The name of the only file in a directory that begins so. */
static const char *find_name(const char *dir, const char *prefix) {
    static char found[300];
    DIR *d = opendir(dir);
    cr_assert_not_null(d, "%s", dir);
    found[0] = '\0';
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            snprintf(found, sizeof found, "%s/%s", dir, e->d_name);
    closedir(d);
    cr_assert_neq(found[0], '\0', "%s/%s* is not there", dir, prefix);
    return found;
}

/* Writes `count` keys "key:N" through a server that is then stopped or killed. */
static void fill(int count, const char *options, bool cleanly) {
    test_server_start(s, options);
    redisContext *c = test_connect(s);
    for (int i = 0; i < count; i++)
        redisAppendCommand(c, "SET key:%d value:%d", i, i);
    for (int i = 0; i < count; i++)
        cr_assert_str_eq(test_answer(c), "OK");
    redisFree(c);
    if (cleanly)
        cr_assert_eq(test_server_stop(s), 0);
    else
        test_server_kill(s);
}

/* Changes bytes in the middle of a file. */
static void damage(const char *path, off_t offset) {
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    int fd = open(path, O_WRONLY);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, noise, sizeof noise, offset), (ssize_t)sizeof noise);
    close(fd);
}

/* ---- arguments ---- */

Test(admin, wrong_usage_is_told_apart_from_failure)
{
    static const char *const wrong[] = {
        "",
        "frobnicate",
        "info --frobnicate",
        "info . too-much",
        "backup --rate",
        "backup --rate fast",
        "backup --keep 0",
        "backup --quiet=yes",
        "backup --to x --keep 3",
        "check --quick --full",
        "export --db -1",
        "export --db x",
        "info --dbfilename a/b",
        "import -p 0",
        "import -p 99999",
        "import -s /tmp/x -p 1",
        "import a b c",
        "restore",
        "restore --list --latest",
        "restore . --latest --with-journal --without-journal",
        "help frobnicate",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const admin_result *r = admin_run("%s", wrong[i]);
        cr_assert_eq(r->code, 2, "'%s' ended with %d", wrong[i], r->code);
        cr_assert_str_neq(r->err, "", "'%s' says nothing", wrong[i]);
        cr_assert_str_eq(r->out, "", "'%s' prints to stdout", wrong[i]);
    }
}

Test(admin, every_command_has_help)
{
    static const char *const commands[] = {"backup", "restore", "check",
                                           "info",   "export",  "import"};
    const admin_result *r = admin_run("--help");
    admin_expect_code(r, 0);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        admin_expect_says(r, commands[i]);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        r = admin_run("%s --help", commands[i]);
        admin_expect_code(r, 0);
        admin_expect_says(r, "Usage: rubellite");
        admin_expect_says(r, commands[i]);
        admin_expect_code(admin_run("help %s", commands[i]), 0);
    }
    r = admin_run("--version");
    admin_expect_code(r, 0);
    admin_expect_says(r, "Rubellite ");
}

Test(admin, a_directory_that_is_none_is_named)
{
    static const char *const commands[] = {"backup", "check", "info", "export"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const admin_result *r = admin_run("%s %s/missing", commands[i], s->top);
        admin_expect_code(r, 1);
        admin_expect_says(r, "missing: No such file or directory; expected the data directory");
        r = admin_run("%s %s", commands[i], s->data);
        admin_expect_code(r, 1);
        admin_expect_says(r, "data.db: there is no such file");
    }
    admin_expect_code(admin_run("info /etc/passwd"), 1);
    admin_expect_code(admin_run("restore %s --latest", s->data), 1);
    cr_assert_neq(access(path_of("data.db"), F_OK), 0);
}

/* ---- info ---- */

Test(admin, info_beside_a_running_server)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET a 1");
    ASSERT_ASK(c, "OK", "SET b 2 EX 1000");
    ASSERT_ASK(c, "OK", "SELECT 3");
    ASSERT_ASK(c, "OK", "SET c 3");
    ASSERT_ASK(c, "OK", "SAVE");
    const admin_result *r = admin_run("info %s --json", s->data);
    admin_expect_code(r, 0);
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)s->pid);
    cr_assert_str_eq(json(r->out, "$.server.running"), "1");
    cr_assert_str_eq(json(r->out, "$.server.pid"), pid);
    cr_assert_str_eq(json(r->out, "$.keys[0].keys"), "2");
    cr_assert_str_eq(json(r->out, "$.keys[0].expiring"), "1");
    cr_assert_str_eq(json(r->out, "$.keys[1].db"), "3");
    cr_assert_str_eq(json(r->out, "$.keys[1].type"), "string");
    cr_assert_str_eq(json(r->out, "$.journal.state"), "good");
    cr_assert_str_eq(json(r->out, "$.journal.waiting_batches"), "0");
    r = admin_run("info %s", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, pid);
    admin_expect_says(r, "db0: 2 string, 1 key expires");
    redisFree(c);
}

/* Names, sizes and times of everything in a directory. */
static void describe_dir(const char *dir, char *out, size_t out_len) {
    DIR *d = opendir(dir);
    size_t len = strlen(out);
    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[600];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.' || stat(path, &st) != 0)
            continue;
        len += (size_t)snprintf(out + len, out_len - len, "%s %ld %ld.%09ld\n", path,
                                (long)st.st_size, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        cr_assert_lt(len, out_len);
    }
    closedir(d);
}

Test(admin, looking_changes_nothing)
{
    static char before[16384], after[16384];
    static const char *const commands[] = {"info", "info --json", "check", "check --full",
                                           "check --backups"};
    fill(1000, NULL, true);
    for (int round = 0; round < 2; round++) {
        before[0] = after[0] = '\0';
        describe_dir(s->data, before, sizeof before);
        describe_dir(path_of("journal"), before, sizeof before);
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            admin_expect_code(admin_run("%s %s", commands[i], s->data), 0);
        describe_dir(s->data, after, sizeof after);
        describe_dir(path_of("journal"), after, sizeof after);
        cr_assert_str_eq(before, after);
        if (round == 0)
            fill(2000, UNFOLDED, false);
    }
}

Test(admin, what_a_killed_server_left_is_shown)
{
    fill(500, UNFOLDED, false);
    const admin_result *r = admin_run("info %s --json", s->data);
    admin_expect_code(r, 0);
    cr_assert_str_eq(json(r->out, "$.server.running"), "0");
    cr_assert_gt(atoi(json(r->out, "$.journal.waiting_batches")), 0);
    cr_assert_str_eq(json(r->out, "$.keys[0].keys"), "(null)");
    r = admin_run("check %s --json", s->data);
    admin_expect_code(r, 0);
    cr_assert_gt(atoi(json(r->out, "$.waiting_batches")), 0);
}

Test(admin, the_users_tables_are_listed)
{
    fill(10, NULL, true);
    change_file(path_of("data.db"), "CREATE TABLE orders(id INTEGER PRIMARY KEY, price);"
                                    "INSERT INTO orders(price) VALUES(1),(2),(3);"
                                    "CREATE INDEX orders_price ON orders(price);"
                                    "CREATE VIEW cheap AS SELECT * FROM orders WHERE price < 2;"
                                    "CREATE VIRTUAL TABLE words USING fts5(text)");
    const admin_result *r = admin_run("info %s --json", s->data);
    admin_expect_code(r, 0);
    cr_assert_str_eq(json(r->out, "$.user_objects[0].name"), "orders");
    cr_assert_str_eq(json(r->out, "$.user_objects[0].rows"), "3");
    cr_assert_str_eq(json(r->out, "$.user_objects[1].name"), "words", "its shadows are no tables");
    cr_assert_str_eq(json(r->out, "$.user_objects[2].name"), "orders_price");
    cr_assert_str_eq(json(r->out, "$.user_objects[3].name"), "cheap");
    cr_assert_str_eq(json(r->out, "$.user_objects[4]"), "(null)");
    r = admin_run("info %s", s->data);
    admin_expect_says(r, "orders: 3 rows");
}

/* ---- backup ---- */

Test(admin, a_backup_beside_a_running_server_has_what_was_answered)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    for (int i = 0; i < 3000; i++)
        redisAppendCommand(c, "SET key:%d %d", i, i);
    for (int i = 0; i < 3000; i++)
        cr_assert_str_eq(test_answer(c), "OK");
    const admin_result *r = admin_run("backup %s --json", s->data);
    admin_expect_code(r, 0);
    char path[256];
    snprintf(path, sizeof path, "%s", json(r->out, "$.path"));
    cr_assert_str_eq(json(r->out, "$.keys"), "3000");
    cr_assert_str_eq(json(r->out, "$.server_running"), "1");
    cr_assert_str_eq(ask_file(path, "SELECT count(*) FROM keys"), "3000");
    cr_assert_str_eq(ask_file(path, "PRAGMA integrity_check"), "ok");
    redisFree(c);
}

Test(admin, a_server_that_does_not_fold_is_not_waited_for_for_ever)
{
    test_server_start(s, UNFOLDED);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET a 1");
    static const char *const commands[] = {"backup", "export"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const admin_result *r =
            admin_run("%s %s --wait 0 --to %s/out", commands[i], s->data, s->top);
        admin_expect_code(r, 1);
        admin_expect_says(r, "nothing was written: the server has not folded its journal");
        admin_expect_says(r, "--no-settle");
        cr_assert_neq(access(path_of("../out"), F_OK), 0);
        r = admin_run("%s %s --wait 1 --to %s/out", commands[i], s->data, s->top);
        admin_expect_code(r, 1);
        admin_expect_says(r, "into the database in 1 second.");
        r = admin_run("%s %s --no-settle --to %s/%s", commands[i], s->data, s->top, commands[i]);
        admin_expect_code(r, 0);
    }
    cr_assert_str_eq(ask_file(path_of("../backup"), "SELECT count(*) FROM keys"), "0");
    ASSERT_ASK(c, "OK", "SAVE");
    admin_expect_code(admin_run("backup %s --wait 0 --to %s/folded", s->data, s->top), 0);
    cr_assert_str_eq(ask_file(path_of("../folded"), "SELECT count(*) FROM keys"), "1");
    redisFree(c);
}

/* The kill comes while it waits, or before it looks: it folds the journal itself in both cases. */
Test(admin, a_server_that_is_killed_is_not_waited_for)
{
    test_server_start(s, UNFOLDED);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET a 1");
    redisFree(c);
    pid_t backup = admin_begin(-1, "backup %s --wait 60 --to %s/out.db", s->data, s->top);
    usleep(200 * 1000);
    test_server_kill(s);
    cr_assert_eq(admin_wait(backup), 0);
    cr_assert_str_eq(ask_file(path_of("../out.db"), "SELECT count(*) FROM keys"), "1");
}

Test(admin, old_backups_go_when_asked)
{
    fill(10, NULL, true);
    for (int i = 0; i < 3; i++) /* of one second: each has its name all the same */
        admin_expect_code(admin_run("backup %s", s->data), 0);
    const admin_result *r = admin_run("info %s --json", s->data);
    cr_assert_str_eq(json(r->out, "$.backups.count"), "3");
    admin_expect_code(admin_run("backup %s --keep 2", s->data), 0);
    r = admin_run("info %s --json", s->data);
    cr_assert_str_eq(json(r->out, "$.backups.count"), "2");
}

Test(admin, a_backup_of_a_killed_server_has_its_journal)
{
    fill(500, UNFOLDED, false);
    const admin_result *r = admin_run("backup %s --to %s/without.db --no-settle", s->data, s->top);
    admin_expect_code(r, 0);
    cr_assert_str_eq(ask_file(path_of("../without.db"), "SELECT count(*) FROM keys"), "0");
    r = admin_run("backup %s --to %s/with.db", s->data, s->top);
    admin_expect_code(r, 0);
    admin_expect_says(r, "folded first");
    cr_assert_str_eq(ask_file(path_of("../with.db"), "SELECT count(*) FROM keys"), "500");
    r = admin_run("backup %s --to %s/with.db", s->data, s->top);
    admin_expect_code(r, 1);
    admin_expect_says(r, "exists already");
    admin_expect_code(admin_run("backup %s --to %s", s->data, s->top), 2);
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "500", "DBSIZE");
    ASSERT_ASK(c, "value:499", "GET key:499");
    redisFree(c);
}

Test(admin, progress_is_for_terminals)
{
    fill(20000, NULL, true);
    const admin_result *r = admin_run("backup %s", s->data);
    admin_expect_code(r, 0);
    cr_assert_str_eq(r->err, "", "%s", r->err);
    cr_assert_null(strchr(r->out, '\r'));
    r = admin_run_on_terminal(NULL, NULL, "backup %s", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "\rCopying: ");
    admin_expect_says(r, "\r\033[K");
    r = admin_run_on_terminal(NULL, NULL, "backup %s --quiet", s->data);
    admin_expect_code(r, 0);
    cr_assert_str_eq(r->out, "");
}

Test(admin, root_leaves_nothing_of_its_own)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    fill(100, UNFOLDED, false);
    const char *const names[] = {
        "", "data.db", "data.db-wal", "data.db-shm", "rubellite.lock", "journal"};
    cr_assert_eq(chmod(s->top, 0755), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (access(path_of(names[i]), F_OK) == 0)
            cr_assert_eq(chown(path_of(names[i]), 65534, 65534), 0);
    DIR *d = opendir(path_of("journal"));
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            cr_assert_eq(fchownat(dirfd(d), e->d_name, 65534, 65534, 0), 0);
    closedir(d);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    struct stat st;
    cr_assert_eq(stat(find_name(path_of("backups"), "data-"), &st), 0);
    cr_assert_eq(st.st_uid, 65534);
    cr_assert_eq(stat(path_of("rubellite.lock"), &st), 0);
    cr_assert_eq(st.st_uid, 65534);
    cr_assert_eq(stat(path_of("data.db"), &st), 0);
    cr_assert_eq(st.st_uid, 65534);
}

/* ---- check ---- */

Test(admin, check_finds_a_damaged_page)
{
    fill(20000, NULL, true);
    const admin_result *r = admin_run("check %s", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "good");
    damage(path_of("data.db"), 40 * 4096);
    r = admin_run("check %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "database: ");
    r = admin_run("check %s --json", s->data);
    admin_expect_code(r, 1);
    cr_assert_str_eq(json(r->out, "$.good"), "0");
    cr_assert_str_eq(json(r->out, "$.findings[0].area"), "database");
}

Test(admin, check_finds_what_is_no_database)
{
    fill(10, NULL, true);
    damage(path_of("data.db"), 0);
    const admin_result *r = admin_run("check %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "database: ");
    admin_expect_code(admin_run("info %s", s->data), 1);
    admin_expect_code(admin_run("export %s", s->data), 1);
    admin_expect_code(admin_run("backup %s", s->data), 1);
}

Test(admin, check_compares_the_schema)
{
    fill(10, NULL, true);
    change_file(path_of("data.db"), "DROP VIEW strings; CREATE TABLE rl_mine(x)");
    const admin_result *r = admin_run("check %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "schema: view strings is missing");
    admin_expect_says(r, "schema: table rl_mine is none of the server's");
    change_file(path_of("data.db"), "CREATE VIEW strings AS SELECT 1 AS x; DROP TABLE rl_mine");
    r = admin_run("check %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "schema: view strings is not as this version makes it");
}

Test(admin, check_full_applies_the_rules)
{
    fill(10, NULL, true);
    change_file(path_of("data.db"), "UPDATE rl_key SET value = CAST(value AS BLOB) WHERE id = 3");
    admin_expect_code(admin_run("check %s", s->data), 0);
    const admin_result *r = admin_run("check %s --full", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "rules: ");
}

/* Rows of names that the tables have already, in the class that SQLite takes for another. */
Test(admin, what_another_program_has_stored_twice_is_told_and_put_right)
{
    fill(3, NULL, true);
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    cr_assert_str_eq(test_ask(c, "HSET hash field ours other ours"), "2");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    change_file(
        path_of("data.db"),
        "INSERT INTO rl_key(db, type, key, value) VALUES(0, 1, x'6b65793a31', 'strange'),"
        "(0, 1, x'616c6f6e65', 'new'); INSERT INTO rl_hash SELECT id, CAST('field' AS BLOB),"
        " 'strange', NULL FROM rl_key WHERE key = 'hash';"
        "INSERT INTO rl_hash SELECT id, CAST('gone' AS BLOB), '', NULL FROM rl_key WHERE"
        " key = 'hash'; UPDATE rl_meta SET value = 100 WHERE name = 'next_id'");
    const admin_result *r = admin_run("check %s --full", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "two rows of the same key");
    admin_expect_says(r, "two rows of the same element");
    test_server_start(s, "--enable-debug-command yes");
    test_server_wait_for_log(s, "two rows of key 'key:1' in database 0");
    test_server_wait_for_log(s, "has stored 4 names of keys or elements");
    test_server_wait_for_log(s, ": 5 keys loaded in ");
    c = test_connect(s);
    cr_assert_str_eq(test_ask(c, "DBSIZE"), "5");
    cr_assert_str_eq(test_ask(c, "MGET key:1 alone"), "[value:1 new]");
    cr_assert_str_eq(test_ask(c, "HMGET hash field other gone"), "[ours ours ]");
    cr_assert_str_eq(test_ask(c, "HDEL hash gone"), "1");
    cr_assert_str_eq(test_ask(c, "DEL key:1"), "1");
    cr_assert_str_eq(test_ask(c, "DEBUG RELOAD"), "OK");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    admin_expect_code(admin_run("check %s --full", s->data), 0);
    test_server_start(s, NULL);
    c = test_connect(s);
    cr_assert_str_eq(test_ask(c, "MGET key:1 alone"), "[(nil) new]");
    cr_assert_str_eq(test_ask(c, "HGETALL hash"), "[field ours other ours]");
    redisFree(c);
}

Test(admin, check_finds_a_damaged_journal)
{
    /* Two segments, the first of which is destroyed: the second says that it was safe once. */
    test_server_start(s, UNFOLDED " --journal-segment-size 64kb --appendfsync always");
    redisContext *c = test_connect(s);
    for (int i = 0; i < 300; i++)
        ASSERT_ASK(c, "OK", "SET key:%d %0500d", i, i);
    redisFree(c);
    test_server_kill(s);
    admin_expect_code(admin_run("check %s", s->data), 0);
    damage(find_name(path_of("journal"), "00000001"), 8192);
    const admin_result *r = admin_run("check %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "journal: batch ");
    r = admin_run("export %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "--no-settle");
    admin_expect_code(admin_run("export %s --no-settle", s->data), 0);
}

Test(admin, check_looks_at_backups)
{
    fill(20000, NULL, true);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    const admin_result *r = admin_run("check %s --backups", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "backups: 1, all good");
    damage(find_name(path_of("backups"), "data-"), 30 * 4096);
    admin_expect_code(admin_run("check %s", s->data), 0);
    r = admin_run("check %s --backups", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "backup: ");
}

/* Writes as fast as it can until told to end. */
static void write_until(int fd) {
    redisContext *c = test_connect(s);
    for (int i = 0;; i++) {
        char end;
        for (int k = 0; k < 200; k++)
            redisAppendCommand(c, "SET load:%d %0300d", (i * 200 + k) % 50000, i);
        for (int k = 0; k < 200; k++)
            test_answer(c);
        if (recv(fd, &end, 1, MSG_DONTWAIT) == 0)
            _exit(0);
    }
}

Test(admin, everything_works_beside_a_server_that_writes)
{
    static const char *const commands[] = {"check", "check --full", "info", "backup", "export -q"};
    int pipes[2];
    test_server_start(s, "--fold-interval 20 --journal-segment-size 256kb");
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes), 0);
    pid_t writer = fork();
    if (writer == 0) {
        close(pipes[1]);
        write_until(pipes[0]);
    }
    close(pipes[0]);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            const admin_result *r = admin_run("%s %s", commands[i], s->data);
            cr_assert_eq(r->code, 0, "%s: %d\n%.2000s\n%s", commands[i], r->code,
                         strncmp(commands[i], "export", 6) ? r->out : "", r->err);
        }
    }
    close(pipes[1]);
    cr_assert_eq(admin_wait(writer), 0);
}

/* ---- restore ---- */

Test(admin, restore_refuses_beside_a_running_server)
{
    fill(10, NULL, true);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    test_server_start(s, NULL);
    const admin_result *r = admin_run("restore %s --latest --yes", s->data);
    char pid[32];
    snprintf(pid, sizeof pid, "process %d", (int)s->pid);
    admin_expect_code(r, 1);
    admin_expect_says(r, pid);
    admin_expect_code(admin_run("restore %s --list", s->data), 0);
}

Test(admin, restore_lists_backups)
{
    fill(20000, NULL, true);
    const admin_result *r = admin_run("restore %s --list", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "No backups");
    r = admin_run("restore %s --list --json", s->data);
    cr_assert_str_eq(json(r->out, "$"), "[]");
    admin_expect_code(admin_run("backup %s", s->data), 0);
    r = admin_run("restore %s --list --json", s->data);
    admin_expect_code(r, 0);
    cr_assert_str_eq(json(r->out, "$[0].keys"), "20000");
    cr_assert_str_eq(json(r->out, "$[0].good"), "1");
    damage(find_name(path_of("backups"), "data-"), 30 * 4096);
    r = admin_run("restore %s --list --json", s->data);
    cr_assert_str_eq(json(r->out, "$[0].good"), "0");
    admin_expect_says(admin_run("restore %s --list", s->data), "NOT GOOD");
    r = admin_run("restore %s --latest --yes", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "none of the backups");
}

/* 100 keys are in the backup, 50 more and a change only in the journal. */
static void prepare_journal_beyond_backup(void) {
    fill(100, NULL, true);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    test_server_start(s, UNFOLDED);
    redisContext *c = test_connect(s);
    for (int i = 0; i < 50; i++)
        ASSERT_ASK(c, "OK", "SET later:%d x", i);
    ASSERT_ASK(c, "OK", "SET key:0 changed");
    redisFree(c);
    test_server_kill(s);
}

static void expect_keys(const char *dbsize, const char *key_0) {
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, dbsize, "DBSIZE");
    ASSERT_ASK(c, key_0, "GET key:0");
    ASSERT_ASK(c, "OK", "SET after restore");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    admin_expect_code(admin_run("check %s --full", s->data), 0);
}

Test(admin, a_lost_database_comes_back_with_its_journal)
{
    prepare_journal_beyond_backup();
    cr_assert_eq(unlink(path_of("data.db")), 0);
    unlink(path_of("data.db-wal"));
    unlink(path_of("data.db-shm"));
    const admin_result *r = admin_run("restore %s --latest", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "the next start applies 51 batches");
    expect_keys("150", "changed");
}

Test(admin, a_damaged_database_is_moved_aside)
{
    prepare_journal_beyond_backup();
    damage(path_of("data.db"), 4096);
    const admin_result *r = admin_run("restore %s --latest --json", s->data);
    admin_expect_code(r, 0);
    cr_assert_str_eq(json(r->out, "$.was"), "damaged");
    cr_assert_str_eq(json(r->out, "$.journal_batches_to_apply"), "51");
    cr_assert_eq(access(json(r->out, "$.moved_to"), F_OK), 0);
    expect_keys("150", "changed");
}

/* A start finds an empty collection, puts it right, and then finds the damage: an index that lacks
 * a row. What was put right was in a file that is not used. */
Test(admin, a_restore_forgets_what_was_put_right_in_the_damaged_file)
{
    test_server_start(s, "--enable-debug-command yes");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "1", "SADD members one");
    ASSERT_ASK(c, "OK", "SET key value");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    change_file(path_of("data.db"),
                "DELETE FROM rl_set; DROP INDEX rl_key_name; CREATE UNIQUE INDEX rl_key_name ON"
                " rl_key(key, db) WHERE key <> 'key'; PRAGMA writable_schema = ON; UPDATE"
                " sqlite_schema SET sql = 'CREATE UNIQUE INDEX rl_key_name ON rl_key(key, db)'"
                " WHERE name = 'rl_key_name'");
    test_server_start(s, "--enable-debug-command yes");
    c = test_connect(s);
    ASSERT_ASK(c, "[one]", "SMEMBERS members");
    ASSERT_ASK(c, "OK", "SET another value");
    ASSERT_ASK(c, "OK", "DEBUG RELOAD");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    cr_assert_str_eq(ask_file(path_of("data.db"), "SELECT count(*) FROM sets"), "1");
}

Test(admin, without_the_journal_when_asked)
{
    prepare_journal_beyond_backup();
    damage(path_of("data.db"), 4096);
    admin_expect_code(admin_run("restore %s --latest --without-journal", s->data), 0);
    find_name(s->data, "journal.damaged-");
    expect_keys("100", "value:0");
}

Test(admin, going_back_needs_a_yes_and_leaves_the_journal_behind)
{
    prepare_journal_beyond_backup();
    const admin_result *r = admin_run("restore %s --latest", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "--yes");
    r = admin_run("restore %s --latest --yes", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "The journal is now ");
    find_name(s->data, "journal.replaced-");
    find_name(s->data, "data.db.replaced-");
    expect_keys("100", "value:0");
}

Test(admin, going_back_can_keep_the_journal)
{
    prepare_journal_beyond_backup();
    admin_expect_code(admin_run("restore %s --latest --yes --with-journal", s->data), 0);
    expect_keys("150", "changed");
}

Test(admin, a_terminal_is_asked)
{
    prepare_journal_beyond_backup();
    const admin_result *r = admin_run_on_terminal("[y/N]", "n\n", "restore %s --latest", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "nothing was changed");
    r = admin_run_on_terminal("[y/N]", "y\n", "restore %s --latest", s->data);
    admin_expect_code(r, 0);
    expect_keys("100", "value:0");
}

Test(admin, a_journal_that_does_not_continue_the_backup_is_moved_aside)
{
    fill(100, NULL, true);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    fill(200, NULL, true); /* folded: these batches are in no journal any more */
    test_server_start(s, UNFOLDED " --appendfsync always");
    redisContext *c = test_connect(s);
    for (int i = 0; i < 10; i++)
        ASSERT_ASK(c, "OK", "SET later:%d x", i);
    redisFree(c);
    test_server_kill(s);
    damage(path_of("data.db"), 4096);
    const admin_result *r = admin_run("restore %s --latest --with-journal", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "cannot be applied");
    r = admin_run("restore %s --latest", s->data);
    admin_expect_code(r, 0);
    find_name(s->data, "journal.damaged-");
    expect_keys("100", "value:0");
}

/* What is written after going back has the numbers that the old history had: the two must never be
 * joined. */
Test(admin, a_restored_database_has_a_history_of_its_own)
{
    prepare_journal_beyond_backup();
    char run_id[64];
    snprintf(run_id, sizeof run_id, "%s",
             ask_file(path_of("data.db"), "SELECT value FROM rl_meta WHERE name = 'run_id'"));
    admin_expect_code(admin_run("restore %s --latest --yes", s->data), 0);
    cr_assert_str_neq(
        ask_file(path_of("data.db"), "SELECT value FROM rl_meta WHERE name = 'run_id'"), run_id);
    char aside[300];
    snprintf(aside, sizeof aside, "%s", find_name(s->data, "journal.replaced-"));
    cr_assert_eq(rename(aside, path_of("journal")), 0);
    cr_assert_neq(test_server_refuse(s, NULL), 0, "the old journal is refused");
}

Test(admin, a_backup_is_found_by_name_and_by_path)
{
    fill(100, NULL, true);
    admin_expect_code(admin_run("backup %s --to %s/mine.db", s->data, s->top), 0);
    admin_expect_code(admin_run("backup %s", s->data), 0);
    char path[300];
    snprintf(path, sizeof path, "%s", find_name(path_of("backups"), "data-"));
    admin_expect_code(admin_run("restore %s %s --yes", s->data, strrchr(path, '/') + 1), 0);
    admin_expect_code(admin_run("restore %s %s/mine.db --yes", s->data, s->top), 0);
    admin_expect_code(admin_run("restore %s no-such-backup.db --yes", s->data), 1);
    expect_keys("100", "value:0");
}
