# SPDX-License-Identifier: MIT
"""What somebody who runs the server meets: daemons, limits, files of redis-server."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from report import expect, same
from server import Server, free_port

SECONDS = 30


def start(binary, *args):
    """Runs the server's program to its end; a daemon's start ends too."""
    return subprocess.run([binary, *args], capture_output=True, text=True, timeout=SECONDS,
                          check=False)


def await_end(path):
    """Waits until the server has removed its pidfile."""
    deadline = time.monotonic() + SECONDS
    while os.path.exists(path):
        assert time.monotonic() < deadline, "%s is still there" % path
        time.sleep(0.01)


def daemons(report, binary, top):
    """--daemonize, seen from the shell that starts it."""
    pidfile = os.path.join(top, "pid")
    data = os.path.join(top, "data")
    os.mkdir(data)
    port = free_port()
    args = ["--daemonize", "yes", "--pidfile", pidfile, "--bind", "127.0.0.1", "--dir", data]
    with report.check("daemonize: ready when the command ends, pidfile, SHUTDOWN removes it"):
        done = start(binary, "--port", str(port), *args)
        same("exit code and output", (done.returncode, done.stdout + done.stderr), (0, ""))
        with open(pidfile, encoding="ascii") as lines:
            pid = int(lines.read())
        with socket.create_connection(("127.0.0.1", port), SECONDS) as conn:
            conn.sendall(b"INFO server\r\n")
            expect(conn.recv(1 << 16).decode(), "process_id:%d\r\n" % pid)
            with report.check("daemonize: a second one on its directory says who holds it"):
                done = start(binary, "--port", str(free_port()), *args)
                same("exit code", done.returncode, 1)
                expect(done.stderr, "rubellite-server: cannot start: ", "rubellite.lock is held by",
                       "process %d" % pid)
                assert os.path.exists(pidfile), "the running server's pidfile is gone"
            conn.sendall(b"SHUTDOWN\r\n")
            await_end(pidfile)
    with report.check("daemonize: what stops the start is said, and the exit code is 1"):
        done = start(binary, "--port", "0", *args)
        same("exit code", done.returncode, 1)
        expect(done.stderr, "nothing to listen on")
        missing = os.path.join(top, "missing")
        done = start(binary, "--port", str(port), *args[:-1], missing)
        same("exit code", done.returncode, 1)
        expect(done.stderr, "cannot start: ", missing)


def words(report, binary):
    """The command line."""
    with report.check("options: unknown ones are refused with what to do"):
        done = start(binary, "-x")
        same("exit code", done.returncode, 1)
        expect(done.stderr, "unknown option '-x'", "--help")
        done = start(binary, "--nosuch", "1")
        same("exit code", done.returncode, 1)
        expect(done.stderr, "'nosuch'")
    with report.check("options: --help and --version, whatever follows"):
        expect(start(binary, "--help", "me").stdout, "Usage: rubellite-server", "appendfsync")
        expect(start(binary, "--version", "please").stdout, "Rubellite server v=")


def few_files(report, binary, top):
    """A limit of open files below maxclients."""
    limited = os.path.join(top, "limited-server")
    with open(limited, "w", encoding="utf-8") as script:
        script.write('#!/bin/sh\nulimit -n 100\nexec "%s" "$@"\n' % os.path.abspath(binary))
    os.chmod(limited, 0o755)
    with report.check("maxclients fits the limit of open files; more clients are told"):
        server = Server(limited, {"maxclients": "500"})
        clients = []
        try:
            allowed = int(server.call("CONFIG", "GET", "maxclients")[1][1])
            assert 20 <= allowed < 100, allowed
            expect(server.log(), "maxclients is lowered from 500 to %d" % allowed)
            for number in range(allowed + 5):
                clients.append(socket.create_connection(("127.0.0.1", server.port), SECONDS))
                clients[-1].sendall(b"PING\r\n")
                wanted = b"+PONG" if number < allowed else b"-ERR max number of clients reached"
                same("client %d" % number, clients[-1].recv(100).strip(), wanted)
        finally:
            for client in clients:
                client.close()
            server.remove()


def redis_files(report, binary):
    """A directory redis-server has used."""
    with report.check("redis-server's dump.rdb is not touched, and the log says it is not read"):
        server = Server(binary)
        try:
            dump = os.path.join(server.data, "dump.rdb")
            shutil.copy(binary, dump)
            size = os.path.getsize(dump)
            server.stop()
            server.start()
            expect(server.log(), "dump.rdb is redis-server's and is not read")
            same("size", os.path.getsize(dump), size)
        finally:
            server.remove()


def run(report, server):
    binary = server.binary
    with tempfile.TemporaryDirectory(prefix="rubellite-operation-") as top:
        daemons(report, binary, top)
        few_files(report, binary, top)
    redis_files(report, binary)
    words(report, binary)
