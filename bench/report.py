# SPDX-License-Identifier: MIT
"""What is printed: Markdown tables, aligned, so that they can be read in a terminal and pasted or
published. publish.py makes the same tables of saved results."""

import json
import os
import sys
from pathlib import Path

from stats import rounded

# --- columns ---------------------------------------------------------------------------------
# A column: title, width, value of a row. A row of load has two sides, ours and `redis`, which in
# OTHER_COLUMNS is another server.


def both(what, width, field, form, letter="r", when=None):
    """A number of each side. letter: of the other side; when: a field without which it is empty."""
    return (f"{what} o / {letter}", width,
            lambda r: pair(r, field, form) if when is None or r[when] else "")


def ratio(field):
    return "ratio", 5, lambda r: times(r[field])


def ratio_and_spread(field):
    return [ratio(field), ("min-max", 9, lambda r: spread(r[field]))]


def rates(other):
    return [("req/s ours", 10, lambda r: f"{r['ours']['rps']:,.0f}"),
            (f"req/s {other}", 11, lambda r: f"{r['redis']['rps']:,.0f}"),
            *ratio_and_spread("rate")]


def latencies(letter):
    return [both("p50 ms", 13, "p50_ms", "{:.2f}", letter),
            both("p99 ms", 13, "p99_ms", "{:.2f}", letter),
            both("p99.9 ms", 15, "p999_ms", "{:.2f}", letter)]


def cpu(letter):
    return [both("CPU us", 13, "cpu_us", "{:.2f}", letter), ratio("cpu")]


def amount(side):
    return side, 8, lambda r: f"{r[side]['value']:.{r['digits']}f}"


SCENARIO = ("scenario", 29, lambda r: r["name"])
MADE_BY = ("made by", 15, lambda r: r["tool"])
NOTES = ("notes", 5, lambda r: notes(r))
AIMS = ("aims", 0, lambda r: aims(r))

LOAD_COLUMNS = [
    SCENARIO, *rates("redis"), *latencies("r"), both("max ms", 15, "max_ms", "{:.1f}"), *cpu("r"),
    both("disk B", 13, "disk_bytes", "{:.0f}", when="writes"),
    both("dirtied B", 15, "dirtied_bytes", "{:.0f}", when="writes"), MADE_BY, NOTES, AIMS,
]

OTHER_COLUMNS = [
    SCENARIO, ("server", 12, lambda r: r["server"]), *rates("other"), *latencies("x"), *cpu("x"),
    MADE_BY, NOTES,
]

AMOUNT_COLUMNS = [
    ("what", 31, lambda r: r["name"]), ("unit", 11, lambda r: r["unit"]),
    amount("ours"), amount("redis"), *ratio_and_spread("amount"),
    ("others", 16, lambda r: ", ".join(f"{name} {v['value']:.{r['digits']}f}"
                                       for name, v in r["others"].items())),
    NOTES, AIMS,
]


# --- cells -----------------------------------------------------------------------------------


def pair(row, field, form):
    sides = [row[side][field] for side in ("ours", "redis")]
    return " / ".join("-" if value is None else form.format(value) for value in sides)


def times(compared):
    return f"{compared['ratio']:.2f}" if compared else "-"


def spread(compared):
    return f"{compared['min']:.2f}-{compared['max']:.2f}" if compared else "-"


def aims(row):
    return "; ".join(f"{a['what']} {a['sense']} {a['aim']:.2f} {'met' if a['met'] else 'MISSED'}"
                     for a in row["aims"])


def notes(row):
    """c: the load program was full for ours, C: for both; n: other work on the machine; u: a server
    did not come to rest."""
    if row["kind"] == "amount":
        return "" if row["settled"] else "u"
    full = [row[side]["client_share"] >= 0.95 for side in ("ours", "redis")]
    marks = "C" if all(full) else "c" if any(full) else ""
    rested = all(r["settled"] for side in ("ours", "redis") for r in row[side]["rounds"])
    return marks + ("n" if row["other_work"] >= 0.05 else "") + ("" if rested else "u")


# --- tables ----------------------------------------------------------------------------------


def is_text(columns, index):
    """Whether a column begins on the left: the name, and a last one of any width."""
    return index == 0 or columns[index][1] == 0


def line(columns, cells):
    return "| " + " | ".join(
        cell.ljust(width) if is_text(columns, i) else cell.rjust(width)
        for i, (cell, (_, width, _)) in enumerate(zip(cells, columns))).rstrip() + " |"


def head_lines(columns):
    rules = ["-" * max(width, 4) if is_text(columns, i) else "-" * (max(width, 4) - 1) + ":"
             for i, (_, width, _) in enumerate(columns)]
    return [line(columns, [title for title, _, _ in columns]), line(columns, rules)]


def row_line(columns, row):
    if "error" in row:
        cells = [row["name"], "failed"] + [""] * (len(columns) - 3) + [row["error"]]
        return line(columns, cells)
    return line(columns, [value(row) for _, _, value in columns])


def table_text(columns, rows):
    return "\n".join(head_lines(columns) + [row_line(columns, row) for row in rows])


class Table:
    """Prints its head with the first row, so that rows appear as they are measured."""

    def __init__(self, columns, out):
        self.columns, self.out, self.begun = columns, out, False

    def add(self, row):
        if not self.begun:
            self.begun = True
            print("\n".join(head_lines(self.columns)), file=self.out)
        print(row_line(self.columns, row), file=self.out, flush=True)


def other_rows(rows):
    """One row for each scenario and other server, shaped as if that were redis-server."""
    return [dict(row, server=name, redis=side, rate=side["rate"], cpu=side["cpu"])
            for row in rows if row["kind"] == "load" and "error" not in row
            for name, side in row["others"].items()]


# --- words -----------------------------------------------------------------------------------


def machine_text(m):
    return (f"{m['cpus']} x {m['cpu']}, {m['memory_gib']} GiB, Linux {m['kernel']}, "
            f"{m['syncs_per_s']} syncs/s, load {m['load_before']}")


def facts_text(result):
    lines = [f"ours:    {result['ours']}", f"redis:   {result['redis']}"]
    if result["others"]:
        lines.append(f"others:  {', '.join(result['others'])}")
    lines += [f"machine: {machine_text(result['machine'])}", f"time:    {result['time']}", ""]
    return "\n".join(lines)


def method_text(result):
    """How long rounds were, and how long everything took."""
    kinds = {}
    for stage in result["stages"]:
        kind = "collections" if stage["name"].startswith("collections") else "requests"
        kinds[kind] = f"{stage['rounds']} rounds of {stage['seconds']:g} s"
    spans = "; ".join(f"{kind}: {words}" for kind, words in kinds.items())
    return f"method:  {spans or 'nothing'}; medians; took {minutes(result['took_s'])}"


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def after_load(result):
    """What follows the table of requests: amounts, other servers, and the summary."""
    rows = result["rows"]
    parts = []
    amounts = [row for row in rows if row["kind"] == "amount"]
    if amounts:
        parts.append(table_text(AMOUNT_COLUMNS, amounts))
    others = other_rows(rows)
    if others:
        parts.append(table_text(OTHER_COLUMNS, others))
    return "\n" + "\n\n".join(parts + [summary_text(result)])


def summary_text(result):
    rows = result["rows"]
    every = [(row["name"], a) for row in rows for a in row.get("aims", [])]
    missed = [(name, a) for name, a in every if not a["met"]]
    lines = [method_text(result), f"aims met: {len(every) - len(missed)} of {len(every)}"]
    lines += [f"  missed: {name}: {a['what']} {a['value']:.2f}, wanted {a['sense']} {a['aim']:.2f}"
              for name, a in missed]
    lines += [f"  failed: {row['name']}" for row in rows if "error" in row]
    left = [name for name in result["wanted"] if name not in {row["name"] for row in rows}]
    if left:
        lines.append(f"  stopped early: {len(left)} of {len(result['wanted'])} not measured")
    if any(row.get("other_work", 0) >= 0.05 for row in rows):
        lines.append("  n: other work took 5 % or more of the machine; measure on a quiet one")
    return "\n".join(lines)


def save(where, result, last=False):
    """Writes the JSON to a file, whole or not at all; to standard output only at the end."""
    if where == "-" and last:
        print(json_text(result))
    elif where and where != "-":
        write_whole(where, json_text(result))


def json_text(value, indent=0):
    """JSON with one line for each row, so that a change of it can be read."""
    if isinstance(value, dict) and not indent:
        inside = ",\n".join(f" {json.dumps(k)}: {json_text(v, 1)}" for k, v in value.items())
        return "{\n" + inside + "\n}\n"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join("  " + json.dumps(rounded(v)) for v in value) + "\n ]"
    return json.dumps(rounded(value))


def write_whole(where, text):
    """A reader finds the old file or the new one, never a part."""
    path = Path(where)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.replace(new, path)


def progress(text):
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
