"""
Tests for files of others in a maildir that are odd.
"""

from __future__ import annotations

import os

from mailsuite.errors import MailboxExists
from mailsuite.interfaces import IMailbox
from mailsuite.mail.flags import FlagMode
from mailsuite.mail.uids import UIDSet
from mailsuite.store.uidlist import parse
from tests.support.stores import StoreTestCase, message


class ForeignFilesTests(StoreTestCase):
    """
    What cannot be a message, and names that cannot be listed.
    """

    async def with_file(self, name: bytes) -> IMailbox:
        """
        INBOX, once a file of that name has come into ``cur`` beside a
        message of ours.
        """
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")
        await mailbox.append(await self.content(message("ours")))
        cur = os.fsencode(f"{self.record().maildir}/cur/")
        with open(cur + name, "wb") as file:
            file.write(message("theirs"))
        await mailbox.look()
        return mailbox

    async def served(self, name: bytes) -> None:
        """
        See that a message of that name is served, and keeps its UID without
        the index.
        """
        mailbox = await self.with_file(name)
        self.assertEqual(list(mailbox.messages.uids), [1, 2])
        content = await mailbox.open(2)
        self.assertEqual(await content.read(0, 100), message("theirs"))
        self.assertEqual(
            mailbox.flag_names.names(mailbox.messages.flags[1]), ("\\Seen",)
        )
        await mailbox.store(UIDSet.of([2]), FlagMode.ADD, ["\\Flagged"])
        with open(f"{self.record().maildir}/dovecot-uidlist", "rb") as file:
            self.assertEqual(parse(file.read()).faults, ())
        await self.store.close()
        os.unlink(f"{self.record().home}/index.sqlite3")

        self.store = self.another_service()
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")

        self.assertEqual(list(mailbox.messages.uids), [1, 2])

    async def test_not_utf8(self) -> None:
        """
        A name that is not UTF-8.
        """
        await self.served(b"1234.\xff\xfe.host:2,S")

    async def test_letters_that_are_not_utf8(self) -> None:
        """
        Flags behind which something stands that is not UTF-8.
        """
        await self.served(b"1234.host:2,S,\xff")

    async def test_line_end_in_a_name(self) -> None:
        """
        A name with a line end would make two lines of the uidlist.
        """
        await self.served(b"1234.new\nline:2,S")

    async def test_no_base_name(self) -> None:
        """
        A name with nothing before the colon.
        """
        await self.served(b":2,S")

    async def test_usual_names(self) -> None:
        """
        A name that can be listed stays as it is.
        """
        name = "1234.with space \u00fc.host:2,S"
        await self.with_file(name.encode())

        self.assertIn(name, os.listdir(f"{self.record().maildir}/cur"))

    async def test_folder_with_a_bad_name(self) -> None:
        """
        What is no file is no message, whatever its name.
        """
        account = await self.store.account(self.record())
        mailbox = await account.mailbox("INBOX")
        os.mkdir(os.fsencode(f"{self.record().maildir}/cur/") + b"\xff:2,")
        await mailbox.look()

        self.assertEqual(list(mailbox.messages.uids), [])

    async def test_mailbox_folder_with_a_bad_name(self) -> None:
        """
        A folder whose name is no mailbox's is left alone.
        """
        account = await self.store.account(self.record())
        before = await account.entries()
        for name in (b".\xff", b".a\nb", b".&bad"):
            os.makedirs(
                os.fsencode(f"{self.record().maildir}/") + name + b"/cur"
            )

        after = await account.entries()
        self.assertEqual(
            [e.name for e in before],
            [e.name for e in after if e.name.isprintable()],
        )
        for entry in after:
            if entry.selectable:
                (await account.mailbox(entry.name)).release()
        await self.store.close()

    async def test_folder_in_the_way_of_a_rename(self) -> None:
        """
        A folder that is no mailbox is not overwritten, and the mailbox stays.
        """
        account = await self.store.account(self.record())
        os.makedirs(f"{self.record().maildir}/.Keep")

        with self.assertRaises(MailboxExists):
            await account.rename("Archive", "Keep")

        (await account.mailbox("Archive")).release()
