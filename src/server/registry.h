/* SPDX-License-Identifier: MIT */
/*
 * Finds commands by name. Built once at start from the table of commands and the rename-command
 * directives. Loop thread.
 */
#ifndef RL_SERVER_REGISTRY_H
#define RL_SERVER_REGISTRY_H

#include "server/command.h"

typedef struct rl_registry rl_registry;

/* The table stays the caller's. */
rl_registry *rl_registry_create(const rl_command *table, size_t count);
void rl_registry_free(rl_registry *r);
/* rename-command; to "" removes. False with a reason when from is not there or to is taken. */
bool rl_registry_rename(rl_registry *r, const char *from, const char *to, char *error,
                        size_t error_len);

const rl_command *rl_registry_find(const rl_registry *r, rl_bytes name); /* any case; NULL */
/* The subcommand of a container named by `name`, in any case; NULL. */
const rl_command *rl_registry_subcommand(const rl_command *container, rl_bytes name);
/* The command or subcommand a request means, or NULL. *container gets what argv[0] alone means, or
 * NULL. */
const rl_command *rl_registry_resolve(const rl_registry *r, const rl_bytes *argv, int argc,
                                      const rl_command **container);
/* "client|list" or "get", in any case. */
const rl_command *rl_registry_find_full(const rl_registry *r, rl_bytes full_name);
size_t rl_registry_count(const rl_registry *r);
/* In the table's order, without removed ones; NULL past the end. */
const rl_command *rl_registry_at(const rl_registry *r, size_t i);
size_t rl_registry_indexes(const rl_registry *r); /* one more than the highest rl_command.index */

/* Whether any argument of it can be a key. */
bool rl_command_has_keys(const rl_command *command);
/* Positions of the keys of a request, by the key specifications: writes up to `limit` and returns
 * how many there are; -1: the arguments do not fit the command. spec_of (may be NULL) gets each
 * key's specification. */
int rl_command_keys(const rl_command *command, const rl_bytes *argv, int argc, int *positions,
                    const rl_key_spec **spec_of, int limit);

#endif
