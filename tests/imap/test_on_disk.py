"""
The golden conversations once more, with the store on disk.
"""

from __future__ import annotations

import re

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailsuite.conversation import ConversationFactory, Settings
from mailsuite.imap.idling import Idlers
from mailsuite.imap.protocol import REFUSAL, BuildIMAP
from mailsuite.imap.renderers import renderers
from mailsuite.imap.session import Service
from mailsuite.interfaces import IAccount
from tests.imap.dialog_setups import setup_for
from tests.support.dialogs import MemoryClient, dialog, play
from tests.support.imap_server import NOW
from tests.support.memory_login import MemoryLogin
from tests.support.stores import StoreTestCase

#: Numbers that a store on disk chooses for itself.
_CHOSEN = re.compile(
    r"^(S\d*: .*"
    r"(?:UIDVALIDITY|HIGHESTMODSEQ|MODSEQ|APPENDUID|COPYUID) \(?)\d.*",
    re.MULTILINE,
)

_PATIENCE_SECONDS = 10.0


class WaitingClient(MemoryClient):
    """
    A client whose server may have to wait for the disk.
    """

    def __init__(self, factory: ConversationFactory) -> None:
        address = IPv4Address("TCP", "127.0.0.1", 50000)
        super().__init__(
            factory.buildProtocol(address), StringTransport(peerAddress=address)
        )

    async def wait(self) -> None:
        """
        Until the server says more.
        """
        before = self.transport.value(), self.transport.disconnecting
        until = reactor.seconds() + _PATIENCE_SECONDS
        while (self.transport.value(), self.transport.disconnecting) == before:
            if reactor.seconds() > until:
                await super().wait()
            await deferLater(reactor, 0.002)


class DialogsOnDiskTests(StoreTestCase):
    """
    Conversations whose numbers the store may choose.
    """

    async def filled(self, name: str) -> tuple[IAccount, ConversationFactory]:
        """
        A server that is ready for a dialogue, and its account.
        """
        setup = setup_for(name)
        options = dict(setup.options)
        store = self.another_service(renderers=renderers())
        account = await store.account(
            self.record(
                octets_limit=options.pop("octets_limit", None),
                messages_limit=options.pop("messages_limit", None),
            )
        )
        inbox = await account.mailbox("INBOX")
        for content, flags in setup.messages:
            incoming = await self.content(content, store)
            await inbox.append(incoming, flags, NOW)
            incoming.discard()
        inbox.release()
        login = MemoryLogin({"alice": "secret"})
        login.account = account
        options.setdefault("append_limit", 1 << 20)
        service = Service(
            login=login,
            mailboxes=store,
            clock=reactor,
            idlers=Idlers(reactor),
            **options,
        )
        return account, ConversationFactory(
            Settings(reactor),
            BuildIMAP(service),
            refusal=REFUSAL,
            most=10,
            most_per_address=10,
        )

    async def play(self, name: str) -> None:
        """
        Play ``tests/dialogs/imap/<name>.dialog`` to its end.
        """
        _, factory = await self.filled(name)
        clients: list[WaitingClient] = []

        def connect() -> WaitingClient:
            clients.append(WaitingClient(factory))
            return clients[-1]

        text = _CHOSEN.sub(r"\1~", dialog(f"imap/{name}"))
        try:
            await play(text, connect)
        finally:
            for client in clients:
                client.protocol.connectionLost(Failure(ConnectionDone()))

    async def test_append(self) -> None:
        """
        Messages come by APPEND.
        """
        await self.play("append")

    async def test_apple_mail(self) -> None:
        """
        What Apple Mail depends on.
        """
        await self.play("apple-mail")

    async def test_deleted_in_idle(self) -> None:
        """
        The selected mailbox is deleted while a client idles.
        """
        await self.play("deleted-in-idle")

    async def test_dotted(self) -> None:
        """
        Clients may see a dot between the levels.
        """
        await self.play("dotted")

    async def test_expunge_held_back(self) -> None:
        """
        EXPUNGE is not told while messages are meant by number.
        """
        await self.play("expunge-held-back")

    async def test_idle(self) -> None:
        """
        News come while a client idles.
        """
        await self.play("idle")

    async def test_list(self) -> None:
        """
        LIST and LSUB.
        """
        await self.play("list")

    async def test_mailboxes(self) -> None:
        """
        Mailboxes are made, renamed and removed.
        """
        await self.play("mailboxes")

    async def test_mime(self) -> None:
        """
        Parts are numbered, and decoded.
        """
        await self.play("mime")

    async def test_quota(self) -> None:
        """
        Quotas are told and kept.
        """
        await self.play("quota")

    async def test_rev2(self) -> None:
        """
        IMAP4rev2.
        """
        await self.play("rev2")

    async def test_rfc3501_sample(self) -> None:
        """
        The sample connection of RFC 3501 8.
        """
        await self.play("rfc3501-sample")

    async def test_rfc5182(self) -> None:
        """
        Results of searches are saved.
        """
        await self.play("rfc5182")

    async def test_rfc9051_fetch(self) -> None:
        """
        FETCH with its macros and sections.
        """
        await self.play("rfc9051-fetch")

    async def test_search(self) -> None:
        """
        SEARCH with its keys.
        """
        await self.play("search")

    async def test_thunderbird(self) -> None:
        """
        What Thunderbird says.
        """
        await self.play("thunderbird")

    async def test_uidplus(self) -> None:
        """
        UIDPLUS and MOVE.
        """
        await self.play("uidplus")

    async def test_clients(self) -> None:
        """
        What clients do that no RFC says.
        """
        await self.play("clients")
