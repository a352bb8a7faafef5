# SPDX-License-Identifier: MIT
"""Keyspace notifications: which events a command makes, in which order and on which channels."""

from case import family

case = family("notifications")

# Each step: the command on b, then the messages on a, which listens to everything.
STRINGS = """
SET k v                         set
SET k v EX 100                  set expire
SET k v NX                      -
SET k v XX KEEPTTL              set
SETEX s 100 v                   set expire
PSETEX s 100000 v               set expire
SETNX s v                       -
SETNX n v                       set
GETSET n w                      set
GETDEL n                        del
GETDEL n                        -
MSET a 1 b 2                    set set
MSETNX a 1 c 2                  -
MSETNX d 1 e 2                  set set
INCR a                          incrby
INCRBY a 5                      incrby
DECR a                          incrby
DECRBY a 2                      incrby
INCRBYFLOAT a 1.5               incrbyfloat
APPEND t abc                    append
APPEND t abc                    append
SETRANGE t 1 X                  setrange
SETRANGE fresh 2 X              setrange
SETRANGE t 1 ""                 -
GETEX t                         -
GETEX t EX 100                  expire
GETEX t PERSIST                 persist
GETEX t PERSIST                 -
"""

KEYS = """
SET a 1                         set
SET b 2                         set
DEL a                           del
DEL a                           -
UNLINK b x                      del
SET a 1                         set
EXPIRE a 100                    expire
PEXPIREAT a 99999999999999      expire
EXPIRE a 10 NX                  -
PERSIST a                       persist
PERSIST a                       -
RENAME a b                      rename_from rename_to
RENAMENX b c                    rename_from rename_to
RENAME c c                      -
COPY c d                        copy_to
COPY c d                        -
COPY c d REPLACE                copy_to
MOVE c 3                        move_from move_to
EXPIRE d -1                     del
SET e 1                         set
PEXPIREAT e 1                   del
TOUCH e                         -
FLUSHDB                         -
"""


def steps(table, letters, per_event):
    lines = [f"@b CONFIG SET notify-keyspace-events {letters}", "PSUBSCRIBE __key*__:*"]
    for line in table.strip().splitlines():
        command, events = line[:32].strip(), line[32:].split()
        lines.append("@b " + command)
        lines += ["<"] * (0 if events == ["-"] else len(events) * per_event)
    lines += ["@b CONFIG SET notify-keyspace-events \"\"", "@b SET quiet 1", "PUNSUBSCRIBE"]
    return "\n".join(lines)


case("strings, by key and by event", steps(STRINGS, "AKE", 2))
case("keys, by key and by event", steps(KEYS, "AKE", 2))
case("strings, by event", steps(STRINGS, "E$g", 1))
case("keys, by key", steps(KEYS, "Kg$", 1))

case("only what was asked for", """
@b CONFIG SET notify-keyspace-events E$
PSUBSCRIBE __key*__:*
@b SET k v EX 100
<
@b DEL k
@b SET k v
<
@b CONFIG SET notify-keyspace-events Kg
@b SET k v
@b DEL k
<
@b CONFIG SET notify-keyspace-events A
@b SET k v
@b CONFIG SET notify-keyspace-events KE
@b SET k v
@b CONFIG SET notify-keyspace-events ""
PUNSUBSCRIBE
""")

case("keys that are new, missed and over", """
@b CONFIG SET notify-keyspace-events Exmn
PSUBSCRIBE __key*__:*
@b SET k v
<
@b GET k
@b GET missing
<
@b SET k v PX 1
<
@b CONFIG SET notify-keyspace-events ""
PUNSUBSCRIBE
""")

case("CONFIG", """
CONFIG SET notify-keyspace-events KEA
CONFIG GET notify-keyspace-events
CONFIG SET notify-keyspace-events xKm
CONFIG GET notify-keyspace-events
CONFIG SET notify-keyspace-events q
CONFIG SET notify-keyspace-events g$lshzxetdK
CONFIG GET notify-keyspace-events
CONFIG SET notify-keyspace-events ""
CONFIG GET notify-keyspace-events
""")

case("which keys are new", """
@b CONFIG SET notify-keyspace-events EnsgA
PSUBSCRIBE __key*__:*
@b SADD s a
< ## x2
@b SET s v
<
@b RENAME s t
< ## x3
@b SET u 1
< ## x2
@b RENAME t u
< ## x3
@b COPY u v
< ## x2
@b COPY u v REPLACE
< ## x2
@b MOVE v 2
< ## x3
@b SADD x 1
< ## x2
@b SUNIONSTORE u x
<
@b SUNIONSTORE u x
<
@b COPY u c
< ## x2
@b COPY u c REPLACE
< ## x2
@b SUNIONSTORE fresh x
< ## x2
@b SPOP x
< ## x2
@b CONFIG SET notify-keyspace-events ""
@b PING
PUNSUBSCRIBE
""")
