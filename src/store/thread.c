/* SPDX-License-Identifier: MIT */
/* Starting the store's own threads; see thread.h. */
#include "store/thread.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

typedef struct thread_start {
    void (*run)(void *arg);
    void *arg;
    int nice_by;
    char name[16];
} thread_start;

static void *thread_main(void *arg) {
    thread_start start = *(thread_start *)arg;
    rl_free(arg);
    pthread_setname_np(pthread_self(), start.name);
    if (start.nice_by) {
        /* On Linux the nice value is a thread's own. Refusal would only cost politeness. */
        id_t tid = (id_t)syscall(SYS_gettid);
        setpriority(PRIO_PROCESS, tid, getpriority(PRIO_PROCESS, tid) + start.nice_by);
    }
    start.run(start.arg);
    return NULL;
}

int rl_thread_start(pthread_t *thread, const char *name, int nice_by, void (*run)(void *arg),
                    void *arg) {
    thread_start *start = rl_malloc(sizeof *start);
    *start = (thread_start){.run = run, .arg = arg, .nice_by = nice_by};
    snprintf(start->name, sizeof start->name, "%s", name);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        rl_free(start);
    return error;
}
