#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets calls of a server under load fail, at moments and in ways that a seed decides.

    tests/crash/fault_points.py --ours PATH [--rounds N] [--seed N]

In each round the disk breaks several times: the n-th write, sync, open, rename, unlink or read of
some of the files fails, or half of a write is done (faultio.c), once, a few times or until the disk
is well. Meanwhile clients write and read, and backups are asked for. What must hold is what
fulldisk.py says: writes are answered with OK or -MISCONF, reads go on, once the disk is well writes
work again, and after a kill (also on the broken disk), a stop, and the next start nothing that was
answered is missing and no MULTI is torn. A start on a broken disk may be refused, with a reason; a
backup that has its name is whole.
"""

import argparse
import collections
import errno
import os
import random
import sqlite3
import sys
import threading
import time

import fulldisk
import process
from fulldisk import Failure

ERRORS = {  # of each kind of call: what it fails with
    "write": (errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "sync": (errno.EIO, errno.ENOSPC),
    "open": (errno.EMFILE, errno.EACCES, errno.ENOSPC, errno.EIO),
    "rename": (errno.EIO, errno.ENOSPC),
    "unlink": (errno.EIO, errno.EROFS),
    "read": (errno.EIO,),
    "shorten": (1,),
}
PLACES = (b"", b"/journal/", b"data.db", b"-wal", b"/backups/")
STRIKE_SECONDS = 0.4  # so long a fault may wait for its call; there may be none


class Disk(fulldisk.FailingCalls):
    """Breaks in another way each time."""

    def __init__(self, rng):
        super().__init__("write", 0, refuses=False)
        self.random = rng
        self.struck_by_kind = collections.Counter()

    def break_disk(self):
        self.what = self.random.choice(list(ERRORS))
        self.error = self.random.choice(ERRORS[self.what])
        self.match = self.random.choice(PLACES)
        self.times = self.random.choice((1, 1, 3, -1))
        self.after = self.random.choice((0, 0, 1, 3, 10, 50))
        self.fault().failed = 0
        super().break_disk()

    def heal(self):
        super().heal()
        if self.fault().failed:
            self.struck_by_kind[self.what] += 1
            self.fault().failed = 0

    def tell(self):
        return "%s %s of %s, %s times after %d" % (
            self.what, errno.errorcode.get(self.error), self.match.decode() or "all", self.times, self.after)


class Round(fulldisk.Run):
    def __init__(self, options, rng):
        self.random = rng
        super().__init__(options, {
            "appendfsync": rng.choice(("always", "always", "everysec", "no")),
            "journal-segment-size": rng.choice(("64kb", "1mb")),
            "fold-interval": rng.choice(("1", "20", "100")),
            "checkpoint-interval": rng.choice(("20", "1000")),
            "journal-keep": rng.choice(("folded", "folded", "backup")),
            "backup-interval": rng.choice(("0", "1")),
        }, Disk(rng))
        self.told = []

    def break_for_a_while(self):
        self.disk.break_disk()
        self.told.append(self.disk.tell())
        end = time.monotonic() + STRIKE_SECONDS
        while time.monotonic() < end and not self.disk.struck():
            self.check_clients()
            time.sleep(0.002)
        reads = self.reader.reads
        self.wait_for("reads go on", lambda: self.reader.reads > reads + 5)

    def ask_for_backups(self):
        try:
            conn = self.server.connect()
            while True:
                conn.call("BGSAVE")
                time.sleep(0.05)
        except process.Gone:
            pass

    def run(self):
        self.begin()
        self.run_clients()
        threading.Thread(target=self.ask_for_backups).start()
        self.wait_for_writes("writes work at first")
        for _ in range(self.random.randrange(1, 5)):
            self.break_for_a_while()
            self.disk.heal()
            self.wait_for_writes("writes work again after %s" % self.told[-1])
        how = self.random.choice(("kill", "kill on the broken disk", "stop", "stop on the broken disk"))
        if "broken" in how:
            self.break_for_a_while()
        if how.startswith("kill"):
            self.kill()
        else:
            self.server.stop()
            self.stop_clients()
        if "broken" in how and self.random.random() < 0.7:
            self.start_broken()
        self.disk.heal()
        self.check()
        self.check_backups()
        return how

    def start_broken(self):
        try:
            self.start()
        except process.StartError:
            if "Cannot start" not in self.server.log():
                raise Failure("no reason is given for not starting") from None
            return
        conn = self.server.connect()
        for writer in self.writers:
            writer.check(conn)
        conn.close()
        self.server.kill()

    def check_backups(self):
        folder = os.path.join(self.data, "backups")
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if not name.startswith("data-"):
                continue
            db = sqlite3.connect("file:%s?immutable=1" % os.path.join(folder, name), uri=True)
            found = db.execute("PRAGMA integrity_check").fetchall()
            torn = db.execute("SELECT count(*) FROM strings AS a LEFT JOIN strings AS b ON b.key = "
                              "replace(a.key, ':a:', ':b:') WHERE a.key LIKE '%:a:%' AND a.value IS NOT b.value"
                              ).fetchone()[0]
            db.close()
            if found != [("ok",)] or torn:
                raise Failure("the backup %s: %r, %d torn" % (name, found[:5], torn))


def run_round(options, number, rng, struck):
    run, passed = Round(options, rng), False
    try:
        how = run.run()
        struck += run.disk.struck_by_kind
        passed = True
        print("round %3d: %-8s %-23s %5d answered, %4d refused: %s" % (
            number, run.directives["appendfsync"], how, sum(w.accepted for w in run.writers),
            sum(w.refused for w in run.writers), "; ".join(run.told)), flush=True)
    except (Failure, process.StartError, process.Gone) as error:
        process.report("fault_points: FAILED in round %d, seed %d: %s" % (number, options.seed, error))
        print("%r\n%s" % (run.directives, "\n".join(run.told)))
        if run.server:
            print("---- the server's log ends with ----\n%s" % run.server.log(), flush=True)
    finally:
        run.end(keep=not passed)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=process.long_rounds(20))
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    process.add_library(parser, "faultio")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    options.ours = process.find_server(options.ours)
    options.faultio = process.find_library(options, "faultio")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    print("fault_points: %d rounds, seed %d" % (options.rounds, options.seed), flush=True)
    rng, began, struck = random.Random(options.seed), time.monotonic(), collections.Counter()
    for number in range(1, options.rounds + 1):
        if not run_round(options, number, random.Random(rng.random()), struck):
            return 1
    process.report("fault_points: %d rounds in %.0f s, seed %d; faults that struck: %s" % (
        options.rounds, time.monotonic() - began, options.seed,
        ", ".join("%s %d" % pair for pair in sorted(struck.items()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
