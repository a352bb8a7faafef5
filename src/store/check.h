/* SPDX-License-Identifier: MIT */
/*
 * Looking for damage in a database file. Any thread; opens connections of its own and writes
 * nothing into the file.
 *
 * Two kinds of findings. Damage: SQLite's checks, or tables of ours that are missing. The file
 * cannot be trusted; RL_STORE_DAMAGED. Broken rules: rows of ours that are not as the server writes
 * them, as another program may have left them; the file is sound, and the server copes. What a
 * user's own tables hold against their own NOT NULL and CHECK is neither.
 */
#ifndef RL_STORE_CHECK_H
#define RL_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rl_check_level {
    RL_CHECK_NONE,  /* opens, has our tables, and rl_meta reads */
    RL_CHECK_QUICK, /* and SQLite's quick_check: the structure of every page */
    RL_CHECK_FULL,  /* and integrity_check: indexes agree with their tables; and rules of ours */
} rl_check_level;

typedef struct rl_check_finding {
    const char *rule; /* a name for programs: "structure", "row-type" … */
    bool damage;
    uint64_t count;   /* how many of them there are; 1 for damage */
    const char *text; /* a sentence; for rules about all of them, with an example */
} rl_check_finding;

typedef struct rl_check_options {
    const char *path;
    rl_check_level level;
    /* Nobody else has it open and it has no -wal, as a finished backup: it is then opened so that
     * nothing is made beside it. */
    bool settled;
    /* Asked about twenty times a second, true ends the check; may be NULL. With it the check runs
     * on a thread of its own, while the caller's asks; so on_finding may be called meanwhile. */
    bool (*stop)(void *arg);
    /* Every broken rule (level FULL), and the first hundred damages; may be NULL. */
    void (*on_finding)(void *arg, const rl_check_finding *finding);
    void *arg;
} rl_check_options;

/* An rl_store_error: RL_STORE_OK (also when rules are broken, or it was stopped), RL_STORE_DAMAGED
 * with a sentence that has the first finding and how many there are, RL_STORE_SQLITE when it could
 * not be checked (as when an index of the user's calls a function that is not there), and those of
 * opening: RL_STORE_NEWER, RL_STORE_REFUSED (of another program), RL_STORE_IO. */
int rl_check_run(const rl_check_options *options, char *error, size_t error_len);

/* The same without telling single findings. */
int rl_check_file(const char *path, rl_check_level level, bool settled, bool (*stop)(void *arg),
                  void *arg, char *error, size_t error_len);

#endif
