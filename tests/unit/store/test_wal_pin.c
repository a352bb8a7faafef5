/* SPDX-License-Identifier: MIT */
/* Who pins the WAL: other processes, named by their locks. */
#include "store/wal_pin.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store_files.h"
#include "store/schema.h"
#include "store/store.h"

#define FRAME 4120

static char *dir;
static char path[1024];
static sqlite3 *db;
static wal_reader readers[WAL_READERS_MAX];
static wal_pin pin;

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    char error[512];
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    store_sql_run(db, "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
    memset(&pin, 0, sizeof pin);
}

static void teardown(void) {
    sqlite3_close(db);
    store_files_remove(dir);
}

TestSuite(wal_pin, .init = setup, .fini = teardown);

/* A process that reads, and goes on reading until `end`. */
static pid_t reader;
static int reader_pipe[2];

static void begin_reader(void) {
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    cr_assert_eq(pipe(reader_pipe), 0);
    reader = fork();
    if (reader == 0) {
        close(reader_pipe[1]);
        prctl(PR_SET_NAME, "long\nreader");
        sqlite3 *other;
        bool good = sqlite3_open(path, &other) == SQLITE_OK &&
                    sqlite3_exec(other, "BEGIN; SELECT * FROM t", NULL, NULL, NULL) == SQLITE_OK;
        if (write(ready[1], good ? "y" : "n", 1) == 1 && read(reader_pipe[0], &byte, 1) == 1)
            sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
        if (write(ready[1], "e", 1) == 1 && read(reader_pipe[0], &byte, 1) >= 0)
            _exit(0);
        _exit(1);
    }
    cr_assert_gt(reader, 0);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_assert_eq(byte, 'y');
    close(ready[1]);
    close(ready[0]);
}

static void end_reader(void) {
    kill(reader, SIGKILL);
    waitpid(reader, NULL, 0);
    close(reader_pipe[0]);
    close(reader_pipe[1]);
}

/* What the keeper does. */
static void look(void) {
    int in_wal = 0, copied = 0;
    cr_assert_eq(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied),
                 SQLITE_OK);
    store_wal_pin_note(&pin, path, in_wal, copied, FRAME);
}

Test(wal_pin, readers_are_listed_by_process)
{
    cr_assert_eq(store_wal_readers_list(path, readers, WAL_READERS_MAX), 0);
    begin_reader();
    cr_assert_eq(store_wal_readers_list(path, readers, WAL_READERS_MAX), 1);
    cr_assert_eq(readers[0].pid, reader);
    store_sql_run(db, "BEGIN");
    store_sql_int(db, "SELECT count(*) FROM t");
    cr_assert_eq(store_wal_readers_list(path, readers, WAL_READERS_MAX), 2);
    cr_assert(readers[0].pid == getpid() || readers[1].pid == getpid());
    cr_assert_eq(store_wal_readers_list(path, readers, 1), 1, "no more than there is room for");
    store_sql_run(db, "COMMIT");
    end_reader();
    cr_assert_eq(store_wal_readers_list(path, readers, WAL_READERS_MAX), 0);
    cr_assert_eq(store_wal_readers_list("/nowhere/data.db", readers, WAL_READERS_MAX), 0);
}

Test(wal_pin, looking_takes_no_lock_away)
{
    store_sql_run(db, "BEGIN");
    store_sql_int(db, "SELECT count(*) FROM t");
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(store_wal_readers_list(path, readers, WAL_READERS_MAX), 1);
        cr_assert_eq(readers[0].pid, getpid());
    }
    store_sql_run(db, "COMMIT");
}

Test(wal_pin, names_the_process_that_holds_an_old_state)
{
    begin_reader();
    look();
    cr_assert_eq(pin.since_ms, 0, "nothing was written since");
    store_sql_run(db, "INSERT INTO t VALUES (2)");
    look();
    cr_assert_gt(pin.since_ms, 0);
    cr_assert_eq(pin.pid, reader);
    cr_assert_not(pin.ours);
    cr_assert_str_eq(pin.name, "long?reader");
    cr_assert_eq(pin.bytes, FRAME);
    int64_t since_ms = pin.since_ms;
    store_sql_run(db, "INSERT INTO t VALUES (3)");
    look();
    cr_assert_eq(pin.since_ms, since_ms, "it is still the same");
    cr_assert_eq(pin.bytes, 2 * FRAME);
    end_reader();
    look();
    cr_assert_eq(pin.since_ms, 0);
    cr_assert_eq(pin.bytes, 0);
    cr_assert_eq(pin.pid, 0);
    cr_assert_str_eq(pin.name, "");
}

Test(wal_pin, knows_our_own_readers)
{
    sqlite3 *own = store_sql_open(path);
    store_sql_run(own, "BEGIN");
    store_sql_int(own, "SELECT count(*) FROM t");
    store_sql_run(db, "INSERT INTO t VALUES (2)");
    look();
    cr_assert_eq(pin.pid, getpid());
    cr_assert(pin.ours);
    store_sql_run(own, "COMMIT");
    sqlite3_close(own);
    look();
    cr_assert_eq(pin.since_ms, 0);
}

Test(wal_pin, the_one_that_was_there_before_is_meant)
{
    begin_reader();
    store_sql_run(db, "INSERT INTO t VALUES (2)");
    look();
    /* another comes later, and reads the newest state: it does not matter */
    sqlite3 *own = store_sql_open(path);
    store_sql_run(own, "BEGIN");
    cr_assert_eq(store_sql_int(own, "SELECT count(*) FROM t"), 2);
    store_sql_run(db, "INSERT INTO t VALUES (3)");
    look();
    cr_assert_eq(pin.reader_count, 2);
    cr_assert_eq(pin.pid, reader);
    end_reader();
    store_sql_run(db, "INSERT INTO t VALUES (4)");
    look();
    cr_assert_eq(pin.pid, getpid(), "now it does");
    sqlite3_close(own);
}
