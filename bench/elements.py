# SPDX-License-Identifier: MIT
"""The rows of bench.py about hashes, lists, sets, sorted sets and messages: requests, bytes per
element, and how long a server with one collection of a million elements takes to answer again.

    make bench-quick ARGS='--only collections'

All requests are made by bench/load, for redis-benchmark makes no pairs such as LPUSH and RPOP.
"""

from dataclasses import dataclass, replace

from report import progress
from scenarios import CLIENTS, MILLION, size_text
from servers import stable_memory, wait_all_quiet

VALUE_BYTES = 16
SUBSCRIBERS = 50
RATE_AIMS = {1: 0.95, 16: 1.0}  # by pipeline
MEMORY_AIM = 1.0
STEADY_S = 8.0
MEMORY_TIMEOUT_S = 180


@dataclass(frozen=True)
class Op:
    """Requests made of words (see bench/load.c); keys: the range of the numbers in them."""

    name: str
    words: str
    pipeline: int = 1
    keys: int = 100_000
    writes: bool = False
    reads: bool = False  # there are no GETs whose misses could be counted
    fill: tuple = ()     # (words, requests) that make what is needed first
    subscribers: int = 0
    clients: int = CLIENTS

    def aims(self, _fsync):
        return [("rate", ">=", RATE_AIMS[self.pipeline], "rate")]

    def tool_used(self, _chosen):
        return "load"

    def run(self, tools, server, stage, requests, seed, _tool):
        return tools.load(server, "words", self.keys, stage.value_bytes, requests, self.clients,
                          self.pipeline, 0, seed,
                          ["--words", self.words, "--subscribers", self.subscribers])


def fields(count):
    return " ".join("field:%02d {v}" % i for i in range(count))


def ops(big):
    """All kinds; `big` is the number of elements of the one sorted set that is large."""
    fill_big = (("ZADD big {n} element:{n}", big),)
    return [
        Op("hset", "HSET hash element:{r} {v}", writes=True),
        Op("hgetall50", "HGETALL hash:{r}", keys=1000,
           fill=(("HSET hash:{n} " + fields(50), 1000),)),
        Op("lpush-rpop", "LPUSH queue {v};RPOP queue", writes=True,
           fill=(("RPUSH queue {v}", 1000),)),
        Op("lrange100", "LRANGE list 0 99", fill=(("RPUSH list {v}", 600),)),
        Op("lrange600", "LRANGE list 0 599"),
        Op("sadd", "SADD set element:{r}", writes=True),
        Op("sinter", "SINTER one other", keys=200,
           fill=(("SADD one element:{n}", 200), ("SADD other element:{n}", 200),
                 ("SADD other x:{n}", 200))),
        Op("zadd", "ZADD zset {r} element:{r}", writes=True),
        Op("zrange-rank", "ZRANGE big {i} {+9}", keys=big, fill=fill_big),
        Op("zrange-score", "ZRANGE big {r} +inf BYSCORE LIMIT 0 10", keys=big),
        Op("zrank", "ZRANK big element:{r}", keys=big),
        Op("publish50", "PUBLISH news {v}", subscribers=SUBSCRIBERS),
    ]


class Stage:
    """What the stages have in common."""

    fsync, value_bytes, others = "everysec", VALUE_BYTES, False
    rounds, seconds = 3, 0.6

    def __init__(self, keys):
        self.keys = keys  # the elements of what is large

    @staticmethod
    def fill(bench, server, words, requests):
        bench.tools.load(server, "words", max(requests, 1), VALUE_BYTES, requests, 4,
                         500 if requests > 10000 else 10, more=["--words", words])


class Requests(Stage):
    """All kinds of requests, on the same two servers."""

    def __init__(self, keys):
        super().__init__(keys)
        self.ops = ops(keys)

    def name(self):
        return "collections"

    def row_names(self):
        return [self.row_name(op, pipeline) for op in self.ops for pipeline in RATE_AIMS]

    @staticmethod
    def row_name(op, pipeline):
        return f"collections.{op.name}-P{pipeline}"

    def measure(self, bench, servers):
        for server in servers.values():
            server.start()
        filled = set()
        for op in self.ops:
            for words, requests in op.fill:
                # What a left out row would have filled may be needed by a later one.
                if words not in filled and self.needed(bench, op):
                    filled.add(words)
                    self.fill_all(bench, servers, words, requests)
            for pipeline in RATE_AIMS:
                if bench.wanted(self.row_name(op, pipeline)):
                    bench.add_op(self.row_name(op, pipeline), replace(op, pipeline=pipeline), self,
                                 servers)

    def needed(self, bench, op):
        key = op.words.split()[1]
        return any(bench.wanted(self.row_name(other, p)) for other in self.ops for p in RATE_AIMS
                   if other.words.split()[1] == key)

    def fill_all(self, bench, servers, words, requests):
        for side, server in servers.items():
            progress(f"filling {side}: {words:.40}")
            self.fill(bench, server, words, requests)


class Million(Stage):
    """One collection of a million elements: its memory, and the start of a server that has it."""

    WORDS = {"hash": "HSET big element:{n} {v}", "list": "RPUSH big {v}",
             "set": "SADD big element:{n}", "zset": "ZADD big {r} element:{n}"}

    def __init__(self, keys, kind):
        super().__init__(keys)
        self.kind = kind

    def of(self):
        return f"{self.kind}-{size_text(self.keys)}"

    def name(self):
        return f"collections.{self.of()}"

    def row_names(self):
        return [f"collections.{what}.{self.of()}"
                for what in ("memory", "start", "start-kill9")]

    def measure(self, bench, servers):
        memory, clean, killed = self.row_names()
        for server in servers.values():
            server.start()
        empty, _ = stable_memory(servers.values(), 1.0)
        for side, server in servers.items():
            progress(f"{memory}: filling {side}")
            self.fill(bench, server, self.WORDS[self.kind], self.keys)
        if bench.wanted(memory):
            progress(f"{memory}: waiting for both to settle")
            quiet = wait_all_quiet(servers.values(), 2.0, MEMORY_TIMEOUT_S)
            loaded, stable = stable_memory(servers.values(), STEADY_S)
            bench.add_amount(memory, "bytes/elem", 1,
                             {side: [(after - before) / self.keys] for side, before, after
                              in zip(servers, empty, loaded)}, ("memory", MEMORY_AIM),
                             quiet and stable)
        if bench.wanted(clean) or bench.wanted(killed):
            starts, starts_killed = self.starts(bench, servers, clean)
            bench.add_amount(clean, "seconds", 3, starts, None)
            bench.add_amount(killed, "seconds", 3, starts_killed, None)

    def starts(self, bench, servers, name):
        """Starts after a clean stop (redis: of a rewritten AOF), and after kill -9 behind that."""
        clean, killed = {side: [] for side in servers}, {side: [] for side in servers}
        for number in range(bench.rounds(self)):
            for side, server in servers.items():
                progress(f"{name}: round {number + 1}, {side}")
                bench.stop_clean(server)
                clean[side].append(bench.timed_start(server, 1))
                server.stop(kill=True)
                killed[side].append(bench.timed_start(server, 1))
        return clean, killed


def stages(keys=MILLION):
    return [Requests(keys), *(Million(keys, kind) for kind in Million.WORDS)]
