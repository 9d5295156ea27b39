"""
Tests for the mailbox service: deliveries, openings, closing.
"""

from __future__ import annotations

import os
from dataclasses import replace

from zope.interface.verify import verifyObject

from mailsuite.errors import OverQuota, StoreBusy, StoreUnavailable
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
from mailsuite.store.service import StoreLimits
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

    async def test_many_new_accounts_at_once(self) -> None:
        """
        Maildirs are made for all that have none; one that cannot be made
        keeps nobody else from his copy.
        """
        records = [self.record(f"user{n}", n + 1) for n in range(20)]
        os.makedirs(f"{self.folder}/mail")
        with open(records[7].home, "w"):
            pass

        results = await self.store.deliver(
            await self.content(message()), records
        )

        failed = [n for n, result in enumerate(results) if result is not None]
        self.assertEqual(failed, [7])
        self.assertIsInstance(results[7], StoreUnavailable)
        for record in records[:7] + records[8:]:
            self.assertEqual(len(os.listdir(f"{record.maildir}/new")), 1)

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

    async def test_moved_account(self) -> None:
        """
        An account whose folders are elsewhere is read there, once its last
        session there has ended.
        """
        before = self.record()
        account = await self.store.account(before)
        mailbox = await account.mailbox("INBOX")
        await mailbox.append(await self.content(message()))
        after = replace(
            before,
            home=f"{self.folder}/mail/moved",
            maildir=f"{self.folder}/mail/moved/Maildir",
        )

        with self.assertRaises(StoreBusy):
            await self.store.account(after)
        mailbox.release()
        account.release()
        account = await self.store.account(after)
        mailbox = await account.mailbox("INBOX")

        self.assertEqual(len(mailbox.messages), 0)

    async def test_closed_when_others_are_used(self) -> None:
        """
        Of accounts that nobody has open only those used last have open files;
        the others were closed in order.
        """
        store = self.another_service(limits=StoreLimits(open_indexes=2))
        records = [self.record(f"user{n}", n) for n in range(1, 5)]

        for record in records:
            account = await store.account(record)
            account.release()
        account = await store.account(records[0])
        await account.entries()

        self.assertTrue(os.path.exists(f"{records[1].home}/clean"))
        self.assertFalse(os.path.exists(f"{records[3].home}/clean"))

    async def test_refuses_after_close(self) -> None:
        """
        A service that was closed opens nothing.
        """
        account = await self.store.account(self.record())
        await self.store.close()

        with self.assertRaises(StoreUnavailable):
            await self.store.account(self.record())
        with self.assertRaises(StoreUnavailable):
            await account.entries()

    async def test_uids_in_a_quiet_moment(self) -> None:
        """
        What was delivered to an account that nobody has open gets its UID
        once no more deliveries come.
        """
        record = self.record()
        await self.store.deliver(await self.content(message()), [record])
        path = f"{record.maildir}/dovecot-uidlist"

        for _ in range(100):
            if "\n1 :" in _text(path):
                break
            await self.store.pause(0.05)

        self.assertIn("\n1 :", _text(path))

    async def test_mode_of_files(self) -> None:
        """
        Nobody but the owner can read anything.
        """
        record = self.record()
        account = await self.store.account(record)
        mailbox = await account.mailbox("INBOX")
        await mailbox.append(await self.content(message()), ["$Important"])
        await self.store.close()

        for folder, _, files in os.walk(record.home):
            self.assertEqual(os.stat(folder).st_mode & 0o077, 0, folder)
            for name in files:
                if not name.startswith("dovecot-uidvalidity."):
                    path = os.path.join(folder, name)
                    self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""
