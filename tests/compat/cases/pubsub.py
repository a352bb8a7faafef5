# SPDX-License-Identifier: MIT
"""Publish and subscribe: channels, patterns, shard channels, and what a listening client may send."""

from case import family

case = family("pubsub")

case("channels", """
SUBSCRIBE one
@b PUBLISH one hello
<
@b PUBLISH one ""
<
@b PUBLISH other hello
SUBSCRIBE one
SUBSCRIBE two three ## x2
@b PUBLISH three "a\\r\\nb\\x00c"
<
UNSUBSCRIBE two nothing ## x2
@b PUBLISH two gone
@b PUBLISH one here
<
UNSUBSCRIBE one three ## x2
@b PUBLISH one gone
UNSUBSCRIBE
UNSUBSCRIBE one
""")

case("several listeners", """
SUBSCRIBE news
@c SUBSCRIBE news
@d PSUBSCRIBE n*s
@b PUBLISH news x
<
@c <
@d <
@b PUBSUB NUMSUB news old
@c UNSUBSCRIBE
@b PUBSUB NUMSUB news
@b PUBLISH news y
<
@d <
""")

case("patterns", """
PSUBSCRIBE h?llo
@b PUBLISH hello 1
<
@b PUBLISH hallo 2
<
@b PUBLISH heello 3
PSUBSCRIBE h?llo
@b PUBSUB NUMPAT
SUBSCRIBE hello
@b PUBLISH hello 4
<
<
PUNSUBSCRIBE none
PUNSUBSCRIBE h?llo
@b PUBLISH hello 5
<
@b PUBSUB NUMPAT
PUNSUBSCRIBE
UNSUBSCRIBE
""")

case("shard channels", """
SSUBSCRIBE s
@b SPUBLISH s m
<
@b PUBLISH s m
@b SPUBLISH t m
@b PUBSUB SHARDCHANNELS
@b PUBSUB SHARDCHANNELS x*
@b PUBSUB SHARDNUMSUB s t
@b PUBSUB CHANNELS
SUBSCRIBE s
SUNSUBSCRIBE s
SUNSUBSCRIBE
UNSUBSCRIBE
@b SPUBLISH s gone
""")

case("PUBSUB", """
PUBSUB CHANNELS
PUBSUB NUMSUB
PUBSUB NUMPAT
PUBSUB SHARDCHANNELS
PUBSUB SHARDNUMSUB
@b SUBSCRIBE x
PUBSUB CHANNELS
PUBSUB CHANNELS x
PUBSUB CHANNELS y*
PUBSUB CHANNELS a b
PUBSUB NUMPAT x
PUBSUB
PUBSUB FOO
PUBSUB NUMSUB x x y
@b UNSUBSCRIBE
PUBSUB CHANNELS
""")

case("arity", """
SUBSCRIBE
PSUBSCRIBE
SSUBSCRIBE
PUBLISH
PUBLISH a
PUBLISH a b c
SPUBLISH a
SPUBLISH a b c
""")

case("what a listening client may send", """
SUBSCRIBE x
PING
PING hello
PING a b
RESET
GET x
PING
PSUBSCRIBE y
QUIT ## close
""")

case("in a transaction", """
@b SUBSCRIBE c
MULTI
PUBLISH c in
SET a 1
@b PING
EXEC
@b <
MULTI
UNSUBSCRIBE
EXEC
""")

case("listening clients are of their type", """
@b SUBSCRIBE x
@c PING
CLIENT KILL TYPE pubsub SKIPME no
@b < ## close
@c PING
PUBSUB CHANNELS
""")

case("channels are not keys", """
COMMAND GETKEYS ssubscribe a b
COMMAND GETKEYS spublish a m
COMMAND GETKEYS sunsubscribe a
COMMAND GETKEYSANDFLAGS ssubscribe a
COMMAND GETKEYS publish a b
""")
