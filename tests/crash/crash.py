#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills the server with SIGKILL at random moments under concurrent writers and checks what is left.

    tests/crash/crash.py --rounds 100 --ours PATH [--seed N] [--keep]

Every round writers send operations, one by one and pipelined, and remember what was answered.
Then the server is killed: under load, during its next start (while it replays its journal), or
during a clean stop. What must hold afterwards:

  - each writer's database is exactly its state after some operation that is not before the last
    answered one, so nothing answered is lost and no MULTI, MSET or command is torn (with
    `appendonly no` it may be an earlier one of the round, for that mode promises no more);
  - a counter that all writers add to in their transactions is the sum of those that survived;
  - a copy of data.db passes SQLite's integrity check, and once the server has started again its
    tables hold just what memory holds.

Rounds go on with the directory of the round before, mostly, so that journals accumulate.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time

import history
import process

WRITERS = 5
MODES = [  # directives, whether answered writes survive a kill
    ({"appendonly": "yes", "appendfsync": "always"}, True),
    ({"appendonly": "yes", "appendfsync": "always"}, True),
    ({"appendonly": "yes", "appendfsync": "everysec"}, True),
    ({"appendonly": "yes", "appendfsync": "everysec"}, True),
    ({"appendonly": "yes", "appendfsync": "no"}, True),
    ({"appendonly": "no"}, False),
]


class Failure(Exception):
    """Something that must hold does not."""


def run_clients(server, clients, seconds, end):
    """Runs clients, (function, its connection), each in a thread of its own, and calls end() after so
    long, which has to end the server; each function has to return then. The connections are closed.
    Raises Failure when the server died before or a client is stuck, and what a client raised."""
    problems = []

    def body(run, conn):
        try:
            run(conn)
        except Exception as error:  # raised again below
            problems.append(error)

    threads = [threading.Thread(target=body, args=client) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    died = not server.alive()
    end()
    for thread in threads:
        thread.join(process.REPLY_SECONDS)
    for _, conn in clients:
        conn.close()
    if died:
        raise Failure("the server died by itself, with code %s" % server.process.poll())
    if problems:
        raise problems[0]
    if any(t.is_alive() for t in threads):
        raise Failure("a writer is stuck")


class Rounds:
    """The state that goes on from round to round."""

    writer = history.Writer
    default_rounds = 100
    write_seconds = (0.02, 0.5)  # from … to, before the end of a round begins
    promise = "no answered operation lost but where `appendonly no` allows it, none torn"

    @staticmethod
    def add_options(parser):
        """Options of this kind of rounds only."""

    @staticmethod
    def more_arguments(options):
        """Those options again, as they were given."""
        return [" --plain"] if options.plain else []

    @staticmethod
    def rounds_of(count):
        """What --rounds is by default when ROUNDS says so much."""
        return count

    def __init__(self, options):
        self.binary = options.ours
        self.ours = not options.plain
        self.random = random.Random(options.seed)
        self.top = tempfile.mkdtemp(prefix="rubellite-crash-")
        self.log_path = os.path.join(self.top, "log")
        self.server = None
        self.operations = 0
        self.ends = collections.Counter()  # how rounds ended
        self.wipe()

    def turns(self, count):
        """So many rounds: of each, what it was and how it went."""
        for _ in range(count):
            yield self.run()
            if self.random.random() < 0.1:
                self.wipe()

    def summary(self):
        """Lines for the end."""
        return ["%d operations answered: %s" % (self.operations, self.promise),
                "rounds by how they ended: " + counted(self.ends)]

    def wipe(self):
        self.data = os.path.join(self.top, "data")
        shutil.rmtree(self.data, ignore_errors=True)
        os.mkdir(self.data)
        self.writers = [self.writer(db, random.Random(self.random.random()))
                        for db in range(WRITERS)]

    # ---- one round ----

    def directives(self):
        mode, keeps = self.random.choice(MODES if self.ours else MODES[:4])
        out = dict(mode)
        if self.ours:
            out["fold-interval"] = self.random.choice(["1", "20", "300", "1000"])
            out["journal-segment-size"] = self.random.choice(["64kb", "1mb", "16mb"])
        else:
            out["save"] = ""
        return out, keeps

    def run(self):
        """Returns a line that says what happened."""
        directives, keeps = self.directives()
        how = self.random.choices(list(ENDS), [weight for _, weight in ENDS.values()])[0]
        self.ends[how] += 1
        keeps = keeps or how == "stop"
        with open(self.log_path, "ab") as log:
            log.write(b"---- %s, %r\n" % (how.encode(), directives))
        self.server = process.Server(self.binary, self.data, self.log_path, directives).start()
        before = sum(w.answered for w in self.writers)
        for writer in self.writers:
            writer.begin(remember=not keeps)
        self.write_until(ENDS[how][0])
        answered = sum(w.answered for w in self.writers) - before
        self.operations += answered
        rows = self.check_file()
        if how == "kill in start":
            self.interrupt_start()
        self.server.start()
        kept, lost = self.check_memory()
        if how == "stop":
            self.compare(rows, "the file after a clean stop")
        self.check_tables()
        self.server.kill()
        return "%-13s %-8s %6d answered, %3d more kept%s" % (
            how, directives.get("appendfsync", "none"), answered, kept,
            ", %d lost" % lost if lost else "")

    def clients(self):
        """Who writes, and on which connection."""
        return [(w, self.server.connect(w.db)) for w in self.writers]

    def write_until(self, end):
        """Runs the writers, and `end` ends the server in their midst."""
        clients = [(writer.run, conn) for writer, conn in self.clients()]
        run_clients(self.server, clients, self.random.uniform(*self.write_seconds), lambda: end(self))

    # ---- ways to end ----

    def kill(self):
        self.server.kill()

    def kill_in_stop(self):
        self.server.terminate()
        time.sleep(self.random.uniform(0, 0.08))
        self.server.kill()

    def stop(self):
        code = self.server.stop()
        if code not in (0, -signal.SIGTERM):
            raise Failure("a clean stop ended with code %d" % code)

    def interrupt_start(self):
        """Starts and kills right away, up to three times: the replay must bear that."""
        for _ in range(self.random.randrange(1, 4)):
            self.server.spawn()
            time.sleep(self.random.uniform(0, 0.15))
            self.server.kill()
            self.check_file()

    # ---- checks ----

    def snapshot(self, db):
        """{key: (value, expiry or None)} without the short-lived keys."""
        conn = self.server.connect(db)
        keys = [k for _, k in conn.call("KEYS", "*")[1] if not k.startswith(b"t:")]
        found = {}
        for key in keys:
            value, expiry = conn.pipeline([("GET", key), ("PEXPIRETIME", key)])
            found[key] = (value[1], int(expiry[1]) if expiry[1] != b"-1" else None)
        conn.close()
        return found

    def read_rows(self, db):
        return read_rows(db)

    def check_memory(self):
        kept = lost = 0
        for writer in self.writers:
            more = writer.settle(self.snapshot(writer.db))
            kept, lost = kept + more[0], lost + more[1]
        conn = self.server.connect(history.SHARED_DB)
        found = int(conn.call("GET", "total")[1] or 0)
        conn.close()
        total = sum(w.shared for w in self.writers)
        if found != total:
            raise Failure("the shared counter is %d, but %d transactions survived" % (found, total))
        return kept, lost

    def check_file(self):
        """The file of a server that is down, with what SQLite needs beside it, copied. Returns its
        rows."""
        if not self.ours:
            return None
        copy = os.path.join(self.top, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for name in ("data.db", "data.db-wal"):
            path = os.path.join(self.data, name)
            if os.path.exists(path):
                shutil.copy(path, copy)
        db = sqlite3.connect(os.path.join(copy, "data.db"))
        try:
            found = db.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)]:
                raise Failure("integrity_check: %r" % found[:5])
            return self.read_rows(db)
        finally:
            db.close()

    def check_tables(self):
        """What sqlite3 reads while the server runs is what the server answers."""
        if self.ours:
            db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.data, "data.db"), uri=True)
            try:
                self.compare(self.read_rows(db), "the tables of the running server")
            finally:
                db.close()

    def compare(self, rows, what):
        for writer in self.writers if rows is not None else ():
            found = rows.get(writer.db, {})
            if not history.matches(writer.state, found):
                raise Failure("%s differ from memory in database %d:\n%s" % (
                    what, writer.db, history.differences(writer.state, found)))

    def end(self, keep):
        if self.server is not None:
            self.server.kill()
        if keep:
            print("the directory is kept: %s" % self.top)
        else:
            shutil.rmtree(self.top)


ENDS = {  # what a round ends with: by what function, how often
    "kill": (Rounds.kill, 5),
    "kill in start": (Rounds.kill, 3),
    "kill in stop": (Rounds.kill_in_stop, 2),
    "stop": (Rounds.stop, 1),
}


def as_bytes(value):
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def read_rows(db):
    """{database: {key: (value, expiry)}}; none while the tables are not made yet."""
    rows = {}
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'strings'").fetchall():
        return rows
    for number, key, value, expiry in db.execute(
            "SELECT database, key, value, expires_at FROM strings"):
        if not as_bytes(key).startswith(b"t:"):
            rows.setdefault(number, {})[as_bytes(key)] = (as_bytes(value), expiry)
    return rows


def counted(counter):
    return ", ".join("%s %d" % pair for pair in sorted(counter.items()))


def options_of(description, kind):
    parser = argparse.ArgumentParser(description=description.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int,
                        default=kind.rounds_of(int(os.environ.get("ROUNDS") or kind.default_rounds)))
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    parser.add_argument("--plain", action="store_true",
                        help="the server is redis-server: only what clients see is checked")
    parser.add_argument("--seed", type=int, default=None, help="default: a random one")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    kind.add_options(parser)
    options = parser.parse_args()
    options.ours = process.find_server(options.ours)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    return options


def main(description=__doc__, name="crash", kind=Rounds):
    """Runs the rounds of a kind; another script has its own kind."""
    options = options_of(description, kind)
    again = "tests/crash/%s.py --rounds %d --seed %d%s" % (
        name, options.rounds, options.seed, "".join(kind.more_arguments(options)))
    print("%s: begins, as %s" % (name, again), flush=True)
    rounds, began, number = kind(options), time.monotonic(), 0
    try:
        for number, line in enumerate(rounds.turns(options.rounds), 1):
            print("round %3d: %s" % (number, line), flush=True)
    except (Failure, history.Unexpected, process.StartError, process.Gone) as error:
        first, _, rest = str(error).partition("\n")
        process.report("%s: FAILED in round %d: %s" % (name, number + 1, first))
        print(rest)
        if not isinstance(error, process.StartError):  # which shows it already
            print("---- the server's log ends with ----\n%s" % rounds.server.log())
        rounds.end(True)
        process.report("%s: to try again (when a kill strikes is up to the machine, not to the seed): "
                       "%s --keep --ours %s" % (name, again, options.ours))
        return 1
    except BaseException:
        process.report("%s: FAILED in round %d, by an error of the test's own" % (name, number + 1))
        rounds.end(True)
        raise
    rounds.end(options.keep)
    process.report("%s: %d rounds in %.0f s, to repeat: %s" % (
        name, number, time.monotonic() - began, again),
        *("%s: %s" % (name, line) for line in rounds.summary()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
