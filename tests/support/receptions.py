"""
A reception for hamburger.edu, for tests.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.transfer.reception import Limits
from tests.support.transferring import Transferring, now, write

BOB = "bob@hamburger.edu"
CAROL = "carol@hamburger.edu"
KETCHUP = b"Do you like ketchup?\r\nHow about pickles?\r\n"


def bobs(address: Address) -> bool:
    """
    What Bob's login owns.
    """
    return str(address) == BOB


class ReceptionTestCase(SynchronousTestCase):
    """
    Has a reception for hamburger.edu.
    """

    limits = Limits()

    def setUp(self) -> None:
        self.mail = Transferring(self.mktemp(), limits=self.limits).start()
        self.bob = self.mail.directory.add_account(BOB)
        self.carol = self.mail.directory.add_account(CAROL)

    def received(self, octets: bytes, **begin: object) -> bytes:
        """
        What Bob gets when ``octets`` come for him alone.
        """
        transaction = self.mail.begin(BOB, **begin)
        write(transaction, octets)
        self.assertEqual(now(transaction.commit()), (None,))
        return self.mail.inbox(self.bob)[-1]
