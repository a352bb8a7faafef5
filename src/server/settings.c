/* SPDX-License-Identifier: MIT */
/* What a changed setting means to the parts. */
#include <stdlib.h>

#include "base/log.h"
#include "server/notify.h"
#include "server/server_private.h"
#include "server/supervise.h"

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

static void apply_upkeep(rl_server *s) {
    if (s->store == NULL)
        return;
    rl_store_upkeep upkeep = rl_server_upkeep(s->settings);
    rl_store_set_upkeep(s->store, &upkeep);
}

/* Collections keep the form they have; the next change looks at the new limits. */
void rl_server_apply_limits(rl_server *s) {
    const rl_settings *set = s->settings;
    rl_keyspace_set_limits(
        s->keys, &(rl_collection_limits){
                     .hash = {set->hash_max_listpack_entries, set->hash_max_listpack_value},
                     .zset = {set->zset_max_listpack_entries, set->zset_max_listpack_value},
                     .set = {set->set_max_intset_entries,
                             {set->set_max_listpack_entries, set->set_max_listpack_value}},
                 });
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

/* Redis's words. The limit of open files stays raised as far as it went, which harms nobody. */
static bool check_maxclients(const rl_settings *set, rl_buffer *error) {
    int fits = rl_supervise_file_limit(set, set->maxclients);
    if (fits < set->maxclients)
        rl_buffer_printf(error,
                         "The operating system is not able to handle the specified number of "
                         "clients, try with %d",
                         fits);
    return fits >= set->maxclients;
}

static const struct {
    const char *name;
    void (*apply)(rl_server *s);
} applied[] = {
    {"notify-keyspace-events", rl_notify_refresh},
    {"appendonly", apply_durability},
    {"appendfsync", apply_durability},
    {"journal-backlog-limit", apply_store_limits},
    {"fold-interval", apply_store_limits},
    {"checkpoint-interval", apply_upkeep},
    {"checkpoint-wal-size", apply_upkeep},
    {"backup-interval", apply_upkeep},
    {"backup-retain", apply_upkeep},
    {"backup-rate", apply_upkeep},
    {"journal-keep", apply_upkeep},
    {"journal-keep-size", apply_upkeep},
    {"hash-max-listpack-entries", rl_server_apply_limits},
    {"hash-max-listpack-value", rl_server_apply_limits},
    {"set-max-intset-entries", rl_server_apply_limits},
    {"set-max-listpack-entries", rl_server_apply_limits},
    {"set-max-listpack-value", rl_server_apply_limits},
    {"zset-max-listpack-entries", rl_server_apply_limits},
    {"zset-max-listpack-value", rl_server_apply_limits},
    {"maxmemory", apply_maxmemory},
    {"tcp-keepalive", apply_keepalive},
    {"loglevel", apply_loglevel},
};

bool rl_server_apply_setting(void *server, const char *name, rl_buffer *error) {
    rl_server *s = server;
    if (strcmp(name, "port") == 0 || strcmp(name, "bind") == 0)
        return rl_server_listen_again(s, name, error);
    if (strcmp(name, "maxclients") == 0)
        return check_maxclients(s->settings, error);
    for (size_t i = 0; i < sizeof applied / sizeof *applied; i++)
        if (strcmp(applied[i].name, name) == 0)
            applied[i].apply(s);
    rl_server_refresh(s);
    return true;
}
