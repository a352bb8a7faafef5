# SPDX-License-Identifier: MIT
"""The bugs that run.py plants, and which test has to notice each."""


class Mutation:
    def __init__(self, name, what, file, old, new, test, command=None, environment=None, sanitize="", seconds=600):
        self.name, self.what, self.file, self.old, self.new = name, what, file, old, new
        self.targets, self.command = [test], command or ["{build}/tests/" + test]
        self.environment, self.sanitize, self.seconds = environment or {}, sanitize, seconds


POWER = {"test": "unit_keyspace_power_loss", "environment": {"SEEDS": "120"}}
COLLECTIONS = {"test": "unit_keyspace_collections"}

MUTATIONS = [
    # --- what was answered ---
    Mutation("journal-does-not-sync", "the syncer says it has synced, and has not",
             "src/store/journal_sync.c",
             "last <= folded)\n            continue;\n        if (j->files->datasync(s->fd) == 0) {",
             "last <= folded)\n            continue;\n        if (s->fd >= 0) {",
             **POWER),
    Mutation("reply-before-durable", "with `always`, what is only appended is released",
             "src/store/store.c",
             "s->options.durability == RL_DURABILITY_ALWAYS ? out->synced_seq : out->appended_seq;",
             "out->appended_seq;",
             **POWER),
    Mutation("fold-skips-folded-seq", "some folds do not say how far they went",
             "src/store/fold.c",
             "    f->next.folded_seq = rl_batch_seq(last);\n",
             "    if (rl_batch_seq(last) % 3)\n        f->next.folded_seq = rl_batch_seq(last);\n",
             **POWER),
    Mutation("tables-are-not-synced", "SQLite commits without a sync, and the journal forgets",
             "src/store/writer_fold.c",
             'full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"',
             'full ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = OFF"',
             **POWER),
    Mutation("torn-batch-is-taken", "a frame is good whatever its checksum says",
             "src/store/journal_format.c",
             "        get_u64(frame + 32) != XXH3_64bits(changes, (size_t)len))\n        return RL_FRAME_TORN;",
             "        len > SIZE_MAX / 2)\n        return RL_FRAME_TORN;",
             **POWER),
    Mutation("new-segment-has-no-name", "the directory is not synced after a segment was made",
             "src/store/journal_segment.c",
             "    if (!fault && j->files->sync_dir(j->dir) != 0)",
             "    if (!fault && j->files->sync_dir == NULL)",
             **POWER),
    # --- rows are what memory is ---
    Mutation("list-shift-is-one-short", "the last item of a shift stays where it is",
             "src/keyspace/elements.c",
             "rl_batch_shift(batch, c->entry->id, from, from + before - 1, -1);",
             "rl_batch_shift(batch, c->entry->id, from, from + before - 2, -1);",
             **COLLECTIONS),
    Mutation("expiry-has-no-row", "EXPIRE changes memory alone",
             "src/keyspace/keyspace.c",
             "        rl_batch_expiry(ks->batch, e->id, expires_at);\n    note_change(ks, number, rl_entry_key(e), hash);",
             "        (void)expires_at;\n    note_change(ks, number, rl_entry_key(e), hash);",
             **COLLECTIONS),
    Mutation("removed-member-stays", "SREM forgets the row",
             "src/keyspace/elements.c",
             "        rl_batch_gone(batch, c->entry->id, RL_TYPE_SET, member);",
             "        (void)member;",
             **COLLECTIONS),
    # --- memory itself ---
    # Criterion ends its processes before a leak would be seen: a program of its own.
    Mutation("leak", "a batch is never freed",
             "src/store/batch.c",
             "void rl_batch_free(rl_batch *batch) {\n    rl_free(batch);",
             "void rl_batch_free(rl_batch *batch) {\n    (void)batch;",
             test="fuzz_batch", command=["{build}/fuzz/fuzz_batch", "{source}/tests/fuzz/corpus/batch"],
             sanitize="address,undefined"),
    Mutation("use-after-free", "a small collection is freed and queued to be freed",
             "src/keyspace/graveyard.c",
             "        keyspace_structure_free(type, structure);\n        return;",
             "        keyspace_structure_free(type, structure);",
             sanitize="address,undefined", **COLLECTIONS),
    # --- the sweeper ---
    Mutation("sweeper-forgets", "dead collections leave the list with rows still there",
             "src/store/sweep.c",
             '    [SQL_NEXT] = "SELECT key_id, type FROM rl_dead ORDER BY key_id LIMIT 1",',
             '    [SQL_NEXT] = "SELECT key_id, type FROM rl_dead WHERE key_id < 0 ORDER BY key_id LIMIT 1",',
             test="unit_store_sweep"),
]
