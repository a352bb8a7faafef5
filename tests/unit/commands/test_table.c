/* SPDX-License-Identifier: MIT */
/* Walks every row of the table of commands: what the rest of the server relies on holds for each.
 */
#include "commands/table.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>

#include "server/registry.h"

enum { MAX_INDEXES = 1024 };

typedef void (*visit)(const rl_command *command, const rl_command *container_or_null);

/* Returns how many rows there were. */
static size_t each(visit f) {
    size_t rows = 0;
    for (size_t i = 0; i < rl_commands_count; i++) {
        const rl_command *command = &rl_commands[i];
        f(command, NULL);
        rows++;
        for (int k = 0; k < command->subcommand_count; k++, rows++)
            f(&command->subcommands[k], command);
    }
    return rows;
}

static bool has_word(const char *text, const char *word) {
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += len)
        if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static int least_arguments(const rl_command *command) {
    return command->arity < 0 ? -command->arity : command->arity;
}

static void check_name(const rl_command *command, const rl_command *container) {
    const char *name = command->name;
    for (const char *p = name; *p; p++)
        cr_assert(islower(*p) || isdigit(*p) || strchr("-_|", *p), "%s", name);
    const char *bar = strchr(name, '|');
    cr_assert_eq(bar != NULL, container != NULL, "%s", name);
    if (container) {
        cr_assert_eq(strlen(container->name), (size_t)(bar - name), "%s", name);
        cr_assert_eq(strncmp(container->name, name, (size_t)(bar - name)), 0, "%s", name);
        cr_assert_eq(command->subcommand_count, 0, "%s", name);
    }
}

Test(table, names_are_lower_case_and_a_subcommand_begins_with_its_container)
{ cr_assert_gt(each(check_name), rl_commands_count); }

Test(table, rows_are_sorted)
{
    for (size_t i = 0; i < rl_commands_count; i++) {
        const rl_command *command = &rl_commands[i];
        if (i)
            cr_assert_lt(strcmp(rl_commands[i - 1].name, command->name), 0, "%s", command->name);
        for (int k = 1; k < command->subcommand_count; k++)
            cr_assert_lt(strcmp(command->subcommands[k - 1].name, command->subcommands[k].name), 0,
                         "%s", command->subcommands[k].name);
    }
}

static int seen[MAX_INDEXES];
static void see(const rl_command *command, const rl_command *container) {
    (void)container;
    cr_assert_lt(command->index, MAX_INDEXES);
    seen[command->index]++;
}

Test(table, indexes_are_unique_and_without_gaps)
{
    size_t rows = each(see);
    for (size_t i = 0; i < rows; i++)
        cr_assert_eq(seen[i], 1, "index %zu", i);
}

static void check_handler(const rl_command *command, const rl_command *container) {
    (void)container;
    bool alone = command->handler != NULL;
    cr_assert(alone || command->subcommand_count > 0, "%s has nothing to run", command->name);
    int least = command->subcommand_count && !alone ? 2 : 1;
    cr_assert_geq(least_arguments(command), least, "%s", command->name);
}

Test(table, every_row_has_a_handler_or_subcommands)
{ each(check_handler); }

static void check_flags(const rl_command *command, const rl_command *container) {
    (void)container;
    uint32_t flags = command->flags;
    const char *words = command->categories, *name = command->name;
    cr_assert_not(flags & RL_CMD_WRITE && flags & RL_CMD_READONLY, "%s", name);
    cr_assert(!(flags & RL_CMD_DENYOOM) || flags & RL_CMD_WRITE, "%s", name);
    cr_assert_neq(has_word(words, "@fast"), has_word(words, "@slow"), "%s", name);
    cr_assert_eq(has_word(words, "@fast"), (flags & RL_CMD_FAST) != 0, "%s", name);
    /* What a deferred command does is known once it runs, so it may be of both. */
    bool known = !(flags & RL_CMD_DEFERRED);
    cr_assert_eq(known && has_word(words, "@write"), (flags & RL_CMD_WRITE) != 0, "%s", name);
    cr_assert_eq(known && has_word(words, "@read"), (flags & RL_CMD_READONLY) != 0, "%s", name);
    cr_assert(!(flags & RL_CMD_ADMIN) || has_word(words, "@admin"), "%s", name);
    cr_assert(!has_word(words, "@admin") || has_word(words, "@dangerous"), "%s", name);
    /* What writes names the keys, or takes whole databases. */
    if (flags & RL_CMD_WRITE && command->key_spec_count == 0)
        cr_assert(has_word("flushall flushdb swapdb", name), "%s writes without keys", name);
}

Test(table, flags_and_categories_agree)
{ each(check_flags); }

static void check_special_flags(const rl_command *command, const rl_command *container) {
    (void)container;
    const char *name = command->name;
    cr_assert_eq((command->flags & RL_CMD_IMMEDIATE) != 0,
                 has_word("exec discard multi watch quit reset", name), "%s", name);
    cr_assert_eq((command->flags & RL_CMD_NO_AUTH) != 0, has_word("auth hello quit reset", name),
                 "%s", name);
    cr_assert_eq((command->flags & RL_CMD_PROTECTED) != 0, has_word("debug", name), "%s", name);
}

Test(table, only_these_run_inside_multi_before_auth_or_by_permission)
{ each(check_special_flags); }

/* Shard channels stand where keys do, for a cluster's sake, and are none. */
static bool names_channels(const rl_command *command) {
    return command->key_spec_count && strcmp(command->key_specs[0].flags, "not_key") == 0;
}

/* The range that clients without key specifications use must mean the same keys as the
 * specifications. */
static void check_keys(const rl_command *command, const rl_command *container) {
    (void)container;
    const char *name = command->name;
    bool channels = names_channels(command);
    if (command->flags & RL_CMD_MOVABLE_KEYS) { /* the range cannot say all */
        cr_assert_gt(command->key_spec_count, 0, "%s", name);
        return;
    }
    rl_bytes argv[32];
    int positions[32], most = 32;
    const rl_key_spec *spec_of[32];
    cr_assert_eq(command->first_key > 0, command->key_spec_count > 0, "%s", name);
    for (int argc = least_arguments(command); argc <= most; argc++) {
        if (command->arity > 0 && argc != command->arity)
            break;
        for (int i = 0; i < argc; i++)
            argv[i] = RL_BYTES("1");
        int found = rl_command_keys(command, argv, argc, positions, spec_of, most), expected = 0;
        if (command->key_spec_count == 0 || channels) {
            cr_assert_eq(found, 0, "%s", name);
            continue;
        }
        cr_assert_gt(command->key_step, 0, "%s", name);
        int last = command->last_key < 0 ? argc + command->last_key : command->last_key;
        for (int i = command->first_key; i <= last; i += command->key_step, expected++) {
            cr_assert_lt(expected, found, "%s with %d arguments", name, argc);
            cr_assert_eq(positions[expected], i, "%s with %d arguments", name, argc);
            cr_assert_lt(i, argc, "%s with %d arguments", name, argc);
        }
        cr_assert_eq(found, expected, "%s with %d arguments", name, argc);
        cr_assert_gt(found, 0, "%s with %d arguments", name, argc);
    }
}

Test(table, arity_leaves_room_for_the_keys)
{ each(check_keys); }

static void check_key_flags(const rl_command *command, const rl_command *container) {
    (void)container;
    for (int i = 0; i < command->key_spec_count && !names_channels(command); i++) {
        const char *flags = command->key_specs[i].flags;
        int kinds = has_word(flags, "RO") + has_word(flags, "RW") + has_word(flags, "OW") +
                    has_word(flags, "RM");
        cr_assert_eq(kinds, 1, "%s: '%s'", command->name, flags);
        if (command->flags & RL_CMD_READONLY)
            cr_assert(has_word(flags, "RO"), "%s: '%s'", command->name, flags);
    }
}

Test(table, a_reading_command_does_not_say_it_writes_its_keys)
{ each(check_key_flags); }

static void check_texts(const rl_command *command, const rl_command *container) {
    (void)container;
    int major, minor, patch, end = 0;
    const char *name = command->name, *summary = command->summary;
    cr_assert(sscanf(command->since, "%d.%d.%d%n", &major, &minor, &patch, &end) == 3, "%s", name);
    cr_assert_eq(command->since[end], '\0', "%s", name);
    cr_assert_geq(strlen(summary), 10, "%s", name);
    cr_assert_neq(summary[strlen(summary) - 1], '.', "%s", name);
    cr_assert(command->complexity == NULL || strlen(command->complexity) >= 4, "%s", name);
    cr_assert(
        has_word(
            "connection string hash list set sorted-set generic transactions server pubsub sql",
            command->group),
        "%s", name);
    for (const char *const *tip = command->tips; tip && *tip; tip++)
        cr_assert_gt(strlen(*tip), 0, "%s", name);
}

Test(table, every_row_says_what_it_is)
{ each(check_texts); }

static void check_arguments(const rl_command *command, const rl_argument *arguments, int count) {
    for (int i = 0; i < count; i++) {
        const rl_argument *a = &arguments[i];
        bool holds = a->type == RL_ARGUMENT_ONEOF || a->type == RL_ARGUMENT_BLOCK;
        cr_assert_gt(strlen(a->name), 0, "%s", command->name);
        cr_assert_eq(a->inner_count > 0, holds, "%s: %s", command->name, a->name);
        /* A pattern may stand for keys as well: SORT … BY. */
        cr_assert_eq(a->key_spec >= 0,
                     a->type == RL_ARGUMENT_KEY ||
                         (a->type == RL_ARGUMENT_PATTERN && a->key_spec >= 0),
                     "%s: %s", command->name, a->name);
        cr_assert_lt(a->key_spec, command->key_spec_count + !command->key_spec_count, "%s: %s",
                     command->name, a->name);
        cr_assert(a->type != RL_ARGUMENT_PURE_TOKEN || a->token, "%s: %s", command->name, a->name);
        check_arguments(command, a->inner, a->inner_count);
    }
}

static void check_doc(const rl_command *command, const rl_command *container) {
    const rl_command_doc *doc = &rl_command_docs[command->index];
    check_arguments(command, doc->arguments, doc->argument_count);
    cr_assert_eq(doc->deprecated_since != NULL, doc->replaced_by != NULL, "%s", command->name);
    /* Whoever needs arguments says which. DEBUG and what takes a whole command have too many kinds.
     */
    if (!doc->system && !strstr(command->name, "|getkeys") && command->subcommand_count == 0 &&
        least_arguments(command) > (container ? 2 : 1))
        cr_assert_gt(doc->argument_count, 0, "%s", command->name);
}

Test(table, arguments_are_well_formed)
{ each(check_doc); }

static rl_registry *registry;

static void check_lookup(const rl_command *command, const rl_command *container) {
    char name[64];
    size_t len = strlen(command->name);
    cr_assert_lt(len, sizeof name - 1);
    for (int way = 0; way < 3; way++) {
        for (size_t i = 0; i <= len; i++)
            name[i] = (char)(way == 1 || (way == 2 && i % 2) ? toupper(command->name[i])
                                                             : command->name[i]);
        cr_assert_eq(rl_registry_find_full(registry, rl_bytes_of(name, len)), command, "%s", name);
        if (container == NULL)
            cr_assert_eq(rl_registry_find(registry, rl_bytes_of(name, len)), command, "%s", name);
        else
            cr_assert_eq(rl_registry_subcommand(container, rl_bytes_text(strchr(name, '|') + 1)),
                         command, "%s", name);
    }
    strcat(name, "?");
    cr_assert_null(rl_registry_find_full(registry, rl_bytes_text(name)), "%s", name);
}

Test(table, every_row_is_found_in_any_case)
{
    registry = rl_registry_create(rl_commands, rl_commands_count);
    size_t rows = each(check_lookup);
    cr_assert_eq(rl_registry_indexes(registry), rows);
    cr_assert_eq(rl_registry_count(registry), rl_commands_count);
    rl_registry_free(registry);
}

Test(table, every_command_can_be_renamed)
{
    char to[80], error[200];
    registry = rl_registry_create(rl_commands, rl_commands_count);
    for (size_t i = 0; i < rl_commands_count; i++) {
        snprintf(to, sizeof to, "my-%s", rl_commands[i].name);
        cr_assert(rl_registry_rename(registry, rl_commands[i].name, to, error, sizeof error), "%s",
                  error);
        cr_assert_eq(rl_registry_find(registry, rl_bytes_text(to)), &rl_commands[i]);
        cr_assert_null(rl_registry_find(registry, rl_bytes_text(rl_commands[i].name)));
    }
    cr_assert_eq(rl_registry_count(registry), rl_commands_count);
    rl_registry_free(registry);
}
