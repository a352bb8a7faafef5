#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Latency over time under a steady mixed load, against both servers, with a chart.

A fixed number of requests is due every second, whatever the server does, and each one's latency
runs from when it was due. Folding, checkpoints and table growth would show as spikes.
"""

import argparse
import csv
import json
import math
import shutil
import statistics
import sys
from pathlib import Path

from report import progress
from servers import BenchError, Server, Tools, end_on_sigterm, machine_facts, run_measured, \
    version_of, wait_all_quiet, work_directory

ROOT = Path(__file__).resolve().parent.parent
SIDES = ("redis", "ours")
WARM_UP_S = 2
JUMP = 5  # a slot is a jump when its p99.9 is this many times the median slot's


def run_pace(tools, server, options, seconds, new_percent, seed):
    """Runs bench/latency; its time slots and, last, the whole run, as dicts of numbers."""
    out, cpu_s = run_measured([
        tools.path("latency"), "--port", server.port, "--rate", options.rate, "--seconds", seconds,
        "--keys", options.keys, "--value-bytes", options.value_bytes, "--slot-ms", options.slot_ms,
        "--write-percent", options.write_percent, "--new-percent", new_percent, "--seed", seed])
    rows = [{k: v if v == "all" else float(v) for k, v in row.items()}
            for row in csv.DictReader(out.splitlines())]
    return rows[:-1], dict(rows[-1], client_cpu_s=cpu_s)


def measure(options, directory):
    tools = Tools(options.tools)
    programs = {"redis": (options.redis, []), "ours": (options.ours, options.ours_arg)}
    servers = {side: Server(side, programs[side][0], directory / side, options.fsync,
                            programs[side][1]) for side in SIDES}
    result = {}
    try:
        for side in SIDES:
            progress(f"filling {side}")
            servers[side].start()
            tools.fill(servers[side], options.keys, options.value_bytes)
        for side in SIDES:
            progress(f"warming up {side}")
            run_pace(tools, servers[side], options, WARM_UP_S, 0, 1)
            wait_all_quiet(servers.values(), 1.2)
            progress(f"{options.seconds} s against {side}")
            cpu = servers[side].cpu_ticks()
            slots, whole = run_pace(tools, servers[side], options, options.seconds,
                                    options.new_percent, 2)
            whole["server_cpu_ticks"] = servers[side].cpu_ticks() - cpu
            result[side] = {"slots": slots, "all": whole, **shape(slots)}
        for server in servers.values():
            server.stop()
    finally:
        progress("")
        for server in servers.values():
            server.stop(kill=True)
    return result


def shape(slots):
    """How even the p99.9 of the time slots is."""
    values = [slot["p999_ms"] for slot in slots]
    middle = statistics.median(values)
    return {"median_slot_p999_ms": middle, "worst_slot_p999_ms": max(values),
            "jumps": sum(value > JUMP * middle for value in values)}


# --- printing --------------------------------------------------------------------------------


def print_slots(result):
    print("|     ms |" + "".join(f" {side} p50 |    p99 |  p99.9 |     max |    late |"
                                 for side in ("redis", " ours")))
    print("| -----: |" + " --------: | -----: | -----: | ------: | ------: |" * 2)
    for redis, ours in zip(result["redis"]["slots"], result["ours"]["slots"]):
        print(f"| {redis['ms']:6.0f} |" + "".join(
            f" {s['p50_ms']:9.2f} | {s['p99_ms']:6.2f} | {s['p999_ms']:6.2f} | {s['max_ms']:7.2f} |"
            f" {s['late_p999_ms']:7.2f} |" for s in (redis, ours)))
    print()


def print_summary(result, slot_count):
    print("| ms                    |    ours |   redis |")
    print("| --------------------- | ------: | ------: |")
    lines = [("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms"), ("max", "max_ms"),
             ("client late p99.9", "late_p999_ms")]
    for title, field in lines:
        print_line(title, [result[s]["all"][field] for s in ("ours", "redis")])
    for title, field in [("median slot's p99.9", "median_slot_p999_ms"),
                         ("worst slot's p99.9", "worst_slot_p999_ms")]:
        print_line(title, [result[s][field] for s in ("ours", "redis")])
    jumps = {side: result[side]["jumps"] for side in SIDES}
    print(f"\nslots whose p99.9 is over {JUMP} times the median slot's: "
          f"ours {jumps['ours']}, redis {jumps['redis']} of {slot_count}")


def print_line(title, values):
    print(f"| {title:21} | " + " | ".join(f"{value:7.2f}" for value in values) + " |")


# --- the chart -------------------------------------------------------------------------------

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 56, 44
COLOURS = {"ours": "#c2185b", "redis": "#1565c0"}


class Chart:
    """p99.9 per time slot as lines, each slot's maximum as dots; the scale is logarithmic."""

    def __init__(self, result, title):
        self.result, self.title = result, title
        slots = [slot for side in SIDES for slot in result[side]["slots"]]
        step_ms = slots[1]["ms"] - slots[0]["ms"] if len(slots) > 1 else 1
        self.end_s = max(slot["ms"] + step_ms for slot in slots) / 1000
        low = min(slot["p999_ms"] for slot in slots)
        high = max(slot["max_ms"] for slot in slots)
        self.low = math.floor(math.log10(max(low, 0.001)))
        self.high = max(math.ceil(math.log10(max(high, 0.001))), self.low + 1)

    def x(self, seconds):
        return LEFT + seconds / self.end_s * (WIDTH - LEFT - RIGHT)

    def y(self, ms):
        share = (math.log10(max(ms, 0.001)) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def svg(self):
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                 f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
                 '<rect width="100%" height="100%" fill="white"/>',
                 f'<text x="{LEFT}" y="20" font-size="14">{self.title}</text>']
        parts += self.grid() + self.legend()
        for side in SIDES:
            parts += self.series(side)
        return "\n".join(parts + ["</svg>"]) + "\n"

    def grid(self):
        parts = []
        for power in range(self.low, self.high + 1):
            for digit in (1, 2, 5):
                value = digit * 10.0**power
                if digit > 1 and power == self.high:
                    break
                y = self.y(value)
                parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                             f'stroke="{"#ccc" if digit == 1 else "#eee"}"/>')
                parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                             f'{value:g}</text>')
        steps = (1, 2, 5, 10, 30, 60, 300)
        step = next((s for s in steps if self.end_s / s <= 20), 3600)
        for second in range(0, int(self.end_s) + 1, step):
            parts.append(f'<text x="{self.x(second):.1f}" y="{HEIGHT - BOTTOM + 18}" '
                         f'text-anchor="middle">{second}</text>')
        parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" '
                     'text-anchor="middle">seconds</text>')
        parts.append(f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
                     f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2})">ms</text>')
        return parts

    def legend(self):
        parts, x = [], LEFT
        for side in ("ours", "redis"):
            name = {"ours": "rubellite", "redis": "redis-server"}[side]
            parts.append(f'<line x1="{x}" x2="{x + 24}" y1="38" y2="38" stroke="{COLOURS[side]}" '
                         f'stroke-width="2"/><text x="{x + 30}" y="42">{name} p99.9</text>')
            parts.append(f'<circle cx="{x + 172}" cy="38" r="2" fill="{COLOURS[side]}" '
                         f'opacity="0.45"/><text x="{x + 180}" y="42">maximum</text>')
            x += 280
        return parts

    def series(self, side):
        slots = self.result[side]["slots"]
        half_s = (slots[1]["ms"] - slots[0]["ms"]) / 2000 if len(slots) > 1 else 0
        at = [(self.x(s["ms"] / 1000 + half_s), s) for s in slots]
        points = " ".join(f"{x:.1f},{self.y(s['p999_ms']):.1f}" for x, s in at)
        dots = [f'<circle cx="{x:.1f}" cy="{self.y(s["max_ms"]):.1f}" r="1.6" '
                f'fill="{COLOURS[side]}" opacity="0.45"/>' for x, s in at]
        return dots + [f'<polyline points="{points}" fill="none" stroke="{COLOURS[side]}" '
                       'stroke-width="1.5"/>']


# --- the command line ------------------------------------------------------------------------


def options_parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--ours", default=str(ROOT / "build/rubellite-server"), metavar="PROGRAM")
    parser.add_argument("--ours-arg", action="append", default=[], metavar="ARG",
                        help="one more argument for our server; may be repeated")
    parser.add_argument("--redis", default=shutil.which("redis-server") or "redis-server",
                        metavar="PROGRAM")
    parser.add_argument("--tools", default=str(ROOT / "build/bench"), metavar="DIR",
                        help="where the load programs are, or are compiled to")
    parser.add_argument("--dir", default=str(ROOT / "build"),
                        help="the disk: data goes to a new directory below this")
    parser.add_argument("--fsync", default="everysec", choices=("everysec", "always", "no"))
    parser.add_argument("--rate", type=int, default=20000, help="requests per second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--slot-ms", type=int, default=250)
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys at the start")
    parser.add_argument("--value-bytes", type=int, default=16)
    parser.add_argument("--write-percent", type=int, default=50, help="SETs, the rest are GETs")
    parser.add_argument("--new-percent", type=int, default=10,
                        help="share of all requests that are SETs of new keys (part of the writes)")
    parser.add_argument("--svg", default=str(ROOT / "build/latency.svg"), metavar="FILE")
    parser.add_argument("--json", metavar="FILE", help="also write everything as JSON")
    parser.add_argument("--brief", action="store_true", help="do not print each slot")
    parser.add_argument("--keep", action="store_true", help="keep the data directories")
    return parser.parse_args()


def main():
    options = options_parsed()
    for program in (options.ours, options.redis):
        if not shutil.which(program):
            raise BenchError(f"{program} is not there; build it first, or name it with --ours "
                             "or --redis")
    title = (f"{options.rate:,} requests/s, {options.write_percent} % SET "
             f"({options.new_percent} % new keys), {options.keys:,} keys at the start, "
             f"{options.value_bytes} bytes, appendfsync {options.fsync}")
    with work_directory(options.dir, options.keep) as directory:
        facts = {"title": title, "ours": version_of(options.ours),
                 "redis": version_of(options.redis), "machine": machine_facts(directory)}
        print(f"{title}\n")
        result = measure(options, directory)
    if not options.brief:
        print_slots(result)
    print_summary(result, len(result["ours"]["slots"]))
    Path(options.svg).write_text(Chart(result, title).svg())
    print(f"chart: {options.svg}")
    if options.json:
        Path(options.json).write_text(json.dumps(dict(facts, **result), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        end_on_sigterm()
        sys.exit(main())
    except BenchError as problem:
        sys.exit(f"latency: {problem}")
    except KeyboardInterrupt:
        sys.exit("latency: interrupted")
