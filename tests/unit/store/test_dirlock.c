/* SPDX-License-Identifier: MIT */
/* One server per directory. */
#include "store/dirlock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/rubellite-test-XXXXXX";
static char path[sizeof(dir) + 32];
static char error[512];

static void setup(void) {
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/%s", dir, RL_DIRLOCK_NAME);
}

static void teardown(void) {
    unlink(path);
    rmdir(path);
    rmdir(dir);
}

TestSuite(dirlock, .init = setup, .fini = teardown);

static void read_file(char *out, size_t len) {
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f);
    size_t n = fread(out, 1, len - 1, f);
    out[n] = '\0';
    fclose(f);
}

Test(dirlock, says_who_holds_it)
{
    rl_dirlock *lock = NULL;
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_OK);
    char content[256];
    read_file(content, sizeof(content));
    long pid;
    char started[64];
    char host[128];
    cr_assert_eq(sscanf(content, "pid %ld\nstarted %63s\nhost %127s\n", &pid, started, host), 3);
    cr_assert_eq(pid, (long)getpid());
    cr_assert_eq(strlen(started), 20);
    char name[128];
    gethostname(name, sizeof(name));
    cr_assert_str_eq(host, name);
    rl_dirlock_release(lock);
    read_file(content, sizeof(content));
    cr_assert_str_eq(content, "");
}

/* As on a full disk: the start of a server must not depend on these lines. */
Test(dirlock, it_holds_without_saying_who)
{
    struct rlimit none = {0, RLIM_INFINITY}, before;
    getrlimit(RLIMIT_FSIZE, &before);
    none.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    rl_dirlock *lock = NULL;
    int rc = rl_dirlock_acquire(dir, &lock, error, sizeof(error));
    setrlimit(RLIMIT_FSIZE, &before);
    cr_assert_eq(rc, RL_DIRLOCK_OK, "%s", error);
    char content[256];
    read_file(content, sizeof(content));
    cr_assert_str_eq(content, "");
    rl_dirlock *second = NULL;
    cr_assert_eq(rl_dirlock_acquire(dir, &second, error, sizeof(error)), RL_DIRLOCK_HELD);
    rl_dirlock_release(lock);
}

Test(dirlock, a_second_one_is_refused_and_told_who)
{
    rl_dirlock *lock = NULL;
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_OK);
    rl_dirlock *second = (rl_dirlock *)&error;
    cr_assert_eq(rl_dirlock_acquire(dir, &second, error, sizeof(error)), RL_DIRLOCK_HELD);
    cr_assert_eq(second, (rl_dirlock *)&error, "*out is untouched");
    char pid[64];
    snprintf(pid, sizeof(pid), "process %ld ", (long)getpid());
    cr_assert(strstr(error, pid), "%s", error);
    cr_assert(strstr(error, path), "%s", error);
    rl_dirlock_release(lock);
    cr_assert_eq(rl_dirlock_acquire(dir, &second, error, sizeof(error)), RL_DIRLOCK_OK);
    rl_dirlock_release(second);
    rl_dirlock_release(NULL);
}

Test(dirlock, refused_even_when_the_holder_is_not_named)
{
    rl_dirlock *lock = NULL;
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_OK);
    static const char *const contents[] = {"", "\n", "pid \nstarted\nhost x", "pid 1", "garbage"};
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        FILE *f = fopen(path, "w");
        fputs(contents[i], f);
        fclose(f);
        rl_dirlock *second;
        cr_assert_eq(rl_dirlock_acquire(dir, &second, error, sizeof(error)), RL_DIRLOCK_HELD);
        cr_assert(strstr(error, "held by another process"), "%s", error);
    }
    rl_dirlock_release(lock);
}

Test(dirlock, ends_with_its_process)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        rl_dirlock *lock;
        char result = rl_dirlock_acquire(dir, &lock, error, sizeof(error)) == 0 ? 'y' : 'n';
        if (write(ready[1], &result, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char result = 0;
    cr_assert_eq(read(ready[0], &result, 1), 1);
    cr_assert_eq(result, 'y');
    rl_dirlock *lock;
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_HELD);
    char pid[64];
    snprintf(pid, sizeof(pid), "process %ld ", (long)child);
    cr_assert(strstr(error, pid), "%s", error);
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_OK);
    rl_dirlock_release(lock);
    close(ready[0]);
    close(ready[1]);
}

Test(dirlock, errors_of_the_system_are_told)
{
    rl_dirlock *lock;
    cr_assert_eq(rl_dirlock_acquire("/no/such/place", &lock, error, sizeof(error)), RL_DIRLOCK_IO);
    cr_assert_str_eq(error,
                     "No such file or directory while opening /no/such/place/" RL_DIRLOCK_NAME);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_IO);
    cr_assert(strstr(error, "Is a directory while opening "), "%s", error);
}

Test(dirlock, looking_tells_the_holder_and_takes_nothing)
{
    rl_dirlock_holder holder;
    rl_dirlock_look(dir, &holder);
    cr_assert_not(holder.held, "there is no file");
    cr_assert_neq(access(path, F_OK), 0, "looking makes no file");
    rl_dirlock *lock = NULL;
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_OK);
    rl_dirlock_look(dir, &holder);
    cr_assert(holder.held);
    cr_assert_eq(atol(holder.pid), (long)getpid());
    cr_assert_eq(strlen(holder.started), 20);
    rl_dirlock_release(lock);
    rl_dirlock_look(dir, &holder);
    cr_assert_not(holder.held);
    cr_assert_str_eq(holder.pid, "");
    cr_assert_eq(rl_dirlock_acquire(dir, &lock, error, sizeof(error)), RL_DIRLOCK_OK,
                 "looking holds nothing");
    rl_dirlock_release(lock);
}
