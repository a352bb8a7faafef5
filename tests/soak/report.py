# SPDX-License-Identifier: MIT
"""Prints the verdict."""

import time

from verdict import percentile

WORST = 12
NEAR_S = 1.0


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for number, row in enumerate([head, *rows]):
        cells = [str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("| " + " | ".join("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)) + " |")
    print()


def word(passed):
    return "PASS" if passed else "FAIL"


def drift(lines, warm_up_s):
    print("Drift, after %d s of warm-up\n" % warm_up_s)
    table(("what", "start", "end", "per hour", "growth", "at most", "largest", "at most", ""),
          [(line.title, *line.cells, word(line.passed)) for line in lines])


def checks(lines):
    table(("check", "found", "allowed", ""), [(line.title, *line.cells, word(line.passed)) for line in lines])


def operations(counts, rows, seconds):
    commands = rows[-1]["total_commands_processed"] if rows else 0
    print("Requests of the load: %d, each answer compared with a model; commands of all clients: "
          "%d (%.0f a second)\n" % (sum(n for k, n in counts.items() if not k.startswith(" ")),
                                    commands, commands / seconds))
    table(("kind", "requests"), [(kind, "{:,}".format(counts[kind])) for kind in
                                 sorted(counts, key=lambda k: -counts[k])])


def latencies(watched):
    rows = []
    for title, name, kind in (("Rubellite: PING", "probe", "PING"), ("Rubellite: GET", "probe", "GET"),
                              ("Rubellite: SET", "probe", "SET"),
                              ("... PING without waiting for a processor", "probe", "PING running"),
                              ("... GET without waiting for a processor", "probe", "GET running"),
                              ("... SET without waiting for a processor", "probe", "SET running"),
                              ("idle redis-server: GET", "control", "GET"),
                              ("... without waiting for a processor", "control", "GET running"),
                              ("a sleep ends late by", "control", "wake up"),
                              ("4 KB written to the disk", "disk", "disk write"),
                              ("... and synced", "disk", "disk sync")):
        histogram = watched[name]["histogram"].get(kind, {})
        if histogram:
            rows.append((title, sum(histogram.values()), *["%.2f" % percentile(histogram, share)
                                                          for share in (0.5, 0.99, 0.999, 1)]))
    table(("ms", "how many", "p50", "p99", "p99.9", "longest"), rows)


def worst_stalls(found, watched, events):
    worst = sorted(found, key=lambda s: -s.own_ms)[:WORST]
    worst = [s for s in worst if s.own_ms >= 20]
    if not worst:
        print("No answer of the probe took 20 ms longer than the machine explains.\n")
        return
    print("Slow answers of the probe, worst first; the machine's part is what a control saw then\n")
    for stall in sorted(worst, key=lambda s: -s.own_ms):
        print("  %s +%.0f s  %-5s %7.0f ms, the server's own %.0f ms (%s)" % (
            time.strftime("%H:%M:%S", time.gmtime(stall.at)), stall.at - watched["started"], stall.kind, stall.ms,
            stall.own_ms, "%s: %.0f ms" % (stall.by, stall.machine_ms)))
        for text in around(stall, watched, events):
            print("      %s" % text)
    print()


def around(stall, watched, events):
    """What went on then: the row of that second, the load's notable acts, the slow log."""
    texts = []
    rows = [r for r in watched["sampler"]["rows"] if r["t"] >= stall.at]
    if rows:
        row = rows[0]
        texts.append("last fold %d ms, sync %d ms, checkpoint %d ms, backlog %.1f MB, WAL %.0f MB, "
                     "backup %s, server %.0f %% of a core, machine busy %.0f %%" % (
                         row["fold_last_usec"] / 1e3, row["journal_last_sync_usec"] / 1e3,
                         row["checkpoint_last_usec"] / 1e3, row["fold_backlog_bytes"] / (1 << 20),
                         row["wal"] / (1 << 20), "running" if row["backup_running"] else "none",
                         row["cpu"] * 100, row["machine_busy"] * 100))
    end = stall.at + stall.ms / 1000
    texts += ["%+.1f s: %s" % (at - stall.at, text) for at, text in events
              if stall.at - NEAR_S <= at <= end + 0.1][-4:]
    texts += ["slow log: %.0f ms %s" % (ms, command) for at, ms, command in watched["sampler"]["slow_commands"]
              if stall.at - NEAR_S - 1 <= at <= end + 1][:4]
    return texts


def slow_commands(watched):
    entries = sorted(watched["sampler"]["slow_commands"], key=lambda e: -e[1])[:6]
    if entries:
        print("Longest commands of the slow log\n")
        for at, ms, command in entries:
            print("  %s  %7.1f ms  %s" % (time.strftime("%H:%M:%S", time.gmtime(at)), ms, command))
        print()


def problems(title, count, texts):
    if count:
        print("%s: %d, the first ones:" % (title, count))
        for text in texts[:12]:
            print("  " + text)
        print()
