"""
An SMTP server in memory, for tests: listeners without sockets.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface import directlyProvides, providedBy

from mailsuite.conversation import ConversationFactory, Settings
from mailsuite.interfaces import IReception
from mailsuite.smtp.listener import Limits, Listener, Purpose
from mailsuite.smtp.networks import Networks
from mailsuite.smtp.protocol import smtp_factory
from tests.support.dialogs import MemoryClient
from tests.support.memory_login import MemoryLogin


class EncryptableTransport(StringTransport):
    """
    A transport on which TLS begins at once, without a handshake.
    """

    def startTLS(self, context: object) -> None:
        """
        Be encrypted.  (Name and case are Twisted's.)
        """
        directlyProvides(self, providedBy(self) + ISSLTransport)

    def getHandle(self) -> None:
        """
        There is no TLS connection.  (Name and case are Twisted's.)
        """


class MemoryServer:
    """
    One listener.

    :param can_start_tls: STARTTLS is offered.
    :param trusted: networks whose hosts may relay.
    :ivar peer: whom the next client comes from.
    """

    def __init__(
        self,
        purpose: Purpose,
        reception: IReception,
        *,
        limits: Limits | None = None,
        can_start_tls: bool = False,
        clear_passwords: bool = False,
        trusted: tuple[str, ...] = (),
    ) -> None:
        self.clock = Clock()
        self.reception = reception
        self.login = MemoryLogin({"alice@hamburger.edu": "ketchup"})
        self.peer = "192.0.2.1"
        # Any: it is handed through to startTLS, which looks at nothing.
        tls: Any = object() if can_start_tls else None
        self.settings = Settings(self.clock, tls)
        self.factory: ConversationFactory = smtp_factory(
            self.settings,
            Listener(
                purpose,
                "hamburger.edu",
                clear_passwords,
                limits or Limits(),
                Networks.parse(trusted),
            ),
            reception=reception,
            login=self.login,
            most=1000,
            most_per_address=1000,
        )

    def connect(self, *, tls: bool = False) -> MemoryClient:
        """
        A new client.

        :param tls: the connection is encrypted from the start.
        """
        address = IPv4Address("TCP", self.peer, 49152)
        transport = EncryptableTransport(peerAddress=address)
        if tls:
            transport.startTLS(None)
        return MemoryClient(self.factory.buildProtocol(address), transport)
