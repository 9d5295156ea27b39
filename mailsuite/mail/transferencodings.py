"""
Content-Transfer-Encodings undone, piece by piece, and quoted-printable made
(RFC 2045 6).

Implementation notes

- Decoders hold back a few octets, and at most one line of quoted-printable.
- Nothing raises: base64 skips what is not of its alphabet and ends at its
  padding; in quoted-printable a ``=`` that begins nothing stands for itself.
"""

from __future__ import annotations

import binascii
import re
from typing import Protocol

_BASE64_DIGITS = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_DIGITS) - {ord("=")})
# RFC 2045 6.7, rule 3
_SPACE_AT_LINE_END = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")

_ONE_TOO_LONG = re.compile(rb"(?m)^([^\n]{74})(=20|=09)$")

_LONGEST_LINE = 8192


class Decoder(Protocol):
    """
    Undoes an encoding.
    """

    def decode(self, octets: bytes) -> bytes:
        """
        The next octets that are certain.
        """

    def finish(self) -> bytes:
        """
        What was held back; nothing follows.
        """


class IdentityDecoder:
    """
    7bit, 8bit and binary: nothing to undo.
    """

    def decode(self, octets: bytes) -> bytes:
        """
        The same octets.
        """
        return octets

    def finish(self) -> bytes:
        """
        Nothing.
        """
        return b""


class Base64Decoder:
    """
    RFC 2045 6.8.
    """

    def __init__(self) -> None:
        self._held = b""
        self._ended = False

    def decode(self, octets: bytes) -> bytes:
        """
        The octets of all groups of four digits so far.
        """
        if self._ended:
            return b""
        digits = self._held + octets.translate(None, _NOT_BASE64)
        padding = digits.find(b"=")
        if padding >= 0:
            digits = digits[:padding]
            self._ended = True
        whole = len(digits) & ~3
        self._held = digits[whole:]
        return binascii.a2b_base64(digits[:whole])

    def finish(self) -> bytes:
        """
        The octets of a last, shorter group.
        """
        held, self._held = self._held, b""
        self._ended = True
        if len(held) < 2:
            return b""
        return binascii.a2b_base64(held + b"=" * (4 - len(held)))


class QuotedPrintableDecoder:
    """
    RFC 2045 6.7.
    """

    def __init__(self) -> None:
        self._held = b""

    def decode(self, octets: bytes) -> bytes:
        """
        The octets of all lines that are complete.
        """
        octets = self._held + octets
        end = octets.rfind(b"\n") + 1
        if len(octets) - end > _LONGEST_LINE:
            end = self._inside_line(octets, end)
        self._held = octets[end:]
        return _quoted_printable(octets[:end]) if end else b""

    def _inside_line(self, octets: bytes, start: int) -> int:
        """
        A place in the last line where it may be cut: not in ``=XX``, and not
        among spaces that may yet prove to be at its end.
        """
        end = len(octets)
        mark = octets.rfind(b"=", end - 3)
        if mark >= 0:
            end = mark
        solid = len(octets[start:end].rstrip(b" \t\r"))
        return start + solid if solid else end

    def finish(self) -> bytes:
        """
        The octets of the last line.
        """
        held, self._held = self._held, b""
        return _quoted_printable(held)


def _quoted_printable(octets: bytes) -> bytes:
    return binascii.a2b_qp(_SPACE_AT_LINE_END.sub(b"", octets))


def decoder_for(encoding: bytes) -> Decoder | None:
    """
    A decoder for a Content-Transfer-Encoding, None if it is unknown.

    :param encoding: in any case.
    """
    match encoding.lower():
        case b"7bit" | b"8bit" | b"binary":
            return IdentityDecoder()
        case b"base64":
            return Base64Decoder()
        case b"quoted-printable":
            return QuotedPrintableDecoder()
    return None


def quoted_printable(octets: bytes) -> bytes:
    """
    Text as quoted-printable; lines end with CR LF, and still do.
    """
    encoded = binascii.b2a_qp(octets, quotetabs=False, istext=True)
    # The library takes its line ends from the first it finds, if it finds one;
    # and a line whose last space it has to encode may be one octet too long.
    encoded = encoded.replace(b"\r\n", b"\n")
    encoded = _ONE_TOO_LONG.sub(rb"\1=\n\2", encoded)
    return encoded.replace(b"\n", b"\r\n")
