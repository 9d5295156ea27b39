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
