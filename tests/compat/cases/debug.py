# SPDX-License-Identifier: MIT
"""DEBUG: what tools and tests use, and that it is off unless enabled."""

import normalise
import servers
from case import family

case = family("debug")

case("DEBUG: off unless enabled", """
DEBUG SLEEP 0
DEBUG
DEBUG HELP
DEBUG OBJECT k
DEBUG WHAT
debug set-active-expire 1
MULTI
DEBUG SLEEP 0
EXEC
CONFIG GET enable-debug-command
CONFIG SET enable-debug-command yes
DEBUG SLEEP 0
""", group="nodebug")

case("DEBUG: arguments", """
DEBUG
DEBUG WHAT
DEBUG WHAT x
DEBUG ""
DEBUG HELP x
DEBUG SLEEP
DEBUG SLEEP 0
DEBUG SLEEP 0.001
DEBUG SLEEP 1e-3
DEBUG SLEEP abc
DEBUG SLEEP 0 0
debug sleep 0
DEBUG SET-ACTIVE-EXPIRE
DEBUG SET-ACTIVE-EXPIRE 0
DEBUG SET-ACTIVE-EXPIRE 1
DEBUG SET-ACTIVE-EXPIRE 1 2
DEBUG OBJECT
DEBUG OBJECT missing
DEBUG OBJECT a b c
DEBUG RELOAD
DEBUG RELOAD WHAT
DEBUG POPULATE
DEBUG POPULATE abc
DEBUG POPULATE -1
DEBUG POPULATE 1 a b c
DEBUG PROTOCOL
DEBUG PROTOCOL what
DEBUG ERROR
DEBUG LOG
DEBUG LOG "a remark"
DEBUG CHANGE-REPL-ID ## differs=debug-subcommands
DEBUG CHANGE-REPL-ID x
DEBUG PAUSE-CRON
DEBUG PAUSE-CRON 0 ## differs=debug-subcommands
DEBUG HTSTATS
DEBUG HTSTATS x
DEBUG HTSTATS 99
DEBUG HTSTATS 0 ## type
DEBUG STRINGMATCH-LEN
DEBUG STRINGMATCH-LEN 1
DEBUG DIGEST x
DEBUG SLEEP 0
""", after="DEBUG SET-ACTIVE-EXPIRE 1")

case("DEBUG PROTOCOL", *["DEBUG PROTOCOL " + kind for kind in (
    "string", "integer", "double", "bignum", "null", "array", "set", "map", "verbatim", "true", "false", "STRING")],
     "DEBUG PROTOCOL attrib")
case("DEBUG PROTOCOL push", "DEBUG PROTOCOL push ## x2", "PING", protocols=(3,))
case("DEBUG ERROR", """
DEBUG ERROR "ERR a b"
DEBUG ERROR WRONGTYPE
DEBUG ERROR ""
DEBUG ERROR "a\\r\\nb"
DEBUG ERROR "MY error"
PING
""")

case("DEBUG OBJECT", """
SET k v
DEBUG OBJECT k ## debug_object
SET k 12345
DEBUG OBJECT k ## debug_object
SET k {rep:x:100}
DEBUG OBJECT k ## debug_object
HSET h f v
DEBUG OBJECT h ## debug_object
HSET h f {rep:x:100}
DEBUG OBJECT h ## debug_object
ZADD z 1 a
DEBUG OBJECT z ## debug_object
ZADD z 2 {rep:x:100}
DEBUG OBJECT z ## debug_object
SADD i 1 2
DEBUG OBJECT i ## debug_object
SADD s {rep:x:100}
DEBUG OBJECT s ## debug_object
""")

case("DEBUG RELOAD: everything is still there", """
MSET a 1 b "\\x00\\xff" "" empty c {rep:x:10000}
SET t v PXAT 33177117420123
SET u v EX 5000
SELECT 9
SET nine 9
SELECT 0
DEBUG RELOAD
MGET a b "" c
PEXPIRETIME t
TTL u
TTL a
DBSIZE
OBJECT ENCODING a
SELECT 9
GET nine
DBSIZE
DEBUG LOADAOF
GET nine
SELECT 0
DBSIZE
INCR a
DEBUG RELOAD
GET a
""")
case("DEBUG POPULATE", """
DEBUG POPULATE 10
DBSIZE
GET key:0
GET key:9
STRLEN key:5
DEBUG POPULATE 5 pre
GET pre:4
DEBUG POPULATE 3 big 20
GET big:2
STRLEN big:2
SET key:1 mine
DEBUG POPULATE 3
GET key:1
DEBUG POPULATE 2 s 3
GET s:1
DBSIZE
KEYS s:* ## unordered
""")

case("DEBUG SET-ACTIVE-EXPIRE: a key nobody touches", """
DEBUG SET-ACTIVE-EXPIRE 0
SET k v PX 1
SET l v PX 1
EXISTS l ## until=^:0
DBSIZE
GET k
DBSIZE
DEBUG SET-ACTIVE-EXPIRE 1
SET k v PX 1
DBSIZE ## until=^:0
""", after="DEBUG SET-ACTIVE-EXPIRE 1")


@case.function("DEBUG DIGEST: tells data apart, whatever the order it came in")
def digest(runner, proto, check):
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        conn.call("HELLO", proto)

        def value():
            reply = conn.call("DEBUG", "DIGEST")
            check("%s: forty hexadecimal digits" % server.kind,
                  normalise.find("matches([0-9a-f]{40})")(reply), ("+", "matches"))
            return reply[1]

        check("%s: no data" % server.kind, value(), b"0" * 40)
        conn.call("MSET", "a", "1", "b", "2")
        first = value()
        conn.call("SET", "a", "3")
        check("%s: a changed value" % server.kind, value() != first, True)
        conn.call("FLUSHALL")
        conn.call("SET", "b", "2")
        conn.call("SET", "a", "1")
        check("%s: the same data again" % server.kind, value(), first)
        conn.call("SELECT", "1")
        conn.call("SET", "a", "1")
        check("%s: another database" % server.kind, value() != first, True)
        one = conn.call("DEBUG", "DIGEST-VALUE", "a", "missing")
        check("%s: digests of values" % server.kind, (len(one[1]), one[1][0][1] != one[1][1][1],
                                                      one[1][1][1]), (2, True, b"0" * 40))
        conn.close()
