# SPDX-License-Identifier: MIT
"""What a disk may hold after a power cut, from the log that recorder.c made.

A file has what is safe and changes behind it. A change becomes safe when a sync of its file ends
that began after the change had happened, and does not fail. After a failed sync nothing makes safe
what it was to bring to disk, as on Linux. Of the other changes any 512-byte sectors are on the
disk, each as it was after some change of it; the file's size is one that it has had. Names are safe
when their directory was synced. Of those made, changed and removed since, a prefix is on the disk,
in each directory one of its own: the sync of a file says nothing about its name here, although on
many file systems it would.
"""

import os

from recorded import ALLOCATE, LINK, MKDIR, NAMES, OPEN, RENAME, RMDIR, SYNC, TRUNCATE, UNLINK, WRITE, Call, LogError

SECTOR = 512
MODEL = ("nothing", "everything", "prefix", "suffix", "writes", "sectors")


class Unsynced:
    """What files and directories have in common: changes that are not safe. pending: these, in order."""

    def __init__(self, name):
        self.name = name  # the first one, for people
        self.pending = []

    def sync_began(self):
        """The changes that this sync makes safe, should it end well."""
        return [call for call in self.pending if call.ended is not None and not call.lost]

    def sync_ended(self, covered, failed):
        if failed:
            for call in covered:
                call.lost = True
            return
        done = set(map(id, covered))
        for call in self.pending:  # another sync may have made some of them safe meanwhile, and later ones
            if id(call) in done:
                self.make_safe(call)
        self.pending = [call for call in self.pending if id(call) not in done]


class File(Unsynced):
    def __init__(self, name, content=b""):
        super().__init__(name)
        self.safe = bytearray(content)

    def make_safe(self, call):
        apply(self.safe, call)

    def now(self):
        """As programs see it; without changes that are under way."""
        content = bytearray(self.safe)
        for call in self.pending:
            if call.ended is not None:
                apply(content, call)
        return content


class Directory(Unsynced):
    """Its changes have `names`: {name: File, Directory or None for gone}."""

    def __init__(self, name):
        super().__init__(name)
        self.safe, self.seen = {}, {}

    def change(self, call, names):
        call.names = names
        self.pending.append(call)
        self._put(self.seen, names)

    def undo(self, call):
        """The call failed: it has changed nothing."""
        self.pending = [other for other in self.pending if other is not call]
        self.seen = self.with_changes(len(self.pending))

    def make_safe(self, call):
        self._put(self.safe, call.names)

    def with_changes(self, count):
        names = dict(self.safe)
        for call in self.pending[:count]:
            self._put(names, call.names)
        return names

    @staticmethod
    def _put(names, more):
        for name, what in more.items():
            if what is None:
                names.pop(name, None)
            else:
                names[name] = what


def apply(content, call):
    """Changes the content as the call does."""
    if call.what == WRITE:
        data = call.data if call.result is None else call.data[:max(call.result, 0)]
        if call.at > len(content):
            content.extend(bytes(call.at - len(content)))
        content[call.at:call.at + len(data)] = data
    elif call.what == ALLOCATE:
        content.extend(bytes(max(call.at - len(content), 0)))
    elif call.at <= len(content):
        del content[call.at:]
    else:
        content.extend(bytes(call.at - len(content)))


def numbers_of(top):
    """{path below top: the number of the file}."""
    found = {"": os.stat(top).st_ino}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.stat(path).st_ino
    return found


class Disk:
    """What is safe on the disk, and what is not, at a place of the log that only grows."""

    def __init__(self, top, start):
        """top: the path in the log; start: a directory that holds what was there, all of it safe."""
        self.top, self.root, self.by_number, self.at = top, Directory("."), {}, 0
        self._read(start, self.root)

    def _read(self, path, directory):
        for name in os.listdir(path):
            full = os.path.join(path, name)
            if os.path.isdir(full):
                there = Directory(name)
                self._read(full, there)
            else:
                with open(full, "rb") as file:
                    there = File(name, file.read())
            directory.safe[name] = directory.seen[name] = there

    def know(self, numbers):
        """numbers: numbers_of the directory that the log is about, before its first record."""
        for path, number in numbers.items():
            there = self.root
            for part in path.split("/") if path else ():
                there = there.seen[part]
            self.by_number[number] = there

    def _find(self, path):
        """The directory of a path, and the last name."""
        parts = os.path.relpath(path, self.top).split("/")
        directory = self.root
        for part in parts[:-1]:
            directory = directory.seen[part]
        return directory, parts[-1]

    # ---- going on ----

    def advance(self, records, to):
        for at in range(self.at, to):
            _, is_end, call = records[at]
            if is_end:
                call.ended = at
                self._end(call)
            else:
                self._begin(call)
        self.at = max(to, self.at)

    def _begin(self, call):
        if call.what in (OPEN, RENAME, LINK, UNLINK, RMDIR, MKDIR):
            self._begin_names(call)
            return
        call.target = self.by_number.get(call.number)
        if call.target is None:
            raise LogError("%s of a file that was never opened" % NAMES[call.what])
        if call.what == SYNC:
            call.covers = call.target.sync_began()
        else:
            call.target.pending.append(call)

    def _begin_names(self, call):
        paths = call.paths()
        directory, name = self._find(paths[0])
        there = directory.seen.get(name)
        if call.what == OPEN:
            if there is None and call.at & os.O_CREAT:
                directory.change(call, {name: File(name)})
            elif there is not None and call.at & os.O_TRUNC and not call.at & os.O_EXCL:
                shrink = Call(TRUNCATE, call.number, 0, b"")
                there.pending.append(shrink)
                call.target = (there, shrink)
        elif call.what == MKDIR:
            if there is None:
                directory.change(call, {name: Directory(name)})
        elif call.what in (UNLINK, RMDIR):
            if there is not None:
                directory.change(call, {name: None})
        elif there is not None:
            other, to = self._find(paths[1])
            if other is not directory:
                raise LogError("a name goes from one directory to another: %r" % paths)
            directory.change(call, {to: there} if call.what == LINK else {name: None, to: there})

    def _end(self, call):
        if call.what == SYNC:
            call.target.sync_ended(call.covers, call.result < 0)
        elif call.what in (WRITE, TRUNCATE, ALLOCATE):
            if call.result < 0:
                call.lost = True
        else:
            self._end_names(call)

    def _end_names(self, call):
        directory, name = self._find(call.paths()[0])
        if call.result < 0:
            directory.undo(call)
            if call.target:
                call.target[0].pending.remove(call.target[1])
        elif call.what in (OPEN, MKDIR):
            self.by_number[call.number] = directory.seen[name]
            if call.target:
                call.target[1].ended = call.ended

    # ---- disks ----

    def image(self, to, random):
        """Writes into the directory `to` what a power cut here may leave. Returns a description."""
        told, made = [], {}
        self._image_of(self.root, to, random, told, made)
        return "; ".join(told) or "all was safe"

    def _image_of(self, directory, to, random, told, made):
        count = len(directory.pending)
        kept = random.choice((0, count, random.randrange(count + 1)))
        if count:
            told.append("%s: %d of %d names" % (directory.name, kept, count))
        for name, there in sorted(directory.with_changes(kept).items()):
            full = os.path.join(to, name)
            if isinstance(there, Directory):
                os.mkdir(full)
                self._image_of(there, full, random, told, made)
                continue
            if id(there) not in made:
                made[id(there)] = self._content(there, name, random, told)
            with open(full, "wb") as out:
                out.write(made[id(there)])

    @staticmethod
    def _content(file, name, random, told):
        if not file.pending:
            return file.safe
        model = random.choice(MODEL)
        told.append("%s: %s of %d" % (name, model, len(file.pending)))
        return partly(file.safe, file.pending, model, random)

    def seen(self):
        """{path: content} as programs see it."""
        found = {}

        def walk(directory, path):
            for name, there in directory.seen.items():
                full = os.path.join(path, name)
                if isinstance(there, Directory):
                    walk(there, full)
                else:
                    found[full] = there
        walk(self.root, "")
        return found


def partly(safe, pending, model, random):
    """What of the changes is on the disk."""
    at = random.randrange(len(pending))  # of "prefix" and "suffix": where it ends or begins
    share = random.choice((0.1, 0.5, 0.9))
    cache, disk, sizes = bytearray(safe), bytearray(safe), [len(safe)]
    for i, call in enumerate(pending):
        if model == "nothing":
            break
        apply(cache, call)
        sizes.append(len(cache))
        part = {"everything": 1, "sectors": share, "writes": random.random() < share}.get(model)
        if part is None:
            part = 0.5 if i == at else (i < at) == (model == "prefix")
        if call.what == WRITE:
            copy_sectors(cache, disk, call, part, random)
        elif part == 1 or random.random() < part:
            apply(disk, call)
    size = sizes[-1] if model == "everything" else random.choice((sizes[0], sizes[-1], random.choice(sizes)))
    del disk[size:]
    disk.extend(bytes(size - len(disk)))
    return disk


def copy_sectors(cache, disk, call, part, random):
    """Brings so large a part of the sectors that the call has written to the disk."""
    if not part:
        return
    begin = call.at // SECTOR * SECTOR
    end = -(-(call.at + len(call.data)) // SECTOR) * SECTOR
    for at in range(begin, end, SECTOR if part < 1 else max(end - begin, 1)):
        if part < 1 and random.random() >= part:
            continue
        to = min(at + SECTOR if part < 1 else end, len(cache))
        if len(disk) < to:
            disk.extend(bytes(to - len(disk)))
        disk[at:to] = cache[at:to]
