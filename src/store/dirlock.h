/* SPDX-License-Identifier: MIT */
/*
 * One server per data directory: an exclusive lock on DIR/rubellite.lock, held from acquire to
 * release. The system drops it when the process ends, however it ends. The file stays; while the
 * lock is held it says who holds it, for people and for the refusal of a second server:
 *
 *     pid 4711
 *     started 2026-11-21T02:28:00Z
 *     host db1
 *
 * Where that cannot be written, as on a full disk, the lock holds all the same.
 *
 * The lock belongs to the open file: a child made by fork has it as well until it calls exec, and a
 * process that becomes a daemon acquires it afterwards, so that the pid is right. One thread.
 */
#ifndef RL_STORE_DIRLOCK_H
#define RL_STORE_DIRLOCK_H

#include <stdbool.h>
#include <stddef.h>

#define RL_DIRLOCK_NAME "rubellite.lock"

typedef enum rl_dirlock_error {
    RL_DIRLOCK_OK = 0,
    RL_DIRLOCK_HELD = -1, /* by another process (or by this one already) */
    RL_DIRLOCK_IO = -2,   /* the file cannot be made or locked */
} rl_dirlock_error;

typedef struct rl_dirlock rl_dirlock;

/* On failure *out is untouched and error has a sentence that names the file and, when held, the
 * holder. */
int rl_dirlock_acquire(const char *dir, rl_dirlock **out, char *error, size_t error_len);
void rl_dirlock_release(rl_dirlock *lock); /* NULL is fine */

typedef struct rl_dirlock_holder {
    bool held;        /* by a process that runs now; the rest is empty when not */
    char pid[32];     /* "" when not known */
    char started[64]; /* "2026-11-21T02:28:00Z" */
    char host[128];
} rl_dirlock_holder;

/* Who holds the directory, without taking it. A file that cannot be opened counts as not held; no
 * file is made. Looking takes a shared lock for an instant when nobody holds it. */
void rl_dirlock_look(const char *dir, rl_dirlock_holder *out);

#endif
