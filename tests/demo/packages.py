#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns Debian's package index into input for the demo.

    apt-cache dumpavail | packages.py FOLDER

Writes to FOLDER, all in the same order, one line or request per package:
    keys        package:NAME
    values      the record as one line of JSON, UTF-8
    load.resp   SET key value, in the protocol's own encoding, for redis-cli --pipe
    get         GET key, for redis-cli
    mget        MGET of 100 keys at a time, for redis-cli
    load2.resp  SET seen:... n EX 86400, n counting from 1: small writes to lose, if any were lost
    mget2       MGET of those
Prints how many there are.
"""
import json
import os
import sys

PER_MGET = 100


def records(lines):
    """Yields each paragraph as a dict; a line that begins with a space continues the field above."""
    record, field = {}, None
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\n")
        if not line:
            if record:
                yield record
            record, field = {}, None
        elif line[0] in " \t":
            if field:
                record[field] += "\n" + line.strip()
        else:
            name, _, value = line.partition(":")
            field = name.strip().lower().replace("-", "_")
            record[field] = value.strip()
    if record:
        yield record


def command(*words):
    words = [word.encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word)
                                              for word in words)


def mgets(keys):
    for at in range(0, len(keys), PER_MGET):
        yield ("MGET " + " ".join(keys[at:at + PER_MGET]) + "\n").encode()


def main(folder):
    packages = {}
    for record in records(sys.stdin.buffer):
        if "package" not in record:
            continue
        for number in ("size", "installed_size"):
            if record.get(number, "").isdigit():
                record[number] = int(record[number])
        packages["package:" + record["package"]] = json.dumps(
            record, ensure_ascii=False, separators=(",", ":"))
    keys = sorted(packages)

    def write(name, parts):
        with open(os.path.join(folder, name), "wb") as file:
            file.writelines(parts)

    write("keys", (key.encode() + b"\n" for key in keys))
    write("values", (packages[key].encode() + b"\n" for key in keys))
    write("load.resp", (command("SET", key, packages[key]) for key in keys))
    write("get", (b"GET " + key.encode() + b"\n" for key in keys))
    write("mget", mgets(keys))
    seen = [key.replace("package:", "seen:", 1) for key in keys]
    write("load2.resp", (command("SET", key, str(n), "EX", "86400")
                         for n, key in enumerate(seen, 1)))
    write("mget2", mgets(seen))
    print(len(keys))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
