"""
The queue: messages that were accepted and could not all be delivered at once.

Implementation notes

- At least once: a crash between a delivery and its line in the entry makes
  one more delivery, never one less.
- While results cannot be recorded nothing is attempted; going on would repeat
  mail at each start.
- Past its expiry a message stays, and is tried as before: it leaves the queue
  delivered, or by the operator's hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from heapq import heappop, heappush

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.disk import as_mail_error
from mailsuite.errors import MailError, StoreUnavailable
from mailsuite.interfaces import IContent, IIncoming
from mailsuite.mail.envelope import Envelope
from mailsuite.transfer import entry as lines
from mailsuite.transfer.attempt import LocalAttempt
from mailsuite.transfer.entry import (
    DamagedEntry,
    Entry,
    HalfWritten,
    QueuedRecipient,
)
from mailsuite.transfer.local import Undelivered
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.schedule import lifetime, next_delay
from mailsuite.transfer.spool import Broken, NewContent, Spool
from mailsuite.transfer.threads import InPool

#: Attempts that are under way at once.
_MOST_ATTEMPTS = 8

#: How long to wait when results cannot be recorded, seconds.
_RECORD_DELAY = 60.0

#: Octets that are copied at once.
_SLICE = 256 * 1024


class Queue:
    """
    Messages that wait, and the attempts that are made for them.
    """

    _log = Logger()

    def __init__(
        self,
        spool: Spool,
        attempt: LocalAttempt,
        ids: QueueIds,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._spool = spool
        self._attempt = attempt
        self._ids = ids
        self._clock = clock
        self._in_pool = in_pool
        self._waiting: dict[str, lines.Standing] = {}
        self._due: list[tuple[float, str]] = []
        self._timer: IDelayedCall | None = None
        self._under_way: set[Deferred[None]] = set()
        self._owed: dict[str, Sequence[lines.Event]] = {}
        self._running = False

    def __len__(self) -> int:
        """
        How many messages wait.
        """
        return len(self._waiting)

    async def start(self) -> None:
        """
        Read back what waits, and begin to try; ids can be given from here on.

        :raises OSError: the queue's folder cannot be used.
        """
        await self._ids.new_shard()
        now = self._clock.seconds()
        for found in await self._in_pool(
            lambda: list(self._spool.recover(now))
        ):
            match found:
                case Broken(queue_id, why, held):
                    self._log.error(
                        "Queue entry {queue_id} is damaged: {reason}",
                        queue_id=queue_id,
                        reason=why,
                        held=held,
                    )
                case lines.Standing(entry=entry):
                    self._wait(found)
                    self._log.info(
                        "Found {queue_id} in the queue",
                        queue_id=entry.queue_id,
                    )
        self._running = True
        self._set_timer()

    async def stop(self) -> None:
        """
        Make no more attempts; on return none is under way.
        """
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await DeferredList(list(self._under_way))

    async def add(
        self,
        queue_id: str,
        envelope: Envelope,
        content: IIncoming,
        undelivered: Sequence[Undelivered],
    ) -> None:
        """
        Keep a message for those who could not take it.

        See ``LocalQueue.add``.
        """
        # The files are written to the end even if nobody waits for it: a
        # thread may be at work in them.
        kept: Deferred[None] = Deferred()
        Deferred.fromCoroutine(
            self._add(queue_id, envelope, content, undelivered)
        ).addCallbacks(kept.callback, kept.errback)
        await kept

    # --- Into the queue

    async def _add(
        self,
        queue_id: str,
        envelope: Envelope,
        content: IIncoming,
        undelivered: Sequence[Undelivered],
    ) -> None:
        # Before anybody can have discarded it.
        reader = content.content()
        try:
            new = await self._in_pool(
                partial(self._spool.new_content, queue_id)
            )
            try:
                await self._copy(reader, new)
                entry = self._entry(queue_id, envelope, new, undelivered)
                event = self._arrival(undelivered)
                await self._in_pool(
                    partial(self._spool.keep, new, entry, event)
                )
            finally:
                await self._in_pool(new.discard)
        except OSError as error:
            raise as_mail_error(error) from error
        self._wait(lines.standing(entry).after(event))
        self._set_timer()
        self._log.info(
            "Queued {queue_id} for {accounts}: {reason}",
            queue_id=queue_id,
            accounts=_addresses(entry.recipients),
            reason=event.text,
        )
        with self._log.failuresHandled("Beginning another shard"):
            await self._ids.count_entry()

    async def _copy(self, reader: IContent, new: NewContent) -> None:
        try:
            offset = 0
            while offset < reader.size:
                octets = await reader.read(offset, _SLICE)
                if not octets:
                    # It was discarded: nobody waits for the answer.
                    raise StoreUnavailable
                await self._in_pool(partial(new.write, octets))
                offset += len(octets)
        finally:
            reader.close()

    def _entry(
        self,
        queue_id: str,
        envelope: Envelope,
        new: NewContent,
        undelivered: Sequence[Undelivered],
    ) -> Entry:
        now = self._clock.seconds()
        sender = envelope.sender
        return Entry(
            queue_id=queue_id,
            origin=envelope.origin,
            sender=sender,
            arrival=now,
            expiry=now + lifetime(sender.reverse_path is None),
            size=new.file.size,
            crc32=new.crc32,
            recipients=tuple(
                QueuedRecipient(
                    number, recipient, record.number, record.address
                )
                for number, (recipient, record, _) in enumerate(undelivered, 1)
            ),
        )

    def _arrival(self, undelivered: Sequence[Undelivered]) -> lines.Deferred:
        """
        The attempt that was made when the message came in.
        """
        now = self._clock.seconds()
        return lines.Deferred(
            now,
            tuple(range(1, len(undelivered) + 1)),
            _reasons(error for _, _, error in undelivered),
            now + next_delay(1),
        )

    # --- When

    def _wait(self, standing: lines.Standing) -> None:
        queue_id = standing.entry.queue_id
        self._waiting[queue_id] = standing
        heappush(self._due, (standing.next, queue_id))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        free = len(self._under_way) < _MOST_ATTEMPTS
        if self._running and free and self._due:
            delay = max(0.0, self._due[0][0] - self._clock.seconds())
            self._timer = self._clock.callLater(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        _, queue_id = heappop(self._due)
        attempt = Deferred.fromCoroutine(self._try(queue_id))
        self._under_way.add(attempt)
        attempt.addErrback(self._tell_of_bug, queue_id)
        attempt.addBoth(self._tried, attempt)
        self._set_timer()

    def _tried(self, _: None, attempt: Deferred[None]) -> None:
        self._under_way.discard(attempt)
        self._set_timer()

    def _tell_of_bug(self, failure: Failure, queue_id: str) -> None:
        self._log.failure(
            "Bug while trying {queue_id}", failure, queue_id=queue_id
        )
        self._put_off(queue_id, next_delay(1))

    def _put_off(self, queue_id: str, delay: float) -> None:
        heappush(self._due, (self._clock.seconds() + delay, queue_id))

    # --- One attempt

    async def _try(self, queue_id: str) -> None:
        if not await self._record_owed():
            self._put_off(queue_id, _RECORD_DELAY)
            return
        standing = self._waiting.get(queue_id)
        if standing is None:
            return
        try:
            results = await self._attempt.make(standing)
        except HalfWritten as error:
            await self._in_pool(partial(self._spool.set_aside, queue_id))
            self._drop(queue_id, error)
            return
        except FileNotFoundError as error:
            self._drop(queue_id, error)
            return
        except OSError as error:
            self._log.error(
                "Queue entry {queue_id} cannot be read: {reason}",
                queue_id=queue_id,
                reason=str(error),
            )
            self._put_off(queue_id, next_delay(standing.attempts + 1))
            return
        events = self._events(standing, results)
        for event in events:
            standing = standing.after(event)
        self._owed[queue_id] = events
        if standing.waiting:
            self._wait(standing)
        else:
            del self._waiting[queue_id]
        await self._record_owed()

    def _events(
        self,
        standing: lines.Standing,
        results: dict[int, MailError | None],
    ) -> list[lines.Event]:
        """
        What an attempt came to, told in the log too.
        """
        now = self._clock.seconds()
        queue_id = standing.entry.queue_id
        kept = [q for q in standing.waiting if results[q.number] is None]
        left = [q for q in standing.waiting if results[q.number] is not None]
        events: list[lines.Event] = []
        if kept:
            self._log.info(
                "Delivered {queue_id} to {accounts}",
                queue_id=queue_id,
                accounts=_addresses(kept),
            )
            events.append(lines.Delivered(now, _numbers(kept)))
        if left:
            reason = _reasons(results.values())
            due = now + next_delay(standing.attempts + 1)
            self._log.info(
                "Deferred {queue_id} for {accounts}: {reason}",
                queue_id=queue_id,
                accounts=_addresses(left),
                reason=reason,
                overdue=now > standing.entry.expiry,
            )
            events.append(lines.Deferred(now, _numbers(left), reason, due))
        return events

    async def _record_owed(self) -> bool:
        """
        Write down all results that are not yet; whether that could be done.
        """
        for queue_id in list(self._owed):
            events = self._owed.pop(queue_id, None)
            if events is None:
                continue
            try:
                await self._record(queue_id, events)
            except OSError as error:
                self._owed[queue_id] = events
                self._log.error(
                    "Queue cannot record what happened to {queue_id}:"
                    " {reason}; nothing is tried meanwhile",
                    queue_id=queue_id,
                    reason=str(error),
                )
                return False
        return True

    async def _record(
        self, queue_id: str, events: Sequence[lines.Event]
    ) -> None:
        try:
            if queue_id in self._waiting:
                await self._in_pool(partial(self._spool.add, queue_id, events))
            else:
                await self._in_pool(partial(self._spool.remove, queue_id))
        except (DamagedEntry, HalfWritten, FileNotFoundError) as error:
            self._drop(queue_id, error)

    def _drop(self, queue_id: str, why: Exception) -> None:
        """
        Try an entry no more; its files stay where they are.
        """
        self._waiting.pop(queue_id, None)
        self._log.error(
            "Queue entry {queue_id} is damaged or gone: {reason}",
            queue_id=queue_id,
            reason=str(why),
        )


def _addresses(queued: Iterable[QueuedRecipient]) -> str:
    return ", ".join(one.address for one in queued)


def _numbers(queued: Iterable[QueuedRecipient]) -> tuple[int, ...]:
    return tuple(one.number for one in queued)


def _reasons(errors: Iterable[MailError | None]) -> str:
    return "; ".join(
        dict.fromkeys(error.public for error in errors if error is not None)
    )
