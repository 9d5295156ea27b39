"""
Tests for ``mailsuite.transfer.header``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.header import (
    hops,
    section_end,
    tls_is_optional,
    without,
)


class SectionEndTests(SynchronousTestCase):
    """
    Tests for ``section_end``.
    """

    def test_before_the_empty_line(self) -> None:
        """
        The empty line is not of the section.
        """
        octets = b"A: b\r\n c\r\nD:\r\n\r\nbody"
        self.assertEqual(section_end(octets, whole=False), 14)

    def test_no_field(self) -> None:
        """
        Content whose first line is no field has no section.
        """
        for octets in (
            b"\r\n",
            b"Do you?\r\nA: b\r\n\r\n",
            b" A: b\r\n",
            b":\r\n",
        ):
            self.assertEqual(section_end(octets, whole=False), 0)

    def test_not_known_yet(self) -> None:
        """
        More is needed to tell a field's name from a line of text.
        """
        for octets in (b"", b"Subj", b"A: b\r\n", b"A: b\r\n\r"):
            self.assertIsNone(section_end(octets, whole=False))

    def test_line_that_never_ends(self) -> None:
        """
        No field's name has a thousand octets.
        """
        self.assertEqual(section_end(b"x" * 1000, whole=False), 0)

    def test_all_there_is(self) -> None:
        """
        Without an empty line everything is the section.
        """
        self.assertEqual(section_end(b"A: b", whole=True), 4)
        self.assertEqual(section_end(b"Do", whole=True), 0)

    @settings(deadline=None)
    @given(st.text("Ab: \r\n\t"), st.integers(0))
    def test_told_once(self, text: str, cut: int) -> None:
        """
        What is told of a beginning holds for the whole.
        """
        octets = text.replace("\n", "\r\n").encode()
        early = section_end(octets[:cut], whole=False)
        if early is not None:
            self.assertEqual(section_end(octets, whole=True), early)


class HopsTests(SynchronousTestCase):
    """
    Tests for ``hops``.
    """

    def test_counts_received(self) -> None:
        """
        Each Received field counts, in any case, folded or not.
        """
        section = (
            b"Received: a\r\n\tReceived: b\r\nRECEIVED : c\r\n"
            b"X-Received: d\r\nReceived-SPF: pass\r\n"
        )
        self.assertEqual(hops(section), 2)


class WithoutTests(SynchronousTestCase):
    """
    Tests for ``without``.
    """

    def test_whole_fields_go(self) -> None:
        """
        A field goes with its folds; all else stays as it is.
        """
        section = b"A: 1\r\nbcc:\r\n  x\r\n\ty\r\nNo field\r\nBCC: z\r\nB: 2"
        self.assertEqual(
            without(section, (b"Bcc",)), b"A: 1\r\nNo field\r\nB: 2"
        )

    def test_last_field_without_a_line_end(self) -> None:
        """
        A field at the very end goes too.
        """
        self.assertEqual(without(b"A: 1\r\nBcc: x", (b"Bcc",)), b"A: 1\r\n")


class TLSIsOptionalTests(SynchronousTestCase):
    """
    Tests for ``tls_is_optional``.
    """

    def test_values(self) -> None:
        """
        The field has one value, and stands once.
        """
        for section, optional in (
            (b"TLS-Required: No\r\n", True),
            (b"A: b\r\ntls-required:\r\n no \r\n", True),
            (b"TLS-Required: Yes\r\n", False),
            (b"TLS-Required:\r\n", False),
            (b"TLS-Required: No\r\nTLS-Required: No\r\n", False),
            (b"X-TLS-Required: No\r\n", False),
            (b"", False),
        ):
            self.assertEqual(tls_is_optional(section), optional, section)
