# SPDX-License-Identifier: MIT
"""Draws the soak: panels one below the other over the same time, with what bench/chart.py has."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import chart  # noqa: E402  (shared with the benchmarks)

LEFT, RIGHT, TOP = 76, chart.WIDTH - 190, 66
PANEL, GAP, BOTTOM = 88, 30, 34
POINTS = 600
MB = 1 << 20


class Panel:
    def __init__(self, title, lines, log=False):
        """lines: [(name, [(seconds, value), ...])]."""
        self.title, self.lines, self.log = title, [line for line in lines if line[1]], log

    def draw(self, top, across):
        values = [value for _, points in self.lines for _, value in points]
        up = chart.Scale(values, top + PANEL, top, self.log, [0.1, 1] if self.log else [0], most=4)
        parts = [chart.text(LEFT, top - 7, self.title)]
        for tick in up.ticks:
            parts += [chart.line(LEFT, up.at(tick), RIGHT, up.at(tick), "grid"),
                      chart.text(LEFT - 6, up.at(tick) + 4, chart.number(tick), "end", "soft")]
        for number, (name, points) in enumerate(self.lines):
            path = " ".join("%.1f,%.1f" % (across.at(x), up.at(y)) for x, y in points)
            y = top + 10 + number * 18
            parts += ['<polyline points="%s" class="s%d" stroke-width="1.2"/>' % (path, number),
                      '<rect x="%d" y="%d" width="12" height="10" class="f%d"/>' % (RIGHT + 12, y - 9, number),
                      chart.text(RIGHT + 30, y, name)]
        return parts


def draw(title, note, panels, seconds):
    unit, name = (60, "minutes") if seconds >= 300 else (1, "seconds")
    height = TOP + len(panels) * (PANEL + GAP) + BOTTOM
    across = chart.Scale([0, seconds / unit], LEFT, RIGHT, most=15)
    parts = []
    for number, panel in enumerate(panels):
        panel.lines = [(label, [(x / unit, y) for x, y in points]) for label, points in panel.lines]
        parts += panel.draw(TOP + number * (PANEL + GAP), across)
    parts += [chart.text(across.at(t), height - BOTTOM - 8, chart.number(t), "middle", "soft") for t in across.ticks]
    parts.append(chart.text((LEFT + RIGHT) / 2, height - 12, name, "middle", "soft"))
    return chart.page(height, title, note, parts)


# --- what is drawn ---------------------------------------------------------------------------


def middle(values):
    values = sorted(values)
    return values[len(values) // 2]


def thin(points, keep=max):
    """At most POINTS points, each the largest (or what `keep` says) of its stretch."""
    size = max(1, -(-len(points) // POINTS))
    return [(points[i][0], keep([v for _, v in points[i:i + size]])) for i in range(0, len(points), size)]


def panels_of(watched, seconds):
    rows, started = watched["sampler"]["rows"], watched["started"]

    def line(title, name, scale=1.0, keep=max):
        return title, thin([(r["t"] - started, r[name] / scale) for r in rows if r["t"] - started <= seconds], keep)

    def probe(title, name, kind, column, keep=max):
        return title, thin([(r[0], r[column]) for r in watched[name]["rows"] if r[1] == kind and r[0] <= seconds], keep)

    median, longest = 3, 5
    return [
        Panel("Longest answer to a probe that asks 100 times a second, milliseconds", [
            probe("Rubellite: PING", "probe", "PING", longest),
            probe("Rubellite: GET", "probe", "GET", longest),
            probe("idle redis-server: GET", "control", "GET", longest),
            probe("a sleep ends late by", "control", "wake up", longest)], log=True),
        Panel("Median answer, milliseconds", [
            probe("Rubellite: GET", "probe", "GET", median, middle),
            probe("Rubellite: SET", "probe", "SET", median, middle),
            probe("idle redis-server: GET", "control", "GET", median, middle)], log=True),
        Panel("Memory, MB", [line("resident", "rss", MB), line("used_memory", "used_memory", MB),
                             line("... of the rest", "memory_of_the_rest", MB)]),
        Panel("Keys", [line("keys", "keys", keep=middle)]),
        Panel("Open files and clients", [line("open files", "fds"), line("connected clients", "clients"),
                                         line("blocked clients", "blocked_clients"), line("threads", "threads")]),
        Panel("Files, MB", [line("data.db", "db", MB), line("data.db-wal", "wal", MB),
                            line("journal", "journal", MB)]),
        Panel("Waiting to be folded, MB", [line("fold_backlog_bytes", "fold_backlog_bytes", MB)]),
        Panel("Deleted collections not swept yet", [line("sweep_waiting_keys", "sweep_waiting_keys")]),
        Panel("Commands a second", [line("all clients", "instantaneous_ops_per_sec", keep=middle)]),
        Panel("Processor time, percent of one processor", [
            line("Rubellite", "cpu", 0.01, middle),
            line("all that runs here", "machine_busy", 0.01 / os.cpu_count(), middle)]),
    ]
