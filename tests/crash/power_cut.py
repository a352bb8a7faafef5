#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pulls the plug on the whole server, at any moment, and checks what each disk then holds.

    tests/crash/power_cut.py --ours PATH --recorder PATH [--rounds N] [--disks N] [--seed N] [--keep]
    tests/crash/power_cut.py --ours PATH --again DIR

In each round the server runs under recorder.c, which writes down every change of its files, while
clients write (strings, collections, SQL, MULTI with both), look, ask for backups and for promises
(WAITAOF, SAVE). From the log disk_image.py makes many disks that a power cut could have left at
many moments of it: of what no completed sync had covered, any sectors are there and any are not. On
each of them the real server is started. What must hold:

  - it starts, restores nothing, and `rubellite check` finds nothing;
  - each writer's database is its state after one of its operations, and no operation is there
    without those that were answered before it was sent, whoever sent them;
  - what was answered before the cut is there: in `always` all; in the other modes all that was
    answered before a WAITAOF, SAVE or SQL write was sent that was answered before the cut, and in
    `everysec` what is older than a second and the longest sync;
  - in `always` nobody was told of anything that is not there;
  - transactions with keys and SQL are whole, SQLite's integrity check is content, the tables are
    what memory is, and a backup that has its name is whole.

The next round goes on with one of the disks, so power fails during recovery too. A disk that fails
is kept with --keep, with all that --again needs to make and check it once more.
"""

import argparse
import bisect
import os
import pickle
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import collection_writers
import disk_image
import history
import process
import sql_atomic
import whole
from crash import Failure

LOG_BYTES = 3 << 30  # of address space; what is written takes room
SECOND_NS = 1000000000
GRACE_NS = 2 * SECOND_NS  # for threads of a busy machine, beside what `everysec` promises
SQL_WRITERS, KEY_WRITERS = 2, 4
ENOUGH = 1000  # operations of a writer, before it slows down
PROMISE_DB = 14
KINDS = ("units", "plain_keys", "plain_rows")  # of operations of an SQL writer
MODES = [
    {"appendfsync": "always"},
    {"appendfsync": "always"},
    {"appendfsync": "everysec"},
    {"appendfsync": "no"},
    {"appendonly": "no"},
]


def now():
    return time.monotonic_ns()  # the clock of the log


# ---- clients, and what they know ----

class Moments:
    """When each of a row of operations was sent and answered; the n-th is known by its index."""

    def __init__(self):
        self.sent, self.answered = [], []

    def before(self, moment):
        """How many were answered before it."""
        return bisect.bisect_left(self.answered, moment)

    def cut(self, count):
        """So many have happened, and somebody who looked knows."""
        del self.sent[count:], self.answered[count:]
        self.answered += [now()] * (count - len(self.answered))


class KeyWriter:
    """Makes one of the writers of history.py remember all states of a round, with times."""

    def begin(self, _remember=True):
        super().begin(True)
        self.moments = Moments()

    def run(self, conn):
        try:
            while True:
                operations = [self.make() for _ in range(self.random.choice((1, 1, 1, 4, 16)))]
                self.pending += operations
                if len(self.moments.sent) > ENOUGH:
                    time.sleep(0.01)  # all states are remembered
                self.moments.sent += [now()] * len(operations)
                conn.send(b"".join(o.encode() for o in operations))
                for operation in operations:
                    self.take_answer(conn, operation)
                    self.moments.answered.append(now())
        except process.Gone:
            return

    def finish(self):
        """What is needed to judge a disk; the states of the round, from before its first operation."""
        states = self.earlier + [(dict(self.state), self.shared)]  # a list of its own
        state, shared = dict(self.state), self.shared
        for operation in self.pending:
            operation.apply(state)
            shared += operation.shared
            states.append((dict(state), shared))
        return KeyRecord(self.db, states, self.moments)

    def resume(self, found, since):
        """The server was started again and has `found`: the round goes on from there."""
        record = self.finish()
        _, last = record.find(found, since)
        self.earlier = record.states[:last]
        self.go_on(*record.states[last])
        self.moments.cut(last)

    def go_on(self, state, shared):
        self.state, self.shared, self.pending = dict(state), shared, []


class StringWriter(KeyWriter, history.Writer):
    pass


class CollectionWriter(KeyWriter, collection_writers.Writer):
    pass


class KeyRecord:
    def __init__(self, db, states, moments):
        self.db, self.states, self.moments = db, states, moments

    def find(self, found, since):
        """The first and the last index of a state that is like it and has what was answered before
        `since`."""
        least = self.moments.before(since)
        fitting = [i for i in range(least, len(self.states)) if history.matches(self.states[i][0], found)]
        if fitting:
            return fitting[0], fitting[-1]
        earlier = [i for i in range(least) if history.matches(self.states[i][0], found)]
        if earlier:
            raise Failure("database %d: %d operations of the round must be there, %d are" % (
                self.db, least, earlier[-1]))
        nearest = min(range(len(self.states)), key=lambda i: history.unlike(self.states[i][0], found))
        raise Failure("database %d is no state of its writer (%d operations must be there, %d were sent); "
                      "nearest, after %d:\n%s" % (
                          self.db, least, len(self.states) - 1, nearest,
                          history.differences(self.states[nearest][0], found)))


class SqlWriter(sql_atomic.Writer):
    """Remembers times as well. Counts of earlier rounds are in `base`."""

    def begin(self):
        self.base = {kind: getattr(self, kind) for kind in KINDS}
        self.moments = {kind: Moments() for kind in KINDS}
        self.pending = {}
        self.stopping = False

    def step(self, conn):
        sent, had = now(), {kind: getattr(self, kind) for kind in KINDS}
        try:
            super().step(conn)
        finally:
            for kind, count in self.pending.items():
                self.moments[kind].sent += [sent] * count
            for kind in KINDS:
                if getattr(self, kind) > had[kind]:
                    self.moments[kind].sent.append(sent)
                    self.moments[kind].answered.append(now())

    def finish(self, prepared):
        return SqlRecord(self.number, self.base, self.moments, prepared)

    def resume(self, conn, since):
        for kind, count in self.finish(0).judge(conn, now(), since).items():
            setattr(self, kind, count)
            self.moments[kind].cut(count - self.base[kind])
        self.pending, self.stopping = {}, False


class SqlRecord(sql_atomic.Writer):
    """Judges what a restarted server has of one SQL writer."""

    def __init__(self, number, base, moments, prepared):
        super().__init__(number, None)
        self.base, self.moments, self.prepared = base, moments, prepared

    def judge(self, conn, cut, since):
        if cut <= self.prepared and not any(self.base.values()):
            return dict(self.base)  # there may be no tables yet
        self.limits = {"units": cut, "plain_keys": since, "plain_rows": cut}
        self.found = {}
        self.check(conn, True)
        return self.found

    def settle(self, what, found, text, keeps):
        moments = self.moments[what]
        least = self.base[what] + moments.before(self.limits[what])
        most = self.base[what] + len(moments.sent)
        if not least <= found <= most:
            raise Failure("SQL writer %d: %d %s, but %d were answered and %d sent: %s" % (
                self.number, found, what, least, most, text))
        self.found[what] = found


class Helpers:
    """Clients beside the writers: they ask for promises and backups, and look at a counter."""

    def __init__(self, rounds, life, rng):
        self.rounds, self.mode, self.random = rounds, life.mode, rng
        self.promises = life.promises  # (sent, answered): what was answered before the one is safe after the other
        self.backups = life.backups    # the same: the newest backup has it
        self.seen = life.seen          # (when, total): somebody was told
        self.stopping = False

    def promise(self, conn):
        while True:
            time.sleep(self.random.uniform(0, 0.05))
            sent, dice = now(), self.random.random()
            if self.mode.get("appendonly") == "no":
                good = dice < 0.3 and self.save(conn, sent)
            elif dice < 0.6:
                conn.call("INCR", "promised")
                good = self.ask(conn, "WAITAOF", 1, 0, 2000)[1][0] == (":", b"1")
            elif dice < 0.9:
                info = conn.call("INFO", "persistence")[1].decode()
                good = "aof_pending_bio_fsync:0" in info
            else:
                good = self.save(conn, sent)
            if good:
                self.promises.append((sent, now()))

    def ask(self, conn, *command):
        """A server that stops may refuse; else no error is right."""
        reply = conn.call(*command)
        if reply[0] == "-":
            if self.stopping:
                raise process.Gone("the server stops")
            raise Failure("%r is answered with %r" % (command, reply))
        return reply

    def save(self, conn, sent):
        self.ask(conn, "SAVE")
        self.backups.append((sent, now()))
        return True

    def look(self, conn):
        while True:
            by_sql = self.random.random() < 0.3
            command = ("SQL", "SELECT value FROM strings WHERE database = ? AND key = 'total'",
                       history.SHARED_DB) if by_sql else ("GET", "total")
            value = self.ask(conn, *command)[1]
            if by_sql:
                value = value[1][1][0][1] if len(value) > 1 else None
            self.seen.append((now(), int(value or 0)))
            time.sleep(self.random.uniform(0, 0.01))

    def admin(self, conn):
        """`rubellite backup` beside the server, and BGSAVE."""
        while True:
            time.sleep(self.random.uniform(0.05, 0.4))
            if self.random.random() < 0.5:
                conn.call("BGSAVE")
                continue
            sent = now()
            done = subprocess.run([self.rounds.admin, "backup", self.rounds.data, "--quiet"],
                                  env=self.rounds.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False, timeout=process.REPLY_SECONDS)
            # What is in the backup may not be synced in data.db yet, so this is no promise for that.
            # Without a journal it does not know what is not folded either.
            if done.returncode == 0:
                self.backups.append((0 if self.mode.get("appendonly") == "no" else sent, now()))
            conn.call("PING")


class Life:
    """From a start of the server to its end, and what clients learned."""

    def __init__(self, mode, began):
        self.mode, self.began, self.ended = mode, began, None
        # What was recovered is safe once the server answers.
        self.promises, self.backups, self.seen = [(began, began)], [], []

    def safe_since(self, cut, longest_sync):
        """What was answered before this, and in this life, must be there after a cut."""
        if cut <= self.began:
            return 0
        if self.mode.get("appendfsync") == "always":
            return min(cut, self.ended)
        since = max([s for s, a in self.promises if a < cut], default=0)
        if self.mode.get("appendfsync") == "everysec":
            since = max(since, min(cut, self.ended) - SECOND_NS - GRACE_NS - longest_sync)
        return since


class Knowledge:
    """All that clients know of a round."""

    def __init__(self, lives, keys, sqls, made, old_backups):
        self.lives, self.keys, self.sqls = lives, keys, sqls
        self.made = made                # before that there may be no database yet
        self.old_backups = old_backups  # names of those that earlier rounds made
        self.mode = lives[-1].mode
        self.backups = [b for life in lives for b in life.backups]
        self.promises = [
            (s, a) for sql in sqls for kind in ("units", "plain_rows")
            for s, a in zip(sql.moments[kind].sent, sql.moments[kind].answered)]

    def safe_since(self, cut, longest_sync):
        """All that was answered before this must be there."""
        return max([life.safe_since(cut, longest_sync) for life in self.lives]
                   + [s for s, a in self.promises if a < cut])

    def backed_up(self, cut):
        """The same, of what the newest backup must have; None: there may be no backup."""
        return max([s for s, a in self.backups if a < cut], default=None)

    def total_seen(self, cut):
        return max([value for life in self.lives if life.mode.get("appendfsync") == "always"
                    for when, value in life.seen if when < cut], default=0)


# ---- judging a disk ----

class Judge:
    """Starts the server on disks."""

    def __init__(self, binary, admin, top):
        self.binary, self.admin, self.top = binary, admin, top
        self.log_path = os.path.join(top, "judge.log")
        self.server = None
        self.checked = self.backups = 0

    def judge(self, path, knowledge, cut, longest_sync, rng):
        """Raises Failure; returns ({db: index of the state}, [what each SQL writer has])."""
        open(self.log_path, "wb").close()
        since = knowledge.safe_since(cut, longest_sync)
        self.check_backups(path, knowledge, cut)
        self.check_file(path)
        if rng.random() < 0.15 and cut > knowledge.made:
            self.check_by_program(path)
        if rng.random() < 0.3:
            with open(os.path.join(path, "data.db-shm"), "wb") as out:  # nobody may trust it
                out.write(rng.randbytes(32768))
        directives = dict(knowledge.mode, **{"backup-interval": "0", "start-check": rng.choice(("quick", "full"))})
        self.server = process.Server(self.binary, path, self.log_path, directives).start()
        try:
            found = self.check_server(path, knowledge, cut, since)
            if rng.random() < 0.1:
                self.check_stop(path, knowledge, found[0])
        finally:
            self.server.kill()
        self.checked += 1
        return found

    def check_file(self, path):
        """What SQLite alone makes of it, on a copy."""
        copy = os.path.join(self.top, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for name in os.listdir(path):
            if name in ("data.db", "data.db-wal", "data.db-journal"):
                shutil.copy(os.path.join(path, name), copy)
        db = sqlite3.connect(os.path.join(copy, "data.db"))
        try:
            sound(db, "data.db")
        except sqlite3.DatabaseError as error:
            raise Failure("data.db: %s" % error) from None
        finally:
            db.close()

    def check_by_program(self, path):
        done = subprocess.run([self.admin, "check", path, "--full", "--backups"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=process.REPLY_SECONDS)
        if done.returncode != 0:
            raise Failure("`rubellite check` finds: %s" % done.stdout.decode("utf-8", "replace"))

    def check_backups(self, path, knowledge, cut):
        since, newest = knowledge.backed_up(cut), None
        for name in backups_in(path):
            found = self.read_backup(os.path.join(path, "backups", name), knowledge,
                                     name in knowledge.old_backups)
            newest = found or newest
            self.backups += 1
        if since is None:
            return
        if newest is None:
            raise Failure("a finished backup is not there")
        for record, (_, last) in zip(knowledge.keys, newest):
            if last < record.moments.before(since):
                raise Failure("database %d: the newest backup has %d operations, %d were answered before it "
                              "was asked for" % (record.db, last, record.moments.before(since)))

    @staticmethod
    def read_backup(path, knowledge, is_old):
        """The states of the writers that it has; of one of an earlier round None."""
        db = sqlite3.connect("file:%s?immutable=1" % path, uri=True)
        try:
            sound(db, path)
            rows = whole.by_rows(whole.sqlite_query(db))
            return None if is_old else [knowledge_of(record, rows.get(record.db, {}), path) for record in knowledge.keys]
        except sqlite3.DatabaseError as error:
            raise Failure("%s: %s" % (path, error)) from None
        finally:
            db.close()

    def check_server(self, path, knowledge, cut, since):
        conn = self.server.connect()
        info = conn.call("INFO", "persistence")[1].decode()
        if "restored:0" not in info or [n for n in os.listdir(path) if "damaged" in n]:
            raise Failure("the start had to restore something")
        indexes, order, total = {}, [], 0
        for record in knowledge.keys:
            first, last = record.find(self.snapshot(record.db), since)
            indexes[record.db] = first
            total += record.states[first][1]
            order.append(("database %d" % record.db, record.moments, first, last))
        founds = []
        for record in knowledge.sqls:
            found = record.judge(conn, cut, since)
            founds.append(found)
            order += [("%s of SQL writer %d" % (kind, record.number), record.moments[kind], n, n)
                      for kind, n in ((kind, found[kind] - record.base[kind]) for kind in KINDS)]
        conn.call("SELECT", history.SHARED_DB)
        have = int(conn.call("GET", "total")[1] or 0)
        if have != total:
            raise Failure("the shared counter is %d, but %d transactions survived" % (have, total))
        if have < knowledge.total_seen(cut):
            raise Failure("somebody was told that the counter is %d; it is %d" % (knowledge.total_seen(cut), have))
        check_order(order)
        self.check_tables(path)
        if conn.call("SET", "after", "all") != ("+", b"OK") or conn.call("DEL", "after") != (":", b"1"):
            raise Failure("writes do not work")
        conn.close()
        return indexes, founds

    def snapshot(self, db):
        conn = self.server.connect(db)
        try:
            return without_short(whole.by_commands(conn, False))
        finally:
            conn.close()

    def check_tables(self, path):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(path, "data.db"), uri=True)
        try:
            rows = whole.by_rows(whole.sqlite_query(db))
        finally:
            db.close()
        for number in set(rows) | set(range(1, KEY_WRITERS + 1)):
            told = whole.differences(without_short(rows.get(number, {})), self.snapshot(number))
            if told:
                raise Failure("tables and memory differ in database %d:\n%s" % (number, "\n".join(told)))

    def check_stop(self, path, knowledge, indexes):
        """A clean stop leaves one good file."""
        code = self.server.stop()
        if code != 0:
            raise Failure("a clean stop ended with code %d" % code)
        if os.path.exists(os.path.join(path, "data.db-wal")):
            raise Failure("a clean stop leaves a WAL")
        db = sqlite3.connect("file:%s?immutable=1" % os.path.join(path, "data.db"), uri=True)
        rows = whole.by_rows(whole.sqlite_query(db))
        db.close()
        for record in knowledge.keys:
            if not history.matches(record.states[indexes[record.db]][0], without_short(rows.get(record.db, {}))):
                raise Failure("the stop has changed database %d" % record.db)


def backups_in(path):
    """The names of finished backups, the newest last."""
    folder = os.path.join(path, "backups")
    return sorted(n for n in os.listdir(folder) if n.startswith("data-")) if os.path.isdir(folder) else []


def without_short(keys):
    return {key: value for key, value in keys.items() if not key.startswith(b"t:")}


def knowledge_of(record, found, where):
    try:
        return record.find(without_short(found), 0)
    except Failure as error:
        raise Failure("%s: %s" % (where, error)) from None


def sound(db, name):
    found = db.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise Failure("%s: integrity_check: %r" % (name, found[:5]))
    sql_atomic.check_rows(db)


def check_order(order):
    """No operation is there without those that were answered before it was sent. order: (whose,
    moments, how many are there at least, and at most)."""
    last_sent = max(((m.sent[first - 1], whose) for whose, m, first, _ in order if first > 0), default=None)
    for whose, moments, _, last in order:
        if last_sent and last < len(moments.answered) and moments.answered[last] < last_sent[0]:
            raise Failure("no prefix: operation %d of %s is missing, but one of %s is there that was sent later" % (
                last + 1, whose, last_sent[1]))


# ---- rounds ----

class Rounds:
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
        self.server = None
        self.answered = 0
        self.wipe()

    def wipe(self):
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
        records = disk_image.read_log(self.trace)
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
        since = now() if all_is_there else 0
        for writer in self.keys:
            conn = self.server.connect(writer.db)
            writer.resume(without_short(whole.by_commands(conn, False)), since)
            conn.close()
        conn = self.server.connect()
        for writer in self.sqls:
            writer.resume(conn, since)
        conn.close()

    def load(self, life, how):
        """Runs the clients until the server is gone."""
        helpers = Helpers(self, life, random.Random(self.random.random()))
        bodies = [(w.run, w.db) for w in self.keys] + [(w.run, 0) for w in self.sqls] + [
            (helpers.promise, PROMISE_DB), (helpers.look, history.SHARED_DB), (helpers.admin, 0)]
        problems, threads, conns = [], [], []

        def run(body, conn):
            try:
                body(conn)
            except process.Gone:
                pass
            except Exception as error:  # told by the main thread
                problems.append(error)

        for body, db in bodies:
            conns.append(self.server.connect(db))
            threads.append(threading.Thread(target=run, args=(body, conns[-1])))
        for thread in threads:
            thread.start()
        is_long = life.mode.get("appendfsync") == "everysec" and self.random.random() < 0.3
        time.sleep(4.5 if is_long else self.random.uniform(0.05, 1))
        died = not self.server.alive()
        for client in self.sqls + [helpers]:
            client.stopping = True
        self.end_server(how)
        for thread in threads:
            thread.join(process.REPLY_SECONDS)
        for conn in conns:
            conn.close()
        if died:
            raise Failure("the server died by itself, with code %s" % self.server.process.poll())
        if problems:
            raise problems[0]

    def end_server(self, how):
        if how == "kill":
            self.server.kill()
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
        moments = choose_moments(records, disk.top, self.options.cuts, self.random)
        longest, next_start, count = longest_sync(records), self.random.randrange(len(moments)), 0
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
                error, at, describe(self.records, at), seed, told)) from error

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
                if there is None or (bytes(there.now()) != content and not has_open_calls(there)):
                    raise disk_image.LogError("%s is not what the log says" % path)
        if [path for path in found if not path.endswith("-shm")]:
            raise disk_image.LogError("the log has files that are not there: %r" % sorted(found))

    def go_on(self, path, found, has_database):
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
            shutil.rmtree(self.fast)

    def keep(self):
        """Puts together what --again needs."""
        if not hasattr(self, "failed"):
            return self.top
        kept = os.path.join(self.top, "failed")
        os.mkdir(kept)
        for name in ("start", "pristine", "disk"):
            shutil.copytree(os.path.join(self.fast, name), os.path.join(kept, name))
        with open(self.trace, "rb") as trace, open(os.path.join(kept, "trace"), "wb") as out:
            end = disk_image.HEAD.unpack(trace.read(disk_image.HEAD.size))[0]
            trace.seek(0)
            out.write(trace.read(end))
        with open(os.path.join(kept, "known"), "wb") as out:
            pickle.dump(self.failed, out)
        return kept


def has_open_calls(file):
    """Calls that the kill found under way may have done something."""
    return any(call.ended is None for call in file.pending)


def longest_sync(records):
    began, longest = {}, 0
    for when, is_end, call in records:
        if call.what == disk_image.SYNC:
            if is_end:
                longest = max(longest, when - began.get(id(call), when))
            else:
                began[id(call)] = when
    return longest


def describe(records, at):
    if at >= len(records):
        return "the end of the log"
    when, is_end, call = records[at]
    return "%.3f s after the first: the %s of %s%s" % (
        (when - records[0][0]) / 1e9, "end" if is_end else "beginning", disk_image.NAMES[call.what],
        " " + " ".join(call.paths()) if call.paths() and call.what != disk_image.WRITE else "")


def choose_moments(records, top, count, rng):
    """Places of the log, in order: what happens seldom has as many as what happens often."""
    kinds, names = {}, {}
    for at, (_, is_end, call) in enumerate(records):
        if call.what in (disk_image.OPEN, disk_image.MKDIR):
            path = os.path.relpath(call.paths()[0], top)
            kind = re.sub(r"[0-9]+", "N", path)
            if is_end:
                names[call.number] = kind
        elif call.what in (disk_image.RENAME, disk_image.LINK, disk_image.UNLINK, disk_image.RMDIR):
            kind = re.sub(r"[0-9]+", "N", os.path.relpath(call.paths()[0], top))
        else:
            kind = names.get(call.number, "")
        kinds.setdefault((call.what, is_end, kind), []).append(at)
    kinds = [kinds[key] for key in sorted(kinds)]
    chosen = {len(records)} | {rng.randrange(len(records)) for _ in range(count // 4)}
    while len(chosen) < min(count, len(records)):
        # Before the record, or right after it.
        chosen.add(min(rng.choice(rng.choice(kinds)) + rng.randrange(2), len(records)))
    return sorted(chosen)


# ---- the program ----

def again(options):
    """Makes the disk of a kept failure once more and judges it."""
    with open(os.path.join(options.again, "known"), "rb") as file:
        known = pickle.load(file)
    work = tempfile.mkdtemp(prefix="rubellite-power-")
    records = disk_image.read_log(os.path.join(options.again, "trace"))
    disk = disk_image.Disk(known["top"], os.path.join(options.again, "start"))
    disk.know(known["numbers"])
    disk.advance(records, known["at"])
    path = os.path.join(work, "disk")
    os.mkdir(path)
    rng = random.Random(known["seed"])
    print("the cut: before record %d, %s" % (known["at"], describe(records, known["at"])))
    print("the disk: %s" % disk.image(path, rng))
    judge = Judge(options.ours, os.path.join(os.path.dirname(options.ours), "rubellite"), work)
    try:
        judge.judge(path, known["knowledge"], known["when"], known["longest"], rng)
    except (Failure, process.StartError, process.Gone, history.Unexpected) as error:
        print("FAILED: %s\n%s\nthe disk is in %s" % (error, judge.server.log() if judge.server else "", path))
        return 1
    shutil.rmtree(work)
    print("passed")
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=process.long_rounds(20))
    parser.add_argument("--disks", type=int, default=20, help="disks of each round")
    parser.add_argument("--cuts", type=int, default=20, help="moments of each round")
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    parser.add_argument("--recorder", default=os.environ.get("RUBELLITE_RECORDER"),
                        help="the library made of recorder.c (default: RUBELLITE_RECORDER)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep what --again needs of a disk that fails")
    parser.add_argument("--again", metavar="DIR", help="check the disk of a kept failure once more")
    options = parser.parse_args()
    options.ours = os.path.abspath(process.find_server(options.ours))
    if not options.again and not options.recorder:
        parser.error("say where recorder.so is: --recorder PATH or RUBELLITE_RECORDER")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    return options


def main():
    options = parse()
    if options.again:
        return again(options)
    print("power_cut: %d rounds, seed %d" % (options.rounds, options.seed), flush=True)
    rounds, began, number = Rounds(options), time.monotonic(), 0
    try:
        for number in range(1, options.rounds + 1):
            print("round %3d: %s" % (number, rounds.run()), flush=True)
    except (Failure, history.Unexpected, disk_image.LogError, process.StartError,
            process.Gone) as error:
        process.report("power_cut: FAILED in round %d, seed %d: %s" % (number, options.seed, error))
        for server in (rounds.server, rounds.judge.server):
            if server:
                print("---- the log of %s ends with ----\n%s" % (server.log_path, server.log()))
        print("kept: %s" % rounds.keep() if options.keep else "--keep keeps what is needed to look closer")
        rounds.end(options.keep)
        return 1
    except BaseException:
        rounds.end(False)
        raise
    rounds.end(False)
    process.report("power_cut: %d rounds in %.0f s, seed %d: %d operations answered; %d disks, and %d backups on "
                   "them, are as promised" % (options.rounds, time.monotonic() - began, options.seed,
                                              rounds.answered, rounds.judge.checked, rounds.judge.backups))
    return 0


if __name__ == "__main__":
    sys.exit(main())
