"""
The structure of a message (RFC 2045 to 2049): where each part stands.

Implementation notes

- A part's header section and body are offsets into the content; nothing is
  copied, and nothing is decoded but the few fields that say what a part is.
- The parts of a multipart are found from the outside in: the outer boundary
  ends whatever the inner one left open.  Each level is one search of its
  octets; the levels are limited, so time grows with the size alone.
- A delimiter is a whole line (RFC 2046 5.1.1 lets a line that merely begins
  so count, but then one boundary that begins like another breaks both).
- Broken mail has a structure too.  A multipart in which no part is found is
  shown as text; what is nested too deeply is an octet stream; parts that
  follow the closing delimiter are parts.
- Long searches go in steps, so that other threads get their turn between; and
  what was searched of a mapped file need not stay in memory.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mailsuite.mail import mimefields
from mailsuite.mail.headers import unfolded
from mailsuite.mail.mimefields import Disposition, MediaType, Parameters

#: A message: its octets, or its file mapped into memory.
Octets = bytes | mmap.mmap

#: Levels of multiparts and messages in one another.
MOST_LEVELS = 50
#: Parts of one message in all.
MOST_PARTS = 10_000
#: Octets of a header section in which fields are looked for.
FIELDS_WITHIN_OCTETS = 1 << 18

_STEP_OCTETS = 1 << 20

# As in mail.headers, but the fields of MIME alone.
_FIELD = re.compile(
    rb"(?mi)^Content-(Type|Transfer-Encoding|Disposition|ID|Description"
    rb"|MD5|Language|Location)[ \t]*+:(.*+(?:\n[ \t].*+)*+)"
)
_ANY_FIELD = re.compile(rb"(?m)^([!-9;-~]++)[ \t]*+:")
_DELIMITER_END = re.compile(rb"(--)?+[ \t]*+(?:\r?\n|\Z)")

_TEXT_PLAIN = MediaType(b"text", b"plain", ((b"charset", b"us-ascii"),))
_MESSAGE = MediaType(b"message", b"rfc822", ())
_OCTET_STREAM = MediaType(b"application", b"octet-stream", ())
_MESSAGE_SUBTYPES = (b"rfc822", b"global")


@dataclass(frozen=True, slots=True)
class Part:
    """
    A message, or a part of one.

    Offsets count from the beginning of the content that was parsed.  Types,
    parameters and so on are as they are written, unfolded; compare them
    without regard to case.

    :param header_length: octets, the empty line included; may be 0.
    :param lines: of the body, if it is text or a message; else 0.
    :param encoding: Content-Transfer-Encoding; ``7bit`` if there is none.
    :param children: the parts of a multipart; of a message/rfc822 the one
        message that is its body.
    """

    header_offset: int
    header_length: int
    body_length: int
    lines: int
    media_type: bytes
    subtype: bytes
    parameters: Parameters
    encoding: bytes
    disposition: Disposition | None
    languages: tuple[bytes, ...]
    location: bytes | None
    content_id: bytes | None
    description: bytes | None
    md5: bytes | None
    children: tuple[Part, ...]

    @property
    def body_offset(self) -> int:
        """
        Where the body begins: right after the header section.
        """
        return self.header_offset + self.header_length

    @property
    def is_multipart(self) -> bool:
        """
        Whether ``children`` are the parts of a multipart.
        """
        return self.media_type.lower() == b"multipart"

    @property
    def is_message(self) -> bool:
        """
        Whether ``children`` is the message that this part carries.
        """
        return bool(self.children) and not self.is_multipart

    @property
    def charset(self) -> str | None:
        """
        The charset parameter, in lower case.
        """
        found = mimefields.parameter_text(self.parameters, b"charset")
        return found.lower() if found else None

    @property
    def filename(self) -> str | None:
        """
        What to call the part when it is saved, decoded; a hint, not to be
        trusted (RFC 2183 2.3).
        """
        if self.disposition is not None:
            found = mimefields.parameter_text(
                self.disposition.parameters, b"filename"
            )
            if found:
                return found
        return mimefields.parameter_text(self.parameters, b"name")


def parse(content: Octets) -> Part:
    """
    The structure of a message.  Never raises.

    :param content: the whole message, CR LF at the end of each line; bytes, or
        a file that is mapped into memory.
    """
    end = len(content)
    return _Scan(content).part(0, end, end, level=0, default=_TEXT_PLAIN)


class _Scan:
    """
    One message being parsed.
    """

    def __init__(self, content: Octets) -> None:
        self._content = content
        self._parts_left = MOST_PARTS - 1

    def part(
        self,
        start: int,
        end: int,
        limit: int,
        *,
        level: int,
        default: MediaType,
    ) -> Part:
        """
        The part that stands between ``start`` and ``end``.

        :param limit: the end of what it is a part of.
        """
        body = self._body_offset(start, end, limit)
        fields = self._fields(start, body)
        end = max(end, body)
        kind = default
        if b"type" in fields:
            kind = mimefields.parse_content_type(fields[b"type"]) or _TEXT_PLAIN
        kind, children = self._children(kind, body, end, level)
        media_type = kind.type.lower()
        counted = media_type == b"text" or (
            media_type == b"message" and bool(children)
        )
        return Part(
            start,
            body - start,
            end - body,
            self._lines(body, end) if counted else 0,
            kind.type,
            kind.subtype,
            kind.parameters,
            *_described(fields),
            children,
        )

    def _body_offset(self, start: int, end: int, limit: int) -> int:
        if self._content[start : min(start + 2, limit)] == b"\r\n":
            return start + 2
        # The empty line may be the one that the next delimiter begins with.
        blank = self._find(b"\r\n\r\n", start, min(end + 2, limit))
        body = end if blank < 0 else blank + 4
        # Without any field it is no header section.
        within = min(body, start + FIELDS_WITHIN_OCTETS)
        found = _ANY_FIELD.search(self._content, start, within)
        return start if found is None else body

    def _fields(self, start: int, body: int) -> dict[bytes, bytes]:
        if body <= start + 2:
            return {}
        within = min(body, start + FIELDS_WITHIN_OCTETS)
        fields: dict[bytes, bytes] = {}
        for name, value in _FIELD.findall(self._content, start, within):
            fields.setdefault(name.lower(), value)
        return fields

    def _children(
        self, kind: MediaType, body: int, end: int, level: int
    ) -> tuple[MediaType, tuple[Part, ...]]:
        media_type = kind.type.lower()
        if media_type == b"multipart":
            return self._multipart(kind, body, end, level)
        if media_type != b"message":
            return kind, ()
        if kind.subtype.lower() not in _MESSAGE_SUBTYPES:
            return kind, ()
        if level >= MOST_LEVELS or not self._parts_left:
            return _OCTET_STREAM, ()
        self._parts_left -= 1
        level += 1
        return kind, (
            self.part(body, end, end, level=level, default=_TEXT_PLAIN),
        )

    def _multipart(
        self, kind: MediaType, body: int, end: int, level: int
    ) -> tuple[MediaType, tuple[Part, ...]]:
        if level >= MOST_LEVELS:
            return _OCTET_STREAM, ()
        boundary = mimefields.parameter(
            mimefields.joined(kind.parameters), b"boundary"
        )
        spans = self._spans(boundary, body, end) if boundary else ()
        if not spans:
            return _TEXT_PLAIN, ()
        # RFC 2046 5.1.5
        default = _MESSAGE if kind.subtype.lower() == b"digest" else _TEXT_PLAIN
        level += 1
        return kind, tuple(
            [
                self.part(first, last, end, level=level, default=default)
                for first, last in spans
            ]
        )

    def _spans(
        self, boundary: bytes, body: int, end: int
    ) -> Sequence[tuple[int, int]]:
        """
        From after each delimiter's line to before the next one's CR LF.
        """
        content = self._content
        delimiter = b"\r\n--" + boundary
        spans: list[tuple[int, int]] = []
        start: int | None = None
        at = self._find(delimiter, max(body - 2, 0), end)
        while at >= 0:
            after = at + len(delimiter)
            line_end = _DELIMITER_END.match(content, after, end)
            if line_end is not None:
                if not line_end[1] and not self._parts_left:
                    break
                if start is not None:
                    spans.append((start, max(start, at)))
                    start = None
                if not line_end[1]:
                    self._parts_left -= 1
                    start = line_end.end()
                    after = start - 2
            at = self._find(delimiter, after, end)
        if start is not None:
            spans.append((start, end))
        return spans

    def _find(self, octets: bytes, start: int, end: int) -> int:
        find = self._content.find
        while end - start > _STEP_OCTETS:
            step = start + _STEP_OCTETS
            at = find(octets, start, step + len(octets) - 1)
            if at >= 0:
                return at
            let_go(self._content, start, step)
            start = step
        return find(octets, start, end)

    def _lines(self, start: int, end: int) -> int:
        content = self._content
        if isinstance(content, bytes) and end - start <= _STEP_OCTETS:
            return content.count(b"\n", start, end)
        lines = 0
        for at in range(start, end, _STEP_OCTETS):
            step = min(at + _STEP_OCTETS, end)
            lines += content[at:step].count(b"\n")
            let_go(self._content, at, step)
        return lines


def let_go(content: Octets, start: int, end: int) -> None:
    """
    Keep no pages of a mapped file in memory that were looked at.
    """
    if isinstance(content, mmap.mmap):
        start -= start % mmap.PAGESIZE
        end -= end % mmap.PAGESIZE
        if start < end:
            content.madvise(mmap.MADV_DONTNEED, start, end - start)


def _described(
    fields: dict[bytes, bytes],
) -> tuple[
    bytes,
    Disposition | None,
    tuple[bytes, ...],
    bytes | None,
    bytes | None,
    bytes | None,
    bytes | None,
]:
    """
    What the fields say, in the order of ``Part``, encoding to MD5.
    """
    encoding = b"7bit"
    if b"transfer-encoding" in fields:
        found = mimefields.parse_token(fields[b"transfer-encoding"])
        encoding = found or encoding
    disposition = None
    if b"disposition" in fields:
        disposition = mimefields.parse_disposition(fields[b"disposition"])
    languages: tuple[bytes, ...] = ()
    if b"language" in fields:
        languages = mimefields.parse_languages(fields[b"language"])
    return (
        encoding,
        disposition,
        languages,
        _text(fields, b"location"),
        _text(fields, b"id"),
        _text(fields, b"description"),
        _text(fields, b"md5"),
    )


def _text(fields: dict[bytes, bytes], name: bytes) -> bytes | None:
    value = fields.get(name)
    return None if value is None else unfolded(value)


class Numbered(Protocol):
    """
    A tree whose parts have numbers: ``Part``, and what is made of it.
    """

    @property
    def is_multipart(self) -> bool: ...

    @property
    def is_message(self) -> bool: ...

    @property
    def children(self) -> Sequence[Numbered]: ...


_N = TypeVar("_N", bound=Numbered)


def find_part(message: _N, number: Sequence[int]) -> _N | None:
    """
    The part with that number (RFC 9051 6.4.5.1), None if there is none.

    Part 1 of a message that is no multipart is the message itself: its body
    is the part's.  A number goes on through message/rfc822 into the parts of
    the message inside.

    :param number: each at least 1; the empty number is the message.
    """
    part: _N = message
    inside = message
    is_whole = True
    for place in number:
        if inside.is_multipart:
            if not 1 <= place <= len(inside.children):
                return None
            part = inside.children[place - 1]  # type: ignore[assignment]
        elif is_whole and place == 1:
            part = inside
        else:
            return None
        is_whole = part.is_message
        inside = part.children[0] if is_whole else part  # type: ignore[assignment]
    return part
