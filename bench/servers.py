# SPDX-License-Identifier: MIT
"""Starting, asking, watching and stopping the servers, running load against them, and what the
programs that do so have in common."""

import argparse
import contextlib
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import progress

ROOT = Path(__file__).resolve().parent.parent
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
TRACE_CPU_S = 0.015  # in a tenth of a second; a server with nothing to do uses less
HOST = "127.0.0.1"


class BenchError(Exception):
    """Something the user has to know; ends the run with one line."""


# --- talking to a server ---------------------------------------------------------------------


class Client:
    """A blocking RESP2 connection; error replies come back as ReplyError values."""

    class ReplyError(str):
        pass

    def __init__(self, port, timeout_s=600):
        self.socket = socket.create_connection((HOST, port), timeout_s)
        self.file = self.socket.makefile("rb")

    def command(self, *words):
        out = b"*%d\r\n" % len(words)
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            out += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(out)
        return self._reply()

    def _reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Client.ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise ConnectionError(f"unexpected reply {line!r}")

    def info(self, section):
        text = self.command("INFO", section)
        if isinstance(text, Client.ReplyError) or text is None:
            return {}
        lines = text.decode("utf-8", "replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- a server process ------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


def version_of(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.returncode == 0 else "?"


# Servers that are measured beside the two where they are installed: name, program, and whether it
# keeps what was written (one that does not is no match for modes that do).
OTHERS = (("valkey", "valkey-server", True), ("keydb", "keydb-server", True),
          ("memcached", "memcached", False))


def other_servers(fsync):
    """(name, program) of the installed ones that can do what this mode of durability does."""
    return [(name, shutil.which(program)) for name, program, keeps in OTHERS
            if shutil.which(program) and (keeps or fsync == "off")]


def server_of(name, program, directory, fsync, extra=()):
    kind = Memcached if version_of(program).startswith("memcached") else Server
    return kind(name, program, directory, fsync, extra)


class Server:
    """One server program with a directory of its own. Every start takes a new free port. fsync is
    the value of appendfsync, or "off" for appendonly no."""

    protocol = "redis"

    def __init__(self, name, program, directory, fsync, extra=()):
        self.name, self.program, self.fsync, self.extra = name, program, fsync, list(extra)
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.is_ours = version_of(program).startswith("Rubellite")
        self.process = self.port = None

    def arguments(self):
        durability = ["--appendonly", "no"] if self.fsync == "off" else \
            ["--appendonly", "yes", "--appendfsync", self.fsync]
        return ["--port", self.port, "--bind", HOST, "--dir", self.dir, "--save", "", *durability,
                "--auto-aof-rewrite-percentage", "0",
                *(["--backup-interval", "0"] if self.is_ours else [])]

    def start(self, wait=True):
        """Starts the program and, unless told otherwise, waits until it answers."""
        self.port = free_port()
        with open(self.dir / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, *map(str, self.arguments()), *self.extra],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_answering(None)
        return self

    def wait_answering(self, keys, timeout_s=120):
        """Waits until it answers, and fails unless it has `keys` keys or that is None."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended with status {self.process.returncode}: "
                                 f"{self.last_log_line()}")
            try:
                found = self.keys_when_ready()
                if keys is not None and found != keys:
                    raise BenchError(f"{self.name} has {found} keys, expected {keys}")
                return
            except OSError:
                time.sleep(0.001)
        raise BenchError(f"{self.name} did not answer within {timeout_s} s")

    def keys_when_ready(self):
        """Waits while it loads; how many keys it has. OSError while it does not listen yet."""
        with self.client() as client:
            while client.command("PING") != "PONG":
                time.sleep(0.001)
            return client.command("DBSIZE")

    def last_log_line(self):
        lines = (self.dir / "server.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing in its log"

    def client(self):
        return Client(self.port)

    def stop(self, kill=False, timeout_s=120):
        """Stops by SIGTERM, or by SIGKILL when asked or when that takes too long."""
        if not self.process:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise BenchError(f"{self.name} did not stop within {timeout_s} s of SIGTERM") from None
        if not kill and status not in (0, -signal.SIGTERM):
            raise BenchError(f"{self.name} ended with status {status}: {self.last_log_line()}")

    # -- what /proc says about it

    def cpu_s(self):
        """User and system time of all its threads, the ended ones too: the kernel's CPU clock of
        the process (the number is what clock_getcpuclockid makes of a process id)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def written_bytes(self):
        """Bytes it caused to be written to the disk, or None where the kernel does not tell."""
        try:
            text = Path(f"/proc/{self.process.pid}/io").read_text()
        except OSError:
            return None
        return int(dict(line.split(": ") for line in text.splitlines())["write_bytes"])

    def resident_bytes(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in text.splitlines())
        return int(fields["VmRSS"].split()[0]) * 1024

    def misses(self):
        """GETs that found no key so far."""
        with self.client() as client:
            return int(client.info("stats").get("keyspace_misses", 0))

    def has_backlog(self):
        """Whether work that was put off is left although it uses no CPU, as on a slow disk."""
        if not self.is_ours:
            return False
        with self.client() as client:
            return int(client.info("persistence").get("fold_backlog_bytes", 0)) > 0

    def rewrite_aof(self):
        """BGREWRITEAOF, to the end. Not for ours, whose journal needs none."""
        with self.client() as client:
            answer = client.command("BGREWRITEAOF")
            if isinstance(answer, Client.ReplyError):
                raise BenchError(f"{self.name}: BGREWRITEAOF: {answer}")
            while True:
                info = client.info("persistence")
                if info.get("aof_rewrite_in_progress") == "0" and \
                        info.get("aof_rewrite_scheduled") == "0":
                    break
                time.sleep(0.05)
            if info.get("aof_last_bgrewrite_status") != "ok":
                raise BenchError(f"{self.name}: BGREWRITEAOF failed: {self.last_log_line()}")


class Memcached(Server):
    """memcached: another protocol, nothing on the disk, and rather an error than a key given up."""

    protocol = "memcached"
    MEMORY_MIB = 4096

    def arguments(self):
        return ["-l", HOST, "-p", self.port, "-U", 0, "-m", self.MEMORY_MIB, "-M",
                *(["-u", "root"] if os.geteuid() == 0 else [])]

    def stats(self):
        with socket.create_connection((HOST, self.port), 10) as connection:
            connection.sendall(b"stats\r\n")
            with connection.makefile("rb") as file:
                lines = iter(file.readline, b"")
                found = {}
                for line in lines:
                    words = line.decode().split()
                    if words == ["END"]:
                        return found
                    found[words[1]] = words[2]
        raise ConnectionError("connection closed")

    def keys_when_ready(self):
        return int(self.stats()["curr_items"])

    def misses(self):
        return int(self.stats()["get_misses"])


def wait_all_quiet(servers, quiet_s, timeout_s=60):
    """Waits until none has used more than a trace of CPU for quiet_s and none has work left. False:
    it never came to that."""
    step_s = 0.1
    end = time.monotonic() + timeout_s
    last, since = {server: server.cpu_s() for server in servers}, time.monotonic()
    while time.monotonic() < end:
        time.sleep(step_s)
        now = {server: server.cpu_s() for server in last}
        if any(now[server] - last[server] > TRACE_CPU_S for server in last):
            since = time.monotonic()
        if time.monotonic() - since >= quiet_s:
            if not any(server.has_backlog() for server in last):
                return True
            since = time.monotonic()
        last = now
    return False


def stable_memory(servers, steady_s, timeout_s=60):
    """Resident bytes of each at rest: once none has moved by half a percent for steady_s; and
    whether it came to that."""
    end = time.monotonic() + timeout_s
    base, since = [s.resident_bytes() for s in servers], time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < steady_s:
        time.sleep(0.25)
        now = [s.resident_bytes() for s in servers]
        if any(abs(n - b) > b * 0.005 for n, b in zip(now, base)):
            base, since = now, time.monotonic()
    return [s.resident_bytes() for s in servers], time.monotonic() - since >= steady_s


@contextlib.contextmanager
def work_directory(parent, keep):
    """A new directory below parent; removed at the end unless it is to be kept."""
    Path(parent).mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="bench-", dir=parent)).resolve()
    try:
        yield path
    finally:
        if keep:
            print(f"kept: {path}")
        else:
            shutil.rmtree(path, ignore_errors=True)


# --- load ------------------------------------------------------------------------------------


class Tools:
    """The load programs: ours, built by the project (or here, when they are missing)."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.redis_benchmark = shutil.which("redis-benchmark")

    def path(self, name):
        program = self.dir / name
        source = Path(__file__).parent / f"{name}.c"
        newest = max(file.stat().st_mtime for file in [source, *source.parent.glob("*.h")])
        if not program.exists() or program.stat().st_mtime < newest:
            self.dir.mkdir(parents=True, exist_ok=True)
            compiler = os.environ.get("CC", "cc")
            subprocess.run([compiler, "-std=c17", "-O2", "-o", program, source, "-lm"],
                           check=True)
        return str(program)

    def fill(self, server, keys, value_bytes, mode="fill", ttl_s=0):
        """Sets every key of a key space once, in order, through deep pipelines."""
        pipeline = 500 if value_bytes <= 128 else 50
        return self.load(server, mode, keys, value_bytes, requests=keys, clients=4,
                         pipeline=pipeline, ttl_s=ttl_s)

    def load(self, server, mode, keys, value_bytes, requests, clients, pipeline, ttl_s=0, seed=1,
             more=()):
        """Runs bench/load; a dict with rps, p50_ms, p99_ms, p999_ms, max_ms and client_cpu_s."""
        command = [self.path("load"), "--port", server.port, "--protocol", server.protocol,
                   "--mode", mode, "--keys", keys,
                   "--value-bytes", value_bytes, "--requests", requests, "--clients", clients,
                   "--pipeline", pipeline, "--ttl", ttl_s, "--seed", seed, *more]
        out, cpu_s = run_measured(command)
        return dict(json.loads(out), client_cpu_s=cpu_s)

    def pace(self, server, rate, seconds, keys, value_bytes, slot_ms, write_percent, new_percent,
             seed):
        """Runs bench/latency; its time slots and, last, the whole run, as dicts of numbers (`ms`
        of the last is "all"), and the CPU seconds it used."""
        out, cpu_s = run_measured([
            self.path("latency"), "--port", server.port, "--rate", rate, "--seconds", seconds,
            "--keys", keys, "--value-bytes", value_bytes, "--slot-ms", slot_ms,
            "--write-percent", write_percent, "--new-percent", new_percent, "--seed", seed])
        rows = [{k: v if v == "all" else float(v) for k, v in row.items()}
                for row in csv.DictReader(out.splitlines())]
        return rows, cpu_s

    def redis_bench(self, server, test, keys, value_bytes, requests, clients, pipeline):
        """Runs redis-benchmark; the same keys as load(). It tells no p99.9."""
        if not self.redis_benchmark:
            raise BenchError("redis-benchmark is not installed (Debian: redis-tools)")
        command = [self.redis_benchmark, "-h", HOST, "-p", server.port, "-t", test, "-n", requests,
                   "-c", clients, "-P", pipeline, "-r", keys, "-d", value_bytes, "--csv"]
        out, cpu_s = run_measured(command)
        rows = list(csv.DictReader(out.splitlines()))
        if len(rows) != 1:
            raise BenchError(f"redis-benchmark said: {out.strip()}")
        row = rows[0]
        return {"requests": requests, "rps": float(row["rps"]), "client_cpu_s": cpu_s,
                "p50_ms": float(row["p50_latency_ms"]), "p99_ms": float(row["p99_latency_ms"]),
                "p999_ms": None, "max_ms": float(row["max_latency_ms"])}


def run_measured(command):
    """Runs a program to its end: what it printed, and the CPU seconds it used."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out,
                                   stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: status {process.returncode}: "
                         f"{text.strip()}")
    return text, usage.ru_utime + usage.ru_stime


# --- the machine -----------------------------------------------------------------------------


def machine_busy_s():
    """CPU time of all processors spent on anything but idling, also what the host took away."""
    first = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, first)
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def device_written_bytes(directory):
    """What the block device below a directory wrote, for whomever; None where it does not tell."""
    number = os.stat(directory).st_dev
    try:
        text = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat").read_text()
    except OSError:
        return None
    return int(text.split()[6]) * 512  # sectors, always of this size


def machine_facts(directory):
    """What a reader of the results has to know about the machine."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").open()
                  if line.startswith("model name")), "?")
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {"cpu": model, "cpus": os.cpu_count(), "memory_gib": round(memory_kib / 2**20, 1),
            "kernel": os.uname().release, "syncs_per_s": syncs_per_second(directory),
            "load_before": round(os.getloadavg()[0], 2)}


def syncs_per_second(directory, seconds=0.5):
    """How often 4 KiB in a file that has its blocks already can be written and synced."""
    path = Path(directory) / "sync-probe"
    blocks = 256
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        os.write(fd, bytes(4096 * blocks))
        os.fsync(fd)
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            os.pwrite(fd, os.urandom(4096), 4096 * (count % blocks))
            os.fdatasync(fd)
            count += 1
    finally:
        os.close(fd)
        path.unlink()
    return round(count / seconds)


# --- a program that measures -----------------------------------------------------------------


def options_parser(description, **how):
    """A parser with what every such program is told: --ours, --tools, --dir. how: as ArgumentParser
    has it."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0], **how)
    parser.add_argument("--ours", default=str(ROOT / "build/rubellite-server"), metavar="PROGRAM")
    parser.add_argument("--tools", default=str(ROOT / "build/bench"), metavar="DIR",
                        help="where the load programs are, or are compiled to (%(default)s)")
    parser.add_argument("--dir", default=str(ROOT / "build"), metavar="DIR",
                        help="the disk: data goes to a new directory below this (%(default)s)")
    return parser


def check_programs(**programs):
    """Fails unless they can be run. programs: by the option that names each."""
    for option, program in programs.items():
        if not shutil.which(program):
            raise BenchError(f"{program} is not there; build it first, or name it with --{option}")


def run_facts(kind, directory, ours, redis, others=(), **more):
    """What results begin with, of a run that begins now. ours, redis, others: versions."""
    return {"kind": kind, "ours": ours, "redis": redis, "others": list(others),
            "machine": machine_facts(directory), **more,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def run_program(name, main):
    """Runs main() and exits with what it returns. SIGTERM ends it as Ctrl-C does: servers stopped,
    directories removed. What the user has to know is one line."""
    def interrupt(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.exit(main())
    except BenchError as problem:
        told = problem
    except KeyboardInterrupt:
        told = "interrupted"
    progress("")
    sys.exit(f"{name}: {told}")
