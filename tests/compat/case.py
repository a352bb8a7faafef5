# SPDX-License-Identifier: MIT
"""The language of the case files.

A case is a name and some lines; every line is one step, sent to both servers and compared:

    SET k v                        a command (quotes as in resp.split)
    @b GET k                       the same on a second connection named b (the first is a)
    @b !"PING\\r\\n"                  these bytes as they are
    @b <                           only read a reply that is still to come
    # text                         a remark

After ` ## ` a line may say how to read and compare:

    none            no reply is read              later       the reply is read by a later `<`
    x3              three replies are read        close       everything up to the end of connection
    until=REGEX     sent again until the reply, written as Python bytes, matches
    differs=NAME    a deliberate difference of differences.py, which gives the expected reply …
    want="+OK"      … unless it is written here (RESP; a last line break is added)
    anything else   a normaliser of normalise.py: name or name(args); given one after the other

TTL and PTTL get the normaliser `ttl`, which forgives the time that the test itself takes.

Arguments may hold {id:b} (client id of b), {addr:b}, {laddr:b}, {now+10}, {nowms-5},
{rep:x:1000} (1000 times x).
"""

import re
import time

import normalise
import resp

CASES = {}  # family -> list of Case

_PLACE = re.compile(rb"\{(id|addr|laddr|nowms|now|rep)(?::([^{}:]*))?(?::(\d+))?([+-]\d+)?\}")


class Step:
    """One step of a case, ready to be sent."""

    def __init__(self, conn="a", args=None, raw=None, norms=(), replies=1, close=False, later=False,
                 until=None, differs=None, want=None):
        self.conn = conn
        self.args = args
        self.raw = raw
        self.norms = list(norms)
        self.replies = replies
        self.close = close
        self.later = later
        self.until = until
        self.differs = differs
        self.want = want

    def wire(self, connections, moment):
        """The bytes to send to one server, or None for a step that only reads."""
        if self.raw is not None:
            return _fill(self.raw, connections, moment)
        if self.args is None:
            return None
        return resp.request([_fill(arg, connections, moment) for arg in self.args])

    def ids(self):
        """The connections whose client id this step mentions."""
        found = set()
        for arg in self.args or ():
            for match in _PLACE.finditer(arg):
                if match.group(1) == b"id":
                    found.add(match.group(2).decode())
        return found

    def __str__(self):
        if self.raw is not None:
            text = "raw bytes " + repr(self.raw)[1:]
        elif self.args is None:
            text = "(read)"
        else:
            text = " ".join(show_arg(arg) for arg in self.args)
        if len(text) > 300:
            text = text[:240] + " … " + text[-40:]
        return text if self.conn == "a" else "@%s %s" % (self.conn, text)


def show_arg(arg):
    """An argument as it could be typed."""
    if arg and re.fullmatch(rb"[!-~]+", arg) and not set(arg) & set(b"\"'\\"):
        return arg.decode()
    return '"' + repr(arg)[2:-1].replace('"', '\\"') + '"'


def _fill(arg, connections, moment):
    def value(match):
        what, name, count, shift = match.groups()
        add = int(shift or 0)
        if what == b"now":
            return b"%d" % (int(moment) + add)
        if what == b"nowms":
            return b"%d" % (int(moment * 1000) + add)
        if what == b"rep":
            return name * int(count)
        conn = connections[name.decode()]
        if what == b"id":
            return b"%d" % (conn.id + add)
        return conn.address() if what == b"addr" else conn.peer()

    return _PLACE.sub(value, arg) if b"{" in arg else arg


class Case:
    """Steps that belong together; they start with empty databases and new connections."""

    def __init__(self, family, name, parts, group="default", protocols=(2, 3), hello=True,
                 clients=False, after=(), loose=()):
        self.family = family
        self.name = name
        self.group = group
        self.protocols = protocols
        self.hello = hello          # whether connections open with AUTH (if needed) and HELLO 3
        self.clients = clients      # wait until the connections of earlier cases are gone
        self.steps = _steps(parts)
        self.after = _steps([after] if isinstance(after, str) else after)
        self.loose = loose          # connections that may hold unread bytes at the end
        self.function = None


def _steps(parts):
    steps = []
    for part in parts:
        if isinstance(part, str):
            for line in part.splitlines():
                line = line.strip()
                if line and not line.startswith("# "):
                    steps.append(parse_line(line))
        elif isinstance(part, Step):
            steps.append(part)
        else:
            steps.append(Step(args=[a if isinstance(a, bytes) else str(a).encode() for a in part]))
    for step in steps:
        if step.args and step.args[0].upper() in (b"TTL", b"PTTL") and not step.norms:
            step.norms.append(normalise.ttl)
    return steps


def parse_line(line):
    text, _, notes = line.partition(" ## ")
    step = Step()
    if re.match(r"@[a-z]\w* ", text):
        name, text = text.split(" ", 1)
        step.conn = name[1:]
    text = text.strip()
    if text.startswith("!"):
        step.raw = resp.split(text[1:])[0]
    elif text != "<":
        step.args = resp.split(text)
    for note in _notes(notes):
        _apply(step, note)
    return step


def _notes(text):
    """Splits notes at blanks that are outside quotes and parentheses."""
    return [m.group(0) for m in re.finditer(r'(?:[^\s"(]|"(?:[^"\\]|\\.)*"|\((?:[^()]|\([^()]*\))*\))+',
                                            text)]


def _apply(step, note):
    name, _, value = note.partition("=")
    if note == "none":
        step.replies = 0
    elif note in ("later", "close"):
        setattr(step, note, True)
    elif re.fullmatch(r"x\d+", note):
        step.replies = int(note[1:])
    elif name == "until":
        step.until = re.compile(value.strip('"').encode(), re.S)
    elif name == "differs":
        step.differs = value
    elif name == "want":
        want = resp.split(value)[0]
        step.want = want if want.endswith(b"\r\n") else want + b"\r\n"
    else:
        step.norms.append(normalise.find(note))


def family(name):
    """Returns the function with which a case file adds its cases to the family `name`."""
    cases = CASES.setdefault(name, [])

    def add(title, *parts, **options):
        cases.append(Case(name, title, parts, **options))

    def function(title, **options):
        def register(body):
            case = Case(name, title, (), **options)
            case.function = body
            cases.append(case)
            return body
        return register

    add.function = function
    return add


class Outcome:
    """What one server answered to one step."""

    def __init__(self, state, raw=b"", trees=()):
        self.state = state      # 'replied', 'closed', 'no reply', 'malformed'
        self.raw = raw
        self.trees = list(trees)


def now():
    return time.time()
