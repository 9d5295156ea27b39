"""
Tests for ``mailsuite.transfer.srskeys``.
"""

from __future__ import annotations

import stat
from pathlib import Path

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.transfer.srskeys import load_keys


class LoadKeysTests(SynchronousTestCase):
    """
    Tests for ``load_keys``.
    """

    def setUp(self) -> None:
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.path = Path(self.mktemp())

    def load(self) -> list[bytes]:
        """
        The keys, with one for where there are none.
        """
        return load_keys(self.disk, self.path, "abcd")

    def test_first_start(self) -> None:
        """
        A key is made, private to the suite, and stays.
        """
        self.assertEqual(self.load(), [b"\xab\xcd"])
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(load_keys(self.disk, self.path, "1234"), self.load())

    def test_rotation(self) -> None:
        """
        The first line is for new addresses; empty lines are nothing.
        """
        self.path.write_text("0102\n\n0304\n")
        self.assertEqual(self.load(), [b"\x01\x02", b"\x03\x04"])

    def test_lines_that_are_none(self) -> None:
        """
        They are told of, unread, and stay; there is a key all the same.
        """
        self.path.write_text("0102x\n")
        told = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
        self.assertEqual(self.load(), [b"\xab\xcd"])
        self.assertEqual(self.path.read_text(), "abcd\n0102x\n")
        (text,) = map(formatEvent, told)
        self.assertIn("line 1", text)
        self.assertNotIn("0102x", text)
