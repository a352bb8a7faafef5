# SPDX-License-Identifier: MIT
"""AUTH and requirepass, before and after login."""

from case import Step, family
from groups import PASSWORD

case = family("auth")

case("without a password", """
AUTH
AUTH x
AUTH default x
AUTH default ""
AUTH other x
AUTH a b c
AUTH ""
PING
CONFIG GET requirepass
""", hello=False)

REFUSED = ["PING", "PING x", "ECHO x", "GET k", "SET k v", "SELECT 1", "INFO", "CLIENT ID", "CLIENT SETNAME x",
           "CLIENT WHAT", "CLIENT", "COMMAND", "COMMAND COUNT", "CONFIG GET x", "MULTI", "EXEC", "DISCARD", "WATCH k",
           "MONITOR", "TIME", "NOSUCH", "NOSUCH a b", "GET", "SET", "''", "DEBUG SLEEP 0", "SHUTDOWN", "LOLWUT",
           "AUTH", "AUTH a b c", "AUTH wrong", "AUTH ''", "AUTH default wrong", "AUTH other wrong",
           "AUTH other " + PASSWORD, "AUTH DEFAULT " + PASSWORD, "AUTH " + PASSWORD.upper(), "AUTH {rep:x:600}",
           "HELLO", "HELLO 2", "HELLO 3", "HELLO 3 SETNAME x", "HELLO 9", "HELLO abc", "HELLO 3 AUTH default wrong",
           "HELLO 3 AUTH other " + PASSWORD, "HELLO 3 AUTH default", "HELLO 3 WHAT", "RESET", "RESET x"]
case("refused before AUTH", *REFUSED, group="password", hello=False)
case("each command alone before AUTH", *["@c%d %s" % (i, line) for i, line in enumerate(REFUSED)
                                         if i % 3 == 0], group="password", hello=False)
case("QUIT before AUTH", "QUIT ## close", group="password", hello=False)

case("AUTH", """
GET k
AUTH {p}
GET k
SET k v
AUTH wrong
GET k
AUTH default {p}
GET k
AUTH other {p}
AUTH default wrong
GET k
MULTI
AUTH {p}
AUTH wrong
EXEC
GET k
CLIENT INFO ## client_info differs=client-fields
RESET
GET k
auth {p}
GET k
CONFIG GET requirepass
@b AUTH default {p}
@b GET k
@b HELLO 3 ## hello
@b GET missing
@b RESET
@b HELLO 3
""".replace("{p}", PASSWORD), group="password", hello=False)

case("HELLO with AUTH", """
HELLO 3 AUTH default {p} ## hello
GET missing
@b HELLO 2 AUTH default {p} SETNAME me ## hello
@b CLIENT GETNAME
@c hello 3 setname me auth default {p} ## hello
@c CLIENT GETNAME
@d HELLO 3 AUTH default wrong
@d GET k
@d HELLO 3 AUTH default {p} WHAT
@d GET k
@e HELLO 3 AUTH default {p} SETNAME "a b"
@e CLIENT GETNAME
@e GET missing
@f HELLO 9 AUTH default {p}
@f GET missing
@g HELLO AUTH default {p}
@g GET missing
""".replace("{p}", PASSWORD), group="password", hello=False)

case("limits before AUTH",
     Step(raw=b"*10\r\n" + b"$1\r\nx\r\n" * 10),
     Step(conn="b", raw=b"*11\r\n" + b"$1\r\nx\r\n" * 11, close=True),
     Step(conn="c", raw=b"*1\r\n$16384\r\n" + b"x" * 16384 + b"\r\n"),
     Step(conn="d", raw=b"*1\r\n$16385\r\n", close=True),
     Step(conn="e", raw=b"*2\r\n$4\r\nPING\r\n$16385\r\n", close=True),
     Step(conn="f", raw=b"*1000000\r\n", close=True),
     Step(conn="g", raw=b"*-1\r\nPING\r\n"),
     Step(conn="h", raw=b"PING " + b"a " * 100 + b"\r\n"),
     Step(conn="i", raw=b"PING \"\r\n", close=True),
     group="password", hello=False)
case("no limits after AUTH", "PING", ["DEL"] + ["x"] * 100, ["SET", "k", "x" * 20000], "STRLEN k",
     group="password")

case("CONFIG SET requirepass", """
CONFIG SET requirepass one
PING
@b PING
@b AUTH one
@b PING
CONFIG SET requirepass two
@b PING
@c AUTH one
@c AUTH two
@c PING
CONFIG SET requirepass ""
@d PING
@d AUTH two
@d AUTH default any
CONFIG GET requirepass
CONFIG SET requirepass {s}
CONFIG GET requirepass
""".replace("{s}", PASSWORD), group="password", after="CONFIG SET requirepass " + PASSWORD)
