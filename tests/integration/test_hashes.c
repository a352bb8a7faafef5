/* SPDX-License-Identifier: MIT */
/* Fields of hashes that expire, which redis-server 7.0 does not have; what it has is compared in
 * tests/compat/cases/hashes.py. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server.h"

static test_server *s;
static redisContext *c;

static void setup(void) {
    s = test_server_create();
    test_server_start(s, NULL);
    c = test_connect(s);
}

static void teardown(void) {
    redisFree(c);
    test_server_free(s);
}

TestSuite(hashes, .init = setup, .fini = teardown);

static int64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool answers(const char *want, const char *command) {
    return strcmp(test_ask(c, command), want) == 0;
}

/* The one integer in an answer like "[12]". */
static long long number(const char *command) {
    const char *text = test_ask(c, command);
    cr_assert_eq(text[0], '[', "%s answered %s", command, text);
    return atoll(text + 1);
}

#define ASSERT_BETWEEN(value, low, high)                                                           \
    do {                                                                                           \
        long long value_ = (value);                                                                \
        cr_assert(value_ >= (low) && value_ <= (high), "%s is %lld", #value, value_);              \
    } while (0)

#define WRONGTYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define NOT_INT   "-ERR value is not an integer or out of range"
#define NO_FIELDS "-ERR Mandatory argument FIELDS is missing or not at the right position"
#define MISMATCH  "-ERR The `numfields` parameter must match the number of arguments"
#define NEGATIVE  "-ERR invalid expire time, must be >= 0"
#define ONE_TIME  "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"

/* As many fields as make it a table. */
static void make_large(const char *key) {
    for (int i = 0; i < 600; i++)
        redisAppendCommand(c, "HSET %s field:%d value:%d", key, i, i);
    for (int i = 0; i < 600; i++)
        cr_assert_str_eq(test_answer(c), "1");
}

/* ---- the HEXPIRE family ---- */

Test(hashes, expiries_are_set_and_told)
{
    ASSERT_ASK(c, "3", "HSET h a 1 b 2 c 3");
    ASSERT_ASK(c, "[-1 -2]", "HTTL h FIELDS 2 a x");
    ASSERT_ASK(c, "[1 1 -2]", "HEXPIRE h 100 FIELDS 3 a b x");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 a"), 90, 100);
    ASSERT_BETWEEN(number("HPTTL h FIELDS 1 a"), 90000, 100000);
    ASSERT_BETWEEN(number("HEXPIRETIME h FIELDS 1 a"), wall_ms() / 1000 + 90,
                   wall_ms() / 1000 + 101);
    ASSERT_BETWEEN(number("HPEXPIRETIME h FIELDS 1 b"), wall_ms() + 90000, wall_ms() + 100000);
    ASSERT_ASK(c, "[-1]", "HPTTL h FIELDS 1 c");
    ASSERT_ASK(c, "[-1]", "HEXPIRETIME h FIELDS 1 c");
    ASSERT_ASK(c, "[-2]", "HPEXPIRETIME h FIELDS 1 x");
    ASSERT_ASK(c, "[1]", "HPEXPIRE h 200000 FIELDS 1 c");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 c"), 190, 200);
    ASSERT_ASK(c, "[1]", "HEXPIREAT h 33177117420 FIELDS 1 c");
    ASSERT_ASK(c, "[33177117420]", "HEXPIRETIME h FIELDS 1 c");
    ASSERT_ASK(c, "[33177117420000]", "HPEXPIRETIME h FIELDS 1 c");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT h 33177117420001 FIELDS 1 c");
    ASSERT_ASK(c, "[33177117421]", "HEXPIRETIME h FIELDS 1 c"); /* seconds are rounded up */
    ASSERT_ASK(c, "[1 -1 -2]", "HPERSIST h FIELDS 3 c c x");
    ASSERT_ASK(c, "[-1]", "HTTL h FIELDS 1 c");
    ASSERT_ASK(c, "-1", "TTL h");
    ASSERT_ASK(c, "[1 2 3]", "HMGET h a b c");
}

Test(hashes, of_a_missing_key_there_are_no_fields)
{
    static const char *const commands[] = {
        "HEXPIRE none 10 FIELDS 2 a b",   "HPEXPIRE none 10 NX FIELDS 2 a b",
        "HEXPIREAT none 10 FIELDS 2 a b", "HPEXPIREAT none 10 FIELDS 2 a b",
        "HTTL none FIELDS 2 a b",         "HPTTL none FIELDS 2 a b",
        "HEXPIRETIME none FIELDS 2 a b",  "HPEXPIRETIME none FIELDS 2 a b",
        "HPERSIST none FIELDS 2 a b"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        cr_assert(answers("[-2 -2]", commands[i]), "%s", commands[i]);
    ASSERT_ASK(c, "0", "DBSIZE");
}

Test(hashes, conditions)
{
    ASSERT_ASK(c, "2", "HSET h a 1 b 2");
    ASSERT_ASK(c, "[0]", "HPEXPIREAT h 33177117420000 XX FIELDS 1 a");
    ASSERT_ASK(c, "[0]", "HPEXPIREAT h 33177117420000 GT FIELDS 1 a");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT h 33177117420000 NX FIELDS 1 a");
    ASSERT_ASK(c, "[0]", "HPEXPIREAT h 33177117420001 nx FIELDS 1 a");
    ASSERT_ASK(c, "[0]", "HPEXPIREAT h 33177117420000 GT FIELDS 1 a");
    ASSERT_ASK(c, "[0]", "HPEXPIREAT h 33177117420000 LT FIELDS 1 a");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT h 33177117420001 gt FIELDS 1 a");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT h 33177117420000 lt FIELDS 1 a");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT h 33177117420007 XX fields 1 a");
    ASSERT_ASK(c, "[33177117420007]", "HPEXPIRETIME h FIELDS 1 a");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT h 33177117420000 LT FIELDS 1 b");
    ASSERT_ASK(c, "[0 -2 1]", "HPEXPIREAT h 33177117420005 GT FIELDS 3 a x b");
    /* a time that is over obeys them too */
    ASSERT_ASK(c, "[0 0]", "HEXPIREAT h 1 NX FIELDS 2 a b");
    ASSERT_ASK(c, "[0 0]", "HEXPIREAT h 1 GT FIELDS 2 a b");
    ASSERT_ASK(c, "[2]", "HEXPIREAT h 1 LT FIELDS 1 a");
    ASSERT_ASK(c, "1", "HLEN h");
}

Test(hashes, a_time_that_is_over_removes)
{
    ASSERT_ASK(c, "4", "HSET h a 1 b 2 c 3 d 4");
    ASSERT_ASK(c, "[2 -2]", "HEXPIRE h 0 FIELDS 2 a a");
    ASSERT_ASK(c, "[2]", "HPEXPIREAT h 1 FIELDS 1 b");
    ASSERT_ASK(c, "[2]", "HEXPIREAT h 0 FIELDS 1 c");
    ASSERT_ASK(c, "[d]", "HKEYS h");
    ASSERT_ASK(c, "[2]", "HPEXPIRE h 0 FIELDS 1 d");
    ASSERT_ASK(c, "0", "EXISTS h");
}

Test(hashes, errors)
{
    static const char *const cases[][2] = {
        {"HEXPIRE string 1 FIELDS 1 a", WRONGTYPE},
        {"HPEXPIREAT string x", "-ERR wrong number of arguments for 'hpexpireat' command"},
        {"HTTL string FIELDS 1 a", WRONGTYPE},
        {"HPTTL string FIELDS 1 a", WRONGTYPE},
        {"HEXPIRETIME string FIELDS 1 a", WRONGTYPE},
        {"HPEXPIRETIME string FIELDS 1 a", WRONGTYPE},
        {"HPERSIST string FIELDS 1 a", WRONGTYPE},
        {"HGETDEL string FIELDS 1 a", WRONGTYPE},
        {"HGETEX string FIELDS 1 a", WRONGTYPE},
        {"HSETEX string FIELDS 1 a v", WRONGTYPE},
        {"HSCAN string 0 NOVALUES", WRONGTYPE},
        {"HEXPIRE h x FIELDS 1 a", NOT_INT},
        {"HEXPIRE h 1.5 FIELDS 1 a", NOT_INT},
        {"HEXPIRE h 9223372036854775808 FIELDS 1 a", NOT_INT},
        {"HEXPIRE h -1 FIELDS 1 a", NEGATIVE},
        {"HPEXPIREAT h -1 FIELDS 1 a", NEGATIVE},
        {"HEXPIRE h 9223372036854775807 FIELDS 1 a",
         "-ERR invalid expire time in 'hexpire' command"},
        {"HEXPIRE h 70368744178 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"},
        {"HPEXPIREAT h 70368744177664 FIELDS 1 a",
         "-ERR invalid expire time in 'hpexpireat' command"},
        {"HPEXPIRE h 70368744177663 FIELDS 1 a", "-ERR invalid expire time in 'hpexpire' command"},
        {"HEXPIRE h 10 NX XX FIELDS 1 a", NO_FIELDS},
        {"HEXPIRE h 10 WHAT FIELDS 1 a", NO_FIELDS},
        {"HEXPIRE h 10 NX FIELDS 1", MISMATCH},
        {"HEXPIRE h 10 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"},
        {"HEXPIRE h 10 FIELDS x a", "-ERR Parameter `numFields` should be greater than 0"},
        {"HEXPIRE h 10 FIELDS 2 a", MISMATCH},
        {"HEXPIRE h 10 FIELDS 1 a b", MISMATCH},
        {"HEXPIRE h 10 FIELDS 9223372036854775807 a", MISMATCH},
        {"HTTL h FIELDS 0 a", "-ERR Number of fields must be a positive integer"},
        {"HTTL h FIELDS -1 a", "-ERR Number of fields must be a positive integer"},
        {"HPERSIST h FIELDS x a", "-ERR Number of fields must be a positive integer"},
        {"HTTL h FIELDS 2 a", MISMATCH},
        {"HTTL h WHAT 1 a", NO_FIELDS},
        {"HPERSIST h 1 a b", NO_FIELDS}};
    ASSERT_ASK(c, "1", "HSET h a 1");
    ASSERT_ASK(c, "OK", "SET string v");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = test_ask(c, cases[i][0]);
        cr_assert_str_eq(got, cases[i][1], "%s answered %s", cases[i][0], got);
    }
    ASSERT_ASK(c, "[-1]", "HTTL h FIELDS 1 a");
}

/* ---- what happens to the expiry ---- */

Test(hashes, setting_takes_the_expiry_away_and_counting_keeps_it)
{
    ASSERT_ASK(c, "4", "HSET h a 1 b 1 c 1 d 1");
    ASSERT_ASK(c, "[1 1 1 1]", "HPEXPIREAT h 33177117420000 FIELDS 4 a b c d");
    ASSERT_ASK(c, "0", "HSET h a 2");
    ASSERT_ASK(c, "OK", "HMSET h b 2");
    ASSERT_ASK(c, "0", "HSETNX h d 2");
    ASSERT_ASK(c, "2", "HINCRBY h c 1");
    ASSERT_ASK(c, "2.5", "HINCRBYFLOAT h c 0.5");
    ASSERT_ASK(c, "[-1 -1 33177117420000 33177117420000]", "HPEXPIRETIME h FIELDS 4 a b c d");
    ASSERT_ASK(c, "1", "HDEL h c");
    ASSERT_ASK(c, "1", "HSETNX h c 1");
    ASSERT_ASK(c, "[-1]", "HPEXPIRETIME h FIELDS 1 c");
    ASSERT_ASK(c, "1", "COPY h i");
    ASSERT_ASK(c, "OK", "RENAME h j");
    ASSERT_ASK(c, "[33177117420000]", "HPEXPIRETIME i FIELDS 1 d");
    ASSERT_ASK(c, "[33177117420000]", "HPEXPIRETIME j FIELDS 1 d");
    ASSERT_ASK(c, "OK", "SET j v");
    ASSERT_ASK(c, "1", "DEL j");
    ASSERT_ASK(c, "1", "HSET j d 1");
    ASSERT_ASK(c, "[-1]", "HTTL j FIELDS 1 d");
}

/* ---- time passes ---- */

Test(hashes, fields_go_when_their_time_is_over)
{
    make_large("large");
    ASSERT_ASK(c, "3", "HSET h a 1 b 2 c 3");
    ASSERT_ASK(c, "[1 1]", "HPEXPIRE h 50 FIELDS 2 a b");
    ASSERT_ASK(c, "[1 1 1]", "HPEXPIRE large 50 FIELDS 3 field:1 field:2 field:3");
    TEST_WAIT_UNTIL(answers("[(nil) (nil) 3]", "HMGET h a b c"));
    TEST_WAIT_UNTIL(answers("597", "HLEN large"));
    ASSERT_ASK(c, "[c 3]", "HGETALL h");
    ASSERT_ASK(c, "1", "HLEN h");
    ASSERT_ASK(c, "0", "HEXISTS h a");
    ASSERT_ASK(c, "[0 [c 3]]", "HSCAN h 0");
    ASSERT_ASK(c, "[-2 -2 -1]", "HTTL h FIELDS 3 a b c");
    ASSERT_ASK(c, "0", "HEXISTS large field:2");
    ASSERT_ASK(c, "value:4", "HGET large field:4");
}

Test(hashes, a_hash_without_fields_goes)
{
    ASSERT_ASK(c, "2", "HSET h a 1 b 2");
    ASSERT_ASK(c, "[1]", "HPEXPIRE h 100000 FIELDS 1 b");
    ASSERT_ASK(c, "[1 1]", "HPEXPIRE h 30 FIELDS 2 a b");
    TEST_WAIT_UNTIL(answers("0", "DBSIZE")); /* nobody looks at the key */
    ASSERT_ASK(c, "0", "EXISTS h");
}

Test(hashes, nobody_meets_a_field_whose_time_is_over)
{
    redisFree(c);
    test_server_stop(s);
    test_server_start(s, "--enable-debug-command yes");
    c = test_connect(s);
    ASSERT_ASK(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 0");
    ASSERT_ASK(c, "2", "HSET h a 1 b 2");
    ASSERT_ASK(c, "1", "HSET lone a 1");
    ASSERT_ASK(c, "[1]", "HPEXPIRE lone 20 FIELDS 1 a");
    ASSERT_ASK(c, "[1]", "HPEXPIRE h 20 FIELDS 1 a"); /* not before the other one */
    TEST_WAIT_UNTIL(answers("(nil)", "HGET h a"));
    ASSERT_ASK(c, "1", "HLEN h");
    ASSERT_ASK(c, "5", "HINCRBY lone a 5"); /* it begins anew */
    ASSERT_ASK(c, "[-1]", "HTTL lone FIELDS 1 a");
    ASSERT_ASK(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 1");
}

/* ---- HGETDEL ---- */

Test(hashes, hgetdel)
{
    ASSERT_ASK(c, "3", "HSET h a 1 b 2 c 3");
    ASSERT_ASK(c, "[1 (nil) (nil)]", "HGETDEL h FIELDS 3 a x a");
    ASSERT_ASK(c, "2", "HLEN h");
    ASSERT_ASK(c, "[2 3]", "HGETDEL h FIELDS 2 b c");
    ASSERT_ASK(c, "0", "EXISTS h");
    ASSERT_ASK(c, "[(nil) (nil)]", "HGETDEL h FIELDS 2 b c");
    ASSERT_ASK(c, NO_FIELDS, "HGETDEL h WHAT 1 a");
    ASSERT_ASK(c, "-ERR Number of fields must be a positive integer", "HGETDEL h FIELDS 0 a");
    ASSERT_ASK(c, MISMATCH, "HGETDEL h FIELDS 2 a");
    ASSERT_ASK(c, "-ERR wrong number of arguments for 'hgetdel' command", "HGETDEL h FIELDS 1");
}

/* ---- HGETEX ---- */

Test(hashes, hgetex)
{
    ASSERT_ASK(c, "3", "HSET h a 1 b 2 c 3");
    ASSERT_ASK(c, "[1 (nil)]", "HGETEX h FIELDS 2 a x");
    ASSERT_ASK(c, "[-1]", "HTTL h FIELDS 1 a");
    ASSERT_ASK(c, "[1 (nil) 2]", "HGETEX h PXAT 33177117420000 FIELDS 3 a x b");
    ASSERT_ASK(c, "[33177117420000 33177117420000 -1]", "HPEXPIRETIME h FIELDS 3 a b c");
    ASSERT_ASK(c, "[1]", "HGETEX h FIELDS 1 a");
    ASSERT_ASK(c, "[33177117420000]", "HPEXPIRETIME h FIELDS 1 a");
    ASSERT_ASK(c, "[1 3]", "HGETEX h persist FIELDS 2 a c");
    ASSERT_ASK(c, "[-1 33177117420000 -1]", "HPEXPIRETIME h FIELDS 3 a b c");
    ASSERT_ASK(c, "[1]", "HGETEX h EX 100 FIELDS 1 a");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 a"), 90, 100);
    ASSERT_ASK(c, "[1]", "HGETEX h PX 200000 FIELDS 1 a");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 a"), 190, 200);
    ASSERT_ASK(c, "[1]", "HGETEX h EXAT 33177117420 FIELDS 1 a");
    ASSERT_ASK(c, "[33177117420]", "HEXPIRETIME h FIELDS 1 a");
    ASSERT_ASK(c, "[1 (nil)]", "HGETEX h EXAT 1 FIELDS 2 a a");
    ASSERT_ASK(c, "[2 3]", "HGETEX h EX 0 FIELDS 2 b c");
    ASSERT_ASK(c, "0", "EXISTS h");
    ASSERT_ASK(c, "[(nil)]", "HGETEX h EX 5 FIELDS 1 a");
}

Test(hashes, hgetex_errors)
{
    ASSERT_ASK(c, "1", "HSET h a 1");
    ASSERT_ASK(c, NO_FIELDS, "HGETEX h WHAT 1 a");
    ASSERT_ASK(c, NO_FIELDS, "HGETEX h PXAT 1 1");
    ASSERT_ASK(c, NO_FIELDS, "HGETEX h PERSIST EX 10 FIELDS 1 a");
    ASSERT_ASK(c, NO_FIELDS, "HGETEX h EX 10 PERSIST FIELDS 1 a");
    ASSERT_ASK(c, NO_FIELDS, "HGETEX h EX 10 FIELDS");
    ASSERT_ASK(c, MISMATCH, "HGETEX h FIELDS 2 a");
    ASSERT_ASK(c, "-ERR Number of fields must be a positive integer", "HGETEX h FIELDS 0 a");
    ASSERT_ASK(c, NOT_INT, "HGETEX h EX x FIELDS 1 a");
    ASSERT_ASK(c, NEGATIVE, "HGETEX h PX -1 FIELDS 1 a");
    ASSERT_ASK(c, "-ERR invalid expire time in 'hgetex' command",
               "HGETEX h EXAT 70368744178 FIELDS 1 a");
    ASSERT_ASK(c, "[-1]", "HTTL h FIELDS 1 a");
}

/* ---- HSETEX ---- */

Test(hashes, hsetex)
{
    ASSERT_ASK(c, "1", "HSETEX h FIELDS 2 a 1 b 2");
    ASSERT_ASK(c, "[-1 -1]", "HTTL h FIELDS 2 a b");
    ASSERT_ASK(c, "1", "HSETEX h PXAT 33177117420000 FIELDS 2 a 3 c 4");
    ASSERT_ASK(c, "[3 2 4]", "HMGET h a b c");
    ASSERT_ASK(c, "[33177117420000 -1 33177117420000]", "HPEXPIRETIME h FIELDS 3 a b c");
    ASSERT_ASK(c, "1", "HSETEX h KEEPTTL FIELDS 3 a 5 b 5 d 5");
    ASSERT_ASK(c, "[33177117420000 -1 -1]", "HPEXPIRETIME h FIELDS 3 a b d");
    ASSERT_ASK(c, "1", "HSETEX h FIELDS 1 a 6");
    ASSERT_ASK(c, "[-1]", "HTTL h FIELDS 1 a");
    ASSERT_ASK(c, "1", "HSETEX h EX 100 FIELDS 1 a 7");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 a"), 90, 100);
    ASSERT_ASK(c, "1", "HSETEX h px 200000 fields 1 a 8");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 a"), 190, 200);
    ASSERT_ASK(c, "1", "HSETEX h EXAT 33177117420 FIELDS 1 a 9");
    ASSERT_ASK(c, "[33177117420]", "HEXPIRETIME h FIELDS 1 a");
    ASSERT_ASK(c, "1", "HSETEX h EX 0 FIELDS 2 a 1 new 1");
    ASSERT_ASK(c, "3", "HLEN h");
    ASSERT_ASK(c, "1", "HSETEX none EXAT 1 FIELDS 1 a 1");
    ASSERT_ASK(c, "0", "EXISTS none");
}

Test(hashes, hsetex_conditions)
{
    ASSERT_ASK(c, "0", "HSETEX h FXX FIELDS 1 a 1");
    ASSERT_ASK(c, "0", "EXISTS h");
    ASSERT_ASK(c, "1", "HSETEX h FNX FIELDS 2 a 1 a 2");
    ASSERT_ASK(c, "0", "HSETEX h FNX FIELDS 2 a 3 b 3");
    ASSERT_ASK(c, "0", "HSETEX h FXX FIELDS 2 a 3 b 3");
    ASSERT_ASK(c, "[a 2]", "HGETALL h");
    ASSERT_ASK(c, "1", "HSETEX h EX 100 FNX FIELDS 1 b 4");
    ASSERT_ASK(c, "1", "HSETEX h fxx KEEPTTL FIELDS 2 a 5 b 5");
    ASSERT_ASK(c, "[5 5]", "HMGET h a b");
    ASSERT_BETWEEN(number("HTTL h FIELDS 1 b"), 90, 100);
}

Test(hashes, hsetex_errors)
{
#define COUNT "-ERR wrong number of arguments for 'hsetex' command"
    static const char *const cases[][2] = {
        {"HSETEX h FIELDS 1 a", COUNT},
        {"HSETEX h FIELDS 2 a 1", COUNT},
        {"HSETEX h FIELDS 1 a 1 b 2", COUNT},
        {"HSETEX h FIELDS 1 a 1 b", COUNT},
        {"HSETEX h FIELDS 2 a 1 b", COUNT},
        {"HSETEX h EX 10 FNX FIELDS", COUNT},
        {"HSETEX h EX 10 FNX FIELDS 1", COUNT},
        {"HSETEX h FIELDS 0 a 1", "-ERR invalid number of fields"},
        {"HSETEX h FIELDS x a 1", "-ERR invalid number of fields"},
        {"HSETEX h NX FIELDS 1 a 1", "-ERR unknown argument: NX"},
        {"HSETEX h FNX FXX FIELDS 1 a 1", "-ERR Only one of FXX or FNX arguments can be specified"},
        {"HSETEX h FNX FNX FIELDS 1 a 1", "-ERR Only one of FXX or FNX arguments can be specified"},
        {"HSETEX h EX 10 PX 10 FIELDS 1 a 1", ONE_TIME},
        {"HSETEX h EX 10 EX 10 FIELDS 1 a 1", ONE_TIME},
        {"HSETEX h KEEPTTL PX 10 FIELDS 1 a 1", ONE_TIME},
        {"HSETEX h EX 10 KEEPTTL FIELDS 1 a 1", ONE_TIME},
        {"HSETEX h EX FIELDS 1 a 1", NOT_INT},
        {"HSETEX h EX x FIELDS 1 a 1", NOT_INT},
        {"HSETEX h FNX KEEPTTL FNX PX", "-ERR Only one of FXX or FNX arguments can be specified"},
        {"HSETEX h EX -1 FIELDS 1 a 1", NEGATIVE},
        {"HSETEX h EX 70368744178 FIELDS 1 a 1", "-ERR invalid expire time in 'hsetex' command"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = test_ask(c, cases[i][0]);
        cr_assert_str_eq(got, cases[i][1], "%s answered %s", cases[i][0], got);
    }
    ASSERT_ASK(c, "0", "EXISTS h");
#undef COUNT
}

/* ---- beside other things ---- */

Test(hashes, events)
{
    static const struct {
        const char *command, *events[4];
    } steps[] = {{"HSET h a 1 b 2 c 3 d 4", {"hset"}},
                 {"HEXPIRE h 100 FIELDS 2 a b", {"hexpire"}},
                 {"HEXPIRE h 100 NX FIELDS 1 a", {NULL}},
                 {"HEXPIRE h 100 FIELDS 1 x", {NULL}},
                 {"HPERSIST h FIELDS 2 a c", {"hpersist"}},
                 {"HPERSIST h FIELDS 2 a c", {NULL}},
                 {"HEXPIRE h 0 FIELDS 1 a", {"hdel"}},
                 {"HGETEX h FIELDS 1 b", {NULL}},
                 {"HGETEX h EX 50 FIELDS 2 b x", {"hexpire"}},
                 {"HGETEX h EX 50 FIELDS 1 x", {NULL}},
                 {"HGETEX h PERSIST FIELDS 1 b", {"hpersist"}},
                 {"HGETEX h PERSIST FIELDS 1 b", {NULL}},
                 {"HGETEX h EX 0 FIELDS 1 b", {"hdel"}},
                 {"HGETDEL h FIELDS 1 x", {NULL}},
                 {"HGETDEL h FIELDS 2 c x", {"hdel"}},
                 {"HGETDEL h FIELDS 1 d", {"hdel", "del"}},
                 {"HSETEX h FIELDS 1 a 1", {"hset"}},
                 {"HSETEX h FNX FIELDS 1 a 1", {NULL}},
                 {"HSETEX h EX 10 FIELDS 1 a 1", {"hset", "hexpire"}},
                 {"HSETEX h EXAT 1 FIELDS 1 a 1", {"hset", "hdel", "del"}},
                 {"HSET h a 1", {"hset"}},
                 {"HPEXPIRE h 1 FIELDS 1 a", {"hexpire", "hexpired", "del"}}};
    redisContext *listener = test_connect(s);
    ASSERT_ASK(c, "OK", "CONFIG SET notify-keyspace-events Khg");
    ASSERT_ASK(listener, "[subscribe __keyspace@0__:h 1]", "SUBSCRIBE __keyspace@0__:h");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        cr_assert_neq(test_ask(c, steps[i].command)[0], '-', "%s", steps[i].command);
        for (int k = 0; steps[i].events[k]; k++) {
            char want[64];
            snprintf(want, sizeof want, "[message __keyspace@0__:h %s]", steps[i].events[k]);
            const char *got = test_answer(listener);
            cr_assert_str_eq(got, want, "%s: %s", steps[i].command, got);
        }
    }
    redisFree(listener);
}

Test(hashes, a_watched_hash_is_changed_by_an_expiry)
{
    redisContext *other = test_connect(s);
    ASSERT_ASK(c, "1", "HSET h a 1");
    ASSERT_ASK(c, "OK", "WATCH h");
    ASSERT_ASK(other, "[-1]", "HPERSIST h FIELDS 1 a");
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "QUEUED", "HTTL h FIELDS 1 a");
    ASSERT_ASK(c, "[[-1]]", "EXEC");
    ASSERT_ASK(c, "OK", "WATCH h");
    ASSERT_ASK(other, "[1]", "HEXPIRE h 100 FIELDS 1 a");
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "QUEUED", "HTTL h FIELDS 1 a");
    ASSERT_ASK(c, "(nil)", "EXEC");
    redisFree(other);
}

Test(hashes, repeats_have_a_limit)
{
    ASSERT_ASK(c, "1", "HSET h a 1");
    ASSERT_ASK(c, "-ERR value is out of range: at most 10000000 with repeats",
               "HRANDFIELD h -10000001");
    ASSERT_ASK(c, "-ERR value is out of range: at most 10000000 with repeats",
               "HRANDFIELD h -4000000000000000000 WITHVALUES");
    ASSERT_ASK(c, "[]", "HRANDFIELD none -9223372036854775807");
    redisReply *reply = redisCommand(c, "HRANDFIELD h -100000");
    cr_assert(reply && reply->elements == 100000);
    freeReplyObject(reply);
}

/* ---- restarts ---- */

static void restart(bool cleanly) {
    redisFree(c);
    if (cleanly)
        cr_assert_eq(test_server_stop(s), 0);
    else
        test_server_kill(s);
    test_server_start(s, NULL);
    c = test_connect(s);
}

static void expect_kept(void) {
    ASSERT_ASK(c, "[33177117420000 -1 -1 -2]", "HPEXPIRETIME h FIELDS 4 a b c d");
    ASSERT_ASK(c, "[1 2 3 (nil)]", "HMGET h a b c d");
    ASSERT_ASK(c, "599", "HLEN large");
    ASSERT_ASK(c, "[33177117420001 -1 -2]",
               "HPEXPIRETIME large FIELDS 3 field:1 field:2 field:599");
    TEST_WAIT_UNTIL(answers("[b 2]", "HGETALL soon"));
}

static void expiries_survive(bool cleanly) {
    make_large("large");
    ASSERT_ASK(c, "4", "HSET h a 1 b 2 c 3 d 4");
    ASSERT_ASK(c, "[1 1]", "HPEXPIREAT h 33177117420000 FIELDS 2 a c");
    ASSERT_ASK(c, "[1]", "HPERSIST h FIELDS 1 c");
    ASSERT_ASK(c, "[2]", "HEXPIRE h 0 FIELDS 1 d");
    ASSERT_ASK(c, "[1]", "HPEXPIREAT large 33177117420001 FIELDS 1 field:1");
    ASSERT_ASK(c, "[value:599]", "HGETDEL large FIELDS 1 field:599");
    ASSERT_ASK(c, "2", "HSET soon a 1 b 2");
    ASSERT_ASK(c, "[1]", "HPEXPIRE soon 300 FIELDS 1 a");
    restart(cleanly);
    expect_kept();
    restart(cleanly);
    expect_kept();
}

Test(hashes, expiries_survive_a_stop)
{ expiries_survive(true); }

Test(hashes, expiries_survive_a_kill)
{ expiries_survive(false); }
