"""
A message's content on its way to a server.

Implementation notes

- Small content is one piece of memory, and goes out with the commands around
  it.  Large content is read as the network takes it.
- A bare CR or LF never goes out: what one server takes for the end of a line
  and another does not, hides one message in another.  All doors of ours refuse
  such content; if it is there, it is not mended, since a signature covers it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeGuard

from mailsuite.interfaces import IContent
from mailsuite.smtp.clientconnection import ClientConnection
from mailsuite.smtp.wire.client import PATIENCE, ClientTransaction
from mailsuite.smtp.wire.data import ContentRules
from mailsuite.smtp.wire.failures import (
    BadReply,
    BrokenContent,
    ShuttingDown,
)
from mailsuite.smtp.wire.stuffing import DotStuffer

_SMALL_OCTETS = 64 << 10
_PIECE_OCTETS = 128 << 10
# RFC 5321 4.5.3.2.5
_BLOCK_SECONDS = 180


def is_small(content: bytes | IContent) -> TypeGuard[bytes]:
    """
    Whether it goes out in one piece.
    """
    return isinstance(content, bytes) and len(content) <= _SMALL_OCTETS


async def small(content: bytes | IContent) -> bytes | IContent:
    """
    The content, read if it is small.

    :raises BrokenContent: it is small, and no message.
    """
    if not isinstance(content, bytes) and content.size <= _SMALL_OCTETS:
        content = b"".join([piece async for piece in _pieces(content)])
    if is_small(content):
        rules = ContentRules()
        rules.look(content)
        if rules.broken():
            raise BrokenContent("a line does not end in CR LF, or has a NUL")
    return content


class ContentStream:
    """
    Large content of one transaction.
    """

    def __init__(
        self,
        connection: ClientConnection,
        transaction: ClientTransaction,
        content: bytes | IContent,
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._content = content

    async def send(self, next_opening: Callable[[], bytes]) -> bool:
        """
        All of it and the end of data, or as much as the server wants.

        :param next_opening: what is said behind the end.
        :return: whether server and client are still in step.
        :raises BrokenContent: it is no message; it has no end then.
        :raises ShuttingDown, BadReply, Lost: and it was not taken.
        """
        self._connection.start_streaming()
        try:
            if self._transaction.chunking:
                return await self._chunks()
            return await self._lines(next_opening)
        finally:
            self._connection.stop_streaming()

    async def _lines(self, next_opening: Callable[[], bytes]) -> bool:
        stuffer = DotStuffer()
        async for piece in _checked(_pieces(self._content)):
            self._connection.write(stuffer.feed(piece))
            await self._connection.drained(_BLOCK_SECONDS)
            if self._connection.has_reply:
                await self._refused_early()
                return False
        self._transaction.content_sent()
        self._connection.write(stuffer.end() + next_opening())
        return True

    async def _refused_early(self) -> None:
        reply = await self._connection.reply(_BLOCK_SECONDS, "content")
        if reply.code == 421:
            raise ShuttingDown(reply)
        if not reply.refuses:
            raise BadReply(f"content answered before its end: {reply}")
        self._transaction.refused_early(reply)

    async def _chunks(self) -> bool:
        left = _size(self._content)
        async for piece in _checked(_pieces(self._content)):
            left -= len(piece)
            command = self._transaction.chunk(len(piece), last=not left)
            self._connection.write(command + piece)
            if not left:
                break
            await self._connection.drained(_BLOCK_SECONDS)
            while self._must_read():
                await self._read()
            if self._transaction.failed:
                break
        return True

    def _must_read(self) -> bool:
        return (
            self._transaction.unanswered >= self._transaction.ahead
            or self._connection.has_reply
        )

    async def _read(self) -> None:
        asked = self._transaction.asked
        assert asked is not None
        reply = await self._connection.reply(PATIENCE[asked], asked.value)
        self._transaction.take(reply)


def _size(content: bytes | IContent) -> int:
    return len(content) if isinstance(content, bytes) else content.size


async def _pieces(content: bytes | IContent) -> AsyncIterator[bytes]:
    size = _size(content)
    for offset in range(0, size, _PIECE_OCTETS):
        length = min(_PIECE_OCTETS, size - offset)
        if isinstance(content, bytes):
            yield content[offset : offset + length]
            continue
        piece = await content.read(offset, length)
        if len(piece) != length:
            raise BrokenContent("content is shorter than it was")
        yield piece


async def _checked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rules = ContentRules()
    async for piece in pieces:
        rules.look(piece)
        if rules.violated:
            break
        yield piece
    if rules.broken():
        raise BrokenContent("a line does not end in CR LF, or has a NUL")
