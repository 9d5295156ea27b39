"""
Composes what senders are told: one notification about one message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mailsuite.mail import encodedwords, headers, xtext
from mailsuite.mail.address import Address
from mailsuite.mail.deliverystatus import (
    Action,
    MessageStatus,
    RecipientStatus,
    print_status,
)
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.mail.report import (
    ReportHeader,
    Returned,
    has_long_lines,
    print_report,
)
from mailsuite.mail.trace import return_path
from mailsuite.transfer import bouncetext
from mailsuite.transfer.entry import Standing
from mailsuite.transfer.notices import Due, action_of
from mailsuite.transfer.outcome import Outcome

#: How much of a message's start is read to tell of it.
START_OCTETS = 64 * 1024

#: A message of more octets is not returned whole, nor a header section.
_MOST_RETURNED = 50_000

_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{1,250}>")
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")

#: RFC 3463 2, where an outcome has no code of its own.
_USUAL_STATUS = {
    Action.FAILED: "5.0.0",
    Action.DELAYED: "4.0.0",
    Action.DELIVERED: "2.0.0",
    Action.RELAYED: "2.0.0",
    Action.EXPANDED: "2.0.0",
}


@dataclass(frozen=True, slots=True)
class Original:
    """
    The message that is told of.

    :param sender: with a reverse-path.
    :param arrival: seconds since 1970.
    """

    queue_id: str
    sender: Sender
    arrival: float


@dataclass(frozen=True, slots=True)
class Reported:
    """
    What is told of one recipient.

    :param time: when that happened, seconds since 1970.
    :param confidential: the sender knows another address, which ``recipient``
        has as its original one, and is to learn no more.
    :param retry_until: when trying ends, seconds since 1970.
    """

    recipient: Recipient
    action: Action
    time: float
    outcome: Outcome | None = None
    confidential: bool = False
    retry_until: float | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """
    A message to be sent.

    :param content: with a Return-Path field in front.
    :param skip: that field's octets, which no other host gets.
    """

    content: bytes
    skip: int
    sender: Sender
    recipient: Recipient


def reported(standing: Standing, due: Due) -> tuple[Reported, ...]:
    """
    What is told of the recipients of a message in the queue.
    """
    found = []
    for number in due.numbers:
        state = standing.state(number)
        action = action_of(state)
        delayed = action is Action.DELAYED
        found.append(
            Reported(
                state.queued.recipient,
                action,
                state.last_time or standing.entry.arrival,
                state.last,
                state.queued.confidential,
                standing.entry.expiry if delayed else None,
            )
        )
    return tuple(found)


def compose(
    original: Original,
    told: Sequence[Reported],
    start: bytes,
    size: int,
    *,
    our_name: str,
    new_id: str,
    now: float,
) -> Notification:
    """
    The notification that tells a sender of some recipients.

    :param told: at least one, all of one action.
    :param start: the message's first ``START_OCTETS``, or all of it.
    :param size: of the whole message.
    :param our_name: our host name, as A-labels.
    :param new_id: the notification's own queue id.
    :param now: seconds since 1970.
    """
    to = original.sender.reverse_path
    assert to is not None
    utf8 = original.sender.smtputf8
    section = start[: headers.section_end(start)]
    returned = _returned(original, told, start, section, size)
    statuses = [_status(one) for one in told]
    subject = headers.first(section, b"Subject") or b""
    text = bouncetext.explanation(
        [
            _told(one, status)
            for one, status in zip(told, statuses, strict=True)
        ],
        our_name=our_name,
        queue_id=original.queue_id,
        message_subject=encodedwords.decode(subject),
        whole=returned.whole,
    )
    status = MessageStatus(
        our_name,
        _moment(original.arrival),
        statuses,
        original.sender.envelope_id,
    )
    header = ReportHeader(
        our_name,
        new_id,
        to,
        bouncetext.subject(told[0].action),
        _moment(now),
        _message_id(section),
    )
    report = print_report(
        header, text, print_status(status, utf8=utf8), returned, utf8=utf8
    )
    return _addressed(report, to, original.sender)


def _addressed(report: bytes, to: Address, original: Sender) -> Notification:
    """
    RFC 3461 6: from nobody, with no RET or ENVID.

    RFC 8689 5: what is told of a message needs the message's protection.
    """
    path = return_path(None)
    sender = Sender(
        None,
        body="7BIT" if report.isascii() else "8BITMIME",
        smtputf8=original.smtputf8 and not report.isascii(),
        requiretls=original.requiretls,
    )
    return Notification(path + report, len(path), sender, Recipient(to))


def _returned(
    original: Original,
    told: Sequence[Reported],
    start: bytes,
    section: bytes,
    size: int,
) -> Returned:
    # RFC 3461 4.3: RET is for failures; of others, the header is enough.
    # RFC 8689 5: it is disregarded where REQUIRETLS stands.
    whole = (
        original.sender.returned == "FULL"
        and not original.sender.requiretls
        and told[0].action is Action.FAILED
        and size <= min(_MOST_RETURNED, len(start))
        and not has_long_lines(start)
    )
    if whole:
        return Returned(start, whole=True)
    # RFC 6522 3: the lines before the empty one.
    if section.endswith(b"\r\n\r\n"):
        section = section[:-2]
    if len(section) > _MOST_RETURNED:
        cut = section.rfind(b"\n", 0, _MOST_RETURNED) + 1
        section = section[:cut]
    return Returned(section, whole=False)


def _status(one: Reported) -> RecipientStatus:
    outcome = one.outcome
    final = xtext.original_of(one.recipient.forward_path)
    remote = diagnostic = ""
    status = _USUAL_STATUS[one.action]
    if outcome is not None:
        if _STATUS.fullmatch(outcome.enhanced):
            status = outcome.enhanced
        if outcome.code is not None:
            remote = outcome.peer.partition(" ")[0]
            diagnostic = _reply(outcome)
    if one.confidential:
        final = one.recipient.original or final
        remote = ""
        diagnostic = diagnostic[:3] and f"{diagnostic[:3]} {status}"
    attempted = one.action is not Action.EXPANDED
    return RecipientStatus(
        final,
        one.action,
        status,
        one.recipient.original,
        remote,
        diagnostic,
        _moment(one.time) if attempted else None,
        None if one.retry_until is None else _moment(one.retry_until),
    )


def _told(one: Reported, status: RecipientStatus) -> bouncetext.ToldRecipient:
    outcome = one.outcome
    if outcome is None or one.confidential:
        return bouncetext.ToldRecipient(status, "", status.diagnostic)
    if outcome.code is None:
        return bouncetext.ToldRecipient(status, "", outcome.text)
    return bouncetext.ToldRecipient(status, outcome.peer, _reply(outcome))


def _reply(outcome: Outcome) -> str:
    """
    What the peer said, its codes in front.
    """
    codes = f"{outcome.code} {outcome.enhanced}"
    return f"{codes} {outcome.text}"


def _message_id(section: bytes) -> bytes | None:
    found = _MESSAGE_ID.search(headers.first(section, b"Message-ID") or b"")
    return None if found is None else found[0]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
