/* SPDX-License-Identifier: MIT */
/* Clients that wait for keys, where a comparison with redis-server cannot look: many of them, those
 * that go away, pauses, transactions with SQL, and a server that is killed under them. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "server.h"

static test_server *s;
static redisContext *c;

static void setup(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(blocking, .init = setup, .fini = teardown);

static void start(const char *arguments) {
    test_server_start(s, arguments);
    c = test_connect(s);
}

static void send_command(redisContext *to, const char *text) {
    int done = 0;
    cr_assert_eq(redisAppendCommand(to, text), REDIS_OK);
    while (!done)
        cr_assert_eq(redisBufferWrite(to, &done), REDIS_OK);
}

/* Sends the command of one that waits, and returns when it does. */
static void send_and_wait(redisContext *to, const char *text) {
    long long before = test_info(c, "blocked_clients");
    send_command(to, text);
    TEST_WAIT_UNTIL(test_info(c, "blocked_clients") == before + 1);
}

static bool has_answer(redisContext *of) {
    return poll(&(struct pollfd){.fd = of->fd, .events = POLLIN}, 1, 0) == 1;
}

/* ---- many ---- */

#define MANY 1000

static redisContext *many[MANY];

static void many_wait(const char *command) {
    for (int i = 0; i < MANY; i++) {
        many[i] = test_connect(s);
        send_command(many[i], command);
        if (i % 100 == 99 || i < 10) /* one after the other, but not with a round for each */
            TEST_WAIT_UNTIL(test_info(c, "blocked_clients") == i + 1);
    }
}

static void free_many(void) {
    for (int i = 0; i < MANY; i++)
        if (many[i])
            redisFree(many[i]);
}

/* The order is that in which the server met them, which is not known within a hundred; so they wait
 * one by one here. */
Test(blocking, a_thousand_in_order)
{
    start(NULL);
    for (int i = 0; i < MANY; i++) {
        many[i] = test_connect(s);
        send_and_wait(many[i], "BLPOP q 0");
    }
    ASSERT_ASK(c, "1", "ZADD q 1 m"); /* wakes nobody, and is in the way */
    cr_assert_eq(test_ask(c, "RPUSH q 1")[0], '-');
    ASSERT_ASK(c, "1", "DEL q");
    cr_assert_eq(test_info(c, "blocked_clients"), MANY);
    for (int i = 0; i < MANY / 2; i++)
        redisAppendCommand(c, "RPUSH q %d", i);
    for (int i = 0; i < MANY / 2; i++)
        cr_assert_str_eq(test_answer(c), "1");
    redisAppendCommand(c, "MULTI"); /* and the others at once */
    for (int i = MANY / 2; i < MANY; i++)
        redisAppendCommand(c, "RPUSH q %d", i);
    redisAppendCommand(c, "EXEC");
    for (int i = 0; i < MANY / 2 + 2; i++)
        cr_assert_neq(test_answer(c)[0], '-');
    for (int i = 0; i < MANY; i++) {
        char want[32];
        snprintf(want, sizeof want, "[q %d]", i);
        cr_assert_str_eq(test_answer(many[i]), want);
    }
    ASSERT_ASK(c, "0", "EXISTS q");
    cr_assert_eq(test_info(c, "blocked_clients"), 0);
    free_many();
}

/* Who is gone takes nothing; the places of the others stay. */
Test(blocking, those_who_leave)
{
    start(NULL);
    many_wait("BLPOP a q b 100");
    cr_assert_eq(test_info(c, "clients_in_timeout_table"), MANY);
    for (int i = 0; i < MANY; i++)
        if (i % 3) {
            redisFree(many[i]);
            many[i] = NULL;
        }
    int left = (MANY + 2) / 3;
    TEST_WAIT_UNTIL(test_info(c, "blocked_clients") == left);
    cr_assert_eq(test_info(c, "clients_in_timeout_table"), left);
    cr_assert_eq(test_info(c, "total_blocking_keys"), 3);
    for (int i = 0; i < left; i++)
        redisAppendCommand(c, "RPUSH q %d", i);
    for (int i = 0; i < left; i++)
        cr_assert_str_eq(test_answer(c), "1");
    bool *got = calloc((size_t)left, 1);
    for (int i = 0; i < MANY; i += 3) {
        int value = -1;
        cr_assert_eq(sscanf(test_answer(many[i]), "[q %d]", &value), 1);
        cr_assert(value >= 0 && value < left && !got[value]);
        got[value] = true;
    }
    ASSERT_ASK(c, "1", "RPUSH q last"); /* nobody is left who would take it */
    cr_assert_eq(test_info(c, "total_blocking_keys"), 0);
    free(got);
    free_many();
}

Test(blocking, many_timeouts)
{
    static const char *const commands[] = {"BZPOPMIN z 100", "BZPOPMIN z 0.01", "BZPOPMIN z 1000",
                                           "BZPOPMIN z 0.002", "BZPOPMIN z 0"};
    start(NULL);
    for (int i = 0; i < MANY; i++) {
        many[i] = test_connect(s);
        send_command(many[i], commands[i % 5]);
    }
    for (int i = 0; i < MANY; i++)
        if (i % 5 == 1 || i % 5 == 3)
            cr_assert_str_eq(test_answer(many[i]), "(nil)");
    TEST_WAIT_UNTIL(test_info(c, "blocked_clients") == MANY / 5 * 3);
    cr_assert_eq(test_info(c, "clients_in_timeout_table"), MANY / 5 * 2);
    free_many();
    TEST_WAIT_UNTIL(test_info(c, "blocked_clients") == 0);
    cr_assert_eq(test_info(c, "clients_in_timeout_table"), 0);
}

/* ---- what holds serving up ---- */

Test(blocking, a_paused_server_serves_nobody)
{
    start(NULL);
    redisContext *b = test_connect(s), *d = test_connect(s);
    send_and_wait(b, "BLPOP k 0");
    send_and_wait(d, "BLPOP k 0");
    const char *const lines[] = {"MULTI", "CLIENT PAUSE 100000 WRITE", "RPUSH k 1 2 3", "EXEC"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        test_ask(c, lines[i]);
    ASSERT_ASK(c, "[1 2 3]", "LRANGE k 0 -1");
    cr_assert_eq(test_info(c, "blocked_clients"), 2);
    cr_assert(!has_answer(b));
    ASSERT_ASK(c, "1", "CLIENT UNBLOCK %d", atoi(test_ask(c, "CLIENT ID")) + 1);
    cr_assert_str_eq(test_answer(b), "(nil)"); /* it wants no more, and takes nothing */
    ASSERT_ASK(c, "OK", "CLIENT UNPAUSE");
    cr_assert_str_eq(test_answer(d), "[k 1]");
    ASSERT_ASK(c, "[2 3]", "LRANGE k 0 -1");
    redisFree(b);
    redisFree(d);
}

Test(blocking, served_when_the_pause_is_over)
{
    start(NULL);
    redisContext *b = test_connect(s);
    send_and_wait(b, "BLPOP k 0");
    const char *const lines[] = {"MULTI", "CLIENT PAUSE 50 ALL", "RPUSH k 1", "EXEC"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        test_ask(c, lines[i]);
    cr_assert_str_eq(test_answer(b), "[k 1]");
    ASSERT_ASK(c, "0", "EXISTS k");
    redisFree(b);
}

Test(blocking, a_stop_during_a_pause_loses_nothing)
{
    start(NULL);
    redisContext *b = test_connect(s);
    send_and_wait(b, "BLPOP k 0");
    const char *const lines[] = {"MULTI", "CLIENT PAUSE 100000 WRITE", "RPUSH k 1", "EXEC"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        test_ask(c, lines[i]);
    cr_assert_eq(test_server_stop(s), 0);
    cr_assert_str_eq(test_answer(b), "(closed)");
    redisFree(c);
    redisFree(b);
    start(NULL);
    ASSERT_ASK(c, "[1]", "LRANGE k 0 -1");
}

/* ---- what makes a key ready ---- */

/* In redis-server 7.0.15 these do not wake who waits when they overwrite a key of another type. */
Test(blocking, a_key_becomes_another_type)
{
    static const char *const lists[] = {"SORT l STORE k", "RENAME l k", "COPY l k REPLACE"};
    static const char *const sets[] = {"ZUNIONSTORE k 1 z", "ZINTERSTORE k 1 z", "ZDIFFSTORE k 1 z",
                                       "ZRANGESTORE k z 0 -1"};
    start(NULL);
    redisContext *b = test_connect(s);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        ASSERT_ASK(c, "OK", "FLUSHALL");
        ASSERT_ASK(c, "1", "RPUSH l 1");
        send_and_wait(b, "BLPOP k 0");
        ASSERT_ASK(c, "OK", "SET k string");
        cr_assert_neq(test_ask(c, lists[i])[0], '-');
        cr_assert_str_eq(test_answer(b), "[k 1]", "%s", lists[i]);
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        ASSERT_ASK(c, "OK", "FLUSHALL");
        ASSERT_ASK(c, "1", "ZADD z 1 m");
        send_and_wait(b, "BZPOPMAX k 0");
        ASSERT_ASK(c, "OK", "SET k string");
        ASSERT_ASK(c, "1", sets[i]);
        cr_assert_str_eq(test_answer(b), "[k m 1]", "%s", sets[i]);
    }
    redisFree(b);
}

/* ---- transactions with SQL ---- */

Test(blocking, served_behind_a_unit)
{
    start(NULL);
    redisContext *b = test_connect(s);
    ASSERT_ASK(c, "0", "SQL %s", "CREATE TABLE t(a)");
    send_and_wait(b, "BLPOP k 0");
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "QUEUED", "RPUSH k 1 2");
    ASSERT_ASK(c, "QUEUED", "SQL %s", "INSERT INTO t VALUES (7)");
    ASSERT_ASK(c, "QUEUED", "LLEN k");
    cr_assert_str_eq(test_ask(c, "EXEC"), "[2 1 2]");
    cr_assert_str_eq(test_answer(b), "[k 1]");
    redisFree(b);
    redisFree(c);
    test_server_kill(s);
    start(NULL);
    ASSERT_ASK(c, "[2]", "LRANGE k 0 -1");
    ASSERT_ASK(c, "[[a] [7]]", "SQL %s", "SELECT a FROM t");
}

/* ---- what others see of it ---- */

Test(blocking, shown_once)
{
    start(NULL);
    redisContext *b = test_connect(s), *m = test_connect(s);
    ASSERT_ASK(c, "OK", "CONFIG SET slowlog-log-slower-than 0");
    ASSERT_ASK(c, "OK", "SLOWLOG RESET");
    ASSERT_ASK(m, "OK", "MONITOR");
    send_and_wait(b, "BLPOP only 0");
    ASSERT_ASK(c, "1", "RPUSH only v");
    cr_assert_str_eq(test_answer(b), "[only v]");
    ASSERT_ASK(c, "end", "ECHO end");
    int shown = 0;
    for (;;) {
        const char *line = test_answer(m);
        shown += strstr(line, "\"BLPOP\"") != NULL;
        if (strstr(line, "\"end\""))
            break;
    }
    cr_assert_eq(shown, 1);
    const char *at = test_ask(c, "SLOWLOG GET 100");
    for (shown = 0; (at = strstr(at, "BLPOP only 0")) != NULL; at++)
        shown++;
    cr_assert_eq(shown, 1);
    redisFree(b);
    redisFree(m);
}

/* ---- killed ---- */

enum { WORKERS = 8, PRODUCERS = 2, VALUES = 40000, ROUNDS = 3 };

typedef struct fate {
    atomic_int answered, got; /* RPUSH was; by a worker */
    int there, moved;         /* after the restart: in the queue, in the other list */
} fate;

static fate *fates;
static atomic_int next_value, received;
static const char *work; /* the command of a worker */

static void *worker(void *arg) {
    redisContext *mine = arg;
    redisReply *reply;
    while ((reply = redisCommand(mine, work)) != NULL) {
        const redisReply *value = reply->type == REDIS_REPLY_ARRAY ? reply->element[1] : reply;
        cr_assert_eq(value->type, REDIS_REPLY_STRING, "%s", value->str);
        fates[atoi(value->str)].got++;
        received++;
        freeReplyObject(reply);
    }
    redisFree(mine);
    return NULL;
}

static void *producer(void *arg) {
    redisContext *mine = arg;
    for (;;) {
        int value = next_value++;
        cr_assert_lt(value, VALUES);
        redisReply *reply = redisCommand(mine, "RPUSH q %d", value);
        if (reply == NULL)
            break;
        cr_assert_eq(reply->type, REDIS_REPLY_INTEGER);
        fates[value].answered++;
        freeReplyObject(reply);
    }
    redisFree(mine);
    return NULL;
}

static void count_list(const char *key, size_t member) {
    redisReply *reply = redisCommand(c, "LRANGE %s 0 -1", key);
    cr_assert(reply && reply->type == REDIS_REPLY_ARRAY);
    for (size_t i = 0; i < reply->elements; i++)
        ++*(int *)(void *)((char *)&fates[atoi(reply->element[i]->str)] + member);
    freeReplyObject(reply);
}

/* Workers and producers run until so many were served; then the server is killed under them, and
 * starts again. */
static void kill_under_them(const char *mode, int until) {
    pthread_t threads[WORKERS + PRODUCERS];
    start(mode);
    received = 0;
    for (int i = 0; i < WORKERS + PRODUCERS; i++)
        pthread_create(&threads[i], NULL, i < WORKERS ? worker : producer, test_connect(s));
    TEST_WAIT_UNTIL(received >= until);
    redisFree(c);
    test_server_kill(s);
    for (int i = 0; i < WORKERS + PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    start(mode);
    for (int i = 0; i < VALUES; i++)
        fates[i].there = fates[i].moved = 0;
    count_list("q", offsetof(fate, there));
    count_list("done", offsetof(fate, moved));
}

/* What a worker was given is its own, and nobody else's; what was not given is there. Only an
 * answer that was on its way may be lost, one for each worker. */
static void popped(const char *mode) {
    int lost = 0;
    work = "BLPOP none q 0";
    fates = calloc(VALUES, sizeof *fates);
    for (int round = 1; round <= ROUNDS; round++) {
        kill_under_them(mode, 500 * round);
        for (int i = 0; i < VALUES; i++) {
            cr_assert_leq(fates[i].got + fates[i].there, 1, "%d served twice", i);
            lost += fates[i].answered && !fates[i].got && !fates[i].there;
            fates[i].answered = 0; /* judged */
        }
        cr_assert_leq(lost, WORKERS * round, "%d answered values are nowhere", lost);
        ASSERT_ASK(c, "OK", "FLUSHALL"); /* what is left would hide that workers wait */
        redisFree(c);
        test_server_stop(s);
    }
    free(fates);
}

Test(blocking, killed_in_everysec)
{ popped(NULL); }
Test(blocking, killed_in_always)
{ popped("--appendfsync always"); }

/* A value that is moved is in one list or in the other, whatever its worker heard of it. */
static void moved(const char *mode) {
    work = "BLMOVE q done LEFT RIGHT 0";
    fates = calloc(VALUES, sizeof *fates);
    for (int round = 1; round <= ROUNDS; round++) {
        kill_under_them(mode, 500 * round);
        for (int i = 0; i < VALUES; i++) {
            cr_assert_leq(fates[i].there + fates[i].moved, 1, "%d is there twice", i);
            if (fates[i].answered)
                cr_assert_eq(fates[i].there + fates[i].moved, 1, "%d is lost", i);
            if (fates[i].got)
                cr_assert(fates[i].got == 1 && fates[i].moved, "%d was given and taken back", i);
        }
        redisFree(c);
        test_server_stop(s);
    }
    free(fates);
}

Test(blocking, moved_in_everysec)
{ moved(NULL); }
Test(blocking, moved_in_always)
{ moved("--appendfsync always"); }
