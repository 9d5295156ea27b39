"""
Sends domains their DMARC aggregate reports, a day's when it is over (RFC 9990).

Implementation notes

- Only a domain whose own mail passes here gets reports: others would be told
  of nothing but forgeries, or ask for reports for somebody else.
- Each report goes out at a time of its own in the first hours of the day, so
  that not all hosts of the world write to a domain at midnight.
- That a report was sent is written down for each destination; a crash before
  that sends the same report again, under the same name, which is how receivers
  know it (RFC 9990 3.5.3).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.emailauth.dmarcdestinations import Destinations, destinations
from mailsuite.emailauth.dmarcrecord import DMARCRecord
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.errors import MailError
from mailsuite.interfaces import IResolver
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope
from mailsuite.transfer.checks import Examined
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.dmarcledger import DAY, DMARCLedger, DomainDay, Seen
from mailsuite.transfer.dmarcnoting import DMARCNoting
from mailsuite.transfer.dmarcreportmail import Packed, compose, pack
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.inturn import InTurn
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.reportmailing import ReportMailing
from mailsuite.transfer.reportreturns import ReportReturns
from mailsuite.transfer.threads import InPool

#: How often is looked for reports that are due, and when first, seconds.
_ROUND = 900.0
_SOON = 60.0
#: Reports on a day go out within so many seconds of its end.
_SPREAD = 4 * 3600
#: How long destinations of which the DNS says nothing are waited for.
_DNS_PATIENCE = 24 * 3600

_DoubleBounce = Callable[[str, str, Outcome], None]


class DMARCReports:
    """
    Counts, reports, and learns where reports are not wanted.
    """

    _log = Logger()

    def __init__(
        self,
        ledger: DMARCLedger,
        resolver: IResolver,
        mailing: ReportMailing,
        returns: ReportReturns,
        *,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        """
        :param clock: its seconds are since 1970.
        """
        self._ledger = ledger
        self._resolver = resolver
        self._mailing = mailing
        self._returns = returns
        self._clock = clock
        self._in_pool = in_pool
        self._in_turn = InTurn(in_pool)
        self._noting = DMARCNoting(ledger, clock=clock, in_turn=self._in_turn)
        #: For Reception: counts a message.
        self.noted: Callable[[Envelope, Examined], None] = self._noting.note
        self._timer: IDelayedCall | None = None
        self._round: Deferred[None] | None = None
        self._asking: Deferred[Destinations] | None = None
        self._stopping = False

    def start(self) -> None:
        """
        Report what earlier runs left, and from here on each day.
        """
        self._timer = self._clock.callLater(_SOON, self._begin_round)

    async def stop(self) -> None:
        """
        Write down what was counted; a report that is being sent is sent.
        """
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
        if self._round is not None:
            await self._round
        await self._noting.write()
        await self._in_turn(self._ledger.close)

    # --- What comes back ------------------------------------------------------

    def returned(self, path: Address) -> None:
        """
        A report came back to ``path``, one of ours: its destination gets no
        more for a while, and each time for longer.
        """
        token = self._returns.token(path)
        if token is not None and not self._stopping:
            self._watched(self._note_return(token))

    def double_bounces(self, otherwise: _DoubleBounce) -> _DoubleBounce:
        """
        For the queue: who is told of bounces that go nowhere.  A report that
        failed here is one; ``otherwise`` hears of all others.
        """

        def tell(queue_id: str, address: str, outcome: Outcome) -> None:
            local_part, _, domain = address.rpartition("@")
            path = Address(local_part, domain)
            if self._returns.is_ours(path):
                self.returned(path)
            else:
                otherwise(queue_id, address, outcome)

        return tell

    async def _note_return(self, token: str) -> None:
        now = self._clock.seconds()
        found = await self._in_turn(partial(self._ledger.returned, token, now))
        if found is not None:
            destination, until = found
            self._log.info(
                "DMARC report to {destination} came back; it gets none for"
                " {hours} hours",
                destination=destination,
                hours=round((until - now) / 3600),
            )

    # --- Reporting ------------------------------------------------------------

    def _begin_round(self) -> None:
        self._timer = self._clock.callLater(_ROUND, self._begin_round)
        if self._round is not None:
            return
        self._round = self._watched(self._send_due())
        self._round.addCallback(self._end_round)

    def _end_round(self, _result: None) -> None:
        self._round = None

    def _watched(self, work: Coroutine[Any, Any, None]) -> Deferred[None]:
        async def watched() -> None:
            with self._log.failuresHandled("Reporting by DMARC"):
                try:
                    await work
                except CancelledError:
                    return
                except DatabaseLost as fact:
                    self._log.warn(
                        "Counts for DMARC reports are lost: {reason}",
                        reason=str(fact),
                    )

        return Deferred.fromCoroutine(watched())

    async def _send_due(self) -> None:
        await self._noting.write()
        now = self._clock.seconds()
        await self._in_turn(partial(self._ledger.forget, now))
        for of in await self._in_turn(
            partial(self._ledger.ended, int(now // DAY))
        ):
            if self._stopping:
                return
            if self._due_at(of) <= now and await self._is_reported(of):
                await self._in_turn(partial(self._ledger.done, of))

    def _due_at(self, of: DomainDay) -> int:
        named = f"{self._mailing.our_name} {of.domain}".encode()
        return of.end + zlib.crc32(named) % _SPREAD

    async def _is_reported(self, of: DomainDay) -> bool:
        """
        Report a day of a domain, as far as it wants reports.

        :return: False if that is to be tried again.
        """
        seen = await self._in_turn(partial(self._ledger.seen, of))
        if seen is None or not seen.passed or not seen.observations:
            return True
        found = await self._destinations(of, seen)
        patient = self._clock.seconds() < self._due_at(of) + _DNS_PATIENCE
        if found.unanswered and patient:
            return False
        if not found.addresses:
            return True
        packed = await self._in_pool(partial(pack, of, seen, self._mailing))
        try:
            for destination in found.addresses:
                await self._send(packed, destination)
        except MailError as error:
            self._log.warn(
                "DMARC report on {domain} cannot be sent yet: {reason}",
                domain=of.domain,
                reason=error.public,
            )
            return False
        return True

    async def _destinations(self, of: DomainDay, seen: Seen) -> Destinations:
        published = Published(of.domain, DMARCRecord(rua=seen.rua))
        self._asking = Deferred.fromCoroutine(
            answered(destinations(published), self._resolver)
        )
        try:
            return await self._asking
        finally:
            self._asking = None

    async def _send(self, packed: Packed, destination: Address) -> None:
        """
        Send a report to one destination, unless it has it or wants none.
        """
        now = self._clock.seconds()
        path = self._returns.path(packed.report.metadata.report_id, destination)
        token = self._returns.token(path)
        assert token is not None
        to = str(destination)
        if not await self._in_turn(partial(self._ledger.begin, token, to, now)):
            return
        new_id = self._mailing.new_id()
        mail = compose(
            packed, destination, path, self._mailing, new_id=new_id, now=now
        )
        await self._mailing.send(new_id, mail)
        await self._in_turn(partial(self._ledger.sent, token))
        self._log.info(
            "Reported DMARC of {domain} to {destination} as {queue_id}",
            domain=packed.report.policy.domain,
            destination=to,
            queue_id=new_id,
        )
