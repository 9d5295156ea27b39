"""
An IMAP server in memory: the real protocol on the store that tests use.
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailsuite.conversation import ConversationFactory, Settings
from mailsuite.imap.idling import Idlers
from mailsuite.imap.protocol import REFUSAL, BuildIMAP
from mailsuite.imap.renderers import renderers
from mailsuite.imap.session import Service
from mailsuite.interfaces import AccountRecord
from tests.support.dialogs import MemoryClient, play
from tests.support.memory_login import MemoryLogin
from tests.support.memory_store import MemoryAccount, MemoryStore

#: A Wednesday: 17 Jul 1996 09:44:25 UTC, the day of RFC 3501's examples.
NOW = 837596665.0


class IMAPServer:
    """
    One account, alice's, and any number of clients.

    :param separator: of hierarchy levels.
    :param octets_limit: of her quota.
    :param append_limit: octets of the largest message.
    """

    def __init__(
        self,
        *,
        separator: str = "/",
        octets_limit: int | None = None,
        messages_limit: int | None = None,
        append_limit: int = 1 << 20,
        clear_passwords: bool = False,
    ) -> None:
        self.clock = Clock()
        self.clock.rightNow = NOW
        self.store = MemoryStore(self.clock.seconds, renderers())
        record = AccountRecord(
            1,
            "alice@example.org",
            "/nowhere",
            "/nowhere/Maildir",
            octets_limit,
            messages_limit,
        )
        self.login = MemoryLogin({"alice": "secret"})
        self.account: MemoryAccount = now(self.store.account(record))
        self.login.account = self.account
        self.settings = Settings(self.clock)
        service = Service(
            login=self.login,
            mailboxes=self.store,
            clock=self.clock,
            idlers=Idlers(self.clock),
            separator=separator,
            append_limit=append_limit,
            clear_passwords=clear_passwords,
        )
        self.factory = ConversationFactory(
            self.settings,
            BuildIMAP(service),
            refusal=REFUSAL,
            most=100,
            most_per_address=100,
        )

    def connect(self, host: str = "127.0.0.1") -> TimedClient:
        """
        Another client's connection.
        """
        return TimedClient(self, host)

    def play(self, text: str) -> None:
        """
        Play a dialogue with it.
        """
        now(play(text, self.connect))

    def logged_in(self, mailbox: str | None = None) -> TimedClient:
        """
        A client that has logged in, and selected a mailbox.
        """
        client = self.connect()
        client.ask(b"LOGIN alice secret")
        if mailbox is not None:
            client.ask(b"SELECT " + mailbox.encode())
        return client

    def held(self) -> list[str]:
        """
        What sessions have not given back, and timers they left.
        """
        held = [
            f"{mailbox.name} is open"
            for mailbox in self.account.all_mailboxes()
            if mailbox.users or mailbox.listeners
        ]
        # One is the server's own; the fake login counts none of the others.
        if self.account.users != 1 - len(self.login.sessions):
            held.append("the account was not released once a login")
        held += [str(call) for call in self.clock.getDelayedCalls()]
        held += [
            f"{login.address} is logged in"
            for login in self.login.sessions
            if not login.logged_out
        ]
        return held

    def append(
        self,
        content: bytes = b"Subject: x\r\n\r\nbody\r\n",
        mailbox: str = "INBOX",
        flags: Iterable[str] = (),
        internal_date: float | None = None,
    ) -> int:
        """
        Put a message there, as a delivery would.

        :return: its UID.
        """
        incoming = now(self.store.incoming(None))
        incoming.write(content)
        appended = now(
            self.account.found(mailbox).append(incoming, flags, internal_date)
        )
        return appended.uids[0]


class TimedClient(MemoryClient):
    """
    A client whose server's clock goes on a little while it waits.
    """

    def __init__(self, server: IMAPServer, host: str) -> None:
        self._server = server
        self._tags = 0
        address = IPv4Address("TCP", host, 50000)
        protocol = server.factory.buildProtocol(address)
        super().__init__(protocol, StringTransport(peerAddress=address))

    async def wait(self) -> None:
        """
        Let what was put off happen.
        """
        before = self.transport.value()
        for _ in range(3):
            self._server.clock.advance(0)
        if self.transport.value() == before:
            await super().wait()

    def disconnect(self) -> None:
        """
        The connection is gone.
        """
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def ask(self, command: bytes) -> bytes:
        """
        All that is answered to one command, the tag of which is ``t``.
        """
        self._server.clock.advance(0)
        self.received()
        self.send(b"t " + command + b"\r\n")
        for _ in range(100):
            if b"\r\nt " in b"\r\n" + self.transport.value():
                break
            self._server.clock.advance(0.001)
        return self.received()


def now(coroutine):
    """
    The result of what does not wait.
    """
    results: list[object] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    if not results:
        raise AssertionError("it waits")
    if hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]
