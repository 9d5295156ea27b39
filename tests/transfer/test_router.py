"""
Tests for ``mailsuite.transfer.router`` and ``mailsuite.transfer.schedule``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import NoSuchRecipient, NotTransferable, RelayDenied
from mailsuite.interfaces import AccountRecord, Deliverable
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.router import (
    Routed,
    accounts_for,
    completed,
    each_once,
    lacking,
)
from mailsuite.transfer.schedule import lifetime, next_delay


def account(number: int) -> AccountRecord:
    """
    An account.
    """
    return AccountRecord(number, f"{number}@x.example", "/h", "/m")


ONE, TWO, THREE = map(account, (1, 2, 3))
ALIAS = Recipient(Address("all", "x.example"))
SINGLE = Recipient(Address("two", "x.example"))


class CompletedTests(SynchronousTestCase):
    """
    Tests for ``completed``.
    """

    def test_postmaster(self) -> None:
        """
        A bare postmaster, in any case, is the default domain's.
        """
        self.assertEqual(
            completed(Address("Postmaster", ""), "x.example"),
            Address("Postmaster", "x.example"),
        )

    def test_others(self) -> None:
        """
        A whole address stays; another bare local part is nobody.
        """
        self.assertEqual(
            completed(SINGLE.forward_path, "y"), SINGLE.forward_path
        )
        with self.assertRaises(NoSuchRecipient):
            completed(Address("abuse", ""), "x.example")


class AccountsForTests(SynchronousTestCase):
    """
    Tests for ``accounts_for``.
    """

    def test_ours(self) -> None:
        """
        An address of ours is its accounts.
        """
        found = accounts_for(Deliverable((ONE,)), ours=True, logged_in=False)
        self.assertEqual(found, (ONE,))

    def test_nobody(self) -> None:
        """
        An address of ours that is nobody's is refused, login or not.
        """
        for logged_in in (True, False):
            with self.assertRaises(NoSuchRecipient):
                accounts_for(None, ours=True, logged_in=logged_in)

    def test_elsewhere(self) -> None:
        """
        Others are refused, and why depends on the login.
        """
        with self.assertRaises(RelayDenied):
            accounts_for(None, ours=False, logged_in=False)
        with self.assertRaises(NotTransferable):
            accounts_for(None, ours=False, logged_in=True)

    def test_nowhere(self) -> None:
        """
        An alias to nothing here accepts nothing.
        """
        with self.assertRaises(NotTransferable):
            accounts_for(Deliverable(()), ours=True, logged_in=True)


class CopiesTests(SynchronousTestCase):
    """
    Tests for ``each_once`` and ``lacking``.
    """

    ROUTED = (Routed(ALIAS, (TWO, ONE)), Routed(SINGLE, (TWO, THREE)))

    def test_each_once(self) -> None:
        """
        An account that several recipients lead to is there once.
        """
        self.assertEqual(each_once(self.ROUTED), (TWO, ONE, THREE))

    def test_lacking(self) -> None:
        """
        Those that failed come with the recipient who came first.
        """
        self.assertEqual(
            lacking(self.ROUTED, {2, 3}), [(ALIAS, TWO), (SINGLE, THREE)]
        )


class ScheduleTests(SynchronousTestCase):
    """
    Tests for ``next_delay`` and ``lifetime``.
    """

    def test_delays(self) -> None:
        """
        5, 10, 15, 30, 60 minutes, 2 hours, then 4 hours for ever.
        """
        self.assertEqual(
            [next_delay(n) / 60 for n in range(1, 9)],
            [5, 10, 15, 30, 60, 120, 240, 240],
        )

    def test_lifetime(self) -> None:
        """
        Five days; two for what nobody can be told of.
        """
        self.assertEqual(lifetime(False), 5 * 86400)
        self.assertEqual(lifetime(True), 2 * 86400)
