/* SPDX-License-Identifier: MIT */
/*
 * Where a result of many bytes goes: standard output, or a file that gets its name only once it is
 * whole and synced. Errors are kept and said at the end. One thread.
 */
#ifndef RL_ADMIN_SINK_H
#define RL_ADMIN_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

typedef struct admin_sink {
    const char *path; /* NULL: standard output */
    char *part;       /* the name while it is written */
    int fd;
    int error; /* an errno, the first */
    uint64_t written;
} admin_sink;

/* An exit code; what is wrong is said. */
int admin_sink_open(admin_sink *s, const char *path);
/* False once something went wrong; later calls then do nothing. */
bool admin_sink_write(admin_sink *s, rl_bytes bytes);
/* Syncs, names and closes the file, or with `keep` false removes it. An exit code. */
int admin_sink_close(admin_sink *s, bool keep);
/* Syncs the directory a path is in, so that a new name stays. */
bool admin_sync_parent(const char *path);

#endif
