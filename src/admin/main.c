/* SPDX-License-Identifier: MIT */
/* rubellite: finds the subcommand and runs it; only here is decided about the process. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/output.h"
#include "base/clock.h"
#include "base/hash.h"
#include "rubellite_version.h"

static const admin_command commands[] = {
    {.name = "backup",
     .summary = "copy the database while it is in use",
     .usage = "[DIR] [--to FILE | --backup-dir DIR] [--rate BYTES] [--keep N]",
     .about =
         "Makes a backup: an ordinary SQLite database, in one file, checked before it gets its "
         "name.\n"
         "It is taken from one moment. Beside a running server, what that has answered so far is\n"
         "waited for until it is folded into the database (fold-interval, one second); after\n"
         "--wait seconds the backup fails instead. Without a running server, what a killed one\n"
         "left in its journal is folded first, as a start does.",
     .options = "to backup-dir rate keep wait no-settle dbfilename json quiet",
     .most_words = 1,
     .run = admin_backup},
    {.name = "restore",
     .summary = "put a backup in place of the database",
     .usage = "[DIR] BACKUP | --latest | --list",
     .about =
         "Puts a backup (a path, or a name in the backups' directory) in place of the database.\n"
         "The server must be stopped. Nothing is deleted: the present file is moved aside.\n"
         "\n"
         "The journal: when the database is missing or damaged, the journal stays if it continues\n"
         "the backup, and the next start of the server applies it. When the database is good, so\n"
         "you mean to go back, the journal is moved aside, too. --with-journal and\n"
         "--without-journal say it explicitly.",
     .options = "latest list yes with-journal without-journal backup-dir dbfilename json quiet",
     .most_words = 2,
     .run = admin_restore},
    {.name = "check",
     .summary = "look for damage in the files of a directory",
     .usage = "[DIR] [--quick | --full] [--backups]",
     .about = "Checks the database (structure, tables and views, rules), the journal, and with\n"
              "--backups every backup. Changes nothing, works beside a running server. Prints one\n"
              "line per finding; exits 1 when there is one.",
     .options = "quick full backups backup-dir dbfilename json quiet",
     .most_words = 1,
     .run = admin_check},
    {.name = "info",
     .summary = "show what is in a directory",
     .usage = "[DIR] [--sizes]",
     .about = "Shows whether a server runs, the keys and their elements by database and type, the\n"
              "sizes of files, what waits in the journal, the newest backup, and the tables of\n"
              "yours.",
     .options = "sizes backup-dir dbfilename json",
     .most_words = 1,
     .run = admin_info},
    {.name = "export",
     .summary = "write the keys as a stream of Redis commands",
     .usage = "[DIR] [--to FILE] [--db N] [--match GLOB]  or  -h HOST [-p PORT]  or  -s SOCKET",
     .about =
         "Writes all live keys as commands in the Redis protocol, to standard output: for\n"
         "'rubellite import', 'redis-cli --pipe', or any Redis server (6.2 or later; --compat for\n"
         "older ones; fields of hashes that expire need 7.4). From one moment, as 'rubellite\n"
         "backup'. With -h, -p or -s it reads a running server instead of a directory, Redis or\n"
         "Rubellite: each key is then of one moment, but not all of the same. Exits 1 when\n"
         "keys of a type that it does not know were left out. The password is taken from\n"
         "REDISCLI_AUTH, or asked for with --askpass.",
     .options = "to db match no-expiry compat wait no-settle dbfilename host port socket user pass "
                "askpass timeout quiet",
     .most_words = 1,
     .run = admin_export},
    {.name = "import",
     .summary = "send a stream of Redis commands to a server",
     .usage = "[-h HOST] [-p PORT] [-s SOCKET] [FILE]  or  DIR [FILE]",
     .about = "Sends commands, as 'rubellite export' writes them (or one command per line), from\n"
              "FILE or standard input to a running server, 127.0.0.1:6379 by default. With DIR, a\n"
              "directory without a running server, it starts rubellite-server there on a Unix\n"
              "socket, and stops it afterwards. Exits 1 when a command failed.\n"
              "The password is taken from REDISCLI_AUTH, or asked for with --askpass.",
     .options = "host port socket user pass askpass timeout show server dbfilename json quiet",
     .most_words = 2,
     .run = admin_import},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static const admin_command *find_command(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *out) {
    fprintf(out, "Usage: rubellite COMMAND [DIR] [options]\n\n"
                 "Looks after the data directory of a rubellite-server.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nDIR is the server's data directory (dir), the current one by default.\n"
                 "rubellite COMMAND --help says more. rubellite --version shows the version.\n"
                 "Exit codes: 0 fine; 1 it failed, or check found something; 2 called wrongly.\n");
}

static int show_version(void) {
    printf("Rubellite %s sha=%s\n", RUBELLITE_VERSION, RUBELLITE_GIT_SHA);
    return ADMIN_OK;
}

static int unknown(const char *name) {
    admin_error("'%s' is no command; expected backup, restore, check, info, export or import. "
                "rubellite --help says what they do",
                name);
    return ADMIN_USAGE;
}

static int run_help(int argc, char **argv) {
    if (argc < 3) {
        print_help(stdout);
        return ADMIN_OK;
    }
    const admin_command *command = find_command(argv[2]);
    if (!command)
        return unknown(argv[2]);
    admin_args_help(command);
    return ADMIN_OK;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return ADMIN_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return run_help(argc, argv);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0)
        return show_version();
    const admin_command *command = find_command(name);
    if (!command)
        return unknown(name);
    admin_args args;
    int code = admin_args_read(command, argc - 2, argv + 2, &args);
    if (code != ADMIN_OK)
        return code;
    if (args.help) {
        admin_args_help(command);
        return ADMIN_OK;
    }
    return command->run(&args);
}

int main(int argc, char **argv) {
    rl_clock_init();
    rl_hash_init();
    signal(SIGPIPE, SIG_IGN);
    admin_output_init();
    int code = run(argc, argv);
    /* A full disk behind ">" must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == ADMIN_OK) {
        admin_error("cannot write to standard output: %s", strerror(errno));
        code = ADMIN_FAILED;
    }
    return code;
}
