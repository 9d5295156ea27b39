"""
A maildrop as one session sees it: numbered, with marks for deletion.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from mailsuite.interfaces import IContent, IMaildrop, MaildropEntry
from mailsuite.mail.uids import UIDSet
from mailsuite.pop3.downgrading import Downgrader
from mailsuite.pop3.multiline import DotStuffer, TopLines, whole

#: Lines of a listing that are joined to one piece.
_LINES = 2000

#: Octets of a message that are read at a time.
PIECE = 65536

#: A message of so many octets and less is read and sent whole: 98 of 100 are.
WHOLE = 256 << 10


class Maildrop:
    """
    The messages, by their numbers in this session, from 1.
    """

    def __init__(self, maildrop: IMaildrop) -> None:
        self._maildrop = maildrop
        self._entries = maildrop.entries
        self._all_octets = sum(entry.size for entry in self._entries)
        self._deleted: set[int] = set()
        self._deleted_octets = 0

    @property
    def messages(self) -> int:
        """
        How many there are that are not marked.
        """
        return len(self._entries) - len(self._deleted)

    @property
    def octets(self) -> int:
        """
        The sizes of those that are not marked, added up.
        """
        return self._all_octets - self._deleted_octets

    @property
    def deleted(self) -> int:
        """
        How many are marked.
        """
        return len(self._deleted)

    def entry(self, number: int) -> MaildropEntry | None:
        """
        A message; None if there is none of that number, or it is marked.
        """
        if 0 < number <= len(self._entries) and number not in self._deleted:
            return self._entries[number - 1]
        return None

    def mark(self, number: int) -> None:
        """
        Mark a message that ``entry`` knows.
        """
        self._deleted.add(number)
        self._deleted_octets += self._entries[number - 1].size

    def unmark_all(self) -> None:
        """
        Forget all marks.
        """
        self._deleted.clear()
        self._deleted_octets = 0

    def sizes(self) -> Iterator[bytes]:
        """
        The lines of LIST, in joined pieces.
        """
        for first, entries in self._pieces():
            lines = [
                f"{number} {entry.size}\r\n"
                for number, entry in enumerate(entries, first)
                if number not in self._deleted
            ]
            yield "".join(lines).encode("ascii")

    def unique_ids(self) -> Iterator[bytes]:
        """
        The lines of UIDL, in joined pieces.
        """
        for first, entries in self._pieces():
            lines = [
                f"{number} {entry.unique_id}\r\n"
                for number, entry in enumerate(entries, first)
                if number not in self._deleted
            ]
            yield "".join(lines).encode("ascii")

    def _pieces(self) -> Iterator[tuple[int, tuple[MaildropEntry, ...]]]:
        for start in range(0, len(self._entries), _LINES):
            yield start + 1, self._entries[start : start + _LINES]

    async def open(self, entry: MaildropEntry) -> IContent:
        """
        A message's octets.

        :raises NoSuchMessage: somebody else expunged it.
        """
        return await self._maildrop.open(entry.uid)

    async def delete_marked(self) -> int:
        """
        Delete the marked messages for good.

        :return: how many of them are gone.
        """
        if not self._deleted:
            return 0
        uids = UIDSet.of(self._entries[n - 1].uid for n in self._deleted)
        return len(await self._maildrop.delete(uids))

    def release(self) -> None:
        """
        Let the next session have the maildrop.
        """
        self._maildrop.release()


async def short_message(
    content: IContent, lines: int | None, *, utf8: bool
) -> bytes:
    """
    A message of no more than ``WHOLE`` octets as a multi-line response;
    closes ``content``.

    :param lines: of the body, as TOP asks for them; None is all.
    :param utf8: the client takes header fields in UTF-8 (RFC 6856 2.1).
    """
    try:
        octets = await content.read(0, WHOLE)
    finally:
        content.close()
    if not (utf8 or octets.isascii()):
        downgrader = Downgrader()
        octets = downgrader.feed(octets) + downgrader.end()
    if lines is None:
        return whole(b"+OK %d octets\r\n" % len(octets), octets)
    return whole(b"+OK\r\n", TopLines(lines).feed(octets))


async def message(
    content: IContent, lines: int | None, *, utf8: bool
) -> AsyncIterator[bytes]:
    """
    A message as a multi-line response, in pieces; closes ``content``.

    :param lines: of the body, as TOP asks for them; None is all.
    :param utf8: the client takes header fields in UTF-8 (RFC 6856 2.1); else
        the size that is told is that of the message as it is stored.
    """
    stuffer = DotStuffer()
    top = None if lines is None else TopLines(lines)
    head = b"+OK\r\n" if top else b"+OK %d octets\r\n" % content.size
    try:
        async for piece in _pieces(content, None if utf8 else Downgrader()):
            yield head + stuffer.feed(top.feed(piece) if top else piece)
            head = b""
            if top and top.complete:
                break
        yield head + stuffer.end()
    finally:
        content.close()


async def _pieces(
    content: IContent, downgrader: Downgrader | None
) -> AsyncIterator[bytes]:
    offset = 0
    while offset < content.size:
        piece = await content.read(offset, PIECE)
        if not piece:
            break
        offset += len(piece)
        yield downgrader.feed(piece) if downgrader else piece
    if downgrader:
        yield downgrader.end()
