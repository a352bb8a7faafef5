/* SPDX-License-Identifier: MIT */
/* What other families need of the key commands. */
#ifndef RL_COMMANDS_KEYS_H
#define RL_COMMANDS_KEYS_H

#include "store/batch.h"

const char *rl_cmd_type_name(rl_type type); /* "string" … */

#endif
