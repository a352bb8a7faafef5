/* SPDX-License-Identifier: MIT */
/*
 * Client-side caching (CLIENT TRACKING): clients keep what they have read, and are told when it is
 * no longer so.
 *
 * By default the server remembers which keys a client has read, and tells it once when one of them
 * changes. With BCAST it remembers nothing and tells of every change of keys with certain prefixes,
 * once a turn. The message goes to the client itself (RESP3, a push) or to the one it redirects to
 * (RESP2: a message of the channel __redis__:invalidate, if it listens to anything). Keys are names
 * alone, whatever their database, as in Redis. Loop thread.
 */
#ifndef RL_SERVER_TRACKING_H
#define RL_SERVER_TRACKING_H

#include "server/command.h"

typedef struct rl_tracking rl_tracking; /* of the server: who has read what */
typedef struct rl_tracker rl_tracker;   /* of a session; NULL: it does not track */

typedef struct rl_tracking_options {
    bool bcast, optin, optout, noloop;
    uint64_t redirect; /* id of another client; 0: none */
    const rl_bytes *prefixes;
    int prefix_count;
} rl_tracking_options;

rl_tracking *rl_tracking_create(rl_server *server);
void rl_tracking_free(rl_tracking *t); /* after all sessions; NULL is fine */

/* CLIENT TRACKING ON. NULL, or why not: an error with its code, valid until the next call. */
const char *rl_tracking_on(rl_session *s, const rl_tracking_options *options);
void rl_tracking_off(rl_session *s); /* also at RESET and at the end of the session */
/* CLIENT CACHING for the next command. NULL or an error. */
const char *rl_tracking_cache_next(rl_session *s, bool yes);

/* After a command that only reads. */
void rl_tracking_remember(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc);
/* After each command of a session that tracks, EXEC being one: CACHING is over. */
void rl_tracking_command_done(rl_session *s, const rl_command *command);
/* A key has changed; key.ptr NULL: all of them. by: whose command did it; NULL: nobody's. */
void rl_tracking_changed(rl_tracking *t, rl_bytes key, const rl_session *by);
/* A session ends: what is redirected to it has nowhere to go any more. */
void rl_tracking_target_gone(const rl_session *s);
/* Sends what BCAST clients are to hear of this turn. */
void rl_tracking_broadcast(rl_tracking *t);

bool rl_tracking_any(const rl_tracking *t); /* some client tracks */
typedef struct rl_tracking_stats {
    size_t clients, keys, items, prefixes;
} rl_tracking_stats;
void rl_tracking_stats_read(const rl_tracking *t, rl_tracking_stats *out);

/* What CLIENT TRACKINGINFO and CLIENT LIST tell of a session. */
typedef struct rl_tracker_info {
    bool on, bcast, optin, optout, caching_yes, caching_no, noloop, broken_redirect;
    uint64_t redirect;
    const rl_bytes *prefixes; /* in order; valid until tracking changes */
    size_t prefix_count;
} rl_tracker_info;
void rl_tracker_info_read(const rl_session *s, rl_tracker_info *out);

#endif
