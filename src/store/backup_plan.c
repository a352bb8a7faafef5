/* SPDX-License-Identifier: MIT */
/* The rules of backup_plan.h. */
#include "store/backup_plan.h"

#define FIRST_AFTER_MS 60000
#define RETRY_FIRST_MS 60000
#define RETRY_LAST_MS  (3600 * 1000)
#define REST_LEAST_MS  5000

static int64_t at_least(int64_t ms, int64_t least) {
    return ms < least ? least : ms;
}

static int64_t rest_ms(const backup_plan *p) {
    return p->not_before_ms ? at_least(p->not_before_ms - p->now_ms, 0) : 0;
}

int64_t store_backup_due_by_time_ms(const backup_plan *p) {
    if (p->interval_s == 0)
        return BACKUP_NEVER;
    int64_t interval_ms = p->interval_s * 1000;
    /* A backup of the future says that the clock was wrong: it is no measure for anything. */
    bool known = p->newest_wall_ms > 0 && p->newest_wall_ms <= p->now_wall_ms;
    int64_t first_ms = interval_ms < FIRST_AFTER_MS ? interval_ms : FIRST_AFTER_MS;
    int64_t left_ms = known ? p->newest_wall_ms + interval_ms - p->now_wall_ms
                            : p->started_ms + first_ms - p->now_ms;
    return at_least(left_ms, rest_ms(p));
}

int64_t store_backup_due_by_journal_ms(const backup_plan *p) {
    if (!p->keep)
        return BACKUP_NEVER;
    bool large = p->kept_bytes > p->keep_bytes;
    bool torn = p->newest_seq == 0 || p->kept_from > p->newest_seq + 1;
    return large || torn ? rest_ms(p) : BACKUP_NEVER;
}

int64_t store_backup_retry_ms(unsigned failures) {
    int64_t wait_ms = RETRY_FIRST_MS;
    while (failures-- > 1 && wait_ms < RETRY_LAST_MS)
        wait_ms *= 2;
    return wait_ms < RETRY_LAST_MS ? wait_ms : RETRY_LAST_MS;
}

int64_t store_backup_rest_ms(int64_t took_ms) {
    return at_least(took_ms, REST_LEAST_MS);
}
