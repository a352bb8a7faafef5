# SPDX-License-Identifier: MIT
"""The deliberate differences between Rubellite and redis-server 7.0.15.

One table. A step of a case names its entry with `differs=NAME`; the entry says what Rubellite
answers instead, unless the step itself says so with `want=`. The title of every entry stands in
docs/compatibility.md, with the reason for users; run.py checks that, and that each entry is met by
a case and really is a difference.
"""

import decimal
import re

_DOUBLE = re.compile(rb"[+-]?\d+(\.\d+)?(e[+-]\d+)?")

# The commands of redis-server 7.0.15 that Rubellite has.
COMMANDS = set("""
append auth bgrewriteaof bgsave blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client command config
copy dbsize debug decr decrby del discard echo exec exists expire expireat expiretime flushall flushdb get getdel getex
getrange getset hdel hello hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset
hsetnx hstrlen hvals incr incrby incrbyfloat info keys lastsave latency lcs lindex linsert llen lmove lmpop lolwut lpop
lpos lpush lpushx lrange lrem lset ltrim memory mget monitor move mset msetnx multi object persist pexpire pexpireat
pexpiretime ping psetex psubscribe pttl publish pubsub punsubscribe quit randomkey rename renamenx reset role rpop
rpoplpush rpush rpushx sadd save scan scard sdiff sdiffstore select set setex setnx setrange shutdown sinter sintercard
sinterstore sismember slowlog smembers smismember smove sort sort_ro spop spublish srandmember srem sscan ssubscribe
strlen subscribe substr sunion sunionstore sunsubscribe swapdb time touch ttl type unlink unsubscribe unwatch wait
watch zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin
zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore
zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
""".split())

# Our own.
OWN_COMMANDS = {"sql"}

# Those of later versions, which follow the public documentation.
LATER_COMMANDS = set("""
hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat hpexpiretime hpttl hsetex httl waitaof
""".split())
LATER_SUBCOMMANDS = {"client|setinfo", "client|no-touch"}

# What DEBUG has; the rest of Redis's is for the tests of Redis itself.
DEBUG = {"DIGEST", "DIGEST-VALUE", "ERROR", "HELP", "HTSTATS", "LOADAOF", "LOG", "OBJECT", "POPULATE", "PROTOCOL",
         "RELOAD", "SET-ACTIVE-EXPIRE", "SLEEP", "STRINGMATCH-LEN"}


# Directives with another value at the start.
CONFIG_VALUES = {"dbfilename": b"data.db", "appendonly": b"yes"}

# Directives of our own, and those of Redis 7.2.
CONFIG_MORE = {"journal-segment-size", "journal-backlog-limit", "fold-interval", "allow-network-fs",
               "checkpoint-interval", "checkpoint-wal-size", "backup-dir", "backup-interval", "backup-retain",
               "backup-rate", "restore-on-start", "start-check", "journal-keep", "journal-keep-size",
               "sql-timeout", "sql-max-rows", "sql-max-memory", "sql-readers",
               "cluster-announce-human-nodename", "locale-collate", "set-max-listpack-entries",
               "set-max-listpack-value"}

# Headings of docs/compatibility.md for which two servers cannot be compared side by side, or of which the
# comparison would show nothing; and the test that has each instead.
NOT_COMPARED = {
    "SQL is there": "tests/integration/test_sql.c",
    "SORT ALPHA compares bytes": "tests/compat/cases/sort.py",
    "HRANDFIELD, SRANDMEMBER and ZRANDMEMBER repeat at most 10,000,000 times": "tests/integration/test_hashes.c",
    "Names of hosts in `bind` are looked up at the start only": "tests/integration/test_process.c",
    "A server that would listen nowhere refuses to": "tests/integration/test_process.c",
    "A Unix socket that somebody serves is not taken over": "tests/integration/test_process.c",
}

# (directive, value) that Redis takes and Rubellite refuses, because it could not keep the promise.
CONFIG_REFUSED = {("min-replicas-to-write", value) for value in ("1", "2", "10", "100", "101", "600", "65535", "65536",
                                                                 "2147483647")}
CONFIG_REFUSED |= {("min-slaves-to-write", value) for _, value in CONFIG_REFUSED}


class Difference:
    def __init__(self, title, reason, expect=None):
        self.title = title      # as in docs/compatibility.md
        self.reason = reason
        self.expect = expect    # (step, redis's reply, protocol) -> the reply that ours must give


def unknown_command(args):
    """The bytes with which Redis answers a command that it does not know."""
    shown = b""
    for arg in args[1:]:
        if len(shown) >= 128:
            break
        shown += b"'%s' " % arg[:128 - len(shown)]
    text = b"-ERR unknown command '%s', with args beginning with: %s" % (args[0][:128], shown)
    return text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\r\n"


def _unknown_subcommand(step, reply, proto):
    return "-", b"ERR unknown subcommand '%s'. Try %s HELP." % (step.args[1][:128], step.args[0].upper())


def _client(step, reply, proto):
    """Redis's reply about CLIENT as it is with another set of subcommands."""
    words = [arg.lower() for arg in step.args]
    if words[:2] == [b"client", b"help"]:
        kind, lines = reply
        kept = list(lines)
        for word in (b"SETINFO", b"NO-TOUCH"):
            kept.insert(1, ("+", word))
        return kind, kept
    if words[:2] == [b"command", b"info"]:
        kind, (entry,) = reply
        parts = list(entry[1])
        subs = list(parts[9][1])
        parts[9] = (parts[9][0], subs + [_later_entry(name, arity, tips, proto) for name, arity, tips in (
            (b"client|setinfo", 4, (b"request_policy:all_nodes", b"response_policy:all_succeeded")),
            (b"client|no-touch", 3, ()))])
        return kind, [("*", parts)]
    return _unknown_subcommand(step, reply, proto)


def _later_entry(name, arity, tips, proto):
    """COMMAND INFO's entry of a subcommand that came after 7.0."""
    group = "~" if proto == 3 else "*"
    return "*", [("$", name), (":", b"%d" % arity),
                 (group, [("+", flag) for flag in (b"noscript", b"loading", b"stale")]),
                 (":", b"0"), (":", b"0"), (":", b"0"),
                 (group, [("+", word) for word in (b"@slow", b"@connection")]),
                 (group, [("$", tip) for tip in tips]), (group, []), (group, [])]


def _debug(step, reply, proto):
    """DEBUG HELP with the subcommands that are there; the others are unknown."""
    if step.args[1].upper() != b"HELP":
        return "-", (b"ERR unknown subcommand or wrong number of arguments for '%s'. Try DEBUG HELP." % step.args[1])
    kind, lines = reply
    kept = [lines[0]]
    kept += [("+", word.encode()) for word in sorted(DEBUG)]
    return kind, kept


def _client_fields(lib_name, lib_version):
    def expect(step, reply, proto):
        """Lines of CLIENT LIST and INFO end with the two fields that came with 7.2."""
        kind, text = reply
        if kind not in "$=" or not text:
            return reply
        extra = b" lib-name=%s lib-ver=%s" % (lib_name, lib_version)
        ended = text.endswith(b"\n")
        lines = (text[:-1] if ended else text).split(b"\n")
        return kind, b"\n".join(line + extra for line in lines) + (b"\n" if ended else b"")
    return expect


def _only_ours(step, reply, proto):
    """COMMAND LIST without the commands that are not there."""
    kind, names = reply
    return kind, [name for name in names
                  if name[1].decode().split("|")[0] in COMMANDS]


def _option_docs(reply, proto, word, since):
    """COMMAND DOCS of one command with an option behind its arguments."""
    pairs = [("name", ("$", word)), ("type", ("$", b"pure-token")), ("token", ("$", word.upper())),
             ("since", ("$", since)), ("flags", ("~" if proto == 3 else "*", [("+", b"optional")]))]
    pairs = [(("$", name.encode()), value) for name, value in pairs]
    option = ("%", pairs) if proto == 3 else ("*", [part for pair in pairs for part in pair])

    def extended(node, name=None):
        kind, value = node
        if name == b"arguments":
            return kind, value + [option]
        if kind == "%":
            return kind, [(key, extended(inner, key[1])) for key, inner in value]
        if kind == "*":
            return kind, [extended(inner, value[at - 1][1] if at % 2 else None) for at, inner in enumerate(value)]
        return node
    return extended(reply)


def _hscan_docs(step, reply, proto):
    """COMMAND DOCS of HSCAN with the option that came later."""
    return _option_docs(reply, proto, b"novalues", b"7.4.0")


def score_text(value):
    """A double as 7.2 writes it: the fewest digits that read back."""
    if value in (float("inf"), float("-inf")):
        return b"inf" if value > 0 else b"-inf"
    if value == int(value) and abs(value) <= 2 ** 62:
        return b"%d" % int(value)
    sign, digits, last = decimal.Decimal(repr(value)).normalize().as_tuple()
    text, first = "".join(map(str, digits)), last + len(digits) - 1
    if last >= 0 and first < len(text) + 7:
        text += "0" * last
    elif last < 0 and (last > -7 or abs(first) < 4):
        text = text[:first + 1] + "." + text[first + 1:] if first >= 0 else "0." + "0" * (-first - 1) + text
    else:
        text = "%s%s%se%+d" % (text[0], "." if len(text) > 1 else "", text[1:], first)
    return b"-" * sign + text.encode()


def as_72_writes_it(tree):
    """A reply with its doubles in the form of 7.2, where they are in that of 7.0."""
    kind, value = tree
    if kind in "*~>" and value is not None:
        return kind, [as_72_writes_it(item) for item in value]
    if kind in "$," and value is not None and _DOUBLE.fullmatch(value) and b"%.17g" % float(value) == value:
        return kind, score_text(float(value))
    return tree


def _no_minus_zero(step, reply, proto):
    kind, value = reply
    if kind == "*":
        return kind, [_no_minus_zero(step, item, proto) for item in value]
    return kind, b"0" if value == b"-0" else value


def _withscore_docs(step, reply, proto):
    """COMMAND DOCS of ZRANK and ZREVRANK with the option that came later."""
    return _option_docs(reply, proto, b"withscore", b"7.2.0")


def _withscore_info(step, reply, proto):
    """COMMAND INFO of ZRANK and ZREVRANK: they may be longer."""
    kind, (entry,) = reply
    return kind, [(entry[0], [entry[1][0], (":", b"-3")] + entry[1][2:])]


def _in_scripts(step, reply, proto):
    """COMMAND INFO of a command that scripts may use since 7.2."""
    kind, (entry,) = reply
    parts = list(entry[1])
    parts[2] = (parts[2][0], [flag for flag in parts[2][1] if flag[1] != b"noscript"])
    return kind, [(entry[0], parts)]


def _withscore(step, reply, proto):
    return (_withscore_docs if step.args[1] == b"DOCS" else _withscore_info)(step, reply, proto)


_FIELDS = "CLIENT LIST and CLIENT INFO end with `lib-name` and `lib-ver`"
_FIELDS_WHY = "They came with Redis 7.2, together with CLIENT SETINFO, which fills them."

TABLE = {
    "version": Difference(
        "`redis_version` is 7.2.x",
        "Clients compare the number to learn what a server can do, and what they look for came with 7.2. "
        "Rubellite's own version is `rubellite_version`."),
    "other-commands": Difference(
        "Strings, hashes, lists, sets, sorted sets, transactions, publish/subscribe and administration",
        "Other types, scripts, users, replication and cluster are not there yet. Their "
        "commands answer as an unknown command does in Redis, so a client can tell.", _only_ours),
    "after-7.0": Difference(
        "CLIENT SETINFO, CLIENT NO-TOUCH and WAITAOF are there",
        "They came with Redis 7.2. Clients open their connections with the first; the last says what is on disk."),
    "fields-expire": Difference(
        "Fields of hashes can expire",
        "The commands came with Redis 7.4 and 8.0, and NOVALUES of HSCAN with them.", _hscan_docs),
    "client-fields": Difference(_FIELDS, _FIELDS_WHY, _client_fields(b"", b"")),
    "client-fields-set": Difference(_FIELDS, _FIELDS_WHY, _client_fields(b"lib", b"1.2")),
    "client-subcommands": Difference(
        "CLIENT has the subcommands of 7.2",
        "COMMAND and CLIENT HELP tell of them.", _client),
    "debug-subcommands": Difference(
        "DEBUG has what tools and tests use",
        "The rest of Redis's looks into its own data structures, or crashes it.", _debug),
    "saving": Difference(
        "SAVE, BGSAVE and BGREWRITEAOF write no RDB or AOF file",
        "The data is in data.db and in the journal. SAVE and BGSAVE make a backup, an SQLite file of its own; "
        "BGREWRITEAOF folds the journal. The replies are Redis's."),
    "set-listpack": Difference(
        "Small sets are kept in one block, which OBJECT ENCODING calls listpack",
        "As since Redis 7.2; 7.0 has a hash table for every set that is not of integers alone. "
        "`set-max-listpack-entries` and `set-max-listpack-value` say what is small.",
        lambda step, reply, proto: ("$", b"listpack")),
    "list-listpack": Difference(
        "Small lists are kept in one block, which OBJECT ENCODING calls listpack",
        "As since Redis 7.2; 7.0 says quicklist of every list.",
        lambda step, reply, proto: ("$", b"listpack")),
    "scores": Difference(
        "Scores have as few digits as read back the same",
        "As since Redis 7.2: 0.1, where 7.0 has 0.10000000000000001. RESP3 doubles too.",
        lambda step, reply, proto: as_72_writes_it(reply)),
    "minus-zero": Difference(
        "A score is never -0",
        "SQLite does not keep the sign of a zero, so after a restart it would be another score. Redis keeps it in large "
        "sorted sets and loses it in small ones.", _no_minus_zero),
    "withscore": Difference(
        "ZRANK and ZREVRANK have WITHSCORE",
        "It came with Redis 7.2.", _withscore),
    "ltrim-nothing": Difference(
        "LTRIM that removes nothing is no change",
        "Redis tells those who watch the key, although it is as it was."),
    "lpos-rank": Difference(
        "LPOS refuses the rank -9223372036854775808",
        "As since Redis 7.2; 7.0 takes it for the rank -1, by an overflow.",
        lambda step, reply, proto: ("-", b"ERR value is out of range, value must between "
                                    b"-9223372036854775807 and 9223372036854775807")),
    "blocking-in-scripts": Difference(
        "Commands that wait for lists and sorted sets are not `noscript`",
        "Since Redis 7.2 scripts may use them, and they do not wait there. (There are no scripts yet.)", _in_scripts),
    "timeout-range": Difference(
        "A timeout that is too large is out of range",
        "As since Redis 7.2; 7.0 calls some of them negative, and waits for ever, or not at all, with others.",
        lambda step, reply, proto: ("-", b"ERR timeout is out of range")),
    "eviction": Difference(
        "`maxmemory` only with `maxmemory-policy noeviction`",
        "Eviction is not there yet, and a cache that is never evicted from would be a surprise."),
    "lfu": Difference(
        "OBJECT FREQ and IDLETIME with an LFU policy",
        "Nothing is evicted yet, so uses are not counted: OBJECT FREQ is an error under every policy.",
        lambda step, reply, proto: ("-", b"ERR")),
    "config-values": Difference(
        "`dbfilename` is data.db and `appendonly` is yes at the start",
        "The file is an SQLite database, and an answered write is kept unless you say otherwise."),
    "config-more": Difference(
        "CONFIG GET * has more directives",
        "Rubellite's own, and some of Redis 7.2 that configuration files of today have."),
    "config-zero": Difference(
        "CONFIG SET refuses a value with a zero byte",
        "Redis silently cuts such a value off at the zero byte."),
    "config-refused": Difference(
        "Directives that would change what the server promises are refused",
        "Such as `replicaof` or `min-replicas-to-write`: to take them and do nothing would be a lie."),
}
