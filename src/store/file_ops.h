/* SPDX-License-Identifier: MIT */
/*
 * Every operation that changes files without SQLite, the journal's, the backups' and the restores',
 * as one table of functions. In the server it is the system; tests put a file system of their own
 * underneath, whose n-th call fails and which forgets at will what was not synced. Any thread may
 * call the functions; the table is chosen while no store is open.
 *
 * Results are those of the system calls: -1 and errno on failure. Interrupted calls (EINTR) are
 * repeated inside, except for the two syncs, where a second try could hide a failure.
 */
#ifndef RL_STORE_FILE_OPS_H
#define RL_STORE_FILE_OPS_H

#include <stdint.h>
#include <sys/types.h>

typedef struct rl_file_ops {
    int (*open)(const char *path, int flags, mode_t mode); /* O_CLOEXEC is added */
    int (*close)(int fd);
    int64_t (*size)(int fd);
    ssize_t (*pread)(int fd, void *to, size_t len, off_t offset);
    ssize_t (*pwrite)(int fd, const void *from, size_t len, off_t offset); /* may write less */
    int (*datasync)(int fd);           /* contents and length are safe */
    int (*sync_dir)(const char *path); /* names made, changed and removed in it are safe */
    int (*rename)(const char *from, const char *to);
    int (*rename_new)(const char *from, const char *to); /* EEXIST rather than replace anything */
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    /* Calls each with every name in the directory but "." and "..", in no order. */
    int (*list)(const char *path, void (*each)(void *arg, const char *name), void *arg);
} rl_file_ops;

const rl_file_ops *rl_file_ops_get(void);
void rl_file_ops_set(const rl_file_ops *ops); /* NULL: the system again */

/* Read or write all of it, going on after short counts. 0, or -1 and errno; reading past the end of
 * the file is EIO, as is a write that makes no progress. */
int rl_file_read_all(int fd, void *to, size_t len, uint64_t offset);
int rl_file_write_all(int fd, const void *from, size_t len, uint64_t offset);

#endif
