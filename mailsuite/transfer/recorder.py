"""
Writes down what happens to messages in hand, many at once.

Implementation notes

- What cannot be written down is tried again each minute, and until then the
  gate is closed: to go on sending would repeat mail at the next start.
- After a failed sync a file is not to be trusted: an entry is written anew.
- Files are removed in several threads: where a file system tells the disk of
  each block that is freed ("discard"), an unlink waits for the disk.  An entry
  that is being changed is removed after that, in its turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.transfer.entry import Event
from mailsuite.transfer.entrylines import DamagedEntry, event_line, lines
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.inhand import MOST_LINES, InHand
from mailsuite.transfer.rounds import Rounds
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.spooled import Appended, Change, Removed, Rewritten
from mailsuite.transfer.threads import InPool

#: How long to wait when nothing can be written down, seconds.
_DELAY = 60.0

#: Entries that one round changes.
_MOST_AT_ONCE = 128

#: Messages that one round removes, and rounds side by side.
_MOST_REMOVED = 32
_REMOVING = 4


class Recorder:
    """
    Makes events durable.

    :ivar gave_up: something that happened was never written down.
    """

    _log = Logger()

    def __init__(
        self, spool: Spool, gate: Gate, clock: IReactorTime, in_pool: InPool
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._changes: Rounds[Change, None] = Rounds(
            in_pool, spool.change, most=_MOST_AT_ONCE
        )
        self._removals: Rounds[Change, None] = Rounds(
            in_pool, spool.change, most=_MOST_REMOVED, at_once=_REMOVING
        )
        self._stopping = False
        self.gave_up = False
        self._pauses: set[Deferred[None]] = set()

    def stop(self) -> None:
        """
        What cannot be written down after one more try is given up: its
        messages are tried again at the next start.
        """
        self._stopping = True
        for pause in list(self._pauses):
            pause.callback(None)

    async def record(self, hand: InHand, events: Sequence[Event]) -> bool:
        """
        Events have happened, as ``hand`` knows; on return that survives a
        power cut.

        :return: False if it could not be written down.
        """
        octets = b"".join(map(event_line, events))
        length, hand.length = hand.length, hand.length + len(octets)
        change: Change = Appended(hand.queue_id, length, octets)
        if hand.length > hand.rewrite_at:
            change = self._rewriting(hand)
        return await self._make(hand, change)

    async def end(self, hand: InHand) -> bool:
        """
        The message is done with: its files go.

        :return: False if that could not be made to survive a power cut.
        """
        return await self._make(
            hand, Removed(hand.queue_id, hand.standing.file)
        )

    async def _make(self, hand: InHand, change: Change) -> bool:
        self._gate.result_came()
        rounds = self._changes
        if isinstance(change, Removed) and not hand.recording:
            rounds = self._removals
        hand.recording += 1
        try:
            while True:
                stopping = self._stopping
                try:
                    await rounds.ask(change)
                except FileNotFoundError:
                    # Somebody took it away.
                    return False
                except (OSError, DamagedEntry) as error:
                    self._gate.close()
                    self._log.error(
                        "Queue cannot record what happened to {queue_id}:"
                        " {reason}; nothing is tried meanwhile",
                        queue_id=hand.queue_id,
                        reason=str(error),
                    )
                else:
                    self._gate.reopen()
                    return True
                if stopping:
                    self.gave_up = True
                    return False
                await self._pause()
                if not isinstance(change, Removed):
                    change = self._rewriting(hand)
        finally:
            hand.recording -= 1
            self._gate.result_recorded()

    def _rewriting(self, hand: InHand) -> Rewritten:
        octets = lines(hand.standing.compacted())
        hand.length = len(octets)
        hand.rewrite_at = len(octets) + MOST_LINES
        return Rewritten(hand.queue_id, octets)

    async def _pause(self) -> None:
        pause: Deferred[None] = Deferred()
        call = self._clock.callLater(_DELAY, pause.callback, None)
        self._pauses.add(pause)
        try:
            await pause
        finally:
            self._pauses.discard(pause)
            if call.active():
                call.cancel()
