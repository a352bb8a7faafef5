/* SPDX-License-Identifier: MIT */
/*
 * Where the server listens: the addresses and names of `bind`, and the Unix socket.
 *
 * A host name is looked up once, at the start, because that may wait for a name server and the loop
 * never waits. CONFIG SET bind therefore takes addresses, localhost, and the names of the start.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "server/server_private.h"

/* Redis takes the first IPv4 address of a name; that of this name is no question (RFC 6761). */
#define LOCALHOST "localhost"

struct rl_server_host {
    char *name, *address;
};

/* ---- names ---- */

/* Without the '-' that says that an address may be missing on this machine. */
static const char *plain(const char *word) {
    return word + (*word == '-');
}

/* The address a word of `bind` stands for; NULL: a name that is not known. */
static const char *address_of(const rl_server *s, const char *word) {
    const char *name = plain(word);
    if (rl_net_is_address(name))
        return name;
    if (strcasecmp(name, LOCALHOST) == 0)
        return "127.0.0.1";
    for (size_t i = 0; i < s->host_count; i++)
        if (strcasecmp(s->hosts[i].name, name) == 0)
            return s->hosts[i].address;
    return NULL;
}

static void remember(rl_server *s, const char *name, const char *address) {
    s->hosts = rl_realloc(s->hosts, (s->host_count + 1) * sizeof *s->hosts);
    s->hosts[s->host_count++] = (struct rl_server_host){rl_strdup(name), rl_strdup(address)};
}

bool rl_server_resolve(rl_server *s, rl_buffer *error) {
    for (char **word = s->settings->bind; *word; word++) {
        char address[64];
        if (s->settings->port == 0 || address_of(s, *word))
            continue;
        int code = rl_net_resolve(&s->loop, plain(*word), address, sizeof address);
        if (code == 0) {
            remember(s, plain(*word), address);
        } else if (**word != '-') {
            rl_buffer_printf(error,
                             "bind: '%s' is neither an address nor the name of a host that can be "
                             "looked up (%s); give an address such as 127.0.0.1",
                             *word, uv_strerror(code));
            return false;
        }
    }
    return true;
}

void rl_server_hosts_release(rl_server *s) {
    for (size_t i = 0; i < s->host_count; i++) {
        rl_free(s->hosts[i].name);
        rl_free(s->hosts[i].address);
    }
    rl_free(s->hosts);
}

/* ---- listening ---- */

typedef struct advice {
    int code;
    const char *text;
} advice;

static const advice tcp_advice[] = {
    {UV_EADDRINUSE, "another program listens there; stop it, or choose another port with --port"},
    {UV_EACCES, "not permitted; ports below 1024 are for programs with CAP_NET_BIND_SERVICE: "
                "choose one above with --port"},
    {UV_EADDRNOTAVAIL, "this machine has no such address; correct --bind ('ip address' lists "
                       "the addresses there are)"},
    {UV_EAFNOSUPPORT, "this machine has no such addresses (is IPv6 off?); correct --bind"},
};

static const advice unix_advice[] = {
    {UV_EADDRINUSE, "it is in use by a running server; stop that one, or choose another path with "
                    "--unixsocket"},
    {UV_EEXIST, "there is something that is not a socket, so it is left alone; move it away, or "
                "choose another path with --unixsocket"},
    {UV_ENOENT, "its directory does not exist; make it, or choose another path with --unixsocket"},
    {UV_EACCES, "permission denied; the server's user needs to write to its directory (and, if "
                "there is a socket already, to that)"},
    {UV_ENAMETOOLONG, "the path is longer than the 107 bytes a Unix socket's may have"},
};

#define ADVISE(list, code) advise(list, sizeof(list) / sizeof *(list), code)

static const char *advise(const advice *list, size_t count, int code) {
    for (size_t i = 0; i < count; i++)
        if (list[i].code == code)
            return list[i].text;
    return uv_strerror(code);
}

/* One word of `bind`: 1 when it listens there, 0 when it may be missing and is, or a UV error. */
static int listen_on(rl_server *s, const char *word, rl_buffer *error) {
    const char *address = address_of(s, word);
    bool optional = *word == '-', named = address && strcmp(address, plain(word)) != 0;
    if (address == NULL && optional) {
        rl_log(RL_LOG_WARNING, "Not listening on %s (bind): no address is known for this name",
               plain(word));
        return 0;
    }
    int code = rl_net_listen_tcp(s->net, address, s->settings->port, s->settings->tcp_backlog);
    if (code == 0) {
        rl_log(RL_LOG_NOTICE, "Listening on %s%s%s%s port %d", plain(word), named ? " (" : "",
               named ? address : "", named ? ")" : "", rl_net_port(s->net));
        return 1;
    }
    if (optional && (code == UV_EADDRNOTAVAIL || code == UV_EAFNOSUPPORT)) {
        /* every machine without IPv6 has this with the default bind: no reason to worry anybody */
        bool usual = strcmp(word, "-::*") == 0 || strcmp(word, "-::1") == 0;
        rl_log(usual ? RL_LOG_VERBOSE : RL_LOG_WARNING, "Not listening on %s (bind): %s",
               plain(word), uv_strerror(code));
        return 0;
    }
    rl_buffer_printf(error, "cannot listen on %s%s%s%s port %d: %s", plain(word), named ? " (" : "",
                     named ? address : "", named ? ")" : "", s->settings->port,
                     ADVISE(tcp_advice, code));
    return code;
}

static int listen_unix(rl_server *s, rl_buffer *error) {
    const rl_settings *set = s->settings;
    int code = rl_net_listen_unix(s->net, set->unixsocket, set->unixsocketperm, set->tcp_backlog);
    if (code == 0)
        rl_log(RL_LOG_NOTICE, "Listening on the Unix socket %s", set->unixsocket);
    else
        rl_buffer_printf(error, "cannot listen on the Unix socket %s: %s", set->unixsocket,
                         ADVISE(unix_advice, code));
    return code;
}

bool rl_server_listen(rl_server *s, rl_buffer *error) {
    const rl_settings *set = s->settings;
    bool wanted = set->port > 0 && *set->bind, has_unix = *set->unixsocket != '\0';
    int count = 0;
    rl_net_set_keepalive(s->net, set->tcp_keepalive_s);
    for (char **word = set->bind; wanted && *word; word++) {
        int got = listen_on(s, *word, error);
        if (got < 0)
            return false;
        count += got;
    }
    /* A server that nobody can reach is a failure, however optional each address is. */
    if (wanted && count == 0 && !has_unix) {
        rl_buffer_printf(error,
                         "this machine has none of the addresses in bind (%s%s), so there "
                         "is nothing to listen on; correct --bind",
                         set->bind[0], set->bind[1] ? " …" : "");
        return false;
    }
    return !has_unix || listen_unix(s, error) == 0;
}

/* ---- CONFIG SET port, CONFIG SET bind ---- */

static bool names_known(const rl_server *s, rl_buffer *error) {
    for (char **word = s->settings->bind; *word; word++)
        if (**word != '-' && s->settings->port > 0 && address_of(s, *word) == NULL) {
            rl_buffer_printf(error,
                             "'%s' is not an address, and names of hosts are looked up at the "
                             "start only: give an address, or put the name into the "
                             "configuration file and restart",
                             *word);
            return false;
        }
    return true;
}

bool rl_server_listen_again(rl_server *s, const char *name, rl_buffer *error) {
    rl_buffer why = {0};
    if (!names_known(s, error))
        return false; /* the settings go back, and listening goes on as it was */
    rl_net_listen_stop(s->net);
    bool listens = rl_server_listen(s, &why);
    if (listens) {
        if (s->settings->port == 0 || *s->settings->bind == NULL)
            rl_log(RL_LOG_WARNING, "CONFIG SET %s: listening on no TCP port now%s", name,
                   *s->settings->unixsocket ? ""
                                            : ": only clients that are connected can change "
                                              "that");
    } else {
        rl_log(RL_LOG_WARNING, "CONFIG SET %s: %s", name, rl_buffer_cstr(&why));
        rl_buffer_add_text(error, strcmp(name, "bind") == 0
                                      ? "Failed to bind to specified addresses."
                                      : "Unable to listen on this port. Check server logs.");
    }
    rl_buffer_release(&why);
    return listens;
}
