#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every benchmark, one after the other: side by side (with collections), latency over time, SQL.

Each part's results are saved as JSON while it runs, so that what was measured until then is not
lost when it is stopped. With --publish, docs/benchmarks.md and its charts are written again at the
end; `bench/publish.py` does that from saved results, also those of a run that was stopped.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import bench
import publish
import report
from servers import ROOT, BenchError, options_parser, run_program

HERE = Path(__file__).resolve().parent
PARTS = ("bench", "latency", "sql")
MINUTES_OF_OTHERS = 4
LATENCY_PER_ROUND = 30  # seconds of latency.py and of sql.py for a second of a round
SQL_PER_ROUND = 4


def options_parsed():
    parser = options_parser(__doc__)
    parser.add_argument("--results", default=str(ROOT / "build/bench-results"), metavar="DIR",
                        help="where results are saved; those of an earlier run go (%(default)s)")
    parser.add_argument("--rounds", type=int, help="rounds of everything (5; some parts: 3)")
    parser.add_argument("--seconds", type=float, help="length of a round of bench.py (1); other "
                        "parts take as many times more or less of their own")
    parser.add_argument("--keys", type=int, help="in every key space (1000000); less is for trying")
    parser.add_argument("--minutes", type=float, metavar="N", help="leave out what does not fit; "
                        f"{MINUTES_OF_OTHERS} of them are for latency and sql")
    parser.add_argument("--only", action="append", metavar="NAME", default=[],
                        help="scenarios whose name contains NAME; latency and sql are names too")
    parser.add_argument("--list", action="store_true", help="print the scenarios and stop")
    parser.add_argument("--no-others", action="store_true",
                        help="leave out valkey-server, keydb-server and memcached")
    parser.add_argument("--publish", action="store_true", help="write docs/ again at the end")
    parser.add_argument("--docs", default=str(ROOT / "docs"), metavar="DIR",
                        help="what to write again (%(default)s)")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE",
                        help="also write all results as one JSON; without FILE to standard "
                             "output, and the tables to standard error")
    return parser.parse_args()


def bench_names(options):
    """The scenarios of bench.py that are wanted."""
    all_of = argparse.Namespace(quick=False, only=options.only, keys=options.keys)
    return bench.chosen_stages(all_of)[1]


def parts_wanted(options):
    other = [part for part in PARTS[1:]
             if not options.only or any(name in part for name in options.only)]
    return (["bench"] if bench_names(options) else []) + other


def command_of(part, options):
    command = [sys.executable, HERE / f"{part}.py", "--ours", options.ours, "--tools",
               options.tools, "--dir", options.dir, "--json", result_file(part, options)]
    command += ["--keys", options.keys] if options.keys else []
    if part == "bench":
        command += [word for name in options.only for word in ("--only", name)]
        command += ["--no-others"] if options.no_others else []
        command += ["--seconds", options.seconds] if options.seconds else []
        command += ["--minutes", max(options.minutes - MINUTES_OF_OTHERS, 0)] \
            if options.minutes is not None else []
    if part == "latency":
        command += ["--brief", "--svg", Path(options.results) / "latency.svg"]
        command += seconds_of(options, LATENCY_PER_ROUND)
    if part == "sql":
        command += seconds_of(options, SQL_PER_ROUND)
    if part != "latency":
        command += ["--rounds", options.rounds] if options.rounds else []
    return [str(word) for word in command]


def seconds_of(options, factor):
    return ["--seconds", max(1, round(options.seconds * factor))] if options.seconds else []


def result_file(part, options):
    return Path(options.results) / f"{part}.json"


def run_part(part, options):
    """Runs one program to its end. It has a session of its own, so that a Ctrl-C comes to us
    alone; it is told to stop then, once, and waited for while it stops its servers."""
    out = sys.stderr if options.json == "-" else sys.stdout
    print(f"== {part}\n", file=out, flush=True)
    process = subprocess.Popen(command_of(part, options), stdout=out, start_new_session=True)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    print(file=out, flush=True)
    return status


def run_parts(parts, options):
    """The parts that failed. What a part saved before it did is kept."""
    for part in PARTS:
        result_file(part, options).unlink(missing_ok=True)
    return [part for part in parts if run_part(part, options) != 0]


def main():
    options = options_parsed()
    parts = parts_wanted(options)
    if options.list:
        print("\n".join(bench_names(options) + [p for p in parts if p != "bench"]))
        return 0
    if not parts:
        raise BenchError(f"no scenario matches {', '.join(options.only)}; see --list")
    start = time.monotonic()
    try:
        failed = run_parts(parts, options)
    except KeyboardInterrupt:
        raise BenchError(f"interrupted; what was measured is in {options.results}: "
                         "bench/publish.py writes docs/ from it") from None
    print(f"everything took {report.minutes(time.monotonic() - start)}", file=sys.stderr)
    if options.json:
        text = publish.json_of(publish.read_results([options.results]))
        sys.stdout.write(text) if options.json == "-" else report.write_whole(options.json, text)
    if failed:
        raise BenchError(f"not complete: {', '.join(failed)}; what was measured is in "
                         f"{options.results}" + ("; docs/ is as it was" if options.publish else ""))
    if options.publish:
        publish.publish([options.results], options.docs)
    return 0


if __name__ == "__main__":
    run_program("bench", main)
