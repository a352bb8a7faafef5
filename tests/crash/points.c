/* SPDX-License-Identifier: MIT */
/*
 * Kills a server at a named point: a moment between two steps of the disk, such as "the commit
 * frame of a fold is written, and not synced". The server is the very one that ships; it is started
 * with this library in LD_PRELOAD, which knows a point by the system call, the file, what is
 * written, and the thread. All of that is one table, `points`.
 *
 * POINTS_CONTROL names a file that is mapped and holds a struct points_control; POINTS_DIR is the
 * server's directory. The test arms a point by its place in the table, and says how often it is to
 * be passed; the last time the process gets SIGKILL there. A point that is `TORN` writes a part of
 * the bytes first. Points that are not armed are counted, so that a test sees which ones it meets.
 *
 * crash_points.py loads the library too, to read the table; without POINTS_CONTROL it does nothing.
 */
#include "preload.h"

#include <pthread.h>
#include <signal.h>

/* --- what can be told apart ------------------------------------------------------------------- */

typedef enum call { CREATE, WRITE, CUT, SYNC, RENAME, REMOVE } call;

typedef enum file {
    NO_FILE,
    SEGMENT,     /* journal/00000001.journal */
    JOURNAL_DIR, /* journal */
    TABLES,      /* data.db */
    WAL,         /* data.db-wal */
    ROLLBACK,    /* data.db-journal: only until data.db is in WAL mode */
    PART,        /* backups/.data-….db.part */
    BACKUP,      /* backups/data-….db */
    BACKUP_DIR,  /* backups */
    COPY,        /* data.db.restoring */
    DATA_DIR,
} file;

/* What is written; of a sync, what was written to the file before it. */
typedef enum what {
    ANYTHING,
    HEADER, /* of a segment; of the WAL, when it begins anew */
    FRAME,  /* of the journal: a batch */
    ZEROS,  /* the filling of a new segment, or what cuts an old one */
    BLANK,  /* zeros over a segment's header: it holds nothing from now on */
    FIRST,  /* the WAL: the header of a transaction's first frame, … */
    INNER,  /* … of another one, … */
    LAST,   /* … of the one that commits: its bytes 4 to 7 are not zero */
    PAGE,   /* behind FIRST or INNER */
    END,    /* behind LAST: with this the transaction is in the WAL */
} what;

typedef enum thread { LOOP, SYNCER, STORE, KEEPER, BACKUPS } thread;

typedef enum moment { BEFORE, TORN, AFTER } moment;

typedef struct point {
    const char *name;
    const char *life; /* what a server has to go through to get there; known to crash_points.py */
    int most;         /* how often a busy server gets there at least, in that life */
    call call;
    file file;
    what what;
    thread thread;
    moment moment;
} point;

#define AROUND(name, ...)                                                                          \
    {name ".before", __VA_ARGS__, BEFORE}, {                                                       \
        name ".after", __VA_ARGS__, AFTER                                                          \
    }
#define THROUGH(name, ...)                                                                         \
    {name ".before", __VA_ARGS__, BEFORE}, {name ".torn", __VA_ARGS__, TORN}, {                    \
        name ".after", __VA_ARGS__, AFTER                                                          \
    }
/* A transaction in the WAL. With what is in it, of two small pages at least, and its end. */
#define TRANSACTION(name, life, most, thread)                                                      \
    {name ".first.before", life, most, WRITE, WAL, FIRST, thread, BEFORE},                         \
        THROUGH(name ".page", life, most, WRITE, WAL, PAGE, thread),                               \
        THROUGH(name ".commit", life, most, WRITE, WAL, LAST, thread),                             \
        {name ".commit-page.torn", life, most, WRITE, WAL, END, thread, TORN},                     \
        {name ".commit-page.after", life, most, WRITE, WAL, END, thread, AFTER},                   \
        AROUND(name ".sync", life, most, SYNC, WAL, END, thread)

static const point points[] = {
    /* The journal: a batch is appended by the loop, synced by the syncer. */
    THROUGH("append", "journal", 200, WRITE, SEGMENT, FRAME, LOOP),
    AROUND("sync", "always", 20, SYNC, SEGMENT, FRAME, SYNCER),
    /* A segment is made ready, from nothing or from a spare one, … */
    AROUND("segment.create", "journal", 2, CREATE, SEGMENT, ANYTHING, SYNCER),
    THROUGH("segment.fill", "journal", 2, WRITE, SEGMENT, ZEROS, SYNCER),
    AROUND("segment.reuse", "journal", 3, RENAME, SEGMENT, ANYTHING, SYNCER),
    THROUGH("segment.header", "journal", 4, WRITE, SEGMENT, HEADER, SYNCER),
    AROUND("segment.sync", "journal", 4, SYNC, SEGMENT, HEADER, SYNCER),
    AROUND("segment.directory", "journal", 4, SYNC, JOURNAL_DIR, ANYTHING, SYNCER),
    /* … and removed, when it is folded and too large to be used again, or one too many. */
    AROUND("segment.remove", "journal", 1, REMOVE, SEGMENT, ANYTHING, SYNCER),
    /* The fold; also transactions with SQL in them, which the same thread writes. */
    TRANSACTION("fold", "load", 10, STORE),
    THROUGH("fold.restart-wal", "restart", 3, WRITE, WAL, HEADER, STORE),
    AROUND("fold.restart-wal-sync", "restart", 3, SYNC, WAL, HEADER, STORE),
    /* The keeper's checkpoint. */
    AROUND("checkpoint.wal-sync", "load", 3, SYNC, WAL, ANYTHING, KEEPER),
    THROUGH("checkpoint.page", "load", 30, WRITE, TABLES, ANYTHING, KEEPER),
    AROUND("checkpoint.cut", "load", 3, CUT, TABLES, ANYTHING, KEEPER),
    AROUND("checkpoint.sync", "load", 3, SYNC, TABLES, ANYTHING, KEEPER),
    AROUND("checkpoint.truncate", "idle", 1, CUT, WAL, ANYTHING, KEEPER),
    /* Backups. */
    AROUND("backup.create", "backup", 2, CREATE, PART, ANYTHING, BACKUPS),
    THROUGH("backup.write", "backup", 20, WRITE, PART, ANYTHING, BACKUPS),
    AROUND("backup.sync", "backup", 2, SYNC, PART, ANYTHING, BACKUPS),
    AROUND("backup.rename", "backup", 2, RENAME, PART, ANYTHING, BACKUPS),
    AROUND("backup.directory", "backup", 2, SYNC, BACKUP_DIR, ANYTHING, BACKUPS),
    AROUND("backup.prune", "backup", 1, REMOVE, BACKUP, ANYTHING, BACKUPS),
    /* A clean stop, behind the last fold. */
    THROUGH("stop.checkpoint", "stop", 2, WRITE, TABLES, ANYTHING, LOOP),
    AROUND("stop.checkpoint-sync", "stop", 1, SYNC, TABLES, ANYTHING, LOOP),
    AROUND("stop.remove-wal", "stop", 1, REMOVE, WAL, ANYTHING, LOOP),
    THROUGH("stop.blank", "journal stop", 2, WRITE, SEGMENT, BLANK, LOOP),
    AROUND("stop.blank-sync", "journal stop", 2, SYNC, SEGMENT, BLANK, LOOP),
    /* A start that finds a journal: it is folded, then made invalid, then the first segment made.
     */
    TRANSACTION("replay", "replay", 1, LOOP),
    THROUGH("start.blank", "replay", 2, WRITE, SEGMENT, BLANK, LOOP),
    AROUND("start.blank-sync", "replay", 2, SYNC, SEGMENT, BLANK, LOOP),
    AROUND("start.reuse", "replay", 1, RENAME, SEGMENT, ANYTHING, LOOP),
    THROUGH("start.header", "replay", 1, WRITE, SEGMENT, HEADER, LOOP),
    AROUND("start.directory", "replay", 1, SYNC, JOURNAL_DIR, ANYTHING, LOOP),
    /* With journal-keep backup it stays, and what is torn is cut off. */
    THROUGH("start.cut", "cut", 1, WRITE, SEGMENT, ZEROS, LOOP),
    AROUND("start.cut-sync", "cut", 1, SYNC, SEGMENT, ZEROS, LOOP),
    /* A first start. */
    THROUGH("create.tables", "create", 1, WRITE, TABLES, ANYTHING, LOOP),
    AROUND("create.remove-rollback", "create", 1, REMOVE, ROLLBACK, ANYTHING, LOOP),
    TRANSACTION("create", "create", 1, LOOP),
    AROUND("create.segment", "create", 1, CREATE, SEGMENT, ANYTHING, LOOP),
    THROUGH("create.segment-fill", "create", 1, WRITE, SEGMENT, ZEROS, LOOP),
    /* A start that restores a backup. */
    AROUND("restore.create", "restore", 1, CREATE, COPY, ANYTHING, LOOP),
    THROUGH("restore.write", "restore", 2, WRITE, COPY, ANYTHING, LOOP),
    AROUND("restore.sync", "restore", 1, SYNC, COPY, ANYTHING, LOOP),
    AROUND("restore.aside", "restore", 1, RENAME, TABLES, ANYTHING, LOOP),
    AROUND("restore.rename", "restore", 1, RENAME, COPY, ANYTHING, LOOP),
    AROUND("restore.directory", "restore", 2, SYNC, DATA_DIR, ANYTHING, LOOP),
    TRANSACTION("restore.replay", "restore", 1, LOOP),
    /* A start with the data.db of an older version. */
    AROUND("migrate.backup-sync", "migrate", 1, SYNC, PART, ANYTHING, LOOP),
    AROUND("migrate.backup-rename", "migrate", 1, RENAME, PART, ANYTHING, LOOP),
    AROUND("migrate.backup-directory", "migrate", 1, SYNC, BACKUP_DIR, ANYTHING, LOOP),
    TRANSACTION("migrate", "migrate", 1, LOOP),
};

#define POINTS ((int)(sizeof points / sizeof points[0]))

/* --- for the test ------------------------------------------------------------------------------
 */

/* The layout is known to crash_points.py. */
typedef struct points_control {
    _Atomic int32_t armed;   /* the place of a point in the table, plus 1; 0: none */
    _Atomic int32_t left;    /* how often more it is passed; the last time kills */
    _Atomic int32_t percent; /* of a torn write that is written */
    _Atomic int32_t struck;  /* as armed: where the process was killed */
    _Atomic uint32_t reached[sizeof points / sizeof points[0]];
} points_control;

int points_count(void);
int points_count(void) {
    return POINTS;
}

const char *points_name(int i);
const char *points_name(int i) {
    return points[i].name;
}

const char *points_life(int i);
const char *points_life(int i) {
    return points[i].life;
}

int points_most(int i);
int points_most(int i) {
    return points[i].most;
}

/* --- which file --------------------------------------------------------------------------------
 */

static points_control *control;

__attribute__((constructor)) static void map_control(void) {
    if (preload_take_dir("POINTS_DIR"))
        control = preload_map("POINTS_CONTROL", sizeof(points_control), NULL);
}

static int ends_with(const char *text, const char *end) {
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static file file_of(const char *path) {
    static const struct {
        const char *name;
        file file;
    } names[] = {{"", DATA_DIR},
                 {"/data.db", TABLES},
                 {"/data.db-wal", WAL},
                 {"/data.db-journal", ROLLBACK},
                 {"/data.db.restoring", COPY},
                 {"/journal", JOURNAL_DIR},
                 {"/backups", BACKUP_DIR}};
    char absolute[PATH_MAX * 2];
    if (path[0] != '/' && getcwd(absolute, PATH_MAX)) {
        size_t len = strlen(absolute);
        snprintf(absolute + len, sizeof absolute - len, "/%s",
                 strncmp(path, "./", 2) == 0 ? path + 2 : path);
        path = absolute;
    }
    path = preload_rest(path);
    if (!path)
        return NO_FILE;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(path, names[i].name) == 0)
            return names[i].file;
    if (strncmp(path, "/journal/", 9) == 0 && ends_with(path, ".journal"))
        return SEGMENT;
    if (strncmp(path, "/backups/.", 10) == 0 && ends_with(path, ".db.part"))
        return PART;
    if (strncmp(path, "/backups/data-", 14) == 0 && ends_with(path, ".db"))
        return BACKUP;
    return NO_FILE;
}

static file file_of_fd(int fd) {
    struct stat st;
    char path[PATH_MAX];
    return preload_file(fd, &st, path) ? file_of(path) : NO_FILE;
}

/* --- what is written ---------------------------------------------------------------------------
 */

/* The last write to each file, by its descriptor; a segment is open once. */
static _Atomic unsigned char last_written[1024];
/* … and to the WAL, which each connection has opened for itself. One writes at a time. */
static _Atomic unsigned char last_in_wal;

static int is_zero(const char *bytes, size_t len) {
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static what what_in_segment(const char *from, size_t len, off64_t at) {
    if (!is_zero(from, len))
        return at == 0 ? HEADER : FRAME;
    return at == 0 && len == 4096 ? BLANK : ZEROS;
}

static what what_in_wal(const char *from, size_t len) {
    what before = atomic_load(&last_in_wal);
    if (len == 32)
        return HEADER;
    if (len == 24 && !is_zero(from + 4, 4))
        return LAST;
    if (len == 24)
        return before == PAGE || before == INNER ? INNER : FIRST;
    return before == LAST ? END : before == FIRST || before == INNER ? PAGE : ANYTHING;
}

static what what_written(file f, const char *from, size_t len, off64_t at) {
    return f == SEGMENT ? what_in_segment(from, len, at)
           : f == WAL   ? what_in_wal(from, len)
                        : ANYTHING;
}

static void note_written(file f, int fd, what w) {
    if (f == WAL)
        atomic_store(&last_in_wal, (unsigned char)w);
    else if (fd >= 0 && fd < (int)sizeof last_written)
        atomic_store(&last_written[fd], (unsigned char)w);
}

static what what_synced(file f, int fd) {
    if (f == WAL)
        return atomic_load(&last_in_wal);
    return fd >= 0 && fd < (int)sizeof last_written ? atomic_load(&last_written[fd]) : ANYTHING;
}

/* --- reaching a point --------------------------------------------------------------------------
 */

static int is_this_thread(thread t) {
    static const char *const names[] = {[SYNCER] = "rl-syncer",
                                        [STORE] = "rl-store",
                                        [KEEPER] = "rl-keeper",
                                        [BACKUPS] = "rl-backup"};
    char name[16] = "";
    if (t == LOOP)
        return gettid() == getpid();
    pthread_getname_np(pthread_self(), name, sizeof name);
    return strcmp(name, names[t]) == 0;
}

/* True when this is where the process has to die. */
static int reaches(call c, file f, what w, moment m) {
    int kill_here = 0;
    for (int i = 0; i < POINTS; i++) {
        const point *p = &points[i];
        if (p->call != c || p->file != f || p->moment != m ||
            (p->what != ANYTHING && p->what != w) || !is_this_thread(p->thread))
            continue;
        atomic_fetch_add(&control->reached[i], 1);
        if (atomic_load(&control->armed) == i + 1 && atomic_fetch_sub(&control->left, 1) == 1) {
            atomic_store(&control->struck, i + 1);
            kill_here = 1;
        }
    }
    return kill_here;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void pass(call c, file f, what w, moment m) {
    int error = errno;
    if (reaches(c, f, w, m))
        die();
    errno = error;
}

/* --- the calls ---------------------------------------------------------------------------------
 */

typedef ssize_t (*write_call)(int, const void *, size_t, off64_t);
typedef int (*open_call)(const char *, int, ...);

static ssize_t watched_write(write_call real, int fd, const void *from, size_t len, off64_t at) {
    file f = control ? file_of_fd(fd) : NO_FILE;
    if (f == NO_FILE)
        return real(fd, from, len, at);
    what w = what_written(f, from, len, at);
    pass(WRITE, f, w, BEFORE);
    if (len > 1 && reaches(WRITE, f, w, TORN)) {
        size_t cut = len * (size_t)atomic_load(&control->percent) / 100;
        real(fd, from, cut < 1 ? 1 : cut < len ? cut : len - 1, at);
        die();
    }
    ssize_t n = real(fd, from, len, at);
    if (n == (ssize_t)len) {
        note_written(f, fd, w);
        pass(WRITE, f, w, AFTER);
    }
    return n;
}

static int watched_open(open_call real, const char *path, int flags, mode_t mode) {
    file f = control && (flags & O_CREAT) ? file_of(path) : NO_FILE;
    if (f == NO_FILE)
        return real(path, flags, mode);
    struct stat st;
    int creates = lstat(path, &st) != 0;
    if (creates)
        pass(CREATE, f, ANYTHING, BEFORE);
    int fd = real(path, flags, mode);
    if (fd >= 0)
        note_written(f, fd, ANYTHING);
    if (fd >= 0 && creates)
        pass(CREATE, f, ANYTHING, AFTER);
    return fd;
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t at) {
    return watched_write(PRELOAD_NEXT(pwrite), fd, from, len, at);
}

ssize_t pwrite64(int fd, const void *from, size_t len, off64_t at) {
    return watched_write(PRELOAD_NEXT(pwrite64), fd, from, len, at);
}

int open(const char *path, int flags, ...) {
    PRELOAD_MODE(flags, mode)
    return watched_open(PRELOAD_NEXT(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    PRELOAD_MODE(flags, mode)
    return watched_open(PRELOAD_NEXT(open64), path, flags, mode);
}

/* The file of a path, if there is one now. */
static file file_at(const char *path) {
    file f = file_of(path);
    int saved = errno, is_there = f != NO_FILE && access(path, F_OK) == 0;
    errno = saved;
    return is_there ? f : NO_FILE;
}

/* Defines `name` as the system's function of that name between two points. which: the file; w: what
 * is synced. */
#define BETWEEN(name, call, which, w, parameters, arguments)                                       \
    int name parameters {                                                                          \
        file f = control ? (which) : NO_FILE;                                                      \
        if (f == NO_FILE)                                                                          \
            return PRELOAD_NEXT(name) arguments;                                                   \
        what written = (w);                                                                        \
        pass(call, f, written, BEFORE);                                                            \
        int rc = PRELOAD_NEXT(name) arguments;                                                     \
        if (rc == 0)                                                                               \
            pass(call, f, written, AFTER);                                                         \
        return rc;                                                                                 \
    }

BETWEEN(fsync, SYNC, file_of_fd(fd), what_synced(f, fd), (int fd), (fd))
BETWEEN(fdatasync, SYNC, file_of_fd(fd), what_synced(f, fd), (int fd), (fd))
BETWEEN(ftruncate, CUT, file_of_fd(fd), ANYTHING, (int fd, off_t len), (fd, len))
BETWEEN(ftruncate64, CUT, file_of_fd(fd), ANYTHING, (int fd, off64_t len), (fd, len))
BETWEEN(unlink, REMOVE, file_at(path), ANYTHING, (const char *path), (path))
BETWEEN(rename, RENAME, file_at(from), ANYTHING, (const char *from, const char *to), (from, to))
BETWEEN(renameat2, RENAME, from_dir == AT_FDCWD ? file_of(from) : NO_FILE, ANYTHING,
        (int from_dir, const char *from, int to_dir, const char *to, unsigned flags),
        (from_dir, from, to_dir, to, flags))
