/* SPDX-License-Identifier: MIT */
/* CLIENT TRACKING and its kin. The work is server/tracking.c. */
#include "base/alloc.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/tracking.h"

static bool redirect_option(rl_ctx *c, rl_bytes value, rl_tracking_options *o) {
    int64_t id;
    if (o->redirect) {
        rl_reply_error(c->reply, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!rl_int64_parse(value, &id)) {
        rl_reply_error(c->reply, RL_ERR_NOT_INTEGER);
        return false;
    }
    if (id <= 0 || !rl_server_find_session(c->server, (uint64_t)id)) {
        rl_reply_error(c->reply, "ERR The client ID you want redirect to does not exist");
        return false;
    }
    o->redirect = (uint64_t)id;
    return true;
}

/* The option at *i, which moves on to its last word. prefixes has room for all. */
static bool tracking_option(rl_ctx *c, int *i, rl_tracking_options *o, rl_bytes *prefixes) {
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"BCAST", &o->bcast}, {"OPTIN", &o->optin}, {"OPTOUT", &o->optout}, {"NOLOOP", &o->noloop}};
    rl_bytes word = c->argv[*i];
    bool more = *i + 1 < c->argc;
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        if (rl_bytes_is(word, flags[k].word)) {
            *flags[k].flag = true;
            return true;
        }
    if (rl_bytes_is(word, "REDIRECT") && more)
        return redirect_option(c, c->argv[++*i], o);
    if (rl_bytes_is(word, "PREFIX") && more) {
        prefixes[o->prefix_count++] = c->argv[++*i];
        return true;
    }
    rl_ctx_syntax_error(c);
    return false;
}

void rl_cmd_client_tracking(rl_ctx *c) {
    rl_bytes *prefixes = rl_malloc((size_t)c->argc * sizeof *prefixes);
    rl_tracking_options o = {.prefixes = prefixes};
    bool good = true;
    for (int i = 3; i < c->argc && good; i++)
        good = tracking_option(c, &i, &o, prefixes);
    bool on = rl_bytes_is(c->argv[2], "ON");
    if (good && !on && !rl_bytes_is(c->argv[2], "OFF")) {
        rl_ctx_syntax_error(c);
    } else if (good) {
        const char *error = NULL;
        if (on)
            error = rl_tracking_on(c->session, &o);
        else
            rl_tracking_off(c->session);
        if (error)
            rl_reply_error(c->reply, error);
        else
            rl_reply_ok(c->reply);
    }
    rl_free(prefixes);
}

void rl_cmd_client_caching(rl_ctx *c) {
    bool yes = rl_bytes_is(c->argv[2], "YES");
    if (!yes && !rl_bytes_is(c->argv[2], "NO")) {
        rl_tracker_info info;
        rl_tracker_info_read(c->session, &info);
        if (info.optin || info.optout)
            rl_ctx_syntax_error(c);
        else
            rl_reply_error(c->reply, rl_tracking_cache_next(c->session, true));
        return;
    }
    const char *error = rl_tracking_cache_next(c->session, yes);
    if (error)
        rl_reply_error(c->reply, error);
    else
        rl_reply_ok(c->reply);
}

void rl_cmd_client_getredir(rl_ctx *c) {
    rl_tracker_info info;
    rl_tracker_info_read(c->session, &info);
    rl_reply_int(c->reply, info.on ? (int64_t)info.redirect : -1);
}

void rl_cmd_client_trackinginfo(rl_ctx *c) {
    rl_tracker_info info;
    rl_tracker_info_read(c->session, &info);
    const struct {
        bool on;
        const char *name;
    } flags[] = {
        {!info.on, "off"},
        {info.on, "on"},
        {info.bcast, "bcast"},
        {info.optin, "optin"},
        {info.caching_yes, "caching-yes"},
        {info.optout, "optout"},
        {info.caching_no, "caching-no"},
        {info.noloop, "noloop"},
        {info.broken_redirect, "broken_redirect"},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        count += flags[i].on;
    rl_reply_map(c->reply, 3);
    rl_reply_text(c->reply, "flags");
    rl_reply_set(c->reply, count);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].on)
            rl_reply_text(c->reply, flags[i].name);
    rl_reply_text(c->reply, "redirect");
    rl_reply_int(c->reply, info.on ? (int64_t)info.redirect : -1);
    rl_reply_text(c->reply, "prefixes");
    rl_reply_array(c->reply, info.prefix_count);
    for (size_t i = 0; i < info.prefix_count; i++)
        rl_reply_bulk(c->reply, info.prefixes[i]);
}
