/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "micro.h"

enum { ROUNDS_MAX = 99, ROWS_MAX = 32, NAME_BYTES = 16, NAME_LENGTH = 13, ONLY_MAX = 16 };

/* What a round of a row came to, per operation. */
typedef enum figure { CPU_NS, WALL_NS, INSTRUCTIONS, CYCLES, FIGURES } figure;

typedef struct row {
    char name[48];
    size_t rounds;
    double figures[FIGURES][ROUNDS_MAX];
    double bytes, longest_ns;
    bool has_bytes;
} row;

struct micro {
    const char *only[ONLY_MAX], *case_name;
    size_t only_count;
    size_t rounds;
    bool json, large, list, first_row;
    char dir[512];
    int instructions_fd, cycles_fd; /* -1: the machine does not count */
    row rows[ROWS_MAX];             /* of the case at work */
    size_t row_count;
    rl_random random;
    uint64_t begun_cpu_ns, begun_wall_ns, begun_instructions, begun_cycles;
};

static char names[MICRO_NAMES][NAME_BYTES];
static uint32_t order[MICRO_NAMES];
static volatile size_t sink;

/* ---- what cases use ---- */

static uint64_t clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t micro_cpu_ns(void) {
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void micro_sink(size_t used) {
    sink += used;
}

void micro_must(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "micro: %s did not work: %s\n", what, strerror(errno));
    exit(1);
}

rl_bytes micro_name(size_t number) {
    return rl_bytes_of(names[number], NAME_LENGTH);
}

const uint32_t *micro_shuffled(micro *m, size_t count) {
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        size_t k = rl_random_below(&m->random, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
    return order;
}

rl_random *micro_random(micro *m) {
    return &m->random;
}

const char *micro_dir(const micro *m) {
    return m->dir;
}

/* ---- counting ---- */

static int counter_open(uint64_t config) {
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = config,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t counter_read(int fd) {
    uint64_t value = 0;
    if (fd >= 0 && read(fd, &value, sizeof value) != sizeof value)
        value = 0;
    return value;
}

void micro_start(micro *m) {
    m->begun_wall_ns = clock_ns(CLOCK_MONOTONIC);
    m->begun_instructions = counter_read(m->instructions_fd);
    m->begun_cycles = counter_read(m->cycles_fd);
    m->begun_cpu_ns = micro_cpu_ns();
}

static row *row_of(micro *m, const char *name) {
    for (size_t i = 0; i < m->row_count; i++)
        if (strcmp(m->rows[i].name, name) == 0)
            return &m->rows[i];
    micro_must(m->row_count < ROWS_MAX, "a row more");
    row *r = &m->rows[m->row_count++];
    memset(r, 0, sizeof *r);
    snprintf(r->name, sizeof r->name, "%s", name);
    return r;
}

void micro_stop(micro *m, const char *name, size_t operations) {
    double all[FIGURES];
    all[CPU_NS] = (double)(micro_cpu_ns() - m->begun_cpu_ns);
    all[CYCLES] = (double)(counter_read(m->cycles_fd) - m->begun_cycles);
    all[INSTRUCTIONS] = (double)(counter_read(m->instructions_fd) - m->begun_instructions);
    all[WALL_NS] = (double)(clock_ns(CLOCK_MONOTONIC) - m->begun_wall_ns);
    row *r = row_of(m, name);
    for (int i = 0; i < FIGURES; i++)
        r->figures[i][r->rounds] = all[i] / (double)(operations ? operations : 1);
    r->rounds++;
}

void micro_bytes(micro *m, const char *name, double bytes) {
    row *r = row_of(m, name);
    r->bytes = bytes;
    r->has_bytes = true;
}

void micro_longest(micro *m, const char *name, uint64_t ns) {
    row *r = row_of(m, name);
    if (r->longest_ns == 0 || (double)ns < r->longest_ns)
        r->longest_ns = (double)ns; /* the least of the rounds: the rest is other programs */
}

/* ---- reporting ---- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *sorted, size_t count) {
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static void report_head(const micro *m) {
    if (m->json) {
        printf("{\"rounds\": %zu, \"rows\": [", m->rounds);
        return;
    }
    printf("%zu rounds; ns of CPU time per operation%s\n\n", m->rounds,
           m->instructions_fd < 0 ? "; this machine counts no instructions for us" : "");
    printf("| %-38s | %10s | %21s | %10s | %9s | %9s | %9s | %9s |\n", "what", "ns", "min-max",
           "wall ns", "instr.", "cycles", "bytes", "longest us");
    printf("| %.38s | %.10s | %.21s | %.10s | %.9s | %.9s | %.9s | %.10s |\n",
           "--------------------------------------", "----------:", "---------------------:",
           "----------:", "--------:", "--------:", "--------:", "---------:");
}

/* A cell of the table; empty when there is nothing to say. */
static const char *cell(char out[24], bool known, double value) {
    snprintf(out, 24, "%.1f", value);
    return known ? out : "";
}

static void report_text(const micro *m, const row *r, const double *mid) {
    char instructions[24], cycles[24], bytes[24], longest[24], range[48];
    snprintf(range, sizeof range, "%.1f-%.1f", r->figures[CPU_NS][0],
             r->figures[CPU_NS][r->rounds - 1]);
    char name[96];
    snprintf(name, sizeof name, "%s %s", m->case_name, r->name);
    printf("| %-38s | %10.1f | %21s | %10.1f | %9s | %9s | %9s | %10s |\n", name, mid[CPU_NS],
           range, mid[WALL_NS], cell(instructions, m->instructions_fd >= 0, mid[INSTRUCTIONS]),
           cell(cycles, m->cycles_fd >= 0, mid[CYCLES]), cell(bytes, r->has_bytes, r->bytes),
           cell(longest, r->longest_ns > 0, r->longest_ns / 1000));
}

static void report_json(micro *m, const row *r, const double *mid) {
    printf("%s\n  {\"case\": \"%s\", \"row\": \"%s\", \"cpu_ns\": %.2f, \"cpu_ns_min\": %.2f, "
           "\"cpu_ns_max\": %.2f, \"wall_ns\": %.2f",
           m->first_row ? "" : ",", m->case_name, r->name, mid[CPU_NS], r->figures[CPU_NS][0],
           r->figures[CPU_NS][r->rounds - 1], mid[WALL_NS]);
    if (m->instructions_fd >= 0)
        printf(", \"instructions\": %.1f", mid[INSTRUCTIONS]);
    if (m->cycles_fd >= 0)
        printf(", \"cycles\": %.1f", mid[CYCLES]);
    if (r->has_bytes)
        printf(", \"bytes\": %.2f", r->bytes);
    if (r->longest_ns > 0)
        printf(", \"longest_ns\": %.0f", r->longest_ns);
    printf("}");
    m->first_row = false;
}

static void report(micro *m) {
    for (size_t i = 0; i < m->row_count; i++) {
        row *r = &m->rows[i];
        double mid[FIGURES];
        for (int k = 0; k < FIGURES; k++) {
            qsort(r->figures[k], r->rounds, sizeof(double), by_value);
            mid[k] = median(r->figures[k], r->rounds);
        }
        if (m->json)
            report_json(m, r, mid);
        else
            report_text(m, r, mid);
    }
}

/* ---- the program ---- */

static bool wanted(const micro *m, const micro_case *c) {
    if (c->large && !m->large)
        return false;
    for (size_t i = 0; i < m->only_count; i++)
        if (strstr(c->name, m->only[i]))
            return true;
    return m->only_count == 0;
}

static void run(micro *m, const micro_case *c) {
    m->case_name = c->name;
    m->row_count = 0;
    rl_random_seed(&m->random, 1);
    for (size_t i = 0; i < m->rounds; i++)
        c->run(m, c->arg);
    report(m);
    fflush(stdout);
}

static const char usage[] =
    "micro [--only NAME]... [--rounds N] [--json] [--large] [--list] [--dir DIR]\n"
    "  --only NAME  the cases whose name contains NAME\n"
    "  --rounds N   rounds of each case (5)\n"
    "  --large      collections of a million elements too\n"
    "  --list       names of the cases\n"
    "  --dir DIR    the disk to measure: a directory is made below DIR (.)\n";

static const char *value_of(int argc, char **argv, int *i) {
    if (++*i == argc) {
        fprintf(stderr, "micro: %s wants a value\n%s", argv[argc - 1], usage);
        exit(2);
    }
    return argv[*i];
}

static void parse(micro *m, int argc, char **argv, const char **dir) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            m->json = true;
        } else if (strcmp(argv[i], "--large") == 0) {
            m->large = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            m->list = true;
        } else if (strcmp(argv[i], "--only") == 0 && m->only_count < ONLY_MAX) {
            m->only[m->only_count++] = value_of(argc, argv, &i);
        } else if (strcmp(argv[i], "--rounds") == 0) {
            m->rounds = strtoul(value_of(argc, argv, &i), NULL, 10);
        } else if (strcmp(argv[i], "--dir") == 0) {
            *dir = value_of(argc, argv, &i);
        } else {
            fprintf(stderr, "%s", usage);
            exit(strcmp(argv[i], "--help") == 0 ? 0 : 2);
        }
    }
    if (m->rounds < 1 || m->rounds > ROUNDS_MAX) {
        fprintf(stderr, "micro: --rounds is 1 to %d\n", ROUNDS_MAX);
        exit(2);
    }
}

static void prepare(micro *m, const char *dir) {
    rl_hash_init();
    m->instructions_fd = counter_open(PERF_COUNT_HW_INSTRUCTIONS);
    m->cycles_fd = counter_open(PERF_COUNT_HW_CPU_CYCLES);
    for (size_t i = 0; i < MICRO_NAMES; i++)
        snprintf(names[i], NAME_BYTES, "name:%08u", (unsigned)(i + 1000000));
    snprintf(m->dir, sizeof m->dir, "%s/micro-XXXXXX", dir);
    micro_must(mkdtemp(m->dir) != NULL, "making a directory");
}

int main(int argc, char **argv) {
    const micro_group *groups[] = {&micro_resp, &micro_keys, &micro_batches, &micro_folds,
                                   &micro_types};
    micro *m = rl_calloc(1, sizeof *m);
    const char *dir = ".";
    m->rounds = 5;
    m->first_row = true;
    parse(m, argc, argv, &dir);
    if (!m->list) {
        prepare(m, dir);
        report_head(m);
    }
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            if (m->list)
                printf("%s\n", groups[g]->cases[i].name);
            else if (wanted(m, &groups[g]->cases[i]))
                run(m, &groups[g]->cases[i]);
    if (m->json && !m->list)
        printf("\n]}\n");
    if (!m->list)
        micro_must(rmdir(m->dir) == 0, "removing the directory");
    rl_free(m);
    return 0;
}
