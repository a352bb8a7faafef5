# SPDX-License-Identifier: MIT
"""COMMAND and its subcommands, and the answers to commands of Redis that are not there."""

import differences
import normalise
import resp
import servers
from case import family

case = family("commands")

# Every command that Rubellite has of redis-server 7.0.15.
ALL = sorted(differences.COMMANDS)
# Those of which 7.2 and later say something else.
DIFFERENT = {"client": " differs=client-subcommands", "zrank": " differs=withscore", "zrevrank": " differs=withscore"}
DIFFERENT.update((name, " differs=blocking-in-scripts") for name in (
    "blmove", "blpop", "brpop", "brpoplpush", "bzpopmax", "bzpopmin"))
DIFFERENT_DOCS = {"hscan": " differs=fields-expire", "zrank": " differs=withscore", "zrevrank": " differs=withscore"}
case("COMMAND INFO: each command",
     *["COMMAND INFO %s ## command_info%s" % (name, DIFFERENT.get(name, "")) for name in ALL])
case("COMMAND INFO: subcommands", *["COMMAND INFO %s ## command_info" % name for name in (
    "client|id", "client|info", "client|list", "client|setname", "client|getname", "client|kill",
    "client|pause", "client|unpause", "client|reply", "client|no-evict", "client|unblock", "client|help",
    "config|get", "config|set", "config|resetstat", "config|rewrite", "config|help", "object|encoding",
    "object|freq", "object|idletime", "object|refcount", "object|help", "command|count", "command|info",
    "command|list", "command|docs", "command|getkeys", "command|getkeysandflags", "command|help",
    "memory|usage", "memory|stats", "memory|doctor", "memory|malloc-stats", "memory|purge", "memory|help",
    "slowlog|get", "slowlog|len", "slowlog|reset", "slowlog|help", "latency|doctor", "latency|graph",
    "latency|histogram", "latency|history", "latency|latest", "latency|reset", "latency|help",
    "CLIENT|ID", "client|what", "client|", "|list", "get|x", "client|id|x")])
case("COMMAND INFO: forms", """
COMMAND INFO get set nosuch GET
COMMAND INFO nosuch ## command_info
COMMAND INFO "" ## command_info
command info GeT ## command_info
COMMAND INFO get nosuch set ## command_info
COMMAND INFO "get\\x00" ## command_info
""".replace("COMMAND INFO get set nosuch GET\n", "COMMAND INFO get set nosuch GET ## command_info\n"))
case("COMMAND INFO: of commands that came after 7.0", """
COMMAND INFO waitaof ## command_arity differs=after-7.0 want="*1\\r\\n*2\\r\\n$7\\r\\nwaitaof\\r\\n:4\\r\\n"
COMMAND INFO client|setinfo ## command_arity differs=after-7.0 want="*1\\r\\n*2\\r\\n$14\\r\\nclient|setinfo\\r\\n:4\\r\\n"
COMMAND INFO client|no-touch ## command_arity differs=after-7.0 want="*1\\r\\n*2\\r\\n$15\\r\\nclient|no-touch\\r\\n:3\\r\\n"
""")

case("COMMAND COUNT and LIST", """
COMMAND COUNT x
COMMAND LIST ## names differs=other-commands
COMMAND LIST FILTERBY PATTERN * ## names differs=other-commands
COMMAND LIST FILTERBY PATTERN get* ## names differs=other-commands
COMMAND LIST FILTERBY PATTERN config* ## names
COMMAND LIST FILTERBY PATTERN object|* ## names
COMMAND LIST FILTERBY PATTERN GETEX ## names
COMMAND LIST FILTERBY PATTERN none*
COMMAND LIST FILTERBY PATTERN ""
COMMAND LIST FILTERBY ACLCAT string ## names
COMMAND LIST FILTERBY ACLCAT transaction ## names
COMMAND LIST FILTERBY ACLCAT keyspace ## names differs=other-commands
COMMAND LIST FILTERBY ACLCAT dangerous ## names differs=other-commands
COMMAND LIST FILTERBY ACLCAT what
COMMAND LIST FILTERBY ACLCAT ""
COMMAND LIST FILTERBY ACLCAT hash ## names
COMMAND LIST FILTERBY ACLCAT stream ## names differs=other-commands
COMMAND LIST FILTERBY MODULE what
COMMAND LIST FILTERBY MODULE ""
COMMAND LIST FILTERBY
COMMAND LIST FILTERBY PATTERN
COMMAND LIST FILTERBY WHAT x
COMMAND LIST FILTERBY PATTERN a b
COMMAND LIST WHAT
COMMAND LIST WHAT x y
command list filterby pattern INCR* ## names
""")

# Keys of a request.
REQUESTS = [
    "GET k", "SET k v", "SET k v EX 10 GET", "MSET a 1 b 2 c 3", "MSETNX a 1 b 2", "MGET a b c", "DEL a b", "UNLINK a",
    "EXISTS a a", "TOUCH x y", "RENAME a b", "RENAMENX a b", "COPY a b", "COPY a b DB 1 REPLACE", "MOVE a 1", "GETEX k EX 1",
    "GETDEL k", "GETSET k v", "APPEND k v", "STRLEN k", "GETRANGE k 0 1", "SUBSTR k 0 1", "SETRANGE k 0 v", "INCR k",
    "INCRBY k 1", "INCRBYFLOAT k 1", "DECR k", "DECRBY k 1", "LCS a b LEN", "EXPIRE k 1 NX", "PEXPIRE k 1", "EXPIREAT k 1",
    "PEXPIREAT k 1", "EXPIRETIME k", "PEXPIRETIME k", "TTL k", "PTTL k", "PERSIST k", "TYPE k", "OBJECT ENCODING k",
    "OBJECT FREQ k", "object refcount k", "MEMORY USAGE k", "WATCH a b c", "SETEX k 1 v", "PSETEX k 1 v", "SETNX k v",
    "PING", "PING x", "ECHO x", "SELECT 0", "CLIENT ID", "CLIENT KILL x", "CONFIG GET x", "KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE",
    "FLUSHALL", "SWAPDB 0 1", "MULTI", "EXEC", "UNWATCH", "INFO", "COMMAND", "COMMAND COUNT", "DEBUG SLEEP 0", "OBJECT HELP",
    "OBJECT WHAT k", "OBJECT", "NOSUCH a", "GET", "GET a b", "SET k", "MSET", "MSET a", "MSET a 1 b", "MGET", "DEL", "RENAME a",
    "COPY a", "LCS a", "WATCH", "''", "get k", "GeT k", "client|id x", "WAIT 0 0", "TIME", "AUTH x", "HELLO 3", "QUIT", "RESET",
    "MEMORY", "MEMORY STATS", "SLOWLOG GET", "LATENCY RESET a", "MONITOR", "ROLE", "LOLWUT", "SAVE", "SHUTDOWN", "LASTSAVE",
    "SET {rep:k:300} v", "SET \"a\\x00b\" v", "GET ''",
]
case("COMMAND GETKEYS", "COMMAND GETKEYS", "COMMAND GETKEYS GET", *["COMMAND GETKEYS " + line for line in REQUESTS])
case("COMMAND GETKEYSANDFLAGS", "COMMAND GETKEYSANDFLAGS", "COMMAND GETKEYSANDFLAGS GET",
     *["COMMAND GETKEYSANDFLAGS %s ## unordered_deep" % line for line in REQUESTS])

case("COMMAND DOCS", *["COMMAND DOCS %s ## command_docs%s" % (name, DIFFERENT_DOCS.get(name, "")) for name in ALL],
     """
COMMAND DOCS get set nosuch ## command_docs
COMMAND DOCS get get ## command_docs
COMMAND DOCS nosuch
COMMAND DOCS ""
COMMAND DOCS client|id ## command_docs
COMMAND DOCS CONFIG|GET ## command_docs
COMMAND DOCS client|what
command docs GET ## command_docs
""")


@case.function("COMMAND: all there is")
def whole(runner, proto, check):
    seen = []
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        if proto == 3:
            conn.call("HELLO", "3")
        everything, count = conn.call("COMMAND"), conn.call("COMMAND", "COUNT")
        by_info, docs = conn.call("COMMAND", "INFO"), conn.call("COMMAND", "DOCS")
        check("%s: COMMAND COUNT counts what COMMAND gives" % server.kind, count,
              (":", b"%d" % len(everything[1])))
        check("%s: COMMAND INFO without names is COMMAND" % server.kind,
              normalise.unordered(normalise.command_info(by_info)),
              normalise.unordered(normalise.command_info(everything)))
        names = {entry[1][0][1] for entry in everything[1]}
        check("%s: COMMAND DOCS has the same commands" % server.kind, docs[0], "%" if proto == 3 else "*")
        check("%s: COMMAND DOCS has the same commands" % server.kind,
              {name[1] for name, _ in normalise.pairs_of(docs)}, names)
        check("%s: COMMAND LIST has them too" % server.kind,
              {name[1] for name in conn.call("COMMAND", "LIST")[1] if b"|" not in name[1]}, names)
        seen.append(names)
        conn.close()
    if runner.real:
        check("exactly the commands of the table", seen[0],
              {name.encode() for name in differences.COMMANDS | differences.LATER_COMMANDS
               | differences.OWN_COMMANDS})
    else:
        check("all commands of the table", seen[0] & {n.encode() for n in differences.COMMANDS},
              {n.encode() for n in differences.COMMANDS})
    check("and redis-server has them", {n.encode() for n in differences.COMMANDS} <= seen[1], True)


@case.function("commands of Redis that are not there")
def others(runner, proto, check):
    """Every other command of redis-server answers as an unknown one, in Redis's exact words."""
    if not runner.real:
        return
    ours, redis = (servers.Connection(server.port) for server in runner.pair.servers)
    names = sorted({item[1] for item in redis.call("COMMAND", "LIST")[1] if b"|" not in item[1]}
                   - {name.encode() for name in differences.COMMANDS})
    for name in names:
        for args in ([name, b"key", b"a", b"b"], [name.upper()]):
            ours.send(resp.request(args))
            check("%s: ours and what an unknown command answers" % args, ours.read()[0],
                  differences.unknown_command(args))
    runner.stats.used.add("other-commands")
    ours.close()
    redis.close()
