"""
Tests for ``mailsuite.imap.patterns``.
"""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.patterns import Pattern


class PatternTests(SynchronousTestCase):
    """
    Tests for ``Pattern``.
    """

    def test_percent_stays_within_a_level(self) -> None:
        """
        ``%`` does not cross the separator.
        """
        pattern = Pattern("a/%", "/")

        self.assertTrue(pattern.matches("a/b"))
        self.assertFalse(pattern.matches("a/b/c"))

    def test_star_crosses_levels(self) -> None:
        """
        ``*`` crosses the separator.
        """
        self.assertTrue(Pattern("a*", "/").matches("a/b/c"))

    def test_the_whole_name_is_matched(self) -> None:
        """
        A pattern that matches the beginning alone does not match.
        """
        self.assertFalse(Pattern("INB", "/").matches("INBOX"))

    def test_inbox_is_matched_in_any_case(self) -> None:
        """
        INBOX is not case-sensitive (RFC 9051 5.1); other names are.
        """
        self.assertTrue(Pattern("inb%", "/").matches("INBOX"))
        self.assertTrue(Pattern("inbox/%", "/").matches("INBOX/a"))
        self.assertFalse(Pattern("sent", "/").matches("Sent"))

    def test_many_wildcards_cost_nothing(self) -> None:
        """
        Twenty stars before one letter are answered at once.
        """
        pattern = Pattern("*a" * 20 + "b", "/")
        began = time.process_time()

        self.assertFalse(pattern.matches("a" * 400))

        self.assertLess(time.process_time() - began, 0.1)

    @given(st.text("ab/*%", max_size=8), st.text("ab/", min_size=1, max_size=8))
    def test_matches_as_a_regular_expression_would(
        self, text: str, name: str
    ) -> None:
        """
        Every pattern agrees with the plain translation to an expression.
        """
        words = {"*": ".*", "%": "[^/]*"}
        expression = "".join(words.get(c, re.escape(c)) for c in text)

        self.assertEqual(
            Pattern(text, "/").matches(name),
            re.fullmatch(expression, name) is not None,
        )
