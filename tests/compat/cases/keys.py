# SPDX-License-Identifier: MIT
"""Keys: existence, names, patterns, SCAN, databases, COPY and MOVE, expiry, OBJECT."""

from case import family

case = family("keys")

case("DEL, UNLINK, EXISTS, TOUCH", """
DEL
UNLINK
EXISTS
TOUCH
DEL a
UNLINK a
EXISTS a
TOUCH a
MSET a 1 b 2 c 3 d 4
EXISTS a
EXISTS a a a
EXISTS a b missing
TOUCH a b missing a
DEL a a
DEL a b missing
UNLINK c c d missing
DBSIZE
SET "" x
EXISTS ""
DEL ""
SET "a\\x00b" 1
EXISTS "a" "a\\x00b" "a\\x00c"
UNLINK "a\\x00b"
del a
eXiSts a
""")

case("TYPE", """
TYPE
TYPE a b
TYPE missing
SET k v
TYPE k
INCR n
TYPE n
TYPE ""
""")

case("DBSIZE and RANDOMKEY", """
DBSIZE
RANDOMKEY
DBSIZE x
RANDOMKEY x
SET k v
DBSIZE
RANDOMKEY
SET l v
RANDOMKEY ## one_of(k,l)
DEL k
RANDOMKEY
SET l v PX 1
SELECT 1
RANDOMKEY
DBSIZE
""")

# KEYS and patterns --------------------------------------------------------------------------------

NAMES = ["hello", "hallo", "hbllo", "hllo", "heello", "h*llo", "h?llo", "h[llo", "h]llo", "h\\llo",
         "a", "b", "z", "-", "^", "]", "[", "\\", "*", "?", "", "a-b", "a^b", "user:1", "user:2",
         "user:10", "USER:1", "foo.bar", "a\x00b", "\xff", "caf\xe9", "{tag}x", "ab", "ba", "aab",
         "line\nbreak", "sp ace"]
PATTERNS = ["*", "?", "??", "h?llo", "h*llo", "h[ae]llo", "h[^e]llo", "h[a-b]llo", "h[b-a]llo",
            "h\\*llo", "h\\?llo", "h\\[llo", "h\\\\llo", "[a", "[", "[]", "[^]", "[]a]", "[^a", "[a-",
            "[a-]", "[-a]", "[a-z]", "[^a-z]", "[\\]]", "[\\-]", "[\\^]", "[\\a-z]", "[a-\\z]", "\\", "\\\\",
            "\\a", "a\\", "", "**", "***", "*a*", "*a", "a*", "?*", "*?", "user:*", "user:?", "USER:*",
            "user:1*", "*:*", "[u-v]ser:[0-9]", "[^u]*", "a\x00b", "a?b", "a*b", "\xff", "?\xff",
            "caf\xe9", "caf?", "{tag}*", "{*}*", "nothing", "*.*", "a[b", "h[e", "h[", "^", "[^^]",
            "[[]", "[]]", "[*]", "[?]", "a-b", "a[-]b", "a[^-]b", "[a-b][a-b]", "*l*l*o", "*[0-9]",
            "h[^a-e]llo", "line?break", "* *", "a" * 300, "*" * 100 + "x", "[a-zA-Z]*", "[0-9a]",
            "[z-a]", "[a-a]", "[^a-a]", "[\xfe-\xff]", "[abc", "x[abc", "\\[", "\\]", "\\-"]
setup = [step for name in NAMES for step in [["SET", name.encode("latin-1"), "v"]]]
case("KEYS: patterns", *setup,
     *["KEYS %s ## unordered" % ('"' + "".join("\\x%02x" % b for b in p.encode("latin-1")) + '"')
       for p in PATTERNS],
     "KEYS", "KEYS a b", "keys * ## unordered", "SELECT 3", "KEYS *", "SET only here", "KEYS *")
case("SCAN: patterns", *setup,
     *["SCAN 0 COUNT 1000 MATCH %s ## second_unordered" %
       ('"' + "".join("\\x%02x" % b for b in p.encode("latin-1")) + '"') for p in PATTERNS])

case("SCAN: arguments", """
SCAN
SCAN 0
SCAN a
SCAN ""
SCAN " 0"
SCAN "0 "
SCAN -1
SCAN 1.5
SCAN +0
SCAN 00
SCAN 0x0
SCAN 18446744073709551615 ## second_unordered
SCAN 18446744073709551616
SCAN 99999999999999999999999999
SCAN 0 COUNT
SCAN 0 COUNT 0
SCAN 0 COUNT -1
SCAN 0 COUNT a
SCAN 0 COUNT ""
SCAN 0 COUNT 1.5
SCAN 0 COUNT 9223372036854775807
SCAN 0 COUNT 9223372036854775808
SCAN 0 COUNT 10 COUNT
SCAN 0 COUNT 10 COUNT 20
SCAN 0 MATCH
SCAN 0 MATCH *
SCAN 0 MATCH * MATCH
SCAN 0 MATCH * MATCH a
SCAN 0 TYPE
SCAN 0 TYPE string
SCAN 0 TYPE STRING
SCAN 0 TYPE nothing
SCAN 0 TYPE ""
SCAN 0 TYPE string TYPE
SCAN 0 WHAT
SCAN 0 WHAT x
SCAN 0 COUNT 10 WHAT
SCAN 0 MATCH * COUNT 10 TYPE string
scan 0 match * count 10 type string
SCAN 0 NOVALUES
SCAN 0 COUNT a MATCH
SCAN a COUNT a
SET k v
SCAN 0
SCAN 0 TYPE string
SCAN 0 TYPE String
SCAN 0 TYPE list
SCAN 0 TYPE hash
SCAN 0 TYPE set
SCAN 0 TYPE zset
SCAN 0 TYPE stream
SCAN 0 TYPE nothing
SCAN 0 MATCH k
SCAN 0 MATCH x
SCAN 0 MATCH "" ## second_unordered
SCAN 0 COUNT 1000000
""")


def scan_all(runner, server, proto, *options):
    """Every key of a whole SCAN, and how many keys came more than once."""
    found, cursor, rounds = [], b"0", 0
    while True:
        reply = runner.tell(server, "SCAN", cursor, *options)
        assert reply[0] == "*" and len(reply[1]) == 2, reply
        assert reply[1][0][0] == "$" and reply[1][0][1].isdigit(), reply
        cursor = reply[1][0][1]
        found += [item[1] for item in reply[1][1][1]]
        rounds += 1
        if cursor == b"0" or rounds > 100000:
            return found


@case.function("SCAN: a whole iteration gives every key", protocols=(2,))
def whole_scan(runner, proto, check):
    for server in runner.pair.servers:
        for start in range(0, 3000, 500):
            args = []
            for i in range(start, start + 500):
                args += ["key:%d" % i, str(i)]
            runner.tell(server, "MSET", *args)
    for options in ((), ("COUNT", 1), ("COUNT", 7), ("COUNT", 100), ("COUNT", 100000),
                    ("MATCH", "key:1*"), ("MATCH", "key:?"), ("MATCH", "key:[0-4]??", "COUNT", 50),
                    ("TYPE", "string"), ("TYPE", "string", "MATCH", "*9"), ("TYPE", "hash"),
                    ("MATCH", "none*"), ("MATCH", "key:77"), ("COUNT", 33, "TYPE", "STRING")):
        ours, redis = (scan_all(runner, server, proto, *options) for server in runner.pair.servers)
        check("SCAN %s: the keys" % " ".join(map(str, options)), sorted(set(ours)), sorted(set(redis)))
        check("SCAN %s: no key twice while nothing changes" % " ".join(map(str, options)),
              len(ours) - len(set(ours)), 0)


@case.function("SCAN: keys that stay are given while others come and go", protocols=(2,))
def scan_under_change(runner, proto, check):
    for server in runner.pair.servers:
        args = []
        for i in range(400):
            args += ["stay:%d" % i, "v"]
        runner.tell(server, "MSET", *args)
        found, cursor, turn = set(), b"0", 0
        while True:
            reply = runner.tell(server, "SCAN", cursor, "COUNT", 11)
            cursor = reply[1][0][1]
            found |= {item[1] for item in reply[1][1][1]}
            # First the table grows a lot, then it shrinks again.
            if turn < 12:
                args = []
                for i in range(400):
                    args += ["come:%d:%d" % (turn, i), "v"]
                runner.tell(server, "MSET", *args)
            elif turn < 24:
                runner.tell(server, "DEL", *["come:%d:%d" % (turn - 12, i) for i in range(400)])
            turn += 1
            if cursor == b"0" or turn > 100000:
                break
        missing = [i for i in range(400) if b"stay:%d" % i not in found]
        check("keys that %s did not give" % server.kind, missing, [])


# RENAME -------------------------------------------------------------------------------------------

case("RENAME and RENAMENX", """
RENAME
RENAME a
RENAME a b c
RENAMENX
RENAMENX a
RENAMENX a b c
RENAME a b
RENAMENX a b
RENAME a a
RENAMENX a a
SET a 1
RENAME a a
RENAMENX a a
GET a
RENAME a b
EXISTS a
GET b
SET c 3
RENAME b c
GET c
SET d 4
RENAMENX c d
GET c
GET d
RENAMENX c e
GET e
SET x 1 EX 100
RENAME x y
TTL y
SET z 2
RENAME z y
TTL y
SET p 1 EX 100
SET q 2 EX 5000
RENAME p q
TTL q
SET r 1
RENAMENX r s
TTL s
RENAME s ""
GET ""
RENAME "" "\\x00"
GET "\\x00"
DBSIZE
""")

# COPY, MOVE, SELECT, SWAPDB --------------------------------------------------------------------------

case("COPY", """
COPY
COPY a
COPY a b
SET a 1
COPY a b
GET b
COPY a b
SET a 2
COPY a b REPLACE
GET b
COPY a a
COPY a a REPLACE
COPY a a DB 0
COPY a a DB 1
COPY a a DB 1
COPY a a DB 1 REPLACE
COPY a b DB 1
COPY a c DB 15
COPY a c DB 16
COPY a c DB -1
COPY a c DB abc
COPY a c DB ""
COPY a c DB 1.5
COPY a c DB 99999999999999999999
COPY a c DB
COPY a c WHAT
COPY a c REPLACE WHAT
COPY a c REPLACE REPLACE
COPY a c DB 1 DB 2
COPY a c REPLACE DB 3
COPY a c db 3 replace
COPY missing b
COPY missing b REPLACE
COPY missing b DB 1 REPLACE
COPY missing missing
COPY missing missing DB 99
SELECT 1
GET a
GET b
DBSIZE
SELECT 2
DBSIZE
SELECT 3
GET c
SELECT 15
GET c
SELECT 0
SET t v EX 100
COPY t u
TTL u
COPY t t DB 4
SELECT 4
TTL t
SELECT 0
SET n 1
COPY n t REPLACE
TTL t
SET i 12
COPY i j
INCR j
GET i
OBJECT ENCODING j
""")

case("MOVE", """
MOVE
MOVE a
MOVE a 1 2
MOVE a 1
SET a 1
MOVE a 0
MOVE a 1
MOVE a 1
EXISTS a
SET a 2
MOVE a 1
GET a
SELECT 1
GET a
MOVE a 0
DEL a
MOVE a 0
SELECT 0
MOVE a 16
MOVE a -1
MOVE a abc
MOVE a ""
MOVE a 1.5
MOVE a 99999999999999999999
MOVE missing 16
MOVE missing abc
MOVE missing 0
SET t v EX 100
MOVE t 2
SELECT 2
TTL t
GET t
SELECT 0
EXISTS t
""")

case("SELECT", """
SELECT
SELECT 0
SELECT 0 1
SELECT 15
SET k in15
SELECT 16
SELECT -1
SELECT abc
SELECT ""
SELECT 1.5
SELECT " 1"
SELECT +1
SELECT 01
SELECT 2147483648
SELECT 4294967296
SELECT 9223372036854775808
SELECT 99999999999999999999
GET k
SELECT 0
GET k
@b GET k
@b SELECT 15
@b GET k
@b DBSIZE
DBSIZE
""")

case("SWAPDB", """
SWAPDB
SWAPDB 0
SWAPDB 0 1 2
SWAPDB 0 0
SWAPDB 0 16
SWAPDB 16 0
SWAPDB -1 0
SWAPDB 0 -1
SWAPDB abc 0
SWAPDB 0 abc
SWAPDB "" 0
SWAPDB 0 1.5
SWAPDB abc abc
SWAPDB 99999999999999999999 0
SWAPDB 4294967296 0
SET k zero
SELECT 1
SET k one EX 100
SET l one
SELECT 0
SWAPDB 0 1
GET k
TTL k
DBSIZE
@b GET k
@b SELECT 1
@b GET k
@b TTL k
@b DBSIZE
@b SWAPDB 1 0
@b GET k
GET k
SWAPDB 2 3
SWAPDB 0 2
DBSIZE
SELECT 2
KEYS *
""")

case("FLUSHDB and FLUSHALL", """
SET a 1
SELECT 1
SET b 1
FLUSHDB
DBSIZE
SELECT 0
DBSIZE
FLUSHDB ASYNC
DBSIZE
SET a 1
FLUSHDB SYNC
DBSIZE
SET a 1
FLUSHDB WHAT
FLUSHDB ""
FLUSHDB ASYNC SYNC
FLUSHDB async x
FLUSHALL WHAT
FLUSHALL SYNC ASYNC
FLUSHALL 0
DBSIZE
SELECT 1
SET b 1
FLUSHALL
DBSIZE
SELECT 0
DBSIZE
SET a 1
flushall async
DBSIZE
SET a 1
flushall SYNC
DBSIZE
SET a 1
flushdb Async
DBSIZE
SET a 2
GET a
""")

# Expiry ------------------------------------------------------------------------------------------------

case("TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST", """
TTL
TTL a b
PTTL
PTTL a b
EXPIRETIME
EXPIRETIME a b
PEXPIRETIME
PEXPIRETIME a b
PERSIST
PERSIST a b
TTL missing
PTTL missing
EXPIRETIME missing
PEXPIRETIME missing
PERSIST missing
SET k v
TTL k
PTTL k
EXPIRETIME k
PEXPIRETIME k
PERSIST k
EXPIREAT k 33177117420
EXPIRETIME k
PEXPIRETIME k
PERSIST k
PERSIST k
EXPIRETIME k
PEXPIREAT k 33177117420123
EXPIRETIME k
PEXPIRETIME k
PEXPIREAT k 33177117420500
EXPIRETIME k
PEXPIREAT k 33177117420499
EXPIRETIME k
PEXPIREAT k 33177117420999
EXPIRETIME k
EXPIRE k 100
TTL k
PTTL k
PEXPIRE k 100000
TTL k
PTTL k
PEXPIRE k 1000000
PTTL k
GET k
""")

MOMENTS = {"EXPIRE": ["100", "2000", "9000"], "PEXPIRE": ["100000", "2000000", "9000000"],
           "EXPIREAT": ["{now+100}", "{now+2000}", "{now+9000}"],
           "PEXPIREAT": ["{nowms+100000}", "{nowms+2000000}", "{nowms+9000000}"]}
for name, moments in MOMENTS.items():
    steps = []
    for before in ("DEL k", "SET k v", "SET k v EX 1000"):
        for flags in ("", "NX", "XX", "GT", "LT", "nx", "Gt", "NX NX", "XX XX", "GT GT", "LT LT",
                      "XX GT", "GT XX", "XX LT", "LT XX", "NX XX", "XX NX", "NX GT", "NX LT", "GT NX",
                      "GT LT", "LT GT", "NX GT LT", "XX GT LT", "WHAT", "NX WHAT", "XX GT WHAT"):
            for moment in moments:
                steps += [before, "%s k %s %s" % (name, moment, flags), "TTL k"]
        for moment in ("0", "-1", "1" if name.endswith("AT") else "-100"):
            for flags in ("", "NX", "XX", "GT", "LT", "XX GT", "XX LT"):
                steps += [before, "%s k %s %s" % (name, moment, flags), "EXISTS k", "TTL k"]
    case("%s: conditions" % name, "\n".join(steps))
    case("%s: arguments" % name, """
{n}
{n} k
{n} missing 100
{n} missing abc
{n} missing 100 WHAT
SET k v
{n} k abc
{n} k ""
{n} k 1.5
{n} k " 1"
{n} k +1
{n} k 0x10
{n} k 1e3
{n} k 9223372036854775807
EXISTS k
PEXPIRETIME k ## type
SET k v
{n} k 9223372036854775808
{n} k -9223372036854775808
EXISTS k
SET k v
{n} k -9223372036854775809
{n} k -9223372036854775807
EXISTS k
SET k v
{n} k 9223372036854775
TTL k ## type
{n} k 9223372036854776
TTL k ## type
{n} k 9223372036854774
{n} k -9223372036854775
EXISTS k
SET k v
{n} k -9223372036854776
EXISTS k
{n} k 99999999999999999999999
{n} k 100 ""
{n} k 100 NX ""
{n} k abc NX
{n} k abc WHAT
{n} k abc NX XX
EXISTS k
SET "" v
{n} "" 0
EXISTS ""
DBSIZE
""".replace("{n}", name))

case("expiry: GT and LT against no expiry and equal times", """
SET k v
PEXPIREAT k 33177117420000 GT
PEXPIRETIME k
PEXPIREAT k 33177117420000 LT
PEXPIRETIME k
PEXPIREAT k 33177117420000 LT
PEXPIREAT k 33177117420000 GT
PEXPIREAT k 33177117420001 LT
PEXPIREAT k 33177117420001 GT
PEXPIRETIME k
PEXPIREAT k 33177117420000 GT
PEXPIREAT k 33177117420000 LT
PEXPIRETIME k
PEXPIREAT k 33177117420000 NX
PEXPIREAT k 33177117430000 XX
PEXPIRETIME k
EXPIREAT k 1 GT
EXISTS k
EXPIREAT k 1 LT
EXISTS k
""")

case("expiry: a key in its past is gone at once", """
SET k v
EXPIRE k 0
EXISTS k
DBSIZE
TTL k
SET k v
PEXPIREAT k 1
GET k
DBSIZE
SET k v
EXPIREAT k -1
TYPE k
SET k v EX 1000
EXPIRE k -5 XX
KEYS *
MSET a 1 b 2
PEXPIRE a -1
DEL a b
""")

# A key that runs out while nobody looks: read until it has gone, by each of the ways to see it.
case("expiry: it runs out", """
SET a v PX 30
GET a ## until=^(\\$-1|_)
EXISTS a
SET b v PX 30
EXISTS b ## until=^:0
GET b
SET c v
PEXPIRE c 30
TTL c ## until=^:-2
PTTL c
TYPE c
SET d v PX 30
DBSIZE ## until=^:0
KEYS *
SET e v PX 30
STRLEN e ## until=^:0
APPEND e new
TTL e
SET f v PX 30
TYPE f ## until=none
SETNX f again
TTL f
SET g v PX 30
EXPIRETIME g ## until=^:-2
RENAME g h
COPY g h
MOVE g 1
PERSIST g
OBJECT ENCODING g
GETDEL g
INCR g
TTL g
SET h v PX 30
KEYS h ## until=^\\*0
SET i v PX 30
SCAN 0 MATCH i ## until=\\*0
SET j v PX 30
RANDOMKEY ## until=[efg]\\r one_of(e,f,g)
""")

case("expiry: which commands keep it", """
SET k 5 EX 1000
INCR k
TTL k
INCRBYFLOAT k 1.5
TTL k
APPEND k x
TTL k
SETRANGE k 0 y
TTL k
GETSET k 1
TTL k
SET k 5 EX 1000
GETEX k
TTL k
TOUCH k
TTL k
MSET k 1
TTL k
SET k 5 EX 1000
SETEX k 2000 v
TTL k
PSETEX k 3000000 v
TTL k
""")

# OBJECT ------------------------------------------------------------------------------------------------

case("OBJECT", """
OBJECT
OBJECT ENCODING
OBJECT ENCODING a b
OBJECT ENCODING missing
OBJECT REFCOUNT
OBJECT REFCOUNT missing
OBJECT REFCOUNT a b
OBJECT IDLETIME
OBJECT IDLETIME missing
OBJECT IDLETIME a b
OBJECT FREQ
OBJECT FREQ missing
OBJECT FREQ a b
OBJECT WHAT
OBJECT WHAT k
OBJECT ""
OBJECT HELP ## help
OBJECT help ## help
OBJECT HELP x
SET k v
OBJECT REFCOUNT k
OBJECT IDLETIME k ## idle
OBJECT FREQ k
object encoding k
Object Encoding k
OBJECT ENCODING k
SET k 123456
OBJECT ENCODING k
OBJECT REFCOUNT k
SET k {rep:x:44}
OBJECT ENCODING k
SET k {rep:x:45}
OBJECT ENCODING k
SET k -5
OBJECT ENCODING k
SET k 1.5
OBJECT ENCODING k
SET k ""
OBJECT ENCODING k
SET k 9223372036854775807
OBJECT ENCODING k
SET k 12345678901234567890
OBJECT ENCODING k
SET k 00
OBJECT ENCODING k
""")
case("OBJECT REFCOUNT: small integers are shared", """
SET k 1
OBJECT REFCOUNT k
SET k 9999
OBJECT REFCOUNT k
SET k 10000
OBJECT REFCOUNT k
""")

case("OBJECT FREQ and IDLETIME with an LFU policy", """
CONFIG SET maxmemory-policy allkeys-lfu
SET k v
OBJECT FREQ k ## lfu_count differs=lfu
OBJECT FREQ missing
OBJECT IDLETIME k ## error_code
OBJECT IDLETIME missing
CONFIG SET maxmemory-policy noeviction
SET k v
OBJECT FREQ k
OBJECT IDLETIME k ## idle
""", after="CONFIG SET maxmemory-policy noeviction")

case("keys are bytes", """
SET "a\\r\\nb" 1
SET "a" 2
SET "A" 3
GET "a\\r\\nb"
GET "a"
GET "A"
DEL "a\\r\\nb" "A"
KEYS *
""")


# Keys of every type ---------------------------------------------------------------------------------

# One key of each type, small and large, and how to read it whole.
TYPES = {
    "string": (["SET string v"], "GET {k}"),
    "hash": (["HSET hash f 1 g 2 h {rep:x:30}"], "HGETALL {k} ## unordered_pairs"),
    "list": (["RPUSH list c a b a"], "LRANGE {k} 0 -1"),
    "set": (["SADD set a b 3"], "SMEMBERS {k} ## unordered"),
    "ints": (["SADD ints 1 2 3"], "SMEMBERS {k}"),
    "zset": (["ZADD zset 1 a 2.5 b -inf c"], "ZRANGE {k} 0 -1 WITHSCORES"),
    "bighash": ([["HSET", "bighash"] + [part for i in range(300) for part in ("field:%d" % i, str(i))]],
                "HGETALL {k} ## unordered_pairs"),
    "biglist": ([["RPUSH", "biglist"] + ["item:%d" % i for i in range(2000)]], "LRANGE {k} 0 -1"),
    "bigset": ([["SADD", "bigset"] + ["member:%d" % i for i in range(300)]], "SMEMBERS {k} ## unordered"),
    "bigzset": ([["ZADD", "bigzset"] + [part for i in range(300) for part in (str(i % 7), "member:%d" % i)]],
                "ZRANGE {k} 0 -1"),
}
EVERYTHING = [step for steps, _ in TYPES.values() for step in steps]
SMALL_LISTS = {"list"}
SMALL_SETS = {"set"}


def read(name, key=None):
    return TYPES[name][1].replace("{k}", key or name)


def encoding(name, key=None):
    note = " ## differs=list-listpack" if name in SMALL_LISTS else " ## differs=set-listpack" if name in SMALL_SETS else ""
    return "OBJECT ENCODING %s%s" % (key or name, note)


case("every type: TYPE, OBJECT, EXISTS", *EVERYTHING, *[step for name in TYPES for step in (
    "TYPE " + name, "EXISTS " + name, "TOUCH " + name, encoding(name), "OBJECT REFCOUNT %s" % name,
    "OBJECT IDLETIME %s ## idle" % name, "OBJECT FREQ " + name, "MEMORY USAGE %s ## type" % name,
    "MEMORY USAGE %s SAMPLES 0 ## type" % name, "TTL " + name, read(name))],
     "DBSIZE", "KEYS * ## unordered", "EXISTS " + " ".join(TYPES), "TOUCH %s missing" % " ".join(TYPES))

case("every type: SCAN … TYPE", *EVERYTHING, *["SCAN 0 COUNT 1000 TYPE %s ## second_unordered" % kind for kind in (
    "string", "hash", "list", "set", "zset", "stream", "LIST", "Hash", "none", "nothing")],
     "SCAN 0 COUNT 1000 TYPE set MATCH big* ## second_unordered",
     "SCAN 0 COUNT 1000 MATCH *set TYPE zset ## second_unordered", "SCAN 0 COUNT 1000 ## second_unordered")

case("every type: DEL and UNLINK", *EVERYTHING, *["DEL %s" % name for name in TYPES], "DBSIZE", *EVERYTHING,
     "UNLINK missing " + " ".join(TYPES), "DBSIZE", *EVERYTHING, "FLUSHDB", "DBSIZE",
     *[read(name) for name in TYPES], *EVERYTHING, *[read(name) for name in TYPES])

case("every type: expiry", *EVERYTHING, *[step for name in TYPES for step in (
    "EXPIRE %s 100" % name, "TTL " + name, read(name), "EXPIRE %s 50 GT" % name, "PEXPIREAT %s 33177117420123" % name,
    "PEXPIRETIME " + name, "PERSIST " + name, "PERSIST " + name, "TTL " + name, encoding(name), read(name),
    "EXPIRE %s 100" % name)],
     "HSET hash more 1", "RPUSH list more", "SADD set more", "ZADD zset 9 more", "SREM ints 1", *["TTL %s" % name for name in TYPES],
     *[step for name in TYPES for step in ("EXPIRE %s -1" % name, "EXISTS " + name, "TYPE " + name, "TTL " + name)], "DBSIZE")

case("every type: it runs out", *EVERYTHING, *[step for name in TYPES for step in (
    "PEXPIRE %s 20" % name, "EXISTS %s ## until=^:0" % name, "TYPE " + name)], "DBSIZE", *EVERYTHING,
     *[read(name) for name in TYPES], *["TTL %s" % name for name in TYPES])

case("every type: RENAME", *EVERYTHING, *[step for name in TYPES for step in (
    "EXPIRE %s 5000" % name, "RENAME %s moved" % name, "EXISTS " + name, "TYPE moved", encoding(name, "moved"), "TTL moved",
    read(name, "moved"), "RENAMENX moved string" if name != "string" else "PING", "RENAME moved moved", "RENAME moved " + name,
    "TYPE " + name, read(name))], "DBSIZE")
case("every type: RENAME over every other", *[step for one in TYPES for other in TYPES if one != other for step in (
    *TYPES[one][0], *TYPES[other][0], "RENAME %s %s" % (one, other), "TYPE " + other, read(one, other), "DBSIZE", "FLUSHALL")])

case("every type: COPY", *EVERYTHING, *[step for name in TYPES for step in (
    "EXPIRE %s 5000" % name, "COPY %s copied REPLACE" % name, "TYPE copied", encoding(name, "copied"), "TTL copied",
    read(name, "copied"), "COPY %s copied" % name, "COPY %s copied DB 1" % name, "COPY %s copied DB 1 REPLACE" % name,
    read(name))], "SELECT 1", "TYPE copied", read("bigzset", "copied"), "SELECT 0", "DBSIZE")
case("every type: a copy goes its own way", """
HSET h f 1
COPY h h2
HSET h g 2
HDEL h2 f
HGETALL h
HGETALL h2
RPUSH l a
COPY l l2
RPUSH l b
LPOP l2
LRANGE l 0 -1
EXISTS l2
SADD s a
COPY s s2
SADD s2 b
SREM s a
SMEMBERS s2 ## unordered
EXISTS s
ZADD z 1 a
COPY z z2
ZADD z2 2 a
ZSCORE z a
ZSCORE z2 a
DBSIZE
""")

case("every type: MOVE and SWAPDB", *EVERYTHING, *["EXPIRE %s 5000" % name for name in TYPES],
     *["MOVE %s 3" % name for name in TYPES], "DBSIZE", *["EXISTS %s" % name for name in TYPES], "SELECT 3",
     *[step for name in TYPES for step in ("TTL " + name, encoding(name), read(name))], "SWAPDB 3 4", "DBSIZE", "SELECT 4",
     *[read(name) for name in TYPES], *["MOVE %s 0" % name for name in TYPES], "SELECT 0", "SADD set more", "RPUSH list more",
     "SADD three x", "SELECT 3", "SADD three y", "MOVE three 0", "SELECT 0", *[read(name) for name in TYPES])

case("every type: RANDOMKEY", *[step for name in TYPES for step in (
    *TYPES[name][0], "RANDOMKEY", "DEL " + name)], "RANDOMKEY")

# String commands on what is no string.
ON_OTHERS = ["GET {k}", "STRLEN {k}", "GETRANGE {k} 0 -1", "SUBSTR {k} 0 1", "SETRANGE {k} 0 x", "SETRANGE {k} 0 \"\"",
             "APPEND {k} x", "INCR {k}", "DECR {k}", "INCRBY {k} 5", "DECRBY {k} 5", "INCRBYFLOAT {k} 1.5", "INCRBY {k} x",
             "GETSET {k} v", "GETDEL {k}", "GETEX {k}", "GETEX {k} EX 10", "GETEX {k} PERSIST", "SETNX {k} v", "MSETNX {k} v other w",
             "MGET {k} string {k}", "SET {k} v NX", "SET {k} v GET", "SET {k} v NX GET", "SET {k} v XX GET",
             "LCS {k} string", "LCS string {k}"]
case("every type: string commands", "SET string v", *[step for name in TYPES if name != "string" for step in (
    *TYPES[name][0], "EXPIRE %s 5000" % name, *[line.replace("{k}", name) for line in ON_OTHERS], "TYPE " + name, "TTL " + name,
    read(name))], "DBSIZE")
OVERWRITE = ["SET {k} v", "SET {k} v XX", "SET {k} v KEEPTTL", "SET {k} v EX 100", "SETEX {k} 100 v", "PSETEX {k} 100000 v", "MSET {k} v"]
case("every type: strings over it", *[step for name in TYPES if name != "string" for line in OVERWRITE for step in (
    *TYPES[name][0], "EXPIRE %s 5000" % name, line.replace("{k}", name), "TYPE " + name, "TTL " + name, "GET " + name,
    "DEL " + name)], "DBSIZE")

# Every family's commands on every other type.
FAMILIES = {
    "hash": ["HSET {k} f v", "HGET {k} f", "HDEL {k} f", "HLEN {k}", "HGETALL {k}", "HINCRBY {k} f 1", "HSCAN {k} 0"],
    "list": ["RPUSH {k} v", "LPUSHX {k} v", "LPOP {k}", "LLEN {k}", "LRANGE {k} 0 -1", "LINDEX {k} 0", "LSET {k} 0 v",
             "LREM {k} 0 v", "LTRIM {k} 0 0"],
    "set": ["SADD {k} v", "SREM {k} v", "SCARD {k}", "SMEMBERS {k}", "SISMEMBER {k} v", "SPOP {k}", "SSCAN {k} 0"],
    "zset": ["ZADD {k} 1 v", "ZREM {k} v", "ZCARD {k}", "ZRANGE {k} 0 -1", "ZSCORE {k} v", "ZINCRBY {k} 1 v", "ZSCAN {k} 0"],
}
case("every type: commands of the others", *EVERYTHING, *[
    line.replace("{k}", name) for name in TYPES for family_name, lines in FAMILIES.items()
    if family_name != name.replace("big", "").replace("ints", "set") for line in lines],
     *[read(name) for name in TYPES])

case("every type: RELOAD", *EVERYTHING, "EXPIRE set 5000", "SREM bigset member:7", "LPUSH biglist first", "LPOP list",
     "HDEL bighash field:1", "ZADD bigzset 77 member:1", "ZREM bigzset member:2", "COPY bighash other", "RENAME biglist renamed",
     "SELECT 5", *EVERYTHING, "DEL bigset", "SELECT 0", "DEBUG RELOAD", "DBSIZE", "TTL set", "SMEMBERS bigset ## unordered",
     "LRANGE list 0 -1", "LRANGE renamed 0 3", "HLEN bighash", "HLEN other", "ZSCORE bigzset member:1", "ZCARD bigzset",
     "ZADD zset 3 d", "RPUSH list z", "SADD ints 4", "HSET hash z z", "DEBUG RELOAD", read("zset"), read("list"), read("ints"),
     read("hash"), "SELECT 5", "DBSIZE", "EXISTS bigset", "FLUSHALL", "DEBUG RELOAD", "DBSIZE")


@case.function("every type: digests are of what is there, not of its order", protocols=(2,))
def digests(runner, proto, check):
    def both(server, *names):
        return [item[1] for item in runner.tell(server, "DEBUG", "DIGEST-VALUE", *names)[1]]

    changes = [("HSET", "{k}", "f", "1"), ("HSET", "{k}", "g", "22"), ("HSET", "{k}", "f", "2"), ("HSET", "{k}", "fg", "")]
    sets = [("SADD", "{k}", "a"), ("SADD", "{k}", "b"), ("SADD", "{k}", "ab"), ("SADD", "{k}", "7")]
    zsets = [("ZADD", "{k}", "1", "a"), ("ZADD", "{k}", "2", "b"), ("ZADD", "{k}", "1.5", "b"), ("ZADD", "{k}", "2", "a")]
    lists = [("RPUSH", "{k}", "a"), ("RPUSH", "{k}", "b"), ("LPUSH", "{k}", "b"), ("RPUSH", "{k}", "ab")]
    for server in runner.pair.servers:
        for steps in (changes, sets, zsets, lists):
            runner.tell(server, "FLUSHALL")
            seen, whole = [], []
            for step in steps:
                for key in ("one", "two"):
                    runner.tell(server, *[part.replace("{k}", key) for part in step])
                one, two, none = both(server, "one", "two", "none")
                check("%s: the same digest after %s" % (server.kind, step), one, two)
                seen.append(one)
                whole.append(runner.tell(server, "DEBUG", "DIGEST")[1])
            check("%s: every state has its own digest" % server.kind, (len(set(seen)), len(set(whole))), (len(steps),) * 2)
            check("%s: no key" % server.kind, none, b"0" * 40)
        runner.tell(server, "FLUSHALL")
        for key, order in (("one", range(200)), ("two", reversed(range(200)))):
            for i in order:
                runner.tell(server, "SADD", key, "m%d" % i)
                runner.tell(server, "HSET", key + "h", "f%d" % i, str(i))
        one, two, three, four = both(server, "one", "two", "oneh", "twoh")
        check("%s: the order does not matter" % server.kind, (one == two, three == four, one == three), (True, True, False))
        before = runner.tell(server, "DEBUG", "DIGEST")[1]
        runner.tell(server, "DEBUG", "RELOAD")
        check("%s: the same after a reload" % server.kind, runner.tell(server, "DEBUG", "DIGEST")[1], before)
