#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the examples of docs/sql.md and compares what comes out with what is printed there.

    sql_tutorial.py [--packages] [--update] [SERVER]

The page is a script. Its fenced blocks are run in their order against one server that begins empty:

    ```sh           run by bash; redis-cli finds the server, sql is the page's own function
    ```sh packages  the same, over Debian's package index
    ```sh by-hand   not run
    ```python       run where there is redis-py, ```js where NODE_MODULES names a folder with node-redis
    ```text         what the block before has written

Without --packages a few made-up packages stand in for the index: then blocks marked so must run
without an error they do not print, but what they print is not compared. With it, `apt-cache
dumpavail` is loaded and all is compared, but for numbers. Times, and numbers of six digits or more,
may differ everywhere. --update writes the page anew with what came out.
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAGE = os.path.join(ROOT, "docs", "sql.md")
FENCE = re.compile(r"^```(?P<language>\w+)(?P<mark>[ \w-]*)\n(?P<body>.*?)^```\n", re.M | re.S)
ERROR = re.compile(r'^(?:\d+\) )*(?:\(error\)|error:|Traceback)|"SQL[A-Z]+ ', re.M)
LANGUAGES = ("sh", "python", "js")  # methods of Runner
BLOCK_SECONDS = 120

# A few packages, for the shape of things: name, section, installed size, description.
STAND_INS = [
    ("redis", "database", 71, "Persistent key-value database with network interface"),
    ("redis-server", "database", 209, "Persistent key-value database with network interface"),
    ("sqlite3", "database", 1456, "Command line interface for SQLite 3"),
    ("zzuf", "devel", 207, "transparent application fuzzer"),
]


class Server:
    def __init__(self, program, folder):
        self.data = os.path.join(folder, "data")
        os.mkdir(self.data)
        self.log = os.path.join(folder, "log")
        for _ in range(3):  # another program may take the port in between
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.data],
                    stdout=log, stderr=log)
            if self.wait_until_ready():
                return
        sys.exit("sql_tutorial: the server does not start:\n" + self.last_words())

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.cli("PING").stdout.strip() == "PONG":
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def cli(self, *args, **kwargs):
        return subprocess.run(["redis-cli", "-p", str(self.port), *args], check=False,
                              capture_output=True, encoding="utf-8", timeout=BLOCK_SECONDS,
                              **kwargs)

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def load_index(folder):
    index = subprocess.run(["apt-cache", "dumpavail"], check=True, capture_output=True).stdout
    subprocess.run([sys.executable, os.path.join(HERE, "packages.py"), folder], input=index,
                   check=True, stdout=subprocess.DEVNULL)


def load_stand_ins(folder):
    text = "\n".join(f"Package: {name}\nSection: {section}\nInstalled-Size: {size}\n"
                     f"Maintainer: Nobody <nobody@example.org>\nDescription: {description}\n"
                     for name, section, size, description in STAND_INS)
    subprocess.run([sys.executable, os.path.join(HERE, "packages.py"), folder], encoding="utf-8",
                   input=text, check=True, stdout=subprocess.DEVNULL)


def load(server, folder):
    with open(os.path.join(folder, "load.resp"), "rb") as file:
        done = server.cli("--pipe", stdin=file)
    if "errors: 0" not in done.stdout:
        sys.exit("sql_tutorial: loading the packages: " + done.stdout + done.stderr)


class Runner:
    """Runs blocks of the page; each method answers what was written, or None for "not here"."""

    def __init__(self, server, folder, definition):
        self.server, self.folder = server, folder
        self.prelude = (f'redis-cli() {{ command redis-cli -p {server.port} --no-raw "$@"; }}\n'
                        + definition)

    def run(self, command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding="utf-8", check=False,
                              timeout=BLOCK_SECONDS, cwd=self.server.data)
        return done.stdout

    def sh(self, body):
        return self.run(["bash", "-c", self.prelude + body])

    def python(self, body):
        for python in (sys.executable, "/usr/bin/python3"):
            if shutil.which(python) and subprocess.run([python, "-c", "import redis"], check=False,
                                                       capture_output=True).returncode == 0:
                return self.run([python, "-c", body.replace("6379", str(self.server.port))])
        return None

    def js(self, body):
        modules = os.environ.get("NODE_MODULES")
        if not modules or not shutil.which("node"):
            return None
        program = os.path.join(self.folder, "example.mjs")
        with open(program, "w", encoding="utf-8") as file:
            file.write(body.replace("6379", str(self.server.port)))
        link = os.path.join(self.folder, "node_modules")
        if not os.path.exists(link):
            os.symlink(os.path.abspath(modules), link)
        return self.run(["node", program])


def normalise(text, numbers):
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "TIME", text)
    text = re.sub(r"-?\d+(\.\d+)?" if numbers else r"\d{6,}", "N", text)
    return clean(text)


def clean(text):
    """Without redis-cli's own line about a command that took long, "(0.61s)"."""
    return "".join(line.rstrip() + "\n" for line in text.strip().splitlines()
                   if not re.fullmatch(r"\(\d+\.\d+s\)", line))


def errors(text):
    return len(ERROR.findall(text))


def check(block, printed, real, compare_packages):
    """What is wrong with a block, or None."""
    about_packages = "packages" in block["mark"].split()
    if about_packages and not compare_packages:
        return "an error" if errors(real) > errors(printed) else None
    if normalise(printed, about_packages) == normalise(real, about_packages):
        return None
    return "it differs"


def walk(text, runner, options):
    """Runs all blocks; answers how many were compared, what is wrong, and the page as it is."""
    blocks = list(FENCE.finditer(text))
    count, wrong, page, at = 0, [], "", 0
    for i, block in enumerate(blocks):
        if block["language"] not in LANGUAGES or "by-hand" in block["mark"].split():
            continue
        real = getattr(runner, block["language"])(block["body"])
        after = blocks[i + 1] if i + 1 < len(blocks) else None
        shown = after if after is not None and after["language"] == "text" else None
        printed = shown["body"] if shown else ""
        if real is None:
            print(f"sql_tutorial: not run, its library is not here: ```{block['language']}")
            continue
        count += 1
        problem = check(block, printed, real, options.packages)
        if problem:
            line = text.count("\n", 0, block.start()) + 1
            wrong.append(f"{PAGE}:{line}: {problem}\n{block['body']}--- printed:\n{printed}"
                         f"--- real:\n{real}")
            if shown:
                page += text[at:shown.start("body")] + clean(real)
                at = shown.end("body")
    return count, wrong, page + text[at:]


def definition_of_sql(text):
    found = re.search(r"^sql\(\) \{.*\}$", text, re.M)
    if not found:
        sys.exit("sql_tutorial: the page does not define sql()")
    return found.group(0) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", action="store_true", help="load Debian's package index")
    parser.add_argument("--update", action="store_true", help="write the page anew")
    parser.add_argument("server", nargs="?", default=os.environ.get(
        "RUBELLITE_SERVER", os.path.join(ROOT, "build", "rubellite-server")))
    options = parser.parse_args()
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory(prefix="rubellite-sql-") as folder:
        (load_index if options.packages else load_stand_ins)(folder)
        server = Server(os.path.abspath(options.server), folder)
        try:
            load(server, folder)
            runner = Runner(server, folder, definition_of_sql(text))
            count, wrong, page = walk(text, runner, options)
        finally:
            server.stop()
    for problem in wrong:
        print(problem)
    if options.update:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page)
    print(f"sql_tutorial: {count} examples run, {len(wrong)} differ from docs/sql.md")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
