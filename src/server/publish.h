/* SPDX-License-Identifier: MIT */
/* Sending messages that nobody asked for at that moment: to subscribers, and pushes in general.
 * Loop thread. */
#ifndef RL_SERVER_PUBLISH_H
#define RL_SERVER_PUBLISH_H

#include "server/pubsub.h"
#include "server/server.h"

/* Sends the message to who listens to the channel; returns how many got it. */
size_t rl_publish(rl_server *server, rl_pubsub_kind kind, rl_bytes channel, rl_bytes message);

/* Appends a push to a session's output. `text` is RESP and begins with '*'; RESP3 gets '>' in its
 * place. A session whose command is running gets it behind that command's reply, so that it never
 * stands inside one. */
void rl_session_push(rl_session *s, rl_bytes text);
/* A session's command has replied: appends what was pushed meanwhile. */
void rl_session_push_held(rl_session *s);

#endif
