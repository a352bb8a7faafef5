/* SPDX-License-Identifier: MIT */
/* The server's own struct: for server.c, turn.c, session.c and dispatch.c only. Everybody else uses
 * server.h. */
#ifndef RL_SERVER_SERVER_PRIVATE_H
#define RL_SERVER_SERVER_PRIVATE_H

#include "server/park.h"
#include "server/server.h"
#include "server/waiters.h"
#include "sql/unit.h"

struct rl_server {
    /* parts */
    rl_config *config;
    const rl_settings *settings;
    rl_registry *registry;
    rl_keyspace *keys;
    rl_batch_builder *batch; /* the open batch; NULL for a pure cache */
    rl_store *store;         /* NULL for a pure cache */
    rl_net *net;
    struct rl_server_host *hosts; /* names in `bind` and their addresses: see listen.c */
    size_t host_count;
    rl_stats *stats;
    rl_slowlog *slowlog;
    rl_latency *latency;
    rl_pubsub *pubsub;
    rl_sql_service *sql;           /* NULL until the first SQL command */
    const rl_command *sql_command; /* as the table has it */
    rl_tracking *tracking;
    unsigned notify_classes; /* of keyspace notifications */
    /* the loop */
    uv_loop_t loop;
    uv_async_t wake; /* store threads: something moved */
    uv_timer_t cron;
    uv_timer_t
        due; /* one shot: the next key to expire, end of a pause, deadline of a blocked client */
    uv_idle_t freeing; /* runs while cleared tables are being freed */
    uv_signal_t signals[2];
    int64_t due_armed_ms; /* wall time it stands at; 0: not armed */
    bool handles_open, loop_open;
    /* the turn */
    bool turn_begun;
    bool careful; /* some check beyond the usual ones is needed: see turn.c */
    int64_t now_ms;
    uint64_t open_seq;
    rl_handler
        exec_handler; /* of EXEC, which answers a refusal in its own way; NULL when renamed away */
    uint64_t
        slow_ticks; /* a command of so many ticks is looked at by slow log and latency monitor */
    rl_store_progress progress;
    bool was_failed;
    bool backup_scheduled; /* by BGSAVE in a transaction, for the next rl_server_cron */
    bool behind; /* something sealed is not released, so reads wait for what they see of it */
    /* sessions */
    rl_session *first_session, *last_session;
    rl_session *check_next; /* the next one that rl_server_cron looks at; NULL: the first */
    size_t session_count, monitor_count;
    uint64_t next_session_id;
    rl_session *running; /* whose command is at work; NULL between commands */
    rl_parking parking;
    rl_waiters *waiters;
    bool keys_ready; /* a key that somebody waits for has become ready: rl_waiters_serve */
    rl_chain sink;   /* where replies go that nobody wants (CLIENT REPLY OFF) */
    /* pause */
    int64_t pause_until_ms;
    bool pause_writes_only;
    /* memory */
    rl_memory_use memory;
    bool over_maxmemory;
    /* stopping */
    int stopping; /* 0, or rl_shutdown + 1 */
    int64_t stop_deadline_ms;
    int exit_code;
    /* identity */
    char run_id[41];
    char *executable;
    int64_t started_ms;
    rl_load_report load_report;
};

/* The batch that has what was done up to now: the open one, or the last sealed one while the open
 * one is empty (a command may have changed nothing that is kept, and an empty batch is never
 * sealed). */
static inline uint64_t rl_server_newest_seq(const rl_server *s) {
    bool empty = s->batch == NULL || rl_batch_builder_bytes(s->batch) == 0;
    return empty ? s->open_seq - 1 : s->open_seq;
}

/* Once per turn, before anything of it runs: the time, the numbers. */
void rl_server_turn_begin(rl_server *s);
/* rl_net_handler.on_turn. */
void rl_server_turn_end(void *server);
void rl_server_cron(rl_server *s);
/* Works out `careful`, slow_ticks and what else follows from settings and progress. */
void rl_server_refresh(rl_server *s);
void rl_server_apply_limits(rl_server *s); /* of small collections */
void rl_server_session_add(rl_server *s, rl_session *session);
void rl_server_session_remove(rl_server *s, rl_session *session);
rl_durability rl_server_durability(const rl_settings *set); /* of appendonly and appendfsync */
rl_store_upkeep rl_server_upkeep(const rl_settings *set);
bool rl_server_apply_setting(void *server, const char *name, rl_buffer *error);
/* Seals the open batch, which a unit's key commands have filled, and hands both to the store. The
 * last sealed seq. */
uint64_t rl_server_seal_unit(rl_server *s, rl_sql_unit *unit);
void rl_server_arm_due(rl_server *s, uint64_t in_ms);
void rl_server_check_memory(rl_server *s); /* against maxmemory */
void rl_server_free_lazily(rl_server *s);
void rl_server_end_loop(rl_server *s);
/* listen.c. At the start: looks up the host names in `bind`, which may wait. */
bool rl_server_resolve(rl_server *s, rl_buffer *error);
void rl_server_hosts_release(rl_server *s);
bool rl_server_listen(rl_server *s, rl_buffer *error);
/* After CONFIG SET of `name` (port or bind). */
bool rl_server_listen_again(rl_server *s, const char *name, rl_buffer *error);

#endif
