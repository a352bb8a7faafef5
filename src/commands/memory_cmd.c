/* SPDX-License-Identifier: MIT */
/* MEMORY: what takes how much. */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/chain.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/report.h"

/* ---- MEMORY USAGE ---- */

/* A key's place in the table (a tag byte and a pointer in buckets that are about two thirds full),
 * in the heap of expiries, and in the heap of hashes whose fields expire. */
#define TABLE_SHARE  14
#define EXPIRY_SHARE 16
#define FIELDS_SHARE 24

static bool parse_usage(rl_ctx *c) {
    for (int i = 3; i < c->argc; i += 2) {
        int64_t samples; /* of a collection's elements; nothing is estimated here */
        if (!rl_bytes_is(c->argv[i], "SAMPLES") || i + 1 == c->argc) {
            rl_ctx_syntax_error(c);
            return false;
        }
        if (!rl_ctx_int(c, i + 1, &samples, NULL))
            return false;
        if (samples < 0) {
            rl_ctx_syntax_error(c);
            return false;
        }
    }
    return true;
}

void rl_cmd_memory_usage(rl_ctx *c) {
    if (!parse_usage(c))
        return;
    const rl_entry *e = rl_ctx_find(c, 2, RL_LOOK_PEEK);
    if (e == NULL) {
        rl_reply_null(c->reply);
        return;
    }
    size_t bytes = rl_entry_memory(e) + TABLE_SHARE;
    if (e->flags & RL_ENTRY_EXPIRES)
        bytes += EXPIRY_SHARE;
    if (e->flags & RL_ENTRY_FIELDS)
        bytes += FIELDS_SHARE;
    rl_reply_int(c->reply, (int64_t)bytes);
}

/* ---- MEMORY STATS ---- */

static void reply_count(rl_reply *r, const char *name, uint64_t value) {
    rl_reply_text(r, name);
    rl_reply_int(r, (int64_t)value);
}

static void reply_number(rl_reply *r, const char *name, double value) {
    rl_reply_text(r, name);
    rl_reply_double(r, value);
}

/* "x.ratio" (or what `ratio` says) and "x.bytes". */
static void reply_overhead(rl_reply *r, const char *ratio, const char *bytes, size_t part,
                           size_t base) {
    reply_number(r, ratio, base ? (double)part / (double)base : 0);
    rl_reply_text(r, bytes);
    rl_reply_int(r, (int64_t)part - (int64_t)base);
}

/* How many databases have keys; with a reply, tells of them. */
static size_t databases(rl_ctx *c, rl_reply *r) {
    size_t count = 0;
    for (int db = 0; db < rl_keyspace_databases(c->keys); db++) {
        rl_db_stats of_db;
        char name[32];
        rl_keyspace_db_stats(c->keys, db, &of_db);
        if (of_db.keys == 0)
            continue;
        count++;
        if (r == NULL)
            continue;
        snprintf(name, sizeof name, "db.%d", db);
        rl_reply_text(r, name);
        rl_reply_map(r, 3);
        reply_count(r, "overhead.hashtable.main", of_db.table_memory);
        reply_count(r, "overhead.hashtable.expires", of_db.expiry_memory);
        reply_count(r, "overhead.hashtable.slot-to-keys", 0);
    }
    return count;
}

void rl_cmd_memory_stats(rl_ctx *c) {
    rl_reply *r = c->reply;
    rl_data_use data;
    rl_report_data_use(c->server, &data);
    const rl_memory_use *use = rl_server_memory(c->server, false);
    size_t grown = use->used > use->startup ? use->used - use->startup : 0;
    rl_reply_map(r, 27 + databases(c, NULL));
    reply_count(r, "peak.allocated", use->peak);
    reply_count(r, "total.allocated", use->used);
    reply_count(r, "startup.allocated", use->startup);
    reply_count(r, "replication.backlog", 0);
    reply_count(r, "clients.slaves", 0);
    reply_count(r, "clients.normal", data.clients);
    reply_count(r, "cluster.links", 0);
    reply_count(r, "aof.buffer", data.backlog);
    reply_count(r, "lua.caches", 0);
    reply_count(r, "functions.caches", 0);
    databases(c, r);
    reply_count(r, "overhead.total", data.overhead);
    reply_count(r, "keys.count", data.keys);
    reply_count(r, "keys.bytes-per-key", data.keys ? grown / data.keys : 0);
    reply_count(r, "dataset.bytes", data.dataset);
    reply_number(r, "dataset.percentage", data.dataset_percent);
    reply_number(r, "peak.percentage",
                 use->peak ? 100.0 * (double)use->used / (double)use->peak : 0);
    reply_count(r, "allocator.allocated", use->allocator_allocated);
    reply_count(r, "allocator.active", use->allocator_active);
    reply_count(r, "allocator.resident", use->allocator_resident);
    reply_overhead(r, "allocator-fragmentation.ratio", "allocator-fragmentation.bytes",
                   use->allocator_active, use->allocator_allocated);
    reply_overhead(r, "allocator-rss.ratio", "allocator-rss.bytes", use->allocator_resident,
                   use->allocator_active);
    reply_overhead(r, "rss-overhead.ratio", "rss-overhead.bytes", use->resident,
                   use->allocator_resident);
    reply_overhead(r, "fragmentation", "fragmentation.bytes", use->resident, use->used);
}

/* ---- MEMORY DOCTOR ---- */

#define SMALL_BYTES ((size_t)5 << 20) /* below it, proportions say nothing */

static bool is_times(size_t part, size_t base, double times) {
    return (double)part > times * (double)base;
}

static void diagnose(rl_ctx *c, rl_buffer *out) {
    const rl_memory_use *use = rl_server_memory(c->server, true);
    const rl_settings *set = rl_server_settings(c->server);
    rl_data_use data;
    rl_report_data_use(c->server, &data);
    size_t sessions = rl_server_session_count(c->server);
    if (is_times(use->peak, use->used, 1.5))
        rl_buffer_add_text(out, " * Peak: memory in use was once more than half as high again as "
                                "it is now. The rest went back to the allocator; MEMORY PURGE "
                                "gives it back to the system.\n");
    if (is_times(use->allocator_active, use->allocator_allocated, 1.4))
        rl_buffer_add_text(out, " * Fragmentation: the allocator's pages are much less than full, "
                                "which happens after values of one size were deleted. New values "
                                "fill them again.\n");
    if (is_times(use->allocator_resident, use->allocator_active, 1.3))
        rl_buffer_add_text(out, " * Unused pages: the allocator keeps pages it does not need now. "
                                "MEMORY PURGE gives them back.\n");
    if (sessions && data.clients / sessions > 200 * 1024)
        rl_buffer_add_text(out, " * Clients: they hold much input or output. CLIENT LIST shows who "
                                "(tot-mem); client-output-buffer-limit bounds it.\n");
    if (set->journal_backlog_bytes && is_times(data.backlog, set->journal_backlog_bytes, 0.5))
        rl_buffer_add_text(out, " * Backlog: much has been answered that is not in data.db yet. "
                                "See fold_* in INFO persistence: the disk may be slow.\n");
    if (set->maxmemory && is_times(use->used, (size_t)set->maxmemory, 0.9))
        rl_buffer_add_text(out, " * Limit: memory in use is close to maxmemory; beyond it, writes "
                                "are refused.\n");
}

void rl_cmd_memory_doctor(rl_ctx *c) {
    rl_buffer found = {0}, text = {0};
    if (rl_server_memory(c->server, true)->used < SMALL_BYTES) {
        rl_buffer_add_text(&text, "There is too little data here for a diagnosis: less than 5 MiB "
                                  "are in use.\n");
    } else {
        diagnose(c, &found);
        rl_buffer_add_text(&text, found.len ? "These take more memory than they need to:\n\n"
                                            : "No memory problem was found.\n");
        rl_buffer_add_bytes(&text, rl_buffer_bytes(&found));
    }
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&found);
    rl_buffer_release(&text);
}

/* ---- the allocator ---- */

void rl_cmd_memory_malloc_stats(rl_ctx *c) {
    rl_alloc_stats stats;
    rl_buffer text = {0};
    rl_alloc_stats_read(&stats);
    rl_buffer_printf(&text, "Allocator: %s\nAllocated: %zu\nActive:    %zu\nResident:  %zu\n",
                     rl_alloc_name(), stats.allocated, stats.active, stats.resident);
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&text);
}

void rl_cmd_memory_purge(rl_ctx *c) {
    rl_chain_pool_release();
    rl_alloc_release_unused();
    rl_reply_ok(c->reply);
}

void rl_cmd_memory_help(rl_ctx *c) {
    static const char *const lines[] = {
        "DOCTOR",
        "    Say what takes more memory than it needs to.",
        "MALLOC-STATS",
        "    Show the allocator's own numbers.",
        "PURGE",
        "    Give memory that is not needed back to the system.",
        "STATS",
        "    Show what memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    Show how many bytes a key takes with its value. <count> is for collections.",
        NULL,
    };
    rl_ctx_help(c, lines);
}
