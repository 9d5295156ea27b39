"""
Makes the index agree with the files, after an end that was not in order.

Implementation notes

- An entry whose file has the size that the index knows is taken to be as it
  was; who picks it reads it anyway.
- A notification is on the disk before the entry that it is about says so.
  Here the entry is made to say so, before anything else is told.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.transfer.entry import About, Told
from mailsuite.transfer.index import Index
from mailsuite.transfer.inhand import InHand
from mailsuite.transfer.ledger import Ledger
from mailsuite.transfer.recorder import Recorder
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.spooled import Broken, Found, NotQueued
from mailsuite.transfer.threads import InPool

#: Entries that are read in one step.
_READ_AT_ONCE = 256


class Recovering(Protocol):
    """
    The part of the queue that takes up what is found.
    """

    def found(self, found: Found) -> None:
        """
        The files have a message that the index does not know as it is.
        """

    def tell_broken(self, broken: Broken) -> None:
        """
        An entry cannot be used.
        """

    async def borrow(self, queue_id: str) -> InHand | None:
        """
        A message, to be given back.
        """

    def give_back(self, hand: InHand) -> None:
        """
        Nothing more is done with it.
        """


class Recovery:
    """
    Compares the index with the files.

    :ivar complete: the index knows all that the files hold.
    """

    _log = Logger()

    def __init__(
        self,
        queue: Recovering,
        spool: Spool,
        ledger: Ledger,
        recorder: Recorder,
        *,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._queue = queue
        self._spool = spool
        self._ledger = ledger
        self._recorder = recorder
        self._clock = clock
        self._in_pool = in_pool
        self.complete = True

    async def compare(
        self,
        shards: list[str],
        *,
        former: bool,
        going_on: Callable[[], bool],
    ) -> None:
        """
        Have the index know what these shards hold, and nothing else that is
        older.

        :param former: they are of an earlier start: what a crash left in them
            is removed, and notifications are bound to what they are about.
        :param going_on: whether it is to go on.
        :raises DatabaseLost: the index is lost again.
        """
        self.complete = False
        unread: list[str] = []
        notifications: list[Found] = []
        known = await self._ledger.ask(Index.shards)
        for shard in sorted({*shards, *(known if former else ())}):
            for found in await self._compare_shard(
                shard, unread, former=former
            ):
                if found.standing.entry.about and not found.standing.events:
                    notifications.append(found)
                else:
                    self._queue.found(found)
            if not going_on():
                return
        for found in notifications:
            if former:
                await self._bind(found)
            self._queue.found(found)
        self.complete = not unread

    async def _compare_shard(
        self, shard: str, unread: list[str], *, former: bool
    ) -> list[Found]:
        """
        What the shard has and the index does not, or not so.

        :param unread: is given the ids of what cannot be read.
        """
        names = await self._in_pool(
            partial(self._spool.names, shard, former=former)
        )
        lengths = await self._ledger.ask(lambda index: index.lengths(shard))
        for queue_id in lengths.keys() - names.keys():
            self._ledger.drop(queue_id)
        differing = [x for x in names if lengths.get(x) != names[x]]
        found: list[Found] = []
        for place in range(0, len(differing), _READ_AT_ONCE):
            some = differing[place : place + _READ_AT_ONCE]
            results = await self._in_pool(
                partial(self._spool.pick_all, some, None)
            )
            for queue_id, result in zip(some, results, strict=True):
                match result:
                    case Found():
                        found.append(result)
                    case Broken():
                        self._queue.tell_broken(result)
                    case NotQueued():
                        self._ledger.drop(queue_id)
                    case OSError():
                        self._log.error(
                            "Queue entry {queue_id} cannot be read: {reason}",
                            queue_id=queue_id,
                            reason=str(result),
                        )
                        unread.append(queue_id)
        return found

    async def _bind(self, found: Found) -> None:
        """
        Have the message that a notification is about know of it.
        """
        about = found.standing.entry.about
        assert about is not None
        hand = await self._queue.borrow(about.queue_id)
        if hand is None:
            return
        try:
            if _lacks(hand, about):
                told = Told(
                    self._clock.seconds(),
                    about.recipients,
                    about.notice,
                    found.standing.entry.queue_id,
                )
                hand.take([told])
                await self._recorder.record(hand, [told])
        finally:
            self._queue.give_back(hand)


def _lacks(hand: InHand, about: About) -> bool:
    """
    Whether the message does not know that this was told.
    """
    return any(
        about.notice not in hand.standing.state(number).told
        for number in about.recipients
    )
