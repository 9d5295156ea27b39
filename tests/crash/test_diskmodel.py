"""
Tests for ``tests.crash.diskmodel``: that what it forgets is what a disk may.
"""

from __future__ import annotations

import os
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from tests.crash.diskmodel import DiskModel, Left

#: What is left: folders as None, files as their contents.
Outcome = frozenset[tuple[str, bytes | None]]


class DiskModelTests(SynchronousTestCase):
    """
    Tests for ``DiskModel``, told of real steps.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        for name in ("a", "b"):
            os.makedirs(self.path(name))
        with open(self.path("a/old"), "wb") as file:
            file.write(b"old")
        self.model = DiskModel(self.root, lambda name: name == "outside")
        self.disk = Disk(self.model.make)
        self.addCleanup(self.disk.close)

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def outcomes(self) -> set[Outcome]:
        """
        All that a power cut may leave in the two folders.
        """
        doubts = self.model.doubts()
        return {
            frozenset(
                (path, left.content if isinstance(left, Left) else None)
                for path, left in self.model.tree(doubts, chances).items()
                if path not in ("a", "b")
            )
            for chances in product(*(range(x.ways) for x in doubts))
        }

    def possible(self, *outcomes: dict[str, bytes | None]) -> None:
        """
        Exactly this may be left.
        """
        self.assertEqual(
            self.outcomes(), {frozenset(x.items()) for x in outcomes}
        )

    def test_nothing_happened(self) -> None:
        """
        What was there is there.
        """
        self.possible({"a/old": b"old"})

    def test_synced_file_without_its_folder(self) -> None:
        """
        A file that was synced has all its octets, if it has its name.
        """
        with self.disk.create(self.path("b")) as file:
            file.write(b"new!")
            self.disk.sync(files=[file])
            self.disk.link(file, self.path("b/new"))

        self.possible(
            {"a/old": b"old"},
            {"a/old": b"old", "b/new": b"new!"},
        )

    def test_synced_folder_without_its_file(self) -> None:
        """
        A name that was synced may be that of an empty or torn file.
        """
        with self.disk.create(self.path("b")) as file:
            file.write(b"new!")
            self.disk.link(file, self.path("b/new"))
        self.disk.sync(folders=[self.path("b")])

        self.possible(
            {"a/old": b"old", "b/new": b""},
            {"a/old": b"old", "b/new": b"ne"},
            {"a/old": b"old", "b/new": b"new!"},
        )

    def test_delivery(self) -> None:
        """
        Once both are synced there is no doubt.
        """
        with self.disk.create(self.path("b")) as file:
            file.write(b"new!")
            self.disk.link(file, self.path("b/new"))
            self.disk.sync(files=[file], folders=[self.path("b")])

        self.possible({"a/old": b"old", "b/new": b"new!"})

    def test_append(self) -> None:
        """
        What was appended may be missing, cut, or zeros.
        """
        with self.disk.open(self.path("a/old")) as file:
            file.write(b"1234")

        self.possible(
            {"a/old": b"old"},
            {"a/old": b"old12"},
            {"a/old": b"old\0\0\0\0"},
            {"a/old": b"old1234"},
        )

    def test_rename_inside_a_folder(self) -> None:
        """
        The old name or the new one, never both.
        """
        self.disk.rename(self.path("a/old"), self.path("a/new"))

        self.possible({"a/old": b"old"}, {"a/new": b"old"})

    def test_rename_across_folders(self) -> None:
        """
        The old name, both, or the new one; with the source alone synced, the
        message may be lost.
        """
        self.disk.rename(self.path("a/old"), self.path("b/new"))

        self.possible(
            {"a/old": b"old"},
            {"a/old": b"old", "b/new": b"old"},
            {"b/new": b"old"},
        )
        self.disk.sync(folders=[self.path("a")])
        self.possible({}, {"b/new": b"old"})
        self.disk.sync(folders=[self.path("b")])
        self.possible({"b/new": b"old"})

    def test_rename_onto_another(self) -> None:
        """
        What had the name is there until the rename is.
        """
        self.disk.replace(self.path("a/list"), b"one")
        with self.disk.create_named(self.path("a/list.tmp")) as file:
            file.write(b"two")
            self.disk.sync(files=[file])
        self.disk.sync(folders=[self.path("a")])

        self.disk.rename(self.path("a/list.tmp"), self.path("a/list"))

        self.possible(
            {"a/old": b"old", "a/list": b"one", "a/list.tmp": b"two"},
            {"a/old": b"old", "a/list": b"two"},
        )

    def test_unlink(self) -> None:
        """
        An unlinked name may come back until its folder is synced.
        """
        self.disk.unlink(self.path("a/old"))

        self.possible({"a/old": b"old"}, {})
        self.disk.sync(folders=[self.path("a")])
        self.possible({})

    def test_new_folder(self) -> None:
        """
        What is in a folder that was not kept is gone with it.
        """
        self.disk.make_folder(self.path("b/c"))
        self.disk.hard_link(self.path("a/old"), self.path("b/c/new"))
        self.disk.sync(folders=[self.path("b/c")])

        self.possible(
            {"a/old": b"old"},
            {"a/old": b"old", "b/c": None, "b/c/new": b"old"},
        )

    def test_each_subset(self) -> None:
        """
        Entries of one folder are kept or lost each by itself.
        """
        for name in ("x", "y", "z"):
            self.disk.hard_link(self.path("a/old"), self.path(f"b/{name}"))

        self.assertEqual(len(self.outcomes()), 8)

    def test_outside(self) -> None:
        """
        Databases and locks are not its affair.
        """
        self.disk.create_named(self.path("a/outside")).close()
        self.disk.unlink(self.path("a/outside"))

        self.possible({"a/old": b"old"})
