/* SPDX-License-Identifier: MIT */
/*
 * What kind of file system a directory is on. Network file systems break locks and the shared
 * memory of SQLite's WAL index, so the store refuses them unless forced. Any thread.
 */
#ifndef RL_STORE_FSINFO_H
#define RL_STORE_FSINFO_H

#include <stdint.h>

typedef enum rl_fs_kind {
    RL_FS_LOCAL,   /* known to be on this machine */
    RL_FS_NETWORK, /* known to be shared: NFS, SMB, AFS, 9P, Ceph … */
    RL_FS_UNKNOWN, /* could be either: FUSE, or a type not in the list */
} rl_fs_kind;

typedef struct rl_fsinfo {
    rl_fs_kind kind;
    const char *name; /* "ext4", "nfs", "fuse"; "unknown" for a type not in the list. Static. */
    uint64_t magic;   /* of statfs */
} rl_fsinfo;

/* 0, or -1 and errno. path exists. */
int rl_fsinfo_read(const char *path, rl_fsinfo *out);
/* The same for a magic number; what rl_fsinfo_read looks up. */
void rl_fsinfo_of_magic(uint64_t magic, rl_fsinfo *out);

#endif
