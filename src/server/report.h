/* SPDX-License-Identifier: MIT */
/* Numbers that INFO and other commands tell alike. Loop thread. */
#ifndef RL_SERVER_REPORT_H
#define RL_SERVER_REPORT_H

#include "server/server.h"

/* Where memory goes: overhead is what would be there without values (what the process had at its
 * start, tables, clients, batches that wait), dataset the rest. */
typedef struct rl_data_use {
    size_t clients, tables, backlog, overhead, dataset, keys;
    double dataset_percent; /* of what was allocated since the start */
} rl_data_use;
/* Measures anew (see rl_server_memory) and walks the sessions. */
void rl_report_data_use(rl_server *s, rl_data_use *out);

/* Wall time of the newest backup's content; the start of the server when there is none. */
int64_t rl_report_last_save_ms(rl_server *s);
/* A backup is being made, or one that was asked for is to come. */
bool rl_report_is_saving(const rl_store_stats *store);

#endif
