#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Would the benchmarks lie? Their arithmetic, the load program's keys, replies and percentiles,
and the way from saved results to the page, with numbers whose answer is known. No server is
measured."""

import json
import math
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
BENCH = HERE.parent.parent / "bench"
sys.path.insert(0, str(BENCH))
sys.dont_write_bytecode = True

import bench  # noqa: E402
import chart  # noqa: E402
import elements  # noqa: E402
import publish  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
import stats  # noqa: E402
from servers import BenchError, wait_all_quiet  # noqa: E402

PROGRAMS = tempfile.TemporaryDirectory()


def compiled(source):
    """The program of a C file, compiled once."""
    program = Path(PROGRAMS.name) / source.stem
    if not program.exists():
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-std=c17", "-O1", "-o", program, source, "-lm"], check=True)
    return str(program)


def load(*options):
    done = subprocess.run([compiled(BENCH / "load.c"), *map(str, options)], check=True,
                          capture_output=True, text=True)
    return done.stdout


# --- arithmetic ------------------------------------------------------------------------------


def a_round(rps, cpu_us=2.0, **more):
    return {"rps": rps, "p50_ms": 0.5, "p99_ms": 1.0, "p999_ms": 2.0, "max_ms": 3.0,
            "cpu_us": cpu_us, "cpu_us_while_loaded": cpu_us, "dirtied_bytes": 60.0,
            "disk_bytes": 30.0, "client_share": 0.5, "other_work": 0.01, "settled": True, **more}


class Arithmetic(unittest.TestCase):
    def test_medians_are_of_each_number_and_none_spreads(self):
        rounds = [a_round(10, 9), a_round(60, 1), a_round(20, 2, p999_ms=None)]
        found = stats.medians(rounds)
        self.assertEqual((found["rps"], found["cpu_us"]), (20, 2))
        self.assertIsNone(found["p999_ms"])
        self.assertNotIn("settled", found)

    def test_the_ratio_is_of_medians_and_its_spread_of_neighbours(self):
        self.assertEqual(stats.compared([10, 40, 30], [10, 10, 20]),
                         {"ratio": 3.0, "min": 1.0, "max": 4.0})

    def test_nothing_is_compared_with_zero_or_the_unknown(self):
        self.assertEqual(stats.compared([1.0], [0.0]), {})
        self.assertEqual(stats.compared([None], [1.0]), {})
        self.assertEqual(stats.compared([1.0, 2.0], [None, 1.0]), {})

    def test_percentiles_are_values_that_came(self):
        values = list(range(1, 101))
        random.Random(1).shuffle(values)
        self.assertEqual([stats.percentile(values, p) for p in (0, 0.5, 0.99, 0.999, 1)],
                         [1, 50, 99, 100, 100])
        self.assertEqual(stats.percentile([7], 0.5), 7)

    def test_aims_are_met_on_the_edge_and_in_the_right_direction(self):
        self.assertTrue(stats.aim("rate", ">=", 1.0, 1.0)["met"])
        self.assertFalse(stats.aim("rate", ">=", 1.0, 0.99)["met"])
        self.assertTrue(stats.aim("CPU", "<=", 0.9, 0.9)["met"])
        self.assertFalse(stats.aim("CPU", "<=", 0.9, 0.91)["met"])

    def test_a_row_divides_ours_by_theirs(self):
        row = a_row("get-P1.everysec.1M.16B", [200, 300], [100, 100], cpu=([1, 1], [4, 2]),
                    memcached=[400, 500])
        self.assertEqual(row["rate"], {"ratio": 2.5, "min": 2.0, "max": 3.0})
        self.assertEqual(row["cpu"]["max"], 0.5)
        self.assertAlmostEqual(row["others"]["memcached"]["rate"]["ratio"], 250 / 450)
        self.assertEqual([a["met"] for a in row["aims"]], [True])

    def test_a_pair_names_ours_first_and_the_unknown_is_a_dash(self):
        row = {"ours": {"p50_ms": 1.5}, "redis": {"p50_ms": None}}
        self.assertEqual(report.pair(row, "p50_ms", "{:.2f}"), "1.50 / -")

    def test_notes_tell_of_full_load_programs_other_work_and_unrest(self):
        def row(**more):
            rounds = {"redis": [a_round(1)], "ours": [a_round(1, **more)]}
            return stats.load_row({"name": "x"}, rounds, [])
        self.assertEqual(report.notes(row()), "")
        self.assertEqual(report.notes(row(client_share=0.99)), "c")
        self.assertEqual(report.notes(row(other_work=0.2, settled=False)), "nu")

    def test_quiet_is_not_only_without_cpu_but_without_work_left(self):
        class Idle:
            asked = 0

            def cpu_s(self):
                return 1.0

            def has_backlog(self):
                self.asked += 1
                return self.asked < 3
        server = Idle()
        self.assertTrue(wait_all_quiet([server], 0.01))
        self.assertEqual(server.asked, 3)
        server.asked = -1000
        self.assertFalse(wait_all_quiet([server], 0.01, timeout_s=0.3))

    def test_names_of_scenarios_are_unique(self):
        stages = scenarios.FULL + elements.stages()
        names = [name for stage in stages for name in stage.row_names()]
        self.assertEqual([n for n, times in Counter(names).items() if times > 1], [])


# --- the load program ------------------------------------------------------------------------


class Keys(unittest.TestCase):
    DRAWS = 300_000

    def draw(self, keys, *more):
        return Counter(map(int, load("--mode", "draw", "--keys", keys, "--requests", self.DRAWS,
                                     *more).split()))

    def test_zipf_frequencies_are_those_of_the_formula(self):
        for percent, keys in ((99, 1000), (100, 1000), (150, 50), (99, 1_000_000)):
            with self.subTest(percent=percent, keys=keys):
                drawn = self.draw(keys, "--zipf", percent)
                total = math.fsum(k ** -(percent / 100) for k in range(1, keys + 1))
                found = [times for _, times in drawn.most_common(20)]
                for rank, times in enumerate(found, 1):
                    expected = self.DRAWS * rank ** -(percent / 100) / total
                    # In standard deviations; the seed is fixed.
                    self.assertLess(abs(times - expected), 4 * math.sqrt(expected), f"rank {rank}")

    def test_zipf_reaches_every_key_and_no_other(self):
        self.assertEqual(set(self.draw(100, "--zipf", 99)), set(range(100)))

    def test_frequent_keys_do_not_lie_side_by_side(self):
        top = [key for key, _ in self.draw(1_000_000, "--zipf", 99).most_common(10)]
        self.assertGreater(min(abs(a - b) for a in top for b in top if a != b), 1000)

    def test_without_zipf_every_key_is_as_frequent(self):
        drawn = self.draw(100)
        self.assertEqual(len(drawn), 100)
        expected = self.DRAWS / 100
        self.assertTrue(all(abs(n - expected) < 6 * math.sqrt(expected) for n in drawn.values()))


class FakeServer(threading.Thread):
    """Answers one connection in small pieces, and remembers the requests."""

    def __init__(self, take, piece=3):
        super().__init__(daemon=True)
        self.take, self.piece, self.requests = take, piece, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        with self.listener:
            connection, _ = self.listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as file:
            while request := self.take(file):
                self.requests.append(request[0])
                for at in range(0, len(request[1]), self.piece):
                    connection.sendall(request[1][at:at + self.piece])


def take_redis(file):
    """(words of a request, reply to it), None at the end. Keys with odd numbers are not there."""
    head = file.readline()
    if not head:
        return None
    words = [file.read(int(file.readline()[1:]) + 2)[:-2].decode() for _ in range(int(head[1:]))]
    if words[0] == "GET":
        there = int(words[1][-1]) % 2 == 0
        return words, b"$5\r\nva\r\ne\r\n" if there else b"$-1\r\n"
    return words, b"+OK\r\n"


def take_memcached(file):
    words = file.readline().decode().split()
    if not words:
        return None
    if words[0] == "ms":
        words.append(file.read(int(words[2]) + 2)[:-2].decode())
        return words, b"HD\r\n"
    return words, b"VA 5\r\nE\r\nN\r\r\n" if int(words[1][-1]) % 2 == 0 else b"EN\r\n"


class Requests(unittest.TestCase):
    def run_load(self, take, *options, requests=2000):
        server = FakeServer(take)
        result = json.loads(load("--port", server.port, "--clients", 1, "--keys", 1000,
                                 "--pipeline", 16, "--requests", requests, *options))
        server.join(10)
        self.assertEqual((result["requests"], len(server.requests)), (requests, requests))
        return result, server.requests

    def test_a_mix_has_its_share_of_writes_and_counts_what_is_missing(self):
        result, sent = self.run_load(take_redis, "--mode", "mix", "--write-percent", 5)
        kinds = Counter(words[0] for words in sent)
        self.assertAlmostEqual(kinds["SET"] / len(sent), 0.05, delta=0.03)
        odd = sum(words[0] == "GET" and int(words[1][-1]) % 2 for words in sent)
        self.assertEqual(result["nulls"], odd)
        self.assertGreater(odd, 0)

    def test_memcached_gets_the_same_keys_and_values(self):
        options = "--mode", "mix", "--write-percent", 30, "--value-bytes", 100
        redis = self.run_load(take_redis, *options)
        cached = self.run_load(take_memcached, *options, "--protocol", "memcached")
        self.assertEqual([(w[0] == "SET", w[1], w[2] if w[0] == "SET" else "") for w in redis[1]],
                         [(w[0] == "ms", w[1], w[3] if w[0] == "ms" else "") for w in cached[1]])
        self.assertEqual(redis[0]["nulls"], cached[0]["nulls"])

    def test_sessions_carry_their_time_to_live(self):
        for take, name, protocol in ((take_redis, "SETEX", "redis"),
                                     (take_memcached, "ms", "memcached")):
            _, sent = self.run_load(take, "--mode", "set", "--ttl", 60, "--protocol", protocol)
            self.assertEqual({words[0] for words in sent}, {name})
            self.assertTrue(all("60" in words or "T60" in words for words in sent))


class Percentiles(unittest.TestCase):
    def test_the_histogram_is_as_good_as_it_says(self):
        draw = random.Random(2)
        for times in ([5], list(range(1, 2001)), [10**9 * 3600],
                      [int(draw.lognormvariate(11, 2)) + 1 for _ in range(20_000)]):
            out = subprocess.run([compiled(HERE / "hist.c")], input="\n".join(map(str, times)),
                                 capture_output=True, text=True, check=True).stdout.split()
            self.assertEqual(int(out[0]), len(times))
            self.assertAlmostEqual(float(out[4]), max(times) / 1e6, places=5)
            for share, text in zip((0.5, 0.99, 0.999), out[1:4]):
                exact = stats.percentile(times, share) / 1e6
                self.assertGreaterEqual(float(text), exact - 1e-6)
                self.assertLessEqual(float(text), exact * 1.016 + 2e-6)


# --- from results to the page ----------------------------------------------------------------


def a_row(name, ours, redis, cpu=None, **others):
    cpu = cpu or ([2.0] * len(ours), [2.0] * len(ours))
    rounds = {"redis": [a_round(r, c) for r, c in zip(redis, cpu[1])],
              "ours": [a_round(r, c) for r, c in zip(ours, cpu[0])]}
    rounds.update({side: [a_round(r) for r in values] for side, values in others.items()})
    op, fsync = name.split(".")[0], (name.split(".") + ["everysec"])[1]
    facts = {"name": name, "op": op, "fsync": fsync if fsync in publish.MODES else "everysec",
             "keys": 1000, "value_bytes": 16, "pipeline": 1, "clients": 50, "requests": 100,
             "writes": op.startswith("set"), "tool": "load"}
    return stats.load_row(facts, rounds, [("rate", ">=", 1.0, "rate")])


MACHINE = {"cpu": "Test & Co <1>", "cpus": 2, "memory_gib": 1.0, "kernel": "6.0",
           "syncs_per_s": 1000, "load_before": 0.1}
HEAD = {"ours": "Rubellite 1", "redis": "Redis 7", "others": ["memcached 1"], "machine": MACHINE,
        "took_s": 60.0, "time": "2026-01-01T00:00:00Z"}


def bench_result():
    rows = [a_row("get-P1.everysec.1M.16B", [300, 310], [200, 200], memcached=[400, 410]),
            a_row("set-P1.always.1M.16B", [100, 100], [200, 201], cpu=([3.2, 3.2], [2, 2])),
            {"name": "set-P16.off.1M.16B", "kind": "load", "error": "it did not answer"},
            a_row("collections.hset-P1", [150, 150], [100, 100]),
            stats.amount_row("memory.1M.16B", "bytes/key", 1,
                             {"ours": [90.0], "redis": [100.0], "memcached": [120.0]},
                             ("memory", 0.8)),
            stats.amount_row("start-clean.1M.16B", "seconds", 3,
                             {"ours": [0.5, 0.7], "redis": [0.4, 0.4]}, None)]
    return dict(HEAD, kind="bench", clients=50, rows=rows,
                wanted=[row["name"] for row in rows] + ["incr-P1.everysec.1M.16B"],
                stages=[{"name": "everysec.1M.16B", "rounds": 2, "seconds": 1.0, "took_s": 5}])


def latency_result():
    slot = {"p50_ms": 0.1, "p99_ms": 0.2, "p999_ms": 0.5, "max_ms": 4.0, "late_p999_ms": 0.1}
    side = {"slots": [dict(slot, ms=0.0), dict(slot, ms=250.0, p999_ms=5.0)], "all": dict(slot),
            "median_slot_p999_ms": 2.75, "worst_slot_p999_ms": 5.0, "jumps": 0}
    return dict(HEAD, kind="latency", title="1/s, 50 % SET", sides={"ours": side, "redis": side})


def page_text():
    names = ("summary", "requests", "disk", "amounts", "others", "collections", "behind", "latency",
             "sql")
    return "# Before\n" + "".join(f"## {n}\n<!-- {n}: begin -->\nold\n<!-- {n}: end -->\nkept {n}\n"
                                  for n in names)


class Publishing(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.docs = Path(self.folder.name) / "docs"
        self.docs.mkdir()
        (self.docs / "benchmarks.md").write_text(page_text())
        self.saved = Path(self.folder.name) / "bench.json"
        report.save(self.saved, bench_result())

    def published(self, places):
        sys.stderr, kept = open(os.devnull, "w"), sys.stderr
        try:
            publish.publish(places, self.docs)
        finally:
            sys.stderr.close()
            sys.stderr = kept
        return (self.docs / "benchmarks.md").read_text()

    def test_saved_rows_make_the_tables_that_were_printed(self):
        result = bench_result()
        page = self.published([self.saved])
        loads = [row for row in result["rows"] if row["kind"] == "load"]
        for row in loads:
            self.assertIn(report.row_line(report.LOAD_COLUMNS, row), page)
        for row in result["rows"]:
            if row["kind"] == "amount":
                self.assertIn(report.row_line(report.AMOUNT_COLUMNS, row), page)
        for row in report.other_rows(result["rows"]):
            self.assertIn(report.row_line(report.OTHER_COLUMNS, row), page)
        self.assertIn("| get-P1.everysec.1M.16B        |        305 |         200 |  1.52 |", page)

    def test_the_rest_of_the_page_stays_and_again_changes_nothing(self):
        first = self.published([self.saved])
        self.assertTrue(first.startswith("# Before\n"))
        self.assertEqual(first.count("\nkept "), 9)
        self.assertNotIn("\nold\n", first)
        self.assertEqual(self.published([self.docs / "benchmarks.json"]), first)

    def test_what_failed_or_is_missing_is_said(self):
        page = self.published([self.saved])
        self.assertIn("it did not answer", page)
        self.assertIn("stopped early: 1 of 7 not measured", page)
        self.assertIn(publish.NOT_MEASURED, page)

    def test_where_we_are_behind_is_listed_the_worst_first(self):
        lines = publish.behind_text({"bench": bench_result()}).splitlines()[2:]
        self.assertEqual([line.split("|")[1:4] for line in lines],
                         [[" set-P1.always.1M.16B ", " requests per second ", " 0.50 "],
                          [" set-P1.always.1M.16B ", " server CPU per request ", " 1.60 "],
                          [" start-clean.1M.16B ", " seconds ", " 1.50 "]])

    def test_latency_has_its_versions_its_table_and_its_chart(self):
        saved = Path(self.folder.name) / "latency.json"
        report.save(saved, latency_result())
        page = self.published([self.saved, saved])
        part = page[page.index("latency: begin"):page.index("latency: end")]
        self.assertIn("ours:    Rubellite 1\nredis:   Redis 7\n", part)
        self.assertIn("| worst slot's p99.9    |    5.00 |    5.00 |", part)
        self.assertIn("of 2\n\n![p99.9 over time](charts/latency.svg)", part)
        ElementTree.parse(self.docs / "charts/latency.svg")

    def test_charts_are_well_formed_and_those_linked_are_there(self):
        page = self.published([self.saved])
        links = re.findall(r"!\[[^]]+\]\((charts/[^)]+)\)", page)
        self.assertEqual(sorted(links), [f"charts/{n}.svg" for n in (
            "collections", "cpu", "disk", "memory", "others", "rates", "startup")])
        for link in links:
            ElementTree.parse(self.docs / link)

    def test_a_page_without_a_block_is_left_alone(self):
        text = page_text().replace("<!-- sql: end -->", "")
        (self.docs / "benchmarks.md").write_text(text)
        with self.assertRaises(BenchError):
            self.published([self.saved])
        self.assertEqual((self.docs / "benchmarks.md").read_text(), text)
        self.assertEqual([p.name for p in self.docs.iterdir()], ["benchmarks.md"])

    def test_results_of_a_run_that_was_stopped_are_whole_json(self):
        half = dict(bench_result(), rows=bench_result()["rows"][:1])
        report.save(self.saved, half)
        rows = publish.read_results([self.saved])["bench"]["rows"]
        self.assertEqual([row["name"] for row in rows], ["get-P1.everysec.1M.16B"])
        self.published([self.saved])

    def test_something_else_is_not_published(self):
        self.saved.write_text('{"a": 1}')
        with self.assertRaises(BenchError):
            self.published([self.saved])


class Charts(unittest.TestCase):
    def bars(self, *values, **more):
        svg = chart.bars("t", [(f"row {i}", [chart.Bar("ours", v)]) for i, v in enumerate(values)],
                         **more)
        found = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="11"', svg)
        return [(float(x), float(x) + float(width)) for x, width in found]

    def test_bars_begin_at_zero_and_are_as_long_as_their_value(self):
        (a, b), (c, d) = self.bars(50, 100)
        self.assertEqual(a, c)
        self.assertAlmostEqual((d - c) / (b - a), 2, places=2)

    def test_ratios_go_both_ways_from_one(self):
        (a, b), (c, d) = self.bars(2, 0.5, log=True, baseline=1)
        self.assertAlmostEqual(a, d, places=1)          # both touch the line of 1
        self.assertAlmostEqual(b - a, d - c, places=0)  # twice and half are as far away

    def test_lines_keep_the_order_of_values_and_leave_gaps_out(self):
        svg = chart.lines("t", [chart.Line("a", [(0, 1), (1, None), (2, 10)])], log=True)
        (points,) = re.findall(r'points="([^"]+)"', svg)
        (x1, y1), (x2, y2) = (map(float, p.split(",")) for p in points.split())
        self.assertLess(x1, x2)
        self.assertGreater(y1, y2)
        ElementTree.fromstring(svg)

    def test_nothing_to_show_is_still_a_chart(self):
        ElementTree.fromstring(chart.bars("<nothing> & more", []))
        ElementTree.fromstring(chart.lines("nothing", []))


if __name__ == "__main__":
    unittest.main()
