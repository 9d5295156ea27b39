"""
A message's octets on their way in: in memory while they are few, else in a
file.

Implementation notes

- Nothing goes to a file before the header section is whole: what it says may
  end the transaction, and fields that must go are taken out of it.
- Little content is handed over in one piece when it is complete; whoever takes
  it writes it once, with the fields in front that are known by then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from twisted.internet.defer import CancelledError

from mailsuite.errors import MalformedMessage
from mailsuite.interfaces import IIncoming
from mailsuite.transfer.header import LARGE, MOST_OCTETS, section_end
from mailsuite.transfer.threads import InPool

#: Content of up to so many octets stays in memory.
IN_MEMORY = 1024 * 1024

#: Makes of a header section, and of what follows it so far, what is kept in
#: place of them; called once, and may raise a ``MailError``.  For a section
#: that is ``LARGE`` it is called in a thread.
Rewrite = Callable[[bytes, bytes], bytes]

#: Sees the octets behind the header section, as they come.
Watch = Callable[[bytes], None]

#: A file for content, whose size is not known.
Place = Callable[[], Awaitable[IIncoming]]


class MemoryBudget:
    """
    Octets that may be held; who gets none writes to a file instead.

    :param octets: in all.
    """

    def __init__(self, octets: int) -> None:
        self.free = octets

    def take(self, octets: int) -> bool:
        """
        Whether so many more may be held; then they are counted.
        """
        if octets > self.free:
            return False
        self.free -= octets
        return True

    def give_back(self, octets: int) -> None:
        """
        They are held no longer.
        """
        self.free += octets


class ReceivedContent:
    """
    Content on its way in.
    """

    def __init__(
        self,
        place: Place,
        budget: MemoryBudget,
        rewrite: Rewrite,
        watch: Watch,
        in_pool: InPool,
    ) -> None:
        self.size = 0
        self._place = place
        self._budget = budget
        self._rewrite = rewrite
        self._watch = watch
        self._in_pool = in_pool
        self._pieces: list[bytes] = []
        self._held = 0
        self._incoming: IIncoming | None = None
        self._discarded = False

    def write(self, octets: bytes) -> Awaitable[None] | None:
        """
        As ``IIncoming.write``.
        """
        self.size += len(octets)
        if self._incoming is not None:
            self._watch(octets)
            return self._incoming.write(octets)
        self._pieces.append(octets)
        if self.size <= IN_MEMORY and self._budget.take(len(octets)):
            self._held += len(octets)
            return None
        return self._move_to_file()

    async def finish(self) -> bytes | IIncoming:
        """
        All of it, rewritten: in memory, or in the file.
        """
        if self._incoming is not None:
            return self._incoming
        if self.size <= IN_MEMORY:
            return await self._rewritten()
        # It is large, and all of it is the header section.
        return await self._begin_file()

    def discard(self) -> None:
        """
        Leave nothing behind.  May be called more than once.
        """
        self._discarded = True
        self._forget_pieces()
        if self._incoming is not None:
            self._incoming.discard()

    async def _move_to_file(self) -> None:
        if section_end(b"".join(self._pieces), whole=False) is not None:
            await self._begin_file()
        elif self.size > MOST_OCTETS:
            raise MalformedMessage("Header section is too large")

    async def _begin_file(self) -> IIncoming:
        octets = await self._rewritten()
        incoming = await self._place()
        if self._discarded:
            incoming.discard()
            raise CancelledError
        self._incoming = incoming
        try:
            if (written := incoming.write(octets)) is not None:
                await written
        finally:
            self._forget_pieces()
        return incoming

    async def _rewritten(self) -> bytes:
        octets = b"".join(self._pieces)
        end = section_end(octets, whole=True) or 0
        if end > MOST_OCTETS:
            raise MalformedMessage("Header section is too large")
        work = partial(self._rewrite, octets[:end], octets[end:])
        return await self._in_pool(work) if end > LARGE else work()

    def _forget_pieces(self) -> None:
        self._pieces.clear()
        self._budget.give_back(self._held)
        self._held = 0
