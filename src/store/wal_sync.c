/* SPDX-License-Identifier: MIT */
/*
 * Syncing the WAL by hand; see wal_sync.h. The formats of the WAL and of its index are those of
 * SQLite's documentation, "WAL-mode File Format" (https://www.sqlite.org/walformat.html).
 */
#include "store/wal_sync.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

/* Among the locks of the WAL's index, the one a checkpoint holds. */
#define CHECKPOINT_LOCK 1
#define INDEX_BYTES     32768 /* one page of the index */
#define COPIED_OFFSET   96    /* in it: the number of frames that checkpoints have copied */

#define WAL_HEADER_BYTES   32
#define FRAME_HEADER_BYTES 24
#define MAGIC              0x377f0682u /* plus 1 when checksums are over big-endian words */

/* The beginning of the WAL's index, in the byte order of the machine. */
typedef struct index_header {
    uint32_t version, unused, change;
    uint8_t is_init, big_endian_checksum;
    uint16_t page_bytes; /* 1: 65536 */
    uint32_t frames, pages;
    uint32_t checksum[2]; /* of the last frame */
    unsigned char salt[8];
} index_header;

static sqlite3_file *file_of(rl_wal_sync *w, int which) {
    sqlite3_file *file = NULL;
    sqlite3_file_control(w->db, "main", which, &file);
    return file && file->pMethods ? file : NULL;
}

bool rl_wal_hold(rl_wal_sync *w) {
    sqlite3_file *file = file_of(w, SQLITE_FCNTL_FILE_POINTER);
    if (w->held || file == NULL || file->pMethods->iVersion < 2)
        return w->held;
    w->held = file->pMethods->xShmLock(file, CHECKPOINT_LOCK, 1,
                                       SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) == SQLITE_OK;
    return w->held;
}

void rl_wal_release(rl_wal_sync *w) {
    sqlite3_file *file = file_of(w, SQLITE_FCNTL_FILE_POINTER);
    if (w->held && file)
        file->pMethods->xShmLock(file, CHECKPOINT_LOCK, 1,
                                 SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    w->held = false;
}

static int sync_file(rl_wal_sync *w) {
    sqlite3_file *wal = file_of(w, SQLITE_FCNTL_JOURNAL_POINTER);
    return wal ? wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) : SQLITE_IOERR_FSYNC;
}

int rl_wal_sync_now(rl_wal_sync *w) {
    int rc = sync_file(w);
    if (rc == SQLITE_OK)
        rl_wal_release(w);
    return rc;
}

/* --- mending --------------------------------------------------------------------------------- */

static uint32_t read_u32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t read_u32_little(const unsigned char *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Goes on with a running checksum over len bytes, a multiple of 8. */
static void add_checksum(uint32_t sum[2], const unsigned char *bytes, size_t len, bool big) {
    for (size_t i = 0; i < len; i += 8) {
        sum[0] += (big ? read_u32(bytes + i) : read_u32_little(bytes + i)) + sum[1];
        sum[1] += (big ? read_u32(bytes + i + 4) : read_u32_little(bytes + i + 4)) + sum[0];
    }
}

static bool has_checksum(const unsigned char *at, const uint32_t sum[2]) {
    return read_u32(at) == sum[0] && read_u32(at + 4) == sum[1];
}

typedef struct mend {
    sqlite3_file *wal;
    index_header index;
    unsigned char *frame;
    size_t frame_bytes;
    uint32_t sum[2];
    bool big;
} mend;

static int map_index(rl_wal_sync *w, void volatile **page) {
    sqlite3_file *file = file_of(w, SQLITE_FCNTL_FILE_POINTER);
    *page = NULL;
    int rc = file ? file->pMethods->xShmMap(file, 0, INDEX_BYTES, 0, page) : SQLITE_IOERR;
    return rc == SQLITE_OK && *page == NULL ? SQLITE_IOERR_SHMMAP : rc;
}

static int read_index(rl_wal_sync *w, index_header *out) {
    void volatile *page;
    int rc = map_index(w, &page);
    if (rc == SQLITE_OK)
        memcpy(out, (const void *)page, sizeof *out); /* the write lock keeps it still */
    return rc;
}

static int rewrite_header(mend *m) {
    unsigned char header[WAL_HEADER_BYTES];
    int rc = m->wal->pMethods->xRead(m->wal, header, sizeof header, 0);
    if (rc != SQLITE_OK)
        return rc;
    m->big = read_u32(header) & 1;
    add_checksum(m->sum, header, 24, m->big);
    if ((read_u32(header) & ~1u) != MAGIC || memcmp(header + 16, m->index.salt, 8) != 0 ||
        !has_checksum(header + 24, m->sum))
        return SQLITE_CORRUPT;
    return m->wal->pMethods->xWrite(m->wal, header, sizeof header, 0);
}

static int rewrite_frame(mend *m, uint32_t number) {
    sqlite3_int64 at = WAL_HEADER_BYTES + (sqlite3_int64)number * (sqlite3_int64)m->frame_bytes;
    int rc = m->wal->pMethods->xRead(m->wal, m->frame, (int)m->frame_bytes, at);
    if (rc == SQLITE_IOERR_SHORT_READ)
        return SQLITE_CORRUPT;
    if (rc != SQLITE_OK)
        return rc;
    add_checksum(m->sum, m->frame, 8, m->big);
    add_checksum(m->sum, m->frame + FRAME_HEADER_BYTES, m->frame_bytes - FRAME_HEADER_BYTES,
                 m->big);
    if (memcmp(m->frame + 8, m->index.salt, 8) != 0 || !has_checksum(m->frame + 16, m->sum))
        return SQLITE_CORRUPT;
    return m->wal->pMethods->xWrite(m->wal, m->frame, (int)m->frame_bytes, at);
}

static int rewrite_all(mend *m) {
    int rc = rewrite_header(m);
    for (uint32_t i = 0; i < m->index.frames && rc == SQLITE_OK; i++)
        rc = rewrite_frame(m, i);
    if (rc == SQLITE_OK && (m->sum[0] != m->index.checksum[0] || m->sum[1] != m->index.checksum[1]))
        rc = SQLITE_CORRUPT;
    return rc;
}

/* In a write transaction, so that nobody adds to the WAL meanwhile. */
static int rewrite(rl_wal_sync *w) {
    mend m = {.wal = file_of(w, SQLITE_FCNTL_JOURNAL_POINTER)};
    int rc = m.wal ? read_index(w, &m.index) : SQLITE_IOERR;
    if (rc == SQLITE_OK && m.index.frames > 0) {
        m.frame_bytes =
            FRAME_HEADER_BYTES + (m.index.page_bytes == 1 ? 65536u : m.index.page_bytes);
        m.frame = rl_malloc(m.frame_bytes);
        rc = rewrite_all(&m);
        rl_free(m.frame);
    }
    return rc == SQLITE_OK ? sync_file(w) : rc;
}

int rl_wal_mend(rl_wal_sync *w) {
    if (!rl_wal_hold(w))
        return SQLITE_BUSY;
    int rc = sqlite3_exec(w->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = rewrite(w);
    sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rl_wal_release(w);
    return rc;
}

/* The number only grows under the checkpoint lock, which is held here; a writer that begins the WAL
 * anew sets it to 0 as well. Readers that found everything copied do not look at the WAL: a
 * checkpoint copies nothing while there are such. */
int rl_wal_copy_again(sqlite3 *db) {
    rl_wal_sync w = {.db = db};
    /* A read, in case the connection has not opened the WAL and its index so far. */
    int rc = sqlite3_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    if (!rl_wal_hold(&w))
        return SQLITE_BUSY;
    void volatile *page;
    rc = map_index(&w, &page);
    if (rc == SQLITE_OK)
        __atomic_store_n((volatile uint32_t *)((volatile char *)page + COPIED_OFFSET), 0,
                         __ATOMIC_SEQ_CST);
    rl_wal_release(&w);
    return rc;
}
