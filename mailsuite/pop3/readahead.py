"""
The next message, read while the client takes the last.

A client that fetches one message after another, and waits for each, would
else wait for the file of each as well.

Implementation notes

- One message at the most is held, and only a short one; only for a client
  whose last two messages followed one another, or that began with the first.
- A failure is not told: the client has not asked yet, and RETR tries again.
"""

from __future__ import annotations

from mailsuite.errors import MailError
from mailsuite.pop3.maildrop import PIECE, Maildrop, short_message


class ReadAhead:
    """
    What a session's next RETR will send, if it asks for the next message.

    :param utf8: as in ``short_message``.
    :ivar worthwhile: the client fetches messages in their order.
    """

    __slots__ = ("_last", "_maildrop", "_ready", "_utf8", "worthwhile")

    def __init__(self, maildrop: Maildrop, *, utf8: bool) -> None:
        self._maildrop = maildrop
        self._utf8 = utf8
        self._last = 0
        self._ready: bytes | None = None
        self.worthwhile = False

    def take(self, number: int) -> bytes | None:
        """
        The response to RETR of that message, if it is there; what is there is
        forgotten.
        """
        ready, self._ready = self._ready, None
        self.worthwhile = number == self._last + 1
        self._last = number
        return ready if self.worthwhile else None

    async def read(self) -> None:
        """
        Have the response to RETR of the next message ready.
        """
        entry = self._maildrop.entry(self._last + 1)
        if entry is None or entry.size > PIECE:
            return
        try:
            content = await self._maildrop.open(entry)
            self._ready = await short_message(content, None, utf8=self._utf8)
        except MailError:
            pass
