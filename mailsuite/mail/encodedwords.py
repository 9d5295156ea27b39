"""
Encoded words in header fields (RFC 2047), read and written.

Implementation notes

- Neighbours of one charset are joined before they are decoded: many writers
  cut in the middle of a character.
- 8-bit octets outside of encoded words are UTF-8 (RFC 6532), or what
  ``charsets.decode`` takes unlabelled octets for.
"""

from __future__ import annotations

import binascii
import re

from mailsuite.mail import charsets

_WORD = re.compile(rb"=\?([^?\s]++)\?([bBqQ])\?([^?\r\n]*+)\?=")
_FOLD = re.compile(rb"\r*\n(?=[ \t])")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]++")

#: Octets of text in one encoded word, so that it stays below 75 (2047 2).
_CHUNK_OCTETS = 42
#: Digits of base64 that fit on a line of 76 octets with one encoded word.
_LINE_OCTETS = 76 - len(b"=?utf-8?b??=")


def decode(value: bytes) -> str:
    """
    A field's value as people read it: unfolded, its encoded words decoded.

    What is broken is shown as it stands.
    """
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    value = value.strip(b" \t\r\n")
    if b"=?" not in value:
        return charsets.decode(value)
    return "".join(_pieces(value))


def _pieces(value: bytes) -> list[str]:
    pieces: list[str] = []
    pending: list[bytes] = []
    charset = b""
    done = 0
    for word in _WORD.finditer(value):
        start, end = word.span()
        between = value[done:start]
        # RFC 2047 6.2: white space between two encoded words is not shown.
        if pending and not between.strip():
            between = b""
        named = word[1].partition(b"*")[0].lower()
        if pending and (between or named != charset):
            pieces.append(_text(pending, charset))
            pending = []
        if between:
            pieces.append(charsets.decode(between))
        pending.append(_octets(word[2], word[3]))
        charset = named
        done = end
    if pending:
        pieces.append(_text(pending, charset))
    if done < len(value):
        pieces.append(charsets.decode(value[done:]))
    return pieces


def _text(octets: list[bytes], charset: bytes) -> str:
    return charsets.decode(b"".join(octets), charset.decode("latin-1"))


def _octets(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(text, header=True)
    digits = _NOT_BASE64.sub(b"", text)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def encode(text: str, used: int = 0) -> bytes:
    """
    Text for an unstructured field or a phrase: as it is if it is ASCII
    without controls, else as encoded words on folded lines.

    :param used: octets that stand in front of it on its first line; the first
        word is the shorter for them, down to one character.
    """
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.encode("ascii")
    words: list[bytes] = []
    chunk = ""
    octets = 0
    most = min(_CHUNK_OCTETS, (_LINE_OCTETS - used) // 4 * 3)
    for character in text:
        width = len(character.encode("utf-8", "replace"))
        if octets + width > most and chunk:
            words.append(_word(chunk))
            chunk, octets, most = "", 0, _CHUNK_OCTETS
        chunk += character
        octets += width
    words.append(_word(chunk))
    return b"\r\n ".join(words)


def _word(chunk: str) -> bytes:
    octets = chunk.encode("utf-8", "replace")
    encoded = binascii.b2a_base64(octets, newline=False)
    return b"=?utf-8?b?" + encoded + b"?="
