"""
Tests for ``mailsuite.mail.folding``.
"""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail import folding
from mailsuite.mail.folding import certain_length, folded


class FoldedTests(SynchronousTestCase):
    """
    Tests for ``folded``.
    """

    def found(self, key: str, text: str) -> None:
        """
        See that a key is found in a text.
        """
        self.assertIn(folded(key), folded(text))

    def not_found(self, key: str, text: str) -> None:
        """
        See that a key is not found in a text.
        """
        self.assertNotIn(folded(key), folded(text))

    def test_case(self) -> None:
        """
        Case makes no difference, in any script that has it.
        """
        self.found("KETCHUP", "Do you like ketchup?")
        self.found("ёлка", "ЁЛКА")
        self.found("ΣΊΣΥΦΟΣ", "σίσυφοσ")

    def test_accents(self) -> None:
        """
        The letter is found in the letter with an accent.
        """
        self.found("cafe", "Café")
        self.found("café", "CAFE\u0301")
        self.not_found("café", "cafe")

    def test_forms(self) -> None:
        """
        Compatible forms are equal.
        """
        self.found("f", "\uff26")
        self.found("\u2075", "5")

    def test_simple_mapping_only(self) -> None:
        """
        RFC 5051 uses the titlecase property of one character.
        """
        self.not_found("strasse", "straße")
        self.assertEqual(folded("ß"), "ß")
        self.assertEqual(folded("ŉ"), "\u02bcn")

    def test_titlecase_is_not_uppercase(self) -> None:
        """
        The digraphs are folded to their titlecase form.
        """
        self.assertEqual(folded("ǆ"), folded("Ǆ"))
        self.assertEqual(folded("ǆ"), "Dz\u030c")

    def test_hangul(self) -> None:
        """
        A syllable is not found in another that begins like it.
        """
        self.not_found("하", "한국어")
        self.found("한", "한국어")
        self.found("한", unicodedata.normalize("NFD", "한국어"))

    def test_nul(self) -> None:
        """
        NUL is the replacement character, in ASCII text too.
        """
        self.assertEqual(folded("a\0b"), "A\ufffdB")

    @settings(deadline=None)
    @given(st.text(st.characters(max_codepoint=127, min_codepoint=1)))
    def test_ascii(self, text: str) -> None:
        """
        The quick way for ASCII is the slow one.
        """
        self.assertEqual(folded(text), text.translate(folding._table))

    @settings(deadline=None)
    @given(st.text("하한국\u1112\u1161\u11abé e\u0301"), st.integers(0))
    def test_pieces(self, text: str, cut: int) -> None:
        """
        What is certain of a text is folded alike with what follows.
        """
        cut = certain_length(text[:cut])
        self.assertEqual(folded(text), folded(text[:cut]) + folded(text[cut:]))

    @settings(deadline=None)
    @given(st.text())
    def test_stable(self, text: str) -> None:
        """
        What is folded in all its characters folds to what is found again.
        """
        self.assertIn(folded(text), folded("x" + text + "y"))

    def test_the_table_is_bounded(self) -> None:
        """
        Text in all characters there are does not fill the memory.
        """
        folded("".join(map(chr, range(0xE000, 0x1E000))))

        self.assertLessEqual(len(folding._table), folding._REMEMBERED)
