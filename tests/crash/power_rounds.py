# SPDX-License-Identifier: MIT
"""Rounds of power cuts: a server that lives under recorder.c with clients, then many disks that a cut in
that life may have left. power_cut.py says what must hold."""

import os
import pickle
import random
import shutil
import subprocess
import tempfile

import disk_image
import history
import process
import recorded
import sql_atomic
import whole
from crash import Failure, run_clients
from power_clients import CollectionWriter, Helpers, SqlWriter, StringWriter
from power_judge import Judge, backups_in
from power_promises import Knowledge, Life, now

LOG_BYTES = 3 << 30  # of address space; what is written takes room
SQL_WRITERS, KEY_WRITERS = 2, 4
MODES = [
    {"appendfsync": "always"},
    {"appendfsync": "always"},
    {"appendfsync": "everysec"},
    {"appendfsync": "no"},
    {"appendonly": "no"},
]


class Rounds:
    """What goes on from round to round. options: those of power_cut.py. Its directories are `top`, for
    what may be kept, and `fast`, in memory where that is possible."""

    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.binary, self.recorder = options.ours, options.recorder
        self.admin = os.path.join(os.path.dirname(options.ours), "rubellite")
        self.top = tempfile.mkdtemp(prefix="rubellite-power-")
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.fast = tempfile.mkdtemp(prefix="rubellite-power-", dir=fast)  # disks are made here
        self.log_path = os.path.join(self.top, "server.log")
        self.trace = os.path.join(self.fast, "trace")
        self.start_dir = os.path.join(self.fast, "start")
        self.judge = Judge(self.binary, self.admin, self.fast)
        self.server = self.failed = None  # failed: what --again needs, once a disk has
        self.answered = 0
        self.wipe()

    def wipe(self):
        """The next round begins with no data, and new writers."""
        shutil.rmtree(self.start_dir, ignore_errors=True)
        os.mkdir(self.start_dir)
        self.keys = [self.random.choice((StringWriter, CollectionWriter))(
            db, random.Random(self.random.random())) for db in range(1, KEY_WRITERS + 1)]
        self.has_database = False
        self.sqls = [SqlWriter(w, random.Random(self.random.random())) for w in range(SQL_WRITERS)]

    def environment(self):
        return dict(os.environ, LD_PRELOAD=self.recorder, RECORDER_DIR=self.data, RECORDER_LOG=self.trace,
                    ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")

    def directives(self):
        choose = self.random.choice
        return dict(choose(MODES), **{
            "fold-interval": choose(("1", "20", "100", "1000")),
            "journal-segment-size": choose(("64kb", "64kb", "256kb", "1mb")),
            "checkpoint-interval": choose(("10", "50", "500", "5000")),
            "journal-keep": choose(("folded", "folded", "backup")),
            "backup-interval": choose(("0", "1")),
            "backup-retain": choose(("1", "2", "100")),
            "backup-rate": "0",
        })

    def run(self):
        """One round; returns a line that says what happened."""
        self.data = os.path.join(self.random.choice((self.top, self.fast)), "data")
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self.start_dir, self.data)
        with open(self.trace, "wb") as out:
            out.truncate(LOG_BYTES)
        disk = disk_image.Disk(os.path.realpath(self.data), self.start_dir)
        self.numbers = disk_image.numbers_of(self.data)
        disk.know(self.numbers)
        knowledge, hows = self.live(self.random.choice((1, 1, 2)))
        records = recorded.read_log(self.trace)
        count = self.cut(disk, records, knowledge)
        return "%-15s %-12s %5d answered, %6d calls, %3d disks" % (
            ", ".join(life.mode.get("appendfsync", "none") for life in knowledge.lives), ", ".join(hows),
            sum(len(r.moments.answered) for r in knowledge.keys), len(records) // 2, count)

    def live(self, count):
        """Starts the server so many times, with clients; returns what they know, and how it ended."""
        lives, hows = [], []
        for writer in self.keys + self.sqls:
            writer.begin()
        for _ in range(count):
            hows.append(self.random.choice(("kill", "kill", "kill", "stop", "nosave")))
            mode = self.directives()
            with open(self.log_path, "ab") as log:
                log.write(b"---- %s, %r\n" % (hows[-1].encode(), mode))
            self.server = process.Server(self.binary, self.data, self.log_path, mode, self.environment()).start()
            ready = now()
            if lives:
                self.resume(lives[-1].mode.get("appendonly") != "no" or hows[-2] == "stop")
            lives.append(Life(mode, ready))
            sql_atomic.make_tables(self.server)
            if len(lives) == 1:
                prepared = now()
            self.load(lives[-1], hows[-1])
            lives[-1].ended = now()
        made = 0 if self.has_database else lives[0].began
        return Knowledge(lives, [w.finish() for w in self.keys], [w.finish(prepared) for w in self.sqls], made,
                         backups_in(self.start_dir)), hows

    def resume(self, all_is_there):
        """The writers take over what the server has after a restart: all that was answered, or less."""
        since = now() if all_is_there else 0
        for writer in self.keys:
            conn = self.server.connect(writer.db)
            writer.resume(history.without_short(whole.by_commands(conn, False)), since)
            conn.close()
        conn = self.server.connect()
        for writer in self.sqls:
            writer.resume(conn, since)
        conn.close()

    def load(self, life, how):
        """Runs the clients until the server is gone."""
        helpers = Helpers(life, random.Random(self.random.random()), self.back_up)
        clients = [(w.run, self.server.connect(w.db)) for w in self.keys]
        clients += [(w.run, self.server.connect()) for w in self.sqls]
        clients += helpers.clients(self.server.connect)
        is_long = life.mode.get("appendfsync") == "everysec" and self.random.random() < 0.3

        def end():
            for client in self.sqls + [helpers]:
                client.stopping = True
            self.end_server(how)

        run_clients(self.server, clients, 4.5 if is_long else self.random.uniform(0.05, 1), end)

    def back_up(self):
        """Runs `rubellite backup`; its exit code."""
        return subprocess.run([self.admin, "backup", self.data, "--quiet"], env=self.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=process.REPLY_SECONDS).returncode

    def end_server(self, how):
        if how == "kill":
            recorded.kill_between_calls(self.trace, self.server.process, self.server.kill)
            return
        if how == "nosave":
            conn = self.server.connect()
            try:
                conn.call("SHUTDOWN", "NOSAVE")
            except process.Gone:
                pass
            code = self.server.process.wait(process.REPLY_SECONDS)
        else:
            code = self.server.stop()
        if code != 0:
            raise Failure("a clean stop ended with code %d" % code)

    # ---- cuts ----

    def cut(self, disk, records, knowledge):
        """Makes disks of many moments and judges each. The next round begins with one of them."""
        self.knowledge, self.records = knowledge, records
        self.answered += sum(len(r.moments.answered) for r in knowledge.keys)
        moments = recorded.choose_moments(records, disk.top, self.options.cuts, self.random)
        longest, next_start, count = recorded.longest_sync(records), self.random.randrange(len(moments)), 0
        for number, at in enumerate(moments):
            disk.advance(records, at)
            when = records[at][0] if at < len(records) else now()
            for _ in range(max(1, self.options.disks // len(moments))):
                seed = self.random.getrandbits(48)
                found = self.one_disk(disk, at, when, longest, seed)
                count += 1
            if number == next_start:
                chosen = (os.path.join(self.fast, "chosen"), found, when > knowledge.made)
                shutil.rmtree(chosen[0], ignore_errors=True)
                os.rename(os.path.join(self.fast, "pristine"), chosen[0])
        disk.advance(records, len(records))
        self.compare(disk)
        self.go_on(*chosen)
        return count

    def one_disk(self, disk, at, when, longest, seed):
        """Makes one disk of a cut before the record `at`, and judges it; returns what it has."""
        path, pristine = os.path.join(self.fast, "disk"), os.path.join(self.fast, "pristine")
        for old in (path, pristine):
            shutil.rmtree(old, ignore_errors=True)
        os.mkdir(pristine)
        rng = random.Random(seed)
        told = disk.image(pristine, rng)
        shutil.copytree(pristine, path)
        try:
            return self.judge.judge(path, self.knowledge, when, longest, rng)
        except Exception as error:
            self.failed = {"at": at, "seed": seed, "longest": longest, "when": when, "knowledge": self.knowledge,
                           "top": disk.top, "numbers": self.numbers}
            raise Failure("%s\n  the cut: before record %d, %s\n  the disk, of seed %d: %s" % (
                error, at, recorded.describe(self.records, at), seed, told)) from error

    def compare(self, disk):
        """The log tells everything: replayed to its end, it is what the server has left."""
        found = disk.seen()
        for folder, _, names in os.walk(self.data):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.data)
                if name.endswith("-shm"):
                    continue
                there = found.pop(path, None)
                with open(os.path.join(self.data, path), "rb") as file:
                    content = file.read()
                if there is None or bytes(there.now()) != content:
                    raise recorded.LogError("%s is not what the log says" % path)
        if [path for path in found if not path.endswith("-shm")]:
            raise recorded.LogError("the log has files that are not there: %r" % sorted(found))

    def go_on(self, path, found, has_database):
        """The next round begins with this disk, of which the judge has `found`; at times with none."""
        if self.random.random() < 0.25:
            self.wipe()
            return
        shutil.rmtree(self.start_dir)
        os.rename(path, self.start_dir)
        self.has_database = has_database
        indexes, counts = found
        for writer, record in zip(self.keys, self.knowledge.keys):
            state, shared = record.states[indexes[record.db]]
            writer.go_on(state, shared)
        for writer, count in zip(self.sqls, counts):
            for kind, number in count.items():
                setattr(writer, kind, number)

    def end(self, keep):
        if self.server is not None:
            self.server.kill()
        if not keep:
            shutil.rmtree(self.top)
        if not keep or self.failed is not None:  # keep() has copied what is needed
            shutil.rmtree(self.fast)

    def keep(self):
        """Says what is kept. If a disk has failed, that is what power_cut.py --again needs: start (what was
        there before the round), trace (the log), known (the cut, and what clients knew), pristine and
        disk (the disk, and what a start has made of it)."""
        if self.failed is None:
            return "%s and %s" % (self.top, self.fast)
        kept = os.path.join(self.top, "failed")
        os.mkdir(kept)
        for name in ("start", "pristine", "disk"):
            shutil.copytree(os.path.join(self.fast, name), os.path.join(kept, name))
        with open(self.trace, "rb") as trace, open(os.path.join(kept, "trace"), "wb") as out:
            end = recorded.HEAD.unpack(trace.read(recorded.HEAD.size))[0]
            trace.seek(0)
            out.write(trace.read(end))
        with open(os.path.join(kept, "known"), "wb") as out:
            pickle.dump(self.failed, out)
        return kept
