/* SPDX-License-Identifier: MIT */
/*
 * The server's life: parts are created in the order they need each other, and released in the
 * reverse order. See server.h; the turns are in turn.c.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/latency.h"
#include "server/notify.h"
#include "server/server_private.h"
#include "server/slowlog.h"

/* ---- accessors ---- */

rl_config *rl_server_config(rl_server *s) {
    return s->config;
}
const rl_settings *rl_server_settings(const rl_server *s) {
    return s->settings;
}
rl_keyspace *rl_server_keyspace(rl_server *s) {
    return s->keys;
}
rl_store *rl_server_store(rl_server *s) {
    return s->store;
}
rl_registry *rl_server_registry(rl_server *s) {
    return s->registry;
}
rl_stats *rl_server_stats(rl_server *s) {
    return s->stats;
}
rl_slowlog *rl_server_slowlog(rl_server *s) {
    return s->slowlog;
}
rl_latency *rl_server_latency(rl_server *s) {
    return s->latency;
}
rl_pubsub *rl_server_pubsub(rl_server *s) {
    return s->pubsub;
}
rl_tracking *rl_server_tracking(rl_server *s) {
    return s->tracking;
}
rl_waiters *rl_server_waiters(rl_server *s) {
    return s->waiters;
}
rl_net *rl_server_net(rl_server *s) {
    return s->net;
}
const char *rl_server_run_id(const rl_server *s) {
    return s->run_id;
}
const char *rl_server_executable(const rl_server *s) {
    return s->executable;
}
int64_t rl_server_started_ms(const rl_server *s) {
    return s->started_ms;
}
const rl_store_progress *rl_server_progress(const rl_server *s) {
    return &s->progress;
}
rl_session *rl_server_first_session(rl_server *s) {
    return s->first_session;
}
size_t rl_server_session_count(const rl_server *s) {
    return s->session_count;
}
uint64_t rl_server_open_seq(const rl_server *s) {
    return s->open_seq;
}
bool rl_server_stopping(const rl_server *s) {
    return s->stopping != 0;
}
bool rl_server_over_maxmemory(const rl_server *s) {
    return s->over_maxmemory;
}
const rl_load_report *rl_server_load_report(const rl_server *s) {
    return &s->load_report;
}

/* ---- sessions ---- */

rl_session *rl_server_find_session(rl_server *s, uint64_t id) {
    for (rl_session *x = s->first_session; x != NULL; x = x->next)
        if (x->id == id)
            return x;
    return NULL;
}

void rl_server_session_add(rl_server *s, rl_session *session) {
    session->prev = s->last_session;
    if (s->last_session)
        s->last_session->next = session;
    else
        s->first_session = session;
    s->last_session = session;
    s->session_count++;
}

void rl_server_session_remove(rl_server *s, rl_session *session) {
    if (session->monitor)
        rl_server_remove_monitor(s, session);
    if (session->park == RL_PARK_BLOCKED && session->block.abandon)
        session->block.abandon(s, session);
    rl_server_unlink_parked(s, session);
    if (s->check_next == session)
        s->check_next = session->next;
    *(session->prev ? &session->prev->next : &s->first_session) = session->next;
    *(session->next ? &session->next->prev : &s->last_session) = session->prev;
    s->session_count--;
}

void rl_server_add_monitor(rl_server *s, rl_session *session) {
    s->monitor_count += !session->monitor;
    session->monitor = true;
}

void rl_server_remove_monitor(rl_server *s, rl_session *session) {
    s->monitor_count -= session->monitor;
    session->monitor = false;
}

/* ---- connections come and go ---- */

static const char *const protected_mode_error =
    "-DENIED Running in protected mode because protected mode is enabled and no password is set "
    "for the default user. "
    "In this mode connections are only accepted from the loopback interface. To accept others, do "
    "one of these: "
    "1) disable protected mode with 'CONFIG SET protected-mode no' from a client on this machine, "
    "if no untrusted network "
    "can reach the server; use CONFIG REWRITE to make it last; 2) set 'protected-mode no' in the "
    "configuration file and "
    "restart; 3) start the server with '--protected-mode no'; 4) set a password with "
    "requirepass.\r\n";

static bool is_protected(const rl_server *s, const rl_conn *conn) {
    const char *password = s->settings->requirepass;
    return s->settings->protected_mode && !(password && *password) && !rl_conn_is_loopback(conn);
}

static void *on_open(void *server, rl_conn *conn) {
    rl_server *s = server;
    rl_chain *out = rl_conn_output(conn);
    rl_server_turn_begin(s);
    if (s->session_count >= (size_t)s->settings->maxclients) {
        static const char error[] = "-ERR max number of clients reached\r\n";
        rl_chain_add(out, error, sizeof error - 1);
        s->stats->rejected_connections++;
        return NULL;
    }
    if (is_protected(s, conn)) {
        rl_chain_add(out, protected_mode_error, strlen(protected_mode_error));
        s->stats->rejected_connections++;
        return NULL;
    }
    rl_session *session = rl_session_create(s, conn, s->next_session_id++);
    rl_server_session_add(s, session);
    s->stats->connections++;
    return session;
}

static void on_close(void *session) {
    rl_session *x = session;
    rl_server_session_remove(x->server, x);
    rl_session_free(x);
}

/* ---- start ---- */

static void notify(void *server) {
    rl_server *s = server;
    uv_async_send(&s->wake);
}

typedef struct loading {
    rl_keyspace *keys;
    int beyond;   /* a database number we do not have, or -1 */
    rl_type type; /* of the last key; RL_TYPE_STRING when its elements are nothing to us */
} loading;

static void load_row(void *arg, const rl_store_row *row) {
    loading *l = arg;
    if (row->db < 0 || row->db >= rl_keyspace_databases(l->keys)) {
        l->beyond = row->db;
        l->type = RL_TYPE_STRING;
        return;
    }
    l->type = row->type;
    if (row->strange)
        rl_keyspace_load_strange(l->keys);
    rl_keyspace_load(l->keys, row->id, row->db, row->type, row->expires_at, row->key, row->value);
}

static void load_element(void *arg, const rl_store_element *e) {
    loading *l = arg;
    if (e->strange)
        rl_keyspace_load_strange(l->keys);
    switch (l->type) {
    case RL_TYPE_HASH:
        rl_keyspace_load_field(l->keys, e->name, e->value, e->expires_at);
        break;
    case RL_TYPE_SET:
        rl_keyspace_load_member(l->keys, e->name);
        break;
    case RL_TYPE_ZSET:
        rl_keyspace_load_score(l->keys, e->name, e->score);
        break;
    case RL_TYPE_LIST:
        rl_keyspace_load_item(l->keys, e->position, e->value);
        break;
    default:
        break;
    }
}

static int load_keys(rl_server *s, loading *l, char *text, size_t text_len) {
    const rl_store_loading to = {load_row, load_element, l};
    *l = (loading){.keys = s->keys, .beyond = -1, .type = RL_TYPE_STRING};
    rl_server_apply_limits(s);
    rl_keyspace_load_begin(s->keys, rl_store_next_id(s->store), rl_store_key_count(s->store));
    int code = rl_store_load(s->store, &to, text, text_len);
    rl_keyspace_load_end(s->keys);
    return code;
}

/* What was loaded of a damaged database is forgotten; then it is looked at again, or a backup put
 * in its place, and loaded. */
static int load_or_restore(rl_server *s, loading *l, char *text, size_t text_len) {
    int code;
    while ((code = load_keys(s, l, text, text_len)) == RL_STORE_DAMAGED) {
        char reason[1024];
        snprintf(reason, sizeof reason, "%s", text);
        code = rl_store_restore(s->store, reason, text, text_len);
        if (code != RL_STORE_OK)
            return code;
        rl_keyspace_free(s->keys);
        if (s->batch) /* what was put right in rows that are gone */
            rl_batch_free(rl_batch_seal(s->batch, 1));
        s->keys = rl_keyspace_create(s->settings->databases, s->batch);
    }
    return code;
}

static uint64_t count_keys(rl_keyspace *keys) {
    uint64_t count = 0;
    for (int db = 0; db < rl_keyspace_databases(keys); db++)
        count += rl_keyspace_size(keys, db);
    return count;
}

static bool open_store(rl_server *s, rl_buffer *error) {
    const rl_settings *set = s->settings;
    char text[2048] = "";
    int64_t from_us = rl_clock_mono_us();
    rl_store_options options = {.dir = set->dir,
                                .dbfilename = set->dbfilename,
                                .durability = rl_server_durability(set),
                                .segment_bytes = set->journal_segment_bytes,
                                .backlog_limit_bytes = set->journal_backlog_bytes,
                                .fold_interval_ms = set->fold_interval_ms,
                                .allow_network_fs = set->allow_network_fs,
                                .backup_dir = set->backup_dir,
                                .upkeep = rl_server_upkeep(set),
                                .restore = (rl_restore_policy)set->restore_on_start,
                                .check = (rl_check_level)set->start_check,
                                .notify = notify,
                                .notify_arg = s};
    if (rl_store_open(&options, &s->store, text, sizeof text)) {
        rl_buffer_add_text(error, text);
        return false;
    }
    loading l = {0};
    int code = load_or_restore(s, &l, text, sizeof text);
    if (code || rl_store_start(s->store, text, sizeof text)) {
        rl_buffer_add_text(error, text);
        return false;
    }
    if (l.beyond >= 0) {
        rl_buffer_printf(error,
                         "data.db has keys in database %d, but 'databases' is %d: start with "
                         "--databases %d or more",
                         l.beyond, set->databases, l.beyond + 1);
        return false;
    }
    s->open_seq = rl_store_last_seq(s->store) + 1;
    s->load_report = (rl_load_report){count_keys(s->keys), rl_store_replayed(s->store),
                                      rl_clock_mono_us() - from_us};
    return true;
}

static bool rename_commands(rl_server *s, rl_buffer *error) {
    for (size_t i = 0; i < rl_config_renames(s->config); i++) {
        const char *from, *to;
        char text[256];
        rl_config_rename_at(s->config, i, &from, &to);
        if (!rl_registry_rename(s->registry, from, to, text, sizeof text)) {
            rl_buffer_add_text(error, text);
            return false;
        }
    }
    return true;
}

static void on_wake(uv_async_t *wake) {
    rl_server *s = wake->data;
    if (s->store)
        rl_store_collect(s->store);
    /* the turn's end, which follows every poll, does the rest */
}

static void on_cron(uv_timer_t *timer) {
    rl_server_cron(timer->data);
}

static void on_due(uv_timer_t *timer) {
    rl_server *s = timer->data;
    s->due_armed_ms = 0;
    /* The turn's end does what is due. Without this the poll that follows the timers could sleep
     * before it. */
    uv_async_send(&s->wake);
}

void rl_server_arm_due(rl_server *s, uint64_t in_ms) {
    uv_timer_start(&s->due, on_due, in_ms, 0);
}

static void on_freeing(uv_idle_t *idle) {
    rl_server *s = idle->data;
    if (!rl_keyspace_free_step(s->keys))
        uv_idle_stop(idle);
}

void rl_server_free_lazily(rl_server *s) {
    if (!uv_is_active((uv_handle_t *)&s->freeing))
        uv_idle_start(&s->freeing, on_freeing);
}

/* A second signal must end the process even while it waits for the fold: no loop runs then. */
static void end_at_once(int signal_number) {
    static const char text[] =
        "A second signal: ending at once. The journal has what was answered.\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(128 + signal_number);
}

static void on_signal(uv_signal_t *handle, int signal_number) {
    rl_server *s = handle->data;
    if (s->stopping)
        end_at_once(signal_number);
    rl_log(RL_LOG_WARNING, "Received %s, shutting down. A second signal ends at once.",
           signal_number == SIGINT ? "SIGINT" : "SIGTERM");
    rl_server_stop(s, RL_SHUTDOWN_SAVE);
}

/* Only now: while the keys load, no loop runs that could see a signal, so it ends the process as
 * usual. */
static void start_signals(rl_server *s) {
    uv_signal_start(&s->signals[0], on_signal, SIGTERM);
    uv_signal_start(&s->signals[1], on_signal, SIGINT);
}

static bool open_loop(rl_server *s, rl_buffer *error) {
    rl_net_handler handler = {on_open, rl_session_input, on_close, rl_server_turn_end, s};
    int code = uv_loop_init(&s->loop);
    if (code) {
        rl_buffer_printf(error, "cannot make the event loop: %s", uv_strerror(code));
        return false;
    }
    uv_async_init(&s->loop, &s->wake, on_wake);
    uv_timer_init(&s->loop, &s->cron);
    uv_unref((uv_handle_t *)&s->wake); /* it outlives the loop's run, for the store's last words */
    uv_timer_init(&s->loop, &s->due);
    uv_idle_init(&s->loop, &s->freeing);
    s->wake.data = s->cron.data = s->due.data = s->freeing.data = s;
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
    }
    s->handles_open = s->loop_open = true;
    code = rl_net_create(&s->loop, &handler, &s->net);
    if (code) {
        rl_buffer_printf(error, "cannot start the network: %s", uv_strerror(code));
        return false;
    }
    uv_timer_start(&s->cron, on_cron, 1000 / RL_SERVER_CRON_HZ, 1000 / RL_SERVER_CRON_HZ);
    return true;
}

static void make_run_id(char *out) {
    unsigned char bytes[20];
    rl_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

rl_server *rl_server_create(const rl_server_options *options, rl_buffer *error) {
    rl_server *s = rl_calloc(1, sizeof *s);
    s->config = options->config;
    s->settings = rl_config_settings(options->config);
    s->executable = rl_strdup(options->executable);
    s->started_ms = s->now_ms = rl_clock_wall_ms();
    s->next_session_id = 1;
    s->open_seq = 1;
    make_run_id(s->run_id);
    s->registry = rl_registry_create(options->commands, options->command_count);
    const rl_command *exec = rl_registry_find(s->registry, RL_BYTES("exec"));
    s->exec_handler = exec ? exec->handler : NULL;
    s->stats = rl_stats_create(rl_registry_indexes(s->registry));
    s->slowlog = rl_slowlog_create();
    s->latency = rl_latency_create();
    s->pubsub = rl_pubsub_create();
    s->tracking = rl_tracking_create(s);
    s->waiters = rl_waiters_create(s);
    bool cache = strcmp(s->settings->dbfilename, ":memory:") == 0;
    if (!cache)
        s->batch = rl_batch_builder_create();
    s->keys = rl_keyspace_create(s->settings->databases, s->batch);
    rl_server_apply_limits(s);
    /* The loop comes before the store: the store's threads wake it. */
    if (!rename_commands(s, error) || !open_loop(s, error) || !rl_server_resolve(s, error) ||
        (!cache && !open_store(s, error)) || !rl_server_listen(s, error)) {
        rl_server_free(s);
        return NULL;
    }
    start_signals(s);
    rl_config_observe(s->config, rl_server_apply_setting, s);
    rl_server_refresh(s);
    rl_notify_refresh(s);
    rl_server_turn_begin(s);
    s->memory.startup = rl_server_memory(s, true)->used;
    return s;
}

/* ---- run and stop ---- */

void rl_server_run(rl_server *s) {
    uv_run(&s->loop, UV_RUN_DEFAULT);
}

void rl_server_stop(rl_server *s, rl_shutdown how) {
    if (s->stopping)
        return;
    s->stopping = (int)how + 1;
    s->stop_deadline_ms =
        rl_clock_wall_ms() +
        (how == RL_SHUTDOWN_NOW ? 0 : 1000 * (int64_t)s->settings->shutdown_timeout_s);
    rl_net_listen_stop(s->net);
    for (rl_session *x = s->first_session; x != NULL; x = x->next)
        rl_conn_pause(x->conn); /* what was answered goes out; nothing new is begun */
    if (s->sql)
        rl_sql_service_cancel_all(s->sql);
    if (s->store)
        rl_store_sync_soon(s->store);
    uv_timer_again(&s->cron);
}

/* After the loop: everything of it is closed, so the store may take its time. */
static void close_store(rl_server *s) {
    if (s->store == NULL)
        return;
    int how = s->stopping - 1;
    signal(SIGTERM, end_at_once);
    signal(SIGINT, end_at_once);
    if (how == RL_SHUTDOWN_SAVE)
        rl_log(RL_LOG_NOTICE, "Writing what the journal holds into %s/%s", s->settings->dir,
               s->settings->dbfilename);
    if (rl_store_close(s->store, how == RL_SHUTDOWN_SAVE)) {
        rl_log(
            RL_LOG_WARNING, "%s",
            how == RL_SHUTDOWN_SAVE
                ? "Not everything could be written into the database; the journal has it, and the "
                  "next start will write it"
                : "Not everything could be written into the journal: writes that were not answered "
                  "yet are lost");
        s->exit_code = 1;
    }
    s->store = NULL;
}

static void close_handles(rl_server *s) {
    if (!s->handles_open)
        return;
    s->handles_open = false;
    uv_close((uv_handle_t *)&s->cron, NULL);
    uv_close((uv_handle_t *)&s->due, NULL);
    uv_close((uv_handle_t *)&s->freeing, NULL);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
}

static void on_net_closed(void *server) {
    rl_server *s = server;
    s->net = NULL;
    close_handles(s);
}

void rl_server_end_loop(rl_server *s) {
    rl_net *net = s->net;
    if (net)
        rl_net_close(net, on_net_closed, s);
}

int rl_server_free(rl_server *s) {
    if (!s)
        return 0;
    if (s->handles_open) { /* the start failed half way, or nobody stopped it */
        if (s->net)
            rl_server_end_loop(s);
        else
            close_handles(s);
        uv_run(&s->loop, UV_RUN_DEFAULT);
    }
    if (s->store && s->stopping == 0)
        s->stopping = RL_SHUTDOWN_NOSAVE + 1;
    /* The store's threads may still wake the loop: they end before it does. */
    rl_sql_service_stop(s->sql);
    close_store(s);
    rl_sql_service_free(s->sql);
    if (s->loop_open) {
        uv_close((uv_handle_t *)&s->wake, NULL);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        uv_loop_close(&s->loop);
    }
    rl_keyspace_free(s->keys);
    rl_batch_builder_free(s->batch);
    rl_latency_free(s->latency);
    rl_pubsub_free(s->pubsub);
    rl_tracking_free(s->tracking);
    rl_waiters_free(s->waiters);
    rl_deadlines_release(&s->parking.deadlines);
    rl_slowlog_free(s->slowlog);
    rl_stats_free(s->stats);
    rl_registry_free(s->registry);
    rl_chain_release(&s->sink);
    rl_chain_pool_release();
    rl_server_hosts_release(s);
    rl_free(s->executable);
    int exit_code = s->exit_code;
    rl_free(s);
    return exit_code;
}
