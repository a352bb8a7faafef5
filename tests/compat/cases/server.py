# SPDX-License-Identifier: MIT
"""INFO, SLOWLOG, LATENCY, MEMORY, saving, TIME, ROLE, WAIT and the like."""

import os
import sqlite3

import normalise
import resp
import servers
from case import family

case = family("server")

# INFO ---------------------------------------------------------------------------------------------

# What clients, GUIs, Sidekiq and redis_exporter read. A name with = must have Redis's value.
SERVER = """redis_version redis_mode= os arch_bits= process_id run_id tcp_port uptime_in_seconds uptime_in_days hz=
configured_hz= executable config_file= redis_git_sha1 redis_git_dirty redis_build_id multiplexing_api
process_supervised= server_time_usec lru_clock io_threads_active= gcc_version"""
CLIENTS = """connected_clients cluster_connections= maxclients= client_recent_max_input_buffer
client_recent_max_output_buffer blocked_clients= tracking_clients= clients_in_timeout_table="""
MEMORY = """used_memory used_memory_human used_memory_rss used_memory_rss_human used_memory_peak used_memory_peak_human
used_memory_peak_perc used_memory_overhead used_memory_startup used_memory_dataset used_memory_dataset_perc
total_system_memory total_system_memory_human used_memory_lua used_memory_scripts number_of_cached_scripts=
maxmemory= maxmemory_human= maxmemory_policy= mem_fragmentation_ratio mem_fragmentation_bytes
mem_clients_normal mem_clients_slaves= mem_allocator active_defrag_running= lazyfree_pending_objects=
allocator_allocated allocator_active allocator_resident allocator_frag_ratio allocator_frag_bytes allocator_rss_ratio
allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes mem_aof_buffer mem_replication_backlog="""
PERSISTENCE = """loading= async_loading= rdb_changes_since_last_save rdb_bgsave_in_progress= rdb_last_save_time
rdb_last_bgsave_status= rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves rdb_last_cow_size aof_enabled=
aof_rewrite_in_progress= aof_rewrite_scheduled= aof_last_rewrite_time_sec aof_current_rewrite_time_sec
aof_last_bgrewrite_status= aof_last_write_status= aof_current_size aof_base_size aof_buffer_length
aof_pending_bio_fsync aof_delayed_fsync"""
STATS = """total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes
total_net_output_bytes instantaneous_input_kbps instantaneous_output_kbps rejected_connections= sync_full=
sync_partial_ok= sync_partial_err= expired_keys expired_stale_perc expired_time_cap_reached_count
expire_cycle_cpu_milliseconds evicted_keys= keyspace_hits keyspace_misses pubsub_channels= pubsub_patterns=
latest_fork_usec total_forks migrate_cached_sockets= total_error_replies total_reads_processed total_writes_processed
unexpected_error_replies="""
REPLICATION = """role= connected_slaves= master_failover_state= master_replid master_replid2= master_repl_offset
second_repl_offset= repl_backlog_active= repl_backlog_size= repl_backlog_first_byte_offset= repl_backlog_histlen="""
CPU = "used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children"
SECTIONS = {"server": SERVER, "clients": CLIENTS, "memory": MEMORY, "persistence": PERSISTENCE, "stats": STATS,
            "replication": REPLICATION, "cpu": CPU, "cluster": "cluster_enabled="}


def fields(*sections):
    return ",".join(name for section in sections for name in SECTIONS[section].split())


for section in SECTIONS:
    case("INFO %s" % section, *["INFO %s ## info(%s)" % (form, fields(section))
                                for form in (section, section.upper(), section.title())])
case("INFO: sets of sections", *[
    "INFO %s ## info(%s)" % (form, fields(*SECTIONS))
    for form in ("", "default", "all", "everything", "DEFAULT", "all server", "server default", "cpu all")], """
INFO keyspace ## info
INFO commandstats ## info
INFO errorstats ## info
INFO latencystats ## info
INFO modules ## info
INFO sentinel ## info
INFO what
INFO ""
INFO what server ## info
INFO server server ## info
INFO server clients memory ## info
INFO memory server ## info
INFO keyspace keyspace
INFO server what cluster ## info
""")

case("INFO keyspace", """
INFO keyspace ## keyspace
SET a 1
INFO keyspace ## keyspace
SET b 1
SELECT 3
SET c 1
SET d 1 EX 100000
SELECT 15
SET e 1
INFO keyspace ## info(db0=,db15=,db3)
DEL e
INFO keyspace ## keyspace
SELECT 3
PERSIST d
INFO keyspace ## keyspace
FLUSHDB
INFO keyspace ## keyspace
FLUSHALL
INFO keyspace ## keyspace
""")

case("INFO stats: hits, misses and errors", """
CONFIG RESETSTAT
INFO stats ## info(keyspace_hits=,keyspace_misses=,expired_keys=,total_error_replies=,evicted_keys=)
SET a 1
GET a
GET missing
MGET a missing a
EXISTS a missing
STRLEN a
TYPE a
TYPE missing
TTL a
GETRANGE missing 0 1
GETSET a 2
INCR n
APPEND s x
SETNX a 1
DEL missing
OBJECT ENCODING a
TOUCH a missing
RENAME a b
COPY b c
GETEX b
GETDEL b
LCS x y
RANDOMKEY ## type
KEYS * ## unordered
SCAN 0 ## second_unordered
EXPIRE n 100
PERSIST n
PEXPIRE missing 100
SETRANGE s 0 y
INFO stats ## info(keyspace_hits=,keyspace_misses=,expired_keys=,total_error_replies=,evicted_keys=)
NOSUCH
GET
INCR s
CLIENT WHAT
SET a b c
CONFIG SET what x
EXPIRE s -1
INFO stats ## info(keyspace_hits=,keyspace_misses=,expired_keys=,total_error_replies=,evicted_keys=)
INFO errorstats
CONFIG RESETSTAT
INFO errorstats
INFO stats ## info(keyspace_hits=,keyspace_misses=,expired_keys=,total_error_replies=)
""")
case("INFO errorstats: kinds", """
CONFIG RESETSTAT
NOSUCH
AUTH default x y
MULTI
GET
EXEC
EXEC
HELLO 9
INCRBY k x
WAIT a b
INFO errorstats
""", after="CONFIG RESETSTAT")
case("INFO commandstats", """
CONFIG RESETSTAT
SET a 1
GET a
get a
GET
INCR a
SET b x
INCR b
CLIENT GETNAME
CLIENT SETNAME x
CLIENT WHAT
OBJECT ENCODING a
MULTI
GET a
SET
DISCARD
MULTI
GET a
INCR b
EXEC
EXPIRE a x
INFO commandstats ## command_stats
CONFIG RESETSTAT
INFO commandstats ## command_stats
""", clients=True)
case("INFO latencystats", """
CONFIG RESETSTAT
SET a 1
CLIENT GETNAME
INFO latencystats ## latency_stats
CONFIG SET latency-tracking no
INFO latencystats
CONFIG SET latency-tracking yes
""", clients=True, after="CONFIG SET latency-tracking yes")


@case.function("INFO in MULTI, its type, and every field well formed")
def info_form(runner, proto, check):
    for server in runner.pair.servers:
        conn = servers.Connection(server.port)
        conn.call("HELLO", proto)
        reply = conn.call("INFO", "everything")
        check("%s: type" % server.kind, reply[0], "=" if proto == 3 else "$")
        sections = normalise.info_sections(resp.text_of(reply).decode("latin-1"))
        names = [name for section in sections.values() for name in section]
        check("%s: no field twice" % server.kind, sorted(names), sorted(set(names)))
        check("%s: version is digits and dots" % server.kind,
              sections["Server"]["redis_version"].replace(".", "").isdigit(), True)
        check("%s: its own port" % server.kind, sections["Server"]["tcp_port"], str(server.port))
        check("%s: its own process" % server.kind, sections["Server"]["process_id"], str(server.process.pid))
        conn.close()


# SLOWLOG, LATENCY -----------------------------------------------------------------------------------

case("SLOWLOG: arguments", """
CONFIG SET slowlog-log-slower-than -1
SLOWLOG
SLOWLOG GET x
SLOWLOG GET -2
SLOWLOG GET 1 2
SLOWLOG GET ""
SLOWLOG GET 1.5
SLOWLOG GET 99999999999999999999
SLOWLOG LEN x
SLOWLOG RESET x
SLOWLOG RESET
SLOWLOG LEN
SLOWLOG GET
SLOWLOG GET 0
SLOWLOG GET -1
slowlog len
""", after="CONFIG SET slowlog-log-slower-than 10000")
case("SLOWLOG: entries", """
SLOWLOG RESET
CONFIG SET slowlog-log-slower-than 0
CLIENT SETNAME me
SET k v
GET k
get missing
NOSUCH x
GET
INCR k
SET long {rep:x:127} {rep:y:128} {rep:z:129} {rep:w:500}
MGET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30
MGET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
MGET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
MGET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40
SET k "a\\x00\\xff\\r\\n"
AUTH secret
AUTH default secret
MULTI
SET k 1
GET k
EXEC
CONFIG GET slowlog-max-len
CONFIG SET requirepass ""
DEBUG SLEEP 0
CLIENT GETNAME
CONFIG SET slowlog-log-slower-than -1
SLOWLOG LEN
SLOWLOG GET -1 ## slowlog
SLOWLOG GET 100 ## slowlog
SLOWLOG GET 3 ## slowlog
SLOWLOG GET 1 ## slowlog
SLOWLOG GET 0 ## slowlog
SLOWLOG GET ## slowlog
SLOWLOG RESET
SLOWLOG LEN
SLOWLOG GET ## slowlog
""", after="CONFIG SET slowlog-log-slower-than 10000")
case("SLOWLOG: its length is bounded", """
SLOWLOG RESET
CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 3
PING 1
PING 2
PING 3
PING 4
CONFIG SET slowlog-log-slower-than -1
SLOWLOG LEN
SLOWLOG GET -1 ## slowlog
CONFIG SET slowlog-max-len 128
CONFIG SET slowlog-log-slower-than 10000
PING
SLOWLOG LEN
SLOWLOG RESET
""", after="CONFIG SET slowlog-log-slower-than 10000 slowlog-max-len 128")
case("SLOWLOG: a slow command", """
SLOWLOG RESET
CONFIG SET slowlog-log-slower-than 100000
DEBUG SLEEP 0.12
SLOWLOG GET ## slowlog
SLOWLOG RESET
""", after="CONFIG SET slowlog-log-slower-than 10000")

case("LATENCY: off", """
LATENCY LATEST
LATENCY HISTORY command
LATENCY HISTORY what
LATENCY HISTORY ""
LATENCY HISTORY
LATENCY HISTORY a b
LATENCY GRAPH
LATENCY GRAPH what
LATENCY RESET
LATENCY RESET what command
LATENCY LATEST x
LATENCY DOCTOR x
LATENCY DOCTOR ## matches(.+)
LATENCY HISTOGRAM ## type
LATENCY HISTOGRAM nosuch
LATENCY HISTOGRAM ""
""")
case("LATENCY: an event", """
CONFIG SET latency-monitor-threshold 100
DEBUG SLEEP 0.12
LATENCY LATEST ## latest
LATENCY HISTORY command ## history
LATENCY HISTORY fast-command
LATENCY HISTORY COMMAND
LATENCY GRAPH command ## matches(command - high .*)
LATENCY DOCTOR ## matches(.+)
LATENCY RESET fast-command
LATENCY RESET command what
LATENCY LATEST
DEBUG SLEEP 0.12
LATENCY RESET
LATENCY LATEST
CONFIG SET latency-monitor-threshold 0
DEBUG SLEEP 0.01
LATENCY LATEST
""", after="CONFIG SET latency-monitor-threshold 0")
case("LATENCY HISTOGRAM", """
CONFIG RESETSTAT
SET a 1
GET a
GET b
CLIENT GETNAME
CONFIG GET port ## type
LATENCY HISTOGRAM set ## histogram
LATENCY HISTOGRAM set get ## histogram
LATENCY HISTOGRAM get nosuch set ## histogram
LATENCY HISTOGRAM client ## histogram
LATENCY HISTOGRAM client|getname ## histogram
LATENCY HISTOGRAM GET ## histogram
LATENCY HISTOGRAM incr
LATENCY HISTOGRAM get get ## histogram
CONFIG RESETSTAT
LATENCY HISTOGRAM get set
CONFIG SET latency-tracking no
GET a
LATENCY HISTOGRAM get
CONFIG SET latency-tracking yes
""", after="CONFIG SET latency-tracking yes")

# MEMORY ---------------------------------------------------------------------------------------------

case("MEMORY", """
MEMORY
MEMORY USAGE
MEMORY USAGE missing
MEMORY USAGE k SAMPLES
MEMORY USAGE k SAMPLES x
MEMORY USAGE k SAMPLES -1
MEMORY USAGE missing SAMPLES 0
MEMORY USAGE k WHAT
MEMORY USAGE k WHAT 1
MEMORY USAGE k SAMPLES 1 x
MEMORY USAGE a b
SET k v
MEMORY USAGE k ## range(10,200)
MEMORY USAGE k SAMPLES 0 ## range(10,200)
memory usage k samples 5 ## range(10,200)
MEMORY USAGE k SAMPLES 1 SAMPLES 2 ## range(10,200)
MEMORY USAGE k SAMPLES x
MEMORY USAGE k WHAT
SET k {rep:x:10000}
MEMORY USAGE k ## range(10000,20000)
MEMORY DOCTOR ## matches(.+)
MEMORY DOCTOR x
MEMORY PURGE
MEMORY PURGE x
MEMORY MALLOC-STATS ## matches(.+)
MEMORY MALLOC-STATS x
MEMORY STATS x
MEMORY STATS ## map_shape
SELECT 3
SET l v EX 100
MEMORY STATS ## map_shape
""")

case("maxmemory: writes that need memory are refused", """
SET k v
SET n 1
CONFIG SET maxmemory 1
SET k w
GET k
INCR n
APPEND k x
MSET a 1
SETRANGE k 0 x
COPY k l
GETSET k x
SETEX k 10 v
SET k v EX 10
GETEX k EX 1000
EXPIRE k 100
PERSIST k
RENAME k l
STRLEN l
OBJECT ENCODING l
INCRBYFLOAT n 1
MULTI
GET l
SET l x
EXEC
MULTI
GET l
DEL l
EXEC
DECR n
GETDEL n
FLUSHALL
INFO errorstats ## matches(.*errorstat_OOM:count=.*)
CONFIG SET maxmemory 0
SET k v
GET k
""", after="CONFIG SET maxmemory 0")
case("maxmemory with a policy that deletes", """
CONFIG SET maxmemory-policy allkeys-lru maxmemory 500mb ## error_code differs=eviction want="-ERR"
CONFIG SET maxmemory 0
CONFIG SET maxmemory-policy noeviction
""", after="CONFIG SET maxmemory 0 maxmemory-policy noeviction")

# Saving ---------------------------------------------------------------------------------------------

IDLE = "INFO persistence ## until=rdb_bgsave_in_progress:0 info(rdb_bgsave_in_progress=,rdb_last_bgsave_status=)"
IDLE_AOF = ("INFO persistence ## until=aof_rewrite_scheduled:0.*aof_rewrite_in_progress:0|"
            "aof_rewrite_in_progress:0.*aof_rewrite_scheduled:0 "
            "info(aof_rewrite_in_progress=,aof_rewrite_scheduled=,aof_last_bgrewrite_status=)")
case("SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF", IDLE, IDLE_AOF, """
LASTSAVE ## range(1500000000,9999999999)
LASTSAVE x
SAVE x
BGSAVE x
BGSAVE SCHEDULE x
BGSAVE WHAT
BGSAVE ""
BGREWRITEAOF x
SET k v
SAVE
LASTSAVE ## range(1500000000,9999999999)
GET k
BGSAVE
""", IDLE, "BGSAVE SCHEDULE", IDLE, "bgsave schedule", IDLE, "BGREWRITEAOF", IDLE_AOF, "GET k",
     "INFO persistence ## info(rdb_changes_since_last_save=,rdb_last_bgsave_status=)")
case("SAVE in MULTI", "MULTI", "SAVE", "EXEC", "MULTI", "SET k v", "LASTSAVE", "EXEC ## shape", protocols=(2,))

# The rest ---------------------------------------------------------------------------------------------

case("TIME", """
TIME ## shape
TIME x
time ## shape
""")


@case.function("TIME: is the time, and goes on", protocols=(2,))
def time_value(runner, proto, check):
    import time
    for server in runner.pair.servers:
        before = time.time()
        reply = runner.tell(server, "TIME")
        after = time.time()
        value = int(reply[1][0][1]) + int(reply[1][1][1]) / 1e6
        check("%s: between before and after" % server.kind, before - 0.002 <= value <= after + 0.002, True)
        check("%s: microseconds" % server.kind, 0 <= int(reply[1][1][1]) < 1000000, True)


case("ROLE and LOLWUT", """
ROLE ## role
ROLE x
role ## role
LOLWUT ## matches(.+)
LOLWUT VERSION 5 ## matches(.+)
LOLWUT VERSION 6 ## matches(.+)
LOLWUT VERSION 1 ## matches(.+)
LOLWUT VERSION x
LOLWUT VERSION ## matches(.+)
LOLWUT VERSION 5 1 1 1 ## matches(.+)
LOLWUT x ## matches(.+)
lolwut ## matches(.+)
""")
case("WAIT", """
WAIT
WAIT 0
WAIT 0 0 0
WAIT 0 0
WAIT 0 100
WAIT 1 1
WAIT 5 10
WAIT -1 0
WAIT -1 10
WAIT x 0
WAIT 0 x
WAIT 1 -1
WAIT 1.5 0
WAIT 0 1.5
WAIT 0 ""
WAIT 99999999999999999999 0
WAIT 0 99999999999999999999
SET k v
WAIT 0 0
WAIT 1 1
MULTI
SET k v
WAIT 1 0
EXEC
wait 0 0
""")
# WAITAOF came with 7.2. Our servers run with appendonly yes here, so one local copy can be had.
case("WAITAOF", """
SET k v
WAITAOF 0 0 0 ## pair_of_counts differs=after-7.0 want="*2\\r\\n:1\\r\\n:0\\r\\n"
WAITAOF 1 0 0 ## differs=after-7.0 want="*2\\r\\n:1\\r\\n:0\\r\\n"
WAITAOF 1 0 1000 ## differs=after-7.0 want="*2\\r\\n:1\\r\\n:0\\r\\n"
SET k w
waitaof 1 0 0 ## differs=after-7.0 want="*2\\r\\n:1\\r\\n:0\\r\\n"
WAITAOF 1 1 10 ## pair_of_counts differs=after-7.0 want="*2\\r\\n:1\\r\\n:0\\r\\n"
WAITAOF 0 1 10 ## pair_of_counts differs=after-7.0 want="*2\\r\\n:1\\r\\n:0\\r\\n"
WAITAOF 2 0 0 ## differs=after-7.0 want="-ERR value is out of range, value must between 0 and 1"
WAITAOF -1 0 0 ## differs=after-7.0 want="-ERR value is out of range, value must between 0 and 1"
WAITAOF x 0 0 ## differs=after-7.0 want="-ERR value is not an integer or out of range"
WAITAOF 1 x 0 ## differs=after-7.0 want="-ERR value is out of range, must be positive"
WAITAOF 1 -1 0 ## differs=after-7.0 want="-ERR value is out of range, must be positive"
WAITAOF 1 0 x ## differs=after-7.0 want="-ERR timeout is not an integer or out of range"
WAITAOF 1 0 -1 ## differs=after-7.0 want="-ERR timeout is negative"
WAITAOF ## differs=after-7.0 want="-ERR wrong number of arguments for 'waitaof' command"
WAITAOF 1 0 ## differs=after-7.0 want="-ERR wrong number of arguments for 'waitaof' command"
WAITAOF 1 0 0 0 ## differs=after-7.0 want="-ERR wrong number of arguments for 'waitaof' command"
GET k
""")
case("WAITAOF without a journal", """
SET k v
WAITAOF 1 0 0 ## differs=after-7.0 want="-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
WAITAOF 0 0 0 ## differs=after-7.0 want="*2\\r\\n:0\\r\\n:0\\r\\n"
GET k
""", group="nojournal")

case("SHUTDOWN: what it refuses", """
SHUTDOWN WHAT
SHUTDOWN SAVE NOSAVE
SHUTDOWN NOSAVE SAVE
SHUTDOWN ""
SHUTDOWN NOSAVE WHAT
SHUTDOWN ABORT
SHUTDOWN ABORT NOSAVE
SHUTDOWN NOSAVE ABORT
SHUTDOWN a b c d e
PING
""")


@case.function("the version that is answered")
def version(runner, proto, check):
    ours, redis = runner.pair.servers
    versions = []
    for server in (ours, redis):
        conn = servers.Connection(server.port)
        hello = {k[1]: v for k, v in normalise.pairs_of(conn.call("HELLO", proto))}
        info = normalise.info_sections(resp.text_of(conn.call("INFO", "server")).decode())["Server"]
        check("%s: HELLO and INFO agree" % server.kind, hello[b"version"],
              ("$", info["redis_version"].encode()))
        versions.append(info)
        conn.close()
    if runner.real:
        runner.stats.used.add("version")
        check("ours is 7.2", normalise.find(r"matches(7\.2\.\d+)")(("$", versions[0]["redis_version"].encode())),
              ("$", "matches"))
        check("our own version stands beside it", bool(versions[0]["rubellite_version"]), True)


@case.function("SAVE writes the tables of data.db", group="shutdown", protocols=(2,))
def tables(runner, proto, check):
    ours, redis = runner.pair.servers
    for server in (ours, redis):
        runner.tell(server, "MSET", "a", "1", "b", "two", "c", "")
        check("%s: SAVE" % server.kind, runner.tell(server, "SAVE"), ("+", b"OK"))
    check("redis-server has an RDB file", os.path.exists(os.path.join(redis.dir, "dump.rdb")), True)
    if not runner.real:
        return
    runner.stats.used.add("saving")
    check("ours has none", os.path.exists(os.path.join(ours.dir, "dump.rdb")), False)
    file = sqlite3.connect("file:%s?mode=ro" % os.path.join(ours.dir, "data.db"), uri=True)
    try:
        rows = file.execute("select key, value from strings order by key").fetchall()
    finally:
        file.close()
    check("the rows", rows, [("a", "1"), ("b", "two"), ("c", "")])


@case.function("SHUTDOWN: closes the connections and ends", group="shutdown")
def shutdown(runner, proto, check):
    for words in (["SHUTDOWN"], ["SHUTDOWN", "NOSAVE"], ["shutdown", "save"], ["SHUTDOWN", "NOW"],
                  ["SHUTDOWN", "NOW", "FORCE"]):
        ends = []
        for server in runner.pair.servers:
            runner.tell(server, "SET", "k", "v")
            one, two = servers.Connection(server.port), servers.Connection(server.port)
            two.call("PING")
            one.send(resp.request([word.encode() for word in words]))
            ends.append((one.read_to_end(), two.read_to_end(), server.process.wait(servers.REPLY_SECONDS)))
            runner.control.pop(server).close()
            server.start()
        check("%s: what the connections got, and the exit code" % " ".join(words), ends[0], ends[1])


@case.function("what was written is there after a clean stop and a start", group="shutdown", protocols=(2,))
def restart(runner, proto, check):
    kept = []
    for server in runner.pair.servers:
        runner.tell(server, "MSET", "a", "1", "b", "x" * 100, "", "empty", "big", "y" * 100000)
        runner.tell(server, "SET", "t", "v", "PXAT", "33177117420123")
        runner.tell(server, "SET", "gone", "v", "PXAT", "33177117420123")
        runner.tell(server, "PEXPIREAT", "gone", "1")
        runner.tell(server, "APPEND", "a", "2")
        runner.tell(server, "RENAME", "b", "c")
        runner.tell(server, "MOVE", "c", "5")
        runner.tell(server, "SWAPDB", "5", "6")
        runner.tell(server, "SAVE")
        runner.control.pop(server).close()
        server.end()
        server.start()
        replies = [runner.tell(server, *words) for words in (
            ("MGET", "a", "b", "c", "", "big", "t", "gone"), ("PEXPIRETIME", "t"), ("TTL", "a"), ("DBSIZE",),
            ("SELECT", "6"), ("GET", "c"), ("DBSIZE",), ("SELECT", "0"))]
        kept.append(replies)
    check("the data", kept[0], kept[1])
