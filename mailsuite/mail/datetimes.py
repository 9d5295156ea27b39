"""
Dates as header fields write them (RFC 5322 3.3 and 4.3).

Parsing never raises: what is no date is None.  The present is never asked
for; who wants it printed brings it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = (
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
)
_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()  # noqa: SIM905
_MONTH_NUMBER = {
    name.lower().encode(): number for number, name in enumerate(_MONTHS, 1)
}

# RFC 5322 4.3, obs-zone; minutes east of Greenwich.
_OBSOLETE_ZONES = {
    b"UT": 0,
    b"GMT": 0,
    b"UTC": 0,
    b"Z": 0,
    b"EST": -300,
    b"EDT": -240,
    b"CST": -360,
    b"CDT": -300,
    b"MST": -420,
    b"MDT": -360,
    b"PST": -480,
    b"PDT": -420,
}

_COMMENT = re.compile(rb"\((?:[^()\\]++|\\.)*+\)")
_DATE_TIME = re.compile(
    rb"\s*+(?:[A-Za-z]++\.?+\s*+,?+\s*+)?+"
    rb"(\d{1,2})(?:\s++|-)([A-Za-z]{3})[A-Za-z]*+\.?+(?:\s++|-)(\d{2,5})"
    rb"(?:\s++(\d{1,2})\s*+[:.]\s*+(\d{1,2})(?:\s*+[:.]\s*+(\d{1,2}))?+)?+"
    rb"(?:[.,]\d++)?+(?:\s*+([+-]\d{3,4}|[A-Za-z]++))?+"
)
# asctime: Tue Nov 24 22:00:00 2026
_ASCTIME = re.compile(
    rb"\s*+[A-Za-z]{3},?+\s++([A-Za-z]{3})\s++(\d{1,2})\s++"
    rb"(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?+\s++(\d{4})"
)


def parse_date(value: bytes) -> datetime | None:
    """
    The moment a Date field names (RFC 5322 3.3 and 4.3), with its zone.

    The day of the week is not looked at.  Two-digit years, missing seconds
    or time, zone names and comments are taken; an unknown zone is +0000, as
    RFC 5322 4.3 asks.
    """
    value = value.strip()[:200]
    if b"(" in value:
        value = _COMMENT.sub(b" ", value)
    found = _DATE_TIME.match(value)
    if found is not None:
        day, month, year, hour, minute, second, zone = found.groups()
        return _moment(year, month, day, hour, minute, second, zone)
    found = _ASCTIME.match(value)
    if found is not None:
        month, day, hour, minute, second, year = found.groups()
        return _moment(year, month, day, hour, minute, second, None)
    return None


def _moment(
    year: bytes,
    month: bytes,
    day: bytes,
    hour: bytes | None,
    minute: bytes | None,
    second: bytes | None,
    zone: bytes | None,
) -> datetime | None:
    number = _MONTH_NUMBER.get(month.lower())
    if number is None:
        return None
    try:
        return datetime(
            _full_year(year),
            number,
            int(day),
            int(hour or 0),
            int(minute or 0),
            # A leap second has no place in a datetime.
            min(int(second or 0), 59),
            tzinfo=_zone(zone),
        )
    except ValueError:
        return None


def _full_year(digits: bytes) -> int:
    # RFC 5322 4.3, obs-year
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    if len(digits) == 3:
        return year + 1900
    return year


def _zone(zone: bytes | None) -> timezone:
    if not zone:
        return UTC
    if zone[:1] in b"+-":
        digits = zone[1:].rjust(4, b"0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        if minutes >= 24 * 60:
            return UTC
        if zone[:1] == b"-":
            minutes = -minutes
    else:
        minutes = _OBSOLETE_ZONES.get(zone.upper(), 0)
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


def print_date(moment: datetime) -> bytes:
    """
    The value of a Date field.

    :param moment: with a time zone.
    """
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day} {_MONTHS[moment.month - 1]} "
        f"{moment.year:04} {moment:%H:%M:%S %z}"
    ).encode("ascii")
