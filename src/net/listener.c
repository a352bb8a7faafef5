/* SPDX-License-Identifier: MIT */
/*
 * Listening and accepting. The sockets are our own and only polled through libuv: accept4 then
 * tells the peer's address for nothing, each turn accepts a bounded number, and when descriptors
 * run out accepting rests a moment instead of spinning. Options that accepted sockets need (no
 * delay, keepalive) are set on the listening one, from which Linux hands them down.
 */
#include "net/net_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

enum {
    ACCEPT_PER_TURN = 256,
    ACCEPT_WAIT_MS = 100, /* after the process ran out of descriptors or memory for sockets */
    KEEPALIVE_PROBES = 3,
};

/* ---- accepting ---- */

/* The peer went away, or its network did, before it was accepted. All else (no descriptors, no
 * memory) would fail again at once. */
static bool errno_is_of_peer(void) {
    return errno == ECONNABORTED || errno == EINTR || errno == EPROTO || errno == EPERM ||
           errno == ENETDOWN || errno == ENETUNREACH || errno == EHOSTDOWN || errno == EHOSTUNREACH;
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void accept_stop(rl_net *n) {
    if (!n->accept_logged)
        rl_log(RL_LOG_WARNING, "Cannot accept connections: %s. Trying again every %d ms.",
               strerror(errno), ACCEPT_WAIT_MS);
    n->accept_logged = true; /* until one is accepted again */
    n->accept_stopped = true;
    for (net_listener *l = n->listeners; l; l = l->next)
        if (l->fd >= 0)
            uv_poll_stop(&l->poll);
    uv_timer_start(&n->accept_wait, rl_net_accept_again, ACCEPT_WAIT_MS, 0);
}

void rl_net_accept_again(uv_timer_t *timer) {
    rl_net *n = timer->data;
    n->accept_stopped = false;
    for (net_listener *l = n->listeners; l; l = l->next)
        if (l->fd >= 0)
            uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
    net_listener *l = poll->data;
    (void)status;
    (void)events;
    /* on_open may close the listeners. */
    for (int i = 0; i < ACCEPT_PER_TURN && l->fd >= 0; i++) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->net->accept_logged = false;
            rl_net_conn_accept(l, fd, (struct sockaddr *)&address, len);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (!errno_is_of_peer()) {
            accept_stop(l->net);
            return;
        }
    }
}

/* ---- options ---- */

static void set_option(int fd, int level, int name, int value) {
    /* Each only makes things better: a kernel that refuses one is no reason not to serve. */
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_keepalive(int fd, int seconds) {
    int interval = seconds / KEEPALIVE_PROBES;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, seconds > 0);
    if (seconds <= 0)
        return;
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval > 0 ? interval : 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

void rl_net_set_keepalive(rl_net *n, int seconds) {
    n->keepalive = seconds;
    for (net_listener *l = n->listeners; l; l = l->next)
        if (l->fd >= 0 && l->path == NULL)
            set_keepalive(l->fd, seconds);
}

/* ---- listening ---- */

static void listener_free(net_listener *l) {
    rl_free(l->path);
    rl_free(l->text);
    rl_free(l);
}

static void listener_closed(uv_handle_t *h) {
    net_listener *l = h->data;
    rl_net_handle_closed(
        l->net); /* frees l too, with the net: connections name its path until then */
}

/* Listens on a bound socket. NULL on an error, told in *err; the caller then still owns fd. */
static net_listener *listener_add(rl_net *n, int fd, int backlog, int *err) {
    if (listen(fd, backlog) < 0) {
        *err = -errno;
        return NULL;
    }
    net_listener *l = rl_calloc(1, sizeof *l);
    l->net = n;
    l->fd = fd;
    *err = uv_poll_init(n->loop, &l->poll, fd);
    if (*err) {
        rl_free(l);
        return NULL;
    }
    l->poll.data = l;
    n->handles++;
    *n->listeners_end = l;
    n->listeners_end = &l->next;
    if (!n->accept_stopped)
        uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
    return l;
}

static int parse_address(const char *text, int port, struct sockaddr_storage *out) {
    if (strcmp(text, "*") == 0)
        text = "0.0.0.0";
    else if (strcmp(text, "::*") == 0)
        text = "::";
    if (uv_ip4_addr(text, port, (struct sockaddr_in *)out) == 0)
        return 0;
    return uv_ip6_addr(text, port, (struct sockaddr_in6 *)out);
}

bool rl_net_is_address(const char *text) {
    struct sockaddr_storage unused;
    return parse_address(text, 0, &unused) == 0;
}

int rl_net_listen_tcp(rl_net *n, const char *address, int port, int backlog) {
    struct sockaddr_storage addr = {0};
    net_listener *l;
    int err = parse_address(address, port, &addr);
    if (err)
        return err;
    bool is_ip6 = addr.ss_family == AF_INET6;
    socklen_t len = is_ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (is_ip6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1); /* IPv4 has a socket of its own */
    set_keepalive(fd, n->keepalive);
    if (bind(fd, (struct sockaddr *)&addr, len) < 0) {
        err = -errno;
        goto failed;
    }
    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
        err = -errno;
        goto failed;
    }
    if ((l = listener_add(n, fd, backlog, &err)) == NULL)
        goto failed;
    l->port = ntohs(is_ip6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                           : ((struct sockaddr_in *)&addr)->sin_port);
    return 0;
failed:
    close(fd);
    return err;
}

/* Does somebody answer at the Unix socket? Asked by connecting, the only question that a socket
 * file which a server left behind answers differently. 0: nobody does. */
static int unix_is_free(const struct sockaddr_un *addr) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int code = connect(fd, (const struct sockaddr *)addr, sizeof *addr) < 0 ? errno : 0;
    close(fd);
    if (code == ECONNREFUSED || code == ENOENT)
        return 0;
    /* EAGAIN: its queue is full; EPROTOTYPE: it takes datagrams */
    return code == 0 || code == EAGAIN || code == EPROTOTYPE ? UV_EADDRINUSE : -code;
}

/* A socket file that a server left behind would make bind fail. One that somebody serves, and
 * anything that is no socket, is not ours to remove. */
static int remove_stale(const struct sockaddr_un *addr) {
    struct stat st;
    if (lstat(addr->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return UV_EEXIST;
    int code = unix_is_free(addr);
    return code ? code : unlink(addr->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int rl_net_listen_unix(rl_net *n, const char *path, unsigned mode, int backlog) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    net_listener *l;
    int err;
    if (strlen(path) >= sizeof addr.sun_path)
        return UV_ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if ((err = remove_stale(&addr)) != 0)
        goto failed;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
        err = -errno;
        goto failed;
    }
    /* Before listen, so that nobody connects under the wrong mode. */
    if ((mode && chmod(path, (mode_t)mode) < 0) || lstat(path, &st) < 0) {
        err = -errno;
        goto failed_bound;
    }
    if ((l = listener_add(n, fd, backlog, &err)) == NULL)
        goto failed_bound;
    size_t size = strlen(path) + 3;
    l->path = rl_strdup(path);
    l->text = rl_malloc(size);
    snprintf(l->text, size, "%s:0", path);
    l->device = st.st_dev;
    l->inode = st.st_ino;
    return 0;
failed_bound:
    unlink(path);
failed:
    close(fd);
    return err;
}

void rl_net_listen_stop(rl_net *n) {
    for (net_listener *l = n->listeners; l; l = l->next) {
        struct stat st;
        if (l->fd < 0)
            continue;
        /* Another server may have put its own socket there meanwhile. */
        if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
            unlink(l->path);
        uv_close((uv_handle_t *)&l->poll, listener_closed);
        close(l->fd);
        l->fd = -1;
    }
    uv_timer_stop(&n->accept_wait);
    n->accept_stopped = false;
}

void rl_net_listeners_release(rl_net *n) {
    while (n->listeners) {
        net_listener *l = n->listeners;
        n->listeners = l->next;
        listener_free(l);
    }
}

int rl_net_port(const rl_net *n) {
    for (net_listener *l = n->listeners; l; l = l->next)
        if (l->fd >= 0 && l->path == NULL)
            return l->port;
    return 0;
}
