/* SPDX-License-Identifier: MIT */
/*
 * Command lines by chance, for fuzz_commands.c: any command of the server's table, with arguments
 * as its documentation (COMMAND DOCS) says they are written, so that a new command is tried with
 * all its options from its first day. Words are few, so that keys and elements meet.
 */
#ifndef RL_FUZZ_COMMAND_LINES_H
#define RL_FUZZ_COMMAND_LINES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "commands/table.h"

#define LINE_BYTES 512
#define REPEATS    3 /* at most, of what may be repeated */

typedef struct line {
    char text[LINE_BYTES];
    size_t len;
    uint64_t random;
} line;

static uint64_t line_random(line *l, uint64_t below) {
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return l->random % below;
}

/* Words beyond the room are left out: such a line is as good as another. */
static void line_word(line *l, const char *word) {
    size_t n = strlen(word);
    if (l->len + n + 1 >= sizeof l->text)
        return;
    memcpy(l->text + l->len, word, n);
    l->text[l->len + n] = ' ';
    l->len += n + 1;
}

#define LINE_PICK(l, words) line_word(l, (words)[line_random(l, sizeof(words) / sizeof *(words))])

static const char *const line_keys[] = {"k", "h", "l", "l2", "s", "s2", "z", "z2"};
static const char *const line_strings[] = {
    "1", "2", "a", "b", "\"\"", "1.5", "10", "long", "\"a b\"", "-1", "FIELD", "#", "\"\\xff\""};
static const char *const line_integers[] = {"0", "1",  "1",  "2",   "2",
                                            "3", "-1", "-2", "100", "9223372036854775807"};
static const char *const line_doubles[] = {"0", "1", "-1.5", "(1", "+inf", "-inf", "0.01", "1e300"};
static const char *const line_patterns[] = {"*", "k*", "*->a", "[a-z]", "nosort"};
static const char *const line_times[] = {"1", "99999999999", "9999999999999"};

static void line_argument(line *l, const rl_argument *a);

static void line_arguments(line *l, const rl_argument *arguments, int count) {
    for (int i = 0; i < count; i++)
        line_argument(l, &arguments[i]);
}

static void line_value(line *l, const rl_argument *a) {
    switch (a->type) {
    case RL_ARGUMENT_STRING:
        LINE_PICK(l, line_strings);
        break;
    case RL_ARGUMENT_INTEGER:
        LINE_PICK(l, line_integers);
        break;
    case RL_ARGUMENT_DOUBLE:
        LINE_PICK(l, line_doubles);
        break;
    case RL_ARGUMENT_KEY:
        LINE_PICK(l, line_keys);
        break;
    case RL_ARGUMENT_PATTERN:
        LINE_PICK(l, line_patterns);
        break;
    case RL_ARGUMENT_UNIX_TIME:
        LINE_PICK(l, line_times);
        break;
    case RL_ARGUMENT_PURE_TOKEN: /* the word is all there is */
        break;
    case RL_ARGUMENT_ONEOF:
        if (a->inner_count > 0)
            line_argument(l, &a->inner[line_random(l, (uint64_t)a->inner_count)]);
        break;
    case RL_ARGUMENT_BLOCK:
        line_arguments(l, a->inner, a->inner_count);
        break;
    }
}

static void line_argument(line *l, const rl_argument *a) {
    if (a->flags & RL_ARGUMENT_OPTIONAL && line_random(l, 2))
        return;
    uint64_t repeats = a->flags & (RL_ARGUMENT_MULTIPLE | RL_ARGUMENT_MULTIPLE_TOKEN)
                           ? 1 + line_random(l, REPEATS)
                           : 1;
    for (uint64_t i = 0; i < repeats; i++) {
        if (a->token && (i == 0 || a->flags & RL_ARGUMENT_MULTIPLE_TOKEN))
            line_word(l, a->token[0] ? a->token : "\"\"");
        line_value(l, a);
    }
}

/* A command and its arguments, with a line end. */
static void line_make(line *l, uint64_t seed) {
    *l = (line){.random = seed * 2654435761u + 1};
    for (int i = 0; i < 8; i++)
        line_random(l, 2);
    const rl_command *command = &rl_commands[line_random(l, rl_commands_count)];
    if (command->subcommand_count > 0)
        command = &command->subcommands[line_random(l, (uint64_t)command->subcommand_count)];
    line_word(l, command->name);
    char *bar = memchr(l->text, '|', l->len);
    if (bar != NULL)
        *bar = ' ';
    const rl_command_doc *doc = &rl_command_docs[command->index];
    line_arguments(l, doc->arguments, doc->argument_count);
    l->text[l->len - 1] = '\n';
}

#endif
