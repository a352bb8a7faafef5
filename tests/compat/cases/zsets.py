# SPDX-License-Identifier: MIT
"""Sorted sets, but for the commands that wait."""

from case import family
from cases.notifications import steps
from differences import score_text

case = family("zsets")

READS = ["ZCARD z", "ZSCORE z a", "ZMSCORE z a b", "ZRANK z a", "ZREVRANK z a", "ZCOUNT z 0 1", "ZLEXCOUNT z - +",
         "ZRANGE z 0 -1", "ZRANGE z 0 -1 WITHSCORES", "ZRANGE z 0 1 BYSCORE", "ZRANGE z - + BYLEX", "ZRANGE z 0 -1 REV",
         "ZREVRANGE z 0 -1", "ZRANGEBYSCORE z 0 1", "ZREVRANGEBYSCORE z 1 0", "ZRANGEBYLEX z - +", "ZREVRANGEBYLEX z + -",
         "ZRANDMEMBER z", "ZRANDMEMBER z 2", "ZRANDMEMBER z -2", "ZRANDMEMBER z 2 WITHSCORES", "ZSCAN z 0", "ZUNION 1 z",
         "ZINTER 1 z", "ZDIFF 1 z", "ZINTERCARD 1 z", "ZUNION 2 other z", "ZINTER 2 other z WITHSCORES", "ZDIFF 2 other z"]
WRITES = ["ZADD z 1 a", "ZADD z XX 1 a", "ZADD z INCR 1 a", "ZINCRBY z 1 a", "ZREM z a", "ZPOPMIN z", "ZPOPMIN z 2",
          "ZPOPMAX z", "ZPOPMAX z 0", "ZMPOP 1 z MIN", "ZMPOP 2 other z MAX COUNT 2", "ZREMRANGEBYRANK z 0 -1",
          "ZREMRANGEBYSCORE z 0 1", "ZREMRANGEBYLEX z - +", "ZRANGESTORE d z 0 -1", "ZUNIONSTORE d 1 z",
          "ZINTERSTORE d 1 z", "ZDIFFSTORE d 1 z", "ZUNIONSTORE d 2 other z"]
NAMES = sorted({line.split()[0] for line in READS + WRITES})
# One more argument than 7.0 takes is fine since 7.2.
LONGER = {"ZRANK", "ZREVRANK"}

case("a key of another type", "SET z v", "SET d v", *READS, *WRITES, "GET z", "GET d")
case("a list in place of it", "RPUSH z a b", *READS, *WRITES, "LRANGE z 0 -1", "EXISTS d")
case("no such key", *READS, *WRITES[4:], "ZADD z XX 1 a", "EXISTS z d", "DBSIZE")
case("no such key, but where it is stored", *[line for command in ("ZRANGESTORE d z 0 -1", "ZUNIONSTORE d 1 z", "ZINTERSTORE d 2 z y",
                                                                  "ZDIFFSTORE d 1 z")
                                             for line in ("SET d v", command, "EXISTS d", "ZADD d 1 a", command, "EXISTS d")])
case("arity", *["%s%s" % (name, " a" * count) for name in NAMES for count in range(6)
                if not (name in LONGER and count == 3)])
case("names in any case", "zadd z 1 a", "zScOrE z a", "zRANGE z 0 -1 withSCORES", "zadd z nX ch 2 b", "Zrem z a b")

FORMS = {"listpack": 128, "skiplist": 0}


def both(name, *parts):
    """The same steps with a small sorted set and with a large one."""
    for form, entries in FORMS.items():
        case("%s (%s)" % (name, form), "CONFIG SET zset-max-listpack-entries %d" % entries, *parts,
             after="CONFIG SET zset-max-listpack-entries 128")


# ZADD, ZINCRBY --------------------------------------------------------------------------------------------

both("ZADD", """
ZADD z 1 a
ZADD z 1 a
ZADD z 2 a
ZADD z 3 b 4 c 5 d
ZADD z 3 b 5 c 6 d 7 e
ZADD z CH 3 b 5 c 6 d 7 e
ZADD z CH 4 b 5 c 8 f 9 f
ZADD z 1 x 2 x 3 x
ZADD z CH 1 x 2 x 3 x
ZSCORE z x
ZRANGE z 0 -1 WITHSCORES
ZCARD z
TYPE z
OBJECT ENCODING z
ZADD z 1
ZADD z 1 a 2
ZADD z a 1
ZADD z 1 y b 2
ZADD z 1 y nan w
ZSCORE z y
ZADD z "" a
ZADD z " 1" a
ZADD z "1 " a
ZADD z 1,5 a
ZADD z 1e400 a
ZADD z 0 ""
ZRANGE z 0 0
ZADD "" 1 m
ZRANGE "" 0 -1
EXPIRE z 1000
ZADD z 100 last
TTL z
""")

for flags in ("NX", "XX", "GT", "LT", "CH", "XX CH", "NX CH", "GT CH", "LT CH", "XX GT", "XX LT", "GT XX CH", "LT XX CH", "NX NX", "GT GT"):
    both("ZADD %s" % flags, *["ZADD z %s %s %s" % (form, score, member) for form in (flags, flags.lower())
                              for member in "abn" for score in ("5", "4", "6", "6", "-inf", "inf")
                              for form in (form,)],
         "ZRANGE z 0 -1 WITHSCORES", "DEL z", "ZADD z 5 a 5 b", "ZADD z %s 6 a 4 b 1 c" % flags, "ZRANGE z 0 -1 WITHSCORES",
         "ZADD z %s INCR 1 a" % flags, "ZADD z %s INCR -1 a" % flags, "ZADD z %s INCR 0 a" % flags,
         "ZADD z %s INCR 3 new" % flags, "ZADD none %s INCR 3 new" % flags, "ZADD none2 %s 3 new" % flags, "EXISTS none none2",
         "ZRANGE z 0 -1 WITHSCORES", "ZADD z %s INCR 1 a 2 b" % flags, "ZADD z %s INCR x a" % flags)

case("ZADD: options that do not go together", """
ZADD z NX XX 1 a
ZADD z XX NX 1 a
ZADD z NX GT 1 a
ZADD z GT NX 1 a
ZADD z LT NX 1 a
ZADD z GT LT 1 a
ZADD z LT GT XX 1 a
ZADD z NX XX GT LT 1 a
ZADD z XX GT LT 1 a
ZADD z NX XX a a
ZADD z GT LT a
ZADD z NX
ZADD z NX XX
ZADD z CH 1
ZADD z INCR 1 a 2 b
ZADD z INCR 1
ZADD z CH INCR NX 1 a
ZADD z INCR CH XX 1 a
ZADD z WHAT 1 a
ZADD z 1 NX
ZADD z 1 a NX 2
ZADD z NX 1 a XX
SET s v
ZADD s NX XX 1 a
ZADD s 1
ZADD s x a
ZADD s INCR nan a
EXISTS z
ZRANGE z 0 -1 WITHSCORES
""")

both("ZINCRBY", """
ZINCRBY z 1 a
ZINCRBY z 1 a
ZINCRBY z -5 a
ZINCRBY z 2.5 a
ZINCRBY z 0 a
ZINCRBY z 0 new
ZSCORE z new
ZINCRBY z x a
ZINCRBY z "" a
ZINCRBY z nan a
ZINCRBY z inf a
ZINCRBY z 1 a
ZINCRBY z inf a
ZINCRBY z -inf a
ZSCORE z a
ZADD z INCR -inf a
ZADD z XX CH INCR -inf a
ZADD z GT INCR -inf a
ZADD z NX INCR -inf a
ZINCRBY z -inf b
ZINCRBY z -inf b
ZINCRBY z +inf b
ZINCRBY z NX a
ZINCRBY none nan a
ZINCRBY none x a
EXISTS none
ZRANGE z 0 -1 WITHSCORES
ZINCRBY z 1 "\\x00\\xff"
""")

# Scores ---------------------------------------------------------------------------------------------------

GIVEN = ["0", "1", "-1", "3.0", "5.0e3", "+1.5", ".5", "5.", "0.25", "-2.75", "1e15", "1e16", "9007199254740991",
         "9007199254740992", "9007199254740993", "-9007199254740993", "0x10", "0x1p3", "1E2", "inf", "-inf", "+inf",
         "Infinity", "-infinity", "INF", "0.0", "1e3", "123456789.125", "1e-1000", "1e1000", "nan", "-nan", "", " 1", "1 ", "abc",
         "1.5x", "1,5", "1e", ".", "-", "+", "1\x00", "0x", "inf ", "1_000", "1e+2", "00012", "4503599627370496.5"]
both("scores: numbers as Redis reads them",
     *[step for value in GIVEN
       for step in ("DEL z", ["ZADD", "z", value, "m"], "ZSCORE z m", "ZRANGE z 0 -1 WITHSCORES", ["ZINCRBY", "z", value, "m"],
                    ["ZADD", "z", "INCR", value, "n"], ["ZRANGEBYSCORE", "z", value, "inf"], ["ZCOUNT", "z", "-inf", "(" + value],
                    ["ZUNIONSTORE", "d", "1", "z", "WEIGHTS", value])])

# As 7.2 writes them: 7.0 has seventeen digits for each.
WRITTEN = ["0.1", "-0.1", "0.2", "0.3", "1.1", "3.14159265358979", "1e17", "1e18", "-1e18", "1e20", "1e21", "1.5e21", "1e300",
           "-1.5e300", "1e-5", "0.001", "0.0001", "0.00012345", "1e-7", "1.25e-7", "1.7976931348623157e308",
           "2.2250738585072014e-308", "4.9e-324", "123456789012345678", "9223372036854775807", "4611686018427387904",
           "18446744073709551616", "0.30000000000000004", "1700000000.123456", "1700000000.1234567", "33.333333333333336",
           "123456.7890123456", "1e22", "1.2345678901234567e20", "99.99", "1e-10"]
SAME_IN_BOTH = [value for value in WRITTEN if b"%.17g" % float(value) == score_text(float(value))]
both("scores: how they are written",
     *[step for value in WRITTEN for note in ["" if value in SAME_IN_BOTH else " ## differs=scores"]
       for step in ("DEL z", "ZADD z %s m 7 n" % value, "ZSCORE z m" + note, "ZRANGE z 0 -1 WITHSCORES" + note,
                    "ZINCRBY z 0 m" + note, "ZMSCORE z n m" + note, "ZADD z XX INCR 0 m" + note,
                    "ZRANGEBYSCORE z %s %s" % (value, value), "ZCOUNT z (%s +inf" % value, "ZUNION 1 z WITHSCORES" + note,
                    "ZREM z n", "ZSCAN z 0" + note if float(value) != int(float(value)) else "ZCARD z", "ZPOPMIN z 1" + note)])
both("scores: sums keep their precision", """
ZADD z 0.5 a
ZINCRBY z 0.1 a ## differs=scores
ZINCRBY z 0.2 a ## differs=scores
ZINCRBY z -0.05 a
ZINCRBY z 1e300 a ## differs=scores
ZINCRBY z -1e300 a
ZADD z 9007199254740992 b
ZINCRBY z 1 b
ZINCRBY z 2 b
ZRANGEBYSCORE z 9007199254740992 9007199254740993
ZRANGEBYSCORE z (9007199254740992 +inf
ZADD z 1e308 c ## type
ZINCRBY z 1e308 c
ZADD z -1e308 d ## type
ZINCRBY z -1e308 d
ZADD z 5e-324 e ## type
ZINCRBY z -5e-324 e
""")
case("scores: no -0", """
ZADD z -0 a 0 b -0.0 c
ZRANGE z 0 -1 WITHSCORES
ZSCORE z a
ZADD z CH 0 a -0 b
ZADD z CH -0 a 0 b
ZADD z 1 d -1 e
ZINCRBY z -1 d
ZINCRBY z 1 e
ZRANGE z 0 -1 WITHSCORES
ZADD z INCR -0 a
ZCOUNT z -0 0
ZCOUNT z (-0 0
ZRANGEBYSCORE z -0 -0
ZADD z GT CH 0 a
ZADD z LT CH -0 b
ZUNIONSTORE d 1 z WEIGHTS -1
ZRANGE d 0 -1 WITHSCORES
""")
case("scores: no -0, where Redis has one", """
ZINCRBY z -0 a ## differs=minus-zero
ZADD z INCR -0 b ## differs=minus-zero
ZADD z 0 c
ZUNION 1 z WEIGHTS -1 WITHSCORES ## differs=minus-zero
ZINTER 1 z WEIGHTS -1 WITHSCORES ## differs=minus-zero
CONFIG SET zset-max-listpack-entries 0
ZADD y -0 a
ZSCORE y a ## differs=minus-zero
ZRANGE y 0 -1 WITHSCORES ## differs=minus-zero
ZADD y CH 0 a
ZADD y -0 b 0 c
ZRANGEBYSCORE y -0 0
ZUNIONSTORE d 1 y WEIGHTS -1
ZRANGEBYSCORE d -1 0
""", after="CONFIG SET zset-max-listpack-entries 128")

# Ranks ------------------------------------------------------------------------------------------------------

both("ZRANK, ZREVRANK, ZSCORE, ZMSCORE", """
ZADD z 1 a 2 b 2 c 3 d -inf low inf high
ZRANK z low
ZRANK z a
ZRANK z b
ZRANK z c
ZRANK z high
ZRANK z none
ZRANK none a
ZREVRANK z low
ZREVRANK z c
ZREVRANK z b
ZREVRANK z high
ZREVRANK z none
ZREVRANK none a
ZSCORE z low
ZSCORE z high
ZSCORE z none
ZSCORE none none
ZMSCORE z low none a a high
ZMSCORE none a b
ZMSCORE z ""
ZREM z a
ZRANK z b
ZADD z 5 b
ZRANK z b
ZREVRANK z b
""")


@case.function("ZRANK and ZREVRANK WITHSCORE")
def with_score(runner, proto, check):
    import servers
    conn = servers.Connection(runner.pair.servers[0].port)
    if proto == 3:
        conn.call("HELLO", "3")
    double, nothing = (",", ("_", b"")) if proto == 3 else ("$", ("*", None))
    conn.call("DEL", "z", "s")
    conn.call("SET", "s", "v")
    conn.call("ZADD", "z", "1", "a", "2.5", "b", "inf", "c")
    if runner.real:
        for args, wanted in (
                (("ZRANK", "z", "a", "WITHSCORE"), ("*", [(":", b"0"), (double, b"1")])),
                (("ZRANK", "z", "b", "withscore"), ("*", [(":", b"1"), (double, b"2.5")])),
                (("ZREVRANK", "z", "b", "WithScore"), ("*", [(":", b"1"), (double, b"2.5")])),
                (("ZREVRANK", "z", "c", "WITHSCORE"), ("*", [(":", b"0"), (double, b"inf")])),
                (("ZRANK", "z", "none", "WITHSCORE"), nothing),
                (("ZREVRANK", "none", "a", "WITHSCORE"), nothing),
                (("ZRANK", "z", "a", "WITHSCORES"), ("-", b"ERR syntax error")),
                (("ZRANK", "none", "a", "x"), ("-", b"ERR syntax error")),
                (("ZRANK", "s", "a", "WITHSCORE"),
                 ("-", b"WRONGTYPE Operation against a key holding the wrong kind of value")),
                (("ZRANK", "z", "a", "WITHSCORE", "x"), ("-", b"ERR wrong number of arguments for 'zrank' command"))):
            check(" ".join(args), conn.call(*args), wanted)
    conn.close()


case("ZRANK WITHSCORE came with 7.2", """
ZADD z 1 a
ZRANK z a x ## differs=withscore want="-ERR syntax error"
ZREVRANK z a WITHSCORES ## differs=withscore want="-ERR syntax error"
ZRANK z none WITHSCORE ## type differs=withscore want="*-1"
""", protocols=(2,))

# Ranges -----------------------------------------------------------------------------------------------------

FILL = "ZADD z 1 a 2 b 2 c 2 d 3 e 4.5 f -inf low +inf high"
INDEXES = ["0", "1", "2", "3", "7", "8", "100", "-1", "-2", "-3", "-8", "-9", "-100", "9223372036854775807", "-9223372036854775808"]
both("ZRANGE by rank", FILL,
     *["ZRANGE z %s %s%s" % (first, last, more) for first in INDEXES for last in INDEXES for more in ("", " REV")],
     *["ZREVRANGE z %s %s WITHSCORES" % (first, last) for first in INDEXES[:10] for last in INDEXES[:10]],
     *["ZRANGE z %s %s%s" % (first, last, more) for first, last in (("0", "-1"), ("2", "4"), ("5", "1"), ("-3", "-1"))
       for more in (" WITHSCORES", " WITHSCORES REV", " rev withscores")],
     *["ZRANGE none 0 -1%s" % more for more in ("", " WITHSCORES", " REV")], "ZREVRANGE none 0 -1 WITHSCORES")

ENDS = ["-inf", "+inf", "inf", "0", "1", "(1", "2", "(2", "2.5", "3", "(3", "4.5", "(4.5", "100", "(-inf", "(+inf", "-100"]
both("ZRANGEBYSCORE, ZCOUNT", FILL,
     *[line for low in ENDS for high in ENDS
       for line in ("ZRANGEBYSCORE z %s %s" % (low, high), "ZREVRANGEBYSCORE z %s %s WITHSCORES" % (low, high),
                    "ZCOUNT z %s %s" % (low, high))],
     *["ZRANGE z %s %s BYSCORE%s" % (low, high, more) for low in ENDS[:8] for high in ENDS[:8]
       for more in (" WITHSCORES", " REV")],
     "ZRANGEBYSCORE none 0 1 WITHSCORES", "ZREVRANGEBYSCORE none 1 0", "ZCOUNT none 0 1")

LIMITS = ["0 0", "0 1", "0 2", "0 -1", "1 3", "1 -1", "3 100", "8 1", "9 1", "100 -1", "-1 1", "-1 -1", "0 -5", "2 -9223372036854775808",
          "9223372036854775807 9223372036854775807", "-9223372036854775808 1"]
both("LIMIT", FILL, "ZADD same 0 a 0 b 0 c 0 d 0 e",
     *[line for limit in LIMITS
       for line in ("ZRANGEBYSCORE z -inf +inf LIMIT %s" % limit, "ZRANGEBYSCORE z (1 3 WITHSCORES LIMIT %s" % limit,
                    "ZREVRANGEBYSCORE z +inf -inf LIMIT %s WITHSCORES" % limit, "ZREVRANGEBYSCORE z 3 (1 limit %s" % limit,
                    "ZRANGE z 1 3 BYSCORE LIMIT %s WITHSCORES" % limit, "ZRANGE z 3 1 REV LIMIT %s BYSCORE" % limit,
                    "ZRANGEBYLEX same - + LIMIT %s" % limit, "ZREVRANGEBYLEX same (e [b LIMIT %s" % limit,
                    "ZRANGE same [b + BYLEX LIMIT %s" % limit, "ZRANGE same + [b BYLEX REV LIMIT %s" % limit,
                    "ZRANGESTORE d z 1 3 BYSCORE LIMIT %s" % limit, "ZRANGE d 0 -1 WITHSCORES")])

LEX = ["-", "+", "[", "(", "[a", "(a", "[b", "(b", "[bb", "(c", "[cc", "[d", "(zz", "[\\xff", "(\\x00"]
both("ZRANGEBYLEX, ZLEXCOUNT", 'ZADD z 0 a 0 b 0 bb 0 c 0 cc 0 d 0 "" 0 "\\xff" 0 "b\\x00"',
     *[line for low in LEX for high in LEX
       for line in ('ZRANGEBYLEX z "%s" "%s"' % (low, high), 'ZREVRANGEBYLEX z "%s" "%s"' % (low, high),
                    'ZLEXCOUNT z "%s" "%s"' % (low, high))],
     *['ZRANGE z "%s" "%s" BYLEX%s' % (low, high, more) for low in LEX[:6] for high in LEX[:6] for more in ("", " REV")],
     "ZRANGEBYLEX none - +", "ZREVRANGEBYLEX none + -", "ZLEXCOUNT none - +")

case("ranges: ends that are none", FILL, "SET s v",
     *[[command, "z"] + ([end, "1"] if first else ["1", end]) + more
       for command, more in (("ZRANGEBYSCORE", []), ("ZREVRANGEBYSCORE", []), ("ZCOUNT", []), ("ZREMRANGEBYSCORE", []),
                             ("ZRANGE", ["BYSCORE"]), ("ZRANGE", ["BYSCORE", "REV"]))
       for end in ("", "(", "((1", "x", "nan", "(nan", "1x", "[1", " 1", "1 ", "( 1", "0x10", "(1e1000", "-1e1000", "1\x00x", "infinity",
                   "--1", "(-", "1,5")
       for first in (True, False)],
     "DEL z", "ZADD z 0 a 0 b 0 c",
     *[[command, "z"] + ([end, "[b"] if first else ["[a", end]) + more
       for command, more in (("ZRANGEBYLEX", []), ("ZREVRANGEBYLEX", []), ("ZLEXCOUNT", []), ("ZRANGE", ["BYLEX"]),
                             ("ZRANGE", ["BYLEX", "REV"]))
       for end in ("", "a", "1", "*", "++", "-a", "+\x00", "-\x00a", "[", "(") for first in (True, False)],
     *["%s z %s" % (command, ends) for command in ("ZRANGE", "ZREVRANGE", "ZREMRANGEBYRANK")
       for ends in ("x 1", "0 x", "1.5 2", '"" 1', "+inf 1", "(1 2", "9223372036854775808 1", "0 -9223372036854775809", '" 1" 2')],
     "ZRANGEBYSCORE s x 1", "ZRANGE s x 1", "ZRANGEBYLEX s x 1", "ZCOUNT none x 1", "ZLEXCOUNT none x +", "ZREMRANGEBYLEX none x +",
     "ZREMRANGEBYRANK none x 1", "ZREMRANGEBYSCORE s x 1")

case("ranges: options", FILL, *["ZRANGE z 0 -1 " + more for more in (
    "WITHSCORES WITHSCORES", "REV REV", "BYSCORE BYSCORE", "BYLEX BYSCORE", "BYLEX WITHSCORES", "WITHSCORES BYLEX", "LIMIT 0 1",
    "LIMIT 0 -1", "LIMIT 0 -2", "LIMIT 5 -1 REV", "LIMIT 0", "LIMIT", "LIMIT x 1", "LIMIT 1 x", "LIMIT 0 1 LIMIT 1 2 BYSCORE",
    "BYSCORE LIMIT 1 2 LIMIT 0 1", "WHAT", "BYSCORE WHAT", "WITHSCORE", "BYSCORE LIMIT 0 1 x", "REV BYSCORE LIMIT 1 1.5",
    "BYLEX LIMIT 0 1 WITHSCORES", "LIMIT 0 1 WITHSCORES", "WITHSCORES LIMIT 0 1", "bylex", "BYSCORE REV WITHSCORES", "STORE d")],
    *["%s z 0 1 %s" % (command, more) for command in ("ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE")
      for more in ("REV", "BYSCORE", "BYLEX", "LIMIT 0 1", "LIMIT 0 -1", "LIMIT 1", "WITHSCORES WITHSCORES", "WITHSCORES x", "x")],
    *["%s z - + %s" % (command, more) for command in ("ZRANGEBYLEX", "ZREVRANGEBYLEX")
      for more in ("REV", "BYLEX", "WITHSCORES", "LIMIT 0", "LIMIT 0 x", "x")],
    "ZRANGE z a b BYLEX WITHSCORES", "ZRANGE z x y LIMIT 0 1", "ZRANGE s 0 -1 WHAT", "ZRANGE none 0 x", "ZRANGE none 0 1 LIMIT 1 1")

both("ties are in the order of their bytes", [b"ZADD", b"z"] + [part for member in
     (b"b", b"a", b"B", b"A", b"aa", b"ab", b"a\x00", b"", b"\xff", b"\xfe\xff", b"10", b"9", b"-1", b"01", b"1", b"a" * 40, b"a" * 39)
     for part in (b"7", member)],
     "ZRANGE z 0 -1", "ZREVRANGE z 0 -1", "ZRANGEBYSCORE z 7 7 LIMIT 3 5", "ZRANGEBYLEX z [1 [b", "ZLEXCOUNT z (1 (a",
     "ZRANK z 10", "ZRANK z 9", "ZRANK z \"\\xff\"", "ZPOPMIN z 3", "ZPOPMAX z 3", "ZREMRANGEBYLEX z [1 (a", "ZRANGE z 0 -1")

# Members inside are kept as numbers where they look like one.
NUMBERS = ["0", "1", "-1", "127", "128", "-128", "-129", "4095", "4096", "8191", "-4097", "32767", "32768", "8388608", "2147483648",
           "-2147483649", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "01", "-0", "+1", "1.0", "1e3", ""]
both("numbers as members", [b"ZADD", b"z"] + [part for i, number in enumerate(NUMBERS) for part in (b"%d" % (i % 4), number.encode())],
     "ZRANGE z 0 -1 WITHSCORES", *[["ZSCORE", "z", number] for number in NUMBERS], *[["ZRANK", "z", number] for number in NUMBERS],
     [b"ZREM", b"z"] + [number.encode() for number in NUMBERS[::2]], "ZREVRANGE z 0 -1 WITHSCORES")

# Removing ---------------------------------------------------------------------------------------------------

both("ZREM", FILL, """
ZREM z none
ZREM z a
ZREM z a
ZREM z b c none b
ZCARD z
ZREM none a b
ZREM z d e f low
ZREM z high
EXISTS z
ZADD z 1 a
ZREM z a a a
EXISTS z
ZADD z 1 a
EXPIRE z 100
ZREM z a
ZADD z 1 a
TTL z
""")

both("ZREMRANGEBYRANK, …SCORE, …LEX",
     *[line for command in ["ZREMRANGEBYRANK z " + ends for ends in ("0 0", "-1 -1", "0 -1", "2 4", "4 2", "5 100", "100 200", "-100 1",
                                                                     "-3 -2")]
       + ["ZREMRANGEBYSCORE z " + ends for ends in ("-inf +inf", "2 2", "(2 3", "2 (3", "3 2", "(2 (3", "(-inf (inf", "5 6", "-inf 2")]
       for line in ("DEL z", FILL, command, "ZRANGE z 0 -1 WITHSCORES", "ZCARD z", command, "EXISTS z")],
     *[line for ends in ("- +", "[a [c", "(a (c", "[c [a", "- (a", "[z +", "(c +", "+ -")
       for line in ("DEL z", "ZADD z 0 a 0 b 0 bb 0 c 0 d", "ZREMRANGEBYLEX z " + ends, "ZRANGE z 0 -1", "EXISTS z")],
     "ZREMRANGEBYRANK none 0 -1", "ZREMRANGEBYSCORE none 0 1", "ZREMRANGEBYLEX none - +")

# Popping ------------------------------------------------------------------------------------------------------

both("ZPOPMIN, ZPOPMAX",
     *[line for command in ("ZPOPMIN", "ZPOPMAX") for line in (
         "DEL z", FILL, *["%s z%s" % (command, count) for count in ("", " 1", " 0", " 2", " -1", " x", " 1.5", " 1 x", "", " 9223372036854775808")],
         "ZRANGE z 0 -1 WITHSCORES", command + " z 100", "EXISTS z", command + " z", command + " z 1", command + " z 0",
         command + " none -1", command + " none 1 2", "ZADD z 1 a", "EXPIRE z 100", command + " z", "EXISTS z", "ZADD z 1 a", "TTL z",
         "ZADD z 1 a 1 b 1 c", command + " z 9223372036854775807", "EXISTS z")])
case("ZPOPMIN of what another type is", "SET s v", "ZPOPMIN s -1", "ZPOPMIN s x", "ZPOPMIN s 1 2", "ZPOPMAX s 0")

both("ZMPOP", FILL, "ZADD y 10 a 20 b", "SET s v", *["ZMPOP " + rest for rest in (
    "1 z MIN", "1 z MAX", "1 z min count 2", "2 none z MAX COUNT 1", "3 none other y MIN COUNT 10", "2 y z MAX COUNT 3", "1 none MIN",
    "2 none other MAX COUNT 5", "1 s MIN", "2 s z MIN", "2 z s MIN", "2 none s MIN", "0 z MIN", "-1 z MIN", "x z MIN", "1.5 z MIN", "2 z MIN",
    "3 z MIN", "1 z y MIN", "1 z WHAT", "1 z MIN COUNT", "1 z MIN COUNT 0", "1 z MIN COUNT -1", "1 z MIN COUNT x", "1 z MIN COUNT 1 COUNT 1",
    "1 z MIN WHAT 1", "1 z MIN 1", "1 z MIN MAX", "1 z MIN COUNT 1 x", "9223372036854775807 z MIN", "9223372036854775808 z MIN",
    "1 z MAX COUNT 9223372036854775807", "1 z MIN")], "EXISTS z y")

# ZRANDMEMBER --------------------------------------------------------------------------------------------------

case("ZRANDMEMBER: of one member", "ZADD z 1.5 m", *["ZRANDMEMBER " + rest for rest in (
    "z", "z 0", "z 1", "z 5", "z -1", "z -3", "z 0 WITHSCORES", "z 1 WITHSCORES", "z 5 withscores", "z -3 WithScores", "none", "none 0",
    "none 3", "none -3", "none 3 WITHSCORES")])
both("ZRANDMEMBER: how many", FILL,
     *["ZRANDMEMBER z %d%s ## shape" % (count, scores) for count in (0, 1, 2, 3, 5, 7, 8, 9, 100, -1, -3, -8, -30)
       for scores in ("", " WITHSCORES")],
     "ZRANDMEMBER z 8 ## unordered", "ZRANDMEMBER z 60 ## unordered", "ZRANDMEMBER z ## type")
case("ZRANDMEMBER: errors", "ZADD z 1 a", "SET s v", *["ZRANDMEMBER " + rest for rest in (
    "z x", 'z ""', "z 1.5", "z 1 x", "z x y", "z 1 WITHSCORES x", "z 1 WITHVALUES", "z -9223372036854775808", "z -9223372036854775809",
    "z 9223372036854775807", "z 9223372036854775808", "z 9223372036854775807 WITHSCORES", "z -9223372036854775807 WITHSCORES",
    "z 4611686018427387903 WITHSCORES", "z 4611686018427387904 WITHSCORES", "z -4611686018427387905 WITHSCORES",
    "z -9223372036854775808 WITHSCORES", "none x", "none 1 x", "s x", "s 1", "s 1 x")])


@case.function("ZRANDMEMBER: members that are there, each once, and all in time")
def random_members(runner, proto, check):
    """Both forms; what is answered is checked on its own, because chance differs."""
    import servers
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        for size in (20, 1500):
            conn.call("DEL", "z")
            scores = {b"m%d" % i: b"%d" % (i % 7) for i in range(size)}
            conn.call("ZADD", "z", *[part for member, score in scores.items() for part in (score, member)])
            for count in (1, size // 10, size // 4 - 1, size // 2, size - 1):
                names = [item[1] for item in conn.call("ZRANDMEMBER", "z", str(count))[1]]
                check("%s: %d different members of %d" % (server.kind, count, size),
                      (len(names), len(set(names)), set(names) <= set(scores)), (count, count, True))
                flat = [item[1] for item in conn.call("ZRANDMEMBER", "z", str(-count), "WITHSCORES")[1]]
                check("%s: %d members of %d with their scores" % (server.kind, count, size),
                      all(scores[name] == score for name, score in zip(flat[::2], flat[1::2])) and len(flat), 2 * count)
            seen = {item[1] for _ in range(60) for item in conn.call("ZRANDMEMBER", "z", str(size // 5))[1]}
            seen |= {item[1] for item in conn.call("ZRANDMEMBER", "z", str(-40 * size))[1]}
            check("%s: every member of %d comes" % (server.kind, size), len(seen), size)
        if runner.real and server is runner.pair.servers[0]:
            check("repeats have a limit", conn.call("ZRANDMEMBER", "z", "-10000001"),
                  ("-", b"ERR value is out of range: at most 10000000 with repeats"))
        conn.close()


# ZSCAN ----------------------------------------------------------------------------------------------------------

case("ZSCAN", "ZADD z 1 a 2.5 b inf c -3 ab", "SET s v", *["ZSCAN " + rest for rest in (
    "none 0", "none 5", "z 0 ## second_unordered", "z 0 COUNT 1 ## second_unordered", "z 0 COUNT 1000 ## second_unordered",
    "z 0 MATCH a* ## second_unordered", "z 0 MATCH x*", "z 0 MATCH * ## second_unordered", "z 0 COUNT 100 MATCH [ab] ## second_unordered",
    "z 0 match A*", "z 0 MATCH a* MATCH b*", "z a", "z 0 COUNT 0", "z 0 COUNT -1", "z 0 COUNT x", "z 0 COUNT", "z 0 MATCH", "z 0 WHAT",
    "z 0 TYPE zset", "z 0 NOVALUES", "z 18446744073709551616", "none x", "none 0 WHAT", "s 0", "s x", "s 0 WHAT")])


@case.function("ZSCAN: all of a large sorted set")
def whole_scan(runner, proto, check):
    import servers
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        scores = {b"m%d" % i: b"%d" % (i // 3) for i in range(3000)}
        conn.call("DEL", "z")
        conn.call("ZADD", "z", *[part for member, score in scores.items() for part in (score, member)])
        for options, wanted in (((), scores), (("COUNT", "500"), scores),
                                (("MATCH", "m1*"), {k: v for k, v in scores.items() if k.startswith(b"m1")})):
            cursor, seen = b"0", {}
            while True:
                (_, cursor), (_, items) = conn.call("ZSCAN", "z", cursor.decode(), *options)[1]
                texts = [item[1] for item in items]
                seen.update(zip(texts[::2], texts[1::2]))
                if cursor == b"0":
                    break
            check("%s: ZSCAN %s" % (server.kind, options), seen == wanted, True)
        conn.close()


# Several sets ---------------------------------------------------------------------------------------------------

SOURCES = """
ZADD x 1 a 2 b 3 c 4 d
ZADD y 10 b 20 c 30 e
ZADD w 5 c
ZADD n -inf a inf b 0 c
ZADD p inf a -inf b inf c
SADD set a c e 1
SADD ints 1 2 3
ZADD num 5 1 6 2
"""
KEYS = ["1 x", "1 none", "1 set", "2 x y", "2 y x", "2 x x", "2 x none", "2 none x", "3 x y w", "3 w x y", "2 x set", "2 set x", "2 set set",
        "2 n p", "2 p n", "2 x n", "2 ints num", "2 set ints", "4 x y w set", "3 x none y", "2 none other"]
MORE = ["", "AGGREGATE SUM", "AGGREGATE MIN", "AGGREGATE MAX"]
for command in ("ZUNION", "ZINTER", "ZDIFF"):
    options = MORE if command != "ZDIFF" else [""]
    lines = [line for keys in KEYS for more in options
             for line in ("%s %s %s" % (command, keys, more), "%s %s WITHSCORES %s" % (command, keys, more))]
    both(command, SOURCES, *lines)
    both(command + "STORE", SOURCES,
         *[line for keys in KEYS for more in options
           for line in ("%sSTORE d %s %s" % (command, keys, more), "ZRANGE d 0 -1 WITHSCORES", "OBJECT ENCODING d")],
         *[line for keys in ("2 x y", "2 y x", "1 none", "1 x", "2 d x", "2 x d", "1 d", "2 set ints")
           for line in ("DEL d", "ZADD d 7 a 8 z", "EXPIRE d 100", "%sSTORE d %s" % (command, keys), "ZRANGE d 0 -1 WITHSCORES", "TTL d",
                        "DEL d", "SET d v", "%sSTORE d %s" % (command, keys), "TYPE d")],
         "%sSTORE x 2 x y" % command, "ZRANGE x 0 -1 WITHSCORES", "%sSTORE set 1 set" % command, "TYPE set",
         "ZRANGE set 0 -1 WITHSCORES", "%sSTORE y 1 none" % command, "EXISTS y")
both("WEIGHTS", SOURCES, *[line for keys, weights in (
    ("2 x y", "2 3"), ("2 x y", "-1 -2"), ("2 x y", "0.5 0.25"), ("2 x y", "inf 1"), ("2 n p", "1 1"), ("2 n p", "inf -inf"),
    ("2 x set", "1 100"), ("3 x y w", "1 10 100"), ("1 x", "1e3"), ("2 n p", "2 -2"))
    for more in MORE for line in (
        "ZUNION %s WEIGHTS %s %s WITHSCORES" % (keys, weights, more), "ZINTER %s %s weights %s WITHSCORES" % (keys, more, weights),
        "ZUNIONSTORE d %s WEIGHTS %s %s" % (keys, weights, more), "ZRANGE d 0 -1 WITHSCORES",
        "ZINTERSTORE d %s %s WEIGHTS %s" % (keys, more, weights), "ZRANGE d 0 -1 WITHSCORES")],
    "ZUNION 1 n WEIGHTS 0 WITHSCORES ## type", "ZUNIONSTORE d 1 n WEIGHTS 0", "ZRANGEBYSCORE d 0 0",
    "ZINTERSTORE d 2 n n WEIGHTS 0 1 AGGREGATE MAX", "ZRANGE d 0 -1 WITHSCORES")
both("ZINTERCARD", SOURCES, *["ZINTERCARD " + keys for keys in KEYS], *["ZINTERCARD 2 x y " + more for more in (
    "LIMIT 0", "LIMIT 1", "LIMIT 2", "LIMIT 100", "limit 1", "LIMIT -1", "LIMIT x", "LIMIT", "LIMIT 1 LIMIT 2", "WITHSCORES", "WEIGHTS 1 1",
    "AGGREGATE SUM", "WHAT", "LIMIT 9223372036854775807")])
case("several sets: errors", SOURCES, "SET s v", *["%s %s" % (command, rest) for command in (
    "ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "ZUNIONSTORE d", "ZINTERSTORE d", "ZDIFFSTORE d") for rest in (
        "0 x", "-1 x", "x x", "1.5 x", "3 x y", "9223372036854775807 x", "9223372036854775808 x", "1 x y", "1 x WHAT", "2 x s", "2 s x WHAT", "1 s",
        "2 x y WEIGHTS", "2 x y WEIGHTS 1", "2 x y WEIGHTS 1 x", "2 x y WEIGHTS 1 nan", '2 x y WEIGHTS 1 ""', "2 x y WEIGHTS 1 2 3",
        "2 x y WEIGHTS 2 1 WEIGHTS 1 1", "2 x y AGGREGATE", "2 x y AGGREGATE WHAT", "2 x y AGGREGATE SUM AGGREGATE MAX", "2 x y WITHSCORES",
        "2 x y WITHSCORES WITHSCORES", "2 x y aggregate min weights 1 1 withscores", "2 x y LIMIT 1", "2 s x WEIGHTS x y", "1 none WEIGHTS x",
        "2 x y WITHSCORE")], "EXISTS d")
case("several sets: in the order in which they are added up", """
ZADD a 0.1 m 1 n
ZADD b 0.2 m
ZADD c 0.3 m 1 n 1 o
ZUNION 3 a b c WITHSCORES ## differs=scores
ZUNION 3 c b a WITHSCORES ## differs=scores
ZINTER 3 c a b WITHSCORES ## differs=scores
ZUNION 3 a b c WEIGHTS 3 5 7 WITHSCORES
ZINTERSTORE d 3 c a b WEIGHTS 1e10 1e-10 1
ZSCORE d m ## differs=scores
""")

# ZRANGESTORE ------------------------------------------------------------------------------------------------------

both("ZRANGESTORE", FILL, "ZADD same 0 a 0 b 0 c", *[line for rest in (
    "z 0 -1", "z 1 3", "z 1 3 REV", "z 5 1", "z 2 3 BYSCORE", "z (2 +inf BYSCORE", "z 3 2 BYSCORE REV", "z 3 2 BYSCORE REV LIMIT 1 2",
    "same [a (c BYLEX", "same + [b BYLEX REV", "same - + BYLEX LIMIT 1 1", "none 0 -1", "z 2 3 BYSCORE LIMIT 0 0", "z 0 -1 LIMIT 0 1",
    "z 0 -1 WITHSCORES", "z 0 -1 WHAT", "z x 1", "z x 1 BYSCORE", "z x 1 BYLEX", "same - + BYLEX WITHSCORES")
    for line in ("ZADD d 9 old", "EXPIRE d 100", "ZRANGESTORE d " + rest, "ZRANGE d 0 -1 WITHSCORES", "TTL d", "EXISTS d")],
    "SET s v", "ZRANGESTORE d s 0 -1", "ZRANGESTORE s z 0 1", "ZRANGE s 0 -1 WITHSCORES", "OBJECT ENCODING s",
    "ZRANGESTORE z z 1 2", "ZRANGE z 0 -1 WITHSCORES", "ZRANGESTORE z z 5 6", "EXISTS z")

# Encodings ------------------------------------------------------------------------------------------------------

case("encodings", """
ZADD z 1 a
OBJECT ENCODING z
ZADD z 1 {rep:m:64}
OBJECT ENCODING z
ZADD z 1 {rep:m:65}
OBJECT ENCODING z
ZREM z {rep:m:65}
OBJECT ENCODING z
ZADD y 1 {rep:m:65}
OBJECT ENCODING y
ZINCRBY v 1 {rep:m:65}
OBJECT ENCODING v
ZUNIONSTORE u 1 z
OBJECT ENCODING u
ZUNIONSTORE u 1 y
OBJECT ENCODING u
ZRANGESTORE u z 0 0
OBJECT ENCODING u
CONFIG SET zset-max-listpack-entries 2
ZADD k 1 a 1 b
OBJECT ENCODING k
ZADD k 2 a 3 b
OBJECT ENCODING k
ZADD k 3 c
OBJECT ENCODING k
ZREM k c
OBJECT ENCODING k
CONFIG SET zset-max-listpack-entries 128
CONFIG SET zset-max-listpack-value 4
ZADD l 1 1234
OBJECT ENCODING l
ZADD l 1 12345
OBJECT ENCODING l
CONFIG SET zset-max-listpack-value 64
""", after=["CONFIG SET zset-max-listpack-entries 128", "CONFIG SET zset-max-listpack-value 64"])

case("growing and shrinking",
     *[[b"ZADD", b"z"] + [part for i in range(n, n + 50) for part in (b"%d" % (i * 37 % 101), b"m%d" % i)] for n in range(0, 1500, 50)],
     "ZCARD z", "OBJECT ENCODING z", "ZRANGE z 0 -1 WITHSCORES", "ZREVRANGE z 0 -1",
     *["ZRANK z m%d" % i for i in range(0, 1500, 97)], *["ZCOUNT z %d (%d" % (i, i + 7) for i in range(-5, 105, 10)],
     *["ZRANGEBYSCORE z (%d %d LIMIT 2 9" % (i, i + 5) for i in range(-5, 105, 10)],
     *[["ZINCRBY", "z", "%d" % (i % 300 - 100), "m%d" % i] for i in range(0, 1500, 11)],
     "ZRANGE z 0 -1 WITHSCORES", "ZPOPMIN z 200", "ZPOPMAX z 200", "ZREMRANGEBYRANK z 100 300", "ZREMRANGEBYSCORE z 40 (50",
     "ZRANGE z 0 -1 WITHSCORES", [b"ZREM", b"z"] + [b"m%d" % i for i in range(10, 1490)], "ZRANGE z 0 -1 WITHSCORES",
     [b"ZREM", b"z"] + [b"m%d" % i for i in range(1500)], "EXISTS z")
case("growing and shrinking: by members",
     *[[b"ZADD", b"z"] + [part for i in range(n, n + 50) for part in (b"0", b"m%d" % (i * 7919 % 1500))] for n in range(0, 1500, 50)],
     *['ZRANGEBYLEX z [m%d (m%d' % (i, i + 9) for i in range(0, 1500, 101)], *['ZLEXCOUNT z (m%d +' % i for i in range(0, 1500, 101)],
     "ZREVRANGEBYLEX z [m3 [m2 LIMIT 100 20", "ZREMRANGEBYLEX z [m10 (m3", "ZRANGE z 0 -1")

case("bytes of every kind", """
ZADD z 1 "a\\x00b" 2 "\\xff\\xfe" 3 "\\r\\n" 4 " " 5 {rep:m:70000}
ZRANGE z 0 -1 WITHSCORES
ZSCORE z "a\\x00b"
ZSCORE z "a\\x00"
ZRANK z "\\r\\n"
ZREM z "a\\x00b" {rep:m:70000}
ZADD "k\\x00\\xff" 1 a
ZRANGE "k\\x00\\xff" 0 -1
ZSCAN z 0 MATCH "\\xff*"
""")

# Beside other commands ---------------------------------------------------------------------------------------------

case("keys that are sorted sets", """
ZADD z 1 a 2 b
GET z
APPEND z x
SADD z x
SET z v GET
RENAME z i
ZRANGE i 0 -1 WITHSCORES
COPY i j
ZADD i 5 a
ZSCORE j a
MOVE j 1
SELECT 1
ZRANGE j 0 -1 WITHSCORES
SELECT 0
SET i v
TYPE i
DEL i
ZADD i 1 x
EXPIRE i 100
ZADD i 2 y
TTL i
PERSIST i
SCAN 0 TYPE zset ## second_unordered
SCAN 0 TYPE set
UNLINK i
EXISTS i
ZADD a 1 m
ZADD b 1 m
SWAPDB 0 1
EXISTS a
SELECT 1
ZSCORE a m
FLUSHDB
ZSCORE a m
""")

case("WATCH and EXEC", """
ZADD z 1 a
WATCH z
@b ZADD z 2 a
MULTI
ZSCORE z a
EXEC
WATCH z
@b ZADD z 2 a
@b ZADD z NX 3 a
@b ZADD z XX 3 new
@b ZREM z none
@b ZREMRANGEBYSCORE z 100 200
@b ZPOPMIN z 0
@b ZINCRBY z 0 a
@b ZRANGE z 0 -1
MULTI
ZADD z 3 b
ZINCRBY z nan b
ZADD z x b
ZPOPMIN z
ZRANGE z 0 -1 WITHSCORES
EXEC
WATCH z
@b ZINCRBY z 1 b
MULTI
ZCARD z
EXEC
WATCH z
@b ZREM z b
MULTI
ZCARD z
EXEC
WATCH none
@b ZADD none 1 m
MULTI
ZCARD none
EXEC
WATCH none
@b ZUNIONSTORE none 1 none
MULTI
ZCARD none
EXEC
WATCH none
@b ZINTERSTORE none 1 nothing
MULTI
ZCARD none
EXEC
WATCH none
@b ZRANGESTORE none nothing 0 -1
MULTI
ZADD none 1 x 2 y
ZMPOP 1 none MIN
ZPOPMAX none 1
ZPOPMAX none
EXEC
""")

NOTIFIED = """
ZADD z 1 a                      zadd
ZADD z 1 a                      -
ZADD z 2 a 3 b                  zadd
ZADD z XX 5 x                   -
ZADD z INCR 1 a                 zincr
ZADD z INCR 0 a                 -
ZADD z NX INCR 1 a              -
ZADD z NX XX 1 a                -
ZINCRBY z 1 a                   zincr
ZINCRBY z 1 c                   zincr
ZINCRBY z nan c                 -
ZREM z none                     -
ZREM z a none b                 zrem
ZREM z c                        zrem del
ZREM z c                        -
ZADD z 1 a 2 b 3 c 4 d          zadd
ZADD z 5 e 6 f 7 g 8 h          zadd
ZREMRANGEBYRANK z 0 0           zremrangebyrank
ZREMRANGEBYRANK z 50 60         -
ZREMRANGEBYSCORE z 2 2          zremrangebyscore
ZREMRANGEBYSCORE z 50 60        -
ZREMRANGEBYLEX z [c [c          zremrangebylex
ZREMRANGEBYLEX z [c [c          -
ZPOPMIN z                       zpopmin
ZPOPMIN z 0                     -
ZPOPMAX z 2                     zpopmax
ZMPOP 1 z MIN                   zpopmin
ZMPOP 2 none z MAX COUNT 9      zpopmax del
ZMPOP 2 none z MAX              -
ZPOPMIN z 1                     -
ZADD z 1 a                      zadd
ZPOPMAX z                       zpopmax del
ZADD z 1 a                      zadd
ZPOPMIN z 1                     zpopmin del
ZADD z 1 a                      zadd
ZREMRANGEBYRANK z 0 -1          zremrangebyrank del
ZADD z 1 a                      zadd
ZREMRANGEBYSCORE z 0 1          zremrangebyscore del
ZADD z 1 a                      zadd
ZREMRANGEBYLEX z - +            zremrangebylex del
ZADD z 1 a 2 b                  zadd
ZADD y 1 a 2 c                  zadd
ZUNIONSTORE d 2 z y             zunionstore
ZINTERSTORE d 2 z y             zinterstore
ZDIFFSTORE d 2 z y              zdiffstore
ZDIFFSTORE d 2 z z              del
ZDIFFSTORE d 2 z z              -
ZINTERSTORE d 1 none            -
ZRANGESTORE d z 0 -1            zrangestore
ZRANGESTORE d z 5 6             del
ZRANGESTORE d z 5 6             -
ZUNIONSTORE d 1 z               zunionstore
ZUNIONSTORE d 1 none            del
SET d v                         set
ZUNIONSTORE d 1 z               zunionstore
ZUNIONSTORE z 2 z y             zunionstore
ZRANGE z 0 -1                   -
ZRANDMEMBER none                -
ZUNION 2 z y                    -
"""
case("notifications, by key and by event", steps(NOTIFIED, "AKE", 2))
case("notifications of sorted sets alone", steps("""
ZADD z 1 a 2 b                  zadd
EXPIRE z 100                    -
ZUNIONSTORE d 1 z               zunionstore
ZUNIONSTORE d 1 none            -
ZREM z a b                      zrem
""", "Ez", 1))
case("notifications of new and missed keys", """
@b CONFIG SET notify-keyspace-events Emnz
PSUBSCRIBE __key*__:*
@b ZADD z 1 a ## none
< ## x2
@b <
@b ZSCORE none a ## none
<
@b <
@b ZADD z 2 a
<
@b ZREM none a
@b ZCARD none
<
@b ZUNION 2 none z
<
@b CONFIG SET notify-keyspace-events ""
PUNSUBSCRIBE
""")

case("COMMAND GETKEYS", *["COMMAND GETKEYS " + line for line in READS + WRITES],
     *["COMMAND GETKEYSANDFLAGS %s ## unordered_deep" % line for line in READS + WRITES],
     *["COMMAND GETKEYS " + line for line in ("ZUNION 0 a", "ZUNION x a", "ZUNION 3 a b", "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
                                              "ZMPOP 2 a b MIN COUNT 2", "ZMPOP 5 a b MIN", "ZRANGESTORE d s 0 -1 REV")])
