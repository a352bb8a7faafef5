/* SPDX-License-Identifier: MIT */
/*
 * A turn of the loop, in one place, each step with the reason for its place.
 *
 * libuv polls; input callbacks run commands, which change memory, add to the open batch and append
 * replies. Then, once, rl_server_turn_end. Nothing here waits, syncs or touches a file but for the
 * one write that appends the batch.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/chain.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/latency.h"
#include "server/server_private.h"

/* Keys removed in one turn because their time is over: some 50 microseconds of work. What is left
 * comes in the next turn, which starts at once, so that other clients have their turn between. */
#define EXPIRE_PER_TURN 256
#define NEVER_DUE       INT64_MAX
/* Sessions looked at in a tick of the cron, at least. */
#define CHECKED_PER_TICK 256

/* ---- begin ---- */

static void begin_keyspace(rl_server *s) {
    bool always = s->settings->appendonly && s->settings->appendfsync == 1;
    rl_keyspace_begin(s->keys, s->now_ms, s->open_seq,
                      always ? s->progress.synced_seq : s->progress.released_seq,
                      s->store && (always || s->behind));
}

void rl_server_turn_begin(rl_server *s) {
    if (s->turn_begun)
        return;
    s->turn_begun = true;
    s->now_ms = rl_clock_wall_ms();
    begin_keyspace(s);
}

/* ---- sealing ---- */

uint64_t rl_server_seal(rl_server *s) {
    if (s->batch && rl_batch_builder_bytes(s->batch)) {
        rl_store_append(s->store, rl_batch_seal(s->batch, s->open_seq));
        s->open_seq++;
        begin_keyspace(s);
    }
    return s->open_seq - 1;
}

uint64_t rl_server_seal_unit(rl_server *s, rl_sql_unit *unit) {
    rl_batch *batch = NULL;
    if (rl_batch_builder_bytes(s->batch)) {
        batch = rl_batch_seal(s->batch, s->open_seq);
        s->behind = true; /* nobody may be told of it before it is committed */
    }
    rl_sql_unit_submit(unit, batch);
    if (batch) {
        s->open_seq++;
        begin_keyspace(s);
    }
    return s->open_seq - 1;
}

/* ---- what follows from progress and settings ---- */

void rl_server_refresh(rl_server *s) {
    const rl_settings *set = s->settings;
    int64_t slow_us = INT64_MAX;
    if (set->slowlog_slower_than_us >= 0)
        slow_us = set->slowlog_slower_than_us;
    uint64_t threshold_ms = set->latency_monitor_threshold_ms;
    if (threshold_ms && threshold_ms < (uint64_t)slow_us / 1000)
        slow_us = (int64_t)threshold_ms * 1000;
    /* ticks per nanosecond is not offered the other way round; a million ticks tell it */
    double ns_per_tick = (double)rl_clock_ticks_to_ns(1000000) / 1e6;
    double slow_ticks = (double)slow_us * 1000.0 / ns_per_tick;
    s->slow_ticks = slow_ticks < 9e18 ? (uint64_t)slow_ticks : UINT64_MAX;
    s->stats->track_latency = set->latency_tracking;
    s->careful =
        s->progress.failed || s->progress.over_limit || s->over_maxmemory || s->pause_until_ms != 0;
}

static void read_progress(rl_server *s) {
    if (s->store == NULL) {
        s->progress.released_seq = s->progress.synced_seq = UINT64_MAX;
        return;
    }
    bool failed = s->progress.failed, over = s->progress.over_limit;
    rl_store_progress_read(s->store, &s->progress);
    s->behind = s->progress.released_seq < s->open_seq - 1;
    if (failed == s->progress.failed && over == s->progress.over_limit)
        return;
    if (failed != s->progress.failed) {
        if (s->progress.failed)
            rl_log(RL_LOG_WARNING, "Writes are refused with -MISCONF: %s",
                   rl_store_failure(s->store));
        else
            rl_log(RL_LOG_NOTICE, "The disk takes writes again");
    }
    rl_server_refresh(s);
}

/* The journal did not take what these replies promise: their clients are told so instead. What the
 * commands did stays in memory and in the batches that wait, and is written when the disk recovers.
 */
static void fail_held_writes(rl_server *s) {
    char line[512];
    int len = snprintf(line, sizeof line, "-MISCONF Errors writing to the journal: %s\r\n",
                       rl_store_failure(s->store));
    if (len >= (int)sizeof line)
        len = snprintf(line, sizeof line, "-MISCONF Errors writing to the journal\r\n");
    for (rl_session *x = s->first_session; x != NULL; x = x->next)
        if (rl_conn_gated(x->conn) && rl_conn_fail_gates(x->conn, rl_bytes_of(line, (size_t)len)))
            rl_conn_touch(x->conn);
}

/* ---- what comes next ---- */

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Sets the timer to the next thing that is due by the clock. */
static void arm_due(rl_server *s) {
    int64_t due_ms = NEVER_DUE, at_ms;
    if (rl_keyspace_next_expiry(s->keys, &at_ms))
        due_ms = at_ms;
    if (s->pause_until_ms)
        due_ms = sooner(due_ms, s->pause_until_ms);
    const rl_session *first = rl_deadlines_first(&s->parking.deadlines);
    if (first)
        due_ms = sooner(due_ms, first->block.deadline_ms);
    if (due_ms == NEVER_DUE || (s->due_armed_ms && s->due_armed_ms <= due_ms))
        return;
    s->due_armed_ms = due_ms;
    int64_t now_ms = s->now_ms;
    rl_server_arm_due(s, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0);
}

static bool anything_unsent(const rl_server *s) {
    for (const rl_session *x = s->first_session; x != NULL; x = x->next)
        if (rl_conn_output_pending(x->conn))
            return true;
    return false;
}

/* Stopping: once everything that was promised is on its way, or the time for it is up, the
 * connections close. */
static void stop_step(rl_server *s) {
    if (s->net == NULL || (s->stopping != RL_SHUTDOWN_NOW + 1 &&
                           (anything_unsent(s) || (s->sql && rl_sql_service_busy(s->sql))) &&
                           s->now_ms < s->stop_deadline_ms))
        return;
    rl_server_end_loop(s);
}

static void expire_due(rl_server *s) {
    int64_t at_ms;
    if (!rl_keyspace_next_expiry(s->keys, &at_ms) || at_ms > s->now_ms)
        return;
    uint64_t from = rl_clock_ticks();
    s->stats->expire_capped += rl_keyspace_expire_due(s->keys, EXPIRE_PER_TURN) == EXPIRE_PER_TURN;
    s->stats->expire_ticks += rl_clock_ticks() - from;
}

void rl_server_turn_end(void *server) {
    rl_server *s = server;
    rl_keyspace_stats before;
    rl_server_turn_begin(s);
    /* Clients that wait for keys are served where a key becomes ready, unless a pause or a failing
     * disk was in the way. */
    if (s->keys_ready)
        rl_waiters_serve(s->waiters);
    /* Expired keys go before the batch is sealed, because their removal belongs into this turn's
     * batch. */
    expire_due(s);
    /* The batch goes to the journal before any reply goes out, because a reply is a promise. */
    rl_server_seal(s);
    read_progress(s);
    if (s->sql && rl_sql_service_busy(s->sql))
        rl_sql_service_step(s->sql, &s->progress);
    rl_server_wake_blocked(s);
    rl_tracking_broadcast(s->tracking);
    rl_net_flush(s->net, s->progress.released_seq);
    /* Failed writes come after that flush, because it let go what the journal did take; without
     * this the others would wait for ever. */
    if (s->progress.failed) {
        fail_held_writes(s);
        rl_net_flush(s->net, s->progress.released_seq);
    }
    /* Waiting clients go on after the flush: what they do belongs to the next turn. */
    rl_server_resume_postponed(s);
    rl_keyspace_stats_read(s->keys, &before);
    if (before.lazy_tables)
        rl_server_free_lazily(s);
    arm_due(s);
    s->turn_begun = false;
    s->stats->turns++;
    if (s->stopping)
        stop_step(s);
}

/* ---- ten times a second ---- */

static size_t resident_bytes(void) {
    /* /proc/self/statm: a read of kernel memory, not of a disk */
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long size = 0, resident = 0;
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

const rl_memory_use *rl_server_memory(rl_server *s, bool fresh) {
    if (fresh) {
        rl_alloc_stats stats;
        rl_alloc_stats_read(&stats);
        s->memory.used = stats.allocated;
        s->memory.allocator_allocated = stats.allocated;
        s->memory.allocator_active = stats.active;
        s->memory.allocator_resident = stats.resident;
        s->memory.resident = resident_bytes();
        if (s->memory.used > s->memory.peak)
            s->memory.peak = s->memory.used;
    }
    return &s->memory;
}

void rl_server_check_memory(rl_server *s) {
    bool over = false;
    if (s->settings->maxmemory)
        over = rl_server_memory(s, true)->used > s->settings->maxmemory;
    if (over != s->over_maxmemory) {
        s->over_maxmemory = over;
        rl_server_refresh(s);
    }
}

/* Output above the soft limit for too long, and clients that have been silent for longer than
 * `timeout`. */
static void check_session(rl_server *s, rl_session *x) {
    const rl_output_limit *limit = &s->settings->output_limit[rl_session_class(x)];
    size_t pending = rl_conn_output_pending(x->conn);
    if (limit->soft_bytes && pending > limit->soft_bytes) {
        if (x->over_soft_since_ms == 0)
            x->over_soft_since_ms = s->now_ms;
        if (s->now_ms - x->over_soft_since_ms > 1000 * (int64_t)limit->soft_seconds) {
            rl_log(RL_LOG_WARNING,
                   "Client id=%llu addr=%s closed: its output was over the soft limit for too long",
                   (unsigned long long)x->id, rl_conn_peer(x->conn));
            s->stats->output_limit_closed++;
            rl_session_close(x, RL_CLOSE_NOW);
            return;
        }
    } else {
        x->over_soft_since_ms = 0;
    }
    if (s->settings->timeout_s && x->park == RL_PARK_NONE && !x->monitor &&
        rl_subscriber_count(&x->subscriber) == 0 &&
        s->now_ms - x->last_active_ms > 1000 * (int64_t)s->settings->timeout_s) {
        rl_log(RL_LOG_VERBOSE, "Closing idle client id=%llu", (unsigned long long)x->id);
        rl_session_close(x, RL_CLOSE_NOW);
    }
}

/* Each session about once a second, and all of them in each tick while they are few. */
static void check_sessions(rl_server *s) {
    size_t share = s->session_count / RL_SERVER_CRON_HZ + 1;
    if (share < CHECKED_PER_TICK)
        share = CHECKED_PER_TICK;
    rl_session *x = s->check_next ? s->check_next : s->first_session;
    for (; x != NULL && share; share--) {
        rl_session *next = x->next;
        check_session(s, x);
        x = next;
    }
    s->check_next = x;
}

void rl_server_schedule_backup(rl_server *s) {
    s->backup_scheduled = true;
}

void rl_server_cron(rl_server *s) {
    rl_net_stats net;
    rl_server_turn_begin(s);
    if (s->net == NULL)
        return;
    rl_net_stats_read(s->net, &net);
    rl_stats_sample(s->stats, s->now_ms, net.bytes_in, net.bytes_out);
    rl_server_check_memory(s);
    check_sessions(s);
    rl_server_check_peers(s);
    rl_chain_pool_trim();
    if (s->sql && rl_sql_service_busy(s->sql))
        rl_sql_service_tick(s->sql);
    if (s->store)
        rl_store_collect(s->store);
    if (s->store && s->backup_scheduled) {
        s->backup_scheduled = false;
        rl_server_seal(s);
        rl_store_backup_soon(s->store);
    }
}
