/* SPDX-License-Identifier: MIT */
/*
 * The server: holds the parts together and runs the turns of the loop. It has no logic of its own
 * beyond order: who is created before whom, and what happens in which step of a turn (turn.c).
 * Parts are reached through functions. Loop thread.
 */
#ifndef RL_SERVER_SERVER_H
#define RL_SERVER_SERVER_H

#include <uv.h>

#include "net/net.h"
#include "server/command.h"
#include "server/config.h"
#include "server/registry.h"
#include "server/session.h"
#include "server/stats.h"
#include "store/store.h"

typedef struct rl_slowlog rl_slowlog;
typedef struct rl_latency rl_latency;
typedef struct rl_waiters rl_waiters;

typedef struct rl_server_options {
    rl_config *config; /* the caller's */
    const rl_command *commands;
    size_t command_count;
    const char *executable; /* for INFO */
} rl_server_options;

/* Opens the store, loads the keys, listens. On failure returns NULL with a sentence in error. */
rl_server *rl_server_create(const rl_server_options *options, rl_buffer *error);
/* Runs until it is told to stop. */
void rl_server_run(rl_server *s);
/* Closes the store (which takes its time) and frees everything. Returns the process's exit code:
 * not 0 when something could not be written into the database. NULL is fine. */
int rl_server_free(rl_server *s);

typedef enum rl_shutdown {
    RL_SHUTDOWN_SAVE,   /* drain, fold, checkpoint, close */
    RL_SHUTDOWN_NOSAVE, /* sync the journal and close; the fold is left to the next start */
    RL_SHUTDOWN_NOW,    /* close at once */
} rl_shutdown;
/* Begins the stop; safe in a handler and in a signal's callback. */
void rl_server_stop(rl_server *s, rl_shutdown how);
bool rl_server_stopping(const rl_server *s);

/* ---- parts ---- */
rl_config *rl_server_config(rl_server *s);
const rl_settings *rl_server_settings(const rl_server *s);
rl_keyspace *rl_server_keyspace(rl_server *s);
rl_store *rl_server_store(rl_server *s); /* NULL: dbfilename :memory: */
rl_registry *rl_server_registry(rl_server *s);
rl_stats *rl_server_stats(rl_server *s);
rl_slowlog *rl_server_slowlog(rl_server *s);
rl_latency *rl_server_latency(rl_server *s);
rl_pubsub *rl_server_pubsub(rl_server *s);
rl_tracking *rl_server_tracking(rl_server *s);
rl_waiters *rl_server_waiters(rl_server *s);
rl_net *rl_server_net(rl_server *s);
#define RL_SERVER_CRON_HZ 10                      /* rl_server_cron a second, whatever `hz` says */
const char *rl_server_run_id(const rl_server *s); /* 40 hex digits, new at every start */
const char *rl_server_executable(const rl_server *s);
int64_t rl_server_started_ms(const rl_server *s);                /* wall time */
const rl_store_progress *rl_server_progress(const rl_server *s); /* as of the last turn */

/* ---- sessions ---- */
rl_session *rl_server_first_session(rl_server *s);
rl_session *rl_server_find_session(rl_server *s, uint64_t id);
size_t rl_server_session_count(const rl_server *s);
size_t rl_server_blocked_count(
    const rl_server *s); /* waiting in a command, or for their turn in a CLIENT PAUSE */
size_t rl_server_timed_count(const rl_server *s); /* of those in a command, with a timeout */
void rl_server_add_monitor(rl_server *s, rl_session *session);
void rl_server_remove_monitor(rl_server *s, rl_session *session);

/* ---- the turn ---- */
/* The number of the batch that is open now. */
uint64_t rl_server_open_seq(const rl_server *s);
/* Seals the open batch now, between two commands (for a command that must see its writes on their
 * way, such as WAITAOF, SAVE or SHUTDOWN). Returns the last sealed seq. */
uint64_t rl_server_seal(rl_server *s);

/* CLIENT PAUSE: until wall time; writes_only or all commands. UNPAUSE: until 0. */
void rl_server_pause(rl_server *s, int64_t until_ms, bool writes_only);
bool rl_server_paused(const rl_server *s, bool *writes_only, int64_t *left_ms);
/* BGSAVE in a transaction: a backup soon, with what the transaction has done. */
void rl_server_schedule_backup(rl_server *s);
/* Wakes a blocked session with its answer (CLIENT UNBLOCK). False when it is not blocked. */
bool rl_server_unblock(rl_server *s, rl_session *session, rl_wake why);
/* Parks a session; the server's side of rl_session_block and of postponed commands. */
void rl_server_park(rl_server *s, rl_session *session, rl_park park);

/* Memory, measured about ten times a second (INFO, maxmemory). */
typedef struct rl_memory_use {
    size_t used, peak, resident, allocator_allocated, allocator_active, allocator_resident, startup;
} rl_memory_use;
const rl_memory_use *rl_server_memory(rl_server *s, bool fresh);
bool rl_server_over_maxmemory(const rl_server *s);
/* How loading went. */
typedef struct rl_load_report {
    uint64_t keys, replayed_batches;
    int64_t took_us;
} rl_load_report;
const rl_load_report *rl_server_load_report(const rl_server *s);

#endif
