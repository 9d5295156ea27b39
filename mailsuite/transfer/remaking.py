"""
Makes of a queued message one in seven bits and short lines, for hosts that
take nothing else.

Implementation notes

- Only what began its way here is changed: our signatures in it are made anew.
  A message that is passed on keeps the octets that others signed.
- It is made once, into a second content file that an event of the entry names
  from then on.  A crash before that leaves a file that nothing names; the next
  making takes its place.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.disk import as_mail_error
from mailsuite.interfaces import IContent
from mailsuite.mail.reencoding import CannotReencode, reencoded
from mailsuite.transfer.entry import Entry, Remade, Standing, Stored
from mailsuite.transfer.header import without
from mailsuite.transfer.inhand import InHand
from mailsuite.transfer.queuedfile import QueuedFile
from mailsuite.transfer.recorder import Recorder
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.threads import InPool

#: What the name of the second content has after the queue id.
SECOND = "2"

#: Makes the signatures of a message of ours, as header fields.
Signature = Callable[[IContent], Awaitable[bytes]]

#: ``Origin.listener`` of what programs on this machine, and we ourselves, send.
_OF_THIS_MACHINE = "local"

_SIGNATURES = (b"DKIM-Signature",)


class Remaking:
    """
    Remakes the content of messages in hand.
    """

    _log = Logger()

    def __init__(
        self,
        spool: Spool,
        recorder: Recorder,
        signature: Signature,
        *,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._spool = spool
        self._recorder = recorder
        self._signature = signature
        self._clock = clock
        self._in_pool = in_pool
        self._turn = DeferredLock()

    async def remake(self, hand: InHand) -> bool:
        """
        Have the message in seven bits and short lines from here on.

        :return: False if it may not be changed, or cannot be made so.
        :raises StoreFull, StoreUnavailable: not at this moment.
        """
        entry = hand.standing.entry
        if not _began_here(entry):
            return False
        await self._turn.acquire()
        try:
            return hand.standing.file == SECOND or await self._make(hand)
        except OSError as error:
            raise as_mail_error(error) from error
        finally:
            self._turn.release()

    async def _make(self, hand: InHand) -> bool:
        try:
            stored = await self._in_pool(partial(self._write, hand.standing))
        except CannotReencode as error:
            self._log.info(
                "Cannot remake {queue_id}: {reason}",
                queue_id=hand.queue_id,
                reason=str(error),
            )
            return False
        descriptor = await self._in_pool(
            partial(self._spool.open_second, hand.queue_id, SECOND)
        )
        content = QueuedFile(stored, descriptor, self._in_pool, account=False)
        try:
            signed = await self._signature(content)
        finally:
            content.close()
        made = Remade(
            self._clock.seconds(),
            SECOND,
            Stored(stored.size, stored.crc32, stored.skip, signed),
        )
        hand.take([made])
        hand.octets = None
        return await self._recorder.record(hand, [made])

    def _write(self, standing: Standing) -> Stored:
        """
        Write the second content, its signatures left out.  Made in a thread.
        """
        descriptor = self._spool.open_content(standing)
        try:
            with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as mapped:
                size, crc32 = self._spool.add_second(
                    standing.entry.queue_id,
                    SECOND,
                    _pieces(standing.content, mapped),
                )
        finally:
            os.close(descriptor)
        return Stored(size, crc32, standing.content.skip)


def _began_here(entry: Entry) -> bool:
    """
    Whether nobody before us can have signed it.
    """
    origin = entry.origin
    return (
        origin.user is not None
        or origin.listener == _OF_THIS_MACHINE
        or entry.about is not None
    )


def _pieces(stored: Stored, octets: mmap.mmap) -> Iterator[bytes]:
    """
    The message as an account here gets it, in seven bits; less our signatures.
    """
    yield octets[: stored.skip]
    yield without(stored.prefix, _SIGNATURES)
    yield from reencoded(octets[stored.skip :])
