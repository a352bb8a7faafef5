/* SPDX-License-Identifier: MIT */
/*
 * Dispatch: everything between a request and its handler. The checks stand in one place and in
 * Redis's order, because clients see which of several errors they get. Loop thread.
 */
#ifndef RL_SERVER_DISPATCH_H
#define RL_SERVER_DISPATCH_H

#include "server/session.h"

typedef enum rl_dispatched {
    RL_DISPATCHED, /* answered, queued or refused; go on */
    RL_POSTPONED,  /* not run: the session was parked and the request must come again */
    RL_PARKED,     /* run, and the session waits: consume the request and stop */
} rl_dispatched;

/* command: what rl_registry_find found for argv[0] (NULL: nothing). hash: of the first key, if
 * there is one. */
rl_dispatched rl_dispatch(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                          uint64_t hash);
/* Runs a handler with its bookkeeping (time, statistics, slow log); no checks, no gates. For EXEC.
 */
void rl_dispatch_call(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                      uint64_t hash, bool in_exec);
/* Runs the command of a session that waits for keys again, for the key `by`, with its gate. True:
 * it goes on waiting, and has not replied. */
bool rl_dispatch_woken(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                       uint64_t hash, const rl_bytes *by);
/* Runs a handler of a command with RL_CMD_DEFERRED: unless it answers an error at once, it is
 * counted in rl_dispatch_ended. */
void rl_dispatch_deferred(rl_session *s, const rl_command *command, const rl_bytes *argv, int argc,
                          bool in_exec);
/* Statistics and slow log of a deferred command that took so long. error_code: "" when it went
 * well. s: NULL when its client is gone. */
void rl_dispatch_ended(rl_server *server, const rl_session *s, const rl_command *command,
                       const rl_bytes *argv, int argc, uint64_t took_us, const char *error_code);

#endif
