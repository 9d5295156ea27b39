"""
Reception, local delivery and the queue on the real store.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from mailsuite.errors import OverQuota
from mailsuite.interfaces import AccountRecord
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.mail.uids import UID
from mailsuite.transfer.filters import Filter
from mailsuite.transfer.transaction import Transaction
from tests.support.memory_directory import MemoryDirectory
from tests.support.queueing import NOON, Queueing
from tests.support.stores import StoreTestCase
from tests.support.transferring import MX, Transferring

T = TypeVar("T")

SMALL = b"Subject: ketchup\r\n\r\nDo you like it?\r\n"
LARGE = b"Subject: pickles\r\n\r\n" + b"How about it?\r\n" * 200_000


class OnDiskTests(StoreTestCase):
    """
    Messages for alice and bob, whose maildirs are real.
    """

    async def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.clock.advance(NOON)
        self.directory = MemoryDirectory("localhost")
        self.alice = self.record("alice", 1)
        self.bob = self.record("bob", 2)
        for account in (self.alice, self.bob):
            self.directory.add_alias(account.address, account)
        await self.start()

    async def start(self) -> None:
        """
        Begin with what is on the disk.
        """
        in_pool = self.store.pool.run

        class InThreads(Queueing):
            def in_pool(self, work: Callable[[], T]) -> Deferred[T]:
                """
                The store's threads.
                """
                return in_pool(work)

        self.mail = Transferring(
            f"{self.folder}/queue",
            clock=self.clock,
            directory=self.directory,
            store=self.store,
            queueing_of=InThreads,
        )
        self.queue, self.reception = self.mail.queue, self.mail.reception
        await self.queue.start()

    async def begin(self, *accounts: AccountRecord) -> Transaction:
        """
        A transaction for these.
        """
        transaction = await self.reception.begin(MX, Sender(None), None)
        for account in accounts:
            await transaction.add_recipient(
                Recipient(Address.parse(account.address))
            )
        return transaction

    async def receive(self, octets: bytes, *accounts: AccountRecord) -> None:
        """
        A message for these, in pieces.
        """
        transaction = await self.begin(*accounts)
        for at in range(0, len(octets), 65536):
            await self.written(transaction.write(octets[at : at + 65536]))
        results = await transaction.commit()
        self.assertEqual(results, (None,) * len(accounts))

    async def written(self, waiting: Awaitable[None] | None) -> None:
        """
        Wait if that is asked for.
        """
        if waiting is not None:
            await waiting

    async def inbox(self, record: AccountRecord) -> list[bytes]:
        """
        What is in an account's INBOX.
        """
        account = await self.store.account(record)
        mailbox = await account.mailbox("INBOX")
        found = []
        for uid in list(mailbox.messages.uids):
            content = await mailbox.open(UID(uid))
            pieces = []
            while sum(map(len, pieces)) < content.size:
                pieces.append(
                    await content.read(sum(map(len, pieces)), 1 << 20)
                )
            content.close()
            found.append(b"".join(pieces))
        mailbox.release()
        account.release()
        return found

    async def waiting(self, number: int) -> None:
        """
        So many messages are in the queue.
        """
        for _ in range(500):
            found = await self.queue.operator.count(Filter())
            if found == number:
                break
            self.clock.advance(1)
            await deferLater(reactor, 0.01)
        self.assertEqual(found, number)

    async def attempts(self) -> None:
        """
        Let all that is due be tried to its end.
        """
        self.clock.advance(3600)
        while self.queue._under_way:
            await next(iter(self.queue._under_way))

    async def test_one_file_for_all(self) -> None:
        """
        A message for two accounts is one file on the disk.
        """
        await self.receive(SMALL, self.alice, self.bob)
        await self.receive(SMALL, self.alice, self.bob)

        inodes = {
            os.stat(os.path.join(record.maildir, "new", name)).st_ino
            for record in (self.alice, self.bob)
            for name in os.listdir(f"{record.maildir}/new")
        }
        self.assertEqual(len(inodes), 2)
        self.assertEqual(
            await self.inbox(self.alice), await self.inbox(self.bob)
        )

    async def test_the_rest_comes_later(self) -> None:
        """
        Who could not take a message gets it from the queue, whole, after a
        start too; small and large.
        """
        await self.receive(SMALL, self.alice, self.bob)
        new = f"{self.bob.maildir}/new"
        os.rename(new, f"{new}.away")
        with open(new, "w"):
            pass
        await self.receive(SMALL, self.alice, self.bob)
        await self.receive(LARGE, self.alice, self.bob)
        await self.waiting(2)
        await self.attempts()
        await self.waiting(2)

        await self.queue.stop()
        os.unlink(new)
        os.rename(f"{new}.away", new)
        await self.start()
        await self.waiting(2)
        await self.attempts()

        await self.waiting(0)
        theirs, his = await self.inbox(self.alice), await self.inbox(self.bob)
        self.assertEqual(len(his), 3)
        self.assertEqual(sorted(his), sorted(theirs))
        self.assertTrue(max(his, key=len).endswith(LARGE))

    async def test_quota(self) -> None:
        """
        A full account refuses at RCPT; one that becomes full, later.
        """
        carol = self.record("carol", 3, octets_limit=700)
        self.directory.add_alias(carol.address, carol)
        await self.receive(SMALL, carol)
        first, second = await self.begin(carol), await self.begin(carol)
        padding = b"Subject: x\r\n\r\n" + b"." * 200 + b"\r\n"
        for transaction in (first, second):
            await self.written(transaction.write(padding))

        await first.commit()
        with self.assertRaises(OverQuota):
            await second.commit()

        self.assertEqual(len(await self.inbox(carol)), 2)

    async def test_abort_leaves_nothing(self) -> None:
        """
        A large message that was not finished leaves no file.
        """
        transaction = await self.begin(self.alice)
        for at in range(0, len(LARGE), 65536):
            await self.written(transaction.write(LARGE[at : at + 65536]))
        transaction.abort()

        self.assertEqual(await self.inbox(self.alice), [])
        self.assertEqual(os.listdir(f"{self.folder}/spool"), [])
