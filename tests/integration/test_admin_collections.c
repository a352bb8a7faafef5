/* SPDX-License-Identifier: MIT */
/* rubellite and collections: export and import of all types, from a directory and from servers;
 * info; files of schema version 1. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin_program.h"
#include "redis_program.h"
#include "server.h"

#define LARGE 6000 /* elements of a large collection: many commands of an export */

static test_server *s;
static char other[96], stream[96], sock[96], here[128], there[128];

static void setup(void) {
    s = test_server_create();
    snprintf(other, sizeof other, "%s/other", s->top);
    snprintf(stream, sizeof stream, "%s/stream", s->top);
    snprintf(sock, sizeof sock, "%s/redis", s->top);
    snprintf(here, sizeof here, "%s/data.db", s->data);
    snprintf(there, sizeof there, "%s/data.db", other);
    cr_assert_eq(mkdir(other, 0755), 0);
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(admin_collections, .init = setup, .fini = teardown, .timeout = 300);

/* ---- data ---- */

/* Collections of every kind with awkward elements; nothing expires during the test. */
static void fill_oddly(redisContext *c) {
    static char all[256], big[200000];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 ^ i >> 7);
    ASSERT_ASK(c, "OK", "SET string value");
    ASSERT_ASK(c, "3", "HSET hash %b %b a 1 %b %b", all, sizeof all, "", (size_t)0, "", (size_t)0,
               all, sizeof all);
    ASSERT_ASK(c, "1", "HSET hash big %b", big, sizeof big);
    ASSERT_ASK(c, "4", "RPUSH list %b %b 12 %b", all, sizeof all, "", (size_t)0, big, sizeof big);
    ASSERT_ASK(c, "5", "LPUSH list first");
    ASSERT_ASK(c, "3", "SADD set %b %b -7", all, sizeof all, "", (size_t)0);
    ASSERT_ASK(c, "2", "SADD numbers 1 9223372036854775807");
    ASSERT_ASK(c, "5", "ZADD zset inf %b -inf %b 0.1 a 1e300 b -0.30000000000000004 c", all,
               sizeof all, "", (size_t)0);
    ASSERT_ASK(c, "1", "PEXPIREAT zset 4102444800123");
    ASSERT_ASK(c, "1", "RPUSH %b x", all, sizeof all);
    ASSERT_ASK(c, "OK", "SELECT 7");
    ASSERT_ASK(c, "2", "SADD set of seven");
    ASSERT_ASK(c, "OK", "SELECT 0");
}

/* Fields of all kinds of expiries; Redis 7.0 does not know them. */
static void fill_fields(redisContext *c) {
    ASSERT_ASK(c, "[1 1]", "HPEXPIREAT hash 4102444800001 FIELDS 2 a big");
    ASSERT_ASK(c, "3", "HSET session user ada token secret gone soon");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT session 4102444800002 FIELDS 1 token");
    ASSERT_ASK(c, "1", "PEXPIREAT session 4102444800003");
    for (int i = 0; i < 1000; i++)
        redisAppendCommand(c, "HSET many field:%d %d", i, i);
    for (int i = 0; i < 1000; i += 2)
        redisAppendCommand(c, "HPEXPIREAT many %lld FIELDS 1 field:%d", 4102444800000LL + i % 7, i);
    for (int i = 0; i < 1500; i++)
        cr_assert_neq(test_answer(c)[0], '-');
}

static void fill_largely(redisContext *c) {
    for (int i = 0; i < LARGE; i++) {
        redisAppendCommand(c, "RPUSH large:list %d", i);
        redisAppendCommand(c, "SADD large:set member:%d", i);
        redisAppendCommand(c, "HSET large:hash field:%d value", i);
        redisAppendCommand(c, "ZADD large:zset %d.5 member:%d", i / 3, i);
        for (int k = 0; i % 1000 == 999 && k < 4000; k++)
            cr_assert_neq(test_answer(c)[0], '-');
    }
}

/* ---- comparing ---- */

#define ROWS(schema)                                                                               \
    "SELECT 1, db, key, type, expires_at, NULL, NULL, typeof(key) FROM " schema ".rl_key"          \
    " UNION ALL SELECT 2, database, key, field, value, field_expires_at, typeof(field),"           \
    " typeof(value) FROM " schema ".hashes"                                                        \
    " UNION ALL SELECT 3, database, key, member, NULL, NULL, NULL, typeof(member) FROM " schema    \
    ".sets"                                                                                        \
    " UNION ALL SELECT 4, database, key, member, score, NULL, typeof(score), typeof(member)"       \
    " FROM " schema ".zsets"                                                                       \
    " UNION ALL SELECT 5, database, key, idx, value, NULL, NULL, typeof(value) FROM " schema       \
    ".lists"

static int64_t ask_int(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s", sqlite3_errmsg(db));
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* The two files have the same keys and elements, in so many rows. */
static void expect_same(int64_t rows) {
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(here, &db), SQLITE_OK);
    char *attach = sqlite3_mprintf("ATTACH %Q AS two", there);
    cr_assert_eq(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_free(attach);
    cr_assert_eq(ask_int(db, "SELECT count(*) FROM (" ROWS("main") ")"), rows);
    cr_assert_eq(ask_int(db, "SELECT count(*) FROM (" ROWS("two") ")"), rows);
    cr_assert_eq(ask_int(db, "SELECT count(*) FROM (SELECT * FROM (" ROWS(
                                 "main") ") EXCEPT"
                                         " SELECT * FROM (" ROWS("two") "))"),
                 0);
    sqlite3_close(db);
}

#define ODD_ROWS   (8 + 4 + 6 + 5 + 5 + 2) /* keys, fields, values, members */
#define FIELD_ROWS (2 + 3 + 1000)
#define LARGE_ROWS (4 + 4 * LARGE)

/* ---- export and import ---- */

Test(admin_collections, a_round_trip_gives_the_same)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_oddly(c);
    fill_fields(c);
    fill_largely(c);
    admin_expect_code(admin_run("export %s --to %s", s->data, stream), 0);
    const admin_result *r = admin_run("import %s %s", other, stream);
    admin_expect_code(r, 0);
    admin_expect_says(r, "no errors");
    cr_assert_eq(test_server_stop(s), 0);
    expect_same(ODD_ROWS + FIELD_ROWS + LARGE_ROWS);
    /* Once more into what is there: nothing is there twice. */
    admin_expect_code(admin_run("import %s %s", other, stream), 0);
    expect_same(ODD_ROWS + FIELD_ROWS + LARGE_ROWS);
    admin_expect_code(admin_run("check --full %s", other), 0);
    redisFree(c);
}

Test(admin_collections, commands_stay_short)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_largely(c);
    const admin_result *r = admin_run("export %s", s->data);
    admin_expect_code(r, 0);
    int commands = 0;
    for (const char *at = r->out; at < r->out + r->len; at++) {
        if ((at == r->out || at[-1] == '\n') && *at == '*') {
            cr_assert_leq(atoi(at + 1), 2 + 2 * 256);
            commands++;
        }
    }
    cr_assert_geq(commands, 4 * LARGE / 256);
    redisFree(c);
}

Test(admin_collections, a_running_server_is_exported)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_oddly(c);
    fill_fields(c);
    fill_largely(c);
    const admin_result *r = admin_run("export -p %d --to %s", s->port, stream);
    admin_expect_code(r, 0);
    admin_expect_says(r, "Exported 14 keys");
    admin_expect_code(admin_run("import %s %s", other, stream), 0);
    cr_assert_eq(test_server_stop(s), 0);
    expect_same(ODD_ROWS + FIELD_ROWS + LARGE_ROWS);
    redisFree(c);
}

Test(admin_collections, a_redis_server_is_exported)
{
    pid_t pid = redis_begin(sock, s->top);
    redisContext *redis = redis_connect(sock, pid);
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_oddly(c);
    fill_oddly(redis);
    fill_largely(c);
    fill_largely(redis);
    admin_expect_code(admin_run("export -s %s --to %s", sock, stream), 0);
    admin_expect_code(admin_run("import %s %s", other, stream), 0);
    cr_assert_eq(test_server_stop(s), 0);
    expect_same(ODD_ROWS + LARGE_ROWS);
    redisFree(c);
    /* What cannot be brought over is said. */
    const admin_result *r = admin_run("export -s %s --db 7 --match s?t", sock);
    admin_expect_code(r, 0);
    admin_expect_says(r, "Exported 1 key,");
    cr_assert_neq(test_ask(redis, "XADD stream * a b")[0], '-');
    r = admin_run("export -s %s --db 0 --match str*", sock);
    admin_expect_code(r, 1);
    admin_expect_says(r, "left out: 1 key of type stream,");
    admin_expect_says(r, "Exported 1 key,");
    redisFree(redis);
    redis_end(pid);
}

Test(admin_collections, an_export_goes_into_redis_server)
{
    pid_t pid = redis_begin(sock, s->top);
    redisContext *redis = redis_connect(sock, pid);
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_oddly(c);
    fill_largely(c);
    admin_expect_code(admin_run("export %s --to %s", s->data, stream), 0);
    admin_expect_code(admin_run("import -s %s %s", sock, stream), 0);
    admin_expect_code(admin_run("export -s %s --to %s.back", sock, stream), 0);
    admin_expect_code(admin_run("import %s %s.back", other, stream), 0);
    cr_assert_eq(test_server_stop(s), 0);
    expect_same(ODD_ROWS + LARGE_ROWS);
    redisFree(c);
    redisFree(redis);
    redis_end(pid);
}

Test(admin_collections, expiries_of_fields_are_left_out_when_asked)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "2", "HSET hash a 1 b 2");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT hash 4102444800001 FIELDS 1 a");
    const admin_result *r = admin_run("export %s", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "HPEXPIREAT");
    r = admin_run("export %s --no-expiry", s->data);
    admin_expect_code(r, 0);
    cr_assert_null(strstr(r->out, "HPEXPIREAT"));
    cr_assert_null(strstr(r->err, "left out"));
    r = admin_run("export %s --compat", s->data);
    admin_expect_code(r, 0);
    cr_assert_null(strstr(r->out, "HPEXPIREAT"));
    admin_expect_says(r, "1 expiry of a hash's field was left out");
    redisFree(c);
}

Test(admin_collections, a_source_is_one)
{
    admin_expect_code(admin_run("export %s -p 1", s->data), 2);
    admin_expect_code(admin_run("export -s /tmp/x -p 1"), 2);
    const admin_result *r = admin_run("export -s %s/nobody", s->top);
    admin_expect_code(r, 1);
    admin_expect_says(r, "cannot connect");
}

/* ---- info ---- */

Test(admin_collections, info_counts_elements)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_oddly(c);
    ASSERT_ASK(c, "OK", "SAVE");
    const admin_result *r = admin_run("info %s --sizes", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "db0: 1 string\n");
    admin_expect_says(r, "db0: 1 hash with 4 fields\n");
    admin_expect_says(r, "db0: 2 list with 6 values\n");
    admin_expect_says(r, "db0: 2 set with 5 members\n");
    admin_expect_says(r, "db0: 1 zset with 5 members, 1 key expires\n");
    admin_expect_says(r, "db7: 1 set with 2 members\n");
    admin_expect_says(r, "size       rl_list: ");
    r = admin_run("info %s --sizes --json", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r,
                      "\"type\":\"zset\",\"keys\":1,\"expiring\":1,\"expired\":0,\"elements\":5}");
    admin_expect_says(r, "{\"name\":\"rl_hash\",\"bytes\":");
    redisFree(c);
}

/* ---- older files ---- */

Test(admin_collections, a_file_of_schema_version_1_is_read)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET old value");
    cr_assert_eq(test_server_stop(s), 0);
    redisFree(c);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(here, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "DROP VIEW hashes; DROP VIEW sets; DROP VIEW zsets; DROP VIEW lists;"
                              "DROP TABLE rl_hash; DROP TABLE rl_set; DROP TABLE rl_zset;"
                              "DROP TABLE rl_list; DROP TABLE rl_dead; PRAGMA user_version = 1;"
                              "UPDATE rl_meta SET value = 1 WHERE name = 'schema_version'",
                              NULL, NULL, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    const admin_result *r = admin_run("info %s", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "schema version 1");
    admin_expect_says(r, "db0: 1 string");
    admin_expect_code(admin_run("check %s --full", s->data), 0);
    r = admin_run("export %s", s->data);
    admin_expect_code(r, 0);
    admin_expect_says(r, "Exported 1 key,");
    admin_expect_code(admin_run("backup %s", s->data), 0);
    admin_expect_says(admin_run("info %s", s->data), "schema version 1");
}
