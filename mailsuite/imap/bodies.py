r"""
BODY[...] and BINARY[...] of one message: its octets as FETCH sends them.

Implementation notes

- A message of up to ``SMALL_OCTETS`` is read at once, and its row is one join.
  A larger one is read as the client takes it.
- Once a literal is announced its octets must come: what goes wrong behind that
  point is no refusal any more, it breaks the connection off.
- A literal cannot have NUL (RFC 9051 4.3), so a NUL in a stored message goes
  out as 80 hexadecimal, but for BINARY, which has its own literal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from mailsuite.errors import MailError
from mailsuite.imap import outline, sections
from mailsuite.imap.outline import Coding, Outline
from mailsuite.imap.pacing import Pace
from mailsuite.imap.sections import EncodedBody, FilteredHeader, Slice
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BinarySize,
    BodySection,
)
from mailsuite.interfaces import IContent, IMailbox
from mailsuite.mail import headers
from mailsuite.mail.mime import FIELDS_WITHIN_OCTETS
from mailsuite.mail.uids import UID

#: Messages up to this size are read at once.
SMALL_OCTETS = 65536

_PIECE_OCTETS = 65536

ContentItem = BodySection | BinarySection | BinarySize


class UnknownTransferEncoding(MailError):
    """
    The part's Content-Transfer-Encoding cannot be undone (RFC 3516 4.3).
    """

    public = "Content-Transfer-Encoding is unknown"


class BrokenOff(Exception):
    """
    The octets that were announced cannot be sent.
    """


@dataclass(frozen=True, slots=True)
class _Decoded:
    """
    Octets to be sent that the part's encoding stands for.
    """

    body: EncodedBody


#: What a row is put together from.
_Stretch = bytes | Slice | _Decoded


def is_whole(item: ContentItem) -> bool:
    """
    Whether the item asks for the message as a whole, so that its structure
    need not be known.
    """
    return isinstance(item, BodySection) and not item.part and item.text is None


class OpenMessage:
    """
    One message's content, opened to be sent.
    """

    __slots__ = ("_content", "_outline", "_pace", "_whole")

    def __init__(
        self,
        content: IContent,
        kept_outline: bytes | None,
        whole: bytes | None,
        pace: Pace,
    ) -> None:
        self._content = content
        self._outline = kept_outline
        self._whole = whole
        self._pace = pace

    def close(self) -> None:
        """
        Done with it.
        """
        self._content.close()

    async def row(
        self, before: bytes, items: Sequence[ContentItem], after: bytes
    ) -> list[_Stretch]:
        """
        The row of the message, to be sent with ``pieces``.

        :param before: what stands before the content items.
        :param after: what stands behind them.
        :raises UnknownTransferEncoding:
        """
        tree: Outline | None = None
        if self._outline is not None:
            tree = outline.decode(self._outline)
        row: list[_Stretch] = [before]
        for item in items:
            if len(row) > 1:
                row.append(b" ")
            row += await self._answer(item, tree)
        row.append(after)
        return row

    async def pieces(self, row: Sequence[_Stretch]) -> AsyncIterator[bytes]:
        """
        The octets of a row.

        :raises BrokenOff:
        """
        if self._whole is not None:
            simple = [self._simple(stretch) for stretch in row]
            if None not in simple:
                yield b"".join([each for each in simple if each is not None])
                return
        for stretch in row:
            try:
                async for piece in self._octets(stretch):
                    yield piece
            except MailError as failure:
                raise BrokenOff from failure

    # --- What is asked for ----------------------------------------------------

    async def _answer(
        self, item: ContentItem, tree: Outline | None
    ) -> list[_Stretch]:
        match item:
            case BodySection():
                return await self._body(item, tree)
            case BinarySection():
                assert tree is not None
                return await self._binary(item, tree)
            case BinarySize():
                assert tree is not None
                body = sections.locate_binary(tree, item)
                size = 0
                if body is not None:
                    async for piece in self._decoded(body):
                        size += len(piece)
                return [b"%b %d" % (item.label, size)]
            case _:
                assert_never(item)

    async def _body(
        self, item: BodySection, tree: Outline | None
    ) -> list[_Stretch]:
        if is_whole(item):
            found: Slice | FilteredHeader | None = self._all(item)
        else:
            assert tree is not None
            found = sections.locate(tree, item)
        match found:
            case None:
                return [item.label + b" NIL"]
            case Slice(offset, length):
                length = max(min(length, self._content.size - offset), 0)
                if not length:
                    return [item.label + b' ""']
                announced = b"%b {%d}\r\n" % (item.label, length)
                return [announced, Slice(offset, length)]
            case FilteredHeader(offset, length):
                most = min(length, FIELDS_WITHIN_OCTETS)
                octets = found.filtered(await self._read(offset, most))
                return [b"%b %b" % (item.label, literal(without_nul(octets)))]
            case _:
                assert_never(found)

    def _all(self, item: BodySection) -> Slice:
        size = self._content.size
        if item.partial is None:
            return Slice(0, size)
        start = min(item.partial.offset, size)
        return Slice(start, min(item.partial.length, size - start))

    async def _binary(
        self, item: BinarySection, tree: Outline
    ) -> list[_Stretch]:
        """
        A part decoded: once to know how many octets that are, and a large one
        again to send them.
        """
        body = sections.locate_binary(tree, item)
        if body is None:
            return [item.label + b" NIL"]
        size, has_nul = 0, False
        kept: list[bytes] = []
        async for piece in self._decoded(body):
            size += len(piece)
            has_nul |= b"\0" in piece
            if size <= SMALL_OCTETS:
                kept.append(piece)
        if not size:
            return [item.label + b' ""']
        announced = b"%b %b{%d}\r\n" % (
            item.label,
            b"~" if has_nul else b"",
            size,
        )
        if size <= SMALL_OCTETS:
            return [announced, b"".join(kept)]
        return [announced, _Decoded(body)]

    # --- Octets ---------------------------------------------------------------

    def _simple(self, stretch: _Stretch) -> bytes | None:
        """
        The octets, if they are here already.
        """
        match stretch:
            case bytes():
                return stretch
            case Slice(offset, length):
                assert self._whole is not None
                if length == len(self._whole):
                    return without_nul(self._whole)
                return without_nul(self._whole[offset : offset + length])
            case _Decoded():
                return None

    async def _octets(self, stretch: _Stretch) -> AsyncIterator[bytes]:
        match stretch:
            case bytes():
                yield stretch
            case Slice(offset, length):
                async for piece in self._slice(offset, length):
                    yield without_nul(piece)
            case _Decoded(body):
                async for piece in self._decoded(body):
                    yield piece

    async def _slice(self, offset: int, length: int) -> AsyncIterator[bytes]:
        end = offset + length
        while offset < end:
            piece = await self._read(offset, min(end - offset, _PIECE_OCTETS))
            if not piece:
                # The file was cut while we read it.
                raise BrokenOff
            offset += len(piece)
            yield piece

    async def _decoded(self, body: EncodedBody) -> AsyncIterator[bytes]:
        """
        The decoded octets of a part, its partial applied.
        """
        if body.coding is Coding.UNKNOWN:
            raise UnknownTransferEncoding
        decoder = sections.decoder(body.coding)
        skip = body.partial.offset if body.partial else 0
        left = body.partial.length if body.partial else body.length
        length = max(min(body.length, self._content.size - body.offset), 0)
        async for encoded in self._slice(body.offset, length):
            await self._pace.breathe()
            piece = decoder.decode(encoded)
            wanted = piece[skip : skip + left]
            skip = max(skip - len(piece), 0)
            left -= len(wanted)
            if wanted:
                yield wanted
            if not left:
                return
        wanted = decoder.finish()[skip : skip + left]
        if wanted:
            yield wanted

    async def _read(self, offset: int, length: int) -> bytes:
        if self._whole is not None:
            return self._whole[offset : offset + length]
        return await self._content.read(offset, length)


async def open_message(
    mailbox: IMailbox, uid: int, kept_outline: bytes | None, pace: Pace
) -> OpenMessage:
    """
    Open a message to send of it; ``close`` it then.

    :param pace: of the command, for long decoding.
    :raises NoSuchMessage: it was expunged.
    """
    content: IContent = await mailbox.open(UID(uid))
    whole: bytes | None = None
    if content.size <= SMALL_OCTETS:
        try:
            whole = await content.read(0, content.size)
        except BaseException:
            content.close()
            raise
    return OpenMessage(content, kept_outline, whole, pace)


async def header_fields(
    mailbox: IMailbox, uid: int, section: BodySection
) -> bytes:
    """
    The fields of a message's own header that a section asks for, its partial
    not applied.

    :raises NoSuchMessage: it was expunged.
    """
    content: IContent = await mailbox.open(UID(uid))
    try:
        head = await content.read(0, FIELDS_WITHIN_OCTETS)
    finally:
        content.close()
    names = frozenset(name.lower() for name in section.fields)
    return headers.only(head[: headers.section_end(head)], names)


def literal(octets: bytes) -> bytes:
    """
    Octets as a literal; the empty string is quoted, since there are clients
    that wait for more behind ``{0}``.
    """
    if not octets:
        return b'""'
    return b"{%d}\r\n%b" % (len(octets), octets)


def without_nul(octets: bytes) -> bytes:
    """
    Octets as a literal can have them.
    """
    return octets.replace(b"\0", b"\x80") if b"\0" in octets else octets
