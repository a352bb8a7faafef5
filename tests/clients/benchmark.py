# SPDX-License-Identifier: MIT
"""redis-benchmark: its tests of what we have, and its options."""

import csv
import io
import shutil
import subprocess

from report import expect, expect_not, same

OURS = "ping_inline,ping_mbulk,set,get,incr,mset"
ROWS = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"]
REQUESTS = 20000
SECONDS = 120


def bench(server, *options, requests=REQUESTS):
    result = subprocess.run(
        ["redis-benchmark", "-p", str(server.port), "-n", str(requests), *options],
        capture_output=True, timeout=SECONDS, check=False, encoding="utf-8", errors="replace")
    expect_not(result.stdout + result.stderr, "Could not fetch")
    return result


def rows(result):
    """The --csv output as {test: requests per second}."""
    same("exit code", result.returncode, 0)
    expect_not(result.stderr, "Error")
    lines = list(csv.reader(io.StringIO(result.stdout)))
    same("first column", lines[0][0], "test")
    return {line[0]: float(line[1]) for line in lines[1:]}


def measured(result, wanted):
    found = rows(result)
    same("rows", sorted(found), sorted(wanted))
    assert all(rate > 0 for rate in found.values()), found


def calls(server, command):
    """How often the server ran a command, from INFO commandstats."""
    for line in server.call("INFO", "commandstats").decode().split("\r\n"):
        if line.startswith("cmdstat_%s:" % command):
            return int(line.split("calls=")[1].split(",")[0])
    return 0


def run(report, server):
    if not shutil.which("redis-benchmark"):
        report.skip("redis-benchmark", "not installed (Debian: redis-tools)")
        return
    with report.check("redis-benchmark -t %s --csv" % OURS):
        measured(bench(server, "-t", OURS, "--csv"), ROWS)
        for command in ("set", "get", "incr", "mset"):
            assert calls(server, command) >= REQUESTS, "%s ran too seldom" % command
    with report.check("redis-benchmark -P 16 --csv"):
        measured(bench(server, "-t", "set,get,incr,mset", "-P", "16", "--csv"), ROWS[2:])
    with report.check("redis-benchmark --threads 2"):
        measured(bench(server, "-t", "set,get", "--threads", "2", "--csv"), ["SET", "GET"])
    with report.check("redis-benchmark -3: RESP3"):
        measured(bench(server, "-t", "set,get", "-3", "--csv"), ["SET", "GET"])
    with report.check("redis-benchmark -r: random keys, all of them"):
        server.call("FLUSHALL")
        measured(bench(server, "-t", "set", "-r", "500", "-P", "8", "--csv"), ["SET"])
        same("keys", int(server.call("DBSIZE")), 500)
    with report.check("redis-benchmark -c 200 -d 3000 -k 0: new connections, larger values"):
        measured(bench(server, "-t", "set,get", "-c", "200", "-d", "3000", "-k", "0", "--csv",
                       requests=2000), ["SET", "GET"])
        same("length", int(server.call("STRLEN", "key:__rand_int__")), 3000)
    with report.check("redis-benchmark: a command of one's own, to one database"):
        bench(server, "-q", "--dbnum", "3", "-r", "10", "SET", "own:__rand_int__", "x", "EX", "60")
        expect(server.call("INFO", "keyspace").decode(), "db3:keys=10,expires=10")
    with report.check("redis-benchmark: the report people read"):
        result = bench(server, "-t", "get")
        expect(result.stdout, "====== GET ======", "%d requests completed in" % REQUESTS,
               "host configuration \"appendonly\": yes", "Latency by percentile distribution:",
               "Summary:", "throughput summary:")
    with report.check("redis-benchmark: its whole list"):
        found = rows(bench(server, "--csv", requests=2000))
        assert len(found) >= 19 and all(rate > 0 for rate in found.values()), found
        for command in ("lpush", "rpop", "sadd", "hset", "spop", "zadd", "zpopmin", "lrange"):
            assert calls(server, command) >= 2000, "%s ran too seldom" % command
    with report.check("redis-benchmark -a: with a password"):
        server.call("CONFIG", "SET", "requirepass", "secret")
        measured(bench(server, "-a", "secret", "-t", "get", "--csv"), ["GET"])
        result = bench(server, "-t", "get", "-q", requests=10)
        expect(result.stdout + result.stderr, "NOAUTH Authentication required.")
