/* SPDX-License-Identifier: MIT */
/*
 * The table of commands and what COMMAND DOCS says beside it. Both are made by generate.py from
 * facts.json and commands.txt and are constant; any thread may read them.
 */
#ifndef RL_COMMANDS_TABLE_H
#define RL_COMMANDS_TABLE_H

#include "server/command.h"

extern const rl_command rl_commands[]; /* sorted by name */
extern const size_t rl_commands_count; /* without subcommands */

typedef enum rl_argument_type {
    RL_ARGUMENT_STRING,
    RL_ARGUMENT_INTEGER,
    RL_ARGUMENT_DOUBLE,
    RL_ARGUMENT_KEY,
    RL_ARGUMENT_PATTERN,
    RL_ARGUMENT_UNIX_TIME,
    RL_ARGUMENT_PURE_TOKEN, /* a word that stands for itself */
    RL_ARGUMENT_ONEOF,      /* one of `inner` */
    RL_ARGUMENT_BLOCK,      /* all of `inner`, in this order */
} rl_argument_type;

enum {
    RL_ARGUMENT_OPTIONAL = 1 << 0,
    RL_ARGUMENT_MULTIPLE = 1 << 1,       /* may be repeated */
    RL_ARGUMENT_MULTIPLE_TOKEN = 1 << 2, /* … together with its token */
};

typedef struct rl_argument {
    const char *name;
    rl_argument_type type;
    uint32_t flags;
    int key_spec; /* of a key: which of the command's key specifications finds it; -1 otherwise */
    const char *token;                    /* the word before the value, or NULL */
    const char *since, *deprecated_since; /* or NULL: as long as the command */
    const struct rl_argument *inner;
    int inner_count;
} rl_argument;

typedef struct rl_command_doc {
    const rl_argument *arguments;
    int argument_count;
    const char *deprecated_since, *replaced_by; /* both NULL when it is not deprecated */
    bool system; /* for those who work on the server, not for its users (DEBUG) */
} rl_command_doc;

extern const rl_command_doc rl_command_docs[]; /* by rl_command.index */

#endif
