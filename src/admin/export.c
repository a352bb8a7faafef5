/* SPDX-License-Identifier: MIT */
/*
 * rubellite export: the live keys as a stream of Redis commands (writer.h), from the tables of a
 * database (export_tables.c) or from a server (export_server.c). Keys of a type that cannot be
 * written are counted and reported, and the exit code says that the stream is not all.
 */
#include "admin/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/datadir.h"
#include "admin/output.h"
#include "admin/peer.h"
#include "store/store.h"

static bool report_unknown(const admin_exporting *e) {
    bool all = true;
    for (int i = 0; i < ADMIN_EXPORT_TYPES; i++) {
        if (e->unknown[i] == 0)
            continue;
        all = false;
        admin_error("left out: %" PRIu64 " %s of type %s, which this version cannot export",
                    e->unknown[i], admin_plural(e->unknown[i], "key", "keys"),
                    admin_type_name(i) ? admin_type_name(i) : "unknown");
    }
    if (e->changed) {
        all = false;
        admin_error("%" PRIu64 " %s left out: their type changed again and again while they were "
                    "read. Stop the programs that write, and export again",
                    e->changed, admin_plural(e->changed, "key was", "keys were"));
    }
    return all;
}

static void summarize(const admin_exporting *e) {
    char keys[32], bytes[32];
    if (e->args->quiet)
        return;
    fprintf(stderr, "Exported %s %s, %s", admin_count_text(keys, e->writer.keys),
            admin_plural(e->writer.keys, "key", "keys"), admin_bytes_text(bytes, e->sink.written));
    if (e->expired)
        fprintf(stderr, " (%s expired, left out)", admin_count_text(keys, e->expired));
    fputc('\n', stderr);
    if (e->writer.field_expiries_left_out)
        admin_warn("%" PRIu64 " %s of a hash's %s left out (--compat): the fields will stay",
                   e->writer.field_expiries_left_out,
                   admin_plural(e->writer.field_expiries_left_out, "expiry", "expiries"),
                   admin_plural(e->writer.field_expiries_left_out, "field was", "fields were"));
}

/* Exactly one of the two is the source: a database, or (NULL) a connection. */
static int run(admin_exporting *e, sqlite3 *db, int fd) {
    int code = admin_sink_open(&e->sink, e->args->to);
    if (code != ADMIN_OK)
        return code;
    admin_writer_init(&e->writer, &e->sink, e->args->no_expiry, e->args->compat);
    admin_progress_begin("Exporting keys", ADMIN_COUNT, e->args->quiet);
    bool good = db ? admin_export_tables(e, db) : admin_export_server(e, fd);
    admin_progress_end();
    code = admin_sink_close(&e->sink, good);
    return good ? code : ADMIN_FAILED;
}

static int export_directory(admin_exporting *e, admin_args *args) {
    admin_datadir d;
    uint64_t settled;
    char error[ADMIN_ERROR_LEN];
    admin_reading reading;
    int code = admin_datadir_open(&d, args->word_count ? args->words[0] : ".", args, true);
    if (code != ADMIN_OK)
        return code;
    code = admin_prepare_source(&d, args, &settled);
    if (code == ADMIN_OK &&
        admin_reading_open(&d, false, &reading, error, sizeof error) != RL_STORE_OK) {
        admin_error("%s", error);
        code = ADMIN_FAILED;
    }
    if (code == ADMIN_OK) {
        code = run(e, reading.db, -1);
        admin_reading_close(&reading);
    }
    admin_datadir_release(&d);
    return code;
}

static int export_server(admin_exporting *e, const admin_args *args) {
    int fd = admin_connect(args);
    if (fd < 0)
        return ADMIN_FAILED;
    int code = admin_log_in(fd, args);
    if (code == ADMIN_OK)
        code = run(e, NULL, fd);
    close(fd);
    return code;
}

int admin_export(admin_args *args) {
    bool server = args->socket || args->host_given || args->port_given;
    if (server && args->word_count) {
        admin_error("export: both a data directory and a server; expected one of them");
        return ADMIN_USAGE;
    }
    if (args->socket && (args->host_given || args->port_given)) {
        admin_error("export: both a Unix socket and a host or port; expected one of them");
        return ADMIN_USAGE;
    }
    admin_exporting e = {.args = args};
    int code = server ? export_server(&e, args) : export_directory(&e, args);
    if (code == ADMIN_OK) {
        summarize(&e);
        if (!report_unknown(&e))
            code = ADMIN_FAILED;
    }
    admin_writer_release(&e.writer);
    return code;
}
