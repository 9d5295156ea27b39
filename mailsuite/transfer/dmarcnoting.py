"""
Counts what DMARC came to for each message, for the reports.

Implementation notes

- Counted in memory, and written down some seconds later: a crash loses the
  counts of these seconds, and mail never waits.
- Messages of which it is not known whether they pass are not counted: what the
  report would say of them is false.
"""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.emailauth.dmarcrecord import Policy
from mailsuite.emailauth.dmarcreport import observation
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.envelope import Envelope
from mailsuite.transfer.checks import Examined, Treatment
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.dmarcledger import (
    DAY,
    DMARCLedger,
    DomainDay,
    Tally,
    print_observation,
)
from mailsuite.transfer.threads import InPool

#: Seconds for which counts are in memory alone.
_WRITE_AFTER = 10.0
#: Different observations that are written down at once; and those that are
#: held while the disk is slow.
_SOON = 2_000
_MOST_HELD = 10_000
#: Octets of an observation; those with more tell of nothing but an attempt to
#: fill our memory.
_LONGEST = 4_096

_DONE = {
    Treatment.NOTE: Policy.NONE,
    Treatment.JUNK: Policy.QUARANTINE,
    Treatment.REJECT: Policy.REJECT,
}


class DMARCNoting:
    """
    The counts that are not written down yet.

    :param in_turn: does one thing after another with the ledger.
    """

    _log = Logger()

    def __init__(
        self,
        ledger: DMARCLedger,
        *,
        clock: IReactorTime,
        in_turn: InPool,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._in_turn = in_turn
        self._tallies: dict[DomainDay, Tally] = {}
        self._held = 0
        self._left_out = 0
        self._timer: IDelayedCall | None = None
        self._writing = 0

    def note(self, envelope: Envelope, examined: Examined) -> None:
        """
        Count a message.
        """
        found = examined.dmarc
        published = found.published
        if published is None or not published.record.rua:
            return
        if found.verdict not in {Verdict.PASS, Verdict.FAIL}:
            return
        seen = print_observation(
            observation(
                envelope.origin.peer,
                found,
                examined.spf,
                examined.dkim,
                done=_DONE[examined.treatment],
            )
        )
        if self._held >= _MOST_HELD or len(seen) > _LONGEST:
            self._left_out += 1
            self._write_after(_WRITE_AFTER)
            return
        day = int(self._clock.seconds() // DAY)
        tally = self._tallies.setdefault(
            DomainDay(day, published.domain), Tally(published)
        )
        tally.published = published
        tally.passed |= found.verdict is Verdict.PASS
        self._held += seen not in tally.observations
        tally.observations[seen] += 1
        self._write_after(0.0 if self._held == _SOON else _WRITE_AFTER)

    async def write(self) -> None:
        """
        Write down all that was counted so far.
        """
        self._cancel()
        tallies, self._tallies = self._tallies, {}
        left_out, self._held, self._left_out = self._left_out, 0, 0
        if tallies:
            self._writing += 1
            try:
                left_out += await self._in_turn(
                    partial(self._ledger.add, tallies)
                )
            except DatabaseLost as fact:
                self._log.warn(
                    "Counts for DMARC reports are lost: {reason}",
                    reason=str(fact),
                )
            finally:
                self._writing -= 1
        if left_out:
            self._log.warn(
                "{messages} messages are in no DMARC report: too many"
                " different ones",
                messages=left_out,
            )

    def _write_after(self, seconds: float) -> None:
        if self._timer is None or seconds == 0.0:
            self._cancel()
            self._timer = self._clock.callLater(seconds, self._begin)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _begin(self) -> None:
        self._timer = None
        if self._writing:
            # The disk is slow: what waits for it must not pile up.
            self._write_after(_WRITE_AFTER)
            return

        async def watched() -> None:
            with self._log.failuresHandled("Counting for DMARC reports"):
                await self.write()

        Deferred.fromCoroutine(watched())
