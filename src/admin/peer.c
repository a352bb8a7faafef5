/* SPDX-License-Identifier: MIT */
/* Connecting and logging in; see peer.h. */
#include "admin/peer.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "admin/output.h"
#include "base/buffer.h"

/* --- connecting ------------------------------------------------------------------------------ */

/* -1 and errno. */
static int connect_to(int family, const struct sockaddr *address, socklen_t len) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, address, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int connect_tcp(const char *host, int port) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    int rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0) {
        admin_error("host '%s': %s", host, gai_strerror(rc));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen);
    int error = errno;
    freeaddrinfo(list);
    if (fd < 0)
        admin_error(
            "cannot connect to %s port %d: %s. Is a server running there? (-h HOST -p PORT, "
            "-s SOCKET, or a data directory, for which one is started)",
            host, port, strerror(error));
    else
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
    return fd;
}

int admin_connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return connect_to(AF_UNIX, (struct sockaddr *)&address, sizeof address);
}

int admin_connect(const admin_args *args) {
    if (!args->socket)
        return connect_tcp(args->host, (int)args->port);
    int fd = admin_connect_unix(args->socket);
    if (fd < 0)
        admin_error("cannot connect to %s: %s", args->socket, strerror(errno));
    return fd;
}

/* --- logging in ------------------------------------------------------------------------------ */

static bool send_all(int fd, rl_bytes bytes) {
    while (bytes.len) {
        ssize_t done = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes.ptr += done;
        bytes.len -= (size_t)done;
    }
    return true;
}

/* One line, byte by byte: nothing behind it may be taken. */
static bool read_line(int fd, char *out, size_t out_len) {
    size_t len = 0;
    char c;
    for (;;) {
        ssize_t done = recv(fd, &c, 1, 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            if (done == 0)
                errno = ECONNRESET;
            return false;
        }
        if (c == '\n')
            break;
        if (c != '\r' && len + 1 < out_len)
            out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

/* Sends a command and reads its one-line answer; false, said, when there is none or an error. */
static bool ask(int fd, const char *const *words, int count, const char *what) {
    rl_buffer b = {0};
    char line[512];
    rl_buffer_printf(&b, "*%d\r\n", count);
    for (int i = 0; i < count; i++)
        rl_buffer_printf(&b, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    bool sent = send_all(fd, rl_buffer_bytes(&b));
    memset(b.ptr, 0, b.len); /* a password */
    rl_buffer_release(&b);
    if (!sent || !read_line(fd, line, sizeof line)) {
        admin_error("%s: %s", what, strerror(errno));
        return false;
    }
    if (line[0] == '+')
        return true;
    admin_error("%s: the server answered %s", what, line[0] == '-' ? line + 1 : line);
    return false;
}

/* From the terminal itself, since standard input may be the stream. */
static bool read_password(char *out, size_t out_len) {
    FILE *tty = fopen("/dev/tty", "r+e");
    struct termios before, silent;
    if (!tty || tcgetattr(fileno(tty), &before) != 0) {
        if (tty)
            fclose(tty);
        admin_error("--askpass needs a terminal; without one put the password into REDISCLI_AUTH");
        return false;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fileno(tty), TCSAFLUSH, &silent);
    fputs("Password: ", tty);
    fflush(tty);
    bool read = fgets(out, (int)out_len, tty) != NULL;
    tcsetattr(fileno(tty), TCSAFLUSH, &before);
    fputc('\n', tty);
    fclose(tty);
    out[read ? strcspn(out, "\r\n") : 0] = '\0';
    return read;
}

int admin_log_in(int fd, const admin_args *args) {
    char typed[512];
    const char *password = args->password ? args->password : getenv("REDISCLI_AUTH");
    if (args->askpass) {
        if (!read_password(typed, sizeof typed))
            return ADMIN_FAILED;
        password = typed;
    }
    const char *auth[3] = {"AUTH", args->user, password};
    bool good = true;
    if (password && args->user)
        good = ask(fd, auth, 3, "logging in");
    else if (password)
        good = ask(fd, (const char *const[]){"AUTH", password}, 2, "logging in");
    if (good)
        good = ask(fd, (const char *const[]){"PING"}, 1, "asking for an answer");
    return good ? ADMIN_OK : ADMIN_FAILED;
}
