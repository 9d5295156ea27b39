"""
A queued message that something is being done for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mailsuite.transfer.entry import Event, Standing

#: Octets of events after which an entry is written anew.
MOST_LINES = 64 * 1024

#: In ``put_off``, what is to be told to the sender.
NOTICES = 0


@dataclass(slots=True, eq=False)
class InHand:
    """
    One message in hand.

    :ivar length: octets that its entry has, or will have when all that was
        asked for is recorded.
    :ivar rewrite_at: octets of the entry after which it is written anew.
    :ivar octets: its whole content file, if that is in memory.
    :ivar held: octets that are counted for it.
    :ivar forced: recipients are tried even if they are not due.
    :ivar put_off: recipients who are not tried before, seconds since 1970.
    :ivar backlog: the destination that it is counted for.
    :ivar began: when this round of attempts began, seconds since 1970.
    :ivar groups: recipients being tried together, whose end is awaited.
    :ivar recording: changes of its entry that are not made yet.
    :ivar users: how many are at work with it.
    :ivar over: it is no longer in the queue.
    """

    standing: Standing
    length: int
    rewrite_at: int
    backlog: str
    octets: bytes | None = None
    held: int = 0
    forced: bool = False
    put_off: dict[int, float] = field(default_factory=dict)
    began: float = 0.0
    groups: int = 0
    recording: int = 0
    users: int = 0
    over: bool = False

    @property
    def queue_id(self) -> str:
        """
        The message's.
        """
        return self.standing.entry.queue_id

    @property
    def user(self) -> str:
        """
        The login that submitted it; empty if none did.
        """
        return (self.standing.entry.origin.user or "").lower()

    def numbers_due(self, now: float) -> list[int]:
        """
        The recipients for whom an attempt is to be made.
        """
        return [
            state.queued.number
            for state in self.standing.waiting
            if self.forced
            or max(state.next, self.put_off.get(state.queued.number, 0.0))
            <= now
        ]

    def labels(self, numbers: Iterable[int]) -> str:
        """
        Whom these numbers stand for, as a log tells it.
        """
        return ", ".join(
            self.standing.state(number).queued.label for number in numbers
        )

    def take(self, events: Iterable[Event]) -> None:
        """
        They have happened.
        """
        self.standing.take_all(events)
