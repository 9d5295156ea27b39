"""
An APPEND whose literal is coming in (RFC 9051 6.3.12).

Implementation notes

- What cannot be kept is swallowed to the literal's true end, and only then
  answered: the rest of a message must never become commands.
- A message with NULs is not kept, though a literal8 may carry them: it could be
  sent to no client (RFC 9051 4.3.1, RFC 3516 4.4).
"""

from __future__ import annotations

from mailsuite.errors import MailError, MessageTooLarge
from mailsuite.imap.bodies import UnknownTransferEncoding
from mailsuite.imap.wire.commands import Append
from mailsuite.interfaces import IIncoming, IMailbox
from mailsuite.mail.lineends import LineEnds
from mailsuite.mail.mailboxes import Appended


class Appending:
    """
    One message on its way into a mailbox, which is given back at the end.

    :param limit: the most octets that it may have once each line of it ends
        in CR LF.
    """

    __slots__ = (
        "_append",
        "_failure",
        "_incoming",
        "_limit",
        "_line_ends",
        "_mailbox",
    )

    def __init__(
        self, append: Append, mailbox: IMailbox, incoming: IIncoming, limit: int
    ) -> None:
        self._append = append
        self._mailbox = mailbox
        self._incoming = incoming
        self._limit = limit
        self._line_ends = LineEnds()
        self._failure: MailError | None = None

    async def write(self, octets: bytes) -> None:
        """
        The next piece of the literal.
        """
        if self._failure is not None:
            return
        piece = self._line_ends.feed(octets)
        try:
            if b"\0" in octets:
                raise UnknownTransferEncoding("Messages have no NULs here")
            if self._incoming.size + len(piece) > self._limit:
                raise MessageTooLarge
            waiting = self._incoming.write(piece)
            if waiting is not None:
                await waiting
        except MailError as failure:
            self._failure = failure
            self._incoming.discard()

    async def finish(self) -> Appended:
        """
        The literal and its line are complete: keep the message.

        :raises MailError: nothing was kept.
        """
        try:
            if self._failure is not None:
                raise self._failure
            return await self._mailbox.append(
                self._incoming, self._append.flags, self._append.internal_date
            )
        finally:
            self.abandon()

    def abandon(self) -> None:
        """
        Leave nothing behind.
        """
        self._incoming.discard()
        self._mailbox.release()
