# SPDX-License-Identifier: MIT
"""Makers of random operations: one module for each family of commands.

A module has a table of commands, with how often each comes; a maker gets the Generator of
sequence.py, which has the dice and what the families share (keys, times), and returns the arguments
after the command's name. Alphabets are small, so that commands meet each other's results.
"""


class Commands:
    """The commands of one family."""

    def __init__(self):
        self.entries = []   # (name, weight, maker, whether it may be queued by MULTI)

    def command(self, name, weight, queued=True):
        def register(maker):
            self.entries.append((name, weight, maker, queued))
            return maker
        return register

    def several(self, weights, maker, queued=True):
        """Commands that take the same arguments: {name: weight}."""
        for name, weight in weights.items():
            self.command(name, weight, queued)(maker)
