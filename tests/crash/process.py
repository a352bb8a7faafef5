# SPDX-License-Identifier: MIT
"""A server on a directory that outlives it, and connections to it."""

import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compat"))
import resp  # noqa: E402  (the reader of replies is shared with the compat test)

START_SECONDS = 60
START_ATTEMPTS = 5
REPLY_SECONDS = 60


class StartError(Exception):
    """A server did not come up."""


class Gone(Exception):
    """The server closed the connection, or refused it."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def encode(args):
    return resp.request([a if isinstance(a, bytes) else str(a).encode() for a in args])


class Connection:
    """A blocking connection."""

    def __init__(self, port):
        try:
            self.sock = socket.create_connection(("127.0.0.1", port), REPLY_SECONDS)
        except OSError as error:
            raise Gone(str(error)) from None
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.at = 0

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from None

    def read(self):
        """One reply, as resp.parse gives it."""
        while True:
            try:
                tree, self.at = resp.parse(self.buffer, self.at)
                return tree
            except resp.Incomplete:
                pass
            try:
                data = self.sock.recv(1 << 18)
            except socket.timeout:
                raise
            except OSError as error:
                raise Gone(str(error)) from None
            if not data:
                raise Gone("end of stream")
            del self.buffer[:self.at]
            self.at = 0
            self.buffer += data

    def call(self, *args):
        self.send(encode(args))
        return self.read()

    def pipeline(self, commands):
        """Sends all at once; returns the replies. No answer must be too long for the buffers."""
        self.send(b"".join(encode(c) for c in commands))
        return [self.read() for _ in commands]

    def close(self):
        self.sock.close()


class Server:
    """One run of a server. Its output is appended to LOG in the directory above its data."""

    def __init__(self, binary, data, log, directives, environment=None):
        self.binary, self.data, self.log_path = binary, data, log
        self.directives, self.environment = directives, environment
        self.process, self.port = None, 0

    def spawn(self):
        """Starts the process and does not wait for anything."""
        self.port = free_port()
        args = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.data]
        for name, value in self.directives.items():
            args += ["--" + name, value]
        with open(self.log_path, "ab") as out:
            self.process = subprocess.Popen(
                args, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=dict(os.environ, **(self.environment or {})))

    def start(self):
        """Starts the process and waits until it answers; another program may take its port."""
        for _ in range(START_ATTEMPTS):
            self.spawn()
            if self._wait_until_ready():
                return self
        raise StartError("%s does not start:\n%s" % (self.binary, self.log()))

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                conn = Connection(self.port)
                try:
                    if self.is_ours(conn):
                        return True
                finally:
                    conn.close()
            except Gone:
                pass
            time.sleep(0.002)
        if self.alive():
            self.kill()
            raise StartError("%s does not answer:\n%s" % (self.binary, self.log()))
        return False

    def is_ours(self, conn):
        """Another server may have taken the port, another test's even."""
        kind, text = conn.call("INFO", "server")
        return kind == "$" and b"process_id:%d\r" % self.process.pid in text

    def connect(self, db=0):
        conn = Connection(self.port)
        if db:
            conn.call("SELECT", db)
        return conn

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self, seconds=60):
        """Asks the process to end and waits for it; returns its exit code."""
        self.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise StartError("the server does not stop:\n%s" % self.log()) from None

    def log(self, size=4000):
        try:
            with open(self.log_path, "rb") as out:
                return out.read()[-size:].decode("utf-8", "replace")
        except OSError:
            return ""


def report(*lines):
    """What a script says at its end; `make crash` collects it in CRASH_SUMMARY and shows it last."""
    print("\n".join(lines), flush=True)
    path = os.environ.get("CRASH_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in lines))


def long_rounds(default):
    """How many rounds, by ROUNDS, of a script whose rounds take much longer than those of the others."""
    rounds = int(os.environ.get("ROUNDS") or default)
    return rounds if rounds <= default else max(default, rounds // 4)


def find_server(argument):
    """The server's path: from the command line, or RUBELLITE_SERVER."""
    path = argument or os.environ.get("RUBELLITE_SERVER")
    if not path:
        sys.exit("say which server: --ours PATH or RUBELLITE_SERVER")
    return path


def add_library(parser, name):
    """The option that names a library which goes under the server; see find_library."""
    parser.add_argument("--" + name, metavar="PATH", help="the library made of %s.c (default: RUBELLITE_%s, or "
                        "tests/%s.so beside the server)" % (name, name.upper(), name))


def find_library(options, name):
    """Its path, after options.ours is known: from the command line, the environment, or the build's folder."""
    path = (getattr(options, name) or os.environ.get("RUBELLITE_" + name.upper())
            or os.path.join(os.path.dirname(os.path.abspath(options.ours)), "tests", name + ".so"))
    if not os.path.exists(path):
        sys.exit("%s is not there. Say where %s.so is: --%s PATH or RUBELLITE_%s; a build makes it" % (
            path, name, name, name.upper()))
    return os.path.abspath(path)
