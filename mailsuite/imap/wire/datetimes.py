"""
IMAP's dates: ``1-Feb-1994`` and ``"17-Jul-1996 02:44:25 -0700"`` (RFC 9051 9).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MONTHS = (
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun",
    b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
)  # fmt: skip
_NUMBER_OF = {name.lower(): n for n, name in enumerate(_MONTHS, 1)}

DATE = re.compile(rb"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}")
DATE_TIME = re.compile(
    rb'"[ 0-9]?[0-9]-[A-Za-z]{3}-[0-9]{4} '
    rb'[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"'
)

_DAY = 86400
_FIRST_DAY = date(1970, 1, 1).toordinal()
_DAYS = (date.min.toordinal() - _FIRST_DAY, date.max.toordinal() - _FIRST_DAY)


def parsed_day(octets: bytes) -> date | None:
    """
    The day that a ``DATE`` means, None if there is no such day.
    """
    day, month, year = octets.split(b"-")
    try:
        return date(int(year), _NUMBER_OF[month.lower()], int(day))
    except (KeyError, ValueError):
        return None


def parsed_moment(octets: bytes) -> float | None:
    """
    The moment that a ``DATE_TIME`` means, in seconds since 1970; None if there
    is no such moment.
    """
    words = octets[1:-1].split()
    day = parsed_day(words[0])
    hours, minutes, seconds = (int(number) for number in words[1].split(b":"))
    ahead = int(words[2][1:3]) * 60 + int(words[2][3:])
    if day is None or hours > 23 or minutes > 59 or seconds > 60:
        return None
    if words[2].startswith(b"-"):
        ahead = -ahead
    days = day.toordinal() - _FIRST_DAY
    return float(days * _DAY + hours * 3600 + (minutes - ahead) * 60 + seconds)


def printed_moment(seconds: float) -> bytes:
    """
    A date-time in quotes, in UTC; clamped to the years 1 to 9999.
    """
    days, rest = divmod(int(seconds), _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    clock = b"%02d:%02d:%02d" % (hours, minutes, rest)
    return b'"%b %b +0000"' % (_printed_day(days), clock)


@lru_cache(maxsize=4096)
def _printed_day(days: int) -> bytes:
    clamped = min(max(days, _DAYS[0]), _DAYS[1])
    day = date.fromordinal(_FIRST_DAY + clamped)
    return b"%2d-%b-%04d" % (day.day, _MONTHS[day.month - 1], day.year)
