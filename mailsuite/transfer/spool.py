"""
The queue's files: a content and an entry for each message that waits.

``FOLDER/SHARD/ID.m`` is the content and never changes; ``FOLDER/SHARD/ID.q``
is the entry, to which lines are added.  An id begins with its shard, so that
its files are found without an index.

Implementation notes

- All calls block, and are made in pool threads.
- Both files get their names before either is durable; the entry tells the
  content's size and CRC, so that half a pair is known for what it is.
- A shard's folder is durable before anything goes into it, and no shard is
  used by two starts, so that no id is given twice.
- A pair that was never whole goes to ``FOLDER/broken`` for a week.  An entry
  that was whole once and is damaged stays where it is: it is somebody's mail.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailsuite.disk import Disk, File
from mailsuite.transfer.entry import (
    DamagedEntry,
    Entry,
    Event,
    HalfWritten,
    Standing,
    event_line,
    first_line,
    read_entry,
)

#: How long what is damaged is kept, seconds.
_BROKEN_KEPT = 7 * 86400.0

_SHARD = re.compile(r"[0-9a-f]{8}")
_FILE = re.compile(r"([0-9a-f]{8}[0-9a-f]{3,})\.([mq])")


class NewContent:
    """
    The content of a message that is being queued.
    """

    def __init__(self, file: File) -> None:
        self.file = file
        self.crc32 = 0

    def write(self, octets: bytes) -> None:
        """
        Add a piece.
        """
        self.file.write(octets)
        self.crc32 = zlib.crc32(octets, self.crc32)

    def discard(self) -> None:
        """
        Leave nothing behind, unless it was kept.
        """
        self.file.close()


@dataclass(frozen=True, slots=True)
class Broken:
    """
    An entry that cannot be used, and why.

    :param held: it is where it was; else it was set aside.
    """

    queue_id: str
    why: str
    held: bool


class Spool:
    """
    The folder of the queue.
    """

    def __init__(self, disk: Disk, folder: str) -> None:
        self._disk = disk
        self._folder = folder
        self._broken = os.path.join(folder, "broken")
        self._newest = ""

    # Shards

    def new_shard(self, now: float) -> str:
        """
        Make a shard that never was before.

        :param now: seconds since 1970.
        """
        self._disk.make_folders(self._broken)
        number = max([int(now), *(int(s, 16) + 1 for s in self._shards())])
        while True:
            shard = f"{number:08x}"
            try:
                self._disk.make_folder(os.path.join(self._folder, shard))
            except FileExistsError:
                number += 1
                continue
            self._disk.sync(folders=[self._folder])
            self._newest = shard
            return shard

    def free(self) -> int:
        """
        Octets that are free on the queue's file system.
        """
        answer = os.statvfs(self._folder)
        return answer.f_bavail * answer.f_frsize

    # Entries

    def new_content(self, queue_id: str) -> NewContent:
        """
        Begin to queue a message.
        """
        return NewContent(self._disk.create(self._shard_of(queue_id)))

    def keep(self, content: NewContent, entry: Entry, event: Event) -> None:
        """
        Queue a message; on return it survives a power cut.

        :raises OSError: nothing is left of it.
        """
        queue_id = entry.queue_id
        folder = self._shard_of(queue_id)
        paths = (self._path(queue_id, "m"), self._path(queue_id, "q"))
        with self._disk.create(folder) as lines:
            lines.write(first_line(entry) + event_line(event))
            try:
                self._disk.link(content.file, paths[0])
                self._disk.link(lines, paths[1])
                self._disk.sync([content.file, lines], [folder])
            except OSError:
                for path in reversed(paths):
                    with suppress(OSError):
                        self._disk.unlink(path)
                raise

    def read(self, queue_id: str) -> Standing:
        """
        What the entry says.

        :raises DamagedEntry, HalfWritten, FileNotFoundError:
        """
        standing, _ = read_entry(self._lines(queue_id))
        size = os.stat(self._path(queue_id, "m")).st_size
        if standing.entry.size != size:
            raise HalfWritten("its content has another size")
        return standing

    def add(self, queue_id: str, events: Sequence[Event]) -> None:
        """
        Add events to an entry; on return they survive a power cut.
        """
        added = b"".join(map(event_line, events))
        path = self._path(queue_id, "q")
        lines = self._lines(queue_id)
        _, good = read_entry(lines)
        try:
            if good < len(lines):
                self._disk.truncate(path, good)
            self._disk.append(path, added)
        except OSError:
            # After a failed sync the file is not to be trusted.
            self._disk.replace(path, lines[:good] + added)

    def content(self, queue_id: str) -> int:
        """
        A descriptor to read the content from; the caller closes it.
        """
        return os.open(self._path(queue_id, "m"), os.O_RDONLY | os.O_CLOEXEC)

    def remove(self, queue_id: str) -> None:
        """
        The message is done with; on return that survives a power cut.
        """
        for suffix in "qm":
            with suppress(FileNotFoundError):
                self._disk.unlink(self._path(queue_id, suffix))
        self._disk.sync(folders=[self._shard_of(queue_id)])

    def set_aside(self, queue_id: str) -> None:
        """
        Move a pair that was never whole out of the way.
        """
        for suffix in "qm":
            path = self._path(queue_id, suffix)
            with suppress(FileNotFoundError):
                self._disk.rename(
                    path, os.path.join(self._broken, os.path.basename(path))
                )
        self._disk.sync(folders=[self._broken, self._shard_of(queue_id)])

    # At the start

    def recover(self, now: float) -> Iterator[Standing | Broken]:
        """
        What waits, after an end of whatever kind; leftovers are removed.

        :param now: seconds since 1970.
        """
        self._disk.make_folders(self._broken)
        self._forget_broken(now)
        for shard in self._shards():
            found = self._found(shard)
            for queue_id, suffixes in sorted(found.items()):
                if "q" in suffixes:
                    yield self._recovered(queue_id)
                else:
                    # Never answered with success, or done with.
                    self._disk.unlink(self._path(queue_id, "m"))
            if not found and shard != self._newest:
                with suppress(OSError):
                    self._disk.remove_folder(os.path.join(self._folder, shard))

    def _recovered(self, queue_id: str) -> Standing | Broken:
        try:
            return self.read(queue_id)
        except DamagedEntry as error:
            return Broken(queue_id, str(error), held=True)
        except HalfWritten as error:
            why = str(error)
        except FileNotFoundError:
            why = "its content is missing"
        self.set_aside(queue_id)
        return Broken(queue_id, why, held=False)

    def _found(self, shard: str) -> dict[str, set[str]]:
        """
        The ids in a shard, each with the suffixes it has; removes what a
        crash left of files that never got their names.
        """
        folder = os.path.join(self._folder, shard)
        found: dict[str, set[str]] = {}
        for name in os.listdir(folder):
            if match := _FILE.fullmatch(name):
                found.setdefault(match[1], set()).add(match[2])
            elif name.endswith((".new", ".tmp")):
                self._disk.unlink(os.path.join(folder, name))
        return found

    def _forget_broken(self, now: float) -> None:
        for name in os.listdir(self._broken):
            path = os.path.join(self._broken, name)
            if os.stat(path).st_ctime < now - _BROKEN_KEPT:
                self._disk.unlink(path)

    # Paths

    def _shards(self) -> list[str]:
        return sorted(
            name for name in os.listdir(self._folder) if _SHARD.fullmatch(name)
        )

    def _shard_of(self, queue_id: str) -> str:
        return os.path.join(self._folder, queue_id[:8])

    def _path(self, queue_id: str, suffix: str) -> str:
        return os.path.join(self._shard_of(queue_id), f"{queue_id}.{suffix}")

    def _lines(self, queue_id: str) -> bytes:
        with open(self._path(queue_id, "q"), "rb") as file:
            return file.read()
