/* SPDX-License-Identifier: MIT */
/* What a changed setting means to the parts, and where the server listens. */
#include <stdlib.h>

#include "base/log.h"
#include "server/server_private.h"

rl_durability rl_server_durability(const rl_settings *set) {
    if (!set->appendonly)
        return RL_DURABILITY_NONE;
    static const rl_durability by_fsync[] = {RL_DURABILITY_NO, RL_DURABILITY_ALWAYS,
                                             RL_DURABILITY_EVERYSEC};
    return by_fsync[set->appendfsync];
}

rl_store_upkeep rl_server_upkeep(const rl_settings *set) {
    return (rl_store_upkeep){
        .checkpoint_interval_ms = set->checkpoint_interval_ms,
        .checkpoint_wal_bytes = set->checkpoint_wal_bytes,
        .backup_interval_s = set->backup_interval_s,
        .backup_retain = set->backup_retain,
        .backup_rate = set->backup_rate,
        .journal_keep = (rl_journal_keep)set->journal_keep,
        .journal_keep_bytes = set->journal_keep_bytes,
    };
}

static void apply_durability(rl_server *s) {
    if (s->store)
        rl_store_set_durability(s->store, rl_server_durability(s->settings));
}

static void apply_store_limits(rl_server *s) {
    if (s->store == NULL)
        return;
    rl_store_set_backlog_limit(s->store, s->settings->journal_backlog_bytes);
    rl_store_set_fold_interval(s->store, s->settings->fold_interval_ms);
}

static void apply_keepalive(rl_server *s) {
    rl_net_set_keepalive(s->net, s->settings->tcp_keepalive_s);
}

static void apply_loglevel(rl_server *s) {
    rl_log_set_level(s->settings->loglevel);
}

static void apply_maxmemory(rl_server *s) {
    rl_server_check_memory(s);
}

static const struct {
    const char *name;
    void (*apply)(rl_server *s);
} applied[] = {
    {"appendonly", apply_durability},
    {"appendfsync", apply_durability},
    {"journal-backlog-limit", apply_store_limits},
    {"fold-interval", apply_store_limits},
    {"maxmemory", apply_maxmemory},
    {"tcp-keepalive", apply_keepalive},
    {"loglevel", apply_loglevel},
};

bool rl_server_apply_setting(void *server, const char *name, rl_buffer *error) {
    rl_server *s = server;
    if (strcmp(name, "port") == 0 || strcmp(name, "bind") == 0) {
        rl_buffer why = {0};
        rl_net_listen_stop(s->net);
        if (rl_server_listen(s, &why) == 0)
            return true;
        rl_log(RL_LOG_WARNING, "CONFIG SET %s: %s", name, rl_buffer_cstr(&why));
        rl_buffer_release(&why);
        rl_buffer_add_text(error, "Unable to listen on this port. Check server logs.");
        return false;
    }
    for (size_t i = 0; i < sizeof applied / sizeof *applied; i++)
        if (strcmp(applied[i].name, name) == 0)
            applied[i].apply(s);
    rl_server_refresh(s);
    return true;
}

/* One address of `bind`. A leading '-' says that it may be missing on this machine. */
static int listen_on(rl_server *s, const char *address, rl_buffer *error) {
    bool optional = *address == '-';
    if (optional)
        address++;
    int code = rl_net_listen_tcp(s->net, address, s->settings->port, s->settings->tcp_backlog);
    if (code == 0) {
        rl_log(RL_LOG_NOTICE, "Listening on %s port %d", address, rl_net_port(s->net));
        return 0;
    }
    if (optional && (code == UV_EADDRNOTAVAIL || code == UV_EAFNOSUPPORT))
        return 0;
    rl_buffer_printf(error, "cannot listen on %s port %d: %s", address, s->settings->port,
                     uv_strerror(code));
    return code;
}

int rl_server_listen(rl_server *s, rl_buffer *error) {
    const rl_settings *set = s->settings;
    rl_net_set_keepalive(s->net, set->tcp_keepalive_s);
    if (set->port > 0)
        for (char **address = set->bind; address && *address; address++) {
            int code = listen_on(s, *address, error);
            if (code)
                return code;
        }
    if (set->unixsocket && *set->unixsocket) {
        int code =
            rl_net_listen_unix(s->net, set->unixsocket, set->unixsocketperm, set->tcp_backlog);
        if (code) {
            rl_buffer_printf(error, "cannot listen on the Unix socket %s: %s", set->unixsocket,
                             uv_strerror(code));
            return code;
        }
        rl_log(RL_LOG_NOTICE, "Listening on the Unix socket %s", set->unixsocket);
    }
    return 0;
}
