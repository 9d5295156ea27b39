"""
Mailbox names in modified UTF-7 (RFC 3501 5.1.3), on IMAP's wire and on disk.

Implementation notes

- Every name has exactly one encoding, and only that one is decoded: two
  spellings of one name would be two mailboxes to some and one to others.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64

_NOT_PLAIN = re.compile("[^\x20-\x7e]+|&")
_SHIFTED = re.compile("&([^&-]*+)-")


class NotModifiedUTF7(ValueError):
    """
    These octets are not the encoding of any name.
    """


def encode(name: str) -> str:
    """
    The name in printable ASCII.

    :raises NotModifiedUTF7: a surrogate without its other half.
    """
    try:
        return _NOT_PLAIN.sub(_shift, name)
    except UnicodeEncodeError as error:
        raise NotModifiedUTF7(name) from error


def decode(encoded: str) -> str:
    """
    The name that ``encode`` makes this of.

    :raises NotModifiedUTF7: it makes this of none.
    """
    try:
        name = _SHIFTED.sub(_unshift, encoded)
        is_ours = encode(name) == encoded
    except ValueError as error:
        raise NotModifiedUTF7(encoded) from error
    if not is_ours:
        raise NotModifiedUTF7(encoded)
    return name


def _shift(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    octets = b2a_base64(found[0].encode("utf-16-be"), newline=False)
    letters = octets.decode("ascii").rstrip("=").replace("/", ",")
    return f"&{letters}-"


def _unshift(found: re.Match[str]) -> str:
    letters = found[1].replace(",", "/")
    if not letters:
        return "&"
    padded = letters + "=" * (-len(letters) % 4)
    return a2b_base64(padded).decode("utf-16-be")
