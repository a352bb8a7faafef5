#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the results of docs/benchmarks.md, its charts and docs/benchmarks.json from saved results.

    bench/publish.py                       # from build/bench-results, where bench/all.py saves
    bench/publish.py docs/benchmarks.json  # again from what was published

Between `<!-- NAME: begin -->` and `<!-- NAME: end -->` the page is ours, the rest is its author's.
All is made before anything is written: when something is wrong, docs/ stays as it was.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import chart
import latency
import report
import sql
from servers import ROOT, BenchError, run_program

PARTS = ("bench", "latency", "sql")
COLOURS = {"rubellite": 0, "redis-server": 1}
MODES = {"everysec": "appendfsync everysec", "always": "appendfsync always",
         "no": "appendfsync no", "off": "appendonly no"}
CHARTS = {"rates", "cpu", "disk", "memory", "startup", "collections", "others", "latency"}
NOT_MEASURED = "Not measured in this run."


# --- results ---------------------------------------------------------------------------------


def read_results(places):
    """{part: result} of JSON files or directories of them; a file may hold one part or all."""
    files = [file for place in map(Path, places)
             for file in (sorted(place.glob("*.json")) if place.is_dir() else [place])]
    results = {}
    for file in files:
        try:
            content = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise BenchError(f"{file}: {error}") from None
        parts = [content] if "kind" in content else content.values()
        for part in parts:
            if not isinstance(part, dict) or part.get("kind") not in PARTS:
                raise BenchError(f"{file}: no results of a benchmark")
            results[part["kind"]] = part
    if not results:
        raise BenchError(f"no results in {', '.join(map(str, places))}; make bench makes them")
    return {part: results[part] for part in PARTS if part in results}


def json_of(results):
    return "{\n" + ",\n".join(f'"{part}": {report.json_text(result).strip()}'
                              for part, result in results.items()) + "\n}\n"


def is_collection(row):
    return row["name"].startswith("collections.")


def measured(results, kind=None, collections=None):
    """The rows of bench.py that could be measured, of one kind, about collections or not."""
    rows = results.get("bench", {}).get("rows", [])
    return [row for row in rows if "error" not in row and kind in (None, row["kind"])
            and collections in (None, is_collection(row))]


# --- charts: {file name: (alternative text, SVG)} --------------------------------------------


def charts_of(results):
    note = report.machine_text(results["bench"]["machine"]) if "bench" in results else ""
    loads, types = measured(results, "load", False), measured(results, "load", True)
    amounts = measured(results, "amount")
    charts = {
        "rates": ratio_chart("Requests per second, ours / redis-server (right of 1: more)", loads,
                             "rate", note),
        "cpu": ratio_chart("Server CPU time per request, ours / redis-server (left of 1: less)",
                           loads, "cpu", note),
        "disk": disk_chart(loads, note),
        "memory": amount_chart("Resident memory per key or element", amounts, "bytes", note),
        "startup": amount_chart("Start-up until the first answer", amounts, "seconds", note),
        "collections": ratio_chart("Collections and messages: requests per second, ours / "
                                   "redis-server (right of 1: more)", types, "rate", note),
        "others": others_chart([row for row in loads if row["others"]], note),
    }
    charts = {name: svg for name, svg in charts.items() if svg}
    if "latency" in results:
        charts["latency"] = latency.chart_of(results["latency"])
    return charts


def ratio_chart(title, rows, field, note):
    """Bars from 1 to the ratio, coloured by durability; whiskers: the lowest and highest round."""
    if not rows:
        return None
    def bar(row):
        found = row[field]
        return chart.Bar(MODES[row["fsync"]], found["ratio"], found["min"], found["max"],
                         f"{found['ratio']:.2f}")

    groups = [(row["name"].removeprefix("collections."), [bar(row)]) for row in rows if row[field]]
    return chart.bars(title, groups, log=True, baseline=1, note=note,
                      axis="ours / redis-server, logarithmic; whiskers: lowest and highest round")


def side_bars(row, field, form):
    """A bar for each server, from its median, with its lowest and highest round."""
    bars = []
    for name, side in [("rubellite", row["ours"]), ("redis-server", row["redis"]),
                       *row["others"].items()]:
        values = [r[field] if isinstance(r, dict) else r for r in side["rounds"]]
        bars.append(chart.Bar(name, side[field], min(values), max(values), form(side[field])))
    return bars


def disk_chart(rows, note):
    rows = [row for row in rows if row["writes"]
            and all((row[s]["disk_bytes"] or 0) > 0 for s in ("ours", "redis"))]
    groups = [(row["name"], side_bars(dict(row, others={}), "disk_bytes", lambda v: f"{v:,.0f}"))
              for row in rows]
    return chart.bars("Bytes written to the disk per request", groups, log=True, note=note,
                      axis="bytes, logarithmic", colours=COLOURS) if rows else None


def amount_chart(title, rows, unit, note):
    rows = [row for row in rows if row["unit"].startswith(unit)]
    groups = [(row["name"], side_bars(row, "value", lambda v, d=row["digits"]: f"{v:.{d}f}"))
              for row in rows]
    return chart.bars(title, groups, axis=unit, note=note, colours=COLOURS) if rows else None


def others_chart(rows, note):
    groups = [(row["name"], side_bars(row, "rps", lambda v: f"{v:,.0f}")) for row in rows]
    return chart.bars("Requests per second, other servers too", groups, axis="requests per second",
                      note=note, colours=COLOURS) if rows else None


# --- blocks of the page ----------------------------------------------------------------------


def blocks_of(results, charts):
    """{name: text} of every block that the page has to have."""
    def picture(name, words):
        return f"![{words}](charts/{name}.svg)" if name in charts else ""

    bench = results.get("bench")
    parts = {
        "summary": [facts_of(bench), picture("rates", "requests per second, as ratios"),
                    picture("cpu", "server CPU per request, as ratios")],
        "requests": request_tables(results),
        "disk": [picture("disk", "bytes written per request")],
        "amounts": [table(report.AMOUNT_COLUMNS, measured(results, "amount", False)),
                    picture("memory", "memory per key and element"),
                    picture("startup", "seconds of start-up")],
        "others": [table(report.OTHER_COLUMNS, report.other_rows(measured(results, "load", False))),
                   picture("others", "requests per second of all servers")],
        "collections": [table(report.LOAD_COLUMNS, measured(results, "load", True)),
                        picture("collections", "collections: requests per second, as ratios"),
                        table(report.AMOUNT_COLUMNS, measured(results, "amount", True))],
        "behind": [behind_text(results)],
        "latency": latency_parts(results.get("latency"), picture("latency", "p99.9 over time")),
        "sql": sql_parts(results.get("sql")),
    }
    return {name: "\n\n".join(p for p in block if p) or NOT_MEASURED
            for name, block in parts.items()}


def fenced(words):
    return f"```\n{words.strip()}\n```"


def facts_of(bench):
    return fenced(report.facts_text(bench) + report.summary_text(bench)) if bench else ""


def table(columns, rows):
    return report.table_text(columns, rows) if rows else ""


def request_tables(results):
    """A table with its heading for each mode of durability and size of values."""
    rows = [row for row in results.get("bench", {}).get("rows", [])
            if row["kind"] == "load" and not is_collection(row)]
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row["name"].split(".")[1:]), []).append(row)
    parts = []
    for (fsync, keys, size), group in groups.items():
        parts += [f"**`{MODES[fsync]}`, {keys} keys, values of {size.removesuffix('B')} bytes**",
                  report.table_text(report.LOAD_COLUMNS, group)]
    return parts


def behind_text(results):
    """Every figure in which redis-server was better, the worst first."""
    found = []
    for row in measured(results, "load"):
        rate, cpu = row["rate"], row["cpu"]
        if rate and rate["ratio"] < 1:
            found.append((1 / rate["ratio"], row["name"], "requests per second", rate["ratio"]))
        if cpu and cpu["ratio"] > 1:
            found.append((cpu["ratio"], row["name"], "server CPU per request", cpu["ratio"]))
        disk = [row[side]["disk_bytes"] for side in ("ours", "redis")]
        if row["writes"] and all(disk) and disk[0] > disk[1]:
            found.append((disk[0] / disk[1], row["name"], "bytes written per request",
                          disk[0] / disk[1]))
    for row in measured(results, "amount"):
        if row["amount"] and row["amount"]["ratio"] > 1:
            found.append((row["amount"]["ratio"], row["name"], row["unit"], row["amount"]["ratio"]))
    if not found:
        return "Nowhere in this run." if "bench" in results else ""
    lines = ["| scenario | of what | ours / redis-server |", "| --- | --- | ---: |"]
    lines += [f"| {name} | {what} | {ratio:.2f} |"
              for _, name, what, ratio in sorted(found, key=lambda f: -f[0])]
    return "\n".join(lines)


def latency_parts(result, picture):
    if not result:
        return []
    facts = f"{report.facts_text(result)}{result['title']}; took {report.minutes(result['took_s'])}"
    return [fenced(facts), latency.summary_text(result), picture]


def sql_parts(result):
    if not result:
        return []
    head, _, rows = sql.result_text(result).partition("\n\n")
    return [fenced(f"{report.facts_text(result)}{head}\ntook {report.minutes(result['took_s'])}"),
            rows]


# --- writing ---------------------------------------------------------------------------------


def page_with(page, blocks):
    """The page with its blocks replaced; a block that is missing there is an error."""
    for name, words in blocks.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
        if len(place.findall(page)) != 1:
            raise BenchError(f"the page has not exactly one block {begin} ... {end}")
        page = place.sub(lambda _, new=f"{begin}\n\n{words}\n\n{end}": new, page)
    return page


def publish(places, docs):
    docs = Path(docs)
    results = read_results(places)
    charts = charts_of(results)
    page = page_with((docs / "benchmarks.md").read_text(), blocks_of(results, charts))
    text = json_of(results)
    for name, svg in charts.items():
        report.write_whole(docs / "charts" / f"{name}.svg", svg)
    for name in CHARTS - charts.keys():  # of an earlier run; the page shows them no more
        (docs / "charts" / f"{name}.svg").unlink(missing_ok=True)
    report.write_whole(docs / "benchmarks.json", text)
    report.write_whole(docs / "benchmarks.md", page)
    print(f"published: {docs / 'benchmarks.md'}, benchmarks.json, {len(charts)} charts of "
          f"{', '.join(results)}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="*", default=[str(ROOT / "build/bench-results")],
                        help="JSON files, or directories of them (%(default)s)")
    parser.add_argument("--docs", default=str(ROOT / "docs"), metavar="DIR",
                        help="what to write (%(default)s)")
    options = parser.parse_args()
    publish(options.results, options.docs)


if __name__ == "__main__":
    run_program("publish", main)
