# SPDX-License-Identifier: MIT
"""The server's figures, each second: what INFO says, what the system knows of the process, the sizes
of its files, and the commands that were slow."""

import os
import pickle
import time

import wire
from actors_data import Big

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


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
