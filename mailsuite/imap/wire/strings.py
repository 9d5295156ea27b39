"""
Strings as IMAP's server writes them (RFC 9051 4.3).

Implementation notes

- Quoted where the octets are 7-bit without CR, LF and NUL; else a literal:
  both of IMAP's revisions can read that.
- The empty string is ``""`` and never ``{0}``, on which a client is known to
  wait for octets that do not come.
"""

from __future__ import annotations

import re

_plain = re.compile(rb'[^\x00\r\n"\\\x80-\xff]*+').fullmatch
_quotable = re.compile(rb"[^\x00\r\n\x80-\xff]*+").fullmatch


def string(octets: bytes) -> bytes:
    """
    Print a string.  NUL, which no string can have, becomes ``?``.
    """
    if _plain(octets):
        return b'"' + octets + b'"'
    if _quotable(octets):
        octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'"' + octets + b'"'
    octets = octets.replace(b"\0", b"?")
    return b"{%d}\r\n%b" % (len(octets), octets)


def nstring(octets: bytes | None) -> bytes:
    """
    Print a string, or NIL for None.
    """
    return b"NIL" if octets is None else string(octets)
