#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Damages data.db of a server that was killed or stopped, and checks what the next start does.

    tests/crash/damage.py --rounds 100 --ours PATH [--seed N] [--keep]

Every round writers work beside a backup and beyond it, the server is killed or stopped, and then
an accident befalls its database: the file is deleted, cut, emptied, replaced, or pages of it are
overwritten with noise; perhaps its -wal too. The next start must be good, and then:

  - with `journal-keep backup` every answered operation is there: the backup and the journal have
    them all. Nothing is excepted but what the round's kind says;
  - with `journal-keep folded` what is there is a state of the history that is not older than the
    backup, the same moment for all writers (the counter they share agrees);
  - a file that was replaced is beside the new one, and the log says what was restored;
  - the start after that restores nothing, and finds the same.

Values are short, so that rows have no overflow pages: noise in one of those is noise in a value
and in nothing else, which no check of the structure can see. Noise always covers whole pages, for
the same reason.
"""

import glob
import os
import random
import shutil
import sys
import time

import crash
import history
import process

PAGE = 4096
BACKUP_SECONDS = 60


class ShortWriter(history.Writer):
    """No value grows beyond a few dozen bytes."""

    MAKERS = [m for m in history.MAKERS if m.__name__ not in ("append", "setrange")]
    WEIGHTS = [w for m, w in zip(history.MAKERS, history.WEIGHTS)
               if m.__name__ not in ("append", "setrange")]

    def value(self):
        self.number += 1
        return b"%d:%d:" % (self.db, self.number) + b"x" * self.random.randrange(40)

    def make(self):
        return self.random.choices(self.MAKERS, self.WEIGHTS)[0](self)


# ---- accidents; each returns whether a restore must follow ----

class Accident:
    """What happens to the files of a server that is down."""

    def __init__(self, data, rng):
        self.random = rng
        self.path = os.path.join(data, "data.db")
        self.wal = self.path + "-wal"

    def delete(self):
        os.remove(self.path)
        return True

    def delete_both(self):
        os.remove(self.path)
        if os.path.exists(self.wal):
            os.remove(self.wal)
        return True

    def empty(self):
        os.truncate(self.path, 0)
        return True

    def cut(self):
        """A file whose lost pages are all in the WAL is whole with it; so is one that has lost a
        part of its last page, if that was a free one."""
        size = os.path.getsize(self.path)
        left = self.random.randrange(1, size)
        os.truncate(self.path, left)
        return not self.has_wal() and left <= size - PAGE

    def replace(self):
        with open(self.path, "wb") as out:
            out.write(self.random.randbytes(self.random.randrange(1, 100000)))
        return True

    def noise(self):
        """Pages may be free ones, or have newer versions in the WAL: then nothing is lost."""
        self.overwrite_pages(self.path, self.random.choice((1, 2, 5, 20)))
        return False

    def noise_and_wal_gone(self):
        self.overwrite_pages(self.path, 3)
        if os.path.exists(self.wal):
            os.remove(self.wal)
        return False

    def noise_in_wal(self):
        if self.has_wal():
            self.overwrite_pages(self.wal, self.random.choice((1, 5, 20)))
        return False

    def wal_gone(self):
        if os.path.exists(self.wal):
            os.remove(self.wal)
        return False

    def has_wal(self):
        return os.path.exists(self.wal) and os.path.getsize(self.wal) > 0

    def overwrite_pages(self, path, count):
        pages = max(1, os.path.getsize(path) // PAGE)
        with open(path, "r+b") as out:
            for page in self.random.choices(range(pages), k=count):
                out.seek(page * PAGE)
                out.write(self.random.randbytes(PAGE))


ACCIDENTS = ["delete", "delete_both", "empty", "cut", "cut", "replace", "noise", "noise", "noise",
             "noise_and_wal_gone", "noise_in_wal", "wal_gone"]


class Damages(crash.Rounds):
    """Rounds with accidents instead of crashes alone."""

    default_rounds = 50
    promise = ("none lost with `journal-keep backup`; with `folded` back to the backup at most, and "
               "never without a word")

    def wipe(self):
        super().wipe()
        self.writers = [ShortWriter(db, random.Random(self.random.random()))
                        for db in range(crash.WRITERS)]

    def directives(self, keep):
        return {
            "appendonly": "yes",
            "appendfsync": self.random.choice(["always", "everysec", "no"]),
            "fold-interval": self.random.choice(["1", "20", "300"]),
            "journal-segment-size": self.random.choice(["64kb", "1mb"]),
            "journal-keep": keep,
            "start-check": self.random.choice(["quick", "quick", "full"]),
            "backup-interval": "0",
            # A kill in the midst of a checkpoint leaves a data.db of two moments, and who then
            # deletes the -wal takes away what explains it. No check could see that.
            "checkpoint-interval": "3600000",
        }

    def run(self):
        keep = self.random.choice(["backup", "backup", "folded"])
        directives, how = self.directives(keep), self.random.choice(["kill", "kill", "stop"])
        with open(self.log_path, "ab") as log:
            log.write(b"---- %s, %r\n" % (how.encode(), directives))
        self.server = process.Server(self.binary, self.data, self.log_path, directives).start()
        for writer in self.writers:
            writer.begin(remember=True)
        before = sum(w.answered for w in self.writers)
        self.write_until(lambda _: self.back_up_and_end(how))
        answered = sum(w.answered for w in self.writers) - before
        self.operations += answered
        name = self.random.choice(ACCIDENTS)
        self.ends[name] += 1
        must_restore = getattr(Accident(self.data, self.random), name)()
        restored, kept, lost = self.start_again(keep, must_restore)
        self.start_once_more()
        return "%-5s %-18s %-7s %6d answered, %3d more kept%s%s" % (
            how, name, "keep " + keep[0], answered, kept, ", %d lost" % lost if lost else "",
            ", restored" if restored else "")

    # ---- the round's parts ----

    def back_up_and_end(self, how):
        """A backup is made in the midst of the writing, which goes on for a while."""
        known = set(self.backups())
        conn = self.server.connect()
        deadline = time.monotonic() + BACKUP_SECONDS
        while conn.call("BGSAVE")[0] != "+" and time.monotonic() < deadline:
            time.sleep(0.005)  # with journal-keep backup the server may be making one by itself
        while not set(self.backups()) - known:
            if time.monotonic() > deadline:
                raise crash.Failure("no backup came")
            time.sleep(0.005)
        conn.close()
        time.sleep(self.random.uniform(0, 0.3))
        (self.stop if how == "stop" else self.server.kill)()

    def backups(self):
        return glob.glob(os.path.join(self.data, "backups", "data-*.db"))

    # ---- afterwards ----

    def start_again(self, keep, must_restore):
        mark = os.path.getsize(self.log_path)
        asides = len(glob.glob(os.path.join(self.data, "data.db*.damaged-*")))
        self.server.start()
        with open(self.log_path, "rb") as log:
            log.seek(mark)
            said = log.read()
        restored = b"restored from " in said
        if must_restore and not restored:
            raise crash.Failure("nothing was restored, or the log does not say so")
        conn = self.server.connect()
        told = b"restored_from:" in conn.call("INFO", "persistence")[1]
        conn.close()
        if told != restored:
            raise crash.Failure("INFO %s of a restore" % ("tells" if told else "does not tell"))
        if restored and b"is missing" not in said and b"is empty" not in said:
            if len(glob.glob(os.path.join(self.data, "data.db*.damaged-*"))) <= asides:
                raise crash.Failure("the damaged file was not moved aside")
        kept, lost = self.check_memory()
        if keep == "backup" and lost:
            raise crash.Failure("%d answered operations are lost" % lost)
        if lost and not restored:
            raise crash.Failure("%d answered operations are lost without a word" % lost)
        self.check_tables()
        return restored, kept, lost

    def start_once_more(self):
        self.stop()
        mark = os.path.getsize(self.log_path)
        self.server.start()
        with open(self.log_path, "rb") as log:
            log.seek(mark)
            if b"restor" in log.read():
                raise crash.Failure("the next start restores again")
        self.check_memory()
        self.stop()
        for path in glob.glob(os.path.join(self.data, "*.damaged-*")):
            (shutil.rmtree if os.path.isdir(path) else os.remove)(path)


if __name__ == "__main__":
    sys.exit(crash.main(__doc__, "damage", Damages))
