/* SPDX-License-Identifier: MIT */
/* What the tests of the configuration share: a config with its last error, and short questions. */
#ifndef RL_TESTS_CONFIG_UTIL_H
#define RL_TESTS_CONFIG_UTIL_H

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "server/config.h"

static rl_config *config;
static const rl_settings *settings;
static rl_buffer error, answer;

static void config_setup(void) {
    rl_log_set_level(RL_LOG_WARNING);
    config = rl_config_create();
    settings = rl_config_settings(config);
}

static void config_teardown(void) {
    rl_config_free(config);
    rl_buffer_release(&error);
    rl_buffer_release(&answer);
}

static inline const char *last_error(void) {
    return rl_buffer_cstr(&error);
}

static inline bool load(const char *text) {
    rl_buffer_clear(&error);
    return rl_config_load_text(config, "t.conf", rl_bytes_text(text), &error);
}

/* CONFIG SET with name, value, …, NULL. */
static inline bool set_all(const char *const *words) {
    rl_bytes pairs[32];
    int count = 0;
    while (words[count]) {
        pairs[count] = rl_bytes_text(words[count]);
        count++;
    }
    rl_buffer_clear(&error);
    return rl_config_set(config, pairs, count / 2, &error);
}
#define set(...) set_all((const char *const[]){__VA_ARGS__, NULL})

static inline void add_answer(void *arg, const char *name, rl_bytes value) {
    (void)arg;
    rl_buffer_printf(&answer, "%s%s=", answer.len ? "|" : "", name);
    rl_buffer_add_bytes(&answer, value);
}

/* CONFIG GET: "name=value|name=value". */
static inline const char *get_all(const char *const *words) {
    rl_bytes patterns[32];
    int count = 0;
    while (words[count]) {
        patterns[count] = rl_bytes_text(words[count]);
        count++;
    }
    rl_buffer_clear(&answer);
    rl_config_get(config, patterns, count, add_answer, NULL);
    return rl_buffer_cstr(&answer);
}
#define get(...) get_all((const char *const[]){__VA_ARGS__, NULL})

#define expect_text(actual, expected) cr_expect_str_eq(actual, expected)
#define expect_fails(call, text)                                                                   \
    do {                                                                                           \
        cr_expect_not(call);                                                                       \
        cr_expect_str_eq(last_error(), text);                                                      \
    } while (0)

#endif
