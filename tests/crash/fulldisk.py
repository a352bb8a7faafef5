#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets the disk fill up and fail under a running server.

    tests/crash/fulldisk.py --ours PATH [CASE …]

In each case writers and a reader run while the disk is broken and healed again: a small tmpfs is
filled to the last byte (needs root), or a library in LD_PRELOAD (faultio.c) makes writes and
syncs fail. Meanwhile writes may only be answered with OK or -MISCONF, reads go on, and once the
disk is well writes work again. Then the server is killed with SIGKILL, and after the next start
nothing that was answered with OK may be missing, and no MULTI be torn. Some cases kill and start
the server on the broken disk.
"""

import argparse
import ctypes
import errno
import mmap
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import process

WRITERS = 3
KEYS = 40
ENOUGH = 150         # answered writes of each writer that show that writing works
WAIT_SECONDS = 60    # for what must happen
TMPFS_BYTES = 48 << 20


class Failure(Exception):
    """Something that must hold does not."""


class Skip(Exception):
    """This machine cannot run the case."""


# ---- ways to break a disk ----

class Fault(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in ("error", "times", "failed", "after")]


FAULTS = ("write", "sync", "open", "rename", "unlink", "read", "shorten")


class Control(ctypes.Structure):  # as in faultio.c
    _fields_ = [(kind, Fault) for kind in FAULTS] + [("match", ctypes.c_char * 64)]


class FailingCalls:
    """Calls of the system fail, as faultio.c makes them."""

    def __init__(self, what, error, times=-1, match=b"", refuses=True, after=0):
        self.what, self.error, self.times, self.match, self.after = what, error, times, match, after
        self.refuses = refuses  # writes must be refused while it lasts

    def prepare(self, run):
        path = os.path.join(run.top, "control")
        with open(path, "wb") as out:
            out.write(bytes(ctypes.sizeof(Control)))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), ctypes.sizeof(Control))
        self.control = Control.from_buffer(self.map)
        run.environment = {"LD_PRELOAD": run.faultio, "FAULTIO_CONTROL": path,
                           "FAULTIO_DIR": run.data,
                           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
                           + ":verify_asan_link_order=0"}

    def fault(self):
        return getattr(self.control, self.what)

    def break_disk(self):
        self.control.match = self.match
        self.fault().times = self.times
        self.fault().after = self.after
        self.fault().error = self.error

    def heal(self):
        self.fault().error = 0

    def struck(self):
        return self.fault().failed > 0

    def end(self):
        self.control = None
        self.map.close()
        self.file.close()


class FullFileSystem:
    """A small tmpfs, filled to the last byte by a file that is no business of the server."""

    refuses = True

    def prepare(self, run):
        self.dir = run.data
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % TMPFS_BYTES, "tmpfs",
                               self.dir], stderr=subprocess.PIPE, check=False)
        self.mounted = done.returncode == 0
        if not self.mounted:
            raise Skip("cannot mount a tmpfs: %s" % done.stderr.decode().strip())
        self.filler = os.path.join(self.dir, "filler")

    def break_disk(self):
        """What the server frees is filled as well, until heal."""
        self.full = True
        self.thread = threading.Thread(target=self._fill)
        self.thread.start()

    def _fill(self):
        with open(self.filler, "ab", buffering=0) as out:
            while self.full:
                try:
                    out.write(b"x" * 4096)
                except OSError:
                    time.sleep(0.01)

    def heal(self):
        if getattr(self, "full", False):
            self.full = False
            self.thread.join()
            os.unlink(self.filler)

    def struck(self):
        return os.statvfs(self.dir).f_bavail == 0

    def end(self):
        self.heal()
        if self.mounted:
            subprocess.run(["umount", self.dir], check=True)


# ---- clients ----

class Client:
    """Takes one step after the other until it is told to stop, or the server is killed."""

    def __init__(self):
        self.problem = None
        self.stopping = False

    def run(self, server):
        try:
            conn = server.connect()
            while not self.stopping:
                self.step(conn)
        except process.Gone:
            pass  # killed
        except Exception as error:  # reported by the main thread
            self.problem = error


class Writer(Client):
    """Writes numbers, each larger than the one before; remembers which were answered with OK."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.number = 0
        self.sent = {}
        self.answered = {}
        self.accepted = 0
        self.refused = 0

    def step(self, conn):
        self.number += 1
        slot = self.number % KEYS
        value = b"%d %s" % (self.number, b"x" * 1500)
        keys = [b"%s:%s:%d" % (self.name, half, slot) for half in (b"a", b"b")]
        self.sent[slot] = self.number
        if self.number % 3:
            replies = conn.pipeline([("MSET", keys[0], value, keys[1], value)])
        else:
            replies = conn.pipeline([("MULTI",), ("SET", keys[0], value), ("SET", keys[1], value),
                                     ("EXEC",)])
        kind, text = replies[-1]
        if kind != "-":
            self.answered[slot] = self.number
            self.accepted += 1
        elif text.startswith((b"MISCONF ", b"EXECABORT ")):
            self.refused += 1
            time.sleep(0.001)
        else:
            raise Failure("a write was answered %r" % text)

    def check(self, conn):
        for slot, sent in self.sent.items():
            found = [conn.call("GET", b"%s:%s:%d" % (self.name, half, slot))[1]
                     for half in (b"a", b"b")]
            if found[0] != found[1]:
                raise Failure("torn: %s:%d is %.20r and %.20r" % (self.name, slot, *found))
            number = int(found[0].split()[0]) if found[0] else 0
            if not self.answered.get(slot, 0) <= number <= sent:
                raise Failure("%s:%d is %d; %d was answered, %d sent" % (
                    self.name, slot, number, self.answered.get(slot, 0), sent))


class Reader(Client):
    """Reads all the time; reads are never refused."""

    def __init__(self):
        super().__init__()
        self.reads = 0

    def step(self, conn):
        if conn.call("GET", "fixed") != ("$", b"value"):
            raise Failure("a read was answered with something else")
        self.reads += 1
        time.sleep(0.001)


# ---- a run of one case ----

class Run:
    def __init__(self, options, directives, disk):
        self.binary, self.faultio, self.disk = options.ours, options.faultio, disk
        self.top = tempfile.mkdtemp(prefix="rubellite-fulldisk-")
        self.data = os.path.join(self.top, "data")
        self.log_path = os.path.join(self.top, "log")
        self.directives = dict({"journal-segment-size": "1mb", "fold-interval": "100"},
                               **directives)
        self.environment = None
        self.server = None
        self.threads = []
        os.mkdir(self.data)

    def begin(self):
        self.disk.prepare(self)
        self.writers = [Writer(b"w%d" % i) for i in range(WRITERS)]
        self.reader = Reader()
        self.start()
        conn = self.server.connect()
        if conn.call("SET", "fixed", "value") != ("+", b"OK"):
            raise Failure("the first write is refused")
        conn.close()

    def start(self):
        self.server = process.Server(self.binary, self.data, self.log_path, self.directives,
                                     self.environment).start()

    def run_clients(self):
        for client in self.writers + [self.reader]:
            client.stopping = False
            thread = threading.Thread(target=client.run, args=(self.server,))
            thread.start()
            self.threads.append(thread)

    def stop_clients(self):
        for client in self.writers + [self.reader]:
            client.stopping = True
        for thread in self.threads:
            thread.join(process.REPLY_SECONDS)
            if thread.is_alive():
                raise Failure("a client is stuck")
        self.threads = []
        self.check_clients()

    def check_clients(self):
        for client in self.writers + [self.reader]:
            if client.problem:
                raise client.problem

    def wait_for(self, what, condition):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            self.check_clients()
            if not self.server.alive():
                raise Failure("the server died with code %d" % self.server.process.poll())
            if time.monotonic() > deadline:
                raise Failure("in vain: %s (accepted %s, refused %s, reads %d)" % (
                    what, [w.accepted for w in self.writers], [w.refused for w in self.writers],
                    self.reader.reads))
            time.sleep(0.005)

    def wait_for_writes(self, what):
        before = [w.accepted for w in self.writers]
        self.wait_for(what, lambda: all(
            w.accepted >= b + ENOUGH for w, b in zip(self.writers, before)))

    def wait_for_refusals(self):
        before = [w.refused for w in self.writers]
        self.wait_for("writes are refused", lambda: all(
            w.refused > b for w, b in zip(self.writers, before)))
        reads = self.reader.reads
        self.wait_for("reads go on", lambda: self.reader.reads > reads + 50)

    def break_disk(self):
        self.disk.break_disk()
        if self.disk.refuses:
            self.wait_for_refusals()
        self.wait_for("the fault strikes", self.disk.struck)

    def kill(self):
        self.server.kill()
        self.stop_clients()

    def check(self):
        """Starts again; everything answered must be there."""
        self.start()
        conn = self.server.connect()
        for writer in self.writers:
            writer.check(conn)
        conn.close()
        code = self.server.stop()
        if code != 0:
            raise Failure("a clean stop ended with code %d" % code)
        db = sqlite3.connect(os.path.join(self.data, "data.db"))
        found = db.execute("PRAGMA integrity_check").fetchall()
        rows = db.execute("SELECT count(*) FROM strings").fetchone()[0]
        db.close()
        if found != [("ok",)]:
            raise Failure("integrity_check: %r" % found[:5])
        if rows != 1 + sum(2 * len(w.sent) for w in self.writers):
            raise Failure("%d rows in the tables" % rows)

    def end(self, keep):
        if self.server:
            self.server.kill()
        for client in self.writers + [self.reader] if self.threads else ():
            client.stopping = True
        for thread in self.threads:
            thread.join()
        self.disk.end()
        if keep:
            print("  the directory is kept: %s" % self.top)
        else:
            shutil.rmtree(self.top)


def break_and_heal(run):
    """The disk breaks and heals, twice, while the server runs."""
    run.run_clients()
    run.wait_for_writes("writes work at first")
    for _ in range(2):
        run.break_disk()
        run.disk.heal()
        run.wait_for_writes("writes work again")
    run.kill()
    run.check()


def break_heal_and_stop(run):
    """For the mode that keeps what is folded only: it ends with a clean stop."""
    run.run_clients()
    run.wait_for_writes("writes work at first")
    run.break_disk()
    run.disk.heal()
    run.wait_for_writes("writes work again")
    run.server.stop()
    run.stop_clients()
    run.check()


def break_and_kill(run):
    """The server is killed while the disk is broken, and started once it is well."""
    run.run_clients()
    run.wait_for_writes("writes work at first")
    run.break_disk()
    run.kill()
    run.disk.heal()
    run.check()


def break_and_restart(run):
    """The server is killed and started on the broken disk; it may refuse, with a reason."""
    run.run_clients()
    run.wait_for_writes("writes work at first")
    run.break_disk()
    run.kill()
    try:
        run.start()
        print("  starts on the broken disk")
        conn = run.server.connect()
        for writer in run.writers:
            writer.check(conn)
        conn.close()
    except process.StartError:
        reason = [line for line in run.server.log().splitlines() if "Cannot start" in line]
        if not reason:
            raise Failure("no reason is given for not starting:\n%s" % run.server.log()) from None
        print("  refuses: %s" % reason[-1].split(" # ")[-1][:150])
    run.server.kill()
    run.disk.heal()
    run.check()


def break_and_stop(run):
    """The server is asked to stop while the disk is broken: it must end, and keep what it can."""
    run.run_clients()
    run.wait_for_writes("writes work at first")
    run.break_disk()
    run.server.stop()
    run.stop_clients()
    run.disk.heal()
    run.check()


ALWAYS = {"appendfsync": "always"}
EVERYSEC = {"appendfsync": "everysec"}
SMALL_BACKLOG = {"appendfsync": "everysec", "journal-backlog-limit": "1mb"}
NO_JOURNAL = {"appendonly": "no", "journal-backlog-limit": "1mb"}

CASES = {  # name: (directives, how the disk breaks, what is done)
    "full-always": (ALWAYS, FullFileSystem, break_and_heal),
    "full-everysec": (EVERYSEC, FullFileSystem, break_and_heal),
    "full-kill": (ALWAYS, FullFileSystem, break_and_kill),
    "full-restart": (EVERYSEC, FullFileSystem, break_and_restart),
    "full-stop": (EVERYSEC, FullFileSystem, break_and_stop),
    "enospc-always": (ALWAYS, lambda: FailingCalls("write", errno.ENOSPC), break_and_heal),
    "enospc-everysec": (EVERYSEC, lambda: FailingCalls("write", errno.ENOSPC), break_and_heal),
    "enospc-restart": (ALWAYS, lambda: FailingCalls("write", errno.ENOSPC), break_and_restart),
    "enospc-tables": (SMALL_BACKLOG,
                      lambda: FailingCalls("write", errno.ENOSPC, match=b"data.db"),
                      break_and_heal),
    "enospc-no-journal": (NO_JOURNAL,
                          lambda: FailingCalls("write", errno.ENOSPC, match=b"data.db"),
                          break_heal_and_stop),
    "eio-write-once": (EVERYSEC, lambda: FailingCalls("write", errno.EIO, 1, b"/journal/", False),
                       break_and_heal),
    "eio-sync-once-always": (ALWAYS,
                             lambda: FailingCalls("sync", errno.EIO, 1, b"/journal/", False),
                             break_and_heal),
    "eio-sync-once-everysec": (EVERYSEC,
                               lambda: FailingCalls("sync", errno.EIO, 1, b"/journal/", False),
                               break_and_heal),
    "eio-sync-once-kill": (ALWAYS, lambda: FailingCalls("sync", errno.EIO, 1, b"/journal/", False),
                           break_and_kill),
    "eio-sync-tables": (EVERYSEC, lambda: FailingCalls("sync", errno.EIO, 1, b"data.db", False),
                        break_and_heal),
    "eio-sync-always": (ALWAYS, lambda: FailingCalls("sync", errno.EIO), break_and_heal),
    "eio-sync-everysec": (EVERYSEC, lambda: FailingCalls("sync", errno.EIO), break_and_heal),
    "eio-stop": (ALWAYS, lambda: FailingCalls("write", errno.EIO), break_and_stop),
}


def run_case(options, name):
    """True when it passed, None when it was skipped."""
    directives, disk, body = CASES[name]
    run, began, passed = Run(options, directives, disk()), time.monotonic(), False
    try:
        run.begin()
        body(run)
        passed = True
        print("%-22s passed in %.1f s: %d writes answered, %d refused, %d reads" % (
            name, time.monotonic() - began, sum(w.accepted for w in run.writers),
            sum(w.refused for w in run.writers), run.reader.reads), flush=True)
    except Skip as reason:
        print("%-22s SKIPPED: %s" % (name, reason), flush=True)
        passed = None
    except (Failure, process.StartError, process.Gone) as error:
        print("%-22s FAILED: %s" % (name, error))
        if run.server:
            print("---- the server's log ends with ----\n%s" % run.server.log(), flush=True)
    finally:
        run.end(keep=passed is False)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    process.add_library(parser, "faultio")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    options = parser.parse_args()
    options.ours = process.find_server(options.ours)
    options.faultio = process.find_library(options, "faultio")
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error("there is no case %s" % unknown[0])
    results = [run_case(options, name) for name in options.cases or CASES]
    skipped = results.count(None)
    process.report("fulldisk: %d cases passed, %d failed%s" % (
        results.count(True), results.count(False),
        ", %d SKIPPED (this machine cannot run them)" % skipped if skipped else ""))
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
