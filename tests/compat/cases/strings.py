# SPDX-License-Identifier: MIT
"""Strings: SET and its options, counters, ranges, LCS."""

from case import family

case = family("strings")

EXPIRIES = ["EX 100", "PX 100000", "EXAT {now+1000}", "PXAT {nowms+1000000}", "KEEPTTL"]
CONDITIONS = ["", "NX", "XX", "GET", "NX GET", "XX GET"]


# SET ----------------------------------------------------------------------------------------------

case("SET: plain", """
SET k v
GET k
set k v2
SeT k v3
GET k
SET k ""
GET k
STRLEN k
SET "" empty-name
GET ""
EXISTS ""
SET k "a b\\r\\nc\\x00\\xff\\xfe"
GET k
SET "bin\\x00\\xff\\r\\nkey" v
GET "bin\\x00\\xff\\r\\nkey"
STRLEN "bin\\x00\\xff\\r\\nkey"
SET k {rep:x:44}
OBJECT ENCODING k
SET k {rep:x:45}
OBJECT ENCODING k
SET k {rep:y:70000}
STRLEN k
GET k
SET {rep:k:5000} long-name
GET {rep:k:5000}
""")

case("SET: arity", """
SET
SET k
SET k v x
SET k v EX
SET k v PX
SET k v EXAT
SET k v PXAT
SET k v NX EX
SET k v EX 10 PX
GET k
""")

for condition in CONDITIONS:
    steps = []
    for before in ("DEL k", "SET k old", "SET k old EX 5000"):
        for expiry in [""] + EXPIRIES:
            steps += [before, "SET k new %s %s" % (condition, expiry), "GET k",
                      "TTL k", "SET k new2 %s %s" % (expiry.lower(), condition.lower()), "GET k",
                      "TTL k"]
    case("SET: %s with each expiry" % (condition or "no condition"), "\n".join(steps))

case("SET: options that do not go together", """
SET k v NX XX
SET k v XX NX
SET k v NX NX
GET k
DEL k
SET k v XX XX
SET k v GET GET
GET k
SET k v EX 10 PX 10
SET k v EX 10 EX 10
SET k v EX 10 EXAT 10
SET k v PXAT 10 EX 10
SET k v PXAT 10 PXAT 10
SET k v EX 10 KEEPTTL
SET k v KEEPTTL EX 10
SET k v KEEPTTL PX 10
SET k v KEEPTTL EXAT 10
SET k v KEEPTTL KEEPTTL
SET k v PERSIST
SET k v WHAT
SET k v ""
SET k v 10
SET k v EX 10 WHAT
SET k v nx get xx
SET k v NX EX 10 GET
GET k
SET k v GET XX KEEPTTL
SET k v keepttl xx get
SET k v EX NX
SET k v EX GET
""")

case("SET: expiry values", """
SET k v EX 0
SET k v EX -1
SET k v EX abc
SET k v EX ""
SET k v EX 1.5
SET k v EX " 1"
SET k v EX "1 "
SET k v EX +1
SET k v EX 01
SET k v EX 0x10
SET k v EX 9223372036854775807
SET k v EX 9223372036854775
SET k v EX 9223372036854776
SET k v EX 9223372036854775808
SET k v EX -9223372036854775808
SET k v EX 99999999999999999999
SET k v PX 0
SET k v PX -1
SET k v PX abc
SET k v PX 9223372036854775807
SET k v PX 9223372036854775808
SET k v EXAT 0
SET k v EXAT -5
SET k v EXAT abc
SET k v EXAT 9223372036854775
SET k v EXAT 9223372036854775807
SET k v EXAT 9223372036854775808
SET k v PXAT 0
SET k v PXAT -5
SET k v PXAT abc
SET k v PXAT 9223372036854775808
EXISTS k
SET k v PXAT 9223372036854775807
GET k
PEXPIRETIME k
EXPIRETIME k
SET k v EXAT 9223372036854775
PEXPIRETIME k
EXPIRETIME k
SET k v EXAT 1
GET k
EXISTS k
DBSIZE
SET k v PXAT 1
GET k
SET k v
SET k v2 EXAT 1 GET
GET k
SET k v
SET k v2 EX 0 GET
SET k v2 NX EX 0
SET k v2 XX EX abc
GET k
""")

# A new value drops the expiry; KEEPTTL keeps it.
case("SET: what happens to the expiry", """
SET k v EX 100
SET k v
TTL k
SET k v EXAT {now+1000}
SET k v KEEPTTL
EXPIRETIME k ## range(1500000000,9999999999)
SET k v PXAT 33177117420000
PEXPIRETIME k
EXPIRETIME k
SET k v XX KEEPTTL
PEXPIRETIME k
SET k v NX KEEPTTL
PEXPIRETIME k
SET k v GET
PEXPIRETIME k
SET k v PXAT 33177117420999
EXPIRETIME k
PEXPIRETIME k
""")

case("GET: arity", """
GET
GET a b
GET missing
STRLEN
STRLEN a b
STRLEN missing
""")

# SETNX, SETEX, PSETEX, GETSET, GETDEL ---------------------------------------------------------------

case("SETNX", """
SETNX k v
SETNX k w
GET k
SETNX
SETNX k
SETNX k a b
SET k v EX 100
SETNX k w
TTL k
SETNX "" x
SETNX "" y
GET ""
""")

case("SETEX and PSETEX", """
SETEX k 100 v
TTL k
GET k
PSETEX k 100000 w
TTL k
GET k
SETEX k 0 v
SETEX k -1 v
SETEX k abc v
SETEX k 1.5 v
SETEX k "" v
SETEX k 9223372036854775807 v
SETEX k 9223372036854775 v
SETEX k 9223372036854776 v
SETEX k 9223372036854775808 v
SETEX k
SETEX k 1
SETEX
SETEX k 1 v x
PSETEX k 0 v
PSETEX k -1 v
PSETEX k abc v
PSETEX k 9223372036854775807 v
PSETEX k 9223372036854775808 v
PSETEX k
PSETEX k 1 v x
GET k
SETEX k {now+0} v
PSETEX "" 1000000 v
TTL ""
""")

case("GETSET", """
GETSET k v
GETSET k w
GET k
SET k v EX 100
GETSET k x
TTL k
GETSET
GETSET k
GETSET k a b
GETSET k ""
GETSET k "\\x00"
GET k
""")

case("GETDEL", """
GETDEL k
SET k v
GETDEL k
GETDEL k
EXISTS k
SET k v EX 100
GETDEL k
TTL k
GETDEL
GETDEL a b
SET "" x
GETDEL ""
DBSIZE
""")

GETEX = ["", "EX 100", "PX 100000", "EXAT {now+1000}", "PXAT {nowms+1000000}", "PERSIST"]
case("GETEX: options", "\n".join(
    "%s\nGETEX k %s\nTTL k\nGETEX k %s\nGET k" % (before, option, option.lower())
    for before in ("DEL k", "SET k v", "SET k v EX 5000") for option in GETEX))

case("GETEX: errors and edges", """
GETEX
GETEX missing EX 0
GETEX missing WHAT
GETEX missing EX abc
GETEX missing PERSIST EX 10
SET k v
GETEX k a b
GETEX k EX
GETEX k EX abc
GETEX k EX 0
GETEX k EX -1
GETEX k PX 0
GETEX k PX -1
GETEX k EXAT 0
GETEX k PXAT -1
GETEX k EX 9223372036854775807
GETEX k PX 9223372036854775807
GETEX k EX 1 PX 1
GETEX k EX 1 EX 1
GETEX k PERSIST PERSIST
GETEX k PERSIST EX 10
GETEX k EX 10 PERSIST
GETEX k KEEPTTL
GETEX k NX
GETEX k XX
GETEX k GET
GETEX k EX 10 KEEPTTL
GETEX k WHAT
GETEX k ""
TTL k
GETEX k EXAT 1
EXISTS k
SET k v
GETEX k PXAT 1
EXISTS k
SET k v
GETEX k PXAT 33177117420000
PEXPIRETIME k
GETEX k
PEXPIRETIME k
GETEX k PERSIST
PEXPIRETIME k
""")

# MGET, MSET, MSETNX -----------------------------------------------------------------------------------

case("MGET, MSET, MSETNX", """
MSET a 1 b 2 c 3
MGET a b c d a
MGET d
MGET ""
MGET a
MGET
MSET
MSET a
MSET a 1 b
MSET a 1 a 2
GET a
MSET "" x k "" bin "\\x00\\xff"
MGET "" k bin
MSETNX
MSETNX a
MSETNX a 1 b
MSETNX a 9 z 9
EXISTS z
MSETNX y 1 z 2
MGET y z
MSETNX p 1 p 2
GET p
SET a 1 EX 100
MSET a 2
TTL a
SET a 1 EX 100
MSETNX a 2
TTL a
DBSIZE
""")
case("MSET and MGET: many keys",
     [b"MSET"] + [b"%s%d" % (w, i) for i in range(300) for w in (b"k", b"v")],
     [b"MGET"] + [b"k%d" % i for i in range(310)],
     "DBSIZE",
     [b"MSETNX"] + [b"%s%d" % (w, i) for i in range(299, 400) for w in (b"k", b"v")],
     "DBSIZE")

# APPEND, STRLEN, GETRANGE, SUBSTR, SETRANGE -------------------------------------------------------------

case("APPEND", """
APPEND k a
APPEND k bc
GET k
APPEND k ""
APPEND new ""
GET new
EXISTS new
APPEND k "\\x00\\r\\n"
GET k
STRLEN k
SET n 12
APPEND n 3
GET n
OBJECT ENCODING n
INCR n
OBJECT ENCODING n
SET k v EX 100
APPEND k w
TTL k
APPEND
APPEND k
APPEND k a b
APPEND "" x
GET ""
SET e short
OBJECT ENCODING e
APPEND e er
OBJECT ENCODING e
APPEND r fresh
OBJECT ENCODING r
APPEND i 12
OBJECT ENCODING i
""")

RANGES = [(0, 0), (0, -1), (0, 3), (1, 2), (-3, -1), (-100, 100), (5, 3), (-1, -3), (3, 100),
          (100, 200), (-200, -100), (-200, 0), (0, -200), (9, 9), (10, 10), (-10, -10), (-11, -10),
          (0, 9223372036854775807), (-9223372036854775808, 9223372036854775807),
          (-9223372036854775808, -9223372036854775808), (9223372036854775807, 9223372036854775807),
          (0, 4294967296), (4294967296, 4294967297), (-1, 0), (-1, -1), (0, 9), (0, 10)]
for name in ("GETRANGE", "SUBSTR"):
    case("%s: limits" % name, "SET k 0123456789",
         *[[name, "k", low, high] for low, high in RANGES],
         "SET n 1234567890",
         *[[name, "n", low, high] for low, high in RANGES],
         "SET e ''",
         *[[name, "e", low, high] for low, high in RANGES],
         *[[name, "missing", low, high] for low, high in RANGES[:5]],
         """
{n}
{n} k
{n} k 0
{n} k 0 1 2
{n} k a 1
{n} k 0 a
{n} k 0 1.5
{n} k "" 1
{n} k 0 ""
{n} k 9223372036854775808 1
{n} k 0 -9223372036854775809
{n} missing a b
{n} k " 1" 2
{n} k +1 2
{n} k -0 2
SET b "a\\x00b\\xff\\r\\n"
{n} b 1 3
{n} b -2 -1
""".replace("{n}", name))

case("SETRANGE", """
SETRANGE k 0 abc
GET k
SETRANGE k 1 XY
GET k
SETRANGE k 5 z
GET k
SETRANGE k 0 ""
GET k
SETRANGE new 0 ""
SETRANGE new 10 ""
EXISTS new
SETRANGE new 3 x
GET new
SETRANGE k -1 x
SETRANGE missing -1 x
SETRANGE missing -1 ""
SETRANGE k a x
SETRANGE k "" x
SETRANGE k 1.5 x
SETRANGE k 9223372036854775807 x
SETRANGE k 9223372036854775808 x
SETRANGE k -9223372036854775808 x
SETRANGE k 536870911 xx
SETRANGE k 536870912 x
SETRANGE k 536870912 ""
SETRANGE missing 536870912 x
SETRANGE missing 536870912 ""
SETRANGE missing 4294967296 x
EXISTS missing
STRLEN k
SETRANGE
SETRANGE k
SETRANGE k 0
SETRANGE k 0 a b
SET n 12345
SETRANGE n 1 9
GET n
OBJECT ENCODING n
SET e hello
SETRANGE e 0 j
OBJECT ENCODING e
GET e
SET t v EX 100
SETRANGE t 1 w
TTL t
SETRANGE k 100000 end
STRLEN k
GETRANGE k 99990 -1
SETRANGE n 2 "\\x00\\xff"
GET n
SETRANGE "" 2 x
GET ""
SET n 7
SETRANGE n 0 ""
OBJECT ENCODING n
""")

case("GET of a padded large value", """
SETRANGE k 1000000 x
STRLEN k
GETRANGE k 999998 1000001
GETRANGE k 0 3
""")

# Counters ---------------------------------------------------------------------------------------------

case("INCR and DECR", """
INCR n
INCR n
DECR n
DECR m
GET n
GET m
OBJECT ENCODING n
INCRBY n 10
DECRBY n 20
INCRBY n -5
DECRBY n -5
GET n
INCR
INCR a b
DECR
DECR a b
INCRBY
INCRBY n
INCRBY n 1 2
DECRBY
DECRBY n
DECRBY n 1 2
INCRBY n a
INCRBY n ""
INCRBY n 1.0
INCRBY n 1e3
INCRBY n " 1"
INCRBY n "1 "
INCRBY n +1
INCRBY n 01
INCRBY n -0
INCRBY n 0
INCRBY n 0x1
INCRBY n 9223372036854775808
INCRBY n -9223372036854775809
INCRBY n 99999999999999999999999999
DECRBY n a
DECRBY n ""
DECRBY n 9223372036854775808
DECRBY n -9223372036854775808
DECRBY n -9223372036854775809
GET n
SET n 9223372036854775807
INCR n
INCRBY n 1
INCRBY n -1
INCR n
GET n
DECRBY n -1
DECRBY n 9223372036854775807
GET n
SET n -9223372036854775808
DECR n
DECRBY n 1
INCRBY n -1
INCRBY n 9223372036854775807
GET n
SET n -9223372036854775807
DECR n
GET n
OBJECT ENCODING n
INCRBY n 0
SET t 5 EX 100
INCR t
TTL t
INCR ""
GET ""
""")

VALUES = ["", " ", "abc", "1 ", " 1", "+1", "01", "00", "-0", "-01", "0x10", "1e2", "1.0", "1.5",
          "9223372036854775807", "9223372036854775808", "-9223372036854775808",
          "-9223372036854775809", "18446744073709551615", "1\x00", "\x00", "--1", "-", "1-",
          "12345678901234567890123456789012345678901234567890", "inf", "nan", "1,000"]
case("INCR, DECR, INCRBY, DECRBY on values that may not be integers",
     *[step for value in VALUES
       for step in (["SET", "k", value], "OBJECT ENCODING k", "INCR k", "DECR k", "INCRBY k 5",
                    "DECRBY k 5", "GET k", "OBJECT ENCODING k")])

FLOATS = ["0", "1", "-1", "0.1", "-0.1", "0.2", "3.0", "5.0e3", "2.0e2", "1e5", "1e15", "1e16",
          "1e17", "1e18", "1e19", "1e20", "1e21", "1e30", "1e100", "1e300", "1e308", "1e309",
          "1e-5", "1e-10", "1e-17", "1e-18", "1e-20", "1e-300", "1e-400", "1e4000", "1e5000",
          "-1e4000", "123456789.123456789", "0.3333333333333333333333", "1.7976931348623157e308",
          "100", "1000000", "123456789012345678", "12345678901234567890", "0.00001", "3.14159265358979",
          "17", "17.000000000000001", "17.00000000000000001", "1.5", "2.50", ".5", "5.", "-.5",
          "+1", "+1.5", "0x1", "0x1p3", "0xff", "-0", "0.0", "-0.0", "99999999999999999",
          "999999999999999999999", "9007199254740993", "1e0", "1E2", "1e+2", "1e-2"]
case("INCRBYFLOAT: numbers and their form",
     *[step for value in FLOATS
       for step in ("DEL k", ["INCRBYFLOAT", "k", value], "GET k", "OBJECT ENCODING k",
                    "SET k 10.50", ["INCRBYFLOAT", "k", value], "GET k",
                    "SET k 3", ["INCRBYFLOAT", "k", value], "GET k")])
case("INCRBYFLOAT: the stored value",
     *[step for value in FLOATS + VALUES
       for step in (["SET", "k", value], "INCRBYFLOAT k 0", "INCRBYFLOAT k 1", "INCRBYFLOAT k -2.5",
                    "GET k")])
case("INCRBYFLOAT: sums", """
INCRBYFLOAT k 0.1
INCRBYFLOAT k 0.2
INCRBYFLOAT k -0.3
INCRBYFLOAT k 1e-7
INCRBYFLOAT k 1e17
INCRBYFLOAT k -1e17
SET k 5.0e3
INCRBYFLOAT k 2.0e2
SET k 10.50
INCRBYFLOAT k 0.1
INCRBYFLOAT k -5
SET k 1.1
INCRBYFLOAT k 2.2
INCRBYFLOAT k 3.3
SET k 1e4932
INCRBYFLOAT k 1e4932
GET k
SET t 1 EX 100
INCRBYFLOAT t 1.5
TTL t
INCR t
INCRBYFLOAT t 0.5
INCR t
GET t
""")
case("INCRBYFLOAT: errors", """
INCRBYFLOAT
INCRBYFLOAT k
INCRBYFLOAT k 1 2
INCRBYFLOAT k abc
INCRBYFLOAT k ""
INCRBYFLOAT k " 1"
INCRBYFLOAT k "1 "
INCRBYFLOAT k 1.5x
INCRBYFLOAT k "1\\x00"
INCRBYFLOAT k nan
INCRBYFLOAT k NaN
INCRBYFLOAT k -nan
INCRBYFLOAT k inf
INCRBYFLOAT k +inf
INCRBYFLOAT k -inf
INCRBYFLOAT k infinity
INCRBYFLOAT k 1,5
INCRBYFLOAT k 1e
INCRBYFLOAT k e1
INCRBYFLOAT k -
INCRBYFLOAT k .
INCRBYFLOAT k 1e99999
EXISTS k
SET k abc
INCRBYFLOAT k 1
SET k inf
INCRBYFLOAT k 1
SET k nan
INCRBYFLOAT k 1
SET k ""
INCRBYFLOAT k 1
SET k " 1"
INCRBYFLOAT k 1
INCRBYFLOAT k {rep:1:300}
INCRBYFLOAT k 0.{rep:1:300}
""")

case("counters: encodings of results", """
SET k 9999
OBJECT ENCODING k
INCR k
INCR k
OBJECT ENCODING k
SET k 12345678901234567890
OBJECT ENCODING k
SET k 9223372036854775807
OBJECT ENCODING k
SET k -9223372036854775808
OBJECT ENCODING k
SET k 9223372036854775808
OBJECT ENCODING k
INCRBYFLOAT f 1
OBJECT ENCODING f
INCRBYFLOAT f 1.5
OBJECT ENCODING f
INCRBYFLOAT f 0.5
OBJECT ENCODING f
SET k 01
OBJECT ENCODING k
SET k ""
OBJECT ENCODING k
""")

# LCS --------------------------------------------------------------------------------------------------

PAIRS = [("ohmytext", "mynewtext"), ("", ""), ("abc", ""), ("", "abc"), ("abc", "abc"),
         ("abc", "xyz"), ("aaaa", "aa"), ("abcbdab", "bdcaba"), ("a\x00b\x00c", "\x00b\x00"),
         ("the quick brown fox jumps", "a quiet brown dog jumped"), ("12345", "13579"),
         ("AGGTAB", "GXTXAYB"), ("xaxbxcxd", "aybyczd"),
         ("CACCTTCCCAGGTAACAAACCAACCAACTTTCGATCTCTTGTAGATCTGTTCTCTAAACGAACTTTAAAATCTGTGTGGCTGTCACTCGGCTG",
          "ATTAAAGGTTTATACCTTCCCAGGTAACAAACCAACCAACTTTCGATCTCTTGTAGATCTGTTCTCTAAACGAACTTTAAAATCTGTGTGG")]
LCS_OPTIONS = ["", "LEN", "IDX", "IDX WITHMATCHLEN", "IDX MINMATCHLEN 2", "IDX MINMATCHLEN 4",
               "IDX MINMATCHLEN 4 WITHMATCHLEN", "idx withmatchlen minmatchlen 1",
               "WITHMATCHLEN IDX", "MINMATCHLEN 0 IDX", "IDX MINMATCHLEN -5", "WITHMATCHLEN",
               "MINMATCHLEN 3", "LEN WITHMATCHLEN", "LEN MINMATCHLEN 9", "IDX IDX", "LEN LEN",
               "IDX MINMATCHLEN 1000000", "IDX MINMATCHLEN 9223372036854775807"]
case("LCS: pairs and options",
     *[step for one, two in PAIRS
       for step in [["MSET", "a", one, "b", two]] +
       [("LCS a b " + option).split() for option in LCS_OPTIONS]])
case("LCS: errors and missing keys", """
LCS
LCS a
LCS a b
LCS a b LEN
LCS a b IDX
SET a abc
LCS a b
LCS b a IDX WITHMATCHLEN
LCS a b LEN IDX
LCS a b IDX LEN
LCS a b WHAT
LCS a b IDX MINMATCHLEN
LCS a b MINMATCHLEN
LCS a b IDX MINMATCHLEN x
LCS a b IDX MINMATCHLEN ""
LCS a b IDX MINMATCHLEN 1.5
LCS a b IDX MINMATCHLEN 9223372036854775808
LCS a b IDX WITHMATCHLEN x
LCS a b ""
LCS a a
LCS a a IDX
LCS missing missing LEN WHAT
SET a 12345
SET b 345
LCS a b
LCS a b IDX
""")

case("string commands: case of the names", """
set k 1
sEt K 2
get k
gEt K
incr k
InCrBy k 4
strLEN k
getRange k 0 0
mGet k K
append k x
""")
