/* SPDX-License-Identifier: MIT */
/*
 * Which call of a simulated disk goes wrong, and how. There is a plan for each of its two faces:
 * that of the journal (faulty_files.h) and that of SQLite (faulty_vfs.h). Any thread.
 */
#ifndef TESTS_LIB_FAULTY_PLAN_H
#define TESTS_LIB_FAULTY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

typedef enum faulty_face {
    FAULTY_FILES,
    FAULTY_SQLITE,
    FAULTY_FACES,
} faulty_face;

/* Kinds of calls, as bits. */
enum {
    FAULTY_OPEN = 1 << 0,
    FAULTY_READ = 1 << 1,
    FAULTY_WRITE = 1 << 2,
    FAULTY_SYNC = 1 << 3,
    FAULTY_TRUNCATE = 1 << 4,
    FAULTY_SYNC_DIR = 1 << 5,
    FAULTY_RENAME = 1 << 6,
    FAULTY_UNLINK = 1 << 7,
    FAULTY_MKDIR = 1 << 8,
    FAULTY_LIST = 1 << 9,
    FAULTY_CALLS = 10,
    FAULTY_ANY = (1 << FAULTY_CALLS) - 1,
};

typedef enum faulty_effect {
    FAULTY_NONE,
    FAULTY_ERROR, /* it fails; a write first writes half of its bytes */
    FAULTY_SHORT, /* a read or a write that comes short, which is no error: the caller goes on */
    FAULTY_SLOW,  /* it takes slow_us longer */
    FAULTY_EFFECTS,
} faulty_effect;

typedef struct faulty_plan {
    unsigned calls; /* those that count; 0: any */
    uint64_t nth;   /* of them, from now on (1: the next) */
    faulty_effect effect;
    int error_number;
    bool lasting; /* all later ones too, until heal */
    uint32_t slow_us;
} faulty_plan;

void faulty_plan_set(faulty_face face, const faulty_plan *plan); /* in place of the last one */
void faulty_plan_heal(faulty_face face);
bool faulty_plan_was_met(faulty_face face); /* since it was set */

/* For the faces: what happens to this call. Waits, if it is to be slow; sets errno for an error. */
faulty_effect faulty_plan_next(faulty_face face, unsigned call);
int faulty_plan_error(faulty_face face); /* of the plan in force */

/* How often something happened to a call since the program began, and the words for both. */
uint64_t faulty_plan_count(faulty_face face, faulty_effect effect, unsigned call);
const char *faulty_call_name(unsigned call);
unsigned faulty_call_named(const char *name); /* "write", "datasync" …; NULL: any */
void faulty_plan_print(void);                 /* the counts, a line for each face and effect */

#endif
