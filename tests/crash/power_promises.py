# SPDX-License-Identifier: MIT
"""What the clients of a round were told, and what must therefore be on a disk after a power cut.

All times are in ns of the monotonic clock, the clock of recorder.c. `cut` is when the power went;
everything that was answered before `since` must be there. What is not as promised raises Failure.
Records and Knowledge can be pickled, for --keep.
"""

import bisect
import time

import history
import sql_atomic
from crash import Failure

SECOND_NS = 1000000000
GRACE_NS = 2 * SECOND_NS  # for threads of a busy machine, beside what `everysec` promises
KINDS = ("units", "plain_keys", "plain_rows")  # of operations of an SQL writer


def now():
    return time.monotonic_ns()


class Moments:
    """When each of a row of operations was sent and answered; the n-th is known by its index. Of those
    that were sent the last may have no answer."""

    def __init__(self):
        self.sent, self.answered = [], []

    def before(self, moment):
        """How many were answered before it."""
        return bisect.bisect_left(self.answered, moment)

    def cut(self, count):
        """So many have happened, as somebody has seen who looked just now; the others never will."""
        del self.sent[count:], self.answered[count:]
        self.answered += [now()] * (count - len(self.answered))


class KeyRecord:
    """The database of one writer of keys. states: [({key: value as history.py has it}, what it has added
    to the shared counter)], before its first operation of the round and after each; moments: of
    these operations."""

    def __init__(self, db, states, moments):
        self.db, self.states, self.moments = db, states, moments

    def find(self, found, since):
        """The first and the last index of a state that is like it and has what was answered before
        `since`."""
        least = self.moments.before(since)
        fitting = [i for i in range(least, len(self.states)) if history.matches(self.states[i][0], found)]
        if fitting:
            return fitting[0], fitting[-1]
        earlier = [i for i in range(least) if history.matches(self.states[i][0], found)]
        if earlier:
            raise Failure("database %d: %d operations of the round must be there, %d are" % (
                self.db, least, earlier[-1]))
        nearest = min(range(len(self.states)), key=lambda i: history.unlike(self.states[i][0], found))
        raise Failure("database %d is no state of its writer (%d operations must be there, %d were sent); "
                      "nearest, after %d:\n%s" % (
                          self.db, least, len(self.states) - 1, nearest,
                          history.differences(self.states[nearest][0], found)))


class SqlRecord(sql_atomic.Writer):
    """One SQL writer. base: {kind: how many operations of it were there before the round}; moments:
    {kind: Moments} of the round; prepared: when its tables had been made."""

    def __init__(self, number, base, moments, prepared):
        super().__init__(number, None)
        self.base, self.moments, self.prepared = base, moments, prepared

    def judge(self, conn, cut, since):
        """{kind: how many are there}, by the commands of a restarted server."""
        if cut <= self.prepared and not any(self.base.values()):
            return dict(self.base)  # there may be no tables yet
        self.limits = {"units": cut, "plain_keys": since, "plain_rows": cut}
        self.found = {}
        self.check(conn, True)
        return self.found

    def settle(self, what, found, text, keeps):
        moments = self.moments[what]
        least = self.base[what] + moments.before(self.limits[what])
        most = self.base[what] + len(moments.sent)
        if not least <= found <= most:
            raise Failure("SQL writer %d: %d %s, but %d were answered and %d sent: %s" % (
                self.number, found, what, least, most, text))
        self.found[what] = found


class Life:
    """From a start of the server to its end, and what its helpers learned. began: when it answered."""

    def __init__(self, mode, began):
        self.mode, self.began, self.ended = mode, began, None
        # (sent, answered): what was answered before the one is safe after the other. What was
        # recovered is safe once the server answers.
        self.promises = [(began, began)]
        self.backups = []  # the same: the newest backup has it
        self.seen = []     # (when, total): somebody was told

    def safe_since(self, cut, longest_sync):
        """What was answered before this, and in this life, must be there after a cut. longest_sync: in
        ns, what `everysec` may be late."""
        if cut <= self.began:
            return 0
        if self.mode.get("appendfsync") == "always":
            return min(cut, self.ended)
        since = max([s for s, a in self.promises if a < cut], default=0)
        if self.mode.get("appendfsync") == "everysec":
            since = max(since, min(cut, self.ended) - SECOND_NS - GRACE_NS - longest_sync)
        return since


class Knowledge:
    """All that clients know of a round: its lives, and the records of its writers."""

    def __init__(self, lives, keys, sqls, made, old_backups):
        self.lives, self.keys, self.sqls = lives, keys, sqls
        self.made = made                # before that there may be no database yet
        self.old_backups = old_backups  # names of those that earlier rounds made
        self.mode = lives[-1].mode
        self.backups = [b for life in lives for b in life.backups]
        self.promises = [
            (s, a) for sql in sqls for kind in ("units", "plain_rows")
            for s, a in zip(sql.moments[kind].sent, sql.moments[kind].answered)]

    def safe_since(self, cut, longest_sync):
        """All that was answered before this must be there."""
        return max([life.safe_since(cut, longest_sync) for life in self.lives]
                   + [s for s, a in self.promises if a < cut])

    def backed_up(self, cut):
        """The same, of what the newest backup must have; None: there may be no backup."""
        return max([s for s, a in self.backups if a < cut], default=None)

    def total_seen(self, cut):
        """What the shared counter must be at least: somebody was told so in `always`."""
        return max([value for life in self.lives if life.mode.get("appendfsync") == "always"
                    for when, value in life.seen if when < cut], default=0)


def check_order(order):
    """No operation is there without those that were answered before it was sent. order: (whose,
    moments, how many are there at least, and at most)."""
    last_sent = max(((m.sent[first - 1], whose) for whose, m, first, _ in order if first > 0), default=None)
    for whose, moments, _, last in order:
        if last_sent and last < len(moments.answered) and moments.answered[last] < last_sent[0]:
            raise Failure("no prefix: operation %d of %s is missing, but one of %s is there that was sent later" % (
                last + 1, whose, last_sent[1]))
