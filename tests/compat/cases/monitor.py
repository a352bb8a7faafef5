# SPDX-License-Identifier: MIT
"""MONITOR: the form of its lines, and what it does and does not show."""

import normalise
import resp
import servers
from case import family

case = family("monitor")

SHOWN = [
    "PING", "SET k v", "get k", "GeT k", "SET \"a b\" \"c\\x00\\x01\\xff\"", "SET q \"say \\\"hi\\\" \\\\ it's\"",
    "ECHO \"\\n\\r\\t\\a\\b\\x1b\\x7f\"", "ECHO \"\"", "ECHO " + "x" * 300, "ECHO caf\xe9", "DEL a b c", "GET",
    "SELECT 3", "GET k", "SELECT 0", "NOSUCH a", "CLIENT GETNAME", "CLIENT WHAT", "OBJECT ENCODING missing", "TIME",
    "INCR k", "SETEX s 100 v", "EXPIRE s 200", "GETEX s EX 300", "MSET a 1 b 2", "COMMAND COUNT", "AUTH x",
    "HELLO", "HELLO 2 SETNAME x", "INFO server", "CONFIG GET port", "SLOWLOG LEN",
    "DEBUG SLEEP 0", "RESET", "CLIENT SETNAME me", "EXISTS k",
]


SESSIONS = {
    "lines": [("a", line) for line in SHOWN],
    "transactions": [("a", line) for line in (
        "MULTI", "SET a 1", "GET a", "NOSUCH", "DISCARD", "MULTI", "SET a 2", "GET a", "EXEC", "EXEC", "WATCH a",
        "UNWATCH", "MULTI", "SELECT 3", "INCR k", "INCR k x", "EXEC", "MULTI", "EXEC", "MULTI", "INCR k",
        "SET k abc", "INCR k", "SELECT 0", "EXEC", "MULTI", "CONFIG GET port", "CLIENT ID", "EXEC")],
    "several connections and databases": [
        ("a", "SET k v"), ("b", "SELECT 7"), ("b", "SET k v"), ("a", "GET k"), ("b", "SWAPDB 0 7"),
        ("b", "MULTI"), ("a", "SET k w"), ("b", "SET k x"), ("a", "GET k"), ("b", "EXEC"), ("b", "RESET"),
        ("a", "MONITOR x"), ("b", "CLIENT REPLY ON"), ("b", "GET k")],
}


def watched(server, proto, session):
    """For each command of a session the lines that a monitor gets for it."""
    conns = {name: servers.Connection(server.port) for name in "abxm"}
    for conn in conns.values():
        conn.call("HELLO", proto)
    started = conns["m"].call("MONITOR")
    seen = [started]
    for number, (name, line) in enumerate(session):
        mark = b"mark:%d" % number
        conns[name].send(resp.request(resp.split(line)))
        conns[name].read()
        conns["x"].call("EXISTS", mark)
        lines = []
        while not lines or mark not in lines[-1][1]:
            lines.append(normalise.monitor(conns["m"].read()[1]))
        seen.append((line, lines[:-1]))
    for conn in conns.values():
        conn.close()
    return seen


def session_case(title, session):
    @case.function(title)
    def compare(runner, proto, check):
        sides = [watched(server, proto, session) for server in runner.pair.servers]
        for ours, redis in zip(*sides):
            check("what a monitor sees of %r" % (redis[0],), ours, redis)


for name, lines in SESSIONS.items():
    session_case(name, lines)

case("MONITOR: arity, in a transaction, and its end", """
MONITOR x
MULTI
MONITOR
EXEC
@m MONITOR
@m RESET
@m PING
PING
@n MONITOR
@n QUIT ## close
PING
""")
case("a monitor's own commands; MONITOR again is not answered", """
MONITOR
MONITOR ## none
PING
< ## monitor
ECHO x
< ## monitor
@b PING
< ## monitor
@b RESET
< ## monitor
RESET
PING
""", hello=False)
