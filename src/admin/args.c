/* SPDX-License-Identifier: MIT */
/* Options: one table for all commands, so that a name means the same everywhere. */
#include <stdio.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/output.h"
#include "base/number.h"

typedef enum kind {
    FLAG,
    TEXT,
    INTEGER,
    MEMORY,
} kind;

typedef struct option {
    const char *name;
    char letter; /* a short name, 0: none */
    kind kind;
    size_t offset; /* of its member */
    size_t given;  /* of the bool that says it was given, 0: none */
    int64_t least, most;
    const char *value; /* its name in the help */
    const char *text;
} option;

#define TO(member) .offset = offsetof(admin_args, member)

static const option options[] = {
    {"to", 0, TEXT, TO(to), .value = "FILE", .text = "write this file, which must not exist yet"},
    {"backup-dir", 0, TEXT, TO(backup_dir), .value = "DIR",
     .text = "where the backups are (default: backups, in the data directory)"},
    {"rate", 0, MEMORY, TO(rate), .value = "BYTES",
     .text = "copy at most this much a second, such as 64mb (default: no limit)"},
    {"keep", 0, INTEGER, TO(keep), .least = 1, .most = 1000000, .value = "N",
     .text = "then remove all but the newest N backups (default: all stay)"},
    {"wait", 0, INTEGER, TO(wait_s), .least = 0, .most = 1000000, .value = "SECONDS",
     .text = "fail when a running server has not folded its journal by then (default: 120)"},
    {"no-settle", 0, FLAG, TO(no_settle),
     .text = "do without what is in the journal only: neither fold it nor wait for the fold"},
    {"latest", 0, FLAG, TO(latest), .text = "the newest backup that is good"},
    {"list", 0, FLAG, TO(list), .text = "show the backups, newest first, and check each"},
    {"yes", 'y', FLAG, TO(yes), .text = "do not ask before a good database is replaced"},
    {"with-journal", 0, FLAG, TO(with_journal),
     .text = "keep the journal: the next start applies it to the backup"},
    {"without-journal", 0, FLAG, TO(without_journal), .text = "move the journal aside"},
    {"sizes", 0, FLAG, TO(sizes),
     .text = "also the bytes of every table and index, largest first (reads the whole file)"},
    {"quick", 0, FLAG, TO(quick), .text = "the structure of every page (the default)"},
    {"full", 0, FLAG, TO(full),
     .text = "also that indexes agree with their tables, and rules across rows"},
    {"backups", 0, FLAG, TO(backups), .text = "check every backup as well"},
    {"db", 'n', INTEGER, TO(db), .least = 0, .most = INT32_MAX, .value = "N",
     .text = "this database only (default: all)"},
    {"match", 0, TEXT, TO(match), .value = "GLOB",
     .text = "keys of this pattern only, as KEYS takes it: 'user:*'"},
    {"no-expiry", 0, FLAG, TO(no_expiry), .text = "leave out when keys expire"},
    {"compat", 0, FLAG, TO(compat),
     .text = "expiries as PEXPIREAT of their own, for Redis before 6.2"},
    {"host", 'h', TEXT, TO(host), .given = offsetof(admin_args, host_given), .value = "HOST",
     .text = "of the server (default: 127.0.0.1)"},
    {"port", 'p', INTEGER, TO(port), .given = offsetof(admin_args, port_given), .least = 1,
     .most = 65535, .value = "PORT", .text = "of the server (default: 6379)"},
    {"socket", 's', TEXT, TO(socket), .value = "PATH", .text = "a Unix socket instead"},
    {"user", 0, TEXT, TO(user), .value = "NAME", .text = "log in as this user"},
    {"pass", 'a', TEXT, TO(password), .value = "PASSWORD",
     .text = "log in with this password (others can see it in the process list)"},
    {"askpass", 0, FLAG, TO(askpass), .text = "ask for the password"},
    {"timeout", 0, INTEGER, TO(timeout_s), .least = 0, .most = 1000000, .value = "SECONDS",
     .text = "give up when the server does nothing for so long; 0: never (default: 60)"},
    {"show", 0, INTEGER, TO(show), .least = 0, .most = 1000000, .value = "N",
     .text = "show the first N errors (default: 10)"},
    {"server", 0, TEXT, TO(server), .value = "PROGRAM",
     .text = "the rubellite-server to start for DIR (default: beside this program, then PATH)"},
    {"dbfilename", 0, TEXT, TO(dbfilename), .value = "NAME",
     .text = "the database's name in DIR (default: data.db)"},
    {"json", 0, FLAG, TO(json), .text = "print the result as JSON"},
    {"quiet", 'q', FLAG, TO(quiet), .text = "no progress, and no result but by the exit code"},
    {"help", 0, FLAG, TO(help), .text = "show this"},
};
#define OPTIONS (sizeof options / sizeof *options)

/* Whether the word is in the list, which is separated by blanks. */
static bool is_listed(const char *list, const char *name) {
    size_t len = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static bool takes(const admin_command *command, const option *o) {
    return strcmp(o->name, "help") == 0 || is_listed(command->options, o->name);
}

/* The option of an argument, "--name", "--name=value" or "-n"; *value points behind the "=". */
static const option *find_option(const admin_command *command, const char *argument,
                                 const char **value) {
    *value = NULL;
    if (argument[1] != '-') {
        for (size_t i = 0; i < OPTIONS; i++)
            if (options[i].letter && argument[1] == options[i].letter && argument[2] == '\0' &&
                takes(command, &options[i]))
                return &options[i];
        return NULL;
    }
    const char *name = argument + 2;
    size_t len = strcspn(name, "=");
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strlen(options[i].name) != len || strncmp(options[i].name, name, len) != 0 ||
            !takes(command, &options[i]))
            continue;
        *value = name[len] ? name + len + 1 : NULL;
        return &options[i];
    }
    return NULL;
}

static int bad_value(const option *o, const char *value) {
    if (o->kind == MEMORY)
        admin_error("--%s '%s': expected a size, such as 64mb or 1000000", o->name, value);
    else
        admin_error("--%s '%s': expected a whole number from %lld to %lld", o->name, value,
                    (long long)o->least, (long long)o->most);
    return ADMIN_USAGE;
}

static int set_option(const option *o, const char *value, admin_args *args) {
    char *to = (char *)args + o->offset;
    rl_bytes text = rl_bytes_text(value ? value : "");
    switch (o->kind) {
    case FLAG:
        *(bool *)to = true;
        break;
    case TEXT:
        *(const char **)to = value;
        break;
    case INTEGER:
        if (!rl_int64_parse(text, (int64_t *)to) || *(int64_t *)to < o->least ||
            *(int64_t *)to > o->most)
            return bad_value(o, value);
        break;
    case MEMORY:
        if (!rl_memory_parse(text, (uint64_t *)to))
            return bad_value(o, value);
        break;
    }
    if (o->given)
        *((bool *)args + o->given) = true;
    return ADMIN_OK;
}

static int see_help(const admin_command *command) {
    fprintf(stderr, "rubellite %s --help shows how it is called\n", command->name);
    return ADMIN_USAGE;
}

static int read_option(const admin_command *command, int argc, char **argv, int *i,
                       admin_args *out) {
    const char *value;
    const option *o = find_option(command, argv[*i], &value);
    if (!o) {
        admin_error("%s: '%s' is no option of it", command->name, argv[*i]);
        return see_help(command);
    }
    if (o->kind == FLAG && value) {
        admin_error("--%s takes no value", o->name);
        return see_help(command);
    }
    if (o->kind != FLAG && !value) {
        if (*i + 1 >= argc) {
            admin_error("%s needs a value: %s", argv[*i], o->value);
            return see_help(command);
        }
        value = argv[++*i];
    }
    return set_option(o, value, out);
}

int admin_args_read(const admin_command *command, int argc, char **argv, admin_args *out) {
    *out = (admin_args){
        .dbfilename = "data.db",
        .db = -1,
        .host = "127.0.0.1",
        .port = 6379,
        .wait_s = 120,
        .timeout_s = 60,
        .show = 10,
    };
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
            int code = read_option(command, argc, argv, &i, out);
            if (code != ADMIN_OK)
                return code;
        } else if (out->word_count < command->most_words) {
            out->words[out->word_count++] = argv[i];
        } else {
            admin_error("%s: '%s' is one argument too many", command->name, argv[i]);
            return see_help(command);
        }
    }
    return ADMIN_OK;
}

void admin_args_help(const admin_command *command) {
    printf("Usage: rubellite %s %s\n\n%s\n\nOptions:\n", command->name, command->usage,
           command->about);
    for (size_t i = 0; i < OPTIONS; i++) {
        const option *o = &options[i];
        if (!takes(command, o))
            continue;
        char name[64], letter[8] = "    ";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(name, sizeof name, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf("  %-26s  %s\n", name, o->text);
    }
}
