/* SPDX-License-Identifier: MIT */
/*
 * Commands by name: open addressing, at most half full, keyed by the length and the first sixteen
 * bytes of the lower-cased name. A removed name keeps its place, so that the names behind it are
 * still found.
 */
#include "server/registry.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/number.h"

typedef struct named {
    const rl_command *command; /* NULL: free, or removed when name is set */
    char *name;
    size_t len;
} named;

struct rl_registry {
    named *places;
    size_t mask, used;         /* used: places with a name, removed ones too */
    const rl_command **listed; /* what rl_registry_at shows, in the table's order */
    size_t listed_count;
    size_t indexes;
};

/* Folds case by setting bit 5 of every byte, which also mixes up a few signs; the comparison sorts
 * that out. */
static inline uint64_t name_hash(rl_bytes name) {
    uint64_t word[2] = {0, 0};
    if (name.len)
        memcpy(word, name.ptr, name.len < sizeof word ? name.len : sizeof word);
    uint64_t fold = 0x2020202020202020u;
    uint64_t hash = ((word[0] | fold) * 0x9e3779b97f4a7c15u) ^
                    ((word[1] | fold) * 0xc2b2ae3d27d4eb4fu) ^ name.len;
    return hash ^ (hash >> 32);
}

static named *place_of(const rl_registry *r, rl_bytes name) {
    for (size_t i = name_hash(name) & r->mask;; i = (i + 1) & r->mask) {
        named *n = &r->places[i];
        if (n->name == NULL ||
            (n->len == name.len && strncasecmp(n->name, name.ptr, name.len) == 0))
            return n;
    }
}

static void put(rl_registry *r, const char *name, const rl_command *command) {
    named *n = place_of(r, rl_bytes_text(name));
    if (n->name == NULL) {
        n->name = rl_strdup(name);
        n->len = strlen(name);
        r->used++;
    }
    n->command = command;
}

static void note_index(rl_registry *r, const rl_command *command) {
    if (command->index >= r->indexes)
        r->indexes = (size_t)command->index + 1;
    for (int i = 0; i < command->subcommand_count; i++)
        note_index(r, &command->subcommands[i]);
}

rl_registry *rl_registry_create(const rl_command *table, size_t count) {
    rl_registry *r = rl_calloc(1, sizeof *r);
    r->listed = rl_malloc((count ? count : 1) * sizeof(const rl_command *));
    size_t places = 64;
    while (places < count * 4)
        places *= 2;
    r->places = rl_calloc(places, sizeof *r->places);
    r->mask = places - 1;
    for (size_t i = 0; i < count; i++) {
        put(r, table[i].name, &table[i]);
        r->listed[r->listed_count++] = &table[i];
        note_index(r, &table[i]);
    }
    return r;
}

void rl_registry_free(rl_registry *r) {
    if (!r)
        return;
    for (size_t i = 0; i <= r->mask; i++)
        rl_free(r->places[i].name);
    rl_free(r->places);
    rl_free(r->listed);
    rl_free(r);
}

/* A command has one name at a time; without it nothing leads to it. */
static void unlist(rl_registry *r, const rl_command *command) {
    size_t i = 0;
    while (r->listed[i] != command)
        i++;
    r->listed_count--;
    memmove(&r->listed[i], &r->listed[i + 1], (r->listed_count - i) * sizeof(const rl_command *));
}

bool rl_registry_rename(rl_registry *r, const char *from, const char *to, char *error,
                        size_t error_len) {
    named *source = place_of(r, rl_bytes_text(from));
    const rl_command *command = source->command;
    if (command == NULL) {
        snprintf(error, error_len, "rename-command: there is no command '%s'", from);
        return false;
    }
    if (*to && place_of(r, rl_bytes_text(to))->command) {
        snprintf(error, error_len, "rename-command: the name '%s' is taken by another command", to);
        return false;
    }
    if (*to && r->used * 2 > r->mask) {
        snprintf(error, error_len, "rename-command: too many renamed commands");
        return false;
    }
    source->command = NULL;
    if (*to)
        put(r, to, command);
    else
        unlist(r, command);
    return true;
}

const rl_command *rl_registry_find(const rl_registry *r, rl_bytes name) {
    return place_of(r, name)->command;
}

/* The name of a subcommand is "container|name". */
static rl_bytes subname(const rl_command *subcommand) {
    const char *bar = strchr(subcommand->name, '|');
    return rl_bytes_text(bar ? bar + 1 : subcommand->name);
}

const rl_command *rl_registry_subcommand(const rl_command *container, rl_bytes name) {
    for (int i = 0; i < container->subcommand_count; i++) {
        rl_bytes candidate = subname(&container->subcommands[i]);
        if (candidate.len == name.len && strncasecmp(candidate.ptr, name.ptr, name.len) == 0)
            return &container->subcommands[i];
    }
    return NULL;
}

const rl_command *rl_registry_resolve(const rl_registry *r, const rl_bytes *argv, int argc,
                                      const rl_command **container) {
    const rl_command *command = rl_registry_find(r, argv[0]);
    *container = command;
    if (command && command->subcommand_count && argc > 1)
        return rl_registry_subcommand(command, argv[1]);
    return command;
}

const rl_command *rl_registry_find_full(const rl_registry *r, rl_bytes full_name) {
    const char *bar = full_name.len ? memchr(full_name.ptr, '|', full_name.len) : NULL;
    if (bar == NULL)
        return rl_registry_find(r, full_name);
    size_t len = (size_t)(bar - full_name.ptr);
    const rl_command *container = rl_registry_find(r, rl_bytes_of(full_name.ptr, len));
    if (container == NULL)
        return NULL;
    return rl_registry_subcommand(container, rl_bytes_of(bar + 1, full_name.len - len - 1));
}

size_t rl_registry_count(const rl_registry *r) {
    return r->listed_count;
}

const rl_command *rl_registry_at(const rl_registry *r, size_t i) {
    return i < r->listed_count ? r->listed[i] : NULL;
}

size_t rl_registry_indexes(const rl_registry *r) {
    return r->indexes;
}

/* The argument behind SORT's last STORE, which no specification can express; 0: there is none.
 * The values of other options are passed over. */
static int sort_target(const rl_bytes *argv, int argc) {
    int target = 0;
    for (int i = 2; i < argc; i++) {
        if (rl_bytes_is(argv[i], "LIMIT"))
            i += 2;
        else if (rl_bytes_is(argv[i], "BY") || rl_bytes_is(argv[i], "GET"))
            i++;
        else if (rl_bytes_is(argv[i], "STORE") && i + 1 < argc)
            target = ++i;
    }
    return target;
}

/* Where the keys of one specification begin; 0: they are not in this request, -1: it cannot be
 * told. */
static int spec_begin(const rl_key_spec *spec, const rl_bytes *argv, int argc) {
    if (spec->begin == RL_BEGIN_INDEX)
        return spec->begin_index;
    if (spec->begin == RL_BEGIN_UNKNOWN && spec->find != RL_FIND_UNKNOWN)
        return -1;
    if (spec->begin == RL_BEGIN_UNKNOWN) /* SORT; what it reads by pattern is in no argument */
        return strncmp(spec->flags, "OW", 2) == 0 ? sort_target(argv, argc) : 0;
    bool forward = spec->begin_index > 0;
    int i = forward ? spec->begin_index : argc + spec->begin_index;
    for (; i > 0 && i < argc; i += forward ? 1 : -1)
        if (rl_bytes_is(argv[i], spec->begin_keyword))
            return i + 1;
    return 0;
}

/* The first and last key of one specification that begins at argument `begin`; false: not to be
 * told. */
static bool spec_find(const rl_key_spec *spec, const rl_bytes *argv, int argc, int begin,
                      int *first, int *last) {
    int64_t count;
    int at = begin + spec->keynum_index;
    switch (spec->find) {
    case RL_FIND_RANGE:
        *first = begin;
        if (spec->last >= 0)
            *last = begin + spec->last;
        else if (spec->limit <= 1)
            *last = argc + spec->last;
        else
            *last = begin + (argc - begin) / spec->limit + spec->last;
        return true;
    case RL_FIND_KEYNUM:
        if (at >= argc || !rl_int64_parse(argv[at], &count) || count < 0 || count > argc)
            return false;
        *first = begin + spec->first_key;
        *last = *first + ((int)count - 1) * (spec->step > 0 ? spec->step : 1);
        return true;
    case RL_FIND_UNKNOWN:
        *first = *last = begin;
        return spec->begin == RL_BEGIN_UNKNOWN;
    }
    return false;
}

/* Shard channels stand where keys do, so that a cluster finds their node; they are none. */
static bool names_keys(const rl_key_spec *spec) {
    return spec->flags == NULL || strcmp(spec->flags, "not_key") != 0;
}

bool rl_command_has_keys(const rl_command *command) {
    for (int k = 0; k < command->key_spec_count; k++)
        if (names_keys(&command->key_specs[k]))
            return true;
    return false;
}

int rl_command_keys(const rl_command *command, const rl_bytes *argv, int argc, int *positions,
                    const rl_key_spec **spec_of, int limit) {
    int found = 0;
    for (int k = 0; k < command->key_spec_count; k++) {
        const rl_key_spec *spec = &command->key_specs[k];
        if (!names_keys(spec))
            continue;
        int begin = spec_begin(spec, argv, argc), first, last;
        if (begin == 0)
            continue;
        if (begin < 0 || !spec_find(spec, argv, argc, begin, &first, &last))
            return -1;
        if (first > last || last >= argc)
            return -1;
        for (int i = first; i <= last; i += spec->step > 0 ? spec->step : 1) {
            if (found < limit) {
                positions[found] = i;
                if (spec_of)
                    spec_of[found] = spec;
            }
            found++;
        }
    }
    return found;
}
