"""
Tests for ``mailsuite.emailauth.signedsection``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.signedsection import SignedSection, signing_form

SIMPLE, RELAXED = Canonicalization

SECTION = SignedSection(
    b"A: 1\r\nB: 2\r\nno field\r\na : 3\r\nC: 4\r\n\t5\r\nA: 6\r\n\r\n"
)


def relaxed(*names: bytes, without: int | None = None) -> bytes:
    """
    The selected fields, joined.
    """
    return b"".join(SECTION.selected(names, RELAXED, without))


class SelectedTests(SynchronousTestCase):
    """
    Tests for ``SignedSection.selected``.
    """

    def test_from_the_bottom_up(self) -> None:
        """
        A name that comes again is the next above (RFC 6376 5.4.2).
        """
        self.assertEqual(relaxed(b"a"), b"a:6\r\n")
        self.assertEqual(
            relaxed(b"a", b"b", b"a", b"a"),
            b"a:6\r\nb:2\r\na:3\r\na:1\r\n",
        )

    def test_one_more_than_there_are(self) -> None:
        """
        Is nothing: so a field that is added later breaks the signature.
        """
        self.assertEqual(relaxed(b"b", b"b", b"x", b"c"), b"b:2\r\nc:4 5\r\n")

    def test_the_order_is_that_of_the_names(self) -> None:
        """
        Not that of the fields.
        """
        self.assertEqual(relaxed(b"c", b"b"), b"c:4 5\r\nb:2\r\n")

    def test_without_the_signature_itself(self) -> None:
        """
        It is passed over, those above it are not.
        """
        last = SECTION.places(b"a")[-1]

        self.assertEqual(
            relaxed(b"a", b"a", b"a", without=last), b"a:3\r\na:1\r\n"
        )

    def test_simple(self) -> None:
        """
        Fields as they stand.
        """
        self.assertEqual(
            b"".join(SECTION.selected([b"c", b"a", b"a"], SIMPLE)),
            b"C: 4\r\n\t5\r\nA: 6\r\na : 3\r\n",
        )

    def test_no_field_at_all(self) -> None:
        """
        Nothing is selected of nothing.
        """
        for section in (b"", b"\r\n", b"no field\r\n\r\n"):
            empty = SignedSection(section)
            self.assertEqual(list(empty.selected([b"a"], SIMPLE)), [])


class SigningFormTests(SynchronousTestCase):
    """
    Tests for ``signing_form``.
    """

    def test_no_line_end(self) -> None:
        """
        RFC 6376 3.7
        """
        self.assertEqual(signing_form(b"X : 1\r\n\t2\r\n", RELAXED), b"x:1 2")
        self.assertEqual(
            signing_form(b"X : 1\r\n\t2\r\n", SIMPLE), b"X : 1\r\n\t2"
        )
