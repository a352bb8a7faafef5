#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures rubellite-server and redis-server side by side. docs/benchmarks.md says how to read it.

Both servers run on this machine with the same durability settings. They are measured in turns,
redis, ours, redis, ours ..., and only the measured one works in a turn.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import elements
import report
from report import progress
from servers import BenchError, Server, Tools, end_on_sigterm, machine_busy_ticks, \
    machine_facts, version_of, wait_all_quiet, work_directory, TICKS_PER_S

ROOT = Path(__file__).resolve().parent.parent
SIDES = ("redis", "ours")  # in the order they are measured
CLIENTS = 50
FOLD_WAIT_S = 1.2  # longer than the second after which a write is folded or synced
MEMORY_WAIT_S = 3.0  # before memory is read: allocators give back what they hold with a delay
SESSION_TTL_S = 3600
STARTUP_WRITES = 200_000

# --- what is measured ------------------------------------------------------------------------


@dataclass(frozen=True)
class Op:
    """One kind of request. `bench` names redis-benchmark's test, `mode` that of bench/load."""

    name: str
    mode: str
    pipeline: int
    bench: str = ""
    writes: bool = True
    reads: bool = False
    prepare: str = ""  # "counters" or "sessions": a key space that has to be there first
    everysec_aim: float = 0
    always_aim: float = 0
    cpu_aim: float = 0

    def aim(self, fsync):
        return self.always_aim if fsync == "always" else self.everysec_aim


OPS = {op.name: op for op in [
    Op("get-P16", "get", 16, "get", reads=True, writes=False, everysec_aim=1.20, cpu_aim=0.90),
    Op("get-P1", "get", 1, "get", reads=True, writes=False, everysec_aim=0.95, cpu_aim=0.90),
    Op("set-P16", "set", 16, "set", everysec_aim=1.05, always_aim=1.25),
    Op("set-P1", "set", 1, "set", everysec_aim=0.95, always_aim=1.10),
    Op("mset10-P1", "mset", 1, "mset"),
    Op("incr-P16", "incr", 16, "incr", prepare="counters"),
    Op("incr-P1", "incr", 1, "incr", prepare="counters"),
    Op("session-P16", "mix", 16, reads=True, prepare="sessions"),
    Op("session-P1", "mix", 1, reads=True, prepare="sessions"),
]}


@dataclass(frozen=True)
class Stage:
    """Two fresh servers, filled with one key space, and what is measured on them."""

    fsync: str
    keys: int
    value_bytes: int
    ops: tuple = ()
    memory: bool = False
    startup: bool = False

    def size(self):
        keys = f"{self.keys // 1_000_000}M" if self.keys >= 1_000_000 else f"{self.keys // 1000}k"
        return f"{keys}.{self.value_bytes}B"

    def measure(self, bench, servers):
        (bench.measure_startup if self.startup else bench.measure_stage)(self, servers)

    def row_names(self):
        names = [f"{op}.{self.fsync}.{self.size()}" for op in self.ops]
        names += [f"memory.{self.size()}"] if self.memory else []
        if self.startup:
            names += [f"{row}.{self.size()}" for row in STARTUP_ROWS]
        return names


BASIC = ("get-P16", "get-P1", "set-P16", "set-P1")
WRITES = ("set-P16", "set-P1")
STARTUP_ROWS = ("start-clean", "start-kill9", "start-both-kill9")
MEMORY_AIM = 0.80
STARTUP_AIM = 0.70

FULL = [
    Stage("everysec", 100_000, 16, tuple(OPS), memory=True),
    Stage("everysec", 100_000, 1024, BASIC, memory=True),
    Stage("everysec", 1_000_000, 16, tuple(OPS), memory=True),
    Stage("everysec", 1_000_000, 1024, (*BASIC, "session-P1"), memory=True),
    Stage("always", 100_000, 16, WRITES),
    Stage("always", 100_000, 1024, WRITES),
    Stage("always", 1_000_000, 16, (*WRITES, "incr-P1", "session-P1")),
    Stage("always", 1_000_000, 1024, WRITES),
    Stage("everysec", 1_000_000, 16, startup=True),
    Stage("everysec", 1_000_000, 1024, startup=True),
]
QUICK = [
    Stage("everysec", 1_000_000, 16, BASIC, memory=True),
    Stage("always", 1_000_000, 16, WRITES),
    Stage("everysec", 1_000_000, 16, startup=True),
]


# --- measuring -------------------------------------------------------------------------------


class Bench:
    def __init__(self, options, directory):
        self.options, self.dir = options, directory
        self.tools = Tools(options.tools)
        self.rows = []
        self.out = sys.stderr if options.json == "-" else sys.stdout
        self.load_table = report.Table(report.LOAD_COLUMNS, self.out)
        self.amount_table = report.Table(report.AMOUNT_COLUMNS, self.out)

    def wanted(self, name):
        return not self.options.only or any(part in name for part in self.options.only)

    def run(self, stages):
        for number, stage in enumerate(stages):
            if any(self.wanted(name) for name in stage.row_names()):
                with self.servers(stage, number) as servers:
                    stage.measure(self, servers)
        progress("")
        amounts = [row for row in self.rows if row["kind"] != "load"]
        if amounts:
            print(file=self.out)
        for row in amounts:
            self.amount_table.add(row)

    @contextlib.contextmanager
    def servers(self, stage, number):
        """Both servers, not started yet, in new directories that go at the end."""
        programs = {"redis": (self.options.redis, self.options.redis_arg),
                    "ours": (self.options.ours, self.options.ours_arg)}
        base = self.dir / f"stage{number}"
        servers = {side: Server(side, *[programs[side][0], base / side, stage.fsync],
                                extra=programs[side][1]) for side in SIDES}
        try:
            yield servers
            for server in servers.values():
                server.stop()
        finally:
            for server in servers.values():
                server.stop(kill=True)
            if not self.options.keep:
                shutil.rmtree(base, ignore_errors=True)

    def add_row(self, row):
        self.rows.append(row)
        progress("")
        if row["kind"] == "load":
            self.load_table.add(row)

    # -- requests

    def measure_stage(self, stage, servers):
        empty, loaded = {}, {}
        for side in SIDES:
            progress(f"{stage.fsync}.{stage.size()}: filling {side}")
            servers[side].start()
            empty[side] = servers[side].wait_stable_memory()
            self.tools.fill(servers[side], stage.keys, stage.value_bytes)
        if stage.memory and self.wanted(f"memory.{stage.size()}"):
            progress(f"memory.{stage.size()}: waiting for both to settle")
            wait_all_quiet(servers.values(), MEMORY_WAIT_S)
            for side in SIDES:
                loaded[side] = servers[side].wait_stable_memory()
            per_key = {s: [(loaded[s] - empty[s]) / stage.keys] for s in SIDES}
            self.add_amount(f"memory.{stage.size()}", "bytes/key", 1, per_key,
                            ("memory", MEMORY_AIM))
        prepared = set()
        for op in (OPS[name] for name in stage.ops):
            name = f"{op.name}.{stage.fsync}.{stage.size()}"
            if not self.wanted(name):
                continue
            if op.prepare and op.prepare not in prepared:
                prepared.add(op.prepare)
                self.prepare(op, stage, servers)
            self.add_op(name, op, stage, servers)

    def add_op(self, name, op, stage, servers):
        """Measures one kind of request; that it fails is a row too."""
        try:
            self.add_row(self.measure_op(name, op, stage, servers))
        except BenchError as error:
            self.add_row({"name": name, "kind": "load", "error": str(error)})
            if any(server.process.poll() is not None for server in servers.values()):
                raise

    def prepare(self, op, stage, servers):
        for side in SIDES:
            progress(f"{op.name}: preparing {side}")
            if op.prepare == "counters":
                self.tools.fill(servers[side], stage.keys, 1, mode="counters")
            else:
                self.tools.fill(servers[side], stage.keys, stage.value_bytes, ttl_s=SESSION_TTL_S)

    def measure_op(self, name, op, stage, servers):
        # Rounds that are not counted warm both up and say how many requests fill a round.
        progress(f"{name}: warming up")
        requests = 100_000 if op.pipeline > 1 else 10_000
        for share in (0.5, 1):
            rate = self.load(servers["redis"], op, stage, requests, 0)["rps"]
            requests = max(int(rate * self.options.seconds * share), 1000)
        self.load(servers["ours"], op, stage, requests // 2, 0)
        wait_all_quiet(servers.values(), FOLD_WAIT_S)
        rounds = {side: [] for side in SIDES}
        for number in range(1, self.options.rounds + 1):
            for side in SIDES:
                progress(f"{name}: round {number} of {self.options.rounds}, {side}")
                if op.writes:
                    os.sync()  # the other server's data is not still on its way to the disk
                rounds[side].append(self.measured(servers[side], op, stage, requests, number))
        return self.load_row(name, op, stage, requests, rounds)

    def load(self, server, op, stage, requests, seed):
        if isinstance(op, elements.Op):
            return self.tools.load(server, "words", op.keys, stage.value_bytes, requests, CLIENTS,
                                   op.pipeline, 0, seed, op.more())
        ttl_s = SESSION_TTL_S if op.prepare == "sessions" else 0
        if op.bench and self.options.tool == "redis-benchmark":
            return self.tools.redis_bench(server, op.bench, stage.keys, stage.value_bytes,
                                          requests, CLIENTS, op.pipeline)
        return self.tools.load(server, op.mode, stage.keys, stage.value_bytes, requests, CLIENTS,
                               op.pipeline, ttl_s, seed)

    def measured(self, server, op, stage, requests, seed):
        """One round. The server's work is counted until it is quiet again, so that what it puts
        off (syncing, folding) is in its bill."""
        misses = server.misses() if op.reads else 0
        cpu, disk, busy = server.cpu_ticks(), server.written_bytes(), machine_busy_ticks()
        start = time.monotonic()
        result = self.load(server, op, stage, requests, seed)
        span_ticks = (time.monotonic() - start) * TICKS_PER_S * os.cpu_count()
        cpu_while = server.cpu_ticks() - cpu
        others = machine_busy_ticks() - busy - cpu_while - result["client_cpu_s"] * TICKS_PER_S
        settled = wait_all_quiet([server], FOLD_WAIT_S if op.writes else 0.2)
        cpu_all = server.cpu_ticks() - cpu
        written = server.written_bytes()
        if op.reads and server.misses() != misses:
            raise BenchError(f"{server.name}: GETs found no key; every key should be there")
        seconds = requests / result["rps"]
        return {"rps": result["rps"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"],
                "cpu_us": cpu_all / TICKS_PER_S * 1e6 / requests,
                "cpu_us_while_loaded": cpu_while / TICKS_PER_S * 1e6 / requests,
                "disk_bytes": None if disk is None else (written - disk) / requests,
                "client_share": result["client_cpu_s"] / seconds,
                "other_work": max(others, 0) / span_ticks, "settled": settled}

    def load_row(self, name, op, stage, requests, rounds):
        sides = {side: dict(medians(rounds[side]), rounds=rounds[side]) for side in SIDES}
        pairs = [o["rps"] / r["rps"] for o, r in zip(rounds["ours"], rounds["redis"])]
        row = {"name": name, "kind": "load", "fsync": stage.fsync, "keys": stage.keys,
               "value_bytes": stage.value_bytes, "pipeline": op.pipeline, "requests": requests,
               "writes": op.writes, **sides, "ratio": sides["ours"]["rps"] / sides["redis"]["rps"],
               "ratio_min": min(pairs), "ratio_max": max(pairs),
               "cpu_ratio": sides["ours"]["cpu_us"] / max(sides["redis"]["cpu_us"], 1e-9),
               "other_work": max(sides[side]["other_work"] for side in SIDES), "aims": []}
        if op.aim(stage.fsync):
            row["aims"].append(aim("rate", ">=", op.aim(stage.fsync), row["ratio"]))
        if op.cpu_aim:
            row["aims"].append(aim("CPU", "<=", op.cpu_aim, row["cpu_ratio"]))
        return row

    # -- start-up

    def measure_startup(self, stage, servers):
        """Each round starts a server after a clean stop (redis: with its AOF rewritten), then
        writes for a moment, kills it with -9 and starts it again."""
        for side in SIDES:
            progress(f"start.{stage.size()}: filling {side}")
            servers[side].start()
            self.tools.fill(servers[side], stage.keys, stage.value_bytes)
            self.stop_clean(servers[side])
        clean, killed = {s: [] for s in SIDES}, {s: [] for s in SIDES}
        for number in range(1, self.options.rounds + 1):
            for side in SIDES:
                progress(f"start.{stage.size()}: round {number} of {self.options.rounds}, {side}")
                server = servers[side]
                clean[side].append(self.timed_start(server, stage.keys))
                self.tools.load(server, "set", stage.keys, stage.value_bytes, STARTUP_WRITES,
                                CLIENTS, 16, seed=number)
                server.stop(kill=True)
                killed[side].append(self.timed_start(server, stage.keys))
                self.stop_clean(server)
        aimed = ("start-up", STARTUP_AIM)
        for kind, times, wanted in zip(STARTUP_ROWS, (
                clean, {"ours": killed["ours"], "redis": clean["redis"]}, killed),
                (aimed, aimed, None)):
            self.add_amount(f"{kind}.{stage.size()}", "seconds", 3, times, wanted)

    def stop_clean(self, server):
        if server.is_redis:
            server.rewrite_aof()
        server.stop()

    def timed_start(self, server, keys):
        os.sync()
        start = time.perf_counter()
        server.start(wait=False)
        server.wait_answering(keys)
        return time.perf_counter() - start

    def add_amount(self, name, unit, digits, values, wanted):
        if not self.wanted(name):
            return
        sides = {s: {"value": statistics.median(values[s]), "rounds": values[s]} for s in SIDES}
        pairs = [o / r for o, r in zip(values["ours"], values["redis"])]
        ratio = sides["ours"]["value"] / sides["redis"]["value"]
        self.add_row({"name": name, "kind": "amount", "unit": unit, "digits": digits, **sides,
                      "ratio": ratio, "ratio_min": min(pairs), "ratio_max": max(pairs),
                      "aims": [aim(wanted[0], "<=", wanted[1], ratio)] if wanted else []})


def medians(rounds):
    """The median of each number over the rounds; None where it is not known."""
    fields = [field for field in rounds[0] if field != "settled"]
    return {f: None if rounds[0][f] is None else statistics.median(r[f] for r in rounds)
            for f in fields}


def aim(what, sense, wanted, value):
    met = value >= wanted if sense == ">=" else value <= wanted
    return {"what": what, "sense": sense, "aim": wanted, "value": value, "met": met}


# --- the command line ------------------------------------------------------------------------


def options_parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", default=str(ROOT / "build/rubellite-server"), metavar="PROGRAM")
    parser.add_argument("--redis", default=shutil.which("redis-server") or "redis-server",
                        metavar="PROGRAM")
    parser.add_argument("--ours-arg", action="append", default=[], metavar="ARG",
                        help="one more argument for our server; may be repeated (--ours-arg=--hz)")
    parser.add_argument("--redis-arg", action="append", default=[], metavar="ARG")
    parser.add_argument("--tools", default=str(ROOT / "build/bench"), metavar="DIR",
                        help="where the load programs are, or are compiled to (%(default)s)")
    parser.add_argument("--tool", choices=("redis-benchmark", "load"), default="redis-benchmark",
                        help="what makes the load where both can (%(default)s)")
    parser.add_argument("--dir", default=str(ROOT / "build"),
                        help="the disk: data goes to a new directory below this (%(default)s)")
    parser.add_argument("--quick", action="store_true",
                        help="fewer scenarios, 3 short rounds, under two minutes")
    parser.add_argument("--rounds", type=int, help="rounds per scenario (5, quick: 3)")
    parser.add_argument("--seconds", type=float, help="length of a round (2, quick: 0.7)")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="scenarios whose name contains NAME, as in set-P1. ; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the scenarios and stop")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE",
                        help="also write everything as JSON; without FILE to standard output, "
                             "and the tables to standard error")
    parser.add_argument("--keep", action="store_true", help="keep the data directories")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (0.7 if options.quick else 2.0)
    return options


def main():
    options = options_parsed()
    stages = QUICK if options.quick else FULL
    if not options.quick or options.only:
        stages = stages + elements.STAGES
    names = [name for stage in stages for name in stage.row_names()]
    chosen = [n for n in names if not options.only or any(part in n for part in options.only)]
    if options.list:
        print("\n".join(chosen))
        return 0
    if not chosen:
        raise BenchError(f"no scenario matches {', '.join(options.only)}; see --list")
    for program in (options.ours, options.redis):
        if not shutil.which(program):
            raise BenchError(f"{program} is not there; build it first, or name it with --ours "
                             "or --redis")
    with work_directory(options.dir, options.keep) as directory:
        bench = Bench(options, directory)
        facts = {"ours": version_of(options.ours), "redis": version_of(options.redis),
                 "machine": machine_facts(directory), "rounds": options.rounds,
                 "seconds": options.seconds, "clients": CLIENTS, "tool": options.tool,
                 "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        report.print_facts(facts, bench.out)
        try:
            bench.run(stages)
            report.print_summary(bench.rows, bench.out)
        finally:
            write_json(options.json, dict(facts, rows=bench.rows))
    return 1 if any("error" in row for row in bench.rows) else 0


def write_json(where, result):
    text = json.dumps(result, indent=1)
    if where == "-":
        print(text)
    elif where:
        Path(where).write_text(text + "\n")


if __name__ == "__main__":
    try:
        end_on_sigterm()
        sys.exit(main())
    except BenchError as problem:
        progress("")
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        progress("")
        sys.exit("bench: interrupted")
