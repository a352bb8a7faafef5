/* SPDX-License-Identifier: MIT */
/*
 * Prints what is generated from the table of directives: "example" the example configuration file,
 * "configuration" the page docs/configuration.md. tests/tools/docs puts them in place.
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "server/config.h"

int main(int argc, char **argv) {
    rl_buffer out = {0};
    if (argc == 2 && strcmp(argv[1], "example") == 0) {
        rl_config_print_example(&out);
    } else if (argc == 2 && strcmp(argv[1], "configuration") == 0) {
        rl_config_print_markdown(&out);
    } else {
        fprintf(stderr, "usage: print_docs example|configuration\n");
        return 2;
    }
    size_t written = fwrite(out.ptr, 1, out.len, stdout);
    int failed = written != out.len || fflush(stdout) != 0;
    rl_buffer_release(&out);
    return failed;
}
