# SPDX-License-Identifier: MIT
"""What arguments are made of."""

STRING, HASH, LIST, SET, ZSET = "string", "hash", "list", "set", "zset"

# Each type has keys of its own, which its commands use most of the time; renaming, copying and the
# other commands mix them up.
KEYS = {
    STRING: [b"a", b"b", b"c", b"key:1", b"key:2"],
    HASH: [b"h", b"h:1", b"h:2", b"\x00\xff\r\n"],
    LIST: [b"l", b"l:1", b"l:2", b""],
    SET: [b"s", b"s:1", b"s:2", b"A" * 60],
    ZSET: [b"z", b"z:1", b"z:2", b"z:3"],
}
ALL_KEYS = [key for keys in KEYS.values() for key in keys]

VALUES = [b"0", b"1", b"-1", b"7", b"42", b"10000", b"007", b"3.14", b"-2.50", b"1e3", b"abc", b"abcabd", b"hello world",
          b"", b" ", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"x" * 44, b"y" * 45,
          b"ab" * 60, b"\x00\x01\xfe\xff", b"line\r\nbreak", b"inf", b"nan"]
INTEGERS = [b"0", b"1", b"-1", b"5", b"-7", b"100", b"9223372036854775807", b"-9223372036854775808", b"abc", b"1.5", b"",
            b"9223372036854775808"]
FLOATS = [b"0", b"1", b"-1", b"0.1", b"-0.1", b"3.0e2", b"1e17", b"2.5", b"abc", b"nan", b"inf", b"0.000001", b"1e-10"]
POSITIONS = [b"0", b"1", b"2", b"5", b"-1", b"-3", b"-100", b"100", b"44", b"9223372036854775807", b"x"]

# Fields, members and the values of lists: some are numbers, so that the dense form of sets occurs
# and SORT has something to sort.
NUMBERS = [b"1", b"2", b"3", b"10", b"-5"]
TEXTS = [b"a", b"b", b"c", b"a", b"b", b"", b"\xff\x00\r\n", b"1.5"]
RARE = [b"70000", b"9223372036854775807", b"01", b"9223372036854775808"]
LONG = [b"L" * 65, b"M" * 200]      # longer than what small forms take
MANY = 150                          # more elements than what they take

COUNTS = [b"1", b"2", b"1", b"2", b"3", b"3", b"1000", b"1000", b"0", b"-1", b"x"]


def some(g, alphabet=None, most=4):
    """One to `most` elements; now and then only numbers, or a long one."""
    dice = g.random.random()
    words = alphabet or (NUMBERS if dice < 0.4 else NUMBERS + TEXTS)
    out = [g.pick(words) for _ in range(g.random.randint(1, most))]
    if dice > 0.97 and alphabet is None:
        out.append(g.pick(LONG if dice > 0.99 else RARE))
    return out


def one(g):
    return some(g, most=1)[-1]


def many(g):
    """More elements than a small form holds, all numbers or all text."""
    form = g.pick((b"%d", b"m%d"))
    return [form % i for i in range(MANY)]


def sane(g, good, bad, chance=0.97):
    """Mostly one of the good ones."""
    return g.pick(good if g.random.random() < chance else bad)


def keys_of(g, kind, most=3):
    return [g.key(kind) for _ in range(g.random.randint(1, most))]


def counted(g, keys):
    """A number of keys and the keys; rarely not the right number."""
    count = len(keys) if g.random.random() < 0.97 else g.pick((0, -1, len(keys) + 1))
    return [b"%d" % count] + keys


def scan(g, words=(b"*", b"a*", b"[1-3]", b"none*")):
    """What follows the key of HSCAN, SSCAN and ZSCAN: all in one turn."""
    return [b"0", b"COUNT", b"100000"] + g.pick(([], [], [b"MATCH", g.pick(words)]))
