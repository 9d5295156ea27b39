"""
Tests for the index as a database: its tables, and what becomes of bad ones.
"""

from __future__ import annotations

import os
import sqlite3

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.errors import StoreFull
from mailsuite.store.database import IndexBroken
from mailsuite.store.index import Index
from mailsuite.store.rows import FileRow, MailboxRow


class IndexTestCase(SynchronousTestCase):
    """
    A test with an index.
    """

    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.path = f"{folder}/index.sqlite3"
        self.index = self.opened()

    def opened(self, account: int = 7) -> Index:
        """
        The index, closed at the end.
        """
        index = Index(self.path, account, Disk())
        self.addCleanup(index.close)
        return index

    def filled(self, uids: range = range(1, 4)) -> int:
        """
        A mailbox with these messages.
        """
        row = MailboxRow("", "f" * 32, 77, keywords=("$Junk", "", "two words"))
        with self.index.transaction():
            self.index.save_mailbox(row)
            self.index.add_messages(
                row.mailbox,
                [(uid, 8, 100 + uid, 10 * uid, 5) for uid in uids],
                [FileRow(uid, "cur", f"base{uid}", ":2,S") for uid in uids],
            )
        return row.mailbox


class IndexTests(IndexTestCase):
    """
    Tests for ``Index``.
    """

    def test_again_as_it_was(self) -> None:
        """
        What was committed is there at the next opening.
        """
        mailbox = self.filled()
        self.index.set_standing(5, 6)
        self.index.close()

        self.index = self.opened()

        self.assertFalse(self.index.fresh)
        self.assertEqual(self.index.standing(), (5, 6))
        [row] = self.index.mailboxes()
        self.assertEqual(row.keywords, ("$Junk", "", "two words"))
        self.assertEqual(self.index.messages(mailbox)[0], (1, 8, 101, 10, 5))
        self.assertEqual(self.index.use(), (60, 3))

    def test_of_another_account(self) -> None:
        """
        The index of another account is not believed.
        """
        self.filled()
        self.index.close()

        index = self.opened(account=8)

        self.assertTrue(index.fresh)
        self.assertEqual(index.mailboxes(), [])

    def test_a_table_that_is_gone(self) -> None:
        """
        A database that lacks a table is broken, and says so.
        """
        self.index.close()
        database = sqlite3.connect(self.path)
        database.execute("DROP TABLE mailbox")
        database.close()

        index = self.opened()

        self.assertRaises(IndexBroken, index.mailboxes)

    def test_no_room(self) -> None:
        """
        A database that cannot grow is a full disk, and as it was before.
        """
        mailbox = self.filled()
        self.index.all("PRAGMA max_page_count = 1")

        with self.assertRaises(StoreFull), self.index.transaction():
            self.index.add_messages(
                mailbox,
                [(uid, 0, uid, 1, 1) for uid in range(100, 5000)],
                [],
            )

        self.assertEqual(len(self.index.messages(mailbox)), 3)

    def test_whole_or_not_at_all(self) -> None:
        """
        A transaction that fails leaves nothing.
        """
        mailbox = self.filled()

        with self.assertRaises(ValueError), self.index.transaction():
            self.index.set_flags(mailbox, 999, [(1, 0)])
            raise ValueError

        self.assertEqual(self.index.messages(mailbox)[0][1], 8)

    def test_names_that_are_no_text(self) -> None:
        """
        Names of files come back octet by octet.
        """
        mailbox = self.filled()
        base = os.fsdecode(b"caf\xe9\xff")

        with self.index.transaction():
            self.index.set_names(mailbox, [FileRow(2, "new", base, ":2,é")])

        found = self.index.file_of(mailbox, base)
        self.assertEqual(found, FileRow(2, "new", base, ":2,é"))
        self.assertEqual(self.index.new_files(mailbox), [found])

    def test_expunges_are_remembered(self) -> None:
        """
        Expunges are found by their modseq; the oldest are forgotten, and it
        is told up to which modseq.
        """
        mailbox = self.filled(range(1, 11))
        with self.index.transaction():
            self.index.expunge(mailbox, 200, [1, 2])
            self.index.expunge(mailbox, 201, [3])
            self.index.expunge(mailbox, 202, [4, 5])

        self.assertEqual(self.index.expunged_since(mailbox, 200), [3, 4, 5])
        self.assertIsNone(self.index.prune_expunged(mailbox, 5))
        self.assertEqual(self.index.prune_expunged(mailbox, 2), 201)
        self.assertEqual(self.index.expunged_since(mailbox, 0), [4, 5])

    def test_numbers(self) -> None:
        r"""
        A mailbox is counted: all, unseen, \Deleted, octets.
        """
        mailbox = self.filled()
        with self.index.transaction():
            self.index.set_flags(mailbox, 300, [(1, 0), (2, 4)])

        self.assertEqual(self.index.numbers(mailbox), (3, 2, 1, 60, 20))

    def test_a_forgotten_mailbox(self) -> None:
        """
        Nothing is left of a mailbox, and its number is not given again.
        """
        mailbox = self.filled()

        with self.index.transaction():
            self.index.forget_mailbox(mailbox)

        self.assertEqual(self.index.messages(mailbox), [])
        self.assertGreater(self.filled(), mailbox)


class RenderingTableTests(IndexTestCase):
    """
    Tests for ``RenderingTable``.
    """

    def test_by_kind_and_uid(self) -> None:
        """
        Renderings are kept by renderer and message, and missing ones known.
        """
        mailbox = self.filled()
        table = self.index.renderings
        one, two = table.kind("one", 1), table.kind("two", 1)

        with self.index.transaction():
            table.add(mailbox, one, [(1, b"a"), (3, b"c"), (9, b"gone")])

        self.assertEqual(table.between(mailbox, one, 1, 2), {1: b"a"})
        self.assertEqual(table.between(mailbox, two, 1, 9), {})
        self.assertEqual(table.missing(mailbox, one, 1), [2])

    def test_another_version(self) -> None:
        """
        What an earlier version of a renderer made is dropped.
        """
        mailbox = self.filled()
        table = self.index.renderings
        old = table.kind("one", 1)
        with self.index.transaction():
            table.add(mailbox, old, [(1, b"a")])

        new = table.kind("one", 2)

        self.assertNotEqual(old, new)
        self.assertEqual(table.between(mailbox, old, 1, 9), {})
        self.assertEqual(table.kind("one", 2), new)

    def test_gone_with_its_message(self) -> None:
        """
        An expunged message's renderings go with it.
        """
        mailbox = self.filled()
        table = self.index.renderings
        kind = table.kind("one", 1)
        with self.index.transaction():
            table.add(mailbox, kind, [(1, b"a"), (2, b"b")])
            self.index.expunge(mailbox, 400, [1])

        self.assertEqual(table.between(mailbox, kind, 1, 9), {2: b"b"})
