# SPDX-License-Identifier: MIT
"""The bugs that run.py plants, and which test has to notice each."""


class Mutation:
    def __init__(self, name, what, file, old, new, test, command=None, environment=None, sanitize="", seconds=600):
        self.name, self.what, self.file, self.old, self.new = name, what, file, old, new
        self.targets = [test] if isinstance(test, str) else test
        self.command = command or ["{build}/tests/" + self.targets[0]]
        self.environment, self.sanitize, self.seconds = environment or {}, sanitize, seconds


POWER = {"test": "unit_keyspace_power_loss", "environment": {"SEEDS": "120"}}
COLLECTIONS = {"test": "unit_keyspace_collections"}


def points(*names, rounds=5):
    """Kills at the points whose names begin so."""
    return {"test": ["rubellite-server", "points"],
            "command": ["{source}/tests/crash/crash_points.py", "--ours", "{build}/rubellite-server",
                        "--points", "{build}/tests/points.so", "--rounds", str(rounds), "--seed", "1"]
            + [word for name in names for word in ("--point", name)]}


SOAK = {"test": ["rubellite-server", "rubellite"], "seconds": 400,
        "command": ["{source}/tests/soak/soak.py", "--ours", "{build}/rubellite-server", "--admin",
                    "{build}/rubellite", "--dir", "{build}", "--minutes", "0.5", "--seed", "1"]}


def power_cut(rounds=15):
    """Power cuts of the whole server."""
    return {"test": ["rubellite-server", "rubellite", "recorder"],
            "command": ["{source}/tests/crash/power_cut.py", "--ours", "{build}/rubellite-server",
                        "--recorder", "{build}/tests/recorder.so", "--rounds", str(rounds), "--seed", "1"]}


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
    Mutation("backup-is-not-synced", "a backup gets its name before its bytes are on disk",
             "src/store/backup.c",
             "    if (files->datasync(r->fd) != 0)\n",
             "    if (r->fd < 0)\n",
             **POWER),
    Mutation("start-trusts-its-sync", "after a kill the WAL is synced, not written again: a sync that failed before has lost it",
             "src/store/writer.c",
             "    int rc = rl_wal_mend(&w->wal);\n",
             "    int rc = rl_wal_sync_now(&w->wal);\n",
             test="unit_store_units"),
    Mutation("failed-reads-are-damage", "a start restores a backup when a read of a sound database fails",
             "src/store/store_recover.c",
             "s->looked_again ? RL_STORE_DAMAGED : look_again(s, reason, error, error_len);",
             "look_again == NULL ? RL_STORE_OK : RL_STORE_DAMAGED;",
             test="unit_store_restore"),
    Mutation("unused-parts-are-not-locked", "what killed backups have left is cleared away without a look at who is at it",
             "src/store/backup_files.c",
             "bool unused = take_lock(fd) && is_named(fd, path);",
             "bool unused = is_named(fd, path);",
             test="unit_store_backup"),
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
    Mutation("leak", "a batch is never freed",
             "src/store/batch.c",
             "void rl_batch_free(rl_batch *batch) {\n    rl_free(batch);",
             "void rl_batch_free(rl_batch *batch) {\n    (void)batch;",
             test="fuzz_batch", command=["{build}/fuzz/fuzz_batch", "{source}/tests/fuzz/corpus/batch"],
             sanitize="address,undefined"),
    Mutation("leak-on-an-error", "the words of a line that is refused are not freed",
             "src/base/text.c",
             "        if (!p) {\n            rl_free(list);\n            return false;",
             "        if (!p) {\n            return false;",
             test="unit_base_text", sanitize="address,undefined"),
    Mutation("use-after-free", "a small collection is freed and queued to be freed",
             "src/keyspace/graveyard.c",
             "        keyspace_structure_free(type, structure);\n        return;",
             "        keyspace_structure_free(type, structure);",
             sanitize="address,undefined", **COLLECTIONS),
    # --- what only time shows ---
    Mutation("output-is-not-freed", "what a client had not read stays in memory when it has gone",
             "src/net/conn.c",
             "    rl_chain_release(&c->out);\n    rl_net_gates_release(&c->gates);\n    rl_free(c->peer);",
             "    rl_net_gates_release(&c->gates);\n    rl_free(c->peer);",
             **SOAK),
    Mutation("file-is-not-closed", "a look at the process's memory leaves a file open",
             "src/server/turn.c",
             "        resident = 0;\n    fclose(f);\n", "        resident = 0;\n",
             **SOAK),
    # --- the sweeper ---
    Mutation("sweeper-in-one-go", "all dead elements go at once, and folds wait for that",
             "src/store/writer_sweep.c",
             "        rc = rl_sweep_slice(w->sweep, &rows);\n",
             "        rc = rl_sweep_slice(w->sweep, &rows);\n    for (uint64_t more = 0; rc == SQLITE_OK && w->meta.dead; rows += more)\n"
             "        rc = rl_sweep_slice(w->sweep, &more);\n",
             test="unit_store_sweep"),
    Mutation("sweeper-forgets", "dead collections leave the list with rows still there",
             "src/store/sweep.c",
             '    [SQL_NEXT] = "SELECT key_id, type FROM rl_dead ORDER BY key_id LIMIT 1",',
             '    [SQL_NEXT] = "SELECT key_id, type FROM rl_dead WHERE key_id < 0 ORDER BY key_id LIMIT 1",',
             test="unit_store_sweep"),
    # --- kills at one point, where a kill at random hardly strikes ---
    Mutation("journal-forgets-before-commit", "segments are removed while their fold is under way",
             "src/store/writer_fold.c",
             "    rl_keeper_gate_enter(w->keeper);\n    int rc = store_writer_choose_sync(w, full || job);\n",
             "    const rl_batch *upto = first;\n"
             "    while (rl_batch_next_load(upto))\n"
             "        upto = rl_batch_next_load(upto);\n"
             "    if (atomic_load(&w->told.journal_started))\n"
             "        rl_journal_recycle(w->journal, rl_batch_seq(upto));\n"
             "    rl_keeper_gate_enter(w->keeper);\n    int rc = store_writer_choose_sync(w, full || job);\n",
             **points("segment.remove.after", "segment.reuse.after", "segment.header.after")),
    Mutation("folded-seq-first", "a fold says how far it went, and then it goes there",
             "src/store/fold.c",
             "    rc = take_batches(f, first, max_bytes, &last, result);\n",
             "    rc = take_batches(f, first, max_bytes, &last, result);\n"
             "    f->next.folded_seq = last ? rl_batch_seq(last) : f->next.folded_seq;\n"
             "    if (rc == SQLITE_OK && (rc = write_meta(f)) == SQLITE_OK &&\n"
             "        (rc = store_fold_run(f, FOLD_COMMIT)) == SQLITE_OK)\n"
             "        rc = store_fold_run(f, FOLD_BEGIN);\n",
             **points("fold.first", "fold.page")),
    Mutation("unit-in-two-transactions", "keys are committed before the statement behind them runs",
             "src/store/transact.c",
             "        rc = run_step(u->db, u->job, i);\n",
             '        if (i > 0)\n            sqlite3_exec(u->db, "COMMIT; BEGIN IMMEDIATE", NULL, NULL, NULL);\n'
             "        rc = run_step(u->db, u->job, i);\n",
             **points("fold.commit-page.after", "fold.sync", rounds=10)),
    Mutation("new-file-has-a-version-first", "a new data.db is ours before it has tables",
             "src/store/schema.c",
             '    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);\n    for (int v = 1; v',
             '    int rc = sqlite3_exec(db, "PRAGMA application_id = 1380076628; PRAGMA user_version = 2;"\n'
             '                              "BEGIN IMMEDIATE", NULL, NULL, NULL);\n    for (int v = 1; v',
             **points("create")),
    Mutation("version-before-tables", "a migration says it is done, and then it begins",
             "src/store/schema.c",
             '    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);\n    for (int v = from + 1; v',
             '    int rc = sqlite3_exec(db, "PRAGMA user_version = 2; BEGIN IMMEDIATE", NULL, NULL, NULL);\n'
             '    for (int v = from + 1; v',
             **points("migrate")),
    Mutation("first-start-is-not-taken-back", "a rollback journal is overlooked",
             "src/store/schema.c",
             "    if (!has_rollback_journal(path))\n", "    if (!has_rollback_journal(path) || path)\n",
             **points("create")),
    # --- power cuts of the whole server ---
    Mutation("backup-has-its-name-first", "a backup gets its name before it is synced", "src/store/backup.c",
             "    if (files->datasync(r->fd) != 0)\n", "    if (r->fd < 0)\n",
             **power_cut()),
    Mutation("backups-have-no-directory", "the name of the backups' directory is not synced", "src/store/backup.c",
             "    int code = files->sync_dir(parent) == 0 ? RL_STORE_OK :", "    int code = files->sync_dir ? RL_STORE_OK :",
             **power_cut()),
    Mutation("server-does-not-sync", "the syncer of a whole server says it has synced, and has not",
             "src/store/journal_sync.c",
             "last <= folded)\n            continue;\n        if (j->files->datasync(s->fd) == 0) {",
             "last <= folded)\n            continue;\n        if (s->fd >= 0) {",
             **power_cut()),
    Mutation("journal-forgets-too-early", "a segment is used again before the WAL is synced",
             "src/store/writer_fold.c",
             'full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"',
             'full ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = OFF"',
             **power_cut()),
    Mutation("server-segment-has-no-name", "the directory is not synced after a new segment",
             "src/store/journal_segment.c",
             "    if (!fault && j->files->sync_dir(j->dir) != 0)",
             "    if (!fault && j->files->sync_dir == NULL)",
             **power_cut()),
    Mutation("reads-are-not-held", "with `always`, a read answers what may still vanish", "src/server/dispatch.c",
             "        rl_conn_gate(s->conn, from, seen < newest ? seen : newest, 1, false);",
             "        rl_conn_gate(s->conn, from, seen < newest ? 0 : 0, 1, false);",
             **power_cut()),
]
