"""
What is done for one message in hand: a round of attempts, and telling its
sender what came of it.

Implementation notes

- The recipients of one domain are tried together, those of other domains and
  the accounts here beside them; what each group came to is recorded when it
  comes.
- What is to be told is gathered until the round ends, for a minute at most,
  so that recipients who fail together are told of together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from mailsuite.errors import MailError
from mailsuite.transfer.attempt import (
    Contents,
    LocalAttempt,
    Outcomes,
    RemoteDelivery,
    outgoing,
)
from mailsuite.transfer.entry import Attempted, Event, Local, Remote, Told
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.inhand import NOTICES, InHand
from mailsuite.transfer.judging import Moment, judged
from mailsuite.transfer.keeping import Durable, Keeping
from mailsuite.transfer.notices import Due, due
from mailsuite.transfer.outcome import Kind
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.recorder import Recorder
from mailsuite.transfer.remaking import SECOND, Remaking
from mailsuite.transfer.rows import warn_time
from mailsuite.transfer.schedule import Timing
from mailsuite.transfer.sidebyside import side_by_side
from mailsuite.transfer.telling import Telling

#: What is tried together: recipients of one domain, with one reverse-path; or
#: accounts here, and whether for them it is junk.
Together = Remote | bool

#: How long what is to be told is gathered, seconds.
_GATHERED = 60.0

#: How long to wait after something went wrong here, seconds.
_AFTER_TROUBLE = 300.0


@dataclass(frozen=True, slots=True)
class Attempts:
    """
    How attempts are made.
    """

    local: LocalAttempt
    remote: RemoteDelivery
    contents: Contents
    gate: Gate


class Working:
    """
    Works on messages in hand.

    :param arrived: told of each notification that is in the queue.
    :param ended: told of each message that is no longer in it.
    """

    _log = Logger()

    def __init__(
        self,
        attempts: Attempts,
        recorder: Recorder,
        keeping: Keeping,
        telling: Telling,
        remaking: Remaking,
        *,
        timing: Timing,
        arrived: Callable[[Durable], None],
        ended: Callable[[InHand], None],
    ) -> None:
        self._attempts = attempts
        self._recorder = recorder
        self._keeping = keeping
        self._telling = telling
        self._remaking = remaking
        self._clock = timing.clock
        self._schedule = timing.schedule
        self._chance = timing.chance
        self._arrived = arrived
        self._ended = ended
        self._early: dict[InHand, IDelayedCall] = {}
        self._turns: dict[InHand, DeferredLock] = {}

    async def work(self, hand: InHand) -> None:
        """
        One round of attempts for those that are due, and what follows.
        """
        try:
            if hand.standing.held is None:
                await self._attempt(hand)
            await self._tell(hand)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a bug must not lose the message
            self._log.failure(
                "Bug while trying {queue_id}", queue_id=hand.queue_id
            )
            self._put_all_off(hand)
        finally:
            if (call := self._early.pop(hand, None)) is not None:
                call.cancel()
            self._turns.pop(hand, None)

    # --- Attempts

    async def _attempt(self, hand: InHand) -> None:
        hand.began = self._clock.seconds()
        numbers = hand.numbers_due(hand.began)
        hand.forced = False
        groups = _groups(hand, numbers)
        hand.groups = len(groups)
        if len(groups) == 1:
            ((together, members),) = groups.items()
            await self._group(hand, together, members)
            return
        await side_by_side(
            [
                self._group(hand, together, members)
                for together, members in groups.items()
            ]
        )

    async def _group(
        self, hand: InHand, together: Together, numbers: list[int]
    ) -> None:
        """
        Try recipients of one domain, or with accounts here.
        """
        outcomes: Outcomes = {}
        try:
            if await self._attempts.gate.passed():
                outcomes = await self._outcomes(hand, together, numbers)
        except OSError as error:
            self._log.error(
                "Queue entry {queue_id} cannot be read: {reason}",
                queue_id=hand.queue_id,
                reason=str(error),
            )
            self._put_off(hand, numbers)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a bug must not lose the message
            self._log.failure(
                "Bug while trying {queue_id}", queue_id=hand.queue_id
            )
            self._put_off(hand, numbers)
        finally:
            hand.groups -= 1
        if outcomes:
            await self._came(hand, outcomes)

    async def _outcomes(
        self, hand: InHand, together: Together, numbers: list[int]
    ) -> Outcomes:
        attempts = self._attempts
        if isinstance(together, bool):
            return await attempts.local.make(hand, numbers, junk=together)
        remade = None
        if hand.standing.file != SECOND:
            remade = partial(self._remade, hand, together, numbers)
        return await attempts.remote.deliver(
            outgoing(hand, together, numbers, attempts.contents, remade)
        )

    async def _remade(
        self, hand: InHand, route: Remote, numbers: list[int]
    ) -> Outgoing | None:
        """
        As ``Outgoing.remade``.
        """
        if await self._remaking.remake(hand):
            return outgoing(hand, route, numbers, self._attempts.contents, None)
        return None

    async def _came(self, hand: InHand, outcomes: Outcomes) -> None:
        """
        Take up what an attempt came to; on return it is recorded.
        """
        troubles = {x for x in outcomes.values() if x.for_postmaster}
        for outcome in troubles:
            self._telling.tell_trouble(hand.backlog, outcome)
        moment = Moment(hand.began, self._clock.seconds(), self._chance())
        found = judged(hand.standing, outcomes, self._schedule, moment)
        hand.put_off.update(found.put_off)
        if not found.events:
            return
        for event in found.events:
            self._tell_log(hand, event)
        hand.take(found.events)
        dues = due(hand.standing, warn=False)
        if hand.standing.ended and not hand.groups and _none_is_told(dues):
            await self._end(hand, dues)
            return
        settled = self._settled(dues)
        hand.take(settled)
        self._telling.tell_postmaster(hand, dues)
        await self._record(hand, [*found.events, *settled])
        if hand.groups and not _none_is_told(dues):
            self._tell_soon(hand)

    def _tell_log(self, hand: InHand, event: Attempted) -> None:
        outcome = event.outcome
        self._log.info(
            _WORDS[outcome.kind],
            queue_id=hand.queue_id,
            recipients=hand.labels(event.recipients),
            reply=" ".join(
                str(part)
                for part in (outcome.code, outcome.enhanced, outcome.text)
                if part
            ),
            peer=outcome.peer or "here",
            code=outcome.code,
            reason=outcome.text,
            next=event.next,
        )

    def _put_off(self, hand: InHand, numbers: Sequence[int]) -> None:
        due = self._clock.seconds() + _AFTER_TROUBLE
        hand.put_off.update(dict.fromkeys(numbers, due))

    def _put_all_off(self, hand: InHand) -> None:
        numbers = [x.queued.number for x in hand.standing.waiting]
        self._put_off(hand, [NOTICES, *numbers])

    # --- Telling

    def _tell_soon(self, hand: InHand) -> None:
        if hand not in self._early:
            self._early[hand] = self._clock.callLater(
                _GATHERED, self._tell_early, hand
            )

    def _tell_early(self, hand: InHand) -> None:
        del self._early[hand]
        Deferred.fromCoroutine(self._tell(hand)).addErrback(
            lambda failure: self._log.failure(
                "Bug while telling of {queue_id}",
                failure,
                queue_id=hand.queue_id,
            )
        )

    async def _tell(self, hand: InHand) -> None:
        """
        Tell the sender what is to be told; if that was the end, end it.
        """
        if hand.over:
            return
        turn = self._turns.setdefault(hand, DeferredLock())
        await turn.acquire()
        try:
            await self._tell_alone(hand)
        finally:
            turn.release()

    async def _tell_alone(self, hand: InHand) -> None:
        now = self._clock.seconds()
        warn = now >= warn_time(hand.standing.entry, self._schedule)
        dues = due(hand.standing, warn=warn)
        if dues and not _none_is_told(dues):
            await self._telling.ready()
            # Notifications of the last run are known by then.
            dues = due(hand.standing, warn=warn)
        for one in dues:
            if not one.silent and not await self._notify(hand, one):
                hand.put_off[NOTICES] = now + _AFTER_TROUBLE
                return
        if hand.standing.ended and not hand.groups:
            await self._end(hand, dues)
        elif settled := self._settled(dues):
            hand.take(settled)
            self._telling.tell_postmaster(hand, dues)
            await self._record(hand, settled)

    async def _notify(self, hand: InHand, one: Due) -> bool:
        """
        Tell the sender; whether that can be relied on.
        """
        durable: Durable | None = None
        try:
            arrival = await self._telling.notification(hand, one)
            if arrival is not None:
                durable = await self._keeping.keep(arrival)
        except (MailError, OSError) as error:
            self._log.error(
                "Queue cannot tell of {queue_id}: {reason}",
                queue_id=hand.queue_id,
                reason=str(error),
            )
            return False
        name = "" if arrival is None else arrival.queue_id
        told = Told(self._clock.seconds(), one.numbers, one.notice, name)
        hand.take([told])
        if not await self._record(hand, [told]):
            return False
        if durable is not None:
            self._log.info(
                "Told of {queue_id} in {notification}: {notice} for"
                " {recipients}",
                queue_id=hand.queue_id,
                notification=name,
                notice=one.notice.value,
                recipients=hand.labels(one.numbers),
            )
            self._arrived(durable)
        return True

    # --- Recording

    def _settled(self, dues: Sequence[Due]) -> list[Event]:
        """
        What is to be noted of that of which nobody is told.
        """
        now = self._clock.seconds()
        return [Told(now, x.numbers, x.notice) for x in dues if x.silent]

    async def _record(self, hand: InHand, events: Sequence[Event]) -> bool:
        return await self._recorder.record(hand, events)

    async def _end(self, hand: InHand, dues: Sequence[Due]) -> None:
        """
        Everybody has his copy or was given up, and it was told.
        """
        self._telling.tell_postmaster(hand, dues)
        hand.take(self._settled(dues))
        if await self._recorder.end(hand):
            self._ended(hand)


def _groups(hand: InHand, numbers: Sequence[int]) -> dict[Together, list[int]]:
    """
    Recipients by what they are tried together with.
    """
    groups: dict[Together, list[int]] = {}
    for number in numbers:
        route = hand.standing.state(number).queued.route
        together = route.junk if isinstance(route, Local) else route
        groups.setdefault(together, []).append(number)
    return groups


def _none_is_told(dues: Sequence[Due]) -> bool:
    return all(one.silent for one in dues)


_WORDS = {
    Kind.DELIVERED: "Delivered {queue_id} to {recipients}",
    Kind.SENT: "Sent {queue_id} to {recipients} by {peer}: {reply}",
    Kind.EXPANDED: "Expanded {queue_id} for {recipients}",
    Kind.DEFERRED: "Deferred {queue_id} for {recipients} by {peer}: {reply}",
    Kind.FAILED: "Failed {queue_id} for {recipients} by {peer}: {reply}",
}
