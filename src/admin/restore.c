/* SPDX-License-Identifier: MIT */
/*
 * rubellite restore: puts a backup in place of the database, or lists the backups.
 *
 * What happens to the journal follows from what the user wants:
 *   - The database is missing or damaged: as much as can be. The journal stays, and the next start
 *     of the server applies what goes on from the backup without a gap (and moves the rest aside).
 *     One that does not go on from it at all is moved aside here.
 *   - The database is good: to go back. The journal holds what came later: it is moved aside.
 * A database whose journal was moved aside gets a new run id, since from here on its history is
 * another one: the old journal, or a newer backup, can never be joined to it by mistake.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/datadir.h"
#include "admin/output.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "store/backup.h"
#include "store/check.h"
#include "store/restore.h"
#include "store/store.h"

typedef enum present {
    PRESENT_MISSING,
    PRESENT_DAMAGED,
    PRESENT_GOOD,
} present;

typedef struct restore {
    const admin_args *args;
    const admin_datadir *d;
    rl_backup_entry backup;
    present present;
    char reason[ADMIN_ERROR_LEN]; /* why the present file is not good */
    admin_journal journal;        /* seen from the backup */
    bool journal_aside;           /* it is to be moved aside */
    bool new_history;             /* what comes now does not continue what was */
    rl_restore_report report;
} restore;

static bool keep_going(void *arg) {
    (void)arg;
    admin_progress(0, 0);
    return false;
}

/* --- the list -------------------------------------------------------------------------------- */

/* Checks a backup and reads what is in it; an rl_store_error. */
static int look_at(rl_backup_entry *e, char *error, size_t error_len) {
    int rc = rl_check_file(e->path, RL_CHECK_QUICK, true, keep_going, NULL, error, error_len);
    return rc == RL_STORE_OK ? rl_backup_describe(e, error, error_len) : rc;
}

static void list_text(rl_backup_entry *e, const char *error) {
    char time[32], age[32], bytes[32], keys[32];
    printf("%s  %s ago, %s", admin_time_text(time, e->made_ms),
           admin_age_text(age, rl_clock_wall_ms() - e->made_ms), admin_bytes_text(bytes, e->bytes));
    if (error)
        printf(", NOT GOOD: %s\n", error);
    else
        printf(", %s %s, good  %s\n", admin_count_text(keys, e->keys),
               admin_plural(e->keys, "key", "keys"), e->path);
}

static void list_json(admin_json *j, const rl_backup_entry *e, const char *error) {
    admin_json_open(j, NULL, '{');
    admin_json_text(j, "path", e->path);
    admin_json_int(j, "made_ms", e->made_ms);
    admin_json_uint(j, "bytes", e->bytes);
    admin_json_bool(j, "good", error == NULL);
    if (error) {
        admin_json_text(j, "error", error);
    } else {
        admin_json_uint(j, "keys", e->keys);
        admin_json_uint(j, "folded_seq", e->folded_seq);
    }
    admin_json_close(j, '}');
}

static int read_backups(const admin_datadir *d, rl_backup_entry **list, size_t *count) {
    char error[ADMIN_ERROR_LEN];
    if (rl_backup_list(d->backups, d->stem, list, count, error, sizeof error) == RL_STORE_OK)
        return ADMIN_OK;
    admin_error("%s", error);
    return ADMIN_FAILED;
}

static int show_list(const admin_datadir *d, const admin_args *args) {
    rl_backup_entry *list = NULL;
    size_t count = 0;
    admin_json j = {0};
    if (read_backups(d, &list, &count) != ADMIN_OK)
        return ADMIN_FAILED;
    admin_json_open(&j, NULL, '[');
    for (size_t i = 0; i < count; i++) {
        char error[ADMIN_ERROR_LEN];
        admin_progress_begin("Checking", ADMIN_TIME, args->quiet);
        bool good = look_at(&list[i], error, sizeof error) == RL_STORE_OK;
        admin_progress_end();
        if (args->json)
            list_json(&j, &list[i], good ? NULL : error);
        else
            list_text(&list[i], good ? NULL : error);
        rl_backup_entry_release(&list[i]);
    }
    admin_json_close(&j, ']');
    if (args->json)
        admin_json_print(&j);
    else if (count == 0)
        printf("No backups in %s\n", d->backups);
    rl_buffer_release(&j.text);
    rl_free(list);
    return ADMIN_OK;
}

/* --- choosing -------------------------------------------------------------------------------- */

/* The newest backup that is good. */
static int choose_latest(restore *r) {
    rl_backup_entry *list = NULL;
    size_t count = 0;
    bool found = false;
    if (read_backups(r->d, &list, &count) != ADMIN_OK)
        return ADMIN_FAILED;
    for (size_t i = 0; i < count; i++) {
        char error[ADMIN_ERROR_LEN];
        if (!found && look_at(&list[i], error, sizeof error) == RL_STORE_OK) {
            r->backup = list[i];
            found = true;
            continue;
        }
        if (!found)
            admin_warn("%s: passed over", error);
        rl_backup_entry_release(&list[i]);
    }
    rl_free(list);
    if (!found)
        admin_error(count ? "none of the backups in %s is good" : "there are no backups in %s",
                    r->d->backups);
    return found ? ADMIN_OK : ADMIN_FAILED;
}

/* A path, or a name in the backups' directory. */
static int choose_named(restore *r, const char *name) {
    char error[ADMIN_ERROR_LEN];
    rl_buffer path = {0};
    rl_buffer_add_text(&path, name);
    if (access(name, F_OK) != 0 && !strchr(name, '/')) {
        rl_buffer_clear(&path);
        rl_buffer_printf(&path, "%s/%s", r->d->backups, name);
    }
    rl_buffer_cstr(&path);
    r->backup = (rl_backup_entry){.path = path.ptr, .bytes = admin_file_bytes(path.ptr)};
    if (access(path.ptr, F_OK) != 0) {
        admin_error("%s: %s; expected a backup. --list shows them", path.ptr, strerror(errno));
        return ADMIN_FAILED;
    }
    if (look_at(&r->backup, error, sizeof error) == RL_STORE_OK)
        return ADMIN_OK;
    admin_error("%s; choose another backup. --list shows them", error);
    return ADMIN_FAILED;
}

/* What is there now. */
static int look_at_present(restore *r) {
    const admin_datadir *d = r->d;
    if (!admin_datadir_has_database(d)) {
        r->present = PRESENT_MISSING;
        snprintf(r->reason, sizeof r->reason, "is missing");
        return ADMIN_OK;
    }
    int rc = rl_check_file(d->path, RL_CHECK_QUICK, admin_file_bytes(d->wal) == 0, keep_going, NULL,
                           r->reason, sizeof r->reason);
    switch (rc) {
    case RL_STORE_OK:
    case RL_STORE_NEWER:
    case RL_STORE_REFUSED: /* of another program */
        r->present = PRESENT_GOOD;
        snprintf(r->reason, sizeof r->reason, "is replaced as asked");
        return ADMIN_OK;
    case RL_STORE_DAMAGED:
        r->present = PRESENT_DAMAGED;
        return ADMIN_OK;
    default:
        admin_error("%s", r->reason);
        return ADMIN_FAILED;
    }
}

/* Decides about the journal; see the top of the file. */
static int plan_journal(restore *r) {
    const admin_args *args = r->args;
    admin_journal *j = &r->journal;
    admin_journal_look(r->d, r->backup.run_id, r->backup.folded_seq, j);
    bool going_back = r->present == PRESENT_GOOD && !args->with_journal;
    bool continues = j->state == ADMIN_JOURNAL_GOOD || j->state == ADMIN_JOURNAL_NONE;
    if (args->with_journal && !continues) {
        admin_error("the journal cannot be applied to %s: %s. Without --with-journal it is moved "
                    "aside, or what continues the backup is applied",
                    r->backup.path, j->detail);
        return ADMIN_FAILED;
    }
    bool useful = continues || (j->state == ADMIN_JOURNAL_DAMAGED && j->batches > 0);
    r->new_history = going_back || args->without_journal || !useful;
    r->journal_aside = r->new_history && j->state != ADMIN_JOURNAL_NONE;
    return ADMIN_OK;
}

/* --- asking ---------------------------------------------------------------------------------- */

static void describe_present(const admin_datadir *d) {
    char error[ADMIN_ERROR_LEN], keys[32];
    admin_reading reading;
    admin_meta meta;
    fprintf(stderr, "%s is good", d->path);
    if (admin_reading_open(d, true, &reading, error, sizeof error) != RL_STORE_OK)
        return;
    if (admin_meta_read(reading.db, &meta, error, sizeof error))
        fprintf(stderr, " (%s keys, up to batch %" PRIu64 ")", admin_count_text(keys, meta.rows),
                meta.folded_seq);
    admin_reading_close(&reading);
}

static bool is_confirmed(const restore *r) {
    char answer[16], keys[32];
    if (r->present != PRESENT_GOOD || r->args->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        admin_error("%s is good; to replace it all the same, say --yes", r->d->path);
        return false;
    }
    describe_present(r->d);
    fprintf(stderr,
            ".\nReplace it by %s (%s keys, up to batch %" PRIu64 ")? It is moved aside. [y/N] ",
            r->backup.path, admin_count_text(keys, r->backup.keys), r->backup.folded_seq);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    admin_error("nothing was changed");
    return false;
}

/* --- doing ----------------------------------------------------------------------------------- */

/* From here on it has a history of its own. */
static bool draw_run_id(const restore *r) {
    unsigned char bytes[20];
    char id[41], sql[128], error[ADMIN_ERROR_LEN];
    sqlite3 *db = NULL;
    rl_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    snprintf(sql, sizeof sql, "UPDATE rl_meta SET value = '%s' WHERE name = 'run_id'", id);
    if (rl_schema_open_more(r->d->path, false, &db, error, sizeof error) != RL_STORE_OK) {
        admin_error("%s", error);
        return false;
    }
    bool done = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (!done)
        admin_error("%s: %s", r->d->path, sqlite3_errmsg(db));
    sqlite3_close(db);
    return done;
}

static int put_in_place(restore *r) {
    char error[ADMIN_ERROR_LEN];
    rl_restore_options options = {.path = r->d->path,
                                  .backup_dir = r->d->backups,
                                  .stem = r->d->stem,
                                  .backup = r->backup.path,
                                  .drop_journal = r->journal_aside ? r->d->journal : NULL,
                                  .aside_word =
                                      r->present == PRESENT_GOOD ? "replaced" : "damaged"};
    admin_progress_begin("Copying the backup", ADMIN_TIME, r->args->quiet);
    admin_progress(0, 0);
    int rc = rl_restore_run(&options, r->reason, &r->report, error, sizeof error);
    admin_progress_end();
    if (rc != RL_STORE_OK) {
        admin_error("nothing was restored: %s", error);
        return ADMIN_FAILED;
    }
    return !r->new_history || draw_run_id(r) ? ADMIN_OK : ADMIN_FAILED;
}

/* --- the report ------------------------------------------------------------------------------ */

static void report_json(const restore *r) {
    static const char *const was[] = {
        [PRESENT_MISSING] = "missing", [PRESENT_DAMAGED] = "damaged", [PRESENT_GOOD] = "good"};
    admin_json j = {0};
    admin_json_open(&j, NULL, '{');
    admin_json_text(&j, "path", r->d->path);
    admin_json_text(&j, "backup", r->report.backup);
    admin_json_int(&j, "data_ms", r->report.data_ms);
    admin_json_uint(&j, "keys", r->backup.keys);
    admin_json_uint(&j, "folded_seq", r->report.folded_seq);
    admin_json_text(&j, "was", was[r->present]);
    admin_json_text(&j, "moved_to", r->report.moved_aside ? r->report.aside : NULL);
    admin_json_text(&j, "journal_moved_to", r->journal_aside ? r->report.journal_aside : NULL);
    admin_json_uint(&j, "journal_batches_to_apply", r->journal_aside ? 0 : r->journal.batches);
    admin_json_close(&j, '}');
    admin_json_print(&j);
}

static void report_text(const restore *r) {
    char keys[32], time[32], count[32];
    printf("%s is restored from %s: %s %s", r->d->path, r->report.backup,
           admin_count_text(keys, r->backup.keys), admin_plural(r->backup.keys, "key", "keys"));
    if (r->report.data_ms)
        printf(", as of %s", admin_time_text(time, r->report.data_ms));
    putchar('\n');
    if (r->report.moved_aside)
        printf("The file that was there is now %s\n", r->report.aside);
    if (r->journal_aside)
        printf("The journal is now %s\n", r->report.journal_aside);
    else if (r->journal.batches)
        printf("The journal continues it: the next start applies %s %s\n",
               admin_count_text(count, r->journal.batches),
               admin_plural(r->journal.batches, "batch", "batches"));
    if (r->journal.state == ADMIN_JOURNAL_DAMAGED || r->journal.state == ADMIN_JOURNAL_FOREIGN)
        printf("It does not go on from the backup%s: %s\n",
               r->journal_aside ? "" : " to its end, and the rest is moved aside then",
               r->journal.detail);
}

/* --- the command ----------------------------------------------------------------------------- */

static int run(restore *r, const char *name) {
    admin_progress_begin("Checking", ADMIN_TIME, r->args->quiet);
    int code = name ? choose_named(r, name) : choose_latest(r);
    if (code == ADMIN_OK)
        code = look_at_present(r);
    admin_progress_end();
    if (code == ADMIN_OK)
        code = plan_journal(r);
    if (code == ADMIN_OK && !is_confirmed(r))
        code = ADMIN_FAILED;
    if (code == ADMIN_OK)
        code = put_in_place(r);
    if (code == ADMIN_OK && r->args->json)
        report_json(r);
    else if (code == ADMIN_OK && !r->args->quiet)
        report_text(r);
    rl_backup_entry_release(&r->backup);
    return code;
}

static int run_locked(const admin_datadir *d, const admin_args *args, const char *name) {
    char error[ADMIN_ERROR_LEN];
    rl_dirlock *lock = NULL;
    if (rl_dirlock_acquire(d->dir, &lock, error, sizeof error) != RL_DIRLOCK_OK) {
        admin_error("%s", error);
        return ADMIN_FAILED;
    }
    restore r = {.args = args, .d = d};
    int code = run(&r, name);
    rl_dirlock_release(lock);
    return code;
}

int admin_restore(admin_args *args) {
    const char *dir = NULL, *name = NULL;
    bool extra = false;
    for (int i = 0; i < args->word_count; i++) {
        if (i == 0 && (args->word_count == 2 || args->list || args->latest ||
                       admin_is_directory(args->words[0])))
            dir = args->words[0];
        else if (!name)
            name = args->words[i];
    }
    extra = name && (args->list || args->latest);
    if (extra || (args->list && args->latest) || (!name && !args->list && !args->latest)) {
        admin_error("restore: expected one of: a backup, --latest or --list");
        return ADMIN_USAGE;
    }
    if (args->with_journal && args->without_journal) {
        admin_error("restore: both --with-journal and --without-journal; expected one of them");
        return ADMIN_USAGE;
    }
    admin_datadir d;
    int code = admin_datadir_open(&d, dir ? dir : ".", args, false);
    if (code != ADMIN_OK)
        return code;
    code = args->list ? show_list(&d, args) : run_locked(&d, args, name);
    admin_datadir_release(&d);
    return code;
}
