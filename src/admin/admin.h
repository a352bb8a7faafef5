/* SPDX-License-Identifier: MIT */
/*
 * rubellite, the administration program: one file per subcommand, and what they share. A process
 * of one thread that works on the files of a data directory, beside a running server or without
 * one; it never speaks to a server but for import.
 *
 * Results go to stdout, everything else (errors, warnings, progress) to stderr. Exit codes: 0 fine,
 * 1 it failed, or check has findings, 2 called wrongly.
 */
#ifndef RL_ADMIN_ADMIN_H
#define RL_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMIN_OK     0
#define ADMIN_FAILED 1
#define ADMIN_USAGE  2

#define ADMIN_ERROR_LEN 1024 /* a sentence of the store's */

/* Every option of every command; a command names those it takes. See the table in args.c. */
typedef struct admin_args {
    const char *words[2]; /* what is no option: DIR, and a file */
    int word_count;
    const char *dbfilename;
    const char *backup_dir; /* NULL: "backups" in DIR */
    bool json, quiet, help;
    const char *to; /* backup, export */
    uint64_t rate;  /* bytes a second, 0: no limit */
    int64_t keep;   /* backups, 0: all */
    int64_t wait_s; /* for the fold of a running server */
    bool no_settle;
    bool yes, list, latest, with_journal, without_journal; /* restore */
    bool sizes;                                            /* info */
    bool quick, full, backups;                             /* check */
    int64_t db;                                            /* export; -1: all */
    const char *match;                                     /* export */
    bool no_expiry, compat;                                /* export */
    const char *host, *socket, *user, *password, *server;  /* import */
    bool host_given, port_given, askpass;
    int64_t port, timeout_s, show;
} admin_args;

typedef struct admin_command {
    const char *name;
    const char *summary; /* one line, for the list */
    const char *usage;   /* behind the name */
    const char *about;   /* for --help: what it does and promises */
    const char *options; /* names from the table in args.c, separated by blanks */
    int most_words;
    int (*run)(admin_args *args); /* an exit code */
} admin_command;

/* Reads the arguments behind the command's name. ADMIN_OK or ADMIN_USAGE (said on stderr). */
int admin_args_read(const admin_command *command, int argc, char **argv, admin_args *out);
/* Prints the help of one command. */
void admin_args_help(const admin_command *command);

int admin_backup(admin_args *args);
int admin_restore(admin_args *args);
int admin_check(admin_args *args);
int admin_info(admin_args *args);
int admin_export(admin_args *args);
int admin_import(admin_args *args);

#endif
