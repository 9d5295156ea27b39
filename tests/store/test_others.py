"""
Tests for what other programs and other processes do in the same maildir.
"""

from __future__ import annotations

import os

from twisted.internet import reactor

from mailsuite.errors import NoSuchMailbox
from mailsuite.mail.changes import Added, Expunged, FlagsChanged
from mailsuite.mail.flags import DELETED, SEEN, FlagMode
from mailsuite.mail.uids import UIDSet
from mailsuite.store.mailbox import Mailbox
from mailsuite.store.watcher import Watcher
from tests.support.stores import Heard, StoreTestCase, message

_DROPPED = "1795557832.M702096P1.elsewhere"


class OtherProgramsTests(StoreTestCase):
    """
    Programs that know maildirs, not us.
    """

    async def inbox(self, messages: int = 0) -> Mailbox:
        """
        INBOX, with so many messages.
        """
        self.account = await self.store.open_account(self.record())
        self.maildir = self.record().maildir
        mailbox = await self.account.open_mailbox("INBOX")
        for _ in range(messages):
            await mailbox.append(await self.content(message()))
        return mailbox

    def name_in_cur(self) -> str:
        """
        The path of the one file in ``cur``.
        """
        [name] = os.listdir(f"{self.maildir}/cur")
        return f"{self.maildir}/cur/{name}"

    async def test_dropped_into_new(self) -> None:
        """
        A message that a program drops into ``new`` gets the next UID.
        """
        inbox = await self.inbox(messages=1)
        heard = Heard()
        inbox.listen(heard)

        with open(f"{self.maildir}/new/{_DROPPED}", "wb") as file:
            file.write(message())
        await inbox.look()

        [added] = heard.changes
        assert isinstance(added, Added)
        self.assertEqual(list(added.uids), [2])
        with open(f"{self.maildir}/dovecot-uidlist") as file:
            self.assertIn(f"2 :{_DROPPED}\n", file.readlines())

    async def test_order_of_arrival(self) -> None:
        """
        Several messages get their UIDs in the order in which they came.
        """
        inbox = await self.inbox()
        names = ["1795557832.M9P1.a", "1795557832.M10P1.a", "1795557831.x.a"]

        for number, name in enumerate(names):
            with open(f"{self.maildir}/new/{name}", "wb") as file:
                file.write(message("x" * number))
        await inbox.look()

        short = len(message(""))
        self.assertEqual(
            [size - short for size in inbox.messages.sizes], [2, 0, 1]
        )

    async def test_line_feeds_are_counted(self) -> None:
        """
        A message whose lines end in LF has the size that is sent, and is read
        with CR LF.
        """
        inbox = await self.inbox()

        with open(f"{self.maildir}/new/{_DROPPED}", "wb") as file:
            file.write(message().replace(b"\r\n", b"\n"))
        await inbox.look()

        self.assertEqual(list(inbox.messages.sizes), [len(message())])
        content = await inbox.open(1)
        self.assertEqual(await content.read(0, 1000), message())

    async def test_flagged_by_renaming(self) -> None:
        """
        A program that renames a file changes the message's flags.
        """
        inbox = await self.inbox(messages=1)
        heard = Heard()
        inbox.listen(heard)

        path = self.name_in_cur()
        os.rename(path, f"{path}S")
        await inbox.look()

        [changed] = heard.changes
        assert isinstance(changed, FlagsChanged)
        self.assertEqual(list(changed.uids), [1])
        self.assertEqual(
            inbox.flag_names.names(inbox.messages.flags[0]), (SEEN,)
        )

    async def test_removed(self) -> None:
        """
        A file that is gone is an expunged message.
        """
        inbox = await self.inbox(messages=1)
        heard = Heard()
        inbox.listen(heard)

        os.unlink(self.name_in_cur())
        await inbox.look()

        [expunged] = heard.changes
        assert isinstance(expunged, Expunged)
        self.assertEqual(list(expunged.uids), [1])

    async def test_renamed_behind_our_back(self) -> None:
        """
        A file that was renamed since the last look is found for reading and
        for a change of flags.
        """
        inbox = await self.inbox(messages=1)
        path = self.name_in_cur()
        os.rename(path, f"{path}F")

        content = await inbox.open(1)
        await inbox.store(UIDSet.of([1]), FlagMode.ADD, [SEEN])

        self.assertEqual(await content.read(0, 1000), message())
        self.assertTrue(self.name_in_cur().endswith(":2,FS"))

    async def test_back_from_the_dead(self) -> None:
        """
        A message that comes back after it was expunged gets another UID.
        """
        inbox = await self.inbox(messages=1)
        path = self.name_in_cur()
        os.rename(path, f"{self.folder}/aside")
        await inbox.look()

        os.rename(f"{self.folder}/aside", path)
        await inbox.look()

        self.assertEqual(list(inbox.messages.uids), [2])

    async def test_one_name_two_files(self) -> None:
        """
        Two files of one name are two messages.
        """
        inbox = await self.inbox(messages=1)
        base = os.path.basename(self.name_in_cur()).partition(":")[0]

        with open(f"{self.maildir}/new/{base}", "wb") as file:
            file.write(message("Another"))
        await inbox.look()

        self.assertEqual(len(inbox.messages), 2)

    async def test_unknown_letters_stay(self) -> None:
        """
        Letters that mean nothing to us survive a change of flags.
        """
        inbox = await self.inbox(messages=1)
        path = self.name_in_cur()
        os.rename(path, f"{path}P")
        await inbox.look()

        await inbox.store(UIDSet.of([1]), FlagMode.REPLACE, [SEEN])

        self.assertTrue(self.name_in_cur().endswith(":2,PS"))

    async def test_strange_files(self) -> None:
        """
        What is no message is passed over; what cannot be read, is empty or
        bears a strange name is served.
        """
        inbox = await self.inbox()
        os.mkdir(f"{self.maildir}/new/folder")
        os.symlink("/nowhere", f"{self.maildir}/new/link")
        names = [b"empty", b"na\xefve", b"colon:2,S:2,"]

        for name in names:
            path = os.path.join(os.fsencode(f"{self.maildir}/new"), name)
            with open(path, "wb") as file:
                file.write(b"" if name == b"empty" else message())
        await inbox.look()

        self.assertEqual(len(inbox.messages), 3)
        for uid in inbox.messages.uids:
            content = await inbox.open(uid)
            self.assertIn(await content.read(0, 1000), (b"", message()))

    async def test_hidden_behind_our_own_change(self) -> None:
        """
        A change that another program made at the time of our own is found
        when the folder is verified.
        """
        inbox = await self.inbox(messages=2)
        folder = self.account.folder.mailboxes[""]
        name = sorted(os.listdir(f"{self.maildir}/cur"))[0]
        os.unlink(f"{self.maildir}/cur/{name}")
        folder.seen.cur = folder.time_of("cur")
        await inbox.look()
        self.assertEqual(len(inbox.messages), 2)

        await inbox.verify()

        self.assertEqual(len(inbox.messages), 1)

    async def test_removed_mailbox(self) -> None:
        """
        A mailbox whose folder another program removed is no more.
        """
        await self.inbox()
        os.rename(f"{self.maildir}/.Junk", f"{self.folder}/aside")

        with self.assertRaises(NoSuchMailbox):
            await self.account.mailbox("Junk")

    async def test_renamed_mailbox(self) -> None:
        """
        A mailbox whose folder another program renamed keeps its id.
        """
        await self.inbox()
        before = (await self.account.status("Junk")).mailbox_id
        os.rename(f"{self.maildir}/.Junk", f"{self.maildir}/.Spam")

        after = (await self.account.status("Spam")).mailbox_id

        self.assertEqual(before, after)


class WatchedTests(StoreTestCase):
    """
    A mailbox that a session idles on, with a watcher.
    """

    def setUp(self) -> None:
        super().setUp()
        self.watcher = Watcher(reactor)
        self.addCleanup(self.watcher.stop)
        self.store = self.another_service(watcher=self.watcher)

    async def told(self, heard: Heard) -> None:
        """
        On return something was told.
        """
        for _ in range(200):
            if heard.changes:
                return
            await self.store.pause(0.01)

    async def test_dropped_into_new(self) -> None:
        """
        What another program drops into ``new`` is told with nobody asking,
        also while the account's database is closed.
        """
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        heard = Heard()
        inbox.listen(heard)
        self.addCleanup(inbox.unlisten, heard)
        account.suspend()

        path = f"{self.record().maildir}/new/{_DROPPED}"
        with open(path, "wb") as file:
            file.write(message())
        await self.told(heard)

        [added] = heard.changes
        self.assertEqual(added, Added(UIDSet.of([1]), inbox.highestmodseq))

    async def test_our_own_deliveries(self) -> None:
        """
        Deliveries of our own are told once, and open no database.
        """
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        heard = Heard()
        inbox.listen(heard)
        self.addCleanup(inbox.unlisten, heard)
        account.suspend()

        for _ in range(3):
            content = await self.content(message())
            await self.store.deliver(content, [self.record()])
        await self.store.pause(0.1)

        self.assertEqual(list(inbox.messages.uids), [1, 2, 3])
        self.assertFalse(account.folder.is_open)
        told = [change.uids for change in heard.changes]
        self.assertEqual(sum(len(uids) for uids in told), 3)


class OtherProcessesTests(StoreTestCase):
    """
    Two services on one account, as two processes have it.
    """

    async def both(self) -> tuple[Mailbox, Mailbox]:
        """
        INBOX as each sees it.
        """
        self.other = self.another_service()
        mine = await self.store.open_account(self.record())
        theirs = await self.other.open_account(self.record())
        return await mine.open_mailbox("INBOX"), await theirs.open_mailbox(
            "INBOX"
        )

    async def test_each_sees_the_others_changes(self) -> None:
        """
        What one appends, flags and expunges, the other is told of.
        """
        mine, theirs = await self.both()
        heard = Heard()
        theirs.listen(heard)

        await mine.append(await self.content(message()), ["$Important"])
        await theirs.look()
        await mine.store(UIDSet.of([1]), FlagMode.ADD, [DELETED])
        await theirs.look()
        await mine.expunge()
        await theirs.look()

        self.assertEqual(
            [type(change) for change in heard.changes],
            [Added, FlagsChanged, FlagsChanged, Expunged],
        )
        self.assertEqual(theirs.flag_names.keywords, ("$Important",))
        self.assertEqual(mine.highestmodseq, theirs.highestmodseq)

    async def test_uids_are_given_once(self) -> None:
        """
        Appends through both get different UIDs.
        """
        mine, theirs = await self.both()

        uids = []
        for _ in range(5):
            for mailbox, service in ((mine, self.store), (theirs, self.other)):
                appended = await mailbox.append(
                    await self.content(message(), service)
                )
                uids += appended.uids

        self.assertEqual(uids, list(range(1, 11)))

    async def test_modseqs_rise_through_both(self) -> None:
        """
        Changes through both have rising modseqs.
        """
        mine, theirs = await self.both()
        await mine.append(await self.content(message()))

        modseqs = []
        for number in range(6):
            mailbox = (mine, theirs)[number % 2]
            mode = (FlagMode.ADD, FlagMode.REMOVE)[number % 2]
            stored = await mailbox.store(UIDSet.of([1]), mode, [SEEN])
            modseqs.append(stored.modseq)

        self.assertEqual(modseqs, sorted(set(modseqs)))

    async def test_closed_by_one_open_in_the_other(self) -> None:
        """
        One that closes does not take the other's changes for its own.
        """
        mine, theirs = await self.both()
        await mine.append(await self.content(message()))
        await self.other.close()

        await mine.store(UIDSet.of([1]), FlagMode.ADD, [SEEN])

        self.assertFalse(os.path.exists(f"{self.record().home}/clean"))
        self.assertTrue(theirs is not mine)
