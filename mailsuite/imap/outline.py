"""
Where the parts of a message stand, in few octets that are kept.

What BODY[1.2] and its kin need of ``mail.mime.Part``: with it, a section is a
slice of the file and no message is parsed again.

Implementation notes

- 28 octets a part, in the order in which the parts stand, little-endian: the
  header's offset, its length and the body's length in 64 bits each, and 32
  bits for the number of children, the coding and the kind.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from mailsuite.mail.mime import Part

_WORDS = struct.Struct("<QQQI")
_MULTIPART = 1
_MESSAGE = 2
_KIND_BITS = 2
_CODING_BITS = 2


class Coding(IntEnum):
    """
    What a Content-Transfer-Encoding asks of who reads the body.
    """

    IDENTITY = 0
    BASE64 = 1
    QUOTED_PRINTABLE = 2
    UNKNOWN = 3


_CODINGS = {
    b"7bit": Coding.IDENTITY,
    b"8bit": Coding.IDENTITY,
    b"binary": Coding.IDENTITY,
    b"base64": Coding.BASE64,
    b"quoted-printable": Coding.QUOTED_PRINTABLE,
}


@dataclass(frozen=True, slots=True)
class Outline:
    """
    A message, or a part of one, as offsets into its content.

    :param header_length: octets, the empty line included; may be 0.
    """

    header_offset: int
    header_length: int
    body_length: int
    is_multipart: bool
    is_message: bool
    coding: Coding
    children: tuple[Outline, ...]

    @property
    def body_offset(self) -> int:
        """
        Where the body begins.
        """
        return self.header_offset + self.header_length

    @property
    def end(self) -> int:
        """
        Where the body ends.
        """
        return self.header_offset + self.header_length + self.body_length


def encode(message: Part) -> bytes:
    """
    The outline of a parsed message; ``decode`` reads it.
    """
    return b"".join(_encoded(message))


def _encoded(part: Part) -> Iterator[bytes]:
    kind = (
        _MULTIPART if part.is_multipart else _MESSAGE if part.is_message else 0
    )
    coding = _CODINGS.get(part.encoding.lower(), Coding.UNKNOWN)
    last = len(part.children) << _KIND_BITS + _CODING_BITS
    yield _WORDS.pack(
        part.header_offset,
        part.header_length,
        part.body_length,
        last | coding << _KIND_BITS | kind,
    )
    for child in part.children:
        yield from _encoded(child)


def decode(octets: bytes) -> Outline:
    """
    Read what ``encode`` wrote.

    :raises ValueError: these are other octets.
    """
    try:
        return _decoded(_WORDS.iter_unpack(octets))
    except (struct.error, StopIteration, RecursionError) as damage:
        raise ValueError("not an outline") from damage


def _decoded(words: Iterator[tuple[int, int, int, int]]) -> Outline:
    header_offset, header_length, body_length, last = next(words)
    children = last >> _KIND_BITS + _CODING_BITS
    return Outline(
        header_offset,
        header_length,
        body_length,
        last & 3 == _MULTIPART,
        last & 3 == _MESSAGE,
        Coding(last >> _KIND_BITS & 3),
        tuple([_decoded(words) for _ in range(children)]) if children else (),
    )
