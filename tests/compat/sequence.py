# SPDX-License-Identifier: MIT
"""The random sequence: the same seeded commands to both servers over two connections each.

Keys and values come from a small alphabet, so commands meet each other's results. Nothing depends
on when a command runs: times to live are multiples of 1000 seconds from now, or 500 seconds beside
such a multiple from the start of the run; only the latter are compared by the server (GT, LT), and
replies that show a time are rounded to 250 seconds. Inside MULTI only commands with exact replies
are used. Every CHECK_EVERY operations, and at the end, the whole data is compared.

On a difference it prints the seed and looks for a short tail of the sequence that still shows it.
"""

import random
import time

import case
import normalise
import resp
import servers

DATABASES = 4
CHECK_EVERY = 2500
PIPELINE = 40        # commands sent to a connection before its replies are read
REPLAYS = 250        # attempts at making a failing tail shorter

KEYS = [b"a", b"b", b"c", b"d", b"e", b"key:1", b"key:2", b"", b"\x00\xff\r\n", b"A" * 60]
VALUES = [b"0", b"1", b"-1", b"7", b"42", b"10000", b"007", b"3.14", b"-2.50", b"1e3", b"abc", b"abcabd", b"hello world",
          b"", b" ", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"x" * 44, b"y" * 45,
          b"ab" * 60, b"\x00\x01\xfe\xff", b"line\r\nbreak", b"inf", b"nan"]
INTEGERS = [b"0", b"1", b"-1", b"5", b"-7", b"100", b"9223372036854775807", b"-9223372036854775808", b"abc", b"1.5", b"",
            b"9223372036854775808"]
FLOATS = [b"0", b"1", b"-1", b"0.1", b"-0.1", b"3.0e2", b"1e17", b"2.5", b"abc", b"nan", b"inf", b"0.000001", b"1e-10"]
POSITIONS = [b"0", b"1", b"2", b"5", b"-1", b"-3", b"-100", b"100", b"44", b"9223372036854775807", b"x"]


class Generator:
    """Makes operations: pairs of the connection's name and the arguments."""

    def __init__(self, seed, proto, base):
        self.random = random.Random("%d/%d" % (seed, proto))
        self.proto = proto
        self.base = base            # seconds; absolute times are counted from here
        self.name = "a"
        self.in_multi = {"a": False, "b": False}
        self.pending = []
        common = [(name, weight) for name, weight in (
            ("SET", 14), ("GET", 10), ("SETNX", 2), ("GETSET", 2), ("GETDEL", 2), ("GETEX", 3), ("MSET", 3), ("MGET", 3),
            ("MSETNX", 2), ("SETEX", 2), ("PSETEX", 2), ("APPEND", 4), ("STRLEN", 2), ("GETRANGE", 3), ("SETRANGE", 3),
            ("INCR", 4), ("DECR", 3), ("INCRBY", 3), ("DECRBY", 3), ("INCRBYFLOAT", 4), ("LCS", 2), ("DEL", 5), ("UNLINK", 2),
            ("EXISTS", 3), ("TYPE", 2), ("TOUCH", 1), ("RENAME", 4), ("RENAMENX", 3), ("COPY", 4), ("MOVE", 3), ("EXPIRE", 4),
            ("PEXPIRE", 2), ("EXPIREAT", 5), ("PEXPIREAT", 3), ("PERSIST", 3), ("SELECT", 3), ("DBSIZE", 2),
            ("OBJECT", 3), ("SWAPDB", 1), ("PING", 1), ("ECHO", 1), ("SUBSTR", 1), ("NOSUCH", 1))]
        outside = common + [("TTL", 4), ("PTTL", 2), ("EXPIRETIME", 3), ("PEXPIRETIME", 3), ("KEYS", 1), ("SCAN", 1),
                            ("RANDOMKEY", 1), ("MULTI", 5), ("EXEC", 1), ("DISCARD", 1), ("WATCH", 4), ("UNWATCH", 1),
                            ("FLUSHDB", 0.3), ("FLUSHALL", 0.1), ("RESET", 0.3)]
        inside = common + [("EXEC", 25), ("DISCARD", 4), ("MULTI", 1), ("WATCH", 1), ("UNWATCH", 1), ("FLUSHDB", 0.3),
                           ("RESET", 0.3)]
        self.tables = {True: list(zip(*inside)), False: list(zip(*outside))}

    def next(self):
        if self.pending:
            return self.pending.pop()
        if self.random.random() < 0.1:
            self.name = "b" if self.name == "a" else "a"
        names, weights = self.tables[self.in_multi[self.name]]
        command = self.random.choices(names, weights)[0]
        args = [command.encode()] + self._arguments(command)
        if command not in ("MULTI", "EXEC", "DISCARD", "RESET", "SCAN", "KEYS") and self.random.random() < 0.03:
            args = self._mutate(args)
        if self.random.random() < 0.1:
            args[0] = args[0].lower()
        if command in ("MULTI", "EXEC", "DISCARD", "RESET"):
            self.in_multi[self.name] = command == "MULTI"
        if command == "RESET" and self.proto == 3:
            self.pending.append((self.name, [b"HELLO", b"3"]))
        return self.name, args

    def _mutate(self, args):
        """One argument less, or one more, that is never the name of an option."""
        if len(args) > 1 and self.random.random() < 0.5:
            return args[:-1]
        return args + [self.random.choice((b"extra", b"", b"1"))]

    # Arguments -----------------------------------------------------------------------------------

    def _key(self):
        return self.random.choice(KEYS)

    def _some_keys(self):
        return [self._key() for _ in range(self.random.randint(1, 4))]

    def _pick(self, options):
        return self.random.choice(options)

    def _seconds(self):
        return 1000 * self.random.randint(1, 6)

    def _moment(self):
        """An absolute time in seconds; sometimes one in the past."""
        if self.random.random() < 0.12:
            return self._pick((0, 1, -1, 1000))
        return self.base + 500 + self._seconds()

    def _expiry(self):
        """The words of an expiry option of SET and GETEX."""
        kind = self._pick(("EX", "PX", "EXAT", "PXAT"))
        value = self._seconds() if kind in ("EX", "PX") else self.base + 500 + self._seconds()
        if self.random.random() < 0.05:
            value = self._pick((0, -1))
        return [kind.encode(), b"%d" % (value * (1000 if kind.startswith("P") else 1))]

    def _arguments(self, command):
        maker = getattr(self, "_" + command.lower(), None)
        if maker:
            return maker()
        if command in ("MULTI", "EXEC", "DISCARD", "UNWATCH", "DBSIZE", "FLUSHDB", "FLUSHALL", "PING", "RANDOMKEY", "RESET"):
            return []
        if command in ("DEL", "UNLINK", "EXISTS", "TOUCH", "MGET", "WATCH"):
            return self._some_keys()
        if command in ("SETNX", "GETSET", "APPEND"):
            return [self._key(), self._pick(VALUES)]
        if command in ("INCRBY", "DECRBY"):
            return [self._key(), self._pick(INTEGERS)]
        if command in ("MSET", "MSETNX"):
            return [word for key in self._some_keys() for word in (key, self._pick(VALUES))]
        if command in ("RENAME", "RENAMENX"):
            return [self._key(), self._key()]
        if command in ("GETRANGE", "SUBSTR"):
            return [self._key(), self._pick(POSITIONS), self._pick(POSITIONS)]
        return [self._key()]

    def _set(self):
        args = [self._key(), self._pick(VALUES)]
        options = []
        if self.random.random() < 0.3:
            options += self._pick(([b"NX"], [b"XX"], [b"NX"], [b"XX"], [b"NX", b"XX"]))
        if self.random.random() < 0.2:
            options.append(b"GET")
        if self.random.random() < 0.3:
            options += self._pick((self._expiry(), self._expiry(), self._expiry(), [b"KEEPTTL"], [b"KEEPTTL"],
                                   self._expiry() + [b"KEEPTTL"]))
        return args + options

    def _getex(self):
        return [self._key()] + self._pick(([], [b"PERSIST"], self._expiry(), self._expiry()))

    def _setex(self):
        return [self._key(), b"%d" % self._pick((self._seconds(), self._seconds(), 0)), self._pick(VALUES)]

    def _psetex(self):
        return [self._key(), b"%d" % (1000 * self._seconds()), self._pick(VALUES)]

    def _setrange(self):
        return [self._key(), self._pick((b"0", b"1", b"3", b"10", b"60", b"-1", b"536870912")),
                self._pick((b"", b"z", b"mid", b"\x00"))]

    def _incrbyfloat(self):
        return [self._key(), self._pick(FLOATS)]

    def _lcs(self):
        return [self._key(), self._key()] + self._pick(([], [b"LEN"], [b"IDX"], [b"IDX", b"WITHMATCHLEN"],
                                                       [b"IDX", b"MINMATCHLEN", b"2"], [b"LEN", b"IDX"]))

    def _copy(self):
        args = [self._key(), self._key()]
        if self.random.random() < 0.4:
            args += [b"DB", b"%d" % self.random.randrange(DATABASES)]
        if self.random.random() < 0.5:
            args.append(b"REPLACE")
        return args

    def _database(self):
        return b"%d" % self.random.randrange(DATABASES) if self.random.random() < 0.95 else b"16"

    def _move(self):
        return [self._key(), self._database()]

    def _select(self):
        return [self._database() if self.random.random() < 0.6 else b"0"]

    def _swapdb(self):
        return [self._database(), self._database()]

    def _object(self):
        return [b"ENCODING", self._key()]

    def _relative(self, unit):
        if self.random.random() < 0.1:
            return [self._key(), self._pick((b"0", b"-1", b"x"))]
        return [self._key(), b"%d" % (unit * self._seconds())] + self._pick(([], [], [b"NX"], [b"XX"]))

    def _expire(self):
        return self._relative(1)

    def _pexpire(self):
        return self._relative(1000)

    def _absolute(self, unit):
        return [self._key(), b"%d" % (unit * self._moment())] + self._pick(
            ([], [], [b"NX"], [b"XX"], [b"GT"], [b"LT"], [b"XX", b"GT"], [b"XX", b"LT"], [b"GT", b"LT"]))

    def _expireat(self):
        return self._absolute(1)

    def _pexpireat(self):
        return self._absolute(1000)

    def _keys(self):
        return [self._pick((b"*", b"key:*", b"?", b"[a-c]", b"none*"))]

    def _scan(self):
        return [b"0", b"COUNT", b"100000"] + self._pick(([], [b"MATCH", b"key:*"], [b"TYPE", b"string"], [b"TYPE", b"list"]))


def compared(args, raw, tree, base):
    """What of a reply is compared: its bytes, but for times and orders."""
    name = args[0].upper()
    if name in (b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"):
        if tree[0] != ":" or int(tree[1]) < 0:
            return raw
        value = int(tree[1]) / (1000 if name.startswith(b"P") else 1)
        if name.endswith(b"TTL"):
            return ":", -(-value // 250)
        return ":", (value - base) // 250
    if name == b"RANDOMKEY":
        return normalise.type_(tree)
    if name == b"KEYS":
        return normalise.unordered(tree)
    if name == b"SCAN":
        return normalise.second_unordered(tree)
    if name == b"HELLO":
        return normalise.hello(tree)
    return raw


class Player:
    """Plays operations on both servers, from empty databases and new connections."""

    def __init__(self, runner, proto, base):
        self.runner = runner
        self.base = base
        self.connections = []
        for server in runner.pair.servers:
            runner.tell(server, "FLUSHALL")
            conns = {name: servers.Connection(server.port) for name in ("a", "b")}
            for conn in conns.values():
                if proto == 3:
                    conn.call("HELLO", "3")
            self.connections.append(conns)

    def close(self):
        for conns in self.connections:
            for conn in conns.values():
                conn.close()

    def play(self, operations):
        """None, or (index, ours, redis) of the first operation with another reply."""
        at = 0
        while at < len(operations):
            name = operations[at][0]
            end = at + 1
            while end < len(operations) and end - at < PIPELINE and operations[end][0] == name:
                end += 1
            for conns in self.connections:
                conns[name].send(b"".join(resp.request(args) for _, args in operations[at:end]))
            for index in range(at, end):
                args = operations[index][1]
                (ours, one), (redis, two) = (self._read(conns[name]) for conns in self.connections)
                if one is None or two is None or (
                        compared(args, ours, one, self.base) != compared(args, redis, two, self.base)):
                    return index, ours, redis
            at = end
        return None

    @staticmethod
    def _read(conn):
        try:
            return conn.read()
        except (servers.Closed, servers.NoReply) as end:
            return b"(%s) %s" % (str(end).encode(), end.rest), None

    def data(self, server):
        """The whole data of one server, times rounded."""
        tell, found = self.runner.tell, []
        for database in range(DATABASES):
            tell(server, "SELECT", database)
            keys = sorted(item[1] for item in tell(server, "SCAN", "0", "COUNT", "100000")[1][1][1])
            found.append((database, "DBSIZE", tell(server, "DBSIZE"), keys))
            for key in keys:
                moment = tell(server, "PEXPIRETIME", key)
                found.append((database, key, tell(server, "TYPE", key), tell(server, "GET", key),
                              tell(server, "OBJECT", "ENCODING", key), tell(server, "STRLEN", key),
                              compared([b"PEXPIRETIME"], b":-1", moment, self.base)))
        tell(server, "SELECT", "0")
        return found

    def data_difference(self):
        ours, redis = (self.data(server) for server in self.runner.pair.servers)
        for one, two in zip(ours, redis):
            if one != two:
                return repr(one).encode(), repr(two).encode()
        if len(ours) != len(redis):
            return repr(ours).encode(), repr(redis).encode()
        return None


INEXACT = {b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"RANDOMKEY", b"KEYS", b"SCAN", b"HELLO"}


def playable(operations):
    """Whether no inexact command would be queued, now that some operations are gone."""
    in_multi = {"a": False, "b": False}
    for name, args in operations:
        word = args[0].upper()
        if in_multi[name] and word in INEXACT:
            return False
        if word in (b"MULTI", b"EXEC", b"DISCARD", b"RESET"):
            in_multi[name] = word == b"MULTI"
    return True


def fails(runner, proto, base, operations, in_reply):
    """Whether these operations alone, from nothing, show a difference of the same kind: in the
    reply to the last one, or in the data after it."""
    if not playable(operations):
        return False
    player = Player(runner, proto, base)
    try:
        bad = player.play(operations)
        if bad is not None:
            return in_reply and bad[0] == len(operations) - 1
        return not in_reply and player.data_difference() is not None
    finally:
        player.close()


def shorten(runner, proto, base, operations, in_reply):
    """A short list of operations that shows a difference, or None when it does not come again."""
    left = REPLAYS
    size = 1
    while True:
        tail = operations[-size:]
        if fails(runner, proto, base, tail, in_reply):
            break
        if size >= len(operations):
            return None
        size *= 2
    chunk = len(tail) // 2
    while chunk >= 1 and left > 0:
        at = 0
        while at < len(tail) and left > 0 and len(tail) > 1:
            shorter = tail[:at] + tail[at + chunk:]
            left -= 1
            if shorter and fails(runner, proto, base, shorter, in_reply):
                tail = shorter
            else:
                at += chunk
        chunk //= 2
    return tail


def show(operations):
    return "\n".join("    %s> %s" % (name, " ".join(case.show_arg(arg) for arg in args)) for name, args in operations)


def run(runner, proto, count, seed, stats):
    """Plays `count` operations; one failure ends it."""
    print("sequence: RESP%d, --ops %d --seed %d" % (proto, count, seed), flush=True)
    base = int(time.time())
    maker = Generator(seed, proto, base)
    operations = [maker.next() for _ in range(count)]
    player = Player(runner, proto, base)
    try:
        for start in range(0, count, CHECK_EVERY):
            part = operations[start:start + CHECK_EVERY]
            bad = player.play(part)
            for _ in range(len(part) if bad is None else bad[0]):
                stats.add("sequence", True)
            if bad is None:
                difference = player.data_difference()
                if difference is None:
                    stats.add("sequence", True)
                    continue
                report(runner, proto, base, operations[:start + len(part)], difference, False, seed, stats)
                return
            report(runner, proto, base, operations[:start + bad[0] + 1], bad[1:], True, seed, stats)
            return
    finally:
        player.close()


def report(runner, proto, base, operations, replies, in_reply, seed, stats):
    hung = replies[0].startswith(b"(no reply)") or replies[1].startswith(b"(no reply)")
    tail = None if hung else shorten(runner, proto, base, operations, in_reply)
    if tail is None:
        text = "no shorter way was found; the last operations were\n" + show(operations[-20:])
    else:
        text = "a short way to it, on two connections\n" + show(tail)
    what = show(operations[-1:]).strip() if in_reply else "the data after it"
    stats.add("sequence", False, "RESP%d, seed %d, operation %d: %s\n  ours     %r\n  redis    %r\n  %s" % (
        proto, seed, len(operations), what, replies[0][:600], replies[1][:600], text))
