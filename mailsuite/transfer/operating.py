"""
What an operator sees of the queue, and may do with it, while it works.

Implementation notes

- Lists come from the index, a page at a time; what is changed is written into
  each message's entry.
- To try a message now needs no line in its entry: a crash forgets the wish.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.transfer.attempt import Contents
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.entry import Dropped, Event, Held, Released, Standing
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.history import History
from mailsuite.transfer.index import Index, Listed
from mailsuite.transfer.inhand import InHand
from mailsuite.transfer.ledger import Ledger
from mailsuite.transfer.recorder import Recorder

#: Why a message of a suspended account is held.
SUSPENDED = "account suspended"

#: Messages that are changed together.
_AT_ONCE = 128

#: Octets of a header section that are shown.
_SHOWN = 64 * 1024

#: Messages with an address that are traced.
_MOST_TRACED = 100


class Operated(Protocol):
    """
    The part of the queue that an operator's wishes need.
    """

    async def borrow(self, queue_id: str) -> InHand | None:
        """
        A message, to be given back; None if it is not in the queue.
        """

    def give_back(self, hand: InHand) -> None:
        """
        Nothing more is done with it.
        """

    def forget_hosts(self) -> None:
        """
        Ask hosts that did not answer again.
        """

    def wake(self) -> None:
        """
        Something may be due.
        """


@dataclass(frozen=True, slots=True)
class Shown:
    """
    One message that waits.

    :param section: its header section, or the beginning of a long one.
    """

    standing: Standing
    section: bytes


@dataclass(frozen=True, slots=True)
class Traced:
    """
    One message, from its acceptance on.

    :param ended: when it left the queue, seconds since 1970; None if it is
        still there.
    """

    standing: Standing
    ended: float | None


class Operator:
    """
    Lists and changes what waits.
    """

    _log = Logger()

    def __init__(
        self,
        queue: Operated,
        ledger: Ledger,
        recorder: Recorder,
        contents: Contents,
        *,
        clock: IReactorTime,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._recorder = recorder
        self._contents = contents
        self._clock = clock

    # To see

    async def page(
        self, wanted: Filter, *, after: str = "", most: int = 1000
    ) -> list[Listed]:
        """
        Some of the messages that are meant, in the order of their ids.

        :param after: the last id of the page before.
        :raises DatabaseLost: nobody knows, for some minutes.
        """
        now = self._clock.seconds()
        return await self._ledger.ask(
            partial(Index.page, wanted=wanted, now=now, after=after, most=most)
        )

    async def count(self, wanted: Filter) -> int:
        """
        How many messages are meant.

        :raises DatabaseLost: as ``page``.
        """
        now = self._clock.seconds()
        return await self._ledger.ask(
            partial(Index.count, wanted=wanted, now=now)
        )

    async def show(self, queue_id: str) -> Shown | None:
        """
        One message; None if it is not in the queue.

        :raises OSError: it cannot be read.
        """
        standing = await self._standing(queue_id)
        if standing is None:
            return None
        content = await self._contents.on_the_wire(standing)
        try:
            start = await content.read(0, _SHOWN)
        finally:
            content.close()
        return Shown(standing, start.partition(b"\r\n\r\n")[0] + b"\r\n")

    async def _standing(self, queue_id: str) -> Standing | None:
        hand = await self._queue.borrow(queue_id)
        if hand is None:
            return None
        self._queue.give_back(hand)
        return hand.standing

    async def trace(self, what: str) -> list[Traced]:
        """
        The messages with this id, or from or to this address, the last one
        first.
        """
        found = [
            Traced(standing, None)
            for queue_id in await self._waiting(what)
            if (standing := await self._standing(queue_id)) is not None
        ]
        try:
            ended = await self._ledger.remember(
                partial(History.about, what=what, most=_MOST_TRACED)
            )
        except DatabaseLost:
            ended = []
        return [*found, *(Traced(x.standing, x.time) for x in ended)]

    async def _waiting(self, what: str) -> list[str]:
        """
        Ids of messages in the queue that ``what`` may name.
        """
        if "@" not in what:
            return [what]
        found: set[str] = set()
        for wanted in (Filter(sender=what), Filter(recipient=what)):
            found.update(await self._ids(wanted, "", _MOST_TRACED))
        return sorted(found, reverse=True)

    # To do

    async def retry(self, wanted: Filter) -> int:
        """
        Have an attempt made now for what is meant and not held.

        :return: how many messages that are.
        """
        self._queue.forget_hosts()
        now = self._clock.seconds()
        done = 0
        async for some in self._pages(wanted):
            done += await self._ledger.ask(
                partial(Index.force, ids=some, now=now)
            )
            self._queue.wake()
        return done

    async def hold(self, wanted: Filter, reason: str) -> int:
        """
        Have nothing tried for what is meant until it is released.

        :return: how many messages that are.
        """
        return await self._each(wanted, partial(self._holding, reason))

    async def hold_one(self, queue_id: str, reason: str) -> None:
        """
        As ``hold``, for one message.
        """
        await self._change(partial(self._holding, reason), queue_id)

    async def release(self, wanted: Filter, reason: str | None = None) -> int:
        """
        Have what is meant and held tried again.

        :param reason: only what is held for that.
        :return: how many messages that are.
        """
        done = await self._each(wanted, partial(self._releasing, reason))
        self._queue.wake()
        return done

    async def drop(self, wanted: Filter, reason: str) -> int:
        """
        Give up what is meant; its senders are told nothing.

        :return: how many messages that are.
        """
        done = await self._each(wanted, partial(self._dropping, reason))
        self._queue.wake()
        return done

    async def release_resumed(
        self, suspended: Callable[[str], Awaitable[bool]]
    ) -> None:
        """
        Release what is held for accounts that are suspended no longer.

        :raises DatabaseLost: the index must be made again.
        """
        users = await self._ledger.ask(
            lambda index: index.held_users(SUSPENDED)
        )
        for user in users:
            if not await suspended(user):
                await self.release(Filter(sender=user), SUSPENDED)

    # --- Each

    async def _ids(self, wanted: Filter, after: str, most: int) -> list[str]:
        now = self._clock.seconds()
        return await self._ledger.ask(
            partial(Index.ids, wanted=wanted, now=now, after=after, most=most)
        )

    async def _pages(self, wanted: Filter) -> AsyncIterator[list[str]]:
        """
        All that is meant, some at a time.
        """
        after = ""
        while some := await self._ids(wanted, after, _AT_ONCE):
            yield some
            after = some[-1]

    async def _each(
        self, wanted: Filter, events: Callable[[InHand], list[Event]]
    ) -> int:
        """
        Change all that is meant; how many were.
        """
        done = 0
        async for some in self._pages(wanted):
            changed = await gatherResults(
                [
                    Deferred.fromCoroutine(self._change(events, queue_id))
                    for queue_id in some
                ]
            )
            done += sum(changed)
        return done

    async def _change(
        self, events: Callable[[InHand], list[Event]], queue_id: str
    ) -> bool:
        """
        Have events happen to one message; whether any did.
        """
        hand = await self._queue.borrow(queue_id)
        if hand is None:
            return False
        try:
            found = events(hand)
            hand.take(found)
            return bool(found) and await self._recorder.record(hand, found)
        finally:
            self._queue.give_back(hand)

    def _holding(self, reason: str, hand: InHand) -> list[Event]:
        if hand.standing.held is not None or hand.standing.ended:
            return []
        self._log.info(
            "Held {queue_id}: {reason}", queue_id=hand.queue_id, reason=reason
        )
        return [Held(self._clock.seconds(), reason)]

    def _releasing(self, reason: str | None, hand: InHand) -> list[Event]:
        if hand.standing.held is None:
            return []
        if reason is not None and hand.standing.held != reason:
            return []
        self._log.info("Released {queue_id}", queue_id=hand.queue_id)
        return [Released(self._clock.seconds())]

    def _dropping(self, reason: str, hand: InHand) -> list[Event]:
        numbers = tuple(x.queued.number for x in hand.standing.waiting)
        if not numbers:
            return []
        self._log.info(
            "Dropped {queue_id} for {recipients}: {reason}",
            queue_id=hand.queue_id,
            recipients=hand.labels(numbers),
            reason=reason,
        )
        return [Dropped(self._clock.seconds(), numbers, reason)]
