/* SPDX-License-Identifier: MIT */
/*
 * The server that import talks to: connecting and logging in, and a rubellite-server of one's own
 * on a data directory. Errors are said on stderr.
 */
#ifndef RL_ADMIN_PEER_H
#define RL_ADMIN_PEER_H

#include <sys/types.h>

#include "admin/admin.h"
#include "admin/datadir.h"

/* A connected socket to the server that --socket, or --host and --port name; -1 (said). */
int admin_connect(const admin_args *args);
/* A connected socket, or -1 and errno. */
int admin_connect_unix(const char *path);
/* Sends AUTH if there is a password (--pass, --askpass, REDISCLI_AUTH), then PING, and waits for
 * the answers. An exit code. The socket is blocking before and after. */
int admin_log_in(int fd, const admin_args *args);

typedef struct admin_own_server {
    pid_t pid;     /* 0: none */
    int dir_fd;    /* of the data directory */
    char name[64]; /* of the socket, in it */
    int log_fd;    /* what it prints */
} admin_own_server;

/* Starts rubellite-server on the directory and connects; *fd is the socket. An exit code. */
int admin_own_server_start(admin_own_server *s, const admin_datadir *d, const admin_args *args,
                           int *fd);
/* Stops it cleanly: everything is in the database then. Close the socket first. An exit code. */
int admin_own_server_stop(admin_own_server *s, bool quiet);

#endif
