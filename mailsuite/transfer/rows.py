"""
How a message stands, as a row of the index.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailsuite.transfer.entry import (
    Entry,
    Local,
    Notice,
    RecipientState,
    Remote,
    Standing,
    original_address,
)
from mailsuite.transfer.index import Listed, ListedRecipient
from mailsuite.transfer.inhand import NOTICES
from mailsuite.transfer.notices import due
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.schedule import Schedule

#: The backlog of what is for accounts here.
HERE = ""


def row(
    standing: Standing,
    length: int,
    schedule: Schedule,
    put_off: Mapping[int, float],
) -> Listed:
    """
    The row of a message that is in nobody's hand.

    :param length: octets of its entry.
    :param put_off: recipients who are not tried before, seconds since 1970.
    """
    entry = standing.entry
    path = entry.sender.reverse_path
    return Listed(
        queue_id=entry.queue_id,
        length=length,
        octets=standing.content.octets,
        arrival=entry.arrival,
        expiry=entry.expiry,
        next=next_time(standing, schedule, put_off),
        held=standing.held,
        reverse_path=None if path is None else str(path),
        user=None if entry.origin.user is None else entry.origin.user.lower(),
        backlog=backlog(standing),
        recipients=tuple(map(_recipient, standing.states)),
    )


def next_time(
    standing: Standing, schedule: Schedule, put_off: Mapping[int, float]
) -> float | None:
    """
    When there is something to do, seconds since 1970; None while it is held.
    """
    entry = standing.entry
    waiting = standing.waiting
    if not waiting or due(standing, warn=False):
        return max(entry.arrival, put_off.get(NOTICES, 0.0))
    if standing.held is not None:
        return None
    times = [
        min(entry.expiry, max(x.next, put_off.get(x.queued.number, 0.0)))
        for x in waiting
    ]
    if any(x.last and Notice.DELAYED not in x.told for x in waiting):
        warned = warn_time(entry, schedule)
        times.append(max(warned, put_off.get(NOTICES, 0.0)))
    return min(times)


def warn_time(entry: Entry, schedule: Schedule) -> float:
    """
    When the sender is told that it is late, seconds since 1970.
    """
    return entry.begins + schedule.warn_after


def backlog(standing: Standing) -> str:
    """
    The destination that a message waits for first.
    """
    for state in standing.waiting:
        return _domain(state) if _is_remote(state) else HERE
    return HERE


def _is_remote(state: RecipientState) -> bool:
    return isinstance(state.queued.route, Remote)


def _domain(state: RecipientState) -> str:
    match state.queued.route:
        case Remote(domain):
            return domain
        case Local(address=address):
            return address.rpartition("@")[2]


def _recipient(state: RecipientState) -> ListedRecipient:
    return ListedRecipient(
        number=state.queued.number,
        address=str(state.queued.recipient.forward_path),
        original=original_address(state.queued.recipient),
        domain=_domain(state),
        waits=not state.ended,
        attempts=state.attempts,
        reason="" if state.last is None else _reason(state.last),
    )


def _reason(last: Outcome) -> str:
    """
    What an attempt came to, and by whom.
    """
    code = "" if last.code is None else f"{last.code} "
    by = f" ({last.peer})" if last.peer and last.peer not in last.text else ""
    return f"{code}{last.text}{by}"
