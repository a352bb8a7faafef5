/* SPDX-License-Identifier: MIT */
/* Shared by the families of commands. See shared.h. */
#include "commands/shared.h"

#include <math.h>

#include "base/number.h"

static bool invalid_time(rl_ctx *c) {
    rl_reply_errorf(c->reply, "ERR invalid expire time in '%s' command", c->command->name);
    return false;
}

bool rl_cmd_expire_time(rl_ctx *c, rl_bytes argument, rl_time_unit unit, bool absolute,
                        bool positive, int64_t *out) {
    int64_t time;
    if (!rl_int64_parse(argument, &time)) {
        rl_reply_error(c->reply, RL_ERR_NOT_INTEGER);
        return false;
    }
    if (positive && time <= 0)
        return invalid_time(c);
    if (unit == RL_TIME_SECONDS && __builtin_mul_overflow(time, (int64_t)1000, &time))
        return invalid_time(c);
    if (!absolute && __builtin_add_overflow(time, c->now_ms, &time))
        return invalid_time(c);
    *out = time == RL_NEVER ? RL_NEVER + 1 : time;
    return true;
}

bool rl_cmd_expire_option(rl_bytes word, rl_expire_option *out) {
    static const struct {
        const char *word;
        rl_expire_option option;
    } options[] = {{"EX", {RL_TIME_SECONDS, false}},
                   {"PX", {RL_TIME_MILLISECONDS, false}},
                   {"EXAT", {RL_TIME_SECONDS, true}},
                   {"PXAT", {RL_TIME_MILLISECONDS, true}}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (rl_bytes_is(word, options[i].word)) {
            *out = options[i].option;
            return true;
        }
    }
    return false;
}

bool rl_cmd_count(rl_ctx *c, int arg, int64_t *out, const char *error_or_null) {
    if (rl_int64_parse(c->argv[arg], out) && *out >= 0)
        return true;
    rl_reply_error(c->reply,
                   error_or_null ? error_or_null : "ERR value is out of range, must be positive");
    return false;
}

bool rl_cmd_check_length(rl_ctx *c, uint64_t length) {
    if (length <= rl_server_settings(c->server)->proto_max_bulk_bytes &&
        length <= RL_ENTRY_VALUE_MAX)
        return true;
    rl_reply_error(c->reply, RL_ERR_TOO_LONG);
    return false;
}

bool rl_cmd_random_count(rl_ctx *c, const char *word, int64_t *count, bool *with) {
    if (!rl_ctx_int(c, 2, count, NULL))
        return false;
    if (*count == INT64_MIN) {
        rl_reply_error(c->reply, "ERR value is out of range, value must between "
                                 "-9223372036854775807 and 9223372036854775807");
        return false;
    }
    *with = c->argc == 4;
    if (c->argc > 4 || (*with && !rl_bytes_is(c->argv[3], word))) {
        rl_ctx_syntax_error(c);
        return false;
    }
    if (*with && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
        rl_reply_error(c->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

bool rl_cmd_check_repeats(rl_ctx *c, int64_t count) {
    if (count >= -RL_REPEATS_MAX)
        return true;
    rl_reply_errorf(c->reply, "ERR value is out of range: at most %d with repeats", RL_REPEATS_MAX);
    return false;
}

bool rl_cmd_float_sum(rl_ctx *c, long double a, long double b, char *text, rl_bytes *sum) {
    long double value = a + b;
    if (isnan(value) || isinf(value)) {
        rl_reply_error(c->reply, "ERR increment would produce NaN or Infinity");
        return false;
    }
    *sum = rl_bytes_of(text, rl_long_double_format_human(text, value));
    return true;
}
