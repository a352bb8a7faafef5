/* SPDX-License-Identifier: MIT */
/* KEYS and SCAN. */
#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "commands/handlers.h"
#include "commands/keys.h"
#include "commands/shared.h"

/* Keys that match, collected before the reply because it starts with their number. */
typedef struct found_keys {
    rl_bytes pattern; /* ptr NULL: all */
    int type;         /* 0: all; -1: no key has it */
    const rl_entry **entries;
    size_t count, capacity;
} found_keys;

static void collect(void *arg, rl_entry *e) {
    found_keys *f = arg;
    if (f->type && f->type != (int)e->type)
        return;
    if (f->pattern.ptr && !rl_text_glob(f->pattern, rl_entry_key(e), false))
        return;
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : 64;
        f->entries = rl_realloc(f->entries, f->capacity * sizeof *f->entries);
    }
    f->entries[f->count++] = e;
}

static void reply_found(rl_ctx *c, found_keys *f) {
    rl_reply_array(c->reply, f->count);
    for (size_t i = 0; i < f->count; i++)
        rl_reply_bulk(c->reply, rl_entry_key(f->entries[i]));
    rl_free(f->entries);
}

static bool is_all(rl_bytes pattern) {
    return pattern.len == 1 && pattern.ptr[0] == '*';
}

void rl_cmd_keys(rl_ctx *c) {
    found_keys f = {.pattern = c->argv[1]};
    if (is_all(c->argv[1]))
        f.pattern.ptr = NULL;
    rl_keyspace_scan(c->keys, c->db, 0, SIZE_MAX, collect, &f);
    reply_found(c, &f);
}

/* A cursor as Redis reads one, which is strtoul's way: a sign and leading zeros are fine, nothing
 * at all is 0. */
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

static int type_by_name(rl_bytes name) {
    for (int type = RL_TYPE_STRING; type <= RL_TYPE_STREAM; type++)
        if (rl_bytes_is(name, rl_cmd_type_name((rl_type)type)))
            return type;
    return -1;
}

void rl_cmd_scan(rl_ctx *c) {
    uint64_t cursor;
    int64_t count = 10;
    char text[RL_INT64_TEXT_MAX];
    found_keys f = {0};
    if (!parse_cursor(c->argv[1], &cursor)) {
        rl_reply_error(c->reply, "ERR invalid cursor");
        return;
    }
    for (int i = 2; i < c->argc; i += 2) {
        if (i + 1 >= c->argc) {
            rl_ctx_syntax_error(c);
            return;
        }
        if (rl_bytes_is(c->argv[i], "COUNT")) {
            if (!rl_ctx_int(c, i + 1, &count, NULL))
                return;
            if (count < 1) {
                rl_ctx_syntax_error(c);
                return;
            }
        } else if (rl_bytes_is(c->argv[i], "MATCH")) {
            f.pattern = c->argv[i + 1];
            if (is_all(f.pattern))
                f.pattern.ptr = NULL;
        } else if (rl_bytes_is(c->argv[i], "TYPE")) {
            f.type = type_by_name(c->argv[i + 1]);
        } else {
            rl_ctx_syntax_error(c);
            return;
        }
    }
    cursor = rl_keyspace_scan(c->keys, c->db, cursor, (size_t)count, collect, &f);
    rl_reply_array(c->reply, 2);
    rl_reply_bulk(c->reply, rl_bytes_of(text, rl_uint64_format(text, cursor)));
    reply_found(c, &f);
}
