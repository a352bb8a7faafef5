#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real clients against our server: each must work unchanged.

  tests/clients/run.py --ours build/rubellite-server [--only GROUP] [--verbose]

Prints a line for each check; the last line is "N passed, N failed, N skipped". A client that is not
on this machine is skipped, and said.
"""

import argparse
import sys

import benchmark
import cli
import exporter
import guests
import operation
import play
from report import Report
from server import Server, find_server

GROUPS = {"redis-cli": cli.run, "redis-benchmark": benchmark.run, "python": guests.run_python,
          "node": guests.run_node, "exporter": exporter.run, "play": play.run,
          "operation": operation.run}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--ours", help="the server; or RUBELLITE_SERVER in the environment")
    parser.add_argument("--only", choices=GROUPS, action="append", help="only this group")
    parser.add_argument("--verbose", action="store_true", help="say where a check failed")
    options = parser.parse_args()
    binary = find_server(options.ours)
    report = Report(options.verbose)
    for name, group in GROUPS.items():
        if options.only and name not in options.only:
            continue
        server = Server(binary)
        try:
            group(report, server)
            with report.check("%s: the server ends cleanly afterwards" % name):
                code = server.stop()
                assert code == 0, "exit code %s, its log ends\n%s" % (code, server.log())
        finally:
            server.remove()
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
