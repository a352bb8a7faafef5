# SPDX-License-Identifier: MIT
"""A program in a pseudo terminal: what it prints, and keys typed into it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
SECONDS = 20


class Terminal:
    """`output` is all that was printed so far, without escape sequences."""

    def __init__(self, args, env=None):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self.master = master
        self.raw = b""
        self.process = subprocess.Popen(
            args, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=dict(os.environ, TERM="xterm", **(env or {})))
        os.close(slave)

    @property
    def output(self):
        return ESCAPES.sub("", self.raw.decode("utf-8", "replace"))

    def mark(self):
        """Forgets what was printed so far."""
        self.raw = b""

    def type(self, text):
        """Types text; "\\t" is Tab, "\\r" is Enter."""
        os.write(self.master, text.encode())

    def _more(self, seconds):
        """Reads what comes within the time; False at the end of the program's output."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            data = b""
        self.raw += data
        return bool(data)

    def wait_for(self, pattern, seconds=SECONDS):
        """Waits until the output has the regular expression; returns its match."""
        deadline = time.monotonic() + seconds
        going = True
        while True:
            match = re.search(pattern, self.output)
            if match:
                return match
            assert going and time.monotonic() < deadline, \
                "expected /%s/ within %d s, the terminal shows %r" % (pattern, seconds,
                                                                     self.output[-600:])
            going = self._more(0.2)

    def line(self, text, pattern, prompt="> $"):
        """Types a line, waits for an answer to it and then for the next prompt."""
        self.mark()
        self.type(text + "\r")
        match = self.wait_for(pattern)
        self.wait_for(prompt)
        return match

    def end(self):
        """Interrupts the program if it still runs; returns all it printed."""
        deadline = time.monotonic() + SECONDS
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        while self.process.poll() is None and time.monotonic() < deadline:
            self._more(0.05)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        while select.select([self.master], [], [], 0)[0] and self._more(0):
            pass
        os.close(self.master)
        return self.output

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
