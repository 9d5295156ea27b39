"""
Tests for ``mailsuite.transfer.submission``.
"""

from __future__ import annotations

from mailsuite.errors import (
    SenderRefused,
)
from tests.support.receptions import (
    BOB,
    KETCHUP,
    ReceptionTestCase,
    bobs,
)
from tests.support.transferring import (
    SUBMISSION,
)


class SubmissionTests(ReceptionTestCase):
    """
    What a login submits.
    """

    def submitted(self, octets: bytes) -> bytes:
        """
        What Bob gets of what he sends himself.
        """
        return self.received(
            octets, reverse_path=BOB, origin=SUBMISSION, owns=bobs
        )

    def refused(self, octets: bytes) -> None:
        """
        See that content is refused for its author.
        """
        with self.assertRaises(SenderRefused):
            self.submitted(octets)
        self.assertEqual(self.mail.inbox(self.bob), [])

    def test_date_and_message_id_are_added(self) -> None:
        """
        RFC 6409 8.2 and 8.3: what is missing is added, above the rest.
        """
        octets = self.submitted(b"From: bob@hamburger.edu\r\n\r\nHi\r\n")

        self.assertIn(
            b"\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <",
            octets,
        )
        self.assertIn(b"@hamburger.edu>\r\nFrom: bob@hamburger.edu\r\n", octets)

    def test_a_missing_author_is_the_login(self) -> None:
        """
        Nobody else can have written it.
        """
        octets = self.submitted(b"Subject: x\r\n\r\nHi\r\n")

        self.assertIn(b"\r\nFrom: bob@hamburger.edu\r\n", octets)

    def test_present_fields_stay(self) -> None:
        """
        What the client wrote is not written again.
        """
        octets = self.submitted(
            b"date: yesterday\r\nMESSAGE-ID: <x@y>\r\n"
            b"From: Bob <bob@hamburger.edu>\r\n\r\n"
        )

        self.assertEqual(octets.lower().count(b"\r\ndate:"), 1)
        self.assertEqual(octets.lower().count(b"\r\nmessage-id:"), 1)

    def test_nothing_is_added_elsewhere(self) -> None:
        """
        What comes from other hosts gets trace fields alone.
        """
        octets = self.received(b"Subject: x\r\n\r\n")

        self.assertNotIn(b"\r\nDate:", octets)
        self.assertNotIn(b"\r\nMessage-ID:", octets)

    def test_bcc_is_removed(self) -> None:
        """
        No recipient reads of the hidden ones.
        """
        octets = self.submitted(
            b"From: bob@hamburger.edu\r\nBcc: eve@hamburger.edu,\r\n"
            b"  mallory@hamburger.edu\r\nSubject: x\r\n\r\n"
        )

        self.assertNotIn(b"eve", octets)
        self.assertNotIn(b"mallory", octets)
        self.assertIn(b"\r\nSubject: x\r\n\r\n", octets)

    def test_from_of_somebody_else(self) -> None:
        """
        Nobody writes in another's name.
        """
        self.refused(b"From: Bob <carol@hamburger.edu>\r\n\r\n")

    def test_from_with_a_second_author(self) -> None:
        """
        Each author must be the login's own.
        """
        self.refused(b"From: bob@hamburger.edu, carol@hamburger.edu\r\n\r\n")

    def test_second_from(self) -> None:
        """
        Each From field counts, however it is written.
        """
        self.refused(
            b"From: bob@hamburger.edu\r\nfrom :\r\n carol@hamburger.edu\r\n\r\n"
        )

    def test_from_behind_a_line_that_is_no_field(self) -> None:
        """
        A broken line does not hide the field behind it.
        """
        self.refused(
            b"Subject: x\r\nno field\r\nFrom: carol@hamburger.edu\r\n\r\n"
        )

    def test_from_without_an_address(self) -> None:
        """
        A From that cannot be checked is not accepted.
        """
        self.refused(b"From: nobody:;\r\n\r\n")

    def test_message_without_a_header_section(self) -> None:
        """
        The course's message may be submitted; it gets a header section.
        """
        octets = self.submitted(KETCHUP)

        section, body = octets.split(b"\r\n\r\n", 1)
        self.assertEqual(body, KETCHUP)
        self.assertIn(b"\r\nDate: ", section)
