#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SQL on a disk that fails and recovers under a running server.

    tests/crash/sql_faults.py --ours PATH

While the disk fails (faultio.c): queries go on as long as what was answered is in the tables, or say
why not; writes and transactions with SQL answer MISCONF. A transaction that waits when the disk
begins to fail is told so, stays queued as a whole, and is there as a whole once the disk is well. In
the end the server is killed: both halves of everything are there, or neither.
"""

import argparse
import errno
import os
import shutil
import sys
import tempfile
import time

import fulldisk
import process

INSERT = ("SQL", "INSERT INTO t(b) VALUES (?)", "x")
COUNT = ("SQL", "SELECT count(*) FROM t")
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


class Place:
    """A server on a disk that can be broken; what FailingCalls prepares."""

    def __init__(self, options, directives, disk):
        self.binary, self.faultio, self.disk = options.ours, options.faultio, disk
        self.top = tempfile.mkdtemp(prefix="rubellite-sql-faults-")
        self.data = os.path.join(self.top, "data")
        os.mkdir(self.data)
        self.environment = None
        disk.prepare(self)
        self.server = process.Server(self.binary, self.data, os.path.join(self.top, "log"),
                                     directives, self.environment).start()
        self.conn = self.server.connect()

    def ask(self, *command):
        return self.conn.call(*command)

    def expect(self, want, *command):
        got = self.ask(*command)
        if got != want:
            raise fulldisk.Failure("%r answered %r, expected %r" % (command, got, want))

    def expect_error(self, prefix, *command):
        got = self.ask(*command)
        if got[0] != "-" or not got[1].startswith(prefix):
            raise fulldisk.Failure("%r answered %r, expected %r" % (command, got, prefix))

    def count(self):
        return int(self.ask(*COUNT)[1][1][1][0][1])

    def wait_for(self, what, condition):
        deadline = time.monotonic() + fulldisk.WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise fulldisk.Failure("in vain: " + what)
            time.sleep(0.005)

    def refused(self):
        got = self.ask("SET", "probe", "x")
        return got[0] == "-" and got[1].startswith(b"MISCONF")

    def works(self):
        return self.ask("SET", "probe", "x") == ("+", b"OK")

    def info(self, field):
        for line in self.ask("INFO", "everything")[1].split(b"\r\n"):
            if line.startswith(field + b":"):
                return int(line.split(b":")[1])
        raise fulldisk.Failure("INFO has no %r" % field)

    def end(self):
        self.server.kill()
        self.disk.end()
        shutil.rmtree(self.top)


def begin(place):
    place.expect((":", b"0"), "SQL", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    place.expect((":", b"1"), *INSERT)
    place.expect(("+", b"OK"), "SET", "k", "1")
    if place.count() != 1:
        raise fulldisk.Failure("the first row is missing")


def refuse_and_go_on(place):
    """Nothing waits when it begins."""
    begin(place)
    place.disk.break_disk()
    place.wait_for("writes are refused", place.refused)
    for _ in range(3):
        place.expect_error(b"MISCONF", *INSERT)
        place.ask("MULTI")
        queued = place.ask("SET", "k", "2")
        place.ask(*INSERT)
        got = place.ask("EXEC")
        if got[0] != "-" or not got[1].startswith(b"EXECABORT"):
            raise fulldisk.Failure("EXEC answered %r after %r" % (got, queued))
        got = place.ask(*COUNT)
        # When syncs fail the tables may have what nobody may be told yet.
        told = place.disk.what == "write" or not (got[0] == "-" and got[1].startswith(b"MISCONF"))
        if told and got[1][1][1] != [(":", b"1")]:
            raise fulldisk.Failure("a query answered %r" % (got,))
        place.expect(("$", b"1"), "GET", "k")
    place.disk.heal()
    place.wait_for("writes work again", place.works)
    place.expect((":", b"1"), *INSERT)
    if place.count() != 2:
        raise fulldisk.Failure("%d rows" % place.count())


def tell_who_waits(place):
    """A transaction is being run when it begins: its commit fails."""
    begin(place)
    waiting = place.server.connect()
    ident = int(waiting.call("CLIENT", "ID")[1])
    waiting.send(b"".join(process.encode(c) for c in (
        ("MULTI",), ("SET", "k", "2"), INSERT, ("SQL", "TIMEOUT", "300", ENDLESS), ("EXEC",))))
    place.wait_for("it runs", lambda: place.info(b"sql_running") == 1)
    place.disk.break_disk()
    replies = [waiting.read() for _ in range(5)]
    if replies[-1][0] != "-" or not replies[-1][1].startswith(b"MISCONF"):
        raise fulldisk.Failure("EXEC %d answered %r" % (ident, replies[-1]))
    place.wait_for("writes are refused", place.refused)
    place.expect_error(b"MISCONF", *INSERT)
    place.disk.heal()
    place.wait_for("writes work again", place.works)
    place.wait_for("it is committed", lambda: place.info(b"sql_running") == 0)
    place.expect(("$", b"2"), "GET", "k")
    if place.count() != 2:
        raise fulldisk.Failure("%d rows" % place.count())
    waiting.close()
    place.server.kill()
    place.server.start()
    place.conn = place.server.connect()
    place.expect(("$", b"2"), "GET", "k")
    if place.count() != 2:
        raise fulldisk.Failure("%d rows after the restart" % place.count())


def cases():
    for mode in ({"appendfsync": "always"}, {"appendfsync": "everysec"}):
        for what, error in (("write", errno.ENOSPC), ("sync", errno.EIO)):
            for body in (refuse_and_go_on, tell_who_waits):
                if what == "sync" and mode["appendfsync"] == "everysec":
                    continue  # writes are answered before a sync is tried
                yield "%s %s %s" % (body.__name__, what, mode["appendfsync"]), mode, \
                    fulldisk.FailingCalls(what, error), body


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    process.add_library(parser, "faultio")
    options = parser.parse_args()
    options.ours = process.find_server(options.ours)
    options.faultio = process.find_library(options, "faultio")
    passed = failed = 0
    for name, directives, disk, body in cases():
        place = Place(options, directives, disk)
        try:
            body(place)
            passed += 1
            print("%-36s passed" % name, flush=True)
        except (fulldisk.Failure, process.StartError, process.Gone) as error:
            failed += 1
            print("%-36s FAILED: %s\n%s" % (name, error, place.server.log()), flush=True)
        finally:
            place.end()
    process.report("sql_faults: %d cases passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
