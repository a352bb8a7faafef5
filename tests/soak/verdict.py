# SPDX-License-Identifier: MIT
"""Judges what was watched: does a quantity drift, was there a stall that is the server's own, is
what it held right. Every bound stands in a table here.

Drift: the time after the warm-up is cut into equal buckets, each is one number (its median, or its
lower quartile for what rises and falls with large values and folds), and the Theil-Sen slope
through them (the median of the slopes of all pairs), times the length of the run, is the growth.
"""

import bisect
import statistics

BUCKETS = 30
SHORT_S, SHORT_FACTOR = 150, 3  # a short run has hardly settled: its bounds are wider
MB = 1 << 20


class Quantity:
    """`most` bounds the growth over the run, `share` does as a share of the start; the larger
    counts. `limit` bounds every single value. `settles` is what it may rise in a short run until it
    is as large as it will be: the cache of the tables, for one, takes 32 MB once a fold needs it."""

    def __init__(self, name, title, unit="", floor=False, most=0.0, share=0.0, limit=None, settles=0.0):
        self.name, self.title, self.unit, self.floor = name, title, unit, floor
        self.most, self.share, self.limit, self.settles = most, share, limit, settles

    def bound(self, start, seconds):
        bound = max(self.most, self.share * start)
        return bound * SHORT_FACTOR + self.settles if seconds < SHORT_S else bound

    def bucket(self, values):
        values = sorted(values)
        return values[len(values) // 4] if self.floor else statistics.median(values)


DRIFTING = [
    Quantity("rss", "resident memory", "MB", floor=True, most=24 * MB, share=0.15, settles=96 * MB),
    Quantity("memory_of_the_rest", "used_memory, not of clients or large values", "MB", floor=True,
             most=6 * MB, share=0.08, settles=40 * MB),
    Quantity("mem_fragmentation_ratio", "mem_fragmentation_ratio", floor=True, most=0.3),
    Quantity("fds", "open files and sockets", most=12, share=0.05),
    Quantity("fds_beyond_clients", "... less clients", floor=True, most=5),
    Quantity("threads", "threads", most=2),
    Quantity("clients", "connected_clients", most=8, share=0.04),
    Quantity("blocked_clients", "blocked_clients", most=3),
    Quantity("keys", "keys", most=500, share=0.05),
    Quantity("db", "data.db", "MB", floor=True, most=48 * MB, share=0.3),
    Quantity("wal", "data.db-wal", "MB", floor=True, most=96 * MB, limit=640 * MB),
    Quantity("journal", "journal directory", "MB", floor=True, most=64 * MB, limit=512 * MB),
    Quantity("fold_backlog_bytes", "fold_backlog_bytes", "MB", floor=True, most=16 * MB, limit=256 * MB),
    Quantity("unsynced", "batches not synced", floor=True, most=500),
    Quantity("sweep_waiting_keys", "sweep_waiting_keys", floor=True, most=20),
    Quantity("lazyfree_pending_objects", "lazyfree_pending_objects", floor=True, most=2),
    Quantity("wal_pinned_bytes", "wal_pinned_bytes", "MB", floor=True, most=16 * MB),
    Quantity("watching_clients", "clients that WATCH", most=3),
    Quantity("pubsub_channels", "channels", most=3),
]

STAYS_ZERO = ["fold_failures", "checkpoint_failures", "journal_failed_syncs", "backup_failures",
              "misconf_refused", "rejected_connections", "fold_backlog_over_limit"]
RISES = ["expired_keys", "sweep_rows", "client_output_buffer_limit_disconnections"]

# The longest stall that the machine does not explain, and how far the p99 may be above the control's.
# PING and GET wait for the loop alone, the GET also in `always`: nobody changes its key, or clears or
# swaps its database. A SET waits for a sync there and may come behind another, so two of the disk are
# added for it.
STALL_MS = {"PING": 250.0, "GET": 250.0, "SET": 1500.0}
P99_BEYOND_CONTROL_MS = {"PING": 10.0, "GET": 10.0, "SET": 50.0}
NEAR_S = 0.02  # what a control saw so near to a slow answer belongs to it
LEAK_MOST, LEAK_SHARE, FDS_MOST = 12 * MB, 0.1, 16


class Line:
    """A row of the verdict."""

    def __init__(self, title, passed, *cells):
        self.title, self.passed, self.cells = title, passed, cells

    def not_judged(self):
        return Line(self.title, True, *self.cells[:-1], "not judged")


def theil_sen(points):
    slopes = [(y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points)
              for x2, y2 in points[i + 1:] if x2 > x1]
    return statistics.median(slopes) if slopes else 0.0


def warm_up_s(seconds):
    return min(180, max(seconds * 0.15, min(6, seconds / 3)))


def drift(rows, started, seconds):
    """Lines: start, end, growth per hour, growth over the run, its bound, largest value."""
    from_s = warm_up_s(seconds)
    rows = [row for row in rows if from_s <= row["t"] - started <= seconds]
    size = max(1, len(rows) // BUCKETS)
    buckets = [rows[i:i + size] for i in range(0, len(rows) - size + 1, size)]
    return [drift_line(quantity, buckets, seconds - from_s, seconds) for quantity in DRIFTING]


def drift_line(quantity, buckets, span_s, seconds):
    points = [(statistics.mean(r["t"] for r in b), quantity.bucket([r[quantity.name] for r in b])) for b in buckets]
    quarter = max(1, len(points) // 4)
    start = statistics.median(y for _, y in points[:quarter])
    end = statistics.median(y for _, y in points[-quarter:])
    growth = theil_sen(points) * span_s
    bound = quantity.bound(start, seconds)
    largest = max(row[quantity.name] for b in buckets for row in b)
    passed = growth <= bound and (quantity.limit is None or largest <= quantity.limit)
    cells = [amount(v, quantity.unit) for v in (start, end, growth / span_s * 3600, growth, bound, largest)]
    return Line(quantity.title, passed, *cells, amount(quantity.limit, quantity.unit) if quantity.limit else "")


def amount(value, unit):
    if unit == "MB":
        return "%.1f MB" % (value / MB)
    return "%d" % value if value == int(value) else "%.1f" % value


# --- counters --------------------------------------------------------------------------------


def counters(rows):
    zero = [Line(name, rows[-1][name] == 0 and max(r[name] for r in rows) == 0,
                 "%d" % max(r[name] for r in rows), "0") for name in STAYS_ZERO]
    return zero + [Line(name, rows[-1][name] > 0, "%d" % rows[-1][name], "above 0") for name in RISES]


# --- stalls ----------------------------------------------------------------------------------


class Stall:
    def __init__(self, at, ms, kind, cpu_wait_ms, machine_ms, by):
        self.at, self.ms, self.kind = at, ms, kind
        self.cpu_wait_ms, self.machine_ms, self.by = cpu_wait_ms, machine_ms, by

    @property
    def own_ms(self):
        return max(0.0, self.ms - self.machine_ms)


class Moments:
    """When something took long: [(time, milliseconds, text), ...]."""

    def __init__(self, moments):
        self.moments = sorted(moments)
        self.starts = [at for at, _, _ in self.moments]
        self.longest_s = max((ms for _, ms, _ in self.moments), default=0) / 1000

    def worst(self, start, end):
        """(milliseconds, text) of the longest that was under way between two times, or (0, "")."""
        found, at = (0.0, ""), bisect.bisect_left(self.starts, start - self.longest_s)
        while at < len(self.starts) and self.starts[at] < end:
            begun, ms, text = self.moments[at]
            if begun + ms / 1000 > start and ms > found[0]:
                found = (ms, text)
            at += 1
        return found


def stalls(watched):
    """Every slow answer of the probe, with what the controls say of the same moment."""
    machine = Moments((at, ms, "a sleep ended late" if kind == "wake up" else "the idle redis-server took")
                      for name in ("probe", "control") for at, ms, kind, _ in watched[name]["slow"]
                      if name == "control" or kind == "wake up")
    disk = Moments((at, ms, "the disk took") for at, ms, _, _ in watched["disk"]["slow"])
    return [explained(*slow, [machine, disk] if slow[2] == "SET" else [machine])
            for slow in watched["probe"]["slow"] if slow[2] != "wake up"]


def explained(at, ms, kind, cpu_wait_ms, controls):
    known = [(cpu_wait_ms, "no processor was free")]
    known += [control.worst(at - NEAR_S, at + ms / 1000 + NEAR_S) for control in controls]
    machine_ms, by = max(known)
    return Stall(at, ms, kind, cpu_wait_ms, min(ms, machine_ms), by)


def percentile(histogram, share):
    total, seen = sum(histogram.values()), 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= share * total:
            return bucket / 20 if bucket < 1000 else bucket - 1000.0
    return 0.0


def latency(watched, found, seconds):
    lines, factor = [], SHORT_FACTOR if seconds < SHORT_S else 1
    sync_ms = percentile(watched["disk"]["histogram"].get("disk sync", {}), 0.99)
    for kind in STALL_MS:
        ours = watched["probe"]["histogram"].get(kind + " running", {})
        control = watched["control"]["histogram"].get(kind + " running", {})
        bound = percentile(control, 0.99) + P99_BEYOND_CONTROL_MS[kind] * factor
        if kind == "SET":
            bound += 2 * sync_ms
        p99 = percentile(ours, 0.99)
        lines.append(Line("%s: p99 without waiting for a processor" % kind, bool(ours) and p99 <= bound,
                          "%.2f ms" % p99, "%.2f ms" % bound))
        worst = max([s.own_ms for s in found if s.kind == kind], default=0.0)
        lines.append(Line("%s: longest stall of the server's own" % kind, worst <= STALL_MS[kind] * factor,
                          "%.0f ms" % worst, "%.0f ms" % (STALL_MS[kind] * factor)))
    return lines


def leaks(loaded, fresh):
    """What the server has after the load, clients gone, beside what the same data takes in a server
    that has just started."""
    bound = fresh["used_memory"] + max(LEAK_MOST, LEAK_SHARE * fresh["used_memory"])
    fds_bound = fresh["fds"] + FDS_MOST
    return [
        Line("used_memory when the clients are gone", loaded["used_memory"] <= bound,
             amount(loaded["used_memory"], "MB"), "%s (%s after a restart)" % (
                 amount(bound, "MB"), amount(fresh["used_memory"], "MB"))),
        Line("open files when the clients are gone", loaded["fds"] <= fds_bound,
             "%d" % loaded["fds"], "%d (%d after a restart)" % (fds_bound, fresh["fds"])),
    ]
