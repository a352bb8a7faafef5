# SPDX-License-Identifier: MIT
"""Hashes. What came after 7.0 (fields that expire, HGETDEL, HGETEX, HSETEX) is in
tests/integration/test_hashes.c, because redis-server 7.0.15 cannot be asked."""

from case import family
from cases.notifications import steps

case = family("hashes")

READS = ["HGET h f", "HMGET h f g", "HGETALL h", "HKEYS h", "HVALS h", "HLEN h", "HEXISTS h f", "HSTRLEN h f",
         "HRANDFIELD h", "HRANDFIELD h 2", "HRANDFIELD h -2", "HRANDFIELD h 2 WITHVALUES", "HSCAN h 0"]
WRITES = ["HSET h f v", "HMSET h f v", "HSETNX h f v", "HDEL h f", "HINCRBY h f 1", "HINCRBYFLOAT h f 1.5"]
NAMES = ["HSET", "HMSET", "HSETNX", "HDEL", "HINCRBY", "HINCRBYFLOAT", "HGET", "HMGET", "HGETALL", "HKEYS", "HVALS",
         "HLEN", "HEXISTS", "HSTRLEN", "HRANDFIELD", "HSCAN"]

case("a key of another type", "SET h v", *READS, *WRITES, "GET h")
case("no such key", *READS, "HDEL h f", "HDEL h f g", "EXISTS h", "DBSIZE")
case("arity", *["%s%s" % (name, " a" * count) for name in NAMES for count in range(5)])
case("names in any case", "hset h f v", "HgEt h f", "hGETALL h", "hScAn h 0", "hDeL h f")

# HSET, HMSET, HSETNX -----------------------------------------------------------------------------------

case("HSET", """
HSET h f v
HSET h f v
HSET h f w
HGET h f
HSET h a 1 b 2 c 3
HLEN h
HSET h a 1 d 4 e 5 a 9
HGET h a
HSET h a
HSET h a 1 b
HSET h x 1 x 2 x 3
HGET h x
HGETALL h ## unordered_pairs
TYPE h
OBJECT ENCODING h
HSET h "" empty
HGET h ""
HSET h empty ""
HGET h empty
HSTRLEN h empty
HSET "" f v
HGET "" f
HLEN h
HSET new a 1 b
EXISTS new
""")

case("HMSET", """
HMSET h f v
HMSET h f w g x
HGETALL h ## unordered_pairs
HMSET h f
HMSET h f v g
HMSET h a 1 a 2
HGET h a
HMSET new a
EXISTS new
""")

case("HSETNX", """
HSETNX h f v
HSETNX h f w
HGET h f
HSETNX h g ""
HSETNX h g x
HSTRLEN h g
HLEN h
SET s v
HSETNX s f v
""")

case("bytes of every kind", """
HSET h "a\\x00b" "\\x00\\xff\\r\\n" "\\xff\\xfe" "" "\\r\\n" " " "a b" "c d"
HGET h "a\\x00b"
HGET h "\\xff\\xfe"
HMGET h "\\r\\n" "a b" a "a\\x00" "a\\x00b\\x00"
HGETALL h ## unordered_pairs
HKEYS h ## unordered
HVALS h ## unordered
HSTRLEN h "a\\x00b"
HEXISTS h "a\\x00"
HDEL h "a\\x00" "\\xff\\xfe"
HLEN h
HSCAN h 0 MATCH "a*" ## second_unordered
HSET "k\\x00\\xff" f v
HGET "k\\x00\\xff" f
HSET h {rep:f:70000} {rep:v:70000}
HGET h {rep:f:70000}
HSTRLEN h {rep:f:70000}
OBJECT ENCODING h
HINCRBY h "n\\x00" 5
HINCRBY h "n\\x00" 5
""")

# What looks like a number is kept as one inside, but comes back as it was written.
NUMBERS = ["0", "1", "-1", "127", "128", "-128", "-129", "4095", "4096", "8191", "8192", "-4096", "-4097", "32767", "32768",
           "-32768", "8388607", "8388608", "2147483647", "2147483648", "-2147483649", "9223372036854775807",
           "-9223372036854775808", "9223372036854775808", "18446744073709551615", "01", "-0", "+1", " 1", "1 ", "1.0", "1e3",
           "00", "-", "", "0x1"]
case("numbers as fields and values",
     [b"HSET", b"h"] + [part.encode() for number in NUMBERS for part in (number, number)],
     *[step for number in NUMBERS
       for step in (["HGET", "h", number], ["HSTRLEN", "h", number], ["HEXISTS", "h", number])],
     "HLEN h", "HGETALL h ## unordered_pairs", "HKEYS h ## unordered", "HVALS h ## unordered",
     [b"HDEL", b"h"] + [number.encode() for number in NUMBERS[:20]],
     "HGETALL h ## unordered_pairs")

# HGET, HMGET, HGETALL … -----------------------------------------------------------------------------------

case("reading", """
HSET h a 1 b 22 c ""
HGET h a
HGET h missing
HMGET h a
HMGET h a missing c a
HMGET h missing
HMGET missing a b
HEXISTS h a
HEXISTS h missing
HSTRLEN h a
HSTRLEN h b
HSTRLEN h c
HSTRLEN h missing
HLEN h
HLEN missing
HKEYS h ## unordered
HVALS h ## unordered
HGETALL h ## unordered_pairs
HGETALL missing
HKEYS missing
HVALS missing
HGET h a b
HLEN h x
""")

case("HDEL", """
HSET h a 1 b 2 c 3 d 4
HDEL h a
HDEL h a
HDEL h b missing b
HLEN h
HDEL h c d
EXISTS h
TYPE h
HDEL h c
HSET h a 1
HDEL h a a a
EXISTS h
HSET h a 1
EXPIRE h 1000
HSET h b 2
TTL h
HDEL h a b
HSET h a 1
TTL h
""")

# Counters -----------------------------------------------------------------------------------------------

case("HINCRBY", """
HINCRBY h n 1
HINCRBY h n 1
HINCRBY h n -5
HGET h n
HINCRBY h m 9223372036854775807
HINCRBY h m 1
HINCRBY h m -9223372036854775808
HGET h m
HINCRBY h l -9223372036854775808
HINCRBY h l -1
HINCRBY h l 9223372036854775807
HINCRBY h n a
HINCRBY h n ""
HINCRBY h n 1.0
HINCRBY h n +1
HINCRBY h n 01
HINCRBY h n " 1"
HINCRBY h n 9223372036854775808
HINCRBY h n -9223372036854775809
HINCRBY h n 0
HINCRBY h new 0
HGET h new
HINCRBY none n a
EXISTS none
HLEN h
SET s v
HINCRBY s n a
HINCRBY s n 1
HSET h t abc
HINCRBY h t 1
HGET h t
EXPIRE h 100
HINCRBY h n 1
TTL h
""")

FLOATS = ["0", "1", "-1", "0.1", "-0.1", "3.0", "5.0e3", "2.0e2", "1e15", "1e17", "1e20", "1e300", "1e-5", "1e-17", "1e-300",
          "1e4000", "1e5000", "123456789.123456789", "0.3333333333333333333333", "12345678901234567890", "3.14159265358979",
          "17.00000000000000001", ".5", "5.", "+1.5", "0x1p3", "-0", "-0.0", "9007199254740993", "1E2", "inf", "-inf",
          "+inf", "infinity", "nan", "", " 1", "1 ", "abc", "1.5x", "1,5", "1e", ".", "-", "1\x00"]
case("HINCRBYFLOAT: numbers and their form",
     *[step for value in FLOATS
       for step in ("DEL h", ["HINCRBYFLOAT", "h", "f", value], "HGET h f", "EXISTS h",
                    "HSET h f 10.50", ["HINCRBYFLOAT", "h", "f", value], "HGET h f",
                    "HSET h f 3", ["HINCRBYFLOAT", "h", "f", value], "HGET h f")])
case("HINCRBYFLOAT: the stored value",
     *[step for value in FLOATS + NUMBERS
       for step in (["HSET", "h", "f", value], "HINCRBYFLOAT h f 0", "HINCRBYFLOAT h f 1", "HINCRBYFLOAT h f -2.5",
                    "HGET h f")])
case("HINCRBY: the stored value",
     *[step for value in FLOATS + NUMBERS
       for step in (["HSET", "h", "f", value], "HINCRBY h f 0", "HINCRBY h f 1", "HINCRBY h f -2", "HGET h f")])
case("counters of both kinds", """
HINCRBYFLOAT h f 0.1
HINCRBYFLOAT h f 0.2
HINCRBYFLOAT h f -0.3
HINCRBYFLOAT h f 1e17
HINCRBYFLOAT h f -1e17
HINCRBY h g 3
HINCRBYFLOAT h g 0.5
HINCRBY h g 1
HINCRBYFLOAT h g 0.5
HINCRBY h g 1
HSET h big 1e4932
HINCRBYFLOAT h big 1e4932
HGET h big
SET s v
HINCRBYFLOAT s f abc
HINCRBYFLOAT s f 1
HINCRBYFLOAT h f {rep:1:300}
HINCRBYFLOAT h f 0.{rep:1:300}
HINCRBYFLOAT none f x
EXISTS none
""")

# HRANDFIELD ------------------------------------------------------------------------------------------------

case("HRANDFIELD: of one field", """
HSET h f v
HRANDFIELD h
HRANDFIELD h 0
HRANDFIELD h 1
HRANDFIELD h 5
HRANDFIELD h -1
HRANDFIELD h -3
HRANDFIELD h 0 WITHVALUES
HRANDFIELD h 1 WITHVALUES
HRANDFIELD h 5 withvalues
HRANDFIELD h -1 WITHVALUES
HRANDFIELD h -3 WithValues
HRANDFIELD missing
HRANDFIELD missing 0
HRANDFIELD missing 3
HRANDFIELD missing -3
HRANDFIELD missing 3 WITHVALUES
""")
case("HRANDFIELD: how many", "HSET h a 1 b 2 c 3 d 4 e 5 f 6",
     *["HRANDFIELD h %d%s ## shape" % (count, values) for count in (0, 1, 2, 3, 5, 6, 7, 100, -1, -3, -6, -20)
       for values in ("", " WITHVALUES")],
     "HRANDFIELD h 6 ## unordered", "HRANDFIELD h 60 ## unordered", "HRANDFIELD h ## type")
case("HRANDFIELD: how many of a large hash",
     [b"HSET", b"h"] + [part % i for i in range(1000) for part in (b"f%d", b"v%d")],
     *["HRANDFIELD h %d%s ## count" % (count, values) for count in (0, 1, 10, 300, 334, 600, 999, 1000, 2000, -10, -2000)
       for values in ("", " WITHVALUES")],
     "HRANDFIELD h 1000 ## unordered")
case("HRANDFIELD: errors", """
HSET h a 1
HRANDFIELD h x
HRANDFIELD h ""
HRANDFIELD h 1.5
HRANDFIELD h 1 x
HRANDFIELD h x y
HRANDFIELD h 1 WITHVALUES x
HRANDFIELD h 1 WITHSCORES
HRANDFIELD h -9223372036854775808
HRANDFIELD h -9223372036854775809
HRANDFIELD h 9223372036854775807
HRANDFIELD h 9223372036854775808
HRANDFIELD h 9223372036854775807 WITHVALUES
HRANDFIELD h -9223372036854775807 WITHVALUES
HRANDFIELD h 4611686018427387903 WITHVALUES
HRANDFIELD h 4611686018427387904 WITHVALUES
HRANDFIELD h -4611686018427387905 WITHVALUES
HRANDFIELD h -9223372036854775808 WITHVALUES
HRANDFIELD missing x
HRANDFIELD missing 1 x
SET s v
HRANDFIELD s x
HRANDFIELD s 1
""")


@case.function("HRANDFIELD: fields that are there, each once, and all in time")
def random_fields(runner, proto, check):
    """Both forms; what is answered is checked on its own, because chance differs."""
    import servers
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        for size in (20, 1500):
            conn.call("DEL", "h")
            pairs = {b"f%d" % i: b"v%d" % i for i in range(size)}
            conn.call("HSET", "h", *[part for pair in pairs.items() for part in pair])
            for count in (1, size // 10, size // 2, size - 1):
                names = [item[1] for item in conn.call("HRANDFIELD", "h", str(count))[1]]
                check("%s: %d different fields of %d" % (server.kind, count, size),
                      (len(names), len(set(names)), set(names) <= set(pairs)), (count, count, True))
                flat = [item[1] for item in conn.call("HRANDFIELD", "h", str(-count), "WITHVALUES")[1]]
                check("%s: %d fields of %d with their values" % (server.kind, count, size),
                      all(pairs[name] == value for name, value in zip(flat[::2], flat[1::2])) and len(flat), 2 * count)
            seen = {item[1] for _ in range(40) for item in conn.call("HRANDFIELD", "h", str(size // 5))[1]}
            seen |= {item[1] for item in conn.call("HRANDFIELD", "h", str(-40 * size))[1]}
            check("%s: every field of %d comes" % (server.kind, size), len(seen), size)
        conn.close()


# HSCAN -----------------------------------------------------------------------------------------------------

case("HSCAN", """
HSCAN missing 0
HSCAN missing 5
HSET h a 1 b 2 c 3 ab 4
HSCAN h 0 ## second_unordered
HSCAN h 0 COUNT 1 ## second_unordered
HSCAN h 0 COUNT 1000 ## second_unordered
HSCAN h 0 MATCH a* ## second_unordered
HSCAN h 0 MATCH x*
HSCAN h 0 MATCH *
HSCAN h 0 COUNT 100 MATCH [ab] ## second_unordered
HSCAN h 0 match A*
HSCAN h 0 MATCH a* MATCH b*
HSCAN h a
HSCAN h ""  ## second_unordered
HSCAN h 0 COUNT 0
HSCAN h 0 COUNT -1
HSCAN h 0 COUNT x
HSCAN h 0 COUNT
HSCAN h 0 MATCH
HSCAN h 0 WHAT
HSCAN h 0 TYPE hash
HSCAN h 18446744073709551616
HSCAN missing x
HSCAN missing 0 WHAT
HSCAN missing 0 COUNT 0
SET s v
HSCAN s 0
HSCAN s x
HSCAN s 0 WHAT
""".replace("HSCAN h 0 MATCH *\n", "HSCAN h 0 MATCH * ## second_unordered\n"))

case("HSCAN NOVALUES", """
HSET h f v
HSCAN h 0 NOVALUES ## differs=fields-expire want="*2\\r\\n$1\\r\\n0\\r\\n*1\\r\\n$1\\r\\nf\\r\\n"
HSCAN h 0 MATCH f novalues COUNT 5 ## differs=fields-expire want="*2\\r\\n$1\\r\\n0\\r\\n*1\\r\\n$1\\r\\nf\\r\\n"
HSCAN h 0 MATCH g NOVALUES ## differs=fields-expire want="*2\\r\\n$1\\r\\n0\\r\\n*0\\r\\n"
HSCAN h 0 NOVALUES WHAT
HSCAN missing 0 NOVALUES
""")


@case.function("HSCAN: all of a large hash")
def whole_scan(runner, proto, check):
    import servers
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        pairs = {b"f%d" % i: b"v%d" % i for i in range(3000)}
        conn.call("DEL", "h")
        conn.call("HSET", "h", *[part for pair in pairs.items() for part in pair])
        for options, wanted in (((), pairs), (("COUNT", "500"), pairs),
                                (("MATCH", "f1*"), {k: v for k, v in pairs.items() if k.startswith(b"f1")})):
            cursor, seen = b"0", {}
            while True:
                (_, cursor), (_, items) = conn.call("HSCAN", "h", cursor.decode(), *options)[1]
                texts = [item[1] for item in items]
                seen.update(zip(texts[::2], texts[1::2]))
                if cursor == b"0":
                    break
            check("%s: HSCAN %s" % (server.kind, options), seen == wanted, True)
        conn.close()


# Encodings -------------------------------------------------------------------------------------------------

case("encodings", """
HSET h f v
OBJECT ENCODING h
HSET h f {rep:v:64}
OBJECT ENCODING h
HSET h f {rep:v:65}
OBJECT ENCODING h
HSET h f v
OBJECT ENCODING h
HSET g {rep:f:64} v
OBJECT ENCODING g
HSET g {rep:f:65} v
OBJECT ENCODING g
HSETNX i {rep:f:65} v
OBJECT ENCODING i
HINCRBY j f 1
OBJECT ENCODING j
HGETALL h
HMGET g {rep:f:64} {rep:f:65}
CONFIG SET hash-max-listpack-entries 2
HSET k a 1 b 2
OBJECT ENCODING k
HSET k a 2 b 3
OBJECT ENCODING k
HSET k c 3
OBJECT ENCODING k
HDEL k c
OBJECT ENCODING k
CONFIG SET hash-max-listpack-entries 128
CONFIG SET hash-max-listpack-value 4
HSET l a 1234
OBJECT ENCODING l
HSET l a 12345
OBJECT ENCODING l
CONFIG SET hash-max-listpack-value 64
HSET l b 1
OBJECT ENCODING l
""", after=["CONFIG SET hash-max-listpack-entries 128", "CONFIG SET hash-max-listpack-value 64"])

case("growing and shrinking",
     *[[b"HSET", b"h"] + [part % i for i in range(n, n + 50) for part in (b"f%d", b"v%d")] for n in range(0, 700, 50)],
     "HLEN h", "OBJECT ENCODING h", "HGETALL h ## unordered_pairs", "HKEYS h ## unordered", "HVALS h ## unordered",
     [b"HDEL", b"h"] + [b"f%d" % i for i in range(10, 690)],
     "HLEN h", "HGETALL h ## unordered_pairs",
     *[["HGET", "h", "f%d" % i] for i in range(0, 700, 37)],
     [b"HDEL", b"h"] + [b"f%d" % i for i in range(700)],
     "EXISTS h")

# Beside other commands ---------------------------------------------------------------------------------------

case("keys that are hashes", """
HSET h f v g w
GET h
SETNX h v
INCR h
APPEND h x
STRLEN h
MGET h x
SET h v GET
GETSET h v
RENAME h i
HGETALL i ## unordered_pairs
COPY i j
HSET i f changed
HGET j f
HGET i f
MOVE j 1
SELECT 1
HGETALL j ## unordered_pairs
SELECT 0
SET i v
TYPE i
DEL i
HSET i x y
EXPIRE i 100
TTL i
PERSIST i
TTL i
SCAN 0 TYPE hash ## second_unordered
SCAN 0 TYPE string
TYPE i
UNLINK i
EXISTS i
HSET a f v
HSET b f v
SWAPDB 0 1
EXISTS a
SELECT 1
HGET a f
FLUSHDB
HGET a f
""")

case("WATCH and EXEC", """
HSET h f v
WATCH h
@b HSET h f w
MULTI
HGET h f
EXEC
WATCH h
@b HSET h f w
MULTI
HGET h f
EXEC
WATCH h
@b HGET h f
@b HDEL h missing
@b HSETNX h f x
MULTI
HGET h f
HINCRBY h n 5
HINCRBY h f 5
HSET h a
EXEC
MULTI
HGET h f
HINCRBY h n 5
HINCRBY h f 5
HGETALL h ## unordered_pairs
EXEC
WATCH h
@b HINCRBY h n 1
MULTI
HLEN h
EXEC
WATCH h
@b HDEL h f n
MULTI
HLEN h
EXEC
WATCH none
@b HSET none f v
MULTI
HLEN h
EXEC
WATCH none
@b HDEL none f
MULTI
HLEN none
EXEC
""")

NOTIFIED = """
HSET h a 1                      hset
HSET h a 1 b 2 c 3              hset
HSET h a                        -
HMSET h d 4                     hset
HSETNX h a 1                    -
HSETNX h e 5                    hset
HINCRBY h a 5                   hincrby
HINCRBY h b x                   -
HINCRBYFLOAT h a 1.5            hincrbyfloat
HDEL h x                        -
HDEL h a x                      hdel
HDEL h b c                      hdel
HDEL h d e                      hdel del
HDEL h d                        -
HINCRBY i n 1                   hincrby
HINCRBYFLOAT i n 1              hincrbyfloat
HGET i n                        -
HGETALL i                       -
HRANDFIELD i                    -
DEL i                           del
HMSET j a 1                     hset
RENAME j k                      rename_from rename_to
SET k v                         set
DEL k                           del
"""
case("notifications, by key and by event", steps(NOTIFIED, "AKE", 2))
case("notifications of hashes alone", steps("""
HSET h a 1 b 2                  hset
EXPIRE h 100                    -
HDEL h a b                      hdel
""", "Eh", 1))
case("notifications of new and missed keys", """
@b CONFIG SET notify-keyspace-events Emnh
PSUBSCRIBE __key*__:*
@b HSET h f v ## none
< ## x2
@b <
@b HGET none f ## none
<
@b <
@b HSET h f w
<
@b HDEL none f
@b HLEN none
<
@b HGET h none
@b CONFIG SET notify-keyspace-events ""
PUNSUBSCRIBE
""")

case("COMMAND GETKEYS", *["COMMAND GETKEYS %s a b c d" % name for name in NAMES],
     *["COMMAND GETKEYSANDFLAGS %s a b c d ## unordered_deep" % name for name in NAMES])

# Arities of what came later.
LATER = {"hexpire": -6, "hexpireat": -6, "hexpiretime": -5, "hgetdel": -5, "hgetex": -5, "hpersist": -5, "hpexpire": -6,
         "hpexpireat": -6, "hpexpiretime": -5, "hpttl": -5, "hsetex": -6, "httl": -5}
case("commands that came after 7.0",
     *["COMMAND INFO %s ## command_arity differs=fields-expire want=\"*1\\r\\n*2\\r\\n$%d\\r\\n%s\\r\\n:%d\\r\\n\""
       % (name, len(name), name, arity) for name, arity in LATER.items()],
     *["%s k ## differs=fields-expire want=\"-ERR wrong number of arguments for '%s' command\"" % (name, name)
       for name in LATER])
