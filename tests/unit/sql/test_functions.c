/* SPDX-License-Identifier: MIT */
/* The helper functions, and the list of them that documents print. */
#include "sql/functions.h"

#include "rig.h"

TestSuite(functions, .init = rig_start, .fini = rig_stop);

/* One value, which `sql` names v. */
#define EXPECT_VALUE(sql, value) EXPECT_BOTH(sql, "*2\r\n*1\r\n$1\r\nv\r\n*1\r\n" value)

Test(functions, values_of_keys)
{
    EXPECT_VALUE("SELECT rl_get('counter') AS v", "$2\r\n11\r\n");
    EXPECT_VALUE("SELECT rl_get('counter') + 1 AS v", ":12\r\n");
    EXPECT_VALUE("SELECT rl_get('user:1', 3) AS v", "$8\r\nin three\r\n");
    EXPECT_VALUE("SELECT rl_get('user:1') ->> 'name' AS v", "$3\r\nAda\r\n");
    EXPECT_VALUE("SELECT rl_get('missing') AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_get('gone') AS v", "_\r\n"); /* expired, and not folded away yet */
    EXPECT_VALUE("SELECT rl_get('queue') AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_get(NULL) AS v", "_\r\n");
    EXPECT_VALUE("SELECT hex(rl_get(X'00ff')) AS v", "$4\r\nFE00\r\n");
    EXPECT_VALUE("SELECT rl_get(CAST('counter' AS BLOB)) AS v", "$2\r\n11\r\n");
    EXPECT_VALUE("SELECT group_concat(rl_get(key), ',') AS v FROM (SELECT key FROM keys WHERE"
                 " key IN ('counter', 'session') ORDER BY key)",
                 "$7\r\n11,live\r\n");
    EXPECT_REFUSED("SELECT rl_get()", "SQLERR", "wrong number of arguments");
}

Test(functions, types_of_keys)
{
    EXPECT_VALUE("SELECT rl_type('counter') AS v", "$6\r\nstring\r\n");
    EXPECT_VALUE("SELECT rl_type('queue') AS v", "$4\r\nlist\r\n");
    EXPECT_VALUE("SELECT rl_type('gone') AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_type('counter', 1) AS v", "_\r\n");
}

Test(functions, time_to_live)
{
    EXPECT_VALUE("SELECT rl_ttl('counter') AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_ttl('missing') AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_ttl('gone') AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_ttl('session') BETWEEN 3500000 AND 3600000 AS v", ":1\r\n");
    EXPECT_VALUE("SELECT rl_ttl('session') + rl_now() = expires_at AS v FROM keys WHERE key ="
                 " 'session'",
                 ":1\r\n");
}

Test(functions, the_time)
{
    int64_t before = rl_clock_wall_ms();
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT rl_now() BETWEEN %lld AND %lld AS v", (long long)before,
             (long long)before + 60000);
    EXPECT_VALUE(sql, ":1\r\n");
    /* The same through a statement, and not that of the last statement. */
    EXPECT_VALUE("WITH RECURSIVE n(i, t) AS (VALUES(1, rl_now()) UNION ALL SELECT i + 1, rl_now()"
                 " FROM n WHERE i < 200000) SELECT count(DISTINCT t) AS v FROM n",
                 ":1\r\n");
    int64_t until = rl_clock_wall_ms();
    snprintf(sql, sizeof sql, "SELECT rl_now() >= %lld AS v", (long long)until);
    EXPECT_VALUE(sql, ":1\r\n");
    EXPECT_VALUE("SELECT rl_time(0) AS v", "$23\r\n1970-01-01 00:00:00.000\r\n");
    EXPECT_VALUE("SELECT rl_time(1700000000123) AS v", "$23\r\n2023-11-14 22:13:20.123\r\n");
    EXPECT_VALUE("SELECT rl_time(-1) AS v", "$23\r\n1969-12-31 23:59:59.999\r\n");
    EXPECT_VALUE("SELECT rl_time(NULL) AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_time(9223372036854775807) AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_time(-9223372036854775807 - 1) AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_time(253402300799999) AS v", "$23\r\n9999-12-31 23:59:59.999\r\n");
    EXPECT_VALUE("SELECT rl_time(253402300800000) AS v", "_\r\n");
    EXPECT_VALUE("SELECT count(*) AS v FROM keys WHERE expires_time IS NOT rl_time(expires_at)",
                 ":0\r\n");
}

Test(functions, globs_are_those_of_keys)
{
    EXPECT_VALUE("SELECT rl_glob('user:[0-9]', 'user:1') AS v", ":1\r\n");
    EXPECT_VALUE("SELECT rl_glob('user:[^0-9]', 'user:1') AS v", ":0\r\n");
    EXPECT_VALUE("SELECT rl_glob('h\\*llo', 'h*llo') AS v", ":1\r\n");
    EXPECT_VALUE("SELECT rl_glob('*', NULL) AS v", "_\r\n");
    EXPECT_VALUE("SELECT rl_glob(X'00' || '*', X'00ff') AS v", ":1\r\n");
    EXPECT_VALUE("SELECT count(*) AS v FROM keys WHERE rl_glob('user:*', key)", ":2\r\n");
    EXPECT_VALUE("SELECT rl_glob('', '') AS v", ":1\r\n");
}

Test(functions, a_reader_that_used_them_can_be_closed)
{
    EXPECT_VALUE("SELECT rl_get('counter') AS v", "$2\r\n11\r\n");
    rig_disconnect();
    rig_connect();
    EXPECT_VALUE("SELECT rl_get('counter') AS v", "$2\r\n11\r\n");
}

Test(functions, a_failing_statement_leaves_them_usable)
{
    for (int i = 0; i < 3; i++) {
        EXPECT_REFUSED("SELECT rl_get(key), abs(-9223372036854775808) FROM keys", "SQLERR",
                       "overflow");
        EXPECT_VALUE("SELECT rl_type('counter') AS v", "$6\r\nstring\r\n");
    }
}
