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
