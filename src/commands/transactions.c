/* SPDX-License-Identifier: MIT */
/* MULTI, EXEC, DISCARD, WATCH, UNWATCH. The queue itself is server/transaction.c. */
#include "server/transaction.h"

#include "commands/handlers.h"
#include "commands/shared.h"

void rl_cmd_multi(rl_ctx *c) {
    if (c->session->in_multi) {
        rl_reply_error(c->reply, "ERR MULTI calls can not be nested");
        return;
    }
    c->session->in_multi = true;
    rl_reply_ok(c->reply);
}

void rl_cmd_exec(rl_ctx *c) {
    rl_transaction_exec(c);
}

void rl_cmd_discard(rl_ctx *c) {
    if (!c->session->in_multi) {
        rl_reply_error(c->reply, "ERR DISCARD without MULTI");
        return;
    }
    rl_transaction_end(c->session);
    rl_reply_ok(c->reply);
}

void rl_cmd_watch(rl_ctx *c) {
    if (c->session->in_multi) {
        rl_reply_error(c->reply, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    /* Already broken: EXEC will answer null whatever else is watched. */
    if (!c->session->watcher.dirty)
        for (int i = 1; i < c->argc; i++)
            rl_keyspace_watch(c->keys, &c->session->watcher, c->db, c->argv[i], rl_ctx_hash(c, i));
    rl_reply_ok(c->reply);
}

void rl_cmd_unwatch(rl_ctx *c) {
    rl_keyspace_unwatch(c->keys, &c->session->watcher);
    rl_reply_ok(c->reply);
}
