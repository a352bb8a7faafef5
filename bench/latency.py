#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Latency over time under a steady mixed load, against both servers, with a chart.

A fixed number of requests is due every second, whatever the server does, and each one's latency
runs from when it was due. Folding, checkpoints and table growth would show as spikes.
"""

import argparse
import shutil
import statistics
import time

import chart
import report
from report import progress
from servers import ROOT, Server, Tools, check_programs, options_parser, run_facts, run_program, \
    version_of, wait_all_quiet, work_directory

SIDES = ("redis", "ours")
WARM_UP_S = 2
JUMP = 5  # a slot is a jump when its p99.9 is this many times the median slot's


def run_pace(tools, server, options, seconds, new_percent, seed):
    """The time slots, and the whole run with the client's CPU seconds."""
    rows, cpu_s = tools.pace(server, options.rate, seconds, options.keys, options.value_bytes,
                             options.slot_ms, options.write_percent, new_percent, seed)
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
            cpu = servers[side].cpu_s()
            slots, whole = run_pace(tools, servers[side], options, options.seconds,
                                    options.new_percent, 2)
            whole["server_cpu_s"] = servers[side].cpu_s() - cpu
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


def summary_text(result):
    sides = result["sides"]
    lines = ["| ms                    |    ours |   redis |",
             "| --------------------- | ------: | ------: |"]
    for title, field in [("p50", "p50_ms"), ("p99", "p99_ms"), ("p99.9", "p999_ms"),
                         ("max", "max_ms"), ("client late p99.9", "late_p999_ms")]:
        lines.append(summary_line(title, [sides[s]["all"][field] for s in ("ours", "redis")]))
    for title, field in [("median slot's p99.9", "median_slot_p999_ms"),
                         ("worst slot's p99.9", "worst_slot_p999_ms")]:
        lines.append(summary_line(title, [sides[s][field] for s in ("ours", "redis")]))
    return "\n".join(lines + ["", f"slots whose p99.9 is over {JUMP} times the median slot's: ours "
                              f"{sides['ours']['jumps']}, redis {sides['redis']['jumps']} of "
                              f"{len(sides['ours']['slots'])}"])


def summary_line(title, values):
    return f"| {title:21} | " + " | ".join(f"{value:7.2f}" for value in values) + " |"


def chart_of(result):
    """p99.9 per time slot as lines, each slot's maximum as dots; the scale is logarithmic."""
    series, colours = [], {}
    for number, (side, name) in enumerate((("ours", "rubellite"), ("redis", "redis-server"))):
        slots = result["sides"][side]["slots"]
        half_s = (slots[1]["ms"] - slots[0]["ms"]) / 2000 if len(slots) > 1 else 0
        for field, kind, words in (("p999_ms", "line", "p99.9"), ("max_ms", "dots", "maximum")):
            points = [(slot["ms"] / 1000 + half_s, slot[field]) for slot in slots]
            series.append(chart.Line(f"{name} {words}", points, kind))
            colours[f"{name} {words}"] = number
    return chart.lines("Latency over time", series, y_axis="ms", log=True, note=result["title"],
                       colours=colours)


# --- the command line ------------------------------------------------------------------------


def options_parsed():
    parser = options_parser(__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--ours-arg", action="append", default=[], metavar="ARG",
                        help="one more argument for our server; may be repeated")
    parser.add_argument("--redis", default=shutil.which("redis-server") or "redis-server",
                        metavar="PROGRAM")
    parser.add_argument("--fsync", default="everysec", choices=("everysec", "always", "no", "off"))
    parser.add_argument("--rate", type=int, default=20000, help="requests per second")
    parser.add_argument("--seconds", type=int, default=30, help="against each server")
    parser.add_argument("--slot-ms", type=int, default=250)
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys at the start")
    parser.add_argument("--value-bytes", type=int, default=16)
    parser.add_argument("--write-percent", type=int, default=50, help="SETs, the rest GETs")
    parser.add_argument("--new-percent", type=int, default=10,
                        help="share of all requests that are SETs of new keys (part of the writes)")
    parser.add_argument("--svg", default=str(ROOT / "build/latency.svg"), metavar="FILE")
    parser.add_argument("--json", metavar="FILE", help="also write everything as JSON")
    parser.add_argument("--brief", action="store_true", help="do not print each slot")
    parser.add_argument("--keep", action="store_true", help="keep the data directories")
    return parser.parse_args()


def main():
    options = options_parsed()
    check_programs(ours=options.ours, redis=options.redis)
    title = (f"{options.rate:,} requests/s, {options.write_percent} % SET "
             f"({options.new_percent} % new keys), {options.keys:,} keys at the start, "
             f"{options.value_bytes} bytes, appendfsync {options.fsync}")
    start = time.monotonic()
    with work_directory(options.dir, options.keep) as directory:
        facts = run_facts("latency", directory, version_of(options.ours), version_of(options.redis),
                          title=title)
        print(f"{report.facts_text(facts)}{title}\n")
        result = dict(facts, sides=measure(options, directory))
    result["took_s"] = round(time.monotonic() - start, 1)
    if not options.brief:
        print_slots(result["sides"])
    print(summary_text(result))
    report.write_whole(options.svg, chart_of(result))
    print(f"chart: {options.svg}")
    report.save(options.json, result)
    return 0


if __name__ == "__main__":
    run_program("latency", main)
