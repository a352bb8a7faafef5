/* SPDX-License-Identifier: MIT */
/*
 * The SQL of our tables and views, by the version of the schema that brought them. schema.c makes a
 * new file with all of it, and an older file ours with what it lacks. The texts are kept by SQLite
 * and compared by `rubellite check`: what a version made is never edited afterwards.
 */
#ifndef RL_STORE_SCHEMA_TABLES_H
#define RL_STORE_SCHEMA_TABLES_H

/* [v] is what version v adds; [0] is empty. Runs inside a write transaction. */
extern const char *const store_schema_steps[];

#endif
