/* SPDX-License-Identifier: MIT */
/* SLOWLOG: the commands that took long. */
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/slowlog.h"

static void reply_entry(rl_reply *r, const rl_slow_entry *e) {
    rl_reply_array(r, 6);
    rl_reply_int(r, e->id);
    rl_reply_int(r, e->at_s);
    rl_reply_int(r, e->took_us);
    rl_reply_array(r, (size_t)e->argc);
    for (int i = 0; i < e->argc; i++)
        rl_reply_bulk(r, e->argv[i]);
    rl_reply_text(r, e->peer);
    rl_reply_text(r, e->name);
}

void rl_cmd_slowlog_get(rl_ctx *c) {
    const rl_slowlog *log = rl_server_slowlog(c->server);
    int64_t wanted = 10;
    if (c->argc > 3) {
        rl_ctx_subcommand_error(c);
        return;
    }
    if (c->argc == 3 && (!rl_int64_parse(c->argv[2], &wanted) || wanted < -1)) {
        rl_reply_error(c->reply, "ERR count should be greater than or equal to -1");
        return;
    }
    size_t count = rl_slowlog_count(log);
    if (wanted >= 0 && (uint64_t)wanted < count)
        count = (size_t)wanted;
    rl_reply_array(c->reply, count);
    for (size_t i = 0; i < count; i++)
        reply_entry(c->reply, rl_slowlog_at(log, i));
}

void rl_cmd_slowlog_len(rl_ctx *c) {
    rl_reply_int(c->reply, (int64_t)rl_slowlog_count(rl_server_slowlog(c->server)));
}

void rl_cmd_slowlog_reset(rl_ctx *c) {
    rl_slowlog_reset(rl_server_slowlog(c->server));
    rl_reply_ok(c->reply);
}

void rl_cmd_slowlog_help(rl_ctx *c) {
    static const char *const lines[] = {
        "GET [<count>]",
        "    Show the newest entries, at most <count> (default: 10, -1: all). An entry has",
        "    its id, when it was, how many microseconds it took, the command, the client's",
        "    address and its name.",
        "LEN",
        "    How many entries there are.",
        "RESET",
        "    Forget all entries.",
        NULL,
    };
    rl_ctx_help(c, lines);
}
