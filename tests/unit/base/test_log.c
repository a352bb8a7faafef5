/* SPDX-License-Identifier: MIT */
/* The log: its form, its levels, its file, and threads. Criterion runs each test in a process of
 * its own. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static void set_up(void) {
    strcpy(directory, "/tmp/rl-log-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
}

static const char *file_named(const char *name) {
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static void tear_down(void) {
    static const char *const names[] = {"a", "b", "stdout"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(file_named(names[i]));
    cr_assert_eq(rmdir(directory), 0);
}

TestSuite(log, .init = set_up, .fini = tear_down);

/* The whole file; the caller frees it. */
static char *contents(const char *name) {
    FILE *f = fopen(file_named(name), "r");
    cr_assert_not_null(f, "%s: %s", name, strerror(errno));
    size_t cap = 1 << 20;
    char *text = malloc(cap + 1);
    size_t len = fread(text, 1, cap, f);
    text[len] = '\0';
    fclose(f);
    return text;
}

static void expect_contents(const char *name, const char *pattern) {
    char *text = contents(name);
    regex_t re;
    cr_assert_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    cr_assert_eq(regexec(&re, text, 0, NULL, 0), 0, "%s holds:\n%s", name, text);
    regfree(&re);
    free(text);
}

Test(log, a_line_has_pid_date_mark_and_text)
{
    cr_assert(rl_log_open(file_named("a")));
    rl_log(RL_LOG_NOTICE, "Ready on port %d", 6379);
    expect_contents("a",
                    "^[0-9]+:M [0-9]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                    "[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} \\* Ready on port 6379\n$");
    char *text = contents("a");
    cr_assert_eq(atoi(text), getpid());
    free(text);
}

Test(log, each_level_has_its_mark)
{
    cr_assert(rl_log_open(file_named("a")));
    rl_log_set_level(RL_LOG_DEBUG);
    rl_log(RL_LOG_DEBUG, "one");
    rl_log(RL_LOG_VERBOSE, "two");
    rl_log(RL_LOG_NOTICE, "three");
    rl_log(RL_LOG_WARNING, "four");
    expect_contents("a", "^[^\n]* \\. one\n[^\n]* - two\n[^\n]* \\* three\n[^\n]* # four\n$");
}

Test(log, lines_below_the_level_are_dropped)
{
    cr_assert_eq(rl_log_get_level(), RL_LOG_NOTICE);
    cr_assert(rl_log_open(file_named("a")));
    for (int level = RL_LOG_DEBUG; level <= RL_LOG_NOTHING; level++) {
        rl_log_set_level((rl_log_level)level);
        cr_assert_eq((int)rl_log_get_level(), level);
        for (int i = RL_LOG_DEBUG; i <= RL_LOG_NOTHING; i++)
            rl_log((rl_log_level)i, "%d at %d", i, level);
    }
    expect_contents("a", "^[^\n]*0 at 0\n[^\n]*1 at 0\n[^\n]*2 at 0\n[^\n]*3 at 0\n"
                         "[^\n]*1 at 1\n[^\n]*2 at 1\n[^\n]*3 at 1\n"
                         "[^\n]*2 at 2\n[^\n]*3 at 2\n[^\n]*3 at 3\n$");
}

Test(log, a_file_is_appended_to)
{
    cr_assert(rl_log_open(file_named("a")));
    rl_log(RL_LOG_NOTICE, "first");
    cr_assert(rl_log_open(file_named("a")));
    rl_log(RL_LOG_NOTICE, "second");
    expect_contents("a", "^[^\n]* first\n[^\n]* second\n$");
}

Test(log, opening_again_after_rotation_makes_a_new_file)
{
    cr_assert(rl_log_open(file_named("a")));
    rl_log(RL_LOG_NOTICE, "old");
    cr_assert_eq(rename(file_named("a"), file_named("b")), 0);
    rl_log(RL_LOG_NOTICE, "still old");
    cr_assert(rl_log_open(file_named("a")));
    rl_log(RL_LOG_NOTICE, "new");
    expect_contents("b", "^[^\n]* old\n[^\n]* still old\n$");
    expect_contents("a", "^[^\n]* new\n$");
}

Test(log, a_file_that_cannot_be_opened_leaves_the_log_where_it_was)
{
    cr_assert(rl_log_open(file_named("a")));
    errno = 0;
    cr_assert_not(rl_log_open(file_named("no/such/file")));
    cr_assert_eq(errno, ENOENT);
    cr_assert_not(rl_log_open(directory));
    cr_assert_eq(errno, EISDIR);
    rl_log(RL_LOG_NOTICE, "here");
    expect_contents("a", "^[^\n]* here\n$");
}

/* How many descriptors are open. */
static int descriptors(void) {
    int open_ones = 0;
    for (int fd = 0; fd < 256; fd++)
        open_ones += fcntl(fd, F_GETFD) >= 0;
    return open_ones;
}

Test(log, goes_to_stdout_first_and_again_and_keeps_one_descriptor)
{
    int out = open(file_named("stdout"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert_geq(out, 0);
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    cr_assert_eq(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
    close(out);
    rl_log(RL_LOG_NOTICE, "one");
    cr_assert(rl_log_open(NULL));
    rl_log(RL_LOG_NOTICE, "two");
    int before = descriptors();
    for (int i = 0; i < 10; i++) {
        cr_assert(rl_log_open(file_named("a")));
        rl_log(RL_LOG_NOTICE, "in a");
        cr_assert(rl_log_open(file_named("b")));
        cr_assert(rl_log_open(i % 2 ? "" : NULL));
    }
    cr_assert_eq(descriptors(), before + 1);
    rl_log(RL_LOG_NOTICE, "three");
    dup2(kept, STDOUT_FILENO);
    close(kept);
    expect_contents("stdout", "^[^\n]* one\n[^\n]* two\n[^\n]* three\n$");
    expect_contents("a", "^([^\n]* in a\n){10}$");
    expect_contents("b", "^$");
}

Test(log, an_event_is_one_line_and_bounded)
{
    cr_assert(rl_log_open(file_named("a")));
    rl_log(RL_LOG_NOTICE, "a\r\nb\nc");
    static char long_text[5000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    rl_log(RL_LOG_NOTICE, "%s", long_text);
    rl_log(RL_LOG_NOTICE, "after");
    expect_contents("a", "^[^\n]* a  b c\n[^\nx]*x+\n[^\n]* after\n$");
}

Test(log, leaves_errno_alone)
{
    cr_assert(rl_log_open(file_named("a")));
    errno = EDOM;
    rl_log(RL_LOG_NOTICE, "x");
    cr_assert_eq(errno, EDOM);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full >= 0) {
        close(full);
        cr_assert(rl_log_open("/dev/full"));
        errno = EDOM;
        rl_log(RL_LOG_NOTICE, "a full disk does not stop the server");
        cr_assert_eq(errno, EDOM);
    }
}

enum { THREADS = 4, LINES = 1000 };

static void *log_lines(void *name) {
    for (int i = 0; i < LINES; i++)
        rl_log(RL_LOG_NOTICE, "%s%04d|%s", (char *)name, i,
               "0123456789012345678901234567890123456789");
    return NULL;
}

Test(log, threads_never_mix_lines_nor_lose_any_while_the_file_changes)
{
    cr_assert(rl_log_open(file_named("a")));
    static const char *const names[THREADS] = {"A", "B", "C", "D"};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, log_lines, (void *)names[i]), 0);
    for (int i = 0; i < 200; i++)
        cr_assert(rl_log_open(file_named(i % 2 ? "a" : "b")));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);

    unsigned seen[THREADS][LINES] = {0}, lines = 0;
    for (int f = 0; f < 2; f++) {
        char *text = contents(f ? "a" : "b");
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
            *end = '\0';
            const char *mark = strstr(line, " * ");
            cr_assert_not_null(mark, "%s", line);
            char name;
            int number;
            char rest[64];
            cr_assert_eq(sscanf(mark, " * %c%4d|%60s", &name, &number, rest), 3, "%s", line);
            cr_assert_str_eq(rest, "0123456789012345678901234567890123456789");
            cr_assert(name >= 'A' && name < 'A' + THREADS && number >= 0 && number < LINES);
            seen[name - 'A'][number]++;
        }
        free(text);
    }
    cr_assert_eq(lines, THREADS * LINES);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < LINES; i++)
            cr_assert_eq(seen[t][i], 1);
}

Test(log, syslog_as_well_changes_nothing_in_the_file)
{
    cr_assert(rl_log_open(file_named("a")));
    rl_log_syslog_start("rubellite-test", 1 << 3);
    rl_log(RL_LOG_DEBUG, "not at this level");
    rl_log(RL_LOG_NOTICE, "%s", "100% text");
    expect_contents("a", "^[^\n]* \\* 100% text\n$");
}
