"""
An SMTP client in memory, for tests: what it says is seen, what it hears is
said by the test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.client import ClientMessage, SMTPClient
from mailsuite.smtp.clienttls import CLEAR
from mailsuite.smtp.opening import Conduct
from mailsuite.smtp.place import Place
from mailsuite.smtp.sender import Connector
from tests.support.dialogs import DialogFailed, steps_of

T = TypeVar("T")

PLACE = Place("192.0.2.1", 25, "mx.hamburger.edu")
CONDUCT = Conduct("crepes.fr", CLEAR)


def at_once(work: Callable[[], T], /) -> Deferred[T]:
    """
    No pool: here and at once.
    """
    return succeed(work())


def message(
    content: bytes, *names: str, sender: Sender | None = None
) -> ClientMessage:
    """
    One from alice@crepes.fr to these at hamburger.edu, bob if none is named.
    """
    return ClientMessage(
        sender or Sender(Address("alice", "crepes.fr")),
        tuple(
            Recipient(Address(name, "hamburger.edu"))
            for name in names or ("bob",)
        ),
        content,
    )


class PeerTransport(StringTransport):
    """
    The client's transport, which keeps its writes apart.
    """

    protocol: Protocol

    def __init__(self, reactor: MemoryReactorClock) -> None:
        super().__init__()
        self._reactor = reactor
        self.writes: list[bytes] = []
        self.gone = False
        #: Each write of a producer is more than the network takes at once.
        self.slow = False
        self._tls: TLSMemoryBIOProtocol | None = None

    def setTcpNoDelay(self, enabled: bool) -> None:
        """
        There is no delay.  (Name and case are Twisted's.)
        """

    def write(self, data: bytes) -> None:
        """
        Keep it, encrypted if that has begun.
        """
        if self._tls is not None:
            self._tls.write(data)
            return
        self.pass_on(data)

    def pass_on(self, data: bytes) -> None:
        """
        Keep it as it is.
        """
        self.writes.append(data)
        if self.slow and self.producer is not None:
            self.producer.pauseProducing()

    def startTLS(self, creator: object) -> None:
        """
        Begin real TLS.  (Name and case are Twisted's.)
        """
        factory = TLSMemoryBIOFactory(creator, True, None)
        tls = TLSMemoryBIOProtocol(factory, self.protocol, False)
        self.protocol = tls
        tls.makeConnection(_Below(self))
        self._tls = tls

    def getHandle(self) -> object:
        """
        The TLS connection.  (Name and case are Twisted's.)
        """
        assert self._tls is not None
        return self._tls.getHandle()

    def loseConnection(self) -> None:
        """
        End it in the next turn.  (Name and case are Twisted's.)
        """
        self._reactor.callLater(0, self.lose, ConnectionDone())

    def abortConnection(self) -> None:
        """
        The same, in haste.  (Name and case are Twisted's.)
        """
        self._reactor.callLater(0, self.lose, ConnectionAborted())

    def lose(self, reason: Exception | None = None) -> None:
        """
        The connection is gone.
        """
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(reason or ConnectionDone()))


class _Below(StringTransport):
    """
    What TLS writes to.
    """

    def __init__(self, above: PeerTransport) -> None:
        super().__init__()
        self._above = above

    def write(self, data: bytes) -> None:
        """
        Encrypted octets.
        """
        self._above.pass_on(data)

    def loseConnection(self) -> None:
        """
        (Name and case are Twisted's.)
        """
        self._above.loseConnection()

    def abortConnection(self) -> None:
        """
        (Name and case are Twisted's.)
        """
        self._above.abortConnection()


class Peer:
    """
    The server's place in a conversation with the client.
    """

    def __init__(
        self, conduct: Conduct = CONDUCT, place: Place = PLACE
    ) -> None:
        self.reactor = MemoryReactorClock()
        self.transport = PeerTransport(self.reactor)
        connector = Connector(self.reactor, at_once)
        self.connecting: Deferred[SMTPClient] = Deferred.fromCoroutine(
            connector.connect(place, conduct)
        )

    def accept(self) -> None:
        """
        The TCP connection stands.
        """
        factory = self.reactor.tcpClients[-1][2]
        self.transport.protocol = factory.buildProtocol(None)
        self.transport.protocol.makeConnection(self.transport)

    def say(self, *lines: str) -> None:
        """
        Lines to the client.
        """
        self.say_octets("".join(f"{line}\r\n" for line in lines).encode())

    def say_octets(self, octets: bytes) -> None:
        """
        Octets to the client, if it is still there.
        """
        if self.transport.gone:
            return
        self.transport.protocol.dataReceived(octets)
        self.reactor.advance(0)

    def heard(self) -> bytes:
        """
        What the client said since the last call.
        """
        octets = b"".join(self.transport.writes)
        self.transport.writes.clear()
        return octets

    def one_write(self) -> bytes:
        """
        The same, which it must have said in one write.
        """
        assert len(self.transport.writes) == 1, self.transport.writes
        return self.heard()


def opened(
    *extensions: str, conduct: Conduct = CONDUCT
) -> tuple[Peer, SMTPClient]:
    """
    A connection to a server that has these extensions.
    """
    peer = Peer()
    peer.accept()
    peer.say("220 hamburger.edu")
    lines = ["hamburger.edu", *extensions]
    peer.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")
    peer.heard()
    clients: list[SMTPClient] = []
    peer.connecting.addCallback(clients.append)
    (client,) = clients
    return peer, client


def play_server(text: str, peer: Peer) -> None:
    """
    Play a dialogue in which ``S:`` is us and ``C:`` the client.

    ``S: (closed)`` ends the connection; ``C: (closed)`` expects that the
    client does.

    :raises DialogFailed: the client said something else.
    """
    rest = b""
    for step in steps_of(text):
        if step.who == "S":
            if rest or peer.transport.writes:
                raise DialogFailed(
                    f"line {step.line}: not expected: {rest + peer.heard()!r}"
                )
            if step.text == "(closed)":
                peer.transport.lose()
            else:
                peer.say(step.text)
            continue
        if step.text == "(closed)":
            peer.reactor.advance(0)
            if not peer.transport.gone:
                raise DialogFailed(f"line {step.line}: it is still there")
            continue
        rest += peer.heard()
        wanted = f"{step.text}\r\n".encode()
        if not rest.startswith(wanted):
            raise DialogFailed(f"line {step.line}: {wanted!r}, got {rest!r}")
        rest = rest[len(wanted) :]
    if rest or peer.transport.writes:
        raise DialogFailed(f"at the end: {rest + peer.heard()!r}")
