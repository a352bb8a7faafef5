# SPDX-License-Identifier: MIT
"""A probe that asks the server something a hundred times a second, and controls that tell the
machine's pauses from the server's: the same probe against an idle redis-server; how late a sleep
ends; a small write and sync on the same disk; and, for each request, how long the server's loop
thread, the probe itself and (for SET, which waits for a sync in `always`) the syncer were ready to run
while the system ran something else (/proc/PID/schedstat). What is left of a latency without that is
the series "... running"."""

import os
import pickle
import statistics
import time

import wire

PROBE_EVERY_S = 0.010
DISK_EVERY_S = 0.2
SLOW_MS = 20.0  # answers that take longer are kept one by one


def thread_file(pid, tid, name="schedstat"):
    return "/proc/%d/task/%d/%s" % (pid, tid, name)


def threads_named(pid, name):
    """The schedstat files of the threads with this name."""
    found = []
    for tid in map(int, os.listdir("/proc/%d/task" % pid)):
        with open(thread_file(pid, tid, "comm"), encoding="ascii", errors="replace") as file:
            if file.read().strip() == name:
                found.append(thread_file(pid, tid))
    return found


def waited_ms(paths):
    """How long threads have been ready to run while something else ran."""
    total = 0
    for path in paths:
        try:
            with open(path, encoding="ascii") as file:
                total += int(file.read().split()[1])
        except OSError:
            pass
    return total / 1e6


class Series:
    """Latencies by second, and the slow ones one by one."""

    def __init__(self, started):
        self.started, self.second, self.values = started, 0, {}
        self.rows, self.slow, self.histogram = [], [], {}

    def add(self, kind, at, ms, explained=0.0):
        second = int(at - self.started)
        if second != self.second:
            self.flush()
            self.second = second
        self.values.setdefault(kind, []).append(ms)
        bucket = int(ms * 20) if ms < 50 else 1000 + int(ms)  # 0.05 ms, then 1 ms
        counts = self.histogram.setdefault(kind, {})
        counts[bucket] = counts.get(bucket, 0) + 1
        if ms >= SLOW_MS and not kind.endswith("running"):
            self.slow.append((at, ms, kind, explained))

    def flush(self):
        for kind, values in self.values.items():
            self.rows.append((self.second, kind, len(values), statistics.median(values),
                              sorted(values)[int(len(values) * 0.99)], max(values)))
        self.values = {}

    def result(self):
        self.flush()
        return {"rows": self.rows, "slow": self.slow, "histogram": self.histogram}


PROBES = [("PING",), ("GET", "soak:probe"), ("SET", "soak:probed", "1")]


def run_probe(port, pid, started, stop, path):
    """Asks every 10 ms. A late wake up is an observation too."""
    client = wire.Client(port)
    client.call("SET", "soak:probe", "0")
    series = Series(started)
    ready = [thread_file(p, p) for p in (pid, os.getpid())]
    synced = ready + threads_named(pid, "rl-syncer")
    requests = [(words[0], wire.request(*words), synced if words[0] == "SET" else ready) for words in PROBES]
    number, due, error = 0, time.monotonic(), ""
    try:
        while not stop.is_set():
            due += PROBE_EVERY_S
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            elif pause < -0.5:
                due = time.monotonic()
            at, begin = time.time(), time.monotonic()
            if pause > 0:
                series.add("wake up", at - (begin - due), (begin - due) * 1000)
            kind, data, threads = requests[number % len(requests)]
            number += 1
            waited = waited_ms(threads)
            begin = time.monotonic()
            client.send(data)
            client.read()
            ms = (time.monotonic() - begin) * 1000
            waited = min(ms, waited_ms(threads) - waited)
            series.add(kind, at, ms, waited)
            series.add(kind + " running", at, ms - waited)
    except wire.Gone as gone:
        error = "the probe ended: %s" % gone
    with open(path, "wb") as file:
        pickle.dump({**series.result(), "error": error}, file)


def run_disk(directory, started, stop, path):
    """Writes a little to the same disk and syncs it."""
    series, name = Series(started), os.path.join(directory, "disk-block")
    fd = os.open(name, os.O_CREAT | os.O_RDWR, 0o600)
    block, number = b"x" * 4096, 0
    while not stop.wait(DISK_EVERY_S):
        at, begin = time.time(), time.monotonic()
        os.pwrite(fd, block, number % 1024 * 4096)
        written = time.monotonic()
        os.fdatasync(fd)
        number += 1
        series.add("disk write", at, (written - begin) * 1000)
        series.add("disk sync", at, (time.monotonic() - begin) * 1000)
    os.close(fd)
    os.unlink(name)
    with open(path, "wb") as file:
        pickle.dump({**series.result(), "error": ""}, file)
