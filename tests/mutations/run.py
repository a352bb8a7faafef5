#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants bugs and sees whether the tests notice: a check that cannot fail is worth nothing.

    tests/mutations/run.py [--build DIR] [--only NAME] [--list]

Each mutation replaces one text of one source file in a copy of the tree, builds the test that
should notice, and runs it. It must pass without the mutation and fail with it. Nothing of the
checkout is touched.
"""
import argparse
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from planted import MUTATIONS  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "mutations"), help="where the copy is built")
    parser.add_argument("--only", action="append", help="only mutations whose name holds this text")
    parser.add_argument("--list", action="store_true", help="list them, run nothing")
    parser.add_argument("--jobs", default=str(os.cpu_count() or 2))
    return parser.parse_args()


def copy_tree(to):
    """The files that git knows, as they are in the checkout; only what differs is written."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, stdout=subprocess.PIPE).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = os.path.join(ROOT, name), os.path.join(to, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as file:
            text = file.read()
        if not os.path.exists(target) or open(target, "rb").read() != text:
            shutil.copy(source, target)


class Tree:
    def __init__(self, build, jobs):
        self.source, self.jobs, self.builds = os.path.join(build, "source"), jobs, {}
        self.base = build
        copy_tree(self.source)

    def build_of(self, sanitize):
        if sanitize not in self.builds:
            path = os.path.join(self.base, "build-" + (sanitize or "plain"))
            options = ["-DRUBELLITE_LTO=OFF", "-DRUBELLITE_BENCH=OFF", "-DRUBELLITE_TESTS=ON"]
            if sanitize:
                options.append("-DRUBELLITE_SANITIZE=" + sanitize)
            if shutil.which("ccache"):
                options.append("-DCMAKE_C_COMPILER_LAUNCHER=ccache")
            subprocess.run(["cmake", "-S", self.source, "-B", path, *options], check=True, stdout=subprocess.DEVNULL)
            self.builds[sanitize] = path
        return self.builds[sanitize]

    def passes(self, mutation):
        """Whether the test passes on the tree as it is now; None when it does not build."""
        self.output = ""
        path = self.build_of(mutation.sanitize)
        made = subprocess.run(["cmake", "--build", path, "-j", self.jobs, "--target", *mutation.targets],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode:
            print(made.stdout.decode(errors="replace")[-2000:])
            return None
        command = [part.format(build=path, source=self.source) for part in mutation.command]
        try:
            ran = subprocess.run(command, cwd=path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env={**os.environ, **mutation.environment}, timeout=mutation.seconds)
        except subprocess.TimeoutExpired:
            return False
        self.output = ran.stdout.decode(errors="replace")
        return ran.returncode == 0

    def reason(self):
        """Why the test that ran last failed, as far as one line says it."""
        lines = [line.strip() for line in self.output.splitlines()]
        return next((line[:200] for line in lines if "FAILED" in line or "[----] " in line), "")

    def plant(self, mutation):
        path = os.path.join(self.source, mutation.file)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if text.count(mutation.old) != 1:
            sys.exit("%s: its text stands %d times in %s; tests/mutations/planted.py needs care"
                     % (mutation.name, text.count(mutation.old), mutation.file))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(mutation.old, mutation.new))

    def heal(self, mutation):
        shutil.copy(os.path.join(ROOT, mutation.file), os.path.join(self.source, mutation.file))
        os.utime(os.path.join(self.source, mutation.file))


def main():
    args = options()
    chosen = [m for m in MUTATIONS if not args.only or any(text in m.name for text in args.only)]
    if args.list:
        for mutation in chosen:
            print("%-28s %s" % (mutation.name, mutation.what))
        return 0
    tree, missed, sound = Tree(args.build, args.jobs), 0, {}
    for mutation in chosen:
        test = (mutation.sanitize, tuple(mutation.command))
        if test not in sound:
            sound[test] = tree.passes(mutation)
        if not sound[test]:
            print("%-28s the test fails without it" % mutation.name)
            missed += 1
            continue
        tree.plant(mutation)
        try:
            result = tree.passes(mutation)
        finally:
            tree.heal(mutation)
        caught = result is False
        missed += not caught
        print("%-28s %s (%s)" % (mutation.name, "caught" if caught else "does not build" if result is None
                                 else "NOT CAUGHT", mutation.what), flush=True)
        if caught and tree.reason():
            print("    %s" % tree.reason(), flush=True)
    print("%d planted, %d caught, %d not" % (len(chosen), len(chosen) - missed, missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
