# SPDX-License-Identifier: MIT
"""What the guests in Python share. See ../guests.py for what is printed."""

import contextlib
import sys
import time

PORT = int(sys.argv[1])


@contextlib.contextmanager
def check(name):
    """One check: fine unless its block raises."""
    try:
        yield
    except Exception as error:  # pylint: disable=broad-except
        print("not ok %s: %s %s" % (name, type(error).__name__, str(error).replace("\n", " ")))
    else:
        print("ok %s" % name)
    sys.stdout.flush()


def same(got, wanted):
    assert got == wanted, "expected %r, got %r" % (wanted, got)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "this never came"
        time.sleep(0.001)


def raises(kind, function, *args, **options):
    """The text of the error that the function must raise."""
    try:
        function(*args, **options)
    except kind as error:
        return str(error)
    raise AssertionError("expected %s" % kind.__name__)


def kill_the_server():
    """Has the server killed with -9 and started again."""
    print("kill the server", flush=True)
    assert sys.stdin.readline() == "done\n"


def main(*parts):
    for part in parts:
        part()
    print("end", flush=True)
