# SPDX-License-Identifier: MIT
"""Clients that work on the same data: queues, optimistic transactions, SQL, messages."""

import threading
import time

import wire
from actor import Actor, equals

ACCOUNTS, EACH = 40, 1000


class Queue:
    """The jobs that are somewhere between a producer and a consumer."""

    def __init__(self, name):
        self.name, self.key = name, b"queue:" + name.encode()
        self.lock, self.open, self.done = threading.Lock(), set(), 0
        self.last = {}  # producer -> its newest job that was taken, where order can be told
        self.producing = 0

    def put(self, job):
        with self.lock:
            self.open.add(job)

    def take(self, job, ordered):
        """What is wrong with having been given this job."""
        producer, number = job.split(b":")
        with self.lock:
            if job not in self.open:
                return "job %r was not in the queue, or is given twice" % job
            self.open.discard(job)
            self.done += 1
            if ordered and int(number) != self.last.get(producer, -1) + 1:
                return "job %r came after %d" % (job, self.last.get(producer, -1))
            self.last[producer] = int(number)
        return None


class Producer(Actor):
    kind, per_second, batch = "jobs put", 20, 6

    def __init__(self, crew, name, queue):
        super().__init__(crew, name)
        self.queue, self.number = queue, 0

    def step(self):
        if len(self.queue.open) > 5000:  # the consumers are late: wait for them
            return 0
        plan = []
        for _ in range(self.batch):
            job = b"%s:%d" % (self.id.encode(), self.number)
            self.number += 1
            self.queue.put(job)
            plan.append((("RPUSH", self.queue.key, job), None))
        return self.play(plan)

    def expected(self):
        return []


class Consumer(Actor):
    """Takes with BLPOP. The only one of its queue, so that it sees the order."""

    kind, ordered = "jobs taken", True

    def __init__(self, crew, name, queue):
        super().__init__(crew, name)
        self.queue = queue

    def pace(self):
        while not self.crew.stop.is_set():
            self.crew.add(self.kind, self.step())

    def step(self):
        reply = self.ask("BLPOP", self.queue.key, "0.5")
        if reply:
            self.judge(reply[1])
        return 1

    def judge(self, job):
        problem = self.queue.take(job, self.ordered)
        if problem:
            self.wrong(("take", self.queue.key), problem)

    def expected(self):
        if not self.ordered:
            return []
        return [(0, self.queue.key, "any order", sorted(self.queue.open), None)]


class SafeConsumer(Consumer):
    """Takes with BLMOVE into a list of its own, one of several of its queue."""

    ordered = False

    def step(self):
        own = b"%s:working:%s" % (self.queue.key, self.id.encode())
        job = self.ask("BLMOVE", self.queue.key, own, "LEFT", "LEFT", "0.5")
        if job is None:
            return 1
        self.judge(job)
        return 1 + self.play([(("LRANGE", own, 0, -1), equals([job])), (("LREM", own, 1, job), equals(1))])

    def expected(self):
        return [(0, self.queue.key, "any order", sorted(self.queue.open), None),
                (0, b"%s:working:%s" % (self.queue.key, self.id.encode()), "list", [], None)]


class Bank(Actor):
    """Moves money between accounts with WATCH; the sum never changes."""

    kind, per_second = "transactions", 12

    def step(self):
        first, second = self.random.sample(range(ACCOUNTS), 2)
        first, second = b"account:%d" % first, b"account:%d" % second
        if self.random.random() < 0.3:
            return self.look()
        replies = self.client.pipeline([("WATCH", first, second), ("MGET", first, second)])
        has, gets = (int(n) for n in replies[1])
        amount = self.random.randint(0, has)
        if self.random.random() < 0.1:
            self.require(("UNWATCH",), self.ask("UNWATCH"), "OK")
            return 3
        done = self.client.pipeline([("MULTI",), ("SET", first, has - amount),
                                     ("INCRBY", second, amount), ("EXEC",)])[3]
        if done is None:
            self.crew.add("  of these not done, for a watched key changed", 1)
        else:
            self.require(("EXEC",), done, ["OK", gets + amount])
        return 6

    def look(self):
        balances = self.ask("MGET", *(b"account:%d" % n for n in range(ACCOUNTS)))
        self.require(("MGET", "account:*"), sum(int(b) for b in balances), ACCOUNTS * EACH)
        return 1


class Sql(Actor):
    """Rows in a table of its own beside keys: transactions of both, queries over views and an
    index, scripts that fail as a whole."""

    kind, per_second, kept = "SQL", 4, 300

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.orders, self.number, self.counter = {}, 0, 0
        self.moves = [self.order] * 4 + [self.totals, self.view, self.find, self.trim, self.fail, self.joined]

    def step(self):
        return self.random.choice(self.moves)()

    def sql(self, *command):
        return self.ask("SQL", *command)

    def order(self):
        """A key and a row, both or neither."""
        self.number += 1
        cents = self.random.randrange(10**5)
        replies = self.client.pipeline([
            ("MULTI",), ("INCR", "sql:count:" + self.id),
            ("SQL", "INSERT INTO soak_order(client, number, cents) VALUES (?, ?, ?)", self.id,
             str(self.number), str(cents)), ("EXEC",)])
        self.counter += 1
        self.orders[self.number] = cents
        self.require(("EXEC of INCR and INSERT",), replies[3], [self.counter, 1])
        return 4

    def totals(self):
        found = self.sql("SELECT count(*), coalesce(sum(cents), 0) FROM soak_order WHERE client = ?", self.id)
        self.require(("SQL SELECT sum",), found and found[1],
                     [len(self.orders), sum(self.orders.values())])
        return 1

    def view(self):
        found = self.sql("SELECT value FROM strings WHERE database = 0 AND key = ?", "sql:count:" + self.id)
        self.require(("SQL SELECT FROM strings",), found and found[1:],
                     [[b"%d" % self.counter]] if self.counter else [])
        return 1

    def find(self):
        """Through the index over JSON; the key was written just before."""
        user = "me%s" % self.id
        self.require(("SET",), self.ask("SET", "sql:user:" + self.id, '{"user":"%s"}' % user), "OK")
        found = self.sql("SELECT key FROM strings WHERE json_valid(value) AND value->>'$.user' = ?", user)
        self.require(("SQL SELECT by JSON",), found and found[1:], [[b"sql:user:" + self.id.encode()]])
        return 2

    def joined(self):
        found = self.sql("SELECT h.value, count(o.number) FROM hashes h LEFT JOIN soak_order o ON "
                         "o.client = h.value WHERE h.database = 0 AND h.key = 'sql:clients' AND "
                         "h.field = ? GROUP BY 1", self.id)
        self.require(("SQL join",), found and found[1:], [[self.id.encode(), len(self.orders)]])
        return 1

    def trim(self):
        old = sorted(self.orders)[:-self.kept]
        if old:
            self.require(("SQL DELETE",), self.sql(
                "DELETE FROM soak_order WHERE client = ? AND number <= ?", self.id, str(old[-1])),
                len(old))
            for number in old:
                del self.orders[number]
        return 1

    def fail(self):
        reply = self.client.call("SQL", "DELETE FROM soak_order WHERE client = ?1; "
                                 "INSERT INTO soak_order(client, number, cents) VALUES (NULL, 1, 1)", self.id)
        if not isinstance(reply, wire.Refused) or "NOT NULL" not in reply:
            self.wrong(("SQL script that fails",), "answered %r" % (reply,))
        return 1

    def begin(self):
        self.ask("HSET", "sql:clients", self.id, self.id)

    def expected(self):
        return [(0, b"sql:count:" + self.id.encode(), "string", b"%d" % self.counter if self.counter else None, None),
                (0, self.id.encode(), "rows", dict(self.orders), None)]


SCHEMA = [
    "CREATE TABLE soak_order(client TEXT NOT NULL, number INTEGER NOT NULL, cents INTEGER NOT NULL, "
    "at TEXT DEFAULT CURRENT_TIMESTAMP)",
    "CREATE INDEX soak_order_client ON soak_order(client, number)",
    "CREATE INDEX soak_session_user ON rl_key(value->>'$.user') WHERE json_valid(value)",
]


class Channel:
    def __init__(self, name, subscribers):
        self.name, self.subscribers = name, subscribers
        self.ready, self.sent, self.ended = 0, 0, threading.Event()


class Subscriber(Actor):
    """Gets every message once and in order, by name or by pattern."""

    kind = "messages got"

    def __init__(self, crew, name, channel, pattern):
        super().__init__(crew, name)
        self.channel, self.pattern, self.next = channel, pattern, 0

    def pace(self):
        channel = self.channel
        words = ("PSUBSCRIBE", channel.name[:-1] + "?") if self.pattern else ("SUBSCRIBE", channel.name)
        self.client.call(*words)
        with self.crew.lock:
            channel.ready += 1
        while True:
            message = self.client.read()[-1]
            if message == b"end":
                break
            if message != b"%d" % self.next:
                self.wrong(words, "got %r instead of message %d" % (message, self.next))
                self.next = int(message)
            self.next += 1
            self.crew.add(self.kind, 1)
        if self.next != channel.sent:
            self.wrong(words, "got %d of %d messages" % (self.next, channel.sent))


class Publisher(Actor):
    kind, per_second = "messages sent", 20

    def __init__(self, crew, name, channel):
        super().__init__(crew, name)
        self.channel = channel

    def begin(self):
        while self.channel.ready < self.channel.subscribers and not self.crew.stop.is_set():
            time.sleep(0.01)

    def step(self):
        plan = []
        for _ in range(4):
            plan.append((("PUBLISH", self.channel.name, self.channel.sent), equals(self.channel.subscribers)))
            self.channel.sent += 1
        return self.play(plan)

    def finish(self):
        self.ask("PUBLISH", self.channel.name, "end")
