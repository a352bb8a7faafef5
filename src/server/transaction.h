/* SPDX-License-Identifier: MIT */
/* MULTI: the queue of a session's transaction. Loop thread. */
#ifndef RL_SERVER_TRANSACTION_H
#define RL_SERVER_TRANSACTION_H

#include "server/session.h"

/* Copies the request to the end of the queue. */
void rl_transaction_queue(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                          uint64_t hash);
/* Forgets the queue, the failed mark and the watched keys: the end of every transaction. */
void rl_transaction_end(rl_session *s);
bool rl_transaction_writes(const rl_session *s); /* some queued command may write */
void rl_transaction_exec(rl_ctx *c);             /* the EXEC command */

#endif
