/* SPDX-License-Identifier: MIT */
/* Sets: their members. Random members are in set_random.c, what several sets have together or not
 * in set_algebra.c. */
#include "commands/element_scan.h"
#include "commands/handlers.h"

/* ---- changing ---- */

void rl_cmd_sadd(rl_ctx *c) {
    rl_collection set;
    int64_t added = 0;
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_WRITE, &set))
        return;
    for (int i = 2; i < c->argc; i++)
        added += rl_key_set_add(&set, c->argv[i]);
    if (added)
        rl_ctx_notify(c, RL_NOTIFY_SET, "sadd", c->argv[1]);
    rl_collection_done(&set);
    rl_reply_int(c->reply, added);
}

void rl_cmd_srem(rl_ctx *c) {
    rl_collection set;
    int64_t removed = 0;
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_WRITE, &set))
        return;
    for (int i = 2; i < c->argc && rl_collection_count(&set); i++)
        removed += rl_key_set_remove(&set, c->argv[i]);
    if (removed)
        rl_ctx_notify(c, RL_NOTIFY_SET, "srem", c->argv[1]);
    rl_collection_done(&set);
    rl_reply_int(c->reply, removed);
}

static bool has(const rl_collection *set, rl_bytes member) {
    return set->entry && rl_members_has(rl_set_of(set), member);
}

/* Redis looks at the target's type only when there is a source. */
void rl_cmd_smove(rl_ctx *c) {
    rl_collection from, to;
    rl_bytes member = c->argv[3];
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_WRITE, &from))
        return;
    if (from.entry && !rl_ctx_open(c, 2, RL_TYPE_SET, RL_LOOK_WRITE, &to))
        return;
    if (!has(&from, member)) {
        rl_reply_int(c->reply, 0);
        return;
    }
    if (from.entry != to.entry) {
        rl_key_set_remove(&from, member);
        rl_ctx_notify(c, RL_NOTIFY_SET, "srem", c->argv[1]);
        rl_collection_done(&from);
        if (rl_key_set_add(&to, member))
            rl_ctx_notify(c, RL_NOTIFY_SET, "sadd", c->argv[2]);
        rl_collection_done(&to);
    }
    rl_reply_int(c->reply, 1);
}

/* ---- reading ---- */

void rl_cmd_scard(rl_ctx *c) {
    rl_collection set;
    if (rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_READ, &set))
        rl_reply_int(c->reply, (int64_t)rl_collection_count(&set));
}

void rl_cmd_sismember(rl_ctx *c) {
    rl_collection set;
    if (rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_READ, &set))
        rl_reply_int(c->reply, has(&set, c->argv[2]));
}

void rl_cmd_smismember(rl_ctx *c) {
    rl_collection set;
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_READ, &set))
        return;
    rl_reply_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        rl_reply_int(c->reply, has(&set, c->argv[i]));
}

void rl_cmd_smembers(rl_ctx *c) {
    rl_collection set;
    rl_members_walk walk = {0};
    rl_bytes member;
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_READ, &set))
        return;
    rl_reply_set(c->reply, rl_collection_count(&set));
    while (set.entry && rl_members_next(rl_set_of(&set), &walk, &member))
        rl_reply_bulk(c->reply, member);
}

/* ---- SSCAN ---- */

static void scan_one(void *arg, rl_bytes member) {
    rl_element_scan *scan = arg;
    if (rl_element_scan_wants(scan, member))
        rl_element_scan_add(scan, member);
}

void rl_cmd_sscan(rl_ctx *c) {
    rl_element_scan scan;
    if (!rl_element_scan_open(c, RL_TYPE_SET, 0, &scan))
        return;
    uint64_t next = rl_members_scan(rl_set_of(&scan.from), scan.options.cursor, scan.options.count,
                                    scan_one, &scan);
    rl_element_scan_reply(c, &scan, next);
}
