"""
Tests for what a crash leaves in a maildir (see also ``tests.crash``).
"""

from __future__ import annotations

import os

from tests.support.stores import StoreTestCase, message

_TORN = "1795557832.M702096P1Q1R0123abcd.vm,S=1000"
_FOREIGN = "1795557832.M702096P1.vm,S=1000"


class LeftoversTests(StoreTestCase):
    """
    A store opened on what is left.
    """

    async def after(self, *files: str) -> list[str]:
        """
        The names in INBOX's ``tmp``, once these files lay in its ``new``
        when an account without an index was opened.
        """
        record = self.record()
        account = await self.store.account(record)
        account.release()
        await self.store.close()
        os.unlink(f"{record.home}/index.sqlite3")
        for name in files:
            with open(f"{record.maildir}/new/{name}", "wb") as file:
                file.write(message())
        self.store = self.another_service()
        account = await self.store.account(record)
        self.inbox = await account.mailbox("INBOX")
        return os.listdir(f"{record.maildir}/tmp")

    async def test_torn_message(self) -> None:
        """
        A message of ours that is shorter than its name says was told to
        nobody, and is set aside.
        """
        aside = await self.after(_TORN)

        self.assertEqual(aside, [_TORN])
        self.assertEqual(list(self.inbox.messages.uids), [])

    async def test_foreign_message(self) -> None:
        """
        Another program's name may lie: its message stays.
        """
        aside = await self.after(_FOREIGN)

        self.assertEqual(aside, [])
        self.assertEqual(list(self.inbox.messages.uids), [1])

    async def test_half_made_mailbox(self) -> None:
        """
        A mailbox of which only ``cur`` is there is completed.
        """
        record = self.record()
        account = await self.store.account(record)
        os.makedirs(f"{record.maildir}/.Half/cur")

        mailbox = await account.mailbox("Half")

        await mailbox.append(await self.content(message()))
        self.assertTrue(os.path.isdir(f"{record.maildir}/.Half/new"))

    async def test_damaged_uidlist_keeps_its_ids(self) -> None:
        """
        A list that is mended has the mailbox's id, UIDVALIDITY and UIDs that
        clients know.
        """
        record = self.record()
        account = await self.store.account(record)
        mailbox = await account.mailbox("INBOX")
        await mailbox.append(await self.content(message()))
        mailbox.release()
        account.release()
        await self.store.close()
        os.unlink(f"{record.home}/index.sqlite3")
        with open(f"{record.maildir}/dovecot-uidlist", "ab") as file:
            file.write(bytes(40))
        self.store = self.another_service()

        account = await self.store.account(record)
        again = await account.mailbox("INBOX")

        self.assertEqual(again.mailbox_id, mailbox.mailbox_id)
        self.assertEqual(again.uidvalidity, mailbox.uidvalidity)
        self.assertEqual(list(again.messages.uids), [1])
        with open(f"{record.maildir}/dovecot-uidlist", "rb") as file:
            self.assertNotIn(b"\0", file.read())
