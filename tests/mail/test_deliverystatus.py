"""
Tests for the report for programs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.deliverystatus import (
    Action,
    MessageStatus,
    RecipientStatus,
    print_status,
)

ARRIVAL = datetime(1994, 7, 7, 17, 16, 5, tzinfo=UTC)
ATTEMPT = datetime(1994, 7, 7, 17, 15, 49, tzinfo=UTC)
JUERGEN = ("utf-8", "jürgen@bücher.example")


def status(*recipients: RecipientStatus) -> MessageStatus:
    """
    A message's status.
    """
    return MessageStatus("cs.utk.edu", ARRIVAL, recipients)


def failed(diagnostic: str = "550 Nobody") -> RecipientStatus:
    """
    A failed recipient's status.
    """
    return RecipientStatus(
        ("rfc822", "louisl@larry.slip.umd.edu"),
        Action.FAILED,
        "5.0.0",
        ("rfc822", "louisl@larry.slip.umd.edu"),
        "larry.slip.umd.edu",
        diagnostic,
        ATTEMPT,
    )


class PrintStatusTests(SynchronousTestCase):
    """
    Tests for ``print_status``.
    """

    def test_all_fields(self) -> None:
        """
        A blank line before every group (RFC 3464 2.1, its example in
        appendix E).
        """
        delayed = RecipientStatus(
            ("rfc822", "lapin@crepes.fr"),
            Action.DELAYED,
            "4.0.0",
            retry_until=ARRIVAL,
        )
        message = MessageStatus(
            "cs.utk.edu", ARRIVAL, [failed(), delayed], "QQ=314159 a"
        )

        self.assertEqual(
            print_status(message, utf8=False).split(b"\r\n"),
            [
                b"Original-Envelope-Id: QQ=314159 a",
                b"Reporting-MTA: dns; cs.utk.edu",
                b"Arrival-Date: Thu, 7 Jul 1994 17:16:05 +0000",
                b"",
                b"Original-Recipient: rfc822; louisl@larry.slip.umd.edu",
                b"Final-Recipient: rfc822; louisl@larry.slip.umd.edu",
                b"Action: failed",
                b"Status: 5.0.0",
                b"Remote-MTA: dns; larry.slip.umd.edu",
                b"Diagnostic-Code: smtp; 550 Nobody",
                b"Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 +0000",
                b"",
                b"Final-Recipient: rfc822; lapin@crepes.fr",
                b"Action: delayed",
                b"Status: 4.0.0",
                b"Will-Retry-Until: Thu, 7 Jul 1994 17:16:05 +0000",
                b"",
            ],
        )

    def test_addresses_beyond_ascii(self) -> None:
        """
        As they are in a global report, quoted in one of 7 bits (RFC 6533 3).
        """
        message = status(
            RecipientStatus(JUERGEN, Action.DELIVERED, "2.0.0", JUERGEN)
        )

        self.assertIn(
            "Final-Recipient: utf-8; jürgen@bücher.example\r\n".encode(),
            print_status(message, utf8=True),
        )
        self.assertIn(
            b"Final-Recipient: utf-8; j\\x{FC}rgen@b\\x{FC}cher.example\r\n",
            print_status(message, utf8=False),
        )

    def test_what_a_peer_says_begins_no_field(self) -> None:
        """
        Its line ends and controls are spaces, and its length is bounded.
        """
        text = "550 no\r\nAction: delivered\r\n\r\n\0\x85\u2028" + "x" * 9000

        printed = print_status(status(failed(text)), utf8=True)

        self.assertEqual(printed.count(b"\r\nAction: "), 1)
        self.assertLess(len(printed), 2000)

    def test_a_word_longer_than_a_line(self) -> None:
        """
        It is cut, counted in octets as they are sent.
        """
        for utf8 in (True, False):
            one = failed("550 " + "\U0001f955" * 900)
            printed = print_status(status(one), utf8=utf8)
            self.assertLessEqual(
                max(len(line) for line in printed.split(b"\r\n")), 998
            )

    @given(st.text(max_size=2000), st.booleans())
    def test_whatever_a_peer_says(self, text: str, utf8: bool) -> None:
        """
        Two groups of fields with legal lines come out, whatever went in.
        """
        printed = print_status(status(failed("550 " + text)), utf8=utf8)

        self.assertEqual(printed.isascii() or utf8, True)
        groups = printed.split(b"\r\n\r\n")
        self.assertEqual(len(groups), 2)
        self.assertEqual(len(message_from_bytes(groups[1]).keys()), 7)
        for line in printed.split(b"\r\n"):
            self.assertLessEqual(len(line), 998)
            self.assertNotIn(b"\n", line)
