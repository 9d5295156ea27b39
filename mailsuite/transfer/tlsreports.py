"""
Sends domains their TLS reports, a day's when it is over (RFC 8460 4.1, 5).

Implementation notes

- Each report goes out at a time of its own in the first hours of the day, so
  that not all hosts of the world write to a domain at midnight.
- A report that goes to nobody is tried again for a day, and then forgotten.
- By mail it is signed as all mail of its author; that key's record needs no
  service type, or ``tlsrpt`` (RFC 8460 3).
"""

from __future__ import annotations

import zlib
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.errors import MailError
from mailsuite.interfaces import IResolver
from mailsuite.mail.address import Address
from mailsuite.mail.dns import Found, Question, RecordType
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.https import HTTPS, NoAnswer
from mailsuite.transfer.reportmailing import ReportMailing
from mailsuite.transfer.threads import InPool
from mailsuite.transfer.tlsreport import destinations
from mailsuite.transfer.tlsreportmail import MEDIA_TYPE, Packed, compose, pack
from mailsuite.transfer.tlssessions import DAY, DomainDay, SessionCounts

T = TypeVar("T")

#: How often is looked for reports that are due, seconds.
_ROUND = 900.0
#: Reports on a day go out within so many seconds of its end.
_SPREAD = 4 * 3600
#: How long it is tried to send one, seconds (RFC 8460 5.5).
_PATIENCE = DAY


class TLSReports:
    """
    Reports.
    """

    _log = Logger()

    def __init__(
        self,
        sessions: SessionCounts,
        resolver: IResolver,
        https: HTTPS,
        mailing: ReportMailing,
        *,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        """
        :param sessions: started before this is, and stopped after it.
        :param clock: its seconds are since 1970.
        """
        self._sessions = sessions
        self._resolver = resolver
        self._https = https
        self._mailing = mailing
        self._clock = clock
        self._in_pool = in_pool
        self._timer: IDelayedCall | None = None
        self._round: Deferred[None] | None = None
        self._asking: Deferred[Any] | None = None
        self._stopping = False

    def start(self) -> None:
        """
        Report what earlier runs left, and from here on each day.
        """
        self._timer = self._clock.callLater(_ROUND, self._begin_round)

    async def stop(self) -> None:
        """
        Send no more; nobody is waited for, but what the queue is taking is
        taken.
        """
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
        if self._round is not None:
            await self._round

    def _begin_round(self) -> None:
        self._timer = self._clock.callLater(_ROUND, self._begin_round)
        if self._round is None:
            self._round = Deferred.fromCoroutine(self._watched())
            self._round.addCallback(self._end_round)

    def _end_round(self, _: None) -> None:
        self._round = None

    async def _watched(self) -> None:
        with self._log.failuresHandled("Reporting TLS"):
            try:
                await self._send_due()
            except CancelledError:
                return
            except DatabaseLost as lost:
                self._log.warn(
                    "TLS sessions are not reported: {reason}", reason=str(lost)
                )

    async def _send_due(self) -> None:
        for of in await self._sessions.ended():
            if self._stopping:
                return
            late = self._clock.seconds() - self._due_at(of)
            if late >= 0 and (await self._is_reported(of) or late > _PATIENCE):
                await self._sessions.done(of)

    def _due_at(self, of: DomainDay) -> int:
        named = f"{self._mailing.our_name} {of.domain}".encode()
        return of.end + zlib.crc32(named) % _SPREAD

    async def _is_reported(self, of: DomainDay) -> bool:
        """
        Report a day of a domain, if it wants reports.

        :return: False if that is to be tried again.
        """
        record = Question(f"_smtp._tls.{of.domain}", RecordType.TXT)
        answer = await self._asked(self._resolver.ask(record))
        if answer.found is Found.FAILED:
            return False
        wanted = destinations(answer.records)
        if not wanted:
            return True
        policies = await self._sessions.of(of)
        packed = await self._in_pool(partial(pack, of, policies, self._mailing))
        # RFC 8460 3: one of them is enough, and the first that can be had.
        for uri in wanted:
            if await self._is_sent(packed, uri):
                self._log.info(
                    "Reported TLS of {domain} to {destination}",
                    domain=of.domain,
                    destination=uri,
                )
                return True
        return False

    async def _is_sent(self, packed: Packed, uri: str) -> bool:
        """
        Send a report to one destination.
        """
        try:
            if uri.lower().startswith("mailto:"):
                await self._mail(packed, _mail_address(uri))
                return True
            answered = await self._asked(
                self._https.post(uri, packed.octets, MEDIA_TYPE)
            )
        except (ValueError, MailError, NoAnswer) as fact:
            self._log.warn(
                "TLS report on {domain} cannot go to {destination}: {reason}",
                domain=packed.of.domain,
                destination=uri,
                reason=type(fact).__name__,
            )
            return False
        return 200 <= answered.status < 300

    async def _asked(self, asking: Coroutine[Any, Any, T]) -> T:
        """
        What somebody else answers, unless we stop.
        """
        answering = Deferred.fromCoroutine(asking)
        self._asking = answering
        try:
            return await answering
        finally:
            self._asking = None

    async def _mail(self, packed: Packed, destination: Address) -> None:
        new_id = self._mailing.new_id()
        mail = compose(
            packed,
            destination,
            self._mailing,
            new_id=new_id,
            now=self._clock.seconds(),
        )
        await self._mailing.send(new_id, mail)


def _mail_address(uri: str) -> Address:
    """
    Whom a mailto URI names (RFC 6068), without header fields.

    :raises ValueError: nobody, or several.
    """
    return Address.parse(unquote(urlsplit(uri).path))
