/* SPDX-License-Identifier: MIT */
/* Scanning collections. See element_scan.h. */
#include "commands/element_scan.h"

#include "base/number.h"
#include "base/text.h"

/* strtoul's way: a sign and leading zeros are fine, nothing at all is 0. */
static bool parse_cursor(rl_bytes text, uint64_t *out) {
    bool negative = text.len && text.ptr[0] == '-';
    uint64_t value = 0;
    for (size_t i = negative || (text.len && text.ptr[0] == '+'); i < text.len; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (text.len == 1 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        return false;
    *out = negative ? -value : value;
    return true;
}

bool rl_scan_parse_cursor(rl_ctx *c, int arg, rl_scan_options *out) {
    *out = (rl_scan_options){.count = 10};
    if (parse_cursor(c->argv[arg], &out->cursor))
        return true;
    rl_reply_error(c->reply, "ERR invalid cursor");
    return false;
}

static bool parse_count(rl_ctx *c, int arg, size_t *out) {
    int64_t count;
    if (!rl_ctx_int(c, arg, &count, NULL))
        return false;
    if (count < 1) {
        rl_ctx_syntax_error(c);
        return false;
    }
    *out = (size_t)count;
    return true;
}

rl_bytes rl_scan_pattern(rl_bytes pattern) {
    bool all = pattern.len == 1 && pattern.ptr[0] == '*';
    return all ? rl_bytes_of(NULL, 0) : pattern;
}

bool rl_scan_parse_options(rl_ctx *c, int from, unsigned more, rl_scan_options *out) {
    for (int i = from; i < c->argc; i++) {
        bool has_value = i + 1 < c->argc;
        if (has_value && rl_bytes_is(c->argv[i], "COUNT")) {
            if (!parse_count(c, ++i, &out->count))
                return false;
        } else if (has_value && rl_bytes_is(c->argv[i], "MATCH")) {
            out->pattern = rl_scan_pattern(c->argv[++i]);
        } else if (has_value && more & RL_SCAN_TYPE && rl_bytes_is(c->argv[i], "TYPE")) {
            out->type = c->argv[++i];
        } else if (more & RL_SCAN_NOVALUES && rl_bytes_is(c->argv[i], "NOVALUES")) {
            out->no_values = true;
        } else {
            rl_ctx_syntax_error(c);
            return false;
        }
    }
    return true;
}

void rl_scan_reply_cursor(rl_ctx *c, uint64_t next) {
    char text[RL_INT64_TEXT_MAX];
    rl_reply_array(c->reply, 2);
    rl_reply_bulk(c->reply, rl_bytes_of(text, rl_uint64_format(text, next)));
}

bool rl_element_scan_open(rl_ctx *c, rl_type type, unsigned more, rl_element_scan *out) {
    *out = (rl_element_scan){0};
    if (!rl_scan_parse_cursor(c, 2, &out->options) ||
        !rl_ctx_open(c, 1, type, RL_LOOK_READ, &out->from))
        return false;
    if (out->from.entry)
        return rl_scan_parse_options(c, 3, more, &out->options);
    rl_scan_reply_cursor(c, 0);
    rl_reply_array(c->reply, 0);
    return false;
}

bool rl_element_scan_wants(const rl_element_scan *scan, rl_bytes name) {
    return !scan->options.pattern.ptr || rl_text_glob(scan->options.pattern, name, false);
}

void rl_element_scan_reply(rl_ctx *c, rl_element_scan *scan, uint64_t next) {
    rl_scan_reply_cursor(c, next);
    rl_reply_array(c->reply, scan->items.count);
    rl_bulks_reply(c, &scan->items);
}
