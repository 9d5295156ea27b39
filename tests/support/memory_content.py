"""
Content kept in memory: ``IIncoming`` and ``IContent`` for tests.
"""

from __future__ import annotations

from zope.interface import implementer

from mailsuite.interfaces import IContent, IIncoming


@implementer(IIncoming)
class MemoryIncoming:
    """
    Content on its way in.
    """

    def __init__(self) -> None:
        self.octets = bytearray()
        self.discarded = False

    @property
    def size(self) -> int:
        """
        Octets written so far.
        """
        return len(self.octets)

    def write(self, octets: bytes) -> None:
        """
        Add a piece.
        """
        self.octets += octets

    def content(self) -> MemoryContent:
        """
        What was written so far, until it is discarded.
        """
        return MemoryContent(self.octets)

    def discard(self) -> None:
        """
        Forget it.
        """
        self.octets.clear()
        self.discarded = True


@implementer(IContent)
class MemoryContent:
    """
    One message's octets.
    """

    def __init__(self, octets: bytes | bytearray) -> None:
        self._octets = octets
        self.size = len(octets)
        self.closed = False

    async def read(self, offset: int, length: int) -> bytes:
        """
        A slice.
        """
        return bytes(self._octets[offset : offset + length])

    def close(self) -> None:
        """
        Done with it.
        """
        self.closed = True
