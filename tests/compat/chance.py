# SPDX-License-Identifier: MIT
"""Commands of a random sequence whose replies chance decides, or whose order is left open.

Such a command is sent alone. A Judge may look at the data before (and leave the command out, where
no reply is defined), and looks at both replies after it: they must be of the same form, and each
must be one that the data allows. SPOP's loser is repaired, so that both servers go on with the same
data. `ask(side, *args)` sends a command on the same connections; side 0 is ours.
"""

import normalise

OURS, REDIS = 0, 1


class Judge:
    """Looks at the replies to one operation."""

    def __init__(self, args, ask):
        self.args, self.ask = args, ask
        self.name = args[0].upper()

    def before(self):
        """False: this command is left out now."""
        return True

    def after(self, replies):
        """Two values, of ours and of Redis, which must be equal."""
        return [replies[side] for side in (OURS, REDIS)]


def elements(reply):
    """The elements of an array: members, or pairs where it has pairs (flat in RESP2)."""
    if reply[0] == "%" or reply[1] and reply[1][0][0] == "*":
        return [tuple(pair[1]) if pair[0] == "*" else pair for pair in reply[1]]
    return reply[1]


class Random(Judge):
    """SRANDMEMBER, HRANDFIELD, ZRANDMEMBER: each is checked against the whole."""

    WHOLE = {b"SRANDMEMBER": [b"SMEMBERS"], b"HRANDFIELD": [b"HGETALL"], b"ZRANDMEMBER": [b"ZRANGE", b"0", b"-1"]}

    def after(self, replies):
        return [self._value(side, replies[side]) for side in (OURS, REDIS)]

    def _value(self, side, reply):
        if reply[0] in "-_" or reply[1] is None or reply[1] == []:
            return reply
        with_values = len(self.args) > 3 and self.name != b"SRANDMEMBER"
        there = self._whole(side, with_values)
        if reply[0] == "$":
            return reply[0], reply in there
        found = elements(reply) if reply[1][0][0] == "*" or not with_values else normalise.pairs_of(reply)
        distinct = len(set(map(repr, found))) == len(found) or self.args[2].startswith(b"-")
        return normalise.shape(reply), distinct, all(item in there for item in found)

    def _whole(self, side, with_values):
        verb, *bounds = self.WHOLE[self.name]
        reply = self.ask(side, verb, self.args[1], *bounds, *([b"WITHSCORES"] if verb == b"ZRANGE" and with_values else []))
        if verb == b"HGETALL":
            pairs = normalise.pairs_of(reply)
            return pairs if with_values else [field for field, _ in pairs]
        if with_values and reply[1][0][0] != "*":
            return normalise.pairs_of(reply)
        return elements(reply)


class Pop(Judge):
    """SPOP: what was taken was there; Redis then gets back what ours took not, and the reverse."""

    def before(self):
        self.members = self.ask(REDIS, b"SMEMBERS", self.args[1])[1] if len(self.args) > 1 else []
        return True

    def after(self, replies):
        if any(reply[0] in "-_" or reply[1] is None or reply[1] == [] for reply in replies):
            return replies
        taken = [[reply] if reply[0] == "$" else reply[1] for reply in replies]
        values = [(reply[0], len(set(some)), len(some), set(some) <= {("$", text) for _, text in self.members})
                  for reply, some in zip(replies, taken)]
        wrong, missing = (set(taken[one]) - set(taken[other]) for one, other in ((REDIS, OURS), (OURS, REDIS)))
        if values[OURS] == values[REDIS]:
            for verb, some in ((b"SADD", wrong), (b"SREM", missing)):
                if some:
                    self.ask(REDIS, verb, self.args[1], *sorted(text for _, text in some))
        return values


class Lex(Judge):
    """Ranges by name are defined only where all scores are equal."""

    def before(self):
        key = 2 if self.name == b"ZRANGESTORE" else 1
        if len(self.args) <= key:
            return True
        reply = self.ask(REDIS, b"ZRANGE", self.args[key], b"0", b"-1", b"WITHSCORES")
        if reply[0] == "-":
            return True
        pairs = elements(reply) if reply[1] and reply[1][0][0] == "*" else normalise.pairs_of(reply)
        return len({score for _, score in pairs}) < 2


class Sort(Judge):
    """SORT without an order of its own: of a set, or by equal weights."""

    def before(self):
        self.kind = self.ask(REDIS, b"TYPE", self.args[1])[1]
        return True

    def after(self, replies):
        words = [arg.upper() for arg in self.args]
        by_weight = b"ALPHA" in words and b"*" in words[words.index(b"BY") + 1]
        if not by_weight and self.kind != b"set":
            return replies
        step = max(words.count(b"GET"), 1)
        limited = b"LIMIT" in words
        return [(reply[0], len(reply[1]) if limited else sorted(
            (reply[1][at:at + step] for at in range(0, len(reply[1]), step)), key=repr)) if reply[0] == "*" else reply
            for reply in replies]


def _lex(args):
    return args[0].upper().endswith((b"BYLEX", b"LEXCOUNT")) or (
        args[0].upper() in (b"ZRANGE", b"ZRANGESTORE") and b"BYLEX" in args)


def _open_order(args):
    if args[0].upper() not in (b"SORT", b"SORT_RO") or b"BY" not in args[:-1] or b"STORE" in args:
        return False
    return b"*" not in args[args.index(b"BY") + 1] or b"ALPHA" in args


def judge(args, ask):
    """A Judge for this command, or None where replies are compared as they are."""
    name = args[0].upper()
    if name in Random.WHOLE:
        return Random(args, ask)
    if name == b"SPOP":
        return Pop(args, ask)
    if _lex(args):
        return Lex(args, ask)
    return Sort(args, ask) if _open_order(args) else None
