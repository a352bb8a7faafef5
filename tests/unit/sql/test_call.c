/* SPDX-License-Identifier: MIT */
/* The arguments of the SQL command. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/alloc.h"
#include "sql/call.h"

static const rl_sql_limits limits = {.timeout_ms = 5000, .max_rows = 10, .max_bytes = 1000};
static char error[256];

/* Takes up to 8 words, the last is NULL. */
static rl_sql_call *make(const char *const *words) {
    rl_bytes argv[8];
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = rl_bytes_text(words[argc]);
    *error = '\0';
    return rl_sql_call_create(argv, argc, &limits, 3, error, sizeof error);
}
#define MAKE(...) make((const char *const[]){"SQL", __VA_ARGS__, NULL})

static void expect_text(rl_bytes bytes, const char *text) {
    cr_expect(rl_bytes_equal(bytes, rl_bytes_text(text)), "%.*s, not %s", (int)bytes.len, bytes.ptr,
              text);
}

Test(call, a_statement_alone)
{
    rl_sql_call *c = MAKE("SELECT 1");
    cr_assert_not_null(c);
    expect_text(c->query.text, "SELECT 1");
    cr_expect_eq(c->query.param_count, 0);
    cr_expect_null(c->query.types);
    cr_expect_eq(c->query.resp, 3);
    cr_expect_eq(c->query.limits.timeout_ms, 5000);
    cr_expect_eq(c->query.limits.max_rows, 10);
    rl_sql_call_free(c);
}

Test(call, options_come_in_any_order_and_case)
{
    static const char *const ways[][8] = {
        {"SQL", "TYPES", "in", "TIMEOUT", "7", "SELECT", "1", "2"},
        {"SQL", "timeout", "7", "types", "in", "SELECT", "1", "2"},
    };
    for (int i = 0; i < 2; i++) {
        rl_bytes argv[8];
        for (int k = 0; k < 8; k++)
            argv[k] = rl_bytes_text(ways[i][k]);
        rl_sql_call *c = rl_sql_call_create(argv, 8, &limits, 2, error, sizeof error);
        cr_assert_not_null(c, "%s", error);
        expect_text(c->query.text, "SELECT");
        cr_expect_eq(c->query.param_count, 2);
        expect_text(c->query.params[1], "2");
        cr_expect_eq(memcmp(c->query.types, "in", 2), 0);
        cr_expect_eq(c->query.limits.timeout_ms, 7);
        cr_expect_eq(c->argc, 8);
        rl_sql_call_free(c);
    }
}

Test(call, parameters_may_look_like_options)
{
    rl_sql_call *c = MAKE("SELECT ?", "TYPES", "TIMEOUT");
    cr_assert_not_null(c);
    cr_expect_eq(c->query.param_count, 2);
    expect_text(c->query.params[0], "TYPES");
    rl_sql_call_free(c);
}

Test(call, what_is_wrong_is_said)
{
    static const struct {
        const char *words[6], *says;
    } wrong[] = {
        {{"SQL", "TYPES", "i"}, "needs a statement"},
        {{"SQL", "TYPES"}, "needs a statement"},
        {{"SQL", "TIMEOUT", "5", "TYPES", "i"}, "needs a statement"},
        {{"SQL", "TYPES", "i", "SELECT"}, "1 letters, but there are 0 parameters"},
        {{"SQL", "TYPES", "", "SELECT", "1"}, "0 letters, but there are 1 parameters"},
        {{"SQL", "TYPES", "I", "SELECT", "1"}, "letter 1 is none"},
        {{"SQL", "TIMEOUT", "-1", "SELECT"}, "milliseconds"},
        {{"SQL", "TIMEOUT", "1.5", "SELECT"}, "milliseconds"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_null(make(wrong[i].words), "%zu", i);
        cr_expect(strncmp(error, "ERR ", 4) == 0 && strstr(error, wrong[i].says), "%s", error);
    }
}

Test(call, it_has_its_own_copy)
{
    char words[3][32] = {"SQL", "SELECT ?", "value"};
    rl_bytes argv[3];
    for (int i = 0; i < 3; i++)
        argv[i] = rl_bytes_text(words[i]);
    rl_sql_call *c = rl_sql_call_create(argv, 3, &limits, 2, error, sizeof error);
    memset(words, 'x', sizeof words);
    expect_text(c->query.text, "SELECT ?");
    expect_text(c->query.params[0], "value");
    rl_sql_call_fail(c, "SQLERR %s\r\n", "broken");
    cr_expect_eq(c->outcome, RL_SQL_ERROR);
    cr_expect_str_eq(c->code, "SQLERR");
    rl_sql_call_fail(c, "MISCONF again");
    cr_expect_str_eq(c->code, "MISCONF");
    cr_expect_eq(rl_chain_pending(&c->answer), strlen("-MISCONF again\r\n"));
    rl_sql_call_free(c);
}

Test(call, it_runs_on_an_engine)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    rl_sql_engine *engine = rl_sql_engine_create(db, RL_SQL_READER);
    rl_sql_call *c = MAKE("SELECT nothing");
    cr_expect_eq(rl_sql_call_run(c, engine, NULL), RL_SQL_ERROR);
    cr_expect_str_eq(c->code, "SQLERR");
    rl_sql_call_free(c);
    c = MAKE("SELECT 1 AS x");
    for (int i = 0; i < 2; i++) { /* an earlier answer is forgotten */
        cr_expect_eq(rl_sql_call_run(c, engine, NULL), RL_SQL_ANSWERED);
        cr_expect_str_eq(c->code, "");
        cr_expect_eq(rl_chain_pending(&c->answer), strlen("*2\r\n*1\r\n$1\r\nx\r\n*1\r\n:1\r\n"));
    }
    rl_sql_call_free(c);
    rl_sql_engine_free(engine);
    sqlite3_close(db);
    rl_chain_pool_release();
}
