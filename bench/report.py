# SPDX-License-Identifier: MIT
"""The printed tables: Markdown, aligned, so that they can be read here and pasted elsewhere."""

import sys

LOAD_COLUMNS = [
    # title, width, value of a row
    ("scenario", 28, lambda r: r["name"]),
    ("req/s ours", 10, lambda r: f"{r['ours']['rps']:,.0f}"),
    ("req/s redis", 11, lambda r: f"{r['redis']['rps']:,.0f}"),
    ("ratio", 5, lambda r: f"{r['ratio']:.2f}"),
    ("min-max", 9, lambda r: f"{r['ratio_min']:.2f}-{r['ratio_max']:.2f}"),
    ("p50 ms o / r", 13, lambda r: pair(r, "p50_ms", "{:.2f}")),
    ("p99 ms o / r", 13, lambda r: pair(r, "p99_ms", "{:.2f}")),
    ("CPU us o / r", 13, lambda r: pair(r, "cpu_us", "{:.2f}")),
    ("ratio", 5, lambda r: f"{r['cpu_ratio']:.2f}"),
    ("disk B o / r", 12, lambda r: pair(r, "disk_bytes", "{:.0f}") if r["writes"] else ""),
    ("notes", 5, lambda r: notes(r)),
    ("aims", 0, lambda r: aims(r)),
]

AMOUNT_COLUMNS = [
    ("what", 28, lambda r: r["name"]),
    ("unit", 11, lambda r: r["unit"]),
    ("ours", 8, lambda r: f"{r['ours']['value']:.{r['digits']}f}"),
    ("redis", 8, lambda r: f"{r['redis']['value']:.{r['digits']}f}"),
    ("ratio", 5, lambda r: f"{r['ratio']:.2f}"),
    ("min-max", 9, lambda r: f"{r['ratio_min']:.2f}-{r['ratio_max']:.2f}"),
    ("aims", 0, lambda r: aims(r)),
]


def pair(row, field, form):
    sides = [row[side][field] for side in ("ours", "redis")]
    return " / ".join("?" if value is None else form.format(value) for value in sides)


def aims(row):
    return "; ".join(f"{a['what']} {a['sense']} {a['aim']:.2f} {'met' if a['met'] else 'MISSED'}"
                     for a in row["aims"])


def notes(row):
    """c: the load program was full for ours, C: for both; n: other work on the machine."""
    full = [row[side]["client_share"] >= 0.95 for side in ("ours", "redis")]
    marks = "C" if all(full) else "c" if any(full) else ""
    return marks + ("n" if row["other_work"] >= 0.05 else "")


def line(columns, cells):
    last = len(columns) - 1
    return "| " + " | ".join(
        cell.ljust(width) if i in (0, last) else cell.rjust(width)
        for i, (cell, (_, width, _)) in enumerate(zip(cells, columns))).rstrip() + " |"


class Table:
    """Prints its head with the first row, so that rows appear as they are measured."""

    def __init__(self, columns, out):
        self.columns, self.out, self.begun = columns, out, False

    def add(self, row):
        if not self.begun:
            self.begun = True
            print(line(self.columns, [title for title, _, _ in self.columns]), file=self.out)
            rules = ["-" * max(width, 4) for _, width, _ in self.columns]
            print(line(self.columns, rules), file=self.out)
        if "error" in row:
            print(f"| {row['name']} | failed: {row['error']} |", file=self.out, flush=True)
            return
        cells = [value(row) for _, _, value in self.columns]
        print(line(self.columns, cells), file=self.out, flush=True)


def print_facts(facts, out):
    m = facts["machine"]
    print(f"ours:    {facts['ours']}\nredis:   {facts['redis']}\n"
          f"machine: {m['cpus']} x {m['cpu']}, {m['memory_gib']} GiB, Linux {m['kernel']}, "
          f"{m['syncs_per_s']} syncs/s, load {m['load_before']}\n"
          f"method:  {facts['rounds']} rounds of {facts['seconds']} s each, {facts['clients']} "
          f"connections, medians; load by {facts['tool']}\n", file=out)


def print_summary(rows, out):
    every = [(row["name"], a) for row in rows for a in row.get("aims", [])]
    missed = [(name, a) for name, a in every if not a["met"]]
    failed = [row["name"] for row in rows if "error" in row]
    print(f"\naims met: {len(every) - len(missed)} of {len(every)}", file=out)
    for name, a in missed:
        print(f"  missed: {name}: {a['what']} {a['value']:.2f}, wanted {a['sense']} {a['aim']:.2f}",
              file=out)
    for name in failed:
        print(f"  failed: {name}", file=out)
    if any(row.get("other_work", 0) >= 0.05 for row in rows):
        print("  n: other work took 5 % or more of the machine; measure again on a quiet one",
              file=out)


def progress(text):
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
