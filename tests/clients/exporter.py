# SPDX-License-Identifier: MIT
"""prometheus-redis-exporter reads INFO, CONFIG, SLOWLOG, LATENCY and CLIENT as monitoring does."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from report import expect, same
from server import free_port

PACKAGE = "prometheus-redis-exporter"
SECONDS = 30


def find_program(top):
    """The exporter's path: installed, or unpacked from Debian's package into `top`."""
    installed = shutil.which(PACKAGE)
    if installed:
        return installed, None
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None, "not installed, and this is no Debian"
    done = subprocess.run(["apt-get", "download", "-q", PACKAGE], cwd=top, capture_output=True,
                          timeout=120, check=False, text=True)
    packages = glob.glob(os.path.join(top, "*.deb"))
    if done.returncode or not packages:
        return None, "apt-get download %s: %s" % (PACKAGE, done.stderr.strip()[-300:])
    subprocess.run(["dpkg-deb", "-x", packages[0], top], check=True)
    return os.path.join(top, "usr", "bin", PACKAGE), None


class Exporter:
    """A running exporter for one server."""

    def __init__(self, program, server, *options):
        self.port = free_port()
        self.process = subprocess.Popen(
            [program, "--redis.addr", "redis://127.0.0.1:%d" % server.port, "--web.listen-address",
             "127.0.0.1:%d" % self.port, "--include-system-metrics", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def scrape(self):
        """{name: {labels as printed: number}}"""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port,
                                            timeout=SECONDS) as page:
                    text = page.read().decode()
                break
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, "the exporter ended"
                assert time.monotonic() < deadline, "the exporter does not answer"
                time.sleep(0.02)
        found = {}
        for name, labels, value in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$", text):
            found.setdefault(name, {})[labels] = float(value)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def known_values(server, metrics):
    """Metrics whose value we know."""
    for name, wanted in [("redis_up", 1), ("redis_exporter_last_scrape_error", 0),
                         ("redis_loading_dump_file", 0), ("redis_config_maxclients", 10000),
                         ("redis_aof_enabled", 1), ("redis_blocked_clients", 0),
                         ("redis_connected_slaves", 0)]:
        same(name, list(metrics[name].values()), [wanted])
    same("redis_db_keys", metrics["redis_db_keys"]['db="db0"'], 3000)
    same("redis_db_keys_expiring", metrics["redis_db_keys_expiring"]['db="db0"'], 1)
    same("keys of db3", metrics["redis_db_keys"]['db="db3"'], 0)
    calls = metrics["redis_commands_total"]
    same("calls of set", calls['cmd="set"'], 3000)
    same("calls of get", calls['cmd="get"'], 2)
    same("hits", list(metrics["redis_keyspace_hits_total"].values()), [1])
    same("misses", list(metrics["redis_keyspace_misses_total"].values()), [1])
    port = server.port
    (labels,) = metrics["redis_instance_info"]
    expect(labels, 'redis_mode="standalone"', 'redis_version="', 'role="master"',
           'tcp_port="%d"' % port)


GREATER_THAN_ZERO = """
    redis_uptime_in_seconds redis_memory_used_bytes redis_memory_used_rss_bytes
    redis_connected_clients redis_commands_processed_total redis_connections_received_total
    redis_net_input_bytes_total redis_net_output_bytes_total
    redis_start_time_seconds redis_process_id
    redis_total_system_memory_bytes redis_mem_fragmentation_ratio
""".split()

PRESENT = """
    redis_evicted_keys_total redis_expired_keys_total redis_rejected_connections_total
    redis_memory_max_bytes redis_slowlog_length redis_slowlog_last_id
    redis_rdb_changes_since_last_save redis_rdb_last_save_timestamp_seconds
    redis_rdb_last_bgsave_status redis_aof_last_write_status
    redis_pubsub_channels redis_latest_fork_seconds redis_commands_duration_seconds_total
    redis_client_recent_max_input_buffer_bytes redis_config_maxmemory redis_allocator_active_bytes
    redis_cpu_user_seconds_total redis_cpu_sys_seconds_total redis_tracking_clients
    redis_io_threads_active
""".split()


def run(report, server):
    with tempfile.TemporaryDirectory(prefix="rubellite-exporter-") as top:
        program, problem = find_program(top)
        if not program:
            report.skip(PACKAGE, problem)
            return
        server.fill(2999)
        server.call("SET", "expiring", "x", "EX", "1000")
        server.call("GET", "key:1")
        server.call("GET", "nothing")
        with Exporter(program, server) as exporter:
            with report.check("%s: redis_up 1, and what we know is told" % PACKAGE):
                known_values(server, exporter.scrape())
            with report.check("%s: uptime, memory, traffic, processor" % PACKAGE):
                metrics = exporter.scrape()
                bad = [n for n in GREATER_THAN_ZERO if not any(metrics.get(n, {}).values())]
                assert not bad, "zero or missing: " + " ".join(bad)
            with report.check("%s: counters of what has not happened are there" % PACKAGE):
                missing = [n for n in PRESENT if n not in exporter.scrape()]
                assert not missing, "missing: " + " ".join(missing)
            with report.check("%s: redis_up 0 while the server is down, 1 again after" % PACKAGE):
                server.kill()
                same("down", list(exporter.scrape()["redis_up"].values()), [0])
                server.start()
                same("up", list(exporter.scrape()["redis_up"].values()), [1])
        with report.check("%s: the size and value of single keys" % PACKAGE):
            with Exporter(program, server, "--check-single-keys", "db0=key:5") as exporter:
                metrics = exporter.scrape()
                same("length", list(metrics["redis_key_size"].values()), [6])
        with report.check("%s: the sizes of collections, by their keys and by pattern" % PACKAGE):
            server.call("HSET", "size:hash", "a", "1", "b", "2")
            server.call("RPUSH", "size:list", *range(3))
            server.call("SADD", "size:set", *range(4))
            server.call("ZADD", "size:zset", *[word for i in range(5) for word in (i, "m%d" % i)])
            with Exporter(program, server, "--check-keys", "db0=size:*") as exporter:
                sizes = exporter.scrape()["redis_key_size"]
                for number, kind in enumerate(("hash", "list", "set", "zset"), 2):
                    same(kind, sizes['db="db0",key="size:%s"' % kind], number)
