# SPDX-License-Identifier: MIT
"""Starting and stopping the two servers, and connections to them."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import resp

REPLY_SECONDS = 6  # how long a reply may take before the step counts as unanswered


class StartError(Exception):
    """A server did not come up."""


class Closed(Exception):
    """The server closed the connection; .rest holds what came before that."""

    def __init__(self, rest):
        super().__init__("connection closed")
        self.rest = rest


class NoReply(Exception):
    """Nothing complete came within REPLY_SECONDS; .rest holds what came."""

    def __init__(self, rest):
        super().__init__("no reply")
        self.rest = rest


class Connection:
    """One client connection, blocking, with a reader of its own."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), REPLY_SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.at = 0
        self.id = None

    def send(self, data):
        """Sends; a connection the server has closed shows in the next read, not here."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        except socket.timeout:
            raise NoReply(bytes(self.buffer[self.at:])) from None
        if not data:
            raise Closed(bytes(self.buffer[self.at:]))
        if self.at:
            del self.buffer[:self.at]
            self.at = 0
        self.buffer += data

    def read(self):
        """One reply: (its bytes, its tree)."""
        while True:
            try:
                tree, end = resp.parse(self.buffer, self.at)
            except resp.Incomplete:
                self._more()
                continue
            raw = bytes(self.buffer[self.at:end])
            self.at = end
            return raw, tree

    def read_to_end(self):
        """Everything until the server closes the connection."""
        while True:
            try:
                self._more()
            except Closed as closed:
                self.at = len(self.buffer)
                return closed.rest

    def call(self, *args):
        self.send(resp.request([a if isinstance(a, bytes) else str(a).encode() for a in args]))
        return self.read()[1]

    def address(self):
        return b"%s:%d" % (self.sock.getsockname()[0].encode(), self.sock.getsockname()[1])

    def peer(self):
        return b"%s:%d" % (self.sock.getpeername()[0].encode(), self.sock.getpeername()[1])

    def close(self):
        self.sock.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process with a directory of its own. `kind` is 'ours' or 'redis'."""

    def __init__(self, kind, binary, directives, config=None):
        self.kind = kind
        self.binary = binary
        self.directives = directives
        self.config = config
        self.dir = tempfile.mkdtemp(prefix="compat-%s-" % kind)
        self.process = None
        self.port = 0
        self.start()

    def start(self):
        """Starts on a free port; another process may take it first, so it tries again."""
        for _ in range(5):
            self.port = free_port()
            if self._try_start():
                return
        raise StartError("%s does not start:\n%s" % (self.binary, self.log()))

    def _try_start(self):
        args = [self.binary]
        if self.config is not None:
            path = os.path.join(self.dir, "server.conf")
            if not os.path.exists(path):
                with open(path, "w", encoding="utf-8") as out:
                    out.write(self.config)
            args.append(path)
        for name, value in [("port", str(self.port)), ("bind", "127.0.0.1"), ("dir", self.dir)] \
                + self.directives:
            args += ["--" + name, value]
        with open(os.path.join(self.dir, "stdout"), "ab") as out:
            self.process = subprocess.Popen(args, cwd=self.dir, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + REPLY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                conn = Connection(self.port)
            except OSError:
                time.sleep(0.01)
                continue
            try:
                conn.send(resp.request([b"PING"]))
                if conn.read()[0].startswith((b"+PONG", b"-NOAUTH")):
                    return True
            except (Closed, NoReply):
                pass
            finally:
                conn.close()
            time.sleep(0.01)
        self.end()
        return False

    def end(self):
        """Ends the process: asks first, then insists."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(REPLY_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.end()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        try:
            with open(os.path.join(self.dir, "stdout"), "rb") as out:
                return out.read()[-2000:].decode("utf-8", "replace")
        except OSError:
            return ""

    def alive(self):
        return self.process is not None and self.process.poll() is None


class Pair:
    """The same configuration twice: our server and redis-server."""

    def __init__(self, ours, redis, directives, config=None):
        self.servers = []
        for kind, binary in (("ours", ours), ("redis", redis)):
            try:
                self.servers.append(Server(kind, binary, list(directives), config))
            except (StartError, OSError):
                self.stop()
                raise

    def stop(self):
        for server in self.servers:
            server.stop()
