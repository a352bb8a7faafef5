#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The demo: real data, a real crash, and an ordinary SQLite file at the end.
#
#   tests/demo/demo.sh [SERVER]        `make demo` builds the server and calls this
#
# This machine's Debian package index, one JSON value per package, is loaded through redis-cli --pipe
# and read back with KEYS, SCAN, GET and MGET. The server is killed with -9 and started again; every
# value must be the same. Then sqlite3 opens data.db, beside the running server, and must find
# the same rows. Everything happens in a folder of its own under TMPDIR and on a free port.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
server=$(realpath "${1:-${RUBELLITE_SERVER:-$here/../../build/rubellite-server}}")
work=$(mktemp -d "${TMPDIR:-/tmp}/rubellite-demo.XXXXXX")
data=$work/data
mkdir "$data"
pid=

cleanup() {
    if [ -n "$pid" ]; then
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

fail() {
    printf '\ndemo: FAILED: %s\n' "$1" >&2
    if [ -s "$work/log" ]; then
        tail -20 "$work/log" >&2
    fi
    exit 1
}

now_us() {
    echo "${EPOCHREALTIME/./}"
}

# step WHAT COMMAND...: runs it and prints how long it took; what it prints itself comes after.
step() {
    local what=$1 begin end
    shift
    begin=$(now_us)
    "$@" >"$work/said" || fail "$what"
    end=$(now_us)
    printf '%9.3f s   %-58s %s\n' "$(((end - begin) / 1000))e-3" "$what" "$(tr '\n' ' ' <"$work/said")"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

cli() {
    redis-cli -h 127.0.0.1 -p "$port" "$@"
}

# Starts the server and returns once it answers. Another program may take the port between our asking
# for a free one and the start: then the next one is tried.
start_server() {
    local try tries
    for try in 1 2 3; do
        port=$(free_port)
        "$server" --port "$port" --bind 127.0.0.1 --dir "$data" --appendonly yes >>"$work/log" 2>&1 &
        pid=$!
        for ((tries = 0; tries < 1200; tries++)); do
            if ! kill -0 "$pid" 2>/dev/null; then
                break
            fi
            if [ "$(cli ping 2>/dev/null)" = PONG ]; then
                return 0
            fi
            sleep 0.05
        done
    done
    return 1
}

kill_server() {
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    pid=
}

stop_server() {
    kill -TERM "$pid"
    wait "$pid"
    pid=
}

export_index() {
    apt-cache dumpavail | python3 "$here/packages.py" "$work" >"$work/count"
    count=$(cat "$work/count")
    [ "$count" -gt 0 ]
    echo "$count packages, $(du -h "$work/values" | cut -f1) of JSON"
}

load() {
    cli --pipe <"$work/$1" >"$work/pipe"
    grep -q "^errors: 0, replies: $count\$" "$work/pipe" || { cat "$work/pipe" >&2; return 1; }
}

check_count() {
    [ "$(cli dbsize)" = "$1" ] && echo "$1 keys"
}

check_keys() {
    cli keys 'package:*' | sort | cmp - "$work/keys"
}

# SCAN may name a key twice, but none may be missing.
check_scan() {
    cli --scan --pattern 'package:*' | sort -u | cmp - "$work/keys"
}

check_get() {
    cli <"$work/get" | cmp - "$work/values"
}

check_mget() {
    cli <"$work/mget" | cmp - "$work/values"
}

check_seen() {
    cli <"$work/mget2" | cmp - <(seq "$count")
}

query() {
    sqlite3 -readonly "$data/data.db" "$1"
}

check_rows() {
    local rows
    rows=$(query "select count(*) from strings where database = 0 and key glob 'package:*'")
    [ "$rows" = "$count" ] || { echo "data.db has $rows rows, expected $count" >&2; return 1; }
    echo "$rows rows"
}

check_row_values() {
    query "select value from strings where database = 0 and key glob 'package:*' order by cast(key as blob)" |
        cmp - "$work/values"
}

largest_sections() {
    query "select json_extract(value, '\$.section'), count(*), sum(json_extract(value, '\$.size')) / 1048576
           from strings where key glob 'package:*' group by 1 order by 3 desc limit 5" >"$work/sections"
}

check_integrity() {
    query 'pragma integrity_check'
    [ "$(cat "$work/said")" = ok ]
}

command -v apt-cache >/dev/null || fail "there is no apt-cache here; the demo reads Debian's package index"
[ -x "$server" ] || fail "there is no server at $server; run make build"
[ -n "$(apt-cache dumpavail | head -1)" ] || fail "the package index is empty; run apt-get update"

"$server" --version
echo "     time     step"
step "the package index as JSON" export_index
count=$(cat "$work/count")
step "server started" start_server
step "loaded through redis-cli --pipe" load load.resp
step "DBSIZE" check_count "$count"
step "KEYS package:* names every package" check_keys
step "SCAN names every package" check_scan
step "GET of each, one by one, same bytes" check_get
step "MGET of 100 at a time, same bytes" check_mget
step "one more small key for each, EX 86400, --pipe" load load2.resp
step "kill -9, as the last answer arrives" kill_server
step "server started again" start_server
step "DBSIZE" check_count $((2 * count))
step "MGET of the small keys: not one is lost" check_seen
step "GET of each, one by one, same bytes" check_get
step "MGET of 100 at a time, same bytes" check_mget
step "sqlite3 counts the rows of data.db, server running" check_rows
step "sqlite3 reads every value, same bytes" check_row_values
step "sqlite3 sums up inside the JSON" largest_sections
step "clean stop" stop_server
step "PRAGMA integrity_check" check_integrity

echo
echo "The five largest sections of the archive, in SQL over Redis keys (section, packages, MiB):"
sed 's/|/  /g; s/^/    /' "$work/sections"
echo
echo "demo: passed; $count packages survived kill -9 and are rows in SQLite"
