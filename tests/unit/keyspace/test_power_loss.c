/* SPDX-License-Identifier: MIT */
/*
 * Keyspace, journal and tables together on disks that fail and lose power. Random changes of keys
 * of every type go to a store whose two file layers are simulated: the journal's (faulty_files.h)
 * and SQLite's (faulty_vfs.h). Calls fail now and then; at a random moment the process is killed or
 * the power goes, which takes any sectors that were not synced. What is opened again must be the
 * state after one of the batches, whole, and none before what was promised:
 *
 *     killed        all that was released (answered)
 *     power lost    all that was synced; with `always`, all that was released
 *     no journal    all that was folded
 *
 * Then it goes on from there. SEEDS=n runs as many lives as that, SEED=s begins with that seed;
 * the store's threads are real, so a seed repeats the workload and the faults, not every timing.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "lib/faulty_files.h"
#include "lib/faulty_vfs.h"
#include "lib/random_keys.h"
#include "lib/store_files.h"
#include "store/store.h"

#define NEVER_MS  (3600u * 1000)
#define LIVES     4    /* of one directory */
#define SEQS_MAX  8192 /* batches of one directory */
#define STEPS_MAX 120  /* turns of one life */

typedef struct world {
    char *dir, *left; /* the directory, and what a power failure leaves of it */
    rl_store_options options;
    rl_store *store;
    rl_keyspace *keys;
    rl_batch_builder *batch;
    rl_random dice;
    int64_t now_ms;
    uint64_t seq;               /* of the last batch */
    uint64_t digests[SEQS_MAX]; /* of the keyspace after each batch */
    rl_type loading;            /* the type of the key whose elements come */
    char trouble[128];
} world;

static struct { unsigned long lives, killed, lost_power, faults, batches, beyond; } counts;

static uint64_t below(world *w, uint64_t limit) {
    return rl_random_below(&w->dice, limit);
}

/* ---- a life begins ---- */

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

/* Opens what is there and holds it against the history; seq moves back to what was kept. */
static void open_world(world *w, uint64_t seed, uint64_t promised) {
    char error[1024] = "";
    int code = rl_store_open(&w->options, &w->store, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "seed %lu, %s: %s", (unsigned long)seed, w->trouble, error);
    w->batch = rl_batch_builder_create();
    w->keys = random_keys_create(w->batch);
    rl_keyspace_begin(w->keys, 0, 1, 0, false); /* nothing is over yet: the digest has all */
    rl_keyspace_load_begin(w->keys, rl_store_next_id(w->store), 0);
    code = rl_store_load(w->store, &(rl_store_loading){on_row, on_element, w}, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "seed %lu: %s", (unsigned long)seed, error);
    rl_keyspace_load_end(w->keys);
    cr_assert_eq(rl_batch_builder_bytes(w->batch), 0, "seed %lu, %s: something had to be repaired",
                 (unsigned long)seed, w->trouble);
    uint64_t kept = rl_store_last_seq(w->store);
    cr_assert_geq(kept, promised, "seed %lu, %s: %lu promised, %lu kept", (unsigned long)seed,
                  w->trouble, (unsigned long)promised, (unsigned long)kept);
    cr_assert_leq(kept, w->seq, "seed %lu, %s", (unsigned long)seed, w->trouble);
    cr_assert_eq(random_keys_digest(w->keys), w->digests[kept],
                 "seed %lu, %s: not the state after batch %lu (promised %lu of %lu)",
                 (unsigned long)seed, w->trouble, (unsigned long)kept, (unsigned long)promised,
                 (unsigned long)w->seq);
    counts.beyond += kept > promised;
    w->seq = kept;
    code = rl_store_start(w->store, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    begin_turn(w);
}

/* ---- turns, faults ---- */

static void nap(uint64_t us) {
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static void change_keys(world *w, uint64_t seed) {
    for (uint64_t n = 1 + below(w, 6); n > 0; n--)
        random_keys_step(w->keys, &w->dice, w->now_ms);
    w->now_ms += (int64_t)below(w, 4);
    begin_turn(w);
    while (rl_keyspace_expire_due(w->keys, 100)) /* so that nothing due is in a digest */
        ;
    rl_keyspace_free_step(w->keys);
    if (rl_batch_builder_bytes(w->batch) == 0)
        return;
    cr_assert_lt(w->seq + 1, SEQS_MAX, "seed %lu", (unsigned long)seed);
    w->digests[++w->seq] = random_keys_digest(w->keys);
    rl_store_append(w->store, rl_batch_seal(w->batch, w->seq));
    counts.batches++;
    begin_turn(w);
}

static void start_fault(world *w) {
    int error = below(w, 2) ? EIO : ENOSPC;
    counts.faults++;
    switch (below(w, 5)) {
    case 0:
        faulty_vfs_fail_once(1 + below(w, 40));
        break;
    case 1:
        faulty_vfs_fail(error);
        break;
    case 2:
        faulty_vfs_fail_syncs();
        break;
    default:
        faulty_files_fail(1 + below(w, 30), error, below(w, 2));
    }
}

static void heal(void) {
    faulty_vfs_heal();
    faulty_files_heal();
}

static void one_step(world *w, uint64_t seed, bool faults) {
    switch (below(w, 24)) {
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
        if (faults)
            start_fault(w);
        break;
    case 7:
    case 8:
        heal();
        break;
    default:
        change_keys(w, seed);
    }
}

/* ---- a life ends ---- */

typedef struct ending {
    world *w;
    faulty_crash kind;
    uint64_t seed;
} ending;

/* While no write or sync of SQLite's ends. */
static void crash_journal(void *arg) {
    ending *e = arg;
    if (e->kind == FAULTY_KILLED) /* what SQLite wrote is there, synced or not */
        store_files_copy(e->w->dir, e->w->left);
    faulty_files_crash(e->kind, e->seed);
}

static uint64_t promised_at(world *w, faulty_crash kind) {
    rl_store_progress p;
    rl_store_collect(w->store);
    rl_store_progress_read(w->store, &p);
    if (w->options.durability == RL_DURABILITY_NONE)
        return p.folded_seq;
    bool answered = kind == FAULTY_KILLED || w->options.durability == RL_DURABILITY_ALWAYS;
    return answered ? p.released_seq : p.synced_seq;
}

static uint64_t end_life(world *w) {
    static const faulty_crash kinds[] = {FAULTY_KILLED, FAULTY_POWER, FAULTY_POWER,
                                         FAULTY_POWER_NONE, FAULTY_POWER_HEADS};
    ending e = {w, kinds[below(w, 5)], rl_random_next(&w->dice)};
    char *power = store_files_make();
    w->left = store_files_make();
    uint64_t promised = promised_at(w, e.kind);
    faulty_vfs_power_off(power, e.seed, crash_journal, &e);
    heal();
    rl_store_close(w->store, false);
    rl_keyspace_free(w->keys);
    rl_batch_builder_free(w->batch);
    faulty_files_restart();
    store_files_remove(w->dir);
    char *kept = e.kind == FAULTY_KILLED ? w->left : power;
    store_files_remove(e.kind == FAULTY_KILLED ? power : w->left);
    /* The journal is found by the directory's name, so that stays. */
    cr_assert_eq(rename(kept, w->options.dir), 0);
    rl_free(kept);
    w->dir = rl_strdup(w->options.dir);
    faulty_vfs_record();
    snprintf(w->trouble, sizeof w->trouble, "durability %d, %s", (int)w->options.durability,
             e.kind == FAULTY_KILLED ? "killed" : "power lost");
    *(e.kind == FAULTY_KILLED ? &counts.killed : &counts.lost_power) += 1;
    return promised;
}

static void one_world(uint64_t seed, bool faults) {
    static world w;
    static const rl_durability modes[] = {RL_DURABILITY_ALWAYS, RL_DURABILITY_EVERYSEC,
                                          RL_DURABILITY_NO, RL_DURABILITY_NONE};
    memset(&w, 0, sizeof w);
    rl_random_seed(&w.dice, seed);
    w.dir = store_files_make();
    w.now_ms = 1000000;
    char *name = rl_strdup(w.dir);
    w.options = (rl_store_options){
        .dir = name,
        .dbfilename = "data.db",
        .durability = modes[below(&w, 4)],
        .segment_bytes = 16 << 10,
        .backlog_limit_bytes = 64 << 20,
        .fold_interval_ms = below(&w, 2) ? NEVER_MS : 1 + (uint32_t)below(&w, 20),
        .upkeep = {.checkpoint_interval_ms = below(&w, 2) ? NEVER_MS : 1 + (uint32_t)below(&w, 20),
                   .checkpoint_wal_bytes = 64 << 20},
        .notify = on_notify,
    };
    faulty_files_start();
    faulty_vfs_record();
    uint64_t promised = 0;
    for (int life = 0; life < LIVES; life++) {
        open_world(&w, seed, promised);
        for (uint64_t steps = below(&w, STEPS_MAX); steps > 0; steps--)
            one_step(&w, seed, faults);
        promised = end_life(&w);
        counts.lives++;
    }
    open_world(&w, seed, promised);
    rl_store_close(w.store, true);
    rl_keyspace_free(w.keys);
    rl_batch_builder_free(w.batch);
    faulty_files_stop();
    store_files_remove(w.dir);
    rl_free(name);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static void worlds(bool faults) {
    uint64_t first = from_environment("SEED", 1), count = from_environment("SEEDS", 25);
    rl_log_set_level(RL_LOG_NOTHING);
    faulty_vfs_install();
    for (uint64_t seed = first; seed < first + count; seed++)
        one_world(seed, faults);
    printf("%lu lives: %lu killed, %lu lost power; %lu batches, %lu faults; more was kept than "
           "promised %lu times\n",
           counts.lives, counts.killed, counts.lost_power, counts.batches, counts.faults,
           counts.beyond);
    cr_assert_gt(counts.batches, counts.lives);
}

TestSuite(power_loss, .timeout = 36000);

Test(power_loss, what_is_left_is_a_prefix_that_has_what_was_promised)
{ worlds(false); }

Test(power_loss, with_disks_that_fail_too)
{ worlds(true); }
