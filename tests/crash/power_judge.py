# SPDX-License-Identifier: MIT
"""Starts the real server on a disk that a power cut may have left, and compares what is there with
what the clients of power_clients.py were told."""

import os
import shutil
import sqlite3
import subprocess

import history
import process
import sql_atomic
import whole
from crash import Failure
from power_promises import KINDS, check_order


class Judge:
    """Starts the server on disks, one after the other. binary, admin: the two programs; top: a directory
    for its log and its copies. checked, backups: how many disks and backups were as promised."""

    def __init__(self, binary, admin, top):
        self.binary, self.admin, self.top = binary, admin, top
        self.log_path = os.path.join(top, "judge.log")
        self.server = None
        self.checked = self.backups = 0

    def judge(self, path, knowledge, cut, longest_sync, rng):
        """Judges one disk, which the server then changes. Returns what it has: ({database: index of its
        state}, [{kind: count} of each SQL writer]); raises Failure. rng: for what is checked only
        now and then; the same again makes the same of it."""
        open(self.log_path, "wb").close()
        since = knowledge.safe_since(cut, longest_sync)
        self.check_backups(path, knowledge, cut)
        self.check_file(path)
        if rng.random() < 0.15 and cut > knowledge.made:
            self.check_by_program(path)
        if rng.random() < 0.3:
            with open(os.path.join(path, "data.db-shm"), "wb") as out:  # nobody may trust it
                out.write(rng.randbytes(32768))
        directives = dict(knowledge.mode, **{"backup-interval": "0", "start-check": rng.choice(("quick", "full"))})
        self.server = process.Server(self.binary, path, self.log_path, directives).start()
        try:
            found = self.check_server(path, knowledge, cut, since)
            if rng.random() < 0.1:
                self.check_stop(path, knowledge, found[0])
        finally:
            self.server.kill()
        self.checked += 1
        return found

    def check_file(self, path):
        """What SQLite alone makes of it, on a copy."""
        copy = os.path.join(self.top, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for name in os.listdir(path):
            if name in ("data.db", "data.db-wal", "data.db-journal"):
                shutil.copy(os.path.join(path, name), copy)
        db = sqlite3.connect(os.path.join(copy, "data.db"))
        try:
            sound(db, "data.db")
        except sqlite3.DatabaseError as error:
            raise Failure("data.db: %s" % error) from None
        finally:
            db.close()

    def check_by_program(self, path):
        done = subprocess.run([self.admin, "check", path, "--full", "--backups"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=process.REPLY_SECONDS)
        if done.returncode != 0:
            raise Failure("`rubellite check` finds: %s" % done.stdout.decode("utf-8", "replace"))

    def check_backups(self, path, knowledge, cut):
        since, newest = knowledge.backed_up(cut), None
        for name in backups_in(path):
            found = self.read_backup(os.path.join(path, "backups", name), knowledge,
                                     name in knowledge.old_backups)
            newest = found or newest
            self.backups += 1
        if since is None:
            return
        if newest is None:
            raise Failure("a finished backup is not there")
        for record, (_, last) in zip(knowledge.keys, newest):
            if last < record.moments.before(since):
                raise Failure("database %d: the newest backup has %d operations, %d were answered before it "
                              "was asked for" % (record.db, last, record.moments.before(since)))

    @staticmethod
    def read_backup(path, knowledge, is_old):
        """The states of the writers that it has; of one of an earlier round None."""
        db = sqlite3.connect("file:%s?immutable=1" % path, uri=True)
        try:
            sound(db, path)
            rows = whole.by_rows(whole.sqlite_query(db))
            if is_old:
                return None
            return [knowledge_of(record, rows.get(record.db, {}), path) for record in knowledge.keys]
        except sqlite3.DatabaseError as error:
            raise Failure("%s: %s" % (path, error)) from None
        finally:
            db.close()

    def check_server(self, path, knowledge, cut, since):
        conn = self.server.connect()
        info = conn.call("INFO", "persistence")[1].decode()
        if "restored:0" not in info or [n for n in os.listdir(path) if "damaged" in n]:
            raise Failure("the start had to restore something")
        indexes, order, total = {}, [], 0
        for record in knowledge.keys:
            first, last = record.find(self.snapshot(record.db), since)
            indexes[record.db] = first
            total += record.states[first][1]
            order.append(("database %d" % record.db, record.moments, first, last))
        founds = []
        for record in knowledge.sqls:
            found = record.judge(conn, cut, since)
            founds.append(found)
            order += [("%s of SQL writer %d" % (kind, record.number), record.moments[kind], n, n)
                      for kind, n in ((kind, found[kind] - record.base[kind]) for kind in KINDS)]
        conn.call("SELECT", history.SHARED_DB)
        have = int(conn.call("GET", "total")[1] or 0)
        if have != total:
            raise Failure("the shared counter is %d, but %d transactions survived" % (have, total))
        if have < knowledge.total_seen(cut):
            raise Failure("somebody was told that the counter is %d; it is %d" % (knowledge.total_seen(cut), have))
        check_order(order)
        self.check_tables(path, knowledge)
        if conn.call("SET", "after", "all") != ("+", b"OK") or conn.call("DEL", "after") != (":", b"1"):
            raise Failure("writes do not work")
        conn.close()
        return indexes, founds

    def snapshot(self, db):
        conn = self.server.connect(db)
        try:
            return history.without_short(whole.by_commands(conn, False))
        finally:
            conn.close()

    def check_tables(self, path, knowledge):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(path, "data.db"), uri=True)
        try:
            rows = whole.by_rows(whole.sqlite_query(db))
        finally:
            db.close()
        for number in set(rows) | {record.db for record in knowledge.keys}:
            told = whole.differences(history.without_short(rows.get(number, {})), self.snapshot(number))
            if told:
                raise Failure("tables and memory differ in database %d:\n%s" % (number, "\n".join(told)))

    def check_stop(self, path, knowledge, indexes):
        """A clean stop leaves one good file."""
        code = self.server.stop()
        if code != 0:
            raise Failure("a clean stop ended with code %d" % code)
        if os.path.exists(os.path.join(path, "data.db-wal")):
            raise Failure("a clean stop leaves a WAL")
        db = sqlite3.connect("file:%s?immutable=1" % os.path.join(path, "data.db"), uri=True)
        rows = whole.by_rows(whole.sqlite_query(db))
        db.close()
        for record in knowledge.keys:
            found = history.without_short(rows.get(record.db, {}))
            if not history.matches(record.states[indexes[record.db]][0], found):
                raise Failure("the stop has changed database %d" % record.db)


def backups_in(path):
    """The names of finished backups, the newest last."""
    folder = os.path.join(path, "backups")
    return sorted(n for n in os.listdir(folder) if n.startswith("data-")) if os.path.isdir(folder) else []


def knowledge_of(record, found, where):
    """(the first, the last) index of a state that a backup has."""
    try:
        return record.find(history.without_short(found), 0)
    except Failure as error:
        raise Failure("%s: %s" % (where, error)) from None


def sound(db, name):
    """What must hold of any file of the database, whatever is in it."""
    found = db.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise Failure("%s: integrity_check: %r" % (name, found[:5]))
    sql_atomic.check_rows(db)
