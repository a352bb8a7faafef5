/* SPDX-License-Identifier: MIT */
/* HRANDFIELD: fields by chance. */
#include "commands/handlers.h"
#include "commands/hashes.h"

static void reply_one(rl_ctx *c, const rl_field *field, bool with_values) {
    if (with_values && c->reply->resp > 2)
        rl_reply_array(c->reply, 2);
    rl_reply_bulk(c->reply, field->name);
    if (with_values)
        rl_reply_bulk(c->reply, field->value);
}

static void reply_count(rl_ctx *c, size_t fields, bool with_values) {
    rl_reply_array(c->reply, with_values && c->reply->resp == 2 ? fields * 2 : fields);
}

/* Each time any field, so the same one may come again. */
static void reply_with_repeats(rl_ctx *c, const rl_fields *fields, size_t count, bool with_values) {
    rl_random *random = rl_keyspace_randomness(c->keys);
    rl_field_scratch scratch;
    rl_field field;
    reply_count(c, count, with_values);
    for (size_t i = 0; i < count; i++) {
        rl_fields_random(fields, random, &scratch, &field);
        reply_one(c, &field, with_values);
    }
}

/* Different fields in one pass over all: each is taken with the likelihood that leaves `wanted` to
 * be taken (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S). */
static void reply_selected(rl_ctx *c, const rl_fields *fields, size_t wanted, bool with_values) {
    rl_random *random = rl_keyspace_randomness(c->keys);
    rl_fields_walk walk = {0};
    rl_field field;
    for (size_t left = rl_fields_count(fields); wanted > 0 && rl_fields_next(fields, &walk, &field);
         left--) {
        if (rl_random_below(random, left) < wanted) {
            reply_one(c, &field, with_values);
            wanted--;
        }
    }
}

/* Few of many: picks until there are enough different ones. */
static void reply_picked(rl_ctx *c, const rl_fields *fields, size_t wanted, bool with_values) {
    rl_random *random = rl_keyspace_randomness(c->keys);
    const rl_members_limits *limits = &rl_keyspace_limits(c->keys)->set;
    rl_members *had = rl_members_create();
    rl_field_scratch scratch;
    rl_field field;
    while (wanted > 0) {
        rl_fields_random(fields, random, &scratch, &field);
        if (rl_members_add(&had, field.name, limits)) {
            reply_one(c, &field, with_values);
            wanted--;
        }
    }
    rl_members_free(had);
}

static void reply_different(rl_ctx *c, const rl_fields *fields, size_t wanted, bool with_values) {
    size_t count = rl_fields_count(fields);
    if (wanted > count)
        wanted = count;
    reply_count(c, wanted, with_values);
    if (rl_fields_form_of(fields) == RL_FIELDS_TABLE && wanted < count / 3)
        reply_picked(c, fields, wanted, with_values);
    else
        reply_selected(c, fields, wanted, with_values);
}

static void reply_any(rl_ctx *c) {
    rl_collection h;
    rl_field_scratch scratch;
    rl_field field;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        return;
    rl_key_hash_settle(&h);
    const rl_fields *fields = rl_hash_of(&h);
    if (fields == NULL) {
        rl_reply_null(c->reply);
        return;
    }
    rl_fields_random(fields, rl_keyspace_randomness(c->keys), &scratch, &field);
    rl_reply_bulk(c->reply, field.name);
}

void rl_cmd_hrandfield(rl_ctx *c) {
    rl_collection h;
    int64_t count;
    bool with_values;
    if (c->argc == 2) {
        reply_any(c);
        return;
    }
    if (!rl_cmd_random_count(c, "WITHVALUES", &count, &with_values) ||
        !rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        return;
    rl_key_hash_settle(&h);
    const rl_fields *fields = rl_hash_of(&h);
    if (fields == NULL || count == 0)
        rl_reply_array(c->reply, 0);
    else if (count > 0)
        reply_different(c, fields, (size_t)count, with_values);
    else if (rl_cmd_check_repeats(c, count))
        reply_with_repeats(c, fields, (size_t)-count, with_values);
}
