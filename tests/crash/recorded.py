# SPDX-License-Identifier: MIT
"""The calls that recorder.c has written down, and what can be said of them without a disk.

A log is a list of records, (time in ns of the monotonic clock, is the second one, call), in the one
order in which they happened over all threads and programs. Each call has a first record, before the
system was asked, and a second one when it had answered. A place in the log is an index into that list.
"""

import mmap
import os
import re
import struct
import time

HEAD_BYTES = 4096
HEAD = struct.Struct("<QQQI")
NUMBER = struct.Struct("<I")
ENDING_AT, UNDER_WAY_AT = 28, 32  # of numbers in the head: of the process, of calls
CALLS_SECONDS = 60
RECORD = struct.Struct("<IHHQQQqqII")
OPEN, WRITE, TRUNCATE, ALLOCATE, SYNC, RENAME, LINK, UNLINK, MKDIR, RMDIR, NOT_KNOWN = range(1, 12)
NAMES = {OPEN: "open", WRITE: "write", TRUNCATE: "truncate", ALLOCATE: "allocate", SYNC: "sync",
         RENAME: "rename", LINK: "link", UNLINK: "unlink", MKDIR: "mkdir", RMDIR: "rmdir"}


class LogError(Exception):
    """The log does not tell all that happened."""


class Call:
    """One call of the system, with what its records say (result None: it has no second one). The others are
    for who replays the log: ended, the place of its second record (None before); lost, a sync of it has failed; target, covers and names,
    what it concerns."""

    __slots__ = ("what", "number", "at", "result", "data", "ended", "lost", "target", "covers", "names")

    def __init__(self, what, number, at, data):
        self.what, self.number, self.at, self.data = what, number, at, data
        self.result = self.ended = self.target = self.covers = self.names = None
        self.lost = False

    def paths(self):
        return [os.fsdecode(part) for part in bytes(self.data).split(b"\0")[:-1]]


def kill_between_calls(path, process, kill):
    """Calls kill(), which kills the process, when none of its recorded calls is under way. path: of the log
    that the process writes."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), HEAD_BYTES) as head:
        NUMBER.pack_into(head, ENDING_AT, process.pid)
        deadline = time.monotonic() + CALLS_SECONDS
        while process.poll() is None:
            time.sleep(0.001)
            if NUMBER.unpack_from(head, UNDER_WAY_AT) == (0,):
                break
            if time.monotonic() > deadline:
                raise LogError("a call does not end")
        kill()
        NUMBER.pack_into(head, ENDING_AT, 0)


def read_log(path):
    """All records. Raises LogError when the log cannot tell all that happened."""
    with open(path, "rb") as file:
        end, full, _, _ = HEAD.unpack(file.read(HEAD.size))
        if full:
            raise LogError("the log is full; give it more room")
        file.seek(0)
        log = memoryview(file.read(end))
    records, calls, at = [], {}, HEAD_BYTES
    while at < end:
        size, what, is_end, call, when, number, offset, result, length, _ = RECORD.unpack_from(log, at)
        data = log[at + RECORD.size:at + RECORD.size + length]
        if what == NOT_KNOWN:
            raise LogError("the server did what the recorder cannot follow: %s" % bytes(data[:-1]).decode())
        if not is_end:
            calls[call] = Call(what, number, offset, data)
        else:
            calls[call].result, calls[call].number = result, number or calls[call].number
        records.append((when, bool(is_end), calls[call]))
        at += size
    if any(call.result is None for call in calls.values()):
        raise LogError("a call has no end")
    return records


def longest_sync(records):
    """In ns, of those that have ended."""
    began, longest = {}, 0
    for when, is_end, call in records:
        if call.what == SYNC:
            if is_end:
                longest = max(longest, when - began.get(id(call), when))
            else:
                began[id(call)] = when
    return longest


def describe(records, at):
    """A place of the log in words."""
    if at >= len(records):
        return "the end of the log"
    when, is_end, call = records[at]
    return "%.3f s after the first: the %s of %s%s" % (
        (when - records[0][0]) / 1e9, "end" if is_end else "beginning", NAMES[call.what],
        " " + " ".join(call.paths()) if call.paths() and call.what != WRITE else "")


def choose_moments(records, top, count, rng):
    """So many places of the log, or all if it has fewer, in order; its end is one. A quarter of them is
    chosen by the number of records, the others by kind: what happens seldom has as many of these as
    what happens often. top: the directory that the log is about."""
    kinds, names = {}, {}
    for at, (_, is_end, call) in enumerate(records):
        if call.what in (OPEN, MKDIR):
            path = os.path.relpath(call.paths()[0], top)
            kind = re.sub(r"[0-9]+", "N", path)
            if is_end:
                names[call.number] = kind
        elif call.what in (RENAME, LINK, UNLINK, RMDIR):
            kind = re.sub(r"[0-9]+", "N", os.path.relpath(call.paths()[0], top))
        else:
            kind = names.get(call.number, "")
        kinds.setdefault((call.what, is_end, kind), []).append(at)
    kinds = [kinds[key] for key in sorted(kinds)]
    chosen = {len(records)} | {rng.randrange(len(records)) for _ in range(count // 4)}
    while len(chosen) < min(count, len(records)):
        # Before the record, or right after it.
        chosen.add(min(rng.choice(rng.choice(kinds)) + rng.randrange(2), len(records)))
    return sorted(chosen)
