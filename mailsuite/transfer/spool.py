"""
The queue's files: a content and an entry for each message that waits.

``FOLDER/SHARD/ID.m`` is the content and never changes; ``FOLDER/SHARD/ID.q``
is the entry, to which lines are added; a content that was made anew is
``ID.2.m``.  An id begins with its shard, so that its files are found without
an index.

Implementation notes

- All calls block, and are made in pool threads; each takes many, for whom it
  syncs once.
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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

from mailsuite.disk import Disk, File
from mailsuite.transfer.entry import Standing
from mailsuite.transfer.entrylines import (
    DamagedEntry,
    HalfWritten,
    lines,
    read_entry,
)
from mailsuite.transfer.spooled import (
    Appended,
    Broken,
    Change,
    Found,
    Kept,
    NotQueued,
    Removed,
    Rewritten,
)

#: How long what is damaged is kept, seconds.
_BROKEN_KEPT = 7 * 86400.0

#: Octets of a large content, and of an entry, that are read at once.
_SLICE = 256 * 1024
_ENTRY = 64 * 1024

_SHARD = re.compile(r"[0-9a-f]{8}")
_FILE = re.compile(r"([0-9a-f]{8}[0-9a-f]{3,})\.(q|(?:2\.)?m)")


class Spool:
    """
    The folder of the queue.
    """

    def __init__(self, disk: Disk, folder: str) -> None:
        self.disk = disk
        self.folder = folder
        self._broken = os.path.join(folder, "broken")
        self._newest = ""

    # Shards

    def new_shard(self, now: float) -> str:
        """
        Make a shard that never was before.

        :param now: seconds since 1970.
        """
        self.disk.make_folders(self._broken)
        number = max([int(now), *(int(s, 16) + 1 for s in self.shards())])
        while True:
            shard = f"{number:08x}"
            try:
                self.disk.make_folder(os.path.join(self.folder, shard))
            except FileExistsError:
                number += 1
                continue
            self.disk.sync(folders=[self.folder])
            self._newest = shard
            return shard

    def free(self) -> int:
        """
        Octets that are free on the queue's file system.
        """
        answer = os.statvfs(self.folder)
        return answer.f_bavail * answer.f_frsize

    # Into the queue

    def new_file(self) -> File:
        """
        A file for the content of a message that may be queued.
        """
        return self.disk.create(self.folder)

    def keep(self, messages: Sequence[Kept]) -> list[int | Exception]:
        """
        Queue messages; on return those that did not fail survive a power cut.
        Nothing is left of the others.

        :return: the octets of each entry, or why it failed.
        """
        results: list[int | Exception] = []
        with ExitStack() as opened:
            files: list[File] = []
            folders: set[str] = set()
            for message in messages:
                try:
                    content, entry = self._write_pair(message, opened)
                except OSError as error:
                    results.append(error)
                else:
                    files += (content, entry)
                    folders.add(self._shard_of(message.queue_id))
                    results.append(entry.size)
            try:
                self.disk.sync(files, sorted(folders))
            except OSError as error:
                results = [
                    x if isinstance(x, Exception) else error for x in results
                ]
        for message, result in zip(messages, results, strict=True):
            if isinstance(result, Exception):
                with suppress(OSError):
                    self._unlink(message.queue_id)
        return results

    def _write_pair(
        self, message: Kept, opened: ExitStack
    ) -> tuple[File, File]:
        path = self._path(message.queue_id, "m")
        if isinstance(message.content, File):
            content = message.content
            self.disk.link(content, path)
        else:
            content = opened.enter_context(self.disk.create_named(path))
            content.write(message.content)
        entry = opened.enter_context(
            self.disk.create_named(self._path(message.queue_id, "q"))
        )
        entry.write(lines(message.standing))
        return content, entry

    # Out of it

    def pick(self, queue_id: str, most: int | None) -> Found | Broken:
        """
        Read an entry, and see that its content is what was accepted; a pair
        that never was whole is set aside.

        :param most: content of more octets is left in its file; None: it is
            looked at for its size alone.
        :raises NotQueued: there is no such message.
        :raises OSError: it cannot be read.
        """
        try:
            found = self._read(queue_id)
            if most is None:
                self._see_size(found.standing)
            else:
                octets = self._checked_content(found.standing, most)
                found = replace(found, octets=octets)
        except DamagedEntry as error:
            return Broken(queue_id, str(error), held=True)
        except HalfWritten as error:
            why = str(error)
        except FileNotFoundError:
            why = "its content is missing"
        else:
            return found
        self._set_aside(queue_id)
        return Broken(queue_id, why, held=False)

    def pick_all(
        self, queue_ids: Sequence[str], most: int | None
    ) -> list[Found | Broken | NotQueued | OSError]:
        """
        As ``pick``, of many, with the reasons where it failed.
        """
        results: list[Found | Broken | NotQueued | OSError] = []
        for queue_id in queue_ids:
            try:
                results.append(self.pick(queue_id, most))
            except (NotQueued, OSError) as error:
                results.append(error)
        return results

    def _read(self, queue_id: str) -> Found:
        try:
            octets = b"".join(_pieces(self._path(queue_id, "q"), _ENTRY))
        except FileNotFoundError as error:
            raise NotQueued from error
        standing, good = read_entry(octets)
        return Found(standing, good, octets.index(b"\n") + 1)

    def _see_size(self, standing: Standing) -> None:
        size = os.stat(self._content_path(standing)).st_size
        if standing.content.size != size:
            raise HalfWritten("its content has another size")

    def _checked_content(self, standing: Standing, most: int) -> bytes | None:
        stored = standing.content
        small = stored.size <= most
        # One more, to see that there is none.
        length = stored.size + 1 if small else _SLICE
        size = crc32 = 0
        octets = b""
        for octets in _pieces(self._content_path(standing), length):
            size += len(octets)
            crc32 = zlib.crc32(octets, crc32)
        if size != stored.size:
            raise HalfWritten("its content has another size")
        if crc32 != stored.crc32:
            raise HalfWritten("its content is damaged")
        return octets if small else None

    def open_content(self, standing: Standing) -> int:
        """
        A descriptor to read the content from; the caller closes it.
        """
        path = self._content_path(standing)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    # What happened

    def change(self, changes: Sequence[Change]) -> list[None | Exception]:
        """
        Add lines, or remove what is done with; on return what did not fail
        survives a power cut.  After a failure an entry is to be rewritten.
        """
        failures: list[None | Exception] = [None] * len(changes)
        with ExitStack() as opened:
            files: list[File] = []
            folders: set[str] = set()
            for place, change in enumerate(changes):
                try:
                    match change:
                        case Appended():
                            files.append(self._append(change, opened))
                        case Rewritten(queue_id, octets):
                            path = self._path(queue_id, "q")
                            self.disk.replace(path, octets)
                        case Removed(queue_id, file):
                            self._unlink(queue_id, file)
                            folders.add(self._shard_of(queue_id))
                except (OSError, DamagedEntry) as error:
                    failures[place] = error
            try:
                self.disk.sync(files, sorted(folders))
            except OSError as error:
                failures = [failure or error for failure in failures]
        return failures

    def _append(self, change: Appended, opened: ExitStack) -> File:
        file = self.disk.open(self._path(change.queue_id, "q"))
        opened.callback(file.close)
        if file.size > change.length:
            file.cut(change.length)
        if file.size < change.length:
            raise DamagedEntry("it is shorter than it was")
        file.write(change.lines)
        return file

    def add_second(
        self, queue_id: str, name: str, pieces: Iterable[bytes]
    ) -> tuple[int, int]:
        """
        Keep a content that was made anew; on return it survives a power cut.

        :return: its octets, and their CRC.
        """
        path = self._path(queue_id, f"{name}.m")
        crc32 = 0
        with self.disk.create(self._shard_of(queue_id)) as file:
            for octets in pieces:
                file.write(octets)
                crc32 = zlib.crc32(octets, crc32)
            with suppress(FileNotFoundError):
                self.disk.unlink(path)
            self.disk.link(file, path)
            self.disk.sync([file], [self._shard_of(queue_id)])
            return file.size, crc32

    def open_second(self, queue_id: str, name: str) -> int:
        """
        A descriptor to read it from; the caller closes it.
        """
        path = self._path(queue_id, f"{name}.m")
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _unlink(self, queue_id: str, file: str = "") -> None:
        # Without its entry a content is nothing.
        suffixes = ["q", "m"]
        if file:
            suffixes.append(f"{file}.m")
        for suffix in suffixes:
            with suppress(FileNotFoundError):
                self.disk.unlink(self._path(queue_id, suffix))

    def _set_aside(self, queue_id: str) -> None:
        """
        Move a pair that was never whole out of the way.
        """
        for suffix in ("q", "m", "2.m"):
            path = self._path(queue_id, suffix)
            with suppress(FileNotFoundError):
                self.disk.rename(
                    path, os.path.join(self._broken, os.path.basename(path))
                )
        self.disk.sync(folders=[self._broken, self._shard_of(queue_id)])

    # At the start

    def tidy(self, now: float, *, empty_before: float) -> None:
        """
        Forget what has been broken for long, and shards that are empty.

        :param now: seconds since 1970.
        :param empty_before: shards that are as old as that are given no more
            entries.
        """
        self.disk.make_folders(self._broken)
        for name in os.listdir(self._broken):
            path = os.path.join(self._broken, name)
            if os.stat(path).st_ctime < now - _BROKEN_KEPT:
                self.disk.unlink(path)
        for shard in self.shards():
            if shard != self._newest and int(shard, 16) < empty_before:
                folder = os.path.join(self.folder, shard)
                try:
                    self.disk.remove_folder(folder)
                except OSError:
                    self._sweep(folder)

    def _sweep(self, folder: str) -> None:
        """
        Remove second contents that a crash left behind, once all messages
        have ended.

        A first one may be a message's whose entry is written in this moment.
        """
        names = os.listdir(folder)
        if not any(name.endswith(".q") for name in names):
            with suppress(OSError):
                for name in names:
                    if name.endswith(".2.m"):
                        self.disk.unlink(os.path.join(folder, name))
                self.disk.remove_folder(folder)

    def names(self, shard: str, *, former: bool) -> dict[str, int]:
        """
        The ids of a shard's entries, each with the octets that its file has.
        Messages may be done with, and go, meanwhile.

        :param former: nothing new comes into it: what a crash left is removed.
        """
        folder = os.path.join(self.folder, shard)
        entries: dict[str, int] = {}
        others: list[tuple[str, str]] = []
        try:
            scanning = os.scandir(folder)
        except FileNotFoundError:
            # It was empty.
            return entries
        with scanning as found:
            for one in found:
                match = _FILE.fullmatch(one.name)
                if match is not None and match[2] == "q":
                    with suppress(FileNotFoundError):
                        entries[match[1]] = one.stat().st_size
                elif match is not None:
                    others.append((match[1], one.path))
                elif one.name.endswith((".new", ".tmp")):
                    # An entry that is there may be being written anew.
                    others.append((one.name.partition(".")[0], one.path))
        if former:
            for queue_id, path in others:
                if queue_id not in entries:
                    # Never answered with success, or done with.
                    with suppress(FileNotFoundError):
                        self.disk.unlink(path)
        return entries

    def former_shards(self) -> list[str]:
        """
        Those of earlier starts, before this one has any; removes what a
        crash left of files that never got their names.
        """
        self.disk.make_folders(self._broken)
        self.disk.spread(self.folder)
        for name in os.listdir(self.folder):
            if name.endswith((".new", ".tmp")):
                self.disk.unlink(os.path.join(self.folder, name))
        return self.shards()

    def shards(self) -> list[str]:
        """
        All there are, from the oldest on.
        """
        return sorted(
            name for name in os.listdir(self.folder) if _SHARD.fullmatch(name)
        )

    # Paths

    def _shard_of(self, queue_id: str) -> str:
        return os.path.join(self.folder, queue_id[:8])

    def _path(self, queue_id: str, suffix: str) -> str:
        return os.path.join(self._shard_of(queue_id), f"{queue_id}.{suffix}")

    def _content_path(self, standing: Standing) -> str:
        suffix = f"{standing.file}.m" if standing.file else "m"
        return self._path(standing.entry.queue_id, suffix)


def _pieces(path: str, length: int) -> Iterator[bytes]:
    """
    A file's octets, so many at once.

    Each call of the system lets go of the interpreter, and to get it back
    takes longer than the call: of a small file there are three.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        octets = os.read(descriptor, length)
        yield octets
        # Of a regular file, fewer octets than wanted are the last.
        while len(octets) == length:
            octets = os.read(descriptor, length)
            yield octets
    finally:
        os.close(descriptor)
