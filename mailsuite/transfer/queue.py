"""
The queue: messages that were accepted and are not delivered yet.

Implementation notes

- At least once: a crash between a delivery and its line in the entry makes
  one more delivery, never one less.
- What comes in is tried at once while there is room in hand; the rest is
  picked from the index when it is due (see ``picking``).
- A message in hand is changed by nobody else: its entry's file is read when
  it is taken in hand, and the index told when it is let go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.transfer.arrival import Arrival
from mailsuite.transfer.content import MemoryBudget
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.hands import Hands
from mailsuite.transfer.history import Ended
from mailsuite.transfer.inhand import MOST_LINES, InHand
from mailsuite.transfer.keeping import Durable, Keeping
from mailsuite.transfer.ledger import Ledger
from mailsuite.transfer.operating import SUSPENDED, Operator
from mailsuite.transfer.picking import Picking
from mailsuite.transfer.queuedcontent import QueuedContent
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.recorder import Recorder
from mailsuite.transfer.recovery import Recovery
from mailsuite.transfer.remaking import Remaking
from mailsuite.transfer.rows import backlog, row
from mailsuite.transfer.schedule import Timing
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.spooled import Broken, Found, NotQueued
from mailsuite.transfer.telling import Notifying, Telling
from mailsuite.transfer.threads import InPool
from mailsuite.transfer.tidying import Tidying
from mailsuite.transfer.working import Attempts, Working

#: How long the index is left alone after it failed, seconds.
_RECOVERY_DELAY = 10.0

#: How long a message is left alone that cannot be read, seconds.
_UNREADABLE = 300.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What the queue is given by the rest of the suite.

    :param suspended: whether a login may send nothing, for the moment.
    :param memory: for content in hand.
    """

    suspended: Callable[[str], Awaitable[bool]]
    memory: MemoryBudget
    in_pool: InPool


class Queue:
    """
    Messages that wait, and the attempts that are made for them.

    :ivar operator: what an operator may do with it.
    """

    _log = Logger()

    def __init__(
        self,
        spool: Spool,
        ids: QueueIds,
        attempts: Attempts,
        notifying: Notifying,
        *,
        timing: Timing,
        surroundings: Surroundings,
    ) -> None:
        in_pool = surroundings.in_pool
        self._spool = spool
        self._ids = ids
        self._suspended = surroundings.suspended
        self._in_pool = in_pool
        self._clock: IReactorTime = timing.clock
        self._schedule = timing.schedule
        self._gate = attempts.gate
        self._remote = attempts.remote
        self._ledger = Ledger(spool.disk, spool.folder, timing.clock, in_pool)
        self._recorder = Recorder(spool, attempts.gate, timing.clock, in_pool)
        self._keeping = Keeping(spool, timing, in_pool)
        self._telling = Telling(
            notifying, attempts.contents, timing.clock, ids.next_id, in_pool
        )
        self._working = Working(
            attempts,
            self._recorder,
            self._keeping,
            self._telling,
            Remaking(
                spool,
                self._recorder,
                notifying.signature,
                clock=timing.clock,
                in_pool=in_pool,
            ),
            timing=timing,
            arrived=self._arrived,
            ended=self._ended,
        )
        self._hands = Hands(surroundings.memory)
        self._picking = Picking(
            self._hands,
            self._ledger,
            self._picked,
            clock=timing.clock,
            read=self._read,
            lost=self._recover_later,
        )
        self._recovery = Recovery(
            self,
            spool,
            self._ledger,
            self._recorder,
            clock=timing.clock,
            in_pool=in_pool,
        )
        self._tidying = Tidying(
            spool, self._ledger, timing.clock, in_pool, self._go
        )
        self.operator = Operator(
            self,
            self._ledger,
            self._recorder,
            attempts.contents,
            clock=timing.clock,
        )
        self._under_way: set[Deferred[None]] = set()
        self._recovering: IDelayedCall | None = None
        self._running = False

    async def start(self) -> None:
        """
        Begin to try what waits; ids can be given from here on.

        After a crash the index is compared with the files, or made again,
        while mail goes on.

        :raises OSError, DatabaseLost: the queue's folder cannot be used.
        """
        former = await self._in_pool(self._spool.former_shards)
        await self._ids.new_shard()
        known = await self._ledger.open()
        self._running = True
        self._go(self._begin(former, known=known))
        self._tidying.start()

    async def stop(self, patience: float = 20.0) -> None:
        """
        Make no more attempts; on return none is under way.

        :param patience: seconds that those under way have to end.
        """
        self._running = False
        self._tidying.stop()
        if self._recovering is not None:
            self._recovering.cancel()
        await self._picking.stop()
        self._gate.stop()
        self._recorder.stop()
        self._go(self._remote.stop())
        late = self._clock.callLater(patience, self._give_up)
        while self._under_way:
            await DeferredList(list(self._under_way))
        if late.active():
            late.cancel()
        complete = self._recovery.complete and not self._recorder.gave_up
        await self._ledger.close(clean=complete)

    def new_content(self) -> QueuedContent:
        """
        A place for large content that may be queued.
        """
        return self._keeping.new_content()

    async def add(self, arrival: Arrival) -> None:
        """
        Keep a message; on return it survives a power cut.

        :raises StoreFull, StoreUnavailable: nothing was kept.
        """
        # The files are written to the end even if nobody waits for it: a
        # thread may be at work in them.
        kept: Deferred[None] = Deferred()
        Deferred.fromCoroutine(self._add(arrival)).addCallbacks(
            kept.callback, kept.errback
        )
        await kept

    async def _add(self, arrival: Arrival) -> None:
        durable = await self._keeping.keep(arrival)
        entry = durable.standing.entry
        self._log.info(
            "Queued {queue_id} from {reverse_path} for {recipients}",
            queue_id=entry.queue_id,
            reverse_path=f"<{entry.sender.reverse_path or ''}>",
            recipients=", ".join(x.label for x in entry.recipients),
            octets=durable.standing.content.octets,
            user=entry.origin.user,
        )
        self._arrived(durable)

    # --- In hand

    def _arrived(self, durable: Durable) -> None:
        """
        A message is durable: try it, or have it wait.
        """
        standing, length = durable.standing, durable.length
        self._ids.count_entry()
        found = row(standing, length, self._schedule, {})
        self._ledger.put(found, arrived=True)
        hand = InHand(standing, length, length + MOST_LINES, backlog(standing))
        if found.next is None or found.next > self._clock.seconds():
            self._picking.wake_by(found.next)
        elif self._running and self._hands.have_room(hand.backlog, hand.user):
            self._work(hand, durable.octets)
        else:
            self._picking.look_when_there_is_room()

    def _work(self, hand: InHand, octets: bytes | None) -> None:
        self._hands.take(hand, octets)
        self._go(self._worked(hand))

    async def _worked(self, hand: InHand) -> None:
        try:
            await self._working.work(hand)
        finally:
            self._hands.finish(hand)
            self.give_back(hand)
            self._picking.room_was_made()

    async def borrow(self, queue_id: str) -> InHand | None:
        """
        A message to be changed by who gives it back; None if it is not in the
        queue, or cannot be read.
        """
        found: object = None
        if queue_id not in self._hands:
            (found,) = await self._read([queue_id], None)
        hand = self._hands.get(queue_id)
        if hand is None:
            if not isinstance(found, Found):
                return None
            hand = _hand(found)
        self._hands.lend(hand)
        return hand

    def give_back(self, hand: InHand) -> None:
        """
        One who was at work with it does nothing more.
        """
        if self._hands.take_back(hand) and not hand.over:
            found = row(
                hand.standing, hand.length, self._schedule, hand.put_off
            )
            self._ledger.put(found)
            self._picking.wake_by(found.next)

    def found(self, found: Found) -> None:
        """
        The files have a message that the index does not know as it is.
        """
        standing = found.standing
        if standing.entry.queue_id not in self._hands:
            known = row(standing, found.length, self._schedule, {})
            self._ledger.put(known)
            self._picking.wake_by(known.next)

    def wake(self) -> None:
        """
        Something may be due.
        """
        self._picking.wake_by(self._clock.seconds())

    def forget_hosts(self) -> None:
        """
        Ask hosts that did not answer again.
        """
        self._remote.forget()

    def _ended(self, hand: InHand) -> None:
        hand.over = True
        ended = Ended(hand.standing, self._clock.seconds())
        self._ledger.drop(hand.queue_id, ended)

    def passed(self, arrival: Arrival, octets: int) -> None:
        """
        A message was delivered at once, and is to be remembered.

        :param octets: of its content.
        """
        standing = self._keeping.passed(arrival, octets)
        self._ledger.note(Ended(standing, self._clock.seconds()))

    # --- Picked

    async def _read(
        self, queue_ids: list[str], most: int | None
    ) -> Sequence[object]:
        return await self._in_pool(
            partial(self._spool.pick_all, queue_ids, most)
        )

    async def _picked(
        self, queue_id: str, found: object, *, forced: bool
    ) -> None:
        """
        Work on what was picked, if that can be.
        """
        if not self._running or queue_id in self._hands:
            return
        match found:
            case Found():
                await self._take(found, forced=forced)
            case NotQueued():
                self._ledger.drop(queue_id)
            case Broken():
                self.tell_broken(found)
            case OSError():
                self._log.error(
                    "Queue entry {queue_id} cannot be read: {reason}",
                    queue_id=queue_id,
                    reason=str(found),
                )
                due = self._clock.seconds() + _UNREADABLE
                await self._ledger.put_off(queue_id, due)

    async def _take(self, found: Found, *, forced: bool) -> None:
        hand = _hand(found)
        hand.forced = forced
        if hand.user and await self._suspended(hand.user):
            self._go(self.operator.hold_one(hand.queue_id, SUSPENDED))
        elif hand.queue_id in self._hands:
            return
        elif self._hands.have_room(hand.backlog, hand.user):
            self._work(hand, found.octets)
        else:
            self._picking.look_when_there_is_room()

    def tell_broken(self, broken: Broken) -> None:
        """
        An entry cannot be used: it is tried no more.
        """
        self._log.error(
            "Queue entry {queue_id} is damaged: {reason}",
            queue_id=broken.queue_id,
            reason=broken.why,
            held=broken.held,
        )
        self._ledger.drop(broken.queue_id)

    # --- Beside it

    async def _begin(self, former: list[str], *, known: bool) -> None:
        """
        Find what the last run left, while mail goes on.
        """
        self._picking.start()
        try:
            if not known:
                await self._compare(former, former=True)
            await self.operator.release_resumed(self._suspended)
        except DatabaseLost:
            self._recover_later()
        self._telling.start()

    def _recover_later(self) -> None:
        """
        The index is lost: make it again, in a while.
        """
        if self._recovering is None and self._running:
            self._recovering = self._clock.callLater(
                _RECOVERY_DELAY, self._recover
            )

    def _recover(self) -> None:
        self._recovering = None
        self._go(self._recovered())

    async def _recovered(self) -> None:
        try:
            if self._ledger.lost:
                await self._ledger.open()
            shards = await self._in_pool(self._spool.shards)
            await self._compare(shards, former=False)
        except DatabaseLost:
            self._recover_later()
        else:
            self.wake()

    async def _compare(self, shards: list[str], *, former: bool) -> None:
        await self._recovery.compare(
            shards, former=former, going_on=lambda: self._running
        )

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        """
        Do something beside the rest; ``stop`` waits for its end.
        """
        begun = Deferred.fromCoroutine(work)
        self._under_way.add(begun)
        begun.addErrback(self._tell_of_bug)
        begun.addBoth(lambda _: self._under_way.discard(begun))

    def _tell_of_bug(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Bug in the queue", failure)

    def _give_up(self) -> None:
        for work in list(self._under_way):
            work.cancel()


def _hand(found: Found) -> InHand:
    standing = found.standing
    return InHand(
        standing, found.length, found.first + MOST_LINES, backlog(standing)
    )
