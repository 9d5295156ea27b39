"""
The transfer room of one running suite, put together: reception, the queue, and
the ways out.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailsuite.app.config import Configuration
from mailsuite.app.directory import People
from mailsuite.app.directsend import DirectReactor
from mailsuite.app.ourselves import ourselves
from mailsuite.app.sendingconfig import Route as RouteTable
from mailsuite.app.sendingconfig import password_in
from mailsuite.app.values import sender_key
from mailsuite.disk import Disk
from mailsuite.emailauth.domains import ascii_domain
from mailsuite.errors import NoSuchRecipient
from mailsuite.interfaces import IMailboxService
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Origin, Recipient, Sender
from mailsuite.smtp.clientlogin import Credentials
from mailsuite.smtp.networks import Networks
from mailsuite.smtp.sender import Connector
from mailsuite.store.pool import Pool
from mailsuite.transfer.arrival import Arrival, Arriving
from mailsuite.transfer.attempt import Contents, LocalAttempt
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.certificates import Authorities
from mailsuite.transfer.checks import (
    CheckPolicy,
    Examination,
    Examined,
    Treatment,
)
from mailsuite.transfer.content import MemoryBudget
from mailsuite.transfer.dmarcledger import DMARCLedger
from mailsuite.transfer.dmarcreports import DMARCReports
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.handover import HandOver
from mailsuite.transfer.https import HTTPS
from mailsuite.transfer.keys import Keys
from mailsuite.transfer.local import LocalDelivery
from mailsuite.transfer.mtasts import MTASTS
from mailsuite.transfer.nameservers import Server, parse_server, system_servers
from mailsuite.transfer.operating import SUSPENDED
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.ownmail import copies
from mailsuite.transfer.postmaster import Mailing, Postmaster
from mailsuite.transfer.queue import Queue, Surroundings
from mailsuite.transfer.queueids import QueueIds
from mailsuite.transfer.reception import Limits as ReceptionLimits
from mailsuite.transfer.reception import Reception
from mailsuite.transfer.remote import Remote as RemoteDelivery
from mailsuite.transfer.reportmailing import ReportMailing
from mailsuite.transfer.reportreturns import ReportReturns
from mailsuite.transfer.resolver import Resolver
from mailsuite.transfer.room import Room
from mailsuite.transfer.routes import (
    NextHop,
    Routes,
    RouteTLS,
    parse_pattern,
    parse_target,
)
from mailsuite.transfer.schedule import Schedule, Timing
from mailsuite.transfer.signatures import Signatures
from mailsuite.transfer.spool import Spool
from mailsuite.transfer.srs import SenderRewriting
from mailsuite.transfer.srskeys import load_keys
from mailsuite.transfer.surroundings import Limits as SendingLimits
from mailsuite.transfer.telling import Notifying
from mailsuite.transfer.tlspolicy import TLSPolicy
from mailsuite.transfer.tlsreports import TLSReports
from mailsuite.transfer.tlssessions import SessionCounts
from mailsuite.transfer.working import Attempts

_QUEUE_THREADS = 8

#: sending.md A6, A9: content in memory, and room left for what is under way.
_MEMORY = 64 * 1024 * 1024
_ROOM_OCTETS = 200 * 1024 * 1024

_SECRET_OCTETS = 32
_PORT_OF_IMPLICIT_TLS = 465


class Sending:
    """
    Reception, queue and delivery.

    :ivar keys: that mail is signed with.
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        state: Path,
        reactor: Any,
        disk: Disk,
        people: People,
        mailboxes: IMailboxService,
    ) -> None:
        """
        :param reactor: with time, threads and sockets; Twisted has no one
            interface for that.
        """
        self._configuration = configuration
        self._state = state
        self._reactor = reactor
        self._disk = disk
        self._people = people
        self._mailboxes = mailboxes
        self._pool = Pool("queue", _QUEUE_THREADS, reactor.callFromThread)
        self._our_name = _a_labels(configuration.host_name)
        self._domain = _a_labels(configuration.default_domain)
        self._secrets: list[bytes] = []
        self.keys = Keys(disk, str(state / "dkim"))
        self._resolver = Resolver(
            reactor,
            dns_servers(configuration),
            trust_ad=configuration.dns.trust_ad,
        )
        self._signing = Signatures(
            self.keys.signing,
            sealer=self._domain,
            our_name=self._our_name,
            now=reactor.seconds,
        )
        self._spool = Spool(disk, str(state / "queue"))
        self._ids = QueueIds(self._spool, reactor, self._pool.run)
        self._postmaster = Postmaster(
            Mailing(
                Address("postmaster", configuration.default_domain),
                self._our_name,
                self._ids.next_id,
                self._send,
            ),
            disk,
            state / "queue" / "postmaster.json",
            clock=reactor,
            in_pool=self._pool.run,
        )
        self._returns = ReportReturns(self._secrets, self._domain)
        self._sessions: SessionCounts | None = None
        self._tls_reports: TLSReports | None = None
        self._dmarc = self._build_dmarc_reports()
        self.queue = self._build_queue()
        self.reception = self._build_reception()

    @property
    def in_pool(self) -> Any:
        """
        The queue's threads.
        """
        return self._pool.run

    async def open(self) -> None:
        """
        Take up what earlier runs left; on return mail can be received.
        """
        self._secrets[:] = await self._pool.run(
            lambda: load_keys(
                self._disk,
                self._state / "srs.keys",
                secrets.token_hex(_SECRET_OCTETS),
            )
        )
        for fault in await self._pool.run(self.keys.load):
            self._log.error("DKIM key cannot be used: {fault}", fault=fault)
        await self._mtasts.start()
        if self._sessions is not None:
            await self._sessions.start()
        # Before the first message is tried.
        probing = Deferred.fromCoroutine(self._resolver.probe())
        probing.addErrback(
            lambda failure: self._log.failure("Bug in a look-up", failure)
        )
        await self.queue.start()
        await self._postmaster.start()
        if self._tls_reports is not None:
            self._tls_reports.start()
        if self._dmarc is not None:
            self._dmarc.start()

    async def close(self) -> None:
        """
        Make no more attempts, and end.
        """
        if self._dmarc is not None:
            await self._dmarc.stop()
        if self._tls_reports is not None:
            await self._tls_reports.stop()
        await self._postmaster.stop()
        await self.queue.stop()
        if self._sessions is not None:
            await self._sessions.stop()
        await self._mtasts.stop()
        self._pool.stop()

    async def resumed(self, address: str) -> None:
        """
        An account is no longer suspended: what it sent goes on.
        """
        wanted = Filter(sender=address)
        await self.queue.operator.release(wanted, reason=SUSPENDED)

    # --- The queue ------------------------------------------------------------

    def _build_queue(self) -> Queue:
        found = self._configuration
        in_pool = self._pool.run
        contents = Contents(self._spool, in_pool)
        gate = Gate()
        return Queue(
            self._spool,
            self._ids,
            Attempts(
                LocalAttempt(contents, self._people.directory, self._mailboxes),
                self._build_remote(gate),
                contents,
                gate,
            ),
            Notifying(
                self._our_name,
                self._routing,
                self._signing.of_notification,
                self._double_bounces(),
                self._postmaster.trouble,
            ),
            timing=Timing(self._reactor, _schedule(found), random.random),
            surroundings=Surroundings(
                self._is_suspended, MemoryBudget(_MEMORY), in_pool
            ),
        )

    def _double_bounces(self) -> Callable[[str, str, Outcome], None]:
        """
        Who hears of notifications that fail: of our own reports, who sends
        them; of all others, postmaster.
        """
        if self._dmarc is None:
            return self._postmaster.double_bounce
        return self._dmarc.double_bounces(self._postmaster.double_bounce)

    def _build_remote(self, gate: Gate) -> RemoteDelivery:
        found = self._configuration
        sending = found.sending
        files = [sending.authorities] if sending.authorities else []
        authorities = Authorities(files)
        return RemoteDelivery(
            Connector(DirectReactor(self._reactor), self._pool.run),
            self._reactor,
            self._resolver,
            gate,
            our_name=self._our_name,
            ourselves=ourselves(found),
            routes=_routes(found.route, tuple(sending.sources)),
            policy=self._policy(authorities),
            judge=authorities.judge,
            random=random.SystemRandom(),
            limits=SendingLimits(
                connections=sending.connections,
                at_once=sending.connections_per_destination,
                port=sending.port,
            ),
        )

    def _policy(self, authorities: Authorities) -> TLSPolicy:
        """
        What domains demand of TLS; with it what reports of that need.
        """
        found = self._configuration
        https = HTTPS(self._reactor, self._resolver, authorities.judge)
        folder = self._state / "mtasts"
        self._mtasts = MTASTS(
            self._resolver,
            https,
            path=str(folder / "policies.sqlite3"),
            disk=self._disk,
            clock=self._reactor,
            in_pool=self._pool.run,
        )
        if found.reports.tls:
            self._sessions = SessionCounts(
                str(folder / "sessions.sqlite3"),
                self._disk,
                clock=self._reactor,
                in_pool=self._pool.run,
            )
            self._tls_reports = TLSReports(
                self._sessions,
                self._resolver,
                https,
                self._report_mailing(),
                clock=self._reactor,
                in_pool=self._pool.run,
            )
        return TLSPolicy(
            self._resolver,
            self._mtasts,
            authorities.judge,
            sessions=self._sessions,
            port=found.sending.port,
        )

    def _build_dmarc_reports(self) -> DMARCReports | None:
        if not self._configuration.reports.dmarc:
            return None
        return DMARCReports(
            DMARCLedger(
                str(self._state / "reports" / "dmarc.sqlite3"), self._disk
            ),
            self._resolver,
            self._report_mailing(),
            self._returns,
            clock=self._reactor,
            in_pool=self._pool.run,
        )

    def _report_mailing(self) -> ReportMailing:
        domain = self._domain
        return ReportMailing(
            self._our_name,
            domain,
            Address("postmaster", domain),
            self._ids.next_id,
            self._send,
        )

    async def _is_suspended(self, address: str) -> bool:
        directory = self._people.directory
        local_part, _, domain = address.rpartition("@")
        try:
            record = directory.record((local_part, domain))
        except LookupError:
            return False
        return directory.is_suspended(record.number)

    async def _routing(self, recipient: Recipient) -> Sequence[Arriving]:
        """
        Where mail of our own goes.
        """
        if self._returns.is_ours(recipient.forward_path):
            # A report of ours that comes back is for nobody.
            raise NoSuchRecipient
        return await copies(recipient, self._people.directory)

    async def _send(self, queue_id: str, mail: Notification) -> None:
        """
        Queue a mail of our own.
        """
        recipients = await self._routing(mail.recipient)
        await self.queue.add(
            Arrival(
                queue_id=queue_id,
                origin=Origin("local", "local", our_name=self._our_name),
                sender=mail.sender,
                recipients=recipients,
                content=mail.content,
                skip=mail.skip,
                prefix=self._signing.of_octets(mail.content[mail.skip :]),
            )
        )

    # --- Reception ------------------------------------------------------------

    def _build_reception(self) -> Reception:
        found = self._configuration
        directory = self._people.directory
        rewriting = SenderRewriting(self._secrets, self._domain)
        hand_over = HandOver(
            self._mailboxes,
            LocalDelivery(self._mailboxes, self.queue),
            self.queue,
            directory,
            self._reactor,
            rewriting,
            self._returned,
        )
        return Reception(
            directory,
            self._mailboxes,
            self.queue,
            self._reactor,
            hand_over=hand_over,
            ids=self._ids,
            room=Room(
                self._spool.free,
                max(2 * found.limits.message_octets, _ROOM_OCTETS),
                self._reactor,
                self._pool.run,
            ),
            in_pool=self._pool.run,
            examine=self._examining(),
            noted=self._noted,
            signing=self._signing,
            rewriting=rewriting,
            returns=self._returns,
            our_names=(self._our_name,),
            default_domain=found.default_domain,
            limits=ReceptionLimits(
                size=found.limits.message_octets,
                recipients=found.limits.recipients,
                hops=found.limits.received_fields,
            ),
        )

    def _examining(self) -> Callable[[Origin, Sender], Examination | None]:
        checks = self._configuration.checks
        exempt = Networks.parse(checks.exempt)
        policy = CheckPolicy(
            spf_fail=Treatment[checks.spf_fail.upper()],
            spf_never=Treatment[checks.spf_never.upper()],
            dkim_fail=Treatment[checks.dkim_fail.upper()],
            dmarc_quarantine=Treatment[checks.dmarc_quarantine.upper()],
            dmarc_reject=Treatment[checks.dmarc_reject.upper()],
            trusted_sealers=frozenset(map(_a_labels, checks.trusted_sealers)),
        )

        def examine(origin: Origin, sender: Sender) -> Examination | None:
            if not origin.peer or origin.peer in exempt:
                return None
            return Examination(
                self._resolver,
                self._reactor,
                policy,
                origin,
                sender,
                self._pool.run,
            )

        return examine

    def _noted(self, envelope: Envelope, examined: Examined) -> None:
        """
        What the checks of a message came to, for reports.
        """
        if self._dmarc is not None:
            self._dmarc.noted(envelope, examined)

    def _returned(self, address: Address) -> None:
        if self._dmarc is not None:
            self._dmarc.returned(address)


def dns_servers(configuration: Configuration) -> tuple[Server, ...]:
    """
    The servers that are asked: the configuration's, else the system's.
    """
    if configuration.dns.servers:
        return tuple(map(parse_server, configuration.dns.servers))
    try:
        text = Path("/etc/resolv.conf").read_text(encoding="utf-8")
    except OSError:
        text = ""
    return system_servers(text)


def _schedule(found: Configuration) -> Schedule:
    times = found.queue
    return Schedule(
        delays=tuple(60 * minutes for minutes in times.retry_minutes),
        later=60 * times.later_minutes,
        lifetime=86400 * times.days,
        null_lifetime=86400 * times.bounce_days,
        warn_after=3600 * times.warn_hours,
    )


def _routes(tables: Sequence[RouteTable], sources: tuple[str, ...]) -> Routes:
    by_recipient: dict[str, NextHop] = {}
    by_sender: dict[str, NextHop] = {}
    for one in tables:
        hop = _next_hop(one, sources)
        if one.to:
            by_recipient[parse_pattern(one.to)] = hop
        else:
            by_sender[sender_key(one.sender)] = hop
    return Routes(by_recipient, by_sender, NextHop(sources=sources))


def _next_hop(one: RouteTable, sources: tuple[str, ...]) -> NextHop:
    usual = _PORT_OF_IMPLICIT_TLS if one.tls == "implicit" else 25
    host, port = parse_target(one.via, usual) if one.via else ("", 25)
    credentials = None
    if one.user:
        credentials = Credentials(one.user, password_in(one.password_file))
    return NextHop(
        host,
        port,
        credentials,
        RouteTLS[one.tls.upper()],
        tuple(one.sources) or sources,
    )


def _a_labels(domain: str) -> str:
    return ascii_domain(domain) or domain
