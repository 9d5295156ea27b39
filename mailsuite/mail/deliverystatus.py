"""
What became of a message, for programs: message/delivery-status (RFC 3464) and
message/global-delivery-status (RFC 6533).

Implementation notes

- What a peer said is cut and folded here, so that whatever it was, the lines
  stay legal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from mailsuite.mail import xtext
from mailsuite.mail.datetimes import print_date

#: Characters of a peer's text that are told.
_LONGEST_TEXT = 1000

# RFC 5322 2.1.1
_LONGEST_LINE = 78
#: As many words as a line may hold, with the spaces before them.
_LINE = re.compile(r" *[^ ](?:.{0,74}(?![^ ])|[^ ]*)")
_LONG_WORD = re.compile(r"[^ ]{960}(?=[^ ])")
_LONG_WORD_IN_UTF8 = re.compile(r"[^ ]{240}(?=[^ ])")

_NOT_PRINTABLE = re.compile(
    r"[^ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\U0010ffff]+"
)
_SPACES = re.compile(" {2,}")


class Action(Enum):
    """
    What was done with the message (RFC 3464 2.3.3).
    """

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    #: To a host that does not tell of success.
    RELAYED = "relayed"
    #: To several addresses, none of which is told of.
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """
    What became of it for one recipient.

    :param final: the address that was tried, as ``original`` is.
    :param original: ORCPT's type and decoded address, None if none came.
    :param status: RFC 3463's code.
    :param remote: the host that spoke, empty if none did.
    :param diagnostic: its reply, code first; empty if none spoke.
    """

    final: tuple[str, str]
    action: Action
    status: str
    original: tuple[str, str] | None = None
    remote: str = ""
    diagnostic: str = ""
    last_attempt: datetime | None = None
    retry_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """
    What became of a message.

    :param reporting: our host name.
    :param envelope_id: ENVID, decoded; None if none came.
    """

    reporting: str
    arrival: datetime
    recipients: Sequence[RecipientStatus]
    envelope_id: str | None = None


def print_status(status: MessageStatus, *, utf8: bool) -> bytes:
    """
    The body of a delivery-status part.

    :param utf8: it is a message/global-delivery-status, else it is ASCII.
    """
    groups = [_message_fields(status, utf8=utf8)]
    groups += [_recipient_fields(one, utf8=utf8) for one in status.recipients]
    return b"\r\n".join(b"".join(group) for group in groups)


def one_line(text: str) -> str:
    """
    A peer's text without controls and line ends, cut to a bearable length.
    """
    if not text.isprintable():
        text = _NOT_PRINTABLE.sub(" ", text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    text = text.strip(" ")
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 4] + " ..."
    return text


def _message_fields(status: MessageStatus, *, utf8: bool) -> Iterator[bytes]:
    # RFC 3464 2.2
    if status.envelope_id is not None:
        yield _field("Original-Envelope-Id", status.envelope_id, utf8=utf8)
    yield _field("Reporting-MTA", f"dns; {status.reporting}", utf8=utf8)
    yield _field("Arrival-Date", _date(status.arrival), utf8=utf8)


def _recipient_fields(one: RecipientStatus, *, utf8: bool) -> Iterator[bytes]:
    # RFC 3464 2.3
    if one.original is not None:
        typed = _typed(one.original, utf8=utf8)
        yield _field("Original-Recipient", typed, utf8=utf8)
    typed = _typed(one.final, utf8=utf8)
    yield _field("Final-Recipient", typed, utf8=utf8)
    yield _field("Action", one.action.value, utf8=utf8)
    yield _field("Status", one.status, utf8=utf8)
    if one.remote:
        yield _field("Remote-MTA", f"dns; {one.remote}", utf8=utf8)
    if one.diagnostic:
        text = f"smtp; {one_line(one.diagnostic)}"
        yield _field("Diagnostic-Code", text, utf8=utf8)
    if one.last_attempt is not None:
        yield _field("Last-Attempt-Date", _date(one.last_attempt), utf8=utf8)
    if one.retry_until is not None:
        yield _field("Will-Retry-Until", _date(one.retry_until), utf8=utf8)


def _typed(original: tuple[str, str], *, utf8: bool) -> str:
    kind, address = original
    if xtext.is_utf8(kind) and not utf8:
        # RFC 6533 3: the only form that a 7-bit report may have.
        address = xtext.quoted(address, ascii_only=True)
    return f"{kind}; {address}"


def _date(moment: datetime) -> str:
    return print_date(moment).decode("ascii")


def _field(name: str, value: str, *, utf8: bool) -> bytes:
    """
    A field, folded at spaces; a word longer than a line may be is cut.
    """
    if not value.isprintable():
        value = _NOT_PRINTABLE.sub(" ", value)
    if not utf8:
        value = value.encode("ascii", "backslashreplace").decode("ascii")
    line = f"{name}: {value.strip(' ')}"
    if len(line) > _LONGEST_LINE:
        long_word = _LONG_WORD_IN_UTF8 if utf8 else _LONG_WORD
        line = "\r\n".join(_LINE.findall(long_word.sub(r"\g<0> ", line)))
    return f"{line}\r\n".encode()
