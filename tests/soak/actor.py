# SPDX-License-Identifier: MIT
"""What all clients of the soak have in common: a pace, a model of what they wrote, and counts.

An actor is one client in a thread of its own, with keys of its own. It does a small piece of work
(`step`) so many times a second, compares each answer with its model, and says at the end what the
server has to hold (`expected`).

Expiry has no exact moment for somebody outside. The model keeps the earliest and the latest wall
clock time at which a key may go (`until`), and requires nothing of it in between.
"""

import random
import threading
import time
from collections import Counter

import wire

SLACK_S = 1.0  # between the clocks of the two sides, and for the clock of one turn of the server
KEPT_PROBLEMS = 20


class Crew:
    """What the actors of one process share."""

    def __init__(self, port, seed, seconds):
        self.port, self.seed, self.seconds = port, seed, seconds
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.counts, self.late = Counter(), 0
        self.wrong_count = self.error_count = 0
        self.wrong, self.errors, self.events = [], [], []

    def add(self, kind, requests):
        with self.lock:
            self.counts[kind] += requests

    def say_wrong(self, text):
        """An answer that is not what it has to be."""
        with self.lock:
            self.wrong_count += 1
            if len(self.wrong) < KEPT_PROBLEMS:
                self.wrong.append("%s %s" % (clock(), text[:400]))

    def say_error(self, text):
        """An error reply or a lost connection that nobody asked for."""
        with self.lock:
            self.error_count += 1
            if len(self.errors) < KEPT_PROBLEMS:
                self.errors.append("%s %s" % (clock(), text[:400]))

    def say_event(self, text):
        """Something that may explain a stall."""
        with self.lock:
            self.events.append((time.time(), text))


def clock():
    return time.strftime("%H:%M:%S", time.gmtime())


class Actor(threading.Thread):
    kind = "?"
    per_second = 10.0  # steps
    database = 0

    def __init__(self, crew, name):
        super().__init__(name="%s-%s" % (self.kind, name), daemon=True)
        self.crew, self.id = crew, name
        self.random = random.Random("%s %s %s" % (crew.seed, self.kind, name))
        self.client = None

    # ---- the pace ----

    def run(self):
        try:
            self.client = wire.Client(self.crew.port, self.database)
            self.begin()
            self.pace()
            self.finish()
        except wire.Gone as error:
            self.crew.say_error("%s lost its connection: %s" % (self.name, error))
        except Exception as error:  # a bug of ours must not pass as silence
            self.crew.say_error("%s: %s: %s" % (self.name, type(error).__name__, error))
            raise
        finally:
            if self.client:
                self.client.close()

    def pace(self):
        interval = 1 / self.per_second
        due = time.monotonic() + self.random.random() * interval
        while not self.crew.stop.wait(max(0, due - time.monotonic())):
            self.crew.add(self.kind, self.step() or 0)
            due += interval
            if due < time.monotonic() - 1:  # what a stall kept from being sent is not sent later
                due = time.monotonic()

    def begin(self):
        """Before the first step."""

    def step(self):
        """A piece of work; returns how many requests it was."""
        raise NotImplementedError

    def finish(self):
        """After the last step."""

    def expected(self):
        """(database, key, kind, value, until) of every key this actor left."""
        return []

    # ---- asking ----

    def play(self, plan):
        """Sends the commands of [(command, check), ...] in one pipeline. A check is called with the
        reply and the times before and after; it brings the model up to date and says what is wrong,
        or nothing. Returns the number of requests."""
        before = time.time()
        replies = self.client.pipeline([command for command, _ in plan])
        after = time.time()
        for (command, check), reply in zip(plan, replies):
            if isinstance(reply, wire.Refused):
                self.crew.say_error("%s: %s: %s" % (self.name, shown(command), reply))
                continue
            problem = check(reply, before, after) if check else None
            if problem:
                self.wrong(command, problem)
        return len(plan)

    def ask(self, *command):
        reply = self.client.call(*command)
        if isinstance(reply, wire.Refused):
            self.crew.say_error("%s: %s: %s" % (self.name, shown(command), reply))
        return reply

    def require(self, command, found, *allowed):
        if found not in allowed:
            self.wrong(command, differs(found, allowed))

    def wrong(self, command, problem):
        self.crew.say_wrong("%s: %s: %s" % (self.name, shown(command), problem))


def equals(value):
    """A check that the reply is this."""
    return lambda reply, before, after: None if reply == value else differs(reply, (value,))


def differs(found, allowed):
    return "answered %s instead of %s" % (shown(found), " or ".join(shown(a) for a in allowed))


def shown(value):
    if isinstance(value, (list, tuple)):
        return " ".join(shown(v) for v in value)[:200]
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else "%s... (%d characters)" % (text[:50], len(text))


THERE, GONE, EITHER = range(3)


def presence(until, before, after):
    """Whether something that goes at `until` was there, as seen by a request between two times."""
    if until is None or after < until[0] - SLACK_S:
        return THERE
    return GONE if before > until[1] + SLACK_S else EITHER


class Strings:
    """A model of string keys: {key: (value, until)}."""

    def __init__(self):
        self.keys = {}

    def put(self, key, value, until):
        self.keys[key] = (value, until)

    def drop(self, key):
        self.keys.pop(key, None)

    def look(self, key, before, after):
        """Whether the key has to be there, and its value."""
        entry = self.keys.get(key)
        if entry is None:
            return GONE, None
        state = presence(entry[1], before, after)
        if state == GONE:
            del self.keys[key]
        return state, entry[0]

    def judge(self, key, reply, before, after):
        """What is wrong with `reply` as the value of the key."""
        state, value = self.look(key, before, after)
        allowed = {THERE: (value,), GONE: (None,), EITHER: (value, None)}[state]
        if reply is None and state == EITHER:
            self.drop(key)
        return None if reply in allowed else differs(reply, allowed)
