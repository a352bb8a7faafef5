/* SPDX-License-Identifier: MIT */
/*
 * Clients that wait for keys. See waiters.h.
 *
 * What is waited for, a key of a type in a database, is a line: those who wait for it, in order. A
 * waiter stands in a line for each of its keys, with a place in each. A line that became ready is
 * put behind the others that are; serving takes them one by one.
 */
#include "server/waiters.h"

#include <assert.h>
#include <math.h>

#include "base/alloc.h"
#include "base/number.h"
#include "server/dispatch.h"
#include "server/notify.h"
#include "server/server_private.h"

#define FIRST_BUCKETS 64

typedef struct waiter waiter;
typedef struct place place;

typedef struct line {
    struct line *next; /* in its bucket */
    uint64_t hash;     /* of the key */
    place *first, *last;
    struct line *next_ready;
    bool ready;   /* it stands among those that are to be served */
    bool serving; /* it is at work: must stay, even when nobody is left in it */
    rl_type type;
    int db;
    size_t len;
    char key[];
} line;

struct place {
    waiter *who;
    line *in;
    place *next, *prev; /* in the line */
};

/* One allocation: places, arguments and their bytes follow. */
struct waiter {
    rl_session *session;
    const rl_command *command;
    uint64_t hash; /* of the command's first key */
    void (*nothing)(rl_reply *reply);
    rl_bytes *argv;
    int argc;
    int place_count;
    place places[];
};

struct rl_waiters {
    rl_server *server;
    line **buckets; /* a power of two of them; NULL before the first */
    size_t mask, lines;
    size_t clients;
    line *first_ready, *last_ready;
    bool any_may_be_ready; /* databases have changed places */
};

rl_waiters *rl_waiters_create(rl_server *server) {
    rl_waiters *w = rl_calloc(1, sizeof *w);
    w->server = server;
    return w;
}

bool rl_waiters_any(const rl_waiters *w) {
    return w->clients != 0;
}

size_t rl_waiters_keys(const rl_waiters *w) {
    return w->lines;
}

/* ---- lines ---- */

static line **bucket_of(const rl_waiters *w, uint64_t hash, int db) {
    return &w->buckets[(hash + (uint64_t)db * 0x9e3779b97f4a7c15) & w->mask];
}

static void rehash(rl_waiters *w, size_t count) {
    line **old = w->buckets;
    size_t old_count = old ? w->mask + 1 : 0;
    w->buckets = rl_calloc(count, sizeof *w->buckets);
    w->mask = count - 1;
    for (size_t i = 0; i < old_count; i++) {
        for (line *l = old[i], *next; l != NULL; l = next) {
            line **bucket = bucket_of(w, l->hash, l->db);
            next = l->next;
            l->next = *bucket;
            *bucket = l;
        }
    }
    rl_free(old);
}

static line *line_find(const rl_waiters *w, int db, rl_bytes key, uint64_t hash, rl_type type) {
    if (w->buckets == NULL)
        return NULL;
    for (line *l = *bucket_of(w, hash, db); l != NULL; l = l->next)
        if (l->hash == hash && l->db == db && l->type == type &&
            rl_bytes_equal(rl_bytes_of(l->key, l->len), key))
            return l;
    return NULL;
}

static line *line_make(rl_waiters *w, int db, rl_bytes key, uint64_t hash, rl_type type) {
    if (w->buckets == NULL || w->lines > w->mask)
        rehash(w, w->buckets ? 2 * (w->mask + 1) : FIRST_BUCKETS);
    line *l = rl_malloc(sizeof *l + key.len);
    line **bucket = bucket_of(w, hash, db);
    *l = (line){.next = *bucket, .hash = hash, .type = type, .db = db, .len = key.len};
    if (key.len)
        memcpy(l->key, key.ptr, key.len);
    *bucket = l;
    w->lines++;
    return l;
}

/* Frees a line that nobody stands in, and that is not being looked at. */
static void line_drop(rl_waiters *w, line *l) {
    if (l->first || l->ready || l->serving)
        return;
    line **link = bucket_of(w, l->hash, l->db);
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    rl_free(l);
    w->lines--;
}

static void line_set_ready(rl_waiters *w, line *l) {
    if (l->ready)
        return;
    l->ready = true;
    l->next_ready = NULL;
    *(w->last_ready ? &w->last_ready->next_ready : &w->first_ready) = l;
    w->last_ready = l;
}

static line *take_ready(rl_waiters *w) {
    line *l = w->first_ready;
    w->first_ready = l->next_ready;
    if (w->first_ready == NULL)
        w->last_ready = NULL;
    l->ready = false;
    return l;
}

void rl_waiters_free(rl_waiters *w) {
    if (w == NULL)
        return;
    assert(w->clients == 0);
    while (w->first_ready) /* that a pause held up to the end */
        line_drop(w, take_ready(w));
    assert(w->lines == 0);
    rl_free(w->buckets);
    rl_free(w);
}

/* ---- waiters ---- */

static void join(waiter *x, line *l) {
    place *p = &x->places[x->place_count++];
    *p = (place){.who = x, .in = l, .prev = l->last};
    *(l->last ? &l->last->next : &l->first) = p;
    l->last = p;
}

static void leave_all(rl_waiters *w, waiter *x) {
    for (int i = 0; i < x->place_count; i++) {
        place *p = &x->places[i];
        line *l = p->in;
        *(p->prev ? &p->prev->next : &l->first) = p->next;
        *(p->next ? &p->next->prev : &l->last) = p->prev;
        line_drop(w, l);
    }
    x->place_count = 0;
}

static waiter *waiter_create(const rl_ctx *c, const rl_waiting_for *what) {
    size_t keys = (size_t)what->key_count, argc = (size_t)c->argc;
    size_t bytes = sizeof(waiter) + keys * sizeof(place) + argc * sizeof(rl_bytes);
    for (int i = 0; i < c->argc; i++)
        bytes += c->argv[i].len;
    waiter *x = rl_malloc(bytes);
    *x = (waiter){.session = c->session,
                  .command = c->command,
                  .hash = c->hash,
                  .nothing = what->nothing,
                  .argv = (rl_bytes *)(void *)&x->places[keys],
                  .argc = c->argc};
    char *to = (char *)&x->argv[argc];
    for (int i = 0; i < c->argc; i++) {
        x->argv[i] = rl_bytes_of(to, c->argv[i].len);
        if (c->argv[i].len)
            memcpy(to, c->argv[i].ptr, c->argv[i].len);
        to += c->argv[i].len;
    }
    return x;
}

/* It waits no more; its session still counts as blocked. */
static void waiter_end(rl_waiters *w, waiter *x) {
    leave_all(w, x);
    x->session->block.work = NULL;
    rl_free(x);
    if (--w->clients == 0)
        rl_notify_observe(w->server);
}

/* ---- rl_block ---- */

/* What it tells is that there was nothing, which it saw when it began to wait. */
static void gate(rl_server *server, rl_session *s, rl_chain *out, uint64_t from) {
    uint64_t newest = rl_server_newest_seq(server);
    if (server->store && out == rl_conn_output(s->conn))
        rl_conn_gate(s->conn, from, s->block.seq < newest ? s->block.seq : newest, 1, false);
}

static void answer_nothing(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    waiter *x = s->block.work;
    uint64_t from = rl_chain_position(reply->chain);
    if (why == RL_WAKE_UNBLOCK_ERROR) {
        rl_reply_error(reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
        rl_stats_count_error(server->stats, RL_BYTES("UNBLOCKED"));
    } else {
        x->nothing(reply);
    }
    gate(server, s, reply->chain, from);
    waiter_end(server->waiters, x);
}

static void abandon(rl_server *server, rl_session *s) {
    waiter_end(server->waiters, s->block.work);
}

void rl_wait_for_keys(rl_ctx *c, const rl_waiting_for *what) {
    rl_server *server = c->server;
    rl_waiters *w = server->waiters;
    if (c->in_exec) {
        what->nothing(c->reply);
        return;
    }
    c->waits = true;
    if (c->woken_by) /* it stays where it is */
        return;
    waiter *x = waiter_create(c, what);
    for (int i = what->first_key; i < what->first_key + what->key_count; i++) {
        uint64_t hash = rl_ctx_hash(c, i);
        line *l = line_find(w, c->db, c->argv[i], hash, what->type);
        if (l == NULL)
            l = line_make(w, c->db, c->argv[i], hash, what->type);
        if (l->last == NULL || l->last->who != x) /* a key may be named twice */
            join(x, l);
    }
    rl_block block = {.answer = answer_nothing,
                      .abandon = abandon,
                      .deadline_ms = what->deadline_ms,
                      .seq = rl_server_newest_seq(server),
                      .work = x,
                      .memory_bytes = rl_alloc_size(x)};
    rl_session_block(c->session, &block);
    if (w->clients++ == 0)
        rl_notify_observe(server);
}

/* ---- serving ---- */

void rl_waiters_ready(rl_waiters *w, int db, rl_bytes key, rl_type type) {
    if (key.ptr == NULL) {
        w->any_may_be_ready = w->server->keys_ready = true;
        return;
    }
    line *l = line_find(w, db, key, rl_hash(key), type);
    if (l == NULL)
        return;
    line_set_ready(w, l);
    w->server->keys_ready = true;
}

static bool key_is_there(const rl_waiters *w, const line *l) {
    const rl_entry *e = rl_keyspace_find(w->server->keys, l->db, rl_bytes_of(l->key, l->len),
                                         l->hash, RL_LOOK_PEEK);
    return e && e->type == l->type;
}

/* Databases have changed places: looks at every key that is waited for. */
static void find_ready(rl_waiters *w) {
    w->any_may_be_ready = false;
    for (size_t i = 0; w->buckets && i <= w->mask; i++)
        for (line *l = w->buckets[i]; l != NULL; l = l->next)
            if (key_is_there(w, l))
                line_set_ready(w, l);
}

/* Runs a waiter's command again. Its session stays parked meanwhile: if it finds nothing, it has
 * not moved. */
static void serve(rl_waiters *w, waiter *x, rl_bytes key) {
    rl_server *server = w->server;
    rl_session *s = x->session;
    rl_chain *chain = s->reply.chain;
    s->reply.chain = s->block.silent ? &server->sink : rl_conn_output(s->conn);
    bool waits = rl_dispatch_woken(s, x->command, x->argv, x->argc, x->hash, &key);
    s->reply.chain = chain;
    if (s->block.silent)
        rl_chain_release(&server->sink);
    if (waits)
        return;
    waiter_end(w, x);
    rl_server_unblocked(server, s);
}

/* Serves those in a line while its key is there. One that is being closed is passed over, for it
 * would take what it cannot get. */
static void serve_line(rl_waiters *w, line *l) {
    l->serving = true;
    for (place *p = l->first, *next; p != NULL && key_is_there(w, l); p = next) {
        next = p->next;
        if (!rl_conn_is_closing(p->who->session->conn))
            serve(w, p->who, rl_bytes_of(l->key, l->len));
    }
    l->serving = false;
    line_drop(w, l);
}

void rl_waiters_serve(rl_waiters *w) {
    rl_server *server = w->server;
    bool writes_only;
    int64_t left_ms;
    if (rl_server_paused(server, &writes_only, &left_ms) || server->progress.failed ||
        server->stopping)
        return;
    if (w->any_may_be_ready)
        find_ready(w);
    while (w->first_ready)
        serve_line(w, take_ready(w));
    server->keys_ready = false;
}

/* ---- timeouts ---- */

bool rl_wait_timeout(rl_ctx *c, int arg, int64_t *deadline_ms) {
    long double seconds, ms;
    const char *error = NULL;
    *deadline_ms = 0;
    if (!rl_long_double_parse(c->argv[arg], &seconds))
        error = "ERR timeout is not a float or out of range";
    else if ((ms = ceill(seconds * 1000.0L)) > (long double)INT64_MAX)
        error = "ERR timeout is out of range";
    else if (ms < 0)
        error = "ERR timeout is negative";
    else if (ms > 0 && __builtin_add_overflow((int64_t)ms, c->now_ms, deadline_ms))
        error = "ERR timeout is out of range";
    if (error)
        rl_reply_error(c->reply, error);
    return error == NULL;
}
