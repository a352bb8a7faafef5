/* SPDX-License-Identifier: MIT */
/* Saving, stopping, watching, and what a client asks about the server as a whole. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/info.h"
#include "server/report.h"

void rl_cmd_info(rl_ctx *c) {
    rl_buffer text = {0};
    rl_info_write(c->server, c->argv + 1, c->argc - 1, &text);
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&text);
}

void rl_cmd_time(rl_ctx *c) {
    char text[RL_INT64_TEXT_MAX];
    int64_t now_us = rl_clock_wall_us();
    rl_reply_array(c->reply, 2);
    rl_reply_bulk(c->reply, rl_bytes_of(text, rl_int64_format(text, now_us / 1000000)));
    rl_reply_bulk(c->reply, rl_bytes_of(text, rl_int64_format(text, now_us % 1000000)));
}

void rl_cmd_role(rl_ctx *c) {
    rl_reply_array(c->reply, 3);
    rl_reply_text(c->reply, "master");
    rl_reply_int(c->reply, (int64_t)rl_server_open_seq(c->server) - 1);
    rl_reply_array(c->reply, 0);
}

void rl_cmd_monitor(rl_ctx *c) {
    if (c->in_exec) {
        rl_reply_error(c->reply, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if (c->session->monitor)
        return; /* as Redis: no second answer in the middle of what it watches */
    rl_server_add_monitor(c->server, c->session);
    rl_reply_ok(c->reply);
}

/* ---- saving: a backup takes the place of the RDB file, the journal that of the AOF ---- */

void rl_cmd_lastsave(rl_ctx *c) {
    rl_reply_int(c->reply, rl_report_last_save_ms(c->server) / 1000);
}

/* A pure cache keeps nothing, and saying OK would be a promise. */
static bool has_store(rl_ctx *c) {
    if (rl_server_store(c->server))
        return true;
    rl_reply_error(c->reply, "ERR Nothing can be saved: this server keeps its data in memory only "
                             "(dbfilename :memory:). To keep it, start with a file name as "
                             "dbfilename.");
    return false;
}

/* rl_block.seq is the backup SAVE waits for, numbers[0] the folds that had failed before: without
 * the fold there is no backup, and it may be long until it succeeds. */
static bool save_ready(rl_server *server, rl_session *s) {
    rl_store_stats stats;
    rl_store_stats_read(rl_server_store(server), &stats);
    return stats.backups_done >= s->block.seq || stats.backups_failed_last >= s->block.seq ||
           (int64_t)stats.fold_failures > s->block.numbers[0];
}

static void save_answer(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    rl_store_stats stats;
    rl_store_stats_read(rl_server_store(server), &stats);
    if (stats.backups_done >= s->block.seq)
        rl_reply_ok(reply);
    else if (why == RL_WAKE_UNBLOCK_ERROR || why == RL_WAKE_UNBLOCK_TIMEOUT)
        rl_reply_error(reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else if (stats.backups_failed_last >= s->block.seq)
        rl_reply_errorf(reply, "ERR Saving failed: %s", stats.last_backup_error);
    else
        rl_reply_errorf(reply,
                        "ERR Saving failed: %s. It is tried again; see store_failure in INFO "
                        "persistence.",
                        rl_store_failure(rl_server_store(server)));
}

void rl_cmd_save(rl_ctx *c) {
    rl_store_stats stats;
    if (!has_store(c))
        return;
    if (c->in_exec) { /* the command table keeps it out of MULTI; a script must not wait either */
        rl_reply_error(c->reply, "ERR SAVE waits for the disk, and a transaction cannot");
        return;
    }
    rl_server_seal(c->server);
    rl_store_stats_read(rl_server_store(c->server), &stats);
    rl_block block = {.ready = save_ready, .answer = save_answer};
    block.numbers[0] = (int64_t)stats.fold_failures;
    block.seq = rl_store_backup_soon(rl_server_store(c->server));
    rl_session_block(c->session, &block);
}

void rl_cmd_bgsave(rl_ctx *c) {
    rl_store_stats stats;
    if (c->argc > 2 || (c->argc == 2 && !rl_bytes_is(c->argv[1], "SCHEDULE"))) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (!has_store(c))
        return;
    rl_store_stats_read(rl_server_store(c->server), &stats);
    if (rl_report_is_saving(&stats)) {
        rl_reply_error(c->reply, "ERR Background save already in progress");
        return;
    }
    if (c->in_exec) {
        rl_server_schedule_backup(c->server);
        rl_reply_status(c->reply, "Background saving scheduled");
        return;
    }
    rl_server_seal(c->server);
    rl_store_backup_soon(rl_server_store(c->server));
    rl_reply_status(c->reply, "Background saving started");
}

void rl_cmd_bgrewriteaof(rl_ctx *c) {
    if (!has_store(c))
        return;
    if (!c->in_exec)
        rl_server_seal(c->server);
    rl_store_fold_soon(rl_server_store(c->server));
    rl_reply_status(c->reply, "Background append only file rewriting started");
}

/* ---- SHUTDOWN ---- */

enum { STOP_SAVE = 1, STOP_NOSAVE = 2, STOP_NOW = 4, STOP_FORCE = 8, STOP_ABORT = 16 };

static bool shutdown_options(rl_ctx *c, unsigned *flags) {
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {{"SAVE", STOP_SAVE},
                 {"NOSAVE", STOP_NOSAVE},
                 {"NOW", STOP_NOW},
                 {"FORCE", STOP_FORCE},
                 {"ABORT", STOP_ABORT}};
    size_t count = sizeof words / sizeof *words;
    *flags = 0;
    for (int i = 1; i < c->argc; i++) {
        size_t k = 0;
        while (k < count && !rl_bytes_is(c->argv[i], words[k].word))
            k++;
        if (k == count)
            return false;
        *flags |= words[k].flag;
    }
    bool both = (*flags & STOP_SAVE) && (*flags & STOP_NOSAVE);
    return !both && (!(*flags & STOP_ABORT) || *flags == STOP_ABORT);
}

/* NOW skips waiting for replicas in Redis, of which there are none, so it gives up nothing; only
 * with NOSAVE does it mean to close at once. FORCE is for a save that fails: the journal has what
 * was answered, so the stop goes on anyway. */
void rl_cmd_shutdown(rl_ctx *c) {
    unsigned flags;
    if (!shutdown_options(c, &flags)) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (flags & STOP_ABORT) {
        rl_reply_error(c->reply, "ERR No shutdown in progress.");
        return;
    }
    rl_log(RL_LOG_NOTICE, "SHUTDOWN asked for by client %" PRIu64 " at %s", c->session->id,
           rl_conn_peer(c->session->conn));
    rl_shutdown how = RL_SHUTDOWN_SAVE;
    if (flags & STOP_NOSAVE)
        how = flags & STOP_NOW ? RL_SHUTDOWN_NOW : RL_SHUTDOWN_NOSAVE;
    rl_server_stop(c->server, how);
    rl_session_close(c->session, RL_CLOSE_AFTER_REPLY);
}
