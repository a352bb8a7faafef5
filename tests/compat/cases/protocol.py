# SPDX-License-Identifier: MIT
"""The protocol itself: inline commands, odd framing, protocol errors, limits."""

from case import Step, family

case = family("protocol")


def raw(data, **options):
    return Step(raw=data, **options)


def closing(title, *inputs, **options):
    """A case of inputs after which the server says why and closes the connection."""
    steps = [Step(conn="c%d" % i, raw=data, close=True) for i, data in enumerate(inputs)]
    case(title, *steps, **options)


# Inline commands ----------------------------------------------------------------------------------

case("inline: forms", *[raw(data) for data in (
    b"PING\r\n", b"PING\n", b"ping\r\n", b"  PING  \r\n", b"\tPING\t\r\n", b"PING hello\r\n",
    b"PING  hello \r\n", b"ECHO \"a b\"\r\n", b"ECHO 'a b'\r\n", b"ECHO \"\"\r\n", b"ECHO ''\r\n",
    b"ECHO \"\\x41\\x42\\x00\\xff\"\r\n", b"ECHO \"\\n\\r\\t\\b\\a\\\\\\\"\\q\"\r\n", b"ECHO '\\n\\x41'\r\n",
    b"ECHO 'it\\'s'\r\n", b"ECHO \"it's\"\r\n", b"ECHO a\"b\"\r\n", b"ECHO \"\\xzz\"\r\n", b"ECHO \"\\x4\"\r\n",
    b"ECHO \\x41\r\n", b"ECHO a'b'\r\n", b"ECHO \xff\xfe\r\n", b"ECHO *1\r\n", b"ECHO $3\r\n",
    b"PING\r\r\n", b"ECHO a\rb\r\n", b"ECHO a\x0bb\r\n", b"ECHO a\x0cb\r\n", b"SET k \"v w\"\r\n", b"GET k\r\n",
    b"GET\r\n", b"NOSUCH a b\r\n", b"SET a 1 EX\r\n", b"\"PING\"\r\n", b"'PING'\r\n", b"\"PI\\x4eG\"\r\n",
    b"\"\"\r\n", b"ECHO " + b"x" * 60000 + b"\r\n", b"ECHO" + b" " * 30000 + b"y\r\n", b"$3\r\n",
    b"+OK\r\n", b"-ERR x\r\n", b":1\r\n", b"QUITE\r\n")])
case("inline: empty lines are skipped",
     raw(b"\r\nPING\r\n"), raw(b"\n\n\r\n \r\n\t\nPING\r\n"), raw(b"\r\nECHO x\r\n"))
case("inline: several in one packet", raw(b"PING\r\nECHO a\r\nSET k v\nGET k\r\n", replies=4),
     raw(b"PING a\nPING b\n*1\r\n$4\r\nPING\r\nPING c\n", replies=4))
case("inline: in pieces", Step(raw=b"EC", replies=0), Step(raw=b"HO hel", replies=0),
     Step(raw=b"lo\r", replies=0), raw(b"\n"), Step(raw=b"\r", replies=0), raw(b"\nPING\n"))
case("inline: many arguments", raw(b"MGET " + b" ".join(b"k%d" % i for i in range(2000)) + b"\r\n"))
closing("inline: unbalanced quotes", b"ECHO \"a\r\n", b"ECHO 'a\r\n", b"ECHO \"a\"b\r\n", b"ECHO 'a'b\r\n",
        b"\"\r\n", b"'\r\n", b"ECHO \"a\\\"\r\n", b"ECHO 'a\\'\r\n", b"ECHO \"a\"\"b\"\r\n", b"ECHO a\"\r\n",
        b"PING\r\nECHO \"x\r\n", b"ECHO \"a\\\r\n")
closing("inline: too long", b"x" * 65537, b"x" * 70000, b"PING\r\n" + b"y" * 70000,
        b"ECHO " + b"x" * 70000, b"x" * 200000)

# Multibulk framing --------------------------------------------------------------------------------

PING = b"*1\r\n$4\r\nPING\r\n"
case("multibulk: forms", *[raw(data) for data in (
    PING, b"*2\r\n$4\r\nPING\r\n$0\r\n\r\n", b"*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n",
    b"*1\r\n$0\r\n\r\n", b"*2\r\n$0\r\n\r\n$0\r\n\r\n", b"*0\r\n" + PING, b"*-1\r\n" + PING, b"*-5\r\n" + PING,
    b"*0\r\n*0\r\n\r\n" + PING, b"*-9223372036854775808\r\n" + PING,
    b"*1\rX$4\r\nPING\r\n", b"*1\r\n$4\rXPING\r\n", b"*1\r\n$4\r\nPINGxy", b"*2\r\n$4\r\nECHO\r\n$2\r\nab\n\n",
    b"*1\r\n$4\r\nping\r\n", b"*2\r\n$4\r\nECHO\r\n$4\r\na\x00\r\n\r\n")])
case("multibulk: in pieces", *[Step(raw=bytes([byte]), replies=0) for byte in
                               b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nva\r\nl\r"], raw(b"\n"),
     *[Step(raw=bytes([byte]), replies=0) for byte in b"*2\r\n$3\r\nGET\r\n$1\r\nk\r"], raw(b"\n"),
     Step(raw=b"*1\r\n$4\r\nPI", replies=0), raw(b"NG\r\n*1\r\n$4\r\nPING\r\n", replies=2))
case("multibulk: large values in pieces",
     Step(raw=b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n", replies=0),
     *[Step(raw=bytes([65 + i]) * 100000, replies=0) for i in range(10)], raw(b"\r\n"),
     "STRLEN k", "GETRANGE k 99998 100001", "GETRANGE k 999998 -1", "GET k",
     raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n" + b"z" * 40000 + b"\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n"
         b"PING\r\n", replies=3))
case("multibulk: many arguments",
     ["MGET"] + ["k%d" % i for i in range(5000)], ["DEL"] + ["k%d" % i for i in range(20000)],
     ["NOSUCH"] + ["a%d" % i for i in range(3000)], ["PING"] + ["x"] * 1000,
     ["SET", "k", "v"] + ["NX"] * 500, ["EXISTS"] + [""] * 1000)
closing("multibulk: bad lengths", b"*abc\r\n", b"*1a\r\n", b"*\r\n", b"* 1\r\n", b"*+1\r\n", b"*01\r\n", b"*-0\r\n",
        b"*1.0\r\n", b"*2147483648\r\n", b"*4294967296\r\n", b"*9223372036854775808\r\n", b"*99999999999999999999\r\n",
        b"*--1\r\n", b"*1 \r\n", b"*0x1\r\n", PING + b"*z\r\n", b"PING\r\n*z\r\n", b"**1\r\n", b"*-abc\r\n")
closing("multibulk: bad bulks", b"*1\r\nPING\r\n", b"*1\r\n+PING\r\n", b"*1\r\n:4\r\n", b"*1\r\n\r\n",
        b"*1\r\n*1\r\n$4\r\nPING\r\n", b"*1\r\n\xff\r\n", b"*2\r\n$4\r\nECHO\r\nhello\r\n", b"*1\r\n\"\r\n",
        b"*1\r\n$abc\r\n", b"*1\r\n$\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$-5\r\n", b"*1\r\n$+4\r\nPING\r\n", b"*1\r\n$04\r\nPING\r\n",
        b"*1\r\n$ 4\r\nPING\r\n", b"*1\r\n$4 \r\nPING\r\n", b"*1\r\n$4.0\r\nPING\r\n", b"*1\r\n$536870913\r\n",
        b"*1\r\n$2147483648\r\n", b"*1\r\n$9223372036854775807\r\n", b"*1\r\n$9223372036854775808\r\n",
        b"*1\r\n$99999999999999999999\r\n", PING + b"*1\r\n$x\r\n", b"*2\r\n$4\r\nPING\r\n$-1\r\n",
        b"*1\r\nx\r\n")
closing("multibulk: endless count lines", b"*" + b"1" * 70000, b"*1\r\n$" + b"1" * 70000, b"*" + b"1" * 65537,
        b"*1\r\n" + b"$" * 70000)
closing("commands before a protocol error are answered",
        b"SET k v\r\nGET k\r\n*1\r\n$4\r\nPING\r\n*1\r\nbad\r\n", b"GET k\r\n*x\r\nGET k\r\n",
        b"MULTI\r\nSET k w\r\n*x\r\n", b"GET k\r\n*x\r\n")
case("a multibulk count that is only announced", Step(raw=b"*1048577\r\n", replies=0),
     "@b PING", Step(conn="c", raw=b"*2147483647\r\n$4\r\nPING\r\n", replies=0), "@b PING",
     Step(conn="d", raw=b"*2\r\n$3\r\nSET\r\n$536870912\r\n", replies=0), "@b PING", loose=("a", "c", "d"))
case("a connection that ends in the middle of a command", Step(raw=b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\nabc",
                                                             replies=0), "@b EXISTS k", loose=("a",))

# Small limits: proto-max-bulk-len 1mb, client-query-buffer-limit 2mb, databases 4, maxclients 12 ---------

case("proto-max-bulk-len", raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n" + b"x" * 1048576 + b"\r\n"),
     "STRLEN k", "APPEND k x", "STRLEN k", "SETRANGE k 1048575 x", "SETRANGE k 1048576 x", "SETRANGE n 1048576 ''",
     "APPEND k ''", "SETRANGE n 2000000 x", group="limits")
closing("proto-max-bulk-len: more", b"*1\r\n$1048577\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n",
        b"*1\r\n$536870912\r\n", group="limits")
case("databases 4", """
SELECT 3
SELECT 4
SELECT 15
MOVE k 4
COPY k l DB 4
SWAPDB 0 4
SWAPDB 0 3
CONFIG GET databases
""", group="limits")
case("maxclients", """
PING
@b PING
@c PING
@d PING
@e PING
@f PING
@g PING
@h PING
@i PING
@j PING
@k PING
@l ## close
PING
CLIENT KILL ID {id:k}
@k < ## close
@m PING ## until=PONG
CONFIG SET maxclients 13
@n PING
""".replace("@l ## close\n", "@l < ## close\n").replace(
    "CLIENT KILL ID {id:k}\n@k < ## close\n@m PING ## until=PONG\n", ""),
     group="limits", clients=True, hello=False, after="CONFIG SET maxclients 12")
case("client-query-buffer-limit", "CONFIG SET proto-max-bulk-len 8mb",
     Step(conn="b", raw=b"*1\r\n$4000000\r\n" + b"x" * 4000000, close=True), "PING",
     group="limits", after="CONFIG SET proto-max-bulk-len 1mb")
