#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pulls the plug on the whole server, at any moment, and checks what each disk then holds.

    tests/crash/power_cut.py --ours PATH [--rounds N] [--disks N] [--seed N] [--keep]
    tests/crash/power_cut.py --ours PATH --again DIR

In each round the server runs under recorder.c, which writes down every change of its files, while
clients write (strings, collections, SQL, MULTI with both), look, ask for backups and for promises
(WAITAOF, SAVE). From the log disk_image.py makes many disks that a power cut could have left at
many moments of it: of what no completed sync had covered, any sectors are there and any are not. On
each of them the real server is started. What must hold:

  - it starts, restores nothing, and `rubellite check` finds nothing;
  - each writer's database is its state after one of its operations, and no operation is there
    without those that were answered before it was sent, whoever sent them;
  - what was answered before the cut is there: in `always` all; in the other modes all that was
    answered before a WAITAOF, SAVE or SQL write was sent that was answered before the cut, and in
    `everysec` what is older than a second and the longest sync;
  - in `always` nobody was told of anything that is not there;
  - transactions with keys and SQL are whole, SQLite's integrity check is content, the tables are
    what memory is, and a backup that has its name is whole.

The next round goes on with one of the disks, so power fails during recovery too. A disk that fails
is kept with --keep, with all that --again needs to make and check it once more.
"""

import argparse
import os
import pickle
import random
import shutil
import sys
import tempfile
import time

import disk_image
import history
import power_rounds
import process
import recorded
from crash import Failure
from power_judge import Judge


def again(options):
    """Makes the disk of a kept failure once more and judges it."""
    with open(os.path.join(options.again, "known"), "rb") as file:
        known = pickle.load(file)
    work = tempfile.mkdtemp(prefix="rubellite-power-")
    records = recorded.read_log(os.path.join(options.again, "trace"))
    disk = disk_image.Disk(known["top"], os.path.join(options.again, "start"))
    disk.know(known["numbers"])
    disk.advance(records, known["at"])
    path = os.path.join(work, "disk")
    os.mkdir(path)
    rng = random.Random(known["seed"])
    print("the cut: before record %d, %s" % (known["at"], recorded.describe(records, known["at"])))
    print("the disk: %s" % disk.image(path, rng))
    judge = Judge(options.ours, os.path.join(os.path.dirname(options.ours), "rubellite"), work)
    try:
        judge.judge(path, known["knowledge"], known["when"], known["longest"], rng)
    except (Failure, process.StartError, process.Gone, history.Unexpected) as error:
        print("FAILED: %s\n%s\nthe disk is in %s" % (error, judge.server.log() if judge.server else "", path))
        return 1
    shutil.rmtree(work)
    print("passed")
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=process.long_rounds(20))
    parser.add_argument("--disks", type=int, default=20, help="disks of each round")
    parser.add_argument("--cuts", type=int, default=20, help="moments of each round")
    parser.add_argument("--ours", help="the server (default: RUBELLITE_SERVER)")
    process.add_library(parser, "recorder")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep what --again needs of a disk that fails")
    parser.add_argument("--again", metavar="DIR", help="check the disk of a kept failure once more")
    options = parser.parse_args()
    options.ours = os.path.abspath(process.find_server(options.ours))
    if not options.again:
        options.recorder = process.find_library(options, "recorder")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    return options


def main():
    options = parse()
    if options.again:
        return again(options)
    print("power_cut: %d rounds, seed %d" % (options.rounds, options.seed), flush=True)
    rounds, began, number = power_rounds.Rounds(options), time.monotonic(), 0
    try:
        for number in range(1, options.rounds + 1):
            print("round %3d: %s" % (number, rounds.run()), flush=True)
    except (Failure, history.Unexpected, recorded.LogError, process.StartError,
            process.Gone) as error:
        process.report("power_cut: FAILED in round %d, seed %d: %s" % (number, options.seed, error))
        for server in (rounds.server, rounds.judge.server):
            if server:
                print("---- the log of %s ends with ----\n%s" % (server.log_path, server.log()))
        print("kept: %s" % rounds.keep() if options.keep else "--keep keeps what is needed to look closer")
        rounds.end(options.keep)
        return 1
    except BaseException:
        rounds.end(False)
        raise
    rounds.end(False)
    process.report("power_cut: %d rounds in %.0f s, seed %d: %d operations answered; %d disks, and %d backups on "
                   "them, are as promised" % (options.rounds, time.monotonic() - began, options.seed,
                                              rounds.answered, rounds.judge.checked, rounds.judge.backups))
    return 0


if __name__ == "__main__":
    sys.exit(main())
