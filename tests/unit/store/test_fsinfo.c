/* SPDX-License-Identifier: MIT */
/* Kinds of file systems. */
#include "store/fsinfo.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/magic.h>

static rl_fsinfo of(uint64_t magic) {
    rl_fsinfo info;
    rl_fsinfo_of_magic(magic, &info);
    cr_assert_eq(info.magic, magic);
    return info;
}

Test(fsinfo, network_file_systems)
{
    static const uint64_t magics[] = {
        NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,  AFS_SUPER_MAGIC,
        V9FS_MAGIC,      CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC, OCFS2_SUPER_MAGIC,
    };
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        cr_assert_eq(of(magics[i]).kind, RL_FS_NETWORK, "%s", of(magics[i]).name);
    cr_assert_str_eq(of(NFS_SUPER_MAGIC).name, "nfs");
    cr_assert_str_eq(of(V9FS_MAGIC).name, "9p");
}

Test(fsinfo, local_file_systems)
{
    static const uint64_t magics[] = {
        EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,       BTRFS_SUPER_MAGIC,
        TMPFS_MAGIC,      OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
    };
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        cr_assert_eq(of(magics[i]).kind, RL_FS_LOCAL, "%s", of(magics[i]).name);
    cr_assert_str_eq(of(EXT4_SUPER_MAGIC).name, "ext4");
}

Test(fsinfo, what_could_be_either)
{
    cr_assert_eq(of(FUSE_SUPER_MAGIC).kind, RL_FS_UNKNOWN);
    cr_assert_str_eq(of(FUSE_SUPER_MAGIC).name, "fuse");
    cr_assert_eq(of(0x12345).kind, RL_FS_UNKNOWN);
    cr_assert_str_eq(of(0x12345).name, "unknown");
}

Test(fsinfo, of_a_path)
{
    rl_fsinfo info = {.kind = RL_FS_NETWORK};
    cr_assert_eq(rl_fsinfo_read("/proc", &info), 0);
    cr_assert_eq(info.magic, PROC_SUPER_MAGIC);
    cr_assert_eq(rl_fsinfo_read("/no/such/place", &info), -1);
    cr_assert_eq(errno, ENOENT);
}
