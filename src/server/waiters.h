/* SPDX-License-Identifier: MIT */
/*
 * Clients that wait for a key: BLPOP and its kind, later streams and cold values.
 *
 * A command that finds nothing asks to wait for keys of a type. When a command has made one of them
 * ready (it was made, renamed, moved, copied or swapped there, by whatever command), then after
 * that command (after the whole EXEC, where it is one) the waiting commands are run again, the one
 * that waits longest first, each with the key that woke it, as long as the key is there. A command
 * that finds nothing again goes on waiting in its place. Nothing is polled: a waiting client costs
 * nothing until a key that it waits for, its timeout, or its end comes. Loop thread.
 */
#ifndef RL_SERVER_WAITERS_H
#define RL_SERVER_WAITERS_H

#include "server/command.h"

typedef struct rl_waiters rl_waiters;

/* ---- for commands ---- */

typedef struct rl_waiting_for {
    rl_type type;        /* a key of another type wakes nobody */
    int first_key;       /* argument */
    int key_count;       /* how many, one behind the other */
    int64_t deadline_ms; /* wall time; 0: none */
    /* Answers when the time is over, for CLIENT UNBLOCK … TIMEOUT, and at once inside EXEC. */
    void (*nothing)(rl_reply *reply);
} rl_waiting_for;

/* The running command, which has changed nothing and not replied, waits; its handler is called
 * again with c->woken_by, as if it came then: with the same arguments, and the clock of that
 * moment. What is asked for then (deadline, keys) stays as it was the first time. Inside EXEC:
 * answers `nothing` instead. Arguments are copied. */
void rl_wait_for_keys(rl_ctx *c, const rl_waiting_for *what);

/* Whether argument `arg` is the one to look at: any, but after being woken the key that did it. */
static inline bool rl_wait_concerns(const rl_ctx *c, int arg) {
    return c->woken_by == NULL || rl_bytes_equal(c->argv[arg], *c->woken_by);
}

/* A timeout in seconds, with a fraction, as the wall time of its end; 0: none. Answers Redis's
 * errors and returns false when it is no such thing. */
bool rl_wait_timeout(rl_ctx *c, int arg, int64_t *deadline_ms);

/* ---- for the server ---- */

rl_waiters *rl_waiters_create(rl_server *server);
void rl_waiters_free(rl_waiters *w); /* after all sessions; NULL is fine */
bool rl_waiters_any(const rl_waiters *w);

/* rl_keyspace_observer.ready: remembers the key, if somebody waits for it. */
void rl_waiters_ready(rl_waiters *w, int db, rl_bytes key, rl_type type);
/* Between two commands, while rl_server.keys_ready is set: serves who waits for the keys that are
 * ready, in the order they became so, and for those that become ready thereby. While clients are
 * paused or the disk takes no writes it does nothing, and is to be called again later. */
void rl_waiters_serve(rl_waiters *w);

/* What is waited for: keys, one of two types counting as two. */
size_t rl_waiters_keys(const rl_waiters *w);

#endif
