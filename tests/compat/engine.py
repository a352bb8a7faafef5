# SPDX-License-Identifier: MIT
"""Runs cases against a pair of servers and compares what they answer."""

import time

import differences
import resp
import servers
from case import CASES, Outcome, Step

POLL_SECONDS = 10  # how long an `until` step is repeated


class Stats:
    """Counts per family, and the texts of the differences."""

    def __init__(self, show):
        self.passed = {}
        self.failed = {}
        self.show = show
        self.used = set()   # names of the deliberate differences that were met

    def add(self, family, ok, text=None):
        self.passed.setdefault(family, 0)
        self.failed.setdefault(family, 0)
        if ok:
            self.passed[family] += 1
            return
        self.failed[family] += 1
        if self.failed[family] <= self.show:
            print("FAIL %s: %s" % (family, text), flush=True)
        elif self.failed[family] == self.show + 1:
            print("FAIL %s: more failures are not shown (--show N shows more)" % family, flush=True)


def clip(raw, around=None):
    """Reply bytes for people: escaped, and shortened round the place that differs."""
    limit = 600
    if len(raw) <= limit:
        return repr(raw)[1:]
    start = max(0, min((around or 0) - 200, len(raw) - limit))
    return "%s (bytes %d to %d of %d)" % (repr(raw[start:start + limit])[1:], start, start + limit,
                                          len(raw))


def _first_difference(a, b):
    for at, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return at
    return min(len(a), len(b))


def _beside(a, b):
    """Two values as text, shortened round the place where they differ."""
    one, two = repr(a), repr(b)
    start = max(0, _first_difference(one, two) - 200)
    return ["%s%s%s" % ("… " if start else "", text[start:start + 600],
                        " …" if len(text) > start + 600 else "") for text in (one, two)]


class Side:
    """The connections of one case to one server."""

    def __init__(self, server, group, proto, hello, ids):
        self.server = server
        self.greeting = list(group.greeting) if hello else []
        if proto == 3 and hello:
            self.greeting.append((b"HELLO", b"3"))
        self.ids = ids
        self.connections = {}
        self.closed = set()

    def connection(self, name):
        if name not in self.connections:
            conn = servers.Connection(self.server.port)
            for args in self.greeting:
                conn.call(*args)
            if name in self.ids:
                conn.id = int(conn.call("CLIENT", "ID")[1])
            self.connections[name] = conn
        return self.connections[name]

    def send(self, step, moment):
        conn = self.connection(step.conn)
        for name in step.ids():
            self.connection(name)
        data = step.wire(self.connections, moment)
        if data is not None:
            conn.send(data)

    def receive(self, step):
        conn = self.connection(step.conn)
        raws, trees = [], []
        try:
            if step.close:
                return Outcome("closed", conn.read_to_end())
            for _ in range(step.replies):
                raw, tree = conn.read()
                raws.append(raw)
                trees.append(tree)
            return Outcome("replied", b"".join(raws), trees)
        except servers.Closed as closed:
            return Outcome("closed", b"".join(raws) + closed.rest, trees)
        except servers.NoReply as late:
            return Outcome("no reply", b"".join(raws) + late.rest, trees)
        except (resp.Malformed, RecursionError) as bad:
            return Outcome("malformed (%s)" % bad, bytes(conn.buffer[conn.at:]), trees)
        finally:
            if step.close:
                self.closed.add(step.conn)

    def close(self):
        for conn in self.connections.values():
            conn.close()


class Runner:
    """Runs cases of one group against its pair of servers."""

    def __init__(self, pair, group, stats, real):
        self.pair = pair
        self.group = group
        self.stats = stats
        self.real = real                # our server is ours, so deliberate differences count
        self.control = {}

    # The harness's own connection ----------------------------------------------------------------

    def tell(self, server, *args):
        """A command on the control connection, which comes back when a case has killed it."""
        for attempt in (1, 2):
            if server not in self.control:
                conn = servers.Connection(server.port)
                for greeting in self.group.greeting:
                    conn.call(*greeting)
                conn.call("CLIENT", "SETNAME", "compat-control")
                self.control[server] = conn
            try:
                return self.control[server].call(*args)
            except servers.Closed:
                self.control.pop(server).close()
                if attempt == 2:
                    raise

    def wait_alone(self, server):
        """Returns when the server has noticed that the connections of earlier cases are closed."""
        deadline = time.monotonic() + POLL_SECONDS
        while time.monotonic() < deadline:
            text = resp.text_of(self.tell(server, "CLIENT", "LIST"))
            if text.count(b"\n") == 1:
                return
            time.sleep(0.002)
        raise servers.StartError("connections of earlier cases are still open")

    # Cases ---------------------------------------------------------------------------------------

    def run(self, case, proto):
        for server in self.pair.servers:
            self.tell(server, "FLUSHALL")
            if case.clients:
                self.wait_alone(server)
        if case.function:
            self._run_function(case, proto)
            return
        ids = set().union(*(step.ids() for step in case.steps)) if case.steps else set()
        sides = [Side(server, self.group, proto, case.hello, ids) for server in self.pair.servers]
        try:
            whole = self._run_steps(case, proto, sides, case.steps)
            if whole:
                self._run_ends(case, proto, sides)
        finally:
            for side in sides:
                side.close()
        if case.after:
            if case.clients:
                for server in self.pair.servers:
                    self.wait_alone(server)
            sides = [Side(server, self.group, proto, case.hello, ids)
                     for server in self.pair.servers]
            try:
                self._run_steps(case, proto, sides, case.after)
            finally:
                for side in sides:
                    side.close()

    def _run_function(self, case, proto):
        def check(label, ours, redis):
            ok = ours == redis
            self.stats.add(case.family, ok, None if ok else self._text(
                case, proto, label, *_beside(ours, redis)))
        case.function(self, proto, check)

    def _run_steps(self, case, proto, sides, steps):
        """False when the case could not be finished."""
        for number, step in enumerate(steps, 1):
            outcomes = self._exchange(step, sides)
            if outcomes is None:
                continue
            ok, detail = self._compare(step, outcomes, proto)
            self.stats.add(case.family, ok, None if ok else self._text(
                case, proto, "step %d: %s" % (number, step), *detail))
            if any(o.state != "replied" for o in outcomes) and not step.close:
                return False
        return True

    def _exchange(self, step, sides):
        moment = time.time()
        deadline = time.monotonic() + POLL_SECONDS
        done = [None, None]
        while True:
            waiting = [i for i in (0, 1) if done[i] is None]
            for i in waiting:
                sides[i].send(step, moment)
            if step.later or (step.replies == 0 and not step.close):
                return None
            for i in waiting:
                outcome = sides[i].receive(step)
                if (step.until is None or step.until.search(outcome.raw)
                        or outcome.state != "replied" or time.monotonic() > deadline):
                    done[i] = outcome
            if None not in done:
                return done
            time.sleep(0.002)

    def _run_ends(self, case, proto, sides):
        """Every connection must still be there and hold nothing that was not read."""
        for name in sorted(sides[0].connections):
            if name in case.loose or name in sides[0].closed:
                continue
            step = Step(conn=name, args=[b"RESET"])
            outcomes = self._exchange(step, sides)
            good = [o.state == "replied" and o.raw == b"+RESET\r\n"
                    and side.connections[name].at == len(side.connections[name].buffer)
                    for o, side in zip(outcomes, sides)]
            self.stats.add(case.family, all(good), None if all(good) else self._text(
                case, proto, "end of case: @%s is out of step" % name,
                *["%s %s" % (o.state, clip(o.raw)) for o in outcomes]))

    # Comparing -----------------------------------------------------------------------------------

    def _compare(self, step, outcomes, proto):
        ours, redis = outcomes
        if redis.state != ("closed" if step.close else "replied"):
            # A case that redis-server itself does not finish is a wrong case.
            return False, self._pair_text(ours, redis)
        if step.until and not all(step.until.search(o.raw) for o in outcomes):
            return False, self._pair_text(ours, redis)
        if step.differs and self.real:
            return self._compare_different(step, ours, redis, proto)
        if ours.state != redis.state:
            return False, self._pair_text(ours, redis)
        if step.norms and ours.state == "replied":
            return self._compare_values(self._value(step, ours.trees), self._value(step, redis.trees))
        return ours.raw == redis.raw, self._pair_text(ours, redis)

    @staticmethod
    def _value(step, trees):
        """What the normalisers of a step make of its replies."""
        values = []
        for tree in trees:
            for norm in step.norms:
                try:
                    tree = norm(tree)
                except (TypeError, ValueError, AttributeError, KeyError, IndexError) as wrong:
                    # Not the kind of reply that the normaliser knows: compared as it is.
                    tree = ("not normal: %s" % type(wrong).__name__, tree)
                    break
            values.append(tree)
        return values

    @staticmethod
    def _compare_values(ours, redis, more=""):
        """Values of normalisers; what is shown is the place where they differ."""
        shown = ["(normalised) " + text for text in _beside(ours, redis)]
        return ours == redis, (shown[0], shown[1] + more)

    def _compare_different(self, step, ours, redis, proto):
        """Ours must be what the table says, and must really differ from Redis."""
        self.stats.used.add(step.differs)
        known = differences.TABLE[step.differs]
        if step.want is not None:
            wanted, same = step.want, ours.raw == redis.raw
            got = self._value(step, ours.trees) if step.norms else ours.raw
            ok = ours.state == "replied" and got == (
                self._value(step, [resp.parse(step.want)[0]]) if step.norms else step.want)
        else:
            trees = [known.expect(step, tree, proto) for tree in redis.trees]
            value = self._value(step, ours.trees)
            same = value == self._value(step, redis.trees)
            if not same and ours.state == redis.state == "replied":
                return self._compare_values(value, self._value(step, trees),
                                            " (changed by the deliberate difference %r)" % step.differs)
            wanted, ok = repr(trees).encode(), same
        if ok and same:
            return False, ("the same as redis, but the table of differences has %r" % step.differs,
                           clip(redis.raw))
        return ok, (clip(ours.raw), "%s\n  wanted   %s (deliberate difference %r)"
                    % (clip(redis.raw), clip(wanted), step.differs))

    @staticmethod
    def _pair_text(ours, redis):
        at = _first_difference(ours.raw, redis.raw)
        return tuple((("" if o.state == "replied" else "(%s) " % o.state) + clip(o.raw, at))
                     for o in (ours, redis))

    @staticmethod
    def _text(case, proto, label, ours, redis):
        return "%s, RESP%d\n  %s\n  ours     %s\n  redis    %s" % (case.name, proto, label, ours,
                                                                  redis)


def families():
    return list(CASES)
