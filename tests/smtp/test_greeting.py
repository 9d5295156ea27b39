"""
Tests for greetings; tests/dialogs/smtp has the texts.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.greeting import word_for_received
from mailsuite.smtp.listener import Purpose


class WordForReceivedTests(SynchronousTestCase):
    """
    Tests for ``word_for_received``.
    """

    def test_words(self) -> None:
        """
        Each word is registered (RFC 3848, RFC 6531 4.3).
        """
        for purpose, extended, tls, login, utf8, wanted in (
            (Purpose.MX, False, False, False, False, "SMTP"),
            (Purpose.MX, False, True, False, False, "SMTP"),
            (Purpose.MX, True, False, False, False, "ESMTP"),
            (Purpose.MX, True, True, False, False, "ESMTPS"),
            (Purpose.SUBMISSION, True, False, True, False, "ESMTPA"),
            (Purpose.SUBMISSION, True, True, True, False, "ESMTPSA"),
            (Purpose.MX, True, False, False, True, "UTF8SMTP"),
            (Purpose.SUBMISSION, True, True, True, True, "UTF8SMTPSA"),
            (Purpose.LMTP, True, False, False, False, "LMTP"),
            (Purpose.LMTP, True, True, False, False, "LMTPS"),
            (Purpose.LMTP, True, False, False, True, "UTF8LMTP"),
        ):
            word = word_for_received(
                purpose, extended=extended, tls=tls, login=login, utf8=utf8
            )
            self.assertEqual(word, wanted)
