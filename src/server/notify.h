/* SPDX-License-Identifier: MIT */
/* Keyspace notifications: what happens to keys, as messages on channels. Loop thread. */
#ifndef RL_SERVER_NOTIFY_H
#define RL_SERVER_NOTIFY_H

#include "server/server.h"

/* The classes (keyspace/notify.h) that the letters of notify-keyspace-events stand for. 0 when no
 * event could reach anybody: without K and E, or without a class of events. */
unsigned rl_notify_classes(const char *letters);
/* Has the keyspace tell what the settings, clients that cache keys, and clients that wait for keys
 * want to know. At start and after a change of the settings. */
void rl_notify_refresh(rl_server *s);
/* The same after a change of the others. */
void rl_notify_observe(rl_server *s);

#endif
