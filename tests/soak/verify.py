# SPDX-License-Identifier: MIT
"""Compares what a server holds with the models, and with what it held before a restart."""

import hashlib
import time

import wire
from actor import GONE, THERE, presence
from actors_data import hash_problem

DATABASES = 10
CHUNK = 200

READ = {
    "string": lambda key: ("GET", key),
    "hash": lambda key: ("HGETALL", key),
    "set": lambda key: ("SMEMBERS", key),
    "list": lambda key: ("LRANGE", key, 0, -1),
    "any order": lambda key: ("LRANGE", key, 0, -1),
    "zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
}


def same_string(found, value, until, before, after):
    state = GONE if value is None else presence(until, before, after)
    return found == value if state == THERE else found is None if state == GONE else found in (value, None)


JUDGE = {
    "hash": lambda found, value, _, before, after:
        not hash_problem(dict(zip(found[::2], found[1::2])), value, before, after),
    "set": lambda found, value, *_: set(found) == value and len(found) == len(value),
    "list": lambda found, value, *_: found == value,
    "any order": lambda found, value, *_: sorted(found) == value,
    "zset": lambda found, value, *_: {m: int(s) for m, s in zip(found[::2], found[1::2])} == value,
    "string": same_string,
}


def check_models(port, expected):
    """(number of things compared, what is wrong)."""
    problems, sums, client = [], {}, wire.Client(port)
    by_database = {}
    for database, key, kind, value, until in expected:
        if kind == "sum":
            sums[key] = sums.get(key, 0) + value
        elif kind == "rows":
            check_rows(client, key.decode(), value, problems)
        else:
            by_database.setdefault(database, []).append((key, kind, value, until))
    for key, value in sums.items():
        found = client.call("GET", key)
        if int(found or 0) != value:
            problems.append("%r is %r, all increments together are %d" % (key, found, value))
    for database, lines in by_database.items():
        client.call("SELECT", database)
        for start in range(0, len(lines), CHUNK):
            check_keys(client, lines[start:start + CHUNK], problems)
    client.close()
    return len(expected), problems


def check_keys(client, lines, problems):
    before = time.time()
    replies = client.pipeline([READ[kind](key) for key, kind, _, _ in lines])
    after = time.time()
    for (key, kind, value, until), found in zip(lines, replies):
        if isinstance(found, wire.Refused) or not JUDGE[kind](found, value, until, before, after):
            problems.append("%s %r is %.100r, the model has %.100r until %s" % (kind, key, found, value, until))


def check_rows(client, owner, orders, problems):
    found = client.call("SQL", "SELECT number, cents FROM soak_order WHERE client = ?", owner)
    if isinstance(found, wire.Refused) or dict(map(tuple, found[1:])) != orders:
        problems.append("the rows of %s differ from the model's %d" % (owner, len(orders)))


def read_state(port):
    """{(database, key): (type, digest, expiry)} and the digest of the SQL table."""
    state, client = {}, wire.Client(port)
    for database in range(DATABASES):
        client.call("SELECT", database)
        cursor = None
        while cursor != b"0":
            cursor, keys = client.call("SCAN", cursor or "0", "COUNT", 2000)
            for start in range(0, len(keys), CHUNK):
                state.update(read_keys(client, database, keys[start:start + CHUNK]))
    rows = client.call("SQL", "SELECT rowid, * FROM soak_order ORDER BY rowid")
    client.close()
    return state, digest(rows)


def read_keys(client, database, keys):
    heads = client.pipeline([w for key in keys for w in (("TYPE", key), ("PEXPIRETIME", key))])
    kinds, expiries = heads[::2], heads[1::2]
    known = [(key, kind, expiry) for key, kind, expiry in zip(keys, kinds, expiries) if kind in READ]
    values = client.pipeline([READ[kind](key) for key, kind, _ in known])
    for (key, kind, expiry), value in zip(known, values):
        if kind == "set":
            value = sorted(value)
        elif kind == "hash":
            value = sorted(zip(value[::2], value[1::2]))
        yield (database, key), (kind, digest(value), expiry)


def digest(value):
    return hashlib.blake2b(repr(value).encode(), digest_size=16).digest()


def compare_states(before, after):
    """What differs after a restart. Keys that expire may be gone, hashes whose fields expire may be
    smaller: those are compared by name and expiry alone."""
    problems = []
    (old, old_rows), (new, new_rows) = before, after
    if old_rows != new_rows:
        problems.append("the rows of the SQL table differ after the restart")
    for name, (kind, value, expiry) in old.items():
        found = new.get(name)
        if found is None:
            if not gone_by_now(kind, expiry):
                problems.append("%r (%s, expires %s) is gone after the restart" % (name, kind, expiry))
        elif (found[0], found[2]) != (kind, expiry) or (found[1] != value and kind != "hash"):
            problems.append("%r was %r and is %r after the restart" % (name, (kind, expiry), found))
    for name in new.keys() - old.keys():
        problems.append("%r is new after the restart" % (name,))
    return problems


def gone_by_now(kind, expiry):
    return kind == "hash" or 0 < expiry <= time.time() * 1000
