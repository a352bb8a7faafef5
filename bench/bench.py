#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures rubellite-server and redis-server side by side. docs/benchmarks.md says how to read it.

Both servers run on this machine with the same durability settings. They are measured in turns,
redis, ours, redis, ours ..., and only the measured one works in a turn.
"""

import contextlib
import math
import os
import shutil
import sys
import time
from dataclasses import replace

import elements
import report
import stats
from report import progress
from scenarios import CLIENTS, FULL, MEMORY_AIM, MILLION, OPS, QUICK, SESSION_TTL_S, STARTUP_AIM, \
    STARTUP_ROWS
from servers import BenchError, Tools, check_programs, device_written_bytes, machine_busy_s, \
    options_parser, other_servers, run_facts, run_program, server_of, stable_memory, version_of, \
    wait_all_quiet, work_directory

SIDES = ("redis", "ours")  # in the order they are measured
FOLD_WAIT_S = 1.2  # longer than the second after which a write is folded or synced
READ_WAIT_S = 0.2
MEMORY_WAIT_S = 3.0  # before memory is read: allocators give back what they hold with a delay
MEMORY_TIMEOUT_S = 180
MEMORY_STEADY_S = 8.0  # longer than caches and freed pages are kept after the last write
STARTUP_WRITES = 200_000


class Bench:
    def __init__(self, options, directory):
        self.options, self.dir = options, directory
        self.tools = Tools(options.tools)
        self.rows, self.stages, self.save = [], [], None
        self.end = time.monotonic() + 60 * (math.inf if options.minutes is None else
                                             options.minutes)
        self.out = sys.stderr if options.json == "-" else sys.stdout
        self.load_table = report.Table(report.LOAD_COLUMNS, self.out)

    def chosen(self, name):
        return not self.options.only or any(part in name for part in self.options.only)

    def wanted(self, name):
        """Whether this row is to be measured, and there is still time for it."""
        return self.chosen(name) and time.monotonic() < self.end

    def rounds(self, stage):
        return self.options.rounds or stage.rounds

    def seconds(self, stage):
        return self.options.seconds or stage.seconds

    def run(self, stages, save):
        """Measures all of them; save() is called whenever there is something new."""
        self.save = save
        for number, stage in enumerate(stages):
            if any(self.wanted(name) for name in stage.row_names()):
                start = time.monotonic()
                self.stages.append({"name": stage.name(), "rounds": self.rounds(stage),
                                    "seconds": self.seconds(stage), "took_s": None})
                with self.servers(stage, number) as servers:
                    stage.measure(self, servers)
                self.stages[-1]["took_s"] = round(time.monotonic() - start, 1)
                save()
        progress("")

    @contextlib.contextmanager
    def servers(self, stage, number):
        """Every server, not started yet, in new directories that go at the end."""
        programs = [("redis", self.options.redis, self.options.redis_arg),
                    ("ours", self.options.ours, self.options.ours_arg)]
        if stage.others and not self.options.no_others:
            programs += [(name, path, []) for name, path in other_servers(stage.fsync)]
        base = self.dir / f"stage{number}"
        servers = {name: server_of(name, path, base / name, stage.fsync, extra)
                   for name, path, extra in programs}
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
        self.save()
        progress("")
        if row["kind"] == "load":
            self.load_table.add(row)

    # -- memory, requests

    def measure_stage(self, stage, servers):
        progress(f"{stage.name()}: starting")
        for server in servers.values():
            server.start()
        empty, _ = stable_memory(servers.values(), 1.0)
        for side, server in servers.items():
            progress(f"{stage.name()}: filling {side}")
            self.tools.fill(server, stage.keys, stage.value_bytes)
        if stage.memory and self.wanted(stage.memory_name()):
            self.measure_memory(stage, servers, empty)
        prepared = set()
        for op in (OPS[name] for name in stage.ops):
            name = f"{op.name}.{stage.fsync}.{stage.size()}"
            if not self.wanted(name):
                continue
            if op.prepare and op.prepare not in prepared:
                prepared.add(op.prepare)
                self.prepare(op, stage, servers)
            chosen = servers if stage.measures_others(op) else {s: servers[s] for s in SIDES}
            self.add_op(name, op, stage, chosen)
        if any(self.wanted(n) for n in stage.row_names() if n.startswith("start-")):
            self.measure_startup(stage, {side: servers[side] for side in SIDES})

    def measure_memory(self, stage, servers, empty):
        progress(f"{stage.memory_name()}: waiting for all to settle")
        quiet = wait_all_quiet(servers.values(), MEMORY_WAIT_S, MEMORY_TIMEOUT_S)
        loaded, stable = stable_memory(servers.values(), MEMORY_STEADY_S)
        per_key = {side: [(after - before) / stage.keys]
                   for side, before, after in zip(servers, empty, loaded)}
        self.add_amount(stage.memory_name(), "bytes/key", 1, per_key, ("memory", MEMORY_AIM),
                        quiet and stable)

    def prepare(self, op, stage, servers):
        for side in SIDES:
            progress(f"{op.name}: preparing {side}")
            if op.prepare == "counters":
                self.tools.fill(servers[side], stage.keys, 1, mode="counters")
            else:
                self.tools.fill(servers[side], stage.keys, stage.value_bytes, ttl_s=SESSION_TTL_S)

    def add_op(self, name, op, stage, servers):
        """Measures one kind of request; that it fails is a row too."""
        try:
            self.add_row(self.measure_op(name, op, stage, servers))
        except BenchError as error:
            self.add_row({"name": name, "kind": "load", "error": str(error)})
            if any(server.process.poll() is not None for server in servers.values()):
                raise

    def measure_op(self, name, op, stage, servers):
        # Rounds that are not counted warm all up and say how many requests fill a round.
        progress(f"{name}: warming up")
        tool, seconds = self.options.tool, self.seconds(stage)
        requests = max(1000, op.clients * op.pipeline * 4)
        for share in (0.2, 0.5, 1):
            rate = op.run(self.tools, servers["redis"], stage, requests, 0, tool)["rps"]
            requests = max(int(rate * seconds * share), 200)
        for side in servers:
            if side != "redis":
                op.run(self.tools, servers[side], stage, requests // 2, 0, tool)
        wait_all_quiet(servers.values(), FOLD_WAIT_S if op.writes else READ_WAIT_S)
        rounds = {side: [] for side in servers}
        for number in range(1, self.rounds(stage) + 1):
            for side, server in servers.items():
                progress(f"{name}: round {number} of {self.rounds(stage)}, {side}")
                rounds[side].append(self.measured(server, op, stage, requests, number))
        facts = {"name": name, "op": op.name, "fsync": stage.fsync, "keys": stage.keys,
                 "value_bytes": stage.value_bytes, "pipeline": op.pipeline, "clients": op.clients,
                 "requests": requests, "writes": op.writes, "tool": op.tool_used(tool)}
        return stats.load_row(facts, rounds, op.aims(stage.fsync))

    def measured(self, server, op, stage, requests, seed):
        """One round. The server's work is counted until it is quiet again, so that what it puts
        off (syncing, folding) is in its bill. For the device's bytes, what the kernel still holds
        back is written first."""
        if op.writes:
            os.sync()  # also: the other server's data is not still on its way to the disk
        device = device_written_bytes(server.dir)
        misses = server.misses() if op.reads else 0
        cpu, dirtied, busy = server.cpu_s(), server.written_bytes(), machine_busy_s()
        start = time.monotonic()
        result = op.run(self.tools, server, stage, requests, seed, self.options.tool)
        span_s = (time.monotonic() - start) * os.cpu_count()
        cpu_while = server.cpu_s() - cpu
        others = machine_busy_s() - busy - cpu_while - result["client_cpu_s"]
        settled = wait_all_quiet([server], FOLD_WAIT_S if op.writes else READ_WAIT_S)
        cpu_all = server.cpu_s() - cpu
        written = server.written_bytes()
        if op.writes:
            os.sync()
        device_now = device_written_bytes(server.dir)
        if op.reads and server.misses() != misses:
            raise BenchError(f"{server.name}: GETs found no key; every key should be there")
        seconds = requests / result["rps"]
        return {"rps": result["rps"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"],
                "p999_ms": result["p999_ms"], "max_ms": result["max_ms"],
                "cpu_us": cpu_all * 1e6 / requests,
                "cpu_us_while_loaded": cpu_while * 1e6 / requests,
                "dirtied_bytes": None if dirtied is None else (written - dirtied) / requests,
                "disk_bytes": None if device is None else (device_now - device) / requests,
                "client_share": result["client_cpu_s"] / seconds,
                "other_work": max(others, 0) / span_s, "settled": settled}

    # -- start-up

    def measure_startup(self, stage, servers):
        """Each round starts a server after a clean stop (redis: with its AOF rewritten), then
        writes for a moment, kills it with -9 and starts it again."""
        for side, server in servers.items():
            progress(f"start.{stage.size()}: stopping {side}")
            self.stop_clean(server)
        clean, killed = {s: [] for s in SIDES}, {s: [] for s in SIDES}
        for number in range(1, self.rounds(stage) + 1):
            for side, server in servers.items():
                progress(f"start.{stage.size()}: round {number} of {self.rounds(stage)}, {side}")
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
        if not server.is_ours:
            server.rewrite_aof()
        server.stop()

    def timed_start(self, server, keys):
        os.sync()
        start = time.perf_counter()
        server.start(wait=False)
        server.wait_answering(keys)
        return time.perf_counter() - start

    def add_amount(self, name, unit, digits, values, wanted, settled=True):
        if self.chosen(name):
            self.add_row(stats.amount_row(name, unit, digits, values, wanted, settled))


# --- the command line ------------------------------------------------------------------------


def options_parsed():
    parser = options_parser(__doc__)
    parser.add_argument("--redis", default=shutil.which("redis-server") or "redis-server",
                        metavar="PROGRAM")
    parser.add_argument("--ours-arg", action="append", default=[], metavar="ARG",
                        help="one more argument for our server; may be repeated (--ours-arg=--hz)")
    parser.add_argument("--redis-arg", action="append", default=[], metavar="ARG")
    parser.add_argument("--no-others", action="store_true",
                        help="leave out valkey-server, keydb-server and memcached")
    parser.add_argument("--tool", choices=("load", "redis-benchmark"), default="load",
                        help="what makes the load where both can (%(default)s)")
    parser.add_argument("--quick", action="store_true",
                        help="fewer scenarios, 3 short rounds, under two minutes")
    parser.add_argument("--rounds", type=int, help="rounds per scenario (5; quick, collections: 3)")
    parser.add_argument("--seconds", type=float,
                        help="length of a round (1; collections: 0.6, quick: 0.4)")
    parser.add_argument("--keys", type=int, help="of every key space, and elements of what is "
                        "large (1000000); less is for trying this program, not for results")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="scenarios whose name contains NAME, as in set-P1. ; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the scenarios and stop")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE",
                        help="also write everything as JSON, after every stage; without FILE to "
                             "standard output, and the tables to standard error")
    parser.add_argument("--minutes", type=float, metavar="N",
                        help="begin nothing new after so many minutes; what is left is counted")
    parser.add_argument("--keep", action="store_true", help="keep the data directories")
    return parser.parse_args()


def chosen_stages(options):
    """The stages with a wanted row, and the names of those rows."""
    stages = QUICK if options.quick else FULL
    if options.keys:
        stages = [replace(stage, keys=options.keys) for stage in stages]
    if not options.quick or options.only:
        stages = stages + elements.stages(options.keys or MILLION)
    names = [name for stage in stages for name in stage.row_names()]
    return stages, [n for n in names
                    if not options.only or any(part in n for part in options.only)]


def main():
    options = options_parsed()
    stages, names = chosen_stages(options)
    if options.list:
        print("\n".join(names))
        return 0
    if not names:
        raise BenchError(f"no scenario matches {', '.join(options.only)}; see --list")
    check_programs(ours=options.ours, redis=options.redis)
    others = [] if options.no_others else [version_of(path) for _, path in other_servers("off")]
    start = time.monotonic()
    with work_directory(options.dir, options.keep) as directory:
        bench = Bench(options, directory)
        facts = run_facts("bench", directory, version_of(options.ours), version_of(options.redis),
                          others, clients=CLIENTS, wanted=names)

        def result():
            return dict(facts, took_s=round(time.monotonic() - start, 1), stages=bench.stages,
                        rows=bench.rows)

        print(report.facts_text(facts), file=bench.out)
        try:
            bench.run(stages, lambda: report.save(options.json, result()))
        finally:
            print(report.after_load(result()), file=bench.out)
            report.save(options.json, result(), last=True)
    return 1 if any("error" in row for row in bench.rows) else 0


if __name__ == "__main__":
    run_program("bench", main)
