/* SPDX-License-Identifier: MIT */
/*
 * A database that an older version wrote. First a backup of it, checked and synced, among the other
 * backups, so that the older version can be gone back to; then the tables it lacks, in one
 * transaction. Killed in between, the next start does both again. Nothing has been changed when one
 * of them fails.
 *
 * The journal that the older version left is folded afterwards: its batches have nothing that we do
 * not know.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "store/backup.h"
#include "store/schema.h"
#include "store/store_internal.h"

static int back_up(const rl_store *s, int version, rl_backup_entry *backup, char *error,
                   size_t error_len) {
    char why[512];
    rl_backup_options options = {.source = s->path, .dir = s->backup_dir, .stem = s->stem};
    int code = rl_backup_run(&options, backup, why, sizeof why);
    if (code == RL_STORE_DAMAGED) { /* of the file itself: what is to be done, the caller knows */
        snprintf(error, error_len, "%s", why);
    } else if (code != RL_STORE_OK) {
        snprintf(
            error, error_len,
            "%s has schema version %d and is to be migrated to %d, which is not done without a "
            "backup, and that failed: %s. Nothing was changed. Mend that (or set another "
            "backup-dir) and start again",
            s->path, version, RL_SCHEMA_VERSION, why);
    }
    return code;
}

int store_migrate(rl_store *s, char *error, size_t error_len) {
    int version;
    int code = rl_schema_version(s->path, &version, error, error_len);
    if (code != RL_STORE_OK || version == 0 || version == RL_SCHEMA_VERSION)
        return code;
    rl_backup_entry backup = {0};
    code = back_up(s, version, &backup, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    code = rl_schema_migrate(s->path, error, error_len);
    if (code == RL_STORE_OK)
        rl_log(RL_LOG_NOTICE,
               "%s: migrated from schema version %d to %d. Older versions of the server cannot "
               "read it any more; as it was, it is in %s",
               s->path, version, RL_SCHEMA_VERSION, backup.path);
    rl_backup_entry_release(&backup);
    return code;
}
