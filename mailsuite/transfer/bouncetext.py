"""
What became of a message, in words for whoever sent it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailsuite.mail.datetimes import print_date
from mailsuite.mail.deliverystatus import Action, RecipientStatus, one_line

#: More addresses than these are left to the report for programs.
_MOST_ADDRESSES = 50

#: As many words as a line holds, without the spaces around them.
_LINE = re.compile(r"[^ ](?:.{0,70}(?![^ ])|[^ ]*)")

#: RFC 3463's subject and detail, and what a person may do about it.
_ADVICE = {
    "1.1": "There is no such address.  Look whether you have it right, or ask "
    "for it in another way.",
    "1.2": "The domain after the @ does not exist.  Look whether it is spelt "
    "right.",
    "1.3": "The address is not written as addresses are.  Look whether you "
    "have it right.",
    "1.6": "The mailbox has moved and left no address behind.",
    "1.10": "The domain after the @ takes no mail at all.  Look whether it is "
    "spelt right.",
    "2.1": "The mailbox is switched off.  Reach its owner in another way.",
    "2.2": "The mailbox is full.  Send the message again later, or reach its "
    "owner in another way.",
    "2.3": "The message is longer than this mailbox takes.  Send a shorter "
    "one.",
    "3.4": "The message is longer than the host there takes.  Send a shorter "
    "one, or what it carries in another way.",
    "4.1": "The host there does not answer.",
    "4.4": "No host is found that takes mail for the domain after the @.  Look "
    "whether it is spelt right.",
    "4.6": "The message went round in a circle between hosts.  Tell the "
    "postmaster of the domain after the @.",
    "4.7": "This host has tried for as long as it may, and gives up.  Send the "
    "message again later, or reach the person in another way.",
    "6.3": "The message has to be rewritten for the host there, which would "
    "make its signatures worthless.",
    "6.7": "The host there does not take addresses beyond ASCII.  Use another "
    "address if there is one.",
    "7.1": "The host there refuses the message by a rule of its own.  If you "
    "think that it should not, tell the postmaster there.",
    "7.30": "You asked for encryption all the way, and the host there cannot "
    "promise it.  Send the message without this demand, or in another way.",
}
_OTHER_ADVICE = {
    "1": "Look whether you have the address right.",
    "2": "Something is wrong with the mailbox.  Reach its owner in another "
    "way.",
    "6": "The host there cannot take what the message has in it.",
    "7": "The host there refuses the message by a rule of its own.  If you "
    "think that it should not, tell the postmaster there.",
}
_NO_ADVICE = "If you do not know why, show this to your postmaster."

_OPENINGS = {
    Action.FAILED: "Your message could not be delivered to {those}.  Nothing "
    "more is tried.",
    Action.DELAYED: "Your message has not yet been delivered to {those}.  It "
    "is not lost, and you need not send it again: this host goes on trying.",
    Action.DELIVERED: "Your message has been delivered to {those}.",
    Action.RELAYED: "Your message has been taken by the next host on its way "
    "to {those}.  That host does not tell of deliveries, so you hear no more "
    "unless something goes wrong.",
    Action.EXPANDED: "Your message has been passed on to the several people "
    "for whom {those} is a common address.  Their deliveries are not told "
    "of.",
}
_SUBJECTS = {
    Action.FAILED: "Your message could not be delivered",
    Action.DELAYED: "Your message is delayed",
    Action.DELIVERED: "Your message has been delivered",
    Action.RELAYED: "Your message has been passed on",
    Action.EXPANDED: "Your message has been passed on",
}


@dataclass(frozen=True, slots=True)
class ToldRecipient:
    """
    One recipient of whom is told.

    :param peer: who refused or took it, empty if nobody else spoke.
    :param reason: why, in the words of whoever decided.
    """

    status: RecipientStatus
    peer: str
    reason: str


def subject(action: Action) -> str:
    """
    The notification's subject.
    """
    return _SUBJECTS[action]


def explanation(
    told: Sequence[ToldRecipient],
    *,
    our_name: str,
    queue_id: str,
    message_subject: str,
    whole: bool,
) -> str:
    """
    The text, with LF at the end of each line.

    :param told: all of one action.
    :param queue_id: what the message is called in our log.
    :param message_subject: of the message; empty if it has none.
    :param whole: the message is in the third part, else its header section.
    """
    action = told[0].status.action
    those = "this address" if len(told) == 1 else "these addresses"
    paragraphs = [
        _wrapped(f"This is the mail system of {our_name}."),
        _wrapped(_OPENINGS[action].format(those=those)),
    ]
    if message_subject:
        quoted = one_line(message_subject)
        paragraphs.append(_wrapped(f"Its subject: {quoted}"))
    for one in told[:_MOST_ADDRESSES]:
        paragraphs += _recipient(one)
    if len(told) > _MOST_ADDRESSES:
        more = len(told) - _MOST_ADDRESSES
        paragraphs.append(_wrapped(f"And {more} more, named in the report."))
    kept = "Your message" if whole else "The header of your message"
    paragraphs.append(
        _wrapped(
            f"{kept} follows after a report for programs.  Its name in the "
            f"log of this host is {queue_id}."
        )
    )
    return "\n".join(paragraphs)


def _recipient(one: ToldRecipient) -> Iterable[str]:
    yield f"  {one.status.final[1]}\n"
    action = one.status.action
    if action in (Action.FAILED, Action.DELAYED):
        if one.peer:
            yield _wrapped(f"{one.peer} answered:", "    ")
            yield _wrapped(one_line(one.reason), "      ")
        elif one.reason:
            yield _wrapped(one_line(one.reason), "    ")
        if action is Action.FAILED:
            yield _wrapped(_advice(one.status.status), "    ")
    elif one.peer:
        yield _wrapped(f"Taken by {one.peer}.", "    ")
    if one.status.retry_until is not None:
        until = print_date(one.status.retry_until).decode("ascii")
        yield _wrapped(f"It is tried until {until}.", "    ")


def _advice(status: str) -> str:
    _, _, code = status.partition(".")
    about, _, _ = code.partition(".")
    return _ADVICE.get(code) or _OTHER_ADVICE.get(about) or _NO_ADVICE


def _wrapped(text: str, indent: str = "") -> str:
    lines = _LINE.findall(text)
    return "".join([f"{indent}{line}\n" for line in lines])
