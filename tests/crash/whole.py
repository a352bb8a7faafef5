# SPDX-License-Identifier: MIT
"""All that a server holds, as its commands tell it and as its tables do.

A key is (content, expiry in Unix milliseconds or None). The content of a string is its bytes; that
of the others is (type, elements) with

    list   a tuple of values             set    a frozenset of members
    zset   {member: score}               hash   {field: (value, expiry or None)}
"""

import history

BATCH = 200  # keys asked for at once


def kind_of(content):
    return "string" if isinstance(content, bytes) else content[0]


def _pairs(reply):
    kind, items = reply
    if kind == "%":
        return [(k[1], v[1]) for k, v in items]
    values = [item[1] for item in items]
    return list(zip(values[0::2], values[1::2]))


def _hash(reply):
    return {field: (value, None) for field, value in _pairs(reply)}


# type: (command, arguments after the key, what its reply is)
READERS = {
    b"string": ("GET", (), lambda reply: reply[1]),
    b"list": ("LRANGE", (0, -1), lambda reply: ("list", tuple(item[1] for item in reply[1]))),
    b"set": ("SMEMBERS", (), lambda reply: ("set", frozenset(item[1] for item in reply[1]))),
    b"zset": ("ZRANGE", (0, -1, "WITHSCORES"),
              lambda reply: ("zset", {member: float(score) for member, score in _pairs(reply)})),
    b"hash": ("HGETALL", (), lambda reply: ("hash", _hash(reply))),
}


def by_commands(conn, field_times):
    """{key: (content, expiry)} of the selected database. field_times: the server knows them."""
    names = [name for _, name in conn.call("KEYS", "*")[1]]
    found = {}
    for at in range(0, len(names), BATCH):
        some = names[at:at + BATCH]
        kinds = [kind for _, kind in conn.pipeline([("TYPE", name) for name in some])]
        there = [(name, kind) for name, kind in zip(some, kinds) if kind != b"none"]
        replies = conn.pipeline([(READERS[kind][0], name, *READERS[kind][1]) for name, kind in there])
        times = conn.pipeline([("PEXPIRETIME", name) for name, _ in there])
        for (name, kind), reply, (_, expiry) in zip(there, replies, times):
            found[name] = READERS[kind][2](reply), int(expiry) if expiry != b"-1" else None
    if field_times:
        _add_field_times(conn, found)
    return found


def _add_field_times(conn, found):
    for name, (content, _) in found.items():
        if kind_of(content) != "hash":
            continue
        fields = content[1]
        _, times = conn.call("HPEXPIRETIME", name, "FIELDS", len(fields), *fields)
        for field, (_, expiry) in zip(list(fields), times):
            if int(expiry) >= 0:
                fields[field] = fields[field][0], int(expiry)


def knows_field_times(conn):
    return conn.call("COMMAND", "INFO", "HPEXPIRETIME")[1][0][1] is not None


# What the views tell; each row begins with database and key.
STRINGS = "SELECT database, key, value, expires_at FROM strings"
HASHES = "SELECT database, key, expires_at, field, value, field_expires_at FROM hashes"
LISTS = "SELECT database, key, expires_at, idx, value FROM lists"
SETS = "SELECT database, key, expires_at, member FROM sets"
ZSETS = "SELECT database, key, expires_at, member, score FROM zsets"
KEYS = "SELECT database, key, type, expires_at FROM keys"


class Torn(history.Unexpected):
    """The tables do not agree with each other."""


def by_rows(query):
    """{database: {key: (content, expiry)}} from the views. query: a function from a statement to
    its rows, with bytes for text."""
    found = {}

    def of(database, key, expiry, kind, empty):
        content, expires = found.setdefault(database, {}).setdefault(key, ((kind, empty()), expiry))
        if kind_of(content) != kind or expires != expiry:
            raise Torn("%r is a %s and a %s, or has two expiries" % (key, kind, kind_of(content)))
        return content[1]

    for database, key, value, expiry in query(STRINGS):
        found.setdefault(database, {})[key] = value, expiry
    for database, key, expiry, field, value, field_expiry in query(HASHES):
        of(database, key, expiry, "hash", dict)[field] = value, field_expiry
    for database, key, expiry, member in query(SETS):
        of(database, key, expiry, "set", set).add(member)
    for database, key, expiry, member, score in query(ZSETS):
        of(database, key, expiry, "zset", dict)[member] = float(score)
    for database, key, expiry, index, value in query(LISTS):
        of(database, key, expiry, "list", dict)[index] = value
    _finish(found)
    _check_keys(found, query(KEYS))
    return found


def _finish(found):
    """Sets and lists as they are compared; the indexes of a list have no gaps."""
    for database, keys in found.items():
        for key, (content, expiry) in keys.items():
            if kind_of(content) == "set":
                keys[key] = ("set", frozenset(content[1])), expiry
            elif kind_of(content) == "list":
                items = content[1]
                if sorted(items) != list(range(len(items))):
                    raise Torn("database %d, list %r: the indexes are %r" % (database, key, sorted(items)))
                keys[key] = ("list", tuple(items[i] for i in range(len(items)))), expiry


def _check_keys(found, rows):
    """The view of keys lists the same keys, with their types and expiries."""
    listed = {(database, key): (kind.decode(), expiry) for database, key, kind, expiry in rows}
    have = {(database, key): (kind_of(content), expiry)
            for database, keys in found.items() for key, (content, expiry) in keys.items()}
    if listed != have:
        raise Torn("the view of keys has %r, the others have %r" % (
            sorted(set(listed.items()) - set(have.items()))[:5],
            sorted(set(have.items()) - set(listed.items()))[:5]))


def as_bytes(value):
    return value.encode("utf-8") if isinstance(value, str) else value


def sqlite_query(db):
    """A query function over a connection of the sqlite3 module."""
    return lambda statement: [tuple(map(as_bytes, row)) for row in db.execute(statement)]


class Refused(history.Unexpected):
    """The SQL command answered an error."""


def command_query(conn):
    """A query function over the SQL command."""
    def value(reply):
        kind, data = reply
        return int(data) if kind == ":" else data

    def query(statement):
        kind, rows = conn.call("SQL", "TIMEOUT", 60000, statement)
        if kind == "-":
            raise Refused("%s: %s" % (statement, rows.decode()))
        return [tuple(map(value, row)) for _, row in rows[1:]]
    return query


def differences(one, two, most=8):
    """Lines that say how two databases differ; empty when they do not."""
    lines = []
    for key in sorted(set(one) | set(two)):
        have, other = one.get(key), two.get(key)
        if have != other:
            lines.append("  %r: %s" % (key, _difference(have, other)))
    return lines[:most] + (["  … %d more" % (len(lines) - most)] if len(lines) > most else [])


def _difference(have, other):
    if have and other and kind_of(have[0]) == kind_of(other[0]) != "string":
        one, two = have[0][1], other[0][1]
        if isinstance(one, tuple):
            at = next((i for i, (x, y) in enumerate(zip(one, two)) if x != y), min(len(one), len(two)))
            return "lists of %d and %d, expiry %r and %r, from index %d: %.100r and %.100r" % (
                len(one), len(two), have[1], other[1], at, one[at:at + 4], two[at:at + 4])
        one, two = (x.items() if isinstance(x, dict) else x for x in (one, two))
        return "%ss, expiry %r and %r, only first %.100r, only second %.100r" % (
            have[0][0], have[1], other[1], sorted(set(one) - set(two), key=repr),
            sorted(set(two) - set(one), key=repr))
    return "%.100r and %.100r" % (have, other)
