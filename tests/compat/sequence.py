# SPDX-License-Identifier: MIT
"""The random sequence: the same seeded commands to both servers over two connections each.

Operations come from generators/, one module for each type; keys, members and values are of small
alphabets, so commands meet each other's results. Nothing depends on when a command runs: times to
live are multiples of 1000 seconds from now, or 500 seconds beside such a multiple from the start of
the run; only the latter are compared by the server (GT, LT). comparison.py and chance.py say what of
the replies is compared. Every CHECK_EVERY operations, and at the end, the whole data is compared.

On a difference it prints the seed and looks for a short tail of the sequence that still shows it.
"""

import random
import time

import case
import chance
import normalise
import resp
import servers
from comparison import compared, forms_agree, without_negative_zero
from generators import hashes, keys, lists, sets, sorting, strings, words, zsets

CHECK_EVERY = 2500
PIPELINE = 40        # commands sent to a connection before its replies are read
REPLAYS = 400        # attempts at making a failing tail shorter
OWN_KEYS = 0.88      # how often a command is used on the keys of its own type

FAMILIES = [keys, strings, hashes, lists, sets, zsets, sorting]
NEVER_CHANGED = {"MULTI", "EXEC", "DISCARD", "RESET", "SCAN", "KEYS", "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP",
                 "BZPOPMIN", "BZPOPMAX", "BZMPOP"}
NEVER_MORE = {"ZRANK", "ZREVRANK"}     # which have one more option since 7.2


class Generator:
    """Makes operations: pairs of the connection's name and the arguments."""

    def __init__(self, seed, proto, base):
        self.random = random.Random("%d/%d" % (seed, proto))
        self.proto = proto
        self.base = base            # seconds; absolute times are counted from here
        self.name = "a"
        self.in_multi = {"a": False, "b": False}
        self.pending = []
        entries = [entry for family in FAMILIES for entry in family.TABLE.entries]
        every = sum(weight for _, weight, _, _ in entries)
        inside = [entry for entry in entries if entry[3]] + [
            (name, every * share, lambda _g: [], True)
            for name, share in (("EXEC", 0.15), ("DISCARD", 0.02), ("MULTI", 0.005))]
        self.tables = {False: entries, True: inside}
        self.weights = {key: [entry[1] for entry in table] for key, table in self.tables.items()}

    @property
    def inside(self):
        """Whether the command that is being made will be queued."""
        return self.in_multi[self.name]

    def next(self):
        if self.pending:
            return self.pending.pop()
        if self.random.random() < 0.1:
            self.name = "b" if self.name == "a" else "a"
        command, _, make, _ = self.random.choices(self.tables[self.inside], self.weights[self.inside])[0]
        args = [command.encode()] + make(self)
        if command not in NEVER_CHANGED and self.random.random() < 0.02:
            args = self._mutate(args, command not in NEVER_MORE)
        if self.random.random() < 0.1:
            args[0] = args[0].lower()
        if command in ("MULTI", "EXEC", "DISCARD", "RESET"):
            self.in_multi[self.name] = command == "MULTI"
        if command == "RESET" and self.proto == 3:
            self.pending.append((self.name, [b"HELLO", b"3"]))
        return self.name, args

    def _mutate(self, args, may_grow):
        """One argument less, or one more, that is never the name of an option."""
        if len(args) > 1 and (self.random.random() < 0.5 or not may_grow):
            return args[:-1]
        return args + [self.random.choice((b"extra", b"", b"1"))]

    # What the families share ---------------------------------------------------------------------

    def pick(self, options):
        return self.random.choice(options)

    def key(self, kind=None):
        """A key, mostly one of those of this type."""
        if kind and self.random.random() < OWN_KEYS:
            return self.pick(words.KEYS[kind])
        return self.pick(words.ALL_KEYS)

    def seconds(self):
        return 1000 * self.random.randint(1, 6)

    def moment(self):
        """An absolute time in seconds; sometimes one in the past."""
        if self.random.random() < 0.12:
            return self.pick((0, 1, -1, 1000))
        return self.base + 500 + self.seconds()

    def expiry(self):
        """The words of an expiry option of SET and GETEX."""
        kind = self.pick(("EX", "PX", "EXAT", "PXAT"))
        value = self.seconds() if kind in ("EX", "PX") else self.base + 500 + self.seconds()
        if self.random.random() < 0.05:
            value = self.pick((0, -1))
        return [kind.encode(), b"%d" % (value * (1000 if kind.startswith("P") else 1))]


class Player:
    """Plays operations on both servers, from empty databases and new connections."""

    def __init__(self, runner, proto, base):
        self.runner = runner
        self.base = base
        self.queued = {"a": [], "b": []}
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
            name, args = operations[at]
            judge = self._judge(name, args)
            end = at + 1
            while judge is None and end < len(operations) and end - at < PIPELINE and operations[end][0] == name \
                    and self._judge(*operations[end]) is None:
                end += 1
            bad = self._play_alone(at, name, args, judge) if judge else self._play_together(operations, at, end)
            if bad is not None:
                return bad
            at = end
        return None

    def _judge(self, name, args):
        return chance.judge(args, lambda side, *words_: self.connections[side][name].call(*words_))

    def _play_alone(self, at, name, args, judge):
        if not judge.before():
            return None
        for conns in self.connections:
            conns[name].send(resp.request(args))
        (ours, one), (redis, two) = (self._read(conns[name]) for conns in self.connections)
        if one is None or two is None:
            return at, ours, redis
        values = judge.after([one, two])
        return None if values[0] == values[1] else (at, *(b"%s (%s)" % (raw, repr(value).encode()) for raw, value in zip(
            (ours, redis), values)))

    def _play_together(self, operations, at, end):
        name = operations[at][0]
        for conns in self.connections:
            conns[name].send(b"".join(resp.request(args) for _, args in operations[at:end]))
        for index in range(at, end):
            args = operations[index][1]
            (ours, one), (redis, two) = (self._read(conns[name]) for conns in self.connections)
            queued = self.queued[name]
            if one is None or two is None or (
                    compared(args, ours, one, self.base, queued) != compared(args, redis, two, self.base, queued)):
                return index, ours, redis
            self._follow_multi(queued, args, two)
        return None

    @staticmethod
    def _follow_multi(queued, args, reply):
        if reply == ("+", b"QUEUED"):
            queued.append(args)
        elif args[0].upper() in (b"MULTI", b"EXEC", b"DISCARD", b"RESET") and reply[0] != "-":
            queued.clear()
        elif args[0].upper() == b"EXEC":
            queued.clear()

    @staticmethod
    def _read(conn):
        try:
            raw, tree = conn.read()
            return without_negative_zero(raw) or (raw, tree)
        except (servers.Closed, servers.NoReply) as end:
            return b"(%s) %s" % (str(end).encode(), end.rest), None

    CONTENT = {
        b"string": ([b"GET"], [], lambda reply: reply),
        b"list": ([b"LRANGE"], [b"0", b"-1"], lambda reply: reply),
        b"zset": ([b"ZRANGE"], [b"0", b"-1", b"WITHSCORES"],
                  lambda reply: (reply[0], [(kind, b"0" if text == b"-0" else text) for kind, text in reply[1]])),
        b"set": ([b"SMEMBERS"], [], normalise.unordered),
        b"hash": ([b"HGETALL"], [], normalise.unordered_pairs),
    }

    def data(self, server):
        """The whole data of one server, times rounded."""
        tell, found = self.runner.tell, []
        for database in range(keys.DATABASES):
            tell(server, "SELECT", database)
            names = sorted(item[1] for item in tell(server, "SCAN", "0", "COUNT", "100000")[1][1][1])
            found.append((database, "DBSIZE", tell(server, "DBSIZE"), names))
            for key in names:
                kind = tell(server, "TYPE", key)[1]
                verb, bounds, order = self.CONTENT[kind]
                moment = tell(server, "PEXPIRETIME", key)
                content = tell(server, *verb, key, *bounds)
                found.append((database, key, kind, order(content),
                              tell(server, "OBJECT", "ENCODING", key)[1],
                              compared([b"PEXPIRETIME"], b":-1", moment, self.base)))
        tell(server, "SELECT", "0")
        return found

    def data_difference(self):
        ours, redis = (self.data(server) for server in self.runner.pair.servers)
        for one, two in zip(ours, redis):
            if one != two and not (one[:4] == two[:4] and one[5:] == two[5:] and forms_agree(*one[2:5], two[4])):
                return repr(one).encode(), repr(two).encode()
        if len(ours) != len(redis):
            return repr(ours).encode(), repr(redis).encode()
        return None


def inexact(args):
    """Whether this may not be queued: its reply is looked at alone."""
    return args[0].upper() in (b"RANDOMKEY", b"HELLO") or chance.judge(args, None) is not None



def playable(operations):
    """Whether no inexact command would be queued, now that some operations are gone."""
    in_multi = {"a": False, "b": False}
    for name, args in operations:
        word = args[0].upper()
        if in_multi[name] and inexact(args):
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
