/* SPDX-License-Identifier: MIT */
/* Running redis-server; see redis_program.h. */
#include "redis_program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

pid_t redis_begin(const char *sock, const char *dir) {
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", sock, "--save", "",
               "--dir", dir, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* NULL while it does not listen yet. */
static redisContext *try_redis(const char *sock) {
    redisContext *c = redisConnectUnix(sock);
    if (c && c->err) {
        redisFree(c);
        c = NULL;
    }
    return c;
}

redisContext *redis_connect(const char *sock, pid_t pid) {
    redisContext *c = NULL;
    TEST_WAIT_UNTIL((c = try_redis(sock)) != NULL);
    cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "redis-server has ended");
    return c;
}

void redis_end(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
