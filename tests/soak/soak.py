#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server under a steady mixed load for a long time: does anything grow, stall, or go wrong?

    tests/soak/soak.py --minutes 60 [--ours PATH] [--admin PATH] [--svg FILE] [--json FILE]

Some 200 connections in three processes do what programs do (actors_*.py), at a fixed pace, and
compare every answer with a model of what they wrote. Beside them the server is watched (watch.py,
figures.py, probe.py). Then the load ends, models and server are compared, the server is stopped, its
files are checked, it is started again, everything in it is compared once more, and all of it is
judged (verdict.py).

The exit status is 0 when all rows say PASS. A run that does not pass keeps its directory.
"""

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import recorded
import verdict
import verify
import wire
from figures import sample
from load import Load, fill
from watch import Watch

SETTLE_S, QUIET_S = 60, 4


def options_parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("MINUTES") or 10))
    parser.add_argument("--ours", default=os.environ.get("RUBELLITE_SERVER"), help="the server (RUBELLITE_SERVER)")
    parser.add_argument("--admin", default=os.environ.get("RUBELLITE"), help="the program rubellite (RUBELLITE)")
    parser.add_argument("--redis", default=shutil.which("redis-server"), help="the idle server beside it")
    parser.add_argument("--dir", help="the disk: a directory for everything, below which a new one is made")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--svg", help="write the chart to this file")
    parser.add_argument("--json", help="write all that was watched to this file")
    parser.add_argument("--judge", metavar="FILE", help="run nothing: judge what --json wrote, once more")
    parser.add_argument("--untimed", action="store_true",
                        help="tell how long answers took, but do not judge it: on a machine shared with other work")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    options = parser.parse_args()
    if options.judge:
        return options
    if not options.ours:
        parser.error("say which server: --ours PATH or RUBELLITE_SERVER")
    options.ours = os.path.abspath(options.ours)
    options.admin = os.path.abspath(options.admin or os.path.join(os.path.dirname(options.ours), "rubellite"))
    if not options.redis:
        parser.error("redis-server is not there; it is the control")
    options.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    return options


def progress(text):
    print("%s  %s" % (time.strftime("%H:%M:%S", time.gmtime()), text), file=sys.stderr, flush=True)


class Soak:
    def __init__(self, options):
        self.options, self.seconds = options, options.minutes * 60
        self.top = tempfile.mkdtemp(prefix="rubellite-soak-", dir=options.dir)
        self.place = {"admin": options.admin}
        for name in ("directory", "scratch", "control"):
            self.place[name] = os.path.join(self.top, name)
            os.mkdir(self.place[name])
        limits = "normal 48mb 24mb 10 slave 0 0 0 pubsub 8mb 4mb 10"
        self.server = wire.Server(options.ours, self.place["directory"], os.path.join(self.top, "log"), [
            "--client-output-buffer-limit", *limits.split(), "--slowlog-log-slower-than", "20000",
            "--backup-interval", "0"])
        self.control = wire.Server(options.redis, self.place["control"], os.path.join(self.top, "log-control"),
                                   ["--save", "", "--appendonly", "no"])
        self.load = self.watch = None
        self.lines, self.notes = [], []

    def check(self, title, passed, found, allowed):
        self.lines.append(verdict.Line(title, passed, found, allowed))

    # ---- the phases ----

    def run(self):
        self.server.start()
        self.control.start()
        fill(self.server.port)
        progress("%s for %.1f minutes, seed %d, in %s" % (self.options.ours, self.options.minutes,
                                                         self.options.seed, self.top))
        self.watch = Watch(self.server, self.control, self.place["scratch"])
        self.watch.start()
        self.load = Load(self.server.port, self.options.seed, self.seconds, self.place)
        self.load.start()
        self.wait()
        self.done = self.load.stop()
        self.watched = self.watch.stop()
        self.after_load()
        self.restart()
        self.control.stop()

    def wait(self):
        end = time.monotonic() + self.seconds
        told = time.monotonic()
        while time.monotonic() < end and self.server.alive() and self.load.alive():
            time.sleep(0.2)
            if time.monotonic() - told > 300:
                told = time.monotonic()
                progress("%.0f minutes to go" % ((end - told) / 60))
        self.check("the server ran to the end", self.server.alive(),
                   "yes" if self.server.alive() else "no, status %s" % self.server.process.poll(), "yes")

    def settled(self):
        """Memory and files once nothing has been folded for a while: what expires is a write too,
        and the cache of the tables is given back when there are no more."""
        self.warm_readers()
        client, rows, quiet_since = wire.Client(self.server.port), [], time.monotonic()
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < min(end, quiet_since + QUIET_S):
            rows.append(sample(client, self.server.pid, self.place["directory"]))
            if len(rows) > 1 and rows[-1]["fold_rows"] != rows[-2]["fold_rows"]:
                quiet_since = time.monotonic()
            time.sleep(0.25)
        client.close()
        return rows[-1]

    def warm_readers(self):
        """The threads of SQL keep a few MB of pages each: let each have read all of them."""
        clients = [wire.Client(self.server.port) for _ in range(4)]
        for _ in range(3):
            for client in clients:
                client.send(wire.request("SQL", "SELECT count(*), sum(length(value)) FROM strings"))
            for client in clients:
                client.read()
        for client in clients:
            client.close()

    def after_load(self):
        if not self.server.alive():
            return
        self.wait_until_clients_are_gone()
        compared, problems = verify.check_models(self.server.port, self.done["expected"])
        self.check("what the clients wrote is there, after the load", not problems,
                   "%d of %s differ" % (len(problems), format(compared, ",")), "0")
        self.notes += problems
        self.loaded = self.settled()
        self.state = verify.read_state(self.server.port)
        code = self.server.stop()
        self.check("a clean stop", code == 0, "status %s" % code, "status 0")
        self.check_files()

    def wait_until_clients_are_gone(self):
        client, end = wire.Client(self.server.port), time.monotonic() + 15
        while time.monotonic() < end and client.info("clients")["connected_clients"] != "1":
            time.sleep(0.05)
        left = client.info("clients")["connected_clients"]
        self.check("clients that are still counted when all are gone", left == "1", int(left) - 1, "0")
        client.close()

    def check_files(self):
        done = subprocess.run([self.options.admin, "check", self.place["directory"], "--full", "--backups"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.check("rubellite check --full --backups", done.returncode == 0, "status %d" % done.returncode, "status 0")
        if done.returncode:
            self.notes.append(done.stdout.decode("utf-8", "replace"))
        database = sqlite3.connect(os.path.join(self.place["directory"], "data.db"))
        found = [row[0] for row in database.execute("PRAGMA integrity_check")]
        database.close()
        self.check("PRAGMA integrity_check", found == ["ok"], found[0][:40], "ok")

    def restart(self):
        if not hasattr(self, "state"):
            return
        self.server.start()
        problems = verify.compare_states(self.state, verify.read_state(self.server.port))
        self.check("everything is the same after a restart", not problems, "%d of %s keys differ" % (
            len(problems), format(len(self.state[0]), ",")), "0")
        compared, others = verify.check_models(self.server.port, self.done["expected"])
        self.check("what the clients wrote is there, after the restart", not others,
                   "%d of %s differ" % (len(others), format(compared, ",")), "0")
        self.notes += problems + others
        self.lines += verdict.leaks(self.loaded, self.settled())
        code = self.server.stop()
        self.check("a second clean stop", code == 0, "status %s" % code, "status 0")

    def record(self):
        return recorded.Record(version(self.options.ours), self.seconds, self.options.seed, self.watched,
                               {name: value for name, value in self.done.items() if name != "expected"},
                               self.lines, self.notes, self.server.log())

    def end(self, keep):
        for part in (self.load, self.watch, self.server, self.control):
            if part:
                part.kill()
        if keep:
            print("the directory is kept: %s" % self.top)
        else:
            shutil.rmtree(self.top)


def version(program):
    done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=False)
    return done.stdout.decode("utf-8", "replace").strip().splitlines()[0]


def finish(record, options):
    """Prints the verdict and writes the files that are wanted."""
    failed = record.judge(timed=not options.untimed)
    if options.svg:
        record.draw(options.svg)
    if options.json:
        record.write(options.json)
    print("soak: FAILED: %s" % "; ".join(failed) if failed else "soak: passed", flush=True)
    return not failed


def main():
    options = options_parsed()
    if options.judge:
        return 0 if finish(recorded.read(options.judge), options) else 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soak, passed = Soak(options), False
    try:
        soak.run()
        passed = finish(soak.record(), options)
    finally:
        soak.end(options.keep or not passed)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
