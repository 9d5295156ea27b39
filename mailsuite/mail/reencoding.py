"""
What a content needs of a transport, and the same content in need of nothing:
lines of 998 octets of ASCII at most (RFC 6152 3, RFC 5322 2.1.1).

Implementation notes

- Bodies get quoted-printable or base64; delimiters, preambles and all header
  fields but those that name the encoding stay octet for octet.
- What is signed or encrypted as a whole (RFC 1847) is never touched, nor what
  may not be encoded (message/partial and its kin, RFC 2046 5.2): then it cannot
  be done.  Messages inside messages are gone into.
- Header fields beyond ASCII are no matter of encoding: they need SMTPUTF8.
- Everything is looked at before the first octet is given out.  A part is read
  in pieces; of a mapped file no more is in memory.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailsuite.mail import mimefields
from mailsuite.mail.mime import Octets, Part, let_go, parse
from mailsuite.mail.transferencodings import (
    Decoder,
    decoder_for,
    quoted_printable,
)

#: RFC 5322 2.1.1, CR LF counted.
_LONGEST_LINE = 1000

# What a line of base64 holds.
_BASE64_OCTETS = 57
_PIECE_OCTETS = 1200 * _BASE64_OCTETS

_ENCODING_FIELD = re.compile(
    rb"(?mi)^Content-Transfer-Encoding[ \t]*:.*\n(?:[ \t].*\n)*"
)
_TYPE_FIELD = re.compile(rb"(?mi)^Content-Type[ \t]*:(.*\n(?:[ \t].*\n)*)")
_VERSION_FIELD = re.compile(rb"(?mi)^MIME-Version[ \t]*:")
_BEYOND_ASCII = bytes(range(128, 256))

_SEALED = (b"signed", b"encrypted")


class CannotReencode(Exception):
    """
    The content has to go as it is, or not at all.
    """


@dataclass(frozen=True, slots=True)
class Needs:
    """
    What a content needs of a transport.

    :param eight_bit: octets beyond ASCII, wherever they are (8BITMIME).
    :param utf8_fields: its own header section has such (SMTPUTF8).
    :param long_lines: lines of more than 998 octets, which nothing carries
        but re-encoding, and BDAT under BINARYMIME.
    """

    eight_bit: bool
    utf8_fields: bool
    long_lines: bool


class NeedsScan:
    """
    Looks at a content in pieces.
    """

    __slots__ = ("_eight_bit", "_in_fields", "_long", "_run", "_tail", "_utf8")

    def __init__(self) -> None:
        self._eight_bit = False
        self._utf8 = False
        self._long = False
        self._in_fields = True
        # An empty line may come first: then there is no header section.
        self._tail = b"\r\n"
        self._run = 0

    def feed(self, octets: bytes) -> None:
        """
        See the next piece, wherever it was cut.
        """
        if self._in_fields:
            self._look_at_fields(octets)
        if not self._eight_bit:
            self._eight_bit = not octets.isascii()
        if not self._long:
            self._measure(octets)

    def finish(self) -> Needs:
        """
        What was found; nothing follows.
        """
        long_lines = self._long or self._run > _LONGEST_LINE - 2
        return Needs(self._eight_bit, self._utf8, long_lines)

    def _look_at_fields(self, octets: bytes) -> None:
        octets = self._tail + octets
        end = octets.find(b"\r\n\r\n")
        fields = octets if end < 0 else octets[:end]
        self._utf8 = self._utf8 or not fields.isascii()
        self._in_fields = end < 0
        self._tail = octets[-3:]

    def _measure(self, octets: bytes) -> None:
        """
        One step a thousand octets, not one a line.
        """
        size = len(octets)
        start = 0
        room = _LONGEST_LINE - self._run
        while size - start >= room:
            end = octets.rfind(b"\n", start, start + room)
            if end < 0:
                self._long = True
                return
            start = end + 1
            room = _LONGEST_LINE
        end = octets.rfind(b"\n", start)
        if end >= 0:
            start = end + 1
        self._run = size - start if start else self._run + size


def needs_of(content: bytes) -> Needs:
    """
    What a content that is in memory needs.
    """
    scan = NeedsScan()
    scan.feed(content)
    return scan.finish()


def reencoded(content: Octets) -> Iterator[bytes]:
    """
    The content with every body as ASCII in short lines; each part decodes to
    what it was.

    :return: pieces.
    :raises CannotReencode: at once, before any piece.
    """
    plan = _Plan(content)
    plan.message(parse(content))
    return plan.pieces()


@dataclass(frozen=True, slots=True)
class _Change:
    """
    Octets of the content that go out as others.
    """

    start: int
    end: int
    made: Callable[[], Iterator[bytes]]


class _Plan:
    """
    What is to be changed in one content.
    """

    def __init__(self, content: Octets) -> None:
        self._content = content
        self._changes: list[_Change] = []

    def pieces(self) -> Iterator[bytes]:
        """
        All of it.

        :raises CannotReencode: what does not change needs something too.
        """
        at = 0
        for change in self._changes:
            self._check(at, change.start)
            at = change.end
        self._check(at, len(self._content))
        return self._pieces()

    def message(self, part: Part) -> None:
        """
        Plan for a message, the whole one or one inside another.
        """
        self._part(part, is_message=True)

    def _part(self, part: Part, *, is_message: bool) -> bool:
        """
        :return: whether anything in it changes.
        """
        start, body = part.header_offset, part.body_offset
        fields = self._content[start:body]
        if not fields.isascii():
            raise CannotReencode("header fields beyond ASCII")
        place = len(self._changes)
        if part.children:
            encoding = self._children(part)
        else:
            encoding = self._leaf(part, fields)
        if encoding is None:
            return False
        new = _relabelled(fields, encoding, is_message=is_message)
        self._changes.insert(place, _Change(start, body, lambda: iter((new,))))
        return True

    def _children(self, part: Part) -> bytes | None:
        """
        The new encoding to be named in its fields, None if they may stay.
        """
        subtype = part.subtype.lower()
        if part.is_multipart and subtype in _SEALED:
            if _need_of(self._octets(part)) is not None:
                raise CannotReencode(f"multipart/{subtype.decode()}")
            return None
        changed = [
            self._part(child, is_message=part.is_message)
            for child in part.children
        ]
        if any(changed) or not _is_seven_bit(part.encoding):
            return b"7bit"
        return None

    def _leaf(self, part: Part, fields: bytes) -> bytes | None:
        if not part.body_length:
            return None
        known = part.encoding.lower()
        if _need_of(self._octets(part)) is None:
            relabel = known in {b"8bit", b"binary"}
            return b"7bit" if relabel else None
        decoder = decoder_for(known)
        if decoder is None:
            raise CannotReencode("an encoding that is not known")
        if _is_composite(fields, part):
            raise CannotReencode("a part that may not be encoded")
        start = part.body_offset
        end = start + part.body_length
        encoding = self._encoding_for(part, known)
        encode = _base64 if encoding == b"base64" else _quoted_printable
        at_end = end == len(self._content)

        def made() -> Iterator[bytes]:
            fresh = decoder_for(known)
            assert fresh is not None
            yield from encode(_decoded(self._octets(part), fresh))
            if at_end and encoding == b"base64":
                yield b"\r\n"

        self._changes.append(_Change(start, end, made))
        return encoding

    def _encoding_for(self, part: Part, known: bytes) -> bytes:
        """
        Quoted-printable for what a person can read.
        """
        if part.media_type.lower() != b"text" or known == b"base64":
            return b"base64"
        beyond = 0
        held = b""
        for piece in self._octets(part):
            beyond += len(piece) - len(piece.translate(None, _BEYOND_ASCII))
            # A line's end may be cut in two.
            octets = held + piece
            held = b"\r" if octets.endswith(b"\r") else b""
            if _has_bare(octets[: len(octets) - len(held)]):
                return b"base64"
        crowded = beyond * 3 > part.body_length
        return b"base64" if crowded or held else b"quoted-printable"

    def _octets(self, part: Part) -> Iterator[bytes]:
        start = part.body_offset
        return self._span(start, start + part.body_length)

    def _span(self, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, _PIECE_OCTETS):
            step = min(at + _PIECE_OCTETS, end)
            yield self._content[at:step]
            let_go(self._content, at, step)

    def _check(self, start: int, end: int) -> None:
        need = _need_of(self._span(start, end))
        if need is not None:
            raise CannotReencode(f"{need} outside of any body")

    def _pieces(self) -> Iterator[bytes]:
        at = 0
        for change in self._changes:
            yield from self._span(at, change.start)
            yield from change.made()
            at = change.end
        yield from self._span(at, len(self._content))


def _need_of(pieces: Iterator[bytes]) -> str | None:
    scan = NeedsScan()
    for piece in pieces:
        scan.feed(piece)
    needs = scan.finish()
    if needs.eight_bit:
        return "octets beyond ASCII"
    return "long lines" if needs.long_lines else None


def _has_bare(octets: bytes) -> bool:
    lines = octets.count(b"\r\n")
    return not lines == octets.count(b"\r") == octets.count(b"\n")


def _is_seven_bit(encoding: bytes) -> bool:
    return encoding.lower() not in {b"8bit", b"binary"}


def _is_composite(fields: bytes, part: Part) -> bool:
    """
    Whether its fields say that it is made of others: what was not understood
    of it is not to be encoded as a whole.
    """
    found = _TYPE_FIELD.search(fields)
    kind = mimefields.parse_content_type(found[1]) if found else None
    named = {part.media_type.lower(), kind.type.lower() if kind else b""}
    return not named.isdisjoint({b"multipart", b"message"})


def _relabelled(fields: bytes, encoding: bytes, *, is_message: bool) -> bytes:
    """
    A header section that names another encoding.
    """
    fields = _ENCODING_FIELD.sub(b"", fields)
    end = b"\r\n" if fields.endswith(b"\r\n") else b""
    lines = [fields[: len(fields) - len(end)]]
    if is_message and not _VERSION_FIELD.search(fields):
        lines.append(b"MIME-Version: 1.0\r\n")
        if not _TYPE_FIELD.search(fields):
            # RFC 1428 3: nobody said what the octets mean.
            lines.append(b"Content-Type: text/plain; charset=unknown-8bit\r\n")
    lines.append(b"Content-Transfer-Encoding: %s\r\n" % encoding)
    return b"".join([*lines, end or b"\r\n"])


def _decoded(pieces: Iterator[bytes], decoder: Decoder) -> Iterator[bytes]:
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.finish()


def _base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """
    Lines of 76 digits (RFC 2045 6.8), no end behind the last.
    """
    separator = held = b""
    for piece in pieces:
        octets = held + piece
        whole = len(octets) - len(octets) % _BASE64_OCTETS
        held = octets[whole:]
        if whole:
            yield separator + _digits(octets[:whole])
            separator = b"\r\n"
    if held:
        yield separator + _digits(held)


def _digits(octets: bytes) -> bytes:
    return b"\r\n".join(
        binascii.b2a_base64(octets[at : at + _BASE64_OCTETS], newline=False)
        for at in range(0, len(octets), _BASE64_OCTETS)
    )


def _quoted_printable(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """
    RFC 2045 6.7, for octets whose lines end in CR LF alone.
    """
    held = b""
    for piece in pieces:
        octets = held + piece
        end = octets.rfind(b"\r\n") + 2
        if end < 2:
            if len(octets) < _PIECE_OCTETS:
                held = octets
                continue
            # One very long line: cut it where a CR LF is not.
            end = len(octets) - octets.endswith(b"\r")
            yield quoted_printable(octets[:end]) + b"=\r\n"
        else:
            yield quoted_printable(octets[:end])
        held = octets[end:]
    if held:
        yield quoted_printable(held)
