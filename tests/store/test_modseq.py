"""
Tests for modseqs, their ceiling and the mark of a clean close.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.store.modseq import AHEAD, CleanMark, ModSeqs, read_number

_NOW = 1_795_557_832.0
_MICROSECONDS = 1_795_557_832_000_000


class ModSeqsTests(SynchronousTestCase):
    """
    Tests for ``ModSeqs``.
    """

    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.path = f"{folder}/modseq"
        self.now = _NOW

    def modseqs(self, last: int, *, certain: bool) -> ModSeqs:
        """
        Going on after ``last``.
        """
        modseqs = ModSeqs(self.path, Disk(), lambda: self.now)
        modseqs.start(last, certain=certain)
        return modseqs

    def test_the_clock_in_microseconds(self) -> None:
        """
        A new account's first modseq is the present.
        """
        self.assertEqual(self.modseqs(0, certain=True).next(), _MICROSECONDS)

    def test_no_room_for_the_ceiling(self) -> None:
        """
        Where the ceiling cannot be raised the start succeeds, since mail can
        still be read; and no modseq is given.
        """
        self.path += "/of a folder that is not there"

        modseqs = self.modseqs(7, certain=True)
        self.assertRaises(OSError, modseqs.next)
        os.mkdir(os.path.dirname(self.path))

        self.assertEqual(modseqs.next(), _MICROSECONDS)
        self.assertGreater(read_number(self.path), _MICROSECONDS)

    def test_rises_while_the_clock_stands(self) -> None:
        """
        Each modseq is above the last, whatever the clock does.
        """
        modseqs = self.modseqs(0, certain=True)

        first = modseqs.next()
        self.now -= 60
        second = modseqs.next()

        self.assertEqual(second, first + 1)

    def test_below_the_ceiling_on_the_disk(self) -> None:
        """
        The ceiling is raised before it is reached.
        """
        modseqs = self.modseqs(0, certain=True)
        modseqs.next()
        self.now += 3 * AHEAD / 1_000_000

        modseq = modseqs.next()

        ceiling = read_number(self.path)
        assert ceiling is not None
        self.assertGreater(ceiling, modseq)

    def test_at_the_ceiling_after_a_loss(self) -> None:
        """
        Where the last modseq is not certain, the next is above all that may
        have been told.
        """
        self.modseqs(0, certain=True).next()
        ceiling = read_number(self.path)
        assert ceiling is not None

        modseq = self.modseqs(5, certain=False).next()

        self.assertEqual(modseq, ceiling + 1)
        raised = read_number(self.path)
        assert raised is not None
        self.assertGreater(raised, modseq)

    def test_garbage_in_the_file(self) -> None:
        """
        A file that holds no number is as none.
        """
        with open(self.path, "w") as file:
            file.write("garbage")

        self.assertEqual(self.modseqs(7, certain=True).next(), _MICROSECONDS)


class CleanMarkTests(SynchronousTestCase):
    """
    Tests for ``CleanMark``.
    """

    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.mark = CleanMark(f"{folder}/clean", Disk())

    def test_matches_what_was_written(self) -> None:
        """
        The mark is for one modseq in one file.
        """
        self.mark.write(77, 5)

        self.assertTrue(self.mark.matches(77, 5))
        self.assertFalse(self.mark.matches(76, 5))
        self.assertFalse(self.mark.matches(77, 6))

    def test_none_and_removed(self) -> None:
        """
        Without a mark nothing is clean; to remove none is fine.
        """
        self.assertFalse(self.mark.matches(77, 5))
        self.mark.remove()
        self.mark.write(77, 5)
        self.mark.remove()

        self.assertFalse(self.mark.matches(77, 5))
