/* SPDX-License-Identifier: MIT */
/* When backups are due. */
#include "store/backup_plan.h"

#include <criterion/criterion.h>

#define DAY_S     86400
#define MINUTE_MS 60000

/* Up for ten minutes, a backup a day, the last one made an hour ago. */
static backup_plan plan(void) {
    return (backup_plan){
        .now_ms = 10 * MINUTE_MS + 5000,
        .started_ms = 5000,
        .now_wall_ms = INT64_C(1800000000000),
        .newest_wall_ms = INT64_C(1800000000000) - 60 * MINUTE_MS,
        .newest_seq = 100,
        .interval_s = DAY_S,
        .keep_bytes = 1000,
        .kept_from = 1,
    };
}

Test(backup_plan, by_time_after_the_newest_one)
{
    backup_plan p = plan();
    cr_assert_eq(store_backup_due_by_time_ms(&p), 23 * 60 * MINUTE_MS);
    p.interval_s = 3601;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 1000);
    p.interval_s = 3600;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 0);
    p.interval_s = 1;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 0);
    p.interval_s = 0;
    cr_assert_eq(store_backup_due_by_time_ms(&p), BACKUP_NEVER);
}

Test(backup_plan, the_first_comes_a_minute_after_the_start)
{
    backup_plan p = plan();
    p.newest_wall_ms = 0;
    p.now_ms = p.started_ms + 1000;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 59000);
    p.interval_s = 10;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 9000);
    p.now_ms = p.started_ms + MINUTE_MS;
    p.interval_s = DAY_S;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 0);
}

Test(backup_plan, a_backup_of_the_future_does_not_put_off_the_next)
{
    backup_plan p = plan();
    p.newest_wall_ms = p.now_wall_ms + 1000;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 0);
}

Test(backup_plan, not_before_it_may_be_tried_again)
{
    backup_plan p = plan();
    p.interval_s = 3600;
    p.not_before_ms = p.now_ms + 500;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 500);
    p.keep = true;
    p.kept_bytes = 1001;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), 500);
    p.now_ms += 501;
    cr_assert_eq(store_backup_due_by_time_ms(&p), 0);
    cr_assert_eq(store_backup_due_by_journal_ms(&p), 0);
}

Test(backup_plan, by_the_journal_when_it_is_kept)
{
    backup_plan p = plan();
    p.kept_bytes = 1001;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), BACKUP_NEVER, "it is not");
    p.keep = true;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), 0);
    p.kept_bytes = 1000;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), BACKUP_NEVER);
    p.kept_from = 101;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), BACKUP_NEVER, "it goes on from the backup");
    p.kept_from = 102;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), 0, "it does not");
    p.interval_s = 0;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), 0, "whatever the schedule");
    p.kept_from = 1;
    p.newest_seq = 0;
    cr_assert_eq(store_backup_due_by_journal_ms(&p), 0, "there is none to go on from");
}

Test(backup_plan, waits_longer_after_each_failure)
{
    cr_assert_eq(store_backup_retry_ms(1), MINUTE_MS);
    cr_assert_eq(store_backup_retry_ms(2), 2 * MINUTE_MS);
    cr_assert_eq(store_backup_retry_ms(3), 4 * MINUTE_MS);
    cr_assert_eq(store_backup_retry_ms(1000000), 60 * MINUTE_MS);
    cr_assert_eq(store_backup_rest_ms(0), 5000);
    cr_assert_eq(store_backup_rest_ms(300000), 300000);
}
