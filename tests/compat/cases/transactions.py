# SPDX-License-Identifier: MIT
"""Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH and their errors."""

from case import family

case = family("transactions")

case("MULTI and EXEC", """
MULTI
EXEC
MULTI
SET a 1
INCR a
GET a
GET missing
MGET a missing
EXEC
GET a
EXEC
DISCARD
multi
set b 2
exec
MULTI
PING
PING hello
ECHO x
SELECT 3
SET c in3
SELECT 0
EXEC
EXISTS c
SELECT 3
GET c
""")

case("arity and errors outside", """
MULTI x
EXEC
EXEC x
DISCARD
DISCARD x
UNWATCH
UNWATCH x
WATCH
WATCH a
WATCH a b c a
UNWATCH
""")

case("DISCARD", """
MULTI
SET a 1
DISCARD
GET a
DISCARD
MULTI
DISCARD
MULTI
NOSUCH
DISCARD
MULTI
SET a 2
EXEC
""")

case("nested MULTI, WATCH in MULTI", """
MULTI
MULTI
SET a 1
EXEC
GET a
MULTI
WATCH a
SET a 2
EXEC
GET a
MULTI
UNWATCH
EXEC
MULTI
MULTI x
EXEC
MULTI
WATCH
EXEC
MULTI
DISCARD x
EXEC
MULTI
EXEC x
EXEC
""")

# An error while queueing lets EXEC fail, one while running does not.
for bad in ("NOSUCH", "NOSUCH a b", "GET", "SET a", "OBJECT WHAT a", "CLIENT WHAT", "CONFIG",
            "CLIENT KILL", "SET k v x y z", "INCRBY", "{rep:n:200} a", "COMMAND WHAT", "OBJECT ENCODING"):
    case("EXECABORT after: " + bad, """
MULTI
SET a 1
{bad}
SET a 2
EXEC
GET a
EXEC
MULTI
{bad}
EXEC
MULTI
{bad}
DISCARD
MULTI
SET a 3
EXEC
GET a
""".replace("{bad}", bad))

case("errors while running", """
SET s abc
MULTI
INCR s
SET a 1
INCRBY a x
SET b v EX 0
SELECT 99
RENAME missing x
GETEX s EX -1
SETRANGE a 536870912 x
APPEND a 2
EXEC
MGET s a b
MULTI
RENAME missing x
EXEC
""")

case("queued replies and types", """
MULTI
SET a 1 GET
GETSET a 2
SETNX a 3
MSETNX a 3 z 3
INCRBYFLOAT a 0.5
TTL a
KEYS *
SCAN 0
TYPE a
LCS a a IDX
OBJECT ENCODING a
EXISTS a z
TIME ## type
DBSIZE
RANDOMKEY
CLIENT GETNAME
EXEC ## shape
""")

# WATCH: one connection watches, another changes.
CHANGES = {
    "nothing": "@b PING",
    "a read": "@b GET w",
    "another key": "@b SET other 1",
    "SET": "@b SET w 2",
    "the same value": "@b SET w 1",
    "APPEND": "@b APPEND w x",
    "APPEND of nothing": '@b APPEND w ""',
    "INCR": "@b INCR w",
    "DEL": "@b DEL w",
    "UNLINK": "@b UNLINK w",
    "GETDEL": "@b GETDEL w",
    "GETEX without option": "@b GETEX w",
    "GETEX PERSIST without expiry": "@b GETEX w PERSIST",
    "GETEX EX": "@b GETEX w EX 100",
    "EXPIRE": "@b EXPIRE w 100",
    "EXPIRE that fails": "@b EXPIRE w 100 XX",
    "EXPIRE in the past": "@b EXPIRE w -1",
    "PERSIST without expiry": "@b PERSIST w",
    "RENAME away": "@b RENAME w x",
    "RENAME onto itself": "@b RENAME w w",
    "RENAME over it": "@b SET x 1\n@b RENAME x w",
    "COPY over it": "@b SET x 1\n@b COPY x w REPLACE",
    "COPY from it": "@b COPY w x",
    "MOVE away": "@b MOVE w 1",
    "SETRANGE": "@b SETRANGE w 0 z",
    "SETRANGE of nothing": '@b SETRANGE w 0 ""',
    "SETNX that fails": "@b SETNX w 1",
    "SET NX that fails": "@b SET w 1 NX",
    "MSET": "@b MSET x 1 w 2",
    "TOUCH": "@b TOUCH w",
    "FLUSHDB": "@b FLUSHDB",
    "FLUSHALL": "@b FLUSHALL",
    "FLUSHALL ASYNC": "@b FLUSHALL ASYNC",
    "FLUSHDB of another database": "@b SELECT 1\n@b FLUSHDB",
    "the same key of another database": "@b SELECT 1\n@b SET w 1",
    "SWAPDB with an empty one": "@b SWAPDB 0 1",
    "SWAPDB with one that has the key": "@b SELECT 1\n@b SET w 1\n@b SWAPDB 0 1",
    "SWAPDB of others": "@b SWAPDB 2 3",
    "SWAPDB of one with itself": "@b SWAPDB 0 0",
    "its own change": "SET w 3",
    "a change and back": "@b SET w 9\n@b SET w 1",
    "SELECT by the watcher": "SELECT 1",
    "UNWATCH": "@b SET w 2\nUNWATCH",
    "UNWATCH first": "UNWATCH\n@b SET w 2",
    "DISCARD": "@b SET w 2\nMULTI\nDISCARD",
    "a transaction of its own": "@b SET w 2\nMULTI\nEXEC",
    "a failed transaction": "@b SET w 2\nMULTI\nNOSUCH\nEXEC",
    "RESET": "@b SET w 2\nRESET",
    "watched twice": "WATCH w\nWATCH w x\n@b SET x 1",
}
for what, lines in CHANGES.items():
    for before in ("SET w 1", "DEL w", "SET w 1 EX 1000"):
        case("WATCH, then %s (after %s)" % (what, before), """
%s
WATCH w
%s
MULTI
SET result done
EXEC
GET result
GET w
""" % (before, lines))

case("WATCH: a change inside the transaction of another", """
SET w 1
WATCH w
@b MULTI
@b SET w 2
@b EXEC
MULTI
GET w
EXEC
WATCH w
@b MULTI
@b SET w 3
MULTI
GET w
@b EXEC
EXEC
""")

case("WATCH: a key that runs out before EXEC", """
SET w 1 PX 300
WATCH w
@b EXISTS w ## until=^:0
MULTI
SET result done
EXEC
EXISTS result
""")
case("WATCH: a key that was out already when watched", """
DEBUG SET-ACTIVE-EXPIRE 0
SET w 1 PX 1
SET v 1 PX 1
@b EXISTS v ## until=^:0
WATCH w
MULTI
SET result done
EXEC
GET result
DEBUG SET-ACTIVE-EXPIRE 1
""", after="DEBUG SET-ACTIVE-EXPIRE 1")
case("WATCH: a watched key that ran out and was made again", """
SET w 1 PX 300
WATCH w
@b EXISTS w ## until=^:0
@b SET w 1
MULTI
PING
EXEC
""")

case("WATCH: several keys and connections", """
MSET a 1 b 2 c 3
WATCH a b
@b WATCH b c
@c SET c 4
MULTI
PING
EXEC
@b MULTI
@b PING
@b EXEC
WATCH a
@b WATCH a
MULTI
INCR a
EXEC
@b MULTI
@b INCR a
@b EXEC
GET a
""")

case("WATCH: over databases", """
SELECT 2
WATCH k
SELECT 0
@b SET k 1
MULTI
PING
EXEC
SELECT 2
WATCH k
SELECT 0
@b SELECT 2
@b SET k 1
MULTI
PING
EXEC
""")

case("what MULTI does not queue", """
MULTI
SET a 1
@b GET a
RESET
GET a
EXEC
MULTI
SET a 1
QUIT ## close
""", protocols=(2,), loose=("a",))

case("inside MULTI", """
MULTI
HELLO
SET a 1
EXEC ## shape
MULTI
CLIENT SETNAME inside
CLIENT GETNAME
CLIENT REPLY ON
CONFIG GET maxmemory
COMMAND COUNT ## type
FLUSHALL
SWAPDB 0 1
WAIT 0 0
EXEC ## shape
MULTI
CLIENT KILL 1.2.3.4:5
CLIENT ID ## type
EXEC ## shape
""")

case("commands not allowed in MULTI", """
MULTI
MONITOR
EXEC ## shape
MULTI
SHUTDOWN NOSAVE
EXEC ## shape
MULTI
SAVE
EXEC ## shape
MULTI
BGSAVE
EXEC ## shape
""", protocols=(2,))

case("a transaction in one packet", r"""
!"MULTI\r\nSET p 1\r\nINCR p\r\nEXEC\r\nGET p\r\n" ## x5
!"*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nGET\r\n$1\r\np\r\n*1\r\n$4\r\nEXEC\r\n*1\r\n$4\r\nEXEC\r\n" ## x4
""")

case("a large transaction", "MULTI", *["SET k%d v" % i for i in range(500)],
     "EXEC", "DBSIZE")

case("a connection that closes in MULTI leaves nothing", """
@b MULTI
@b SET x 1
@b QUIT ## close
GET x
""")
