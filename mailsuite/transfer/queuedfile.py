"""
A queued message's octets, as they are sent or as an account gets them.
"""

from __future__ import annotations

import os
from functools import partial

from zope.interface import implementer

from mailsuite.errors import StoreUnavailable
from mailsuite.interfaces import IContent
from mailsuite.transfer.entry import Stored
from mailsuite.transfer.threads import InPool


def on_the_wire(stored: Stored, octets: bytes) -> bytes:
    """
    What is sent to another host.

    :param octets: the whole file.
    """
    if not stored.skip and not stored.prefix:
        return octets
    return stored.prefix + octets[stored.skip :]


def for_account(stored: Stored, octets: bytes) -> bytes:
    """
    What an account here gets: Return-Path is its first field.

    :param octets: the whole file.
    """
    if not stored.prefix:
        return octets
    return octets[: stored.skip] + stored.prefix + octets[stored.skip :]


@implementer(IContent)
class InMemory:
    """
    Octets that are in memory.
    """

    def __init__(self, octets: bytes) -> None:
        self.size = len(octets)
        self._octets = octets

    async def read(self, offset: int, length: int) -> bytes:
        """
        See ``IContent``.
        """
        return self._octets[offset : offset + length]

    def close(self) -> None:
        """
        See ``IContent``.
        """


@implementer(IContent)
class QueuedFile:
    """
    The same, from its file.

    :param descriptor: closed with this.
    :param account: it is for an account here, not for another host.
    """

    def __init__(
        self,
        stored: Stored,
        descriptor: int,
        in_pool: InPool,
        *,
        account: bool,
    ) -> None:
        self._stored = stored
        self._descriptor = descriptor
        self._in_pool = in_pool
        #: Octets of the file that stand before the prefix.
        self._before = stored.skip if account else 0
        self.size = stored.octets + self._before
        self._open = True
        self._readers = 0

    async def read(self, offset: int, length: int) -> bytes:
        """
        See ``IContent``.
        """
        if not self._open:
            raise StoreUnavailable
        self._readers += 1
        try:
            return await self._in_pool(partial(self._slice, offset, length))
        except OSError as error:
            raise StoreUnavailable from error
        finally:
            self._readers -= 1
            self._close_unused()

    def close(self) -> None:
        """
        See ``IContent``.
        """
        if self._open:
            self._open = False
            self._close_unused()

    def _close_unused(self) -> None:
        if not self._open and not self._readers and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _slice(self, offset: int, length: int) -> bytes:
        before, prefix = self._before, self._stored.prefix
        pieces: list[bytes] = []
        end = min(offset + length, self.size)
        if offset < before:
            first = min(before, end) - offset
            pieces.append(os.pread(self._descriptor, first, offset))
            offset += first
        if before <= offset < before + len(prefix):
            pieces.append(prefix[offset - before : end - before])
            offset = min(before + len(prefix), end)
        if offset < end:
            start = offset - before - len(prefix) + self._stored.skip
            pieces.append(os.pread(self._descriptor, end - offset, start))
        return b"".join(pieces)
