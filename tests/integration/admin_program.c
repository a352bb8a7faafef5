/* SPDX-License-Identifier: MIT */
/* Running the administration program. See admin_program.h. */
#include "admin_program.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

#define ARGUMENTS_MAX 32

static admin_result ran;

/* In the new process. */
static void become(char *words) {
    char *argv[ARGUMENTS_MAX + 2], *rest = NULL;
    int count = 0;
    argv[count++] = getenv("RUBELLITE");
    for (char *word = strtok_r(words, " ", &rest); word && count <= ARGUMENTS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[count++] = word;
    argv[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(argv[0], argv);
    _exit(127);
}

static int temporary(void) {
    char path[] = "/tmp/rubellite-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    cr_assert_geq(fd, 0, "mkostemp: %s", strerror(errno));
    unlink(path);
    return fd;
}

static char *read_all(int fd, size_t *len) {
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = malloc((size_t)size + 1);
    cr_assert_not_null(text);
    cr_assert_eq(pread(fd, text, (size_t)size, 0), size);
    text[size] = '\0';
    if (len)
        *len = (size_t)size;
    close(fd);
    return text;
}

int admin_wait(pid_t pid) {
    int status;
    pid_t ended = 0;
    TEST_WAIT_UNTIL((ended = waitpid(pid, &status, WNOHANG)) != 0);
    cr_assert_eq(ended, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void forget(void) {
    cr_assert_not_null(getenv("RUBELLITE"), "RUBELLITE does not name the program");
    free(ran.out);
    free(ran.err);
    ran = (admin_result){0};
}

#define TAKE_WORDS(words, format)                                                                  \
    char words[4096];                                                                              \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    cr_assert_lt(vsnprintf(words, sizeof words, format, args), (int)sizeof words);                 \
    va_end(args)

static pid_t begin(int in, int out, int err, char *words) {
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        if ((in >= 0 && dup2(in, STDIN_FILENO) < 0) || (out >= 0 && dup2(out, STDOUT_FILENO) < 0) ||
            (err >= 0 && dup2(err, STDERR_FILENO) < 0))
            _exit(126);
        become(words);
    }
    return pid;
}

const admin_result *admin_run_from(const char *input, const char *format, ...) {
    TAKE_WORDS(words, format);
    forget();
    int in = open(input ? input : "/dev/null", O_RDONLY | O_CLOEXEC);
    int out = temporary(), err = temporary();
    cr_assert_geq(in, 0, "%s: %s", input, strerror(errno));
    ran.code = admin_wait(begin(in, out, err, words));
    close(in);
    ran.out = read_all(out, &ran.len);
    ran.err = read_all(err, NULL);
    return &ran;
}

pid_t admin_begin(int input_fd, const char *format, ...) {
    TAKE_WORDS(words, format);
    return begin(input_fd, -1, -1, words);
}

/* Reads what the terminal shows until the program has ended. */
static void watch_terminal(int fd, const char *prompt, const char *answer) {
    size_t room = 1 << 20;
    int64_t deadline_ms = test_now_ms() + TEST_WAIT_MS;
    ran.out = calloc(1, room + 1);
    cr_assert_not_null(ran.out);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        cr_assert_lt(test_now_ms(), deadline_ms, "in vain: the end of the program");
        if (poll(&p, 1, 100) <= 0)
            continue;
        ssize_t got = read(fd, ran.out + ran.len, room - ran.len);
        if (got <= 0)
            break; /* EIO: nobody has the terminal open any more */
        ran.len += (size_t)got;
        ran.out[ran.len] = '\0';
        if (answer && strstr(ran.out, prompt)) {
            cr_assert_eq(write(fd, answer, strlen(answer)), (ssize_t)strlen(answer));
            answer = NULL;
        }
    }
}

const admin_result *admin_run_on_terminal(const char *prompt, const char *answer,
                                          const char *format, ...) {
    TAKE_WORDS(words, format);
    forget();
    int fd;
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    cr_assert_geq(pid, 0, "forkpty: %s", strerror(errno));
    if (pid == 0) {
        setenv("TERM", "xterm", 1);
        become(words);
    }
    watch_terminal(fd, prompt, answer);
    close(fd);
    ran.code = admin_wait(pid);
    ran.err = calloc(1, 1);
    return &ran;
}

void admin_expect_code(const admin_result *r, int code) {
    cr_assert_eq(r->code, code, "exit code %d, expected %d:\n%.2000s%s", r->code, code, r->out,
                 r->err);
}

void admin_expect_says(const admin_result *r, const char *text) {
    cr_assert(strstr(r->out, text) || strstr(r->err, text), "'%s' was not said:\n%.2000s%s", text,
              r->out, r->err);
}
