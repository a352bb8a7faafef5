/* SPDX-License-Identifier: MIT */
/*
 * What the program says: errors and progress on stderr, JSON, and sizes and times for people. One
 * thread.
 */
#ifndef RL_ADMIN_OUTPUT_H
#define RL_ADMIN_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"

/* Sends warnings of the layers below to stderr, and nothing of theirs to stdout. */
void admin_output_init(void);

/* "rubellite: …" and a line end, on stderr; takes the progress line away first. */
void admin_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with "warning: ". */
void admin_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- progress: one line on stderr while it is a terminal, else nothing ---- */

typedef enum admin_unit {
    ADMIN_BYTES,
    ADMIN_COUNT,
    ADMIN_TIME, /* only how long it has taken: for work that cannot say how much is left */
} admin_unit;

/* `what` must stay valid until the end. With quiet nothing is shown. */
void admin_progress_begin(const char *what, admin_unit unit, bool quiet);
/* Cheap when it is too early for another look (at most ten a second are drawn). total 0: not known.
 */
void admin_progress(uint64_t done, uint64_t total);
void admin_progress_end(void); /* takes the line away */

/* ---- for people; `out` holds 32 bytes at least ---- */

const char *admin_bytes_text(char *out, uint64_t bytes); /* "1.5 MB" (of 1,048,576) */
const char *admin_count_text(char *out, uint64_t count); /* "1,234,567" */
const char *admin_time_text(char *out, int64_t wall_ms); /* "2026-11-21 15:45:00Z" */
const char *admin_age_text(char *out, int64_t age_ms);   /* "3 minutes", "2 days" */
const char *admin_plural(uint64_t count, const char *one, const char *many);

/* "string", "list" … of an rl_type; NULL for a number that is none. */
const char *admin_type_name(int type);

/* ---- JSON: values in the order they are added, commas by themselves ---- */

typedef struct admin_json {
    rl_buffer text;
    bool comma;
} admin_json;

void admin_json_open(admin_json *j, const char *name, char bracket); /* '{' or '['; name NULL */
void admin_json_close(admin_json *j, char bracket);                  /* '}' or ']' */
void admin_json_text(admin_json *j, const char *name, const char *value); /* NULL: null */
void admin_json_uint(admin_json *j, const char *name, uint64_t value);
void admin_json_int(admin_json *j, const char *name, int64_t value);
void admin_json_bool(admin_json *j, const char *name, bool value);
void admin_json_null(admin_json *j, const char *name);
void admin_json_print(admin_json *j); /* to stdout with a line end, and releases it */

#endif
