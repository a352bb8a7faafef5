/* SPDX-License-Identifier: MIT */
/* Keys, whatever their type: existence, names, copies, whole databases. Iteration is in iterate.c,
 * time in expire.c. */
#include "commands/keys.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"

static void delete_all(rl_ctx *c) {
    int64_t deleted = 0;
    for (int i = 1; i < c->argc; i++) {
        if (!rl_keyspace_delete(c->keys, c->db, c->argv[i], rl_ctx_hash(c, i)))
            continue;
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "del", c->argv[i]);
        deleted++;
    }
    rl_reply_int(c->reply, deleted);
}

void rl_cmd_del(rl_ctx *c) {
    delete_all(c);
}

void rl_cmd_unlink(rl_ctx *c) {
    delete_all(c);
}

static void count_keys(rl_ctx *c, rl_look look) {
    int64_t found = 0;
    for (int i = 1; i < c->argc; i++)
        found += rl_ctx_find(c, i, look) != NULL;
    rl_reply_int(c->reply, found);
}

void rl_cmd_exists(rl_ctx *c) {
    count_keys(c, RL_LOOK_READ_NOTOUCH);
}

void rl_cmd_touch(rl_ctx *c) {
    count_keys(c, RL_LOOK_READ);
}

const char *rl_cmd_type_name(rl_type type) {
    static const char *const names[] = {"none", "string", "list", "set", "zset", "hash", "stream"};
    return names[type];
}

void rl_cmd_type(rl_ctx *c) {
    const rl_entry *e = rl_ctx_find(c, 1, RL_LOOK_READ_NOTOUCH);
    rl_reply_status(c->reply, e ? rl_cmd_type_name(e->type) : "none");
}

void rl_cmd_dbsize(rl_ctx *c) {
    rl_reply_int(c->reply, (int64_t)rl_keyspace_size(c->keys, c->db));
}

void rl_cmd_randomkey(rl_ctx *c) {
    const rl_entry *e = rl_keyspace_random(c->keys, c->db);
    if (e)
        rl_reply_bulk(c->reply, rl_entry_key(e));
    else
        rl_reply_null(c->reply);
}

/* ---- names ---- */

static void rename_key(rl_ctx *c, bool only_new) {
    bool same = rl_bytes_equal(c->argv[1], c->argv[2]);
    uint64_t to_hash = rl_hash(c->argv[2]);
    if (rl_ctx_find(c, 1, RL_LOOK_WRITE) == NULL) {
        rl_reply_error(c->reply, RL_ERR_NO_KEY);
        return;
    }
    if (only_new &&
        (same || rl_keyspace_find(c->keys, c->db, c->argv[2], to_hash, RL_LOOK_WRITE))) {
        rl_reply_int(c->reply, 0);
        return;
    }
    if (!same) {
        rl_keyspace_rename(c->keys, c->db, c->argv[1], c->hash, c->db, c->argv[2], to_hash);
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "rename_from", c->argv[1]);
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "rename_to", c->argv[2]);
    }
    if (only_new)
        rl_reply_int(c->reply, 1);
    else
        rl_reply_ok(c->reply);
}

void rl_cmd_rename(rl_ctx *c) {
    rename_key(c, false);
}

void rl_cmd_renamenx(rl_ctx *c) {
    rename_key(c, true);
}

/* A database number, or -1 after answering. */
static int database_arg(rl_ctx *c, int arg, const char *not_integer) {
    int64_t number;
    if (!rl_ctx_int(c, arg, &number, not_integer))
        return -1;
    if (number < 0 || number >= rl_keyspace_databases(c->keys)) {
        rl_reply_error(c->reply, "ERR DB index is out of range");
        return -1;
    }
    return (int)number;
}

void rl_cmd_move(rl_ctx *c) {
    int to = database_arg(c, 2, NULL);
    if (to < 0)
        return;
    if (to == c->db) {
        rl_reply_error(c->reply, "ERR source and destination objects are the same");
        return;
    }
    if (!rl_ctx_find(c, 1, RL_LOOK_WRITE) ||
        rl_keyspace_find(c->keys, to, c->argv[1], c->hash, RL_LOOK_WRITE)) {
        rl_reply_int(c->reply, 0);
        return;
    }
    rl_keyspace_rename(c->keys, c->db, c->argv[1], c->hash, to, c->argv[1], c->hash);
    rl_keyspace_notify(c->keys, RL_NOTIFY_GENERIC, "move_from", c->db, c->argv[1]);
    rl_keyspace_notify(c->keys, RL_NOTIFY_GENERIC, "move_to", to, c->argv[1]);
    rl_reply_int(c->reply, 1);
}

void rl_cmd_copy(rl_ctx *c) {
    int to = c->db;
    bool replace = false;
    for (int i = 3; i < c->argc; i++) {
        if (rl_bytes_is(c->argv[i], "REPLACE")) {
            replace = true;
        } else if (rl_bytes_is(c->argv[i], "DB") && i + 1 < c->argc) {
            to = database_arg(c, ++i, "ERR value is not an integer or out of range");
            if (to < 0)
                return;
        } else {
            rl_ctx_syntax_error(c);
            return;
        }
    }
    if (to == c->db && rl_bytes_equal(c->argv[1], c->argv[2])) {
        rl_reply_error(c->reply, "ERR source and destination objects are the same");
        return;
    }
    uint64_t to_hash = rl_hash(c->argv[2]);
    /* The target first: an expired one is removed by looking, and would take the source's pointer
     * along. */
    bool taken = rl_keyspace_find(c->keys, to, c->argv[2], to_hash, RL_LOOK_WRITE);
    rl_entry *e = rl_ctx_find(c, 1, RL_LOOK_READ);
    if (e == NULL || (taken && !replace)) {
        rl_reply_int(c->reply, 0);
        return;
    }
    rl_keyspace_copy(c->keys, e, to, c->argv[2], to_hash);
    rl_keyspace_notify(c->keys, RL_NOTIFY_GENERIC, "copy_to", to, c->argv[2]);
    rl_reply_int(c->reply, 1);
}

/* ---- whole databases ---- */

static void flush(rl_ctx *c, int db) {
    if (c->argc > 2 ||
        (c->argc == 2 && !rl_bytes_is(c->argv[1], "ASYNC") && !rl_bytes_is(c->argv[1], "SYNC"))) {
        rl_ctx_syntax_error(c);
        return;
    }
    rl_keyspace_clear(c->keys, db); /* always gradual, so SYNC and ASYNC are one */
    rl_reply_ok(c->reply);
}

void rl_cmd_flushdb(rl_ctx *c) {
    flush(c, c->db);
}

void rl_cmd_flushall(rl_ctx *c) {
    flush(c, -1);
}

/* A database number that need not exist, but must fit 32 bits. */
static bool swap_arg(rl_ctx *c, int arg, int64_t *out, const char *error) {
    if (!rl_ctx_int(c, arg, out, error))
        return false;
    if (*out >= INT32_MIN && *out <= INT32_MAX)
        return true;
    rl_reply_error(c->reply, error);
    return false;
}

void rl_cmd_swapdb(rl_ctx *c) {
    int64_t first, second;
    if (!swap_arg(c, 1, &first, "ERR invalid first DB index") ||
        !swap_arg(c, 2, &second, "ERR invalid second DB index"))
        return;
    int count = rl_keyspace_databases(c->keys);
    if (first < 0 || second < 0 || first >= count || second >= count) {
        rl_reply_error(c->reply, "ERR DB index is out of range");
        return;
    }
    rl_keyspace_swap(c->keys, (int)first, (int)second);
    rl_reply_ok(c->reply);
}
