# SPDX-License-Identifier: MIT
"""Connections: PING, ECHO, HELLO, RESET, QUIT, and CLIENT with its subcommands."""

import resp
from case import family

case = family("connection")

case("PING and ECHO", """
PING
ping
PiNg
PING hello
PING ""
PING "a\\r\\nb\\x00\\xff"
PING a b
ECHO
ECHO hello
echo ""
ECHO "a\\r\\nb\\x00\\xff"
ECHO a b
ECHO {rep:x:20000}
PING {rep:y:20000}
""")

case("QUIT", "QUIT ## close")
case("QUIT: with arguments, and what comes behind it", r"""
QUIT now ## close
@b !"PING\r\nQUIT\r\nPING\r\n" ## close
@c SET k v
@c quit ## close
@d GET k
@d MULTI
@d SET k w
@d QUIT ## close
@e GET k
""")

# Commands that are not there --------------------------------------------------------------------------

UNKNOWN = [
    "NOSUCH", "nosuch a", "NoSuch a b c", "NOSUCH ''", "NOSUCH 'a b' \"c\\x00d\" \"e\\r\\nf\"",
    "''", "'' ''", "' '", "\"\\x00\"", "\"\\r\\n\"", "\"\\xff\\xfe\" \"\\x80\"", "GET\\x00 a", "\"GE\\x00T\" a",
    "{rep:n:127} a", "{rep:n:128} a", "{rep:n:129} a", "{rep:n:200} a", "{rep:n:5000} a b",
    "NOSUCH {rep:a:100}", "NOSUCH {rep:a:120}", "NOSUCH {rep:a:126} b", "NOSUCH {rep:a:127} b",
    "NOSUCH {rep:a:128} b", "NOSUCH {rep:a:129} b", "NOSUCH {rep:a:200}", "NOSUCH {rep:a:50} {rep:b:50} {rep:c:50}",
    "NOSUCH {rep:a:60} {rep:b:60} {rep:c:60} {rep:d:60}",
    "NOSUCH 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35",
    "NOSUCH \"it's\" 'say \"hi\"'", "foo|bar", "client|id", "config|get maxmemory", "object|", "get|x",
    "GETT a", "SE T", "-1", "*1", "$3", "HELP", "help", "nosuch %s %d %n", "%s%s%n a",
]
case("unknown commands", *UNKNOWN)
case("a browser that is sent here by a page is cut off", """
POST / HTTP/1.1 ## close
@b host: 127.0.0.1 ## close
""")
case("unknown commands: lengths around the limits of the message",
     *[step for size in range(1, 140, 3)
       for step in (["NOSUCH", "x" * size, "y" * size], ["N" * size, "a", "b"],
                    ["NOSUCH"] + ["ab"] * size)])

case("unknown subcommands", *[
    "%s %s" % (name, rest)
    for name in ("CLIENT", "CONFIG", "OBJECT", "COMMAND", "MEMORY", "SLOWLOG", "LATENCY")
    for rest in ("WHAT", "what a b c", "''", "{rep:w:127}", "{rep:w:128}", "{rep:w:129}", "{rep:w:300} x",
                 "\"a\\r\\nb\"", "HELP x", "GET|SET", "%s")])
case("containers without subcommand, HELP", *[
    line for name in ("CLIENT", "CONFIG", "OBJECT", "MEMORY", "SLOWLOG", "LATENCY", "DEBUG")
    for line in (name, name.lower())])
for name in ("CONFIG", "OBJECT", "MEMORY", "SLOWLOG", "LATENCY", "COMMAND"):
    case("%s HELP" % name, "%s HELP ## help" % name, "%s help ## help" % name.lower())
case("CLIENT HELP", "CLIENT HELP ## help differs=client-subcommands",
     "client help ## help differs=client-subcommands", "CLIENT HELP me")
case("DEBUG HELP", "DEBUG HELP ## help differs=debug-subcommands",
     "debug help ## help differs=debug-subcommands")

# HELLO ------------------------------------------------------------------------------------------------

case("HELLO", """
@a HELLO ## hello
@a HELLO 2 ## hello
@a GET missing
@a HELLO 3 ## hello
@a GET missing
@a HELLO ## hello
@a HELLO 2 ## hello
@a GET missing
@a HELLO 1
@a HELLO 4
@a HELLO 0
@a HELLO -1
@a HELLO abc
@a HELLO ""
@a HELLO 3.0
@a HELLO " 3"
@a HELLO 03
@a HELLO 99999999999999999999
@a HELLO 3 WHAT
@a HELLO 3 AUTH
@a HELLO 3 AUTH default
@a HELLO 3 AUTH default x ## hello
@a HELLO 3 AUTH other x
@a HELLO 3 AUTH default x SETNAME a ## hello
@a HELLO 3 SETNAME
@a CLIENT GETNAME
@a HELLO 3 SETNAME me ## hello
@a CLIENT GETNAME
@a HELLO 2 SETNAME "" ## hello
@a CLIENT GETNAME
@a HELLO 2 SETNAME "a b"
@a HELLO 2 SETNAME "a\\nb"
@a HELLO 2 SETNAME "\\xff"
@a HELLO 3 SETNAME a WHAT
@a HELLO 3 SETNAME a SETNAME b ## hello
@a CLIENT GETNAME
@a hello 2 setname lower ## hello
@a HELLO SETNAME x
@a HELLO AUTH default x
@a HELLO 4 AUTH default x
@a HELLO 3 AUTH a b AUTH c d
@a GET missing
""", hello=False)

# What clients of today open a connection with, in one packet each.
case("handshakes of client libraries", r"""
@a !"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n" ## hello
@a CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type external-ip
@a PING
@b HELLO 3 SETNAME app ## hello
@b CLIENT GETNAME
@c CLIENT SETNAME app
@c SELECT 0
@c CLIENT MAINT_NOTIFICATIONS ON
@c PING
@d HELLO 2 ## hello
@d CLIENT maint_notifications on
@d COMMAND DOCS nosuchcommand
@d PING
""", hello=False)

# CLIENT SETINFO came with 7.2, so the replies are written down here.
case("CLIENT SETINFO", """
CLIENT SETINFO LIB-NAME redis-py ## differs=after-7.0 want="+OK"
CLIENT SETINFO LIB-VER 5.0.1 ## differs=after-7.0 want="+OK"
client setinfo lib-name jedis ## differs=after-7.0 want="+OK"
client setinfo lib-ver 1.2.3-beta+(x) ## differs=after-7.0 want="+OK"
CLIENT SETINFO LIB-NAME "" ## differs=after-7.0 want="+OK"
CLIENT SETINFO LIB-VER "" ## differs=after-7.0 want="+OK"
CLIENT SETINFO lib-name "a b" ## differs=after-7.0 want="-ERR lib-name cannot contain spaces, newlines or special characters."
CLIENT SETINFO lib-ver "a\\nb" ## differs=after-7.0 want="-ERR lib-ver cannot contain spaces, newlines or special characters."
CLIENT SETINFO LIB-VER "\\xff" ## differs=after-7.0 want="-ERR LIB-VER cannot contain spaces, newlines or special characters."
CLIENT SETINFO LIB-NAME "a\\x00b" ## differs=after-7.0 want="-ERR LIB-NAME cannot contain spaces, newlines or special characters."
CLIENT SETINFO what x ## differs=after-7.0 want="-ERR Unrecognized option 'what'"
CLIENT SETINFO LIB_NAME x ## differs=after-7.0 want="-ERR Unrecognized option 'LIB_NAME'"
CLIENT SETINFO "" x ## differs=after-7.0 want="-ERR Unrecognized option ''"
CLIENT SETINFO ## differs=after-7.0 want="-ERR wrong number of arguments for 'client|setinfo' command"
CLIENT SETINFO LIB-NAME ## differs=after-7.0 want="-ERR wrong number of arguments for 'client|setinfo' command"
CLIENT SETINFO LIB-NAME a b ## differs=after-7.0 want="-ERR wrong number of arguments for 'client|setinfo' command"
PING
""")

case("CLIENT NO-TOUCH", """
CLIENT NO-TOUCH ON ## differs=after-7.0 want="+OK"
CLIENT NO-TOUCH off ## differs=after-7.0 want="+OK"
CLIENT NO-TOUCH WHAT ## differs=after-7.0 want="-ERR syntax error"
CLIENT NO-TOUCH ## differs=after-7.0 want="-ERR wrong number of arguments for 'client|no-touch' command"
CLIENT NO-TOUCH ON OFF ## differs=after-7.0 want="-ERR wrong number of arguments for 'client|no-touch' command"
""")

case("CLIENT NO-EVICT", """
CLIENT NO-EVICT ON
CLIENT NO-EVICT on
CLIENT NO-EVICT OFF
CLIENT NO-EVICT WHAT
CLIENT NO-EVICT ""
CLIENT NO-EVICT
CLIENT NO-EVICT ON OFF
""")

# CLIENT: names, ids, lists ------------------------------------------------------------------------------

case("CLIENT SETNAME and GETNAME", """
CLIENT GETNAME
CLIENT SETNAME me
CLIENT GETNAME
CLIENT SETNAME ""
CLIENT GETNAME
CLIENT SETNAME "a b"
CLIENT SETNAME "a\\nb"
CLIENT SETNAME "a\\rb"
CLIENT SETNAME "\\x01"
CLIENT SETNAME "\\x7f"
CLIENT SETNAME "~!"
CLIENT GETNAME
CLIENT SETNAME "\\xc3\\xa9"
CLIENT SETNAME {rep:n:1000}
CLIENT GETNAME
CLIENT SETNAME
CLIENT SETNAME a b
CLIENT GETNAME x
client setname lower
Client GetName
""")

case("CLIENT ID", """
CLIENT ID ## range(1,100000)
CLIENT ID x
CLIENT ID ## matches(\\d+)
""")


@case.function("CLIENT ID: rises with every connection and is not used again")
def client_ids(runner, proto, check):
    import servers
    for server in runner.pair.servers:
        ids = []
        for _ in range(3):
            conn = servers.Connection(server.port)
            first, again = conn.call("CLIENT", "ID"), conn.call("CLIENT", "ID")
            check("%s: the same twice" % server.kind, first, again)
            ids.append(int(first[1]))
            conn.close()
        check("%s: rising" % server.kind, ids, sorted(set(ids)))


case("CLIENT INFO", """
CLIENT INFO ## client_info differs=client-fields
CLIENT SETNAME me
SELECT 3
CLIENT INFO ## client_info differs=client-fields
CLIENT INFO x
CLIENT NO-EVICT ON
CLIENT INFO ## client_info differs=client-fields
CLIENT NO-EVICT OFF
WATCH a
MULTI
CLIENT INFO
EXEC ## client_multi
""")

case("CLIENT INFO after CLIENT SETINFO", """
CLIENT SETINFO LIB-NAME lib ## differs=after-7.0 want="+OK"
CLIENT SETINFO LIB-VER 1.2 ## differs=after-7.0 want="+OK"
CLIENT INFO ## client_info differs=client-fields-set
RESET
CLIENT INFO ## client_info differs=client-fields-set
""", hello=False)

case("CLIENT LIST", """
CLIENT LIST ## client_list differs=client-fields
CLIENT SETNAME first
@b CLIENT SETNAME second
@b SELECT 2
@b GET x
@c MULTI
@c SET a 1
@d WATCH a
CLIENT LIST ## client_list differs=client-fields
CLIENT LIST TYPE normal ## client_list differs=client-fields
CLIENT LIST TYPE NORMAL ## client_list differs=client-fields
CLIENT LIST TYPE pubsub
CLIENT LIST TYPE replica
CLIENT LIST TYPE slave
CLIENT LIST TYPE master
CLIENT LIST TYPE what
CLIENT LIST TYPE ""
CLIENT LIST TYPE
CLIENT LIST TYPE normal x
CLIENT LIST ID {id:a} ## client_list differs=client-fields
CLIENT LIST ID {id:b} {id:a} ## client_list differs=client-fields
CLIENT LIST ID {id:d} {id:d} ## client_list differs=client-fields
CLIENT LIST ID 999999999
CLIENT LIST ID 999999999 {id:c} ## client_list differs=client-fields
CLIENT LIST ID 0
CLIENT LIST ID -1
CLIENT LIST ID abc
CLIENT LIST ID ""
CLIENT LIST ID 1.5
CLIENT LIST ID
CLIENT LIST ID 99999999999999999999
CLIENT LIST WHAT
CLIENT LIST WHAT x
CLIENT LIST ""
CLIENT LIST TYPE normal ID 1
client list type Normal ## client_list differs=client-fields
""", clients=True)

case("CLIENT LIST: the commands seen", """
@b CLIENT GETNAME
@c CONFIG GET port ## type
@d NOSUCH
@e GET
@f OBJECT ENCODING x
@g get x
CLIENT LIST ## client_list differs=client-fields
""", clients=True)

# CLIENT KILL ------------------------------------------------------------------------------------------

case("CLIENT KILL: arguments", """
CLIENT KILL
CLIENT KILL 1.2.3.4:5
CLIENT KILL ""
CLIENT KILL abc
CLIENT KILL ID
CLIENT KILL ID abc
CLIENT KILL ID 0
CLIENT KILL ID -1
CLIENT KILL ID ""
CLIENT KILL ID 1.5
CLIENT KILL ID 99999999999999999999
CLIENT KILL ID 999999999
CLIENT KILL ID 999999999 ID 999999998
CLIENT KILL ADDR 1.2.3.4:5
CLIENT KILL ADDR ""
CLIENT KILL ADDR
CLIENT KILL LADDR 1.2.3.4:5
CLIENT KILL LADDR 1.2.3.4:5 ADDR 1.2.3.4:6
CLIENT KILL TYPE what
CLIENT KILL TYPE pubsub
CLIENT KILL TYPE replica
CLIENT KILL TYPE slave
CLIENT KILL TYPE master
CLIENT KILL USER nobody
CLIENT KILL USER default ADDR 1.2.3.4:5
CLIENT KILL SKIPME what
CLIENT KILL SKIPME yes ID 999999999
CLIENT KILL SKIPME no ID 999999999
CLIENT KILL ID 999999999 SKIPME
CLIENT KILL WHAT x
CLIENT KILL WHAT x y
CLIENT KILL ID 999999999 WHAT x
CLIENT KILL ID 999999999 x
client kill type PUBSUB skipme YES
""")

case("CLIENT KILL: old form", """
@b PING
CLIENT KILL {addr:b}
@b < ## close
CLIENT KILL {addr:b}
PING
CLIENT KILL {addr:a} ## close
""")
case("CLIENT KILL ADDR", """
@b PING
CLIENT KILL ADDR {addr:b}
@b < ## close
CLIENT KILL ADDR {addr:b}
""")
case("CLIENT KILL ID", """
@b PING
@c PING
CLIENT KILL ID {id:b}
@b < ## close
@c PING
CLIENT KILL ID {id:b}
CLIENT KILL id {id:c}
@c < ## close
""")
case("CLIENT KILL: myself", """
CLIENT KILL ID {id:a}
PING
CLIENT KILL ID {id:a} SKIPME yes
PING
CLIENT KILL ID {id:a} SKIPME no ## close
""")
case("CLIENT KILL: myself in a pipeline", r"""
@b CLIENT ID ## type
@b !"CLIENT KILL TYPE normal SKIPME no\r\nPING\r\nPING\r\n" ## close
""", clients=True)
case("CLIENT KILL: filters together", """
@b PING
@c PING
CLIENT KILL ID {id:b} ADDR {addr:c}
@b PING
CLIENT KILL ID {id:b} ADDR {addr:b} TYPE normal USER default
@b < ## close
CLIENT KILL ID {id:c} TYPE pubsub
@c PING
CLIENT KILL ID {id:c} USER nobody
CLIENT KILL LADDR 127.0.0.1:1 ID {id:c}
CLIENT KILL ID {id:b} ID {id:c}
@c < ## close
""")
case("CLIENT KILL TYPE and LADDR: many", """
@b PING
@c MULTI
@c SET a 1
@d WATCH x
CLIENT KILL TYPE normal ## range(3,4)
@b < ## close
@c < ## close
@d < ## close
GET a
@e PING
CLIENT KILL LADDR {laddr:a} ## range(1,2)
@e < ## close
PING
@f PING
CLIENT KILL USER default ## range(1,2)
@f < ## close
@g PING
CLIENT KILL SKIPME yes ## range(1,2)
@g < ## close
""", clients=True)

# CLIENT REPLY -------------------------------------------------------------------------------------------

case("CLIENT REPLY", """
CLIENT REPLY
CLIENT REPLY ON
CLIENT REPLY on
CLIENT REPLY WHAT
CLIENT REPLY ""
CLIENT REPLY ON x
CLIENT REPLY OFF ## none
SET a 1 ## none
GET a ## none
NOSUCH ## none
PING ## none
CLIENT REPLY OFF ## none
CLIENT REPLY SKIP ## none
CLIENT REPLY ON
GET a
CLIENT REPLY SKIP ## none
SET a 2 ## none
GET a
CLIENT REPLY SKIP ## none
NOSUCH ## none
PING
CLIENT REPLY SKIP ## none
CLIENT REPLY SKIP ## none
SET a 3 ## none
GET a
CLIENT REPLY SKIP ## none
CLIENT REPLY ON
PING
CLIENT REPLY SKIP ## none
CLIENT REPLY WHAT ## none
PING
CLIENT REPLY SKIP ## none
MULTI ## none
SET a 4
EXEC
GET a
""")
case("CLIENT REPLY OFF and the end", """
SET a 1
@b CLIENT REPLY OFF ## none
@b RESET
@b PING
@c CLIENT REPLY OFF ## none
@c MULTI ## none
@c SET a 2 ## none
@c EXEC ## none
@c CLIENT REPLY ON
@c GET a
@d CLIENT REPLY OFF ## none
@d HELLO 2 ## none
@d CLIENT REPLY ON
@d PING
""")
case("CLIENT REPLY in one packet", r"""
!"CLIENT REPLY OFF\r\nPING\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n" ## x2
!"CLIENT REPLY SKIP\r\nPING one\r\nPING two\r\nCLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\n" ## x2
!"CLIENT REPLY OFF\r\nCLIENT REPLY OFF\r\nSET a 5\r\nCLIENT REPLY ON\r\nGET a\r\n" ## x2
""")

# CLIENT PAUSE, UNPAUSE, UNBLOCK ---------------------------------------------------------------------------

case("CLIENT PAUSE: arguments", """
CLIENT PAUSE
CLIENT PAUSE abc
CLIENT PAUSE -1
CLIENT PAUSE ""
CLIENT PAUSE 1.5
CLIENT PAUSE 99999999999999999999
CLIENT PAUSE 1 WHAT
CLIENT PAUSE 1 ""
CLIENT PAUSE 1 ALL x
CLIENT PAUSE 0
PING
CLIENT PAUSE 0 WRITE
SET k v
CLIENT PAUSE 0 ALL
PING
client pause 0 write
CLIENT UNPAUSE
CLIENT UNPAUSE
CLIENT UNPAUSE x
PING
""", after="CLIENT UNPAUSE")
case("CLIENT PAUSE WRITE", """
CLIENT PAUSE 100000 WRITE
@b SET k v ## later
@c GET k
@c INFO clients ## until=blocked_clients:1 info(blocked_clients=)
@c GET k
@d MULTI
@d GET k
@d EXEC
@d MULTI
@d SET k w ## later
@c INFO clients ## until=blocked_clients:2 info(blocked_clients=)
@c GET k
CLIENT UNPAUSE
@b <
@d <
@d EXEC
@c GET k
""", after="CLIENT UNPAUSE")
case("CLIENT PAUSE: a short one ends by itself", """
CLIENT PAUSE 20 ALL
PING
SET k v
GET k
CLIENT PAUSE 20 WRITE
SET k w
GET k
CLIENT PAUSE 20 WRITE
@b GETSET k x
GET k
""", after="CLIENT UNPAUSE")
case("CLIENT PAUSE WRITE: a waiting client can be killed", """
CLIENT PAUSE 100000 WRITE
@b SET k v ## later
@c INFO clients ## until=blocked_clients:1 info(blocked_clients=)
CLIENT KILL ID {id:b}
@b < ## close
CLIENT UNPAUSE
GET k
""", after="CLIENT UNPAUSE")
case("CLIENT PAUSE WRITE: what is a write", """
CLIENT PAUSE 100000 WRITE
GET k
EXISTS k
TTL k
SCAN 0
CONFIG GET maxmemory
MULTI
GET k
EXEC
WATCH k
UNWATCH
DBSIZE
OBJECT ENCODING k
CLIENT UNPAUSE
""", after="CLIENT UNPAUSE")

case("CLIENT UNBLOCK", """
CLIENT UNBLOCK
CLIENT UNBLOCK abc
CLIENT UNBLOCK ""
CLIENT UNBLOCK 0
CLIENT UNBLOCK -1
CLIENT UNBLOCK 999999999
CLIENT UNBLOCK {id:a}
CLIENT UNBLOCK {id:a} TIMEOUT
CLIENT UNBLOCK {id:a} ERROR
CLIENT UNBLOCK {id:a} WHAT
CLIENT UNBLOCK {id:a} ERROR x
client unblock 999999999 error
""")
case("CLIENT UNBLOCK: a client that waits in WAIT", """
@b SET k v
@b WAIT 1 0 ## later
INFO clients ## until=blocked_clients:1 info(blocked_clients=)
CLIENT UNBLOCK {id:b}
@b <
@b WAIT 1 100000 ## later
INFO clients ## until=blocked_clients:1 info(blocked_clients=)
CLIENT UNBLOCK {id:b} TIMEOUT
@b <
@b WAIT 1 100000 ## later
INFO clients ## until=blocked_clients:1 info(blocked_clients=)
CLIENT UNBLOCK {id:b} ERROR
@b <
@b PING
@b WAIT 1 0 ## later
INFO clients ## until=blocked_clients:1 info(blocked_clients=)
CLIENT KILL ID {id:b}
@b < ## close
""")
# CLIENT UNBLOCK of a paused client is left out: redis-server 7.0.15 ends with a crash report.

# RESET ------------------------------------------------------------------------------------------------

case("RESET", """
RESET
RESET x
SELECT 3
SET k in3
CLIENT SETNAME me
WATCH k
MULTI
SET k w
RESET
CLIENT GETNAME
GET k
EXEC
HELLO ## hello
SELECT 3
GET k
RESET
GET missing
HELLO 3 ## hello
GET missing
RESET
GET missing
reset
""")
case("RESET: ends MONITOR", """
MONITOR
RESET
@b PING
PING
""")


@case.function("replies keep their order and number in a long pipeline")
def pipeline(runner, proto, check):
    import servers
    outputs = []
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        if proto == 3:
            conn.call("HELLO", "3")
        parts = []
        for i in range(5000):
            parts.append(resp.request([b"SET", b"k%d" % (i % 50), b"%d" % i]))
            parts.append(resp.request([b"GET", b"k%d" % (i % 70)]))
            if i % 100 == 0:
                parts.append(resp.request([b"NOSUCH%d" % i]))
        conn.send(b"".join(parts) + resp.request([b"ECHO", b"end"]))
        replies = []
        while not replies or replies[-1] != b"$3\r\nend\r\n":
            replies.append(conn.read()[0])
        outputs.append(replies)
        conn.close()
    check("10,050 replies", outputs[0], outputs[1])


