# SPDX-License-Identifier: MIT
"""What one writer does, and what its database must be after any prefix of it.

A writer owns a database, so that the state after its n-th operation is known exactly. An
operation is a list of commands (several for a MULTI) with a function that changes the model and
says what the last reply must be. What may be lost is never in the middle: the state that survives
a crash must be the one after some operation between the last that was answered and the last that
was sent.

A value in the model is (bytes, earliest expiry, latest expiry) in milliseconds; None for no
expiry.
"""

import time

import process

SHARED_DB = 15
KEYS = 60
SLACK_MS = 2000  # of an expiry that was given as a duration


def now_ms():
    return int(time.time() * 1000)


class Unexpected(Exception):
    """A reply was not what it must be."""


class Operation:
    """commands: what is sent. apply(state): changes the state, returns the expected last reply."""

    def __init__(self, commands, apply, shared=0):
        self.commands = commands
        self.apply = apply
        self.shared = shared  # how often it counts in the shared database

    def encode(self):
        return b"".join(process.encode(c) for c in self.commands)


class Writer:
    """Makes operations and follows them. `random` decides everything."""

    def __init__(self, db, random):
        self.db = db
        self.random = random
        self.number = 0
        self.state = {}    # after the last answered operation
        self.shared = 0    # what the answered operations added to the shared counter
        self.pending = []  # sent, not answered
        self.answered = 0
        self.earlier = None  # (state, shared) after each operation of this round, when asked for

    def begin(self, remember):
        """Begins a round; remember: states before the last answered one will be looked for too."""
        self.earlier = [] if remember else None

    # ---- making operations ----

    def key(self):
        return b"k:%d" % self.random.randrange(KEYS)

    def value(self):
        """Tells which operation wrote it; some are long, so that batches and segments differ."""
        self.number += 1
        dice = self.random.random()
        size = 0 if dice < 0.8 else 3000 if dice < 0.99 else 100000
        text = b"%d:%d:" % (self.db, self.number)
        return text + b"x" * self.random.randrange(size + 1)

    def makers(self):
        """Methods that make an operation, and how often each is used."""
        return MAKERS, WEIGHTS

    def make(self):
        return self.random.choices(*self.makers())[0](self)

    def set(self):
        key, value = self.key(), self.value()

        def apply(state):
            state[key] = (value, None, None)
            return ("+", b"OK")
        return Operation([("SET", key, value)], apply)

    def set_at(self):
        key, value, at = self.key(), self.value(), now_ms() + 3600000 + self.number

        def apply(state):
            state[key] = (value, at, at)
            return ("+", b"OK")
        return Operation([("SET", key, value, "PXAT", at)], apply)

    def setex(self):
        key, value, sent = self.key(), self.value(), now_ms()

        def apply(state):
            state[key] = (value, sent + 5000000 - SLACK_MS, now_ms() + 5000000 + SLACK_MS)
            return ("+", b"OK")
        return Operation([("SETEX", key, 5000, value)], apply)

    def set_short(self):
        """Gone soon, so not in the model: exercises removal by time."""
        value = self.value()

        def apply(_state):
            return ("+", b"OK")
        return Operation([("SET", b"t:%d" % (self.number % 20), value, "PX",
                           1 + self.random.randrange(30))], apply)

    def incr(self):
        key = b"c:%d" % self.random.randrange(5)

        def apply(state):
            old = state.get(key, (b"0", None, None))
            state[key] = (b"%d" % (int(old[0]) + 1),) + old[1:]
            return (":", state[key][0])
        return Operation([("INCR", key)], apply)

    def append(self):
        key, value = self.key(), self.value()[:300]

        def apply(state):
            old = state.get(key, (b"", None, None))
            state[key] = (old[0] + value,) + old[1:]
            return (":", b"%d" % len(state[key][0]))
        return Operation([("APPEND", key, value)], apply)

    def setrange(self):
        key, at, value = self.key(), self.random.randrange(5000), self.value()[:40]

        def apply(state):
            old = state.get(key, (b"", None, None))
            text = old[0].ljust(at, b"\0")
            state[key] = (text[:at] + value + text[at + len(value):],) + old[1:]
            return (":", b"%d" % len(state[key][0]))
        return Operation([("SETRANGE", key, at, value)], apply)

    def delete(self):
        keys = [self.key() for _ in range(self.random.randrange(1, 4))]

        def apply(state):
            return (":", b"%d" % sum(state.pop(k, None) is not None for k in keys))
        return Operation([["DEL"] + keys], apply)

    def rename(self):
        source, target = self.key(), self.key()

        def apply(state):
            if source not in state:
                return ("-", b"ERR no such key")
            state[target] = state.pop(source)
            return ("+", b"OK")
        return Operation([("RENAME", source, target)], apply)

    def copy(self):
        source, target = self.key(), self.key()
        if source == target:
            return self.set()

        def apply(state):
            if source not in state:
                return (":", b"0")
            state[target] = state[source]
            return (":", b"1")
        return Operation([("COPY", source, target, "REPLACE")], apply)

    def persist(self):
        key = self.key()

        def apply(state):
            old = state.get(key, (b"", None, None))
            if old[1] is None:
                return (":", b"0")
            state[key] = (old[0], None, None)
            return (":", b"1")
        return Operation([("PERSIST", key)], apply)

    def mset(self):
        value, keys = self.value(), [b"m:%d" % i for i in range(4)]

        def apply(state):
            state.update((k, (value, None, None)) for k in keys)
            return ("+", b"OK")
        return Operation([["MSET"] + [x for k in keys for x in (k, value)]], apply)

    def multi(self):
        """Keys that must always agree, and one more in the database that all writers share."""
        value = self.value()
        commands = [("MULTI",), ("SET", b"a", value), ("SET", b"b", value), ("INCR", b"n"),
                    ("SELECT", SHARED_DB), ("INCR", b"total"), ("SELECT", self.db),
                    ("SET", b"c", value), ("EXEC",)]

        def apply(state):
            count = b"%d" % (int(state.get(b"n", (b"0",))[0]) + 1)
            for key in (b"a", b"b", b"c"):
                state[key] = (value, None, None)
            state[b"n"] = (count, None, None)
            return ("*", [("+", b"OK"), ("+", b"OK"), (":", count), ("+", b"OK"), None,
                          ("+", b"OK"), ("+", b"OK")])
        return Operation(commands, apply, shared=1)

    def discard(self):
        commands = [("MULTI",), ("SET", b"a", b"never"), ("DISCARD",)]
        return Operation(commands, lambda _state: ("+", b"OK"))

    def flush(self):
        """With a trace, so that no two states of a history are the same."""
        value = self.value()
        commands = [("MULTI",), ("FLUSHDB",), ("SET", b"flushed", value), ("EXEC",)]

        def apply(state):
            state.clear()
            state[b"flushed"] = (value, None, None)
            return ("*", [("+", b"OK"), ("+", b"OK")])
        return Operation(commands, apply)

    # ---- running ----

    def run(self, conn):
        """Writes until the server is gone."""
        try:
            while True:
                count = self.random.choice((1, 1, 1, 4, 16, 64))
                operations = [self.make() for _ in range(count)]
                self.pending += operations
                conn.send(b"".join(o.encode() for o in operations))
                for operation in operations:
                    self.take_answer(conn, operation)
        except process.Gone:
            return

    def take_answer(self, conn, operation):
        replies = [conn.read() for _ in operation.commands]
        self.pending.pop(0)
        if self.earlier is not None:
            self.earlier.append((dict(self.state), self.shared))
        expected = operation.apply(self.state)
        self.shared += operation.shared
        self.answered += 1
        if not same(replies[-1], expected):
            raise Unexpected("%r answered %r, expected %r" % (
                shorten(operation.commands), replies[-1], expected))

    # ---- after a crash ----

    def settle(self, found):
        """Finds the prefix that `found` is the state of; it becomes the answered one. Returns how
        many unanswered operations had been kept, and how many answered ones were lost."""
        state, shared, nearest = dict(self.state), self.shared, []
        for kept in range(len(self.pending) + 1):
            if matches(state, found):
                self.state, self.shared, self.pending = state, shared, []
                return kept, 0
            nearest.append((unlike(state, found), kept, dict(state)))
            if kept < len(self.pending):
                self.pending[kept].apply(state)
                shared += self.pending[kept].shared
        for lost, (state, shared) in enumerate(reversed(self.earlier or []), 1):
            if matches(state, found):
                self.state, self.shared, self.pending = state, shared, []
                return 0, lost
        _, kept, state = min(nearest, key=lambda entry: entry[:2])
        raise Unexpected(
            "database %d is no state between %d answered and %d sent operations; nearest, after %d:\n%s" % (
                self.db, self.answered, self.answered + len(self.pending), self.answered + kept,
                differences(state, found)))


MAKERS = [Writer.set, Writer.set_at, Writer.setex, Writer.set_short, Writer.incr, Writer.append,
          Writer.setrange, Writer.delete, Writer.rename, Writer.copy, Writer.persist, Writer.mset,
          Writer.multi, Writer.discard, Writer.flush]
WEIGHTS = [20, 5, 5, 5, 15, 8, 4, 10, 8, 4, 3, 6, 12, 1, 0.1]


def shorten(commands):
    return [[a[:60] if isinstance(a, bytes) else a for a in c] for c in commands]


def same(reply, expected):
    """None in what is expected stands for anything."""
    if expected is None:
        return True
    if expected[0] == "*" and reply[0] == "*" and reply[1] is not None:
        return len(reply[1]) == len(expected[1]) and all(map(same, reply[1], expected[1]))
    return reply == expected


def without_short(keys):
    """The same keys without those of set_short, which may be gone at any time."""
    return {key: value for key, value in keys.items() if not key.startswith(b"t:")}


def matches(state, found):
    """found: {key: (value, expiry or None)}."""
    if len(state) != len(found):
        return False
    for key, (value, earliest, latest) in state.items():
        have = found.get(key)
        if have is None or have[0] != value or (have[1] is None) != (earliest is None):
            return False
        if earliest is not None and not earliest <= have[1] <= latest:
            return False
    return True


def unlike(state, found):
    """How many keys differ."""
    return sum(not matches(*({key: side[key]} if key in side else {} for side in (state, found)))
               for key in set(state) | set(found))


def differences(state, found, most=8):
    """How the state after some operation differs from what was found."""
    lines = []
    for key in sorted(set(state) | set(found)):
        want, have = state.get(key), found.get(key)
        if not matches({key: want} if want else {}, {key: have} if have else {}):
            lines.append("  %r: expected %.300r, found %.300r" % (key, want, have))
    if len(lines) > most:
        lines[most:] = ["  … %d more" % (len(lines) - most)]
    return "\n".join(lines)
