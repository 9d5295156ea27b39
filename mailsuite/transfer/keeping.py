"""
Brings messages into the queue: content and entry on the disk, many at once.
"""

from __future__ import annotations

import zlib
from contextlib import ExitStack
from dataclasses import dataclass

from mailsuite.disk import File, as_mail_error
from mailsuite.errors import StoreUnavailable
from mailsuite.interfaces import IIncoming
from mailsuite.transfer.arrival import Arrival
from mailsuite.transfer.entry import (
    Entry,
    QueuedRecipient,
    Standing,
    Stored,
)
from mailsuite.transfer.judging import Moment, judged
from mailsuite.transfer.queuedcontent import QueuedContent
from mailsuite.transfer.rounds import Rounds
from mailsuite.transfer.schedule import Timing
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.spooled import Kept
from mailsuite.transfer.threads import InPool

#: Messages that one round keeps, and rounds side by side: while one waits for
#: the disk, the next writes.
_MOST_AT_ONCE = 64
_ROUNDS = 2

#: Octets that are copied at once.
_SLICE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Durable:
    """
    A message that is in the queue.

    :param length: octets of its entry.
    :param octets: its whole content file, if that is in memory.
    """

    standing: Standing
    length: int
    octets: bytes | None


class Keeping:
    """
    Makes messages durable.
    """

    def __init__(self, spool: Spool, timing: Timing, in_pool: InPool) -> None:
        self._spool = spool
        self._in_pool = in_pool
        self._clock = timing.clock
        self._schedule = timing.schedule
        self._chance = timing.chance
        self._rounds: Rounds[Kept, int] = Rounds(
            in_pool, spool.keep, most=_MOST_AT_ONCE, at_once=_ROUNDS
        )

    def new_content(self) -> QueuedContent:
        """
        A place for content, in a file of the queue.
        """
        return QueuedContent(self._spool.new_file, self._in_pool)

    async def keep(self, arrival: Arrival) -> Durable:
        """
        Keep a message; on return it survives a power cut.

        :raises StoreFull, StoreUnavailable: nothing was kept.
        """
        match arrival.content:
            case bytes() as octets:
                stored = self._stored(arrival, len(octets), zlib.crc32(octets))
                return await self._make(arrival, stored, octets)
            case QueuedContent() as queued:
                return await self._keep_file(arrival, queued)
            case incoming:
                queued = self.new_content()
                try:
                    await _copy(incoming, queued)
                    return await self._keep_file(arrival, queued)
                finally:
                    queued.discard()

    async def _keep_file(
        self, arrival: Arrival, queued: QueuedContent
    ) -> Durable:
        with ExitStack() as used:
            file, crc32 = await queued.whole()
            used.callback(queued.release)
            stored = self._stored(arrival, file.size, crc32)
            return await self._make(arrival, stored, file)

    def _stored(self, arrival: Arrival, size: int, crc32: int) -> Stored:
        return Stored(size, crc32, arrival.skip, arrival.prefix)

    async def _make(
        self, arrival: Arrival, stored: Stored, content: bytes | File
    ) -> Durable:
        standing = Standing(self._entry(arrival, stored))
        self._take_outcomes(arrival, standing)
        try:
            length = await self._rounds.ask(Kept(standing, content))
        except OSError as error:
            raise as_mail_error(error) from error
        octets = content if isinstance(content, bytes) else None
        return Durable(standing, length, octets)

    def passed(self, arrival: Arrival, octets: int) -> Standing:
        """
        How a message stands that was delivered without being queued.

        :param octets: of its content.
        """
        standing = Standing(self._entry(arrival, Stored(octets, 0)))
        self._take_outcomes(arrival, standing)
        return standing

    def _entry(self, arrival: Arrival, stored: Stored) -> Entry:
        now = self._clock.seconds()
        sender = arrival.sender
        return Entry(
            queue_id=arrival.queue_id,
            origin=arrival.origin,
            sender=sender,
            arrival=now,
            expiry=self._schedule.expiry(
                max(now, sender.hold_until or 0.0),
                null_reverse_path=sender.reverse_path is None,
            ),
            content=stored,
            recipients=tuple(
                QueuedRecipient(number, x.recipient, x.route, x.confidential)
                for number, x in enumerate(arrival.recipients, 1)
            ),
            about=arrival.about,
        )

    def _take_outcomes(self, arrival: Arrival, standing: Standing) -> None:
        """
        The attempt that was made when the message came in.
        """
        outcomes = {
            number: one.outcome
            for number, one in enumerate(arrival.recipients, 1)
            if one.outcome is not None
        }
        if outcomes:
            now = self._clock.seconds()
            moment = Moment(now, now, self._chance())
            found = judged(standing, outcomes, self._schedule, moment)
            standing.take_all(found.events)


async def _copy(incoming: IIncoming, queued: QueuedContent) -> None:
    reader = incoming.content()
    try:
        offset = 0
        while offset < reader.size:
            octets = await reader.read(offset, _SLICE)
            if not octets:
                # It was discarded: nobody waits for the answer.
                raise StoreUnavailable
            if (written := queued.write(octets)) is not None:
                await written
            offset += len(octets)
    finally:
        reader.close()
