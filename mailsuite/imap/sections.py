"""
Which octets of a message BODY[...] and BINARY[...] mean (RFC 9051 6.4.5).

Everything here is arithmetic on an ``Outline``; who holds the message reads
the octets.

Implementation notes

- BODY[1] of a message that is no multipart is its body, and BODY[1.MIME] its
  header section.
- HEADER and TEXT with a part number mean the message that the part carries; a
  part that carries none has none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.imap.outline import Coding, Outline
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BinarySize,
    BodySection,
    Partial,
    SectionText,
)
from mailsuite.mail import headers
from mailsuite.mail.mime import find_part
from mailsuite.mail.transferencodings import (
    Base64Decoder,
    Decoder,
    IdentityDecoder,
    QuotedPrintableDecoder,
)


@dataclass(frozen=True, slots=True)
class Slice:
    """
    Octets of the message as they stand; the partial is applied.
    """

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FilteredHeader:
    """
    A header section of which some fields are wanted.

    :param names: in lower case.
    :param excluded: whether all fields but those are wanted.
    """

    offset: int
    length: int
    names: frozenset[bytes]
    excluded: bool
    partial: Partial | None

    def filtered(self, section: bytes) -> bytes:
        """
        What is to be sent, the partial applied.

        :param section: the ``length`` octets at ``offset``.
        """
        pick = headers.without if self.excluded else headers.only
        return clipped(pick(section, self.names), self.partial)


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """
    A part's body; what is wanted are the octets its encoding stands for.

    :param coding: UNKNOWN cannot be decoded: NO [UNKNOWN-CTE].
    :param partial: to be applied to the decoded octets.
    """

    offset: int
    length: int
    coding: Coding
    partial: Partial | None


def locate(
    message: Outline, section: BodySection
) -> Slice | FilteredHeader | None:
    """
    What BODY[...] asks for; None if the message has no such part.
    """
    part = find_part(message, section.part)
    if part is None:
        return None
    if section.text is None:
        if not section.part:
            return _slice(part.header_offset, part.end, section.partial)
        return _slice(part.body_offset, part.end, section.partial)
    if section.text is SectionText.MIME:
        return _slice(part.header_offset, part.body_offset, section.partial)
    if section.part:
        if not part.is_message:
            return None
        part = part.children[0]
    match section.text:
        case SectionText.HEADER:
            return _slice(part.header_offset, part.body_offset, section.partial)
        case SectionText.TEXT:
            return _slice(part.body_offset, part.end, section.partial)
    return FilteredHeader(
        part.header_offset,
        part.header_length,
        frozenset(name.lower() for name in section.fields),
        section.text is SectionText.HEADER_FIELDS_NOT,
        section.partial,
    )


def locate_binary(
    message: Outline, section: BinarySection | BinarySize
) -> EncodedBody | None:
    """
    What BINARY[...] or BINARY.SIZE[...] asks for; None if the message has no
    such part.

    The whole message, and parts that have parts, are not encoded themselves
    (RFC 2045 6.4).
    """
    partial = None if isinstance(section, BinarySize) else section.partial
    part = find_part(message, section.part)
    if part is None:
        return None
    if not section.part:
        length = part.end - part.header_offset
        return EncodedBody(part.header_offset, length, Coding.IDENTITY, partial)
    coding = Coding.IDENTITY if part.children else part.coding
    return EncodedBody(part.body_offset, part.body_length, coding, partial)


def decoder(coding: Coding) -> Decoder:
    """
    What decodes a body of this coding, which is not UNKNOWN.
    """
    match coding:
        case Coding.BASE64:
            return Base64Decoder()
        case Coding.QUOTED_PRINTABLE:
            return QuotedPrintableDecoder()
    return IdentityDecoder()


def clipped(octets: bytes, partial: Partial | None) -> bytes:
    """
    The octets that a partial leaves; from beyond the end, none.
    """
    if partial is None:
        return octets
    return octets[partial.offset : partial.offset + partial.length]


def _slice(start: int, end: int, partial: Partial | None) -> Slice:
    if partial is not None:
        start = min(start + partial.offset, end)
        end = min(start + partial.length, end)
    return Slice(start, end - start)
