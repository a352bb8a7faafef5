# SPDX-License-Identifier: MIT
"""Random play over many runs of the server: what was there before a stop is there after the start.

Every round sends random commands to all databases, turns the journal on and off and its syncing
from one mode to another, saves in between, notes every key, value and expiry, ends the server
(kill -9, SIGTERM or SHUTDOWN), starts it, perhaps with another mode, and compares.
"""

import os
import random
import time

from server import Gone

ROUNDS = 25
MOST_COMMANDS = 1000  # in a round
STOP_SECONDS = 60

KEYS = [b"k%d" % i for i in range(40)] + [b"\xff\x00\r\n", b"", b"x" * 300]
MODES = ["always", "everysec", "no", "off"]  # "off": without a journal


class Player:
    """One game: its numbers come from the seed alone, its values' bytes do not matter."""

    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.mode = "everysec"
        self.conn = None

    def call(self, *args):
        return self.conn.call(*args)

    def must(self, *args):
        kind, value = self.call(*args)
        assert kind != "-", "%s: %s" % (" ".join(map(str, args)), value.decode())

    def value(self):
        pick = self.random.random()
        if pick < 0.3:
            return b"%d" % self.random.randint(-10**12, 10**12)
        return os.urandom(self.random.choice(
            [0, 1, 5, 30, 45, 200] if pick < 0.9 else [1000, 5000, 70000]))

    def command(self):
        """A random command: mostly writes."""
        rnd = self.random
        one, two, value = rnd.choice(KEYS), rnd.choice(KEYS), self.value()
        db, other = rnd.randrange(16), rnd.randrange(16)
        return rnd.choice([
            ("SET", one, value), ("SET", one, value, "EX", rnd.randint(1, 1000)),
            ("SET", one, value, "KEEPTTL"), ("SET", one, value, "NX", "GET"),
            ("APPEND", one, value), ("SETRANGE", one, rnd.choice([0, 10, 100000]), value),
            ("INCR", one), ("INCRBYFLOAT", one, "0.1"), ("GETDEL", one), ("UNLINK", one, two),
            ("MSET", one, value, two, value), ("MSETNX", one, value, two, value),
            ("RENAME", one, two), ("RENAMENX", one, two), ("MOVE", one, db),
            ("COPY", one, two, "DB", db, "REPLACE"), ("SWAPDB", db, other), ("SELECT", db),
            ("EXPIRE", one, rnd.randint(-1, 500)), ("PEXPIRE", one, rnd.randint(1, 300)),
            ("GETEX", one, "PX", rnd.randint(1, 90000)), ("PERSIST", one), ("MULTI",), ("EXEC",),
            ("FLUSHDB",) if rnd.random() < 0.03 else ("GET", one),
            ("FLUSHALL",) if rnd.random() < 0.01 else ("GET", two)])

    def switch(self):
        self.mode = self.random.choice(MODES)
        if self.mode == "off":
            self.must("CONFIG", "SET", "appendonly", "no")
        else:
            self.must("CONFIG", "SET", "appendonly", "yes", "appendfsync", self.mode)

    def play(self):
        self.conn = self.server.connect()
        for _ in range(self.random.randint(1, MOST_COMMANDS)):
            self.call(*self.command())
            chance = self.random.random()
            if chance < 0.006:
                self.call("DISCARD")
                if chance < 0.003:
                    self.switch()
                else:
                    self.must(self.random.choice(["SAVE", "BGSAVE", "BGREWRITEAOF"]))

    def everything(self):
        """{(database, key): (value, expiry)}; a key may expire while we look."""
        self.call("DISCARD")
        found = {}
        for db in range(16):
            self.must("SELECT", db)
            for _, key in self.call("KEYS", "*")[1]:
                expiry = int(self.call("PEXPIRETIME", key)[1])
                value = self.call("GET", key)[1]
                if value is not None:
                    found[db, key] = (value, expiry)
        return found

    def stop_and_start(self):
        how = self.random.choice(["kill -9", "kill -9", "SIGTERM", "SHUTDOWN"])
        if how == "kill -9":
            if self.mode == "off":
                self.must("SAVE")  # without a journal, what is saved is kept
            self.server.kill()
        elif how == "SIGTERM":
            assert self.server.stop() == 0, self.server.log()
        else:
            try:
                self.call("SHUTDOWN")
            except Gone:
                pass
            assert self.server.process.wait(STOP_SECONDS) == 0, self.server.log()
        self.conn.close()
        if self.random.random() < 0.3:
            start = self.random.choice(MODES)
            self.server.directives["appendonly"] = "no" if start == "off" else "yes"
            self.server.directives["appendfsync"] = "everysec" if start == "off" else start
        self.server.start()
        self.mode = "off" if self.server.directives.get("appendonly") == "no" else "a journal"
        self.conn = self.server.connect()
        return how

    def round(self):
        """One round; returns what differs after it."""
        self.play()
        before = self.everything()
        how = self.stop_and_start()
        after = self.everything()
        now_ms = time.time() * 1000
        for place in before.keys() | after.keys():
            old, new = before.get(place), after.get(place)
            expired = old and new is None and 0 < old[1] <= now_ms + 5
            if old != new and not expired:
                return "after %s, database %d key %r: %r became %r" % (
                    how, *place, old and (old[0][:40], old[1]), new and (new[0][:40], new[1]))
        return None


def run(report, server):
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    with report.check("random play over %d runs, modes changing (SEED=%d)" % (ROUNDS, seed)):
        player = Player(server, seed)
        for number in range(ROUNDS):
            different = player.round()
            assert not different, "round %d: %s" % (number, different)
