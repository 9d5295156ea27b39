"""
Tests for ``mailsuite.imap.headerfields``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap import headerfields
from mailsuite.imap.headerfields import WantedFields, answer, encode
from mailsuite.mail import headers

SECTION = (
    b"Received: from a\r\n\tby b\r\n"
    b"DATE: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"X-Own: 1\r\n"
    b"From: Ana\r\n <a@b>\r\n"
    b"Subject: x\r\n"
    b"Subject: y\r\n"
    b"\r\n"
)


class AnswerTests(SynchronousTestCase):
    """
    Tests for ``encode`` and ``answer``.
    """

    def test_fields_in_the_order_of_the_message(self) -> None:
        """
        As they stand, folds and all, each occurrence, and an empty line.
        """
        wanted = WantedFields.of([b"subject", b"From", b"DATE", b"To"])

        self.assertEqual(
            answer(encode(SECTION), wanted),
            b"DATE: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
            b"From: Ana\r\n <a@b>\r\nSubject: x\r\nSubject: y\r\n\r\n",
        )

    def test_a_field_that_is_not_kept(self) -> None:
        """
        If the message has it, only the message can tell.
        """
        wanted = WantedFields.of([b"Subject", b"x-own"])

        self.assertIsNone(answer(encode(SECTION), wanted))

    def test_a_field_that_is_not_there(self) -> None:
        """
        If it is never kept, it is known to be absent all the same.
        """
        wanted = WantedFields.of([b"From", b"X-TUID", b"own", b"x"])

        self.assertEqual(
            answer(encode(SECTION), wanted), b"From: Ana\r\n <a@b>\r\n\r\n"
        )

    def test_a_section_without_line_end(self) -> None:
        """
        The answer has one.
        """
        self.assertEqual(
            answer(encode(b"To: x\r\nFrom: y"), WantedFields.of([b"From"])),
            b"From: y\r\n\r\n",
        )

    def test_too_much_to_keep(self) -> None:
        """
        Large fields, many fields and many names are not kept.
        """
        wanted = WantedFields.of([b"Subject"])
        for section in (
            b"Subject: " + b"x" * headerfields.MOST_OCTETS + b"\r\n",
            b"To: x\r\n" * (headerfields.MOST_FIELDS + 1),
            b"".join(b"X-%d: 1\r\n" % n for n in range(5_000)),
        ):
            self.assertIsNone(answer(encode(section), wanted))

    @given(
        st.lists(
            st.sampled_from(
                [b"To", b"from", b"X-A", b"x-b", b" folded", b"no field"]
            ),
            max_size=20,
        ),
        st.lists(
            st.sampled_from([b"TO", b"From", b"x-a", b"cc", b"x-c"]),
            min_size=1,
        ),
    )
    @settings(deadline=None)
    def test_agrees_with_the_message(
        self, names: list[bytes], wanted: list[bytes]
    ) -> None:
        """
        An answer is what the header section itself would give.
        """
        section = b"".join(name + b": v\r\n" for name in names) + b"\r\n"

        found = answer(encode(section), WantedFields.of(wanted))

        expected = headers.only(section, {name.lower() for name in wanted})
        self.assertIn(found, (None, expected))
        if not {b"X-A", b"x-b"} & set(names):
            self.assertEqual(found, expected)
