/* SPDX-License-Identifier: MIT */
/*
 * Client-side caching. See tracking.h.
 *
 * Both kinds of interest are kept as in publish and subscribe (pubsub.h). A key that was read is a
 * topic, a client that has read it a subscriber, and a change ends the topic; the oldest are given
 * up, with a message, when there are more than tracking-table-max-keys. A prefix is a topic of
 * another kind, and the BCAST clients that gave it its subscribers: what changed in a turn is put
 * together once for each prefix, however many clients it goes to.
 */
#include "server/tracking.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "server/notify.h"
#include "server/publish.h"
#include "server/registry.h"
#include "server/server_private.h"

/* The kinds of topics in `interests`. */
#define KEYS     RL_PUBSUB_CHANNEL
#define PREFIXES RL_PUBSUB_PATTERN

enum caching { CACHING_DEFAULT, CACHING_YES, CACHING_NO };

struct rl_tracker {
    rl_subscriber interests; /* keys it has read; prefixes of BCAST */
    rl_session *session;
    rl_session
        *target; /* whom its messages go to: itself, or the one it redirects to; NULL: gone */
    rl_tracker *next, *prev; /* of all that track */
    bool bcast, optin, optout, noloop, broken_redirect;
    enum caching caching;
    uint64_t redirect;  /* id of the target; 0: itself */
    rl_bytes *prefixes; /* in order; their bytes are its own */
    size_t prefix_count;
};

/* A key that changed in this turn, for BCAST. */
typedef struct change {
    char *key;
    size_t len;
    uint64_t by; /* id of the client that did it last; 0: none */
} change;

struct rl_tracking {
    rl_server *server;
    rl_pubsub *interests;
    size_t items; /* pairs of client and key in it */
    rl_tracker *first;
    size_t clients;
    change *changes;
    size_t change_count, change_cap;
    rl_buffer message;
};

rl_tracking *rl_tracking_create(rl_server *server) {
    rl_tracking *t = rl_calloc(1, sizeof *t);
    t->server = server;
    t->interests = rl_pubsub_create();
    return t;
}

static void forget_changes(rl_tracking *t) {
    for (size_t i = 0; i < t->change_count; i++)
        rl_free(t->changes[i].key);
    t->change_count = 0;
}

void rl_tracking_free(rl_tracking *t) {
    if (t == NULL)
        return;
    forget_changes(t);
    rl_free(t->changes);
    rl_pubsub_free(t->interests);
    rl_buffer_release(&t->message);
    rl_free(t);
}

/* ---- messages ---- */

static void begin_message(rl_tracking *t, const char *head) {
    rl_buffer_clear(&t->message);
    rl_buffer_add_text(&t->message, head);
}

static void tell_broken(rl_tracking *t, rl_tracker *tracker) {
    tracker->broken_redirect = true;
    if (tracker->session->reply.resp != 3)
        return;
    begin_message(t, "*2\r\n$21\r\ntracking-redir-broken\r\n:");
    rl_buffer_printf(&t->message, "%llu\r\n", (unsigned long long)tracker->redirect);
    rl_session_push(tracker->session, rl_buffer_bytes(&t->message));
}

/* keys: an encoded array of names; empty: null, which stands for every key. */
static void tell(rl_tracking *t, rl_tracker *tracker, rl_bytes keys) {
    rl_session *to = tracker->target;
    if (to == NULL) {
        tell_broken(t, tracker);
        return;
    }
    if (to->reply.resp == 3)
        begin_message(t, "*2\r\n$10\r\ninvalidate\r\n");
    else if (tracker->redirect && rl_subscriber_count(&to->subscriber))
        begin_message(t, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n");
    else
        return; /* RESP2 has no place for it */
    if (keys.len)
        rl_buffer_add_bytes(&t->message, keys);
    else
        rl_buffer_add_text(&t->message, to->reply.resp == 3 ? "_\r\n" : "$-1\r\n");
    rl_session_push(to, rl_buffer_bytes(&t->message));
}

void rl_tracking_target_gone(const rl_session *s) {
    for (rl_tracker *x = s->server->tracking->first; x != NULL; x = x->next)
        if (x->target == s)
            x->target = NULL;
}

static void add_key(rl_buffer *keys, rl_bytes key) {
    rl_buffer_printf(keys, "$%zu\r\n", key.len);
    rl_buffer_add_bytes(keys, key);
    rl_buffer_add_text(keys, "\r\n");
}

/* ---- what was read ---- */

typedef struct ending {
    rl_tracking *tracking;
    rl_bytes keys;
    const rl_session *by; /* who changed it; NULL: nobody */
} ending;

static rl_tracker *tracker_of(rl_subscriber *interests) {
    return (rl_tracker *)(void *)((char *)interests - offsetof(rl_tracker, interests));
}

static void tell_reader(void *arg, rl_subscriber *subscriber, const rl_bytes *pattern) {
    ending *e = arg;
    rl_tracker *tracker = tracker_of(subscriber);
    (void)pattern;
    e->tracking->items--;
    if (!(tracker->noloop && tracker->session == e->by))
        tell(e->tracking, tracker, e->keys);
}

static void end_key(rl_tracking *t, rl_bytes key, const rl_session *by) {
    if (rl_pubsub_subscribers(t->interests, KEYS, key) == 0)
        return;
    rl_buffer keys = {0};
    rl_buffer_add_text(&keys, "*1\r\n");
    add_key(&keys, key);
    ending e = {t, rl_buffer_bytes(&keys), by};
    rl_pubsub_end(t->interests, KEYS, key, tell_reader, &e);
    rl_buffer_release(&keys);
}

static void keep_within_limit(rl_tracking *t) {
    uint64_t most = t->server->settings->tracking_table_max_keys;
    rl_bytes key;
    while (most && rl_pubsub_count(t->interests, KEYS) > most &&
           rl_pubsub_oldest(t->interests, KEYS, &key)) {
        char *copy = rl_strndup(key.ptr, key.len); /* the topic goes, and its name with it */
        end_key(t, rl_bytes_of(copy, key.len), NULL);
        rl_free(copy);
    }
}

void rl_tracking_remember(rl_session *s, const rl_command *command, const rl_bytes *argv,
                          int argc) {
    rl_tracker *tracker = s->tracker;
    rl_tracking *t = s->server->tracking;
    if (tracker->bcast || (tracker->optin && tracker->caching != CACHING_YES) ||
        (tracker->optout && tracker->caching == CACHING_NO))
        return;
    int few[16], *positions = argc <= 16 ? few : rl_malloc((size_t)argc * sizeof *positions);
    int count = rl_command_keys(command, argv, argc, positions, NULL, argc);
    for (int i = 0; i < count && i < argc; i++)
        t->items +=
            rl_pubsub_subscribe(t->interests, &tracker->interests, KEYS, argv[positions[i]]);
    if (positions != few)
        rl_free(positions);
    keep_within_limit(t);
}

void rl_tracking_command_done(rl_session *s, const rl_command *command) {
    if (!s->in_multi && strncmp(command->name, "client", 6) != 0)
        s->tracker->caching = CACHING_DEFAULT;
}

/* ---- what changed ---- */

typedef struct matching {
    rl_bytes key;
    bool found;
} matching;

static bool starts_with(rl_bytes key, rl_bytes prefix) {
    return key.len >= prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0;
}

static void match_prefix(void *arg, rl_bytes prefix) {
    matching *m = arg;
    m->found |= starts_with(m->key, prefix);
}

/* Keeps the change for the end of the turn, if a prefix asks for it. */
static void note_for_broadcast(rl_tracking *t, rl_bytes key, const rl_session *by) {
    matching m = {.key = key};
    rl_pubsub_each(t->interests, PREFIXES, match_prefix, &m);
    if (!m.found)
        return;
    if (t->change_count == t->change_cap) {
        t->change_cap = t->change_cap ? t->change_cap * 2 : 64;
        t->changes = rl_realloc(t->changes, t->change_cap * sizeof *t->changes);
    }
    t->changes[t->change_count++] =
        (change){rl_strndup(key.ptr, key.len), key.len, by ? by->id : 0};
}

void rl_tracking_changed(rl_tracking *t, rl_bytes key, const rl_session *by) {
    if (key.ptr) {
        end_key(t, key, by);
        note_for_broadcast(t, key, by);
        return;
    }
    for (rl_tracker *x = t->first; x != NULL; x = x->next) {
        if (!x->bcast) { /* it has read keys, and no prefixes */
            t->items -= x->interests.count[KEYS];
            rl_pubsub_leave(t->interests, &x->interests);
        }
        tell(t, x, RL_BYTES(""));
    }
}

static rl_bytes key_of(const change *c) {
    return rl_bytes_of(c->key, c->len);
}

static int by_key(const void *a, const void *b) {
    return rl_bytes_compare(key_of(a), key_of(b));
}

/* Sorts the changes and keeps one for each key. */
static void sort_changes(rl_tracking *t) {
    size_t kept = 0;
    qsort(t->changes, t->change_count, sizeof *t->changes, by_key);
    for (size_t i = 0; i < t->change_count; i++) {
        if (kept && by_key(&t->changes[kept - 1], &t->changes[i]) == 0) {
            if (t->changes[kept - 1].by != t->changes[i].by)
                t->changes[kept - 1].by = 0; /* several: everybody hears of it */
            rl_free(t->changes[i].key);
        } else {
            t->changes[kept++] = t->changes[i];
        }
    }
    t->change_count = kept;
}

/* The changed keys with a prefix as an encoded array, but for those a client did itself (0: of
 * nobody). Empty when there are none. */
static void encode_changes(const rl_tracking *t, rl_bytes prefix, uint64_t but_by, rl_buffer *out) {
    rl_buffer keys = {0};
    size_t count = 0;
    for (size_t i = 0; i < t->change_count; i++) {
        const change *c = &t->changes[i];
        if (!starts_with(key_of(c), prefix) || (but_by && c->by == but_by))
            continue;
        add_key(&keys, key_of(c));
        count++;
    }
    if (count) {
        rl_buffer_printf(out, "*%zu\r\n", count);
        rl_buffer_add_bytes(out, rl_buffer_bytes(&keys));
    }
    rl_buffer_release(&keys);
}

typedef struct broadcast {
    rl_tracking *tracking;
    rl_bytes prefix;
    rl_buffer keys; /* for all who want to hear of their own changes too */
} broadcast;

static void tell_broadcast(void *arg, rl_subscriber *subscriber, const rl_bytes *pattern) {
    broadcast *b = arg;
    rl_tracker *tracker = tracker_of(subscriber);
    (void)pattern;
    if (!tracker->noloop) {
        tell(b->tracking, tracker, rl_buffer_bytes(&b->keys));
        return;
    }
    rl_buffer keys = {0};
    encode_changes(b->tracking, b->prefix, tracker->session->id, &keys);
    if (keys.len)
        tell(b->tracking, tracker, rl_buffer_bytes(&keys));
    rl_buffer_release(&keys);
}

static void broadcast_prefix(rl_tracking *t, rl_bytes prefix) {
    broadcast b = {.tracking = t, .prefix = prefix};
    encode_changes(t, prefix, 0, &b.keys);
    if (b.keys.len)
        rl_pubsub_publish(t->interests, PREFIXES, prefix, tell_broadcast, &b);
    rl_buffer_release(&b.keys);
}

static void collect_prefix(void *arg, rl_bytes prefix) {
    rl_buffer_add(arg, &prefix, sizeof prefix);
}

static int by_bytes(const void *a, const void *b) {
    return rl_bytes_compare(*(const rl_bytes *)a, *(const rl_bytes *)b);
}

void rl_tracking_broadcast(rl_tracking *t) {
    if (t->change_count == 0)
        return;
    rl_buffer list = {0};
    sort_changes(t);
    rl_pubsub_each(t->interests, PREFIXES, collect_prefix, &list);
    size_t count = list.len / sizeof(rl_bytes);
    rl_bytes *prefixes = (rl_bytes *)(void *)list.ptr;
    if (count) {
        qsort(prefixes, count, sizeof *prefixes, by_bytes);
        for (size_t i = 0; i < count; i++)
            broadcast_prefix(t, prefixes[i]);
    }
    rl_buffer_release(&list);
    forget_changes(t);
}

/* ---- switching ---- */

static bool overlap(rl_bytes a, rl_bytes b) {
    size_t len = a.len < b.len ? a.len : b.len;
    return len == 0 || memcmp(a.ptr, b.ptr, len) == 0;
}

static const char *overlap_error(rl_tracking *t, rl_bytes a, const char *which, rl_bytes b) {
    rl_buffer_clear(&t->message);
    rl_buffer_printf(&t->message,
                     "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single "
                     "client must not overlap.",
                     (int)a.len, a.ptr, which, (int)b.len, b.ptr);
    return rl_buffer_cstr(&t->message);
}

static const char *check_prefixes(rl_tracking *t, const rl_tracker *now,
                                  const rl_tracking_options *o) {
    for (int i = 0; i < o->prefix_count; i++) {
        for (size_t k = 0; now && k < now->prefix_count; k++)
            if (overlap(o->prefixes[i], now->prefixes[k]))
                return overlap_error(t, o->prefixes[i], "an existing", now->prefixes[k]);
        for (int k = i + 1; k < o->prefix_count; k++)
            if (overlap(o->prefixes[i], o->prefixes[k]))
                return overlap_error(t, o->prefixes[i], "another provided", o->prefixes[k]);
    }
    return NULL;
}

static const char *check_options(const rl_tracker *now, const rl_tracking_options *o) {
    if (o->prefix_count && !o->bcast)
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (now && now->bcast != o->bcast)
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if (o->bcast && (o->optin || o->optout))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (o->optin && o->optout)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if (now && ((o->optin && now->optout) || (o->optout && now->optin)))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

static void add_prefix(rl_tracker *tracker, rl_bytes prefix) {
    size_t at = tracker->prefix_count++;
    tracker->prefixes =
        rl_realloc(tracker->prefixes, tracker->prefix_count * sizeof *tracker->prefixes);
    for (; at > 0 && rl_bytes_compare(tracker->prefixes[at - 1], prefix) > 0; at--)
        tracker->prefixes[at] = tracker->prefixes[at - 1];
    tracker->prefixes[at] = rl_bytes_of(rl_strndup(prefix.ptr, prefix.len), prefix.len);
    rl_pubsub_subscribe(tracker->session->server->tracking->interests, &tracker->interests,
                        PREFIXES, prefix);
}

static rl_tracker *add_tracker(rl_session *s) {
    rl_tracking *t = s->server->tracking;
    rl_tracker *x = rl_calloc(1, sizeof *x);
    x->session = s;
    x->next = t->first;
    if (t->first)
        t->first->prev = x;
    t->first = x;
    t->clients++;
    return s->tracker = x;
}

const char *rl_tracking_on(rl_session *s, const rl_tracking_options *o) {
    rl_tracking *t = s->server->tracking;
    const char *error = check_options(s->tracker, o);
    if (error == NULL && o->bcast)
        error = check_prefixes(t, s->tracker, o);
    if (error)
        return error;
    rl_tracker *x = s->tracker ? s->tracker : add_tracker(s);
    x->bcast = o->bcast;
    x->optin = o->optin;
    x->optout = o->optout;
    x->noloop = o->noloop;
    x->redirect = o->redirect;
    x->target = o->redirect ? rl_server_find_session(s->server, o->redirect) : s;
    x->broken_redirect = false;
    x->caching = CACHING_DEFAULT;
    for (int i = 0; i < o->prefix_count; i++)
        add_prefix(x, o->prefixes[i]);
    bool has_empty = x->prefix_count && x->prefixes[0].len == 0;
    if (o->bcast && o->prefix_count == 0 && !has_empty)
        add_prefix(x, RL_BYTES(""));
    rl_notify_refresh(s->server);
    return NULL;
}

void rl_tracking_off(rl_session *s) {
    rl_tracking *t = s->server->tracking;
    rl_tracker *x = s->tracker;
    if (x == NULL)
        return;
    t->items -= x->interests.count[KEYS];
    rl_pubsub_leave(t->interests, &x->interests);
    *(x->prev ? &x->prev->next : &t->first) = x->next;
    if (x->next)
        x->next->prev = x->prev;
    t->clients--;
    for (size_t i = 0; i < x->prefix_count; i++)
        rl_free((char *)x->prefixes[i].ptr);
    rl_free(x->prefixes);
    rl_free(x);
    s->tracker = NULL;
    rl_notify_refresh(s->server);
}

const char *rl_tracking_cache_next(rl_session *s, bool yes) {
    rl_tracker *x = s->tracker;
    if (x == NULL || (!x->optin && !x->optout))
        return "ERR CLIENT CACHING can be called only when the client is in tracking mode with "
               "OPTIN or OPTOUT mode enabled";
    if (yes && !x->optin)
        return "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
    if (!yes && !x->optout)
        return "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";
    x->caching = yes ? CACHING_YES : CACHING_NO;
    return NULL;
}

/* ---- looking ---- */

bool rl_tracking_any(const rl_tracking *t) {
    return t->clients > 0;
}

void rl_tracking_stats_read(const rl_tracking *t, rl_tracking_stats *out) {
    *out = (rl_tracking_stats){
        .clients = t->clients, .keys = rl_pubsub_count(t->interests, KEYS), .items = t->items};
    for (const rl_tracker *x = t->first; x != NULL; x = x->next)
        out->prefixes += x->prefix_count;
}

void rl_tracker_info_read(const rl_session *s, rl_tracker_info *out) {
    const rl_tracker *x = s->tracker;
    *out = (rl_tracker_info){.on = x != NULL};
    if (x == NULL)
        return;
    out->bcast = x->bcast;
    out->optin = x->optin;
    out->optout = x->optout;
    out->caching_yes = x->caching == CACHING_YES;
    out->caching_no = x->caching == CACHING_NO;
    out->noloop = x->noloop;
    out->broken_redirect = x->broken_redirect;
    out->redirect = x->redirect;
    out->prefixes = x->prefixes;
    out->prefix_count = x->prefix_count;
}
