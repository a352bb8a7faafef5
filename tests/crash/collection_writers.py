#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rounds of crash.py with hashes, lists, sets and sorted sets: counters, queues, leaderboards.

    tests/crash/collection_writers.py --rounds 100 --ours PATH [--seed N] [--keep]

Writers count with HINCRBY and ZINCRBY, move work from queue to queue, insert into the midst of
lists, add to sets, combine and store, and remember what was answered. The server is killed among
them; what must hold is what crash.py says, by commands and by the rows of the tables.
"""

import sys

import crash
import history
import whole
from history import Operation, now_ms

PER_TYPE = 8        # keys of each type
NAMES = 12          # fields and members
LIST_MOST = 40      # values, before a list is trimmed

OK = ("+", b"OK")


def content(state, key, empty):
    """The elements of a key in the model, to read only."""
    return state[key][0][1] if key in state else empty


def put(state, key, kind, elements):
    """The key has these elements now; without any it goes. Its expiry stays."""
    if elements:
        state[key] = ((kind, elements),) + state.get(key, (None, None, None))[1:]
    else:
        state.pop(key, None)


class Writer(history.Writer):
    """Operations on collections. Their elements in the model are never changed, only replaced."""

    def makers(self):
        return MAKERS, WEIGHTS

    def named(self, kind):
        return b"%s:%d" % (kind, self.random.randrange(PER_TYPE))

    def member(self):
        return b"m%d" % self.random.randrange(NAMES)

    def mark(self):
        """A value that no other operation writes."""
        self.number += 1
        return b"%d:%d" % (self.db, self.number)

    # ---- hashes ----

    def hincrby(self):
        key, field, by = self.named(b"hash"), self.member(), self.random.randrange(1, 100)

        def apply(state):
            have = content(state, key, {})
            total = int(have.get(field, (b"0",))[0]) + by
            put(state, key, "hash", {**have, field: (b"%d" % total, None)})
            return (":", b"%d" % total)
        return Operation([("HINCRBY", key, field, by)], apply)

    def hset(self):
        """Text fields beside the counters."""
        key, value = self.named(b"hash"), self.value()[:2000]
        fields = sorted({b"text" + self.member() for _ in range(3)})

        def apply(state):
            have = content(state, key, {})
            put(state, key, "hash", {**have, **{field: (value, None) for field in fields}})
            return (":", b"%d" % sum(field not in have for field in fields))
        return Operation([["HSET", key] + [x for f in fields for x in (f, value)]], apply)

    def hdel(self):
        key, field = self.named(b"hash"), self.random.choice((b"text", b"")) + self.member()

        def apply(state):
            have = dict(content(state, key, {}))
            gone = have.pop(field, None) is not None
            put(state, key, "hash", have)
            return (":", b"%d" % gone)
        return Operation([("HDEL", key, field)], apply)

    # ---- lists ----

    def push(self):
        key, verb = self.named(b"list"), self.random.choice(("LPUSH", "RPUSH"))
        values = tuple(self.mark() for _ in range(self.random.randrange(1, 5)))

        def apply(state):
            have = content(state, key, ())
            have = values[::-1] + have if verb == "LPUSH" else have + values
            put(state, key, "list", have)
            return (":", b"%d" % len(have))
        return Operation([(verb, key) + values], apply)

    def rpoplpush(self):
        source, target = self.named(b"list"), self.named(b"list")

        def apply(state):
            have = content(state, source, ())
            if not have:
                return ("$", None)
            if source == target:  # the key stays, with its expiry, even when this is its only value
                put(state, source, "list", have[-1:] + have[:-1])
                return ("$", have[-1])
            put(state, source, "list", have[:-1])
            put(state, target, "list", have[-1:] + content(state, target, ()))
            return ("$", have[-1])
        return Operation([("RPOPLPUSH", source, target)], apply)

    def linsert(self):
        """Before what stands at an index, as the model knows it after the answered operations; with
        others on their way it may be gone."""
        key, value = self.named(b"list"), self.mark()
        have = content(self.state, key, ())
        pivot = self.random.choice(have) if have else b"none"

        def apply(state):
            now = content(state, key, ())
            if not now:
                return (":", b"0")
            if pivot not in now:
                return (":", b"-1")
            at = now.index(pivot)
            put(state, key, "list", now[:at] + (value,) + now[at:])
            return (":", b"%d" % (len(now) + 1))
        return Operation([("LINSERT", key, "BEFORE", pivot, value)], apply)

    def lrem(self):
        key = self.named(b"list")
        have = content(self.state, key, ())
        value = self.random.choice(have) if have else b"none"

        def apply(state):
            now = content(state, key, ())
            put(state, key, "list", tuple(item for item in now if item != value))
            return (":", b"%d" % now.count(value))
        return Operation([("LREM", key, 0, value)], apply)

    def ltrim(self):
        """One from the left, and what is too long from the right."""
        key = self.named(b"list")

        def apply(state):
            put(state, key, "list", content(state, key, ())[1:LIST_MOST])
            return OK
        return Operation([("LTRIM", key, 1, LIST_MOST - 1)], apply)

    # ---- sets and sorted sets ----

    def sadd(self):
        key, members = self.named(b"set"), sorted({self.member() for _ in range(3)} | {self.mark()})

        def apply(state):
            have = content(state, key, frozenset())
            put(state, key, "set", have | set(members))
            return (":", b"%d" % len(set(members) - have))
        return Operation([["SADD", key] + members], apply)

    def srem(self):
        """Of a set with many, all but the usual members: sets stay small."""
        key = self.named(b"set")
        have = content(self.state, key, frozenset())
        members = sorted(have)[:len(have) // 2] or [self.member()]

        def apply(state):
            now = content(state, key, frozenset())
            put(state, key, "set", now - set(members))
            return (":", b"%d" % len(now & set(members)))
        return Operation([["SREM", key] + members], apply)

    def sunionstore(self):
        one, two, target = (self.named(b"set") for _ in range(3))

        def apply(state):
            both = content(state, one, frozenset()) | content(state, two, frozenset())
            state.pop(target, None)
            put(state, target, "set", both)
            return (":", b"%d" % len(both))
        return Operation([("SUNIONSTORE", target, one, two)], apply)

    def zincrby(self):
        key, member, by = self.named(b"zset"), self.member(), self.random.randrange(1, 50) / 4

        def apply(state):
            have = content(state, key, {})
            score = have.get(member, 0.0) + by
            put(state, key, "zset", {**have, member: score})
            return ("$", b"%g" % score if score != int(score) else b"%d" % score)
        return Operation([("ZINCRBY", key, by, member)], apply)

    def zadd(self):
        key, score = self.named(b"zset"), self.random.randrange(1000)
        members = sorted({self.member() for _ in range(3)})

        def apply(state):
            have = content(state, key, {})
            put(state, key, "zset", {**have, **{member: float(score) for member in members}})
            return (":", b"%d" % sum(member not in have for member in members))
        return Operation([["ZADD", key] + [x for m in members for x in (score, m)]], apply)

    def zpopmin(self):
        key = self.named(b"zset")

        def apply(state):
            have = content(state, key, {})
            if not have:
                return ("*", [])
            least = min(have, key=lambda member: (have[member], member))
            put(state, key, "zset", {m: s for m, s in have.items() if m != least})
            return ("*", [("$", least), None])
        return Operation([("ZPOPMIN", key)], apply)

    # ---- keys of any type ----

    def any_kind(self):
        return self.random.choice((b"hash", b"list", b"set", b"zset"))

    def delete(self):
        key = self.named(self.any_kind())
        return Operation([("DEL", key)], lambda state: (":", b"%d" % (state.pop(key, None) is not None)))

    def rename(self):
        kind = self.any_kind()
        source, target = self.named(kind), self.named(kind)

        def apply(state):
            if source not in state:
                return ("-", b"ERR no such key")
            state[target] = state.pop(source)
            return OK
        return Operation([("RENAME", source, target)], apply)

    def copy(self):
        kind = self.any_kind()
        source, target = b"%s:0" % kind, b"%s:1" % kind

        def apply(state):
            if source in state:
                state[target] = state[source]
            return (":", b"%d" % (source in state))
        return Operation([("COPY", source, target, "REPLACE")], apply)

    def expire(self):
        self.number += 1
        key, at = self.named(self.any_kind()), now_ms() + 3600000 + self.number

        def apply(state):
            if key not in state:
                return (":", b"0")
            state[key] = (state[key][0], at, at)
            return (":", b"1")
        return Operation([("PEXPIREAT", key, at)], apply)

    def overwrite(self):
        """A string where a collection was, and gone again."""
        key, value = self.named(self.any_kind()), self.value()

        def apply(state):
            state.pop(key, None)
            return ("*", [("+", b"OK"), (":", b"1")])
        return Operation([("MULTI",), ("SET", key, value), ("DEL", key), ("EXEC",)], apply)

    def job(self):
        """A job is taken, counted and scored in one transaction."""
        value, field = self.mark(), self.member()

        def apply(state):
            jobs = (value,) + content(state, b"jobs", ())[:LIST_MOST - 1]
            counts = content(state, b"job counts", {})
            count = int(counts.get(field, (b"0",))[0]) + 1
            seen = content(state, b"job names", frozenset())
            put(state, b"jobs", "list", jobs)
            put(state, b"job counts", "hash", {**counts, field: (b"%d" % count, None)})
            put(state, b"job names", "set", seen | {field})
            put(state, b"job scores", "zset", {**content(state, b"job scores", {}), field: float(count)})
            return ("*", [None, OK, (":", b"%d" % count), (":", b"%d" % (field not in seen)), None])
        return Operation([("MULTI",), ("LPUSH", b"jobs", value), ("LTRIM", b"jobs", 0, LIST_MOST - 1),
                          ("HINCRBY", b"job counts", field, 1), ("SADD", b"job names", field),
                          ("ZINCRBY", b"job scores", 1, field), ("EXEC",)], apply)


MAKERS = [Writer.hincrby, Writer.hset, Writer.hdel, Writer.push, Writer.rpoplpush, Writer.linsert, Writer.lrem,
          Writer.ltrim, Writer.sadd, Writer.srem, Writer.sunionstore, Writer.zincrby, Writer.zadd, Writer.zpopmin,
          Writer.delete, Writer.rename, Writer.copy, Writer.expire, Writer.overwrite, Writer.job, Writer.multi,
          Writer.flush]
WEIGHTS = [12, 6, 4, 12, 12, 10, 5, 3, 10, 6, 3, 12, 6, 5, 3, 4, 3, 3, 1, 8, 4, 0.1]


class Rounds(crash.Rounds):
    """Rounds whose data is read with all types."""

    writer = Writer

    def snapshot(self, db):
        conn = self.server.connect(db)
        try:
            return whole.by_commands(conn, False)
        finally:
            conn.close()

    def read_rows(self, db):
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'hashes'").fetchall():
            return {}
        return whole.by_rows(whole.sqlite_query(db))


if __name__ == "__main__":
    sys.exit(crash.main(__doc__, "collection_writers", Rounds))
