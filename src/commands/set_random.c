/* SPDX-License-Identifier: MIT */
/* SPOP and SRANDMEMBER: members that chance picks. */
#include "commands/handlers.h"
#include "commands/shared.h"

static void reply_members(rl_ctx *c, const rl_members *set) {
    rl_members_walk walk = {0};
    rl_bytes member;
    while (rl_members_next(set, &walk, &member))
        rl_reply_bulk(c->reply, member);
}

/* ---- SPOP ---- */

static void pop_some(rl_ctx *c, rl_collection *set, size_t count) {
    rl_buffer member = {0};
    for (size_t i = 0; i < count; i++) {
        rl_buffer_clear(&member);
        rl_key_set_pop(set, &member);
        rl_reply_bulk(c->reply, rl_buffer_bytes(&member));
    }
    rl_buffer_release(&member);
    rl_ctx_notify(c, RL_NOTIFY_SET, "spop", c->argv[1]);
    rl_collection_done(set);
}

/* The key goes in one piece: no change for each member. */
static void pop_all(rl_ctx *c, const rl_collection *set) {
    reply_members(c, rl_set_of(set));
    rl_ctx_notify(c, RL_NOTIFY_SET, "spop", c->argv[1]);
    rl_keyspace_delete(c->keys, c->db, c->argv[1], c->hash);
    rl_ctx_notify(c, RL_NOTIFY_GENERIC, "del", c->argv[1]);
}

/* Without a count the answer is a member, not a set. */
static void pop_single(rl_ctx *c) {
    rl_collection set;
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_WRITE, &set))
        return;
    if (set.entry == NULL)
        rl_reply_null(c->reply);
    else
        pop_some(c, &set, 1);
}

void rl_cmd_spop(rl_ctx *c) {
    int64_t count;
    rl_collection set;
    if (c->argc == 2) {
        pop_single(c);
        return;
    }
    if (c->argc > 3) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (!rl_cmd_count(c, 2, &count, NULL) || !rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_WRITE, &set))
        return;
    size_t size = rl_collection_count(&set);
    size_t popped = (uint64_t)count < size ? (size_t)count : size;
    rl_reply_set(c->reply, popped);
    if (popped == 0)
        return;
    if (popped == size)
        pop_all(c, &set);
    else
        pop_some(c, &set, popped);
}

/* ---- SRANDMEMBER ---- */

/* Each as often as chance has it, the same one again too. */
static void pick_any(rl_ctx *c, const rl_members *set, uint64_t count) {
    rl_member_scratch scratch;
    rl_random *random = rl_keyspace_randomness(c->keys);
    for (uint64_t i = 0; i < count; i++)
        rl_reply_bulk(c->reply, rl_members_random(set, random, &scratch));
}

/* Many of them: one walk, in which each is taken with the chance "still wanted of those still to
 * come" (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S). */
static void pick_walking(rl_ctx *c, const rl_members *set, size_t count) {
    rl_members_walk walk = {0};
    rl_bytes member;
    rl_random *random = rl_keyspace_randomness(c->keys);
    for (size_t left = rl_members_count(set); count && rl_members_next(set, &walk, &member);
         left--) {
        if (rl_random_below(random, left) >= count)
            continue;
        rl_reply_bulk(c->reply, member);
        count--;
    }
}

/* Few of many: any one, again when it was picked before. */
static void pick_trying(rl_ctx *c, const rl_members *set, size_t count) {
    rl_member_scratch scratch;
    rl_random *random = rl_keyspace_randomness(c->keys);
    rl_members *picked = rl_members_create();
    while (count) {
        rl_bytes member = rl_members_random(set, random, &scratch);
        if (!rl_members_add(&picked, member, &rl_keyspace_limits(c->keys)->set))
            continue;
        rl_reply_bulk(c->reply, member);
        count--;
    }
    rl_members_free(picked);
}

#define TRY_BELOW 3 /* trying pays below one in so many */

static void pick_distinct(rl_ctx *c, const rl_members *set, uint64_t count) {
    size_t size = rl_members_count(set);
    size_t picked = count < size ? (size_t)count : size;
    rl_reply_array(c->reply, picked);
    if (picked == size)
        reply_members(c, set);
    else if (picked > size / TRY_BELOW)
        pick_walking(c, set, picked);
    else
        pick_trying(c, set, picked);
}

static void random_single(rl_ctx *c) {
    rl_collection set;
    if (!rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_READ, &set))
        return;
    if (set.entry == NULL)
        rl_reply_null(c->reply);
    else
        pick_any(c, rl_set_of(&set), 1);
}

static bool parse_random_count(rl_ctx *c, int64_t *count) {
    if (!rl_ctx_int(c, 2, count, NULL))
        return false;
    if (*count != INT64_MIN)
        return true;
    rl_reply_errorf(c->reply, "ERR value is out of range, value must between %lld and %lld",
                    -(long long)INT64_MAX, (long long)INT64_MAX);
    return false;
}

void rl_cmd_srandmember(rl_ctx *c) {
    int64_t count;
    rl_collection set;
    if (c->argc == 2) {
        random_single(c);
        return;
    }
    if (c->argc > 3) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (!parse_random_count(c, &count) || !rl_ctx_open(c, 1, RL_TYPE_SET, RL_LOOK_READ, &set))
        return;
    if (set.entry == NULL || count == 0) {
        rl_reply_array(c->reply, 0);
    } else if (count > 0) {
        pick_distinct(c, rl_set_of(&set), (uint64_t)count);
    } else if (rl_cmd_check_repeats(c, count)) {
        rl_reply_array(c->reply, (size_t)-count);
        pick_any(c, rl_set_of(&set), (uint64_t)-count);
    }
}
