/* SPDX-License-Identifier: MIT */
/* rubellite export and import: what goes out comes in again, here and in redis-server. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin_program.h"
#include "redis_program.h"
#include "server.h"

static test_server *s;
static char other[96], stream[96];

static void setup(void) {
    s = test_server_create();
    snprintf(other, sizeof other, "%s/other", s->top);
    snprintf(stream, sizeof stream, "%s/stream", s->top);
    cr_assert_eq(mkdir(other, 0755), 0);
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(admin_stream, .init = setup, .fini = teardown);

static void write_file(const char *path, const char *bytes, size_t len) {
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

static void write_text(const char *text) {
    write_file(stream, text, strlen(text));
}

static char all_bytes[256], big[3000000];

/* Odd keys and values in three databases; nothing expires during the test. */
static void fill_oddly(void) {
    redisContext *c = test_connect(s);
    for (int i = 0; i < 256; i++)
        all_bytes[i] = (char)i;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 ^ i >> 7);
    ASSERT_ASK(c, "OK", "SET plain value");
    ASSERT_ASK(c, "OK", "SET number 12345");
    ASSERT_ASK(c, "OK", "SET %b %b", "", (size_t)0, "", (size_t)0);
    ASSERT_ASK(c, "OK", "SET %b %b", all_bytes, sizeof all_bytes, all_bytes, sizeof all_bytes);
    ASSERT_ASK(c, "OK", "SET %b x", "\r\n$5\r\n", (size_t)6);
    ASSERT_ASK(c, "OK", "SET big %b", big, sizeof big);
    ASSERT_ASK(c, "OK", "SET expires soon PXAT 4102444800123");
    ASSERT_ASK(c, "OK", "SET gone x PX 1");
    for (int db = 1; db < 16; db += 7) {
        ASSERT_ASK(c, "OK", "SELECT %d", db);
        for (int i = 0; i < 300; i++)
            ASSERT_ASK(c, "OK", "SET key:%d %d", i, i * db);
        ASSERT_ASK(c, "1", "PEXPIREAT key:7 4102444800%03d", db);
    }
    redisFree(c);
}

/* The number of live rows that one of two databases has and the other has not. */
static long differences(const char *one, const char *two) {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char *sql = sqlite3_mprintf(
        "ATTACH %Q AS two; CREATE TEMP VIEW a AS SELECT db, key, type, value, typeof(value),"
        " expires_at FROM main.rl_key WHERE expires_at IS NULL OR expires_at > 4000000000000;"
        "CREATE TEMP VIEW b AS SELECT db, key, type, value, typeof(value), expires_at"
        " FROM two.rl_key WHERE expires_at IS NULL OR expires_at > 4000000000000",
        two);
    cr_assert_eq(sqlite3_open(one, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_free(sql);
    cr_assert_eq(sqlite3_prepare_v2(db,
                                    "SELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT *"
                                    " FROM b)) + (SELECT count(*) FROM (SELECT * FROM b EXCEPT"
                                    " SELECT * FROM a)) + 1000000 * ((SELECT count(*) FROM a) = 0)",
                                    -1, &stmt, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s", sqlite3_errmsg(db));
    long found = (long)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return found;
}

static void expect_same(void) {
    char one[128], two[128];
    snprintf(one, sizeof one, "%s/data.db", s->data);
    snprintf(two, sizeof two, "%s/data.db", other);
    cr_assert_eq(differences(one, two), 0);
}

Test(admin_stream, a_round_trip_gives_the_same)
{
    test_server_start(s, NULL);
    fill_oddly();
    const admin_result *r = admin_run("export %s --to %s", s->data, stream);
    admin_expect_code(r, 0);
    admin_expect_says(r, "Exported 907 keys");
    r = admin_run("import %s %s", other, stream);
    admin_expect_code(r, 0);
    admin_expect_says(r, "no errors");
    cr_assert_eq(test_server_stop(s), 0);
    expect_same();
    /* Again, into what is there: nothing changes. By standard input and output this time. */
    r = admin_run("export %s -q", other);
    admin_expect_code(r, 0);
    cr_assert_str_eq(r->err, "");
    write_file(stream, r->out, r->len);
    r = admin_run_from(stream, "import %s --json", other);
    admin_expect_code(r, 0);
    admin_expect_says(r, "\"errors\":0");
    admin_expect_says(r, "\"complete\":true");
    expect_same();
}

Test(admin_stream, a_killed_servers_journal_is_exported)
{
    test_server_start(s, "--fold-interval 3600000");
    fill_oddly();
    test_server_kill(s);
    const admin_result *r = admin_run("export %s --to %s", s->data, stream);
    admin_expect_code(r, 0);
    admin_expect_says(r, "folded first");
    admin_expect_says(r, "Exported 907 keys");
    admin_expect_code(admin_run("import %s %s", other, stream), 0);
    expect_same();
}

Test(admin_stream, export_can_choose)
{
    test_server_start(s, NULL);
    fill_oddly();
    admin_expect_says(admin_run("export %s --db 8 --to %s/1", s->data, s->top),
                      "Exported 300 keys");
    admin_expect_says(admin_run("export %s --match key:7* --to %s/2", s->data, s->top),
                      "Exported 33 keys");
    admin_expect_says(admin_run("export %s --match key:7 --db 15 --to %s/3", s->data, s->top),
                      "Exported 1 key,");
    admin_expect_says(admin_run("export %s --db 9 --to %s/4", s->data, s->top), "Exported 0 keys");
    const admin_result *r = admin_run("export %s --match key:7 --db 8", s->data);
    cr_assert_str_eq(r->out, "*2\r\n$6\r\nSELECT\r\n$1\r\n8\r\n*5\r\n$3\r\nSET\r\n$5\r\nkey:7\r\n"
                             "$2\r\n56\r\n$4\r\nPXAT\r\n$13\r\n4102444800008\r\n");
    r = admin_run("export %s --match key:7 --db 8 --compat", s->data);
    cr_assert_str_eq(r->out, "*2\r\n$6\r\nSELECT\r\n$1\r\n8\r\n*3\r\n$3\r\nSET\r\n$5\r\nkey:7\r\n"
                             "$2\r\n56\r\n*3\r\n$9\r\nPEXPIREAT\r\n$5\r\nkey:7\r\n$13\r\n"
                             "4102444800008\r\n");
    r = admin_run("export %s --match key:7 --db 8 --no-expiry", s->data);
    cr_assert_str_eq(r->out, "*2\r\n$6\r\nSELECT\r\n$1\r\n8\r\n*3\r\n$3\r\nSET\r\n$5\r\nkey:7\r\n"
                             "$2\r\n56\r\n");
}

Test(admin_stream, an_export_never_writes_over_a_file)
{
    test_server_start(s, NULL);
    write_text("mine");
    const admin_result *r = admin_run("export %s --to %s", s->data, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "exists already");
    admin_expect_code(admin_run("export %s --to %s/none/x", s->data, s->top), 1);
}

Test(admin_stream, keys_that_cannot_be_exported_are_reported)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET a 1");
    ASSERT_ASK(c, "OK", "SET b 2");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    sqlite3 *db;
    char path[128];
    snprintf(path, sizeof path, "%s/data.db", s->data);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "UPDATE rl_key SET type = 77 WHERE key = 'a'", NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(db);
    const admin_result *r = admin_run("export %s", s->data);
    admin_expect_code(r, 1);
    admin_expect_says(r, "left out: 1 key of type unknown,");
    cr_assert_not_null(strstr(r->out, "SET"), "the others are there");
}

/* ---- redis-server ---- */

static void expect_in_redis(redisContext *c) {
    ASSERT_ASK(c, "7", "DBSIZE");
    ASSERT_ASK(c, "value", "GET plain");
    ASSERT_ASK(c, "4102444800123", "PEXPIRETIME expires");
    ASSERT_ASK(c, "", "GET %b", "", (size_t)0);
    redisReply *r = redisCommand(c, "GET %b", all_bytes, sizeof all_bytes);
    cr_assert(r && r->len == sizeof all_bytes && memcmp(r->str, all_bytes, r->len) == 0);
    freeReplyObject(r);
    r = redisCommand(c, "GET big");
    cr_assert(r && r->len == sizeof big && memcmp(r->str, big, r->len) == 0);
    freeReplyObject(r);
    ASSERT_ASK(c, "OK", "SELECT 15");
    ASSERT_ASK(c, "300", "DBSIZE");
    ASSERT_ASK(c, "4485", "GET key:299");
    ASSERT_ASK(c, "4102444800015", "PEXPIRETIME key:7");
    ASSERT_ASK(c, "OK", "FLUSHALL");
    ASSERT_ASK(c, "OK", "SELECT 0");
}

Test(admin_stream, redis_server_takes_it)
{
    char sock[96], command[512];
    test_server_start(s, NULL);
    fill_oddly();
    snprintf(sock, sizeof sock, "%s/redis", s->top);
    pid_t pid = redis_begin(sock, s->top);
    redisContext *c = redis_connect(sock, pid);
    admin_expect_code(admin_run("export %s --to %s", s->data, stream), 0);
    admin_expect_code(admin_run("import -s %s %s", sock, stream), 0);
    expect_in_redis(c);
    admin_expect_code(admin_run("export %s --compat --to %s.compat", s->data, stream), 0);
    admin_expect_code(admin_run_from(stream, "import -s %s -", sock), 0);
    expect_in_redis(c);
    snprintf(command, sizeof command, "redis-cli -s %s --pipe < %s > /dev/null", sock, stream);
    cr_assert_eq(system(command), 0);
    expect_in_redis(c);
    redisFree(c);
    redis_end(pid);
}

/* ---- import ---- */

Test(admin_stream, errors_are_counted_and_shown_with_their_number)
{
    test_server_start(s, NULL);
    write_text("SET a 1\r\nINCR a\nSET b x\n\n  \nINCR b\n*2\r\n$4\r\nINCR\r\n$1\r\nb\r\n"
               "MULTI\nINCR b\nEXEC\nnonsense\nGET");
    const admin_result *r = admin_run("import -p %d %s --json", s->port, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "\"commands\":10");
    admin_expect_says(r, "\"replies\":10");
    admin_expect_says(r, "\"errors\":5");
    admin_expect_says(r, "\"complete\":true");
    admin_expect_says(r, "command 4: ERR value is not an integer");
    admin_expect_says(r, "command 8: ERR value is not an integer"); /* inside EXEC's answer */
    admin_expect_says(r, "command 9: ERR unknown command 'nonsense'");
    admin_expect_says(r, "command 10: ERR wrong number of arguments for 'get' command");
    r = admin_run("import -p %d %s --show 2", s->port, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "3 more errors are not shown");
    cr_assert_null(strstr(r->err, "command 8"));
    r = admin_run("import -p %d %s -q", s->port, stream);
    admin_expect_code(r, 1);
    cr_assert_str_eq(r->out, "");
    cr_assert_str_eq(r->err, "");
}

Test(admin_stream, what_is_no_stream_is_refused_with_its_place)
{
    static const struct {
        const char *text, *says;
        const char *commands;
    } bad[] = {
        {"SET a 1\n*1\r\n+x\r\n", "behind command 1: Protocol error", "\"commands\":1"},
        {"SET a 1\nSET b 1\n*3\r\n$3\r\nSET\r\n$1\r\nc\r\n", "ends within a command",
         "\"commands\":2"},
        {"SET a \"1\n", "Protocol error: unbalanced quotes", "\"commands\":0"},
        {"PING\nSUBSCRIBE x\nPING\n", "command 2 is SUBSCRIBE", "\"commands\":1"},
        {"PING\nPING\nclient reply off\nPING\n", "command 3 is client", "\"commands\":2"},
    };
    test_server_start(s, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(bad[i].text);
        const admin_result *r = admin_run("import -p %d %s --json", s->port, stream);
        admin_expect_code(r, 1);
        admin_expect_says(r, bad[i].says);
        admin_expect_says(r, bad[i].commands);
        admin_expect_says(r, "\"complete\":false");
    }
}

Test(admin_stream, many_commands_and_large_replies_do_not_block)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    fill_oddly();
    FILE *f = fopen(stream, "w");
    for (int i = 0; i < 60; i++)
        fputs("*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n", f); /* 180 MB of replies */
    for (int i = 0; i < 200000; i++)
        fprintf(f, "*3\r\n$3\r\nSET\r\n$10\r\nmany:%05d\r\n$5\r\n%05d\r\n", i % 50000, i % 99999);
    fclose(f);
    const admin_result *r = admin_run("import -p %d %s --json", s->port, stream);
    admin_expect_code(r, 0);
    admin_expect_says(r, "\"replies\":200060");
    ASSERT_ASK(c, "50007", "DBSIZE");
    redisFree(c);
}

Test(admin_stream, passwords)
{
    test_server_start(s, "--requirepass secret");
    write_text("SET a 1\n");
    const admin_result *r = admin_run("import -p %d %s", s->port, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "NOAUTH");
    r = admin_run("import -p %d -a wrong %s", s->port, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "WRONGPASS");
    admin_expect_code(admin_run("import -p %d -a secret %s", s->port, stream), 0);
    admin_expect_code(admin_run("import -p %d --user default --pass secret %s", s->port, stream),
                      0);
    r = admin_run_on_terminal("Password: ", "secret\n", "import -p %d --askpass %s", s->port,
                              stream);
    admin_expect_code(r, 0);
    cr_assert_null(strstr(r->out, "secret"), "it is not shown");
    setenv("REDISCLI_AUTH", "secret", 1);
    admin_expect_code(admin_run("import -p %d %s", s->port, stream), 0);
    unsetenv("REDISCLI_AUTH");
}

Test(admin_stream, nobody_there)
{
    write_text("SET a 1\n");
    const admin_result *r = admin_run("import -s %s/none %s", s->top, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "cannot connect");
    r = admin_run("import %s/no-file -s %s/none", s->top, s->top);
    admin_expect_code(r, 1);
    admin_expect_says(r, "No such file or directory");
    test_server_start(s, NULL);
    r = admin_run("import %s %s", s->data, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "is used by a running server");
}

/* A listening socket on a free port, and what is there to accept. */
static int listen_somewhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(fd, 5), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

Test(admin_stream, a_server_that_goes_away_or_is_silent)
{
    static const struct {
        const char *answer;
        bool close;
        const char *options;
    } peers[] = {{"+PONG\r\n+OK\r\n", true, ""},
                 {"+PONG\r\nnonsense\r\n", false, ""},
                 {"+PONG\r\n+OK\r\n", false, "--timeout 1"},
                 {"", true, ""}};
    int port, listening = listen_somewhere(&port);
    write_text("SET a 1\nSET b 1\nSET c 1\n");
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        pid_t pid = admin_begin(-1, "import -p %d -q %s %s", port, peers[i].options, stream);
        int fd = accept(listening, NULL, NULL);
        cr_assert_geq(fd, 0);
        test_send_text(fd, peers[i].answer);
        if (peers[i].close)
            close(fd);
        cr_assert_eq(admin_wait(pid), 1, "peer %zu", i);
        if (!peers[i].close)
            close(fd);
    }
    close(listening);
}

Test(admin_stream, a_slow_pipe_is_waited_for)
{
    int pipes[2];
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
    pid_t pid = admin_begin(pipes[0], "import -p %d -q --timeout 1", s->port);
    close(pipes[0]);
    cr_assert_eq(write(pipes[1], "SET first 1\nSET sec", 19), 19);
    TEST_WAIT_UNTIL(strcmp(test_ask(c, "GET first"), "1") == 0);
    /* Longer than the timeout, which is for the server alone. */
    int64_t begin_ms = test_now_ms();
    TEST_WAIT_UNTIL(test_now_ms() - begin_ms > 1500);
    cr_assert_eq(write(pipes[1], "ond 2\n", 6), 6);
    close(pipes[1]);
    cr_assert_eq(admin_wait(pid), 0);
    ASSERT_ASK(c, "2", "GET second");
    redisFree(c);
}

Test(admin_stream, a_directory_whose_server_does_not_start)
{
    char path[128];
    write_text("SET a 1\n");
    snprintf(path, sizeof path, "%s/data.db", other);
    static const char text[] =
        "this is no database, but it is long enough to be looked at as one, so "
        "that the server refuses it, as it should do with such a file";
    write_file(path, text, sizeof text - 1);
    const admin_result *r = admin_run("import %s %s", other, stream);
    admin_expect_code(r, 1);
    admin_expect_says(r, "rubellite-server did not start: ");
    r = admin_run("import %s %s --server %s/no-program", s->data, stream, s->top);
    admin_expect_code(r, 1);
    admin_expect_says(r, "No such file or directory");
}
