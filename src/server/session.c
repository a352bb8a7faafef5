/* SPDX-License-Identifier: MIT */
/*
 * Sessions. The heart is rl_session_input: it reads a window of up to WINDOW requests ahead, starts
 * fetching the cache lines their keys will need, and then runs them one after another. With a
 * pipeline of sixteen random GETs the table's cache misses overlap instead of adding up.
 */
#include "server/session.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/log.h"
#include "server/dispatch.h"
#include "server/server_private.h"
#include "server/transaction.h"

#define WINDOW 32
/* A turn's batch is sealed early, between two commands, once it is this large. */
#define SEAL_AT_BYTES (1024 * 1024)

typedef struct ahead {
    rl_request request;
    const rl_command *command;
    uint64_t hash;
} ahead;

rl_session *rl_session_create(rl_server *server, rl_conn *conn, uint64_t id) {
    rl_session *s = rl_calloc(1, sizeof *s);
    s->server = server;
    s->conn = conn;
    s->id = id;
    rl_reader_init(&s->reader);
    s->reply = (rl_reply){.chain = rl_conn_output(conn), .resp = 2};
    s->created_ms = s->last_active_ms = server->now_ms;
    s->authenticated = !rl_session_needs_auth(s);
    return s;
}

void rl_session_free(rl_session *s) {
    rl_transaction_end(s);
    rl_pubsub_leave(s->server->pubsub, &s->subscriber);
    rl_tracking_off(s);
    rl_tracking_target_gone(s);
    rl_chain_release(&s->held_pushes);
    rl_reader_release(&s->reader);
    rl_free(s->name);
    rl_free(s->lib_name);
    rl_free(s->lib_ver);
    rl_free(s);
}

bool rl_session_needs_auth(const rl_session *s) {
    const char *password = s->server->settings->requirepass;
    return password && *password && !s->authenticated;
}

void rl_session_set_text(char **field, rl_bytes text) {
    rl_free(*field);
    *field = text.len ? rl_strndup(text.ptr, text.len) : NULL;
}

void rl_session_reset(rl_session *s) {
    rl_transaction_end(s);
    if (s->monitor)
        rl_server_remove_monitor(s->server, s);
    rl_pubsub_leave(s->server->pubsub, &s->subscriber);
    rl_tracking_off(s);
    rl_session_set_text(&s->name, RL_BYTES(""));
    s->db = 0;
    s->reply.resp = 2;
    s->reply_mode = RL_REPLY_ON;
    s->reply.chain = rl_conn_output(s->conn);
    s->no_evict = s->no_touch = false;
    s->authenticated = false;
    s->authenticated = !rl_session_needs_auth(s);
}

void rl_session_close(rl_session *s, rl_conn_closing how) {
    s->close_after_reply = true;
    rl_conn_close(s->conn, how);
}

/* ---- input ---- */

static inline rl_reader_limits limits_of(const rl_session *s) {
    uint64_t most = s->server->settings->proto_max_bulk_bytes;
    return (rl_reader_limits){most < RL_ENTRY_VALUE_MAX ? most : RL_ENTRY_VALUE_MAX,
                              s->authenticated};
}

/*
 * Reads requests ahead into the window and says what the reader stopped at. Before AUTH it reads
 * one at a time, for the limits of the next depend on whether this one logs in.
 */
static rl_reader_result read_window(rl_session *s, const char *bytes, size_t len, ahead *window,
                                    int *count) {
    rl_reader_limits limits = limits_of(s);
    rl_reader_result result = RL_READER_REQUEST;
    size_t offset = 0;
    int room = s->authenticated ? WINDOW : 1, n = 0;
    while (n < room) {
        result = rl_reader_next(&s->reader, &limits, bytes, len, &offset, &window[n].request);
        if (result != RL_READER_REQUEST)
            break;
        n++;
    }
    *count = n;
    return result;
}

/* Finds the commands, hashes the keys and gets their cache lines under way: buckets first, then
 * entries. */
static void look_ahead(rl_session *s, ahead *window, int count) {
    rl_server *server = s->server;
    int keyed = 0;
    for (int i = 0; i < count; i++) {
        const rl_bytes *argv = rl_reader_args(&s->reader, &window[i].request);
        int argc = window[i].request.argc;
        window[i].command = argc ? rl_registry_find(server->registry, argv[0]) : NULL;
        window[i].hash = 0;
        const rl_command *command = window[i].command;
        if (command && command->first_key > 0 && command->first_key < argc) {
            window[i].hash = rl_hash(argv[command->first_key]);
            if (count > 1)
                rl_keyspace_prefetch_bucket(server->keys, s->db, window[i].hash);
            keyed++;
        }
    }
    if (count > 1 && keyed)
        for (int i = 0; i < count; i++)
            if (window[i].hash)
                rl_keyspace_prefetch_entry(server->keys, s->db, window[i].hash);
}

/* What CLIENT REPLY asked for: SKIP covers the command after it. */
static void reply_mode_step(rl_session *s) {
    if (s->reply_mode == RL_REPLY_SKIP_NEXT)
        s->reply_mode = RL_REPLY_SKIP;
    else if (s->reply_mode == RL_REPLY_SKIP)
        s->reply_mode = RL_REPLY_ON;
    rl_chain_release(&s->server->sink);
    s->reply.chain = s->reply_mode == RL_REPLY_ON ? rl_conn_output(s->conn) : &s->server->sink;
}

int rl_session_class(const rl_session *s) {
    return rl_subscriber_count(&s->subscriber) ? RL_CLIENT_PUBSUB : RL_CLIENT_NORMAL;
}

void rl_session_check_output(rl_session *s) {
    uint64_t hard = s->server->settings->output_limit[rl_session_class(s)].hard_bytes;
    if (hard && rl_conn_output_pending(s->conn) > hard) {
        rl_log(RL_LOG_WARNING,
               "Client id=%" PRIu64 " addr=%s closed: its output of %zu bytes is over "
               "client-output-buffer-limit",
               s->id, rl_conn_peer(s->conn), rl_conn_output_pending(s->conn));
        s->server->stats->output_limit_closed++;
        rl_session_close(s, RL_CLOSE_NOW);
    }
}

/* Runs the window; returns how many bytes of it are done. *go_on: false when no more may run now.
 */
static size_t run_window(rl_session *s, ahead *window, int count, bool *go_on) {
    rl_server *server = s->server;
    size_t done = 0;
    for (int i = 0; i < count; i++) {
        const rl_bytes *argv = rl_reader_args(&s->reader, &window[i].request);
        int argc = window[i].request.argc;
        if (argc) {
            s->large_request = window[i].request.end - done > RL_ENTRY_KEY_MAX;
            rl_dispatched result = rl_dispatch(s, window[i].command, argv, argc, window[i].hash);
            if (result == RL_POSTPONED) {
                rl_server_park(server, s, RL_PARK_POSTPONED);
                *go_on = false;
                return done;
            }
            s->commands++;
            if (s->reply_mode != RL_REPLY_ON)
                reply_mode_step(s);
            if (server->batch && rl_batch_builder_bytes(server->batch) > SEAL_AT_BYTES)
                rl_server_seal(server);
            rl_session_check_output(s);
            if (result == RL_PARKED || s->close_after_reply || server->stopping) {
                *go_on = false;
                return window[i].request.end;
            }
        }
        done = window[i].request.end;
    }
    return done;
}

static void protocol_error(rl_session *s) {
    rl_log(RL_LOG_VERBOSE, "Closing client id=%" PRIu64 " addr=%s: %s", s->id,
           rl_conn_peer(s->conn), rl_reader_error(&s->reader));
    rl_reply_errorf(&s->reply, "ERR %s", rl_reader_error(&s->reader));
    rl_stats_count_error(s->server->stats, RL_BYTES("ERR"));
    rl_session_close(s, RL_CLOSE_AFTER_REPLY);
}

/* The reader needs more: tells the connection how much, and ends clients that want too much. */
static void want_more(rl_session *s, size_t pending) {
    size_t expected = rl_reader_expected(&s->reader);
    uint64_t limit = s->server->settings->client_query_buffer_bytes;
    if (limit && (pending > limit || expected > limit)) {
        rl_log(RL_LOG_WARNING,
               "Client id=%" PRIu64
               " addr=%s closed: its request is over client-query-buffer-limit "
               "(%" PRIu64 " bytes)",
               s->id, rl_conn_peer(s->conn), limit);
        s->server->stats->query_limit_closed++;
        rl_session_close(s, RL_CLOSE_NOW);
    } else if (expected > pending) {
        rl_conn_expect(s->conn, expected);
    }
}

size_t rl_session_input(void *session, const char *bytes, size_t len) {
    rl_session *s = session;
    ahead window[WINDOW];
    size_t consumed = 0;
    bool go_on = !s->close_after_reply && s->park == RL_PARK_NONE;
    rl_server_turn_begin(s->server);
    s->last_active_ms = s->server->now_ms;
    while (go_on) {
        int count;
        rl_reader_result stopped = read_window(s, bytes + consumed, len - consumed, window, &count);
        look_ahead(s, window, count);
        size_t done = run_window(s, window, count, &go_on);
        if (!go_on)
            rl_reader_rewind(&s->reader);
        else
            rl_reader_clear(&s->reader, done);
        consumed += done;
        if (!go_on || stopped == RL_READER_REQUEST)
            continue;
        if (stopped == RL_READER_ERROR)
            protocol_error(s);
        else
            want_more(s, len - consumed);
        go_on = false;
    }
    rl_conn_touch(s->conn);
    return s->close_after_reply ? len : consumed;
}

/* ---- describing ---- */

static size_t session_flags(const rl_session *s, const rl_tracker_info *tracker, char *out) {
    size_t n = 0;
    if (s->monitor)
        out[n++] = 'O';
    if (rl_subscriber_count(&s->subscriber))
        out[n++] = 'P';
    if (s->in_multi)
        out[n++] = 'x';
    if (s->park == RL_PARK_BLOCKED)
        out[n++] = 'b';
    if (tracker->on)
        out[n++] = 't';
    if (tracker->broken_redirect)
        out[n++] = 'R';
    if (tracker->bcast)
        out[n++] = 'B';
    if (s->watcher.dirty)
        out[n++] = 'd';
    if (s->close_after_reply)
        out[n++] = 'c';
    if (rl_conn_is_unix(s->conn))
        out[n++] = 'U';
    if (s->no_evict)
        out[n++] = 'e';
    if (s->no_touch)
        out[n++] = 'T';
    if (n == 0)
        out[n++] = 'N';
    return n;
}

size_t rl_session_memory(const rl_session *s) {
    return rl_alloc_size(s) + rl_reader_memory(&s->reader) + rl_conn_input_capacity(s->conn) +
           rl_conn_output_memory(s->conn) + s->queued_bytes + rl_subscriber_memory(&s->subscriber) +
           (s->park == RL_PARK_BLOCKED ? s->block.memory_bytes : 0) + rl_alloc_size(s->name) +
           rl_alloc_size(s->lib_name) + rl_alloc_size(s->lib_ver);
}

void rl_session_describe(const rl_session *s, rl_buffer *out) {
    char flags[16];
    rl_tracker_info tracker;
    rl_tracker_info_read(s, &tracker);
    size_t flag_count = session_flags(s, &tracker, flags), input = rl_conn_input_pending(s->conn);
    int64_t now_ms = s->server->now_ms;
    rl_buffer_printf(
        out, "id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s age=%" PRId64 " idle=%" PRId64, s->id,
        rl_conn_peer(s->conn), rl_conn_local(s->conn), rl_conn_fd(s->conn), s->name ? s->name : "",
        (now_ms - s->created_ms) / 1000, (now_ms - s->last_active_ms) / 1000);
    rl_buffer_printf(out, " flags=%.*s db=%d sub=%u psub=%u ssub=%u multi=%d", (int)flag_count,
                     flags, s->db, s->subscriber.count[RL_PUBSUB_CHANNEL],
                     s->subscriber.count[RL_PUBSUB_PATTERN], s->subscriber.count[RL_PUBSUB_SHARD],
                     s->in_multi ? s->queued_count : -1);
    rl_buffer_printf(out, " qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=%zu", input,
                     rl_conn_input_capacity(s->conn) - input, rl_reader_memory(&s->reader),
                     s->queued_bytes);
    rl_buffer_printf(out, " rbs=0 rbp=0 obl=%zu oll=0 omem=%zu tot-mem=%zu",
                     rl_conn_output_pending(s->conn), rl_conn_output_memory(s->conn),
                     rl_session_memory(s));
    rl_buffer_printf(
        out, " events=r cmd=%s user=default redir=%" PRId64 " resp=%d lib-name=%s lib-ver=%s\n",
        s->last_command ? s->last_command->name : "NULL",
        tracker.on ? (int64_t)tracker.redirect : -1, s->reply.resp, s->lib_name ? s->lib_name : "",
        s->lib_ver ? s->lib_ver : "");
}

/* ---- blocking ---- */

void rl_session_block(rl_session *s, const rl_block *block) {
    s->block = *block;
    s->block.silent = s->reply.chain == &s->server->sink;
    rl_server_park(s->server, s, RL_PARK_BLOCKED);
}
