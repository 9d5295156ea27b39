"""
xtext, and the typed addresses that are written in it (RFC 3461 4, RFC 6533 3).

Implementation notes

- What is decoded has no control characters: it will stand in header fields,
  and an encoded CR LF would begin another.
"""

from __future__ import annotations

import re

from mailsuite.mail.address import Address

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_HEXCHAR = re.compile(r"\+([0-9A-F]{2})")
_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")

# RFC 6533 3: utf-8-addr-unitext; its 7-bit form is a subset.
_UNITEXT = re.compile(
    r"(?:[!-*,-<>-\[\]-~\u00a0-\u2027\u202a-\U0010ffff]"
    r"|\\x\{[0-9A-F]{2,6}\})++"
)
_EMBEDDED = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_NOT_QCHAR = re.compile(r"[^!-*,-<>-\[\]-~]")

_TYPE = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~-]{1,40}")
_PRINTABLE = re.compile(r"[ -~\u00a0-\u2027\u202a-\U0010ffff]++")

_UTF8_TYPE = "utf-8"

#: RFC 3461 4.2: characters of an ORCPT parameter.
_LONGEST_ORIGINAL = 500


def encode(text: str) -> str:
    """
    Text of ASCII characters as xtext.

    :raises ValueError: it is not ASCII.
    """
    if not text.isascii():
        raise ValueError("not ASCII")
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def decode(text: str) -> str:
    """
    Undo xtext.

    :raises ValueError: it is not xtext, or what it stands for is not
        printable ASCII.
    """
    if not _XTEXT.fullmatch(text):
        raise ValueError("not xtext")
    decoded = _HEXCHAR.sub(lambda pair: chr(int(pair[1], 16)), text)
    if not decoded.isascii() or not decoded.isprintable():
        raise ValueError("not printable")
    return decoded


def original_of(address: Address) -> tuple[str, str]:
    """
    An address as ORCPT has it: its type, and itself.
    """
    return "rfc822" if address.is_ascii else _UTF8_TYPE, str(address)


def is_utf8(kind: str) -> bool:
    """
    Whether that is the address type of RFC 6533.
    """
    return kind.lower() == _UTF8_TYPE


def parse_original(text: str) -> tuple[str, str]:
    """
    Read the value of ORCPT (RFC 3461 4.2).

    :return: the address type in its own case, since the next hop is to have
        it unchanged (5.2.1), and the decoded address.
    :raises ValueError: it is none, or not printable.
    """
    kind, semicolon, encoded = text.partition(";")
    if not semicolon or not _TYPE.fullmatch(kind):
        raise ValueError("no address type")
    if len(text) > _LONGEST_ORIGINAL or not encoded:
        raise ValueError("too long, or empty")
    if is_utf8(kind):
        return kind, _decode_unitext(encoded)
    return kind, decode(encoded)


def print_original(original: tuple[str, str], *, smtputf8: bool) -> str:
    """
    The value of ORCPT for the next hop.

    :param smtputf8: it takes octets beyond ASCII here.
    """
    kind, address = original
    if not is_utf8(kind):
        return f"{kind};{encode(address)}"
    return f"{kind};{quoted(address, ascii_only=not smtputf8)}"


def quoted(address: str, *, ascii_only: bool) -> str:
    r"""
    An address of type utf-8 with ``\x{...}`` for what may not stand bare:
    utf-8-addr-xtext, or utf-8-addr-unitext (RFC 6533 3).
    """

    def embedded(found: re.Match[str]) -> str:
        character = found[0]
        if not ascii_only and not character.isascii():
            return character
        return f"\\x{{{ord(character):02X}}}"

    return _NOT_QCHAR.sub(embedded, address)


def _decode_unitext(text: str) -> str:
    if not _UNITEXT.fullmatch(text):
        raise ValueError("not utf-8-addr-unitext")
    decoded = _EMBEDDED.sub(_embedded_character, text)
    if not _PRINTABLE.fullmatch(decoded):
        raise ValueError("not printable")
    return decoded


def _embedded_character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError("not a character")
    return chr(code)
