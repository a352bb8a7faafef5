/* SPDX-License-Identifier: MIT */
/*
 * COMMAND: what the server says of its own commands. All of it is read from the table; the shapes
 * of the replies (which parts are sets or maps in RESP3, which fields may be missing) are Redis's,
 * because clients parse them.
 */
#include "base/alloc.h"
#include "base/text.h"
#include "commands/handlers.h"
#include "commands/table.h"
#include "server/registry.h"
#include "server/server.h"

/* In the order Redis lists them. What is not here is not shown. */
static const struct {
    uint32_t flag;
    const char *word;
} flag_words[] = {
    {RL_CMD_WRITE, "write"},
    {RL_CMD_READONLY, "readonly"},
    {RL_CMD_DENYOOM, "denyoom"},
    {RL_CMD_ADMIN, "admin"},
    {RL_CMD_PUBSUB, "pubsub"},
    {RL_CMD_NOSCRIPT, "noscript"},
    {RL_CMD_BLOCKING, "blocking"},
    {RL_CMD_LOADING, "loading"},
    {RL_CMD_STALE, "stale"},
    {RL_CMD_SKIP_MONITOR, "skip_monitor"},
    {RL_CMD_SKIP_SLOWLOG, "skip_slowlog"},
    {RL_CMD_ASKING, "asking"},
    {RL_CMD_FAST, "fast"},
    {RL_CMD_NO_AUTH, "no_auth"},
    {RL_CMD_MAY_REPLICATE, "may_replicate"},
    {RL_CMD_NO_ASYNC_LOADING, "no_async_loading"},
    {RL_CMD_NO_MULTI, "no_multi"},
    {RL_CMD_MOVABLE_KEYS, "movablekeys"},
    {RL_CMD_ALLOW_BUSY, "allow_busy"},
};

/* ---- words separated by blanks ---- */

/* Takes the next word off *text; false at the end. */
static bool next_word(const char **text, rl_bytes *word) {
    const char *start = *text + strspn(*text, " ");
    *word = rl_bytes_of(start, strcspn(start, " "));
    *text = start + word->len;
    return word->len > 0;
}

static size_t count_words(const char *text) {
    size_t count = 0;
    for (rl_bytes word; next_word(&text, &word);)
        count++;
    return count;
}

static bool has_word(const char *text, rl_bytes wanted) {
    for (rl_bytes word; next_word(&text, &word);)
        if (word.len == wanted.len && strncasecmp(word.ptr, wanted.ptr, word.len) == 0)
            return true;
    return false;
}

/* A set of status replies. */
static void reply_words(rl_reply *r, const char *text) {
    rl_reply_set(r, count_words(text));
    for (rl_bytes word; next_word(&text, &word);) {
        rl_reply_literal(r, "+");
        rl_reply_raw(r, word);
        rl_reply_literal(r, "\r\n");
    }
}

/* ---- COMMAND INFO ---- */

static void reply_flags(rl_reply *r, uint32_t flags) {
    size_t count = 0, all = sizeof flag_words / sizeof flag_words[0];
    for (size_t i = 0; i < all; i++)
        count += (flags & flag_words[i].flag) != 0;
    rl_reply_set(r, count);
    for (size_t i = 0; i < all; i++)
        if (flags & flag_words[i].flag)
            rl_reply_status(r, flag_words[i].word);
}

static void reply_named_int(rl_reply *r, const char *name, int value) {
    rl_reply_text(r, name);
    rl_reply_int(r, value);
}

/* "type" and the head of "spec", whose pairs follow. */
static void reply_spec_type(rl_reply *r, const char *step, const char *type, size_t pairs) {
    rl_reply_text(r, step);
    rl_reply_map(r, 2);
    rl_reply_text(r, "type");
    rl_reply_text(r, type);
    rl_reply_text(r, "spec");
    rl_reply_map(r, pairs);
}

static void reply_begin_search(rl_reply *r, const rl_key_spec *spec) {
    static const char step[] = "begin_search";
    switch (spec->begin) {
    case RL_BEGIN_INDEX:
        reply_spec_type(r, step, "index", 1);
        reply_named_int(r, "index", spec->begin_index);
        break;
    case RL_BEGIN_KEYWORD:
        reply_spec_type(r, step, "keyword", 2);
        rl_reply_text(r, "keyword");
        rl_reply_text(r, spec->begin_keyword);
        reply_named_int(r, "startfrom", spec->begin_index);
        break;
    case RL_BEGIN_UNKNOWN:
        reply_spec_type(r, step, "unknown", 0);
        break;
    }
}

static void reply_find_keys(rl_reply *r, const rl_key_spec *spec) {
    static const char step[] = "find_keys";
    switch (spec->find) {
    case RL_FIND_RANGE:
        reply_spec_type(r, step, "range", 3);
        reply_named_int(r, "lastkey", spec->last);
        reply_named_int(r, "keystep", spec->step);
        reply_named_int(r, "limit", spec->limit);
        break;
    case RL_FIND_KEYNUM:
        reply_spec_type(r, step, "keynum", 3);
        reply_named_int(r, "keynumidx", spec->keynum_index);
        reply_named_int(r, "firstkey", spec->first_key);
        reply_named_int(r, "keystep", spec->step);
        break;
    case RL_FIND_UNKNOWN:
        reply_spec_type(r, step, "unknown", 0);
        break;
    }
}

static void reply_key_specs(rl_reply *r, const rl_command *command) {
    rl_reply_set(r, (size_t)command->key_spec_count);
    for (int i = 0; i < command->key_spec_count; i++) {
        const rl_key_spec *spec = &command->key_specs[i];
        rl_reply_map(r, spec->notes ? 4 : 3);
        if (spec->notes) {
            rl_reply_text(r, "notes");
            rl_reply_text(r, spec->notes);
        }
        rl_reply_text(r, "flags");
        reply_words(r, spec->flags);
        reply_begin_search(r, spec);
        reply_find_keys(r, spec);
    }
}

static void reply_tips(rl_reply *r, const char *const *tips) {
    size_t count = 0;
    while (tips && tips[count])
        count++;
    rl_reply_set(r, count);
    for (size_t i = 0; i < count; i++)
        rl_reply_text(r, tips[i]);
}

/* The ten elements. Nested once: a subcommand has no subcommands. */
static void reply_info(rl_reply *r, const rl_command *command) {
    rl_reply_array(r, 10);
    rl_reply_text(r, command->name);
    rl_reply_int(r, command->arity);
    reply_flags(r, command->flags);
    rl_reply_int(r, command->first_key);
    rl_reply_int(r, command->last_key);
    rl_reply_int(r, command->key_step);
    reply_words(r, command->categories);
    reply_tips(r, command->tips);
    reply_key_specs(r, command);
    if (command->subcommand_count == 0) {
        rl_reply_set(r, 0); /* Redis: an empty set, but an array of subcommands */
        return;
    }
    rl_reply_array(r, (size_t)command->subcommand_count);
    for (int i = 0; i < command->subcommand_count; i++)
        reply_info(r, &command->subcommands[i]);
}

void rl_cmd_command(rl_ctx *c) {
    const rl_registry *registry = rl_server_registry(c->server);
    size_t count = rl_registry_count(registry);
    rl_reply_array(c->reply, count);
    for (size_t i = 0; i < count; i++)
        reply_info(c->reply, rl_registry_at(registry, i));
}

void rl_cmd_command_info(rl_ctx *c) {
    if (c->argc == 2) {
        rl_cmd_command(c);
        return;
    }
    const rl_registry *registry = rl_server_registry(c->server);
    rl_reply_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        const rl_command *command = rl_registry_find_full(registry, c->argv[i]);
        if (command)
            reply_info(c->reply, command);
        else
            rl_reply_null(c->reply);
    }
}

void rl_cmd_command_count(rl_ctx *c) {
    rl_reply_int(c->reply, (int64_t)rl_registry_count(rl_server_registry(c->server)));
}

/* ---- COMMAND DOCS ---- */

static const char *const type_words[] = {
    [RL_ARGUMENT_STRING] = "string",         [RL_ARGUMENT_INTEGER] = "integer",
    [RL_ARGUMENT_DOUBLE] = "double",         [RL_ARGUMENT_KEY] = "key",
    [RL_ARGUMENT_PATTERN] = "pattern",       [RL_ARGUMENT_UNIX_TIME] = "unix-time",
    [RL_ARGUMENT_PURE_TOKEN] = "pure-token", [RL_ARGUMENT_ONEOF] = "oneof",
    [RL_ARGUMENT_BLOCK] = "block",
};

static const char *const argument_flags[] = {
    [RL_ARGUMENT_OPTIONAL] = "optional",
    [RL_ARGUMENT_MULTIPLE] = "multiple",
    [RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE] = "optional multiple",
    [RL_ARGUMENT_OPTIONAL | RL_ARGUMENT_MULTIPLE | RL_ARGUMENT_MULTIPLE_TOKEN] =
        "optional multiple multiple_token",
};

/* A pair, when there is a value. */
static void reply_named_text(rl_reply *r, const char *name, const char *value_or_null) {
    if (value_or_null == NULL)
        return;
    rl_reply_text(r, name);
    rl_reply_text(r, value_or_null);
}

static void reply_arguments(rl_reply *r, const rl_argument *arguments, int count) {
    rl_reply_text(r, "arguments");
    rl_reply_array(r, (size_t)count);
    for (int i = 0; i < count; i++) {
        const rl_argument *a = &arguments[i];
        rl_reply_map(r, 2 + (size_t)(a->key_spec >= 0) + (a->token != NULL) + (a->since != NULL) +
                            (a->deprecated_since != NULL) + (a->flags != 0) +
                            (a->inner_count != 0));
        reply_named_text(r, "name", a->name);
        reply_named_text(r, "type", type_words[a->type]);
        if (a->key_spec >= 0)
            reply_named_int(r, "key_spec_index", a->key_spec);
        reply_named_text(r, "token", a->token);
        reply_named_text(r, "since", a->since);
        reply_named_text(r, "deprecated_since", a->deprecated_since);
        if (a->flags) {
            rl_reply_text(r, "flags");
            reply_words(r, argument_flags[a->flags]);
        }
        if (a->inner_count)
            reply_arguments(r, a->inner, a->inner_count);
    }
}

static void reply_doc(rl_reply *r, const rl_command *command) {
    const rl_command_doc *doc = &rl_command_docs[command->index];
    const char *flags = doc->deprecated_since ? "deprecated" : doc->system ? "syscmd" : NULL;
    rl_reply_text(r, command->name);
    rl_reply_map(r, 3 + (size_t)(command->complexity != NULL) + (flags != NULL) +
                        (doc->deprecated_since != NULL) + (doc->replaced_by != NULL) +
                        (doc->argument_count != 0) + (command->subcommand_count != 0));
    reply_named_text(r, "summary", command->summary);
    reply_named_text(r, "since", command->since);
    reply_named_text(r, "group", command->group);
    reply_named_text(r, "complexity", command->complexity);
    if (flags) {
        rl_reply_text(r, "doc_flags");
        reply_words(r, flags);
    }
    reply_named_text(r, "deprecated_since", doc->deprecated_since);
    reply_named_text(r, "replaced_by", doc->replaced_by);
    if (doc->argument_count)
        reply_arguments(r, doc->arguments, doc->argument_count);
    if (command->subcommand_count) {
        rl_reply_text(r, "subcommands");
        rl_reply_map(r, (size_t)command->subcommand_count);
        for (int i = 0; i < command->subcommand_count; i++)
            reply_doc(r, &command->subcommands[i]);
    }
}

/* Names that are not there are left out. */
void rl_cmd_command_docs(rl_ctx *c) {
    const rl_registry *registry = rl_server_registry(c->server);
    if (c->argc == 2) {
        size_t count = rl_registry_count(registry);
        rl_reply_map(c->reply, count);
        for (size_t i = 0; i < count; i++)
            reply_doc(c->reply, rl_registry_at(registry, i));
        return;
    }
    size_t found = 0;
    for (int i = 2; i < c->argc; i++)
        found += rl_registry_find_full(registry, c->argv[i]) != NULL;
    rl_reply_map(c->reply, found);
    for (int i = 2; i < c->argc; i++) {
        const rl_command *command = rl_registry_find_full(registry, c->argv[i]);
        if (command)
            reply_doc(c->reply, command);
    }
}

/* ---- COMMAND LIST ---- */

typedef struct filter {
    enum { FILTER_NONE, FILTER_NOTHING, FILTER_CATEGORY, FILTER_PATTERN } kind;
    rl_bytes value;
} filter;

static bool passes(const filter *f, const rl_command *command) {
    switch (f->kind) {
    case FILTER_NONE:
        return true;
    case FILTER_NOTHING:
        return false;
    case FILTER_CATEGORY: /* asked for without its "@" */
        for (const char *text = command->categories; *text;) {
            rl_bytes word;
            if (next_word(&text, &word) && word.len == f->value.len + 1 &&
                strncasecmp(word.ptr + 1, f->value.ptr, f->value.len) == 0)
                return true;
        }
        return false;
    case FILTER_PATTERN:
        return rl_text_glob(f->value, rl_bytes_text(command->name), true);
    }
    return false;
}

/* Calls on one command or subcommand after the other: names those that pass, or only counts them
 * (reply is NULL). */
static size_t list_names(const rl_registry *registry, const filter *f, rl_reply *reply) {
    size_t found = 0, count = rl_registry_count(registry);
    for (size_t i = 0; i < count; i++) {
        const rl_command *command = rl_registry_at(registry, i);
        for (int k = -1; k < command->subcommand_count; k++) {
            const rl_command *one = k < 0 ? command : &command->subcommands[k];
            if (!passes(f, one))
                continue;
            found++;
            if (reply)
                rl_reply_text(reply, one->name);
        }
    }
    return found;
}

void rl_cmd_command_list(rl_ctx *c) {
    filter f = {FILTER_NONE, {0}};
    if (c->argc == 5 && rl_bytes_is(c->argv[2], "filterby")) {
        f.value = c->argv[4];
        if (rl_bytes_is(c->argv[3], "module")) {
            f.kind = FILTER_NOTHING; /* there are no modules */
        } else if (rl_bytes_is(c->argv[3], "aclcat")) {
            f.kind = FILTER_CATEGORY;
        } else if (rl_bytes_is(c->argv[3], "pattern")) {
            f.kind = FILTER_PATTERN;
        } else {
            rl_ctx_syntax_error(c);
            return;
        }
    } else if (c->argc != 2) {
        rl_ctx_syntax_error(c);
        return;
    }
    const rl_registry *registry = rl_server_registry(c->server);
    rl_reply_array(c->reply, list_names(registry, &f, NULL));
    list_names(registry, &f, c->reply);
}

/* ---- COMMAND GETKEYS ---- */

/* What a request does to a key. Of SET the specification says what it may do at most; the options
 * say what it does. */
static const char *key_flags(const rl_key_spec *spec, const rl_bytes *argv, int argc) {
    if (!has_word(spec->flags, RL_BYTES("variable_flags")))
        return spec->flags;
    for (int i = 3; i < argc; i++)
        if (rl_bytes_is(argv[i], "get"))
            return "RW access update";
    return "OW update";
}

static bool arity_fits(const rl_command *command, int argc) {
    return command->arity > 0 ? argc == command->arity : argc >= -command->arity;
}

static void reply_keys(rl_ctx *c, bool with_flags) {
    const rl_bytes *argv = c->argv + 2;
    int argc = c->argc - 2;
    const rl_command *container;
    const rl_command *command =
        rl_registry_resolve(rl_server_registry(c->server), argv, argc, &container);
    if (command == NULL) {
        rl_reply_error(c->reply, "ERR Invalid command specified");
        return;
    }
    if (!rl_command_has_keys(command)) {
        rl_reply_error(c->reply, "ERR The command has no key arguments");
        return;
    }
    if (!arity_fits(command, argc)) {
        rl_reply_error(c->reply, "ERR Invalid number of arguments specified for command");
        return;
    }
    int count = rl_command_keys(command, argv, argc, NULL, NULL, 0);
    size_t room = count > 0 ? (size_t)count : 1;
    int *positions = rl_malloc(room * sizeof *positions);
    const rl_key_spec **specs = rl_malloc(room * sizeof(const rl_key_spec *));
    rl_command_keys(command, argv, argc, positions, specs, count > 0 ? count : 0);
    if (count < 0 || (count == 0 && !(command->flags & RL_CMD_NO_MANDATORY_KEYS))) {
        rl_reply_error(c->reply, "ERR Invalid arguments specified for command");
    } else {
        rl_reply_array(c->reply, (size_t)count);
        for (int i = 0; i < count; i++) {
            if (with_flags)
                rl_reply_array(c->reply, 2);
            rl_reply_bulk(c->reply, argv[positions[i]]);
            if (with_flags)
                reply_words(c->reply, key_flags(specs[i], argv, argc));
        }
    }
    rl_free(positions);
    rl_free(specs);
}

void rl_cmd_command_getkeys(rl_ctx *c) {
    reply_keys(c, false);
}

void rl_cmd_command_getkeysandflags(rl_ctx *c) {
    reply_keys(c, true);
}

void rl_cmd_command_help(rl_ctx *c) {
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe all commands: arity, flags, keys, categories.",
        "COUNT",
        "    Say how many commands there are.",
        "DOCS [<command-name> ...]",
        "    Say what commands are for and which arguments they take; without a name, all.",
        "GETKEYS <full-command>",
        "    List the keys that a command line names.",
        "GETKEYSANDFLAGS <full-command>",
        "    List the keys that a command line names, and what it does with each.",
        "INFO [<command-name> ...]",
        "    Describe commands; without a name, all.",
        "LIST [FILTERBY <MODULE <name>|ACLCAT <category>|PATTERN <pattern>>]",
        "    List the names of commands.",
        NULL,
    };
    rl_ctx_help(c, lines);
}
