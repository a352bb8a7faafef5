/* SPDX-License-Identifier: MIT */
/* Dispatch. See dispatch.h. */
#include "server/dispatch.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "server/latency.h"
#include "server/monitor.h"
#include "server/publish.h"
#include "server/redact.h"
#include "server/server_private.h"
#include "server/slowlog.h"
#include "server/transaction.h"

#define SHOWN_MAX 128 /* bytes of a request that an error repeats */

/* ---- refusals ---- */

/* Every refusal ends here: it spoils the transaction, or ends it when it meets EXEC, and is
 * counted. The error has its code in front; command may be NULL. */
static void refuse(rl_session *s, const rl_command *command, const char *error) {
    rl_stats *stats = rl_server_stats(s->server);
    if (command && command->handler == s->server->exec_handler) {
        rl_transaction_end(s);
        rl_reply_errorf(&s->reply, "EXECABORT Transaction discarded because of: %s",
                        strncmp(error, "ERR ", 4) == 0 ? error + 4 : error);
    } else {
        if (s->in_multi)
            s->multi_failed = true;
        rl_reply_error(&s->reply, error);
    }
    if (command)
        stats->by_command[command->index].rejected++;
    rl_stats_count_error(stats, rl_bytes_text(s->reply.error_code));
}

static void __attribute__((format(printf, 3, 4)))
refusef(rl_session *s, const rl_command *command, const char *format, ...) {
    rl_buffer text = {0};
    va_list args;
    va_start(args, format);
    rl_buffer_vprintf(&text, format, args);
    va_end(args);
    refuse(s, command, rl_buffer_cstr(&text));
    rl_buffer_release(&text);
}

static int shown_len(rl_bytes b) {
    return b.len < SHOWN_MAX ? (int)b.len : SHOWN_MAX;
}

static void refuse_unknown(rl_session *s, const rl_bytes *argv, int argc) {
    rl_buffer args = {0};
    for (int i = 1; i < argc && args.len < SHOWN_MAX; i++) {
        size_t room = SHOWN_MAX - args.len;
        rl_buffer_add_char(&args, '\'');
        /* as a C string shows it: up to a zero byte */
        size_t len = strnlen(argv[i].ptr, argv[i].len < room ? argv[i].len : room);
        rl_buffer_add(&args, argv[i].ptr, len);
        rl_buffer_add_text(&args, "' ");
    }
    refusef(s, NULL, "ERR unknown command '%.*s', with args beginning with: %s", shown_len(argv[0]),
            argv[0].ptr, rl_buffer_cstr(&args));
    rl_buffer_release(&args);
}

static void refuse_subcommand(rl_session *s, const rl_command *container, const rl_bytes *argv) {
    char name[64];
    size_t n = 0;
    for (; container->name[n] && n < sizeof name - 1; n++)
        name[n] =
            (char)(container->name[n] >= 'a' && container->name[n] <= 'z' ? container->name[n] - 32
                                                                          : container->name[n]);
    name[n] = '\0';
    refusef(s, NULL, "ERR unknown subcommand '%.*s'. Try %s HELP.", shown_len(argv[1]), argv[1].ptr,
            name);
}

static void refuse_arity(rl_session *s, const rl_command *command) {
    refusef(s, command, "ERR wrong number of arguments for '%s' command", command->name);
}

/* The first words of an HTTP request that a web page can make a browser send here. */
static bool is_http(rl_bytes word) {
    return rl_bytes_is(word, "POST") || rl_bytes_is(word, "HOST:");
}

static void cut_off_browser(rl_session *s) {
    rl_log(RL_LOG_WARNING,
           "Client addr=%s speaks HTTP (POST or Host:); it may be a browser that a page sent here "
           "to attack "
           "this server. Connection closed.",
           rl_conn_peer(s->conn));
    rl_session_close(s, RL_CLOSE_NOW);
}

static bool arity_fits(const rl_command *command, int argc) {
    return command->arity >= 0 ? argc == command->arity : argc >= -command->arity;
}

static void refuse_misconf(rl_session *s, const rl_command *command) {
    rl_server_stats(s->server)->misconf_refused++;
    refusef(s, command, "MISCONF Errors writing to the journal: %s",
            rl_store_failure(rl_server_store(s->server)));
}

static bool debug_allowed(const rl_session *s) {
    int allowed = rl_server_settings(s->server)->enable_debug_command;
    return allowed == 1 || (allowed == 2 && rl_conn_is_loopback(s->conn));
}

/* The checks that need a closer look, behind one test of the hot path. True when the command was
 * refused. */
static bool refuse_checked(rl_session *s, const rl_command *command) {
    uint32_t flags = command->flags;
    if (flags & RL_CMD_PROTECTED && !debug_allowed(s)) {
        refuse(s, command,
               "ERR DEBUG command not allowed. If the enable-debug-command option is set to "
               "\"local\", you can run it "
               "from a local connection, otherwise you need to set this option in the "
               "configuration file, and then "
               "restart the server.");
        return true;
    }
    if (!(flags & RL_CMD_NO_AUTH) && rl_session_needs_auth(s)) {
        refuse(s, command, "NOAUTH Authentication required.");
        return true;
    }
    if (s->reply.resp == 2 && rl_subscriber_count(&s->subscriber) &&
        !(flags & RL_CMD_WHILE_SUBSCRIBED)) {
        refusef(s, command,
                "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                "RESET are allowed in this context",
                command->name);
        return true;
    }
    if (s->in_multi && flags & RL_CMD_NO_MULTI) {
        refuse(s, command, "ERR Command not allowed inside a transaction");
        return true;
    }
    bool queued = s->in_multi && !(flags & RL_CMD_IMMEDIATE);
    if ((flags & RL_CMD_DENYOOM || queued) && rl_server_over_maxmemory(s->server)) {
        refuse(s, command, "OOM command not allowed when used memory > 'maxmemory'.");
        return true;
    }
    if (flags & RL_CMD_WRITE && rl_server_progress(s->server)->failed) {
        refuse_misconf(s, command);
        return true;
    }
    return false;
}

/* ---- postponing ---- */

/* True when the command has to wait: clients are paused, or the backlog is over its limit and this
 * one would add to it. A transaction waits for the backlog at its EXEC, whole. */
static bool must_wait(rl_session *s, const rl_command *command) {
    bool writes_only;
    int64_t left_ms;
    bool queued = s->in_multi && !(command->flags & RL_CMD_IMMEDIATE);
    bool writes = command->flags & (RL_CMD_WRITE | RL_CMD_MAY_REPLICATE) ||
                  (command->handler == s->server->exec_handler && rl_transaction_writes(s));
    if (rl_server_paused(s->server, &writes_only, &left_ms) && (!writes_only || writes))
        return true;
    return writes && !queued && rl_server_progress(s->server)->over_limit &&
           !rl_server_progress(s->server)->failed;
}

/* ---- running ---- */

static void after_slow(rl_server *server, const rl_session *s, const rl_bytes *argv, int argc,
                       const rl_command *command, uint64_t ticks) {
    const rl_settings *set = rl_server_settings(server);
    rl_bytes copy[RL_REDACT_MAX];
    int64_t us = (int64_t)(rl_clock_ticks_to_ns(ticks) / 1000), now_s = rl_clock_wall_ms() / 1000;
    if (set->latency_monitor_threshold_ms)
        rl_latency_add(rl_server_latency(server), set->latency_monitor_threshold_ms,
                       command->flags & RL_CMD_FAST ? "fast-command" : "command", now_s,
                       (uint64_t)us / 1000);
    if (set->slowlog_slower_than_us >= 0 && us >= set->slowlog_slower_than_us &&
        !(command->flags & RL_CMD_SKIP_SLOWLOG))
        rl_slowlog_add(rl_server_slowlog(server), set->slowlog_max_len, now_s, us,
                       rl_redact(command, argv, argc, copy), argc, s ? rl_conn_peer(s->conn) : "",
                       s && s->name ? s->name : "");
}

static inline rl_ctx context_of(rl_session *s, const rl_command *command, const rl_bytes *argv,
                                int argc, uint64_t hash) {
    rl_keyspace *keys = rl_server_keyspace(s->server);
    return (rl_ctx){.argv = argv,
                    .argc = argc,
                    .db = s->db,
                    .reply = &s->reply,
                    .keys = keys,
                    .now_ms = rl_keyspace_now(keys),
                    .hash = hash,
                    .command = command,
                    .session = s,
                    .server = s->server};
}

/* Runs a handler with its bookkeeping. A command that waits for keys is one call, however often its
 * handler runs: it is counted, and shown to MONITOR, when it is sent; its time is judged when it is
 * served. True: it waits (on). */
static inline bool call(rl_ctx *c) {
    rl_session *s = c->session;
    rl_server *server = c->server;
    const rl_command *command = c->command;
    rl_stats *stats = rl_server_stats(server);
    rl_command_stats *of_command = &stats->by_command[command->index];
    bool first = c->woken_by == NULL;
    uint32_t errors = s->reply.errors;
    uint64_t from = rl_clock_ticks();
    command->handler(c);
    uint64_t ticks = rl_clock_ticks() - from;
    of_command->calls += first;
    of_command->ticks += ticks;
    stats->commands += first;
    if (!c->waits)
        rl_stats_time(stats, of_command, ticks);
    if (s->reply.errors != errors) {
        of_command->failed++;
        rl_stats_count_error(stats, rl_bytes_text(s->reply.error_code));
        s->reply.errors = errors; /* counted: the EXEC around it has not failed */
    }
    if (s->tracker && command->flags & RL_CMD_READONLY)
        rl_tracking_remember(s, command, c->argv, c->argc);
    if (server->monitor_count && first)
        rl_monitor_feed(server, s, command, c->argv, c->argc);
    if (ticks >= server->slow_ticks && !c->waits)
        after_slow(server, s, c->argv, c->argc, command, ticks);
    return c->waits;
}

void rl_dispatch_call(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                      uint64_t hash, bool in_exec) {
    rl_ctx c = context_of(s, command, argv, argc, hash);
    c.in_exec = in_exec;
    call(&c);
}

void rl_dispatch_deferred(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                          bool in_exec) {
    rl_server *server = s->server;
    rl_ctx c = context_of(s, command, argv, argc, 0);
    uint32_t errors = s->reply.errors;
    c.in_exec = in_exec;
    command->handler(&c);
    rl_server_stats(server)->commands++;
    if (server->monitor_count)
        rl_monitor_feed(server, s, command, argv, argc);
    if (s->reply.errors != errors) {
        s->reply.errors = errors;
        rl_dispatch_ended(server, s, command, argv, argc, 0, s->reply.error_code);
    }
}

void rl_dispatch_ended(rl_server *server, const rl_session *s, const rl_command *command,
                       const rl_bytes *argv, int argc, uint64_t took_us, const char *error_code) {
    rl_stats *stats = rl_server_stats(server);
    rl_command_stats *of_command = &stats->by_command[command->index];
    /* A million ticks tell how long one is. */
    double ns_per_tick = (double)rl_clock_ticks_to_ns(1000000) / 1e6;
    uint64_t ticks = (uint64_t)((double)took_us * 1000.0 / ns_per_tick);
    of_command->calls++;
    of_command->ticks += ticks;
    rl_stats_time(stats, of_command, ticks);
    if (*error_code) {
        of_command->failed++;
        rl_stats_count_error(stats, rl_bytes_text(error_code));
    }
    if (ticks >= server->slow_ticks)
        after_slow(server, s, argv, argc, command, ticks);
}

/* Runs a command for its client, with the gate that holds its reply until what it wrote, or saw,
 * may be told. True: it waits for keys. */
static inline bool run(rl_ctx *c) {
    rl_session *s = c->session;
    rl_server *server = c->server;
    rl_keyspace *keys = c->keys;
    const rl_command *command = c->command;
    uint64_t changes = rl_keyspace_changes(keys);
    uint64_t from = rl_chain_position(s->reply.chain);
    rl_keyspace_seen_reset(keys);
    server->running = s;
    bool waits = call(c);
    server->running = NULL;
    if (rl_keyspace_changes(keys) != changes &&
        (command->flags & (RL_CMD_WRITE | RL_CMD_IMMEDIATE | RL_CMD_PROTECTED))) {
        s->last_write_seq = rl_server_newest_seq(server);
        if (rl_server_store(server) && s->reply.chain == rl_conn_output(s->conn))
            rl_conn_gate(s->conn, from, s->last_write_seq, 1, true);
    } else if (rl_keyspace_seen_seq(keys) && s->reply.chain == rl_conn_output(s->conn)) {
        uint64_t seen = rl_keyspace_seen_seq(keys), newest = rl_server_newest_seq(server);
        rl_conn_gate(s->conn, from, seen < newest ? seen : newest, 1, false);
    }
    if (s->tracker)
        rl_tracking_command_done(s, command);
    if (rl_chain_memory(&s->held_pushes))
        rl_session_push_held(s);
    return waits;
}

bool rl_dispatch_woken(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                       uint64_t hash, const rl_bytes *by) {
    rl_ctx c = context_of(s, command, argv, argc, hash);
    c.woken_by = by;
    return run(&c);
}

/* Container commands: the subcommand, or an error and NULL. */
static const rl_command *subcommand_of(rl_session *s, const rl_command *container,
                                       const rl_bytes *argv, int argc) {
    if (argc < 2) {
        refuse_arity(s, container);
        return NULL;
    }
    const rl_command *sub = rl_registry_subcommand(container, argv[1]);
    if (sub == NULL)
        refuse_subcommand(s, container, argv);
    return sub;
}

/* A transaction's queue counts as what it is: requests that were read and not run. */
static void check_queue_limit(rl_session *s) {
    uint64_t limit = rl_server_settings(s->server)->client_query_buffer_bytes;
    if (limit == 0 || s->queued_bytes <= limit)
        return;
    rl_log(RL_LOG_WARNING,
           "Client addr=%s closed: its MULTI has queued more than client-query-buffer-limit",
           rl_conn_peer(s->conn));
    rl_server_stats(s->server)->query_limit_closed++;
    rl_session_close(s, RL_CLOSE_NOW);
}

/* A key that would not fit a row beside its value. Only requests larger than any such key are
 * searched for one. */
static bool has_long_key(const rl_command *command, const rl_bytes *argv, int argc) {
    int *positions = rl_malloc((size_t)argc * sizeof *positions);
    int count = rl_command_keys(command, argv, argc, positions, NULL, argc);
    bool found = false;
    for (int i = 0; i < count && i < argc; i++)
        found |= argv[positions[i]].len > RL_ENTRY_KEY_MAX;
    rl_free(positions);
    return found;
}

rl_dispatched rl_dispatch(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                          uint64_t hash) {
    s->last_command = command;
    if (command == NULL) {
        if (is_http(argv[0]))
            cut_off_browser(s);
        else
            refuse_unknown(s, argv, argc);
        return RL_DISPATCHED;
    }
    if (command->subcommand_count && !(argc < 2 && command->handler)) {
        command = subcommand_of(s, command, argv, argc);
        if (command == NULL)
            return RL_DISPATCHED;
        s->last_command = command;
        if (command->first_key > 0 && command->first_key < argc)
            hash = rl_hash(argv[command->first_key]);
    }
    if (!arity_fits(command, argc)) {
        refuse_arity(s, command);
        return RL_DISPATCHED;
    }
    if (s->large_request && has_long_key(command, argv, argc)) {
        refuse(s, command, "ERR key is longer than 256 MB, which no row of the database can hold");
        return RL_DISPATCHED;
    }
    if (s->server->careful || s->in_multi || !s->authenticated ||
        rl_subscriber_count(&s->subscriber) ||
        command->flags & (RL_CMD_PROTECTED | RL_CMD_DEFERRED)) {
        if (refuse_checked(s, command))
            return RL_DISPATCHED;
        if (must_wait(s, command))
            return RL_POSTPONED;
        if (command->flags & RL_CMD_DEFERRED && !s->in_multi) {
            rl_dispatch_deferred(s, command, argv, argc, false);
            return s->park == RL_PARK_NONE ? RL_DISPATCHED : RL_PARKED;
        }
    }
    if (s->in_multi && !(command->flags & RL_CMD_IMMEDIATE)) {
        rl_transaction_queue(s, command, argv, argc, hash);
        rl_reply_literal(&s->reply, "+QUEUED\r\n");
        check_queue_limit(s);
        return RL_DISPATCHED;
    }
    rl_ctx c = context_of(s, command, argv, argc, hash);
    run(&c);
    if (s->server->keys_ready)
        rl_waiters_serve(s->server->waiters);
    return s->park == RL_PARK_NONE ? RL_DISPATCHED : RL_PARKED;
}

/* ---- what handlers share (command.h) ---- */

bool rl_ctx_int(rl_ctx *c, int arg, int64_t *out, const char *error_or_null) {
    if (rl_int64_parse(c->argv[arg], out))
        return true;
    rl_reply_error(c->reply, error_or_null ? error_or_null : RL_ERR_NOT_INTEGER);
    return false;
}

bool rl_ctx_find_string(rl_ctx *c, int arg, rl_look look, rl_entry **out) {
    if (look == RL_LOOK_READ && c->session->no_touch)
        look = RL_LOOK_READ_NOTOUCH;
    *out = rl_ctx_find(c, arg, look);
    if (*out == NULL || (*out)->type == RL_TYPE_STRING)
        return true;
    rl_reply_error(c->reply, RL_ERR_WRONGTYPE);
    return false;
}

bool rl_ctx_open(rl_ctx *c, int arg, rl_type type, rl_look look, rl_collection *out) {
    if (look == RL_LOOK_READ && c->session->no_touch)
        look = RL_LOOK_READ_NOTOUCH;
    if (rl_collection_open(out, c->keys, c->db, c->argv[arg], rl_ctx_hash(c, arg), type, look))
        return true;
    rl_reply_error(c->reply, RL_ERR_WRONGTYPE);
    return false;
}

void rl_ctx_syntax_error(rl_ctx *c) {
    rl_reply_error(c->reply, RL_ERR_SYNTAX);
}

/* The container's name in capitals: "client|list" gives "CLIENT". */
static const char *container_name(const rl_ctx *c, char *out, size_t size) {
    size_t n = 0;
    for (const char *p = c->command->name; *p && *p != '|' && n < size - 1; p++)
        out[n++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    out[n] = '\0';
    return out;
}

void rl_ctx_help(rl_ctx *c, const char *const *lines) {
    size_t count = 0;
    char name[64], first[160];
    while (lines[count])
        count++;
    snprintf(first, sizeof first, "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
             container_name(c, name, sizeof name));
    rl_reply_array(c->reply, count + 3);
    rl_reply_status(c->reply, first);
    for (size_t i = 0; i < count; i++)
        rl_reply_status(c->reply, lines[i]);
    rl_reply_status(c->reply, "HELP");
    rl_reply_status(c->reply, "    Print this help.");
}

void rl_ctx_subcommand_error(rl_ctx *c) {
    char name[64];
    rl_bytes sub = c->argc > 1 ? c->argv[1] : c->argv[0];
    rl_reply_errorf(c->reply,
                    "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
                    shown_len(sub), sub.ptr, container_name(c, name, sizeof name));
}
