# SPDX-License-Identifier: MIT
"""What is watched while the load runs, in processes of their own: the server's figures each second,
a probe that asks it something a hundred times a second, and controls that tell the machine's pauses
from the server's.

The controls: the same probe against an idle redis-server; how late a sleep ends; a small write and
sync on the same disk; and, for each request of the probe, how long the server's loop thread, the
probe itself and (for writes) the syncer were ready to run while the system ran something else
(/proc/PID/schedstat). What is left of a latency without that is the series "... running".
"""

import multiprocessing
import os
import pickle
import statistics
import time

import wire
from actors_data import Big

TICK_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROBE_EVERY_S = 0.010
DISK_EVERY_S = 0.2
SLOW_MS = 20.0  # probes that take longer are kept one by one


# --- the figures of each second --------------------------------------------------------------


def file_bytes(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def folder_bytes(path):
    try:
        return sum(file_bytes(entry.path) for entry in os.scandir(path))
    except OSError:
        return 0


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def machine_ticks():
    """(busy, stolen, all) of all processors."""
    with open("/proc/stat", encoding="ascii") as file:
        numbers = [int(n) for n in file.readline().split()[1:9]]
    return sum(numbers) - numbers[3] - numbers[4], numbers[7], sum(numbers)


FROM_INFO = [
    "used_memory", "mem_fragmentation_ratio", "mem_clients_normal", "connected_clients", "blocked_clients",
    "expired_keys", "total_commands_processed", "instantaneous_ops_per_sec", "fold_backlog_bytes",
    "fold_backlog_over_limit", "fold_last_usec", "fold_failures", "fold_rows", "sweep_waiting_keys",
    "sweep_rows", "journal_seq", "journal_synced_seq", "journal_segments", "journal_spare_segments",
    "journal_last_sync_usec", "journal_failed_syncs", "checkpoint_wal_bytes", "checkpoint_failures",
    "checkpoint_last_usec", "wal_pinned_bytes", "backup_running", "backup_failures", "misconf_refused",
    "client_output_buffer_limit_disconnections", "rejected_connections", "lazyfree_pending_objects",
    "expired_stale_perc", "sql_running", "sql_waiting", "total_connections_received", "allocator_allocated",
    "allocator_active", "allocator_resident", "pubsub_channels", "watching_clients", "tracking_clients",
]

LARGE_KEYS = ["big:0:%d" % n for n in range(Big.keys)]


def sample(client, pid, directory):
    info = client.info("everything")
    row = {name: float(info.get(name, 0)) for name in FROM_INFO}
    row["keys"] = sum(int(v.split(",")[0].split("=")[1]) for k, v in info.items()
                      if k.startswith("db") and v.startswith("keys="))
    row["clients"] = row.pop("connected_clients")
    row["unsynced"] = row["journal_seq"] - row["journal_synced_seq"]
    with open("/proc/%d/statm" % pid, encoding="ascii") as file:
        row["rss"] = int(file.read().split()[1]) * PAGE_BYTES
    row["fds"] = len(os.listdir("/proc/%d/fd" % pid))
    row["fds_beyond_clients"] = row["fds"] - row["clients"]
    row["threads"] = len(os.listdir("/proc/%d/task" % pid))
    row["db"] = file_bytes(os.path.join(directory, "data.db"))
    row["wal"] = file_bytes(os.path.join(directory, "data.db-wal"))
    row["journal"] = folder_bytes(os.path.join(directory, "journal"))
    # Large values come and go by tens of megabytes: what is left without them is what may not grow.
    row["large_values"] = sum(client.call("STRLEN", key) for key in LARGE_KEYS)
    row["memory_of_the_rest"] = row["used_memory"] - row["mem_clients_normal"] - row["large_values"]
    return row


def readable(words):
    text = b" ".join(words)[:90].decode("ascii", "replace")
    return "".join(c if c.isprintable() and c != "\ufffd" else "." for c in text)


def new_slow_commands(client, seen):
    """Entries of the slow log that were not there before, as texts."""
    found = []
    for entry in client.call("SLOWLOG", "GET", 64):
        if entry[0] > seen[0]:
            found.append((entry[0], entry[1], entry[2] / 1000, readable(entry[3])))
    if found:
        seen[0] = max(entry[0] for entry in found)
    return [entry[1:] for entry in found]


def run_sampler(port, pid, directory, stop, path):
    client, rows, slow, seen = wire.Client(port), [], [], [-1]
    cpu, machine, due = cpu_ticks(pid), machine_ticks(), time.monotonic()
    result = {"rows": rows, "slow_commands": slow, "error": ""}
    try:
        while not stop.is_set():
            due += 1
            stop.wait(max(0, due - time.monotonic()))
            row = {"t": time.time(), **sample(client, pid, directory)}
            now, machine_now = cpu_ticks(pid), machine_ticks()
            passed = max(1, machine_now[2] - machine[2])
            row["cpu"] = (now - cpu) / passed * os.cpu_count()
            row["machine_busy"] = (machine_now[0] - machine[0]) / passed
            row["machine_stolen"] = (machine_now[1] - machine[1]) / passed
            cpu, machine = now, machine_now
            rows.append(row)
            slow += new_slow_commands(client, seen)
    except (OSError, wire.Gone) as error:
        result["error"] = "watching ended: %s" % error
    with open(path, "wb") as file:
        pickle.dump(result, file)


# --- the probe and the controls --------------------------------------------------------------


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


PROBES = [("read", ("PING",)), ("read", ("GET", "soak:probe")), ("write", ("SET", "soak:probed", "1"))]


def run_probe(port, pid, started, stop, path):
    """Asks every 10 ms. A late wake up is an observation too."""
    client = wire.Client(port)
    client.call("SET", "soak:probe", "0")
    series = Series(started)
    ready = [thread_file(p, p) for p in (pid, os.getpid())]
    ready = {"read": ready, "write": ready + threads_named(pid, "rl-syncer")}
    requests = [(kind, wire.request(*words)) for kind, words in PROBES]
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
            kind, data = requests[number % len(requests)]
            number += 1
            waited = waited_ms(ready[kind])
            begin = time.monotonic()
            client.send(data)
            client.read()
            ms = (time.monotonic() - begin) * 1000
            waited = min(ms, waited_ms(ready[kind]) - waited)
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


def run(body, *arguments):
    wire.die_with_parent()
    body(*arguments)


class Watch:
    def __init__(self, server, control, scratch):
        self.stop_event, self.started = multiprocessing.Event(), time.time()
        self.paths = {name: os.path.join(scratch, "watched-" + name) for name in ("sampler", "probe", "control", "disk")}
        bodies = {
            "sampler": (run_sampler, server.port, server.pid, server.directory),
            "probe": (run_probe, server.port, server.pid, self.started),
            "control": (run_probe, control.port, control.pid, self.started),
            "disk": (run_disk, scratch, self.started),
        }
        self.processes = {name: multiprocessing.Process(
            target=run, args=(*body, self.stop_event, self.paths[name]))
            for name, body in bodies.items()}

    def start(self):
        for process in self.processes.values():
            process.start()

    def stop(self):
        """{name of the process: what it saw}."""
        self.stop_event.set()
        results = {}
        for name, process in self.processes.items():
            process.join(150)
            if process.is_alive():
                process.kill()
            try:
                with open(self.paths[name], "rb") as file:
                    results[name] = pickle.load(file)
            except (OSError, EOFError):
                raise wire.Gone("the %s of the watch ended with status %s and left nothing" % (
                    name, process.exitcode)) from None
        return {**results, "started": self.started}

    def kill(self):
        for process in self.processes.values():
            if process.is_alive():
                process.kill()
