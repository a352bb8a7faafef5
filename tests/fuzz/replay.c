/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over kept inputs, without libFuzzer: every file of the folders or files named
 * on the command line, each also cut short at every length up to a limit, because half an input is
 * what a network or a crash delivers. A failure is a crash of the process or a sanitizer's report.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CUTS_MAX 256 /* prefixes tried per input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives the target a copy of exactly `size` bytes, so that a sanitizer sees a read beyond it. */
static void run(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) {
        abort();
    }
    if (size) {
        memcpy(copy, data, size);
    }
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    uint8_t *data = NULL;
    size_t size = 0;
    size_t room = 0;
    size_t got;
    do {
        if (room - size < 4096) {
            room = room ? room * 2 : 8192;
            data = realloc(data, room);
            if (!data) {
                abort();
            }
        }
        got = fread(data + size, 1, room - size, file);
        size += got;
    } while (got);
    int failed = ferror(file);
    fclose(file);
    if (!failed) {
        run(data, size);
        size_t step = size / CUTS_MAX + 1;
        for (size_t cut = 0; cut < size; cut += step) {
            run(data, cut);
        }
    }
    free(data);
    return failed ? -1 : 1;
}

/* The number of inputs run, or -1. */
static int run_path(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(status.st_mode)) {
        return run_file(path);
    }
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        return -1;
    }
    int count = 0;
    struct dirent *entry;
    while (count >= 0 && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char name[4096];
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        int done = run_file(name);
        count = done < 0 ? -1 : count + done;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv) {
    int count = 0;
    for (int at = 1; at < argc; at++) {
        int done = run_path(argv[at]);
        if (done < 0) {
            return 1;
        }
        count += done;
    }
    if (!count) {
        fprintf(stderr, "replay: no input given or found\n");
        return 1;
    }
    printf("replay: %d inputs\n", count);
    return 0;
}
