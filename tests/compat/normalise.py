# SPDX-License-Identifier: MIT
"""Normalisers: what is compared when the bytes of two replies need not be the same.

A normaliser is a function from one reply (see resp.py) to a value; the values of both servers must
be equal. Where a check has an outcome, the value is the word that says so, or the offending text.
A case names one as `name` or `name(argument,argument)`.
"""

import re

import differences
import resp

_TABLE = {}


def normaliser(function):
    _TABLE[function.__name__.rstrip("_")] = function
    return function


def find(note):
    """The normaliser that a case names."""
    match = re.fullmatch(r"(\w+)(?:\((.*)\))?", note, re.S)
    if not match or match.group(1) not in _TABLE:
        raise ValueError("unknown note in a case: %s" % note)
    function = _TABLE[match.group(1)]
    if match.group(2) is None:
        return function
    args = [arg.strip() for arg in match.group(2).split(",")]
    return lambda reply: function(reply, *args)


def _flat(items):
    """Consecutive pairs of a list."""
    return list(zip(items[0::2], items[1::2]))


def pairs_of(reply):
    """The pairs of a map, or of the flat array that stands for it in RESP2."""
    kind, value = reply
    return value if kind == "%" else _flat(value)


def _key(value):
    return repr(value)


@normaliser
def type_(reply):
    """Only the type of the reply, and whether it is null."""
    return reply[0], reply[1] is None


@normaliser
def count(reply):
    """The type and the number of elements."""
    return reply[0], len(reply[1])


@normaliser
def shape(reply):
    """The types all the way down."""
    kind, value = reply
    if kind in "*~>" and value is not None:
        return kind, [shape(item) for item in value]
    if kind == "%":
        return kind, [(shape(k), shape(v)) for k, v in value]
    return kind, value is None


@normaliser
def unordered(reply):
    """The elements in any order."""
    kind, value = reply
    if not isinstance(value, list):
        return reply
    return kind, sorted(value, key=_key)


@normaliser
def second_unordered(reply):
    """A SCAN reply: the elements of its second part in any order."""
    kind, value = reply
    if kind != "*" or len(value) != 2:
        return reply
    return kind, value[0], unordered(value[1])


@normaliser
def unordered_pairs(reply):
    """The pairs of a map (or its flat array) in any order."""
    return reply[0], sorted(pairs_of(reply), key=_key) if isinstance(reply[1], list) else reply[1]


@normaliser
def unordered_deep(reply):
    """Elements and pairs in any order, all the way down."""
    kind, value = reply
    if kind in "*~>" and value is not None:
        return kind, sorted((unordered_deep(item) for item in value), key=_key)
    if kind == "%":
        return kind, sorted(((unordered_deep(k), unordered_deep(v)) for k, v in value), key=_key)
    return reply


@normaliser
def map_shape(reply):
    """Names of a map (or its flat array), in any order, with the types of the values."""
    return reply[0], sorted(((k, shape(v)) for k, v in pairs_of(reply)), key=_key)


@normaliser
def range_(reply, low, high):
    """A number between the two, limits included."""
    kind, value = reply
    text = resp.text_of(reply)
    try:
        inside = float(low) <= float(text) <= float(high)
    except (TypeError, ValueError):
        return kind, value
    return (kind, "in range") if inside else (kind, value)


@normaliser
def ttl(reply):
    """A remaining time, rounded up so that the seconds a test takes do not show. Both TTL and
    PTTL: -1, -2 and errors stay as they are."""
    kind, value = reply
    if kind != ":" or not value.isdigit():
        return reply
    step = 20000 if int(value) > 20000 else 20
    return kind, -(-int(value) // step) * step


@normaliser
def idle(reply):
    """Idle seconds of a key that was just used; an error stays as it is."""
    return range_(reply, "0", "5") if reply[0] == ":" else reply


@normaliser
def matches(reply, *pattern):
    """Text (of whatever scalar type, which is compared) that matches the pattern."""
    text = resp.text_of(reply)
    if text is not None and re.fullmatch(",".join(pattern).encode(), text, re.S):
        return reply[0], "matches"
    return reply


@normaliser
def error_code(reply):
    """Of an error the first word; anything else as it is."""
    kind, value = reply
    return (kind, value.split(b" ")[0]) if kind == "-" else reply


@normaliser
def lfu_count(reply):
    """A use counter of a new key; of an error the first word."""
    return range_(reply, "1", "20") if reply[0] == ":" else error_code(reply)


@normaliser
def one_of(reply, *choices):
    """One of the given texts, or nil for the word null."""
    text = resp.text_of(reply)
    shown = "null" if text is None else text.decode("latin-1")
    return "one of them" if shown in choices else reply


@normaliser
def empty_or_bulks(reply):
    """An array of bulk strings."""
    kind, value = reply
    return kind, sorted({item[0] for item in value} - {"$"})


# Client lines -----------------------------------------------------------------------------------

# Their values depend on the moment, on the allocator, or on the implementation's buffers.
_CLIENT_VOLATILE = {"id", "addr", "laddr", "fd", "age", "idle", "qbuf", "qbuf-free", "argv-mem",
                    "multi-mem", "rbs", "rbp", "obl", "oll", "omem", "tot-mem", "events"}
_CLIENT_NUMBER = re.compile(r"\d+")


def _client_line(line):
    """One line of CLIENT LIST: names in order, values where they can be the same."""
    fields = []
    for part in line.split(" "):
        name, _, value = part.partition("=")
        if name in ("addr", "laddr"):
            value = re.sub(r"^127\.0\.0\.1:\d+$", "ADDRESS", value)
        elif name == "events":
            value = "ok" if re.fullmatch(r"[rw]*", value) else value
        elif name in _CLIENT_VOLATILE:
            value = "number" if _CLIENT_NUMBER.fullmatch(value) else value
        fields.append((name, value))
    return fields


def client_lines(reply):
    text = resp.text_of(reply).decode("latin-1")
    return [line for line in text.split("\n")]


@normaliser
def client_info(reply):
    """The line of CLIENT INFO: field names in order; name, db, flags, cmd … must be equal."""
    if resp.text_of(reply) is None or reply[0] == "-":
        return reply
    return reply[0], [_client_line(line) for line in client_lines(reply)]


@normaliser
def client_list(reply):
    """CLIENT LIST as client_info, in order of ids, without the harness's own connection."""
    if resp.text_of(reply) is None or reply[0] == "-":
        return reply
    lines = client_lines(reply)
    end = lines.pop()
    lines = [line for line in lines if " name=compat-control " not in line]
    lines.sort(key=lambda line: int(re.match(r"id=(\d+)", line).group(1)))
    return reply[0], [_client_line(line) for line in lines], end


@normaliser
def client_multi(reply):
    """EXEC whose only reply is a line of CLIENT INFO, which need not be complete."""
    kind, value = reply
    line = _client_line(client_lines(value[0])[0])
    return kind, len(value), value[0][0], [f for f in line if f[0] in ("db", "multi", "cmd", "name")]


@normaliser
def hello(reply):
    """HELLO's map: every field in order and equal, but the id only a number, and of the versions
    only the form."""
    if reply[0] not in "*%":
        return reply
    seen = []
    for name, value in pairs_of(reply):
        if name[1] == b"id":
            value = range_(value, "1", "1000000")
        elif name[1] == b"version":
            value = matches(value, r"7\.\d+\.\d+")
        seen.append((name, value))
    return reply[0], seen


@normaliser
def monitor(reply):
    """A line of MONITOR: time and port are only checked for their form."""
    kind, value = reply
    text = re.sub(rb"^\d{9,11}\.\d{6} \[", b"TIME [", value)
    return kind, re.sub(rb"^(TIME \[\d+) 127\.0\.0\.1:\d+\] ", rb"\1 ADDRESS] ", text)


# INFO -------------------------------------------------------------------------------------------

_HEX = {"redis_git_sha1", "redis_build_id", "run_id", "master_replid", "master_replid2"}


def _class(name, value):
    if name in _HEX:
        return "hexadecimal" if re.fullmatch(r"[0-9a-f]+", value) else value
    if re.fullmatch(r"-?\d+", value):
        return "integer"
    if re.fullmatch(r"-?\d+\.\d+", value):
        return "float"
    if re.fullmatch(r"\d+(\.\d+)?%", value):
        return "percent"
    if re.fullmatch(r"\d+(\.\d+)?[BKMGTP]", value):
        return "size"
    return "text" if value else "empty"


def info_sections(text):
    """{heading: {field: value}}; raises ValueError where a line is neither."""
    sections, current = {}, None
    for line in text.split("\r\n"):
        if not line:
            continue
        if line.startswith("# "):
            current = sections.setdefault(line[2:], {})
        elif ":" in line and current is not None:
            name, _, value = line.partition(":")
            current[name] = value
        else:
            raise ValueError("INFO line %r" % line)
    return sections


OWN_SECTIONS = {"SQL"}  # of INFO


@normaliser
def info(reply, *names):
    """Of INFO the headings, and of the named fields the kind of value, or the value itself for
    a name written with `=` at its end."""
    text = resp.text_of(reply)
    if reply[0] == "-" or text is None:
        return reply
    sections = info_sections(text.decode("latin-1"))
    fields = {}
    for section in sections.values():
        fields.update(section)
    seen = []
    for name in names:
        if name.endswith("="):
            seen.append((name, fields.get(name[:-1], "missing")))
        else:
            seen.append((name, _class(name, fields[name]) if name in fields else "missing"))
    return reply[0], sorted(set(sections) - OWN_SECTIONS), seen


def _info_lines(reply, pattern, keep):
    """Lines of an INFO section with what `pattern` finds replaced, in any order."""
    text = resp.text_of(reply)
    if reply[0] == "-" or text is None:
        return reply
    lines = [re.sub(pattern, keep, line) for line in text.decode("latin-1").split("\r\n")]
    return reply[0], lines[0], sorted(lines[1:])


@normaliser
def keyspace(reply):
    """INFO keyspace: the average time to live only as a number."""
    return _info_lines(reply, r"avg_ttl=\d+", "avg_ttl=N")


@normaliser
def command_stats(reply):
    """INFO commandstats: calls, rejected and failed calls are equal, times only numbers. The
    harness's own connection asks CLIENT LIST a varying number of times."""
    shown = _info_lines(reply, r"usec=\d+,usec_per_call=\d+\.\d\d", "usec=N,usec_per_call=N")
    if reply[0] == "-":
        return shown
    return shown[0], shown[1], [line for line in shown[2] if not line.startswith("cmdstat_client|list:")]


@normaliser
def latency_stats(reply):
    """INFO latencystats: which commands and percentiles."""
    shown = _info_lines(reply, r"=\d+\.\d+", "=N")
    if reply[0] == "-":
        return shown
    return shown[0], shown[1], [line for line in shown[2] if "client|list:" not in line]


@normaliser
def latest(reply):
    """LATENCY LATEST: events by name; times only by their form."""
    kind, events = reply
    return kind, sorted((event[1][0], len(event[1]), [part[0] for part in event[1]],
                         range_(event[1][1], "1500000000", "9999999999"), int(event[1][2][1]) >= 10,
                         int(event[1][3][1]) >= 10) for _, event in enumerate(events))


@normaliser
def history(reply):
    """LATENCY HISTORY: how many samples, each a time and a number of milliseconds."""
    kind, samples = reply
    return kind, [(sample[0], range_(sample[1][0], "1500000000", "9999999999"),
                   range_(sample[1][1], "10", "60000")) for sample in samples]


@normaliser
def histogram(reply):
    """LATENCY HISTOGRAM: calls of each command, and counts that rise up to them."""
    if reply[0] == "-":
        return reply
    seen = []
    for name, body in pairs_of(reply):
        (calls_name, calls), (usec_name, usec) = pairs_of(body)
        counts = [int(value[1]) for _, value in pairs_of(usec)]
        limits = [int(limit[1]) for limit, _ in pairs_of(usec)]
        seen.append((name, body[0], usec[0], calls_name, calls, usec_name,
                     counts == sorted(counts) and counts[-1] == int(calls[1]),
                     limits == sorted(limits), all(limit > 0 for limit in limits)))
    return reply[0], sorted(seen, key=_key)


@normaliser
def debug_object(reply):
    """DEBUG OBJECT: the words, the encoding and the count of references."""
    kind, value = reply
    words = [word.partition(b":") for word in value.split(b" ")]
    return kind, [(name, text if name in (b"refcount", b"encoding") else text != b"")
                  for name, _, text in words]


@normaliser
def role(reply):
    """ROLE of a master: the offset only a number."""
    kind, value = reply
    return kind, value[0], range_(value[1], "0", "1e18"), value[2:]


@normaliser
def pair_of_counts(reply):
    """WAITAOF: two counts; the first may be one before it is asked for."""
    kind, value = reply
    return (kind, range_(value[0], "0", "1"), value[1]) if kind == "*" else reply


# Help, commands, slow log -------------------------------------------------------------------------

@normaliser
def help_(reply):
    """A HELP reply: the type of every line, the first line, and the subcommands it names. The
    wording is each server's own."""
    kind, items = reply
    if kind != "*":
        return reply
    types = sorted({item[0] for item in items})
    lines = [item[1].decode("latin-1") for item in items]
    words = {line.split(" ")[0] for line in lines[1:] if line[:1].isalpha()}
    return kind, types, lines[0], sorted(words)


def _key_spec(spec):
    """A key specification; of its notes, which are for people, only that there are some."""
    fields = []
    for name, value in pairs_of(spec):
        fields.append((name, bool(value[1]) if name[1] == b"notes" else unordered_deep(value)))
    return spec[0], sorted(fields, key=_key)


def command_entry(item):
    """One element of COMMAND INFO with its unordered parts sorted."""
    kind, value = item
    if kind != "*" or value is None:
        return item
    name, arity, flags, first, last, step, categories, tips, specs, subs = value
    return (name, arity, unordered(flags), first, last, step, unordered(categories), unordered(tips),
            (specs[0], sorted((_key_spec(spec) for spec in specs[1]), key=_key)), sorted((command_entry(sub) for sub in subs[1]), key=_key))


@normaliser
def command_info(reply):
    """COMMAND INFO, with flags, categories, tips and subcommands in any order."""
    kind, value = reply
    return kind, [command_entry(item) for item in value]


@normaliser
def command_arity(reply):
    """Of COMMAND INFO only name and arity."""
    kind, value = reply
    return kind, [("*", entry[1][:2]) if entry[1] else entry for entry in value]


@normaliser
def names(reply):
    """COMMAND LIST in any order, without the few commands that came after 7.0."""
    kind, value = reply
    if kind not in "*~" or value is None:
        return reply
    return kind, sorted(item for item in value if item[1] not in LATER)


# Written for people, so each server has its own; only that they are there is compared.
_DOC_TEXTS = {b"summary", b"complexity", b"replaced_by"}
LATER = {name.encode() for name in differences.LATER_COMMANDS | differences.LATER_SUBCOMMANDS
         | differences.OWN_COMMANDS}  # came after 7.0, or is our own


def _doc(reply):
    """The documentation of one command: all fields in order, without history."""
    fields = []
    for (_, name), value in pairs_of(reply):
        if name == b"history":
            continue
        if name in _DOC_TEXTS:
            value = value[0], bool(value[1])
        elif name == b"subcommands":
            value = value[0], sorted(((sub, _doc(doc)) for sub, doc in pairs_of(value)
                                      if sub[1] not in LATER), key=_key)
        elif name == b"doc_flags":
            value = unordered(value)
        fields.append((name, value))
    return reply[0], fields


@normaliser
def command_docs(reply):
    """COMMAND DOCS: all but the wording of summary, complexity and replaced_by, and but history."""
    if reply[0] == "-":
        return reply
    return reply[0], sorted(((name, _doc(doc)) for name, doc in pairs_of(reply)), key=_key)


@normaliser
def slowlog(reply):
    """SLOWLOG GET: ids counted from the smallest, times only by their form."""
    kind, entries = reply
    if kind != "*":
        return reply
    base = min((int(e[1][0][1]) for e in entries), default=0)
    seen = []
    for _, entry in entries:
        ident, at, took, args, address, name = entry
        seen.append((int(ident[1]) - base, range_(at, "1500000000", "9999999999"),
                     range_(took, "0", "60000000"), args,
                     matches(address, r"127\.0\.0\.1:\d+"), name))
    return kind, seen
