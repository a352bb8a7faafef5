/* SPDX-License-Identifier: MIT */
/*
 * How the process lives with who started it: daemonize, pidfile, systemd's notifications
 * (sd_notify's protocol: a datagram to $NOTIFY_SOCKET), upstart's SIGSTOP, and the limit of open
 * files. Main thread.
 */
#ifndef RL_SERVER_SUPERVISE_H
#define RL_SERVER_SUPERVISE_H

#include "server/config.h"

/* Before anything is opened or any thread runs: goes to the background when asked. The process that
 * was started then ends only after rl_supervise_ready (exit code 0) or rl_supervise_failed (1).
 */
bool rl_supervise_begin(const rl_settings *set, rl_buffer *error);
/* Ready to accept connections: writes the pidfile (not before, for a server that is refused the
 * directory must leave the pidfile of the one that holds it alone) and tells the service manager.
 */
void rl_supervise_ready(const rl_settings *set);
/* Not started: tells why to who waits for the daemon, if there is one. */
void rl_supervise_failed(const char *why);
void rl_supervise_stopping(const rl_settings *set);
void rl_supervise_end(const rl_settings *set); /* removes the pidfile */

/* Raises the limit of open files for so many clients beside what the server itself opens; returns
 * how many of them it suffices for. */
int rl_supervise_file_limit(const rl_settings *set, int clients);

#endif
