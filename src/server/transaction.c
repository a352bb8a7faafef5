/* SPDX-License-Identifier: MIT */
/* Transactions. See transaction.h. */
#include "server/transaction.h"

#include "base/alloc.h"
#include "server/dispatch.h"
#include "server/server.h"
#include "server/sql_session.h"

struct rl_queued {
    rl_queued *next;
    const rl_command *command;
    uint64_t hash;
    int argc;
    rl_bytes argv[]; /* then the arguments' bytes */
};

void rl_transaction_queue(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                          uint64_t hash) {
    size_t bytes = sizeof(rl_queued) + (size_t)argc * sizeof *argv;
    for (int i = 0; i < argc; i++)
        bytes += argv[i].len;
    rl_queued *q = rl_malloc(bytes);
    *q = (rl_queued){.command = command, .hash = hash, .argc = argc};
    char *to = (char *)&q->argv[argc];
    for (int i = 0; i < argc; i++) {
        q->argv[i] = rl_bytes_of(to, argv[i].len);
        if (argv[i].len)
            memcpy(to, argv[i].ptr, argv[i].len);
        to += argv[i].len;
    }
    if (s->queued_last)
        s->queued_last->next = q;
    else
        s->queued_first = q;
    s->queued_last = q;
    s->queued_count++;
    s->queued_bytes += bytes;
    s->queued_flags |= command->flags;
}

void rl_transaction_end(rl_session *s) {
    for (rl_queued *q = s->queued_first, *next; q != NULL; q = next) {
        next = q->next;
        rl_free(q);
    }
    s->queued_first = s->queued_last = NULL;
    s->queued_count = 0;
    s->queued_bytes = 0;
    s->queued_flags = 0;
    s->in_multi = s->multi_failed = false;
    rl_keyspace_unwatch(rl_server_keyspace(s->server), &s->watcher);
}

bool rl_transaction_writes(const rl_session *s) {
    return s->queued_flags & (RL_CMD_WRITE | RL_CMD_DEFERRED);
}

/* Runs the queued commands and frees them. */
static void run_queue(rl_session *s, rl_queued *queue) {
    for (rl_queued *q = queue, *next; q != NULL; q = next) {
        next = q->next;
        if (s->unit)
            s->reply.chain = rl_sql_unit_replies(s->unit);
        if (q->command->flags & RL_CMD_DEFERRED)
            rl_dispatch_deferred(s, q->command, q->argv, q->argc, true);
        else
            rl_dispatch_call(s, q->command, q->argv, q->argc, q->hash, true);
        rl_free(q);
    }
}

/* With SQL in it: key commands run now, statements become the steps of a unit, and the answer comes
 * once that is committed. */
static void exec_unit(rl_ctx *c, rl_queued *queue, int count) {
    rl_session *s = c->session;
    rl_chain *out = s->reply.chain;
    rl_server_seal(c->server); /* what was open is not the unit's */
    s->unit = rl_server_sql_unit(c);
    run_queue(s, queue);
    s->reply.chain = out;
    rl_transaction_end(s);
    rl_sql_unit *unit = s->unit;
    s->unit = NULL;
    rl_session_wait_for_unit(s, unit, count);
}

void rl_transaction_exec(rl_ctx *c) {
    rl_session *s = c->session;
    if (!s->in_multi) {
        rl_reply_error(c->reply, "ERR EXEC without MULTI");
        return;
    }
    if (s->multi_failed) {
        rl_transaction_end(s);
        rl_reply_error(c->reply, "EXECABORT Transaction discarded because of previous errors.");
        return;
    }
    if (rl_keyspace_watch_broken(c->keys, &s->watcher)) {
        rl_transaction_end(s);
        rl_reply_null_array(c->reply);
        return;
    }
    /* The disk may have stopped taking writes since they were queued. */
    if (rl_server_progress(c->server)->failed && rl_transaction_writes(s)) {
        rl_transaction_end(s);
        rl_reply_errorf(
            c->reply,
            "EXECABORT Transaction discarded because of: MISCONF Errors writing to the journal: %s",
            rl_store_failure(rl_server_store(c->server)));
        return;
    }
    rl_queued *queue = s->queued_first;
    int count = s->queued_count;
    s->queued_first = s->queued_last =
        NULL; /* ours now: DISCARD's work inside must not free it under us */
    rl_keyspace_unwatch(c->keys, &s->watcher);
    if (s->queued_flags & RL_CMD_DEFERRED && rl_server_store(c->server)) {
        exec_unit(c, queue, count);
        return;
    }
    rl_reply_array(c->reply, (size_t)count);
    run_queue(s, queue);
    rl_transaction_end(s);
}
