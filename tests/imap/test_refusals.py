"""
Tests for ``mailsuite.imap.refusals``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import (
    LoginRefused,
    MailError,
    NoSuchMailbox,
    StoreFull,
    TooManyKeywords,
)
from mailsuite.imap.refusals import refusal
from mailsuite.imap.wire.responses import NO


class NoSuchCorner(NoSuchMailbox):
    """
    A kind of mailbox that is missing.
    """


class RefusalTests(SynchronousTestCase):
    """
    Tests for ``refusal``.
    """

    def test_says_what_the_error_says(self) -> None:
        """
        The text is the error's public one, behind the code of its kind.
        """
        done = refusal(StoreFull())

        self.assertEqual(done.condition, NO)
        self.assertEqual(done.code, b"OVERQUOTA")
        self.assertEqual(done.text, b"Insufficient system storage")

    def test_a_kind_of_error_has_the_code_of_its_family(self) -> None:
        """
        A subclass is answered as its base.
        """
        self.assertEqual(refusal(NoSuchCorner()).code, b"NONEXISTENT")

    def test_another_code_may_be_given(self) -> None:
        """
        A command may know better, as APPEND does with TRYCREATE.
        """
        self.assertEqual(
            refusal(NoSuchMailbox(), b"TRYCREATE").code, b"TRYCREATE"
        )

    def test_an_error_without_a_code(self) -> None:
        """
        What RFC 5530 has no word for is a NO with text alone.
        """
        done = refusal(MailError("Something is in the way"))

        self.assertIsNone(done.code)
        self.assertEqual(done.text, b"Something is in the way")

    def test_text_is_ascii(self) -> None:
        """
        No other octets leave, whatever a text has.
        """
        self.assertEqual(refusal(MailError("Größe")).text, b"Gr??e")

    def test_login_and_keywords(self) -> None:
        """
        RFC 5530's codes for the two.
        """
        self.assertEqual(refusal(LoginRefused()).code, b"AUTHENTICATIONFAILED")
        self.assertEqual(refusal(TooManyKeywords()).code, b"LIMIT")
