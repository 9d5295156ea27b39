"""
A message's octets on their way in: in memory while they are few, else in the
store.

Implementation notes

- Nothing goes to the store before the header section is whole: its trace
  fields stand in front, and what it says may end the transaction.
- Little content is handed over in one piece when it is complete; the store
  writes it once, with its trace fields in front.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError

from mailsuite.errors import MalformedMessage
from mailsuite.interfaces import IIncoming, IMailboxService
from mailsuite.transfer.header import MOST_OCTETS, section_end

#: Content of up to so many octets stays in memory.
IN_MEMORY = 1024 * 1024

#: Makes of a header section and of what follows it the octets to keep.
Rewrite = Callable[[bytes, bytes], bytes]


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

    :param rewrite: called once, with the header section and the octets that
        follow it so far, when the section is whole; may raise a ``MailError``.
    """

    def __init__(
        self,
        mailboxes: IMailboxService,
        budget: MemoryBudget,
        rewrite: Rewrite,
    ) -> None:
        self.size = 0
        self._mailboxes = mailboxes
        self._budget = budget
        self._rewrite = rewrite
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
            return self._incoming.write(octets)
        self._pieces.append(octets)
        if self.size <= IN_MEMORY and self._budget.take(len(octets)):
            self._held += len(octets)
            return None
        return self._move_to_store()

    async def finish(self) -> IIncoming:
        """
        All of it, as the store may take it.
        """
        if self._incoming is None:
            await self._hand_over(whole=True)
        assert self._incoming is not None
        return self._incoming

    def discard(self) -> None:
        """
        Leave nothing behind.  May be called more than once.
        """
        self._discarded = True
        self._forget_pieces()
        if self._incoming is not None:
            self._incoming.discard()

    async def _move_to_store(self) -> None:
        if section_end(b"".join(self._pieces), whole=False) is not None:
            await self._hand_over(whole=False)
        elif self.size > MOST_OCTETS:
            raise MalformedMessage("Header section is too large")

    async def _hand_over(self, *, whole: bool) -> None:
        octets = b"".join(self._pieces)
        end = section_end(octets, whole=True) or 0
        if end > MOST_OCTETS:
            raise MalformedMessage("Header section is too large")
        octets = self._rewrite(octets[:end], octets[end:])
        incoming = await self._mailboxes.incoming(
            len(octets) if whole else None
        )
        if self._discarded:
            incoming.discard()
            raise CancelledError
        self._incoming = incoming
        try:
            if (written := incoming.write(octets)) is not None:
                await written
        finally:
            self._forget_pieces()

    def _forget_pieces(self) -> None:
        self._pieces.clear()
        self._budget.give_back(self._held)
        self._held = 0
