/* SPDX-License-Identifier: MIT */
/* KEYS and SCAN. */
#include "base/alloc.h"
#include "base/text.h"
#include "commands/element_scan.h"
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

void rl_cmd_keys(rl_ctx *c) {
    found_keys f = {.pattern = rl_scan_pattern(c->argv[1])};
    rl_keyspace_scan(c->keys, c->db, 0, SIZE_MAX, collect, &f);
    reply_found(c, &f);
}

static int type_by_name(rl_bytes name) {
    for (int type = RL_TYPE_STRING; type <= RL_TYPE_STREAM; type++)
        if (rl_bytes_is(name, rl_cmd_type_name((rl_type)type)))
            return type;
    return -1;
}

void rl_cmd_scan(rl_ctx *c) {
    rl_scan_options options;
    if (!rl_scan_parse_cursor(c, 1, &options) ||
        !rl_scan_parse_options(c, 2, RL_SCAN_TYPE, &options))
        return;
    found_keys f = {.pattern = options.pattern};
    if (options.type.ptr)
        f.type = type_by_name(options.type);
    rl_scan_reply_cursor(
        c, rl_keyspace_scan(c->keys, c->db, options.cursor, options.count, collect, &f));
    reply_found(c, &f);
}
