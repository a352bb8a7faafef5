/* SPDX-License-Identifier: MIT */
/*
 * WAIT and WAITAOF. There are no replicas, so WAIT counts none; WAITAOF tells whether the client's
 * last write is on disk: synced, not only written.
 */
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"

#define NOT_POSITIVE "ERR value is out of range, must be positive"

/* A timeout in milliseconds as the wall time of its end; 0: none. */
static bool parse_timeout(rl_ctx *c, int arg, int64_t *deadline_ms) {
    int64_t timeout_ms;
    if (!rl_ctx_int(c, arg, &timeout_ms, "ERR timeout is not an integer or out of range"))
        return false;
    if (timeout_ms < 0) {
        rl_reply_error(c->reply, "ERR timeout is negative");
        return false;
    }
    if (timeout_ms == 0 || __builtin_add_overflow(timeout_ms, c->now_ms, deadline_ms))
        *deadline_ms = 0;
    return true;
}

static bool answer_unblocked(rl_reply *reply, rl_wake why) {
    if (why == RL_WAKE_UNBLOCK_ERROR)
        rl_reply_error(reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    return why == RL_WAKE_UNBLOCK_ERROR;
}

/* ---- WAIT ---- */

static void wait_answer(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    (void)server;
    (void)s;
    if (!answer_unblocked(reply, why))
        rl_reply_int(reply, 0);
}

void rl_cmd_wait(rl_ctx *c) {
    int64_t replicas;
    rl_block block = {.answer = wait_answer}; /* no replica will ever make it ready */
    if (!rl_ctx_int(c, 1, &replicas, NULL) || !parse_timeout(c, 2, &block.deadline_ms))
        return;
    if (replicas <= 0 || c->in_exec)
        rl_reply_int(c->reply, 0);
    else
        rl_session_block(c->session, &block);
}

/* ---- WAITAOF ---- */

/* 1 when the session's writes up to seq are on disk. Without a journal nothing is promised. */
static int64_t is_on_disk(rl_server *server, uint64_t seq) {
    if (rl_server_store(server) == NULL || !rl_server_settings(server)->appendonly)
        return 0;
    rl_store_progress now;
    rl_store_progress_read(rl_server_store(server), &now);
    return now.synced_seq >= seq;
}

/* rl_block.seq is the write waited for; numbers are the counts asked for. */
static bool waitaof_ready(rl_server *server, rl_session *s) {
    return s->block.numbers[1] == 0 && is_on_disk(server, s->block.seq) >= s->block.numbers[0];
}

static void waitaof_answer(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    if (answer_unblocked(reply, why))
        return;
    rl_reply_array(reply, 2);
    rl_reply_int(reply, is_on_disk(server, s->block.seq));
    rl_reply_int(reply, 0);
}

static bool parse_waitaof(rl_ctx *c, rl_block *block) {
    if (!rl_ctx_int(c, 1, &block->numbers[0], NULL))
        return false;
    if (block->numbers[0] < 0 || block->numbers[0] > 1) {
        rl_reply_error(c->reply, "ERR value is out of range, value must between 0 and 1");
        return false;
    }
    if (!rl_ctx_int(c, 2, &block->numbers[1], NOT_POSITIVE))
        return false;
    if (block->numbers[1] < 0) {
        rl_reply_error(c->reply, NOT_POSITIVE);
        return false;
    }
    return parse_timeout(c, 3, &block->deadline_ms);
}

void rl_cmd_waitaof(rl_ctx *c) {
    rl_block block = {.ready = waitaof_ready, .answer = waitaof_answer};
    if (!parse_waitaof(c, &block))
        return;
    bool journal = rl_server_store(c->server) && rl_server_settings(c->server)->appendonly;
    if (block.numbers[0] && !journal) {
        rl_reply_error(c->reply, "ERR WAITAOF cannot be used when numlocal is set but appendonly "
                                 "is disabled.");
        return;
    }
    block.seq = c->session->last_write_seq;
    int64_t on_disk = is_on_disk(c->server, block.seq);
    if (c->in_exec || (on_disk >= block.numbers[0] && block.numbers[1] == 0)) {
        rl_reply_array(c->reply, 2);
        rl_reply_int(c->reply, on_disk);
        rl_reply_int(c->reply, 0);
        return;
    }
    if (block.numbers[0]) {
        rl_server_seal(c->server); /* the write may be in the open batch */
        rl_store_sync_soon(rl_server_store(c->server));
    }
    rl_session_block(c->session, &block);
}
