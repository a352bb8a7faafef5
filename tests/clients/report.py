# SPDX-License-Identifier: MIT
"""Counts checks and prints one line for each."""

import contextlib
import traceback


class Skip(Exception):
    """Raised inside a check that cannot be made here; its text says why."""


class Report:
    def __init__(self, verbose=False):
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose

    def ok(self, name):
        self.passed += 1
        print("ok    %s" % name, flush=True)

    def fail(self, name, why):
        self.failed += 1
        print("FAIL  %s: %s" % (name, why), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print("SKIP  %s: %s" % (name, why), flush=True)

    @contextlib.contextmanager
    def check(self, name):
        """A check passes when its block ends without an exception."""
        try:
            yield
        except Skip as why:
            self.skip(name, why)
        except Exception as error:  # pylint: disable=broad-except
            if self.verbose or not isinstance(error, AssertionError):
                traceback.print_exc()
            self.fail(name, str(error) or type(error).__name__)
        else:
            self.ok(name)

    def close(self):
        """Prints the last line; returns the exit code."""
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0


def shorten(text, size=400):
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = text if len(text) <= size else text[:size // 2] + " [...] " + text[-size // 2:]
    return repr(text)


def expect(text, *parts):
    """Each part occurs in the text, in this order."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, "expected %s in %s" % (shorten(part), shorten(text))
        at = found + len(part)


def expect_not(text, *parts):
    for part in parts:
        assert part not in text, "did not expect %s in %s" % (shorten(part), shorten(text))


def same(what, got, wanted):
    assert got == wanted, "%s: expected %s, got %s" % (what, shorten(repr(wanted)),
                                                       shorten(repr(got)))
