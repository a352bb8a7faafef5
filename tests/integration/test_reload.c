/* SPDX-License-Identifier: MIT */
/* DEBUG RELOAD tells every difference between memory and data.db, and DEBUG DIGEST is the same
 * after a start. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "server.h"

static test_server *s;
static redisContext *c;

static void setup(void) {
    s = test_server_create();
    test_server_start(s, "--enable-debug-command yes");
    c = test_connect(s);
}

static void teardown(void) {
    redisFree(c);
    test_server_free(s);
}

TestSuite(reload, .init = setup, .fini = teardown);

static void change_file(const char *sql) {
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/data.db", s->data);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, TEST_WAIT_MS);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
    cr_assert_gt(sqlite3_changes(db), 0, "%s", sql);
    sqlite3_close(db);
}

static const struct difference {
    const char *command, *sql, *told;
} differences[] = {
    {"SET k v", "UPDATE rl_key SET value = 'w'", "it has another value"},
    {"SET k v", "UPDATE rl_key SET expires_at = 33177117420123", "it has another expiry"},
    {"SET k v", "DELETE FROM rl_key", "data.db has 0 live keys, memory has 1"},
    {"SADD k a b", "UPDATE rl_set SET member = 'c' WHERE member = 'b'", "it has other elements"},
    {"SADD k a b", "DELETE FROM rl_set WHERE member = 'b'", "it has another number of elements"},
    {"SADD k 1 2", "INSERT INTO rl_set SELECT key_id, '3' FROM rl_set LIMIT 1",
     "it has other elements"},
    {"HSET k f v g w", "UPDATE rl_hash SET value = 'w' WHERE field = 'f'", "it has other elements"},
    {"HSET k f v g w", "UPDATE rl_hash SET expires_at = 33177117420123 WHERE field = 'f'",
     "it has other elements"},
    {"HSET k f v g w", "DELETE FROM rl_hash WHERE field = 'f'",
     "it has another number of elements"},
    {"ZADD k 1 a 2 b", "UPDATE rl_zset SET score = 3 WHERE member = 'b'", "it has other elements"},
    {"ZADD k 1 a 2 b", "DELETE FROM rl_zset WHERE member = 'b'",
     "it has another number of elements"},
    {"RPUSH k a b c", "UPDATE rl_list SET value = 'x' WHERE value = 'b'", "it has other elements"},
    {"RPUSH k a b c", "UPDATE rl_list SET pos = 100 WHERE value = 'c'", "it has other elements"},
    {"RPUSH k a b c", "DELETE FROM rl_list WHERE value = 'c'", "it has another number of elements"},
    {"RPUSH k a b c", "DELETE FROM rl_list WHERE value = 'a'", "it has other elements"},
};

Test(reload, tells_what_differs)
{
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        const struct difference *d = &differences[i];
        test_ask(c, "FLUSHALL");
        test_ask(c, d->command);
        cr_assert_str_eq(test_ask(c, "DEBUG RELOAD"), "OK", "%s", d->command);
        change_file(d->sql);
        const char *answer = test_ask(c, "DEBUG RELOAD");
        cr_assert(strncmp(answer, "-ERR Error trying to load the data: ", 36) == 0 &&
                      strstr(answer, d->told),
                  "%s, %s: %s", d->command, d->sql, answer);
    }
}

/* A little of every form, with what was changed and taken out again. */
static void fill(void) {
    char command[64];
    test_ask(c, "SET string v");
    for (int i = 0; i < 700; i++) {
        snprintf(command, sizeof command, "HSET big:hash f%d %d", i, i * i);
        test_ask(c, command);
        snprintf(command, sizeof command, "ZADD big:zset %d m%d", i % 50, i);
        test_ask(c, command);
        snprintf(command, sizeof command, "RPUSH big:list %d:%0*d", i, i % 20 + 1, i);
        test_ask(c, command);
        snprintf(command, sizeof command, "SADD big:set m%d %d", i, i);
        test_ask(c, command);
        snprintf(command, sizeof command, "SADD ints %d", i % 300);
        test_ask(c, command);
    }
    test_ask(c, "SREM big:set m3 4 m5");
    test_ask(c, "HDEL big:hash f1 f2");
    test_ask(c, "LREM big:list 1 100:1");
    test_ask(c, "LPOP big:list 20");
    test_ask(c, "ZINCRBY big:zset 2.5 m7");
    test_ask(c, "HSET hash a 1 b 2 c 3");
    test_ask(c, "HEXPIRE hash 5000 FIELDS 1 b");
    test_ask(c, "HPEXPIRE big:hash 1 FIELDS 2 f10 f11");
    test_ask(c, "SADD set a b c");
    test_ask(c, "EXPIRE set 5000");
    test_ask(c, "ZADD zset 1.25 a -inf b");
    test_ask(c, "LPUSH list c b a");
    test_ask(c, "LINSERT list BEFORE b x");
}

Test(reload, the_digest_outlives_the_process)
{
    char before[64];
    fill();
    while (strcmp(test_ask(c, "HMGET big:hash f10 f11"), "[(nil) (nil)]") != 0)
        test_pause();
    cr_assert_str_eq(test_ask(c, "DEBUG RELOAD"), "OK");
    snprintf(before, sizeof before, "%s", test_ask(c, "DEBUG DIGEST"));
    for (int i = 0; i < 2; i++) {
        redisFree(c);
        if (i == 0)
            test_server_kill(s);
        else
            cr_assert_eq(test_server_stop(s), 0);
        test_server_start(s, "--enable-debug-command yes");
        c = test_connect(s);
        cr_assert_str_eq(test_ask(c, "DEBUG DIGEST"), before);
        cr_assert_str_eq(test_ask(c, "DEBUG RELOAD"), "OK");
    }
    test_ask(c, "SADD big:set one-more");
    cr_assert_str_neq(test_ask(c, "DEBUG DIGEST"), before);
}
