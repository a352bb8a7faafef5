/* SPDX-License-Identifier: MIT */
/* Which arguments are secrets. See redact.h. */
#include "server/redact.h"

static const rl_bytes hidden = {"(redacted)", 10};

static void hide(rl_bytes *argv, int argc, int i) {
    if (i < argc)
        argv[i] = hidden;
}

static void redact_auth(rl_bytes *argv, int argc) {
    hide(argv, argc, 1);
    hide(argv, argc, 2);
}

static void redact_hello(rl_bytes *argv, int argc) {
    for (int i = 2; i < argc; i++) {
        if (rl_bytes_is(argv[i], "AUTH")) {
            hide(argv, argc, ++i);
            hide(argv, argc, ++i);
        }
    }
}

static void redact_config_set(rl_bytes *argv, int argc) {
    static const char *const secrets[] = {"requirepass", "masterauth", "masteruser",
                                          "tls-key-file-pass", "tls-client-key-file-pass"};
    for (int i = 2; i + 1 < argc; i += 2)
        for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++)
            if (rl_bytes_is(argv[i], secrets[k]))
                hide(argv, argc, i + 1);
}

static const struct {
    const char *command;
    void (*redact)(rl_bytes *argv, int argc);
} rules[] = {{"auth", redact_auth}, {"hello", redact_hello}, {"config|set", redact_config_set}};

const rl_bytes *rl_redact(const rl_command *command, const rl_bytes *argv, int argc,
                          rl_bytes copy[RL_REDACT_MAX]) {
    if (argc > RL_REDACT_MAX)
        return argv;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(command->name, rules[i].command) == 0) {
            memcpy(copy, argv, (size_t)argc * sizeof *argv);
            rules[i].redact(copy, argc);
            return copy;
        }
    }
    return argv;
}
