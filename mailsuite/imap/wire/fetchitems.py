"""
What FETCH can be asked for (RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 7162).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MessageItem(Enum):
    """
    Items without an argument; the value is the name on the wire.
    """

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"


class SectionText(Enum):
    """
    Which octets of a part a section means; the value is the wire's name.
    """

    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Partial:
    """
    ``<offset.length>``: at most ``length`` octets from ``offset`` on.
    """

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class BodySection:
    r"""
    ``BODY[...]``, or RFC822, RFC822.HEADER, RFC822.TEXT.

    :param part: part numbers from the outermost in; empty for the message.
    :param text: None is the whole message or the part's body.
    :param fields: names of header fields, for HEADER.FIELDS and its NOT.
    :param label: what names the item in the response, ``<offset>`` included;
        the names of fields are echoed letter for letter.
    :param sets_seen: whether fetching it sets ``\Seen``.
    """

    part: tuple[int, ...]
    text: SectionText | None
    fields: tuple[bytes, ...]
    partial: Partial | None
    label: bytes
    sets_seen: bool


@dataclass(frozen=True, slots=True)
class BinarySection:
    r"""
    ``BINARY[...]``: a part with its transfer encoding undone (RFC 9051 6.4.5,
    RFC 3516); an empty part is the whole message.

    :param label: what names the item in the response, ``<offset>`` included.
    :param sets_seen: whether fetching it sets ``\Seen``.
    """

    part: tuple[int, ...]
    partial: Partial | None
    label: bytes
    sets_seen: bool


@dataclass(frozen=True, slots=True)
class BinarySize:
    """
    ``BINARY.SIZE[...]``: octets of the part with its encoding undone.
    """

    part: tuple[int, ...]
    label: bytes


FetchItem = MessageItem | BodySection | BinarySection | BinarySize
