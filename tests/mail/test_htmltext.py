"""
Tests for ``mailsuite.mail.htmltext``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.htmltext import HTMLText


def shown(html: str, *cuts: int) -> str:
    """
    The text of HTML that comes in pieces.
    """
    text = HTMLText()
    pieces = []
    start = 0
    for cut in (*sorted(cuts), len(html)):
        pieces.append(text.feed(html[start:cut]))
        start = max(start, cut)
    pieces.append(text.finish())
    return "".join(pieces)


PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Our menu</title>"
    "<style>p { color: red } </style><script>if (a<b) alert('<p>');</script>"
    "</head><body><p>Ketchup &amp;\n  pick<b>les</b></p><!-- no -- no -->"
    "<table><tr><td>one</td><td>two</td></tr></table>1 < 2 &lt;p&gt;"
    "<a href='https://a.example/?x&amp;y'>here</a><br/>"
    '<img alt="a hamburger" src=x><IMG ALT=fries></body></html>'
)


class HTMLTextTests(SynchronousTestCase):
    """
    Tests for ``HTMLText``.
    """

    def test_page(self) -> None:
        """
        Tags, scripts, styles and comments go; what is shown stays.
        """
        self.assertEqual(
            shown(PAGE).split("\n"),
            [
                "",
                "Our menu",
                "Ketchup & pickles",
                "one",
                "two",
                "1 < 2 <p>here",
                "https://a.example/?x&y",
                "a hamburger",
                "fries",
            ],
        )

    def test_every_slicing(self) -> None:
        """
        Where the pieces are cut makes no difference.
        """
        whole = shown(PAGE)
        for cut in range(len(PAGE)):
            self.assertEqual(shown(PAGE, cut), whole, PAGE[:cut])
        self.assertEqual(shown(PAGE, *range(len(PAGE))), whole)

    def test_a_word_with_tags_inside(self) -> None:
        """
        Inline tags do not break a word; others do.
        """
        self.assertEqual(shown("ham<i>bur</i>ger"), "hamburger")
        self.assertEqual(shown("ham<div>burger"), "ham\nburger")

    def test_unclosed(self) -> None:
        """
        What never ends is shown, or hidden to the end.
        """
        self.assertEqual(shown("a <b"), "a <b")
        self.assertEqual(shown("a<!-- b"), "a")
        self.assertEqual(shown("a<script>b"), "a")

    def test_time_is_in_proportion(self) -> None:
        """
        Nothing that could be a tag and is none makes it slow.
        """
        for bad in ("<a", "<!--", "&", "<a href=", "<a href='", '<"', "<" * 9):
            html = bad * (400_000 // len(bad))
            shown(html, *range(0, len(html), 65536))

    @settings(deadline=None)
    @given(st.text("<>!-/abpscrit \n&;='\""), st.integers(0, 50))
    def test_never_raises(self, html: str, cut: int) -> None:
        """
        Anything is taken, however it is cut.
        """
        self.assertIsInstance(shown(html, cut), str)
