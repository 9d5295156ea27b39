"""
Tests for the reverse-paths of reports.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.transfer.reportreturns import ReportReturns

REPORTS = Address("rua", "crepes.fr")
OTHERS = Address("rua", "pommes.be")


class ReportReturnsTests(SynchronousTestCase):
    """
    Tests for ``ReportReturns``.
    """

    def setUp(self) -> None:
        self.returns = ReportReturns([b"new", b"old"], "hamburger.edu")

    def test_each_report_has_its_own(self) -> None:
        """
        Another report or another destination is another path; the same is
        the same.
        """
        path = self.returns.path("r1", REPORTS)

        self.assertEqual(path, self.returns.path("r1", REPORTS))
        self.assertNotEqual(path, self.returns.path("r2", REPORTS))
        self.assertNotEqual(path, self.returns.path("r1", OTHERS))
        self.assertEqual(path.domain, "hamburger.edu")

    def test_is_known_again(self) -> None:
        """
        Also with a retired key, and in capitals.
        """
        former = ReportReturns([b"old"], "hamburger.edu")
        path = former.path("r1", REPORTS)
        shouted = Address(path.local_part.upper(), path.domain)

        self.assertTrue(self.returns.is_ours(path))
        self.assertEqual(self.returns.token(shouted), former.token(path))

    def test_nobody_else_makes_one(self) -> None:
        """
        Another key, another domain, another letter: not ours.
        """
        path = self.returns.path("r1", REPORTS)
        last = "a" if path.local_part[-1] != "a" else "b"
        forged = ReportReturns([b"guess"], "hamburger.edu").path("r1", REPORTS)

        self.assertFalse(self.returns.is_ours(forged))
        self.assertFalse(
            self.returns.is_ours(Address(path.local_part, "crepes.fr"))
        )
        self.assertFalse(
            self.returns.is_ours(
                Address(path.local_part[:-1] + last, path.domain)
            )
        )
        self.assertFalse(self.returns.is_ours(Address("alice", path.domain)))
