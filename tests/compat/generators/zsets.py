# SPDX-License-Identifier: MIT
"""Sorted sets. Scores are halves and quarters, which every version prints alike."""

from . import Commands
from .words import COUNTS, ZSET, counted, keys_of, many, one, sane, scan, some

TABLE = Commands()
SCORES = [b"0", b"1", b"1", b"2", b"2", b"3", b"-1", b"0.5", b"-2.25", b"10", b"inf", b"-inf", b"+inf", b"1e2"]
BAD = [b"nan", b"x", b"", b"1.5x"]
LOW = [b"-inf", b"-inf", b"0", b"(0", b"-1", b"(-2.25", b"(1", b"1", b"(-inf"]
HIGH = [b"+inf", b"inf", b"1", b"2", b"(2", b"3", b"10", b"(inf", b"0"]
BAD_BOUNDS = [b"x", b"(x", b"(", b"nan"]
LEX_LOW = [b"-", b"-", b"[a", b"(a", b"[1", b"(1", b"[", b"("]
LEX_HIGH = [b"+", b"+", b"[b", b"(b", b"[c", b"[3", b"(c"]
BAD_LEX = [b"a", b"", b"*"]
RANKS = [b"0", b"0", b"1", b"2", b"3", b"-1", b"-1", b"-2", b"-3", b"50"] * 3 + [b"-50", b"x"]
SHORT = b"0.001"    # seconds; long enough to have blocked


def _two(g, low, high, bad):
    """Bounds of a range, now and then in the wrong order or wrong altogether."""
    both = [sane(g, low, bad), sane(g, high, bad)]
    return both[::-1] if g.random.random() < 0.2 else both


def _bounds(g):
    return _two(g, LOW, HIGH, BAD_BOUNDS)


def _lex_bounds(g):
    return _two(g, LEX_LOW, LEX_HIGH, BAD_LEX)


def _rank_bounds(g):
    return [g.pick(RANKS), g.pick(RANKS)]


def _score(g):
    return sane(g, SCORES, BAD)


def _key(g):
    return [g.key(ZSET)]


@TABLE.command("ZADD", 14)
def zadd(g):
    """Often one score for all, so that ranges by name have a meaning."""
    args = [g.key(ZSET)]
    if g.random.random() < 0.4:
        args += g.random.sample((b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"), g.random.randint(1, 2))
    members = many(g) if g.random.random() < 0.01 else some(g, most=6)
    if b"INCR" in args and g.random.random() < 0.9:
        members = members[:1]
    same = b"0" if g.random.random() < 0.5 else None
    return args + [word for member in members for word in (same or _score(g), member)]


TABLE.several({"ZINCRBY": 3}, lambda g: [g.key(ZSET), _score(g), one(g)])
TABLE.several({"ZREM": 3, "ZMSCORE": 2}, lambda g: [g.key(ZSET)] + some(g))
TABLE.several({"ZCARD": 1}, _key)
TABLE.several({"ZSCORE": 2, "ZRANK": 2, "ZREVRANK": 2}, lambda g: [g.key(ZSET), one(g)])
TABLE.several({"ZCOUNT": 2, "ZREMRANGEBYSCORE": 1}, lambda g: [g.key(ZSET)] + _bounds(g))
TABLE.several({"ZLEXCOUNT": 2, "ZREMRANGEBYLEX": 1}, lambda g: [g.key(ZSET)] + _lex_bounds(g), queued=False)
TABLE.several({"ZREMRANGEBYRANK": 1}, lambda g: [g.key(ZSET)] + _rank_bounds(g))
TABLE.several({"ZPOPMIN": 2, "ZPOPMAX": 2}, lambda g: _key(g) + g.pick(([], [g.pick(COUNTS)])))
TABLE.several({"BZPOPMIN": 0.5, "BZPOPMAX": 0.5}, lambda g: keys_of(g, ZSET) + [SHORT])
TABLE.several({"ZSCAN": 1}, lambda g: [g.key(ZSET)] + scan(g))


def _limit(g):
    return [b"LIMIT", sane(g, (b"0", b"0", b"1", b"2"), (b"-1", b"x")), g.pick((b"0", b"1", b"2", b"10", b"-1"))]


def _scores(g, chance=0.4):
    return [b"WITHSCORES"] if g.random.random() < chance else []


TABLE.several({"ZREVRANGE": 1}, lambda g: [g.key(ZSET)] + _rank_bounds(g) + _scores(g))


def _by_score(g):
    args = [g.key(ZSET)] + _bounds(g) + _scores(g)
    return args + (_limit(g) if g.random.random() < 0.4 else [])


def _by_lex(g):
    args = [g.key(ZSET)] + _lex_bounds(g)
    return args + (_limit(g) if g.random.random() < 0.4 else [])


TABLE.several({"ZRANGEBYSCORE": 2, "ZREVRANGEBYSCORE": 2}, _by_score)
TABLE.several({"ZRANGEBYLEX": 1, "ZREVRANGEBYLEX": 1}, _by_lex, queued=False)


def _range(g):
    """The bounds and options of ZRANGE and ZRANGESTORE, but for WITHSCORES."""
    kind = g.pick(([], [], [b"BYSCORE"], [b"BYSCORE"], [b"BYLEX"]) if not g.inside else ([], [b"BYSCORE"]))
    bounds = {b"BYSCORE": _bounds, b"BYLEX": _lex_bounds}.get(kind[0] if kind else None, _rank_bounds)
    args = bounds(g) + kind
    if g.random.random() < 0.3:
        args.append(b"REV")
    return args + (_limit(g) if g.random.random() < (0.4 if kind else 0.03) else [])


TABLE.several({"ZRANGE": 5}, lambda g: [g.key(ZSET)] + _range(g) + _scores(g))
TABLE.several({"ZRANGESTORE": 3}, lambda g: [g.key(ZSET), g.key(ZSET)] + _range(g) + _scores(g, 0.02))


def _combined(g, weights=True):
    """Keys, WEIGHTS and AGGREGATE; sets are as good as sorted sets here."""
    keys = [g.key(g.pick((ZSET, ZSET, ZSET, "set"))) for _ in range(g.random.randint(1, 3))]
    args = counted(g, keys)
    if weights and g.random.random() < 0.4:
        args += [b"WEIGHTS"] + [g.pick((b"1", b"2", b"-1", b"0", b"0.5", b"inf")) for _ in keys]
        if g.random.random() < 0.03:
            args.append(b"x")
    if weights and g.random.random() < 0.4:
        args += [b"AGGREGATE", sane(g, (b"SUM", b"MIN", b"MAX", b"max"), [b"MEAN"])]
    return args


TABLE.several({"ZUNION": 2, "ZINTER": 2}, lambda g: _combined(g) + _scores(g))
TABLE.several({"ZDIFF": 2}, lambda g: _combined(g, weights=False) + _scores(g))
TABLE.several({"ZUNIONSTORE": 2, "ZINTERSTORE": 2}, lambda g: [g.key(ZSET)] + _combined(g))
TABLE.several({"ZDIFFSTORE": 2}, lambda g: [g.key(ZSET)] + _combined(g, weights=False))
TABLE.several({"ZINTERCARD": 2}, lambda g: _combined(g, weights=False) + g.pick(([], [b"LIMIT", g.pick(COUNTS)])))


def _mpop(g):
    args = counted(g, keys_of(g, ZSET)) + [sane(g, (b"MIN", b"MAX", b"min"), [b"MEDIAN"])]
    return args + ([b"COUNT", g.pick(COUNTS)] if g.random.random() < 0.5 else [])


TABLE.several({"ZMPOP": 2}, _mpop)
TABLE.several({"BZMPOP": 0.5}, lambda g: [SHORT] + _mpop(g))


@TABLE.command("ZRANDMEMBER", 2, queued=False)
def zrandmember(g):
    return [g.key(ZSET)] + g.pick(([], [g.pick(COUNTS)], [g.pick(COUNTS), b"WITHSCORES"], [b"-7"],
                                   [b"-7", b"WITHSCORES"], [b"2", b"NOSUCH"]))
