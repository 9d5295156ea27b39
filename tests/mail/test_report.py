"""
Tests for mail from machines; Python's parser reads it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.report import (
    ReportHeader,
    Returned,
    has_long_lines,
    print_report,
    text_part,
)

HEADER = ReportHeader(
    "crepes.fr",
    "65A1",
    Address("alice", "crepes.fr"),
    "Your message could not be delivered",
    datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC),
    b"<1@crepes.fr>",
)
STATUS = b"Reporting-MTA: dns; crepes.fr\r\n\r\nAction: failed\r\n"


def payloads(octets: bytes) -> list[Message]:
    """
    The parts of a report.
    """
    found = message_from_bytes(octets).get_payload()
    assert isinstance(found, list)
    return found


class PrintReportTests(SynchronousTestCase):
    """
    Tests for ``print_report``.
    """

    def test_octets(self) -> None:
        """
        The whole, as RFC 6522 3 has it.
        """
        returned = Returned(b"Subject: Hi\r\n", whole=False)

        octets = print_report(HEADER, "Sorry.\n", STATUS, returned, utf8=False)

        self.assertEqual(
            octets.decode("ascii").split("\r\n"),
            [
                "From: Mail delivery system <MAILER-DAEMON@crepes.fr>",
                "To: <alice@crepes.fr>",
                "Subject: Your message could not be delivered",
                "Date: Wed, 25 Nov 2026 01:02:03 +0000",
                "Message-ID: <65A1@crepes.fr>",
                "In-Reply-To: <1@crepes.fr>",
                "References: <1@crepes.fr>",
                "Auto-Submitted: auto-replied",
                "MIME-Version: 1.0",
                "Content-Type: multipart/report; report-type=delivery-status;",
                '\tboundary="=_65A1_0"',
                "",
                "--=_65A1_0",
                "Content-Type: text/plain; charset=us-ascii",
                "Content-Transfer-Encoding: 7bit",
                "Content-Description: Explanation",
                "",
                "Sorry.",
                "",
                "--=_65A1_0",
                "Content-Type: message/delivery-status",
                "Content-Transfer-Encoding: 7bit",
                "",
                "Reporting-MTA: dns; crepes.fr",
                "",
                "Action: failed",
                "",
                "--=_65A1_0",
                "Content-Type: text/rfc822-headers",
                "Content-Transfer-Encoding: 7bit",
                "",
                "Subject: Hi",
                "",
                "--=_65A1_0--",
                "",
            ],
        )

    def test_a_boundary_that_no_part_has(self) -> None:
        """
        Boundaries that stand in a message are passed over.
        """
        message = b"\r\n--=_65A1_0--\r\n--=_65A1_1\r\n"

        octets = print_report(
            HEADER,
            "Sorry.\n",
            STATUS,
            Returned(message, whole=True),
            utf8=False,
        )

        self.assertIn(b'boundary="=_65A1_2"', octets)
        self.assertEqual(len(payloads(octets)), 3)

    def test_types(self) -> None:
        """
        What is not ASCII has RFC 6533's types where the way back takes them,
        else an encoding or the old type.
        """
        octets = "Subject: Crêpes\r\n\r\n".encode()
        for whole, utf8, kind, encoding in (
            (True, True, "message/global", "8bit"),
            (True, False, "message/rfc822", "8bit"),
            (False, True, "message/global-headers", "8bit"),
            (False, False, "text/rfc822-headers", "quoted-printable"),
        ):
            report = print_report(
                HEADER, "Sorry.\n", STATUS, Returned(octets, whole), utf8=utf8
            )
            third = payloads(report)[2]
            self.assertEqual(third.get_content_type(), kind)
            self.assertEqual(third["Content-Transfer-Encoding"], encoding)


class TextPartTests(SynchronousTestCase):
    """
    Tests for ``text_part`` and ``has_long_lines``.
    """

    def test_seven_bits_always(self) -> None:
        """
        Whatever the text is, it is ASCII with legal lines on the wire.
        """
        for text in ("Sorry.\n", "Désolé.\n", "x" * 2000 + "\n", ".\nFrom x\n"):
            octets = text_part(text)
            self.assertTrue(octets.isascii())
            self.assertFalse(has_long_lines(octets))
            read = message_from_bytes(octets).get_payload(decode=True)
            assert isinstance(read, bytes)
            self.assertEqual(read.replace(b"\r\n", b"\n"), text.encode())

    def test_one_line_without_an_end(self) -> None:
        """
        Its soft line ends are CR LF like all others, and none is too long.
        """
        for length in range(60, 90):
            octets = b"X-A: \xc3\xa9" + b"x" * length + b" " + b"y" * 2000
            report = print_report(
                HEADER, "Sorry.\n", STATUS, Returned(octets, False), utf8=False
            )
            self.assertNotIn(b"\n", report.replace(b"\r\n", b""))
            self.assertLessEqual(max(map(len, report.split(b"\r\n"))), 78)
            self.assertEqual(
                payloads(report)[2].get_payload(decode=True), octets
            )

    def test_the_longest_line(self) -> None:
        """
        998 octets, its line end not counted (RFC 5322 2.1.1).
        """
        self.assertFalse(has_long_lines(b"x" * 998 + b"\r\n" + b"x" * 998))
        self.assertTrue(has_long_lines(b"x\r\n" + b"x" * 999 + b"\r\n"))
