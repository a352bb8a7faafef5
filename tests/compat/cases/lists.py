# SPDX-License-Identifier: MIT
"""Lists: both ends, ranges, single values, moving; the waiting commands are in blocking.py."""

from case import family
from cases.notifications import steps

case = family("lists")

# Commands with k as their (first) key, as many arguments as they need.
READS = ["LLEN k", "LINDEX k 0", "LRANGE k 0 -1", "LPOS k a", "LPOS k a COUNT 0"]
WRITES = ["LPUSH k a", "RPUSH k a", "LPUSHX k a", "RPUSHX k a", "LPOP k", "RPOP k", "LPOP k 1", "RPOP k 0",
          "LINSERT k BEFORE a b", "LSET k 0 a", "LREM k 0 a", "LTRIM k 0 0", "LMOVE k other LEFT RIGHT",
          "LMOVE k k LEFT RIGHT", "RPOPLPUSH k other", "RPOPLPUSH k k", "LMPOP 1 k LEFT", "LMPOP 2 none k RIGHT COUNT 2"]
NAMES = sorted({line.split()[0] for line in READS + WRITES})
HUGE = ["9223372036854775807", "-9223372036854775808", "-9223372036854775807", "9223372036854775808",
        "4294967296", "-4294967297", "100", "-100"]
NO_NUMBERS = ['""', "abc", "1.0", "+1", "01", '" 1"', "-0"]

for kind, make in (("string", "SET k v"), ("hash", "HSET k f v"), ("set", "SADD k a"), ("sorted set", "ZADD k 1 a")):
    case("a key that is a %s" % kind, make, *READS, *WRITES, "TYPE k", "EXISTS other")

case("no such key", *[line for line in READS + WRITES if not line.startswith(("LPUSH k", "RPUSH k"))],
     "EXISTS k other", "DBSIZE")
case("arity", *["%s%s" % (name, " 1" * count) for name in NAMES for count in range(8)
                if not (name == "LMPOP" and count > 3)])
case("names and words in any case", """
rpush k a b c
lInSeRt k bEfOrE b x
linsert k After b y
lrange k 0 -1
lmove k l LeFt riGHT
lmpop 1 l lEFT cOUNT 1
lpos k b rAnK 1 cOuNt 1 mAxLeN 0
""")

# Pushing and popping -------------------------------------------------------------------------------

case("pushing", """
LPUSH k a
LPUSH k b c
RPUSH k d e f
LRANGE k 0 -1
LPUSHX k g
RPUSHX k h i
LRANGE k 0 -1
LPUSHX none a
RPUSHX none a b
EXISTS none
LLEN k
TYPE k
LPUSH k "" ""
RPUSH k 1 -1 9223372036854775807 9223372036854775808 007 1.0 "1 "
LRANGE k 0 -1
RPUSH "" x
LRANGE "" 0 -1
""")

case("bytes of any kind", """
RPUSH "k\\x00\\xff\\r\\n" "a\\r\\nb" "\\x00" "\\xff\\xfe" "" {rep:x:5000} {rep:y:200000} "$-1\\r\\n"
LRANGE "k\\x00\\xff\\r\\n" 0 -1
LINDEX "k\\x00\\xff\\r\\n" 1
LPOS "k\\x00\\xff\\r\\n" "\\xff\\xfe"
LPOS "k\\x00\\xff\\r\\n" {rep:y:200000}
LREM "k\\x00\\xff\\r\\n" 0 "a\\r\\nb"
LINSERT "k\\x00\\xff\\r\\n" AFTER "\\x00" "\\x00\\x00"
LSET "k\\x00\\xff\\r\\n" -1 "\\x80"
LMOVE "k\\x00\\xff\\r\\n" "\\x00" LEFT LEFT
LRANGE "\\x00" 0 -1
LPOP "k\\x00\\xff\\r\\n" 100
EXISTS "k\\x00\\xff\\r\\n"
""")

for name in ("LPOP", "RPOP"):
    case(name, """
    RPUSH k a b c d e f g
    POP k
    POP k 0
    POP k 1
    POP k 2
    POP k 100
    EXISTS k
    POP k
    POP k 0
    POP k 1
    RPUSH k a
    POP k
    EXISTS k
    RPUSH k a
    POP k 1
    EXISTS k
    RPUSH k a b
    POP k 9223372036854775807
    RPUSH k a b
    POP k 1 1
    """.replace("POP", name), *["%s k %s" % (name, number) for number in NO_NUMBERS + ["-1"] + HUGE[1:4]],
         "LRANGE k 0 -1", "%s none -1" % name, "%s none abc" % name)

# Reading -------------------------------------------------------------------------------------------

case("LINDEX", "RPUSH k a b c d", *["LINDEX k %s" % i for i in list(range(-6, 7)) + HUGE + NO_NUMBERS],
     "LINDEX none abc", "LINDEX none 0")

case("LRANGE", "RPUSH k a b c d e",
     *["LRANGE k %d %d" % (start, end) for start in range(-7, 8) for end in range(-7, 8)],
     *["LRANGE k %s %s" % pair for i in HUGE + NO_NUMBERS for pair in ((i, 2), (2, i), (i, i))],
     "LRANGE none 0 -1", "LRANGE none a -1", "LRANGE none 0 a")

NUMBERS = " ".join(str(i) for i in range(2000))
LETTERS = " ".join("value-%d-%s" % (i, "x" * (i % 90)) for i in range(1000))
for title, values in (("numbers", NUMBERS), ("texts", LETTERS)):
    count = len(values.split())
    case("a long list of " + title, "RPUSH k " + values, "LLEN k", "LRANGE k 0 -1",
         *["LINDEX k %d" % i for i in range(-count - 1, count + 1, 37)],
         *["LRANGE k %d %d" % (i, i + 30) for i in range(-count, count, 111)],
         *["LPOS k %s" % values.split()[i] for i in range(0, count, 97)],
         *["LPOS k %s RANK -1" % values.split()[i] for i in range(0, count, 97)],
         "LPUSH l " + values, "LRANGE l 0 -1", "LPOP l 333", "RPOP l 333", "LRANGE l 0 -1")

case("LPOS", """
RPUSH k a b c 1 2 3 c c a
LPOS k a
LPOS k c
LPOS k x
LPOS k 1
LPOS k 01
LPOS k c RANK 1
LPOS k c RANK 2
LPOS k c RANK 3
LPOS k c RANK 4
LPOS k c RANK -1
LPOS k c RANK -2
LPOS k c RANK -3
LPOS k c RANK -4
LPOS k c COUNT 0
LPOS k c COUNT 1
LPOS k c COUNT 2
LPOS k c COUNT 100
LPOS k x COUNT 0
LPOS k x COUNT 1
LPOS k c COUNT 0 RANK 2
LPOS k c COUNT 2 RANK -2
LPOS k c COUNT 0 RANK -1
LPOS k c COUNT 0 RANK 10
LPOS k c MAXLEN 0
LPOS k c MAXLEN 2
LPOS k c MAXLEN 3
LPOS k c COUNT 0 MAXLEN 7
LPOS k c COUNT 0 MAXLEN 8
LPOS k c COUNT 0 MAXLEN 9
LPOS k c COUNT 0 MAXLEN 100
LPOS k c RANK -1 MAXLEN 1
LPOS k c RANK -1 MAXLEN 2
LPOS k c RANK -1 COUNT 0 MAXLEN 3
LPOS k c RANK -2 COUNT 0 MAXLEN 7
LPOS k c RANK 2 COUNT 5 MAXLEN 7
LPOS k c COUNT 1 COUNT 2 RANK 2 RANK 1 MAXLEN 1 MAXLEN 0
LPOS k a RANK 9223372036854775807
LPOS k a RANK -9223372036854775807
LPOS k a COUNT 9223372036854775807 MAXLEN 9223372036854775807
LPOS none a
LPOS none a COUNT 0
LPOS none a RANK -1
""")

case("LPOS: errors", "RPUSH k a b a", *["LPOS k a %s %s" % (word, number) for word in ("RANK", "COUNT", "MAXLEN")
                                        for number in NO_NUMBERS + HUGE[2:4] + ["0", "-1"]], """
LPOS k a COUNT -9223372036854775808
LPOS k a MAXLEN -9223372036854775808
LPOS k a RANK -9223372036854775808 ## differs=lpos-rank
LPOS none a RANK -9223372036854775808 ## differs=lpos-rank
LPOS k a RANK
LPOS k a COUNT
LPOS k a MAXLEN
LPOS k a WHAT 1
LPOS k a RANK 1 COUNT
LPOS k a RANK 1 1
LPOS k a RANK 0 COUNT -1
LPOS k a COUNT -1 RANK 0
LPOS k a ""
LPOS none a RANK 0
LPOS none a COUNT -1
""")

# Changing ------------------------------------------------------------------------------------------

case("LSET", "RPUSH k a b c d", """
LSET k 0 A
LSET k -1 D
LSET k 1 {rep:b:6000}
LSET k 1 12
LSET k 2 ""
LRANGE k 0 -1
LSET k 4 x
LSET k -5 x
LSET none 0 x
LSET none abc x
""", *["LSET k %s x" % i for i in HUGE + NO_NUMBERS], "LRANGE k 0 -1")

case("LINSERT", """
RPUSH k a b c b
LINSERT k BEFORE a 1
LINSERT k AFTER b 2
LINSERT k BEFORE b 3
LINSERT k AFTER c 4
LRANGE k 0 -1
LINSERT k BEFORE x 5
LINSERT k AFTER 4 4
LINSERT k AFTER 4 {rep:z:9000}
LINSERT k BEFORE {rep:z:9000} y
LRANGE k 0 -1
LINSERT k NEAR a 1
LINSERT k "" a 1
LINSERT none BEFORE a b
LINSERT none WHAT a b
EXISTS none
LLEN k
""")

for count in ("0", "1", "2", "3", "100", "-1", "-2", "-100"):
    case("LREM %s" % count, """
    RPUSH k a b a 1 a 01 b 1 a
    RPUSH single a
    """, "LREM k %s a" % count, "LRANGE k 0 -1", "LREM k %s a" % count, "LREM k %s 1" % count, "LRANGE k 0 -1",
         "LREM k %s x" % count, "LREM k %s b" % count, "LREM k %s a" % count, "LREM k %s 01" % count, "LRANGE k 0 -1",
         "LREM single %s x" % count, "LREM single %s a" % count, "EXISTS single",
         "RPUSH all x x x", "LREM all %s x" % count, "LRANGE all 0 -1", "RPUSH all y", "LRANGE all 0 -1")

case("LREM: counts that are none", "RPUSH k a b a", *["LREM k %s x" % i for i in NO_NUMBERS + HUGE],
     "LREM none abc x", "LREM k -9223372036854775808 a", "LRANGE k 0 -1")

MIXED = " ".join(("a", "b", "value-%d" % i, "a", str(i))[i % 5] for i in range(4000))
case("LREM in a long list", *["RPUSH %s %s" % (k, MIXED) for k in "klm"], """
LREM k 0 a
LLEN k
LRANGE k 0 -1
LREM k 0 b
LREM l 500 a
LREM l -500 a
LRANGE l 0 -1
LREM m -1 b
LREM m 1 b
LREM m 0 value-2002
LREM m -3000 a
LRANGE m 0 -1
LPOS m b RANK 20
LINDEX l 700
LSET l 700 x
LINSERT l AFTER x y
LRANGE l 690 710
""")

LETTERED = "RPUSH k a b c d e"
case("LTRIM", *[step for start in range(-7, 8, 2) for end in range(-7, 8)
                for step in ("DEL k", LETTERED, "LTRIM k %d %d" % (start, end), "LRANGE k 0 -1", "EXISTS k")])
case("LTRIM: huge and none", *[step for i in HUGE + NO_NUMBERS for pair in ((i, 2), (2, i), (i, i))
                               for step in ("DEL k", LETTERED, "LTRIM k %s %s" % pair, "LRANGE k 0 -1")],
     "LTRIM none 0 1", "LTRIM none a 1", "EXISTS none")
case("LTRIM of a long list", "RPUSH k " + MIXED, """
LTRIM k 10 -11
LLEN k
LTRIM k 0 2999
LTRIM k 1500 -1
LRANGE k 0 -1
LTRIM k 700 709
LRANGE k 0 -1
LTRIM k 1 0
EXISTS k
""")

# Several keys --------------------------------------------------------------------------------------

ENDS = ("LEFT", "RIGHT")
for frm in ENDS:
    for to in ENDS:
        case("LMOVE %s %s" % (frm, to), """
        RPUSH a 1 2 3
        RPUSH b x y
        LMOVE a b FROM TO
        LMOVE a b FROM TO
        LRANGE a 0 -1
        LRANGE b 0 -1
        LMOVE a b FROM TO
        EXISTS a
        LMOVE a b FROM TO
        LRANGE b 0 -1
        LMOVE b b FROM TO
        LRANGE b 0 -1
        LMOVE b new FROM TO
        LRANGE new 0 -1
        LMOVE new new FROM TO
        LRANGE new 0 -1
        LMOVE none none FROM TO
        LMOVE none b FROM TO
        SET s v
        LMOVE b s FROM TO
        LMOVE s b FROM TO
        LMOVE none s FROM TO
        LMOVE s none FROM TO
        LRANGE b 0 -1
        GET s
        """.replace("FROM", frm).replace("TO", to))

case("LMOVE: words", """
RPUSH a 1 2 3
LMOVE a b UP LEFT
LMOVE a b LEFT UP
LMOVE a b "" LEFT
LMOVE a b LEFT ""
SET s v
LMOVE s b UP LEFT
LMOVE none b UP LEFT
LRANGE a 0 -1
""")

case("RPOPLPUSH", """
RPUSH a 1 2 3
RPOPLPUSH a b
RPOPLPUSH a b
LRANGE a 0 -1
LRANGE b 0 -1
RPOPLPUSH b b
LRANGE b 0 -1
RPOPLPUSH a a
LRANGE a 0 -1
RPOPLPUSH a b
EXISTS a
RPOPLPUSH a b
RPOPLPUSH a a
SET s v
RPOPLPUSH b s
RPOPLPUSH s b
RPOPLPUSH none s
LRANGE b 0 -1
""")

case("expiries stay with their lists", """
RPUSH a 1 2 3
EXPIRE a 1000
RPUSH a 4
LPOP a
TTL a
LMOVE a b LEFT RIGHT
TTL a
TTL b
EXPIRE b 500
LMOVE a b LEFT LEFT
TTL b
LTRIM b 0 0
TTL b
LPOP b
RPUSH b 1
TTL b
PEXPIRE b 1
""", "EXISTS b ## until=\":0\"", "LRANGE b 0 -1", "RPUSH b new", "LRANGE b 0 -1", "TTL b")

case("LMPOP", """
RPUSH a 1 2 3 4 5
RPUSH b x y z
LMPOP 1 a LEFT
LMPOP 1 a RIGHT
LMPOP 2 none a LEFT COUNT 2
LMPOP 2 a b RIGHT COUNT 10
LMPOP 2 a b RIGHT COUNT 2
LMPOP 2 a b LEFT COUNT 1
LMPOP 2 a b LEFT
EXISTS a b
RPUSH a 1
LMPOP 3 a a a LEFT COUNT 9223372036854775807
SET s v
RPUSH b x
LMPOP 2 s b LEFT
LMPOP 2 b s LEFT
LMPOP 2 b s LEFT
LMPOP 2 none b LEFT
""")

case("LMPOP: errors", "RPUSH a 1 2 3", *["LMPOP %s a LEFT" % i for i in NO_NUMBERS + ["0", "-1", "2", "100"] + HUGE[1:4]],
     *["LMPOP 1 a LEFT COUNT %s" % i for i in NO_NUMBERS + ["0", "-1"] + HUGE[1:4]], """
LMPOP 1 a
LMPOP 1 a UP
LMPOP 2 a LEFT
LMPOP 2 a b
LMPOP 1 a b LEFT
LMPOP 1 a LEFT COUNT
LMPOP 1 a LEFT COUNT 1 COUNT 2
LMPOP 1 a LEFT COUNT 1 x
LMPOP 1 a LEFT WHAT 1
LMPOP 1 a LEFT 1
LMPOP 0 LEFT
LMPOP a 1 LEFT
LRANGE a 0 -1
""")

# Around lists --------------------------------------------------------------------------------------

NOTIFIED = """
RPUSH k a b c d                 rpush
LPUSH k x y                     lpush
LPUSHX k z                      lpush
RPUSHX k z                      rpush
LPUSHX none z                   -
LPOP k                          lpop
RPOP k                          rpop
LPOP k 2                        lpop
RPOP k 0                        -
LSET k 0 b                      lset
LSET k 9 b                      -
LINSERT k BEFORE b a            linsert
LINSERT k BEFORE none a         -
LREM k 0 none                   -
LREM k 1 a                      lrem
LTRIM k 0 -1                    ltrim
LTRIM none 0 1                  -
LTRIM k 0 1                     ltrim
LTRIM k 1 0                     ltrim del
RPUSH k a                       rpush
LPOP k                          lpop del
RPUSH k a a                     rpush
RPOP k 5                        rpop del
RPUSH k a a                     rpush
LREM k 0 a                      lrem del
RPUSH k a b c                   rpush
LMOVE k l LEFT RIGHT            rpush lpop
LMOVE k l RIGHT LEFT            lpush rpop
LMOVE l l LEFT RIGHT            rpush lpop
LMOVE l l LEFT LEFT             lpush lpop
RPOPLPUSH l l                   lpush rpop
RPOPLPUSH k l                   lpush rpop del
RPOPLPUSH k l                   -
LMOVE k l LEFT LEFT             -
LMPOP 2 k l LEFT                lpop
LMPOP 2 k l RIGHT COUNT 100     rpop del
LMPOP 2 k l LEFT                -
RPUSH one a                     rpush
LMOVE one one LEFT RIGHT        rpush lpop
RPOPLPUSH one one               lpush rpop
LMOVE one one LEFT LEFT         lpush lpop
DEL one                         del
RPUSH k a                       rpush
RENAME k l                      rename_from rename_to
COPY l k                        copy_to
"""
case("notifications, by key and by event", steps(NOTIFIED, "AKE", 2))
case("notifications of lists alone", steps("""
RPUSH k a b                     rpush
LMPOP 1 k LEFT COUNT 2          lpop
SET s v                         -
""", "El", 1))
case("notifications of new and missed keys", steps("""
RPUSH k a                       new
LMOVE k l LEFT LEFT             new
LRANGE k 0 -1                   keymiss
LINDEX k 0                      keymiss
LLEN k                          keymiss
LPOS k 0                        keymiss
LPOP k                          -
""", "Kmn", 1))

for change, done in (("LPUSH k x", True), ("LPUSHX none x", False), ("LPOP k", True), ("LPOP k 0", False),
                     ("LPOP none", False), ("LSET k 0 a", True), ("LSET k 9 a", False), ("LREM k 0 x", False),
                     ("LREM k 0 a", True), ("LTRIM k 0 0", True), ("LINSERT k AFTER x y", False),
                     ("LINSERT k AFTER a y", True), ("LMOVE k l LEFT LEFT", True), ("LMOVE l k LEFT LEFT", True),
                     ("LMOVE k k LEFT RIGHT", True), ("LMOVE k k LEFT LEFT", True), ("RPOPLPUSH k k", True),
                     ("LRANGE k 0 -1", False), ("LMPOP 2 none k LEFT COUNT 9", True), ("LPOS k a", False),
                     ("LMOVE one one LEFT RIGHT", True)):
    watched = "one" if "one one" in change else "k"
    case("WATCH: %s" % change, "RPUSH k a b c", "RPUSH l x", "RPUSH one x", "WATCH " + watched, "@b " + change, "MULTI",
         "RPUSH k in-transaction", "EXEC", "LRANGE k 0 -1")

case("WATCH: LTRIM k 0 -1", """
RPUSH k a b c
WATCH k
@b LTRIM k 0 -1
MULTI
LLEN k
EXEC ## differs=ltrim-nothing want="*1\\r\\n:3"
LRANGE k 0 -1
""")

case("in a transaction", """
MULTI
RPUSH k a b c
LMOVE k l LEFT RIGHT
LPOP k 5
LPOP k
LPOP k 1
LRANGE l 0 -1
RPUSH k again
LSET k 0 x
LINSERT k BEFORE x y
SET l string
LPUSH l x
LREM k 0 y
LTRIM k 5 6
LRANGE k 0 -1
EXEC
TYPE l
EXISTS k
""")

case("expired lists", """
RPUSH k a b
PEXPIREAT k 1000
LRANGE k 0 -1
LPUSHX k a
RPUSH k c
LRANGE k 0 -1
""")

case("the same list over and over", *["%s k %s" % (("LPUSH", "RPUSH")[i % 2], "v%d" % i) for i in range(30)],
     *["LMOVE k k %s %s" % (ENDS[i % 2], ENDS[i // 2 % 2]) for i in range(12)], "LRANGE k 0 -1",
     *["%s k" % ("LPOP", "RPOP")[i % 3 == 0] for i in range(31)], "EXISTS k", "RPUSH k a", "LPOP k", "LPUSH k b",
     "LRANGE k 0 -1")

case("renamed, copied, moved", """
RPUSH k a b c
RENAME k l
LRANGE l 0 -1
COPY l k
RPUSH l d
LRANGE k 0 -1
LREM k 0 b
LRANGE l 0 -1
MOVE l 5
SELECT 5
LRANGE l 0 -1
LPOP l 2
SWAPDB 0 5
LRANGE l 0 -1
SELECT 0
LRANGE l 0 -1
SET l string
LPUSH l x
SET k string
GETDEL k
RPUSH k list
GET k
GETDEL k
APPEND k x
INCR k
""")

case("OBJECT ENCODING of small and large lists", """
RPUSH k a
OBJECT ENCODING k ## differs=list-listpack
RPUSH k {rep:x:3000}
OBJECT ENCODING k ## differs=list-listpack
RPUSH k {rep:x:9000}
OBJECT ENCODING k
""")
