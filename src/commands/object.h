/* SPDX-License-Identifier: MIT */
/* What OBJECT and DEBUG OBJECT say of an entry, in Redis's terms. */
#ifndef RL_COMMANDS_OBJECT_H
#define RL_COMMANDS_OBJECT_H

#include "keyspace/entry.h"

const char *rl_cmd_encoding(const rl_entry *e); /* "int", "embstr", "raw", "listpack" … */
int64_t rl_cmd_refcount(const rl_entry *e);

#endif
