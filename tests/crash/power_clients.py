# SPDX-License-Identifier: MIT
"""The clients of a round of power cuts: writers that remember what they sent and were answered, with
times, and helpers that ask for promises and backups. What they remember is judged with
power_promises.py.

A writer begins a round with begin(); run(conn) goes on until the server is gone; resume() after a
restart in the same round takes over what was found; finish() gives the record of the round.
"""

import time

import collection_writers
import history
import process
import sql_atomic
from crash import Failure
from power_promises import KINDS, KeyRecord, Moments, SqlRecord, now

ENOUGH = 1000  # operations of a writer, before it slows down
PROMISE_DB = 14


class KeyWriter:
    """Makes a kind of history.Writer remember all states of a round, with times."""

    def begin(self, _remember=True):
        super().begin(True)
        self.moments = Moments()

    def run(self, conn):
        try:
            while True:
                operations = [self.make() for _ in range(self.random.choice((1, 1, 1, 4, 16)))]
                self.pending += operations
                if len(self.moments.sent) > ENOUGH:
                    time.sleep(0.01)  # all states are remembered
                self.moments.sent += [now()] * len(operations)
                conn.send(b"".join(o.encode() for o in operations))
                for operation in operations:
                    self.take_answer(conn, operation)
                    self.moments.answered.append(now())
        except process.Gone:
            return

    def finish(self):
        """What is needed to judge a disk; the states of the round, from before its first operation."""
        states = self.earlier + [(dict(self.state), self.shared)]  # a list of its own
        state, shared = dict(self.state), self.shared
        for operation in self.pending:
            operation.apply(state)
            shared += operation.shared
            states.append((dict(state), shared))
        return KeyRecord(self.db, states, self.moments)

    def resume(self, found, since):
        """The server was started again and has `found`: the round goes on from there."""
        record = self.finish()
        _, last = record.find(found, since)
        self.earlier = record.states[:last]
        self.go_on(*record.states[last])
        self.moments.cut(last)

    def go_on(self, state, shared):
        self.state, self.shared, self.pending = dict(state), shared, []


class StringWriter(KeyWriter, history.Writer):
    pass


class CollectionWriter(KeyWriter, collection_writers.Writer):
    pass


class SqlWriter(sql_atomic.Writer):
    """Remembers times as well. Counts of earlier rounds are in `base`."""

    def begin(self):
        self.base = {kind: getattr(self, kind) for kind in KINDS}
        self.moments = {kind: Moments() for kind in KINDS}
        self.pending = {}
        self.stopping = False

    def step(self, conn):
        sent, had = now(), {kind: getattr(self, kind) for kind in KINDS}
        try:
            super().step(conn)
        finally:
            for kind, count in self.pending.items():
                self.moments[kind].sent += [sent] * count
            for kind in KINDS:
                if getattr(self, kind) > had[kind]:
                    self.moments[kind].sent.append(sent)
                    self.moments[kind].answered.append(now())

    def finish(self, prepared):
        return SqlRecord(self.number, self.base, self.moments, prepared)

    def resume(self, conn, since):
        for kind, count in self.finish(0).judge(conn, now(), since).items():
            setattr(self, kind, count)
            self.moments[kind].cut(count - self.base[kind])
        self.pending, self.stopping = {}, False


class Helpers:
    """Clients beside the writers. What they learn goes into the life. back_up: a function that runs
    `rubellite backup` and returns its exit code."""

    def __init__(self, life, rng, back_up):
        self.life, self.mode, self.random, self.back_up = life, life.mode, rng, back_up
        self.stopping = False  # the server may refuse from now on

    def clients(self, connect):
        """(function, its connection) of each."""
        return [(until_gone(self.promise), connect(PROMISE_DB)), (until_gone(self.look), connect(history.SHARED_DB)),
                (until_gone(self.admin), connect(0))]

    def promise(self, conn):
        """Asks in all ways for an answer that says: what was answered before is safe."""
        while True:
            time.sleep(self.random.uniform(0, 0.05))
            sent, dice = now(), self.random.random()
            if self.mode.get("appendonly") == "no":
                good = dice < 0.3 and self.save(conn, sent)
            elif dice < 0.6:
                conn.call("INCR", "promised")
                good = self.ask(conn, "WAITAOF", 1, 0, 2000)[1][0] == (":", b"1")
            elif dice < 0.9:
                info = conn.call("INFO", "persistence")[1].decode()
                good = "aof_pending_bio_fsync:0" in info
            else:
                good = self.save(conn, sent)
            if good:
                self.life.promises.append((sent, now()))

    def ask(self, conn, *command):
        """A server that stops may refuse; else no error is right."""
        reply = conn.call(*command)
        if reply[0] == "-":
            if self.stopping:
                raise process.Gone("the server stops")
            raise Failure("%r is answered with %r" % (command, reply))
        return reply

    def save(self, conn, sent):
        self.ask(conn, "SAVE")
        self.life.backups.append((sent, now()))
        return True

    def look(self, conn):
        """Reads the shared counter, by a command and by SQL."""
        while True:
            by_sql = self.random.random() < 0.3
            command = ("SQL", "SELECT value FROM strings WHERE database = ? AND key = 'total'",
                       history.SHARED_DB) if by_sql else ("GET", "total")
            value = self.ask(conn, *command)[1]
            if by_sql:
                value = value[1][1][0][1] if len(value) > 1 else None
            self.life.seen.append((now(), int(value or 0)))
            time.sleep(self.random.uniform(0, 0.01))

    def admin(self, conn):
        """`rubellite backup` beside the server, and BGSAVE."""
        while True:
            time.sleep(self.random.uniform(0.05, 0.4))
            if self.random.random() < 0.5:
                conn.call("BGSAVE")
                continue
            sent = now()
            code = self.back_up()
            # What is in the backup may not be synced in data.db yet, so this is no promise for that.
            # Without a journal it does not know what is not folded either.
            if code == 0:
                self.life.backups.append((0 if self.mode.get("appendonly") == "no" else sent, now()))
            conn.call("PING")


def until_gone(run):
    """The function of a client, which returns when the server is gone."""
    def body(conn):
        try:
            run(conn)
        except process.Gone:
            pass
    return body
