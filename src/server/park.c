/* SPDX-License-Identifier: MIT */
/* Parked sessions, and the pause that parks them. See park.h. */
#include "server/park.h"

#include "server/server_private.h"

#define PEERS_PER_TICK 256

/* ---- parking ---- */

static rl_parked *list_of(rl_server *s, const rl_session *session) {
    if (session->park == RL_PARK_POSTPONED)
        return &s->parking.postponed;
    return session->block.ready ? &s->parking.polled : &s->parking.quiet;
}

/* The next blocked one, of those that are polled and then the others. */
static rl_session *next_blocked(rl_server *s, const rl_session *session) {
    bool last_polled = session->park_next == NULL && list_of(s, session) == &s->parking.polled;
    return last_polled ? s->parking.quiet.first : session->park_next;
}

void rl_server_unlink_parked(rl_server *s, rl_session *session) {
    if (session->park == RL_PARK_NONE)
        return;
    rl_parked *list = list_of(s, session);
    if (s->parking.peer_look == session)
        s->parking.peer_look = next_blocked(s, session);
    *(session->park_prev ? &session->park_prev->park_next : &list->first) = session->park_next;
    *(session->park_next ? &session->park_next->park_prev : &list->last) = session->park_prev;
    list->count--;
    rl_deadlines_remove(&s->parking.deadlines, session);
    session->park_next = session->park_prev = NULL;
    session->park = RL_PARK_NONE;
}

void rl_server_park(rl_server *s, rl_session *session, rl_park park) {
    if (session->park == park)
        return;
    if (session->park != RL_PARK_NONE) {
        rl_server_unlink_parked(s, session);
        rl_conn_resume(session->conn);
    }
    if (park == RL_PARK_NONE)
        return;
    session->park = park;
    rl_parked *list = list_of(s, session);
    session->park_prev = list->last;
    *(list->last ? &list->last->park_next : &list->first) = session;
    list->last = session;
    list->count++;
    if (park == RL_PARK_BLOCKED && session->block.deadline_ms)
        rl_deadlines_add(&s->parking.deadlines, session);
    rl_conn_pause(session->conn);
}

size_t rl_server_blocked_count(const rl_server *s) {
    return s->parking.polled.count + s->parking.quiet.count + s->parking.postponed.count;
}

size_t rl_server_timed_count(const rl_server *s) {
    return s->parking.deadlines.count;
}

/* ---- waking ---- */

void rl_server_unblocked(rl_server *s, rl_session *session) {
    session->last_active_ms = s->now_ms;
    rl_conn_touch(session->conn);
    rl_session_check_output(session);
    rl_server_park(s, session, RL_PARK_NONE);
}

bool rl_server_unblock(rl_server *s, rl_session *session, rl_wake why) {
    if (session->park != RL_PARK_BLOCKED)
        return false;
    if (session->block.unblock && (why == RL_WAKE_UNBLOCK_ERROR || why == RL_WAKE_UNBLOCK_TIMEOUT))
        return session->block.unblock(s, session, why);
    rl_chain *chain = session->reply.chain;
    session->reply.chain = session->block.silent ? &s->sink : rl_conn_output(session->conn);
    session->block.answer(s, session, &session->reply, why);
    session->reply.chain = chain;
    rl_server_unblocked(s, session);
    return true;
}

void rl_server_wake_blocked(rl_server *s) {
    for (rl_session *x = s->parking.polled.first, *next; x != NULL; x = next) {
        next = x->park_next;
        if (x->block.ready(s, x))
            rl_server_unblock(s, x, RL_WAKE_READY);
    }
    rl_session *x;
    while ((x = rl_deadlines_first(&s->parking.deadlines)) != NULL &&
           x->block.deadline_ms <= s->now_ms)
        rl_server_unblock(s, x, RL_WAKE_TIMEOUT);
}

void rl_server_check_peers(rl_server *s) {
    rl_parking *p = &s->parking;
    rl_session *x = p->peer_look;
    if (x == NULL)
        x = p->polled.first ? p->polled.first : p->quiet.first;
    for (int i = 0; x != NULL && i < PEERS_PER_TICK; i++) {
        p->peer_look = next_blocked(s, x);
        if (!rl_conn_is_closing(x->conn) && rl_conn_peer_gone(x->conn))
            rl_session_close(x, RL_CLOSE_NOW);
        x = p->peer_look;
    }
}

/* ---- the pause ---- */

void rl_server_pause(rl_server *s, int64_t until_ms, bool writes_only) {
    s->pause_until_ms = until_ms;
    s->pause_writes_only = writes_only;
    rl_server_refresh(s);
}

bool rl_server_paused(const rl_server *s, bool *writes_only, int64_t *left_ms) {
    if (s->pause_until_ms <= s->now_ms)
        return false;
    *writes_only = s->pause_writes_only;
    *left_ms = s->pause_until_ms - s->now_ms;
    return true;
}

void rl_server_resume_postponed(rl_server *s) {
    if (s->pause_until_ms && s->pause_until_ms <= s->now_ms)
        rl_server_pause(s, 0, false);
    if (s->parking.postponed.count == 0 || s->pause_until_ms ||
        (s->progress.over_limit && !s->progress.failed) || s->stopping)
        return;
    while (s->parking.postponed.first)
        rl_server_park(s, s->parking.postponed.first, RL_PARK_NONE);
}
