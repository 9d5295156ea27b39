"""
Tests for copies and moves between mailboxes.
"""

from __future__ import annotations

import os

from mailsuite.errors import OverQuota, TooManyKeywords
from mailsuite.mail.flags import MOST_KEYWORDS, SEEN
from mailsuite.mail.uids import UIDSet
from mailsuite.store.intent import Intents, MoveIntent, RenameIntent
from mailsuite.store.mailbox import Mailbox
from tests.support.stores import StoreTestCase, message


class CopyingTests(StoreTestCase):
    """
    An account with two messages in INBOX.
    """

    async def opened(
        self, *, messages: int = 2, limit: int | None = None
    ) -> Mailbox:
        """
        INBOX.
        """
        record = self.record(messages_limit=limit)
        self.account = await self.store.open_account(record)
        inbox = await self.account.open_mailbox("INBOX")
        for number in range(messages):
            await inbox.append(
                await self.content(message(str(number))),
                [SEEN, f"$Keyword{number}"],
                1_000_000_000,
            )
        return inbox

    def files(self, folder: str = "") -> list[str]:
        """
        The messages' files of a mailbox.
        """
        return sorted(os.listdir(f"{self.record().maildir}/{folder}/cur"))

    def lines(self, folder: str) -> list[str]:
        """
        The messages' lines of a mailbox's uidlist.
        """
        path = f"{self.record().maildir}/{folder}/dovecot-uidlist"
        with open(path) as file:
            return file.readlines()[1:]

    async def test_keywords_in_the_others_letters(self) -> None:
        """
        A keyword keeps its name where it has another letter.
        """
        inbox = await self.opened()
        junk = await self.account.open_mailbox("Junk")

        await inbox.copy(UIDSet.of([2]), "Junk")

        names = junk.flag_names.names(junk.messages.flags[0])
        self.assertEqual(names, (SEEN, "$Keyword1"))
        self.assertTrue(self.files(".Junk")[0].endswith(":2,Sa"))
        self.assertTrue(any(x.endswith(":2,Sb") for x in self.files()))

    async def test_one_file_one_email_id(self) -> None:
        """
        A copy is a link with a name of its own, and its line names the
        message that it is a copy of; so does a copy of the copy.
        """
        inbox = await self.opened(messages=1)
        [original] = self.files()
        base = original.partition(":")[0]

        await inbox.copy(UIDSet.of([1]), "Junk")
        junk = await self.account.open_mailbox("Junk")
        await junk.copy(UIDSet.of([1]), "Trash")

        [copy] = self.files(".Junk")
        root = self.record().maildir
        self.assertTrue(
            os.path.samefile(
                f"{root}/cur/{original}", f"{root}/.Junk/cur/{copy}"
            )
        )
        self.assertNotEqual(copy, original)
        for folder in (".Junk", ".Trash"):
            self.assertIn(f" G{base} :", self.lines(folder)[0])

    async def test_into_itself(self) -> None:
        """
        A message moved into its own mailbox is there once, with a new UID.
        """
        inbox = await self.opened(messages=1)

        moved = await inbox.move(UIDSet.of([1]), "INBOX")

        self.assertEqual(moved.destination, (2,))
        self.assertEqual(list(inbox.messages.uids), [2])
        self.assertEqual(len(self.files()), 1)

    async def test_quota(self) -> None:
        """
        A copy counts, a move does not.
        """
        inbox = await self.opened(limit=2)

        with self.assertRaises(OverQuota):
            await inbox.copy(UIDSet.of([1]), "Junk")
        moved = await inbox.move(UIDSet.of([1]), "Junk")

        self.assertEqual(moved.source, (1,))
        self.assertEqual(len(self.files(".Junk")), 1)

    async def test_no_letter_left(self) -> None:
        """
        Where the destination has no room for a keyword nothing is copied.
        """
        inbox = await self.opened()
        junk = await self.account.open_mailbox("Junk")
        words = [f"$Other{number}" for number in range(MOST_KEYWORDS)]
        await junk.append(await self.content(message()), words)

        with self.assertRaises(TooManyKeywords):
            await inbox.copy(UIDSet.of([1, 2]), "Junk")

        self.assertEqual(len(self.files(".Junk")), 1)
        self.assertFalse(os.path.exists(f"{self.record().home}/intent"))

    async def test_sizes_of_foreign_files(self) -> None:
        """
        The copy of a message whose lines end in LF has the size on the wire;
        its name tells that of the file.
        """
        inbox = await self.opened(messages=0)
        octets = message().replace(b"\r\n", b"\n")
        path = f"{self.record().maildir}/new/1795557832.M1P1.elsewhere"
        with open(path, "wb") as file:
            file.write(octets)
        await inbox.look()

        await inbox.copy(UIDSet.of([1]), "Junk")

        junk = await self.account.open_mailbox("Junk")
        self.assertEqual(list(junk.messages.sizes), [len(message())])
        self.assertIn(f",S={len(octets)}:", self.files(".Junk")[0])


class UnfinishedTests(StoreTestCase):
    """
    An account that was stopped in the middle of a step over several files.
    """

    async def stop(self) -> list[str]:
        """
        Make an account with one message, and stop as a crash does.

        :return: the message's file.
        """
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        await inbox.append(await self.content(message()))
        await self.store.close()
        os.unlink(f"{self.record().home}/clean")
        self.store = self.another_service()
        self.intents = Intents(f"{self.record().home}/intent", self.disk)
        return os.listdir(f"{self.record().maildir}/cur")

    async def messages(self, name: str) -> int:
        """
        How many messages a mailbox has.
        """
        account = await self.store.open_account(self.record())
        return (await account.status(name)).messages

    async def test_move_is_finished(self) -> None:
        """
        A move that was begun is done at the next opening, whether the
        message had arrived or not.
        """
        [name] = await self.stop()
        base = name.partition(":")[0]
        self.intents.declare(
            MoveIntent(
                "", ".Junk", [(base, "17.M1P1Q1.host", "17.M1P1Q1.host:2,")]
            )
        )

        self.assertEqual(await self.messages("INBOX"), 0)
        self.assertEqual(await self.messages("Junk"), 1)
        self.assertIsNone(self.intents.pending())

    async def test_move_that_was_done(self) -> None:
        """
        To find the record of a move that was done does no harm.
        """
        await self.stop()
        self.intents.declare(
            MoveIntent(
                "", ".Junk", [("gone", "17.M1P1Q1.host", "17.M1P1Q1.host:2,")]
            )
        )

        self.assertEqual(await self.messages("INBOX"), 1)
        self.assertEqual(await self.messages("Junk"), 0)

    async def test_rename_is_finished(self) -> None:
        """
        A rename that was begun is done for all folders, and each keeps its
        id.
        """
        await self.stop()
        account = await self.store.open_account(self.record())
        before = [
            (await account.status(name)).mailbox_id
            for name in ("Junk", "Trash")
        ]
        await self.store.close()
        os.unlink(f"{self.record().home}/clean")
        root = self.record().maildir
        self.intents.declare(
            RenameIntent([(".Junk", ".Spam"), (".Trash", ".Waste")])
        )
        os.rename(f"{root}/.Junk", f"{root}/.Spam")
        self.store = self.another_service()

        account = await self.store.open_account(self.record())
        after = [
            (await account.status(name)).mailbox_id
            for name in ("Spam", "Waste")
        ]

        self.assertEqual(before, after)

    async def test_unreadable_record(self) -> None:
        """
        A record that makes no sense keeps nobody from his mail.
        """
        await self.stop()
        with open(f"{self.record().home}/intent", "w") as file:
            file.write("garbage")

        self.assertEqual(await self.messages("INBOX"), 1)
        self.assertFalse(os.path.exists(f"{self.record().home}/intent"))
