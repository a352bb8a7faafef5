/* SPDX-License-Identifier: MIT */
/*
 * The backup thread; see backup_thread.h.
 *
 * Numbers are as the keeper's: a run raises `started`, then reads `required_seq`, and counts for
 * those who asked only if that much is folded; a request stores `required_seq`, then reads
 * `started` and is answered by a run after it. While a fold is missing, as on a full disk, no run
 * begins.
 *
 * Whether anything changed since the newest backup is asked of SQLite (PRAGMA data_version), which
 * sees folds and the user's own writes alike. After a start the file's times stand in for it.
 */
#include "store/backup_thread.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/backup.h"
#include "store/backup_plan.h"
#include "store/schema.h"
#include "store/thread.h"

#define LOOK_MS      1000  /* when something is watched that tells nobody */
#define WAIT_MOST_MS 60000 /* the wall clock may be set meanwhile */

/* Why a run failed; kept until the end, so that any thread may read it at any time. */
typedef struct failure {
    struct failure *before;
    char text[512];
} failure;

struct rl_backup_thread {
    char *path, *dir, *stem, *run_id;
    rl_backup_thread_options options;
    pthread_t thread;
    bool running;
    sem_t wake;

    /* to the thread */
    _Atomic bool awake; /* a post is on its way */
    _Atomic bool stopping;
    _Atomic bool settings_changed; /* perhaps that helps after a failure */
    _Atomic uint64_t required_seq, wanted;
    _Atomic int64_t interval_s;
    _Atomic int retain;
    _Atomic bool keep;
    _Atomic uint64_t rate, keep_bytes;

    /* from the thread */
    _Atomic bool awaits_fold;
    _Atomic uint64_t made;
    _Atomic uint64_t started, done, failed, failed_last;
    _Atomic uint64_t at_work, bytes_done, bytes_total;
    _Atomic int64_t since_us, newest_ms, next_ms;
    _Atomic uint64_t last_us, newest_bytes, newest_seq, count;
    _Atomic(failure *) why; /* of the last run; NULL: none */

    /* the thread's own */
    failure *failures;
    unsigned failed_in_row;
    int64_t started_ms, retry_ms, rest_ms;
    sqlite3 *watch;
    int64_t version;   /* of the data, at the newest backup */
    bool version_good; /* false: there was none since the start */
};

/* ---- the loop's side ------------------------------------------------------------------------ */

static void wake(rl_backup_thread *b) {
    if (!atomic_exchange(&b->awake, true))
        sem_post(&b->wake);
}

uint64_t rl_backup_thread_request(rl_backup_thread *b, uint64_t seq) {
    atomic_store(&b->required_seq, seq);
    uint64_t number = atomic_load(&b->started) + 1;
    atomic_store(&b->wanted, number);
    wake(b);
    return number;
}

void rl_backup_thread_poke(rl_backup_thread *b) {
    if (atomic_load(&b->awaits_fold))
        wake(b);
}

static void take_upkeep(rl_backup_thread *b, const rl_store_upkeep *upkeep) {
    atomic_store(&b->interval_s, upkeep->backup_interval_s);
    atomic_store(&b->retain, upkeep->backup_retain < 1 ? 1 : upkeep->backup_retain);
    atomic_store(&b->rate, upkeep->backup_rate);
    atomic_store(&b->keep, upkeep->journal_keep == RL_JOURNAL_KEEP_BACKUP);
    atomic_store(&b->keep_bytes, upkeep->journal_keep_bytes);
}

void rl_backup_thread_set(rl_backup_thread *b, const rl_store_upkeep *upkeep) {
    take_upkeep(b, upkeep);
    atomic_store(&b->settings_changed, true);
    wake(b);
}

void rl_backup_thread_stats_read(const rl_backup_thread *b, rl_backup_stats *out) {
    const failure *why = atomic_load(&b->why);
    *out = (rl_backup_stats){
        .wanted = atomic_load(&b->wanted),
        .done = atomic_load(&b->done),
        .failed = atomic_load(&b->failed),
        .failed_last = atomic_load(&b->failed_last),
        .running = atomic_load(&b->at_work),
        .bytes_done = atomic_load(&b->bytes_done),
        .bytes_total = atomic_load(&b->bytes_total),
        .newest_ms = atomic_load(&b->newest_ms),
        .next_ms = atomic_load(&b->next_ms),
        .made = atomic_load(&b->made),
        .last_us = atomic_load(&b->last_us),
        .newest_bytes = atomic_load(&b->newest_bytes),
        .newest_seq = atomic_load(&b->newest_seq),
        .count = atomic_load(&b->count),
        .error = why ? why->text : "",
    };
    if (out->running)
        out->running_us = (uint64_t)(rl_clock_mono_us() - atomic_load(&b->since_us));
}

/* ---- what has changed ----------------------------------------------------------------------- */

static int64_t ask(rl_backup_thread *b, const char *sql, int64_t otherwise) {
    sqlite3_stmt *stmt;
    int64_t number = otherwise;
    if (sqlite3_prepare_v2(b->watch, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

static bool open_watch(rl_backup_thread *b) {
    char error[512];
    if (b->watch)
        return true;
    if (rl_schema_open_more(b->path, true, &b->watch, error, sizeof error) != RL_STORE_OK)
        return false;
    sqlite3_busy_timeout(b->watch, 0);
    return true;
}

/* When the file or its WAL was last written to. */
static int64_t written_ms(const rl_backup_thread *b) {
    static const char *const endings[] = {"", "-wal"};
    int64_t last_ms = 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct stat st;
        rl_buffer name = {0};
        rl_buffer_printf(&name, "%s%s", b->path, endings[i]);
        if (stat(rl_buffer_cstr(&name), &st) == 0 && st.st_size > 0) {
            int64_t at_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
            last_ms = at_ms > last_ms ? at_ms : last_ms;
        }
        rl_buffer_release(&name);
    }
    return last_ms;
}

/* Is there anything that the newest backup lacks? */
static bool has_news(rl_backup_thread *b, const rl_backup_view *view) {
    if (!open_watch(b))
        return true; /* the run will say what is wrong */
    if (b->version_good)
        return ask(b, "PRAGMA data_version", -1) != b->version;
    if (atomic_load(&b->count) == 0)
        return view->folded_seq > 0 ||
               ask(b,
                   "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                   " AND name NOT LIKE 'rl\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' "
                   "ESCAPE '\\'",
                   1) > 0;
    return atomic_load(&b->newest_seq) != view->folded_seq ||
           written_ms(b) > atomic_load(&b->newest_ms);
}

/* ---- one run -------------------------------------------------------------------------------- */

static bool on_step(void *arg, uint64_t bytes_done, uint64_t bytes_total) {
    rl_backup_thread *b = arg;
    atomic_store(&b->bytes_total, bytes_total);
    atomic_store(&b->bytes_done, bytes_done);
    return !atomic_load(&b->stopping);
}

/* The snapshot keeps the WAL from being reset, so one that has become large means: hurry. */
static uint64_t rate_now(void *arg) {
    rl_backup_thread *b = arg;
    rl_backup_view view;
    b->options.look(b->options.arg, &view);
    return view.wal_bytes > b->options.wal_large_bytes ? 0 : atomic_load(&b->rate);
}

static void count_backups(rl_backup_thread *b) {
    rl_backup_entry *list;
    size_t count;
    char error[512];
    if (rl_backup_list(b->dir, b->stem, &list, &count, error, sizeof error) != RL_STORE_OK)
        return;
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
    atomic_store(&b->count, count);
}

static void prune(rl_backup_thread *b) {
    size_t gone = rl_backup_prune(b->dir, b->stem, (size_t)atomic_load(&b->retain));
    if (gone)
        rl_log(RL_LOG_VERBOSE, "backup: removed %zu old ones", gone);
    count_backups(b);
}

static void note_success(rl_backup_thread *b, const rl_backup_entry *made, int64_t took_us,
                         bool counts, uint64_t number) {
    char took[32];
    snprintf(took, sizeof took, "%.1f", (double)took_us / 1e6);
    rl_log(RL_LOG_NOTICE,
           "backup: %s made in %s s: %.1f MB, %" PRIu64 " keys, all up to batch %" PRIu64,
           made->path, took, (double)made->bytes / 1048576, made->keys, made->folded_seq);
    prune(b);
    b->failed_in_row = 0;
    b->retry_ms = 0;
    b->rest_ms = rl_clock_mono_ms() + store_backup_rest_ms(took_us / 1000);
    atomic_store(&b->why, NULL);
    atomic_fetch_add(&b->made, 1);
    atomic_store(&b->last_us, (uint64_t)took_us);
    atomic_store(&b->newest_bytes, made->bytes);
    atomic_store(&b->newest_seq, made->folded_seq);
    atomic_store(&b->newest_ms, made->made_ms);
    b->options.on_backup(b->options.arg, made->folded_seq);
    if (counts)
        atomic_store(&b->done, number);
}

/* Numbers in it may differ, such as of the room that is missing. */
static bool same_cause(const char *a, const char *b) {
    while (*a || *b) {
        if (isdigit((unsigned char)*a))
            a++;
        else if (isdigit((unsigned char)*b))
            b++;
        else if (*a++ != *b++)
            return false;
    }
    return true;
}

static void note_failure(rl_backup_thread *b, const char *error, bool counts, uint64_t number) {
    b->failed_in_row++;
    int64_t wait_ms = store_backup_retry_ms(b->failed_in_row);
    b->retry_ms = rl_clock_mono_ms() + wait_ms;
    bool known = atomic_load(&b->why) != NULL && same_cause(b->failures->text, error);
    if (b->failures == NULL || strcmp(b->failures->text, error) != 0) {
        failure *why = rl_calloc(1, sizeof *why);
        snprintf(why->text, sizeof why->text, "%s", error);
        why->before = b->failures;
        b->failures = why;
    }
    rl_log(known ? RL_LOG_VERBOSE : RL_LOG_WARNING,
           "backup: %s. There is no new backup; the next attempt is in %d min, or when BGSAVE "
           "asks for it",
           error, (int)(wait_ms / 60000));
    atomic_store(&b->why, b->failures);
    atomic_fetch_add(&b->failed, 1);
    if (counts)
        atomic_store(&b->failed_last, number);
}

static void run(rl_backup_thread *b) {
    uint64_t number = atomic_fetch_add(&b->started, 1) + 1;
    rl_backup_view view;
    b->options.look(b->options.arg, &view);
    bool counts = view.folded_seq >= atomic_load(&b->required_seq);
    int64_t from_us = rl_clock_mono_us();
    atomic_store(&b->bytes_done, 0);
    atomic_store(&b->bytes_total, 0);
    atomic_store(&b->since_us, from_us);
    atomic_store(&b->at_work, number);
    prune(b); /* fewer are to be kept, perhaps, and there may be no room for one more */
    /* Before the snapshot: what comes in between is backed up twice rather than not at all. */
    int64_t version = open_watch(b) ? ask(b, "PRAGMA data_version", -1) : -1;
    rl_backup_options options = {
        .source = b->path,
        .dir = b->dir,
        .stem = b->stem,
        .rate_now = rate_now,
        .on_step = on_step,
        .arg = b,
    };
    rl_backup_entry made;
    char error[512];
    int code = rl_backup_run(&options, &made, error, sizeof error);
    if (code == RL_STORE_OK) {
        b->version = version;
        b->version_good = version >= 0;
        note_success(b, &made, rl_clock_mono_us() - from_us, counts, number);
        rl_backup_entry_release(&made);
    } else if (!atomic_load(&b->stopping)) {
        note_failure(b, error, counts, number);
    }
    atomic_store(&b->at_work, 0);
    b->options.on_change(b->options.arg);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool is_asked(const rl_backup_thread *b) {
    uint64_t wanted = atomic_load(&b->wanted);
    return wanted > atomic_load(&b->done) && wanted > atomic_load(&b->failed_last);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Milliseconds until a backup is due that nobody asked for, 0: now. */
static int64_t due_ms(rl_backup_thread *b, const rl_backup_view *view) {
    backup_plan plan = {
        .now_ms = rl_clock_mono_ms(),
        .now_wall_ms = rl_clock_wall_ms(),
        .started_ms = b->started_ms,
        .interval_s = atomic_load(&b->interval_s),
        .newest_wall_ms = atomic_load(&b->newest_ms),
        .newest_seq = atomic_load(&b->newest_seq),
        .keep = atomic_load(&b->keep),
        .keep_bytes = atomic_load(&b->keep_bytes),
        .kept_bytes = view->kept_bytes,
        .kept_from = view->kept_from,
        .not_before_ms = b->retry_ms,
    };
    int64_t by_time_ms = store_backup_due_by_time_ms(&plan);
    bool news = by_time_ms > 0 || has_news(b, view);
    bool known = by_time_ms != BACKUP_NEVER && news;
    atomic_store(&b->next_ms, known ? plan.now_wall_ms + by_time_ms : 0);
    if (!news)
        by_time_ms = LOOK_MS;
    if (b->rest_ms > plan.not_before_ms)
        plan.not_before_ms = b->rest_ms;
    int64_t by_journal_ms = store_backup_due_by_journal_ms(&plan);
    if (by_journal_ms == 0 && !has_news(b, view))
        by_journal_ms = LOOK_MS;
    int64_t left_ms = least(by_time_ms, by_journal_ms);
    return plan.keep ? least(left_ms, LOOK_MS) : left_ms;
}

static void sleep_ms(rl_backup_thread *b, int64_t ms) {
    int64_t until_ms = rl_clock_mono_ms() + least(ms, WAIT_MOST_MS);
    struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (sem_clockwait(&b->wake, CLOCK_MONOTONIC, &t) == 0)
        atomic_store(&b->awake, false); /* before looking at what is wanted */
}

static void thread_main(void *arg) {
    rl_backup_thread *b = arg;
    while (!atomic_load(&b->stopping)) {
        rl_backup_view view;
        int64_t wait_ms;
        if (atomic_exchange(&b->settings_changed, false))
            b->retry_ms = 0;
        if (is_asked(b)) {
            atomic_store(&b->awaits_fold, true); /* before looking how far it is */
            b->options.look(b->options.arg, &view);
            wait_ms = view.folded_seq >= atomic_load(&b->required_seq) ? 0 : WAIT_MOST_MS;
        } else {
            atomic_store(&b->awaits_fold, false);
            b->options.look(b->options.arg, &view);
            wait_ms = due_ms(b, &view);
        }
        if (wait_ms == 0)
            run(b);
        else
            sleep_ms(b, wait_ms);
    }
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/* The seq of a backup counts when it is of this database's history, and not of one that was left
 * behind by putting an older backup in place. */
static uint64_t seq_of(const rl_backup_thread *b, const rl_backup_entry *e) {
    bool ours = strcmp(e->run_id, b->run_id) == 0 && e->folded_seq <= b->options.folded_seq;
    return ours ? e->folded_seq : 0;
}

/* What is there from earlier. A backup that restore passed over is not good: the one it took is. */
static void look_at_backups(rl_backup_thread *b, const char *restored_from) {
    rl_backup_entry *list;
    size_t count;
    char error[512];
    if (rl_backup_list(b->dir, b->stem, &list, &count, error, sizeof error) != RL_STORE_OK) {
        rl_log(RL_LOG_WARNING, "backup: %s", error);
        return;
    }
    atomic_store(&b->count, count);
    size_t newest = 0;
    while (restored_from && newest < count && strcmp(list[newest].path, restored_from) != 0)
        newest++;
    if (newest == count)
        newest = 0;
    if (count) {
        rl_backup_entry *e = &list[newest];
        if (rl_backup_describe(e, error, sizeof error) == RL_STORE_OK) {
            atomic_store(&b->newest_ms, e->made_ms);
            atomic_store(&b->newest_bytes, e->bytes);
            atomic_store(&b->newest_seq, seq_of(b, e));
        } else {
            rl_log(RL_LOG_WARNING, "backup: the newest one is not good: %s", error);
        }
    }
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
    if (atomic_load(&b->newest_seq))
        b->options.on_backup(b->options.arg, atomic_load(&b->newest_seq));
}

rl_backup_thread *rl_backup_thread_create(const rl_backup_thread_options *options) {
    rl_backup_thread *b = rl_calloc(1, sizeof *b);
    b->options = *options;
    b->path = rl_strdup(options->path);
    b->dir = rl_strdup(options->dir);
    b->stem = rl_strdup(options->stem);
    b->run_id = rl_strdup(options->run_id);
    take_upkeep(b, &options->upkeep);
    sem_init(&b->wake, 0, 0);
    look_at_backups(b, options->restored_from);
    return b;
}

int rl_backup_thread_start(rl_backup_thread *b, char *error, size_t error_len) {
    b->started_ms = rl_clock_mono_ms();
    int failed = rl_thread_start(&b->thread, "rl-backup", RL_STORE_NICE, thread_main, b);
    if (failed) {
        snprintf(error, error_len, "cannot start the backup thread: %s", strerror(failed));
        return RL_STORE_IO;
    }
    b->running = true;
    return RL_STORE_OK;
}

void rl_backup_thread_stop(rl_backup_thread *b) {
    if (b == NULL || !b->running)
        return;
    atomic_store(&b->stopping, true);
    wake(b);
    pthread_join(b->thread, NULL);
    b->running = false;
    /* Only a connection that can write removes the WAL when it is the last one: this one cannot. */
    sqlite3_close(b->watch);
    b->watch = NULL;
}

void rl_backup_thread_free(rl_backup_thread *b) {
    if (b == NULL)
        return;
    rl_backup_thread_stop(b);
    sqlite3_close(b->watch);
    while (b->failures) {
        failure *before = b->failures->before;
        rl_free(b->failures);
        b->failures = before;
    }
    sem_destroy(&b->wake);
    rl_free(b->path);
    rl_free(b->dir);
    rl_free(b->stem);
    rl_free(b->run_id);
    rl_free(b);
}
