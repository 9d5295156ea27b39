"""
Looks for what is due, when something is and there is room for it.

Implementation notes

- One destination or login has at most half of the room: what it has besides
  is passed over in the index until there is room for it.
- Entries are read side by side, and ahead of those who send them: a thread
  that reads waits longer for the interpreter than for the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.hands import MOST_IN_HAND, Hands
from mailsuite.transfer.index import Due
from mailsuite.transfer.ledger import Ledger
from mailsuite.transfer.sidebyside import side_by_side

#: Messages that are read from the disk in one step, and steps side by side.
_READ_AT_ONCE = 32
_READERS = 3

#: Content of more octets stays in its file.
_IN_MEMORY = 1024 * 1024

#: How long a look waits that is not likely to find much, seconds.
_A_LITTLE = 0.1


class Picked(Protocol):
    """
    What is done with a message that is due.
    """

    async def __call__(
        self, queue_id: str, found: object, *, forced: bool
    ) -> None:
        """
        ``found`` is what its files say, or why they cannot be read.
        """


class Picking:
    """
    Picks what is due.

    :param lost: called when the index must be made again.
    """

    _log = Logger()

    def __init__(
        self,
        hands: Hands,
        ledger: Ledger,
        picked: Picked,
        *,
        clock: IReactorTime,
        read: Callable[[list[str], int], Awaitable[Sequence[object]]],
        lost: Callable[[], None],
    ) -> None:
        self._hands = hands
        self._ledger = ledger
        self._picked = picked
        self._clock = clock
        self._read = read
        self._lost = lost
        self._timer: IDelayedCall | None = None
        self._at = float("inf")
        self._looking: Deferred[None] | None = None
        self._more = False
        self._picked_some = False
        self._full_destinations: set[str] = set()
        self._full_users: set[str] = set()
        self._running = False

    def start(self) -> None:
        """
        Look from here on.
        """
        self._running = True
        self.wake_by(self._clock.seconds())

    async def stop(self) -> None:
        """
        Look no more; on return none is looking.
        """
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._looking is not None:
            over: Deferred[None] = Deferred()
            self._looking.addBoth(over.callback)
            await over

    def wake_by(self, due: float | None) -> None:
        """
        There is something to do at ``due``, seconds since 1970.
        """
        if due is None or due >= self._at or not self._running:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._at = due
        delay = max(0.0, due - self._clock.seconds())
        self._timer = self._clock.callLater(delay, self._wake)

    def look_when_there_is_room(self) -> None:
        """
        Something is due that nobody works on.
        """
        self._more = True
        if not len(self._hands):
            self.room_was_made()

    def room_was_made(self) -> None:
        """
        There is room for one more.
        """
        if self._more and self._looking is None:
            delay = 0.0 if self._is_worth_it() else _A_LITTLE
            self.wake_by(self._clock.seconds() + delay)

    def _is_worth_it(self) -> bool:
        """
        Whether a look can find much: there is room, and of what had enough at
        the last one there is not enough any more.
        """
        if not self._hands.is_low:
            return False
        if not self._full_destinations and not self._full_users:
            return True
        return not (
            self._full_destinations <= self._hands.full_destinations()
            and self._full_users <= self._hands.full_users()
        )

    def _wake(self) -> None:
        self._timer = None
        self._at = float("inf")
        if self._looking is not None:
            self._more = True
            return
        looking = Deferred.fromCoroutine(self._look())
        self._looking = looking
        looking.addErrback(self._tell_of_bug).addBoth(self._looked)

    def _tell_of_bug(self, failure: Failure) -> None:
        self._log.failure("Bug while looking for what is due", failure)
        self.wake_by(self._clock.seconds() + 60.0)

    def _looked(self, _: None) -> None:
        self._looking = None
        if self._more:
            delay = _A_LITTLE
            if self._picked_some and self._is_worth_it():
                delay = 0.0
            if delay == 0.0 or self._hands.is_low:
                self.wake_by(self._clock.seconds() + delay)

    async def _look(self) -> None:
        now = self._clock.seconds()
        self._more = self._picked_some = False
        try:
            if self._hands.room:
                await self._pick(now)
            else:
                self._more = True
            following = await self._ledger.ask(
                lambda index: index.next_after(now)
            )
        except DatabaseLost:
            self._lost()
        else:
            self.wake_by(following)

    async def _pick(self, now: float) -> None:
        self._full_destinations = self._hands.full_destinations()
        self._full_users = self._hands.full_users()
        most = MOST_IN_HAND + len(self._hands)
        dues = await self._ledger.ask(
            lambda index: index.due(
                now,
                most,
                not_for=list(self._full_destinations),
                not_from=list(self._full_users),
            )
        )
        self._more = (
            bool(self._full_destinations or self._full_users)
            or len(dues) == most
        )
        fresh = deque(x for x in dues if x.queue_id not in self._hands)
        await side_by_side(self._pick_from(fresh) for _ in range(_READERS))

    async def _pick_from(self, fresh: deque[Due]) -> None:
        while self._running and (some := self._next(fresh)):
            found = await self._read([x.queue_id for x in some], _IN_MEMORY)
            self._picked_some = True
            for one, result in zip(some, found, strict=True):
                await self._picked(one.queue_id, result, forced=one.forced)

    def _next(self, fresh: deque[Due]) -> list[Due]:
        """
        Those of ``fresh`` that are read next.
        """
        some: list[Due] = []
        while fresh and len(some) < _READ_AT_ONCE:
            one = fresh.popleft()
            if self._hands.have_room(one.backlog, one.user):
                some.append(one)
            else:
                self._more = True
                self._full_destinations |= self._hands.full_destinations()
                self._full_users |= self._hands.full_users()
        return some
