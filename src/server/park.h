/* SPDX-License-Identifier: MIT */
/*
 * Parked sessions: those that wait, with their connections paused. Three kinds, in lists of their
 * own, so that a turn touches only those that it has something to ask:
 *
 *   postponed  their command has not run; all of them go on at once.
 *   polled     blocked in a command that is asked after each turn whether it is ready (WAITAOF,
 *              SAVE, SQL …). There are few of them.
 *   quiet      blocked in a command that somebody else wakes: those that wait for keys (waiters.h).
 *              There may be tens of thousands, and a turn does not see them.
 *
 * Blocked ones with a deadline stand in a heap besides. For server/ only. Loop thread.
 */
#ifndef RL_SERVER_PARK_H
#define RL_SERVER_PARK_H

#include "server/deadlines.h"

typedef struct rl_parked {
    rl_session *first, *last; /* the one that waits longest first */
    size_t count;
} rl_parked;

typedef struct rl_parking {
    rl_parked postponed, polled, quiet;
    rl_deadlines deadlines;
    rl_session *peer_look; /* the next blocked one whose peer is looked for; NULL: the first */
} rl_parking;

/* Ends its waiting without an answer; its connection stays paused. For the end of the session. */
void rl_server_unlink_parked(rl_server *s, rl_session *session);
/* A blocked session has its answer in its output: it goes on. */
void rl_server_unblocked(rl_server *s, rl_session *session);
/* Answers blocked commands that are ready or out of time. */
void rl_server_wake_blocked(rl_server *s);
/* Lets postponed sessions go on, unless what they wait for is still so. */
void rl_server_resume_postponed(rl_server *s);
/* Ten times a second: closes blocked sessions whose peers went away, of those it looks at this
 * time. Where a connection is read that is noticed by itself; but a client that had sent more
 * behind its command is not read before the command is answered. */
void rl_server_check_peers(rl_server *s);

#endif
