/* SPDX-License-Identifier: MIT */
/*
 * The loader: one scan at start, of rl_key and beside it of the tables of elements, each in order
 * of id, so that a collection's elements come right behind its key. On a connection of its own that
 * is closed again, so that none of its memory stays. Called by the thread that opened the store,
 * before others run.
 *
 * Elements without a key of their type are passed over: those of deleted collections (rl_dead), and
 * what only another program can have left there.
 */
#ifndef RL_STORE_LOADER_H
#define RL_STORE_LOADER_H

#include "store/store.h"

/* See rl_store_load. Returns an rl_store_error. */
int rl_loader_run(const char *path, const rl_store_loading *loading, char *error, size_t error_len);

#endif
