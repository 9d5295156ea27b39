"""
Tests for ``mailsuite.mail.lineends``.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.lineends import LineEnds


class LineEndsTests(SynchronousTestCase):
    """
    Tests for ``LineEnds``.
    """

    def test_leaves_what_is_right(self) -> None:
        """
        Content with CR LF passes as the same object.
        """
        piece = b"Subject: x\r\n\r\nbody\r\n"
        self.assertIs(LineEnds().feed(piece), piece)

    def test_mends_bare_lf(self) -> None:
        """
        A bare LF becomes CR LF; a bare CR stays.
        """
        self.assertEqual(
            LineEnds().feed(b"\na\nb\r\nc\rd\n\n"),
            b"\r\na\r\nb\r\nc\rd\r\n\r\n",
        )

    def test_remembers_a_cr_at_the_end_of_a_piece(self) -> None:
        """
        CR and LF in two pieces are one line's end.
        """
        ends = LineEnds()
        self.assertEqual(ends.feed(b"a\r") + ends.feed(b"\nb"), b"a\r\nb")

    def test_mends_behind_a_cut_line_end(self) -> None:
        """
        A bare LF right behind such a line's end is mended too.
        """
        ends = LineEnds()
        self.assertEqual(ends.feed(b"a\r") + ends.feed(b"\n\nb"), b"a\r\n\r\nb")

    @given(st.lists(st.text("\r\nx", max_size=6)))
    def test_any_cut_mends_alike(self, texts: list[str]) -> None:
        """
        Where the pieces are cut makes no difference.
        """
        pieces = [text.encode() for text in texts]
        ends = LineEnds()

        mended = b"".join([ends.feed(piece) for piece in pieces])

        whole = b"".join(pieces)
        self.assertEqual(mended, re.sub(rb"\r?\n", b"\r\n", whole))
