#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random commands on all types, then the end of the server: after the start all is as it was.

    tests/crash/random_restart.py --rounds 100 --ours PATH [--seed N] [--keep]

The commands are those of the compat test's random sequence (tests/compat/generators), with expiries
of hash fields and with long lists that are changed in the middle. Then the whole data is read by
commands; the server is stopped, or killed, or killed again while it starts; and after the start

  - the commands tell the same data, times to live of keys and fields included;
  - `SQL SELECT … FROM strings, hashes, lists, sets, zsets, keys` tells the same data, and told so
    before the end too;
  - after a clean stop data.db has it, read with SQLite alone.

Rounds go on with the data of the round before, mostly.
"""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "compat"))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import crash  # noqa: E402
import resp  # noqa: E402
import sequence  # noqa: E402
import whole  # noqa: E402
from generators import keys, words  # noqa: E402

OPERATIONS = 3000
LONG_LIST = 400         # values; more than one block of a list
LONG_STEPS = 120        # changes to it in a round
FIELD_SHARE = 0.03      # of the operations: expiries of fields
PIPELINE = 40


class Fields:
    """Commands on expiries of hash fields, which came after the version that compat compares with."""

    def __init__(self, generator):
        self.g = generator

    def next(self):
        g = self.g
        key, fields = g.key(words.HASH), sorted(set(words.some(g)))
        tail = [b"FIELDS", b"%d" % len(fields)] + fields
        values = [word for field in fields for word in (field, words.one(g))]
        return g.pick((
            [b"HEXPIRE", key, b"%d" % g.seconds()] + tail, [b"HPEXPIRE", key, b"%d" % (1000 * g.seconds())] + tail,
            [b"HEXPIREAT", key, b"%d" % g.moment()] + tail, [b"HPEXPIREAT", key, b"%d" % (1000 * g.moment())] + tail,
            [b"HPERSIST", key] + tail, [b"HGETEX", key] + g.expiry() + tail, [b"HGETEX", key, b"PERSIST"] + tail,
            [b"HGETDEL", key] + tail,
            [b"HSETEX", key] + g.expiry() + [b"FIELDS", b"%d" % len(fields)] + values,
            [b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"%d" % len(fields)] + values))


def long_list(rng, number):
    """A list that is filled and then changed in its midst."""
    name = b"long:%d" % (number % 3)
    value = iter(range(number * 10**6, (number + 1) * 10**6))
    some = lambda count: [b"%d" % next(value) for _ in range(count)]
    old = lambda: b"%d" % rng.randrange(max(0, number - 3) * 10**6, number * 10**6 + LONG_LIST)
    yield [b"RPUSH", name] + some(LONG_LIST)
    for _ in range(LONG_STEPS):
        at = b"%d" % rng.randrange(LONG_LIST)
        pivot = b"%d" % (number * 10**6 + rng.randrange(LONG_LIST))
        yield rng.choice((
            [b"LINSERT", name, b"BEFORE", pivot] + some(1), [b"LINSERT", name, b"AFTER", pivot] + some(1),
            [b"LREM", name, b"1", pivot], [b"LREM", name, b"-1", old()], [b"LSET", name, at] + some(1),
            [b"LPUSH", name] + some(3), [b"RPUSH", name] + some(2), [b"LPOP", name, b"2"], [b"RPOP", name],
            [b"LMOVE", name, b"long:%d" % rng.randrange(3), b"LEFT", b"RIGHT"],
            [b"LTRIM", name, b"%d" % rng.randrange(5), b"-%d" % rng.randrange(1, 5)]))


class Rounds(crash.Rounds):
    """Rounds of a single client: what it was answered must be there."""

    def __init__(self, options):
        self.number = 0
        super().__init__(options)

    def directives(self):
        out, keeps = super().directives()
        return (out, keeps) if keeps else self.directives()

    def run(self):
        self.number += 1
        how = self.random.choice(list(crash.ENDS))
        self.ends[how] += 1
        self.server = crash.process.Server(self.binary, self.data, self.log_path, self.directives()[0]).start()
        count = self.play()
        before = self.by_commands()
        if self.ours:
            self.same(before, self.by_sql(), "commands and SQL before the end")
        self.end_server(how)
        if self.ours:
            self.check_stopped(how, before)
        if how == "kill in start":
            self.interrupt_start()
        self.server.start()
        self.same(before, self.by_commands(), "before the end (%s) and after the start" % how)
        if self.ours:
            self.same(before, self.by_sql(), "commands and SQL after the start")
        self.server.kill()
        self.operations += count
        return "%-13s %5d operations, %3d keys" % (how, count, sum(map(len, before.values())))

    # ---- playing ----

    def operations_of_round(self):
        base = int(time.time())
        maker = sequence.Generator(self.random.randrange(1 << 32), 2, base)
        fields = Fields(maker)
        out = []
        for _ in range(OPERATIONS):
            out.append(("a", fields.next()) if not maker.in_multi["a"] and self.random.random() < FIELD_SHARE
                       else maker.next())
        # The connections may be in a transaction or in another database at the end.
        return out + [("a", [b"RESET"]), ("b", [b"RESET"])] + [("a", args) for args in long_list(self.random, self.number)]

    def play(self):
        operations = self.operations_of_round()
        conns = {name: self.server.connect() for name in "ab"}
        at = 0
        while at < len(operations):
            name, end = operations[at][0], at + 1
            while end < len(operations) and end - at < PIPELINE and operations[end][0] == name:
                end += 1
            conns[name].send(b"".join(resp.request(args) for _, args in operations[at:end]))
            for _ in range(at, end):
                conns[name].read()
            at = end
        for conn in conns.values():
            conn.close()
        return len(operations)

    def end_server(self, how):
        if how == "kill in start":
            self.kill()
        else:
            crash.ENDS[how][0](self)

    # ---- the data ----

    def by_commands(self):
        found = {}
        for database in range(keys.DATABASES):
            conn = self.server.connect(database)
            data = whole.by_commands(conn, whole.knows_field_times(conn))
            conn.close()
            if data:
                found[database] = data
        return found

    def by_sql(self):
        conn = self.server.connect()
        try:
            return whole.by_rows(whole.command_query(conn))
        finally:
            conn.close()

    def check_stopped(self, how, before):
        """data.db of a server that is down; only after a clean stop it must have all."""
        rows = self.check_file()
        if how == "stop":
            self.same(before, rows, "commands and data.db after a clean stop")

    def read_rows(self, db):
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'strings'").fetchall():
            return {}
        return whole.by_rows(whole.sqlite_query(db))

    def same(self, one, two, what):
        for database in sorted(set(one) | set(two)):
            lines = whole.differences(one.get(database, {}), two.get(database, {}))
            if lines:
                raise crash.Failure("%s differ in database %d:\n%s" % (what, database, "\n".join(lines)))


if __name__ == "__main__":
    sys.exit(crash.main(__doc__, "random_restart", Rounds))
