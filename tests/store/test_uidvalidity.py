"""
Tests for ``mailsuite.store.uidvalidity``.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.errors import StoreBusy
from mailsuite.mail.uids import MAXIMUM
from mailsuite.store import uidvalidity
from mailsuite.store.uidvalidity import next_uidvalidity


class NextUIDValidityTests(SynchronousTestCase):
    """
    Tests for ``next_uidvalidity``.
    """

    def setUp(self) -> None:
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)

    def next(self, now: float, above: int = 0) -> int:
        return next_uidvalidity(self.disk, self.root, now, above)

    def hint(self) -> bytes:
        path = os.path.join(self.root, "dovecot-uidvalidity")
        with open(path, "rb") as file:
            return file.read()

    def test_new_tree(self) -> None:
        """
        The count begins at the clock and goes on by one, however late.
        """
        self.assertEqual(self.next(1795557832.9), 1795557832)
        self.assertEqual(self.next(1795557832.9), 1795557833)
        self.assertEqual(self.next(1800000000), 1795557834)

        self.assertEqual(
            sorted(os.listdir(self.root)),
            ["dovecot-uidvalidity", "dovecot-uidvalidity.6b0609ca"],
        )
        self.assertEqual(self.hint(), b"6b0609ca")

    def test_goes_on_with_dovecots_count(self) -> None:
        """
        A count that is there goes on; of several the highest is right, and
        the others are removed.
        """
        for name in ("6b0609cb", "6b060001"):
            open(
                os.path.join(self.root, f"dovecot-uidvalidity.{name}"), "w"
            ).close()

        self.assertEqual(self.next(1.0), 0x6B0609CC)

        self.assertEqual(len(os.listdir(self.root)), 2)

    def test_above_what_is_taken(self) -> None:
        """
        A number that a mailbox is known to have is not given again.
        """
        self.next(1000)

        self.assertEqual(self.next(1000, above=5000), 5001)
        self.assertEqual(self.next(1000), 5002)

    def test_after_the_last(self) -> None:
        """
        0 is none (RFC 9051 9, uidvalidity is an nz-number).
        """
        self.assertEqual(self.next(1000, above=MAXIMUM), 1)

    def test_somebody_is_quicker(self) -> None:
        """
        When another program takes the number, the next is ours.
        """
        self.next(1000)
        counts = [[1000], [1001]]
        os.rename(
            os.path.join(self.root, "dovecot-uidvalidity.000003e8"),
            os.path.join(self.root, "dovecot-uidvalidity.000003e9"),
        )
        self.patch(uidvalidity, "_counts", lambda root: counts.pop(0))

        self.assertEqual(self.next(1000), 1002)

    def test_always_quicker(self) -> None:
        """
        There is an end to trying.
        """
        self.patch(uidvalidity, "_counts", lambda root: [77])

        self.assertRaises(StoreBusy, self.next, 1000)
