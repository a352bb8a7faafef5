/* SPDX-License-Identifier: MIT */
/* MONITOR: shows every command to those who watch. Loop thread. */
#ifndef RL_SERVER_MONITOR_H
#define RL_SERVER_MONITOR_H

#include "server/session.h"

/* Sends the command of s to all monitors, as Redis words it: +1339518083.107412 [0 127.0.0.1:60866]
 * "get" "x". Commands that administer (ADMIN) or ask not to be shown (SKIP_MONITOR) are not;
 * passwords are shown as (redacted). Called when the command has run, so SELECT shows the new
 * database. */
void rl_monitor_feed(rl_server *server, const rl_session *s, const rl_command *command,
                     const rl_bytes *argv, int argc);

#endif
