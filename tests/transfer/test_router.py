"""
Tests for ``mailsuite.transfer.router``.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import NoSuchRecipient, RelayDenied
from mailsuite.interfaces import AccountRecord, Deliverable
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.router import (
    Routed,
    completed,
    each_once,
    routed_elsewhere,
    routed_here,
)


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


class RoutedTests(SynchronousTestCase):
    """
    Tests for ``routed_here`` and ``routed_elsewhere``.
    """

    EVE = Address("eve", "crepes.fr")

    def test_ours(self) -> None:
        """
        An address of ours is its accounts.
        """
        found = routed_here(SINGLE, Deliverable((ONE,)))
        self.assertEqual(found, Routed(SINGLE, (ONE,)))
        self.assertFalse(found.is_list)

    def test_nobody(self) -> None:
        """
        An address of ours that is nobody's, or leads nowhere, is refused.
        """
        for found in (None, Deliverable(())):
            with self.assertRaises(NoSuchRecipient):
                routed_here(SINGLE, found)

    def test_alias_to_one_elsewhere(self) -> None:
        """
        What the sender asked to be told goes on; the address that he used is
        kept (RFC 3461 5.2.7.2).
        """
        asked = replace(SINGLE, notify=frozenset({"SUCCESS"}))
        found = routed_here(asked, Deliverable((), (self.EVE,)))

        self.assertTrue(found.forwarded)
        [target] = found.elsewhere
        self.assertEqual(target.forward_path, self.EVE)
        self.assertEqual(target.notify, frozenset({"SUCCESS"}))
        self.assertEqual(target.original, ("rfc822", "two@x.example"))

    def test_alias_to_several(self) -> None:
        """
        Of several, wherever they are, the success of none is told.
        """
        asked = replace(ALIAS, notify=frozenset({"SUCCESS", "FAILURE"}))
        found = routed_here(asked, Deliverable((ONE,), (self.EVE,)))

        self.assertTrue(found.is_list)
        [target] = found.elsewhere
        self.assertEqual(target.notify, frozenset({"FAILURE"}))

    def test_elsewhere(self) -> None:
        """
        Others are for those who may relay.
        """
        recipient = Recipient(self.EVE)
        with self.assertRaises(RelayDenied):
            routed_elsewhere(recipient, may_relay=False)
        self.assertEqual(
            routed_elsewhere(recipient, may_relay=True),
            Routed(recipient, (), (recipient,)),
        )


class CopiesTests(SynchronousTestCase):
    """
    Tests for ``each_once``.
    """

    ROUTED = (Routed(ALIAS, (TWO, ONE)), Routed(SINGLE, (TWO, THREE)))

    def test_each_once(self) -> None:
        """
        An account that several recipients lead to is there once.
        """
        self.assertEqual(each_once(self.ROUTED), (TWO, ONE, THREE))
