/* SPDX-License-Identifier: MIT */
/* rubellite backup: one backup of the database in a directory, with or without a running server. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/admin.h"
#include "admin/datadir.h"
#include "admin/output.h"
#include "base/clock.h"
#include "store/backup.h"
#include "store/store.h"

static bool on_step(void *arg, uint64_t bytes_done, uint64_t bytes_total) {
    (void)arg;
    admin_progress(bytes_done, bytes_total);
    return true;
}

static int check_target(const char *to) {
    struct stat st;
    if (admin_is_directory(to)) {
        admin_error("--to %s: is a directory; expected the name of a file. --backup-dir %s puts a "
                    "backup with a name of its own there",
                    to, to);
        return ADMIN_USAGE;
    }
    if (lstat(to, &st) == 0) {
        admin_error("%s exists already: choose another name, or remove it", to);
        return ADMIN_FAILED;
    }
    return ADMIN_OK;
}

typedef struct result {
    rl_backup_entry entry;
    uint64_t settled; /* batches folded before */
    size_t removed;   /* older backups */
    int64_t took_ms;
} result;

static void report(const result *r, const admin_datadir *d, const admin_args *args) {
    char bytes[32], keys[32];
    if (args->json) {
        admin_json j = {0};
        admin_json_open(&j, NULL, '{');
        admin_json_text(&j, "path", r->entry.path);
        admin_json_uint(&j, "bytes", r->entry.bytes);
        admin_json_uint(&j, "keys", r->entry.keys);
        admin_json_uint(&j, "folded_seq", r->entry.folded_seq);
        admin_json_int(&j, "made_ms", r->entry.made_ms);
        admin_json_int(&j, "took_ms", r->took_ms);
        admin_json_bool(&j, "server_running", d->holder.held);
        admin_json_uint(&j, "batches_folded_first", r->settled);
        admin_json_uint(&j, "backups_removed", r->removed);
        admin_json_close(&j, '}');
        admin_json_print(&j);
        return;
    }
    if (args->quiet)
        return;
    printf("%s: %s %s, %s, checked, in %.1f s\n", r->entry.path,
           admin_count_text(keys, r->entry.keys), admin_plural(r->entry.keys, "key", "keys"),
           admin_bytes_text(bytes, r->entry.bytes), (double)r->took_ms / 1000);
    if (r->removed)
        printf("%zu older %s removed\n", r->removed,
               admin_plural(r->removed, "backup was", "backups were"));
}

static int run(const admin_datadir *d, const admin_args *args, result *r) {
    char error[ADMIN_ERROR_LEN];
    rl_backup_options options = {
        .source = d->path,
        .dir = d->backups,
        .stem = d->stem,
        .target = args->to,
        .rate = args->rate,
        .on_step = on_step,
    };
    int64_t begin_ms = rl_clock_mono_ms();
    admin_progress_begin("Copying", ADMIN_BYTES, args->quiet);
    int rc = rl_backup_run(&options, &r->entry, error, sizeof error);
    admin_progress_end();
    if (rc != RL_STORE_OK) {
        admin_error("no backup was made: %s", error);
        return ADMIN_FAILED;
    }
    r->took_ms = rl_clock_mono_ms() - begin_ms;
    if (args->keep)
        r->removed = rl_backup_prune(d->backups, d->stem, (size_t)args->keep);
    return ADMIN_OK;
}

int admin_backup(admin_args *args) {
    if (args->to && (args->backup_dir || args->keep)) {
        admin_error("--to FILE goes without %s: expected a file, or a directory of backups",
                    args->keep ? "--keep" : "--backup-dir");
        return ADMIN_USAGE;
    }
    admin_datadir d;
    result r = {0};
    int code = admin_datadir_open(&d, args->word_count ? args->words[0] : ".", args, true);
    if (code != ADMIN_OK)
        return code;
    if (args->to)
        code = check_target(args->to);
    if (code == ADMIN_OK)
        code = admin_prepare_source(&d, args, &r.settled);
    if (code == ADMIN_OK)
        code = run(&d, args, &r);
    if (code == ADMIN_OK) {
        report(&r, &d, args);
        rl_backup_entry_release(&r.entry);
    }
    admin_datadir_release(&d);
    return code;
}
