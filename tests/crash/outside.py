#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Other programs read data.db while the server is under full write load.

    tests/crash/outside.py [--seconds N] [--ours PATH]        N: 20, or what SECONDS_OUTSIDE says

Writers count: in one MULTI each sets its next key and its counter. Meanwhile, all the time,

  - a poller opens data.db and looks: a counter never goes back, the key it names is there and the
    next one is not: what is seen is a prefix of the history;
  - an outside backup copies the file and checks the copy, in the same way and with quick_check;
  - SQL queries of clients run, short ones and endless ones that the server ends;
  - and in the middle third a long reader, a process of its own, holds one old state: INFO has to name
    it (pid, seconds, bytes), and when it has gone data.db-wal must come down again.

At the end the server is stopped, and the file has to be whole and to hold all that was answered.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import process

WRITERS = 2
KEYS = 20000  # a writer's keys, written again and again
CHECKPOINT_WAL = 8 << 20
WAL_BOUND = 10 * CHECKPOINT_WAL  # the server lets it grow to the size of data.db, at most 8 times this
# What a pin made it grow to is cut to this when it next begins anew (journal_size_limit); to nothing
# only when there are no writes.
KEPT_BOUND = (128 << 20) + WAL_BOUND

LONG_READER = """
import sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True, isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM rl_key").fetchall()
print("holding", flush=True)
sys.stdin.read()
"""

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Failure(Exception):
    """Something that must hold does not."""


def check(holds, what):
    if not holds:
        raise Failure(what)


def counters(db):
    """What a connection sees of each writer: its counter, checked to be the end of a prefix."""
    seen = []
    for writer in range(WRITERS):
        row = db.execute("SELECT value FROM strings WHERE key = ?", ("count:%d" % writer,)).fetchone()
        count = int(row[0]) if row else 0
        newest = {}
        for number in (count, count + 1):
            row = db.execute("SELECT value FROM strings WHERE key = ?",
                             ("w:%d:%d" % (writer, number % KEYS),)).fetchone()
            newest[number] = int(row[0]) if row else 0
        check(count == 0 or newest[count] == count,
              "writer %d: its counter says %d, the key of that number %d" % (writer, count, newest[count]))
        check(newest[count + 1] <= count, "writer %d: key %d is there, the counter says %d" % (
            writer, newest[count + 1], count))
        seen.append(count)
    return seen


class Play:
    """The server and everything around it."""

    def __init__(self, options):
        self.seconds = options.seconds
        self.top = tempfile.mkdtemp(prefix="rubellite-outside-")
        self.data = os.path.join(self.top, "data")
        os.mkdir(self.data)
        self.path = os.path.join(self.data, "data.db")
        self.server = process.Server(options.ours, self.data, os.path.join(self.top, "log"), {
            "checkpoint-interval": "500", "checkpoint-wal-size": str(CHECKPOINT_WAL),
            "backup-interval": "0", "sql-timeout": "1500"})
        self.stop = threading.Event()
        self.failure = None
        self.answered = [0] * WRITERS
        self.numbers = {"polls": 0, "outside backups": 0, "queries": 0, "queries ended by the server": 0}
        self.slowest_ms = 0.0

    def thread(self, target, *args):
        def run():
            try:
                target(*args)
            except Exception as error:  # of whatever kind: it fails the test
                self.failure = self.failure or "%s: %r" % (target.__name__, error)
                self.stop.set()
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def write(self, writer):
        conn = self.server.connect()
        number = 0
        while not self.stop.is_set():
            commands = []
            for _ in range(50):
                number += 1
                commands += [("MULTI",), ("SET", "w:%d:%d" % (writer, number % KEYS), number),
                             ("SET", "count:%d" % writer, number), ("EXEC",)]
            for reply in conn.pipeline(commands):
                check(reply[0] != "-", "a write was answered %r" % (reply,))
            self.answered[writer] = number
        conn.close()

    def get(self):
        """Asks, one by one, and keeps the slowest answer."""
        conn = self.server.connect()
        while not self.stop.wait(0.001):
            began = time.monotonic()
            conn.call("GET", "count:0")
            self.slowest_ms = max(self.slowest_ms, 1000 * (time.monotonic() - began))
        conn.close()

    def poll(self):
        last = [0] * WRITERS
        while not self.stop.is_set():
            db = sqlite3.connect("file:%s?mode=ro" % self.path, uri=True, isolation_level=None)
            db.execute("BEGIN")
            now = counters(db)
            db.close()
            check(all(a <= b for a, b in zip(last, now)), "a counter went back: %r, then %r" % (last, now))
            last = now
            self.numbers["polls"] += 1

    def backup(self):
        copy = os.path.join(self.top, "copy.db")
        while not self.stop.is_set():
            source = sqlite3.connect("file:%s?mode=ro" % self.path, uri=True)
            target = sqlite3.connect(copy)
            source.backup(target)
            source.close()
            check(target.execute("PRAGMA quick_check").fetchall() == [("ok",)], "a copy is damaged")
            counters(target)
            target.close()
            os.unlink(copy)
            self.numbers["outside backups"] += 1

    def query(self):
        conn = self.server.connect()
        while not self.stop.wait(0.02):
            before = self.answered[0]
            rows = conn.call("SQL", "SELECT value FROM strings WHERE key = ?", "count:0")
            check(rows[0] == "*" and (before == 0 or int(rows[1][1][1][0][1]) >= before),
                  "a query does not see what was answered before it: %d, %r" % (before, rows))
            self.numbers["queries"] += 1
        conn.close()

    def query_endless(self):
        conn = self.server.connect()
        while not self.stop.is_set():
            reply = conn.call("SQL", "TIMEOUT", 300, ENDLESS)
            check(reply[0] == "-" and reply[1].startswith(b"SQLTIMEOUT"), "an endless query: %r" % (reply,))
            self.numbers["queries ended by the server"] += 1
        conn.close()

    def info(self):
        text = self.control.call("INFO", "persistence")[1].decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def wal_bytes(self):
        try:
            return os.stat(self.path + "-wal").st_size
        except FileNotFoundError:
            return 0

    def watch(self, seconds, until=None):
        """The largest WAL in this time, or until something holds; fails when it never does."""
        largest, deadline = 0, time.monotonic() + seconds
        while not self.stop.is_set():
            largest = max(largest, self.wal_bytes())
            if until and until():
                return largest
            if time.monotonic() > deadline:
                check(until is None, "waited %d s in vain for %s: %r" % (
                    seconds, until and until.__name__, {k: v for k, v in self.info().items() if "wal" in k}))
                return largest
            time.sleep(0.05)
        raise Failure(self.failure)

    def hold(self, seconds):
        """The middle third: a process holds an old state."""
        reader = subprocess.Popen([sys.executable, "-c", LONG_READER, self.path],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def named():
            info = self.info()
            return ("pid %d" % reader.pid in info["wal_pinned_by"] or str(reader.pid) in info["wal_pinned_by"]) \
                and int(info["wal_pinned_seconds"]) > 0 and int(info["wal_pinned_bytes"]) > 0

        def forgotten():
            return str(reader.pid) not in self.info()["wal_pinned_by"]

        def small_again():
            return self.wal_bytes() <= KEPT_BOUND and int(self.info()["checkpoint_wal_bytes"]) <= WAL_BOUND

        try:
            reader.stdout.readline()
            began = time.monotonic()
            self.watch(60, named)
            self.named_s = time.monotonic() - began
            largest = self.watch(seconds)
            self.pinned = dict(self.info())
        finally:
            reader.stdin.close()
            reader.wait()
            reader.stdout.close()
        self.watch(60, forgotten)
        self.watch(60, small_again)
        return largest

    def run(self):
        self.server.start()
        self.control = self.server.connect()
        threads = [self.thread(self.write, n) for n in range(WRITERS)]
        threads += [self.thread(t) for t in (self.get, self.poll, self.backup, self.query, self.query_endless)]
        third = self.seconds / 3
        try:
            before = self.watch(third)
            during = self.hold(third)
            after = self.watch(third)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        check(self.failure is None, self.failure)
        check(before <= WAL_BOUND and after <= KEPT_BOUND,
              "data.db-wal had %d bytes before and %d after the long reader" % (before, after))
        check(self.server.stop() == 0, "the server did not end well")
        self.check_file()
        self.report(before, during, after)

    def check_file(self):
        db = sqlite3.connect(self.path)
        check(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "data.db is damaged")
        for count, answered in zip(counters(db), self.answered):
            check(count >= answered, "answered up to %d, kept up to %d" % (answered, count))
        db.close()

    def report(self, before, during, after):
        process.report("outside: %d s, %d writes a second answered, slowest GET %.1f ms" % (
            self.seconds, 2 * sum(self.answered) / self.seconds, self.slowest_ms))
        process.report("outside: " + ", ".join("%d %s" % (count, name) for name, count in self.numbers.items()))
        print("outside: data.db-wal at most %.1f MB before, %.1f MB while pinned, %.1f MB after; data.db %.1f MB" % (
            before / 1e6, during / 1e6, after / 1e6, os.stat(self.path).st_size / 1e6))
        print("outside: the long reader was named after %.1f s: %s, %s s, %s bytes" % (
            self.named_s, self.pinned["wal_pinned_by"], self.pinned["wal_pinned_seconds"],
            self.pinned["wal_pinned_bytes"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("SECONDS_OUTSIDE") or 20))
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    options = parser.parse_args()
    options.ours = process.find_server(options.ours)
    play = Play(options)
    try:
        play.run()
    except (Failure, process.StartError, process.Gone) as error:
        play.stop.set()
        process.report("outside: FAILED: %s" % error)
        print("---- the server's log ends with ----\n%s" % play.server.log())
        return 1
    finally:
        play.server.kill()
        if not options.keep:
            shutil.rmtree(play.top, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
