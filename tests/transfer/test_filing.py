"""
Tests for ``mailsuite.transfer.filing``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MailError, StoreBusy
from mailsuite.interfaces import AccountRecord, IAccount
from mailsuite.transfer.filing import file_message
from tests.support.checkedmail import MESSAGE, messages
from tests.support.memory_directory import MemoryDirectory
from tests.support.memory_store import MemoryStore
from tests.support.queueing import NOON, now


class Store(MemoryStore):
    """
    A store of which one account cannot be opened.
    """

    busy = 0

    async def account(self, record: AccountRecord) -> IAccount:
        """
        The account.
        """
        if record.number == self.busy:
            raise StoreBusy
        return await super().account(record)


class FileMessageTests(SynchronousTestCase):
    """
    Tests for ``file_message``.
    """

    def setUp(self) -> None:
        self.store = Store(lambda: NOON)
        directory = MemoryDirectory("hamburger.edu")
        self.bob = directory.add_account("bob@hamburger.edu")
        self.carol = directory.add_account("carol@hamburger.edu")

    def file(self, *, junk: bool) -> tuple[MailError | None, ...]:
        """
        What comes of a message for both.
        """
        return now(self._file(junk=junk))

    async def _file(self, *, junk: bool) -> tuple[MailError | None, ...]:
        content = await self.store.incoming(None)
        written = content.write(MESSAGE)
        assert written is None
        return await file_message(
            self.store, content, [self.bob, self.carol], junk=junk
        )

    def count(self, record: AccountRecord, name: str) -> int:
        """
        How many messages a mailbox has.
        """
        return len(now(messages(self.store, record, name)))

    async def _instead(self, name: str, special_use: str | None) -> None:
        """
        Bob has this mailbox and no usual one for junk.
        """
        account = await self.store.account(self.bob)
        await account.delete("Junk")
        if name:
            await account.create(name, special_use)
        account.release()

    def test_inbox(self) -> None:
        """
        What is no junk goes there.
        """
        self.assertEqual(self.file(junk=False), (None, None))
        self.assertEqual(self.count(self.bob, "INBOX"), 1)
        self.assertEqual(self.count(self.bob, "Junk"), 0)

    def test_junk(self) -> None:
        """
        The mailbox is made where it is missing, once.
        """
        now(self._instead("", None))
        for number in (1, 2):
            self.assertEqual(self.file(junk=True), (None, None))
            for record in (self.bob, self.carol):
                self.assertEqual(self.count(record, "INBOX"), 0)
                self.assertEqual(self.count(record, "Junk"), number)

    def test_junk_of_another_name(self) -> None:
        """
        The attribute counts (RFC 6154), not the name.
        """
        now(self._instead("Pourriel", "\\Junk"))
        self.file(junk=True)
        self.assertEqual(self.count(self.bob, "Pourriel"), 1)
        self.assertEqual(self.count(self.bob, "Junk"), 0)

    def test_junk_without_the_attribute(self) -> None:
        """
        A mailbox of the usual name does, if no other is for it.
        """
        now(self._instead("Junk", None))
        self.file(junk=True)
        self.assertEqual(self.count(self.bob, "Junk"), 1)

    def test_one_fails(self) -> None:
        """
        The others get theirs.
        """
        self.store.busy = self.bob.number
        first, second = self.file(junk=True)
        self.assertIsInstance(first, StoreBusy)
        self.assertIsNone(second)
        self.assertEqual(self.count(self.carol, "Junk"), 1)
