# SPDX-License-Identifier: MIT
"""What of two replies to the same command is compared in a random sequence.

Mostly the bytes. Times to live are rounded to 250 seconds, and where Redis promises no order, none
is compared. Inside the reply of EXEC each reply is compared as that of its own command. Replies that
chance decides are looked at by chance.py.
"""

import re

import normalise
import resp

UNORDERED = {b"KEYS", b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS"}
SCANS = {b"SCAN": normalise.unordered, b"SSCAN": normalise.unordered, b"HSCAN": normalise.unordered_pairs,
         b"ZSCAN": normalise.unordered_pairs}
TIMES = {b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"}

# What OBJECT ENCODING says of lists, sets, hashes and sorted sets, but for the dense sets.
FORMS = {b"listpack", b"quicklist", b"hashtable", b"skiplist"}
SMALL_COUNT, SMALL_BYTES = 128, 64      # of hashes, sets and sorted sets that are listpacks


def _time(name, tree, base):
    """Rounded so that the seconds a run takes do not show; base: when it began."""
    value = int(tree[1]) / (1000 if name.startswith(b"P") else 1)
    return ":", -(-value // 250) if name.endswith(b"TTL") else (value - base) // 250


def forms_agree(kind, content, ours, redis):
    """Whether our encoding of a key is as good as Redis's for this content. Short lists and small
    sets are listpacks since 7.2. A hash or sorted set that was large keeps the large form as in
    Redis, but COPY packs it anew, and SORT does not unpack it."""
    if kind == b"list":
        return {ours, redis} <= {b"listpack", b"quicklist"}
    elements = [item for pair in content[1] for item in pair] if kind == b"hash" else content[1]
    count = len(elements) // (1 if kind == b"set" else 2)
    fits = count <= SMALL_COUNT and all(len(text) <= SMALL_BYTES for _, text in elements)
    if ours == b"intset":
        fits = all(re.fullmatch(rb"0|-?[1-9]\d{0,18}", text) for _, text in elements)
    return ours == redis or ours in (b"listpack", b"intset") and redis in (b"hashtable", b"skiplist") and fits


def without_negative_zero(raw):
    """The reply with 0 for each number -0, or None where there is none. SQLite keeps no negative
    zero, so scores have none from the start."""
    if b"-0\r\n" not in raw:
        return None
    raw = raw.replace(b"$2\r\n-0\r\n", b"$1\r\n0\r\n").replace(b",-0\r\n", b",0\r\n")
    return raw, resp.parse(raw)[0]


def compared(args, raw, tree, base, queued=()):
    """A value that is equal when the replies are as good as equal. raw: the reply's bytes; queued:
    the commands whose replies an EXEC tells."""
    name = args[0].upper()
    if tree[0] in "-_+" or tree[1] is None:
        return raw
    if name == b"EXEC" and len(tree[1]) == len(queued):
        return [compared(words, reply, reply, base) for words, reply in zip(queued, tree[1])]
    if name in TIMES:
        return _time(name, tree, base) if int(tree[1]) >= 0 else raw
    if name in UNORDERED:
        return normalise.unordered(tree)
    if name in SCANS:
        return tree[1][0], SCANS[name](tree[1][1])
    if name == b"HGETALL":
        return normalise.unordered_pairs(tree)
    if name == b"OBJECT":
        return "a form" if tree[1] in FORMS else raw
    if name == b"RANDOMKEY":
        return normalise.type_(tree)
    if name == b"HELLO":
        return normalise.hello(tree)
    return raw
