/* SPDX-License-Identifier: MIT */
/* INFO sql: what the SQL command did, and does now. See info.h. */
#include "server/info_sections.h"
#include "server/sql_session.h"

void rl_info_sql(rl_server *s, rl_buffer *out) {
    rl_sql_stats sql;
    rl_server_sql_stats(s, &sql);
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"sql_readers", (uint64_t)rl_server_settings(s)->sql_readers},
        {"sql_running", sql.running},
        {"sql_waiting", sql.waiting},
        {"sql_queries", sql.queries},
        {"sql_reads", sql.reads},
        {"sql_writes", sql.writes},
        {"sql_units", sql.units},
        {"sql_errors", sql.errors},
        {"sql_denied", sql.denied},
        {"sql_timeouts", sql.timeouts},
        {"sql_limited", sql.limited},
        {"sql_canceled", sql.canceled},
        {"sql_usec", sql.usec},
        {"sql_last_usec", sql.last_usec},
    };
    rl_buffer_add_text(out, "# SQL\r\n");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        rl_info_count(out, fields[i].name, fields[i].value);
}
