"""
Tests for ``mailsuite.conversation`` over real TLS.
"""

from __future__ import annotations

from pathlib import Path

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.tls import Certificates, own_authority_file, own_pair
from mailsuite.conversation import Conversation, Settings
from mailsuite.disk import Disk
from tests.test_conversation import Lines, Scripted


class Client(Protocol):
    """
    Remembers what came, and how it ended.
    """

    def __init__(self) -> None:
        self.received = b""
        self.reason: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """
        Octets arrived.  (Name and case are Twisted's.)
        """
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        It is over.  (Name and case are Twisted's.)
        """
        self.reason = reason


class Always(Factory):
    """
    Builds the one protocol that it was given.
    """

    noisy = False

    def __init__(self, built: Protocol) -> None:
        self._built = built

    def buildProtocol(self, addr: object) -> Protocol:
        """
        (Name and case are Twisted's.)
        """
        return self._built


class TLSTests(SynchronousTestCase):
    """
    Tests for ``Conversation`` with a client that trusts our certificate.
    """

    def setUp(self) -> None:
        """
        Connect the two.
        """
        clock, disk = Clock(), Disk()
        self.addCleanup(disk.close)
        state = Path(self.mktemp())
        for folder in ("ca", "certificates"):
            (state / folder).mkdir(parents=True)
        certificates = Certificates(
            [own_pair(state, ["localhost"], disk)], clock
        )
        authority = Certificate.loadPEM(own_authority_file(state).read_bytes())
        self.client = Client()
        server_side = TLSMemoryBIOFactory(
            certificates,
            False,
            Always(
                Conversation(Settings(clock), lambda _: (Lines(), Scripted()))
            ),
            clock,
        ).buildProtocol(None)
        client_side = TLSMemoryBIOFactory(
            optionsForClientTLS("localhost", authority),
            True,
            Always(self.client),
            clock,
        ).buildProtocol(None)
        self.pump = connect(
            server_side,
            FakeTransport(server_side, True),
            client_side,
            FakeTransport(client_side, False),
            clock=clock,
        )
        self.clock = clock

    def test_last_words_close_the_connection(self) -> None:
        """
        The client hears that it is over with the last words, and not when
        somebody's patience ends.
        """
        self.client.transport.write(b"a\r\nquit\r\n")
        self.pump.flush()
        self.clock.advance(1)
        self.pump.flush()

        self.assertEqual(self.client.received, b"hello\r\n<a>\r\nbye\r\n")
        self.assertIsNotNone(self.client.reason)
