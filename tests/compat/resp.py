# SPDX-License-Identifier: MIT
"""A RESP2/RESP3 reader that keeps types, and the writer of requests.

A reply is a pair (type, value), where type is the first byte of the reply as a string:

    + - : # , ( _      value is the text after the type, as bytes
    $ ! =              value is the bytes, or None for the RESP2 null ($-1)
    * ~ >              value is a list of replies, or None for the RESP2 null array (*-1)
    % |                value is a list of (key, value) pairs

An attribute (|) is followed by the reply it belongs to; the reader gives it as
("|", (pairs, reply)).
"""

LINE_TYPES = b"+-:#,(_"
BULK_TYPES = b"$!="
LIST_TYPES = b"*~>"
PAIR_TYPES = b"%|"


class Incomplete(Exception):
    """More bytes are needed."""


class Malformed(Exception):
    """The bytes are no RESP."""


def _line(data, at):
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    return bytes(data[at:end]), end + 2


def _count(text):
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or (text[:1] == b"-" and text != b"-1"):
        raise Malformed("bad length %r" % text)
    return int(text)


def parse(data, at=0):
    """Reads one reply at offset `at`; returns (reply, next offset)."""
    if at >= len(data):
        raise Incomplete
    kind = data[at:at + 1]
    text, at = _line(data, at + 1)
    name = kind.decode("latin-1")
    if kind in LINE_TYPES:
        if b"\n" in text or b"\r" in text:
            raise Malformed("line break inside a line: %r" % text)
        return (name, text), at
    if kind in BULK_TYPES:
        size = _count(text)
        if size < 0:
            return (name, None), at
        if len(data) < at + size + 2:
            raise Incomplete
        if data[at + size:at + size + 2] != b"\r\n":
            raise Malformed("a bulk string does not end where its length says")
        return (name, bytes(data[at:at + size])), at + size + 2
    if kind in LIST_TYPES:
        size = _count(text)
        if size < 0:
            return (name, None), at
        items = []
        for _ in range(size):
            item, at = parse(data, at)
            items.append(item)
        return (name, items), at
    if kind in PAIR_TYPES:
        pairs = []
        for _ in range(_count(text)):
            key, at = parse(data, at)
            value, at = parse(data, at)
            pairs.append((key, value))
        if kind == b"%":
            return (name, pairs), at
        reply, at = parse(data, at)
        return (name, (pairs, reply)), at
    raise Malformed("unknown reply type %r" % kind)


def request(args):
    """The bytes of one command as an array of bulk strings."""
    out = [b"*%d\r\n" % len(args)]
    for arg in args:
        out.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(out)


def text_of(reply):
    """The bytes of a scalar reply, or None."""
    kind, value = reply
    if kind == "=" and value is not None:
        return value[4:]
    return value if isinstance(value, bytes) else None


_ESCAPES = {"n": 10, "r": 13, "t": 9, "a": 7, "b": 8}


def split(line):
    """Splits a command written in a case file into arguments.

    Double quotes know \\n \\r \\t \\a \\b \\xHH and \\ before any other character; single quotes
    know only \\'. Text outside quotes stands for itself.
    """
    args, at, size = [], 0, len(line)
    while True:
        while at < size and line[at] in " \t":
            at += 1
        if at >= size:
            return args
        arg = bytearray()
        quote = line[at] if line[at] in "\"'" else None
        if quote:
            at += 1
        while True:
            if at >= size:
                if quote:
                    raise ValueError("quote without end in case: %s" % line)
                break
            char = line[at]
            if quote == '"' and char == "\\":
                nxt = line[at + 1]
                if nxt == "x":
                    arg.append(int(line[at + 2:at + 4], 16))
                    at += 4
                    continue
                arg.append(_ESCAPES.get(nxt, ord(nxt)))
                at += 2
                continue
            if quote == "'" and line[at:at + 2] == "\\'":
                arg.append(ord("'"))
                at += 2
                continue
            if quote and char == quote:
                at += 1
                if at < size and line[at] not in " \t":
                    raise ValueError("text right after a quote in case: %s" % line)
                break
            if not quote and char in " \t":
                break
            arg += char.encode("utf-8")
            at += 1
        args.append(bytes(arg))
