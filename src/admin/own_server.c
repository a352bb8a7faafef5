/* SPDX-License-Identifier: MIT */
/*
 * A rubellite-server of one's own on a data directory, for import; see peer.h. It listens on a Unix
 * socket in the directory and on no port. The socket is named through /proc/self/fd, since the
 * directory's own path may be longer than an address can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admin/output.h"
#include "admin/peer.h"
#include "base/alloc.h"
#include "base/buffer.h"

#define PROGRAM  "rubellite-server"
#define PAUSE_MS 5

/* The server beside this program, or the name alone: then it is looked for in PATH. */
static char *find_program(const admin_args *args) {
    char self[PATH_MAX];
    if (args->server)
        return rl_strdup(args->server);
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = NULL;
    if (len > 0) {
        self[len] = '\0';
        slash = strrchr(self, '/');
    }
    if (slash) {
        rl_buffer path = {0};
        rl_buffer_printf(&path, "%.*s/" PROGRAM, (int)(slash - self), self);
        if (access(rl_buffer_cstr(&path), X_OK) == 0)
            return path.ptr;
        rl_buffer_release(&path);
    }
    return rl_strdup(PROGRAM);
}

/* In the new process. It ends, cleanly, with the one that started it. */
static void become_server(const admin_own_server *s, const char *program, const char *dbfilename,
                          int out) {
    char socket_path[sizeof s->name + 2];
    snprintf(socket_path, sizeof socket_path, "./%s", s->name);
    const char *const argv[] = {
        program, "--dir", ".", "--dbfilename", dbfilename, "--port", "0", "--unixsocket",
        socket_path, "--unixsocketperm", "700",
        /* The journal goes on, but nobody waits for the disk: what was
         * imported is synced when it is folded, at the end at the latest. */
        "--appendonly", "yes", "--appendfsync", "no", "--backup-interval", "0", NULL};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_DFL);
    if (fchdir(s->dir_fd) == 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
        execvp(program, (char *const *)argv);
    dprintf(out, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

/* The last line that it printed says why it did not start. */
static void say_why(const admin_own_server *s, const char *what) {
    char text[4096];
    off_t size = lseek(s->log_fd, 0, SEEK_END), most = (off_t)sizeof text - 1;
    ssize_t len = pread(s->log_fd, text, (size_t)most, size > most ? size - most : 0);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    text[len > 0 ? len : 0] = '\0';
    const char *line = strrchr(text, '\n');
    admin_error(PROGRAM " %s: %s", what, *text ? (line ? line + 1 : text) : "it said nothing");
}

static bool has_ended(admin_own_server *s, int *status) {
    if (waitpid(s->pid, status, WNOHANG) != s->pid)
        return false;
    s->pid = 0;
    return true;
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
}

/* It listens once it has loaded everything, however long that takes. */
static int wait_for_socket(admin_own_server *s) {
    char path[128];
    int status, fd;
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", s->dir_fd, s->name);
    while ((fd = admin_connect_unix(path)) < 0) {
        if (has_ended(s, &status)) {
            say_why(s, "did not start");
            return -1;
        }
        nap();
    }
    return fd;
}

/* A file without a name: nothing of it stays, however this ends. */
static bool open_log(admin_own_server *s) {
    char path[] = "/tmp/rubellite-import-XXXXXX";
    s->log_fd = mkostemp(path, O_CLOEXEC);
    if (s->log_fd < 0)
        admin_error("cannot make %s: %s", path, strerror(errno));
    else
        unlink(path);
    return s->log_fd >= 0;
}

static void forget(admin_own_server *s) {
    if (s->dir_fd >= 0) {
        unlinkat(s->dir_fd, s->name, 0);
        close(s->dir_fd);
    }
    if (s->log_fd >= 0)
        close(s->log_fd);
    *s = (admin_own_server){.dir_fd = -1, .log_fd = -1};
}

int admin_own_server_start(admin_own_server *s, const admin_datadir *d, const admin_args *args,
                           int *fd) {
    *s = (admin_own_server){.dir_fd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            .log_fd = -1};
    snprintf(s->name, sizeof s->name, ".import-%ld.sock", (long)getpid());
    if (s->dir_fd < 0) {
        admin_error("%s: %s", d->dir, strerror(errno));
        return ADMIN_FAILED;
    }
    char *program = find_program(args);
    if (open_log(s)) {
        s->pid = fork();
        if (s->pid == 0)
            become_server(s, program, d->dbfilename, s->log_fd);
        if (s->pid < 0)
            admin_error("cannot start " PROGRAM ": %s", strerror(errno));
    }
    rl_free(program);
    *fd = s->pid > 0 ? wait_for_socket(s) : -1;
    if (*fd >= 0)
        return ADMIN_OK;
    forget(s);
    return ADMIN_FAILED;
}

int admin_own_server_stop(admin_own_server *s, bool quiet) {
    int status = 0, code = ADMIN_OK;
    admin_progress_begin("Bringing it into the database", ADMIN_TIME, quiet);
    kill(s->pid, SIGTERM);
    while (!has_ended(s, &status)) {
        admin_progress(0, 0);
        nap();
    }
    admin_progress_end();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        say_why(s, "did not stop well");
        code = ADMIN_FAILED;
    }
    forget(s);
    return code;
}
