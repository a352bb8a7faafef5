/* SPDX-License-Identifier: MIT */
/*
 * The inside of the configuration: the table's rows, and the state config*.c share. Nobody outside
 * these files includes it.
 *
 * A value has one form that counts, its canonical text, which is what CONFIG GET answers ("1024"
 * for "1kb", "yes" for "YES"). A row's parse function turns words into it and refuses bad ones; the
 * field of rl_settings is written from it. So undoing a change is putting the old text back.
 */
#ifndef RL_SERVER_CONFIG_TABLE_H
#define RL_SERVER_CONFIG_TABLE_H

#include <stddef.h>

#include "server/config.h"

typedef enum rl_config_kind {
    RL_CONFIG_BOOL,
    RL_CONFIG_INT,     /* decimal, min to max */
    RL_CONFIG_MEMORY,  /* bytes with a unit, min to max */
    RL_CONFIG_PERCENT, /* a memory amount or a percentage */
    RL_CONFIG_OCTAL,   /* max is written in octal too */
    RL_CONFIG_ENUM,    /* one of choices */
    RL_CONFIG_TEXT,    /* one word, any bytes but zero */
    RL_CONFIG_LIST,    /* several words; the row has a parse function */
} rl_config_kind;

/* The C type of a row's field. */
typedef enum rl_config_field {
    RL_FIELD_NONE,
    RL_FIELD_BOOL,
    RL_FIELD_INT,
    RL_FIELD_UINT,
    RL_FIELD_INT64,
    RL_FIELD_UINT64,
    RL_FIELD_TEXT,
    RL_FIELD_BIND,
    RL_FIELD_LIMITS,
} rl_config_field;

/* The field a row writes, with its type found by the compiler. */
/* clang-format off */
#define RL_CONFIG_FIELD_TYPE(member)       \
    _Generic(((rl_settings *)0)->member,   \
             bool: RL_FIELD_BOOL,          \
             int: RL_FIELD_INT,            \
             unsigned: RL_FIELD_UINT,      \
             int64_t: RL_FIELD_INT64,      \
             uint64_t: RL_FIELD_UINT64,    \
             char *: RL_FIELD_TEXT)
/* clang-format on */
#define RL_CONFIG_TO(member)                                                                       \
    .field_type = RL_CONFIG_FIELD_TYPE(member), .field = offsetof(rl_settings, member)

enum {
    RL_CONFIG_IMMUTABLE = 1, /* not for CONFIG SET */
    RL_CONFIG_PROTECTED = 2, /* not for CONFIG SET, and Redis says so in other words */
    RL_CONFIG_SENSITIVE = 4, /* never in a log or an error */
    RL_CONFIG_IGNORED = 8,   /* accepted, and without effect */
    RL_CONFIG_HIDDEN = 16,   /* not in what a glob pattern finds, nor in the documents */
    RL_CONFIG_QUOTED = 32,   /* a LIST or ENUM that CONFIG REWRITE puts in quotes */
    RL_CONFIG_OURS = 64,     /* Redis does not have it */
};

typedef struct rl_config_choice {
    const char *name; /* NULL ends the list */
    int value;
} rl_config_choice;

typedef struct rl_config_row rl_config_row;

typedef struct rl_config_words {
    const rl_bytes *at;
    size_t count;
    const char *current; /* the canonical text in force */
    bool adds; /* an earlier line of this load set it: lists that add up go on from there */
} rl_config_words;

/* Appends the canonical text of the words to value, or says in error, in Redis's words, what is
 * wrong with them (and then value does not count). */
typedef bool (*rl_config_parse)(const rl_config_row *row, const rl_config_words *words,
                                rl_buffer *value, rl_buffer *error);

struct rl_config_row {
    const char *name;
    const char *alias; /* Redis's older name, or NULL */
    rl_config_kind kind;
    unsigned flags;
    const char *initial; /* canonical */
    int64_t min;
    uint64_t max;
    const rl_config_choice *choices;
    rl_config_parse parse; /* NULL: the kind's own */
    rl_config_field field_type;
    size_t field;        /* offset in rl_settings */
    const char *unit;    /* "s", "ms", …; NULL when there is none */
    const char *expects; /* what a value looks like; NULL: the kind says it */
    const char *refusal; /* any value but the default is refused for this reason; NULL: allowed */
    const char *section; /* set on the first row of a section only */
    const char *text;    /* what it does; for ignored rows why it has no effect here */
};

/* All rows: first those that do something, then the ignored ones. */
size_t rl_config_row_count(void);
const rl_config_row *rl_config_row_at(size_t i);
/* Parts of it; config_table.c puts them together. */
const rl_config_row *rl_config_ignored_rows(size_t *count);

/* The row of a name in any case, and the name it was found under (the row's name or its alias, as
 * the table spells it); false when there is none. */
bool rl_config_find(rl_bytes name, size_t *row, const char **found);

/* Words to canonical text: the row's parse function, then its refusal. */
bool rl_config_parse_row(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                         rl_buffer *error);
/* When the row takes a list, makes its one word several; like Redis, every single blank separates.
 * Returns memory that words point to, or NULL, for the caller to free. */
rl_bytes *rl_config_split_list(const rl_config_row *row, rl_config_words *words);
/* The canonical forms of the directives that take lists or have checks of their own. */
bool rl_config_parse_save(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                          rl_buffer *error);
bool rl_config_parse_bind(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                          rl_buffer *error);
bool rl_config_parse_limits(const rl_config_row *row, const rl_config_words *words,
                            rl_buffer *value, rl_buffer *error);
bool rl_config_parse_title(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                           rl_buffer *error);
bool rl_config_parse_filename(const rl_config_row *row, const rl_config_words *words,
                              rl_buffer *value, rl_buffer *error);
bool rl_config_parse_hz(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                        rl_buffer *error);
bool rl_config_parse_events(const rl_config_row *row, const rl_config_words *words,
                            rl_buffer *value, rl_buffer *error);
bool rl_config_parse_shutdown(const rl_config_row *row, const rl_config_words *words,
                              rl_buffer *value, rl_buffer *error);
bool rl_config_parse_oom(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                         rl_buffer *error);
bool rl_config_parse_percentiles(const rl_config_row *row, const rl_config_words *words,
                                 rl_buffer *value, rl_buffer *error);
bool rl_config_parse_hostname(const rl_config_row *row, const rl_config_words *words,
                              rl_buffer *value, rl_buffer *error);
bool rl_config_parse_replicaof(const rl_config_row *row, const rl_config_words *words,
                               rl_buffer *value, rl_buffer *error);
bool rl_config_parse_backlog(const rl_config_row *row, const rl_config_words *words,
                             rl_buffer *value, rl_buffer *error);
/* The three classes of client-output-buffer-limit from its canonical text, and a class's name. */
void rl_config_limits_read(const char *text, rl_output_limit *limits);
const char *rl_config_limits_class(int client_class);
/* "a number from 0 to 65535": what a value of the row looks like. */
void rl_config_expectation(const rl_config_row *row, rl_buffer *out);
/* The lines of a config file that say `text`, each ended by a newline. With `all`, a list whose
 * parts have defaults of their own shows those too. */
void rl_config_render(const rl_config_row *row, const char *text, bool all, rl_buffer *out);
/* Bytes as redis.conf writes them: "16mb", "1000". */
void rl_config_memory_text(uint64_t bytes, rl_buffer *out);

/* Directives that exist in files and on the command line only: they are no values. */
typedef struct rl_config_line_directive {
    const char *name;
    const char *refusal; /* NULL: accepted */
} rl_config_line_directive;
const rl_config_line_directive *rl_config_line_find(rl_bytes name);
/* The closest name of any directive to an unknown one, or NULL when none is close. */
const char *rl_config_closest(rl_bytes name);

typedef struct rl_config_value {
    char *text;   /* canonical */
    char *origin; /* "file:line" or "command line" when the user set it, else NULL */
    bool noted;   /* the log said already that it has no effect */
} rl_config_value;

typedef struct rl_config_rename {
    char *from, *to;
} rl_config_rename;

struct rl_config {
    rl_settings settings;
    rl_config_value *values; /* one per row */
    rl_config_rename *renames;
    size_t rename_count;
    char *path;
    rl_config_apply apply;
    void *apply_arg;
};

/* Puts a canonical text into force, taking over `text`; returns the one it replaced, which the
 * settings no longer use. */
char *rl_config_exchange(rl_config *c, size_t row, char *text);
/* Rules that span directives; false with a sentence and the name of one that breaks them. */
bool rl_config_check_whole(const rl_config *c, const char **name, rl_buffer *error);

#endif
