# SPDX-License-Identifier: MIT
"""Hashes."""

from . import Commands
from .words import COUNTS, FLOATS, HASH, INTEGERS, VALUES, many, one, scan, some

TABLE = Commands()


def _key(g):
    return [g.key(HASH)]


def _pairs(g):
    """Fields with values; rarely enough of them to leave the small form."""
    fields = many(g) if g.random.random() < 0.01 else some(g, most=6)
    value = one if g.random.random() < 0.3 else lambda g: g.pick(VALUES)
    return [g.key(HASH)] + [word for field in fields for word in (field, value(g))]


TABLE.several({"HSET": 9, "HMSET": 2}, _pairs)
TABLE.several({"HSETNX": 2}, lambda g: [g.key(HASH), one(g), g.pick(VALUES)])
TABLE.several({"HGET": 3, "HEXISTS": 2, "HSTRLEN": 2}, lambda g: [g.key(HASH), one(g)])
TABLE.several({"HMGET": 2, "HDEL": 5}, lambda g: [g.key(HASH)] + some(g))
TABLE.several({"HLEN": 1, "HKEYS": 1, "HVALS": 1, "HGETALL": 3}, _key)
TABLE.several({"HINCRBY": 3}, lambda g: [g.key(HASH), one(g), g.pick(INTEGERS)])
TABLE.several({"HINCRBYFLOAT": 2}, lambda g: [g.key(HASH), one(g), g.pick(FLOATS)])
TABLE.several({"HSCAN": 1}, lambda g: [g.key(HASH)] + scan(g))


@TABLE.command("HRANDFIELD", 2, queued=False)
def hrandfield(g):
    return [g.key(HASH)] + g.pick(([], [g.pick(COUNTS)], [g.pick(COUNTS), b"WITHVALUES"], [b"-7"],
                                   [b"-7", b"WITHVALUES"], [b"2", b"NOSUCH"]))
