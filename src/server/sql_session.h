/* SPDX-License-Identifier: MIT */
/*
 * SQL commands of sessions: how they reach the SQL service (sql/service.h), who waits for what, and
 * what holds their answers back. The service is made with the first SQL command. Loop thread.
 */
#ifndef RL_SERVER_SQL_SESSION_H
#define RL_SERVER_SQL_SESSION_H

#include "server/session.h"
#include "sql/unit.h"

/* Runs the call for its client, which is blocked until it is answered; or, while EXEC makes a unit,
 * makes it the next step of that. Takes the call. */
void rl_session_sql(rl_ctx *c, rl_sql_call *call);
/* A unit for the EXEC that runs. */
rl_sql_unit *rl_server_sql_unit(rl_ctx *c);
/* Seals what the unit's key commands changed, hands all to the store and blocks the session until
 * EXEC's array of `count` replies can be written. */
void rl_session_wait_for_unit(rl_session *s, rl_sql_unit *unit, int count);
/* For INFO and CONFIG RESETSTAT; zeros before the first SQL command. */
void rl_server_sql_stats(const rl_server *s, rl_sql_stats *out);
void rl_server_sql_reset(rl_server *s);

#endif
