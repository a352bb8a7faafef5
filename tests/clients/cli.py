# SPDX-License-Identifier: MIT
"""redis-cli, as people and scripts use it."""

import re
import shutil
import subprocess

from report import Skip, expect, expect_not, same
from terminal import Terminal

SECONDS = 60


class Cli:
    """redis-cli against one server."""

    def __init__(self, server):
        self.server = server
        self.program = shutil.which("redis-cli")

    def args(self, *options):
        return [self.program, "-p", str(self.server.port), *options]

    def run(self, *options, stdin=None):
        """Runs to the end; the result has .stdout, .stderr (bytes as text) and .returncode."""
        return subprocess.run(
            self.args(*options), input=stdin, capture_output=True, timeout=SECONDS, check=False,
            encoding="latin-1")

    def text(self, *options, stdin=None):
        """The standard output, without the last line break."""
        return self.run(*options, stdin=stdin).stdout.rstrip("\n")

    def terminal(self, *options):
        return Terminal(self.args(*options), {"REDISCLI_HISTFILE": "/dev/null"})

    def prompt(self, extra=""):
        return re.escape("127.0.0.1:%d%s> " % (self.server.port, extra))


def interactive(report, cli):
    """Somebody types into redis-cli."""
    with report.check("redis-cli: prompt, command, reply"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.line("set user:1 'Ada L.' EX 3600", r"\nOK\r")
        t.line("get user:1", r'\n"Ada L\."\r')
        t.line("incr visits", r"\n\(integer\) 1\r")
        t.line("get nothing", r"\n\(nil\)\r")
        t.line("incr user:1", r"\n\(error\) ERR value is not an integer or out of range")
        t.line("mget user:1 nothing", r'\n1\) "Ada L\."\r\n2\) \(nil\)\r')
        t.line("set half 'unbalanced", r"Invalid argument\(s\)")
    with report.check("redis-cli: hints come from COMMAND DOCS"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.type("set ")
        t.wait_for(r"set key value .*\[[A-Z]")
        expect(t.output, "NX", "XX", "EX seconds", "KEEPTTL")
        t.type("k v ")
        t.wait_for(r"k v \[")
    with report.check("redis-cli: Tab completes, also what is no command"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.type("getr\t")
        t.wait_for(r"GETRANGE key start end")
        t.type(" user:1 0 2\r")
        t.wait_for(r'\n"Ada"\r')
        t.mark()
        t.type("zzz\t\t\x15")
        t.line("ping", r"\nPONG\r")
    with report.check("redis-cli: help COMMAND and help @group"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.line("help getex", r"(?s)GETEX key .*summary: \S.*since: 6\.2\.0.*group: string")
        t.line("help @transactions", r"(?s)MULTI.*summary:")
        t.line("help config set", r"(?s)CONFIG SET parameter value.*summary: \S")
    with report.check("redis-cli: MULTI shows (TX), DISCARD and EXEC end it"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.line("multi", r"OK\r\n" + cli.prompt(r"(TX)"))
        t.line("incr visits", r"QUEUED\r\n" + cli.prompt(r"(TX)"))
        t.line("exec", r"1\) \(integer\) 2\r\n" + cli.prompt())
        t.line("multi", cli.prompt(r"(TX)"))
        t.line("discard", r"OK\r\n" + cli.prompt())
        t.line("multi", cli.prompt(r"(TX)"))
        t.line("nosuch", r"\(error\) ERR unknown command")
        t.line("exec", r"EXECABORT")
    with report.check("redis-cli: SELECT shows in the prompt, repeat count works"), \
            cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.line("select 5", r"OK\r\n" + cli.prompt("[5]"))
        t.line("3 incr five", r"\(integer\) 3\r")
        t.line("select 99", r"\(error\) ERR DB index is out of range")
    with report.check("redis-cli -3: RESP3 replies are shown as such"), cli.terminal("-3") as t:
        t.wait_for(cli.prompt())
        t.line("hello", r'(?s)1# "server" => "redis".*"proto" => \(integer\) 3')
        t.line("config get port", r'1# "port" => "%d"' % cli.server.port)
        t.line("get nothing", r"\n\(nil\)\r")
    with report.check("redis-cli: MONITOR shows what others do"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.line("monitor", r"OK\r", "OK")
        cli.run("set", "seen by", "monitor")
        t.wait_for(r'\[0 127\.0\.0\.1:\d+\] "set" "seen by" "monitor"')
    with report.check("redis-cli: comes back by itself after kill -9"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.line("set kept 'through kill -9'", r"\nOK\r")
        cli.server.kill_and_restart()
        t.line("get kept", r"Error: Server closed the connection")  # as with redis-server
        t.line("get kept", r'"through kill -9"')


def modes(report, cli):
    """What redis-cli does with the output of other programs, and for others to read."""
    with report.check("redis-cli --pipe: protocol from standard input"):
        text = "".join("*3\r\n$3\r\nSET\r\n$%d\r\npipe:%d\r\n$4\r\n\xff\x00\r\n\r\n"
                       % (len("pipe:%d" % i), i) for i in range(5000))
        result = cli.run("--pipe", stdin=text)
        expect(result.stdout, "errors: 0, replies: 5000")
        same("exit code", result.returncode, 0)
        same("value", cli.server.call("GET", "pipe:4999"), b"\xff\x00\r\n")
    with report.check("redis-cli --pipe: errors are counted and shown"):
        result = cli.run("--pipe", stdin="INCR pipe:1\r\nPING\r\nNOSUCH\r\n")
        expect(result.stdout + result.stderr, "errors: 2, replies: 3")
    with report.check("redis-cli --scan: every key once, patterns"):
        keys = cli.text("--scan", "--pattern", "pipe:*").split("\n")
        same("keys", len(keys), 5000)
        same("different keys", len(set(keys)), 5000)
        keys = cli.text("--scan", "--pattern", "pipe:4?23").split("\n")
        same("some keys", sorted(keys), ["pipe:4%d23" % i for i in range(10)])
    with report.check("redis-cli -x and -X: the last argument from standard input"):
        same("-x", cli.text("-x", "set", "from stdin", stdin="a\x00b\n"), "OK")
        same("value", cli.server.call("GET", "from stdin"), b"a\x00b\n")
        same("-X", cli.text("-X", "tag", "set", "tagged", "tag", "EX", "60", stdin="t"), "OK")
        same("value", cli.server.call("GET", "tagged"), b"t")
    with report.check("redis-cli: commands from standard input, one a line"):
        same("replies", cli.text(stdin="set l 1\nincr l\nget l\n"), "OK\n2\n2")
    with report.check("redis-cli --csv, --json, --quoted-json, --no-raw"):
        same("csv", cli.text("--csv", "mget", "l", "nothing"), '"2",NULL')
        same("json", cli.text("--json", "mget", "l", "nothing"), '["2",null]')
        expect(cli.text("--quoted-json", "config", "get", "databases"), '{"databases":"16"}')
        same("no-raw", cli.text("--no-raw", "incr", "l"), "(integer) 3")
    with report.check("redis-cli -r -i, -n, -u, -e"):
        same("-r", cli.text("-r", "3", "-i", "0.01", "incr", "repeated"), "1\n2\n3")
        same("-n", cli.text("-n", "7", "set", "seven", "7"), "OK")
        same("-u", cli.run("-u", "redis://127.0.0.1:%d/7" % cli.server.port, "get", "seven")
             .stdout, "7\n")
        same("-e", cli.run("-e", "incr", "from stdin").returncode, 1)


def statistics(report, cli):
    """The modes that look at a running server."""
    with report.check("redis-cli --bigkeys"):
        out = cli.text("--bigkeys")
        expect(out, "Biggest string found", "-------- summary -------", "Sampled ")
        expect(out, "%d strings with" % int(cli.server.call("DBSIZE")), "(100.00% of keys")
    with report.check("redis-cli --memkeys"):
        expect(cli.text("--memkeys"), "Biggest string found", "strings with", " bytes")
    with report.check("redis-cli --hotkeys: says that no LFU policy is selected"):
        result = cli.run("--hotkeys")
        expect(result.stdout + result.stderr, "ERR An LFU maxmemory policy is not selected")
        same("exit code", result.returncode, 1)
    with report.check("redis-cli --stat: a line a second"), \
            cli.terminal("--stat", "-i", "0.1") as t:
        t.wait_for(r"keys +mem +clients +blocked +requests +connections")
        keys = int(cli.server.call("DBSIZE")) + 2  # and those in databases 5 and 7
        t.wait_for(r"\n%d +\d+\.\d+[MK] +\d+ +0 +\d+ \(\+0\) +\d+" % keys)
        t.wait_for(r"\(\+[1-9]\d*\)")
    with report.check("redis-cli --latency"), cli.terminal("--latency") as t:
        t.wait_for(r"min: \d+, max: \d+, avg: \d+\.\d+ \([1-9]\d+ samples\)")
    with report.check("redis-cli --latency-history"), \
            cli.terminal("--latency-history", "-i", "1") as t:
        t.wait_for(r"samples\) -- 1\.\d+ seconds range")
    with report.check("redis-cli --latency-dist"), cli.terminal("--latency-dist", "-i", "0.5") as t:
        t.wait_for(r"(?s)\.01 \.125 \.25 \.5 milliseconds.*From 0 to 100%.*\.-\*#123456789A")
    with report.check("redis-cli --intrinsic-latency 1"):
        expect(cli.text("--intrinsic-latency", "1"), "Max latency so far", "total runs")


def missing(report, cli):
    """What is not there must fail with words that say so, and at once."""
    def unknown(name, command, *options):
        with report.check("redis-cli %s: fails clearly" % name):
            if cli.server.knows(command):
                raise Skip("%s is there now: write a real check" % command)
            result = cli.run(*options)
            expect(result.stdout + result.stderr, "unknown command '%s'" % command)
    unknown("--rdb", "SYNC", "--rdb", cli.server.top + "/dump.rdb")
    unknown("--eval", "EVAL", "--eval", "/dev/null")
    unknown("--replica", "SYNC", "--replica")
    with report.check("redis-cli --cluster: fails clearly"):
        result = cli.run("--cluster", "check", "127.0.0.1:%d" % cli.server.port)
        expect(result.stdout + result.stderr, "not configured as a cluster node")
        same("exit code", result.returncode, 1)


def collections(report, cli):
    """Hashes, lists, sets and sorted sets as they are shown, and messages in a terminal."""
    with report.check("redis-cli: collections as people see them"), cli.terminal("-3") as t:
        t.wait_for(cli.prompt())
        t.line("hset a:hash name ada visits 3", r"\n\(integer\) 2\r")
        t.line("hgetall a:hash", r'\n1# "name" => "ada"\r\n2# "visits" => "3"')
        t.line("rpush a:list a b c", r"\n\(integer\) 3\r")
        t.line("lrange a:list 0 -1", r'\n1\) "a"\r\n2\) "b"\r\n3\) "c"')
        t.line("sadd a:set x", r"\n\(integer\) 1\r")
        t.line("smembers a:set", r'\n1~ "x"')
        t.line("zadd a:zset 1.5 a 2 b", r"\n\(integer\) 2\r")
        t.line("zrange a:zset 0 -1 withscores", r'\n1\) 1\) "a"\r\n +2\) \(double\) 1\.5\r\n2\) 1\) "b"')
        t.line("lpush a:hash x", r"\(error\) WRONGTYPE")
        t.line("help zrange", r"(?s)ZRANGE key start stop \[.*BYSCORE.*since: 1\.2\.0.*group: sorted-set")
    with report.check("redis-cli --bigkeys and --memkeys tell of every type"):
        cli.server.call("RPUSH", "longest list", *range(300))
        out = cli.text("--bigkeys")
        expect(out, "-------- summary -------", 'longest list"', "has 300 items")
        expect(out, "lists with", "hashs with", "zsets with")
        expect(cli.text("--memkeys"), "-------- summary -------")
    with report.check("redis-cli: subscribe in a terminal"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.type("psubscribe news:*\r")
        t.wait_for(r"Reading messages")
        t.wait_for(r'1\) "psubscribe"')
        same("receivers", cli.text("publish", "news:1", "hello"), "1")
        t.wait_for(r'1\) "pmessage"\r\n2\) "news:\*"\r\n3\) "news:1"\r\n4\) "hello"')
    with report.check("redis-cli: BLPOP waits until somebody pushes"), cli.terminal() as t:
        t.wait_for(cli.prompt())
        t.type("blpop queue 0\r")
        while "blocked_clients:1" not in cli.server.call("INFO", "clients").decode():
            pass
        same("length", cli.text("rpush", "queue", "job"), "1")
        t.wait_for(r'1\) "queue"\r\n2\) "job"')


def passwords(report, cli):
    """A server with a password, set and taken away while it runs."""
    with report.check("redis-cli -a, AUTH, REDISCLI_AUTH: passwords"):
        cli.server.call("CONFIG", "SET", "requirepass", "se cret")
        try:
            expect(cli.text("get", "l"), "NOAUTH Authentication required.")
            result = cli.run("-a", "wrong", "get", "l")
            expect(result.stderr, "AUTH failed: WRONGPASS invalid username-password pair")
            result = cli.run("-a", "se cret", "--no-auth-warning", "incr", "l")
            same("with -a", (result.stdout, result.stderr), ("4\n", ""))
            expect(cli.text("--user", "default", "--pass", "se cret", "-3", "hello"), "proto 3")
            with cli.terminal() as t:
                t.wait_for(cli.prompt())
                t.line("get l", "NOAUTH")
                t.line("auth 'se cret'", r"OK\r")
                t.line("get l", '"4"')
        finally:
            result = cli.run("-a", "se cret", "--no-auth-warning", "config", "set",
                             "requirepass", "")
        same("password removed", result.stdout, "OK\n")
        expect_not(cli.text("get", "l"), "NOAUTH")


def run(report, server):
    cli = Cli(server)
    if not cli.program:
        report.skip("redis-cli", "not installed (Debian: redis-tools)")
        return
    interactive(report, cli)
    modes(report, cli)
    statistics(report, cli)
    collections(report, cli)
    missing(report, cli)
    passwords(report, cli)
