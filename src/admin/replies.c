/* SPDX-License-Identifier: MIT */
/* Counting replies; see replies.h. Format: https://redis.io/docs/reference/protocol-spec/ */
#include "admin/replies.h"

#include "base/number.h"

/* One value has ended: so have the arrays whose last element it was. */
static void end_value(admin_replies *r) {
    while (r->depth > 0 && --r->left[r->depth - 1] == 0)
        r->depth--;
    if (r->depth > 0)
        return;
    if (!r->pushed) {
        r->count++;
        r->failed += r->has_error;
    }
    r->pushed = false;
    r->has_error = false;
}

static void take_error(admin_replies *r, rl_bytes text) {
    if (r->pushed)
        return;
    r->has_error = true;
    if (r->on_error)
        r->on_error(r->arg, r->count + 1, text);
}

/* An array, map or set of `count` values; an attribute, which belongs to the value behind it, adds
 * one. */
static bool begin_values(admin_replies *r, uint64_t count, bool push) {
    if (push && r->depth == 0)
        r->pushed = true;
    if (count == 0) {
        end_value(r);
        return true;
    }
    if (r->depth == ADMIN_REPLY_DEPTH)
        return false;
    r->left[r->depth++] = count;
    return true;
}

/* The number in a head: -1 is null. False when it is none, or too large to be true. */
static bool read_length(rl_bytes text, int64_t *out) {
    return rl_int64_parse(text, out) && *out >= -1 && *out < (int64_t)1 << 56;
}

static bool take_line(admin_replies *r, rl_bytes line) {
    if (line.len == 0)
        return false;
    rl_bytes rest = rl_bytes_of(line.ptr + 1, line.len - 1);
    int64_t length = 0;
    switch (line.ptr[0]) {
    case '-':
        take_error(r, rest);
        end_value(r);
        return true;
    case '+':
    case ':':
    case ',':
    case '#':
    case '_':
    case '(':
        end_value(r);
        return true;
    case '!': /* an error in a bulk: its text is not kept */
        take_error(r, RL_BYTES("an error"));
        /* fall through */
    case '$':
    case '=':
        if (!read_length(rest, &length))
            return false;
        if (length < 0)
            end_value(r);
        else
            r->skip = (uint64_t)length + 2;
        return true;
    case '*':
    case '~':
    case '>':
        if (!read_length(rest, &length))
            return false;
        return begin_values(r, length > 0 ? (uint64_t)length : 0, line.ptr[0] == '>');
    case '%':
        if (!read_length(rest, &length))
            return false;
        return begin_values(r, length > 0 ? 2 * (uint64_t)length : 0, false);
    case '|':
        if (!read_length(rest, &length) || length < 0)
            return false;
        return begin_values(r, 2 * (uint64_t)length + 1, false);
    default:
        return false;
    }
}

/* Keeps the beginning of a line until its end comes; returns how many bytes were taken. */
static size_t gather_line(admin_replies *r, const char *bytes, size_t len) {
    const char *end = memchr(bytes, '\n', len);
    size_t taken = end ? (size_t)(end - bytes) + 1 : len;
    size_t room = sizeof r->line - r->line_len, keep = taken < room ? taken : room;
    memcpy(r->line + r->line_len, bytes, keep);
    r->line_len += keep;
    if (!end)
        return taken;
    size_t line_len = r->line_len;
    while (line_len && (r->line[line_len - 1] == '\n' || r->line[line_len - 1] == '\r'))
        line_len--;
    r->line_len = 0;
    r->broken = !take_line(r, rl_bytes_of(r->line, line_len));
    return taken;
}

bool admin_replies_feed(admin_replies *r, const char *bytes, size_t len) {
    while (len && !r->broken) {
        size_t taken;
        if (r->skip) {
            taken = r->skip < len ? (size_t)r->skip : len;
            r->skip -= taken;
            if (r->skip == 0)
                end_value(r);
        } else if (r->line_len == 0 && len >= 5 && memcmp(bytes, "+OK\r\n", 5) == 0) {
            taken = 5; /* nearly all of them */
            end_value(r);
        } else {
            taken = gather_line(r, bytes, len);
        }
        bytes += taken;
        len -= taken;
    }
    return !r->broken;
}
