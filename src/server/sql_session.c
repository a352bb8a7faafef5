/* SPDX-License-Identifier: MIT */
/* SQL commands of sessions. See sql_session.h. */
#include "server/sql_session.h"

#include "server/dispatch.h"
#include "server/server_private.h"

/* ---- the service ---- */

static void wake(void *server) {
    rl_server *s = server;
    uv_async_send(&s->wake);
}

static void ended(void *server, void *owner, const rl_sql_call *call) {
    rl_server *s = server;
    rl_dispatch_ended(s, owner, s->sql_command, call->argv, call->argc, call->took_us, call->code);
}

static rl_sql_service *service_of(rl_ctx *c, const rl_command *command) {
    rl_server *s = c->server;
    if (command)
        s->sql_command = command;
    if (s->sql == NULL)
        s->sql =
            rl_sql_service_create(&(rl_sql_service_options){.store = s->store,
                                                            .readers = s->settings->sql_readers,
                                                            .notify = wake,
                                                            .ended = ended,
                                                            .arg = s});
    return s->sql;
}

/* The answer, appended to the client's output since `from`, waits for seq. When the disk fails
 * meanwhile it becomes MISCONF, as that of a write does: what it tells may never be true. */
static void gate(rl_session *s, const rl_reply *reply, uint64_t from, uint64_t seq) {
    if (reply->chain == rl_conn_output(s->conn))
        rl_conn_gate(s->conn, from, seq, 1, true);
}

/* ---- a single command ---- */

static bool request_ready(rl_server *server, rl_session *s) {
    (void)server;
    return rl_sql_request_done(s->block.work);
}

/* A reader sees what is committed in data.db, be it synced or not. What a write sees is synced with
 * it. */
static void request_answer(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    rl_sql_request *r = s->block.work;
    const rl_sql_call *call = rl_sql_request_call(r);
    uint64_t from = rl_chain_position(reply->chain);
    bool told = call->outcome == RL_SQL_ANSWERED;
    uint64_t newest = server->open_seq - 1,
             seen = rl_sql_request_was_read(r) ? call->seen_seq : s->block.seq;
    (void)why;
    if (s->block.numbers[0] && strcmp(call->code, "SQLCANCELED") == 0) {
        rl_chain dropped = {0};
        rl_sql_request_take(r, &dropped);
        rl_chain_release(&dropped);
        rl_reply_error(reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
        return;
    }
    rl_sql_request_take(r, reply->chain);
    if (told)
        gate(s, reply, from, seen < newest ? seen : newest);
}

/* It may have been written meanwhile, so the answer is what really came of it. */
static bool request_unblock(rl_server *server, rl_session *s, rl_wake why) {
    (void)server;
    s->block.numbers[0] = why == RL_WAKE_UNBLOCK_ERROR;
    rl_sql_request_cancel(s->block.work);
    return true;
}

static void request_abandon(rl_server *server, rl_session *s) {
    (void)server;
    rl_sql_request_abandon(s->block.work, s->killed);
}

void rl_session_sql(rl_ctx *c, rl_sql_call *call) {
    rl_session *s = c->session;
    rl_sql_service *service = service_of(c, c->command);
    if (s->unit) {
        rl_sql_unit_add(s->unit, call, rl_batch_builder_bytes(c->server->batch));
        return;
    }
    rl_block block = {.ready = request_ready,
                      .answer = request_answer,
                      .unblock = request_unblock,
                      .abandon = request_abandon};
    block.seq = rl_server_seal(c->server);
    block.work = rl_sql_service_begin(service, call, block.seq, s);
    rl_session_block(s, &block);
}

/* ---- a unit ---- */

rl_sql_unit *rl_server_sql_unit(rl_ctx *c) {
    return rl_sql_unit_create(service_of(c, NULL), c->session);
}

static bool unit_ready(rl_server *server, rl_session *s) {
    return rl_sql_unit_done(s->block.work) ||
           (server->progress.failed && rl_sql_unit_may_fail(s->block.work));
}

static void unit_answer(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    rl_sql_unit *unit = s->block.work;
    (void)why;
    if (!rl_sql_unit_done(unit)) {
        rl_sql_unit_abandon(unit, false);
        rl_reply_errorf(reply, "MISCONF Errors writing to the journal: %s",
                        rl_store_failure(server->store));
        return;
    }
    uint64_t from = rl_chain_position(reply->chain);
    rl_reply_array(reply, (size_t)s->block.numbers[0]);
    rl_sql_unit_take(unit, reply->chain);
    gate(s, reply, from, s->block.seq);
}

/* Its key commands have been run, so it must come to its end. */
static bool unit_unblock(rl_server *server, rl_session *s, rl_wake why) {
    (void)server;
    (void)s;
    (void)why;
    return false;
}

static void unit_abandon(rl_server *server, rl_session *s) {
    (void)server;
    rl_sql_unit_abandon(s->block.work, s->killed);
}

void rl_session_wait_for_unit(rl_session *s, rl_sql_unit *unit, int count) {
    rl_block block = {.ready = unit_ready,
                      .answer = unit_answer,
                      .unblock = unit_unblock,
                      .abandon = unit_abandon};
    block.seq = rl_server_seal_unit(s->server, unit);
    block.work = unit;
    block.numbers[0] = count;
    rl_session_block(s, &block);
}

/* ---- numbers ---- */

void rl_server_sql_stats(const rl_server *s, rl_sql_stats *out) {
    *out = (rl_sql_stats){0};
    if (s->sql)
        rl_sql_service_stats(s->sql, out);
}

void rl_server_sql_reset(rl_server *s) {
    if (s->sql)
        rl_sql_service_stats_reset(s->sql);
}
