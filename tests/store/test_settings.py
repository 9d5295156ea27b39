"""
Tests for ``mailsuite.store.settings``.
"""

from __future__ import annotations

import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.disksteps import Committed, Step
from mailsuite.store.settings import Settings


class SettingsTests(SynchronousTestCase):
    """
    Tests for ``Settings``.
    """

    def setUp(self) -> None:
        """
        A path, and a disk that is watched.
        """
        self.path = os.path.abspath(self.mktemp())
        self.steps: list[Step] = []
        self.disk = Disk(self.steps.append)
        self.addCleanup(self.disk.close)

    def settings(self, account: int = 1) -> Settings:
        """
        The settings, as an account that has just been opened sees them.
        """
        return Settings(self.path, account, self.disk)

    def test_nothing(self) -> None:
        """
        Where nothing was set no file is made.
        """
        self.assertEqual(self.settings().special_uses, {})
        self.assertFalse(os.path.exists(self.path))

    def test_kept(self) -> None:
        """
        What was set is there after a restart, in a file that only we read.
        """
        self.settings().set_special_uses({"a": "\\Sent", "b": "\\Junk"})
        self.assertEqual(
            self.settings().special_uses, {"a": "\\Sent", "b": "\\Junk"}
        )
        mode = stat.S_IMODE(os.stat(self.path).st_mode)
        self.assertEqual(mode, 0o600)
        self.assertIn(Committed(self.path), self.steps)

    def test_another_process(self) -> None:
        """
        What another process sets is seen.
        """
        here = self.settings()
        here.set_special_uses({"a": "\\Sent"})
        self.assertEqual(here.special_uses, {"a": "\\Sent"})
        self.settings().set_special_uses({"b": "\\Junk"})
        self.assertEqual(here.special_uses, {"a": "\\Sent", "b": "\\Junk"})

    def test_forget(self) -> None:
        """
        A mailbox that is no more has no use; unknown ones are passed over.
        """
        settings = self.settings()
        settings.set_special_uses({"a": "\\Sent", "b": "\\Junk"})
        settings.forget("a")
        settings.forget("c")
        self.assertEqual(self.settings().special_uses, {"b": "\\Junk"})

    def test_another_account_in_the_folder(self) -> None:
        """
        Who has the folder now has its settings, though his number is another.
        """
        self.settings(1).set_special_uses({"a": "\\Sent"})
        self.assertEqual(self.settings(2).special_uses, {"a": "\\Sent"})
        self.settings(2).set_special_uses({"a": "\\Drafts"})
        self.assertEqual(self.settings(2).special_uses, {"a": "\\Drafts"})
