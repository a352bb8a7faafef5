# SPDX-License-Identifier: MIT
"""Commands that wait for keys: BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP, BZPOPMIN, BZPOPMAX, BZMPOP."""

import random
import re
import select
import time

import resp
import servers
from case import family

case = family("blocking")

POP = ["BLPOP %s 0", "BRPOP %s 0", "BLMPOP 0 1 %s LEFT", "BLMPOP 0 1 %s RIGHT COUNT 2", "BLMOVE %s to LEFT RIGHT 0",
       "BLMOVE %s to RIGHT LEFT 0", "BRPOPLPUSH %s to 0"]
ZPOP = ["BZPOPMIN %s 0", "BZPOPMAX %s 0", "BZMPOP 0 1 %s MIN", "BZMPOP 0 1 %s MAX COUNT 2"]


def waits(text):
    """Lines with ` ## waits` send a command whose answer comes later, and go on when it waits; then
    `@b <` reads the answer."""
    lines, count = [], 0
    for line in text.splitlines():
        line = line.strip()
        if line.endswith("## waits"):
            count += 1
            lines += [line.replace("## waits", "## later"),
                      "INFO clients ## until=blocked_clients:%d\\r info(blocked_clients=)" % count]
        else:
            count -= bool(re.fullmatch(r"@[b-z] <", line))
            lines.append(line)
    return "\n".join(lines)


def waiting(title, text, **options):
    case(title, waits(text), clients=True, **options)


# ---- nobody waits -----------------------------------------------------------------------------------

case("there is something", """
RPUSH l 1 2 3 4 5 6 7 8 9
BLPOP l 0
BRPOP l 0
BLPOP none l 0
BRPOP none l other 0
BLMOVE l to LEFT RIGHT 0
BLMOVE l to RIGHT LEFT 0
BRPOPLPUSH l to 0
LRANGE to 0 -1
LRANGE l 0 -1
BLMPOP 0 1 l LEFT
BLMPOP 0 2 none l RIGHT COUNT 10
EXISTS l
ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
BZPOPMIN z 0
BZPOPMAX none z 0
BZMPOP 0 1 z MIN
BZMPOP 0 2 none z MAX COUNT 10
EXISTS z
RPUSH l x
BLMOVE l l LEFT RIGHT 0
BRPOPLPUSH l l 0
LRANGE l 0 -1
RPUSH m 1
RPUSH l y
BLPOP m l m 0
BLPOP m l m 0
BRPOP l l 0
""")

case("another type", """
SET s x
SADD set m
RPUSH l v
ZADD z 1 m
BLPOP s 0
BLPOP none s l 0
BLPOP l s 0
RPUSH l v w
BRPOP z 0
BLMPOP 0 2 set l LEFT
BLMOVE s l LEFT LEFT 0
BLMOVE l s LEFT LEFT 0
BLMOVE l z LEFT LEFT 0
BRPOPLPUSH l s 0
BRPOPLPUSH z l 0
LRANGE l 0 -1
BZPOPMIN l 0
BZPOPMAX none s 0
BZMPOP 0 2 l z MIN
BZPOPMIN z l 0
""")

case("timeouts", """
BLPOP k 0.001
BRPOP k 0.001
BLMOVE k to LEFT LEFT 0.001
BRPOPLPUSH k to 0.001
BLMPOP 0.001 1 k LEFT
BZPOPMIN k 0.001
BZPOPMAX k 0.001
BZMPOP 0.001 1 k MIN
BLPOP k 1e-3
BLPOP k 0x0.01
BLPOP k +0.001
BLPOP k .001
BLPOP k -1
BLPOP k -0.002
BLPOP k -inf
BLPOP k x
BLPOP k ""
BLPOP k nan
BLPOP k " 1"
BLPOP k "1 "
BLPOP k 1,5
BLPOP k inf ## differs=timeout-range
BLPOP k 1e18 ## differs=timeout-range
BRPOP k 1e300 ## differs=timeout-range
BZPOPMIN k infinity ## differs=timeout-range
SET k string
BLPOP k x
BLPOP k -1
BLMOVE k to LEFT LEFT x
BRPOPLPUSH k to -1
BLMPOP x 1 k LEFT
BLMPOP -1 1 k LEFT
BZPOPMIN k x
BZMPOP x 1 k MIN
BZMPOP -1 1 k MIN
""")

case("arguments", """
BLPOP
BLPOP k
BRPOP k
BLMOVE k to LEFT RIGHT
BLMOVE k to LEFT RIGHT 0 x
BLMOVE k to LEFT up 0.001
BLMOVE k to up LEFT 0.001
BLMOVE k to up LEFT x
BLMOVE k to left right 0.001
BRPOPLPUSH k to
BRPOPLPUSH k to 0 x
BLMPOP 0 1 k
BLMPOP 0 0 k LEFT
BLMPOP 0 -1 k LEFT
BLMPOP 0 x k LEFT
BLMPOP x 0 k LEFT
BLMPOP x 1 k up
BLMPOP 0 2 k LEFT
BLMPOP 0 3 k LEFT
BLMPOP 0 1 k up
BLMPOP 0 1 k LEFT COUNT
BLMPOP 0 1 k LEFT COUNT 0
BLMPOP 0 1 k LEFT COUNT x
BLMPOP x 1 k LEFT COUNT x
BLMPOP 0 1 k LEFT COUNT 1 COUNT 2
BLMPOP 0 1 k LEFT LIMIT 1
BLMPOP 0.001 1 k left count 1
BLMPOP 0.001 2 k k right
BZPOPMIN k
BZPOPMAX
BZMPOP 0 1 k
BZMPOP 0 0 k MIN
BZMPOP x 0 k MIN
BZMPOP 0 2 k MIN
BZMPOP 0 1 k LEFT
BZMPOP 0 1 k MIN COUNT
BZMPOP 0 1 k MIN COUNT 0
BZMPOP x 1 k MIN COUNT 0
BZMPOP 0 1 k MIN COUNT 1 COUNT 2
BZMPOP 0.001 2 k k max count 3
COMMAND GETKEYS BLPOP a b 0
COMMAND GETKEYS BLMOVE a b LEFT RIGHT 0
COMMAND GETKEYS BRPOPLPUSH a b 0
COMMAND GETKEYS BLMPOP 0 2 a b LEFT
COMMAND GETKEYS BZPOPMAX a b 0
COMMAND GETKEYS BZMPOP 0 2 a b MIN
""")

case("inside a transaction", "RPUSH l 1 2", "ZADD z 1 a 2 b", "SET s x", "MULTI",
     *[line % "none" for line in POP + ZPOP], *[line % "l" for line in POP], *[line % "z" for line in ZPOP],
     "BLPOP s 0", "BLPOP l x", "BLPOP l -1", "BLMOVE none l LEFT x 0", "BLPOP none none 0", "EXEC", "LRANGE to 0 -1")

# ---- one waits --------------------------------------------------------------------------------------

for line in POP:
    waiting("served: " + line % "k", """
        @b %s ## waits
        RPUSH k 1 2 3
        @b <
        LRANGE k 0 -1
        LRANGE to 0 -1
        INFO clients ## info(blocked_clients=)
        @b PING
        """ % (line % "k"))
for line in ZPOP:
    waiting("served: " + line % "k", """
        @b %s ## waits
        ZADD k 1 a 2 b 3 c
        @b <
        ZRANGE k 0 -1 WITHSCORES
        @b PING
        """ % (line % "k"))

LIST_MAKERS = [
    "LPUSH k 1", "RPUSH k 1 2 3", "LMOVE l k LEFT RIGHT", "RPOPLPUSH l k", "BLMOVE l k RIGHT LEFT 0", "BRPOPLPUSH l k 0",
    "RENAME l k", "RENAMENX l k", "COPY l k", "COPY l k REPLACE", "SORT l STORE k", "SORT l ALPHA DESC STORE k",
]
ZSET_MAKERS = [
    "ZADD k 5 m", "ZADD k NX 5 m 6 n", "ZADD k INCR 5 m", "ZINCRBY k 2 m", "ZUNIONSTORE k 1 z", "ZUNIONSTORE k 2 z set",
    "ZINTERSTORE k 1 z", "ZDIFFSTORE k 1 z", "ZRANGESTORE k z 0 -1", "RENAME z k", "RENAMENX z k", "COPY z k",
    "SUNIONSTORE k set", "RENAME l k",
]
for maker in LIST_MAKERS:
    waiting("a list is made: " + maker, """
        RPUSH l 3 1 2
        @b BLPOP k 0 ## waits
        %s
        @b <
        EXISTS k l
        """ % maker)
    waiting("a list is made in a transaction: " + maker, """
        RPUSH l 3 1 2
        @b BRPOP other k 0 ## waits
        MULTI
        SET before 1
        %s
        SET after 1
        EXEC
        @b <
        EXISTS k l
        """ % maker)
for maker in ZSET_MAKERS:
    if maker.startswith(("SUNION", "RENAME l")):  # not a sorted set: it waits on
        waiting("no sorted set is made: " + maker, """
            SADD set a b
            RPUSH l 1
            @b BZPOPMIN k 0 ## waits
            %s
            INFO clients ## info(blocked_clients=)
            DEL k
            ZADD k 1 x
            @b <
            """ % maker)
        continue
    waiting("a sorted set is made: " + maker, """
        ZADD z 1 a 2 b
        SADD set a
        @b BZPOPMIN k 0 ## waits
        %s
        @b <
        EXISTS k z
        """ % maker)
waiting("MOVE, COPY and SWAPDB to the database", """
SELECT 1
RPUSH k 1
RPUSH l 1
RPUSH m 1
@b BLPOP k 0 ## waits
@c BLPOP l 0 ## waits
@d BLPOP m 0 ## waits
MOVE k 0
@b <
COPY l l DB 0
@c <
SWAPDB 0 1
@d <
DBSIZE
SELECT 0
DBSIZE
""")
waiting("databases of their own", """
@b SELECT 1
@b BLPOP k 0 ## waits
@c BLPOP k 0 ## waits
RPUSH k zero
@c <
SELECT 1
RPUSH k one
@b <
""")
waiting("SWAPDB leaves those who wait where they are", """
@b BLPOP k 0 ## waits
SELECT 1
RPUSH other 1
SWAPDB 1 0
INFO clients ## info(blocked_clients=)
RPUSH k 1
INFO clients ## info(blocked_clients=)
SELECT 0
RPUSH k 2
@b <
SWAPDB 0 1
LRANGE k 0 -1
""")
waiting("SWAPDB: of another type, and both ways", """
SELECT 2
SET k string
ZADD z 1 m
SELECT 0
@b BLPOP k 0 ## waits
@c BZPOPMIN z 0 ## waits
SWAPDB 0 2
@c <
INFO clients ## info(blocked_clients=)
DEL k
RPUSH k v
@b <
""")

# ---- order ------------------------------------------------------------------------------------------

waiting("those who wait longest first", """
@b BLPOP k 0 ## waits
@c BRPOP k 0 ## waits
@d BLPOP k 0 ## waits
@e BLMPOP 0 1 k LEFT COUNT 5 ## waits
RPUSH k 1
@b <
RPUSH k 1 2 3 4 5
@c <
@d <
@e <
EXISTS k
""")
waiting("who waits again stands at the end", """
@b BLPOP k 0 ## waits
@c BLPOP k 0 ## waits
RPUSH k 1
@b <
@b BLPOP k 0 ## waits
RPUSH k 2
@c <
RPUSH k 3
@b <
""")
waiting("the key that was written first", """
@b BLPOP a b c 0 ## waits
MULTI
RPUSH c 1
RPUSH a 2
RPUSH b 3
EXEC
@b <
MGET a
LRANGE a 0 -1
LRANGE b 0 -1
EXISTS c
""")
waiting("a key named twice", """
@b BLPOP k k 0 ## waits
@c BLPOP k other k 0 ## waits
RPUSH k 1 2 3
@b <
@c <
LRANGE k 0 -1
@b BZPOPMIN k z k z 0.001
""")
waiting("only the key that woke it counts", """
@b BLPOP a b 0 ## waits
SET a string
RPUSH b 1
@b <
""")
waiting("made and gone in one transaction", """
@b BLPOP k 0 ## waits
MULTI
RPUSH k 1
DEL k
EXEC
INFO clients ## info(blocked_clients=)
MULTI
RPUSH k 1
DEL k
SET k string
EXEC
INFO clients ## info(blocked_clients=)
MULTI
DEL k
RPUSH k 2
RPUSH k 3
EXEC
@b <
LRANGE k 0 -1
""")
waiting("both types for one key", """
@b BLPOP k 0 ## waits
@c BZPOPMIN k 0 ## waits
@d BLPOP k 0 ## waits
ZADD k 1 m
@c <
RPUSH k 1 2
@b <
@d <
""")
waiting("the whole transaction comes first", """
@b BLPOP k 0 ## waits
MULTI
RPUSH k 1
LLEN k
LPOP k
RPUSH k 2
LRANGE k 0 -1
EXEC
@b <
""")
waiting("all values of one push are there", """
@b BRPOP k 0 ## waits
RPUSH k 1 2 3
@b <
@c BLPOP none 0 ## waits
LPUSH none 1 2 3
@c <
""")
waiting("one after the other in a pipeline", """
@b BLPOP k 0 ## waits
@c BLPOP k 0 ## waits
!"RPUSH k 1\\r\\nLLEN k\\r\\nRPUSH k 2 3\\r\\nLRANGE k 0 -1\\r\\n" ## x4
@b <
@c <
""")
waiting("what is pipelined behind it runs after it", """
@b !"BLPOP k 0\\r\\nPING\\r\\nRPUSH k back\\r\\nBLPOP k 0\\r\\nECHO end\\r\\n" ## waits
RPUSH k 1
@b < ## x5
""")

# ---- chains -----------------------------------------------------------------------------------------

waiting("BLMOVE wakes another", """
@b BLMOVE k l LEFT RIGHT 0 ## waits
@c BLPOP l 0 ## waits
RPUSH k 1
@b <
@c <
EXISTS k l
""")
waiting("a chain of four", """
@b BRPOPLPUSH k1 k2 0 ## waits
@c BRPOPLPUSH k2 k3 0 ## waits
@d BLMOVE k3 k4 LEFT LEFT 0 ## waits
@e BLPOP k4 0 ## waits
RPUSH k1 v
@b <
@c <
@d <
@e <
EXISTS k1 k2 k3 k4
""")
waiting("round in a circle", """
@b BRPOPLPUSH k l 0 ## waits
@c BRPOPLPUSH l k 0 ## waits
@d BRPOPLPUSH k l 0 ## waits
RPUSH l v
@c <
@b <
EXISTS k l
RPUSH k w
@d <
LRANGE k 0 -1
LRANGE l 0 -1
""")
waiting("to itself", """
@b BRPOPLPUSH k k 0 ## waits
@c BLMOVE k k LEFT RIGHT 0 ## waits
@d BLPOP k 0 ## waits
RPUSH k 1 2 3
@b <
@c <
@d <
LRANGE k 0 -1
""")
waiting("the target has another type", """
SET to string
@b BLMOVE k to LEFT LEFT 0 ## waits
@c BRPOPLPUSH k to 0 ## waits
@d BLPOP k 0 ## waits
RPUSH k 1 2
@b <
@c <
@d <
LRANGE k 0 -1
INFO commandstats ## info(cmdstat_blmove:calls=1,failed_calls=1)
""")

# ---- the end of waiting -----------------------------------------------------------------------------

UNBLOCKED = [line % "k" for line in POP + ZPOP]
waiting("CLIENT UNBLOCK", "\n".join("""
@b %s ## waits
CLIENT UNBLOCK {id:b}
@b <
@b %s ## waits
CLIENT UNBLOCK {id:b} TIMEOUT
@b <
@b %s ## waits
CLIENT UNBLOCK {id:b} ERROR
@b <
CLIENT UNBLOCK {id:b}""" % (line, line, line) for line in UNBLOCKED) + """
RPUSH k 1
LRANGE k 0 -1
""")
waiting("unblocked clients take nothing", """
@b BLPOP k 0 ## waits
@c BLPOP k 0 ## waits
CLIENT UNBLOCK {id:b}
@b <
RPUSH k 1
@c <
@c BLPOP k 100 ## waits
@d BLPOP k 0 ## waits
CLIENT UNBLOCK {id:c} ERROR
@c <
RPUSH k 2
@d <
""")
waiting("a timeout", """
@b BLPOP k 0.02 ## later
@c BLPOP k 0.01 ## later
@d BLPOP k 0.03 ## later
@c <
@b <
@d <
RPUSH k 1
LRANGE k 0 -1
INFO clients ## info(blocked_clients=,clients_in_timeout_table=)
""".replace("@c <", "@c  <").replace("@b <", "@b  <").replace("@d <", "@d  <"))
waiting("CLIENT KILL", """
@b BLPOP k 0 ## waits
@c BLPOP k 0 ## waits
CLIENT KILL ID {id:b}
RPUSH k 1
@c <
EXISTS k
""", loose=("b",))
waiting("killed in the transaction that makes the key", """
@b BLPOP k 0 ## waits
MULTI
CLIENT KILL ID {id:b}
RPUSH k 1
EXEC
LRANGE k 0 -1
""", loose=("b",))
waiting("CLIENT LIST and INFO", """
@b CLIENT SETNAME waits
@b BLPOP k 100 ## waits
@c BZPOPMIN k 0 ## waits
INFO clients ## info(blocked_clients=,clients_in_timeout_table=)
RPUSH k 1
@b <
INFO clients ## info(blocked_clients=,clients_in_timeout_table=)
CLIENT UNBLOCK {id:c}
@c <
INFO clients ## info(blocked_clients=,clients_in_timeout_table=)
""")
waiting("counted once", """
CONFIG RESETSTAT
@b BLPOP k 0 ## waits
@c BZPOPMAX z 0 ## waits
RPUSH k 1
@b <
INFO commandstats ## info(cmdstat_blpop:calls=1,failed_calls=0)
CLIENT UNBLOCK {id:c} ERROR
@c <
INFO commandstats ## info(cmdstat_bzpopmax:calls=1,failed_calls=0)
INFO errorstats ## info(errorstat_UNBLOCKED:count=1)
""")
waiting("CLIENT REPLY", """
@b CLIENT REPLY SKIP ## none
@b BLPOP k 0 ## none
INFO clients ## until=blocked_clients:1\\r info(blocked_clients=)
RPUSH k 1
@b PING
@b CLIENT REPLY OFF ## none
@b BLPOP k 0 ## none
INFO clients ## until=blocked_clients:1\\r info(blocked_clients=)
RPUSH k 2
EXISTS k
@b CLIENT REPLY ON
@b PING
""")
waiting("WATCH sees what a served client takes", """
@b BLPOP k 0 ## waits
WATCH k
@c RPUSH k 1
@b <
MULTI
PING
EXEC
RPUSH m 1
WATCH m
@c BLPOP m 0
MULTI
PING
EXEC
""")
waiting("notifications", """
CONFIG SET notify-keyspace-events KEA
@s PSUBSCRIBE __key*
@b BLMOVE k l LEFT RIGHT 0 ## waits
@c BLPOP l 0 ## waits
@d BZPOPMIN z 0 ## waits
RPUSH k 1
@b <
@c <
@s < ## x12
ZADD z 1 m
@d <
@s < ## x6
@b BLPOP k 0 ## waits
RPUSH k 1 2
@b <
@s < ## x4
CONFIG SET notify-keyspace-events ""
""")
waiting("client-side caching", """
@b CLIENT TRACKING ON
@b LLEN k
@c CLIENT TRACKING ON NOLOOP
@c LLEN k
@b BLPOP k 0 ## waits
@c BLPOP k 0 ## waits
RPUSH k 1 2 3
@b < ## x2
@c < ## x2
@b LRANGE k 0 -1
@c BLMOVE k l LEFT RIGHT 0
@b <
@b LLEN l
@c LLEN l
@c BLPOP none l 0
@b <
""", protocols=(3,))
waiting("keys that expire", """
@b BLPOP k 0 ## waits
MULTI
RPUSH k 1
PEXPIRE k 1
EXEC
@b <
@c BLPOP l 0 ## waits
MULTI
RPUSH l 1
PEXPIRE l -1
EXEC
INFO clients ## info(blocked_clients=)
RPUSH l 2
@c <
""")
waiting("FLUSHALL wakes nobody", """
RPUSH other 1
@b BLPOP k 0 ## waits
FLUSHALL
INFO clients ## info(blocked_clients=)
RPUSH k 1
@b <
""")
waiting("long keys and values", """
@b BLPOP {rep:k:5000} "a\\x00b" "" 0 ## waits
RPUSH {rep:k:5000} {rep:v:100000}
@b <
@b BLPOP {rep:k:5000} "a\\x00b" "" 0 ## waits
RPUSH "a\\x00b" "\\r\\n"
@b <
@b BRPOP {rep:k:5000} "a\\x00b" "" 0 ## waits
RPUSH "" ""
@b <
""")


# ---- at random --------------------------------------------------------------------------------------

KEYS, CLIENTS = "abcd", 8


def _command(dice):
    """Something that may make a key ready, or take it away."""
    key, other = dice.choice(KEYS), dice.choice(KEYS)
    value, score = str(dice.randrange(5)), str(dice.randrange(5))
    end, far = dice.choice(("LEFT", "RIGHT")), dice.choice(("LEFT", "RIGHT"))
    return dice.choice((
        ("RPUSH", key, value), ("LPUSH", key, value, score), ("RPUSH", key, value, value, score), ("LPUSH", key, value),
        ("ZADD", key, score, value), ("ZADD", key, score, value, value, score), ("ZINCRBY", key, score, value),
        ("SET", key, value), ("DEL", key), ("DEL", key, other), ("RENAME", key, other), ("RENAMENX", key, other),
        ("COPY", key, other), ("COPY", key, other, "REPLACE"), ("LMOVE", key, other, end, far), ("RPOPLPUSH", key, other),
        ("LPOP", key), ("ZPOPMIN", key), ("SADD", key, value), ("ZREM", key, value), ("LTRIM", key, "1", "-1"),
        ("PEXPIRE", key, "-1"), ("MOVE", key, "1"), ("SELECT", "1"), ("SELECT", "0"), ("TYPE", key),
    ))


def _waiter(dice):
    keys = [dice.choice(KEYS) for _ in range(dice.choice((1, 1, 2, 3)))]
    end, far = dice.choice(("LEFT", "RIGHT")), dice.choice(("LEFT", "RIGHT"))
    count = dice.choice(((), ("COUNT", "2")))
    return dice.choice((
        ("BLPOP", *keys, "0"), ("BRPOP", *keys, "0"), ("BLMOVE", keys[0], dice.choice(KEYS), end, far, "0"),
        ("BRPOPLPUSH", keys[0], dice.choice(KEYS), "0"), ("BLMPOP", "0", str(len(keys)), *keys, end, *count),
        ("BZPOPMIN", *keys, "0"), ("BZPOPMAX", *keys, "0"),
        ("BZMPOP", "0", str(len(keys)), *keys, dice.choice(("MIN", "MAX")), *count),
    ))


class Crowd:
    """Clients of one server, of which some wait."""

    def __init__(self, server, proto):
        self.clients = [self.open(server, proto) for _ in range(CLIENTS)]
        self.control = self.open(server, proto)
        self.waiting = set()

    @staticmethod
    def open(server, proto):
        conn = servers.Connection(server.port)
        conn.id = int(conn.call("CLIENT", "ID")[1])
        conn.call("HELLO", str(proto))
        return conn

    def blocked(self):
        text = resp.text_of(self.control.call("CLIENT", "LIST"))
        ids = {int(line.split()[0][3:]) for line in text.decode().splitlines() if re.search(r" flags=\w*b", line)}
        return {at for at, conn in enumerate(self.clients) if conn.id in ids}

    def ask(self, at, *args):
        """The answer, or None when the client waits now."""
        conn = self.clients[at]
        conn.send(resp.request([arg.encode() for arg in args]))
        while True:
            if select.select([conn.sock], [], [], 0)[0]:
                return conn.read()[0]
            if at in self.blocked():
                self.waiting.add(at)
                return None
            time.sleep(0.0005)

    def answers(self):
        """What those were answered who wait no more."""
        done = self.waiting - self.blocked()
        self.waiting -= done
        return [(at, self.clients[at].read()[0]) for at in sorted(done)]

    def close(self):
        for conn in [*self.clients, self.control]:
            conn.close()


def _step(dice, free, waiting):
    """One thing that one of the clients does: who, and commands."""
    who = dice.choice(sorted(free))
    luck = dice.random()
    if luck < 0.35 and len(free) > 2:
        return who, [_waiter(dice)]
    if luck < 0.5:
        queue = [_waiter(dice) if dice.random() < 0.1 else _command(dice) for _ in range(dice.randrange(1, 6))]
        return who, [("MULTI",), *queue, ("EXEC",)]
    if luck < 0.55 and waiting:
        return who, [("unblock", dice.choice(sorted(waiting)), dice.choice(("TIMEOUT", "ERROR")))]
    return who, [_command(dice)]


@case.function("at random: many who wait")
def at_random(runner, proto, check):
    seed = random.randrange(10**6)
    dice = random.Random(seed)
    crowds = [Crowd(server, proto) for server in runner.pair.servers]
    done = []
    try:
        for _ in range(800):
            who, commands = _step(dice, set(range(CLIENTS)) - crowds[0].waiting, crowds[0].waiting)
            for command in commands:
                said = []
                for crowd in crowds:
                    args = command
                    if command[0] == "unblock":
                        args = ("CLIENT", "UNBLOCK", str(crowd.clients[command[1]].id), command[2])
                    said.append(crowd.ask(who, *args))
                done.append("%d: %s" % (who, " ".join(map(str, command))))
                ours, redis = [(answer, crowd.answers()) for answer, crowd in zip(said, crowds)]
                if ours != redis:
                    check("seed %d, … %s" % (seed, "; ".join(done[-12:])), ours, redis)
                    return
        check("all of it", True, True)
    finally:
        for crowd in crowds:
            crowd.close()
