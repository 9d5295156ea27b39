"""
Tests for trees that come from elsewhere.
"""

from __future__ import annotations

import os

from tests.support.stores import StoreTestCase, message


class AdoptedTests(StoreTestCase):
    """
    What a tree has that another program made.
    """

    def make(self, *names: str) -> None:
        """
        A tree with these mailboxes, as other programs make it.
        """
        root = self.record().maildir
        for name in ("", *names):
            folder = f"{root}/.{name}" if name else root
            for part in ("cur", "new", "tmp"):
                os.makedirs(f"{folder}/{part}")

    async def uses(self) -> dict[str, str | None]:
        """
        The special uses, by mailbox.
        """
        account = await self.store.account(self.record())
        entries = await account.entries()
        account.release()
        return {entry.name: entry.special_use for entry in entries}

    async def restart(self, *lost: str) -> None:
        """
        Begin anew, without some of the account's files.
        """
        await self.store.close()
        for name in lost:
            os.unlink(f"{self.record().home}/{name}")
        self.store = self.another_service()

    async def test_usual_names_have_the_usual_uses(self) -> None:
        """
        A client finds Sent and Drafts; nothing is made, and nothing else has
        a use.
        """
        self.make("Sent", "Drafts", "Friends")

        self.assertEqual(
            await self.uses(),
            {
                "INBOX": None,
                "Drafts": "\\Drafts",
                "Friends": None,
                "Sent": "\\Sent",
            },
        )

    async def test_uses_outlive_the_index(self) -> None:
        """
        They are found again when the index is gone, by the mailbox's id.
        """
        self.make("Sent")
        first = await self.uses()
        account = await self.store.account(self.record())
        sent = await account.mailbox("Sent")
        await sent.append(await self.content(message()))
        sent.release()
        account.release()

        await self.restart("index.sqlite3")

        self.assertEqual(await self.uses(), first)

    async def test_lost_settings(self) -> None:
        """
        Where the settings were lost the usual names have their uses again.
        """
        usual = await self.uses()

        await self.restart("settings.sqlite3")

        self.assertEqual(await self.uses(), usual)
        self.assertEqual(usual["Junk"], "\\Junk")

    async def test_what_is_renamed_later_stays_so(self) -> None:
        """
        A mailbox that gets a usual name later has no use by that.
        """
        self.make("Friends")
        await self.uses()
        account = await self.store.account(self.record())
        await account.rename("Friends", "Sent")
        account.release()

        await self.restart()

        self.assertEqual(await self.uses(), {"INBOX": None, "Sent": None})
