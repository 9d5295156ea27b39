"""
The header section of a message on its way in: where it ends, what is counted,
and what is taken out of it.

Implementation notes

- Nothing is decoded, and what stays is left letter for letter, so that
  signatures over it hold.
- Content whose first line is no header field has no header section: "Do you
  like ketchup?" is body from its first octet on.  Else the section ends at
  the first empty line, as everybody reads it who looks at the message later:
  a line in between that is no field hides nothing from the checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailsuite.mail.headers import every

#: A section of more octets than this is refused.
MOST_OCTETS = 512 * 1024

#: What looks at all fields of a larger one is done in a thread: the worst of a
#: quarter of a megabyte take fifty milliseconds, those of usual size less than
#: one.
LARGE = 16 * 1024

#: No field's name and colon are longer (RFC 5322 2.1.1).
_LONGEST_NAME = 998

_FIELD_START = re.compile(rb"[!-9;-~]++[ \t]*+:")


def section_end(octets: bytes, *, whole: bool) -> int | None:
    """
    Where the header section ends, before the empty line.

    :param whole: nothing follows ``octets``.
    :return: 0 if there is no field; None if more octets are needed to tell.
    """
    if not _FIELD_START.match(octets):
        told = whole or b"\n" in octets or len(octets) > _LONGEST_NAME
        return 0 if told else None
    blank = octets.find(b"\r\n\r\n")
    if blank >= 0:
        return blank + 2
    return len(octets) if whole else None


def hops(section: bytes) -> int:
    """
    How many hosts the message says it has passed (RFC 5321 6.3).
    """
    return len(_named(b"Received").findall(section))


def without(section: bytes, names: Iterable[bytes]) -> bytes:
    """
    The section less all fields of these names.
    """
    for name in names:
        section = _named(name).sub(b"", section)
    return section


def tls_is_optional(section: bytes) -> bool:
    """
    Whether the message is to arrive whatever policies say (RFC 8689 5).
    """
    if b"tls-required" not in section.lower():
        return False
    values = every(section, b"TLS-Required")
    return [value.strip().lower() for value in values] == [b"no"]


_patterns: dict[bytes, re.Pattern[bytes]] = {}


def _named(name: bytes) -> re.Pattern[bytes]:
    """
    What matches whole fields of that name.
    """
    if name not in _patterns:
        _patterns[name] = re.compile(
            rb"^%b[ \t]*+:[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+" % re.escape(name),
            re.IGNORECASE | re.MULTILINE,
        )
    return _patterns[name]
