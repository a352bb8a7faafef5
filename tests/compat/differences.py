# SPDX-License-Identifier: MIT
"""The deliberate differences between Rubellite and redis-server 7.0.15.

One table. A step of a case names its entry with `differs=NAME`; the entry says what Rubellite
answers instead, unless the step itself says so with `want=`. The title of every entry stands in
docs/compatibility.md, with the reason for users; run.py checks that, and that each entry is met by
a case and really is a difference.
"""


class Difference:
    def __init__(self, title, reason, expect=None):
        self.title = title      # as in docs/compatibility.md
        self.reason = reason
        self.expect = expect    # (step, redis's reply, protocol) -> the reply that ours must give


TABLE = {
"client-subcommands": Difference("a","b"), "debug-subcommands": Difference("a","b"), "after-7.0": Difference("a","b"), "client-fields": Difference("a","b"), "client-fields-set": Difference("a","b"),
}
