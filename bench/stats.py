# SPDX-License-Identifier: MIT
"""The arithmetic of the benchmarks: medians over rounds, ratios with their spread, percentiles.

Nothing here runs or reads anything, so that tests/bench can check it with numbers.
"""

import math
import statistics

NOT_NUMBERS = ("settled", "seconds")


def medians(rounds):
    """The median of each number over the rounds; None where a round does not know it."""
    fields = [field for field in rounds[0] if field not in NOT_NUMBERS]
    return {f: None if any(r[f] is None for r in rounds)
            else statistics.median(r[f] for r in rounds) for f in fields}


def compared(ours, theirs):
    """Ours divided by theirs: of the medians, and for the lowest and the highest round (each of
    ours against theirs of the same number). Empty where theirs is zero or unknown."""
    pairs = [o / t for o, t in zip(ours, theirs) if o is not None and t]
    middle = statistics.median(theirs) if theirs and None not in theirs else 0
    if not pairs or not middle:
        return {}
    return {"ratio": statistics.median(ours) / middle, "min": min(pairs), "max": max(pairs)}


def percentile(values, share):
    """The smallest of the values that at least `share` (0..1) of all are at or below."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1]


def aim(what, sense, wanted, value):
    met = value >= wanted if sense == ">=" else value <= wanted
    return {"what": what, "sense": sense, "aim": wanted, "value": value, "met": met}


def load_row(facts, rounds, aims):
    """The row of one kind of request. rounds: {"ours": [...], "redis": [...], other servers};
    aims: (what is aimed at, ">=" or "<=", the number, "rate" or "cpu")."""
    of = {side: [r["rps"] for r in every] for side, every in rounds.items()}
    cpu = {side: [r["cpu_us"] for r in every] for side, every in rounds.items()}
    sides = {side: dict(medians(every), rounds=every) for side, every in rounds.items()}
    others = {side: dict(sides.pop(side), rate=compared(of["ours"], of[side]),
                         cpu=compared(cpu["ours"], cpu[side]))
              for side in rounds if side not in ("ours", "redis")}
    row = dict(facts, kind="load", **sides, rate=compared(of["ours"], of["redis"]),
               cpu=compared(cpu["ours"], cpu["redis"]), others=others,
               other_work=max(side["other_work"] for side in [*sides.values(), *others.values()]))
    row["aims"] = [aim(what, sense, wanted, row[field]["ratio"])
                   for what, sense, wanted, field in aims if row[field]]
    return row


def amount_row(name, unit, digits, values, wanted, settled=True):
    """The row of one number per server. values: {side: [one for each round]}; wanted: (what, most)
    or None; settled: whether servers were at rest where they had to be."""
    sides = {s: {"value": statistics.median(v), "rounds": v} for s, v in values.items()}
    row = {"name": name, "kind": "amount", "unit": unit, "digits": digits, "settled": settled,
           "ours": sides["ours"], "redis": sides["redis"],
           "others": {s: v for s, v in sides.items() if s not in ("ours", "redis")},
           "amount": compared(values["ours"], values["redis"])}
    row["aims"] = [aim(wanted[0], "<=", wanted[1], row["amount"]["ratio"])] \
        if wanted and row["amount"] else []
    return row


def rounded(value, digits=6):
    """The same with every fraction cut to so many significant digits, to keep files small."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v, digits) for v in value]
    return value
