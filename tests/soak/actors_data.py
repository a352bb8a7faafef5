# SPDX-License-Identifier: MIT
"""Clients that keep data of their own: strings, sessions, counters, hashes, sets, sorted sets,
lists, large values, and a database that is flushed now and then."""

import json
import time

from actor import EITHER, GONE, THERE, Actor, Strings, differs, equals, presence


def lives(before, after, seconds):
    return before + seconds, after + seconds


class Texts(Actor):
    """Strings that come and go: most live for seconds."""

    kind, per_second = "strings", 40
    prefix, keys, batch, longest_s = "s", 3000, 16, 12

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.model = Strings()
        self.moves = [self.set, self.set, self.set, self.get, self.get, self.get, self.get_other,
                      self.expire, self.delete, self.take, self.persist]

    def key(self):
        return b"%s:%s:%d" % (self.prefix.encode(), self.id.encode(), self.random.randrange(self.keys))

    def value(self):
        return b"%x" % self.random.getrandbits(4 * self.random.choice((8, 40, 120, 1000)))

    def step(self):
        keys = {self.key() for _ in range(self.batch)}
        return self.play([self.random.choice(self.moves)(key) for key in keys])

    def set(self, key):
        value, seconds = self.value(), self.random.randint(1, self.longest_s)

        def check(reply, before, after):
            self.model.put(key, value, lives(before, after, seconds))
            return equals("OK")(reply, before, after)
        return ("SET", key, value, "EX", seconds), check

    def get(self, key):
        return ("GET", key), lambda *a: self.model.judge(key, *a)

    def get_other(self, key):
        def check(reply, before, after):
            state, value = self.model.look(key, before, after)
            size = len(value or b"")
            allowed = {THERE: (size,), GONE: (0,), EITHER: (size, 0)}[state]
            return None if reply in allowed else differs(reply, allowed)
        return ("STRLEN", key), check

    def expire(self, key):
        seconds = self.random.randint(1, self.longest_s)

        def check(reply, before, after):
            state, value = self.model.look(key, before, after)
            if reply == 1 and state != GONE:
                self.model.put(key, value, lives(before, after, seconds))
            elif reply == 0 and state != THERE:
                self.model.drop(key)
            else:
                return differs(reply, (int(state == THERE),))
        return ("PEXPIRE", key, seconds * 1000), check

    def delete(self, key):
        def check(reply, before, after):
            state, _ = self.model.look(key, before, after)
            self.model.drop(key)
            return None if state == EITHER or reply == int(state == THERE) else \
                differs(reply, (int(state == THERE),))
        return ("DEL" if self.random.random() < 0.5 else "UNLINK", key), check

    def take(self, key):
        def check(reply, before, after):
            problem = self.model.judge(key, reply, before, after)
            self.model.drop(key)
            return problem
        return ("GETDEL", key), check

    def persist(self, key):
        if self.random.random() > 0.2:
            return self.get(key)

        def check(reply, before, after):
            state, value = self.model.look(key, before, after)
            until = self.model.keys[key][1] if state != GONE else None
            if reply == 1 and until is not None:
                self.model.put(key, value, None)
            elif reply != 0 or (state == THERE and until is not None):
                return differs(reply, (int(until is not None),))
            elif state == EITHER:
                self.model.drop(key)
        return ("PERSIST", key), check

    def expected(self):
        return [(self.database, key, "string", value, until)
                for key, (value, until) in self.model.keys.items()]


class Sessions(Texts):
    """SETEX and GET, as web servers use it; JSON, which an SQL index finds."""

    kind, per_second, prefix = "sessions", 25, "session"
    keys, batch, longest_s = 4000, 20, 20

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.moves = [self.set_session] + [self.get] * 3 + [self.touch]

    def value(self):
        return json.dumps({"user": "u%s-%d" % (self.id, self.random.randrange(500)),
                           "cart": [self.random.randrange(10**6) for _ in range(5)],
                           "note": "x" * self.random.randrange(120)}).encode()

    def set_session(self, key):
        (_, _, value, _, seconds), check = self.set(key)
        return ("SETEX", key, seconds, value), check

    def touch(self, key):
        def check(reply, before, after):
            problem = self.model.judge(key, reply, before, after)
            if reply is not None and not problem:
                self.model.put(key, reply, lives(before, after, self.longest_s))
            return problem
        return ("GETEX", key, "EX", self.longest_s), check


class OneByOne(Sessions):
    """The same without pipelines."""

    kind, per_second, prefix, keys, batch = "one by one", 120, "single", 1000, 1


class Flushed(Texts):
    """A database of its own, emptied now and then."""

    kind, per_second, prefix, database, longest_s = "flushed", 12, "f", 9, 40

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.next_flush = self.later()

    def later(self):
        return time.monotonic() + self.random.uniform(0.5, 1.5) * min(20, self.crew.seconds / 6)

    def step(self):
        if time.monotonic() < self.next_flush:
            return super().step()
        self.next_flush = self.later()
        how = self.random.choice(("SYNC", "ASYNC"))
        self.crew.say_event("FLUSHDB %s of %d keys" % (how, len(self.model.keys)))
        self.model.keys.clear()
        return self.play([(("FLUSHDB", how), equals("OK")), (("DBSIZE",), equals(0))])


class Counters(Actor):
    kind, per_second = "counters", 20

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.values, self.shared = {}, 0

    def step(self):
        plan = []
        for _ in range(10):
            key, by = b"c:%s:%d" % (self.id.encode(), self.random.randrange(500)), self.random.randint(-9, 9)
            self.values[key] = self.values.get(key, 0) + by
            word = ("INCRBY", key, str(by)) if by >= 0 else ("DECRBY", key, str(-by))
            plan.append((word, equals(self.values[key])))
        by = self.random.randrange(5)
        self.shared += by
        plan.append((("INCRBY", "soak:total", by), None))
        return self.play(plan)

    def expected(self):
        found = [(0, key, "string", b"%d" % value, None) for key, value in self.values.items()]
        return found + [(0, b"soak:total", "sum", self.shared, None)]


class Hashes(Actor):
    """Fields that come and go, some by themselves."""

    kind, per_second, hashes = "hashes", 20, 40

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.model = {}  # key -> {field: (value, until)}
        self.moves = [self.set] * 3 + [self.get] * 3 + [self.expire] * 2 + [self.delete, self.all]

    def pick(self):
        number = self.random.randrange(self.hashes)
        fields = 3000 if number == 0 else 60
        return b"h:%s:%d" % (self.id.encode(), number), b"f%d" % self.random.randrange(fields)

    def step(self):
        plan, used = [], set()
        while len(plan) < 15:
            key, field = self.pick()
            if key not in used:
                used.add(key)
                plan.append(self.random.choice(self.moves)(key, field))
        return self.play(plan)

    def state(self, key, field, before, after):
        entry = self.model.get(key, {}).get(field)
        return (GONE, None) if entry is None else (presence(entry[1], before, after), entry[0])

    def drop(self, key, field):
        self.model.get(key, {}).pop(field, None)

    def set(self, key, field):
        value = b"%x" % self.random.getrandbits(4 * self.random.choice((8, 30, 200)))

        def check(reply, before, after):
            state, _ = self.state(key, field, before, after)
            self.model.setdefault(key, {})[field] = (value, None)
            return None if state == EITHER or reply == int(state == GONE) else \
                differs(reply, (int(state == GONE),))
        return ("HSET", key, field, value), check

    def get(self, key, field):
        def check(reply, before, after):
            state, value = self.state(key, field, before, after)
            allowed = {THERE: (value,), GONE: (None,), EITHER: (value, None)}[state]
            if reply is None:
                self.drop(key, field)
            return None if reply in allowed else differs(reply, allowed)
        return ("HGET", key, field), check

    def expire(self, key, field):
        ms = self.random.randint(500, 12000)

        def check(reply, before, after):
            state, value = self.state(key, field, before, after)
            if reply == [1] and state != GONE:
                self.model[key][field] = (value, lives(before, after, ms / 1000))
            elif reply in ([-2], None, []) and state != THERE:
                self.drop(key, field)
            else:
                return differs(reply, ([1] if state == THERE else [-2],))
        return ("HPEXPIRE", key, ms, "FIELDS", 1, field), check

    def delete(self, key, field):
        def check(reply, before, after):
            state, _ = self.state(key, field, before, after)
            self.drop(key, field)
            return None if state == EITHER or reply == int(state == THERE) else \
                differs(reply, (int(state == THERE),))
        return ("HDEL", key, field), check

    def all(self, key, _):
        return ("HGETALL", key), lambda reply, before, after: hash_problem(
            dict(zip(reply[::2], reply[1::2])), self.model.get(key, {}), before, after)

    def expected(self):
        return [(0, key, "hash", fields, None) for key, fields in self.model.items()]


def hash_problem(found, fields, before, after):
    """What is wrong with the fields that were found."""
    for field, (value, until) in fields.items():
        state, there = presence(until, before, after), found.pop(field, None)
        if (there is None and state == THERE) or (there is not None and (
                state == GONE or there != value)):
            return "field %r is %.60r, the model has %.60r until %s" % (field, there, value, until)
    return "unknown fields %.200r" % sorted(found) if found else None


class Sets(Actor):
    kind, per_second, sets = "sets", 20, 30

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.model = {}
        self.moves = [self.add] * 4 + [self.remove, self.is_member, self.is_member, self.card,
                                       self.pop, self.delete, self.all]

    def step(self):
        plan = []
        for number in self.random.sample(range(self.sets), 12):
            key = b"set:%s:%d" % (self.id.encode(), number)
            plan.append(self.random.choice(self.moves)(key, self.model.setdefault(key, set()), number))
        return self.play(plan)

    def member(self, number):
        many = self.random.randrange(20000 if number == 0 else 300)
        return b"%d" % many if number % 2 else b"member-%d" % many

    def add(self, key, model, number):
        members = {self.member(number) for _ in range(60 if number == 0 else 6)}
        new = len(members - model)
        model |= members
        return ("SADD", key, *members), equals(new)

    def remove(self, key, model, number):
        members = {self.member(number) for _ in range(6)}
        gone = len(members & model)
        model -= members
        return ("SREM", key, *members), equals(gone)

    def is_member(self, key, model, number):
        member = self.member(number)
        return ("SISMEMBER", key, member), equals(int(member in model))

    def card(self, key, model, _):
        return ("SCARD", key), equals(len(model))

    def pop(self, key, model, _):
        def check(reply, *_):
            if (reply is None) != (not model) or (reply is not None and reply not in model):
                return "popped %r of %d members" % (reply, len(model))
            model.discard(reply)
        return ("SPOP", key), check

    def delete(self, key, model, number):
        if self.random.random() > (0.02 if number == 0 else 0.2):
            return self.card(key, model, number)
        there = int(bool(model))
        model.clear()
        return (self.random.choice(("DEL", "UNLINK")), key), equals(there)

    def all(self, key, model, number):
        if number == 0 and self.random.random() > 0.1:
            return self.card(key, model, number)
        wanted = set(model)
        return ("SMEMBERS", key), lambda reply, *_: None if set(reply) == wanted else \
            "has %d members, the model %d" % (len(reply), len(wanted))

    def expected(self):
        return [(0, key, "set", members, None) for key, members in self.model.items()]


class Leaderboards(Actor):
    """Sorted sets that are cut back to their best."""

    kind, per_second, boards, kept = "sorted sets", 20, 10, 150

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.model = {}

    def step(self):
        number = self.random.randrange(self.boards)
        key = b"z:%s:%d" % (self.id.encode(), number)
        model = self.model.setdefault(key, {})
        plan = []
        for _ in range(10):
            member = b"p%d" % self.random.randrange(600)
            by = self.random.randint(-50, 100)
            if self.random.random() < 0.5:
                model[member] = model.get(member, 0) + by
                plan.append((("ZINCRBY", key, str(by), member), equals(b"%d" % model[member])))
            else:
                plan.append((("ZADD", key, str(by), member), equals(int(member not in model))))
                model[member] = by
        order = ranked(model)
        plan.append((("ZREMRANGEBYRANK", key, 0, str(-self.kept - 1)),
                     equals(max(0, len(order) - self.kept))))
        for member in order[:-self.kept]:
            del model[member]
        best = [part for member in reversed(order[-10:]) for part in (member, b"%d" % model[member])]
        plan.append((("ZREVRANGE", key, 0, 9, "WITHSCORES"), equals(best)))
        plan.append((("ZCARD", key), equals(len(model))))
        return self.play(plan)

    def expected(self):
        return [(0, key, "zset", dict(scores), None) for key, scores in self.model.items()]


def ranked(scores):
    return sorted(scores, key=lambda member: (scores[member], member))


class Lists(Actor):
    """Logs of the newest hundred."""

    kind, per_second, lists, kept = "lists", 20, 25, 100

    def __init__(self, crew, name):
        super().__init__(crew, name)
        self.model = {}

    def step(self):
        plan = []
        for number in self.random.sample(range(self.lists), 5):
            key = b"l:%s:%d" % (self.id.encode(), number)
            items = self.model.setdefault(key, [])
            new = b"%x" % self.random.getrandbits(4 * self.random.choice((10, 60, 400)))
            items.insert(0, new)
            plan.append((("LPUSH", key, new), equals(len(items))))
            del items[self.kept:]
            plan.append((("LTRIM", key, 0, self.kept - 1), equals("OK")))
            at = self.random.randrange(len(items))
            plan.append((("LINDEX", key, at), equals(items[at])))
            if self.random.random() < 0.2:
                plan.append((("LRANGE", key, 0, -1), equals(list(items))))
        return self.play(plan)

    def expected(self):
        return [(0, key, "list", items, None) for key, items in self.model.items()]


class Big(Actor):
    """Values of 100 KB to 20 MB, written, read and deleted."""

    kind, per_second, keys = "large values", 1.5, 4
    sizes = [100_000] * 8 + [400_000] * 4 + [1_000_000] * 3 + [5_000_000]
    largest, largest_every_s = 20_000_000, 60

    def begin(self):
        self.blob = self.random.randbytes(self.largest)
        self.model = {}  # key -> (offset, size)
        self.next_largest = time.monotonic() + min(8, self.crew.seconds / 4)

    def part(self, key):
        offset, size = self.model[key]
        return self.blob[offset:offset + size]

    def step(self):
        key = b"big:%s:%d" % (self.id.encode(), self.random.randrange(self.keys))
        if time.monotonic() > self.next_largest:
            self.next_largest = time.monotonic() + self.largest_every_s
            return self.write(key, self.largest)
        if key not in self.model:
            return self.write(key, self.random.choice(self.sizes) + self.random.randrange(50_000))
        return self.random.choice((self.read, self.read_some, self.delete))(key)

    def write(self, key, size):
        self.model[key] = (self.random.randrange(len(self.blob) - size + 1), size)
        self.crew.say_event("SET of %.1f MB" % (size / 1e6))
        self.require(("SET", key), self.ask("SET", key, self.part(key)), "OK")
        return 1

    def read(self, key):
        if self.model[key][1] > 2_000_000:
            self.crew.say_event("GET of %.1f MB" % (self.model[key][1] / 1e6))
        if self.ask("GET", key) != self.part(key):
            self.wrong(("GET", key), "the large value differs")
        return 1

    def read_some(self, key):
        offset, size = self.model[key]
        at = self.random.randrange(size - 1000)
        self.require(("GETRANGE", key), self.ask("GETRANGE", key, at, at + 999),
                     self.blob[offset + at:offset + at + 1000])
        return 1

    def delete(self, key):
        self.crew.say_event("DEL of %.1f MB" % (self.model[key][1] / 1e6))
        del self.model[key]
        self.require(("DEL", key), self.ask("DEL", key), 1)
        return 1

    def expected(self):
        return [(0, key, "string", self.part(key), None) for key in self.model]
