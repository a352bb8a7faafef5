/* SPDX-License-Identifier: MIT */
/*
 * Readers that pin the WAL; see wal_pin.h.
 *
 * The bytes: https://www.sqlite.org/walformat.html, section 2.3.1 "WAL locks": 120 to 122 are for
 * the writer, the checkpointer and recovery, 123 to 127 for readers.
 */
#include "store/wal_pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

#define FIRST_MARK 123
#define LAST_MARK  127

#define WARN_MS         60000
#define WARN_BYTES      (256ull << 20)
#define WARN_OURS_BYTES (1ull << 30) /* ours end by themselves */

/* ---- who reads ------------------------------------------------------------------------------ */

typedef struct lock_line {
    int pid;
    unsigned major, minor;
    unsigned long inode;
    unsigned long first, last;
} lock_line;

/* "2: POSIX  ADVISORY  READ 11088 fe:00:11010385 124 124"; the last may be EOF. */
static bool parse_lock(const char *line, lock_line *out) {
    char last[24];
    if (sscanf(line, "%*[^:]: POSIX %*s READ %d %x:%x:%lu %lu %23s", &out->pid, &out->major,
               &out->minor, &out->inode, &out->first, last) != 6)
        return false;
    out->last = out->first;
    return sscanf(last, "%lu", &out->last) == 1;
}

/* Collects the readers; with `device`, only locks whose device is the one stat tells. (On some file
 * systems the two differ by design.) */
static size_t read_locks(const struct stat *of, bool device, wal_reader *list, size_t room) {
    FILE *file = fopen("/proc/locks", "re");
    char line[256];
    size_t count = 0;
    if (file == NULL)
        return 0;
    while (count < room && fgets(line, sizeof line, file)) {
        lock_line lock;
        if (!parse_lock(line, &lock) || lock.inode != of->st_ino)
            continue;
        if (device && makedev(lock.major, lock.minor) != of->st_dev)
            continue;
        for (unsigned long at = lock.first; at <= lock.last && at <= LAST_MARK; at++)
            if (at >= FIRST_MARK && count < room)
                list[count++] = (wal_reader){.pid = lock.pid, .mark = (int)(at - FIRST_MARK)};
    }
    fclose(file);
    return count;
}

size_t store_wal_readers_list(const char *path, wal_reader *list, size_t room) {
    struct stat st;
    rl_buffer shm = {0};
    rl_buffer_printf(&shm, "%s-shm", path);
    bool there = stat(rl_buffer_cstr(&shm), &st) == 0;
    rl_buffer_release(&shm);
    if (!there)
        return 0;
    size_t count = read_locks(&st, true, list, room);
    return count ? count : read_locks(&st, false, list, room);
}

/* ---- which of them -------------------------------------------------------------------------- */

/* Marks are shared, so a lock tells who reads but not from when. Whoever has been there at every
 * look since the pin began is the one; readers that come and go are not. */
static void look_again(wal_pin *pin, const char *path, int64_t now_ms) {
    wal_reader now[WAL_READERS_MAX];
    size_t count = store_wal_readers_list(path, now, WAL_READERS_MAX);
    for (size_t i = 0; i < count; i++) {
        now[i].since_ms = now_ms;
        for (size_t k = 0; k < pin->reader_count; k++)
            if (pin->readers[k].pid == now[i].pid && pin->readers[k].mark == now[i].mark)
                now[i].since_ms = pin->readers[k].since_ms;
    }
    memcpy(pin->readers, now, count * sizeof *now);
    pin->reader_count = count;
}

static void read_name(int pid, char *name, size_t name_len) {
    char path[64];
    *name = '\0';
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    size_t len = fread(name, 1, name_len - 1, file);
    name[len && name[len - 1] == '\n' ? len - 1 : len] = '\0';
    fclose(file);
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?'; /* a program may call itself anything */
}

/* The one seen first; of those seen at once, one of another process. */
static void choose(wal_pin *pin) {
    const wal_reader *chosen = NULL;
    for (size_t i = 0; i < pin->reader_count; i++) {
        const wal_reader *r = &pin->readers[i];
        bool earlier = chosen && r->since_ms < chosen->since_ms;
        bool outside = chosen && r->since_ms == chosen->since_ms && chosen->pid == getpid();
        if (chosen == NULL || earlier || outside)
            chosen = r;
    }
    pin->pid = chosen ? chosen->pid : 0;
    pin->ours = pin->pid == getpid();
    pin->name[0] = '\0';
    if (chosen)
        read_name(pin->pid, pin->name, sizeof pin->name);
}

/* ---- in the log ----------------------------------------------------------------------------- */

static void describe(const wal_pin *pin, char *text, size_t text_len) {
    if (pin->ours)
        snprintf(text, text_len, "a query or backup of this server");
    else if (pin->pid)
        snprintf(text, text_len, "%s (pid %d)", *pin->name ? pin->name : "a program", pin->pid);
    else
        snprintf(text, text_len, "a program that this system does not name");
}

static void warn(wal_pin *pin, const char *path, int64_t now_ms) {
    uint64_t least = pin->ours ? WARN_OURS_BYTES : WARN_BYTES;
    bool large = pin->bytes >= (pin->warn_bytes ? pin->warn_bytes : least);
    bool old = !pin->ours && !pin->warned && now_ms - pin->since_ms >= WARN_MS;
    if (!large && !old)
        return;
    char who[64];
    describe(pin, who, sizeof who);
    pin->warned = true;
    if (large)
        pin->warn_bytes = pin->bytes * 2;
    rl_log(RL_LOG_WARNING,
           "%s has kept a read of %s open for %" PRId64 " s: %" PRIu64
           " MB written since cannot leave %s-wal, which grows until that read ends%s",
           who, path, (now_ms - pin->since_ms) / 1000, pin->bytes >> 20, path,
           pin->ours ? "" : "; end its query or transaction");
}

static void end(wal_pin *pin, const char *path, int64_t now_ms) {
    if (pin->warned) {
        char who[64];
        describe(pin, who, sizeof who);
        rl_log(RL_LOG_NOTICE,
               "%s no longer keeps a read of %s open; it did for %" PRId64 " s and %" PRIu64
               " MB of %s-wal, which can be used again now",
               who, path, (now_ms - pin->since_ms) / 1000, pin->bytes >> 20, path);
    }
    *pin = (wal_pin){0};
}

void store_wal_pin_note(wal_pin *pin, const char *path, int in_wal, int copied,
                        uint64_t frame_bytes) {
    int64_t now_ms = rl_clock_mono_ms();
    if (pin->since_ms && (copied >= in_wal || copied != pin->copied))
        end(pin, path, now_ms);
    if (copied >= in_wal)
        return;
    if (pin->since_ms == 0) {
        pin->since_ms = now_ms;
        pin->copied = copied;
    }
    pin->bytes = (uint64_t)(in_wal - copied) * frame_bytes;
    look_again(pin, path, now_ms);
    choose(pin);
    warn(pin, path, now_ms);
}
