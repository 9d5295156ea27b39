"""
Tests for finding files that another program renamed.
"""

from __future__ import annotations

import os
from itertools import chain, cycle
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.store.locating import Locator
from mailsuite.store.rows import FileRow


class LocatorTests(SynchronousTestCase):
    """
    Tests for ``Locator``.
    """

    def setUp(self) -> None:
        self.path = self.mktemp()
        for place in ("new", "cur"):
            os.makedirs(f"{self.path}/{place}")
        mailbox: Any = SimpleNamespace(path=self.path)
        self.locator = Locator(mailbox)
        self.used: list[FileRow] = []
        self.listings = 0
        self.patch(os, "listdir", self.listed(os.listdir))

    def listed(self, listdir: Any) -> Any:
        """
        The function, counted.
        """

        def counted(path: str) -> list[str]:
            self.listings += 1
            return listdir(path)  # type: ignore[no-any-return]  # of os

        return counted

    def file(self, path: str) -> None:
        """
        A file.
        """
        with open(f"{self.path}/{path}", "w"):
            pass

    def use(self, file: FileRow) -> None:
        """
        Use a file, which must be there.
        """
        os.stat(f"{self.path}/{file.path}")
        self.used.append(file)

    def test_where_it_was(self) -> None:
        """
        A file that is where it was thought to be costs no listing.
        """
        self.file("cur/one:2,S")
        file = FileRow(1, "cur", "one", ":2,S", "P7")

        self.assertTrue(self.locator.use(file, self.use))

        self.assertEqual(self.used, [file])
        self.assertEqual(self.listings, 0)

    def test_under_another_name(self) -> None:
        """
        A file with other flags, or in the other place, is found; what else
        is known of it stays.
        """
        self.file("cur/one:2,FS")

        self.locator.use(FileRow(1, "new", "one", "", "P7"), self.use)

        self.assertEqual(self.used, [FileRow(1, "cur", "one", ":2,FS", "P7")])

    def test_many_cost_one_listing(self) -> None:
        """
        Files that were renamed together are found by one listing.
        """
        for number in range(50):
            self.file(f"cur/{number}:2,S")

        for number in range(50):
            self.locator.use(FileRow(number, "new", str(number), ""), self.use)

        self.assertEqual(len(self.used), 50)
        self.assertEqual(self.listings, 2)

    def test_gone(self) -> None:
        """
        Files that two listings miss are gone, however many they are.
        """
        for number in range(50):
            gone = FileRow(number, "cur", str(number), ":2,")
            self.assertFalse(self.locator.use(gone, self.use))

        self.assertEqual(self.listings, 4)

    def test_moved_again(self) -> None:
        """
        A file that is renamed between the listing and its use is found by
        another one; one that never stands still is given up.
        """
        self.file("cur/one:2,")
        names = chain(["F", "FS", "FST"], cycle(["R", "RS", "RT"]))
        last = ["cur/one:2,"]

        def use(file: FileRow) -> None:
            now = f"cur/one:2,{next(names)}"
            os.rename(f"{self.path}/{last[0]}", f"{self.path}/{now}")
            last[0] = now
            if now != "cur/one:2,FST":
                raise FileNotFoundError
            self.used.append(file)

        self.assertTrue(self.locator.use(FileRow(1, "cur", "one", ":2,"), use))
        self.assertFalse(
            self.locator.use(FileRow(1, "cur", "one", ":2,FST"), use)
        )
