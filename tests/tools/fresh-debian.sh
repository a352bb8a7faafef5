#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Proves the promise of the README: on a fresh Debian 12, with only git and make added, `make run`
# and `make test` do everything else.
#
#   tests/tools/fresh-debian.sh [FOLDER]      needs root and debootstrap; `make fresh-debian`
#
# A Debian 12 root is made in FOLDER (build/fresh-debian), the last commit of this checkout is cloned
# into it, and both commands run there, in a mount and process namespace of their own, so that no
# process and no mount outlives this script. KEEP=1 keeps the folder; MIRROR= names another mirror;
# STEPS="deps run test" chooses.
set -euo pipefail

source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(realpath -m "${1:-$source/build/fresh-debian}")
root=$folder/root
mirror=${MIRROR:-http://deb.debian.org/debian}
steps=${STEPS:-run test}

say() {
    printf '\n----- fresh-debian: %s (%d s) -----\n' "$1" $SECONDS
}

if [ "$(id -u)" != 0 ]; then
    echo "fresh-debian: making a root needs root: run sudo make fresh-debian" >&2
    exit 1
fi
if [ -e "$root" ]; then
    # Left by an earlier run. Nothing is mounted in it: mounts lived in that run's namespace.
    rm -rf --one-file-system "$root"
fi
mkdir -p "$folder"
cleanup() {
    if [ "${KEEP:-0}" != 1 ]; then
        rm -rf --one-file-system "$root"
    fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say "debootstrap bookworm"
debootstrap --variant=minbase --include=git,make bookworm "$root" "$mirror" >"$folder/debootstrap.log" ||
    { tail -20 "$folder/debootstrap.log" >&2; exit 1; }
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true

say "clone $(git -C "$source" rev-parse --short HEAD)"
if ! git -C "$source" diff --quiet HEAD; then
    echo "fresh-debian: note: uncommitted changes are not part of this"
fi
git clone -q --no-hardlinks "$source" "$root/root/rubellite"

# What runs inside, with nothing but what the root has.
cat >"$root/root/inside" <<'INSIDE'
#!/bin/bash
set -euo pipefail
cd /root/rubellite
steps=$1

say() {
    printf '\n----- fresh-debian: %s (%d s) -----\n' "$1" $SECONDS
}

# Sends one typed line to the server, prints the first line of its answer. No client is installed yet.
ask() {
    local answer
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf '%s\r\n' "$1" >&3
    IFS= read -r -t 5 answer <&3
    exec 3>&-
    echo "${answer%$'\r'}"
}

# The default port, unless the machine around this root uses it (the network is shared).
port=6379
if ask PING >/dev/null 2>&1; then
    port=$((20000 + RANDOM % 10000))
fi

start() {
    make run PORT=$port >/root/run.log 2>&1 &
    running=$!
    local deadline=$((SECONDS + 1200))
    until [ "$(ask PING 2>/dev/null)" = +PONG ]; do
        if ! kill -0 $running 2>/dev/null || [ $SECONDS -gt $deadline ]; then
            tail -40 /root/run.log
            echo "fresh-debian: FAILED: make run did not come to answer PING" >&2
            exit 1
        fi
        sleep 0.2
    done
}

stop() {
    kill -TERM $running
    wait $running || true
    if ask PING >/dev/null 2>&1; then
        echo "fresh-debian: FAILED: the server still answers after make run was stopped" >&2
        exit 1
    fi
}

for step in $steps; do
    case $step in
    deps)
        say "make deps"
        make deps
        test -z "$(tests/tools/deps --list run test)"
        if find /etc/rc?.d /etc/systemd/system -name 'S*redis*' -o -path '*.wants/redis*' | grep .; then
            echo "fresh-debian: FAILED: a redis service was left enabled" >&2
            exit 1
        fi ;;
    run)
        say "make run"
        start
        tail -8 /root/run.log
        [ "$(ask 'SET greeting hello')" = +OK ]
        stop
        say "make run, again"
        start
        [ "$(ask 'STRLEN greeting')" = :5 ] || { echo "fresh-debian: FAILED: the key is gone"; exit 1; }
        stop ;;
    test)
        say "make test"
        make test ;;
    esac
done
for process in /proc/[0-9]*/comm; do
    if grep -q '^redis' "$process" 2>/dev/null; then
        echo "fresh-debian: FAILED: a redis-server was left running" >&2
        exit 1
    fi
done
say "passed"
INSIDE
chmod +x "$root/root/inside"

unshare --mount --pid --fork --kill-child -- /bin/bash -euc '
    mount --make-rprivate /
    mount -t proc proc "$1/proc"
    mkdir -p "$1/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
    exec chroot "$1" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /root/inside "$2"
' bash "$root" "$steps"
