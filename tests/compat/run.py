#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The compat test: the same commands to our server and to redis-server, and the same replies.

    tests/compat/run.py                               everything, with build/rubellite-server
    tests/compat/run.py --family strings --case lcs   only cases whose name holds "lcs"
    tests/compat/run.py --ops 200000 --seed 7         a longer random sequence
    tests/compat/run.py --ours redis-server           redis-server against itself, checks the test

It starts both servers on free ports of 127.0.0.1, each with a directory of its own, and stops
them at the end. The last line is `N passed, N failed`; the exit code is 1 when something failed.
"""

import argparse
import importlib
import os
import pkgutil
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import cases  # noqa: E402
import differences  # noqa: E402
import engine  # noqa: E402
import groups  # noqa: E402
import resp  # noqa: E402
import sequence  # noqa: E402
import servers  # noqa: E402
from case import CASES  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", default=os.path.join(ROOT, "build", "rubellite-server"),
                        help="our server (default: build/rubellite-server)")
    parser.add_argument("--redis", default="redis-server", help="the server to compare with")
    parser.add_argument("--family", action="append", help="only this family (may be repeated)")
    parser.add_argument("--case", help="only cases whose name holds this text")
    parser.add_argument("--proto", type=int, choices=(2, 3), help="only this protocol")
    parser.add_argument("--ops", type=int, default=10000,
                        help="operations of the random sequence in each protocol; 0 leaves it out")
    parser.add_argument("--seed", type=int, help="seed of the random sequence")
    parser.add_argument("--show", type=int, default=40, help="failures shown per family")
    parser.add_argument("--list", action="store_true", help="list families and cases, run nothing")
    args = parser.parse_args()
    if os.sep in args.ours:  # servers start in directories of their own
        args.ours = os.path.abspath(args.ours)
    return args


def load_cases():
    for module in sorted(m.name for m in pkgutil.iter_modules(cases.__path__)):
        importlib.import_module("cases." + module)


def chosen(args):
    """Cases by group of servers, in the order of the families."""
    by_group = {}
    for name, members in CASES.items():
        if args.family and name not in args.family:
            continue
        for case in members:
            if args.case and args.case not in case.name:
                continue
            by_group.setdefault(case.group, []).append(case)
    return by_group


def is_real(pair):
    """Whether `ours` is Rubellite; a redis-server in its place has no deliberate differences."""
    conn = servers.Connection(pair.servers[0].port)
    try:
        conn.call("AUTH", groups.PASSWORD)
        return b"rubellite_version:" in resp.text_of(conn.call("INFO", "server"))
    finally:
        conn.close()


def run_group(name, members, args, stats):
    group = groups.TABLE[name]
    try:
        pair = servers.Pair(args.ours, args.redis, group.directives, group.config)
    except (servers.StartError, OSError) as wrong:
        stats.add("start", False, "group %s\n  %s" % (name, wrong))
        return None
    try:
        real = is_real(pair)
        runner = engine.Runner(pair, group, stats, real)
        for case in members:
            for proto in case.protocols:
                if args.proto in (None, proto):
                    run_case(runner, case, proto, stats)
                if not all(server.alive() for server in pair.servers):
                    stats.add(case.family, False, "%s: %s is gone; the rest of group %s is left out"
                              % (case.name, [s.kind for s in pair.servers if not s.alive()], name))
                    return real
        if name == "default" and args.ops and (not args.family or "sequence" in args.family):
            seed = args.seed if args.seed is not None else random.randrange(1 << 32)
            for proto in (2, 3):
                if args.proto in (None, proto):
                    sequence.run(runner, proto, args.ops, seed, stats)
        return real
    finally:
        pair.stop()


def run_case(runner, case, proto, stats):
    try:
        runner.run(case, proto)
    except (servers.Closed, servers.NoReply, servers.StartError, OSError, resp.Malformed,
            TypeError, ValueError) as wrong:
        stats.add(case.family, False, "%s, RESP%d\n  could not go on: %s: %s"
                  % (case.name, proto, type(wrong).__name__, wrong))


def check_document(stats):
    """Every deliberate difference stands in the document for users."""
    path = os.path.join(ROOT, "docs", "compatibility.md")
    with open(path, encoding="utf-8") as source:
        text = " ".join(source.read().split())
    for name, known in differences.TABLE.items():
        stats.add("document", " ".join(known.title.split()) in text,
                  "docs/compatibility.md does not have the title of %r: %s" % (name, known.title))


def main():
    args = options()
    load_cases()
    if args.list:
        for name, members in CASES.items():
            for case in members:
                print("%-14s %s" % (name, case.name))
        return 0
    started = time.monotonic()
    stats = engine.Stats(args.show)
    by_group = chosen(args)
    by_group.setdefault("default", [])
    real = None
    for name in sorted(by_group, key=lambda n: n != "default"):
        real = run_group(name, by_group[name], args, stats)
    whole = not (args.family or args.case or args.proto)
    if whole:
        check_document(stats)
    if whole and real:
        for name in sorted(set(differences.TABLE) - stats.used):
            stats.add("document", False, "deliberate difference %r was met by no case" % name)
    print("%-14s %8s %8s" % ("family", "passed", "failed"))
    for name in list(stats.passed):
        print("%-14s %8d %8d" % (name, stats.passed[name], stats.failed[name]))
    if real is False:
        print("note: %s is not Rubellite; no deliberate difference was applied" % args.ours)
    print("%.1f s" % (time.monotonic() - started))
    passed, failed = sum(stats.passed.values()), sum(stats.failed.values())
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
