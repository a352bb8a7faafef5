# SPDX-License-Identifier: MIT
"""Lists, and the blocking commands on them where they do not block for long."""

from . import Commands
from .words import COUNTS, LIST, counted, keys_of, many, one, sane, some

TABLE = Commands()
INDEXES = [b"0", b"0", b"1", b"2", b"3", b"-1", b"-1", b"-2", b"-3", b"70"] * 3 + [b"-70", b"9223372036854775807", b"x"]
SIDES = [b"LEFT", b"RIGHT", b"left", b"right"]
SHORT = b"0.001"    # seconds; long enough to have blocked


def _values(g):
    return [g.key(LIST)] + (many(g) if g.random.random() < 0.01 else some(g, most=6))


def _range(g):
    return [g.key(LIST), g.pick(INDEXES), g.pick(INDEXES)]


def _side(g):
    return sane(g, SIDES, [b"MIDDLE"])


TABLE.several({"LPUSH": 5, "RPUSH": 7, "LPUSHX": 1, "RPUSHX": 1}, _values)
TABLE.several({"LPOP": 2, "RPOP": 2}, lambda g: [g.key(LIST)] + g.pick(([], [], [g.pick(COUNTS)])))
TABLE.several({"LLEN": 1}, lambda g: [g.key(LIST)])
TABLE.several({"LRANGE": 4, "LTRIM": 1}, _range)
TABLE.several({"LINDEX": 2}, lambda g: [g.key(LIST), g.pick(INDEXES)])
TABLE.several({"LSET": 3}, lambda g: [g.key(LIST), g.pick(INDEXES), one(g)])
TABLE.several({"LREM": 3}, lambda g: [g.key(LIST), g.pick((b"0", b"1", b"-1", b"2", b"-2", b"x")), one(g)])
TABLE.several({"LMOVE": 3}, lambda g: [g.key(LIST), g.key(LIST), _side(g), _side(g)])
TABLE.several({"RPOPLPUSH": 2}, lambda g: [g.key(LIST), g.key(LIST)])
TABLE.several({"BLMOVE": 0.5}, lambda g: [g.key(LIST), g.key(LIST), _side(g), _side(g), SHORT])
TABLE.several({"BRPOPLPUSH": 0.5}, lambda g: [g.key(LIST), g.key(LIST), SHORT])
TABLE.several({"BLPOP": 0.5, "BRPOP": 0.5}, lambda g: keys_of(g, LIST) + [SHORT])


@TABLE.command("LINSERT", 5)
def linsert(g):
    return [g.key(LIST), sane(g, (b"BEFORE", b"AFTER", b"before", b"after"), [b"BESIDE"]), one(g), one(g)]


@TABLE.command("LPOS", 3)
def lpos(g):
    args = [g.key(LIST), one(g)]
    if g.random.random() < 0.5:
        args += [b"RANK", sane(g, (b"1", b"2", b"-1", b"-2"), (b"0", b"x"))]
    if g.random.random() < 0.5:
        args += [b"COUNT", g.pick(COUNTS)]
    if g.random.random() < 0.4:
        args += [b"MAXLEN", sane(g, (b"0", b"1", b"3", b"1000"), [b"-1"])]
    return args


def _mpop(g):
    args = counted(g, keys_of(g, LIST)) + [_side(g)]
    return args + ([b"COUNT", g.pick(COUNTS)] if g.random.random() < 0.5 else [])


TABLE.several({"LMPOP": 2}, _mpop)
TABLE.several({"BLMPOP": 0.5}, lambda g: [SHORT] + _mpop(g))
