"""
What all deliveries to other hosts share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from mailsuite.smtp.client import SMTPClient
from mailsuite.smtp.opening import Conduct
from mailsuite.smtp.place import Place
from mailsuite.transfer.candidates import Shuffle
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.hosts import ClearHosts, DeadHosts, EndPoint
from mailsuite.transfer.mx import MailHosts
from mailsuite.transfer.policy import DomainPolicy, Policy
from mailsuite.transfer.routes import NextHop


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much of anything there may be.

    :param connections: in all.
    :param at_once: connections to one destination.
    :param at_first: the same, before it has taken a message.
    :param messages: over one connection.
    :param lifetime: of a connection, seconds.
    :param idle: how long a connection waits for another message, seconds.
    :param addresses: that are tried in one attempt.
    :param sessions: past the greeting, in one attempt.
    :param recipients: of one transaction.
    :param port: of hosts that the DNS names.
    """

    connections: int = 100
    at_once: int = 20
    at_first: int = 5
    messages: int = 100
    lifetime: float = 300.0
    idle: float = 2.0
    addresses: int = 5
    sessions: int = 2
    recipients: int = 50
    port: int = 25


class Connector(Protocol):
    """
    Makes connections, as ``mailsuite.smtp.sender.Connector`` does.
    """

    async def connect(
        self,
        place: Place,
        conduct: Conduct,
        reached: Callable[[], None] | None = None,
    ) -> SMTPClient:
        """
        A connection that is ready for messages.

        :param reached: called when somebody answers there.
        :raises SendingFailed: there is none.
        """


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Where a domain's mail goes, and how.
    """

    domain: str
    next_hop: NextHop
    hosts: MailHosts
    policy: DomainPolicy

    @property
    def terms(self) -> tuple[NextHop, DomainPolicy]:
        """
        What a connection must satisfy.
        """
        return self.next_hop, self.policy

    @property
    def destination(self) -> tuple[object, ...]:
        """
        Equal for domains that share connections.
        """
        names = tuple((x.preference, x.name) for x in self.hosts.hosts)
        return names, self.next_hop, self.policy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    :param our_name: what we call ourselves in EHLO.
    :param dead: hosts that nobody answers at.
    :param unfit: hosts whose TLS or login fails on certain terms.
    :param clear: hosts whose TLS does not work, and need not.
    """

    connector: Connector
    clock: IReactorTime
    policy: Policy
    gate: Gate
    limits: Limits
    our_name: str
    shuffle: Shuffle
    dead: DeadHosts[EndPoint] = field(init=False)
    unfit: DeadHosts[tuple[EndPoint, object]] = field(init=False)
    clear: ClearHosts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dead", DeadHosts(self.clock))
        object.__setattr__(self, "unfit", DeadHosts(self.clock))
        object.__setattr__(self, "clear", ClearHosts(self.clock))

    def forget(self) -> None:
        """
        Try every host anew.
        """
        self.dead.clear()
        self.unfit.clear()
        self.clear.clear()
