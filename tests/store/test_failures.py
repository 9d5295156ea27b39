"""
Tests for disks that are full, broken or slow.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from mailsuite.disk import Disk, File
from mailsuite.errors import MailError, StoreFull, StoreUnavailable
from mailsuite.mail.flags import SEEN, FlagMode
from mailsuite.mail.uids import UIDSet
from mailsuite.store import database
from mailsuite.store.mailbox import Mailbox
from tests.support.stores import Heard, StoreTestCase, message


class FailingDisk(Disk):
    """
    A disk that fails when it is told to.

    :ivar full: nothing more can be written.
    :ivar broken: every sync fails.
    """

    full = False
    broken = False

    def create(self, folder: str, mode: int = 0o600) -> File:
        self._write()
        return super().create(folder, mode)

    def create_named(self, path: str, mode: int = 0o600) -> File:
        if not os.path.exists(path):
            self._write()
        return super().create_named(path, mode)

    def append(self, path: str, octets: bytes) -> None:
        self._write()
        super().append(path, octets)

    def sync(
        self,
        files: Iterable[File] = (),
        folders: Iterable[str] = (),
        *,
        data_only: bool = False,
    ) -> None:
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(files, folders, data_only=data_only)

    def _write(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FailureTests(StoreTestCase):
    """
    A mailbox with one message on a disk that fails.
    """

    async def inbox(self) -> Mailbox:
        """
        INBOX, with one message.
        """
        self.failing = FailingDisk()
        self.store = self.another_service(self.failing)
        self.account = await self.store.open_account(self.record())
        inbox = await self.account.open_mailbox("INBOX")
        await inbox.append(await self.content(message()))
        return inbox

    def files(self, *places: str) -> list[str]:
        """
        The messages' files.
        """
        return [
            name
            for place in places or ("new", "cur", "tmp")
            for name in os.listdir(f"{self.record().maildir}/{place}")
        ]

    async def refused(
        self, kind: type[MailError], inbox: Mailbox, *, delivery: bool
    ) -> None:
        """
        A message is refused, and nothing of it is kept.
        """
        content = await self.content(message())
        before = self.files()
        if delivery:
            [error] = await self.store.deliver(content, [self.record()])
            self.assertIsInstance(error, kind)
        else:
            with self.assertRaises(kind):
                await inbox.append(content)
        self.assertEqual(self.files(), before)

    async def test_full_at_an_append(self) -> None:
        """
        An APPEND that does not fit is refused; reading goes on; and once
        there is room the next one succeeds.
        """
        inbox = await self.inbox()

        self.failing.full = True
        await self.refused(StoreFull, inbox, delivery=False)
        content = await inbox.open(1)
        self.assertEqual(await content.read(0, 1000), message())
        await self.account.open_mailbox("INBOX")
        self.failing.full = False
        appended = await inbox.append(await self.content(message()))

        self.assertEqual(appended.uids, (2,))

    async def test_full_at_a_delivery(self) -> None:
        """
        A delivery that does not fit is refused; and once there is room the
        next one succeeds.
        """
        inbox = await self.inbox()

        self.failing.full = True
        await self.refused(StoreFull, inbox, delivery=True)
        self.failing.full = False
        [error] = await self.store.deliver(
            await self.content(message()), [self.record()]
        )

        self.assertIsNone(error)
        await inbox.look()
        self.assertEqual(list(inbox.messages.uids), [1, 2])

    async def test_sync_fails_at_an_append(self) -> None:
        """
        An APPEND whose sync fails is refused, and its file is gone; nobody
        was told of it.
        """
        inbox = await self.inbox()
        heard = Heard()
        inbox.listen(heard)

        self.failing.broken = True
        await self.refused(StoreUnavailable, inbox, delivery=False)
        self.failing.broken = False
        await inbox.look()

        self.assertEqual(heard.changes, [])
        self.assertEqual(list(inbox.messages.uids), [1])

    async def test_sync_fails_at_a_delivery(self) -> None:
        """
        A delivery whose sync fails is refused for all that wait for it.
        """
        inbox = await self.inbox()

        self.failing.broken = True
        await self.refused(StoreUnavailable, inbox, delivery=True)

    async def test_sync_fails_at_a_change_of_flags(self) -> None:
        """
        A change of flags whose sync fails is an error; what the names then
        say counts.
        """
        inbox = await self.inbox()

        self.failing.broken = True
        with self.assertRaises(StoreUnavailable):
            await inbox.store(UIDSet.of([1]), FlagMode.ADD, [SEEN])
        self.failing.broken = False
        await inbox.look()

        [name] = self.files("cur")
        self.assertTrue(name.endswith(":2,S"))
        self.assertEqual(
            inbox.flag_names.names(inbox.messages.flags[0]), (SEEN,)
        )

    async def test_failed_copy_leaves_nothing(self) -> None:
        """
        A COPY for which there is no room leaves nothing in the destination.
        """
        inbox = await self.inbox()

        self.failing.full = True
        with self.assertRaises(StoreFull):
            await inbox.copy(UIDSet.of([1]), "Junk")
        self.failing.full = False

        self.assertEqual((await self.account.status("Junk")).messages, 0)

    async def test_full_index(self) -> None:
        """
        Where SQLite itself has no room, what the maildir has durably is
        answered and told; the index has it when there is room again, once.
        """
        inbox = await self.inbox()
        await self.limit_index(pages=1)

        for _ in range(200):
            await inbox.append(await self.content(message()))
        # The database is closed, and with it the limit is gone.
        self.account.suspend()
        await inbox.append(await self.content(message()))

        uids = list(inbox.messages.uids)
        self.assertEqual(len(uids), len(self.files("cur")))
        self.assertEqual(uids, list(range(1, 203)))
        status = await self.account.status("INBOX")
        self.assertEqual((status.messages, status.uidnext), (202, 203))

    async def test_flags_and_expunge_with_a_full_index(self) -> None:
        """
        Flags are changed and messages removed on a full disk, and stay so.
        """
        inbox = await self.inbox()
        for _ in range(300):
            await inbox.append(await self.content(message()))
        heard = Heard()
        inbox.listen(heard)
        await self.limit_index(pages=1)

        everything = UIDSet(((1, 301),))
        for flags in ([SEEN], [SEEN, "\\Flagged"], [SEEN, "\\Deleted"]):
            await inbox.store(everything, FlagMode.REPLACE, flags)
        gone = await inbox.expunge(UIDSet(((2, 301),)))

        self.assertEqual(len(gone), 300)
        self.assertEqual(list(inbox.messages.uids), [1])
        self.account.suspend()
        inbox = await self.account.open_mailbox("INBOX")
        self.assertEqual(list(inbox.messages.uids), [1])
        self.assertEqual(
            inbox.flag_names.names(inbox.messages.flags[0]),
            ("\\Deleted", SEEN),
        )
        self.assertEqual((await self.account.status("INBOX")).messages, 1)

    async def test_opened_on_a_full_disk(self) -> None:
        """
        An account that was closed in order is read while the disk is full,
        and what is removed makes room.
        """
        inbox = await self.inbox()
        await inbox.append(await self.content(message()))
        await self.store.close()
        self.store = self.another_service(self.failing)
        self.patch(database, "_PRAGMAS", "no such thing")
        self.patch(database, "_is_trouble_of_disk", lambda error: True)
        self.patch(database, "as_mail_error", lambda error: StoreFull())

        self.failing.full = True
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        content = await inbox.open(1)
        await inbox.store(UIDSet.of([1]), FlagMode.ADD, ["\\Deleted"])
        gone = await inbox.expunge()

        self.assertEqual(await content.read(0, 1000), message())
        self.assertEqual(list(gone), [1])
        self.assertEqual(list(inbox.messages.uids), [2])
        self.assertEqual(len(self.files("cur")), 1)

    async def limit_index(self, pages: int) -> None:
        """
        Let the index have no more pages than it has, or so many.
        """
        await self.account.run(
            lambda folder: folder.index.all(f"PRAGMA max_page_count = {pages}")
        )


class FailingFolderTests(StoreTestCase):
    """
    An account whose folder cannot be used.
    """

    async def test_home_is_a_file(self) -> None:
        """
        An account whose folder is none is not available; others are.
        """
        record = self.record()
        os.makedirs(os.path.dirname(record.home))
        with open(record.home, "w") as file:
            file.write("no folder")
        other = self.record("bob", 2)

        first, second = await self.store.deliver(
            await self.content(message()), [record, other]
        )

        self.assertIsInstance(first, StoreUnavailable)
        self.assertIsNone(second)
