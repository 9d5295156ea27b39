"""
What happened to a message, in words for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailsuite.transfer.entry import (
    Attempted,
    Dropped,
    Entry,
    Event,
    Held,
    Local,
    Notice,
    QueuedRecipient,
    Released,
    Remade,
    Standing,
    Told,
)
from mailsuite.transfer.outcome import Kind, Outcome

#: Seconds since 1970, and a sentence.
Step = tuple[float, str]

_TOLD = {
    Notice.FAILED: "of the failure",
    Notice.DELAYED: "of the delay",
    Notice.SUCCEEDED: "of the success",
}


def steps(standing: Standing, ended: float | None) -> list[Step]:
    """
    Every step of a message, from its acceptance on.

    :param ended: when it left the queue, seconds since 1970; None if it is
        still there.
    """
    entry = standing.entry
    told: list[Step] = [(entry.arrival, accepted(entry))]
    told += [
        (event.time, sentence)
        for event in standing.events
        for sentence in _sentences(entry, event)
    ]
    if ended is not None:
        told.append((ended, "Nothing more is to be done"))
    elif standing.held is not None:
        told.append((told[-1][0], f"It is held: {standing.held}"))
    return told


def accepted(entry: Entry) -> str:
    """
    Where a message came from, and for whom.
    """
    origin = entry.origin
    path = f"<{entry.sender.reverse_path or ''}>"
    recipients = ", ".join(_named(one) for one in entry.recipients)
    if entry.about is not None:
        return f"Written here about {entry.about.queue_id}, for {recipients}"
    source = origin.peer or f"a program of {origin.helo} on this machine"
    login = f" logged in as {origin.user}" if origin.user else ""
    return (
        f"Accepted from {path} for {recipients}; it came by {origin.protocol}"
        f" from {source}{login}, {entry.content.octets} octets"
    )


def _named(one: QueuedRecipient) -> str:
    address = str(one.recipient.forward_path)
    match one.route:
        case Local(address=account) if account != address:
            return f"{address} (account {account})"
        case _:
            return address


def _sentences(entry: Entry, event: Event) -> Iterator[str]:
    match event:
        case Attempted(recipients=numbers, outcome=outcome):
            yield _attempted(_labels(entry, numbers), outcome)
        case Told(recipients=numbers, notice=notice, queue_id=queue_id):
            whom = _labels(entry, numbers)
            if queue_id:
                yield (
                    f"The sender is told {_TOLD[notice]} for {whom},"
                    f" by {queue_id}"
                )
            elif notice is Notice.FAILED:
                yield f"Nobody is told {_TOLD[notice]} for {whom}"
        case Held(reason=reason):
            yield f"Held: {reason}"
        case Released():
            yield "Released"
        case Dropped(recipients=numbers, reason=reason):
            yield f"Dropped for {_labels(entry, numbers)}: {reason}"
        case Remade():
            yield "Encoded anew for hosts that take 7 bits"


def _attempted(whom: str, outcome: Outcome) -> str:
    at = f" by {outcome.peer}" if outcome.peer else ""
    code = f"{outcome.code} " if outcome.code is not None else ""
    said = f"{code}{outcome.enhanced} {outcome.text}".strip()
    match outcome.kind:
        case Kind.DELIVERED:
            return f"Delivered to {whom}"
        case Kind.SENT:
            return f"Sent to {whom}, taken{at}: {said}"
        case Kind.EXPANDED:
            return f"Passed on to all that {whom} stands for"
        case Kind.DEFERRED:
            return f"Deferred for {whom}{at}: {said}"
        case Kind.FAILED:
            return f"Failed for {whom}{at}: {said}"


def _labels(entry: Entry, numbers: Sequence[int]) -> str:
    labels = {one.number: one.label for one in entry.recipients}
    return ", ".join(labels[number] for number in numbers)
