#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Would power_cut.py lie? What disk_image.py makes of logs, and power_promises.py of what clients were
told, with cases whose answer is known. No server runs.

    tests/crash/test_power_model.py
"""

import os
import random
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import disk_image  # noqa: E402
import power_promises  # noqa: E402
from crash import Failure  # noqa: E402
from power_promises import GRACE_NS, SECOND_NS  # noqa: E402
from recorded import MKDIR, OPEN, RENAME, SYNC, UNLINK, WRITE, Call  # noqa: E402

TOP = "/data"
TOP_NUMBER, FILE_NUMBER = 1, 2
SECTOR = disk_image.SECTOR
SEEDS = 200  # disks of a case: what may be seen on one is seen on some of them


class Log:
    """A log that is made by hand, of a directory that holds one file, `f`, of so many bytes "o"."""

    def __init__(self, test, size):
        self.start = tempfile.mkdtemp()
        test.addCleanup(shutil.rmtree, self.start)
        with open(os.path.join(self.start, "f"), "wb") as out:
            out.write(b"o" * size)
        self.records = []
        self.disk = disk_image.Disk(TOP, self.start)
        self.disk.know({"": TOP_NUMBER, "f": FILE_NUMBER})

    def begin(self, what, number=0, at=0, data=b""):
        call = Call(what, number, at, data)
        self.records.append((0, False, call))
        return call

    def end(self, call, result=0, number=0):
        call.result, call.number = result, number or call.number
        self.records.append((0, True, call))

    def do(self, what, number=0, at=0, data=b"", result=0, made=0):
        """A call that nothing happens beside. made: the number of the file that it opens or makes."""
        self.end(self.begin(what, number, at, data), result, made)

    def write(self, at, data, number=FILE_NUMBER):
        self.do(WRITE, number, at, data, len(data))

    def name(self, what, *names, at=0, made=0):
        self.do(what, 0, at, b"".join(b"%s/%s\0" % (TOP.encode(), n.encode()) for n in names), made, made)

    def disks(self):
        """What a power cut after the last record may leave: the different ones of many, as {path: bytes}."""
        self.disk.advance(self.records, len(self.records))
        found = []
        for seed in range(SEEDS):
            with tempfile.TemporaryDirectory() as to:
                self.disk.image(to, random.Random(seed))
                found.append(contents(to))
        return [one for i, one in enumerate(found) if one not in found[:i]]


def contents(top):
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, top)] = file.read()
    return found


class Contents(unittest.TestCase):
    def test_sectors_that_were_not_synced_are_old_or_new(self):
        log = Log(self, 3 * SECTOR)
        log.write(0, b"n" * (3 * SECTOR))
        seen = {tuple(disk["f"][i:i + SECTOR] for i in range(0, 3 * SECTOR, SECTOR)) for disk in log.disks()}
        self.assertEqual({sector for sectors in seen for sector in sectors}, {b"o" * SECTOR, b"n" * SECTOR})
        self.assertEqual(len(seen), 8)  # each combination

    def test_what_was_synced_is_there(self):
        log = Log(self, SECTOR)
        log.write(100, b"new")
        log.do(SYNC, FILE_NUMBER)
        self.assertEqual(log.disks(), [{"f": b"o" * 100 + b"new" + b"o" * (SECTOR - 103)}])

    def test_a_sync_says_nothing_of_what_came_behind_its_beginning(self):
        log = Log(self, SECTOR)
        sync = log.begin(SYNC, FILE_NUMBER)
        log.write(0, b"n" * SECTOR)
        log.end(sync)
        self.assertIn({"f": b"o" * SECTOR}, log.disks())

    def test_a_sync_says_nothing_of_what_was_under_way(self):
        log = Log(self, SECTOR)
        write = log.begin(WRITE, FILE_NUMBER, 0, b"n" * SECTOR)
        sync = log.begin(SYNC, FILE_NUMBER)
        log.end(write, SECTOR)
        log.end(sync)
        self.assertIn({"f": b"o" * SECTOR}, log.disks())

    def test_a_sync_that_has_not_ended_promises_nothing(self):
        log = Log(self, SECTOR)
        log.write(0, b"n" * SECTOR)
        log.begin(SYNC, FILE_NUMBER)
        self.assertIn({"f": b"o" * SECTOR}, log.disks())

    def test_of_two_syncs_the_older_one_takes_nothing_back(self):
        log = Log(self, SECTOR)
        log.write(0, b"1" * SECTOR)
        older = log.begin(SYNC, FILE_NUMBER)
        log.write(0, b"2" * SECTOR)
        newer = log.begin(SYNC, FILE_NUMBER)
        log.end(newer)
        log.end(older)
        self.assertEqual(log.disks(), [{"f": b"2" * SECTOR}])

    def test_what_a_failed_sync_was_to_bring_is_never_safe(self):
        log = Log(self, SECTOR)
        log.write(0, b"n" * SECTOR)
        log.do(SYNC, FILE_NUMBER, result=-5)
        log.do(SYNC, FILE_NUMBER)
        self.assertIn({"f": b"o" * SECTOR}, log.disks())

    def test_a_file_that_grew_has_a_size_that_it_had(self):
        log = Log(self, 10)
        log.write(10, b"n" * 10)
        log.write(20, b"n" * 10)
        self.assertEqual({len(disk["f"]) for disk in log.disks()}, {10, 20, 30})


class Names(unittest.TestCase):
    def test_a_new_name_needs_its_directory_synced(self):
        log = Log(self, 0)
        log.name(OPEN, "new", at=os.O_CREAT, made=3)
        log.write(0, b"x", number=3)
        log.do(SYNC, 3)  # the content only
        self.assertEqual(sorted(map(sorted, log.disks())), [["f"], ["f", "new"]])
        log.do(SYNC, TOP_NUMBER)
        self.assertEqual(log.disks(), [{"f": b"", "new": b"x"}])

    def test_a_rename_is_whole(self):
        log = Log(self, 1)
        log.name(RENAME, "f", "g")
        self.assertCountEqual(log.disks(), [{"f": b"o"}, {"g": b"o"}])

    def test_a_prefix_of_the_changes_is_there(self):
        log = Log(self, 0)
        log.name(OPEN, "a", at=os.O_CREAT, made=3)
        log.name(UNLINK, "f")
        log.name(OPEN, "b", at=os.O_CREAT, made=4)
        self.assertCountEqual(map(sorted, log.disks()), [["f"], ["a", "f"], ["a"], ["a", "b"]])

    def test_each_directory_has_a_prefix_of_its_own(self):
        log = Log(self, 0)
        log.name(MKDIR, "d", made=3)
        log.name(OPEN, "d/x", at=os.O_CREAT, made=4)
        log.do(SYNC, 3)
        self.assertCountEqual(map(sorted, log.disks()), [["f"], ["d/x", "f"]])

    def test_what_failed_has_changed_nothing(self):
        log = Log(self, 0)
        log.do(UNLINK, data=b"%s/f\0" % TOP.encode(), result=-1)
        self.assertEqual(log.disks(), [{"f": b""}])


def life(mode, began, ended):
    made = power_promises.Life({"appendfsync": mode}, began)
    made.ended = ended
    return made


class Promises(unittest.TestCase):
    CUT = 100 * SECOND_NS

    def test_always_promises_all_that_was_answered(self):
        self.assertEqual(life("always", 5, 2 * self.CUT).safe_since(self.CUT, 0), self.CUT)
        self.assertEqual(life("always", 5, 20).safe_since(self.CUT, 0), 20)

    def test_nothing_is_promised_before_the_start(self):
        self.assertEqual(life("always", 5, 20).safe_since(5, 0), 0)

    def test_everysec_promises_what_is_older_than_a_second_and_a_sync(self):
        self.assertEqual(life("everysec", 5, 2 * self.CUT).safe_since(self.CUT, 7),
                         self.CUT - SECOND_NS - GRACE_NS - 7)

    def test_no_promises_what_somebody_asked_for_and_was_told(self):
        asked = life("no", 5, 2 * self.CUT)
        self.assertEqual(asked.safe_since(self.CUT, 0), 5)
        asked.promises += [(10, 20), (30, self.CUT)]  # the second was not answered by then
        self.assertEqual(asked.safe_since(self.CUT, 0), 10)

    def test_an_operation_needs_those_that_were_answered_before_it_was_sent(self):
        first, second = power_promises.Moments(), power_promises.Moments()
        first.sent, first.answered = [10], [20]
        second.sent, second.answered = [30], [40]
        power_promises.check_order([("a", first, 1, 1), ("b", second, 1, 1)])
        power_promises.check_order([("a", first, 1, 1), ("b", second, 0, 0)])
        with self.assertRaises(Failure):
            power_promises.check_order([("a", first, 0, 0), ("b", second, 1, 1)])
        second.sent = [15]  # beside the first: either may be there alone
        power_promises.check_order([("a", first, 0, 0), ("b", second, 1, 1)])

    def test_a_database_is_a_state_with_all_that_was_answered(self):
        moments = power_promises.Moments()
        moments.sent, moments.answered = [10, 30, 50], [20, 40]
        states = [({b"k": (b"%d" % n, None, None)}, 0) for n in range(4)]  # value, no expiry
        record = power_promises.KeyRecord(1, states, moments)
        self.assertEqual(record.find({b"k": (b"3", None)}, 0), (3, 3))
        self.assertEqual(record.find({b"k": (b"2", None)}, 45), (2, 2))
        with self.assertRaisesRegex(Failure, "2 operations of the round must be there, 1 are"):
            record.find({b"k": (b"1", None)}, 45)
        with self.assertRaisesRegex(Failure, "no state of its writer"):
            record.find({b"k": (b"9", None)}, 0)


if __name__ == "__main__":
    unittest.main()
