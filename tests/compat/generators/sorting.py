# SPDX-License-Identifier: MIT
"""SORT and SORT_RO of lists, sets and sorted sets."""

from . import Commands
from .words import LIST, SET, ZSET

TABLE = Commands()
PATTERNS = [b"key:*", b"*", b"h:*->a", b"h*->1", b"none:*", b"*->*"]


def _sort(g):
    """With BY a pattern, ALPHA leaves the order of equal weights open: then nothing is limited or
    stored."""
    by = g.pick(([], [], [b"BY", g.pick(PATTERNS)], [b"BY", b"nosort"]))
    if g.inside and by == [b"BY", b"nosort"]:
        by = []
    loose = by and by[1] != b"nosort"
    alpha = g.random.random() < 0.4 and not (g.inside and loose)
    args = [g.key(g.pick((LIST, SET, ZSET)))] + by
    if g.random.random() < 0.4 and not (alpha and loose):
        args += [b"LIMIT", g.pick((b"0", b"1", b"-1", b"3")), g.pick((b"0", b"1", b"2", b"-1", b"100"))]
    for _ in range(g.pick((0, 0, 1, 2))):
        args += [b"GET", g.pick(PATTERNS + [b"h->", b"#", b"#"])]
    if g.random.random() < 0.4:
        args.append(g.pick((b"ASC", b"DESC")))
    if alpha:
        args.append(b"ALPHA")
    return args, alpha and loose


@TABLE.command("SORT", 5)
def sort(g):
    args, open_order = _sort(g)
    if g.random.random() < 0.3 and not open_order:
        args += [b"STORE", g.key(LIST)]
    return args


@TABLE.command("SORT_RO", 2)
def sort_ro(g):
    return _sort(g)[0]
