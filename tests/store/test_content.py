"""
Tests for ``mailsuite.store.content``.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.store.content import IN_ONE_PIECE, mapped

LINES = IN_ONE_PIECE // 6 + 1


class MappedTests(SynchronousTestCase):
    """
    Tests for ``mapped``.
    """

    def mapped(self, octets: bytes) -> bytes | mmap.mmap:
        """
        What becomes of a file of these octets.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "message").write_bytes(octets)
        found = mapped(str(folder / "message"), Disk())
        if isinstance(found, mmap.mmap):
            self.addCleanup(found.close)
        return found

    def test_short(self) -> None:
        """
        Its octets, as they are sent.
        """
        self.assertEqual(self.mapped(b"one\ntwo\r\n"), b"one\r\ntwo\r\n")

    def test_long(self) -> None:
        """
        All of it, mapped and not read.
        """
        found = self.mapped(b"line\r\n" * LINES)

        self.assertIsInstance(found, mmap.mmap)
        self.assertEqual(found[:], b"line\r\n" * LINES)

    def test_long_with_bare_line_feeds(self) -> None:
        """
        All of it as it is sent, mapped too.
        """
        found = self.mapped(b"a line\n" * LINES)

        self.assertIsInstance(found, mmap.mmap)
        self.assertEqual(found[:], b"a line\r\n" * LINES)

    def test_absent(self) -> None:
        """
        A file that was renamed is missing here.
        """
        self.assertRaises(FileNotFoundError, mapped, self.mktemp(), Disk())
