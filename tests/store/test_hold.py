"""
Tests for the locks between processes.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import StoreBusy
from mailsuite.store import hold
from mailsuite.store.hold import AccountHold


class AccountHoldTests(SynchronousTestCase):
    """
    Tests for ``AccountHold``: two of one folder, as two processes have them.
    """

    def setUp(self) -> None:
        self.home = self.mktemp()
        os.makedirs(self.home)
        self.ours = self.another()
        self.theirs = self.another()

    def another(self) -> AccountHold:
        """
        One more, let go at the end.
        """
        made = AccountHold(self.home)
        self.addCleanup(made.close)
        return made

    def test_one_at_a_time(self) -> None:
        """
        The lane is held by one; the other gives up after some time.
        """
        self.patch(hold, "PATIENCE", 0.01)
        self.ours.take()

        self.assertRaises(StoreBusy, self.theirs.take)
        self.ours.give()
        self.theirs.take()

        self.assertRaises(StoreBusy, self.ours.take)

    def test_alone(self) -> None:
        """
        Who comes first is alone; who comes second is not.
        """
        self.assertTrue(self.ours.alone())
        self.assertFalse(self.theirs.alone())

    def test_alone_again(self) -> None:
        """
        When all others have gone, the next is alone.
        """
        last = AccountHold(self.home)
        last.alone()
        last.close()

        self.assertTrue(self.ours.alone())

    def test_hint_of_a_change(self) -> None:
        """
        Who is stopped in the middle of a change leaves a hint to the next.
        """
        self.assertFalse(self.theirs.left_dirty)

        self.ours.set_dirty()

        self.assertTrue(self.theirs.left_dirty)
        self.ours.set_clean()
        self.assertFalse(self.theirs.left_dirty)
