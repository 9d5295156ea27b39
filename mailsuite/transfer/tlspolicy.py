"""
What each domain demands of the TLS of its hosts: DANE where there is DNSSEC,
else MTA-STS, else what can be had.

Implementation notes

- DANE is decided host by host, and never falls back to MTA-STS (RFC 8461 2).
- TLSA records are asked for when the domain is, not when its host is: domains
  may share a connection only if a certificate was good for both, and by usage 2
  one may be good by the domain's own name (RFC 7672 3.2.2).
- What a session is counted as is told by its judge.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import Found
from mailsuite.smtp.clienttls import OPPORTUNISTIC, Judge, TLSDemand, TLSMode
from mailsuite.smtp.wire.failures import NotAuthenticated, TLSFailed
from mailsuite.transfer.dane import TLSA, DANEJudge, tlsa_of
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.mtasts import MTASTS, STSFound
from mailsuite.transfer.mx import MailHost, MailHosts, deferred
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.policy import (
    AnyHost,
    DomainPolicy,
    HostDemand,
    NoHost,
    SessionSeen,
)
from mailsuite.transfer.stspolicy import Mode
from mailsuite.transfer.tlsresults import Failed, failed_by, failure_of
from mailsuite.transfer.tlssessions import Applied, SessionCounts

#: Domains whose policies are remembered for the sessions that follow.
_MOST_DOMAINS = 2000


@dataclass(frozen=True, slots=True)
class STSJudge:
    """
    Judges chains by the public authorities, as MTA-STS has it (RFC 8461 4.2).

    :param demanded: else a host that fails is only not authenticated.
    """

    judge: Judge
    demanded: bool

    def __call__(self, chain: Sequence[x509.Certificate], name: str) -> str:
        """
        How the host was authenticated, if it was.

        :raises NotAuthenticated: it was not, and that is demanded.
        """
        try:
            self.judge(chain, name)
        except NotAuthenticated:
            if self.demanded:
                raise
            return ""
        return "MTA-STS"


@dataclass(frozen=True, slots=True)
class HostsPolicy:
    """
    What holds for the hosts of a domain.

    Equal for domains whose connections can be shared.

    :param judge: by the public authorities.
    :param names: of the domain, where a certificate may be good by them alone.
    :param tlsa: by host, if it may have some.
    :param mode: of the domain's MTA-STS policy.
    :param listed: the hosts that it names.
    :param known: the hosts that are known to be the domain's.
    :param refused: told of a host that is not to be used.
    """

    judge: Judge
    names: tuple[str, ...]
    tlsa: tuple[tuple[str, TLSA | Found], ...]
    mode: Mode
    listed: frozenset[str]
    known: frozenset[str]
    requiretls: bool
    refused: Callable[[MailHost, Failed], None] = field(compare=False)

    async def for_host(self, host: MailHost) -> HostDemand | Outcome:
        """
        How to speak with a host, or why not to.
        """
        tlsa = dict(self.tlsa).get(host.name, Found.NO_RECORDS)
        if tlsa is Found.FAILED:
            self.refused(host, Failed("dnssec-invalid"))
            return deferred(
                "4.4.3", f"DNS: no answer for the TLSA records of {host.name}"
            )
        if isinstance(tlsa, TLSA) and (tlsa.usable or not self.requiretls):
            # RFC 7672 3.2.2
            names = dict.fromkeys((tlsa.base, host.name, *self.names))
            return _authenticated(DANEJudge(tlsa, tuple(names)), tlsa.base)
        if self.mode is not Mode.NONE and host.name not in self.listed:
            self.refused(host, Failed("validation-failure", "not in policy"))
            if self.mode is Mode.ENFORCE:
                return deferred(
                    "4.7.5", f"MTA-STS: the policy does not list {host.name}"
                )
        if self.mode is Mode.ENFORCE:
            return _authenticated(STSJudge(self.judge, demanded=True))
        if self.requiretls:
            return await self._required(host)
        if host.name in self.listed:
            judge = STSJudge(self.judge, demanded=False)
            demand = TLSDemand(TLSMode.OPPORTUNISTIC, judge)
            return HostDemand(demand, clear=True)
        return HostDemand(OPPORTUNISTIC, clear=True)

    async def _required(self, host: MailHost) -> HostDemand | Outcome:
        """
        RFC 8689 4.2.1: its name has to be as certain as its certificate.
        """
        if host.name in self.known or host.name in self.listed:
            return _authenticated(self.judge)
        return await NoHost().for_host(host)


class TLSPolicy:
    """
    Knows what each domain demands.

    :param judge: of certificates, by the public authorities.
    :param sessions: counts what comes of it; None: nobody does.
    :param port: that hosts take mail at.
    """

    _log = Logger()

    def __init__(
        self,
        resolver: IResolver,
        mtasts: MTASTS,
        judge: Judge,
        *,
        sessions: SessionCounts | None,
        port: int = 25,
    ) -> None:
        self._resolver = resolver
        self._mtasts = mtasts
        self._judge = judge
        self._sessions = sessions
        self._port = port
        self._found: OrderedDict[str, STSFound] = OrderedDict()

    async def for_domain(
        self, domain: str, hosts: MailHosts, *, requiretls: bool
    ) -> DomainPolicy:
        """
        What holds for a domain's hosts.
        """
        name = None if domain.startswith("[") else ascii_domain(domain)
        if name is None:
            return NoHost() if requiretls else AnyHost()
        tlsa = await self._tlsa(hosts) if hosts.secure else {}
        by_dane = [x for x in tlsa.values() if isinstance(x, TLSA)]
        sts = STSFound()
        if len(by_dane) < len(hosts.hosts) or requiretls:
            sts = await self._mtasts.find(name)
        self._remember(name, sts)
        policy = sts.policy
        by_name = any(
            record.usage == 2 for each in by_dane for record in each.usable
        )
        return HostsPolicy(
            self._judge,
            (name, hosts.canonical or name) if by_name else (),
            tuple(tlsa.items()),
            Mode.NONE if policy is None else policy.mode,
            frozenset(
                host.name
                for host in hosts.hosts
                if policy is not None and policy.names(host.name)
            ),
            frozenset(
                host.name
                for host in hosts.hosts
                if hosts.secure or (hosts.implicit and host.name == name)
            ),
            requiretls,
            lambda host, failed: self._refused(name, host, failed),
        )

    async def _tlsa(self, hosts: MailHosts) -> dict[str, TLSA | Found]:
        """
        Of the hosts with secure addresses (RFC 7672 2.2.2).
        """
        asked = [host for host in hosts.hosts if host.secure]
        found = await gatherResults(
            [
                Deferred.fromCoroutine(
                    answered(tlsa_of(host, self._port), self._resolver)
                )
                for host in asked
            ]
        )
        return {
            host.name: tlsa
            for host, tlsa in zip(asked, found, strict=True)
            if tlsa is not Found.NO_RECORDS
        }

    def _remember(self, domain: str, found: STSFound) -> None:
        self._found[domain] = found
        self._found.move_to_end(domain)
        if len(self._found) > _MOST_DOMAINS:
            self._found.popitem(last=False)

    def _refused(self, domain: str, host: MailHost, failed: Failed) -> None:
        """
        A host is not to be used.
        """
        if failed.result == "dnssec-invalid":
            applied = Applied("tlsa", host.name)
        else:
            self._mtasts.doubt(domain)
            applied = self._applied_sts(domain)
        if self._sessions is not None:
            self._sessions.failed(domain, applied, failed.at(host.name, ""))

    def seen(self, session: SessionSeen) -> None:
        """
        A host was connected to.
        """
        self._tell(session)
        judge = session.demand.tls.judge
        failure = session.failure
        failed_tls = isinstance(failure, TLSFailed | NotAuthenticated)
        if isinstance(judge, STSJudge) and failed_tls:
            self._mtasts.doubt(session.domain)
        if self._sessions is None or not self._is_ours(session):
            return
        if failure is not None and not failed_tls:
            return
        failed = failure_of(session)
        if isinstance(judge, DANEJudge):
            applied = Applied.of_tlsa(judge.tlsa)
            if failed is None and not judge.tlsa.usable:
                failed = Failed("tlsa-invalid")
        else:
            applied = self._applied_sts(session.domain)
            if failed is None and isinstance(judge, STSJudge):
                failed = _failed_test(judge, session)
            failed = failed or self._trouble(session.domain)
        if failed is None:
            self._sessions.succeeded(session.domain, applied)
        else:
            self._sessions.failed(
                session.domain,
                applied,
                failed.at(session.host.name, session.address),
            )

    def _tell(self, session: SessionSeen) -> None:
        """
        Say which hosts are who they should be.
        """
        if session.tls is not None and session.tls.verified:
            self._log.info(
                "{host} [{address}] is authenticated by {how}: {tls}",
                host=session.host.name,
                address=session.address,
                how=session.tls.verified,
                tls=str(session.tls),
            )

    def _is_ours(self, session: SessionSeen) -> bool:
        """
        Whether a domain's policy led to a session, and not a route of the
        operator's.
        """
        return session.demand.counted and session.domain in self._found

    def _applied_sts(self, domain: str) -> Applied:
        found = self._found.get(domain, STSFound())
        if found.policy is not None:
            return Applied.of_sts(domain, found.policy)
        if found.trouble is not None:
            return Applied("sts", domain)
        return Applied("no-policy-found", domain)

    def _trouble(self, domain: str) -> Failed | None:
        found = self._found.get(domain, STSFound())
        return None if found.trouble is None else Failed(found.trouble.value)


def _authenticated(judge: Judge, server_name: str = "") -> HostDemand:
    return HostDemand(TLSDemand(TLSMode.REQUIRED, judge, server_name))


def _failed_test(judge: STSJudge, session: SessionSeen) -> Failed | None:
    """
    What a policy in testing would have kept from coming about.
    """
    if session.tls is None or session.tls.verified:
        return None
    try:
        judge.judge(session.tls.chain, session.host.name)
    except NotAuthenticated as fact:
        return failed_by(fact)
    return None
