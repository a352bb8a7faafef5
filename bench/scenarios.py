# SPDX-License-Identifier: MIT
"""What bench.py measures: kinds of requests, and on which servers and key spaces."""

from dataclasses import dataclass

MILLION = 1_000_000
CLIENTS = 50
SESSION_TTL_S = 3600
STARTUP_ROWS = ("start-clean", "start-kill9", "start-both-kill9")
MEMORY_AIM = 0.80
STARTUP_AIM = 0.70
ZIPF_PERCENT = 99


@dataclass(frozen=True)
class Op:
    """One kind of request, made by bench/load in one of its modes; by redis-benchmark's test
    `bench` where `tool` says so."""

    name: str
    mode: str
    pipeline: int
    clients: int = CLIENTS
    zipf_percent: int = 0   # 0: every key as often
    write_percent: int = 0  # of mode mix
    bench: str = ""
    tool: str = ""          # "" is what the user chose
    writes: bool = True
    reads: bool = False
    prepare: str = ""  # "counters" or "sessions": a key space that has to be there first
    everysec_aim: float = 0
    always_aim: float = 0
    cpu_aim: float = 0

    def aims(self, fsync):
        rate = self.always_aim if fsync == "always" else self.everysec_aim
        return ([("rate", ">=", rate, "rate")] if rate else []) + \
               ([("CPU", "<=", self.cpu_aim, "cpu")] if self.cpu_aim else [])

    def tool_used(self, chosen):
        wanted = self.tool or chosen
        return wanted if self.bench and not self.zipf_percent else "load"

    def run(self, tools, server, stage, requests, seed, tool):
        if self.tool_used(tool) == "redis-benchmark":
            return tools.redis_bench(server, self.bench, stage.keys, stage.value_bytes, requests,
                                     self.clients, self.pipeline)
        ttl_s = SESSION_TTL_S if self.prepare == "sessions" else 0
        return tools.load(server, self.mode, stage.keys, stage.value_bytes, requests, self.clients,
                          self.pipeline, ttl_s, seed,
                          ["--zipf", self.zipf_percent, "--write-percent", self.write_percent])


def get(name, pipeline, **more):
    return Op(name, "get", pipeline, bench="get", reads=True, writes=False, **more)


def change(name, pipeline, mode="set", **more):
    """A write; redis-benchmark calls its tests as bench/load its modes."""
    return Op(name, mode, pipeline, bench=mode, **more)


def mix(name, pipeline, write_percent, **more):
    return Op(name, "mix", pipeline, write_percent=write_percent, reads=True, **more)


OPS = {op.name: op for op in [
    get("get-P16", 16, everysec_aim=1.20, cpu_aim=0.90),
    get("get-P1", 1, everysec_aim=0.95, cpu_aim=0.90),
    change("set-P16", 16, everysec_aim=1.05, always_aim=1.25),
    change("set-P1", 1, everysec_aim=0.95, always_aim=1.10),
    # The same four by redis-benchmark, so that not all hangs on a load program of ours.
    get("get-P16-rb", 16, tool="redis-benchmark"),
    get("get-P1-rb", 1, tool="redis-benchmark"),
    change("set-P16-rb", 16, tool="redis-benchmark"),
    change("set-P1-rb", 1, tool="redis-benchmark"),
    get("get-P1-c1", 1, clients=1),
    get("get-P1-c500", 1, clients=500),
    change("set-P1-c1", 1, clients=1),
    change("set-P1-c500", 1, clients=500),
    get("get-P16-zipf", 16, zipf_percent=ZIPF_PERCENT),
    change("set-P16-zipf", 16, zipf_percent=ZIPF_PERCENT),
    mix("mostly-P1-zipf", 1, 5, zipf_percent=ZIPF_PERCENT),
    mix("mostly-P16", 16, 5),
    mix("mostly-P1", 1, 5),
    change("mset10-P1", 1, mode="mset"),
    change("incr-P16", 16, mode="incr", prepare="counters"),
    change("incr-P1", 1, mode="incr", prepare="counters"),
    mix("session-P1", 1, 20, prepare="sessions"),
]}

BASIC = ("get-P16", "get-P1", "set-P16", "set-P1")
WRITES = ("set-P16", "set-P1")


def size_text(count):
    return f"{count // MILLION}M" if count >= MILLION else f"{count // 1000}k"


@dataclass(frozen=True)
class Stage:
    """Fresh servers, filled with one key space, and what is measured on them, in this order:
    memory, requests, start-up."""

    fsync: str  # appendfsync; "off" is appendonly no
    keys: int
    value_bytes: int
    ops: tuple = ()
    memory: bool = False
    startup: bool = False
    others: bool = False  # other servers too, where installed, for memory and the BASIC ops
    rounds: int = 5
    seconds: float = 1.0

    def name(self):
        return f"{self.fsync}.{self.size()}" + ("" if self.ops else ".start")

    def size(self):
        return f"{size_text(self.keys)}.{self.value_bytes}B"

    def memory_name(self):
        return f"memory.{'' if self.fsync == 'everysec' else self.fsync + '.'}{self.size()}"

    def row_names(self):
        names = [f"{op}.{self.fsync}.{self.size()}" for op in self.ops]
        names += [self.memory_name()] if self.memory else []
        if self.startup:
            names += [f"{row}.{self.size()}" for row in STARTUP_ROWS]
        return names

    def measure(self, bench, servers):
        bench.measure_stage(self, servers)

    def measures_others(self, op):
        return self.others and op.name in BASIC


FULL = [
    Stage("everysec", MILLION, 16, tuple(OPS), memory=True, others=True),
    Stage("everysec", MILLION, 1024, (*BASIC, "mostly-P1", "session-P1"), memory=True),
    Stage("always", MILLION, 16, (*WRITES, "set-P1-c1", "set-P1-c500", "incr-P1", "session-P1")),
    Stage("always", MILLION, 1024, WRITES),
    Stage("no", MILLION, 16, (*WRITES, "session-P1")),
    Stage("off", MILLION, 16, BASIC, memory=True, others=True),
    Stage("everysec", MILLION, 16, startup=True),
    Stage("everysec", MILLION, 1024, startup=True),
]
QUICK = [
    Stage("everysec", MILLION, 16, BASIC, memory=True, startup=True, rounds=3, seconds=0.4),
    Stage("always", 100_000, 16, WRITES, rounds=3, seconds=0.4),
]
