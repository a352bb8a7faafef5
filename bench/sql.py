#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SQL on our server: statements one by one, alone and beside a steady GET/SET load, and what they do
to that load.

1,000,000 keys of 16 bytes, 60,000 JSON documents with an index on one of their fields, and a table.
A number of requests is due every second, whatever the server does; a request's latency runs from
when it was due (bench/latency). The load is measured with nothing beside it, then with each statement
being run again and again by one client. redis-server has nothing to compare with: the last column is
the load's p99 with the statement against that without. `late` is how late the load program itself
was (p99.9): what of a latency is the machine's, short of processors, and not the server's.
"""

import argparse
import json
import random
import statistics
import threading
import time

import report
import stats
from report import progress
from servers import BenchError, Client, Server, Tools, check_programs, options_parser, run_facts, \
    run_program, version_of, wait_all_quiet, work_directory

DOCUMENTS = 60_000
CITIES = 3_000

SETUP = [
    "CREATE TABLE item(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, amount INTEGER NOT NULL);"
    "CREATE INDEX item_owner ON item(owner)",
    "CREATE INDEX doc_city ON rl_key(value ->> '$.city') WHERE json_valid(value)",
    "ANALYZE",
]
INSERT_100 = "INSERT INTO item(owner, amount) VALUES " + ", ".join(["(?, ?)"] * 100)


class Statements:
    """Each method makes the next command of its kind."""

    def __init__(self, keys):
        self.random = random.Random(1)
        self.keys = keys

    def point(self):
        return ("SQL", "SELECT value FROM strings WHERE key = ?",
                "doc:%d" % self.random.randrange(DOCUMENTS))

    def indexed(self):
        return ("SQL", "SELECT key FROM rl_key WHERE json_valid(value) AND value ->> '$.city' = ?",
                "city%d" % self.random.randrange(CITIES))

    def aggregate(self):
        return ("SQL", "TIMEOUT", 60000, "SELECT count(*), sum(length(value)) FROM strings")

    def insert(self):
        values = []
        for _ in range(100):
            values += ["owner%d" % self.random.randrange(1000), self.random.randrange(10**6)]
        return ("SQL", INSERT_100, *values)

    def get(self):
        return ("GET", "doc:%d" % self.random.randrange(DOCUMENTS))


SCENARIOS = [  # name, method, at most so many in the run alone
    ("GET by key (not SQL)", "get", 4000),
    ("point query by key", "point", 4000),
    ("20 rows by a JSON index", "indexed", 4000),
    ("aggregate over all keys", "aggregate", 20),
    ("insert of 100 rows", "insert", 400),
]


def fill(tools, server, keys):
    progress("filling")
    tools.fill(server, keys, 16)
    with server.client() as client:
        for start in range(0, DOCUMENTS, 1000):
            words = []
            for n in range(start, start + 1000):
                words += ["doc:%d" % n, json.dumps({"name": "n%d" % n, "city": "city%d" % (n % CITIES)})]
            client.command("MSET", *words)
        for statement in SETUP:
            answer = client.command("SQL", "TIMEOUT", 600000, statement)
            if isinstance(answer, Client.ReplyError):
                raise BenchError(f"{statement}: {answer}")


def percentiles(times_s):
    ordered = sorted(times_s)
    return {"count": len(ordered), "p50_ms": 1000 * stats.percentile(ordered, 0.5),
            "p99_ms": 1000 * stats.percentile(ordered, 0.99), "max_ms": 1000 * ordered[-1],
            "per_s": len(ordered) / sum(ordered)}


def run_statements(server, make, seconds, most, until=None):
    """One client, one statement after the other; `until` is an Event that ends it."""
    times_s, end = [], time.monotonic() + seconds
    with server.client() as client:
        while len(times_s) < most and (not until.is_set() if until else time.monotonic() < end):
            command = make()
            began = time.monotonic()
            answer = client.command(*command)
            times_s.append(time.monotonic() - began)
            if isinstance(answer, Client.ReplyError):
                raise BenchError(f"{command[:2]}: {answer}")
    return percentiles(times_s)


def run_pace(tools, server, options, seconds):
    """The steady load; what bench/latency says of the whole run."""
    rows, _ = tools.pace(server, options.rate, seconds, options.keys, value_bytes=16, slot_ms=500,
                         write_percent=20, new_percent=0, seed=2)
    return {k: v for k, v in rows[-1].items() if k != "ms"}


def run_beside(tools, server, make, options):
    """The statement again and again while the load runs; both results."""
    stop, result = threading.Event(), {}

    def statements():
        try:
            result["sql"] = run_statements(server, make, 0, 10**9, stop)
        except (BenchError, OSError) as error:
            result["error"] = error

    thread = threading.Thread(target=statements)
    thread.start()
    load = run_pace(tools, server, options, options.seconds)
    stop.set()
    thread.join()
    if "error" in result:
        raise BenchError(str(result["error"]))
    return result["sql"], load


def measure(options, directory):
    tools = Tools(options.tools)
    server = Server("ours", options.ours, directory / "ours", "everysec",
                    options.ours_arg)
    rows = []
    try:
        server.start()
        fill(tools, server, options.keys)
        wait_all_quiet([server], 2)
        progress("the load alone")
        alone = [run_pace(tools, server, options, options.seconds) for _ in range(options.rounds)]
        baseline = {field: statistics.median(run[field] for run in alone)
                    for field in ("p50_ms", "p99_ms", "p999_ms", "max_ms", "late_p999_ms")}
        for name, method, most in SCENARIOS:
            make = getattr(Statements(options.keys), method)
            wait_all_quiet([server], 1)
            progress(f"{name}: alone")
            by_itself = run_statements(server, make, options.seconds, most)
            beside = []
            for n in range(options.rounds):
                progress(f"{name}: beside the load, {n + 1} of {options.rounds}")
                beside.append(run_beside(tools, server, make, options))
            beside.sort(key=lambda pair: pair[1]["p99_ms"])
            sql, load = beside[len(beside) // 2]
            rows.append({"name": name, "alone": by_itself, "beside": sql, "load": load,
                         "load_p99_ratio": load["p99_ms"] / baseline["p99_ms"]})
        server.stop()
    finally:
        progress("")
        server.stop(kill=True)
    return {"baseline": baseline, "rows": rows}


def number(title, width, part, field, form):
    return title, width, lambda r: form.format(r[part][field])


def statements_of(part, width):
    """What a statement took, in the run alone or beside the load."""
    return [number(f"{part} p50", width, part, "p50_ms", "{:.3f}"),
            number("p99 ms", 7, part, "p99_ms", "{:.3f}"),
            number("per s", 8, part, "per_s", "{:.1f}")]


COLUMNS = [
    ("statement", 23, lambda r: r["name"]),
    *statements_of("alone", 9),
    *statements_of("beside", 10),
    number("load p50", 8, "load", "p50_ms", "{:.2f}"),
    number("p99 ms", 6, "load", "p99_ms", "{:.2f}"),
    number("p99.9 ms", 8, "load", "p999_ms", "{:.2f}"),
    number("late ms", 7, "load", "late_p999_ms", "{:.2f}"),
    ("p99 : alone", 11, lambda r: f"{r['load_p99_ratio']:.2f}"),
]


def result_text(result):
    base = result["baseline"]
    return (f"load:    {result['load']}\nthe load alone: p50 {base['p50_ms']:.2f} ms, "
            f"p99 {base['p99_ms']:.2f} ms, p99.9 {base['p999_ms']:.2f} ms, max {base['max_ms']:.2f} "
            f"ms; late {base['late_p999_ms']:.2f} ms\n\n"
            + report.table_text(COLUMNS, result["rows"]))


def options_parsed():
    parser = options_parser(__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--ours-arg", action="append", default=[], metavar="ARG",
                        help="one more argument for our server; may be repeated")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=5000, help="requests due every second; one in five a SET")
    parser.add_argument("--seconds", type=int, default=4, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="also write everything as JSON")
    return parser.parse_args()


def main():
    options = options_parsed()
    check_programs(ours=options.ours)
    start = time.monotonic()
    load = (f"{options.rate} requests due every second, 80 % GET, 20 % SET, {options.keys:,} keys; "
            f"{options.rounds} rounds of {options.seconds} s, medians")
    with work_directory(options.dir, False) as directory:
        facts = run_facts("sql", directory, version_of(options.ours), "(has no SQL)", load=load)
        print(report.facts_text(facts))
        result = dict(facts, **measure(options, directory))
    result["took_s"] = round(time.monotonic() - start, 1)
    print(result_text(result))
    report.save(options.json, result)
    return 0


if __name__ == "__main__":
    run_program("sql", main)
