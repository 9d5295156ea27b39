"""
Content on its way in, before any mailbox has it.

Implementation notes

- Up to ``IN_MEMORY`` octets stay in memory: most messages never need a file
  but the one that they are delivered as.  What is larger goes, as it comes,
  into a file without a name on the mail's file system, which is then linked
  where it belongs.
- Who waits for a thread may give up (a client that goes away cancels what was
  done for it) and discard the content while the thread still works with it.
  What it works with then goes only when the thread is done: a descriptor that
  was closed too early is another file's by then.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailsuite.disk import Disk, File, as_mail_error
from mailsuite.interfaces import IContent, IIncoming
from mailsuite.store.pool import Pool

T = TypeVar("T")

#: Content of so many octets and less is kept in memory.
IN_MEMORY = 1 << 20

#: Larger content is written in pieces of about so many octets.
PIECE = 256 << 10


@implementer(IIncoming)
class Incoming:
    """
    Content that is being written.

    ``write``, ``discard`` and ``content`` are the reactor's; the others are
    called in threads, once nothing more is written.

    :param folder: on the file system that mail is kept on.
    :param expected: octets, if they are known.
    :ivar taken: its file is some message's; who needs one with another date
        makes a copy.
    """

    def __init__(
        self, disk: Disk, pool: Pool, folder: str, expected: int | None
    ) -> None:
        self.size = 0
        self.taken = False
        self._disk = disk
        self._pool = pool
        self._folder = folder
        self._in_memory = (expected or 0) <= IN_MEMORY
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._file: File | None = None
        self._uses = 0
        self._discarded = False

    def write(self, octets: bytes) -> Awaitable[None] | None:
        """
        See ``IIncoming``.
        """
        self._pieces.append(octets)
        self.size += len(octets)
        self._waiting += len(octets)
        if self._in_memory and self.size <= IN_MEMORY:
            return None
        self._in_memory = False
        if self._waiting < PIECE:
            return None
        return self.during(self._pool.run(self._flush))

    def during(self, work: Deferred[T]) -> Deferred[T]:
        """
        The same result; but whoever gives up waiting for it, until ``work``
        is done ``discard`` takes nothing away.
        """
        self._uses += 1
        waiting: Deferred[T] = Deferred()
        work.addBoth(self._used).addCallbacks(waiting.callback, waiting.errback)
        return waiting

    def _used(self, result: T) -> T:
        self._uses -= 1
        if self._discarded and not self._uses:
            self._drop()
        return result

    def discard(self) -> None:
        """
        See ``IIncoming``.
        """
        self._discarded = True
        if not self._uses:
            self._drop()

    def _drop(self) -> None:
        self._pieces.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def content(self) -> IContent:
        """
        See ``IIncoming``.
        """
        return _Written(self)

    # In a thread

    @property
    def octets(self) -> bytes | None:
        """
        All of it, None if it is in a file.
        """
        if not self._in_memory:
            return None
        if len(self._pieces) > 1:
            self._pieces[:] = [b"".join(self._pieces)]
        return self._pieces[0] if self._pieces else b""

    def file(self) -> File:
        """
        The file that has all of it; only where ``octets`` is None.
        """
        self._flush()
        assert self._file is not None
        return self._file

    @property
    def shared(self) -> File | None:
        """
        The file that is closed with this, not by who linked it.
        """
        return self._file

    def copy(self, disk: Disk, folder: str) -> File:
        """
        A file of its own with the same content, on another file system.
        """
        file = disk.create(folder)
        try:
            for offset in range(0, self.size, PIECE):
                file.write(self.read(offset, PIECE))
        except OSError:
            file.close()
            raise
        return file

    def read(self, offset: int, length: int) -> bytes:
        """
        A slice.
        """
        octets = self.octets
        if octets is not None:
            return octets[offset : offset + length]
        return os.pread(self.file().descriptor, length, offset)

    def _flush(self) -> None:
        octets = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        try:
            if self._file is None:
                self._file = self._disk.create(self._folder)
            if octets:
                self._file.write(octets)
        except OSError as error:
            raise as_mail_error(error) from error


@implementer(IContent)
class _Written:
    """
    What an ``Incoming`` has, until it is discarded.
    """

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self.size = incoming.size

    async def read(self, offset: int, length: int) -> bytes:
        """
        See ``IContent``.
        """
        incoming = self._incoming
        return await incoming.during(
            incoming._pool.run(lambda: incoming.read(offset, length))
        )

    def close(self) -> None:
        """
        See ``IContent``.
        """
