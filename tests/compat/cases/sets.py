# SPDX-License-Identifier: MIT
"""Sets: members, random members, set algebra, SSCAN."""

import itertools

from case import family

case = family("sets")

# One set of each form: integers, few short members, a long member, many members.
INTS = "SADD %s 3 1 -7 2 100000000000"
FEW = "SADD %s a b c 3 1 \"\" \"a\\x00b\\r\\n\""
LONG = "SADD %s a b 3 {rep:x:100}"


def many(key, start, count, prefix="m"):
    return [["SADD", key] + ["%s%d" % (prefix, i) for i in range(at, min(at + 500, start + count))]
            for at in range(start, start + count, 500)]


case("arguments", *["\n".join((name, name + " k")) for name in (
    "SADD", "SREM", "SISMEMBER", "SMISMEMBER", "SMOVE", "SINTERCARD", "SSCAN",
    "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE")], """
SCARD
SCARD a b
SMEMBERS
SMEMBERS a b
SISMEMBER a b c
SMOVE a b
SMOVE a b c d
SPOP
SPOP a 1 2
SPOP a 1 2 3
SRANDMEMBER
SRANDMEMBER a 1 2
SINTER
SUNION
SDIFF
DBSIZE
""")

for title, setup in (("integers", INTS), ("few", FEW), ("long", LONG)):
    case("one set: " + title, setup % "k", """
TYPE k
SCARD k
SMEMBERS k ## unordered
SISMEMBER k a
SISMEMBER k 1
SISMEMBER k 01
SISMEMBER k "1 "
SISMEMBER k ""
SMISMEMBER k a 1 zz 2 "" a
sadd k a 1
SADD k a a new new 55 55
SCARD k
SREM k nothing
SREM k a a
SREM k new 1 missing 2
SMEMBERS k ## unordered
SADD k 9223372036854775807 -9223372036854775808 9223372036854775808 32768 65536 2147483648 -2147483649
SMEMBERS k ## unordered
SREM k 9223372036854775807 9223372036854775808
SMEMBERS k ## unordered
SADD k {rep:y:70000}
SISMEMBER k {rep:y:70000}
SMEMBERS k ## unordered
EXPIRE k 100
SADD k more
TTL k
SREM k more
TTL k
DBSIZE
""" if title != "integers" else """
TYPE k
OBJECT ENCODING k
SMEMBERS k
SADD k 5 4 3 2 1 0 -1
SMEMBERS k
SADD k 70000 -70000 32767 32768 -32769 2147483647 2147483648 -2147483649
SMEMBERS k
SADD k 9223372036854775807 -9223372036854775808
SMEMBERS k
SISMEMBER k 9223372036854775807
SISMEMBER k +5
SISMEMBER k 05
SISMEMBER k 5.0
SREM k 5 05 x 70000
SMEMBERS k
SMISMEMBER k 1 2 5 x 9223372036854775808
OBJECT ENCODING k
SADD k 9223372036854775808
SMEMBERS k ## unordered
SREM k 9223372036854775808
SMEMBERS k ## unordered
SCARD k
""")

case("a set that is empty is no more", """
SADD k a
SREM k b
EXISTS k
SREM k a
EXISTS k
TYPE k
SCARD k
SMEMBERS k
SADD k 1 2
SREM k 1 2 3 4
EXISTS k
SREM k 1
SADD k a b
SPOP k 2 ## unordered
EXISTS k
SPOP k
SADD k x EX
SCARD k
DEL k
DBSIZE
""")

case("missing keys", """
SREM no a
SCARD no
SISMEMBER no a
SMISMEMBER no a b
SMEMBERS no
SMOVE no other a
SPOP no
SPOP no 1
SPOP no 0
SRANDMEMBER no
SRANDMEMBER no 1
SRANDMEMBER no -1
SRANDMEMBER no 0
SSCAN no 0
SSCAN no 5
SINTER no
SINTER no no2
SUNION no
SUNION no no2
SDIFF no
SDIFF no no2
SINTERCARD 1 no
SINTERCARD 2 no no2 LIMIT 1
SINTERSTORE d no
SUNIONSTORE d no no2
SDIFFSTORE d no
EXISTS d
DBSIZE
""")

WRONG = ["SADD s a", "SREM s a", "SCARD s", "SISMEMBER s a", "SMISMEMBER s a b", "SMEMBERS s",
         "SMOVE s k a", "SMOVE k s a", "SMOVE k s missing", "SMOVE no s a", "SMOVE s s a", "SMOVE s no a",
         "SPOP s", "SPOP s 0", "SPOP s 1", "SPOP s x", "SPOP s -1", "SRANDMEMBER s", "SRANDMEMBER s 0",
         "SRANDMEMBER s 2", "SRANDMEMBER s x", "SSCAN s 0", "SSCAN s x", "SSCAN s 0 WHAT",
         "SINTER s", "SINTER k s", "SINTER s k", "SINTER no s", "SUNION k s", "SUNION no s", "SDIFF s k",
         "SDIFF k s", "SDIFF no s", "SINTERCARD 2 k s", "SINTERCARD 2 no s", "SINTERCARD 1 s LIMIT x",
         "SINTERSTORE d k s", "SUNIONSTORE d k s", "SDIFFSTORE d k s", "SUNIONSTORE s k s",
         "SINTERSTORE d no s", "SDIFFSTORE d no s"]
case("WRONGTYPE", "SET s string", "SADD k a b", *WRONG, "GET s", "SMEMBERS k ## unordered", "EXISTS d no",
     "GET k", "SET s again", "SUNIONSTORE s k", "TYPE s", "SMEMBERS s ## unordered",
     "RPUSH l a", "SADD l a", "SUNIONSTORE l k", "TYPE l", "HSET h f v", "SINTER k h", "SDIFFSTORE h no", "EXISTS h",
     "ZADD z 1 a", "SUNION k z", "SINTERSTORE z k", "SMEMBERS z ## unordered",
     "SET k string", "SMEMBERS k", "GET k")

case("SMOVE", """
SADD a 1 2 3
SADD b 3 4
SMOVE a b 1
SMEMBERS a
SMEMBERS b
SMOVE a b 3
SMEMBERS a
SMEMBERS b
SMOVE a b 9
SMOVE a a 2
SMOVE a a 9
SMEMBERS a
SMOVE a new 2
EXISTS a
SMEMBERS new
OBJECT ENCODING new
SMOVE a new 2
SADD w x
SMOVE w b x
SMEMBERS b ## unordered
EXISTS w
EXPIRE b 100
SMOVE new b 2
TTL b
SMEMBERS b ## unordered
DBSIZE
""")

# Random members ---------------------------------------------------------------------------------------

case("SPOP and SRANDMEMBER: what is certain", """
SADD k a
SRANDMEMBER k
SRANDMEMBER k 1
SRANDMEMBER k 5
SRANDMEMBER k -3
SRANDMEMBER k 0
SPOP k 0
SPOP k
EXISTS k
SADD k 7
SRANDMEMBER k -2
SPOP k 1
EXISTS k
SADD k a b c
SRANDMEMBER k 3 ## unordered
SRANDMEMBER k 100 ## unordered
SRANDMEMBER k 2 ## count
SRANDMEMBER k 1 ## count
SRANDMEMBER k -7 ## count
SRANDMEMBER k ## one_of(a,b,c)
SPOP k ## one_of(a,b,c)
SCARD k
SPOP k 1 ## count
SCARD k
SPOP k 9223372036854775807 ## count
EXISTS k
SADD k 1 2 3
SPOP k 3 ## unordered
SADD k 1 2 3
SPOP k 4 ## unordered
""")
case("SPOP and SRANDMEMBER: counts", "SADD k a b c", *[
    "%s k %s" % (name, count) for name in ("SPOP", "SRANDMEMBER")
    for count in ("x", '""', "1.5", '" 1"', "+1", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
                  "99999999999999999999", "0", "1 x", "1 COUNT", "x y")], "SPOP k -1", "SCARD k")


@case.function("SPOP and SRANDMEMBER: members of the set, each once where it must be", protocols=(2, 3))
def random_members(runner, proto, check):
    sizes = [(5, ""), (100, ""), (100, "m"), (1000, "m")]
    for server in runner.pair.servers:
        for size, prefix in sizes:
            members = [b"%s%d" % (prefix.encode(), i) for i in range(size)]
            for count in sorted({1, 2, 3, size // 10, size // 4, size // 3, size // 2, size - 1, size, size + 1}):
                runner.tell(server, "DEL", "k")
                runner.tell(server, "SADD", "k", *members)
                kind, value = runner.tell(server, "SRANDMEMBER", "k", count)
                picked = [item[1] for item in value]
                what = "%s: %d of %d %s" % (server.kind, count, size, prefix)
                check(what + ", picked", (kind, len(picked), len(set(picked)), set(picked) <= set(members)),
                      ("*", min(count, size), min(count, size), True))
                _, value = runner.tell(server, "SRANDMEMBER", "k", -count)
                check(what + ", with repetition", (len(value), {item[1] for item in value} <= set(members)),
                      (count, True))
                kind, value = runner.tell(server, "SPOP", "k", count)
                popped = {item[1] for item in value}
                left = {item[1] for item in runner.tell(server, "SMEMBERS", "k")[1]}
                check(what + ", popped", (len(value), popped & left, popped | left),
                      (min(count, size), set(), set(members)))


@case.function("SPOP and SRANDMEMBER: every member has its turn", protocols=(2,))
def random_fair(runner, proto, check):
    for server in runner.pair.servers:
        for size, prefix in ((10, ""), (10, "m"), (300, "m")):
            runner.tell(server, "DEL", "k")
            runner.tell(server, "SADD", "k", *["%s%d" % (prefix, i) for i in range(size)])
            seen = set()
            for count in (1, size // 5, size - 1):
                seen.clear()
                for _ in range(30 * size // count + 30):
                    seen |= {item[1] for item in runner.tell(server, "SRANDMEMBER", "k", count)[1]}
                check("%s: picked by %d of %d %s" % (server.kind, count, size, prefix), len(seen), size)


# Algebra ----------------------------------------------------------------------------------------------

CONTENTS = {"none": [], "i": ["SADD i 1 2 3 4 5 6 7"], "j": ["SADD j 5 6 7 8 9 100000"],
            "f": ["SADD f 1 a b c 5"], "g": ["SADD g a 5 zz \"\""], "l": ["SADD l a 1 {rep:x:100}"],
            "big": many("big", 0, 1000), "wide": many("wide", 500, 1000) + ["SADD wide a 5 7"],
            "ints": many("ints", 0, 600, "")}
SETUP = [step for steps in CONTENTS.values() for step in steps]
KEYS = list(CONTENTS)
for name in ("SINTER", "SUNION", "SDIFF"):
    case(name, *SETUP, *["%s %s ## unordered" % (name, " ".join(keys)) for keys in
                         [(key,) for key in KEYS] + list(itertools.permutations(KEYS, 2)) +
                         [(key, key) for key in KEYS] +
                         [keys for at, keys in enumerate(itertools.permutations(KEYS, 3)) if at % 5 == 0] +
                         [("big", "f", "g", "l", "none", "i"), ("f", "i", "f", "j"), ("i", "f", "g", "f", "l")]])
    case(name + "STORE", *SETUP, *[
        step for at, keys in enumerate([(key,) for key in KEYS] + list(itertools.permutations(KEYS, 2)) +
                                       [(key, key) for key in KEYS])
        for step in ("%sSTORE d %s" % (name, " ".join(keys)), "TYPE d", "SCARD d", "SMEMBERS d ## unordered")])
    case(name + "STORE: the target is a source, or something else", """
SADD a 1 2 3
SADD b 2 3 4
{n}STORE a a b
SMEMBERS a
{n}STORE b a b
SMEMBERS b
{n}STORE a a
SMEMBERS a
SADD c x
{n}STORE c c missing
SMEMBERS c
{n}STORE missing missing c
SMEMBERS missing
SET s string EX 100
SADD x 1 2
SADD y 2
{n}STORE s x y
TYPE s
TTL s
SMEMBERS s
EXPIRE s 100
{n}STORE s y x
TYPE s
TTL s
SET s string
{n}STORE s no no2
EXISTS s
SET s string
{n}STORE s s x
GET s
{n}STORE s x s
GET s
""".replace("{n}", name))
case("SINTERCARD", *SETUP, *[
    "SINTERCARD %d %s %s" % (len(keys), " ".join(keys), limit)
    for keys in [("none",), ("i",), ("big",), ("i", "j"), ("j", "i"), ("big", "wide"), ("i", "none"), ("f", "g", "l"),
                 ("i", "i"), ("ints", "i", "j")]
    for limit in ("", "LIMIT 0", "LIMIT 1", "limit 2", "LIMIT 1000000", "LIMIT 9223372036854775807")])
case("SINTERCARD: arguments", """
SADD a 1 2 3
SINTERCARD 0 a
SINTERCARD -1 a
SINTERCARD x a
SINTERCARD "" a
SINTERCARD 1.5 a
SINTERCARD 9223372036854775807 a
SINTERCARD 9223372036854775808 a
SINTERCARD 2 a
SINTERCARD 1 a b
SINTERCARD 1 a LIMIT
SINTERCARD 1 a LIMIT x
SINTERCARD 1 a LIMIT -1
SINTERCARD 1 a LIMIT 1.5
SINTERCARD 1 a LIMIT 9223372036854775808
SINTERCARD 1 a LIMIT 1 LIMIT 2
SINTERCARD 1 a LIMIT 1 WHAT
SINTERCARD 1 a WHAT 1
SINTERCARD 2 a LIMIT
SINTERCARD 3 a LIMIT 1
SINTERCARD 0 a LIMIT x
""")

# SSCAN ------------------------------------------------------------------------------------------------

case("SSCAN: arguments", FEW % "k", *["SSCAN k " + rest + " ## second_unordered" for rest in (
    "a", '""', '" 0"', '"0 "', "1.5", "+0", "00", "18446744073709551616", "99999999999999999999999999", "0 COUNT", "0 COUNT 0", "0 COUNT -1", "0 COUNT a", "0 COUNT 1.5",
    "0 COUNT 9223372036854775807", "0 COUNT 9223372036854775808", "0 COUNT 10 COUNT", "0 COUNT 10 COUNT 20",
    "0 MATCH", "0 MATCH *", "0 MATCH * MATCH", "0 MATCH * MATCH a", "0 MATCH a", "0 MATCH x", '0 MATCH ""',
    "0 MATCH [ab3]", "0 MATCH a*", "0 match ? count 1000", "0 TYPE set", "0 TYPE", "0 NOVALUES", "0 WHAT", "0 WHAT x",
    "0 COUNT a MATCH", "a COUNT a", "0", "0 COUNT 1000")],
     "SSCAN no 0 WHAT", "SSCAN no a WHAT", "SET s v", "SSCAN s 0 WHAT", "SSCAN s a")
case("SSCAN: a small set comes whole, whatever the cursor", INTS % "k", """
SSCAN k 0
SSCAN k 0 COUNT 1
SSCAN k 77
SSCAN k -1
SSCAN k 18446744073709551615
SSCAN k 0 MATCH 1*
SSCAN k 0 MATCH -*
SSCAN k 0 MATCH x
""")


def scan_all(runner, server, *options):
    found, cursor = [], b"0"
    for _ in range(100000):
        reply = runner.tell(server, "SSCAN", "k", cursor, *options)
        cursor = reply[1][0][1]
        found += [item[1] for item in reply[1][1][1]]
        if cursor == b"0":
            break
    return found


@case.function("SSCAN: a whole iteration gives every member", protocols=(2, 3))
def whole_scan(runner, proto, check):
    for server in runner.pair.servers:
        for start in range(0, 3000, 500):
            runner.tell(server, "SADD", "k", *["member:%d" % i for i in range(start, start + 500)])
    for options in ((), ("COUNT", 1), ("COUNT", 7), ("COUNT", 1000), ("COUNT", 100000), ("MATCH", "member:1*"),
                    ("MATCH", "*9", "COUNT", 50), ("MATCH", "none"), ("MATCH", "member:77")):
        ours, redis = (scan_all(runner, server, *options) for server in runner.pair.servers)
        shown = " ".join(map(str, options))
        check("SSCAN %s: the members" % shown, sorted(set(ours)), sorted(set(redis)))
        check("SSCAN %s: none twice" % shown, len(ours) - len(set(ours)), 0)


@case.function("SSCAN: members that stay are given while others come and go", protocols=(2,))
def scan_under_change(runner, proto, check):
    for server in runner.pair.servers:
        runner.tell(server, "SADD", "k", *["stay:%d" % i for i in range(400)])
        found, cursor = set(), b"0"
        for turn in range(100000):
            reply = runner.tell(server, "SSCAN", "k", cursor, "COUNT", 11)
            cursor = reply[1][0][1]
            found |= {item[1] for item in reply[1][1][1]}
            if turn < 24:
                come = ["come:%d:%d" % (turn % 12, i) for i in range(400)]
                runner.tell(server, "SADD" if turn < 12 else "SREM", "k", *come)
            if cursor == b"0":
                break
        check("members that %s did not give" % server.kind,
              [i for i in range(400) if b"stay:%d" % i not in found], [])


# Forms ------------------------------------------------------------------------------------------------

case("OBJECT ENCODING", """
SADD k 1
OBJECT ENCODING k
SADD k 9223372036854775807
OBJECT ENCODING k
SADD k x
OBJECT ENCODING k ## differs=set-listpack
SREM k x
OBJECT ENCODING k ## differs=set-listpack
SADD k {rep:x:64}
OBJECT ENCODING k ## differs=set-listpack
SADD k {rep:x:65}
OBJECT ENCODING k
SREM k {rep:x:65}
OBJECT ENCODING k
SADD l {rep:x:65}
OBJECT ENCODING l
""", *many("many", 0, 128), "OBJECT ENCODING many ## differs=set-listpack", "SADD many one-more",
     "OBJECT ENCODING many", *many("ints", 0, 512, ""), "OBJECT ENCODING ints", "SADD ints 1000",
     "OBJECT ENCODING ints", "SCARD ints", "SADD ints x", "SUNIONSTORE u ints many", "OBJECT ENCODING u",
     "SADD i 1 2", "SADD j 2 3", "SINTERSTORE d i j", "OBJECT ENCODING d", "SADD i x", "SUNIONSTORE d i j",
     "OBJECT ENCODING d ## differs=set-listpack", "SDIFFSTORE d j i", "OBJECT ENCODING d")
case("settings of the forms", """
CONFIG SET set-max-intset-entries 3
SADD k 1 2 3
OBJECT ENCODING k
SADD k 4
OBJECT ENCODING k ## differs=set-listpack
CONFIG SET set-max-intset-entries 0
SADD l 1
OBJECT ENCODING l ## differs=set-listpack
CONFIG SET set-max-intset-entries 512
SADD m 1
OBJECT ENCODING m
""", after="CONFIG SET set-max-intset-entries 512")

# Around -----------------------------------------------------------------------------------------------

case("WATCH, MULTI, EXEC", """
SADD k a
WATCH k
@b SADD k a
MULTI
SCARD k
EXEC
WATCH k
@b SADD k b
MULTI
SCARD k
EXEC
WATCH k
@b SREM k zz
MULTI
SADD k c d
SPOP k 0
SMEMBERS k
SREM k a b c d
SCARD k
SADD k a 1
EXEC ## unordered_deep
WATCH k d
@b SMOVE k d a
MULTI
SCARD d
EXEC
WATCH d
@b SUNIONSTORE d no
MULTI
EXEC
WATCH d
@b SUNIONSTORE d no
MULTI
EXEC
SADD s 1
WATCH s
@b SINTER s s
@b SINTERSTORE other s
MULTI
PING
EXEC
WATCH s
@b SPOP s
MULTI
PING
EXEC
WATCH s
@b SPOP s
MULTI
PING
EXEC
""")

EVENTS = """
SADD k a b                      sadd
SADD k a                        -
SADD k a c                      sadd
SREM k zz                       -
SREM k a zz b                   srem
SREM k c                        srem del
SREM k c                        -
SADD a 1 2 3                    sadd
SMOVE a b 1                     srem sadd
SMOVE a b 9                     -
SMOVE a a 2                     -
SADD b 2                        sadd
SMOVE a b 2                     srem
SMOVE a b 3                     srem del sadd
SPOP b 0                        -
SPOP b 1                        spop
SPOP b                          spop
SPOP b                          spop del
SPOP b                          -
SADD b 1 2                      sadd
SPOP b 2                        spop del
SADD b 1 2                      sadd
SPOP b 5                        spop del
SRANDMEMBER b                   -
SADD x 1 2 3                    sadd
SADD y 2 3 4                    sadd
SINTERSTORE d x y               sinterstore
SUNIONSTORE d x y               sunionstore
SDIFFSTORE d x y                sdiffstore
SINTERSTORE d x no              del
SINTERSTORE d x no              -
SDIFFSTORE d no x               -
SUNIONSTORE d x                 sunionstore
SUNIONSTORE d no                del
SUNIONSTORE x x y               sunionstore
SINTERCARD 2 x y                -
SET s v                         set
SDIFFSTORE s x y                sdiffstore
SINTER x y                      -
SMEMBERS x                      -
SSCAN x 0                       -
"""


def events(table, letters, per_event):
    lines = ["@b CONFIG SET notify-keyspace-events " + letters, "PSUBSCRIBE __key*__:*"]
    for line in table.strip().splitlines():
        command, names = line[:32].strip(), line[32:].split()
        lines.append("@b %s ## %s" % (command, "shape" if command.startswith("SPOP") else "unordered_deep"))
        lines += ["<"] * (0 if names == ["-"] else len(names) * per_event)
    return "\n".join(lines + ["@b CONFIG SET notify-keyspace-events \"\"", "@b PING", "PUNSUBSCRIBE"])


# Which member SPOP takes is chance; only how many events there are and in which order is told here.
case("notifications", events(EVENTS, "AKE", 2))
case("notifications: sets and keys, by event", events(EVENTS, "E$sg", 1))
case("notifications of new and missed keys", """
@b CONFIG SET notify-keyspace-events Emnsg
PSUBSCRIBE __key*__:*
@b SADD k a
<
<
@b SADD k b
<
@b SISMEMBER no a
<
@b SINTER k no
<
@b SPOP no
@b SREM no a
@b SMOVE k l a
<
<
<
@b SUNIONSTORE n k l
<
<
@b SUNIONSTORE n k l
<
@b CONFIG SET notify-keyspace-events ""
PUNSUBSCRIBE
""")

case("a set that runs out", """
SADD k a b
PEXPIRE k 30
SCARD k ## until=^:0
SADD k c
SMEMBERS k
TTL k
PEXPIRE k 30
SMEMBERS k ## until=^[*~]0
SADD x 1
SUNION k x
SINTER k x
SUNIONSTORE k k x
SMEMBERS k
TTL k
""")

case("a large set through everything", *many("big", 0, 2000), *many("big", 1000, 2000), """
SCARD big
SISMEMBER big m0
SISMEMBER big m2999
SISMEMBER big m3000
SMEMBERS big ## unordered
COPY big copy
SCARD copy
SREM copy m0
SCARD big
RENAME copy other
SDIFF big other
SDIFFSTORE other other big
EXISTS other
SUNIONSTORE big big big
SCARD big
DEL big
DBSIZE
""")
