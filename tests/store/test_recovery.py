"""
Tests for an account that lost its index, its uidlist, or both; and for what
an unclean end leaves.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

from mailsuite.mail.flags import SEEN, FlagMode
from mailsuite.mail.uids import UIDSet
from mailsuite.store.account import Account
from mailsuite.store.adding import Arrival
from mailsuite.store.intent import CopyIntent, Intents
from mailsuite.store.mailbox import Mailbox
from mailsuite.store.modseq import AHEAD
from tests.support.stores import Heard, StoreTestCase, message

#: uid, flags, size and date of a message; and its flags by name.
Seen = list[tuple[int, int, int, int]]


class LostTests(StoreTestCase):
    """
    An account with three messages in INBOX, after something was lost.
    """

    async def lose(self, *names: str, garbage: bool = False) -> None:
        """
        Make the account, stop, and lose these files of its folder.
        """
        inbox = await self.opened()
        for flags in ((), ("\\Flagged",), ("$Junk", "\\Seen")):
            await inbox.append(
                await self.content(message()), flags, 1_000_000_000
            )
        await inbox.remove(UIDSet.of([1]))
        self.before = self.seen(inbox)
        self.keywords = inbox.flag_names.keywords
        self.modseq = inbox.highestmodseq
        self.uidvalidity = inbox.uidvalidity
        self.mailbox_id = inbox.mailbox_id
        await self.store.close()
        for name in names:
            path = f"{self.record().home}/{name}"
            if garbage:
                with open(path, "wb") as file:
                    file.write(b"\0garbage\n" * 1000)
            else:
                os.unlink(path)
        self.store = self.another_service()

    async def opened(self) -> Mailbox:
        """
        INBOX.
        """
        self.account = await self.store.open_account(self.record())
        return await self.account.open_mailbox("INBOX")

    def seen(self, mailbox: Mailbox) -> Seen:
        """
        What a client sees of the messages.
        """
        m = mailbox.messages
        return list(zip(m.uids, m.flags, m.sizes, m.dates, strict=True))

    async def see_all_as_before(self) -> Mailbox:
        """
        Open INBOX and see the same UIDs, flags, keywords, sizes and dates.
        """
        inbox = await self.opened()
        self.assertEqual(self.seen(inbox), self.before)
        self.assertEqual(inbox.flag_names.keywords, self.keywords)
        self.assertEqual(inbox.uidvalidity, self.uidvalidity)
        self.assertEqual(inbox.mailbox_id, self.mailbox_id)
        self.assertEqual(inbox.uidnext, 4)
        return inbox

    async def test_nothing_lost(self) -> None:
        """
        After an orderly close all is as it was, the modseqs too.
        """
        await self.lose()

        inbox = await self.see_all_as_before()

        self.assertEqual(inbox.highestmodseq, self.modseq)

    async def test_index_deleted(self) -> None:
        """
        The index comes back, with modseqs above all before.
        """
        await self.lose("index.sqlite3")

        inbox = await self.see_all_as_before()

        self.assertGreater(min(inbox.messages.modseqs), self.modseq)
        changes = await inbox.changes_since(self.modseq)
        self.assertEqual(list(changes.changed), [2, 3])
        self.assertFalse(changes.complete)

    async def test_index_garbage(self) -> None:
        """
        An index that is no database is made anew.
        """
        await self.lose("index.sqlite3", garbage=True)

        inbox = await self.see_all_as_before()

        self.assertGreater(min(inbox.messages.modseqs), self.modseq)

    async def test_index_of_another_version(self) -> None:
        """
        An index of another version is made anew.
        """
        await self.lose()
        database = sqlite3.connect(f"{self.record().home}/index.sqlite3")
        database.execute("PRAGMA user_version = 77")
        database.close()

        await self.see_all_as_before()

    async def test_index_deleted_while_open(self) -> None:
        """
        An index that is deleted under a running service comes back, and the
        open mailbox with it.
        """
        inbox = await self.opened()
        await inbox.append(await self.content(message()))
        for suffix in ("", "-wal", "-shm"):
            os.unlink(f"{self.record().home}/index.sqlite3{suffix}")

        await inbox.append(await self.content(message()))

        self.assertEqual(list(inbox.messages.uids), [1, 2])

    async def test_unclean_end(self) -> None:
        """
        Without the mark of a clean close modseqs go on above all that were
        told, and changes of names are found.
        """
        await self.lose("clean")
        folder = f"{self.record().maildir}/cur"
        [name] = [x for x in os.listdir(folder) if x.endswith(":2,F")]
        os.rename(f"{folder}/{name}", f"{folder}/{name}S")

        inbox = await self.opened()

        self.assertEqual(
            inbox.flag_names.names(inbox.messages.flags[0]),
            ("\\Flagged", SEEN),
        )
        self.assertGreater(inbox.highestmodseq, self.modseq)

    async def test_modseq_file_lost_too(self) -> None:
        """
        With the ceiling lost as well, the clock keeps modseqs rising.
        """
        await self.lose("index.sqlite3", "modseq", "clean")

        inbox = await self.see_all_as_before()

        self.assertGreater(inbox.highestmodseq, self.modseq)
        self.assertLess(inbox.highestmodseq, self.modseq + AHEAD)

    async def test_uidlist_deleted(self) -> None:
        """
        A uidlist that was lost is written anew from the index.
        """
        await self.lose("Maildir/dovecot-uidlist")

        await self.see_all_as_before()

        with open(f"{self.record().maildir}/dovecot-uidlist") as file:
            self.assertEqual(len(file.readlines()), 3)

    async def test_uidlist_and_index_deleted(self) -> None:
        """
        With both lost there is a new UIDVALIDITY: no UID means another
        message than before.
        """
        await self.lose("index.sqlite3", "Maildir/dovecot-uidlist")

        inbox = await self.opened()

        self.assertGreater(inbox.uidvalidity, self.uidvalidity)
        self.assertEqual(len(inbox.messages), 2)

    async def test_torn_uidlist(self) -> None:
        """
        A line that lost its end is mended before another is added.
        """
        await self.lose()
        path = f"{self.record().maildir}/dovecot-uidlist"
        with open(path, "ab") as file:
            file.write(b"9 :1795")

        inbox = await self.see_all_as_before()
        await inbox.append(await self.content(message()))

        with open(path) as file:
            self.assertTrue(file.readlines()[-1].startswith("4 :"))

    async def test_uidlist_of_expunged_messages(self) -> None:
        """
        A list that is mostly of messages that are gone is shortened; the next
        UID stays above all of theirs.
        """
        await self.lose()
        path = f"{self.record().maildir}/dovecot-uidlist"
        with open(path, "a") as file:
            for uid in range(4, 2004):
                file.write(f"{uid} :1795557832.M{uid}P1Q1.elsewhere,S=1234\n")

        inbox = await self.opened()

        with open(path) as file:
            self.assertEqual(len(file.readlines()), 3)
        self.assertEqual(inbox.uidnext, 2004)
        appended = await inbox.append(await self.content(message()))
        self.assertEqual(appended.uids, (2004,))

    async def test_other_uidvalidity(self) -> None:
        """
        Where another program changed the UIDVALIDITY, ours is that.
        """
        await self.lose()
        path = f"{self.record().maildir}/dovecot-uidlist"
        with open(path) as file:
            lines = file.readlines()
        lines[0] = lines[0].replace(f"V{self.uidvalidity}", "V77")
        with open(path, "w") as file:
            file.writelines(lines)

        inbox = await self.opened()

        self.assertEqual(inbox.uidvalidity, 77)
        self.assertEqual(list(inbox.messages.uids), [2, 3])

    async def test_unfinished_copy(self) -> None:
        """
        A copy that was begun and has no line in the uidlist is undone.
        """
        await self.lose()
        maildir = self.record().maildir
        [source, *_] = os.listdir(f"{maildir}/cur")
        os.link(
            f"{maildir}/cur/{source}", f"{maildir}/.Junk/cur/17.copy.host:2,"
        )
        Intents(f"{self.record().home}/intent", self.disk).declare(
            CopyIntent(".Junk", ["17.copy.host"])
        )
        os.unlink(f"{self.record().home}/clean")

        await self.see_all_as_before()

        self.assertEqual(os.listdir(f"{maildir}/.Junk/cur"), [])
        self.assertFalse(os.path.exists(f"{self.record().home}/intent"))


class IdleTests(StoreTestCase):
    """
    Accounts whose sessions do nothing.
    """

    async def test_suspended_and_awake_again(self) -> None:
        """
        A mailbox stays right while its account's database is closed, and
        goes on where it was.
        """
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        await inbox.append(await self.content(message()))
        modseq = inbox.highestmodseq

        account.suspend()
        await inbox.store(UIDSet.of([1]), FlagMode.ADD, [SEEN])

        self.assertGreater(inbox.highestmodseq, modseq)
        self.assertLess(inbox.highestmodseq, modseq + AHEAD // 2)
        self.assertEqual(list(inbox.messages.uids), [1])

    async def test_suspended_holds_nothing(self) -> None:
        """
        An account that is suspended has no file open.
        """
        account = await self.store.open_account(self.record())
        await account.open_mailbox("INBOX")

        account.suspend()
        await self.settled(account)

        home = self.record().home
        self.assertEqual(
            [path for path in _open_files() if path.startswith(home)], []
        )

    async def test_arrival_while_suspended(self) -> None:
        """
        A delivery is told with its UID while the database stays closed, and
        is in the index when that is open again.
        """
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        heard = Heard()
        inbox.listen(heard)
        account.suspend()

        await self.store.deliver(await self.content(message()), [self.record()])
        await self.settled(account)
        was_open = account.folder.is_open
        status = await account.status("INBOX")

        self.assertFalse(was_open)
        [added] = heard.changes
        self.assertEqual(added.uids, UIDSet.of([1]))
        self.assertEqual(status.messages, 1)
        self.assertEqual(status.highestmodseq, added.modseq)

    async def arrived_after(self, account: Account, name: str) -> list[str]:
        """
        The lines of INBOX's uidlist, once a delivery is told of whose file a
        look has found before.

        :param name: of the file.
        """
        looks = account.landing()
        path = f"{self.record().maildir}/new/{name}"
        with open(path, "wb") as file:
            file.write(message())
        await self.look(account)
        account.arrived(Arrival(name, len(message()), 17, looks))
        account.landed()
        await self.settled(account)
        with open(f"{self.record().maildir}/dovecot-uidlist") as file:
            return file.readlines()[1:]

    async def look(self, account: Account) -> None:
        """
        Somebody looks, and the database is closed again.
        """
        inbox = await account.open_mailbox("INBOX")
        await inbox.look()
        account.suspend()
        await self.settled(account)

    async def test_found_before_it_was_told(self) -> None:
        """
        A delivery that a look finds first has one UID.
        """
        account = await self.store.open_account(self.record())

        lines = await self.arrived_after(account, "17.M1P1Q1.host")

        self.assertEqual(lines, ["1 :17.M1P1Q1.host\n"])

    async def test_found_by_another_process(self) -> None:
        """
        A delivery that another process finds first has one UID.
        """
        account = await self.store.open_account(self.record())
        await account.open_mailbox("INBOX")
        other = self.another_service()
        theirs = await other.open_account(self.record())
        self.patch(self, "look", lambda _: theirs.open_mailbox("INBOX"))

        lines = await self.arrived_after(account, "17.M1P1Q1.host")

        self.assertEqual(lines, ["1 :17.M1P1Q1.host\n"])

    async def test_arrival_while_another_process_works(self) -> None:
        """
        A suspended account that another process used is read anew.
        """
        account = await self.store.open_account(self.record())
        inbox = await account.open_mailbox("INBOX")
        account.suspend()
        await self.settled(account)
        other = self.another_service()
        theirs = await other.open_account(self.record())
        mailbox = await theirs.open_mailbox("INBOX")
        await mailbox.append(await self.content(message(), other))

        await self.store.deliver(await self.content(message()), [self.record()])
        await inbox.look()

        self.assertEqual(list(inbox.messages.uids), [1, 2])

    async def settled(self, account: object) -> None:
        """
        On return no step of the account waits.
        """
        await account._lane.when_idle()  # type: ignore[attr-defined]  # ours


def _open_files() -> Iterable[str]:
    for number in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue
