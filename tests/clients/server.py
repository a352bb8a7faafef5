# SPDX-License-Identifier: MIT
"""A server under test that keeps its port and its data through kill -9."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
import process  # noqa: E402  (starting a server and talking to it is shared with the crash test)

Gone = process.Gone
StartError = process.StartError
find_server = process.find_server
free_port = process.free_port


class Server(process.Server):
    """A server in a temporary directory of its own."""

    def __init__(self, binary, directives=None):
        self.top = tempfile.mkdtemp(prefix="rubellite-clients-")
        self.kept_port = None
        data = os.path.join(self.top, "data")
        os.mkdir(data)
        super().__init__(binary, data, os.path.join(self.top, "log"), directives or {})
        try:
            self.start()
        except StartError:
            self.remove()
            raise
        self.kept_port = self.port

    def spawn(self):
        """After the first start the port stays: clients come back to where they were."""
        self.port = self.kept_port or free_port()
        args = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.data]
        for name, value in self.directives.items():
            args += ["--" + name, value]
        with open(self.log_path, "ab") as out:
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT)

    def kill_and_restart(self):
        self.kill()
        self.start()

    def call(self, *args):
        """One command on a connection of its own; its reply's value."""
        conn = self.connect()
        try:
            kind, value = conn.call(*args)
        finally:
            conn.close()
        if kind == "-":
            raise AssertionError("%s: %s" % (args[0], value.decode()))
        return value

    def fill(self, count, prefix="key:"):
        """Sets keys prefix0, prefix1 … to values of different sizes."""
        conn = self.connect()
        try:
            for at in range(0, count, 1000):
                replies = conn.pipeline([("SET", prefix + str(i), "v" * (i % 50 + 1))
                                         for i in range(at, min(at + 1000, count))])
                assert all(kind == "+" for kind, _ in replies), replies[:3]
        finally:
            conn.close()

    def knows(self, command):
        """Whether the server has this command."""
        conn = self.connect()
        try:
            return conn.call("COMMAND", "INFO", command)[1][0][1] is not None
        finally:
            conn.close()

    def remove(self):
        self.kill()
        shutil.rmtree(self.top, ignore_errors=True)
