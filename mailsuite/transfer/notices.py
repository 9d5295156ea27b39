"""
What a sender is to be told of his message's recipients (RFC 3461 4.1, 5.2).

Implementation notes

- NOTIFY=NEVER means nothing, ever.  An absent NOTIFY means failure, and delay.
- Mail with the null reverse-path is never answered, so that no two hosts tell
  each other of their failures for ever (RFC 5321 4.5.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailsuite.mail import xtext
from mailsuite.mail.address import Address
from mailsuite.mail.deliverystatus import Action
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.entry import Notice, RecipientState, Standing
from mailsuite.transfer.outcome import Kind

_FAILURE = "FAILURE"
_DELAY = "DELAY"
_SUCCESS = "SUCCESS"
_NEVER = "NEVER"

_WANTED = {
    Action.FAILED: _FAILURE,
    Action.DELAYED: _DELAY,
    Action.DELIVERED: _SUCCESS,
    Action.RELAYED: _SUCCESS,
    Action.EXPANDED: _SUCCESS,
}
#: What an absent NOTIFY stands for (RFC 3461 4.1).
_USUAL = frozenset({_FAILURE, _DELAY})


@dataclass(frozen=True, slots=True)
class Due:
    """
    Something that the sender of a message is to be told, or need not be.

    :param numbers: of the recipients.
    :param silent: nobody is told; it only remains to be noted.
    :param double: a notification failed, or other mail that has nobody to
        tell: postmaster hears of it.
    """

    notice: Notice
    numbers: tuple[int, ...]
    silent: bool = False
    double: bool = False


def due(standing: Standing, *, warn: bool) -> tuple[Due, ...]:
    """
    What is to be told at this moment, one for each message to be sent.

    :param warn: recipients who still wait are to be told of as delayed.
    """
    nobody = standing.entry.sender.reverse_path is None
    # One message tells of one kind of end: what is true of one recipient would
    # be said of all.
    found: dict[tuple[Due, Action], list[int]] = {}
    for state in standing.states:
        notice = _notice(state, warn=warn)
        if notice is None or notice in state.told:
            continue
        silent = nobody or not _is_told(state)
        double = nobody and notice is Notice.FAILED and _may_be_told(state)
        number = state.queued.number
        if len(standing.states) == 1:
            return (Due(notice, (number,), silent, double),)
        together = Due(notice, (), silent, double), action_of(state)
        found.setdefault(together, []).append(number)
    return tuple(
        replace(kind, numbers=tuple(numbers))
        for (kind, _), numbers in found.items()
    )


def action_of(state: RecipientState) -> Action:
    """
    What was done with the message for a recipient.
    """
    if not state.ended:
        return Action.DELAYED
    last = state.last
    assert last is not None
    match last.kind:
        case Kind.DELIVERED:
            return Action.DELIVERED
        case Kind.SENT:
            return Action.RELAYED
        case Kind.EXPANDED:
            return Action.EXPANDED
        case Kind.FAILED | Kind.DEFERRED:
            return Action.FAILED


def wants(recipient: Recipient, action: Action) -> bool:
    """
    Whether the sender asked to be told of that (RFC 3461 4.1).
    """
    notify = _USUAL if recipient.notify is None else recipient.notify
    return _WANTED[action] in notify


def for_targets(
    recipient: Recipient, targets: Sequence[Address]
) -> tuple[Recipient, ...]:
    """
    The recipients that take the place of one whose address is an alias.

    The address that the sender used becomes ORCPT, unless there is one.  If
    the alias stands for several the success of none is told, since that it was
    expanded is (RFC 3461 5.2.7.2, 5.2.7.3 c).
    """
    original = recipient.original or xtext.original_of(recipient.forward_path)
    notify = recipient.notify
    if len(targets) > 1 and notify is not None:
        notify = (notify - {_SUCCESS}) or frozenset({_NEVER})
    return tuple(
        replace(
            recipient, forward_path=target, notify=notify, original=original
        )
        for target in targets
    )


def _notice(state: RecipientState, *, warn: bool) -> Notice | None:
    if state.dropped:
        return None
    if not state.ended:
        return Notice.DELAYED if warn and state.last is not None else None
    if action_of(state) is Action.FAILED:
        return Notice.FAILED
    return Notice.SUCCEEDED


def _is_told(state: RecipientState) -> bool:
    action = action_of(state)
    if action is Action.RELAYED:
        # RFC 3461 5.2.2: a next hop that takes DSN tells of success itself.
        assert state.last is not None
        if state.last.takes_dsn:
            return False
    return wants(state.queued.recipient, action)


def _may_be_told(state: RecipientState) -> bool:
    return wants(state.queued.recipient, Action.FAILED)
