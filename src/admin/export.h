/* SPDX-License-Identifier: MIT */
/*
 * rubellite export: where the keys come from. The source gives every key it has to the writer.
 * Errors are said on stderr.
 */
#ifndef RL_ADMIN_EXPORT_H
#define RL_ADMIN_EXPORT_H

#include <sqlite3.h>

#include "admin/admin.h"
#include "admin/writer.h"

#define ADMIN_EXPORT_TYPES 16

typedef struct admin_exporting {
    const admin_args *args;
    admin_writer writer;
    admin_sink sink;
    uint64_t expired;                     /* keys left out because their time is over */
    uint64_t unknown[ADMIN_EXPORT_TYPES]; /* keys by type that cannot be written; [0]: no type of
                                             ours */
    uint64_t changed; /* of a server: keys that changed their type faster than they could be read */
} admin_exporting;

/* From the tables of a database, in a transaction that is open. */
bool admin_export_tables(admin_exporting *e, sqlite3 *db);
/* From a server, over a connection that is logged in. */
bool admin_export_server(admin_exporting *e, int fd);

#endif
