/* SPDX-License-Identifier: MIT */
/*
 * All threads at once, on real files: the loop appends and changes modes, a store thread folds what
 * it sees, and others read the state. Most telling under the thread sanitizer.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "lib/faulty_files.h"
#include "lib/journal_rig.h"

static rig *r;
static char top[] = "/tmp/rubellite-test-XXXXXX";
static char dir[sizeof(top) + 16];

static void setup(void) {
    cr_assert_not_null(mkdtemp(top));
    snprintf(dir, sizeof(dir), "%s/journal", top);
    r = rig_create();
    r->dir = dir;
}

static void teardown(void) {
    rig_free(r);
    DIR *d = opendir(dir);
    const struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
    rmdir(top);
}

TestSuite(journal_threads, .init = setup, .fini = teardown);

/* What the loop tells the other threads. */
static _Atomic uint64_t appended;
static _Atomic bool done;
static _Atomic uint64_t folded;
static sem_t more; /* something to fold */

static void *store_thread(void *arg) {
    rl_journal *j = arg;
    while (!atomic_load(&done)) {
        sem_wait(&more);
        uint64_t seq = atomic_load(&appended);
        rl_journal_recycle(j, seq);
        atomic_store(&folded, seq);
    }
    return NULL;
}

/* What a reading thread has to complain about; NULL is nothing. */
static char went_back[] = "synced went back";
static char other_error[] = "another error than the one that was made";
static char not_appended[] = "synced what was not appended";

static void *reading_thread(void *arg) {
    rl_journal *j = arg;
    uint64_t last = 0;
    while (!atomic_load(&done)) {
        uint64_t synced = rl_journal_synced(j);
        if (synced < last)
            return went_back;
        last = synced;
        rl_journal_stats stats;
        rl_journal_stats_read(j, &stats);
        char text[128];
        int error_number;
        if (!rl_journal_healthy(j, &error_number, text, sizeof(text)) && error_number != EIO)
            return other_error;
        if (last > atomic_load(&appended) + 1)
            return not_appended;
        sched_yield();
    }
    return NULL;
}

static void append_all(uint64_t count, rl_random *random) {
    for (uint64_t seq = r->appended + 1; seq <= count; seq++) {
        while (rig_append(r, seq) != RL_JOURNAL_OK) {
            faulty_files_heal();
            r->folded = atomic_load(&folded); /* as it stands now; it only grows */
            rig_retry(r, 2);
        }
        atomic_store(&appended, seq);
        if (rl_random_below(random, 50) == 0)
            sem_post(&more);
        if (rl_random_below(random, 100) == 0)
            rl_journal_set_mode(r->journal, (rl_journal_mode)rl_random_below(random, 3));
        if (rl_random_below(random, 100) == 0)
            rl_journal_sync_soon(r->journal);
    }
}

static void run(uint64_t count, bool with_faults) {
    rl_random random;
    rl_random_seed(&random, 5);
    r->mode = RL_JOURNAL_ALWAYS;
    sem_init(&more, 0, 0);
    rig_begin(r);
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, store_thread, r->journal);
    pthread_create(&threads[1], NULL, reading_thread, r->journal);
    pthread_create(&threads[2], NULL, reading_thread, r->journal);
    if (with_faults) {
        for (uint64_t part = 1; part <= 20; part++) {
            faulty_files_fail(1 + rl_random_below(&random, 30), EIO, false);
            append_all(part * count / 20, &random);
        }
        faulty_files_heal();
    } else {
        append_all(count, &random);
    }
    atomic_store(&done, true);
    sem_post(&more);
    for (int i = 0; i < 3; i++) {
        void *said;
        pthread_join(threads[i], &said);
        cr_assert_null(said, "%s", (const char *)said);
    }
    uint64_t last = r->appended;
    rig_close(r, false);
    r->folded = atomic_load(&folded);
    cr_assert_leq(r->folded, last);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK, "%s", r->report.detail);
    cr_assert_eq(r->folded, last);
    sem_destroy(&more);
}

Test(journal_threads, on_real_files, .timeout = 120)
{
    run(5000, false);
    struct stat st;
    cr_assert_eq(stat(dir, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700, "what people store is nobody else's business");
}

Test(journal_threads, on_a_failing_disk, .timeout = 120)
{
    faulty_files_start();
    r->dir = RIG_DIR;
    run(5000, true);
    rig_close(r, false);
    faulty_files_stop();
}

Test(journal_threads, lives_on_real_files, .timeout = 120)
{
    r->mode = RL_JOURNAL_NO;
    for (unsigned life = 1; life <= 4; life++) {
        rig_begin(r);
        cr_assert_eq(r->appended, (life - 1) * 300u);
        rig_append_up_to(r, life * 300u);
        rig_fold(r, life * 300u - 10);
        rig_close(r, life == 4);
    }
    r->folded = 0;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->report.batches, 0);
}

Test(journal_threads, errors_of_the_system_are_told)
{
    r->dir = "/proc/no-such-place/journal";
    cr_assert_eq(rig_recover(r), RL_JOURNAL_BROKEN);
    cr_assert_str_eq(r->error, "No such file or directory while making the directory "
                               "/proc/no-such-place/journal");
}
