/* SPDX-License-Identifier: MIT */
/*
 * A unit: a MULTI that has SQL in it. While EXEC runs it, key commands change memory and reply at
 * once, into the unit; SQL commands become steps. Then the batch of the key commands' changes and
 * the steps go to the store as one transaction (store/job.h), and the answers are put together once
 * that is committed and synced.
 *
 * A statement that fails answers its error in place, and the others go on. One that made SQLite
 * roll back everything (a timeout in the middle of a write does) keeps its error, and the
 * transaction is run again without it. Loop.
 */
#ifndef RL_SQL_UNIT_H
#define RL_SQL_UNIT_H

#include "sql/service.h"

typedef struct rl_sql_unit rl_sql_unit;

rl_sql_unit *rl_sql_unit_create(rl_sql_service *s, void *owner);
/* Where the next key command replies to. Valid until the next call for this unit. */
rl_chain *rl_sql_unit_replies(rl_sql_unit *u);
/* Takes the call; cut: bytes of the batch's changes before it. */
void rl_sql_unit_add(rl_sql_unit *u, rl_sql_call *call, size_t cut);
/* Hands it to the store. batch: the key commands' changes, sealed; NULL: there are none. */
void rl_sql_unit_submit(rl_sql_unit *u, rl_batch *batch);
bool rl_sql_unit_done(const rl_sql_unit *u);
/* The disk does not take writes: true when the owner may be told so, and then abandons it. What
 * changed keys stays queued, as keys that were written do; anything else is not run any more. */
bool rl_sql_unit_may_fail(rl_sql_unit *u);
/* Once done: moves all replies, in order, behind `to` and ends it. */
void rl_sql_unit_take(rl_sql_unit *u, rl_chain *to);
/* The owner is gone, or is told something else. It is committed all the same; with `now`, the
 * statement at work and those behind it answer SQLCANCELED. */
void rl_sql_unit_abandon(rl_sql_unit *u, bool now);

#endif
