"""
Tests for ``mailsuite.transfer.ownmail``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import NoSuchRecipient
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.arrival import Arriving
from mailsuite.transfer.entry import Local, Remote
from mailsuite.transfer.ownmail import copies
from tests.support.memory_directory import MemoryDirectory
from tests.support.queueing import now


class CopiesTests(SynchronousTestCase):
    """
    Tests for ``copies``.
    """

    def setUp(self) -> None:
        self.directory = MemoryDirectory("hamburger.edu")
        self.bob = self.directory.add_account("bob@hamburger.edu")

    def copies(self, address: str) -> list[Arriving]:
        """
        The copies for an address.
        """
        recipient = Recipient(Address.parse(address))
        return now(copies(recipient, self.directory))

    def test_elsewhere(self) -> None:
        """
        Mail for other domains goes there.
        """
        eve = Recipient(Address.parse("eve@crepes.fr"))
        self.assertEqual(
            self.copies("eve@crepes.fr"),
            [Arriving(eve, Remote("crepes.fr"))],
        )

    def test_alias(self) -> None:
        """
        Who stands for others is sent to as those: no other host knows ours.
        """
        eve = Address.parse("eve@crepes.fr")
        self.directory.add_alias(
            "postmaster@hamburger.edu", self.bob, elsewhere=(eve,)
        )
        postmaster = Recipient(Address.parse("postmaster@hamburger.edu"))

        self.assertEqual(
            self.copies("postmaster@hamburger.edu"),
            [
                Arriving(postmaster, Local(self.bob.number, self.bob.address)),
                Arriving(Recipient(eve), Remote("crepes.fr")),
            ],
        )

    def test_nobody(self) -> None:
        """
        There is nobody of that name.
        """
        with self.assertRaises(NoSuchRecipient):
            self.copies("nobody@hamburger.edu")
