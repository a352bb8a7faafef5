/* SPDX-License-Identifier: MIT */
/* DEBUG RELOAD. See reload.h. */
#include "server/reload.h"

#include <inttypes.h>

typedef struct comparison {
    rl_keyspace *keys;
    rl_buffer *error;
    uint64_t rows; /* that are live and the same in memory */
    bool differs;
} comparison;

static void differs(comparison *c, const rl_store_row *row, const char *what) {
    if (!c->differs) {
        rl_buffer_printf(c->error, "data.db differs from memory in database %d at key ", row->db);
        rl_buffer_add_quoted(c->error, row->key);
        rl_buffer_printf(c->error, ": %s", what);
    }
    c->differs = true;
}

static void compare_row(void *arg, const rl_store_row *row) {
    comparison *c = arg;
    if (row->expires_at != RL_NEVER && row->expires_at <= rl_keyspace_now(c->keys))
        return;
    if (row->db < 0 || row->db >= rl_keyspace_databases(c->keys)) {
        differs(c, row, "there is no such database");
        return;
    }
    const rl_entry *e =
        rl_keyspace_find(c->keys, row->db, row->key, rl_hash(row->key), RL_LOOK_PEEK);
    if (e == NULL)
        differs(c, row, "it is not in memory");
    else if (e->id != row->id)
        differs(c, row, "it has another row id");
    else if (e->type != row->type)
        differs(c, row, "it has another type");
    else if (rl_entry_expires_at(e) != row->expires_at)
        differs(c, row, "it has another expiry");
    else if (!rl_bytes_equal(rl_entry_value(e), row->value))
        differs(c, row, "it has another value");
    else
        c->rows++;
}

static void compare_element(void *arg, const rl_store_element *element) {
    (void)arg;
    (void)element;
}

static void count_one(void *arg, rl_entry *e) {
    (void)e;
    ++*(uint64_t *)arg;
}

static uint64_t live_keys(rl_keyspace *keys) {
    uint64_t count = 0;
    for (int db = 0; db < rl_keyspace_databases(keys); db++) {
        uint64_t cursor = 0;
        do
            cursor = rl_keyspace_scan(keys, db, cursor, 1024, count_one, &count);
        while (cursor);
    }
    return count;
}

int rl_server_reload(rl_server *s, rl_buffer *error) {
    comparison c = {.keys = rl_server_keyspace(s), .error = error};
    char text[512] = "";
    const rl_store_loading to = {compare_row, compare_element, &c};
    if (rl_store_load(rl_server_store(s), &to, text, sizeof text)) {
        rl_buffer_add_text(error, text);
        return -1;
    }
    if (c.differs)
        return -1;
    uint64_t live = live_keys(c.keys);
    if (live == c.rows)
        return 0;
    rl_buffer_printf(error, "data.db has %" PRIu64 " live keys, memory has %" PRIu64, c.rows, live);
    return -1;
}

bool rl_server_reload_ready(rl_server *s) {
    uint64_t sealed = rl_server_seal(s);
    if (rl_server_progress(s)->folded_seq >= sealed)
        return true;
    rl_store_fold_soon(rl_server_store(s));
    return false;
}
