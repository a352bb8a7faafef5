/* SPDX-License-Identifier: MIT */
/* What several clients see of each other: transactions, MONITOR, pauses, waiting, expiry. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(sessions, .init = setup, .fini = teardown);

/* ---- hiredis as everybody uses it ---- */

Test(sessions, the_usual_commands)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET counter 10");
    ASSERT_ASK(c, "11", "INCR counter");
    ASSERT_ASK(c, "[11 (nil)]", "MGET counter missing");
    ASSERT_ASK(c, "-ERR value is not an integer or out of range", "INCRBY counter x");
    ASSERT_ASK(c, "OK", "SET %b %b", "bin\0key", (size_t)7, "bin\0value", (size_t)9);
    redisReply *reply = redisCommand(c, "GET %b", "bin\0key", (size_t)7);
    cr_assert(reply && reply->len == 9 && memcmp(reply->str, "bin\0value", 9) == 0);
    freeReplyObject(reply);
    ASSERT_ASK(c, "(nil)", "SET counter x NX");
    ASSERT_ASK(c, "11", "SET counter 12 GET");
    ASSERT_ASK(c, "-ERR unknown command 'NOPE', with args beginning with: 'a' ", "NOPE a");
    redisFree(c);
}

Test(sessions, databases_are_apart)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    ASSERT_ASK(a, "OK", "SELECT 1");
    ASSERT_ASK(a, "OK", "SET k one");
    ASSERT_ASK(b, "(nil)", "GET k");
    ASSERT_ASK(b, "-ERR DB index is out of range", "SELECT 16");
    ASSERT_ASK(b, "1", "SETNX k zero");
    ASSERT_ASK(b, "0", "MOVE k 1");
    ASSERT_ASK(b, "OK", "SWAPDB 0 1");
    ASSERT_ASK(b, "one", "GET k");
    ASSERT_ASK(a, "zero", "GET k");
    redisFree(a);
    redisFree(b);
}

/* ---- transactions ---- */

Test(sessions, a_transaction_runs_as_one)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "SET x 1");
    ASSERT_ASK(b, "(nil)", "GET x");
    ASSERT_ASK(a, "QUEUED", "INCR x");
    ASSERT_ASK(a, "QUEUED", "INCRBY x y");
    ASSERT_ASK(a, "[OK 2 -ERR value is not an integer or out of range]", "EXEC");
    ASSERT_ASK(b, "2", "GET x");
    ASSERT_ASK(a, "-ERR EXEC without MULTI", "EXEC");
    ASSERT_ASK(a, "OK", "MULTI");
    cr_assert_eq(strncmp(test_ask(a, "NOPE"), "-ERR unknown command", 20), 0);
    ASSERT_ASK(a, "-EXECABORT Transaction discarded because of previous errors.", "EXEC");
    redisFree(a);
    redisFree(b);
}

Test(sessions, a_watched_key_that_changes_stops_the_transaction)
{
    static const char *const changes[] = {"SET k 2",  "DEL k",      "EXPIRE k 100", "APPEND k x",
                                          "FLUSHALL", "RENAME k z", "SWAPDB 0 1"};
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ASSERT_ASK(a, "OK", "SET k 1");
        ASSERT_ASK(a, "OK", "WATCH k other");
        test_ask(b, changes[i]);
        ASSERT_ASK(a, "OK", "MULTI");
        ASSERT_ASK(a, "QUEUED", "SET ran yes");
        ASSERT_ASK(a, "(nil)", "EXEC");
        ASSERT_ASK(a, "0", "EXISTS ran");
    }
    ASSERT_ASK(a, "OK", "WATCH k");
    ASSERT_ASK(b, "OK", "SET unrelated 1");
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "PING");
    ASSERT_ASK(a, "[PONG]", "EXEC");
    redisFree(a);
    redisFree(b);
}

/* Transfers between two keys keep their sum, whoever looks and whenever. */
Test(sessions, nobody_sees_half_a_transaction)
{
    enum { CLIENTS = 4, ROUNDS = 200 };
    redisContext *clients[CLIENTS];
    test_server_start(s, "--appendfsync always");
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = test_connect(s);
    ASSERT_ASK(clients[0], "OK", "MSET a 500 b 500");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            redisAppendCommand(clients[i], "MULTI");
            redisAppendCommand(clients[i], "DECRBY a %d", i - 1);
            redisAppendCommand(clients[i], "INCRBY b %d", i - 1);
            redisAppendCommand(clients[i], "EXEC");
            redisAppendCommand(clients[i], "MGET a b");
        }
        for (int i = 0; i < CLIENTS; i++) {
            int a, b;
            for (int k = 0; k < 4; k++)
                test_answer(clients[i]);
            cr_assert_eq(sscanf(test_answer(clients[i]), "[%d %d]", &a, &b), 2);
            cr_assert_eq(a + b, 1000);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        redisFree(clients[i]);
}

/* ---- MONITOR ---- */

Test(sessions, monitor_shows_what_others_do)
{
    char address[64];
    test_server_start(s, NULL);
    int monitor = test_socket(s);
    test_send_text(monitor, "MONITOR\r\n");
    test_expect(monitor, "+OK\r\n");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SELECT 3");
    ASSERT_ASK(c, "OK", "SET k %b", "a\"\n\xff", (size_t)4);
    cr_assert_not_null(strstr(test_read_line(monitor), "\"SELECT\" \"3\"\r\n"));
    const char *line = test_read_line(monitor);
    double seconds;
    cr_assert_eq(sscanf(line, "+%lf [3 %63[0-9.:]] ", &seconds, address), 2, "%s", line);
    cr_assert_not_null(strstr(line, "] \"SET\" \"k\" \"a\\\"\\n\\xff\"\r\n"), "%s", line);
    redisFree(c);
    close(monitor);
    c = test_connect(s);
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == 1);
    redisFree(c);
}

Test(sessions, monitor_of_a_busy_server_sees_everything)
{
    enum { COUNT = 20000 };
    test_server_start(s, NULL);
    int monitor = test_socket(s);
    test_send_text(monitor, "MONITOR\r\n");
    test_expect(monitor, "+OK\r\n");
    redisContext *c = test_connect(s);
    for (int i = 0; i < COUNT; i++)
        redisAppendCommand(c, "INCR n");
    for (int i = 0; i < COUNT; i++)
        test_answer(c);
    for (int i = 0; i < COUNT; i++)
        cr_assert_not_null(strstr(test_read_line(monitor), "\"INCR\" \"n\""));
    redisFree(c);
    close(monitor);
}

/* ---- CLIENT ---- */

/* True once the server holds input of a client of this name that it does not run. */
static bool holds_input_of(redisContext *c, const char *name) {
    char word[64];
    snprintf(word, sizeof word, " name=%s ", name);
    const char *at = strstr(test_ask(c, "CLIENT LIST"), word);
    cr_assert_not_null(at);
    const char *held = strstr(at, " qbuf=");
    cr_assert_not_null(held);
    return strtoll(held + 6, NULL, 10) > 0;
}

Test(sessions, a_pause_holds_writes_and_then_runs_them)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    ASSERT_ASK(b, "OK", "CLIENT SETNAME writer");
    ASSERT_ASK(a, "OK", "CLIENT PAUSE 1000000 WRITE");
    redisAppendCommand(b, "SET k v");
    int done = 0;
    while (!done)
        cr_assert_eq(redisBufferWrite(b, &done), REDIS_OK);
    TEST_WAIT_UNTIL(holds_input_of(a, "writer"));
    ASSERT_ASK(a, "(nil)", "GET k");
    ASSERT_ASK(a, "OK", "CLIENT UNPAUSE");
    cr_assert_str_eq(test_answer(b), "OK");
    ASSERT_ASK(a, "v", "GET k");
    redisFree(a);
    redisFree(b);
}

Test(sessions, a_pause_ends_by_itself)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    ASSERT_ASK(a, "OK", "CLIENT PAUSE 20 ALL");
    ASSERT_ASK(b, "PONG", "PING");
    ASSERT_ASK(b, "OK", "SET k v");
    redisFree(a);
    redisFree(b);
}

Test(sessions, clients_can_be_killed)
{
    char command[64];
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    long long id = strtoll(test_ask(b, "CLIENT ID"), NULL, 10);
    snprintf(command, sizeof command, "CLIENT KILL ID %lld", id);
    ASSERT_ASK(a, "1", command);
    ASSERT_ASK(b, "(closed)", "PING");
    ASSERT_ASK(a, "PONG", "PING");
    redisFree(a);
    redisFree(b);
}

/* ---- WAIT, WAITAOF ---- */

Test(sessions, waitaof_means_on_disk)
{
    static const char *const modes[] = {"--appendfsync always", "--appendfsync everysec",
                                        "--appendfsync no"};
    for (int i = 0; i < 3; i++) {
        test_server_start(s, modes[i]);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, "[1 0]", "WAITAOF 1 0 0");
        ASSERT_ASK(c, "OK", "SET k v");
        ASSERT_ASK(c, "[1 0]", "WAITAOF 1 0 0");
        ASSERT_ASK(c, "0", "WAIT 0 0");
        ASSERT_ASK(c, "0", "WAIT 1 10");
        cr_assert_eq(test_info(c, "journal_synced_seq"), test_info(c, "journal_seq"));
        redisFree(c);
        test_server_kill(s);
    }
    test_server_start(s, "--appendonly no");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
               "WAITAOF 1 0 0");
    redisFree(c);
}

/* ---- time ---- */

/* DBSIZE counts a key until it is removed: nobody asks for the keys themselves here. */
Test(sessions, keys_go_when_their_time_is_over_though_nobody_asks)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    for (int i = 0; i < 1000; i++)
        ASSERT_ASK(c, "OK", "SET k%d v PX %d", i, 1 + i % 50);
    TEST_WAIT_UNTIL(strcmp(test_ask(c, "DBSIZE"), "0") == 0);
    cr_assert_eq(test_info(c, "expired_keys"), 1000);
    redisFree(c);
}

Test(sessions, a_key_is_gone_for_readers_at_its_time)
{
    test_server_start(s, "--enable-debug-command local");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 0");
    ASSERT_ASK(c, "OK", "SET k v PX 20");
    TEST_WAIT_UNTIL(strcmp(test_ask(c, "GET k"), "(nil)") == 0);
    ASSERT_ASK(c, "-2", "PTTL k");
    ASSERT_ASK(c, "0", "DBSIZE");
    redisFree(c);
}

/* A setting that the past is over must be answered, though no row changes. */
Test(sessions, a_set_in_the_past_is_answered)
{
    static const char *const modes[] = {"--appendfsync always", "--appendfsync everysec"};
    for (int i = 0; i < 2; i++) {
        test_server_start(s, modes[i]);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, "OK", "SET missing v PXAT 1");
        ASSERT_ASK(c, "0", "DBSIZE");
        ASSERT_ASK(c, "OK", "SET there v");
        ASSERT_ASK(c, "OK", "SET there v PXAT 1");
        ASSERT_ASK(c, "(nil)", "GET there");
        redisFree(c);
        test_server_kill(s);
    }
}

/* ---- settings at run time ---- */

Test(sessions, durability_can_change_while_it_runs)
{
    static const char *const steps[] = {"appendfsync always", "appendonly no", "appendonly yes",
                                        "appendfsync no", "appendfsync everysec"};
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            char name[32], value[16], command[64];
            cr_assert_eq(sscanf(steps[i], "%31s %15s", name, value), 2);
            snprintf(command, sizeof command, "CONFIG SET %s %s", name, value);
            ASSERT_ASK(c, "OK", command);
            for (int k = 0; k < 50; k++)
                test_ask(c, "INCR n");
        }
    ASSERT_ASK(c, "750", "GET n");
    redisFree(c);
    test_server_kill(s);
    test_server_start(s, NULL);
    c = test_connect(s);
    ASSERT_ASK(c, "750", "GET n");
    redisFree(c);
}
