/* SPDX-License-Identifier: MIT */
/* The data directory; see datadir.h. */
#include "admin/datadir.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/output.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "store/backup.h"
#include "store/store.h"

#define FOLD_LOOK_MS   20
#define HOLDER_LOOK_MS 1000 /* seldom: a server that starts in the instant of a look is refused */

/* --- finding it ------------------------------------------------------------------------------ */

static char *join(const char *dir, const char *name, const char *ending) {
    rl_buffer b = {0};
    rl_buffer_printf(&b, "%s/%s%s", dir, name, ending);
    rl_buffer_cstr(&b);
    return b.ptr;
}

bool admin_is_directory(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

uint64_t admin_file_bytes(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

bool admin_datadir_has_database(const admin_datadir *d) {
    return access(d->path, F_OK) == 0;
}

/* As root, take the place of the directory's owner. */
static int become_owner(const char *dir) {
    struct stat st;
    if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0)
        return ADMIN_OK;
    struct passwd *user = getpwuid(st.st_uid);
    int rc = user ? initgroups(user->pw_name, st.st_gid) : setgroups(0, NULL);
    if (rc != 0 || setgid(st.st_gid) != 0 || setuid(st.st_uid) != 0) {
        admin_error("%s belongs to uid %u; cannot work as that user: %s", dir, (unsigned)st.st_uid,
                    strerror(errno));
        return ADMIN_FAILED;
    }
    return ADMIN_OK;
}

static int check_names(const char *dir, const char *dbfilename) {
    struct stat st;
    if (!*dbfilename || strchr(dbfilename, '/') || *dbfilename == ':' || *dbfilename == '.') {
        admin_error("--dbfilename '%s': expected a plain file name, such as data.db", dbfilename);
        return ADMIN_USAGE;
    }
    if (stat(dir, &st) != 0) {
        admin_error("%s: %s; expected the data directory of a server (its dir)", dir,
                    strerror(errno));
        return ADMIN_FAILED;
    }
    if (!S_ISDIR(st.st_mode)) {
        admin_error("%s is not a directory; expected the data directory of a server (its dir)",
                    dir);
        return ADMIN_FAILED;
    }
    return ADMIN_OK;
}

static int no_database(const admin_datadir *d) {
    if (access(d->path, F_OK) != 0 && errno != ENOENT)
        admin_error("%s: %s; run this as the user the server runs as", d->path, strerror(errno));
    else
        admin_error("%s: there is no such file; expected the database of a server. Is this its "
                    "data directory (dir), and its dbfilename?",
                    d->path);
    return ADMIN_FAILED;
}

int admin_datadir_open(admin_datadir *d, const char *dir, const admin_args *args, bool must_exist) {
    *d = (admin_datadir){.dir = dir, .dbfilename = args->dbfilename};
    int code = check_names(dir, args->dbfilename);
    if (code == ADMIN_OK)
        code = become_owner(dir);
    if (code != ADMIN_OK)
        return code;
    d->path = join(dir, args->dbfilename, "");
    d->wal = join(dir, args->dbfilename, "-wal");
    d->journal = join(dir, "journal", "");
    d->backups = args->backup_dir ? rl_strdup(args->backup_dir) : join(dir, "backups", "");
    d->stem = rl_backup_stem(args->dbfilename);
    rl_dirlock_look(dir, &d->holder);
    if (must_exist && !admin_datadir_has_database(d))
        code = no_database(d);
    if (code != ADMIN_OK)
        admin_datadir_release(d);
    return code;
}

void admin_datadir_release(admin_datadir *d) {
    rl_free(d->path);
    rl_free(d->wal);
    rl_free(d->journal);
    rl_free(d->backups);
    rl_free(d->stem);
    *d = (admin_datadir){0};
}

/* --- reading --------------------------------------------------------------------------------- */

static bool stamp(const admin_datadir *d, int64_t *mtime_ns, uint64_t *bytes) {
    struct stat st;
    if (stat(d->path, &st) != 0)
        return false;
    *mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    *bytes = (uint64_t)st.st_size;
    return true;
}

static int open_shared(const admin_datadir *d, bool no_trace, sqlite3 **db) {
    /* A connection that could write takes the -wal away again when it is the last one. */
    int rc = SQLITE_CANTOPEN;
    if (!no_trace && !d->holder.held)
        rc = sqlite3_open_v2(d->path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        sqlite3_close(*db);
        rc = sqlite3_open_v2(d->path, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    }
    return rc;
}

/* The transaction begins with the first read. */
static int begin_reading(sqlite3 *db) {
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 5000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return sqlite3_exec(db, "PRAGMA query_only = 1; BEGIN; SELECT count(*) FROM sqlite_schema",
                        NULL, NULL, NULL);
}

int admin_reading_open(const admin_datadir *d, bool no_trace, admin_reading *out, char *error,
                       size_t error_len) {
    *out = (admin_reading){0};
    int code = rl_schema_check_header(d->path, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    out->still = no_trace && !d->holder.held && admin_file_bytes(d->wal) == 0 &&
                 stamp(d, &out->mtime_ns, &out->bytes);
    if (out->still) {
        code = rl_schema_open_settled(d->path, &out->db, error, error_len);
        if (code != RL_STORE_OK)
            return code;
    }
    int rc = out->still ? SQLITE_OK : open_shared(d, no_trace, &out->db);
    if (rc == SQLITE_OK)
        rc = begin_reading(out->db);
    if (rc == SQLITE_OK)
        return RL_STORE_OK;
    snprintf(error, error_len, "%s: %s", d->path,
             out->db ? sqlite3_errmsg(out->db) : sqlite3_errstr(rc));
    admin_reading_close(out);
    return rl_schema_error_of(rc);
}

bool admin_reading_held_still(const admin_datadir *d, const admin_reading *r) {
    int64_t mtime_ns = 0;
    uint64_t bytes = 0;
    rl_dirlock_holder now;
    if (!r->still)
        return true;
    rl_dirlock_look(d->dir, &now);
    return !now.held && admin_file_bytes(d->wal) == 0 && stamp(d, &mtime_ns, &bytes) &&
           mtime_ns == r->mtime_ns && bytes == r->bytes;
}

void admin_reading_close(admin_reading *r) {
    if (r->db && !sqlite3_get_autocommit(r->db))
        sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(r->db);
    *r = (admin_reading){0};
}

bool admin_meta_read(sqlite3 *db, admin_meta *out, char *error, size_t error_len) {
    static const char sql[] = "SELECT (SELECT value FROM rl_meta WHERE name = 'folded_seq'),"
                              " (SELECT value FROM rl_meta WHERE name = 'next_id'),"
                              " (SELECT value FROM rl_meta WHERE name = 'rows'),"
                              " (SELECT value FROM rl_meta WHERE name = 'run_id'),"
                              " (SELECT user_version FROM pragma_user_version)";
    *out = (admin_meta){0};
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    bool read = rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
    if (read) {
        out->folded_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        out->next_id = (uint64_t)sqlite3_column_int64(stmt, 1);
        out->rows = (uint64_t)sqlite3_column_int64(stmt, 2);
        const char *id = (const char *)sqlite3_column_text(stmt, 3);
        snprintf(out->run_id, sizeof out->run_id, "%s", id ? id : "");
        out->schema_version = sqlite3_column_int64(stmt, 4);
    } else {
        snprintf(error, error_len, "%s", sqlite3_errmsg(db));
    }
    sqlite3_finalize(stmt);
    return read;
}

/* --- settling -------------------------------------------------------------------------------- */

/* The folded_seq, and the run id, of the database now. */
static bool read_state(const admin_datadir *d, admin_meta *meta) {
    char error[ADMIN_ERROR_LEN];
    admin_reading r;
    if (admin_reading_open(d, true, &r, error, sizeof error) != RL_STORE_OK)
        return false;
    bool read = admin_meta_read(r.db, meta, error, sizeof error);
    admin_reading_close(&r);
    return read;
}

static int not_folded(const char *why, int64_t waited_s) {
    char waited[64] = "";
    if (waited_s > 0)
        snprintf(waited, sizeof waited, " in %" PRId64 " %s", waited_s,
                 admin_plural((uint64_t)waited_s, "second", "seconds"));
    admin_error("nothing was written: %s%s. What the server has answered last would be missing. "
                "Look at its log (is the disk full, or slow?); --wait SECONDS waits for longer, "
                "--no-settle takes what is in the database already",
                why, waited);
    return ADMIN_FAILED;
}

/* The journal's end as it is now. Beside a server that writes fast, a look may have to be taken
 * again. */
static void find_end(const admin_datadir *d, int64_t deadline_ms, admin_meta *meta,
                     admin_journal *look) {
    do {
        admin_progress(0, 0);
        admin_journal_look(d, meta->run_id, meta->folded_seq, look);
    } while (look->state == ADMIN_JOURNAL_MOVING && rl_clock_mono_ms() < deadline_ms &&
             read_state(d, meta));
}

/* Until the seq is in the database; false when it is too late, the database cannot be read, or the
 * server has gone: d->holder tells. */
static bool wait_for_seq(admin_datadir *d, int64_t deadline_ms, uint64_t seq, admin_meta *meta) {
    int64_t look_ms = rl_clock_mono_ms() + HOLDER_LOOK_MS;
    while (meta->folded_seq < seq) {
        int64_t now_ms = rl_clock_mono_ms();
        if (now_ms >= deadline_ms)
            return false;
        if (now_ms >= look_ms) {
            rl_dirlock_look(d->dir, &d->holder);
            if (!d->holder.held)
                return false;
            look_ms = now_ms + HOLDER_LOOK_MS;
        }
        admin_progress(0, 0);
        nanosleep(&(struct timespec){.tv_nsec = FOLD_LOOK_MS * 1000000L}, NULL);
        if (!read_state(d, meta))
            return false;
    }
    return true;
}

/* Beside a running server: until what the journal holds now is in the database, which takes one
 * fold. So all that was answered before is in what is read afterwards. Also ends when the server
 * does, killed maybe: d->holder tells. */
static int wait_for_fold(admin_datadir *d, const admin_args *args) {
    admin_meta meta;
    admin_journal look;
    if (!read_state(d, &meta))
        return ADMIN_OK; /* the reading that follows says why */
    int64_t deadline_ms = rl_clock_mono_ms() + args->wait_s * 1000;
    admin_progress_begin("Waiting for the server to fold its journal", ADMIN_TIME, args->quiet);
    find_end(d, deadline_ms, &meta, &look);
    bool folded =
        look.state == ADMIN_JOURNAL_NONE ||
        (look.state == ADMIN_JOURNAL_GOOD && wait_for_seq(d, deadline_ms, look.last_seq, &meta));
    admin_progress_end();
    if (folded || !d->holder.held)
        return ADMIN_OK;
    if (look.state == ADMIN_JOURNAL_GOOD)
        return not_folded("the server has not folded its journal into the database", args->wait_s);
    if (look.state == ADMIN_JOURNAL_MOVING)
        return not_folded("the server writes so fast that no look at its journal was consistent",
                          args->wait_s);
    return not_folded(look.detail, 0);
}

/* Whether a start of the server would find something to fold. A journal that cannot be judged is
 * settled, too: the store says then what is wrong with it. */
static bool is_settled(const admin_datadir *d) {
    admin_meta meta;
    admin_journal look;
    if (!read_state(d, &meta))
        return false;
    admin_journal_look(d, meta.run_id, meta.folded_seq, &look);
    return look.state == ADMIN_JOURNAL_NONE ||
           (look.state == ADMIN_JOURNAL_GOOD && look.batches == 0);
}

int admin_settle(admin_datadir *d, uint64_t *batches) {
    *batches = 0;
    if (d->holder.held || is_settled(d))
        return ADMIN_OK;
    rl_store_options options = {
        .dir = d->dir,
        .dbfilename = d->dbfilename,
        .durability = RL_DURABILITY_EVERYSEC,
        .fold_interval_ms = 1000,
        .allow_network_fs = true,
        .backup_dir = d->backups,
        /* What is kept for a restore stays. */
        .upkeep = {.journal_keep = RL_JOURNAL_KEEP_BACKUP, .journal_keep_bytes = UINT64_MAX},
        .restore = RL_RESTORE_NO,
        .check = RL_CHECK_NONE,
    };
    rl_store *store = NULL;
    char error[ADMIN_ERROR_LEN];
    int rc = rl_store_open(&options, &store, error, sizeof error);
    if (rc == RL_STORE_LOCKED) { /* a server came first: what the journal held, it has folded */
        rl_dirlock_look(d->dir, &d->holder);
        return ADMIN_OK;
    }
    if (rc == RL_STORE_OK) {
        *batches = rl_store_replayed(store);
        rc = rl_store_close(store, true);
        snprintf(error, sizeof error, "%s: what the journal held could not be folded", d->dir);
    }
    if (rc == RL_STORE_OK)
        return ADMIN_OK;
    admin_error("%s. (--no-settle goes on without what is in the journal)", error);
    return ADMIN_FAILED;
}

int admin_prepare_source(admin_datadir *d, const admin_args *args, uint64_t *batches) {
    *batches = 0;
    if (args->no_settle)
        return ADMIN_OK;
    int code = admin_settle(d, batches);
    while (code == ADMIN_OK && d->holder.held) {
        code = wait_for_fold(d, args);
        if (d->holder.held)
            break;
        if (code == ADMIN_OK)
            code = admin_settle(d, batches);
    }
    if (code == ADMIN_OK && *batches && !args->quiet)
        fprintf(stderr, "The journal of a killed server held %" PRIu64 " %s: folded first\n",
                *batches, admin_plural(*batches, "batch", "batches"));
    return code;
}
