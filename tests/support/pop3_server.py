"""
A POP3 server in memory, for tests: bob's maildrop without sockets.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from mailsuite.conversation import ConversationFactory, Settings
from mailsuite.interfaces import AccountRecord
from mailsuite.mail.mailboxes import INBOX
from mailsuite.pop3.listener import Limits, Listener
from mailsuite.pop3.protocol import pop3_factory
from tests.support.dialogs import MemoryClient
from tests.support.memory_content import MemoryIncoming
from tests.support.memory_login import MemoryLogin
from tests.support.memory_store import MemoryAccount, MemoryStore
from tests.support.smtp_server import EncryptableTransport


def filled(head: bytes, size: int) -> bytes:
    """
    A message of exactly so many octets: ``head``, and one long line.
    """
    return head + b"x" * (size - len(head) - 2) + b"\r\n"


class POP3Server:
    """
    One listener, and the user bob with the password hungry.

    :param can_start_tls: STLS is offered.
    :ivar peer: whom the next client comes from.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        can_start_tls: bool = False,
        clear_passwords: bool = True,
    ) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock.seconds)
        self.login = MemoryLogin({"bob": "hungry"})
        self.account: MemoryAccount = _now(
            self.store.account(AccountRecord(1, "bob@localhost", "", ""))
        )
        self.login.account = self.account
        self.peer = "192.0.2.1"
        # Any: it is handed through to startTLS, which looks at nothing.
        tls: Any = object() if can_start_tls else None
        self.settings = Settings(self.clock, tls)
        self.factory: ConversationFactory = pop3_factory(
            self.settings,
            Listener(clear_passwords, limits or Limits()),
            login=self.login,
            most=1000,
            most_per_address=1000,
        )

    def deliver(self, *messages: bytes) -> None:
        """
        Put messages into INBOX.
        """
        for octets in messages:
            content = MemoryIncoming()
            content.write(octets)
            _now(self.account.found(INBOX).append(content))

    def uids(self) -> list[int]:
        """
        The UIDs in INBOX.
        """
        return list(self.account.found(INBOX).messages.uids)

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

    def logged_in(self) -> MemoryClient:
        """
        A client whose login is done.
        """
        client = self.connect()
        client.send(b"USER bob\r\nPASS hungry\r\n")
        assert client.received().endswith(b"logged on\r\n")
        return client


def _now(awaitable: Any) -> Any:
    """
    The result of what does not wait.  (Any: whatever it is.)
    """
    results: list[Any] = []
    ensureDeferred(awaitable).addBoth(results.append)
    (result,) = results
    return result
