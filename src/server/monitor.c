/* SPDX-License-Identifier: MIT */
/* MONITOR. See monitor.h. */
#include "server/monitor.h"

#include "base/clock.h"
#include "server/redact.h"
#include "server/server.h"

void rl_monitor_feed(rl_server *server, const rl_session *s, const rl_command *command,
                     const rl_bytes *argv, int argc) {
    if (command->flags & (RL_CMD_SKIP_MONITOR | RL_CMD_ADMIN))
        return;
    rl_buffer line = {0};
    rl_bytes copy[RL_REDACT_MAX];
    argv = rl_redact(command, argv, argc, copy);
    int64_t now_us = rl_clock_wall_us();
    rl_buffer_printf(&line, "+%lld.%06lld [%d %s]", (long long)(now_us / 1000000),
                     (long long)(now_us % 1000000), s->db, rl_conn_peer(s->conn));
    for (int i = 0; i < argc; i++) {
        rl_buffer_add_char(&line, ' ');
        rl_buffer_add_quoted(&line, argv[i]);
    }
    rl_buffer_add_text(&line, "\r\n");
    for (rl_session *x = rl_server_first_session(server); x != NULL; x = x->next) {
        if (!x->monitor || x->close_after_reply)
            continue;
        rl_chain_add(rl_conn_output(x->conn), line.ptr, line.len);
        rl_conn_touch(x->conn);
        rl_session_check_output(x);
    }
    rl_buffer_release(&line);
}
