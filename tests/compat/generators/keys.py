# SPDX-License-Identifier: MIT
"""Commands on keys of any type, databases, transactions."""

from . import Commands
from .words import HASH, LIST, SET, STRING, ZSET

TABLE = Commands()
DATABASES = 4


def _nothing(_g):
    return []


def _any(g):
    return [g.key()]


def _some(g):
    return [g.key() for _ in range(g.random.randint(1, 3))]


def _two(g):
    return [g.key(), g.key()]


def _database(g):
    return b"%d" % g.random.randrange(DATABASES) if g.random.random() < 0.95 else b"16"


TABLE.several({"DEL": 4, "UNLINK": 2, "EXISTS": 2, "TOUCH": 1}, _some)
TABLE.several({"TYPE": 2, "PERSIST": 2}, _any)
TABLE.several({"TTL": 2, "PTTL": 1, "EXPIRETIME": 2, "PEXPIRETIME": 2}, _any)
TABLE.several({"RENAMENX": 2}, _two)
TABLE.several({"DBSIZE": 1, "PING": 1, "UNWATCH": 1, "FLUSHDB": 0.3, "RESET": 0.3}, _nothing)
TABLE.several({"RANDOMKEY": 1, "FLUSHALL": 0.1}, _nothing, queued=False)
TABLE.several({"MULTI": 4, "EXEC": 1, "DISCARD": 1}, _nothing, queued=False)
TABLE.several({"WATCH": 3}, _some)
TABLE.several({"ECHO": 1, "NOSUCH": 1}, _any)
TABLE.several({"SWAPDB": 0.7}, lambda g: [_database(g), _database(g)])
TABLE.several({"MOVE": 2}, lambda g: [g.key(), _database(g)])
TABLE.several({"SELECT": 2}, lambda g: [_database(g) if g.random.random() < 0.3 else b"0"])
TABLE.several({"OBJECT": 3}, lambda g: [b"ENCODING", g.key()])
TABLE.several({"KEYS": 1}, lambda g: [g.pick((b"*", b"key:*", b"?", b"[a-hz]*", b"none*"))])


@TABLE.command("RENAME", 3)
def rename(g):
    """Mostly among the keys of a type, so that each type keeps most of its own."""
    if g.random.random() < 0.7:
        kind = g.pick((STRING, HASH, LIST, SET, ZSET))
        return [g.key(kind), g.key(kind)]
    return _two(g)


@TABLE.command("COPY", 4)
def copy(g):
    args = rename(g)
    if g.random.random() < 0.4:
        args += [b"DB", b"%d" % g.random.randrange(DATABASES)]
    if g.random.random() < 0.5:
        args.append(b"REPLACE")
    return args


def _relative(unit):
    def make(g):
        if g.random.random() < 0.1:
            return [g.key(), g.pick((b"0", b"-1", b"x"))]
        return [g.key(), b"%d" % (unit * g.seconds())] + g.pick(([], [], [b"NX"], [b"XX"]))
    return make


def _absolute(unit):
    def make(g):
        return [g.key(), b"%d" % (unit * g.moment())] + g.pick(
            ([], [], [b"NX"], [b"XX"], [b"GT"], [b"LT"], [b"XX", b"GT"], [b"XX", b"LT"], [b"GT", b"LT"]))
    return make


TABLE.several({"EXPIRE": 3}, _relative(1))
TABLE.several({"PEXPIRE": 2}, _relative(1000))
TABLE.several({"EXPIREAT": 3}, _absolute(1))
TABLE.several({"PEXPIREAT": 2}, _absolute(1000))


@TABLE.command("SCAN", 1)
def scan(g):
    return [b"0", b"COUNT", b"100000"] + g.pick((
        [], [b"MATCH", b"key:*"], [b"TYPE", g.pick((b"string", b"list", b"hash", b"set", b"zset", b"ZSET", b"none"))]))
