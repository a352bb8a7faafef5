/* SPDX-License-Identifier: MIT */
/* File system types by the magic number of statfs(2). */
#include "store/fsinfo.h"

#include <errno.h>
#include <stddef.h>
#include <sys/vfs.h>

static const struct {
    uint64_t magic;
    rl_fs_kind kind;
    const char *name;
} types[] = {
    {0x0000ef53, RL_FS_LOCAL, "ext4"}, /* ext2 and ext3 as well */
    {0x58465342, RL_FS_LOCAL, "xfs"},        {0x9123683e, RL_FS_LOCAL, "btrfs"},
    {0x2fc12fc1, RL_FS_LOCAL, "zfs"},        {0x01021994, RL_FS_LOCAL, "tmpfs"},
    {0x858458f6, RL_FS_LOCAL, "ramfs"},      {0x794c7630, RL_FS_LOCAL, "overlay"},
    {0xf2f52010, RL_FS_LOCAL, "f2fs"},       {0xca451a4e, RL_FS_LOCAL, "bcachefs"},
    {0x52654973, RL_FS_LOCAL, "reiserfs"},   {0x3153464a, RL_FS_LOCAL, "jfs"},
    {0x00003434, RL_FS_LOCAL, "nilfs"},      {0x24051905, RL_FS_LOCAL, "ubifs"},
    {0x00004d44, RL_FS_LOCAL, "vfat"},       {0x2011bab0, RL_FS_LOCAL, "exfat"},
    {0x5346544e, RL_FS_LOCAL, "ntfs"},       {0x7366746e, RL_FS_LOCAL, "ntfs3"},
    {0x00006969, RL_FS_NETWORK, "nfs"},      {0x0000517b, RL_FS_NETWORK, "smb"},
    {0xfe534d42, RL_FS_NETWORK, "smb2"},     {0xff534d42, RL_FS_NETWORK, "cifs"},
    {0x5346414f, RL_FS_NETWORK, "afs"},      {0x6b414653, RL_FS_NETWORK, "kafs"},
    {0x01021997, RL_FS_NETWORK, "9p"}, /* folders that a virtual machine shares with its host */
    {0x786f4256, RL_FS_NETWORK, "vboxsf"},   {0x00c36400, RL_FS_NETWORK, "ceph"},
    {0x73757245, RL_FS_NETWORK, "coda"},     {0x0000564c, RL_FS_NETWORK, "ncp"},
    {0x7461636f, RL_FS_NETWORK, "ocfs2"},    {0x01161970, RL_FS_NETWORK, "gfs2"},
    {0x0bd00bd0, RL_FS_NETWORK, "lustre"},   {0x47504653, RL_FS_NETWORK, "gpfs"},
    {0x20030528, RL_FS_NETWORK, "orangefs"}, {0x19830326, RL_FS_NETWORK, "beegfs"},
    {0x65735546, RL_FS_UNKNOWN, "fuse"}, /* sshfs, GlusterFS, virtiofs; but also ntfs-3g and others
                                          */
};

void rl_fsinfo_of_magic(uint64_t magic, rl_fsinfo *out) {
    *out = (rl_fsinfo){.kind = RL_FS_UNKNOWN, .name = "unknown", .magic = magic};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].magic == magic) {
            out->kind = types[i].kind;
            out->name = types[i].name;
            return;
        }
    }
}

int rl_fsinfo_read(const char *path, rl_fsinfo *out) {
    struct statfs fs;
    int rc;
    do
        rc = statfs(path, &fs);
    while (rc != 0 && errno == EINTR);
    if (rc == 0) /* f_type is signed, and of 32 bits on some machines */
        rl_fsinfo_of_magic((uint32_t)fs.f_type, out);
    return rc;
}
