# SPDX-License-Identifier: MIT
"""Sets."""

from . import Commands
from .words import COUNTS, SET, counted, keys_of, many, one, scan, some

TABLE = Commands()


def _members(g):
    return [g.key(SET)] + (many(g) if g.random.random() < 0.01 else some(g, most=6))


def _keys(g):
    return keys_of(g, SET)


TABLE.several({"SADD": 11}, _members)
TABLE.several({"SREM": 4, "SMISMEMBER": 2}, lambda g: [g.key(SET)] + some(g))
TABLE.several({"SISMEMBER": 2}, lambda g: [g.key(SET), one(g)])
TABLE.several({"SCARD": 1, "SMEMBERS": 2}, lambda g: [g.key(SET)])
TABLE.several({"SMOVE": 3}, lambda g: [g.key(SET), g.key(SET), one(g)])
TABLE.several({"SINTER": 2, "SUNION": 2, "SDIFF": 2}, _keys)
TABLE.several({"SINTERSTORE": 2, "SUNIONSTORE": 2, "SDIFFSTORE": 2}, lambda g: [g.key(SET)] + _keys(g))
TABLE.several({"SSCAN": 1}, lambda g: [g.key(SET)] + scan(g))


@TABLE.command("SINTERCARD", 2)
def sintercard(g):
    args = counted(g, _keys(g))
    return args + ([b"LIMIT", g.pick(COUNTS)] if g.random.random() < 0.5 else [])


@TABLE.command("SPOP", 3, queued=False)
def spop(g):
    """Few or all: redis-server makes the set anew when it takes most, which may change its form by
    chance."""
    return [g.key(SET)] + g.pick(([], [], [g.pick((b"0", b"1", b"2", b"4", b"1000", b"-1", b"x"))]))


@TABLE.command("SRANDMEMBER", 2, queued=False)
def srandmember(g):
    return [g.key(SET)] + g.pick(([], [g.pick(COUNTS)], [b"-7"]))
