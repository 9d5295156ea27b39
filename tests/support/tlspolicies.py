"""
What domains demand of TLS, with the DNS and the web as tables, for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from twisted.internet.task import Clock

from mailsuite.disk import Disk
from mailsuite.smtp.clienttls import OPPORTUNISTIC, Judge
from mailsuite.smtp.wire.failures import NotAuthenticated
from mailsuite.transfer.https import Answered
from mailsuite.transfer.mtasts import MTASTS
from mailsuite.transfer.mx import MailHost, MailHosts
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.policy import DomainPolicy, HostDemand
from mailsuite.transfer.tlspolicy import TLSPolicy
from mailsuite.transfer.tlsreport import PolicyReport
from mailsuite.transfer.tlssessions import DomainDay, SessionCounts
from tests.support.memory_resolver import MemoryResolver, records
from tests.support.memory_web import MemoryWeb
from tests.support.queueing import at_once
from tests.support.remotes import now

MX = MailHost("mx.example.org", ("192.0.2.1",), 10, canonical="mx.example.org")
DAY = 19_675
IN_CLEAR = HostDemand(OPPORTUNISTIC, clear=True)


def secure_host(name: str = "mx.example.org") -> MailHost:
    """
    A host whose addresses DNSSEC vouches for.
    """
    return MailHost(name, ("192.0.2.1",), 10, secure=True, canonical=name)


SECURE = secure_host()


def _trust_nobody(chain: Sequence[x509.Certificate], name: str) -> str:
    raise NotAuthenticated(f"not {name}")


class TLSPolicies:
    """
    A policy, with all that it asks.
    """

    def __init__(
        self, path: Path, judge: Judge | None = None, *, port: int = 25
    ) -> None:
        self.clock = Clock()
        self.clock.advance(DAY * 86400)
        self.resolver = MemoryResolver()
        self.web = MemoryWeb()
        self.disk = Disk()
        self.disk.make_folders(str(path))
        self.mtasts = MTASTS(
            self.resolver,
            self.web,
            path=str(path / "policies.sqlite3"),
            disk=self.disk,
            clock=self.clock,
            in_pool=at_once,
        )
        self.sessions = SessionCounts(
            str(path / "sessions.sqlite3"),
            self.disk,
            clock=self.clock,
            in_pool=at_once,
        )
        now(self.mtasts.start())
        now(self.sessions.start())
        self.policy = TLSPolicy(
            self.resolver,
            self.mtasts,
            judge or _trust_nobody,
            sessions=self.sessions,
            port=port,
        )

    def close(self) -> None:
        """
        All of it.
        """
        now(self.mtasts.stop())
        now(self.sessions.stop())
        self.disk.close()

    def publish_sts(self, domain: str, mode: str, *mx: str) -> None:
        """
        A domain gets an MTA-STS policy.
        """
        name = f"_mta-sts.{domain}"
        self.resolver.answers |= records(name, TXT=["v=STSv1; id=a;"])
        lines = "".join(f"mx: {each}\n" for each in mx)
        self.web.answers[
            f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        ] = Answered(
            200,
            "text/plain",
            f"version: STSv1\nmode: {mode}\n{lines}max_age: 604800\n".encode(),
        )

    def publish_tlsa(self, host: str, *texts: str) -> None:
        """
        A host gets TLSA records.
        """
        name = f"_25._tcp.{host}"
        self.resolver.answers |= records(name, secure=True, TLSA=[*texts])

    def for_domain(
        self,
        *hosts: MailHost,
        domain: str = "example.org",
        secure: bool = False,
        implicit: bool = False,
        requiretls: bool = False,
    ) -> DomainPolicy:
        """
        What holds for a domain.
        """
        found = MailHosts(hosts or (MX,), secure, implicit, domain)
        return now(self.policy.for_domain(domain, found, requiretls=requiretls))

    def counted(self) -> tuple[PolicyReport, ...]:
        """
        What is counted so far.
        """
        now(self.sessions.write())
        return now(self.sessions.of(DomainDay("example.org", DAY)))


def demanded(policy: DomainPolicy, host: MailHost = MX) -> HostDemand:
    """
    How a host is to be spoken with.
    """
    found = now(policy.for_host(host))
    assert isinstance(found, HostDemand), found
    return found


def refusal(policy: DomainPolicy, host: MailHost = MX) -> Outcome:
    """
    Why a host is not to be spoken with.
    """
    found = now(policy.for_host(host))
    assert isinstance(found, Outcome), found
    return found
