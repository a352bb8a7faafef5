# SPDX-License-Identifier: MIT
"""A quick blocking client of the Redis protocol, and the server programs that it speaks to."""

import ctypes
import os
import signal
import socket
import subprocess
import time

HOST = "127.0.0.1"
REPLY_SECONDS = 120
START_SECONDS = 60


class Refused(str):
    """An error reply."""


class Gone(Exception):
    """The connection ended."""


def request(*args):
    """The bytes of one command."""
    words = [b"*%d\r\n" % len(args)]
    for arg in args:
        if isinstance(arg, str):
            arg = arg.encode()
        elif not isinstance(arg, (bytes, bytearray)):
            arg = b"%d" % arg
        words.append(b"$%d\r\n" % len(arg))
        words.append(arg)
        words.append(b"\r\n")
    return b"".join(words)


class Client:
    """A connection. Simple strings come back as str, bulk strings as bytes, error replies as
    Refused."""

    def __init__(self, port, database=0, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(REPLY_SECONDS)
        try:
            self.socket.connect((HOST, port))
        except OSError as error:
            self.socket.close()
            raise Gone(str(error)) from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)
        if database:
            self.call("SELECT", database)

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from None

    def read(self):
        try:
            return self._reply()
        except OSError as error:
            raise Gone(str(error) or "no answer in %d s" % REPLY_SECONDS) from None

    def _reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Gone("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            data = self.file.read(size + 2)
            if len(data) != size + 2:
                raise Gone("the server closed the connection in the middle of a reply")
            return data[:-2]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Refused(rest.decode("utf-8", "replace"))
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise Gone("a reply begins with %r" % line[:40])

    def call(self, *args):
        self.send(request(*args))
        return self.read()

    def pipeline(self, commands):
        self.send(b"".join([request(*command) for command in commands]))
        return [self.read() for _ in commands]

    def info(self, section="all"):
        text = self.call("INFO", section)
        lines = text.decode("utf-8", "replace").splitlines() if text else []
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def reset(self):
        """Closes with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


def die_with_parent():
    """Called in a new process: it ends when the one that made it does, however that is ended."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Server:
    """A server program with a directory of its own."""

    def __init__(self, program, directory, log, arguments):
        self.program, self.directory, self.log_path = program, directory, log
        self.arguments, self.process, self.port = arguments, None, 0

    def start(self):
        for _ in range(3):  # another program may take the port
            self.port = free_port()
            command = [self.program, "--port", str(self.port), "--bind", HOST, "--dir",
                       self.directory, *self.arguments]
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, preexec_fn=die_with_parent)
            if self._wait_until_ready():
                return self
        raise Gone("%s does not start; its log ends with:\n%s" % (self.program, self.log()))

    def _wait_until_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.alive():
            try:
                client = Client(self.port)
                ready = client.call("PING") == "PONG"
                client.close()
                if ready:
                    return True
            except Gone:
                pass
            time.sleep(0.005)
        return False

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=120):
        """Asks it to end; its exit status, or None when it had to be killed."""
        if self.process is None:
            return None
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()

    def log(self, size=3000):
        try:
            with open(self.log_path, "rb") as file:
                file.seek(max(0, os.path.getsize(self.log_path) - size))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""
