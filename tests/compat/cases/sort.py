# SPDX-License-Identifier: MIT
"""SORT and SORT_RO. Where equal things may come in any order (SORT … ALPHA BY with LIMIT, sets that are
not sorted), the cases leave no choice or compare without order."""

import random

from case import family
from cases.notifications import steps

case = family("sort")

NO_NUMBERS = ['""', "abc", "1.0", "+1", "01", '" 1"']

# Elements and what they are sorted by: w_* are strings, o_* hashes.
OBJECTS = ["MSET w_1 30 w_2 20 w_3 10 w_4 20 w_6 -1.5 w_7 1e3",
           "MSET n_1 delta n_2 alpha n_3 charlie n_4 bravo n_6 Echo n_7 \"\"",
           "HSET o_1 weight 3 name x", "HSET o_2 weight 1 name z", "HSET o_3 weight 2 name y", "HSET o_4 other 1",
           "SET o_6 string", "RPUSH o_7 list"]
SOURCES = {"list": "RPUSH k 3 1 2 7 6 5 4", "set": "SADD k 3 1 2 7 6 5 4", "sorted set": "ZADD k 1 7 2 6 3 1 4 5 5 4 6 3 7 2"}
ORDERS = ["", "ASC", "DESC", "ALPHA", "ALPHA DESC", "DESC ASC", "LIMIT 0 3", "LIMIT 2 3 DESC", "LIMIT 5 10 ALPHA",
          "BY w_*", "BY w_* DESC", "BY o_*->weight", "BY o_*->weight DESC", "BY w_* LIMIT 1 4", "BY n_* ALPHA LIMIT 2 5",
          "BY w_* GET n_*", "BY w_* GET # GET w_* GET n_* GET o_*->name", "GET o_*->weight GET o_*", "GET none_*",
          "GET w_1", "GET #", "GET # GET #", "BY none_*", "BY none_* DESC", "DESC GET n_*", "GET *", "BY *"]

for name, make in SOURCES.items():
    case("a %s" % name, *OBJECTS, make, *["SORT k %s" % order for order in ORDERS],
         *["SORT_RO k %s" % order for order in ORDERS])
    case("a %s, stored" % name, *OBJECTS, make,
         *[step for order in ORDERS for step in ("SORT k %s STORE to" % order, "LRANGE to 0 -1", "TYPE to")],
         "SORT k STORE k", "LRANGE k 0 -1", "TYPE k", "SORT k DESC STORE k", "LRANGE k 0 -1")

case("texts in order", """
RPUSH k b a c "" B "a a" aa {rep:z:3000} "\\xff" "\\x01" a b 10 9 -1
SORT k ALPHA
SORT k ALPHA DESC
SORT k ALPHA LIMIT 3 5
SORT k ALPHA LIMIT 3 5 DESC
SORT k
SORT k LIMIT 0 0
SADD s b a c "" B aa
SORT s ALPHA
SORT s ALPHA DESC LIMIT 1 2
SORT s
ZADD z 3 b 2 a 1 c
SORT z ALPHA
SORT z ALPHA DESC
SORT z
""")

case("ALPHA by patterns", """
RPUSH k 1 2 3 4 5
MSET n_1 b n_2 a n_3 "" n_5 a1
SORT k BY n_* ALPHA
SORT k BY n_* ALPHA DESC
RPUSH same 5 3 4 1 2
SORT same BY none_* ALPHA
SORT same BY none_* ALPHA DESC
MSET t_1 x t_2 x t_3 x t_4 x t_5 x
SORT same BY t_* ALPHA
SORT same BY t_* ALPHA DESC
""")

case("numbers of all kinds", """
RPUSH k 1.5 -3 1e2 0x10 007 +5 " 4" -0 0 inf -inf 3.25 9223372036854775807 9223372036854775808 -9223372036854775808
SORT k
SORT k DESC
RPUSH empty "" 1 -1 ""
SORT empty
""", *["RPUSH %s 1 %s" % ("b%d" % i, word) for i, word in enumerate(["abc", "nan", '"1 "', "1e999", "1e-400", "1x"])],
     *["SORT b%d" % i for i in range(6)], *["SORT b%d STORE to" % i for i in range(6)], "EXISTS to",
     *["SORT b%d ALPHA" % i for i in range(6)], """
RPUSH k2 1 2
SET w_1 abc
SET w_2 1
SORT k2 BY w_*
SORT k2 BY w_* ALPHA
SORT k2 BY w_* STORE to
SORT k2 BY nosort GET w_*
SET to before
SORT k2 BY w_* STORE to
GET to
""")

case("equal numbers", """
RPUSH k 1 01 1.0 +1 001 2 02
SORT k
SORT k DESC
RPUSH names c b a e d
SORT names BY w_*
SORT names BY w_* DESC
MSET w_a 1 w_b 1 w_c 2 w_d 2 w_e 0
SORT names BY w_*
SORT names BY w_* DESC
SORT names BY w_* LIMIT 1 3
SORT names BY w_* LIMIT 1 3 DESC
""")

case("not sorted", """
RPUSH k 3 1 2 abc 5
SORT k BY nosort
SORT k BY nosort DESC
SORT k BY nosort ALPHA
SORT k BY nosort LIMIT 1 2
SORT k BY nosort LIMIT 1 2 DESC
SORT k BY nosort LIMIT 4 10
SORT k BY nosort LIMIT 5 10
SORT k BY nosort GET #
SORT k BY "" LIMIT 0 2
SORT k BY # LIMIT 0 2
SORT k BY w_* BY nosort
SORT k BY nosort BY w_*
SORT k BY nosort STORE to
LRANGE to 0 -1
SORT k BY nosort LIMIT 1 3 STORE to
LRANGE to 0 -1
ZADD z 3 c 1 a 2 b 4 d 2 bb
SORT z BY nosort
SORT z BY nosort ASC
SORT z BY nosort DESC
SORT z BY nosort LIMIT 1 2
SORT z BY nosort LIMIT 1 2 DESC
SORT z BY nosort LIMIT 0 1 DESC
SORT z BY nosort LIMIT 4 9 DESC
SORT z BY nosort LIMIT 5 9 DESC
SORT z BY nosort LIMIT 3 -1
SORT z BY nosort DESC STORE to
LRANGE to 0 -1
SADD s 3 1 2 10 b a
SORT s BY nosort ## unordered
SORT s BY nosort DESC ## unordered
SORT s BY nosort GET # ## unordered
SORT s BY nosort LIMIT 1 3 ## count
SORT s BY nosort STORE to
LRANGE to 0 -1
SORT s BY nosort DESC STORE to
LRANGE to 0 -1
SORT s BY nosort LIMIT 1 3 STORE to
LRANGE to 0 -1
SORT none BY nosort
""")

BIG_Z = " ".join("%d m%d" % (i * 7919 % 1000, i) for i in range(700))
case("not sorted: a large sorted set", "ZADD z " + BIG_Z, "SORT z BY nosort", "SORT z BY nosort DESC",
     *["SORT z BY nosort LIMIT %d 20 %s" % (i, order) for i in range(0, 720, 90) for order in ("ASC", "DESC")])

case("LIMIT", "RPUSH k 5 3 1 4 2",
     *["SORT k LIMIT %d %d" % (offset, count) for offset in range(-2, 8) for count in range(-3, 8)],
     *["SORT k BY nosort LIMIT %d %d" % (offset, count) for offset in range(-2, 8) for count in (-1, 0, 1, 3, 9)],
     *["SORT k LIMIT %s %s" % pair for i in NO_NUMBERS for pair in ((i, 1), (1, i))], """
SORT k LIMIT 9223372036854775807 9223372036854775807
SORT k LIMIT -9223372036854775808 -9223372036854775808
SORT k LIMIT 1 9223372036854775807
SORT k LIMIT 9223372036854775808 1
SORT k LIMIT 0 1 LIMIT 1 2
SORT k LIMIT 1 2 STORE to
LRANGE to 0 -1
SORT k LIMIT 10 2 STORE to
EXISTS to
""")

case("errors", """
RPUSH k 2 1
SORT
SORT_RO
SORT k WHAT
SORT k ""
SORT k LIMIT
SORT k LIMIT 1
SORT k BY
SORT k GET
SORT k STORE
SORT k ASC WHAT
SORT k LIMIT 0 x WHAT
SORT k WHAT LIMIT 0 x
SORT_RO k STORE to
SORT_RO k BY nosort STORE to
EXISTS to
sort k desc
Sort_Ro k lImIt 0 1 AlPhA
SET s v
HSET h f v
SORT s
SORT h
SORT_RO s
SORT_RO h
SORT s WHAT
SORT s STORE k
SORT h BY nosort
SORT none
SORT_RO none
SORT none GET #
SORT none ALPHA DESC LIMIT 1 2
LRANGE k 0 -1
""")

case("patterns", """
RPUSH k 2 1
MSET a_1_b 20 a_2_b 10 w*1 star "w_1" 1 "w_2" 2 "1" one "2" two
SORT k BY a_*_b GET a_*_b
SORT k GET w**
SORT k GET w_*
SORT k GET *
SORT k BY *
HSET a_1_b->c f 1
HSET h_1 f 20 "" e "x->y" 5 "*" star
HSET h_2 f 10 "x->y" 6
SORT k BY h_*->f GET # GET h_*->f
SORT k GET h_*->
SORT k GET h_*->x->y
SORT k GET h_*->*
SORT k GET h_*->none
SORT k GET h_*
SORT k GET h->*
SORT k GET h->_*
SET h_1-> arrow
SORT k GET h_*->
SORT k GET ->f
SORT k GET *->f
HSET 1 x 1
HSET x1 f 7
SORT k GET x*->f
SORT k GET *->x
SORT k GET ""
SORT k GET ##
SORT k GET # GET h_*->f GET w_* STORE to
LRANGE to 0 -1
SORT k GET none_* STORE to
LRANGE to 0 -1
LLEN to
""")

case("bytes of any kind", """
RPUSH k "a\\r\\nb" "\\xff\\xfe" 12
SET "w_a\\r\\nb" "3\\r\\n"
SET "w_\\xff\\xfe" 2
SET w_12 10
HSET "o_a\\r\\nb" "\\xf0" "\\x00\\x01"
SORT k BY w_* DESC
SET "w_a\\r\\nb" 3
SORT k BY w_* DESC GET # GET w_* GET "o_*->\\xf0"
SORT k BY w_* GET "o_*->\\xf0" STORE "t\\x00"
LRANGE "t\\x00" 0 -1
""")

case("STORE over what is there", """
RPUSH k 2 1
SET to string
EXPIRE to 1000
SORT k STORE to
TTL to
LRANGE to 0 -1
SORT none STORE to
EXISTS to
SORT none STORE to
HSET to f v
SORT k GET none STORE to
LRANGE to 0 -1
SORT k LIMIT 5 5 STORE to
EXISTS to
SORT k STORE to STORE other
LRANGE other 0 -1
EXISTS to
RPUSH to x
SORT k STORE to
RPUSH to 3
LRANGE to 0 -1
SORT k GET # GET # STORE k
LRANGE k 0 -1
EXPIRE k 1000
SORT k STORE k
TTL k
SORT k LIMIT 0 0 STORE k
EXISTS k
OBJECT ENCODING other ## differs=list-listpack
""")

case("keys whose time is over", """
RPUSH k 1 2 3
SET w_1 30
SET w_2 20
SET w_3 10
HSET o_2 f v
PEXPIREAT w_2 1000
PEXPIREAT o_2 1000
SORT k BY w_* GET # GET w_* GET o_*->f
PEXPIREAT k 1000
SORT k
SORT k BY w_* STORE to
EXISTS to
""")

generator = random.Random(4)
NUMBERS = [generator.randrange(-500, 500) for _ in range(1500)]
WEIGHTS = " ".join("w_%d %d" % (i, generator.randrange(300)) for i in range(-500, 500, 3))
case("many elements", "RPUSH k " + " ".join(map(str, NUMBERS)), "SADD s " + " ".join(map(str, NUMBERS)),
     "ZADD z " + " ".join("%d %d" % (i * 31 % 97, i) for i in NUMBERS), "MSET " + WEIGHTS,
     *["SORT %s %s" % (key, how) for key in "ksz" for how in (
         "", "DESC", "ALPHA", "ALPHA DESC", "BY w_*", "BY w_* DESC", "BY w_* LIMIT 100 200", "BY w_* GET w_* GET #",
         "LIMIT 700 50", "STORE to-" + key)], "LRANGE to-k 0 -1", "LRANGE to-s 0 -1", "LRANGE to-z 0 -1")

case("notifications, by key and by event", steps("""
RPUSH k 2 1                     rpush
SORT k                          -
SORT k STORE to                 sortstore
SORT k STORE to                 sortstore
SORT none STORE to              del
SORT none STORE to              -
SET to v                        set
SORT k LIMIT 9 9 STORE to       del
SORT k STORE k                  sortstore
SORT_RO k                       -
""", "AKE", 2))
case("notifications of new and missed keys", steps("""
RPUSH k 2 1                     new
SORT k STORE to                 new
SORT none                       keymiss
SORT k GET x_*                  keymiss keymiss
""", "Kmn", 1))

for change, watched in (("SORT k", "k"), ("SORT k STORE to", "to"), ("SORT k STORE to", "k"), ("SORT k STORE k", "k"),
                        ("SORT none STORE to", "to"), ("SORT none STORE there", "there")):
    case("WATCH %s: %s" % (watched, change), "RPUSH k 2 1", "SET there v", "WATCH " + watched, "@b " + change, "MULTI",
         "LRANGE k 0 -1", "SORT k DESC STORE to", "LRANGE to 0 -1", "EXEC")

case("other databases are not looked into", """
SET w_1 2
SET w_2 1
SELECT 1
RPUSH k 1 2
SORT k BY w_* GET w_*
SORT k STORE to
SELECT 0
EXISTS to k
""")

case("COMMAND GETKEYS", """
COMMAND GETKEYS SORT k
COMMAND GETKEYS SORT k STORE to
COMMAND GETKEYS SORT k BY w_* GET o_*->f LIMIT 0 1 STORE to
COMMAND GETKEYS SORT k STORE a STORE b
COMMAND GETKEYS SORT k BY STORE GET STORE LIMIT STORE STORE
COMMAND GETKEYS SORT_RO k BY w_*
COMMAND GETKEYSANDFLAGS SORT k STORE to
COMMAND GETKEYSANDFLAGS SORT_RO k
COMMAND GETKEYS LMPOP 2 a b LEFT
COMMAND GETKEYS LMOVE a b LEFT LEFT
""")
