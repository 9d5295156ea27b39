"""
Large content on its way into the queue, in a file of the queue's own.

Implementation notes

- The file has no name until the message is queued: a client that goes away
  leaves nothing behind.
- It is written out while it comes, so that the sync at its end is short.
- Who waits for a thread may give up and discard the content while the thread
  still works with it; the file goes only when the thread is done with it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from mailsuite.disk import File, as_mail_error
from mailsuite.errors import StoreUnavailable
from mailsuite.interfaces import IContent, IIncoming
from mailsuite.transfer.threads import InPool

T = TypeVar("T")

#: Octets that are written at once.
_PIECE = 256 * 1024

#: Octets after which writing out is begun.
_WRITE_BACK = 4 * 1024 * 1024


@implementer(IIncoming)
class QueuedContent:
    """
    Content that is being written to a file of the queue.

    :param create: makes the file; may block.
    :ivar size: octets written so far.
    """

    def __init__(self, create: Callable[[], File], in_pool: InPool) -> None:
        self.size = 0
        self._create = create
        self._in_pool = in_pool
        self._pieces: list[bytes] = []
        self._held = 0
        self._file: File | None = None
        self._crc32 = 0
        self._since_write_back = 0
        self._uses = 0
        self._discarded = False

    def write(self, octets: bytes) -> Awaitable[None] | None:
        """
        See ``IIncoming``.
        """
        self._pieces.append(octets)
        self.size += len(octets)
        self._held += len(octets)
        if self._held < _PIECE:
            return None
        return Deferred.fromCoroutine(self._in_thread(self._flush))

    def content(self) -> IContent:
        """
        See ``IIncoming``.
        """
        return _Written(self)

    def discard(self) -> None:
        """
        See ``IIncoming``.
        """
        self._discarded = True
        if not self._uses:
            self._drop()

    async def whole(self) -> tuple[File, int]:
        """
        The file with all that was written, and its CRC; it stays open until
        ``discard``, which waits for ``release``.

        :raises StoreFull, StoreUnavailable: not all of it could be written.
        """
        await self._in_thread(self._flush)
        if self._file is None or self._discarded:
            raise StoreUnavailable
        self._uses += 1
        return self._file, self._crc32

    def release(self) -> None:
        """
        The file that ``whole`` gave is needed no longer.
        """
        self._uses -= 1
        if self._discarded and not self._uses:
            self._drop()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # The work is done to its end even if nobody waits for it.
        self._uses += 1
        done: Deferred[T] = Deferred()
        Deferred.fromCoroutine(self._work(work)).addCallbacks(
            done.callback, done.errback
        )
        return await done

    async def _work(self, work: Callable[[], T]) -> T:
        try:
            return await self._in_pool(work)
        except OSError as error:
            raise as_mail_error(error) from error
        finally:
            self.release()

    def _drop(self) -> None:
        self._pieces.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    # In a thread

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        octets = b"".join(pieces)
        self._held = 0
        if self._file is None:
            self._file = self._create()
        self._file.write(octets)
        self._crc32 = zlib.crc32(octets, self._crc32)
        self._since_write_back += len(octets)
        if self._since_write_back >= _WRITE_BACK:
            self._since_write_back = 0
            self._file.begin_write_back()

    def read(self, offset: int, length: int) -> bytes:
        """
        A slice of what was written so far.

        :raises StoreUnavailable: it was discarded.
        """
        self._flush()
        if self._file is None or self._discarded:
            raise StoreUnavailable
        return os.pread(self._file.descriptor, length, offset)

    async def slice(self, offset: int, length: int) -> bytes:
        """
        As ``read``, from the reactor's thread.
        """
        return await self._in_thread(lambda: self.read(offset, length))


@implementer(IContent)
class _Written:
    """
    What was written, read again.
    """

    def __init__(self, queued: QueuedContent) -> None:
        self.size = queued.size
        self._queued = queued

    async def read(self, offset: int, length: int) -> bytes:
        """
        See ``IContent``.
        """
        return await self._queued.slice(offset, length)

    def close(self) -> None:
        """
        See ``IContent``.
        """
