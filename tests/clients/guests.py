# SPDX-License-Identifier: MIT
"""Client libraries of other languages: programs of their own in guest_programs/.

A guest gets the server's port as its argument and prints one line for each check: "ok NAME" or
"not ok NAME: why"; its last line is "end". When it prints "kill the server", the server is killed
with -9 and started again on the same port and data; the guest then reads "done" from its standard
input.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "guest_programs")
GUEST_SECONDS = 180
INSTALL_SECONDS = 300

# The versions people run today, and, under a second name, the newest there are.
PACKAGES = ["redis@5", "ioredis@5", "connect-redis@9", "express@5", "express-session@1",
            "redis-newest@npm:redis@latest", "ioredis-newest@npm:ioredis@latest"]

# (title, program, packages it is run with)
NODE_GUESTS = [
    ("", "node_redis.js", ["redis", "redis-newest"]),
    ("", "ioredis.js", ["ioredis", "ioredis-newest"]),
    ("types, with", "types.js", ["redis"]),
    ("chat with", "chat.js", ["ioredis", "ioredis-newest"]),
    ("sessions with", "sessions.js", ["connect-redis"]),
]


def run_guest(report, server, title, args, env=None):
    """Runs a guest and takes over its checks."""
    guest = subprocess.Popen(args + [str(server.port)], stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=dict(os.environ, **(env or {})))
    timer = threading.Timer(GUEST_SECONDS, guest.kill)
    timer.start()
    errors = []
    reader = threading.Thread(target=lambda: errors.append(guest.stderr.read()))
    reader.start()
    ended = False
    for line in guest.stdout:
        line = line.rstrip("\n")
        if line.startswith("ok "):
            report.ok("%s: %s" % (title, line[3:]))
        elif line.startswith("not ok "):
            name, _, why = line[7:].partition(": ")
            report.fail("%s: %s" % (title, name), why)
        elif line == "kill the server":
            server.kill_and_restart()
            guest.stdin.write("done\n")
            guest.stdin.flush()
        else:
            ended = line == "end"
    guest.wait()
    timer.cancel()
    reader.join()
    if not ended or guest.returncode:
        report.fail("%s: runs to its end" % title, "exit code %d, standard error:\n%s"
                    % (guest.returncode, "".join(errors)[-2000:]))


# (title, program, modules it needs, Debian's package of them)
PYTHON_GUESTS = [
    ("redis-py", "redis_py.py", "redis", "python3-redis"),
    ("redis-py types", "redis_py_types.py", "redis", "python3-redis"),
    ("Celery", "celery_app.py", "celery, redis", "python3-celery and python3-redis"),
    ("django-redis", "django_app.py", "django_redis, django, redis", "python3-django-redis"),
]


def python_with(modules):
    """A Python that has the modules: this one, or the system's."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", "import " + modules], capture_output=True,
                              timeout=60, check=False).returncode == 0:
                return python
        except OSError:
            pass
    return None


def run_python(report, server):
    for title, program, modules, package in PYTHON_GUESTS:
        python = python_with(modules)
        if not python:
            report.skip(title, "no Python here has %s (Debian: %s)" % (modules, package))
            continue
        server.call("FLUSHALL")
        run_guest(report, server, title + python_versions(python, modules),
                  [python, "-B", os.path.join(PROGRAMS, program)])


def python_versions(python, modules):
    """' 5.2.6' of the first module that says."""
    first = modules.partition(",")[0]
    done = subprocess.run([python, "-c", "import %s; print(%s.__version__)" % (first, first)], capture_output=True,
                          timeout=60, check=False, text=True)
    return " " + done.stdout.strip() if done.returncode == 0 else ""


def run_node(report, server):
    if not shutil.which("npm") or not shutil.which("node"):
        report.skip("node clients", "node and npm are not installed")
        return
    with tempfile.TemporaryDirectory(prefix="rubellite-npm-") as top:
        for name in os.listdir(PROGRAMS):
            if name.endswith(".js"):
                shutil.copy(os.path.join(PROGRAMS, name), top)
        try:
            done = subprocess.run(
                ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                 "--loglevel=error", *PACKAGES],
                cwd=top, capture_output=True, timeout=INSTALL_SECONDS, check=False, text=True)
            problem = done.stderr.strip()[-500:] if done.returncode else None
        except subprocess.TimeoutExpired:
            problem = "no end after %d s" % INSTALL_SECONDS
        if problem:
            report.skip("node clients", "npm install does not work here: " + problem)
            return
        for title, program, packages in NODE_GUESTS:
            for package in packages:
                server.call("FLUSHALL")
                run_guest(report, server, (title + " " + version(top, package)).strip(),
                          ["node", os.path.join(top, program)], {"PACKAGE": package})


def version(top, package):
    """'redis 5.8.0': the package's own name and version."""
    done = subprocess.run(
        ["node", "-p", "let p = require('./node_modules/%s/package.json'); p.name + ' ' + p.version"
         % package], cwd=top, capture_output=True, timeout=60, check=True, text=True)
    return done.stdout.strip()
