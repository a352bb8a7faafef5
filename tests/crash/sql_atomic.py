#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills the server with SIGKILL under transactions that have both keys and SQL in them.

    tests/crash/sql_atomic.py --rounds 100 --ours PATH [--seed N] [--keep]

Several writers send MULTI … EXEC with SET, INCR, DEL and SQL INSERT and UPDATE, some of them large,
some with a statement that fails in its place; in between plain INCRs and plain SQL INSERTs. After
each kill and restart, for every writer:

  - keys and rows tell of the same transactions: both of each, or neither;
  - every transaction that was answered is there, and at most the one that was under way besides;
  - what each statement saw of the keys is what its transaction had written before it;
  - plain writes that were answered are there (with `appendonly no`: plain SQL writes only).
"""

import argparse
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

import process

WRITERS = 4
MODES = [
    {"appendfsync": "always"},
    {"appendfsync": "everysec"},
    {"appendfsync": "everysec"},
    {"appendfsync": "no"},
    {"appendonly": "no"},
]
SCHEMA = """
CREATE TABLE IF NOT EXISTS log(writer INTEGER, number INTEGER, seen, payload, PRIMARY KEY(writer, number));
CREATE TABLE IF NOT EXISTS total(writer INTEGER PRIMARY KEY, n INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS plain(writer INTEGER, number INTEGER);
"""


class Failure(Exception):
    """Something that must hold does not."""


class Writer:
    """Follows what it was answered, over all rounds."""

    def __init__(self, number, rng):
        self.number, self.random = number, rng
        self.units = self.plain_keys = self.plain_rows = 0  # answered
        self.pending = {}  # of these, how many were sent and not answered
        self.problem = None

    def unit(self):
        """The commands of the next transaction and what EXEC answers (None: anything)."""
        w, n = self.number, self.units + 1
        payload = "x" * self.random.choice((10, 10, 100, 5000, 200000))
        commands = [("SET", "last:%d" % w, n), ("INCR", "count:%d" % w),
                    ("SQL", "INSERT INTO log SELECT ?, ?, value, ? FROM strings WHERE key = ?", w, n,
                     payload, "count:%d" % w)]
        want = [("+", b"OK"), (":", b"%d" % n), (":", b"1")]
        if self.random.random() < 0.2:
            commands.append(("SQL", "INSERT INTO log(writer, number) VALUES (?, ?)", w, n))
            want.append("-SQLERR")
        commands.append(("SET", "odd:%d" % w, payload) if n % 2 else ("DEL", "odd:%d" % w))
        want.append(("+", b"OK") if n % 2 else None)
        commands.append(("SQL", "UPDATE total SET n = n + 1 WHERE writer = ?", w))
        want.append((":", b"1"))
        if self.random.random() < 0.3:
            commands.append(("GET", "count:%d" % w))
            want.append(("$", b"%d" % n))
        return [("MULTI",)] + commands + [("EXEC",)], want

    def step(self, conn):
        dice = self.random.random()
        if dice < 0.2:
            self.pending = {"plain_keys": 1}
            self.expect(conn.call("INCR", "plain:%d" % self.number), None)
            self.plain_keys += 1
        elif dice < 0.35:
            self.pending = {"plain_rows": 1}
            self.expect(conn.call("SQL", "INSERT INTO plain VALUES (?, ?)", self.number,
                                  self.plain_rows + 1), (":", b"1"))
            self.plain_rows += 1
        else:
            self.pending = {"units": 1}
            commands, want = self.unit()
            conn.send(b"".join(process.encode(c) for c in commands))
            replies = [conn.read() for _ in commands]
            self.expect_exec(replies[-1], want)
            self.units += 1
        self.pending = {}

    def expect(self, got, want):
        if got[0] == "-" or (want and got != want):
            raise Failure("answered %r, expected %r" % (got, want))

    def expect_exec(self, got, want):
        good = got[0] == "*" and len(got[1]) == len(want)
        for one, wanted in zip(got[1], want) if good else ():
            if isinstance(wanted, str):
                good &= one[0] == "-" and one[1].startswith(wanted[1:].encode())
            else:
                good &= wanted is None or one == wanted
        if not good:
            raise Failure("EXEC answered %.300r, expected %.300r" % (got, want))

    def run(self, conn):
        try:
            while True:
                self.step(conn)
        except process.Gone:
            pass
        except Exception as error:  # told by the main thread
            self.problem = error

    # ---- after the restart ----

    def check(self, conn, keeps):
        w = self.number
        last, count, plain, odd = (int(conn.call(*c)[1] or 0) for c in (
            ("GET", "last:%d" % w), ("GET", "count:%d" % w), ("GET", "plain:%d" % w),
            ("EXISTS", "odd:%d" % w)))
        rows = conn.call("SQL", "SELECT count(*), ifnull(max(number), 0), "
                         "count(CASE WHEN number = CAST(seen AS INTEGER) THEN 1 END), "
                         "(SELECT n FROM total WHERE writer = ?1), "
                         "(SELECT count(*) FROM plain WHERE writer = ?1) FROM log WHERE writer = ?1", w)
        numbers = [int(cell[1]) for cell in rows[1][1][1]]
        found = "keys %r, rows %r; answered %d, pending %r" % (
            (last, count, plain, odd), numbers, self.units, self.pending)
        if not last == count == numbers[0] == numbers[1] == numbers[2] == numbers[3]:
            raise Failure("writer %d: half a transaction: %s" % (w, found))
        if odd != last % 2:
            raise Failure("writer %d: SET and DEL do not fit the rest: %s" % (w, found))
        self.settle("units", last, found, True)
        self.settle("plain_keys", plain, found, keeps)
        self.settle("plain_rows", numbers[4], found, True)
        self.pending = {}

    def settle(self, what, found, text, keeps):
        answered = getattr(self, what)
        least = answered if keeps else 0
        if not least <= found <= answered + self.pending.get(what, 0):
            raise Failure("writer %d: %d %s, %d were answered: %s" % (
                self.number, found, what, answered, text))
        setattr(self, what, found)


class Rounds:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.top = tempfile.mkdtemp(prefix="rubellite-sql-")
        self.data = os.path.join(self.top, "data")
        os.mkdir(self.data)
        self.log_path = os.path.join(self.top, "log")
        self.writers = [Writer(w, random.Random(self.random.random())) for w in range(WRITERS)]
        self.server = None

    def prepare(self):
        conn = self.server.connect(0)
        replies = [conn.call("SQL", SCHEMA)]
        replies += [conn.call("SQL", "INSERT OR IGNORE INTO total(writer) VALUES (?)", w)
                    for w in range(WRITERS)]
        conn.close()
        if any(reply[0] == "-" for reply in replies):
            raise Failure("the tables cannot be made: %r" % replies)

    def run(self):
        mode = dict(self.random.choice(MODES), **{
            "fold-interval": self.random.choice(["1", "50", "1000"]),
            "journal-segment-size": self.random.choice(["64kb", "1mb"])})
        self.server = process.Server(self.options.ours, self.data, self.log_path, mode).start()
        self.prepare()
        before = sum(w.units for w in self.writers)
        conns = [self.server.connect(0) for _ in self.writers]
        threads = [threading.Thread(target=w.run, args=(c,)) for w, c in zip(self.writers, conns)]
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.02, 0.4))
        self.server.kill()
        for thread in threads:
            thread.join(process.REPLY_SECONDS)
        for conn in conns:
            conn.close()
        for writer in self.writers:
            if writer.problem:
                raise writer.problem
        answered = sum(w.units for w in self.writers) - before
        self.check_file()
        if self.random.random() < 0.3:  # the replay must bear that
            self.server.spawn()
            time.sleep(self.random.uniform(0, 0.1))
            self.server.kill()
        self.server.start()
        conn = self.server.connect(0)
        for writer in self.writers:
            writer.check(conn, mode.get("appendonly") != "no")
        conn.close()
        self.server.kill()
        return "%s, %d transactions answered, %d there" % (
            mode.get("appendfsync", "none"), answered, sum(w.units for w in self.writers))

    def check_file(self):
        copy = os.path.join(self.top, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for name in ("data.db", "data.db-wal"):
            path = os.path.join(self.data, name)
            if os.path.exists(path):
                shutil.copy(path, copy)
        db = sqlite3.connect(os.path.join(copy, "data.db"))
        found = db.execute("PRAGMA integrity_check").fetchall()
        halves = db.execute(
            "SELECT count(*) FROM total AS t WHERE n <> ifnull((SELECT value FROM strings "
            "WHERE key = 'last:' || writer), 0) OR n <> (SELECT count(*) FROM log AS l WHERE "
            "l.writer = t.writer)").fetchall()
        db.close()
        if found != [("ok",)]:
            raise Failure("integrity_check: %r" % found[:5])
        if halves != [(0,)]:
            raise Failure("the file of the killed server has half a transaction")

    def end(self, keep):
        if self.server is not None:
            self.server.kill()
        if keep:
            print("the directory is kept: %s" % self.top)
        else:
            shutil.rmtree(self.top)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS") or 10))
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    options = parser.parse_args()
    options.ours = process.find_server(options.ours)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    print("sql_atomic: %d rounds, seed %d" % (options.rounds, options.seed), flush=True)
    rounds, began, number = Rounds(options), time.monotonic(), 0
    try:
        for number in range(1, options.rounds + 1):
            print("round %3d: %s" % (number, rounds.run()), flush=True)
    except (Failure, process.StartError, process.Gone) as error:
        print("sql_atomic: FAILED in round %d: %s" % (number, error))
        print("---- the server's log ends with ----\n%s" % rounds.server.log())
        rounds.end(True)
        return 1
    except BaseException:
        rounds.end(True)
        raise
    units = sum(w.units for w in rounds.writers)
    rounds.end(options.keep)
    print("sql_atomic: %d rounds in %.0f s, %d transactions, none torn, none lost" % (
        options.rounds, time.monotonic() - began, units))
    return 0


if __name__ == "__main__":
    sys.exit(main())
