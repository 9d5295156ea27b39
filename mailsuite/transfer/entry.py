"""
A message in the queue, as values: what was accepted, what has happened since,
and what that comes to for each recipient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer.outcome import Kind, Outcome

# --- What was accepted -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Local:
    """
    To an account here.

    :param account: the account's number.
    :param address: the account's address when it was queued.
    :param junk: it is filed as junk.
    """

    account: int
    address: str
    junk: bool = False


@dataclass(frozen=True, slots=True)
class Remote:
    """
    To the hosts of a domain elsewhere.

    :param domain: in lower case; an address literal keeps its brackets.
    :param reverse_path: in place of the sender's, where he is not ours and the
        message is forwarded.
    """

    domain: str
    reverse_path: Address | None = None


Route = Local | Remote


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """
    One copy that is to be delivered.

    :param number: of this recipient in its entry, from 1.
    :param confidential: the sender must not learn the address, which an
        alias of ours stands for.
    """

    number: int
    recipient: Recipient
    route: Route
    confidential: bool = False

    @property
    def label(self) -> str:
        """
        Whom the copy is for, as a log tells it.
        """
        match self.route:
            case Local(address=address):
                return address
            case Remote():
                return str(self.recipient.forward_path)


def original_address(recipient: Recipient) -> str:
    """
    The address that the sender used.
    """
    if recipient.original is not None:
        return recipient.original[1]
    return str(recipient.forward_path)


@dataclass(frozen=True, slots=True)
class Stored:
    """
    A content file of the queue; on the wire it is ``prefix``, then the file
    from ``skip`` on.

    :param size: octets of the file.
    :param crc32: of the file.
    :param skip: octets at its start that are not sent.
    :param prefix: header fields that became known after the file was begun.
    """

    size: int
    crc32: int
    skip: int = 0
    prefix: bytes = b""

    @property
    def octets(self) -> int:
        """
        How many are sent.
        """
        return len(self.prefix) + self.size - self.skip


class Notice(Enum):
    """
    What a sender is told of a recipient (RFC 3461 4.1).
    """

    FAILED = "failed"
    DELAYED = "delayed"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class About:
    """
    What a notification tells of: recipients of another message, by number.
    """

    queue_id: str
    recipients: tuple[int, ...]
    notice: Notice


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What was accepted.

    :param arrival: seconds since 1970.
    :param expiry: when trying ends, seconds since 1970.
    :param about: this is a notification, and the message it tells of.
    """

    queue_id: str
    origin: Origin
    sender: Sender
    arrival: float
    expiry: float
    content: Stored
    recipients: tuple[QueuedRecipient, ...]
    about: About | None = None

    @property
    def begins(self) -> float:
        """
        When the first attempt may be made (RFC 4865), seconds since 1970.
        """
        return max(self.arrival, self.sender.hold_until or 0.0)


# --- What has happened -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attempted:
    """
    An attempt ended alike for these recipients.

    :param time: seconds since 1970, as in every event.
    :param next: when the next is made; None if there is none.
    :param attempts: how many attempts this one stands for, earlier ones being
        forgotten.
    """

    time: float
    recipients: tuple[int, ...]
    outcome: Outcome
    next: float | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Told:
    """
    The sender has been told of these recipients, or need not be.

    :param queue_id: of the notification; empty if there is none.
    """

    time: float
    recipients: tuple[int, ...]
    notice: Notice
    queue_id: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """
    Nothing is tried until it is released.
    """

    time: float
    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """
    What was held is tried again.
    """

    time: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """
    The operator gave these recipients up, and nobody is told.
    """

    time: float
    recipients: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Remade:
    """
    A second content file has taken the first one's place.

    :param file: what its name has after the queue id.
    """

    time: float
    file: str
    content: Stored


Event = Attempted | Told | Held | Released | Dropped | Remade


# --- What that comes to ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecipientState:
    """
    How things stand for one recipient.

    :param attempts: made so far.
    :param next: when the next is due, seconds since 1970.
    :param last: what the last attempt came to.
    :param last_time: when, seconds since 1970.
    :param ended: nothing more is tried.
    :param told: what the sender was told, or need not be.
    """

    queued: QueuedRecipient
    next: float
    attempts: int = 0
    last: Outcome | None = None
    last_time: float | None = None
    ended: bool = False
    dropped: bool = False
    told: frozenset[Notice] = frozenset()


@dataclass(slots=True)
class Standing:
    """
    How things stand for a message; each event changes it.

    :ivar events: so far, in their order.
    :ivar held: why nothing is tried; None if it is not held.
    :ivar file: what the name of the content file has after the queue id.
    :ivar content: that file's.
    """

    entry: Entry
    events: list[Event] = field(default_factory=list)
    held: str | None = None
    file: str = ""
    content: Stored = field(init=False)
    _states: dict[int, RecipientState] = field(init=False)
    _open: int = field(init=False)

    def __post_init__(self) -> None:
        entry = self.entry
        self.content = entry.content
        self._open = len(entry.recipients)
        self._states = {
            queued.number: RecipientState(queued, entry.begins)
            for queued in entry.recipients
        }

    @property
    def states(self) -> tuple[RecipientState, ...]:
        """
        Of all recipients, in the entry's order.
        """
        return tuple(self._states.values())

    @property
    def waiting(self) -> tuple[RecipientState, ...]:
        """
        Of those recipients for whom something is still tried.
        """
        return tuple(x for x in self._states.values() if not x.ended)

    @property
    def ended(self) -> bool:
        """
        Whether nothing more is tried for anybody.
        """
        return not self._open

    def state(self, number: int) -> RecipientState:
        """
        Of the recipient with this number.
        """
        return self._states[number]

    def take(self, event: Event) -> None:
        """
        ``event`` has happened.

        :raises KeyError: it tells of a recipient that is not here.
        """
        self.events.append(event)
        match event:
            case Attempted():
                self._attempted(event)
            case Told(recipients=numbers, notice=notice):
                for state in self._those(numbers):
                    told = state.told | {notice}
                    self._put(state, replace(state, told=told))
            case Held(reason=reason):
                self.held = reason
            case Released():
                self.held = None
            case Dropped(recipients=numbers):
                for state in self._those(numbers):
                    self._put(state, replace(state, ended=True, dropped=True))
            case Remade(file=file, content=content):
                self.file, self.content = file, content

    def compacted(self) -> Standing:
        """
        The same with as few events as can tell of it: of the attempts made
        for a recipient, the last.
        """
        short = Standing(self.entry)
        short.take_all(_last_attempts(self))
        short.take_all(_notices(self))
        short.take_all(
            event
            for event in self.events
            if isinstance(event, Dropped | Remade)
        )
        if self.held is not None:
            holds = [x for x in self.events if isinstance(x, Held)]
            short.take(holds[-1])
        return short

    def take_all(self, events: Iterable[Event]) -> None:
        """
        They have happened, in this order.
        """
        for event in events:
            self.take(event)

    def _attempted(self, event: Attempted) -> None:
        outcome = event.outcome
        for state in self._those(event.recipients):
            self._put(
                state,
                RecipientState(
                    queued=state.queued,
                    next=state.next if event.next is None else event.next,
                    attempts=state.attempts + event.attempts,
                    last=outcome,
                    last_time=event.time,
                    ended=state.dropped or outcome.kind is not Kind.DEFERRED,
                    dropped=state.dropped,
                    told=state.told,
                ),
            )

    def _those(self, numbers: Iterable[int]) -> Iterator[RecipientState]:
        return (self._states[number] for number in numbers)

    def _put(self, state: RecipientState, new: RecipientState) -> None:
        if new.ended and not state.ended:
            self._open -= 1
        self._states[state.queued.number] = new


def _last_attempts(standing: Standing) -> list[Attempted]:
    alike: dict[Attempted, list[int]] = {}
    for state in standing.states:
        if state.last is None or state.last_time is None:
            continue
        event = Attempted(
            state.last_time,
            (),
            state.last,
            next=None if state.ended else state.next,
            attempts=state.attempts,
        )
        alike.setdefault(event, []).append(state.queued.number)
    return [
        replace(event, recipients=tuple(numbers))
        for event, numbers in alike.items()
    ]


def _notices(standing: Standing) -> list[Told]:
    alike: dict[Told, list[int]] = {}
    for event in standing.events:
        if isinstance(event, Told):
            key = replace(event, recipients=())
            alike.setdefault(key, []).extend(event.recipients)
    return [
        replace(event, recipients=tuple(numbers))
        for event, numbers in alike.items()
    ]
