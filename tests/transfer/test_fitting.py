"""
Tests for ``mailsuite.transfer.fitting``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Sender
from mailsuite.transfer.fitting import Fit, fit_of
from tests.support.remotes import now, outgoing

PLAIN = Fit(eight_bit=False, smtputf8=False, long_lines=False)


class FitTests(SynchronousTestCase):
    """
    Tests for ``fit_of``.
    """

    def test_plain_message_needs_nothing(self) -> None:
        """
        ASCII in short lines goes everywhere.
        """
        self.assertEqual(now(fit_of(outgoing())), PLAIN)

    def test_asking_for_smtputf8_is_not_needing_it(self) -> None:
        """
        What the client declared does not count.
        """
        sender = Sender(Address("bob", "hämburger.edu"), smtputf8=True)
        self.assertEqual(now(fit_of(outgoing(sender=sender))), PLAIN)

    def test_who_needs_smtputf8(self) -> None:
        """
        A local part or a header field beyond ASCII.
        """
        for message in (
            outgoing("zoë@crepes.fr"),
            outgoing(reverse_path="zoë@crepes.fr"),
            outgoing(octets=b"Subject: cr\xc3\xaape\r\n\r\nx\r\n"),
        ):
            self.assertTrue(now(fit_of(message)).smtputf8)

    def test_file_is_looked_at_as_memory_is(self) -> None:
        """
        Where the content lies makes no difference.
        """
        for octets in (
            b"A: b\r\n\r\n" + b"x" * 998 + b"\r\n",
            b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n",
            b"A: b\r\n\r\n" + b"x\r\n" * 50_000 + b"\xc3\xaa\r\n",
        ):
            there = now(fit_of(outgoing(octets=octets, in_memory=False)))
            self.assertEqual(there, now(fit_of(outgoing(octets=octets))))
