# SPDX-License-Identifier: MIT
"""Clients as they are met in the wild: that come and go at any point, that do not read, that do
nothing; and the operator, who makes backups and changes settings."""

import os
import random
import sqlite3
import subprocess
import time

import wire
from actor import Actor

SLOW_KEY, SLOW_BYTES = b"slow:value", 2_000_000


class Churn(Actor):
    """Connects, does something, and goes without a word, often in the middle of it."""

    kind, per_second = "connections made and left", 40

    def step(self):
        try:
            client = wire.Client(self.crew.port, self.random.choice((0, 0, 5)))
        except wire.Gone as error:
            self.crew.say_error("%s cannot connect: %s" % (self.name, error))
            return 0
        try:
            self.random.choice(WAYS)(self, client)
        except wire.Gone as error:
            self.crew.say_error("%s lost its connection: %s" % (self.name, error))
        (client.reset if self.random.random() < 0.4 else client.close)()
        return 1

    def key(self):
        return b"churn:%d" % self.random.randrange(500)

    def nothing(self, client):
        pass

    def ping(self, client):
        self.require(("PING",), client.call("PING"), "PONG")

    def quit(self, client):
        self.require(("QUIT",), client.call("QUIT"), "OK")

    def in_pipeline(self, client):
        """Sends a pipeline and does not read its replies, or only one."""
        client.send(b"".join(wire.request("SET", self.key(), "x" * 200, "EX", 5) for _ in range(50)))
        if self.random.random() < 0.5:
            client.read()

    def in_request(self, client):
        client.send(wire.request("SET", self.key(), "y" * 5000, "EX", 5)[:self.random.randrange(1, 5000)])

    def in_large_request(self, client):
        client.send(b"*3\r\n$3\r\nSET\r\n$8\r\nchurnbig\r\n$5000000\r\n" + b"z" * 300_000)

    def in_multi(self, client):
        client.send(wire.request("WATCH", self.key()) + wire.request("MULTI") +
                    wire.request("SET", self.key(), "never"))

    def in_blpop(self, client):
        client.send(wire.request("BLPOP", "churn:nothing", 30))
        if self.random.random() < 0.5:
            time.sleep(0.02)

    def in_subscribe(self, client):
        client.send(wire.request("SUBSCRIBE", "churn") + wire.request("PSUBSCRIBE", "churn*"))

    def in_query(self, client):
        client.send(wire.request("SQL", "SELECT count(*) FROM soak_order"))

    def as_resp3(self, client):
        client.send(wire.request("HELLO", 3) + wire.request("CLIENT", "TRACKING", "ON") +
                    wire.request("GET", self.key()))

    def nonsense(self, client):
        client.send(b"*1\r\n$nonsense\r\n")
        reply = client.read()
        if not isinstance(reply, wire.Refused) or "Protocol error" not in reply:
            self.wrong(("nonsense",), "answered %r" % (reply,))

    def killed(self, client):
        number = client.call("CLIENT", "ID")
        self.require(("CLIENT", "KILL"), self.ask("CLIENT", "KILL", "ID", number), 1)


WAYS = [Churn.nothing, Churn.ping, Churn.quit, Churn.in_pipeline, Churn.in_request,
        Churn.in_large_request, Churn.in_multi, Churn.in_blpop, Churn.in_subscribe,
        Churn.in_query, Churn.as_resp3, Churn.nonsense, Churn.killed]


class Idle(Actor):
    """Many connections that do next to nothing."""

    kind, per_second, many = "idle connections pinged", 10, 150

    def begin(self):
        self.clients = [wire.Client(self.crew.port) for _ in range(self.many)]

    def step(self):
        at = self.random.randrange(self.many)
        if self.random.random() < 0.2:
            self.clients[at].close()
            self.clients[at] = wire.Client(self.crew.port)
        self.require(("PING",), self.clients[at].call("PING"), "PONG")
        return 1

    def finish(self):
        for client in self.clients:
            client.close()


class SlowReader(Actor):
    """Asks for much, has a small buffer and takes its time: gets all of it all the same."""

    kind, per_second = "slow reads", 0.2

    def begin(self):
        self.value = slow_value()

    def step(self):
        client = wire.Client(self.crew.port, 0, receive_buffer=16384)
        client.send(wire.request("GET", SLOW_KEY))
        got = bytearray()
        while len(got) < SLOW_BYTES + 12 and not (self.crew.stop.is_set() and not got):
            time.sleep(0.01)
            data = client.socket.recv(20_000)
            if not data:
                break
            got += data
        if bytes(got) != b"$%d\r\n%s\r\n" % (SLOW_BYTES, self.value):
            self.wrong(("GET", SLOW_KEY), "%d bytes came, and not the right ones" % len(got))
        client.close()
        return 1


class NeverReader(Actor):
    """Asks for more than the output buffer limit allows and reads nothing: is thrown out."""

    kind, per_second = "clients over the output limit", 0.1

    def step(self):
        client = wire.Client(self.crew.port, 0, receive_buffer=16384)
        self.crew.say_event("a client asks for 60 MB and does not read")
        try:
            client.send(wire.request("GET", SLOW_KEY) * 30)
            end = time.monotonic() + 30
            while time.monotonic() < end:
                time.sleep(0.05)
                client.send(wire.request("PING"))
            self.wrong(("GET", SLOW_KEY), "60 MB are kept for a client above the limit")
        except wire.Gone:
            pass
        client.close()
        return 1


class DeafSubscriber(Actor):
    """The same for messages: their limit is another."""

    kind, per_second = "subscribers over the output limit", 0.05

    def step(self):
        deaf = wire.Client(self.crew.port, 0, receive_buffer=16384)
        self.require(("SUBSCRIBE",), deaf.call("SUBSCRIBE", "deaf")[2], 1)
        self.crew.say_event("a subscriber does not read")
        message, end = b"m" * 200_000, time.monotonic() + 30
        while time.monotonic() < end and self.ask("PUBLISH", "deaf", message):
            time.sleep(0.02)
        if time.monotonic() >= end:
            self.wrong(("SUBSCRIBE",), "a subscriber above the limit is kept")
        deaf.close()
        return 1


def slow_value():
    return random.Random(2).randbytes(SLOW_BYTES)


class Operator(Actor):
    """Backups, settings at run time, and what monitoring asks."""

    kind, per_second = "operator", 2

    def __init__(self, crew, name, admin, directory, scratch):
        super().__init__(crew, name)
        self.admin, self.directory, self.scratch = admin, directory, scratch
        self.plan = {}
        self.durability = "everysec"

    def begin(self):
        for act, (every_s, share) in ACTS.items():
            self.plan[act] = time.monotonic() + self.wait(every_s, share)

    def wait(self, every_s, share):
        return min(every_s, self.crew.seconds / share) * self.random.uniform(0.7, 1.3)

    def step(self):
        for act, due in list(self.plan.items()):
            if time.monotonic() > due:
                self.plan[act] = time.monotonic() + self.wait(*ACTS[act])
                act(self)
                return 1
        return 0

    def set(self, name, value):
        self.crew.say_event("CONFIG SET %s %s" % (name, value))
        self.require(("CONFIG", "SET", name, value), self.ask("CONFIG", "SET", name, value), "OK")

    def durable(self):
        self.durability = self.random.choice(("always", "everysec", "no", "off", "everysec"))
        self.set("appendonly", "no" if self.durability == "off" else "yes")
        if self.durability != "off":
            self.set("appendfsync", self.durability)

    def settings(self):
        name, values = self.random.choice(SETTINGS)
        self.set(name, self.random.choice(values))

    def save(self):
        how = self.random.choice((("BGSAVE",), ("BGSAVE",), ("SAVE",), ("BGREWRITEAOF",)))
        self.crew.say_event(how[0])
        reply = self.client.call(*how)
        if isinstance(reply, wire.Refused) and "progress" not in reply:
            self.crew.say_error("%s: %s" % (how[0], reply))

    def backup(self):
        """The administration program copies beside the server, and the copy opens."""
        target = os.path.join(self.scratch, "backup.db")
        self.crew.say_event("rubellite backup")
        done = subprocess.run([self.admin, "backup", self.directory, "--to", target], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        if done.returncode:
            self.crew.say_error("rubellite backup: %s" % done.stdout.decode("utf-8", "replace"))
            return
        copy = sqlite3.connect(target)
        total = sum(int(v) for (v,) in copy.execute(
            "SELECT value FROM strings WHERE database = 0 AND key GLOB 'account:*'"))
        copy.close()
        self.require(("sum of the accounts in a backup",), total, self.total)
        os.unlink(target)

    total = 0  # set by who knows it

    def ask_around(self):
        for command in (("INFO", "everything"), ("CLIENT", "LIST"), ("CONFIG", "GET", "*"),
                        ("MEMORY", "STATS"), ("SLOWLOG", "GET", 10), ("LATENCY", "HISTOGRAM"),
                        ("DBSIZE",), ("SCAN", 0, "COUNT", 1000), ("COMMAND", "COUNT")):
            self.ask(*command)

    def finish(self):
        self.set("appendonly", "yes")
        self.set("appendfsync", "everysec")
        self.set("fold-interval", "200")


SETTINGS = [
    ("fold-interval", ("200", "1000", "1000", "2000")),
    ("checkpoint-interval", ("1000", "5000")),
    ("hash-max-listpack-entries", ("32", "512")),
    ("set-max-intset-entries", ("64", "512")),
    ("zset-max-listpack-entries", ("64", "128")),
    ("maxclients", ("5000", "10000")),
    ("notify-keyspace-events", ("KEA", "")),
    ("backup-rate", ("32mb", "64mb")),
    ("timeout", ("0", "600")),
]

ACTS = {  # what, every so many seconds, but so many times in a short run
    Operator.durable: (20, 8),
    Operator.settings: (7, 10),
    Operator.save: (60, 4),
    Operator.backup: (90, 3),
    Operator.ask_around: (5, 10),
}
