# SPDX-License-Identifier: MIT
"""CONFIG: every directive of redis-server, its value at the start, and what may be set."""

import os

import differences
import servers
from case import family

case = family("config")

case("CONFIG GET", """
CONFIG GET
CONFIG GET maxmemory
CONFIG GET MAXMEMORY
config get MaxMemory
CONFIG GET maxmemory maxmemory
CONFIG GET maxmemory MaxMemory
CONFIG GET maxmemory timeout ## unordered_pairs
CONFIG GET maxmemory nosuch
CONFIG GET nosuch
CONFIG GET ""
CONFIG GET lfu-* ## unordered_pairs
CONFIG GET *slowlog* ## unordered_pairs
CONFIG GET slowlog-* slowlog-max-len ## unordered_pairs
CONFIG GET maxmemory-polic?
CONFIG GET maxmemory-polic[xy]
CONFIG GET MAXMEMORY-POLIC*
CONFIG GET [
CONFIG GET *nothing*
CONFIG GET hash-max-ziplist-entries
CONFIG GET hash-max-* ## unordered_pairs
CONFIG GET slave-priority
CONFIG GET requirepass
CONFIG GET databases
CONFIG GET save
CONFIG GET appendonly
CONFIG GET appendfsync
CONFIG GET client-output-buffer-limit
CONFIG GET port ## shape
CONFIG GET dir ## shape
CONFIG GET bind
""")

case("CONFIG SET: forms", """
CONFIG SET
CONFIG SET timeout
CONFIG SET timeout 10 hz
CONFIG SET nosuch 1
CONFIG SET nosuch 1 timeout 5
CONFIG SET timeout 5 nosuch 1
CONFIG GET timeout
CONFIG SET "" x
CONFIG SET timeout 5 timeout 6
CONFIG SET timeout 5 TIMEOUT 6
CONFIG GET timeout
CONFIG SET timeout 300 tcp-keepalive 60 lfu-log-factor 7
CONFIG GET timeout tcp-keepalive lfu-log-factor ## unordered_pairs
CONFIG SET timeout 400 tcp-keepalive abc
CONFIG GET timeout
CONFIG SET timeout 400 databases 3
CONFIG GET timeout
CONFIG SET TimeOut 0 tcp-keepalive 300 lfu-log-factor 10
CONFIG GET timeout
CONFIG SET maxmemory 100mb
CONFIG GET maxmemory
CONFIG SET maxmemory 1GB
CONFIG GET maxmemory
CONFIG SET maxmemory 1g
CONFIG GET maxmemory
CONFIG SET maxmemory 5000k
CONFIG GET maxmemory
CONFIG SET maxmemory 1tb
CONFIG SET maxmemory -1
CONFIG SET maxmemory 1.5gb
CONFIG SET maxmemory ""
CONFIG SET maxmemory 0
CONFIG SET hash-max-ziplist-entries 100
CONFIG GET hash-max-listpack-entries
CONFIG SET hash-max-listpack-entries 512
CONFIG SET hash-max-listpack-entries 1 hash-max-ziplist-entries 2
CONFIG GET hash-max-listpack-entries
CONFIG SET hash-max-listpack-entries 512
CONFIG SET dir /tmp
CONFIG SET dbfilename x.rdb
CONFIG SET port abc
CONFIG SET client-output-buffer-limit "normal 1mb 512kb 10"
CONFIG GET client-output-buffer-limit
CONFIG SET client-output-buffer-limit "replica 1 2 3 pubsub 4 5 6"
CONFIG GET client-output-buffer-limit
CONFIG SET client-output-buffer-limit "normal 1mb"
CONFIG SET client-output-buffer-limit "master 1 2 3"
CONFIG SET client-output-buffer-limit "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
CONFIG SET save "100 1"
CONFIG GET save
CONFIG SET save "100 1 200"
CONFIG SET save "x y"
CONFIG SET save ""
CONFIG GET save
CONFIG SET set-max-intset-entries 10 zset-max-ziplist-value 30
CONFIG GET zset-max-listpack-value
CONFIG SET set-max-intset-entries 512 zset-max-ziplist-value 64
CONFIG REWRITE
CONFIG REWRITE x
CONFIG RESETSTAT
CONFIG RESETSTAT x
""", group="config")

# Directives whose value depends on the machine, or that cut the connection to the test when set.
SKIPPED = {"port", "bind", "dir", "unixsocket", "unixsocketperm", "pidfile", "logfile", "requirepass", "masterauth",
           "maxclients", "appendonly", "oom-score-adj", "oom-score-adj-values", "aclfile", "maxmemory-clients",
           "watchdog-period", "cluster-config-file", "supervised", "enable-debug-command",
           "activedefrag"}  # the last depends on how redis-server was built
# Setting these starts TLS, replication or CPU binding; some need files.
SKIPPED_PREFIXES = ("tls-", "server_cpulist", "bio_cpulist", "aof_rewrite_cpulist", "bgsave_cpulist", "replicaof",
                    "slaveof", "rdb-key", "key-load")
VALUES = ["", "abc", "yes", "NO", "0", "1", "-1", "2", "10", "100", "600", "65535", "65536", "2147483647", "2147483648",
          "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
          "1kb", "1k", "10mb", "3gb", "1.5", " 1", "1 ", "0x10", "50%", "everysec", "ALWAYS", "noeviction", "allkeys-LRU",
          "debug", "warning", "a b", "normal 0 0 0", "slave 1mb 1mb 1", "100 1 10 10", "AKE", "KEA$lshzxetdmn", "default",
          "save now", "nosave force", "disabled", "ip", "ignore", "50 99 99.9", "101", "{title}", "C"]


# redis-server takes half a pair of numbers here, and shows "1 0" afterwards.
REDIS_IS_WRONG = {("save", "1 "), ("notify-keyspace-events", "KEA$lshzxetdmn")}


def same_directives(runner):
    """The names to try: all of redis-server's but the skipped ones."""
    _, redis = runner.pair.servers
    names = [item[1].decode() for item in runner.tell(redis, "CONFIG", "GET", "*")[1][0::2]]
    return sorted(n for n in names if n not in SKIPPED and not n.startswith(SKIPPED_PREFIXES))


@case.function("CONFIG GET *: names and values at the start", group="config")
def at_start(runner, proto, check):
    maps = []
    for server in runner.pair.servers:
        reply = runner.tell(server, "CONFIG", "GET", "*")
        maps.append({k[1]: v for k, v in zip(reply[1][0::2], reply[1][1::2])})
    ours, redis = maps
    for name in sorted(redis):
        text = name.decode()
        if runner.real and text in differences.CONFIG_VALUES:
            runner.stats.used.add("config-values")
            check("CONFIG GET %s" % text, ours.get(name), ("$", differences.CONFIG_VALUES[text]))
            check("CONFIG GET %s really differs" % text, ours.get(name) != redis[name], True)
        elif text in SKIPPED and text not in ("maxclients", "requirepass", "maxmemory-clients", "aclfile"):
            check("CONFIG GET %s is there" % text, name in ours and ours[name][0] == "$", True)
        else:
            check("CONFIG GET %s" % text, ours.get(name), redis[name])
    more = {name.decode() for name in set(ours) - set(redis)}
    if runner.real:
        runner.stats.used.add("config-more")
        check("the directives that Redis 7.0 does not have", more, differences.CONFIG_MORE)
    else:
        check("no directive that Redis does not have", more, set())


@case.function("CONFIG SET: each directive to many values", group="config", protocols=(2,))
def each(runner, proto, check):
    refused = {name for name, _ in differences.CONFIG_REFUSED}
    for name in same_directives(runner):
        seen = []
        for server in runner.pair.servers:
            conn = servers.Connection(server.port)
            before = conn.call("CONFIG", "GET", name)
            replies = []
            for value in VALUES:
                if (name, value) in REDIS_IS_WRONG:
                    continue
                reply = conn.call("CONFIG", "SET", name, value)
                if text_refused(reply):
                    reply = ("-", b"refused in the words of the system")
                replies.append((value, reply, conn.call("CONFIG", "GET", name)))
            if before[1]:
                replies.append(("the start's", conn.call("CONFIG", "SET", name, before[1][1][1]),
                                conn.call("CONFIG", "GET", name)))
            conn.close()
            seen.append(replies)
        for ours, redis in zip(*seen):
            if runner.real and (name, redis[0]) in differences.CONFIG_REFUSED:
                runner.stats.used.add("config-refused")
                check("CONFIG SET %s %r is refused" % (name, redis[0]), ours[1][0], "-")
            elif runner.real and (name in differences.CONFIG_VALUES or name in refused):
                check("CONFIG SET %s %r: the reply" % (name, redis[0]), ours[1], redis[1])
            else:
                check("CONFIG SET %s %r: the reply, and CONFIG GET after it" % (name, redis[0]), ours, redis)


@case.function("CONFIG SET: a value with a zero byte", group="config")
def zero_byte(runner, proto, check):
    ours, redis = runner.pair.servers
    for name in ("timeout", "proc-title-template", "masteruser", "appendfsync", "maxmemory"):
        before = runner.tell(ours, "CONFIG", "GET", name)
        replies = [runner.tell(server, "CONFIG", "SET", name, b"1\x00y") for server in (ours, redis)]
        if runner.real:
            runner.stats.used.add("config-zero")
            check("CONFIG SET %s: refused" % name, replies[0][0], "-")
            check("CONFIG SET %s: unchanged" % name, runner.tell(ours, "CONFIG", "GET", name), before)
        else:
            check("CONFIG SET %s" % name, *replies)
        for server in (ours, redis):
            runner.tell(server, "CONFIG", "SET", name, before[1][1][1])


def text_refused(reply):
    """An error whose text comes from the C library."""
    return reply[0] == "-" and b"Failed to" in reply[1]


# A configuration file --------------------------------------------------------------------------------

case("rename-command", """
FLUSHDB
flushdb async
APPEND k x
ADDON k x
addon k y
GET k
COMMAND INFO append
COMMAND INFO flushdb
COMMAND INFO addon ## command_info
COMMAND GETKEYS addon k x
COMMAND LIST FILTERBY PATTERN ad*
MULTI
APPEND k z
EXEC
ADDON
CONFIG GET rename-command
CONFIG GET maxclients
CONFIG GET slowlog-max-len
INFO server ## info(config_file)
""", group="file")


@case.function("CONFIG REWRITE: the file, and what a restart makes of it", group="file", protocols=(2,))
def rewrite(runner, proto, check):
    results = []
    for server in runner.pair.servers:
        replies = [runner.tell(server, *words) for words in (
            ("CONFIG", "SET", "maxclients", "321", "timeout", "77"),
            ("CONFIG", "SET", "maxmemory", "123mb", "appendfsync", "always"),
            ("CONFIG", "SET", "slowlog-max-len", "128"),
            ("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 2mb 3"),
            ("CONFIG", "REWRITE"))]
        path = os.path.join(server.dir, "server.conf")
        with open(path, encoding="utf-8") as source:
            lines = [line.strip() for line in source]
        changed = [line for line in lines if line.split(" ")[0] in (
            "maxclients", "timeout", "maxmemory", "appendfsync", "slowlog-max-len", "rename-command", "#")]
        kept = [line for line in changed if not line.startswith("# Generated by")]
        replies.append(kept[:5] + sorted(kept[5:]))  # what is new comes in any order
        runner.control.pop(server).close()
        server.end()
        server.start()
        replies += [runner.tell(server, "CONFIG", "GET", name) for name in (
            "maxclients", "timeout", "maxmemory", "appendfsync", "slowlog-max-len", "client-output-buffer-limit",
            "hz", "databases")]
        replies += [runner.tell(server, "FLUSHDB"), runner.tell(server, "ADDON", "k", "x")]
        results.append(replies)
    for number, (ours, redis) in enumerate(zip(*results)):
        check("result %d" % number, ours, redis)
