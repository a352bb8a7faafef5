/* SPDX-License-Identifier: MIT */
/* One SQL command; see call.h. */
#include "sql/call.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/number.h"
#include "resp/reply.h"

/* ---- arguments ---- */

static bool is_type(char letter) {
    switch (letter) {
    case RL_SQL_AUTO:
    case RL_SQL_TEXT:
    case RL_SQL_INTEGER:
    case RL_SQL_DOUBLE:
    case RL_SQL_BLOB:
    case RL_SQL_NULL:
        return true;
    default:
        return false;
    }
}

static bool check_types(rl_bytes letters, int param_count, char *error, size_t error_len) {
    for (size_t i = 0; i < letters.len; i++)
        if (!is_type(letters.ptr[i])) {
            snprintf(error, error_len,
                     "ERR TYPES has one letter for each parameter: t (text), i (integer), d "
                     "(double), b (blob), n (NULL) or - (as keys are stored); letter %zu is "
                     "none of them",
                     i + 1);
            return false;
        }
    if (letters.len == (size_t)param_count)
        return true;
    snprintf(error, error_len,
             "ERR TYPES has %zu letters, but there are %d parameters: it needs one for each (t i "
             "d b n, or - for as keys are stored)",
             letters.len, param_count);
    return false;
}

/* Which arguments are what; indexes into argv. */
typedef struct layout {
    int types, text; /* types: 0 when left out */
    int64_t timeout_ms;
} layout;

static bool read_options(const rl_bytes *argv, int argc, layout *out, char *error,
                         size_t error_len) {
    int i = 1;
    for (; i < argc; i += 2) {
        bool types = rl_bytes_is(argv[i], "TYPES"), timeout = rl_bytes_is(argv[i], "TIMEOUT");
        if (!types && !timeout)
            break;
        if (i + 2 >= argc) { /* an option's value and the statement must follow */
            snprintf(error, error_len,
                     "ERR SQL needs a statement: SQL [TYPES letters] [TIMEOUT milliseconds] "
                     "statement [parameter ...]");
            return false;
        }
        if (types) {
            out->types = i + 1;
        } else if (!rl_int64_parse(argv[i + 1], &out->timeout_ms) || out->timeout_ms < 0) {
            snprintf(error, error_len,
                     "ERR TIMEOUT takes milliseconds, 0 for none: it is not an integer or out of "
                     "range");
            return false;
        }
    }
    out->text = i;
    return out->types == 0 || check_types(argv[out->types], argc - i - 1, error, error_len);
}

rl_sql_call *rl_sql_call_create(const rl_bytes *argv, int argc, const rl_sql_limits *limits,
                                int resp, char *error, size_t error_len) {
    layout at = {.timeout_ms = limits->timeout_ms};
    size_t bytes = sizeof(rl_sql_call) + (size_t)argc * sizeof *argv;
    if (!read_options(argv, argc, &at, error, error_len))
        return NULL;
    for (int i = 0; i < argc; i++)
        bytes += argv[i].len;
    rl_sql_call *c = rl_malloc(bytes);
    *c = (rl_sql_call){.argc = argc};
    char *to = (char *)&c->argv[argc];
    for (int i = 0; i < argc; i++) {
        c->argv[i] = rl_bytes_of(to, argv[i].len);
        if (argv[i].len)
            memcpy(to, argv[i].ptr, argv[i].len);
        to += argv[i].len;
    }
    c->query = (rl_sql_query){.text = c->argv[at.text],
                              .params = &c->argv[at.text + 1],
                              .param_count = argc - at.text - 1,
                              .types = at.types ? c->argv[at.types].ptr : NULL,
                              .resp = resp,
                              .limits = *limits};
    c->query.limits.timeout_ms = at.timeout_ms;
    return c;
}

void rl_sql_call_free(rl_sql_call *c) {
    if (c)
        rl_chain_release(&c->answer);
    rl_free(c);
}

/* ---- running ---- */

rl_sql_outcome rl_sql_call_run(rl_sql_call *c, rl_sql_engine *engine,
                               const _Atomic bool *cancelled) {
    rl_chain_release(&c->answer);
    int64_t from_us = rl_clock_mono_us();
    c->outcome = rl_sql_engine_run(engine, &c->query, cancelled, &c->answer);
    c->took_us += (uint64_t)(rl_clock_mono_us() - from_us);
    snprintf(c->code, sizeof c->code, "%s", rl_sql_engine_error_code(engine));
    return c->outcome;
}

void rl_sql_call_fail(rl_sql_call *c, const char *format, ...) {
    rl_buffer text = {0};
    va_list args;
    va_start(args, format);
    rl_buffer_vprintf(&text, format, args);
    va_end(args);
    rl_chain_release(&c->answer);
    rl_reply reply = {.chain = &c->answer, .resp = c->query.resp};
    rl_reply_error(&reply, rl_buffer_cstr(&text));
    snprintf(c->code, sizeof c->code, "%.15s", reply.error_code);
    c->outcome = RL_SQL_ERROR;
    rl_buffer_release(&text);
}
