/* SPDX-License-Identifier: MIT */
/* Listening: addresses, ports, socket files, options of accepted sockets, running out of
 * descriptors. */
#include "unit/net/fixture.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"

TestSuite(listener, .timeout = 60);

static int option_of(int fd, int level, int name) {
    int value = -1;
    socklen_t len = sizeof value;
    cr_assert_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

Test(listener, texts_and_options_of_a_tcp_connection)
{
    fx f;
    char want[64];
    struct sockaddr_in in4;
    socklen_t len = sizeof in4;
    fx_start(&f);
    rl_net_set_keepalive(f.net, 300);
    cr_assert_eq(rl_net_listen_tcp(f.net, "127.0.0.1", 0, 16), 0);
    int fd = fx_client(&f);
    rl_conn *c = fx_last(&f)->c;
    getsockname(fd, (struct sockaddr *)&in4, &len);
    snprintf(want, sizeof want, "127.0.0.1:%d", ntohs(in4.sin_port));
    cr_assert_str_eq(rl_conn_peer(c), want);
    cr_assert_eq(rl_conn_peer(c), rl_conn_peer(c)); /* made once */
    snprintf(want, sizeof want, "127.0.0.1:%d", rl_net_port(f.net));
    cr_assert_str_eq(rl_conn_local(c), want);
    cr_assert(rl_conn_is_loopback(c));
    cr_assert_not(rl_conn_is_unix(c));
    int server = rl_conn_fd(c);
    cr_assert_neq(option_of(server, IPPROTO_TCP, TCP_NODELAY), 0);
    cr_assert_neq(option_of(server, SOL_SOCKET, SO_KEEPALIVE), 0);
    cr_assert_eq(option_of(server, IPPROTO_TCP, TCP_KEEPIDLE), 300);
    cr_assert_eq(option_of(server, IPPROTO_TCP, TCP_KEEPINTVL), 100);
    cr_assert(fcntl(server, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(server, F_GETFD) & FD_CLOEXEC);
    rl_net_set_keepalive(f.net, 0);
    int other = fx_client(&f);
    cr_assert_eq(option_of(rl_conn_fd(fx_last(&f)->c), SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fd);
    close(other);
    fx_end(&f);
}

Test(listener, listens_on_ip6_beside_ip4)
{
    fx f;
    fx_start(&f);
    cr_assert_eq(rl_net_listen_tcp(f.net, "*", 0, 16), 0);
    int port = rl_net_port(f.net);
    int err = rl_net_listen_tcp(f.net, "::*", port, 16);
    if (err == UV_EAFNOSUPPORT || err == UV_EADDRNOTAVAIL) {
        fx_end(&f); /* a machine without IPv6 */
        cr_skip_test("no IPv6 here");
    }
    cr_assert_eq(err, 0);
    cr_assert_eq(rl_net_port(f.net), port);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    in6.sin6_port = htons((uint16_t)port);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&in6, sizeof in6), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fx_send_text(&f, fd, "six\n");
    fx_expect(&f, fd, "six\n");
    rl_conn *c = fx_last(&f)->c;
    cr_assert_eq(strncmp(rl_conn_peer(c), "[::1]:", 6), 0);
    cr_assert(rl_conn_is_loopback(c));
    int four = fx_client(&f);
    cr_assert_eq(strncmp(rl_conn_peer(fx_last(&f)->c), "127.0.0.1:", 10), 0);
    close(fd);
    close(four);
    fx_end(&f);
}

Test(listener, says_why_it_cannot_listen)
{
    fx f;
    fx_start_tcp(&f);
    cr_assert_eq(rl_net_listen_tcp(f.net, "127.0.0.1", rl_net_port(f.net), 16), UV_EADDRINUSE);
    cr_assert_eq(rl_net_listen_tcp(f.net, "no address", 0, 16), UV_EINVAL);
    cr_assert_eq(rl_net_listen_tcp(f.net, "192.0.2.1", 0, 16), UV_EADDRNOTAVAIL);
    cr_assert_eq(rl_net_listen_unix(f.net, "/nowhere/at/all/socket", 0, 16), UV_ENOENT);
    char path[200];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = 0;
    cr_assert_eq(rl_net_listen_unix(f.net, path, 0, 16), UV_ENAMETOOLONG);
    fx_end(&f);
}

Test(listener, stopped_it_frees_the_port_and_keeps_connections)
{
    fx f;
    fx_start_tcp(&f);
    int port = rl_net_port(f.net);
    int fd = fx_client(&f);
    rl_net_listen_stop(f.net);
    cr_assert_eq(rl_net_port(f.net), 0);
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(refused, (struct sockaddr *)&in4, sizeof in4), -1);
    cr_assert_eq(errno, ECONNREFUSED);
    fx_send_text(&f, fd, "still\n");
    fx_expect(&f, fd, "still\n");
    cr_assert_eq(rl_net_listen_tcp(f.net, "127.0.0.1", port, 16), 0); /* and again */
    int other = fx_client(&f);
    close(refused);
    close(fd);
    close(other);
    fx_end(&f);
}

/* ---- Unix sockets ---- */

typedef struct temp_dir {
    char dir[64], path[96];
} temp_dir;

static void temp_make(temp_dir *t) {
    snprintf(t->dir, sizeof t->dir, "/tmp/rubellite-net-XXXXXX");
    cr_assert_not_null(mkdtemp(t->dir));
    snprintf(t->path, sizeof t->path, "%s/sock", t->dir);
}

static void temp_remove(temp_dir *t) {
    unlink(t->path);
    cr_assert_eq(rmdir(t->dir), 0);
}

static int unix_connect(const char *path) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    if (connect(fd, (struct sockaddr *)&un, sizeof un) < 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

Test(listener, serves_a_unix_socket)
{
    fx f;
    temp_dir t;
    struct stat st;
    char want[128];
    temp_make(&t);
    fx_start(&f);
    cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0770, 16), 0);
    cr_assert_eq(rl_net_port(f.net), 0);
    cr_assert_eq(stat(t.path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0770);
    int fd = unix_connect(t.path);
    fx_send_text(&f, fd, "hello\n");
    fx_expect(&f, fd, "hello\n");
    rl_conn *c = fx_last(&f)->c;
    snprintf(want, sizeof want, "%s:0", t.path);
    cr_assert(rl_conn_is_unix(c));
    cr_assert(rl_conn_is_loopback(c));
    rl_net_listen_stop(f.net);
    cr_assert_eq(access(t.path, F_OK), -1);
    cr_assert_str_eq(rl_conn_peer(c), want);
    cr_assert_str_eq(rl_conn_local(c), want);
    close(fd);
    fx_end(&f);
    temp_remove(&t);
}

Test(listener, replaces_a_stale_socket_file_but_nothing_else)
{
    fx f;
    temp_dir t;
    temp_make(&t);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", t.path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(stale, (struct sockaddr *)&un, sizeof un), 0);
    close(stale); /* the file stays */
    fx_start(&f);
    cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0, 16), 0);
    int fd = unix_connect(t.path);
    cr_assert_geq(fd, 0);
    rl_net_listen_stop(f.net);

    int file = open(t.path, O_CREAT | O_WRONLY, 0600);
    close(file);
    cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0, 16), UV_EEXIST);
    cr_assert_eq(access(t.path, F_OK), 0);
    close(fd);
    fx_end(&f);
    temp_remove(&t);
}

Test(listener, does_not_take_a_socket_that_is_served)
{
    fx f;
    temp_dir t;
    temp_make(&t);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", t.path);
    fx_start(&f);
    /* One whose queue is full, so that connecting would wait, is served as well. */
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(other, (struct sockaddr *)&un, sizeof un), 0);
    cr_assert_eq(listen(other, 0), 0);
    int waiting = unix_connect(t.path); /* a queue of 0 takes one */
    cr_assert_geq(waiting, 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0, 16), UV_EADDRINUSE);
    close(waiting);
    close(other);
    cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0, 16), 0);
    fx_end(&f);

    int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_eq(bind(datagrams, (struct sockaddr *)&un, sizeof un), 0);
    fx_start(&f);
    cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0, 16), UV_EADDRINUSE);
    cr_assert_eq(access(t.path, F_OK), 0);
    close(datagrams);
    fx_end(&f);
    temp_remove(&t);
}

Test(listener, knows_addresses_from_names)
{
    static const char *const addresses[] = {"127.0.0.1", "*", "::*", "::1", "0.0.0.0"};
    static const char *const names[] = {"", "localhost", "1.2.3", "-::1", "300.1.1.1"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        cr_assert(rl_net_is_address(addresses[i]), "%s", addresses[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert_not(rl_net_is_address(names[i]), "%s", names[i]);
}

/* The machine's own name is the one that can be looked up anywhere; and a number is its own. */
Test(listener, resolves_names_before_it_listens)
{
    fx f;
    char address[64] = "";
    fx_start(&f);
    cr_assert_eq(rl_net_resolve(&f.loop, "localhost", address, sizeof address), 0);
    cr_assert(strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0, "%s", address);
    cr_assert_eq(rl_net_resolve(&f.loop, "127.0.0.3", address, sizeof address), 0);
    cr_assert_str_eq(address, "127.0.0.3");
    cr_assert_eq(rl_net_resolve(&f.loop, "::1", address, sizeof address), 0);
    cr_assert_str_eq(address, "::1");
    cr_assert_lt(rl_net_resolve(&f.loop, "no such name", address, sizeof address), 0);
    fx_end(&f);
}

Test(listener, leaves_another_servers_socket_file_alone)
{
    fx f;
    temp_dir t;
    temp_make(&t);
    fx_start(&f);
    cr_assert_eq(rl_net_listen_unix(f.net, t.path, 0, 16), 0);
    /* Another takes the path over; the first one's inode is still in use, so it gets its own. */
    int first = unix_connect(t.path);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", t.path);
    char aside[128];
    snprintf(aside, sizeof aside, "%s.old", t.path);
    cr_assert_eq(rename(t.path, aside), 0);
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(other, (struct sockaddr *)&un, sizeof un), 0);
    rl_net_listen_stop(f.net);
    cr_assert_eq(access(t.path, F_OK), 0);
    close(first);
    close(other);
    unlink(aside);
    fx_end(&f);
    temp_remove(&t);
}

/* ---- out of descriptors ---- */

Test(listener, rests_when_descriptors_run_out_and_goes_on)
{
    fx f;
    struct rlimit limit;
    int waiting[4], taken[256], count = 0;
    rl_log_set_level(RL_LOG_NOTHING);
    fx_start_tcp(&f);
    int fd = fx_client(&f);
    /* Clients that the server has not accepted yet. */
    for (int i = 0; i < 4; i++)
        waiting[i] = fx_connect(&f);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 128;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (count < 256 && (taken[count] = dup(0)) >= 0)
        count++;
    cr_assert_eq(errno, EMFILE);

    int turns = f.turns;
    uv_run(&f.loop, UV_RUN_ONCE); /* tries to accept, in vain, and begins to wait */
    cr_assert_eq(f.opened, 1);
    /* Blocks until the wait is over: it does not spin. */
    uv_run(&f.loop, UV_RUN_ONCE);
    uv_run(&f.loop, UV_RUN_ONCE);
    cr_assert_leq(f.turns, turns + 8);
    /* Those that are connected are served meanwhile. */
    fx_send_text(&f, fd, "served\n");
    fx_expect(&f, fd, "served\n");

    for (int i = 0; i < count; i++)
        close(taken[i]);
    for (int i = 0; i < 4; i++) {
        fx_send_text(&f, waiting[i], "late\n");
        fx_expect(&f, waiting[i], "late\n");
        close(waiting[i]);
    }
    cr_assert_eq(f.opened, 5);
    close(fd);
    fx_end(&f);
}

Test(listener, closing_the_net_while_it_rests)
{
    fx f;
    struct rlimit limit;
    int taken[256], count = 0;
    rl_log_set_level(RL_LOG_NOTHING);
    fx_start_tcp(&f);
    int waiting = fx_connect(&f);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 128;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (count < 256 && (taken[count] = dup(0)) >= 0)
        count++;
    uv_run(&f.loop, UV_RUN_ONCE);
    cr_assert_eq(f.opened, 0);
    fx_end(&f);
    for (int i = 0; i < count; i++)
        close(taken[i]);
    close(waiting);
}
