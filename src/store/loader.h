/* SPDX-License-Identifier: MIT */
/*
 * The loader: one scan of rl_key at start, on a connection of its own that is closed again, so that
 * none of its memory stays. Called by the thread that opened the store, before others run.
 */
#ifndef RL_STORE_LOADER_H
#define RL_STORE_LOADER_H

#include "store/store.h"

/* See rl_store_load. Returns an rl_store_error. */
int rl_loader_run(const char *path, void (*on_row)(void *arg, const rl_store_row *row), void *arg,
                  char *error, size_t error_len);

#endif
