"""
What a domain demands of the TLS of its hosts, and what holds where it demands
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mailsuite.smtp.clienttls import (
    CLEAR,
    OPPORTUNISTIC,
    Judge,
    Negotiated,
    TLSDemand,
    TLSMode,
)
from mailsuite.smtp.wire.failures import SendingFailed
from mailsuite.transfer.mx import MailHost, MailHosts, failed
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.routes import RouteTLS


@dataclass(frozen=True, slots=True)
class HostDemand:
    """
    How one host is to be spoken with.

    :param clear: if its TLS fails, it may be spoken with in clear.
    :param counted: what comes of it may be reported (RFC 8460 4).
    """

    tls: TLSDemand
    clear: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """
    A connection to a host, and what became of its TLS (RFC 8460 4).

    :param domain: whose mail it was opened for, in A-labels.
    :param tls: as negotiated; None in clear.
    :param failure: what kept the session from coming about.
    """

    domain: str
    host: MailHost
    address: str
    demand: HostDemand
    tls: Negotiated | None
    failure: SendingFailed | None = None


class DomainPolicy(Protocol):
    """
    What holds for the hosts of a domain.

    Hashable: domains with the same hosts and equal policies share connections.
    """

    async def for_host(self, host: MailHost) -> HostDemand | Outcome:
        """
        How to speak with a host, or why not to.
        """

    def __hash__(self) -> int: ...


class Policy(Protocol):
    """
    Knows what each domain demands.
    """

    async def for_domain(
        self, domain: str, hosts: MailHosts, *, requiretls: bool
    ) -> DomainPolicy:
        """
        What holds for a domain's hosts.

        :param domain: the recipients'.
        :param requiretls: the sender demands an authenticated host
            (RFC 8689).
        """

    def seen(self, session: SessionSeen) -> None:
        """
        A host was connected to.
        """


@dataclass(frozen=True, slots=True)
class AnyHost:
    """
    Nothing is demanded: TLS where it is offered, and works (RFC 7435).

    :param counted: as in ``HostDemand``.
    """

    counted: bool = True

    async def for_host(self, host: MailHost) -> HostDemand | Outcome:
        """
        TLS if it can be.
        """
        return HostDemand(OPPORTUNISTIC, clear=True, counted=self.counted)


@dataclass(frozen=True, slots=True)
class NoHost:
    """
    The sender demands what no host of the domain can give.
    """

    async def for_host(self, host: MailHost) -> HostDemand | Outcome:
        """
        RFC 8689 4.2.1, 5
        """
        return failed("5.7.30", f"REQUIRETLS: {host.name} is not authenticated")


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """
    What the operator demands of a next hop.

    :param judge: of certificates, where they must be good.
    :param requiretls: as in ``Policy.for_domain``.
    """

    tls: RouteTLS
    judge: Judge
    requiretls: bool = False

    async def for_host(self, host: MailHost) -> HostDemand | Outcome:
        """
        What was configured.
        """
        implicit = self.tls is RouteTLS.IMPLICIT
        if implicit or self.tls is RouteTLS.VERIFIED:
            demand = TLSDemand(TLSMode.REQUIRED, self.judge, implicit=implicit)
            return HostDemand(demand)
        if self.requiretls:
            return await NoHost().for_host(host)
        if self.tls is RouteTLS.NONE:
            return HostDemand(CLEAR)
        return HostDemand(OPPORTUNISTIC, clear=True)
