/* SPDX-License-Identifier: MIT */
/* SQL: reads the arguments; the rest is server/sql_session.c and sql/. */
#include "server/sql_session.h"

#include "commands/handlers.h"
#include "server/server.h"

void rl_cmd_sql(rl_ctx *c) {
    const rl_settings *set = rl_server_settings(c->server);
    rl_sql_limits limits = {set->sql_timeout_ms, set->sql_max_rows, set->sql_max_memory};
    char error[256];
    if (rl_server_store(c->server) == NULL) {
        rl_reply_error(c->reply, "ERR SQL needs a database file, and this server keeps its data in "
                                 "memory only (dbfilename :memory:). Start it with a file name as "
                                 "dbfilename.");
        return;
    }
    rl_sql_call *call =
        rl_sql_call_create(c->argv, c->argc, &limits, c->reply->resp, error, sizeof error);
    if (call)
        rl_session_sql(c, call);
    else
        rl_reply_error(c->reply, error);
}
