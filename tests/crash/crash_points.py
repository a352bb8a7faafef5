#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills the server at named points: between two steps of the disk, and in the middle of a write.

    tests/crash/crash_points.py --rounds 10 --ours PATH [--point NAME …] [--seed N]

The points are those of points.c, a library in LD_PRELOAD that kills the process when it gets to the
chosen one; nothing of it is in the server. Each point has that many rounds. In a round a server is
led through the life in which it gets there (writers that remember what was answered; small segments,
quick checkpoints; a backup, a stop, a start that replays, restores or migrates), and it must die
right there: a point that is not reached is a failure. Then it is started without the library, and
what crash.py and sql_atomic.py say must hold:

  - each writer's database is its state after some operation that is not before the last answered one;
  - transactions with keys and SQL in them are there with both or with neither;
  - data.db passes SQLite's integrity check, and its tables are what memory is;
  - every backup under its final name is whole, and a server starts from it.
"""

import collections
import ctypes
import glob
import mmap
import os
import random
import shutil
import signal
import sqlite3
import sys
import time

import crash
import process
import sql_atomic
from crash import Failure

SQL_DB = 10              # of the keys that are written together with rows
LAST_DB = 11             # of the write that a kill comes after
WAIT_SECONDS = 60        # for a point to be reached
PAUSE_SECONDS = 0.005
BEHIND_HEADER_PERCENT = 52  # of a frame: behind its header of 64 bytes, and before its padding
JOURNALED = [(mode, keeps) for mode, keeps in crash.MODES if keeps]


class Control(ctypes.Structure):  # as in points.c; the counters of its points come behind it
    _fields_ = [("armed", ctypes.c_int32), ("left", ctypes.c_int32), ("percent", ctypes.c_int32),
                ("struck", ctypes.c_int32)]


Point = collections.namedtuple("Point", "number name life most")


class Library:
    """points.c: its table, and what it shares with a server."""

    def __init__(self, path, control_path):
        self.path, self.control_path = os.path.abspath(path), control_path
        library = ctypes.CDLL(self.path)
        library.points_name.restype = library.points_life.restype = ctypes.c_char_p
        self.points = [Point(i, library.points_name(i).decode(), library.points_life(i).decode(),
                             library.points_most(i)) for i in range(library.points_count())]
        size = ctypes.sizeof(Control) + 4 * len(self.points)
        with open(control_path, "wb") as out:
            out.write(bytes(size))
        self.file = open(control_path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), size)
        self.control = Control.from_buffer(self.map)
        self.reached = (ctypes.c_uint32 * len(self.points)).from_buffer(
            self.map, ctypes.sizeof(Control))

    def environment(self, data):
        return {"LD_PRELOAD": self.path, "POINTS_CONTROL": self.control_path, "POINTS_DIR": data,
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def arm(self, point, times, percent):
        self.disarm()
        self.control.left, self.control.percent = times, percent
        self.control.armed = point.number + 1

    def disarm(self):
        self.control.armed = self.control.struck = 0

    def struck_at(self):
        return self.points[self.control.struck - 1] if self.control.struck else None

    def close(self):
        self.control = self.reached = None
        self.map.close()
        self.file.close()


class Rounds(crash.Rounds):
    """Each turn is a kill at one point."""

    default_rounds = 100  # of the other scripts: see rounds_of
    write_seconds = (0.02, 0.1)
    promise = "none lost but where `appendonly no` allows it, none torn"

    @staticmethod
    def add_options(parser):
        process.add_library(parser, "points")
        parser.add_argument("--point", action="append", default=[], metavar="NAME",
                            help="only points whose name begins so")

    @staticmethod
    def more_arguments(options):
        return [" --point " + name for name in options.point]

    def __init__(self, options):
        super().__init__(options)
        self.library = Library(process.find_library(options, "points"), os.path.join(self.top, "control"))
        self.points = [p for p in self.library.points
                       if not options.point or p.name.startswith(tuple(options.point))]
        if not self.points:
            sys.exit("no point begins so; there are: %s" % " ".join(p.name for p in self.library.points))
        self.kills = collections.Counter()
        self.point, self.times = None, 0

    def wipe(self):
        super().wipe()
        self.sql = [sql_atomic.Writer(w, random.Random(self.random.random()))
                    for w in range(sql_atomic.WRITERS)]
        self.with_sql = False
        self.before = 0  # answered before this round

    @staticmethod
    def rounds_of(count):
        return max(1, count // 20)

    def turns(self, count):
        for _ in range(count):
            points = list(self.points)
            self.random.shuffle(points)
            for self.point in points:
                if self.random.random() < 0.1:
                    self.wipe()
                yield self.run()

    # ---- one round ----

    def directives(self, modes=JOURNALED, **more):
        mode, self.keeps = self.random.choice(modes)
        return {
            **mode,
            "fold-interval": self.random.choice(["1", "10", "50"]),
            "journal-segment-size": "64kb",
            "checkpoint-interval": "10",
            "backup-interval": "0",
            "backup-retain": "1",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    def server_of(self, directives):
        self.plain = process.Server(self.binary, self.data, self.log_path, directives)
        self.server = process.Server(self.binary, self.data, self.log_path, directives,
                                     self.library.environment(self.data))
        with open(self.log_path, "ab") as log:
            log.write(b"---- %s, %r\n" % (self.point.name.encode(), directives))

    def run(self):
        self.library.disarm()
        self.times = self.random.randrange(1, self.point.most + 1)
        self.before = self.answered()
        LIVES[self.point.life](self)
        operations = self.answered() - self.before
        self.operations += operations
        self.kills[self.point.name] += 1
        kept, lost = self.check()
        return "%-32s %-8s time %3d, %5d answered, %3d more kept%s" % (
            self.point.name, self.server.directives.get("appendfsync", "none"), self.times, operations,
            kept, ", %d lost" % lost if lost else "")

    def answered(self):
        return sum(w.answered for w in self.writers) + sum(w.units for w in self.sql)

    # ---- what happens around a kill ----

    def begin(self, with_sql=True):
        """The server runs with the library, and has what the writers need."""
        self.server.start()
        self.with_sql = self.with_sql or with_sql
        self.use_sql = with_sql
        if with_sql:
            sql_atomic.make_tables(self.server)
        for writer in self.sql:
            writer.stopping = False
        for writer in self.writers:
            writer.begin(remember=not self.keeps)

    def clients(self):
        return super().clients() + [(w, self.server.connect(SQL_DB)) for w in self.sql
                                    if self.use_sql]

    def arm(self):
        self.library.arm(self.point, self.times, self.random.randrange(1, 100))

    def await_kill(self, meanwhile=lambda: None):
        """The server has to die at the point."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.server.alive():
            if time.monotonic() > deadline:
                self.server.kill()
                raise Failure("%s is not reached %d times; left: %d" % (
                    self.point.name, self.times, self.library.control.left))
            meanwhile()
            time.sleep(PAUSE_SECONDS)
        struck = self.library.struck_at()
        if struck is None or self.server.process.poll() != -signal.SIGKILL:
            raise Failure("%s is not reached: the server ended with code %d" % (
                self.point.name, self.server.process.poll()))

    def arm_and_await(self):
        self.arm()
        self.await_kill()

    def start_into_it(self):
        """Starts the server, which has to die on the way."""
        self.arm()
        self.server.spawn()
        self.await_kill(self.refuse_ready)
        self.library.disarm()

    def refuse_ready(self):
        """A start that gets through has missed the point: no need to wait longer."""
        try:
            conn = self.server.connect()
            ready = self.server.is_ours(conn)
            conn.close()
        except process.Gone:
            return
        if ready:
            raise Failure("%s is not reached by a start, or not %d times" % (self.point.name, self.times))

    def back_up(self):
        conn = self.server.connect()
        try:
            conn.call("BGSAVE")
        finally:
            conn.close()

    def wait_for(self, what, condition):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline or not self.server.alive():
                raise Failure("in vain, or the server ended: %s" % what)
            time.sleep(PAUSE_SECONDS)

    def backups(self):
        return sorted(glob.glob(os.path.join(self.data, "backups", "data-*.db")))

    def write_and_kill(self):
        """The journal has this write: a writer may still be reading answers of batches long before."""
        conn = self.server.connect(LAST_DB)
        conn.call("INCR", "kills")
        conn.close()
        self.server.kill()

    # ---- lives ----

    def life(self, end, modes, with_sql=True, **more):
        self.server_of(self.directives(modes, **more))
        self.begin(with_sql)
        self.write_until(end)

    def load(self):
        self.life(Rounds.arm_and_await, crash.MODES)

    def journal(self):
        self.life(Rounds.arm_and_await, JOURNALED)

    def always(self):
        self.life(Rounds.arm_and_await, JOURNALED, appendfsync="always")

    def idle(self):
        """Between two folds nothing happens, and the WAL is made empty."""
        self.life(Rounds.arm_and_await, crash.MODES, with_sql=False, fold_interval="200")

    def restart(self):
        """A checkpoint comes between two folds, and ends before the second one, which begins the WAL anew
        over what is in it. It is not made empty, for there was a fold before each checkpoint."""
        self.life(Rounds.arm_and_await, crash.MODES, with_sql=False, fold_interval="100", checkpoint_interval="150")

    def backup(self):
        self.life(Rounds.arm_and_back_up, crash.MODES)

    def arm_and_back_up(self):
        self.arm()
        self.await_kill(self.try_back_up)

    def try_back_up(self):
        try:
            self.back_up()
        except process.Gone:
            pass

    def stop_life(self, modes=crash.MODES):
        """The first checkpoint is that of the stop."""
        self.life(Rounds.arm_and_stop, modes, checkpoint_interval="3600000")

    def journal_stop(self):
        self.stop_life(JOURNALED)

    def arm_and_stop(self):
        self.arm()
        for writer in self.sql:
            writer.stopping = True
        self.server.terminate()
        self.await_kill()

    def replay(self):
        """Nothing is folded, so that there is a lot to replay."""
        self.server_of(self.directives(fold_interval="60000"))
        self.begin(with_sql=False)
        self.write_until(Rounds.write_and_kill)
        self.check_file()
        self.start_into_it()

    def cut(self):
        """The last frame is torn: behind its header, for else it is no frame at all; and not the
        first one of its segment, which then would be emptied as a whole."""
        self.server_of(self.directives(journal_keep="backup", fold_interval="60000",
                                       journal_segment_size="16mb"))
        self.begin(with_sql=False)
        torn = next(p for p in self.library.points if p.name == "append.torn")

        def end(self):
            self.library.arm(torn, self.random.randrange(2, torn.most), BEHIND_HEADER_PERCENT)
            self.await_kill()
        self.write_until(end)
        self.start_into_it()

    def create(self):
        self.wipe()
        self.server_of(self.directives())
        self.start_into_it()

    def restore(self):
        """What only the backup and the journal have must be there: no SQL, whose rows are in neither."""
        self.wipe()
        self.server_of(self.directives(journal_keep="backup", checkpoint_interval="3600000"))
        self.begin(with_sql=False)

        def end(self):
            """More is written behind the backup, for the journal to be replayed."""
            self.back_up()
            self.wait_for("a backup", self.backups)
            enough = self.answered() + 50
            self.wait_for("writes", lambda: self.answered() > enough)
            self.write_and_kill()
        self.write_until(end)
        with open(os.path.join(self.data, "data.db"), "wb") as out:
            out.write(self.random.randbytes(50000))
        self.start_into_it()

    def migrate(self):
        """The tables of version 1 have strings only; the journal has the rest."""
        self.server_of(self.directives())
        self.begin()
        self.write_until(crash.Rounds.kill)
        make_older(os.path.join(self.data, "data.db"))
        self.start_into_it()

    # ---- checks ----

    def check(self):
        self.library.disarm()
        self.server = self.plain
        if self.point.life not in ("restore", "create", "migrate"):  # then it may be missing, or be older
            self.check_file()
        self.server.start()
        found = self.check_memory()
        self.check_sql()
        self.check_tables()
        self.server.kill()
        self.check_backups()
        return found

    def check_sql(self):
        if self.with_sql:
            conn = self.server.connect(SQL_DB)
            for writer in self.sql:
                writer.check(conn, self.keeps)
            conn.close()

    def read_rows(self, db):
        sql_atomic.check_rows(db)
        return super().read_rows(db)

    def check_backups(self):
        for path in self.backups():
            db = sqlite3.connect("file:%s?mode=ro&immutable=1" % path, uri=True)
            try:
                found = db.execute("PRAGMA integrity_check").fetchall()
                if found != [("ok",)]:
                    raise Failure("%s: integrity_check: %r" % (path, found[:5]))
                self.check_state(path, self.read_rows(db))
            finally:
                db.close()
        if self.point.life == "backup" and self.backups():
            self.start_from(self.backups()[-1])

    def check_state(self, path, rows):
        """Of which moment a backup is nobody knows, but at each these are the same."""
        for number, keys in rows.items():
            triple = [keys.get(key) for key in (b"a", b"b", b"c")]
            if number < crash.WRITERS and triple.count(triple[0]) != 3:
                raise Failure("%s: half a MULTI in database %d: %.200r" % (path, number, triple))

    def start_from(self, backup):
        data = os.path.join(self.top, "from-backup")
        shutil.rmtree(data, ignore_errors=True)
        os.mkdir(data)
        shutil.copy(backup, os.path.join(data, "data.db"))
        server = process.Server(self.binary, data, self.log_path, {"start-check": "full"}).start()
        code = server.stop()
        if code != 0:
            raise Failure("a server on the backup %s ended with code %d" % (backup, code))

    # ---- the end ----

    def summary(self):
        seldom = min(self.kills[p.name] for p in self.points)
        lives = collections.Counter(p.life for p in self.points for _ in range(self.kills[p.name]))
        steps = collections.Counter()
        for name, count in self.kills.items():
            steps[name.rpartition(".")[0]] += count
        return ["%d operations answered: %s" % (self.operations, self.promise),
                "%d kills, at each of %d points at least %d" % (
                    sum(self.kills.values()), len(self.points), seldom),
                "kills by what the server lived through: " + crash.counted(lives),
                "kills by step (before, torn, after): " + crash.counted(steps)]

    def end(self, keep):
        self.library.close()
        super().end(keep)


LIVES = {  # the names in points.c
    "load": Rounds.load,
    "journal": Rounds.journal,
    "always": Rounds.always,
    "idle": Rounds.idle,
    "restart": Rounds.restart,
    "backup": Rounds.backup,
    "stop": Rounds.stop_life,
    "journal stop": Rounds.journal_stop,
    "replay": Rounds.replay,
    "cut": Rounds.cut,
    "create": Rounds.create,
    "restore": Rounds.restore,
    "migrate": Rounds.migrate,
}


def make_older(path):
    """data.db as schema version 1 made it: without the tables and views of version 2."""
    db = sqlite3.connect(path)
    names = db.execute("SELECT type, name FROM sqlite_schema WHERE name IN ('rl_hash', 'rl_set', "
                       "'rl_zset', 'rl_list', 'rl_dead', 'hashes', 'sets', 'zsets', 'lists')").fetchall()
    for kind, name in sorted(names, reverse=True):  # views first
        db.execute("DROP %s %s" % (kind, name))
    db.execute("UPDATE rl_meta SET value = 1 WHERE name = 'schema_version'")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()


if __name__ == "__main__":
    sys.exit(crash.main(__doc__, "crash_points", Rounds))
