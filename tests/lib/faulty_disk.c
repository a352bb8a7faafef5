/* SPDX-License-Identifier: MIT */
/* The simulated disk; the rules are in the header. One lock guards all of it. */
#include "lib/faulty_disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "lib/faulty_plan.h"

#define SECTOR   512
#define PATH_LEN 1024

typedef struct contents {
    unsigned char *bytes;
    size_t len;
} contents;

typedef struct change { /* of a file's contents, not synced */
    bool truncates;     /* to `at` */
    size_t at, len;
    unsigned char *bytes;
} change;

struct faulty_file {
    bool directory;
    bool broken; /* it cannot be synced */
    contents seen;
    contents disk;
    change *changes;
    size_t count, cap;
    int references; /* names (seen, on disk, in changes of names) and open files; 0: freed */
};

typedef struct name {
    char *path;
    faulty_file *file;
} name;

typedef struct names { /* one flat table for all directories, in order of path */
    name *all;
    size_t count, cap;
} names;

/* A change of names that no sync of its directory has written yet. */
typedef struct name_change {
    char *from; /* NULL: made */
    char *to;   /* NULL: removed */
    faulty_file *file;
} name_change;

typedef struct survivor { /* of a power failure */
    char *path;
    bool directory, broken;
    contents left;
} survivor;

typedef struct survivors {
    survivor *all;
    size_t count;
} survivors;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    char root[PATH_LEN]; /* "": in memory alone */
    names seen;
    names disk;
    name_change *pending;
    size_t pending_count, pending_cap;
    unsigned life;
    bool crashed;
    faulty_crash crash_kind;
    uint64_t crash_seed, crash_in; /* 0: not planned */
    survivors left;                /* of the crash, if the power went */
    bool hold;
    unsigned held;
} fs = {.lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};

static void *must(void *ptr) {
    if (!ptr)
        abort();
    return ptr;
}

/* Makes room for one more element. */
static void *grow(void *all, size_t count, size_t *cap, size_t each) {
    if (count < *cap)
        return all;
    *cap = *cap ? *cap * 2 : 32;
    return must(realloc(all, *cap * each));
}

void faulty_disk_lock(void) {
    pthread_mutex_lock(&fs.lock);
}

void faulty_disk_unlock(void) {
    pthread_mutex_unlock(&fs.lock);
}

bool faulty_disk_is_real(void) {
    return fs.root[0] != '\0';
}

static bool is_below(const char *path, const char *dir) {
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

bool faulty_disk_has(const char *path) {
    return !faulty_disk_is_real() || is_below(path, fs.root);
}

bool faulty_disk_is_root(const char *path) {
    return strcmp(path, fs.root) == 0;
}

/* --- files --------------------------------------------------------------------------------- */

static void contents_resize(contents *c, size_t len) {
    c->bytes = must(realloc(c->bytes, len ? len : 1));
    if (len > c->len)
        memset(c->bytes + c->len, 0, len - c->len);
    c->len = len;
}

static void contents_put(contents *c, const void *from, size_t len, size_t at) {
    if (at + len > c->len)
        contents_resize(c, at + len);
    if (len)
        memcpy(c->bytes + at, from, len);
}

static void contents_copy(contents *to, const contents *from) {
    contents_resize(to, from->len);
    if (from->len)
        memcpy(to->bytes, from->bytes, from->len);
}

static void forget_changes(faulty_file *file) {
    for (size_t i = 0; i < file->count; i++)
        free(file->changes[i].bytes);
    file->count = 0;
}

static faulty_file *file_ref(faulty_file *file) {
    file->references++;
    return file;
}

static void file_unref(faulty_file *file) {
    if (--file->references > 0)
        return;
    forget_changes(file);
    free(file->changes);
    free(file->seen.bytes);
    free(file->disk.bytes);
    free(file);
}

/* Of a change, `len` bytes from `from` on reach the disk. */
static void apply_part(contents *disk, const change *c, size_t from, size_t len) {
    if (!c->truncates)
        contents_put(disk, c->bytes + from, len, c->at + from);
    else if (c->at < disk->len)
        contents_resize(disk, c->at);
}

static void note_change(faulty_file *file, change c) {
    file->changes = grow(file->changes, file->count, &file->cap, sizeof *file->changes);
    file->changes[file->count++] = c;
}

static void write_out(faulty_file *file) {
    for (size_t i = 0; i < file->count; i++)
        apply_part(&file->disk, &file->changes[i], 0, file->changes[i].len);
    forget_changes(file);
}

/* --- names --------------------------------------------------------------------------------- */

static name *names_find(const names *n, const char *path) {
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->all[i].path, path) == 0)
            return &n->all[i];
    return NULL;
}

static void names_remove(names *n, const char *path) {
    name *at = names_find(n, path);
    if (!at)
        return;
    free(at->path);
    file_unref(at->file);
    memmove(at, at + 1, (size_t)(n->all + n->count - at - 1) * sizeof *at);
    n->count--;
}

static void names_put(names *n, const char *path, faulty_file *file) {
    file_ref(file);
    names_remove(n, path);
    n->all = grow(n->all, n->count, &n->cap, sizeof *n->all);
    size_t at = n->count;
    while (at > 0 && strcmp(n->all[at - 1].path, path) > 0)
        at--;
    memmove(&n->all[at + 1], &n->all[at], (n->count - at) * sizeof *n->all);
    n->all[at] = (name){.path = must(strdup(path)), .file = file};
    n->count++;
}

static void names_clear(names *n) {
    while (n->count)
        names_remove(n, n->all[n->count - 1].path);
    free(n->all);
    *n = (names){0};
}

/* What is in a directory that is renamed. */
static void names_move_below(names *n, const char *from, const char *to) {
    for (size_t i = 0; i < n->count;) {
        if (!is_below(n->all[i].path, from)) {
            i++;
            continue;
        }
        char path[PATH_LEN];
        snprintf(path, sizeof path, "%s%s", to, n->all[i].path + strlen(from));
        faulty_file *file = file_ref(n->all[i].file);
        names_remove(n, n->all[i].path);
        names_put(n, path, file);
        file_unref(file);
        i = 0; /* the order is another now */
    }
}

static void apply_names(names *n, const name_change *c) {
    if (c->from)
        names_remove(n, c->from);
    if (c->to)
        names_put(n, c->to, c->file);
    if (c->from && c->to && c->file->directory)
        names_move_below(n, c->from, c->to);
}

static void pending_free(name_change *c) {
    free(c->from);
    free(c->to);
    file_unref(c->file);
}

static void pending_drop(void) {
    for (size_t i = 0; i < fs.pending_count; i++)
        pending_free(&fs.pending[i]);
    fs.pending_count = 0;
}

static bool is_in(const char *path, const char *dir) {
    size_t len = strlen(dir);
    return path && is_below(path, dir) && strchr(path + len + 1, '/') == NULL;
}

/* The changes within a directory reach the disk. */
static void write_names(const char *dir) {
    size_t kept = 0;
    for (size_t i = 0; i < fs.pending_count; i++) {
        name_change *c = &fs.pending[i];
        if (is_in(c->from, dir) || is_in(c->to, dir)) {
            apply_names(&fs.disk, c);
            pending_free(c);
        } else {
            fs.pending[kept++] = *c;
        }
    }
    fs.pending_count = kept;
}

/* Changes what programs see, and notes it for the sync of the directory. */
static void change_names(const char *from, const char *to, faulty_file *file) {
    if (from && to && file->directory)
        write_names(from); /* so that no pending change has a path of before */
    fs.pending = grow(fs.pending, fs.pending_count, &fs.pending_cap, sizeof *fs.pending);
    name_change *c = &fs.pending[fs.pending_count++];
    *c = (name_change){
        .from = from ? must(strdup(from)) : NULL,
        .to = to ? must(strdup(to)) : NULL,
        .file = file_ref(file),
    };
    apply_names(&fs.seen, c);
}

/* A file that is on disk as it is. */
static faulty_file *place(const char *path, bool directory, const contents *bytes) {
    faulty_file *file = must(calloc(1, sizeof *file));
    file->directory = directory;
    contents_copy(&file->seen, bytes);
    contents_copy(&file->disk, bytes);
    names_put(&fs.seen, path, file);
    names_put(&fs.disk, path, file);
    return file;
}

/* --- the system's directory ------------------------------------------------------------------ */

static contents real_read(const char *path) {
    contents c = {0};
    unsigned char some[1 << 14];
    size_t got;
    FILE *f = must(fopen(path, "rb"));
    while ((got = fread(some, 1, sizeof some, f)) > 0)
        contents_put(&c, some, got, c.len);
    fclose(f);
    return c;
}

static void real_write(const char *path, const contents *c) {
    FILE *f = must(fopen(path, "wb"));
    if ((c->len && fwrite(c->bytes, 1, c->len, f) != c->len) || fclose(f) != 0)
        abort();
}

static void real_walk(const char *dir, void (*file)(const char *),
                      void (*directory)(const char *)) {
    DIR *d = must(opendir(dir));
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        char path[PATH_LEN];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (e->d_type == DT_DIR ? directory : file)(path);
    }
    closedir(d);
}

static void take_file(const char *path) {
    contents c = real_read(path);
    place(path, false, &c);
    free(c.bytes);
}

static void take_directory(const char *path) {
    place(path, true, &(contents){0});
    real_walk(path, take_file, take_directory);
}

static void wipe_file(const char *path) {
    unlink(path);
}

static void wipe_directory(const char *path) {
    real_walk(path, wipe_file, wipe_directory);
    rmdir(path);
}

/* --- crashes ------------------------------------------------------------------------------- */

static size_t sectors_of(const change *c) {
    return c->truncates ? 1 : (c->at + c->len + SECTOR - 1) / SECTOR - c->at / SECTOR;
}

/* The stretch of a change that lies in its i-th sector. */
static void sector_of(const change *c, size_t i, size_t *from, size_t *len) {
    size_t start = (c->at / SECTOR + i) * SECTOR, end = start + SECTOR;
    if (start < c->at)
        start = c->at;
    if (end > c->at + c->len)
        end = c->at + c->len;
    *from = start - c->at;
    *len = c->truncates ? 0 : end - start;
}

/* What is left of one file when the power fails now. */
static contents survive(const faulty_file *file, faulty_crash kind, rl_random *random) {
    contents disk = {0};
    contents_copy(&disk, &file->disk);
    uint64_t mostly = rl_random_below(random, 5); /* 0: nothing survives; 4: all of it */
    size_t all = 0, at = 0;
    for (size_t i = 0; i < file->count; i++)
        all += sectors_of(&file->changes[i]);
    for (size_t i = 0; i < file->count; i++) {
        const change *c = &file->changes[i];
        for (size_t k = 0; k < sectors_of(c); k++, at++) {
            size_t from, len;
            sector_of(c, k, &from, &len);
            bool lives = kind == FAULTY_POWER         ? rl_random_below(random, 4) < mostly
                         : kind == FAULTY_POWER_HEADS ? at < (all + 1) / 2
                                                      : false;
            if (lives)
                apply_part(&disk, c, from, len);
        }
    }
    return disk;
}

static names names_after(faulty_crash kind, rl_random *random) {
    names disk = {0};
    for (size_t i = 0; i < fs.disk.count; i++)
        names_put(&disk, fs.disk.all[i].path, fs.disk.all[i].file);
    uint64_t alive = kind == FAULTY_POWER         ? rl_random_below(random, fs.pending_count + 1)
                     : kind == FAULTY_POWER_HEADS ? fs.pending_count
                                                  : 0;
    for (size_t i = 0; i < alive; i++)
        apply_names(&disk, &fs.pending[i]);
    return disk;
}

/* Is every directory above it there? */
static bool has_parents(const names *disk, const char *path) {
    if (!faulty_disk_is_real())
        return true;
    char parent[PATH_LEN];
    snprintf(parent, sizeof parent, "%s", path);
    for (;;) {
        *strrchr(parent, '/') = '\0';
        if (strcmp(parent, fs.root) == 0)
            return true;
        if (!names_find(disk, parent))
            return false;
    }
}

static survivors lose_power(faulty_crash kind, uint64_t seed) {
    rl_random random;
    rl_random_seed(&random, seed);
    names disk = names_after(kind, &random);
    survivors left = {must(calloc(disk.count + 1, sizeof(survivor))), 0};
    for (size_t i = 0; i < disk.count; i++) {
        const name *n = &disk.all[i];
        contents c = survive(n->file, kind, &random);
        if (has_parents(&disk, n->path))
            left.all[left.count++] =
                (survivor){must(strdup(n->path)), n->file->directory, n->file->broken, c};
        else
            free(c.bytes);
    }
    names_clear(&disk);
    return left;
}

static void survivors_free(survivors *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->all[i].path);
        free(s->all[i].left.bytes);
    }
    free(s->all);
    *s = (survivors){0};
}

/* Directories come before what is in them. */
static void survivors_write(const survivors *s, const char *to) {
    for (size_t i = 0; i < s->count; i++) {
        char path[PATH_LEN * 2];
        snprintf(path, sizeof path, "%s%s", to, s->all[i].path + strlen(fs.root));
        if (!s->all[i].directory)
            real_write(path, &s->all[i].left);
        else if (mkdir(path, 0700) != 0)
            abort();
    }
}

static void crash(faulty_crash kind, uint64_t seed) {
    if (fs.crashed)
        return;
    fs.crashed = true;
    fs.crash_kind = kind;
    fs.crash_in = 0;
    if (kind != FAULTY_KILLED)
        fs.left = lose_power(kind, seed);
    pthread_cond_broadcast(&fs.turned);
}

void faulty_disk_crash(faulty_crash kind, uint64_t seed) {
    faulty_disk_lock();
    crash(kind, seed);
    faulty_disk_unlock();
}

void faulty_disk_crash_at(uint64_t nth, faulty_crash kind, uint64_t seed) {
    faulty_disk_lock();
    fs.crash_in = nth;
    if (!fs.crashed)
        fs.crash_kind = kind;
    fs.crash_seed = seed;
    faulty_disk_unlock();
}

bool faulty_disk_crashed(void) {
    faulty_disk_lock();
    bool crashed = fs.crashed;
    faulty_disk_unlock();
    return crashed;
}

faulty_crash faulty_disk_crash_kind(void) {
    faulty_disk_lock();
    faulty_crash kind = fs.crash_kind;
    faulty_disk_unlock();
    return kind;
}

bool faulty_disk_stops(void) {
    if (!fs.crashed && fs.crash_in > 0 && --fs.crash_in == 0)
        crash(fs.crash_kind, fs.crash_seed);
    if (fs.crashed)
        errno = EIO;
    return fs.crashed;
}

void faulty_disk_restart(void) {
    faulty_disk_lock();
    assert(fs.crashed);
    if (fs.crash_kind != FAULTY_KILLED) {
        pending_drop();
        names_clear(&fs.seen);
        names_clear(&fs.disk);
        if (faulty_disk_is_real()) {
            real_walk(fs.root, wipe_file, wipe_directory);
            survivors_write(&fs.left, fs.root);
        }
        for (size_t i = 0; i < fs.left.count; i++) {
            const survivor *s = &fs.left.all[i];
            place(s->path, s->directory, &s->left)->broken = s->broken;
        }
        survivors_free(&fs.left);
    }
    fs.life++;
    fs.crashed = fs.hold = false;
    fs.crash_in = 0;
    faulty_disk_unlock();
    for (int face = 0; face < FAULTY_FACES; face++)
        faulty_plan_heal((faulty_face)face);
}

void faulty_disk_leave(const char *to, faulty_crash kind, uint64_t seed) {
    faulty_disk_lock();
    assert(faulty_disk_is_real());
    survivors left = lose_power(kind, seed);
    survivors_write(&left, to);
    survivors_free(&left);
    faulty_disk_unlock();
}

/* --- beginning and end --------------------------------------------------------------------- */

static void wipe(void) {
    pending_drop();
    free(fs.pending);
    fs.pending = NULL;
    fs.pending_cap = 0;
    names_clear(&fs.seen);
    names_clear(&fs.disk);
    survivors_free(&fs.left);
    fs.root[0] = '\0';
    fs.crashed = fs.hold = false;
    fs.crash_in = 0;
    fs.life++;
}

void faulty_disk_start(const char *root) {
    faulty_disk_lock();
    wipe();
    if (root) {
        snprintf(fs.root, sizeof fs.root, "%s", root);
        real_walk(root, take_file, take_directory);
    }
    faulty_disk_unlock();
}

void faulty_disk_stop(void) {
    faulty_disk_lock();
    wipe();
    faulty_disk_unlock();
}

/* --- for the faces ------------------------------------------------------------------------- */

faulty_file *faulty_disk_open(const char *path, bool make, bool directory) {
    name *n = names_find(&fs.seen, path);
    if (n)
        return file_ref(n->file);
    if (!make)
        return NULL;
    faulty_file *file = file_ref(must(calloc(1, sizeof *file)));
    file->directory = directory;
    change_names(NULL, path, file);
    return file;
}

void faulty_disk_close(faulty_file *file) {
    file_unref(file);
}

unsigned faulty_disk_life(void) {
    return fs.life;
}

size_t faulty_disk_size(const faulty_file *file) {
    return file->seen.len;
}

size_t faulty_disk_read(const faulty_file *file, void *to, size_t len, size_t at) {
    if (at > file->seen.len)
        at = file->seen.len;
    if (len > file->seen.len - at)
        len = file->seen.len - at;
    if (len)
        memcpy(to, file->seen.bytes + at, len);
    return len;
}

void faulty_disk_note_write(faulty_file *file, const void *from, size_t len, size_t at) {
    if (len == 0)
        return;
    contents_put(&file->seen, from, len, at);
    change c = {.at = at, .len = len, .bytes = must(malloc(len))};
    memcpy(c.bytes, from, len);
    note_change(file, c);
}

void faulty_disk_note_truncate(faulty_file *file, size_t len) {
    if (len < file->seen.len)
        contents_resize(&file->seen, len);
    note_change(file, (change){.truncates = true, .at = len});
}

int faulty_disk_note_sync(faulty_file *file, bool fails) {
    unsigned life = fs.life;
    fs.held++;
    pthread_cond_broadcast(&fs.turned);
    while (fs.hold && !fs.crashed)
        pthread_cond_wait(&fs.turned, &fs.lock);
    fs.held--;
    if (!fs.crashed && fs.life == life) {
        if (!fails && !file->broken) {
            write_out(file);
            return 0;
        }
        forget_changes(file);
    }
    errno = EIO;
    return -1;
}

void faulty_disk_note_sync_dir(const char *path) {
    write_names(path);
}

bool faulty_disk_note_rename(const char *from, const char *to) {
    const name *n = names_find(&fs.seen, from);
    if (n)
        change_names(from, to, n->file);
    return n != NULL;
}

bool faulty_disk_note_unlink(const char *path) {
    const name *n = names_find(&fs.seen, path);
    if (n)
        change_names(path, NULL, n->file);
    return n != NULL;
}

void faulty_disk_each(const char *dir, void (*each)(void *arg, const char *name), void *arg) {
    for (size_t i = 0; i < fs.seen.count; i++)
        if (is_in(fs.seen.all[i].path, dir))
            each(arg, fs.seen.all[i].path + strlen(dir) + 1);
}

/* --- for the tests ------------------------------------------------------------------------- */

void faulty_disk_break(const char *path) {
    faulty_disk_lock();
    name *n = must(names_find(&fs.seen, path));
    n->file->broken = true;
    faulty_disk_unlock();
}

void faulty_disk_hold_syncs(bool hold) {
    faulty_disk_lock();
    fs.hold = hold;
    pthread_cond_broadcast(&fs.turned);
    faulty_disk_unlock();
}

void faulty_disk_await_held_sync(void) {
    faulty_disk_lock();
    while (fs.held == 0)
        pthread_cond_wait(&fs.turned, &fs.lock);
    faulty_disk_unlock();
}

size_t faulty_disk_count(void) {
    return fs.seen.count;
}

const char *faulty_disk_name(size_t i) {
    return fs.seen.all[i].path;
}

unsigned char *faulty_disk_bytes(const char *path, size_t *len) {
    name *n = names_find(&fs.seen, path);
    if (!n)
        return NULL;
    *len = n->file->seen.len;
    return n->file->seen.bytes;
}

void faulty_disk_changed(const char *path) {
    faulty_file *file = ((name *)must(names_find(&fs.seen, path)))->file;
    forget_changes(file);
    contents_copy(&file->disk, &file->seen);
    if (faulty_disk_is_real())
        real_write(path, &file->seen);
}

void faulty_disk_put(const char *path, const void *bytes, size_t len) {
    contents c = {0};
    contents_put(&c, bytes, len, 0);
    place(path, false, &c);
    if (faulty_disk_is_real())
        real_write(path, &c);
    free(c.bytes);
}

void faulty_disk_remove(const char *path) {
    char dir[PATH_LEN];
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    write_names(dir); /* so that nothing pending brings it back */
    names_remove(&fs.seen, path);
    names_remove(&fs.disk, path);
    if (faulty_disk_is_real())
        unlink(path);
}

void faulty_disk_truncate(const char *path, size_t len) {
    name *n = must(names_find(&fs.seen, path));
    assert(len <= n->file->seen.len);
    contents_resize(&n->file->seen, len);
    faulty_disk_changed(path);
}
