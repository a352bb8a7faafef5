# SPDX-License-Identifier: MIT
"""The rows of bench.py about hashes, lists, sets, sorted sets and messages: requests, bytes per
element, and how long a server with one collection of a million elements takes to answer again.

    make bench-quick ARGS='--only collections'

All requests are made by bench/load, for redis-benchmark makes no pairs such as LPUSH and RPOP.
"""

from dataclasses import dataclass

from report import progress
from servers import wait_all_quiet

MILLION = 1_000_000
VALUE_BYTES = 16
SUBSCRIBERS = 50
RATE_AIMS = {1: 0.95, 16: 1.0}  # by pipeline
MEMORY_AIM = 1.0
STEADY_S = 8.0


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
    cpu_aim: float = 0

    def aim(self, _fsync):
        return RATE_AIMS[self.pipeline]

    def more(self):
        return ["--words", self.words, "--subscribers", self.subscribers]


def fields(count):
    return " ".join("field:%02d {v}" % i for i in range(count))


BIG = (("ZADD big {n} element:{n}", MILLION),)
LIST = (("RPUSH list {v}", 600),)
OPS = [
    Op("hset", "HSET hash element:{r} {v}", writes=True),
    Op("hgetall50", "HGETALL hash:{r}", keys=1000, fill=(("HSET hash:{n} " + fields(50), 1000),)),
    Op("lpush-rpop", "LPUSH queue {v};RPOP queue", writes=True, fill=(("RPUSH queue {v}", 1000),)),
    Op("lrange100", "LRANGE list 0 99", fill=LIST),
    Op("lrange600", "LRANGE list 0 599"),
    Op("sadd", "SADD set element:{r}", writes=True),
    Op("sinter", "SINTER one other", fill=(("SADD one element:{r}", 200), ("SADD other element:{n};SADD other x:{n}", 200)),
       keys=200),
    Op("zadd", "ZADD zset {r} element:{r}", writes=True),
    Op("zrange-rank", "ZRANGE big {i} {+9}", keys=MILLION, fill=BIG),
    Op("zrange-score", "ZRANGE big {r} +inf BYSCORE LIMIT 0 10", keys=MILLION),
    Op("zrank", "ZRANK big element:{r}", keys=MILLION),
    Op("publish50", "PUBLISH news {v}", subscribers=SUBSCRIBERS),
]


class Stage:
    """What the stages have in common."""

    fsync, value_bytes, keys = "everysec", VALUE_BYTES, MILLION

    @staticmethod
    def fill(bench, server, words, requests):
        bench.tools.load(server, "words", max(requests, 1), VALUE_BYTES, requests, 4, 500 if requests > 10000 else 10,
                         more=["--words", words])


class Requests(Stage):
    """All kinds of requests, on the same two servers."""

    def row_names(self):
        return [self.name(op, pipeline) for op in OPS for pipeline in RATE_AIMS]

    @staticmethod
    def name(op, pipeline):
        return "collections.%s-P%d" % (op.name, pipeline)

    def measure(self, bench, servers):
        for server in servers.values():
            server.start()
        filled = set()
        for op in OPS:
            rows = [p for p in RATE_AIMS if bench.wanted(self.name(op, p))]
            # What a left out row would have filled may be needed by a later one.
            for words, requests in op.fill:
                if words not in filled and self._needed(bench, op):
                    filled.add(words)
                    self._fill_all(bench, servers, words, requests)
            for pipeline in rows:
                bench.add_op(self.name(op, pipeline), Op(**dict(op.__dict__, pipeline=pipeline)), self, servers)

    def _needed(self, bench, op):
        key = op.words.split()[1]
        return any(bench.wanted(self.name(other, p)) for other in OPS for p in RATE_AIMS if other.words.split()[1] == key)

    def _fill_all(self, bench, servers, words, requests):
        for side, server in servers.items():
            progress("filling %s: %.40s" % (side, words))
            self.fill(bench, server, words, requests)


class Million(Stage):
    """One collection of a million elements: its memory, and the start of a server that has it."""

    WORDS = {"hash": "HSET big element:{n} {v}", "list": "RPUSH big {v}", "set": "SADD big element:{n}",
             "zset": "ZADD big {r} element:{n}"}

    def __init__(self, kind):
        self.kind = kind

    def row_names(self):
        return ["collections.%s.%s-1M" % (what, self.kind) for what in ("memory", "start", "start-kill9")]

    def measure(self, bench, servers):
        memory, clean, killed = self.row_names()
        per_element, starts, starts_killed = {}, {}, {}
        for side, server in servers.items():
            progress("%s: filling %s" % (memory, side))
            server.start()
            empty = server.wait_stable_memory(steady_s=STEADY_S)
            self.fill(bench, server, self.WORDS[self.kind], MILLION)
            wait_all_quiet([server], 2.0)
            per_element[side] = [(server.wait_stable_memory(steady_s=STEADY_S) - empty) / MILLION]
            starts[side], starts_killed[side] = self._starts(bench, server, clean)
        bench.add_amount(memory, "bytes/elem", 1, per_element, ("memory", MEMORY_AIM))
        bench.add_amount(clean, "seconds", 3, starts, None)
        bench.add_amount(killed, "seconds", 3, starts_killed, None)

    @staticmethod
    def _starts(bench, server, name):
        """Starts after a clean stop (redis: of a rewritten AOF), and after kill -9 just after it."""
        clean, killed = [], []
        for number in range(bench.options.rounds):
            progress("%s: round %d, %s" % (name, number + 1, server.name))
            bench.stop_clean(server)
            clean.append(bench.timed_start(server, 1))
            server.stop(kill=True)
            killed.append(bench.timed_start(server, 1))
        return clean, killed


STAGES = [Requests(), *(Million(kind) for kind in Million.WORDS)]
