"""
Tests for ``mailsuite.transfer.spool``.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.transfer.spool import Spool


class _Busy(Disk):
    """
    Where somebody else removes a file in the same moment.
    """

    def unlink(self, path: str) -> None:
        os.unlink(path)
        super().unlink(path)


class NamesTests(SynchronousTestCase):
    """
    Tests for ``Spool.names``.
    """

    def test_a_message_that_is_done_with_meanwhile(self) -> None:
        """
        Its content goes without us; the rest is looked through.
        """
        folder = Path(self.mktemp())
        shard = folder / "0000000a"
        shard.mkdir(parents=True)
        (shard / "0000000a001.m").write_bytes(b"x")
        (shard / "0000000a002.m").write_bytes(b"x")
        (shard / "0000000a002.q").write_bytes(b"abc")
        disk = _Busy()
        self.addCleanup(disk.close)

        names = Spool(disk, str(folder)).names("0000000a", former=True)

        self.assertEqual(names, {"0000000a002": 3})
        self.assertEqual(
            sorted(os.listdir(shard)), ["0000000a002.m", "0000000a002.q"]
        )

    def test_an_entry_that_is_written_anew_meanwhile(self) -> None:
        """
        Its new file is left alone; what a crash left of others goes.
        """
        folder = Path(self.mktemp())
        shard = folder / "0000000a"
        shard.mkdir(parents=True)
        (shard / "0000000a002.m").write_bytes(b"x")
        (shard / "0000000a002.q").write_bytes(b"abc")
        (shard / "0000000a002.q.1.tmp").write_bytes(b"ab")
        (shard / "0000000a003.q.1.tmp").write_bytes(b"ab")
        disk = Disk()
        self.addCleanup(disk.close)

        Spool(disk, str(folder)).names("0000000a", former=True)

        self.assertIn("0000000a002.q.1.tmp", os.listdir(shard))
        self.assertNotIn("0000000a003.q.1.tmp", os.listdir(shard))


class TidyTests(SynchronousTestCase):
    """
    Tests for ``Spool.tidy``.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        (self.folder / "0000000a").mkdir(parents=True)
        disk = Disk()
        self.addCleanup(disk.close)
        self.spool = Spool(disk, str(self.folder))

    def test_what_a_crash_left_behind(self) -> None:
        """
        A second content whose message has ended goes, and its shard.
        """
        (self.folder / "0000000a" / "0000000a001.2.m").write_bytes(b"x")

        self.spool.tidy(0.0, empty_before=11.0)

        self.assertEqual(os.listdir(self.folder), ["broken"])

    def test_what_is_being_queued(self) -> None:
        """
        A content whose entry does not stand yet is left alone.
        """
        (self.folder / "0000000a" / "0000000a001.m").write_bytes(b"x")

        self.spool.tidy(0.0, empty_before=11.0)

        self.assertEqual(
            os.listdir(self.folder / "0000000a"), ["0000000a001.m"]
        )

    def test_what_waits_is_left_alone(self) -> None:
        """
        Contents in a shard with an entry stay, and those of a newer shard.
        """
        for name in ("0000000a001.2.m", "0000000a001.m", "0000000a002.q"):
            (self.folder / "0000000a" / name).write_bytes(b"x")
        (self.folder / "0000000c").mkdir()
        (self.folder / "0000000c" / "0000000c001.m").write_bytes(b"x")

        self.spool.tidy(0.0, empty_before=11.0)

        self.assertEqual(len(os.listdir(self.folder / "0000000a")), 3)
        self.assertEqual(len(os.listdir(self.folder / "0000000c")), 1)
