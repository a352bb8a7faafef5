# SPDX-License-Identifier: MIT
"""The configurations under which cases run; each is a pair of servers of its own."""

PASSWORD = "s3cret"


# No snapshots and no rewriting of the AOF at moments of redis-server's choice.
ALWAYS = [("save", ""), ("auto-aof-rewrite-percentage", "0")]


class Group:
    def __init__(self, directives=(), config=None, greeting=()):
        self.directives = list(ALWAYS) + [("enable-debug-command", "yes")] + list(directives)
        self.config = config
        self.greeting = [tuple(part.encode() for part in line) for line in greeting]


TABLE = {
    "default": Group([("appendonly", "yes"), ("appendfsync", "everysec")]),
    # A password from the start.
    "password": Group([("requirepass", PASSWORD)], greeting=[("AUTH", PASSWORD)]),
    # Small limits and renamed commands.
    "limits": Group([("databases", "4"), ("proto-max-bulk-len", "1mb"), ("maxclients", "12"),
                     ("client-query-buffer-limit", "2mb")]),
    # A configuration file, which CONFIG REWRITE writes and renamed commands live in.
    "file": Group(config="# a remark that stays\n"
                         "maxclients 500\n"
                         "slowlog-max-len 55\n"
                         "rename-command FLUSHDB \"\"\n"
                         "rename-command APPEND ADDON\n"),
    # Without a journal, for WAITAOF.
    "nojournal": Group([("appendonly", "no")]),
    # Servers that are stopped and started; with a journal, so that nothing has to be saved.
    "shutdown": Group([("appendonly", "yes"), ("appendfsync", "everysec")]),
    # Servers whose every directive is tried.
    "config": Group(),
    # DEBUG is off unless enabled.
    "nodebug": Group(),
}
TABLE["nodebug"].directives = list(ALWAYS)
