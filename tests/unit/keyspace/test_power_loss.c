/* SPDX-License-Identifier: MIT */
/*
 * Keyspace, journal and tables together on a disk that fails and loses power (faulty_disk.h): the
 * journal, backups and restores on one face of it, SQLite on the other. Random changes of keys of
 * every type go to a store that folds, checkpoints, backs up, and is opened from a database of an
 * older schema or from a backup. Calls fail, come short or are slow now and then. At a random
 * moment, or in place of a random call, the process is killed or the power goes, which takes any
 * sectors and names that were not synced; also while it is opened again, and again. What is opened
 * in the end must be the state after one of the batches, whole, and none before what was promised:
 *
 *     killed        all that was released (answered)
 *     power lost    all that was synced; with `always`, all that was released
 *     no journal    all that was folded
 *     data.db lost  a backup and what the journal continues it with; killed, with no fault before:
 *                   all that was released
 *
 * Then it goes on from there. SEEDS=n runs as many schedules of either kind, SEED=s begins with
 * that seed; the store's threads are real, so a seed repeats the work and the faults, not every
 * timing.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lib/faulty_disk.h"
#include "lib/faulty_files.h"
#include "lib/faulty_vfs.h"
#include "lib/random_keys.h"
#include "lib/store_files.h"
#include "store/backup.h"
#include "store/store.h"

#define NEVER_MS  (3600u * 1000)
#define LIVES     4    /* of one directory */
#define SEQS_MAX  8192 /* batches of one directory */
#define STEPS_MAX 120  /* turns of one life */
#define TRIALS    4    /* openings that may be broken off, one after the other */

typedef struct world {
    uint64_t seed;
    bool faults; /* calls may fail, not only come short or be slow */
    char *dir;
    rl_store_options options;
    rl_store *store;
    rl_keyspace *keys;
    rl_batch_builder *batch;
    rl_random dice;
    int64_t now_ms;
    uint64_t seq;               /* of the last batch */
    uint64_t digests[SEQS_MAX]; /* of the keyspace after each batch */
    uint64_t promised, safe;    /* the last batch that must be there; that outlives the power */
    rl_type loading;            /* the type of the key whose elements come */
    char run_id[41];            /* of the history */
    uint64_t kept_from;         /* the journal has no gap from here on */
    char trouble[128];          /* what happened last, for messages */
} world;

static struct {
    unsigned long schedules, lives, crashes[4], in_a_call, opening, openings_in_a_row;
    unsigned long openings_failed, data_lost, restored, migrated, backups, checkpoints, folds;
    unsigned long batches, replayed, beyond;
} counts;

static const char *const crash_names[] = {"killed", "power lost, any sectors survive",
                                          "power lost, nothing survives",
                                          "power lost, the first half survives"};

static uint64_t below(world *w, uint64_t limit) {
    return rl_random_below(&w->dice, limit);
}

static void expect(const world *w, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void expect(const world *w, bool holds, const char *format, ...) {
    if (holds)
        return;
    char what[1500];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    cr_assert_fail(
        "schedule %lu, durability %d, %s: %s\n  To replay it: SEED=%lu make power SEEDS=1",
        (unsigned long)w->seed, (int)w->options.durability, w->trouble, what,
        (unsigned long)w->seed);
}

/* ---- opening ---- */

static void on_row(void *arg, const rl_store_row *row) {
    world *w = arg;
    rl_keyspace_load(w->keys, row->id, row->db, row->type, row->expires_at, row->key, row->value);
    w->loading = row->type;
}

static void on_element(void *arg, const rl_store_element *e) {
    world *w = arg;
    switch (w->loading) {
    case RL_TYPE_HASH:
        rl_keyspace_load_field(w->keys, e->name, e->value, e->expires_at);
        break;
    case RL_TYPE_SET:
        rl_keyspace_load_member(w->keys, e->name);
        break;
    case RL_TYPE_ZSET:
        rl_keyspace_load_score(w->keys, e->name, e->score);
        break;
    default:
        rl_keyspace_load_item(w->keys, e->position, e->value);
    }
}

static void on_notify(void *arg) {
    (void)arg;
}

static void begin_turn(world *w) {
    rl_store_progress p;
    rl_store_collect(w->store);
    rl_store_progress_read(w->store, &p);
    rl_keyspace_begin(w->keys, w->now_ms, w->seq + 1, p.synced_seq, false);
}

static faulty_crash any_crash(world *w) {
    static const faulty_crash kinds[] = {FAULTY_KILLED, FAULTY_POWER, FAULTY_POWER,
                                         FAULTY_POWER_NONE, FAULTY_POWER_HEADS};
    return kinds[below(w, 5)];
}

/* What is known once the disk has crashed. */
static faulty_crash note_crash(world *w, faulty_crash kind) {
    counts.crashes[kind]++;
    rl_log(RL_LOG_DEBUG, "%s", crash_names[kind]);
    snprintf(w->trouble, sizeof w->trouble, "%s", crash_names[kind]);
    return kind;
}

static void plan_fault(world *w, uint64_t calls_ahead) {
    static const unsigned calls[] = {0,
                                     0,
                                     FAULTY_WRITE,
                                     FAULTY_SYNC,
                                     FAULTY_READ,
                                     FAULTY_OPEN,
                                     FAULTY_SYNC_DIR | FAULTY_RENAME | FAULTY_UNLINK |
                                         FAULTY_TRUNCATE};
    static const faulty_effect effects[] = {FAULTY_SLOW, FAULTY_SHORT, FAULTY_ERROR, FAULTY_ERROR};
    faulty_plan plan = {
        .calls = calls[below(w, sizeof calls / sizeof *calls)],
        .nth = 1 + below(w, calls_ahead),
        .effect = effects[below(w, w->faults ? 4 : 2)],
        .error_number = below(w, 2) ? EIO : ENOSPC,
        .lasting = below(w, 2),
        .slow_us = 1 + (uint32_t)below(w, 2000),
    };
    faulty_face face = below(w, 2) ? FAULTY_FILES : FAULTY_SQLITE;
    rl_log(RL_LOG_DEBUG, "fault: face %d, calls %x, nth %lu, effect %d, errno %d, lasting %d", face,
           plan.calls, (unsigned long)plan.nth, plan.effect, plan.error_number, plan.lasting);
    faulty_plan_set(face, &plan);
}

static bool was_fault_met(void) {
    return faulty_plan_was_met(FAULTY_FILES) || faulty_plan_was_met(FAULTY_SQLITE);
}

static void heal(void) {
    faulty_vfs_heal();
    faulty_files_heal();
}

static void close_world(world *w, bool fold) {
    rl_store_close(w->store, fold);
    w->store = NULL;
    rl_keyspace_free(w->keys);
    rl_batch_builder_free(w->batch);
    w->keys = NULL;
    w->batch = NULL;
}

static int load_keys(world *w, char *error, size_t error_len) {
    rl_keyspace_free(w->keys);
    rl_batch_builder_free(w->batch);
    w->batch = rl_batch_builder_create();
    w->keys = random_keys_create(w->batch);
    rl_keyspace_begin(w->keys, 0, 1, 0, false); /* nothing is over yet: the digest has all */
    rl_keyspace_load_begin(w->keys, rl_store_next_id(w->store), 0);
    int code =
        rl_store_load(w->store, &(rl_store_loading){on_row, on_element, w}, error, error_len);
    rl_keyspace_load_end(w->keys);
    return code;
}

/* As the server does it. */
static int open_and_load(world *w, char *error, size_t error_len) {
    int code = rl_store_open(&w->options, &w->store, error, error_len);
    while (code == RL_STORE_OK && (code = load_keys(w, error, error_len)) == RL_STORE_DAMAGED) {
        char reason[1024];
        snprintf(reason, sizeof reason, "%s", error);
        code = rl_store_restore(w->store, reason, error, error_len);
    }
    return code;
}

/* Holds what was opened against the history; seq moves back to what was kept. */
static void check_world(world *w) {
    expect(w, rl_batch_builder_bytes(w->batch) == 0, "something had to be repaired");
    uint64_t kept = rl_store_last_seq(w->store);
    expect(w, kept >= w->promised && kept <= w->seq, "%lu of %lu promised, %lu kept",
           (unsigned long)w->promised, (unsigned long)w->seq, (unsigned long)kept);
    expect(w, random_keys_digest(w->keys) == w->digests[kept],
           "not the state after batch %lu (%lu of %lu promised)", (unsigned long)kept,
           (unsigned long)w->promised, (unsigned long)w->seq);
    counts.beyond += kept > w->promised;
    counts.replayed += rl_store_replayed(w->store) > 0;
    counts.restored += rl_store_restored(w->store) != NULL;
    w->seq = w->promised = w->safe = kept; /* it is in the tables, synced */
}

/* One opening, of which a crash or a failing call may make nothing. */
static int try_opening(world *w, char *error, size_t error_len) {
    int code = open_and_load(w, error, error_len);
    if (code == RL_STORE_OK && !faulty_disk_crashed()) {
        check_world(w);
        code = rl_store_start(w->store, error, error_len);
    }
    return code;
}

/* Something is to go wrong with most of the first openings. */
static bool plan_trouble(world *w, int trial) {
    if (trial >= TRIALS)
        return false;
    uint64_t which = below(w, 4);
    if (which == 0)
        faulty_disk_crash_at(1 + below(w, 60), any_crash(w), rl_random_next(&w->dice));
    else if (which == 1)
        plan_fault(w, 60);
    return which <= 1;
}

static void after_opening_crashed(world *w, int in_a_row) {
    faulty_crash kind = note_crash(w, faulty_disk_crash_kind());
    if (kind != FAULTY_KILLED)
        w->promised = w->safe;
    faulty_disk_restart();
    counts.opening++;
    counts.openings_in_a_row += in_a_row > 0;
}

static void open_world(world *w) {
    int in_a_row = 0;
    for (int trial = 0;; trial++) {
        char error[2048] = "";
        bool trouble = plan_trouble(w, trial);
        int code = try_opening(w, error, sizeof error);
        faulty_disk_crash_at(0, FAULTY_KILLED, 0);
        bool crashed = faulty_disk_crashed();
        if (code == RL_STORE_OK && !crashed)
            break;
        expect(w, trouble && (crashed || was_fault_met()), "%s", error);
        close_world(w, false);
        if (crashed)
            after_opening_crashed(w, in_a_row++);
        counts.openings_failed += !crashed;
        heal();
    }
    heal();
    sqlite3 *db = store_sql_open(rl_store_path(w->store));
    snprintf(w->run_id, sizeof w->run_id, "%s",
             store_sql_text(db, "SELECT value FROM rl_meta WHERE name = 'run_id'"));
    sqlite3_close(db);
    begin_turn(w);
}

/* ---- turns, faults ---- */

static void nap(uint64_t us) {
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static void change_keys(world *w) {
    for (uint64_t n = 1 + below(w, 6); n > 0; n--)
        random_keys_step(w->keys, &w->dice, w->now_ms);
    w->now_ms += (int64_t)below(w, 4);
    begin_turn(w);
    while (rl_keyspace_expire_due(w->keys, 100)) /* so that nothing due is in a digest */
        ;
    rl_keyspace_free_step(w->keys);
    if (rl_batch_builder_bytes(w->batch) == 0)
        return;
    expect(w, w->seq + 1 < SEQS_MAX, "too many batches");
    w->digests[++w->seq] = random_keys_digest(w->keys);
    rl_store_append(w->store, rl_batch_seal(w->batch, w->seq));
    counts.batches++;
    begin_turn(w);
}

/* Waits for it sometimes, but not for the next second, when this one has a backup already. */
static void back_up(world *w) {
    rl_store_stats stats;
    uint64_t number = rl_store_backup_soon(w->store);
    for (uint64_t naps = below(w, 2) * 30; naps > 0; naps--) {
        rl_store_stats_read(w->store, &stats);
        if (stats.backups_done >= number || stats.backups_failed_last >= number)
            break;
        rl_store_collect(w->store);
        nap(500);
    }
}

static void one_step(world *w) {
    switch (below(w, 25)) {
    case 0:
        rl_store_fold_soon(w->store);
        break;
    case 1:
        rl_store_sync_soon(w->store);
        break;
    case 2:
        rl_store_show_soon(w->store);
        break;
    case 3:
        rl_store_checkpoint_soon(w->store);
        break;
    case 4:
    case 5:
        nap(below(w, 2000));
        break;
    case 6:
        plan_fault(w, 40);
        break;
    case 7:
    case 8:
        heal();
        break;
    case 9:
        if (below(w, 3) == 0)
            back_up(w);
        break;
    default:
        change_keys(w);
    }
}

/* ---- a life ends ---- */

static void make_promises(world *w) {
    rl_store_progress p;
    rl_store_collect(w->store);
    rl_store_progress_read(w->store, &p);
    if (w->options.durability == RL_DURABILITY_NONE)
        w->promised = w->safe = p.folded_seq;
    else
        w->promised = p.released_seq;
    if (w->options.durability == RL_DURABILITY_ALWAYS)
        w->safe = p.released_seq;
    else if (w->options.durability != RL_DURABILITY_NONE)
        w->safe = p.synced_seq;
}

static void count_life(world *w) {
    rl_store_stats stats;
    rl_store_stats_read(w->store, &stats);
    w->kept_from = stats.journal_kept_from;
    counts.lives++;
    counts.folds += stats.folds;
    counts.checkpoints += stats.checkpoints_done;
    counts.backups += stats.backups_made;
}

/* Every backup must be good. Whether the newest is of this history: a restore that left some of the
 * journal behind began a new one, and until that has a backup of its own, its journal beside an
 * older backup is refused. *continued: there is no gap in the journal behind it; there may be one
 * after power was lost, until the next backup. */
static bool find_backup(const world *w, bool *continued) {
    rl_backup_entry *list = NULL;
    size_t count = 0;
    char error[512];
    int code = rl_backup_list(store_files_path(w->dir, "backups"), "data", &list, &count, error,
                              sizeof error);
    expect(w, code == RL_STORE_OK, "%s", error);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        code = rl_backup_describe(&list[i], error, sizeof error);
        expect(w, code == RL_STORE_OK, "the backup %s: %s", list[i].path, error);
        if (i == 0) {
            found = strcmp(list[i].run_id, w->run_id) == 0;
            *continued = w->kept_from <= list[i].folded_seq + 1;
        }
        rl_backup_entry_release(&list[i]);
    }
    rl_free(list);
    return found;
}

/* Between two lives the database is lost, beside backups. */
static void lose_data(world *w, faulty_crash kind, bool faults_before) {
    bool continued = false;
    bool found = find_backup(w, &continued);
    if (!found || w->options.restore != RL_RESTORE_YES || below(w, 2))
        return;
    faulty_disk_remove(store_files_path(w->dir, "data.db-wal"));
    size_t len;
    const char *path = store_files_path(w->dir, "data.db");
    unsigned char *bytes = faulty_disk_bytes(path, &len);
    if (bytes && len >= 100 && below(w, 2)) {
        memset(bytes, 'x', 100);
        faulty_disk_changed(path);
    } else {
        faulty_disk_remove(path);
    }
    counts.data_lost++;
    if (kind != FAULTY_KILLED || faults_before || !continued)
        w->promised = 0;
    w->safe = 0;
}

static void end_life(world *w, bool faults_before) {
    if (faulty_disk_crashed())
        counts.in_a_call++;
    faulty_disk_crash(any_crash(w), rl_random_next(&w->dice));
    faulty_crash kind = note_crash(w, faulty_disk_crash_kind());
    make_promises(w);
    if (kind != FAULTY_KILLED)
        w->promised = w->safe;
    count_life(w);
    close_world(w, false);
    faulty_disk_restart();
    heal();
    lose_data(w, kind, faults_before);
}

static void live(world *w) {
    if (below(w, 3) == 0)
        faulty_disk_crash_at(1 + below(w, 400), any_crash(w), rl_random_next(&w->dice));
    for (uint64_t steps = below(w, STEPS_MAX); steps > 0 && !faulty_disk_crashed(); steps--)
        one_step(w);
}

/* ---- worlds ---- */

static void choose_options(world *w) {
    static const rl_durability modes[] = {RL_DURABILITY_ALWAYS, RL_DURABILITY_EVERYSEC,
                                          RL_DURABILITY_NO, RL_DURABILITY_NONE};
    bool restores = below(w, 3) == 0;
    w->options = (rl_store_options){
        .dir = w->dir,
        .dbfilename = "data.db",
        .durability = modes[below(w, restores ? 3 : 4)],
        .segment_bytes = 16 << 10,
        .backlog_limit_bytes = 64 << 20,
        .fold_interval_ms = below(w, 2) ? NEVER_MS : 1 + (uint32_t)below(w, 20),
        .upkeep = {.checkpoint_interval_ms = below(w, 2) ? NEVER_MS : 1 + (uint32_t)below(w, 20),
                   .checkpoint_wal_bytes = 64 << 20,
                   .backup_retain = 3,
                   .journal_keep = restores ? RL_JOURNAL_KEEP_BACKUP : RL_JOURNAL_KEEP_FOLDED,
                   .journal_keep_bytes = 1 << 20},
        .restore = restores ? RL_RESTORE_YES : RL_RESTORE_NO,
        .check = below(w, 2) ? RL_CHECK_NONE : RL_CHECK_QUICK,
        .notify = on_notify,
    };
}

/* The directory begins with a database of an older version. */
static void begin_with_version_1(world *w) {
    store_files_version_1(store_files_path(w->dir, "data.db"));
    w->batch = rl_batch_builder_create();
    w->keys = random_keys_create(w->batch);
    rl_keyspace_begin(w->keys, 0, 1, 0, false);
    rl_keyspace_load_begin(w->keys, 4, 0);
    rl_keyspace_load(w->keys, 1, 0, RL_TYPE_STRING, RL_NEVER, rl_bytes_text("a"),
                     rl_bytes_text("one"));
    rl_keyspace_load(w->keys, 3, 1, RL_TYPE_STRING, RL_NEVER, rl_bytes_of("\xff", 1),
                     rl_bytes_of("\0", 1));
    rl_keyspace_load_end(w->keys);
    w->seq = w->promised = w->safe = STORE_FILES_VERSION_1_SEQ;
    w->digests[w->seq] = random_keys_digest(w->keys);
    close_world(w, false);
    counts.migrated++;
}

static void one_world(uint64_t seed, bool faults) {
    static world w;
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.faults = faults;
    rl_random_seed(&w.dice, seed);
    w.dir = store_files_make();
    w.now_ms = 1000000;
    snprintf(w.trouble, sizeof w.trouble, "at the beginning");
    choose_options(&w);
    if (below(&w, 8) == 0)
        begin_with_version_1(&w);
    faulty_files_start_in(w.dir);
    for (int life = 0; life < LIVES; life++) {
        open_world(&w);
        live(&w);
        end_life(&w, faults);
    }
    open_world(&w);
    close_world(&w, true);
    faulty_files_stop();
    store_files_remove(w.dir);
    counts.schedules++;
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static void tell(void) {
    printf("%lu schedules, %lu lives, %lu batches, %lu folds, %lu checkpoints, %lu backups\n",
           counts.schedules, counts.lives, counts.batches, counts.folds, counts.checkpoints,
           counts.backups);
    for (int kind = FAULTY_KILLED; kind <= FAULTY_POWER_HEADS; kind++)
        printf("  %s: %lu\n", crash_names[kind], counts.crashes[kind]);
    printf(
        "  of these in place of a call: %lu at work, %lu while opening, %lu of them while opening "
        "after another\n",
        counts.in_a_call, counts.opening, counts.openings_in_a_row);
    printf("  openings: %lu refused because a call failed, %lu with batches from the journal, "
           "%lu with a database of an older schema, %lu with data.db lost, %lu from a backup, "
           "%lu with more than was promised\n",
           counts.openings_failed, counts.replayed, counts.migrated, counts.data_lost,
           counts.restored, counts.beyond);
    faulty_plan_print();
}

static void worlds(bool faults) {
    uint64_t first = from_environment("SEED", 1), count = from_environment("SEEDS", 25);
    rl_log_set_level(from_environment("VERBOSE", 0) ? RL_LOG_DEBUG : RL_LOG_NOTHING);
    faulty_vfs_install();
    for (uint64_t seed = first; seed < first + count; seed++)
        one_world(seed, faults);
    tell();
    cr_assert_gt(counts.batches, 0);
}

TestSuite(power_loss, .timeout = 36000);

Test(power_loss, what_is_left_is_a_prefix_that_has_what_was_promised)
{ worlds(false); }

Test(power_loss, with_disks_that_fail_too)
{ worlds(true); }
