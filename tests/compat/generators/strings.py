# SPDX-License-Identifier: MIT
"""Strings and counters."""

from . import Commands
from .words import FLOATS, INTEGERS, POSITIONS, STRING, VALUES

TABLE = Commands()


def _key(g):
    return [g.key(STRING)]


def _some_keys(g):
    return [g.key(STRING) for _ in range(g.random.randint(1, 4))]


TABLE.several({"GET": 6, "GETDEL": 2, "STRLEN": 2, "INCR": 3, "DECR": 2}, _key)
TABLE.several({"MGET": 2}, _some_keys)
TABLE.several({"SETNX": 2, "GETSET": 2, "APPEND": 3}, lambda g: [g.key(STRING), g.pick(VALUES)])
TABLE.several({"INCRBY": 2, "DECRBY": 2}, lambda g: [g.key(STRING), g.pick(INTEGERS)])
TABLE.several({"INCRBYFLOAT": 3}, lambda g: [g.key(STRING), g.pick(FLOATS)])
TABLE.several({"MSET": 2, "MSETNX": 1}, lambda g: [word for key in _some_keys(g) for word in (key, g.pick(VALUES))])
TABLE.several({"GETRANGE": 2, "SUBSTR": 1}, lambda g: [g.key(STRING), g.pick(POSITIONS), g.pick(POSITIONS)])


@TABLE.command("SET", 9)
def set_(g):
    args = [g.key(STRING), g.pick(VALUES)]
    if g.random.random() < 0.3:
        args += g.pick(([b"NX"], [b"XX"], [b"NX"], [b"XX"], [b"NX", b"XX"]))
    if g.random.random() < 0.2:
        args.append(b"GET")
    if g.random.random() < 0.3:
        args += g.pick((g.expiry(), g.expiry(), g.expiry(), [b"KEEPTTL"], [b"KEEPTTL"], g.expiry() + [b"KEEPTTL"]))
    return args


@TABLE.command("GETEX", 3)
def getex(g):
    return [g.key(STRING)] + g.pick(([], [b"PERSIST"], g.expiry(), g.expiry()))


@TABLE.command("SETEX", 1)
def setex(g):
    return [g.key(STRING), b"%d" % g.pick((g.seconds(), g.seconds(), 0)), g.pick(VALUES)]


@TABLE.command("PSETEX", 1)
def psetex(g):
    return [g.key(STRING), b"%d" % (1000 * g.seconds()), g.pick(VALUES)]


@TABLE.command("SETRANGE", 2)
def setrange(g):
    return [g.key(STRING), g.pick((b"0", b"1", b"3", b"10", b"60", b"-1", b"536870912")),
            g.pick((b"", b"z", b"mid", b"\x00"))]


@TABLE.command("LCS", 1)
def lcs(g):
    return [g.key(STRING), g.key(STRING)] + g.pick((
        [], [b"LEN"], [b"IDX"], [b"IDX", b"WITHMATCHLEN"], [b"IDX", b"MINMATCHLEN", b"2"], [b"LEN", b"IDX"]))
