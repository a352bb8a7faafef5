/* SPDX-License-Identifier: MIT */
/* Keyspace notifications, and the observer of the keyspace. See notify.h. */
#include "server/notify.h"

#include "server/publish.h"
#include "server/server_private.h"

unsigned rl_notify_classes(const char *letters) {
    static const struct {
        char letter;
        unsigned classes;
    } table[] = {
        {'K', RL_NOTIFY_KEYSPACE}, {'E', RL_NOTIFY_KEYEVENT}, {'g', RL_NOTIFY_GENERIC},
        {'$', RL_NOTIFY_STRING},   {'l', RL_NOTIFY_LIST},     {'s', RL_NOTIFY_SET},
        {'h', RL_NOTIFY_HASH},     {'z', RL_NOTIFY_ZSET},     {'x', RL_NOTIFY_EXPIRED},
        {'e', RL_NOTIFY_EVICTED},  {'t', RL_NOTIFY_STREAM},   {'m', RL_NOTIFY_MISS},
        {'d', RL_NOTIFY_MODULE},   {'n', RL_NOTIFY_NEW},      {'A', RL_NOTIFY_ALL},
    };
    unsigned classes = 0, channels = RL_NOTIFY_KEYSPACE | RL_NOTIFY_KEYEVENT;
    for (const char *p = letters; *p; p++)
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            if (table[i].letter == *p)
                classes |= table[i].classes;
    return (classes & channels) && (classes & ~channels) ? classes : 0;
}

static void send_event(rl_server *s, const char *kind, int db, rl_bytes name, rl_bytes message) {
    rl_buffer channel = {0};
    rl_buffer_printf(&channel, "__%s@%d__:", kind, db);
    rl_buffer_add_bytes(&channel, name);
    rl_publish(s, RL_PUBSUB_CHANNEL, rl_buffer_bytes(&channel), message);
    rl_buffer_release(&channel);
}

static void on_event(void *arg, unsigned class, const char *event, int db, rl_bytes key) {
    rl_server *s = arg;
    unsigned wanted = s->notify_classes;
    (void)class;
    if (wanted & RL_NOTIFY_KEYSPACE)
        send_event(s, "keyspace", db, key, rl_bytes_text(event));
    if (wanted & RL_NOTIFY_KEYEVENT)
        send_event(s, "keyevent", db, rl_bytes_text(event), key);
}

static void on_changed(void *arg, int db, rl_bytes key, bool by_command) {
    rl_server *s = arg;
    (void)db;
    rl_tracking_changed(s->tracking, key, by_command ? s->running : NULL);
}

static void on_ready(void *arg, int db, rl_bytes key, rl_type type) {
    rl_server *s = arg;
    rl_waiters_ready(s->waiters, db, key, type);
}

void rl_notify_observe(rl_server *s) {
    rl_keyspace_observer observer = {
        .event = on_event,
        .changed = on_changed,
        .ready = on_ready,
        .changes = rl_tracking_any(s->tracking),
        .readiness = rl_waiters_any(s->waiters),
        .arg = s,
        .classes = s->notify_classes & ~(unsigned)(RL_NOTIFY_KEYSPACE | RL_NOTIFY_KEYEVENT),
    };
    rl_keyspace_observe(s->keys, &observer);
}

void rl_notify_refresh(rl_server *s) {
    s->notify_classes = rl_notify_classes(s->settings->notify_keyspace_events);
    rl_notify_observe(s);
}
