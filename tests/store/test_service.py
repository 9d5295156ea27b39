"""
Tests for the mailbox service: deliveries, openings, closing.
"""

from __future__ import annotations

import os

from zope.interface.verify import verifyObject

from mailsuite.errors import OverQuota
from mailsuite.interfaces import (
    IAccount,
    IContent,
    IIncoming,
    IMailbox,
    IMailboxService,
    IMaildrop,
)
from mailsuite.mail.changes import Added
from mailsuite.mail.uids import UIDSet
from tests.support.stores import Heard, StoreTestCase, message


class MailboxServiceTests(StoreTestCase):
    """
    Tests for ``MailboxService``.
    """

    async def test_provides_the_interfaces(self) -> None:
        """
        What the service gives is what the floors promise one another.
        """
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")
        incoming = await self.content(message())
        await mailbox.append(incoming)
        maildrop = await account.maildrop()

        self.assertTrue(verifyObject(IMailboxService, self.store))
        self.assertTrue(verifyObject(IAccount, account))
        self.assertTrue(verifyObject(IMailbox, mailbox))
        self.assertTrue(verifyObject(IIncoming, incoming))
        self.assertTrue(verifyObject(IContent, await mailbox.open(1)))
        self.assertTrue(verifyObject(IMaildrop, maildrop))

    async def test_delivers_to_an_account_nobody_has_open(self) -> None:
        """
        A delivery makes the account, and is in its INBOX when it is opened.
        """
        content = await self.content(message())

        results = await self.store.deliver(content, [self.record()])

        self.assertEqual(results, (None,))
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")
        self.assertEqual(list(mailbox.messages.uids), [1])
        self.assertEqual(list(mailbox.messages.sizes), [len(message())])
        opened = await mailbox.open(1)
        self.assertEqual(await opened.read(0, 1000), message())

    async def test_tells_who_has_the_mailbox_open(self) -> None:
        """
        A delivery to an open mailbox is told at once, with its UID.
        """
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")
        heard = Heard()
        mailbox.listen(heard)

        await self.store.deliver(await self.content(message()), [self.record()])
        await mailbox.look()

        [added] = heard.changes
        assert isinstance(added, Added)
        self.assertEqual(added.uids, UIDSet.of([1]))
        self.assertEqual(added.modseq, mailbox.highestmodseq)

    async def test_one_file_for_several_accounts(self) -> None:
        """
        A message for several accounts is stored once.
        """
        alice, bob = self.record("alice", 1), self.record("bob", 2)

        results = await self.store.deliver(
            await self.content(message()), [alice, bob]
        )

        self.assertEqual(results, (None, None))
        inodes = {
            os.stat(entry.path).st_ino
            for record in (alice, bob)
            for entry in os.scandir(f"{record.maildir}/new")
        }
        self.assertEqual(len(inodes), 1)

    async def test_refuses_one_and_delivers_to_the_other(self) -> None:
        """
        A message that does not fit one account's quota is kept for the others.
        """
        alice = self.record("alice", 1, octets_limit=10)
        bob = self.record("bob", 2)

        first, second = await self.store.deliver(
            await self.content(message()), [alice, bob]
        )

        self.assertIsInstance(first, OverQuota)
        self.assertIsNone(second)
        self.assertEqual(os.listdir(f"{alice.maildir}/new"), [])
        self.assertEqual(len(os.listdir(f"{bob.maildir}/new")), 1)

    async def test_large_content_is_streamed(self) -> None:
        """
        Content above what is kept in memory arrives whole.
        """
        octets = b"Subject: Large\r\n\r\n" + b"x" * 70 + b"\r\n"
        octets += (b"y" * 78 + b"\r\n") * 40_000
        record = self.record()

        results = await self.store.deliver(await self.content(octets), [record])

        self.assertEqual(results, (None,))
        account = await self.store.account(record)
        mailbox = await account.mailbox("INBOX")
        content = await mailbox.open(1)
        self.assertEqual(content.size, len(octets))
        pieces = [
            await content.read(start, 65536)
            for start in range(0, len(octets), 65536)
        ]
        self.assertEqual(b"".join(pieces), octets)
