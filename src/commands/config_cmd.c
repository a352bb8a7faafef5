/* SPDX-License-Identifier: MIT */
/* CONFIG: the directives while the server runs. */
#include "base/alloc.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/sql_session.h"

/* What CONFIG GET found: the reply starts with how many there are, so they are kept first. */
typedef struct found {
    rl_buffer texts; /* name and value, one after the other */
    struct {
        size_t name_len, value_len;
    } * lengths;
    size_t count, capacity;
} found;

static void keep(void *arg, const char *name, rl_bytes value) {
    found *f = arg;
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 16;
        f->lengths = rl_realloc(f->lengths, f->capacity * sizeof *f->lengths);
    }
    f->lengths[f->count].name_len = strlen(name);
    f->lengths[f->count++].value_len = value.len;
    rl_buffer_add_text(&f->texts, name);
    rl_buffer_add_bytes(&f->texts, value);
}

void rl_cmd_config_get(rl_ctx *c) {
    found f = {0};
    rl_config_get(rl_server_config(c->server), c->argv + 2, c->argc - 2, keep, &f);
    rl_reply_map(c->reply, f.count);
    const char *at = f.texts.ptr;
    for (size_t i = 0; i < f.count; i++) {
        rl_reply_bulk(c->reply, rl_bytes_of(at, f.lengths[i].name_len));
        at += f.lengths[i].name_len;
        rl_reply_bulk(c->reply, rl_bytes_of(at, f.lengths[i].value_len));
        at += f.lengths[i].value_len;
    }
    rl_buffer_release(&f.texts);
    rl_free(f.lengths);
}

/* Answers OK, or the error behind "ERR ". */
static void answer(rl_ctx *c, bool good, rl_buffer *error) {
    if (good)
        rl_reply_ok(c->reply);
    else
        rl_reply_errorf(c->reply, "ERR %s", rl_buffer_cstr(error));
    rl_buffer_release(error);
}

void rl_cmd_config_set(rl_ctx *c) {
    rl_buffer error = {0};
    if (c->argc % 2) {
        rl_ctx_syntax_error(c);
        return;
    }
    bool good = rl_config_set(rl_server_config(c->server), c->argv + 2, (c->argc - 2) / 2, &error);
    answer(c, good, &error);
}

void rl_cmd_config_rewrite(rl_ctx *c) {
    rl_buffer error = {0};
    bool good = rl_config_rewrite(rl_server_config(c->server), &error);
    answer(c, good, &error);
}

void rl_cmd_config_resetstat(rl_ctx *c) {
    rl_stats_reset(rl_server_stats(c->server));
    rl_server_sql_reset(c->server);
    rl_keyspace_stats_reset(c->keys);
    rl_net_stats_reset(rl_server_net(c->server));
    rl_reply_ok(c->reply);
}

void rl_cmd_config_help(rl_ctx *c) {
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    Show the directives whose names match.",
        "SET <directive> <value> [<directive> <value> ...]",
        "    Change directives: all of them or none.",
        "RESETSTAT",
        "    Start the counters of INFO from zero.",
        "REWRITE",
        "    Write the directives in force into the configuration file.",
        NULL,
    };
    rl_ctx_help(c, lines);
}
