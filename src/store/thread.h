/* SPDX-License-Identifier: MIT */
/* Starting the store's own threads. */
#ifndef RL_STORE_THREAD_H
#define RL_STORE_THREAD_H

#include <pthread.h>

/* How much the store's threads stand back. The loop and, on the same machine, the client decide how
 * fast commands are answered, and on two cores a fold would take a third of their time in bursts.
 * With this the fold takes what is left; should that be too little, the backlog's limit stops the
 * loop from reading, which gives it the time. */
#define RL_STORE_NICE 5

/* Starts a thread with every signal blocked (signals are the loop's), a name of at most 15 bytes
 * for debuggers and top, and a nice value to be polite by (0: as the process). 0 or an errno. */
int rl_thread_start(pthread_t *thread, const char *name, int nice_by, void (*run)(void *arg),
                    void *arg);

#endif
