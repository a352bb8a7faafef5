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

import random
import sys

import crash
import process
from crash import Failure

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


class Writer:
    """Follows what it was answered, over all rounds."""

    def __init__(self, number, rng):
        self.number, self.random = number, rng
        self.units = self.plain_keys = self.plain_rows = 0  # answered
        self.pending = {}  # of these, how many were sent and not answered
        self.stopping = False  # the server may cancel what it has not begun

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
        if self.stopping and got[0] == "-" and got[1].startswith(b"SQLCANCELED "):
            raise process.Gone("the server stops")
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


def make_tables(server):
    conn = server.connect()
    replies = [conn.call("SQL", SCHEMA)]
    replies += [conn.call("SQL", "INSERT OR IGNORE INTO total(writer) VALUES (?)", w)
                for w in range(WRITERS)]
    conn.close()
    if any(reply[0] == "-" for reply in replies):
        raise Failure("the tables cannot be made: %r" % replies)


def check_rows(db):
    """What holds in data.db at every moment, and in every backup; db is a connection of sqlite3."""
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'total'").fetchall():
        return
    halves = db.execute(
        "SELECT count(*) FROM total AS t WHERE n <> ifnull((SELECT value FROM strings "
        "WHERE key = 'last:' || writer), 0) OR n <> (SELECT count(*) FROM log AS l WHERE "
        "l.writer = t.writer)").fetchall()
    if halves != [(0,)]:
        raise Failure("half a transaction is in the tables of the killed server")


class Rounds(crash.Rounds):
    """Rounds with transactions of keys and rows only."""

    default_rounds = 10
    promise = "every transaction whole; none answered lost"

    def wipe(self):
        super().wipe()
        self.writers = [Writer(w, random.Random(self.random.random())) for w in range(WRITERS)]

    def clients(self):
        return [(w, self.server.connect()) for w in self.writers]

    def run(self):
        mode = dict(self.random.choice(MODES), **{
            "fold-interval": self.random.choice(["1", "50", "1000"]),
            "journal-segment-size": self.random.choice(["64kb", "1mb"])})
        self.server = process.Server(self.binary, self.data, self.log_path, mode).start()
        make_tables(self.server)
        before = sum(w.units for w in self.writers)
        self.write_until(crash.Rounds.kill)
        answered = sum(w.units for w in self.writers) - before
        self.operations += answered
        self.check_file()
        how = "kill"
        if self.random.random() < 0.3:
            how = "kill in start"
            self.interrupt_start()
        self.ends[how] += 1
        self.server.start()
        conn = self.server.connect()
        for writer in self.writers:
            writer.check(conn, mode.get("appendonly") != "no")
        conn.close()
        self.server.kill()
        return "%-13s %-8s %4d transactions answered, %d there" % (
            how, mode.get("appendfsync", "none"), answered, sum(w.units for w in self.writers))

    def read_rows(self, db):
        check_rows(db)


if __name__ == "__main__":
    sys.exit(crash.main(__doc__, "sql_atomic", Rounds))
