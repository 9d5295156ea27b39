"""
What the parameters of MAIL and RCPT mean.

RFC 1870 (SIZE), RFC 6152 (BODY), RFC 6531 (SMTPUTF8), RFC 4954 5 (AUTH),
RFC 3461 4 (RET, ENVID, NOTIFY, ORCPT), RFC 4865 (HOLDFOR, HOLDUNTIL),
RFC 8689 (REQUIRETLS).

Implementation notes

- A parameter of an extension that is not offered is an unknown one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mailsuite.mail import xtext
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.offers import Offers
from mailsuite.smtp.wire import paths
from mailsuite.smtp.wire.commands import Mail, Rcpt
from mailsuite.smtp.wire.replies import Reply

# RFC 1870 4
_SIZE = re.compile("[0-9]{1,20}")
# RFC 4865 3
_INTERVAL = re.compile("[1-9][0-9]{0,8}")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?Z",
    re.IGNORECASE,
)
# RFC 3461 4.4
_LONGEST_ENVELOPE_ID = 100

_UNKNOWN = Reply(555, "5.5.4", "Parameter not recognized")
_BAD_SIZE = Reply(501, "5.5.4", "SIZE takes a number of octets")
_BAD_BODY = Reply(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
_BAD_SMTPUTF8 = Reply(501, "5.5.4", "SMTPUTF8 takes no value")
_BAD_AUTH = Reply(501, "5.5.4", "AUTH takes an address or <>, as xtext")
_BAD_RET = Reply(501, "5.5.4", "RET is FULL or HDRS")
_BAD_ENVID = Reply(501, "5.5.4", "ENVID takes 100 characters, as xtext")
_BAD_NOTIFY = Reply(
    501, "5.5.4", "NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY"
)
_BAD_ORCPT = Reply(501, "5.5.4", "ORCPT takes a type and an address, as xtext")
_BAD_REQUIRETLS = Reply(501, "5.5.4", "REQUIRETLS takes no value")
_BAD_HOLDFOR = Reply(501, "5.5.4", "HOLDFOR takes a number of seconds")
_BAD_HOLDUNTIL = Reply(501, "5.5.4", "HOLDUNTIL takes a date-time in UTC")
_HELD_TWICE = Reply(501, "5.5.4", "HOLDFOR and HOLDUNTIL exclude each other")
_HELD_TOO_LONG = Reply(501, "5.5.4", "A message is not held for so long")

#: RFC 6531 3.5: the codes for an address that SMTPUTF8 was not asked for.
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "Address needs the SMTPUTF8 parameter")


@dataclass(slots=True)
class _Read:
    """
    What MAIL's parameters have told so far.

    :param now: seconds since 1970.
    """

    offers: Offers
    takes_auth: bool
    now: float
    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False
    returned: str | None = None
    envelope_id: str | None = None
    requiretls: bool = False
    hold_until: float | None = None


def sender_of(
    mail: Mail, offers: Offers, *, takes_auth: bool, now: float
) -> Sender | Reply:
    """
    The sender that a MAIL command names, or why it is refused.

    :param takes_auth: whether AUTH was offered, and so its parameter.
    :param now: seconds since 1970.
    """
    read = _Read(offers, takes_auth, now)
    for keyword, value in mail.parameters:
        reader = _READERS.get(keyword)
        refused = _UNKNOWN if reader is None else reader(read, value)
        if refused is not None:
            return refused
    path = mail.reverse_path
    if path is not None and not read.smtputf8 and not path.is_ascii:
        return NEEDS_SMTPUTF8
    return Sender(
        path,
        read.size,
        read.body,
        read.smtputf8,
        mail.parameters,
        returned=read.returned,
        envelope_id=read.envelope_id,
        requiretls=read.requiretls,
        hold_until=read.hold_until,
    )


def recipient_of(
    rcpt: Rcpt, offers: Offers, *, smtputf8: bool
) -> Recipient | Reply:
    """
    The recipient that an RCPT command names, or why it is refused.

    :param smtputf8: MAIL asked for SMTPUTF8.
    """
    notify: frozenset[str] | None = None
    original: tuple[str, str] | None = None
    for keyword, value in rcpt.parameters:
        match keyword:
            case "NOTIFY" if offers.dsn:
                notify = _notify(value or "")
                if notify is None:
                    return _BAD_NOTIFY
            case "ORCPT" if offers.dsn:
                if value is None or not (smtputf8 or value.isascii()):
                    return _BAD_ORCPT
                try:
                    original = xtext.parse_original(value)
                except ValueError:
                    return _BAD_ORCPT
            case _:
                return _UNKNOWN
    if not smtputf8 and not rcpt.forward_path.is_ascii:
        return NEEDS_SMTPUTF8
    return Recipient(rcpt.forward_path, rcpt.parameters, notify, original)


def print_date_time(seconds: float) -> str:
    """
    A moment as RFC 4865 3 writes it.

    :param seconds: since 1970.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _notify(value: str) -> frozenset[str] | None:
    # RFC 3461 4.1
    words = frozenset(value.upper().split(","))
    if words == {"NEVER"} or words <= {"SUCCESS", "FAILURE", "DELAY"}:
        return words
    return None


def _size(read: _Read, value: str | None) -> Reply | None:
    if value is None or not _SIZE.fullmatch(value):
        return _BAD_SIZE
    read.size = int(value)
    return None


def _body(read: _Read, value: str | None) -> Reply | None:
    read.body = (value or "").upper()
    return None if read.body in {"7BIT", "8BITMIME"} else _BAD_BODY


def _smtputf8(read: _Read, value: str | None) -> Reply | None:
    read.smtputf8 = True
    return None if value is None else _BAD_SMTPUTF8


def _auth(read: _Read, value: str | None) -> Reply | None:
    if not read.takes_auth:
        return _UNKNOWN
    return None if _is_submitter(value) else _BAD_AUTH


def _ret(read: _Read, value: str | None) -> Reply | None:
    if not read.offers.dsn:
        return _UNKNOWN
    read.returned = (value or "").upper()
    return None if read.returned in {"FULL", "HDRS"} else _BAD_RET


def _envid(read: _Read, value: str | None) -> Reply | None:
    if not read.offers.dsn:
        return _UNKNOWN
    try:
        read.envelope_id = xtext.decode(value or "")
    except ValueError:
        return _BAD_ENVID
    if not 0 < len(read.envelope_id) <= _LONGEST_ENVELOPE_ID:
        return _BAD_ENVID
    return None


def _requiretls(read: _Read, value: str | None) -> Reply | None:
    if not read.offers.requiretls:
        return _UNKNOWN
    read.requiretls = True
    return None if value is None else _BAD_REQUIRETLS


def _holdfor(read: _Read, value: str | None) -> Reply | None:
    if not read.offers.hold_seconds:
        return _UNKNOWN
    if value is None or not _INTERVAL.fullmatch(value):
        return _BAD_HOLDFOR
    return _hold(read, read.now + int(value))


def _holduntil(read: _Read, value: str | None) -> Reply | None:
    if not read.offers.hold_seconds:
        return _UNKNOWN
    found = _DATE_TIME.fullmatch(value or "")
    if found is None:
        return _BAD_HOLDUNTIL
    try:
        moment = datetime.fromisoformat(found[1].upper())
    except ValueError:
        return _BAD_HOLDUNTIL
    return _hold(read, moment.replace(tzinfo=UTC).timestamp())


def _hold(read: _Read, until: float) -> Reply | None:
    """
    RFC 4865 4: one of the two, and no longer than was announced.
    """
    if read.hold_until is not None:
        return _HELD_TWICE
    if until > read.now + read.offers.hold_seconds:
        return _HELD_TOO_LONG
    read.hold_until = until
    return None


def _is_submitter(value: str | None) -> bool:
    """
    RFC 4954 5: ``<>``, or a mailbox without brackets.
    """
    try:
        text = xtext.decode(value or "")
        if text != "<>":
            _, rest = paths.forward_path(f"<{text}>")
            return not rest
    except (ValueError, paths.BadPath):
        return False
    return True


_READERS: Mapping[str, Callable[[_Read, str | None], Reply | None]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _smtputf8,
    "AUTH": _auth,
    "RET": _ret,
    "ENVID": _envid,
    "REQUIRETLS": _requiretls,
    "HOLDFOR": _holdfor,
    "HOLDUNTIL": _holduntil,
}
