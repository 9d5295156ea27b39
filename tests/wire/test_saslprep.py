"""
Tests for ``mailsuite.wire.saslprep``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.wire.saslprep import saslprep


class SASLprepTests(SynchronousTestCase):
    """
    Tests for ``saslprep``: the examples of RFC 4013 3 first.
    """

    def test_soft_hyphen(self) -> None:
        """
        A soft hyphen is mapped to nothing.
        """
        self.assertEqual(saslprep("I\u00adX"), "IX")

    def test_no_change(self) -> None:
        """
        ASCII stays, in its case.
        """
        self.assertEqual(saslprep("USER"), "USER")

    def test_feminine_ordinal(self) -> None:
        """
        Compatibility forms are replaced.
        """
        self.assertEqual(saslprep("\u00aa"), "a")

    def test_roman_nine(self) -> None:
        """
        A sign becomes its letters.
        """
        self.assertEqual(saslprep("\u2168"), "IX")

    def test_prohibited(self) -> None:
        """
        A control character is prohibited.
        """
        self.assertRaises(ValueError, saslprep, "\u0007")

    def test_directions(self) -> None:
        """
        Text of both directions is prohibited.
        """
        self.assertRaises(ValueError, saslprep, "\u0627\u0031")

    def test_mixed_directions(self) -> None:
        """
        Left-to-right letters within right-to-left text are prohibited.
        """
        self.assertRaises(ValueError, saslprep, "\u0627a\u0627")

    def test_right_to_left(self) -> None:
        """
        Right-to-left text as a whole is fine.
        """
        self.assertEqual(saslprep("\u0627\u0031\u0627"), "\u0627\u0031\u0627")

    def test_other_spaces(self) -> None:
        """
        Every space is the space.
        """
        self.assertEqual(saslprep("a\u00a0b"), "a b")
