"""
Other hosts in memory, for the tests of sending to them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailsuite.mail.address import Address
from mailsuite.mail.dns import Answer, Question
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.smtp.client import ClientMessage
from mailsuite.smtp.opening import Conduct
from mailsuite.smtp.place import Place
from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.failures import (
    ConnectFailed,
    NotSendable,
    SendingFailed,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.mx import MailHosts, Ourselves
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.policy import (
    AnyHost,
    DomainPolicy,
    NoHost,
    Policy,
    SessionSeen,
)
from mailsuite.transfer.remote import Remote
from mailsuite.transfer.routes import Routes
from mailsuite.transfer.surroundings import Limits
from tests.support.memory_content import MemoryContent
from tests.support.memory_resolver import MemoryResolver, records

T = TypeVar("T")

#: A Tuesday, 12:00 UTC.
NOON = 1795521600.0

MX = Origin("ESMTP", "mx", "192.0.2.7", "crepes.fr", our_name="hamburger.edu")
SUBMISSION = Origin(
    "ESMTPSA",
    "submission",
    "192.0.2.7",
    "laptop",
    user="bob@hamburger.edu",
    our_name="hamburger.edu",
)

CONTENT = b"From: bob@hamburger.edu\r\n\r\nDo you like ketchup?\r\n"

EVERYTHING = Capabilities(
    extended=True,
    pipelining=True,
    eight_bit=True,
    smtputf8=True,
    dsn=True,
    size=0,
)

OK = PeerReply(250, "2.0.0", ("Ok",))


def reply(text: str) -> PeerReply:
    """
    ``550 5.1.1 No such user``.
    """
    code, enhanced, words = text.split(" ", 2)
    return PeerReply(int(code), enhanced, (words,))


#: What a host does with a message: answers, fails, or takes its time.
Answering = Callable[
    [ClientMessage],
    "list[PeerReply] | SendingFailed | Deferred[list[PeerReply]]",
]


def takes_all(message: ClientMessage) -> list[PeerReply]:
    """
    A host without fault.
    """
    return [OK] * len(message.recipients)


def says(*texts: str) -> Answering:
    """
    A host that answers so, one text a recipient, or one for all.
    """
    replies = [reply(text) for text in texts]

    def answer(message: ClientMessage) -> list[PeerReply]:
        if len(replies) == 1:
            return replies * len(message.recipients)
        return replies[: len(message.recipients)]

    return answer


def fails(failure: SendingFailed) -> Answering:
    """
    A host with which a transaction comes to nothing.
    """
    return lambda _: failure


class Opportunistic:
    """
    The policy of a world in which no domain has one.
    """

    async def for_domain(
        self, domain: str, hosts: MailHosts, *, requiretls: bool
    ) -> DomainPolicy:
        """
        TLS if it can be; who must have it gets nothing sent.
        """
        return NoHost() if requiretls else AnyHost()

    def seen(self, session: SessionSeen) -> None:
        """
        Nobody asked for reports.
        """


@dataclass
class Host:
    """
    What there is at an address.

    :ivar opening: raised by each connection, from the first on; at the end,
        or for None, it opens.
    :ivar answers: to each message, from the first on; the last stays.
    :ivar slow: connections wait until ``let_in``.
    """

    opening: list[SendingFailed | None] = field(default_factory=list)
    answers: list[Answering] = field(default_factory=lambda: [takes_all])
    capabilities: Capabilities = EVERYTHING
    slow: bool = False
    answering: bool = True


class FakeClient:
    """
    A connection as ``SMTPClient`` offers it, without a wire.
    """

    def __init__(self, network: Network, place: Place, host: Host) -> None:
        self.place = place
        self.capabilities = host.capabilities
        self.tls = None
        self.taken = 0
        self.past_end = False
        self._network = network
        self._host = host
        self._open = True
        self._sending = 0

    @property
    def usable(self) -> bool:
        """
        Whether another message may be sent.
        """
        return self._open

    @property
    def ready(self) -> bool:
        """
        Whether ``send`` may be called at this moment.
        """
        pipelined = self.capabilities.pipelining and self.taken > 0
        return self._open and self._sending <= pipelined

    async def send(self, message: ClientMessage) -> tuple[PeerReply, ...]:
        """
        What the host answers.
        """
        assert self.ready
        self._network.sent.append((self.place, message))
        answers = self._host.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self._sending += 1
        try:
            replies = answer(message)
            if isinstance(replies, Deferred):
                replies = await replies
            if isinstance(replies, SendingFailed):
                raise replies
        except BaseException as error:
            self._open = isinstance(error, NotSendable)
            raise
        finally:
            self._sending -= 1
        self.taken += any(x.taken for x in replies)
        return tuple(replies)

    async def quit(self) -> None:
        """
        Goodbye.
        """
        self._open = False
        self._network.quits.append(self.place)

    def abort(self) -> None:
        """
        Gone.
        """
        self._open = False


class Network:
    """
    Hosts by address; elsewhere nobody is.

    :ivar connections: that were tried, with how we behaved.
    :ivar sent: messages, and where to.
    """

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self.hosts = dict(hosts)
        self.connections: list[tuple[Place, Conduct]] = []
        self.sent: list[tuple[Place, ClientMessage]] = []
        self.clients: list[FakeClient] = []
        self.quits: list[Place] = []
        self.entering: list[Deferred[None]] = []

    @property
    def tried(self) -> list[str]:
        """
        The addresses that were connected to.
        """
        return [place.address for place, _ in self.connections]

    def let_in(self) -> None:
        """
        All connections that wait go on.
        """
        while self.entering:
            self.entering.pop(0).callback(None)

    async def connect(
        self,
        place: Place,
        conduct: Conduct,
        reached: Callable[[], None] | None = None,
    ) -> FakeClient:
        """
        A connection, unless the host is of another mind.
        """
        self.connections.append((place, conduct))
        host = self.hosts.get(place.address)
        if host is None:
            raise ConnectFailed("connection refused")
        if host.answering and reached is not None:
            reached()
        if host.slow:
            turn: Deferred[None] = Deferred()
            self.entering.append(turn)
            await turn
        failure = host.opening.pop(0) if host.opening else None
        if failure is not None:
            raise failure
        client = FakeClient(self, place, host)
        self.clients.append(client)
        return client


class InOrder(Random):
    """
    Chance that leaves all as it is.
    """

    def shuffle(self, x: Any) -> None:
        """
        Leave it.
        """


def nobody(chain: object, name: str) -> str:
    """
    A judge whom no certificate reaches.
    """
    raise AssertionError("there are no certificates here")


@dataclass
class Sending:
    """
    A ``Remote`` among hosts in memory.
    """

    hosts: Mapping[str, Host] = field(default_factory=dict)
    table: Mapping[Question, Answer] = field(default_factory=dict)
    routes: Routes = field(default_factory=Routes)
    policy: Policy = field(default_factory=Opportunistic)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOON)
        self.network = Network(self.hosts)
        self.resolver = MemoryResolver(self.table)
        self.gate = Gate()
        self.remote = Remote(
            # It offers what is used of a connection.
            self.network,  # type: ignore[arg-type]
            self.clock,
            self.resolver,
            self.gate,
            our_name="mail.hamburger.edu",
            ourselves=Ourselves(
                frozenset({"mail.hamburger.edu"}), frozenset({"192.0.2.99"})
            ),
            routes=self.routes,
            policy=self.policy,
            judge=nobody,
            random=InOrder(),
            limits=self.limits,
        )

    def begin(self, outgoing: Outgoing) -> Deferred[dict[int, Outcome]]:
        """
        An attempt under way.
        """
        return Deferred.fromCoroutine(self.remote.deliver(outgoing))

    def deliver(self, outgoing: Outgoing) -> dict[int, Outcome]:
        """
        What an attempt comes to that waits for nothing.
        """
        return now(self.remote.deliver(outgoing))

    def one(self, outgoing: Outgoing) -> Outcome:
        """
        The same for the first recipient.
        """
        return self.deliver(outgoing)[1]


def crepes(*addresses: str) -> dict[Question, Answer]:
    """
    A DNS in which ``crepes.fr`` has a host at each address, in this order.
    """
    table: dict[Question, Answer] = {}
    exchanges = []
    for number, address in enumerate(addresses, 1):
        host = f"mx{number}.crepes.fr"
        exchanges.append(f"{number} {host}")
        kind = "AAAA" if ":" in address else "A"
        table.update(records(host, **{kind: [address]}))
    return {**table, **records("crepes.fr", MX=exchanges)}


def outgoing(
    *recipients: str | Recipient,
    reverse_path: str | None = "bob@hamburger.edu",
    octets: bytes = CONTENT,
    in_memory: bool = True,
    **fields: Any,
) -> Outgoing:
    """
    A message for ``alice@crepes.fr``, unless it is for others.
    """
    people = [
        Recipient(Address.parse(x)) if isinstance(x, str) else x
        for x in recipients or ("alice@crepes.fr",)
    ]
    path = Address.parse(reverse_path) if reverse_path else None

    async def open_content() -> MemoryContent:
        return MemoryContent(octets)

    usual: dict[str, Any] = {
        "queue_id": "Q1",
        "origin": SUBMISSION,
        "sender": Sender(path),
        "recipients": tuple(enumerate(people, 1)),
        "domain": people[0].forward_path.domain,
        "attempts": 0,
        "last_peer": "",
        "open": open_content,
        "octets": octets if in_memory else None,
    }
    return Outgoing(**{**usual, **fields})


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    What a coroutine returns that never waits.
    """
    results: list[T] = []
    waiting = Deferred.fromCoroutine(coroutine)
    waiting.addCallback(results.append)
    if not results:
        failures: list[Any] = []
        waiting.addErrback(failures.append)
        assert failures, "it waits"
        failures[0].raiseException()
    return results[0]
