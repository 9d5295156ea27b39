"""
A stored message's octets, as slices of its file.

Implementation notes

- What the page cache holds is read at once, on the reactor (``RWF_NOWAIT``):
  a short message costs a dozen microseconds there, 256 kB a hundred, and a
  thread's turn as much.  What would wait for the disk is read in the pool.
- Lines that end in LF alone get their CR LF here: a short message in memory, a
  long one by way of a file without a name.
"""

from __future__ import annotations

import mmap
import os

from zope.interface import implementer

from mailsuite.disk import Disk
from mailsuite.interfaces import IContent
from mailsuite.mail.lineends import LineEnds
from mailsuite.store.pool import Pool

#: Messages of so many octets and less are read whole when they are opened.
SHORT = 64 << 10

#: So are those of so many octets whose lines end in LF alone.
SHORT_UNMENDED = 256 << 10

PIECE = 256 << 10


@implementer(IContent)
class ShortContent:
    """
    Content that is in memory.
    """

    __slots__ = ("_octets", "size")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.size = len(octets)

    async def read(self, offset: int, length: int) -> bytes:
        """
        See ``IContent``.
        """
        if offset == 0 and length >= self.size:
            return self._octets
        return self._octets[offset : offset + length]

    def close(self) -> None:
        """
        See ``IContent``.
        """


@implementer(IContent)
class LongContent:
    """
    Content that is in an open file.

    :param descriptor: the file's, closed with the content.
    """

    __slots__ = ("_descriptor", "_pool", "_reading", "size")

    def __init__(self, descriptor: int, size: int, pool: Pool) -> None:
        self._descriptor = descriptor
        self._pool = pool
        self._reading = 0
        self.size = size

    async def read(self, offset: int, length: int) -> bytes:
        """
        See ``IContent``.
        """
        octets = read_cached(self._descriptor, offset, min(length, PIECE))
        wanted = max(min(length, self.size - offset), 0)
        if octets is not None and len(octets) == wanted:
            return octets
        # A descriptor of its own: ``close`` may come while the thread reads.
        descriptor = os.dup(self._descriptor)
        return await self._pool.run(
            lambda: _read_and_close(descriptor, offset, wanted)
        )

    def close(self) -> None:
        """
        See ``IContent``.
        """
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _read_and_close(descriptor: int, offset: int, length: int) -> bytes:
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def read_cached(descriptor: int, offset: int, length: int) -> bytes | None:
    """
    Octets of a file if they are in memory, else None or fewer.
    """
    buffer = bytearray(length)
    try:
        count = os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT)
    except OSError:
        # EAGAIN, or a file system that cannot tell.
        return None
    del buffer[count:]
    return bytes(buffer)


def open_cached(path: str, size: int, pool: Pool) -> IContent | None:
    """
    A message's content if that needs no waiting, else None.

    :param size: octets on the wire.
    :raises FileNotFoundError: the file has another name.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # It is the size, in a sixth of the time of ``os.fstat``.
        stored = os.lseek(descriptor, 0, os.SEEK_END)
        if stored == size > SHORT:
            content = LongContent(descriptor, size, pool)
            descriptor = -1
            return content
        if stored > SHORT_UNMENDED:
            return None
        octets = read_cached(descriptor, 0, stored)
        if octets is None or len(octets) != stored:
            return None
        if stored != size:
            octets = LineEnds().feed(octets)
        return ShortContent(octets)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def open_slowly(path: str, disk: Disk, pool: Pool) -> IContent:
    """
    A message's content, whatever its lines end in.  Called in a thread.

    :raises FileNotFoundError: the file has another name.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size <= IN_ONE_PIECE:
            octets = LineEnds().feed(os.pread(descriptor, size, 0))
            return ShortContent(octets)
        bare = bare_line_feeds(descriptor)
        if bare:
            copy = _with_line_ends(descriptor, disk, os.path.dirname(path))
            return LongContent(copy, size + bare, pool)
        content = LongContent(descriptor, size, pool)
        descriptor = -1
        return content
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def mapped(path: str, disk: Disk) -> bytes | mmap.mmap:
    """
    A whole message to be looked through: a short one as its octets, a long
    one as its file mapped into memory.  Called in a thread.

    :raises FileNotFoundError: the file has another name.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size <= IN_ONE_PIECE:
            return LineEnds().feed(os.pread(descriptor, size, 0))
        if bare_line_feeds(descriptor):
            copy = _with_line_ends(descriptor, disk, os.path.dirname(path))
            os.close(descriptor)
            descriptor = copy
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)


#: Messages of so many octets and less are turned to CR LF in memory.
IN_ONE_PIECE = 1 << 20


def bare_line_feeds(descriptor: int) -> int:
    """
    How many lines of a file end in LF alone.
    """
    bare = offset = 0
    last = b""
    while piece := os.pread(descriptor, PIECE, offset):
        bare += piece.count(b"\n")
        if b"\r" in piece:
            bare -= piece.count(b"\r\n")
        if last == b"\r" and piece[:1] == b"\n":
            bare -= 1
        last = piece[-1:]
        offset += len(piece)
    return bare


def _with_line_ends(descriptor: int, disk: Disk, folder: str) -> int:
    """
    A descriptor of a copy whose lines end in CR LF.
    """
    ends = LineEnds()
    offset = 0
    with disk.create(folder) as copy:
        while piece := os.pread(descriptor, PIECE, offset):
            copy.write(ends.feed(piece))
            offset += len(piece)
        return os.dup(copy.descriptor)
