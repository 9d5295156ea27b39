"""
Tests for ``mailsuite.app.localfacts``.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import localfacts
from mailsuite.app.config import embedded
from mailsuite.disk import Disk


class NamesTests(SynchronousTestCase):
    """
    Tests for ``write``, ``read`` and ``named``.
    """

    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.state.mkdir()
        self.disk = Disk()
        self.addCleanup(self.disk.close)

    def test_kept(self) -> None:
        """
        What one start was told, the next and the commands know; everybody
        may read it.
        """
        told = replace(
            embedded(), host_name="a.example", default_domain="a.example"
        )
        localfacts.write(self.state, told, self.disk)

        found = localfacts.named(embedded(), self.state)
        self.assertEqual(found.default_domain, "a.example")
        self.assertEqual(found.host_name, "a.example")
        mode = os.stat(self.state / localfacts.FILE_NAME).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o644)

    def test_nothing_there(self) -> None:
        """
        A new folder, or nonsense in the file, leaves the usual names.
        """
        self.assertEqual(localfacts.named(embedded(), self.state), embedded())
        (self.state / localfacts.FILE_NAME).write_bytes(b"{")
        self.assertEqual(localfacts.named(embedded(), self.state), embedded())
