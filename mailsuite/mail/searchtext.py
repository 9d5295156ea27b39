"""
What of a message is text, and whether something is in it (RFC 9051 6.4.4).

- TEXT is every header field as "Name: value", unfolded and decoded, those of
  parts and of messages inside too, with decoded file names; and the body.
- BODY is the decoded text of the text parts and of ``message/*`` parts, with
  LF at the end of each line.  Preamble, epilogue and other parts are no text.
- Nothing is found across two fields or two parts.

Implementation notes

- A part is decoded window by window, so that a message of any size is searched
  in a few MiB.  What a short message comes to is kept for the next key.
- A header section is looked at up to 1 MiB.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from mailsuite.mail import charsets, encodedwords, headers, mime, mimefields
from mailsuite.mail.datetimes import parse_date
from mailsuite.mail.folding import certain_length, folded
from mailsuite.mail.htmltext import HTMLText
from mailsuite.mail.transferencodings import decoder_for

if TYPE_CHECKING:
    import mmap

    Octets = bytes | mmap.mmap

#: Octets of a part that are decoded at once.
WINDOW = 128 * 1024

#: The text of a message of so many octets and less is kept between two keys.
_SHORT = 512 * 1024

_MOST_HEADER = 1024 * 1024
_LONGEST_PARAGRAPH = 1024 * 1024

# RFC 3676 4.4, and 4.2: a line that ends in a space goes on in the next one,
# but for signature separators and quotes.
_STUFFING = re.compile("(?m)^ ")
_FLOWED = re.compile(r"(?m)^(?!>|-- $)(.*) \n(?!>)")


def _on_one_line(value: bytes) -> str:
    """
    A field's value, decoded; one that was folded at a tab has a space there,
    as if its writer had folded it as most do.
    """
    return encodedwords.decode(value).replace("\t", " ")


class SearchableText:
    """
    One message, to be asked for what is in it.

    Texts that are asked for are folded (``mail.folding``), with LF for CR LF.

    :param content: the whole message, CR LF at the end of each line.
    """

    def __init__(self, content: Octets) -> None:
        self._content = content
        self._fields: list[tuple[bytes, str]] | None = None
        self._tree: mime.Part | None = None
        self._bodies: list[str] | None = None

    def field_contains(self, name: str, text: str) -> bool:
        """
        Whether a field of that name in the message's own header section
        contains ``text``; with no text, whether there is one.
        """
        wanted = name.encode("utf-8", "replace").lower()
        return any(
            text in value for found, value in self._values() if found == wanted
        )

    def body_contains(self, text: str) -> bool:
        """
        Whether ``text`` is in the body.
        """
        if not text:
            return True
        if self._bodies is None and len(self._content) <= _SHORT:
            self._bodies = ["".join(part) for part in self._folded_bodies()]
        if self._bodies is not None:
            return any(text in body for body in self._bodies)
        return any(_contains(part, text) for part in self._folded_bodies())

    def contains(self, text: str) -> bool:
        """
        Whether ``text`` is in a header field or in the body.
        """
        if not text:
            return True
        if any(text in field for field in self._all_fields()):
            return True
        return self.body_contains(text)

    def sent_date(self) -> date | None:
        """
        The day that the Date field names, whatever its zone.
        """
        value = headers.first(self._header_section(), b"date")
        moment = None if value is None else parse_date(value)
        return None if moment is None else moment.date()

    # Header fields

    def _header_section(self) -> bytes:
        content = self._content
        if content[:2] == b"\r\n":
            return b""
        end = content.find(b"\r\n\r\n", 0, _MOST_HEADER)
        return content[: _MOST_HEADER if end < 0 else end + 2]

    def _values(self) -> list[tuple[bytes, str]]:
        if self._fields is None:
            self._fields = [
                (name.lower(), folded(_on_one_line(value)))
                for name, value in headers.name_value_pairs(
                    self._header_section()
                )
            ]
        return self._fields

    def _all_fields(self) -> Iterator[str]:
        for part in _parts(self._structure()):
            end = part.header_offset + min(part.header_length, _MOST_HEADER)
            section = self._content[part.header_offset : end]
            for name, value in headers.name_value_pairs(section):
                printed = name.decode("latin-1")
                yield folded(f"{printed}: {_on_one_line(value)}")
            if (filename := part.filename) is not None:
                yield folded(filename)

    # Bodies

    def _structure(self) -> mime.Part:
        if self._tree is None:
            self._tree = mime.parse(self._content)
        return self._tree

    def _folded_bodies(self) -> Iterator[Iterator[str]]:
        for part in _parts(self._structure()):
            kind = part.media_type.lower()
            if kind == b"text" or (kind == b"message" and not part.children):
                yield _folded_windows(_shown(self._content, part))


def _parts(part: mime.Part) -> Iterator[mime.Part]:
    """
    A part and all that are in it.
    """
    yield part
    for child in part.children:
        yield from _parts(child)


def _contains(windows: Iterable[str], text: str) -> bool:
    end = ""
    for window in windows:
        joined = end + window
        if text in joined:
            return True
        end = joined[-(len(text) - 1) :] if len(text) > 1 else ""
    return False


def _folded_windows(windows: Iterable[str]) -> Iterator[str]:
    """
    Each window folded; a Hangul syllable at an end waits for the rest of it.
    """
    held = ""
    for window in windows:
        text = held + window
        cut = certain_length(text)
        held = text[cut:]
        yield folded(text[:cut])
    yield folded(held)


def _shown(content: Octets, part: mime.Part) -> Iterator[str]:
    """
    A text part as people read it.
    """
    windows = _unix_lines(_decoded(content, part))
    kind = part.subtype.lower()
    if part.media_type.lower() == b"text" and kind == b"html":
        return _without_tags(windows)
    flow = mimefields.parameter(part.parameters, b"format")
    if kind == b"plain" and flow is not None and flow.lower() == b"flowed":
        between = mimefields.parameter(part.parameters, b"delsp") or b""
        return _unflowed(windows, "" if between.lower() == b"yes" else " ")
    return windows


def _decoded(content: Octets, part: mime.Part) -> Iterator[str]:
    """
    The part's transfer encoding and charset undone.
    """
    pieces = _octets(content, part)
    first = next(pieces, b"")
    second = next(pieces, None)
    if second is None:
        yield charsets.decode(first, part.charset)
        return
    decoder = _charset_decoder(first, part.charset)
    yield decoder.decode(first)
    yield decoder.decode(second)
    for octets in pieces:
        yield decoder.decode(octets)
    yield decoder.decode(b"", True)


def _octets(content: Octets, part: mime.Part) -> Iterator[bytes]:
    """
    The part's body, its transfer encoding undone; in one piece if it is short.
    """
    start, end = part.body_offset, part.body_offset + part.body_length
    decoder = decoder_for(part.encoding)
    if decoder is None:
        # RFC 2045 6.4: of an unknown encoding nothing can be said.
        return
    for at in range(start, end, WINDOW):
        octets = decoder.decode(content[at : min(at + WINDOW, end)])
        mime.let_go(content, at, min(at + WINDOW, end))
        if at + WINDOW >= end:
            octets += decoder.finish()
        yield octets


def _charset_decoder(
    first: bytes, charset: str | None
) -> codecs.IncrementalDecoder:
    """
    As ``charsets.decode`` chooses, going by the first window.
    """
    codec = charsets.codec_of(charset) if charset else None
    if codec is None or codec == "utf-8":
        codec = "utf-8"
        try:
            codecs.getincrementaldecoder(codec)().decode(first)
        except UnicodeDecodeError:
            if not (charset and charset.lower().startswith("utf")):
                codec = "cp1252"
    try:
        return codecs.getincrementaldecoder(codec)("replace")
    except LookupError:
        return codecs.getincrementaldecoder("latin-1")("replace")


def _unix_lines(windows: Iterable[str]) -> Iterator[str]:
    held = ""
    for window in windows:
        text = held + window
        held = "\r" if text.endswith("\r") else ""
        yield text.removesuffix(held).replace("\r\n", "\n")
    yield held


def _unflowed(windows: Iterable[str], between: str) -> Iterator[str]:
    """
    With the lines of format=flowed joined; a paragraph is held to its end.
    """
    held = ""
    for window in windows:
        text = held + window
        cut = text.rfind("\n")
        while cut > 0 and text[cut - 1] == " ":
            cut = text.rfind("\n", 0, cut)
        cut = len(text) if len(text) - cut > _LONGEST_PARAGRAPH else cut + 1
        held = text[cut:]
        yield _joined(text[:cut], between)
    yield _joined(held, between)


def _joined(text: str, between: str) -> str:
    return _FLOWED.sub(rf"\1{between}", _STUFFING.sub("", text))


def _without_tags(windows: Iterable[str]) -> Iterator[str]:
    shown = HTMLText()
    for window in windows:
        yield shown.feed(window)
    yield shown.finish()
