"""
Tests for ``mailsuite.pop3.multiline``.
"""

from __future__ import annotations

import poplib
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.pop3.multiline import DotStuffer, TopLines, whole
from tests.support.slicing import every_slicing

_octets = st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"a", b"\n"])).map(
    b"".join
)


def _stuffed(pieces: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join([stuffer.feed(x) for x in pieces]) + stuffer.end()


def _top(pieces: list[bytes], lines: int) -> bytes:
    top = TopLines(lines)
    taken = b""
    for piece in pieces:
        if top.complete:
            break
        taken += top.feed(piece)
    return taken


class DotStufferTests(SynchronousTestCase):
    """
    Tests for ``DotStuffer``.
    """

    def test_any_slicing_stuffs_alike(self) -> None:
        """
        Dots at line starts are doubled wherever the pieces are cut, the
        first line's too.
        """
        for pieces in every_slicing(b".\r\n.a.\r\n\r\n..\r\nb."):
            self.assertEqual(
                _stuffed(pieces), b"..\r\n..a.\r\n\r\n...\r\nb.\r\n.\r\n"
            )

    def test_end(self) -> None:
        """
        The dot that ends is on a line by itself.
        """
        self.assertEqual(_stuffed([]), b".\r\n")
        self.assertEqual(_stuffed([b"a\r\n"]), b"a\r\n.\r\n")
        self.assertEqual(_stuffed([b"a\r"]), b"a\r\r\n.\r\n")

    @given(_octets, st.integers(1, 5))
    def test_round_trip(self, octets: bytes, size: int) -> None:
        """
        A client that undoes the stuffing has the message, and its end where
        it is.
        """
        pieces = [octets[i : i + size] for i in range(0, len(octets), size)]

        *lines, end, rest = _stuffed(pieces).split(b"\r\n")

        self.assertEqual((end, rest), (b".", b""))
        self.assertNotIn(b".", lines)
        undone = [x[1:] if x.startswith(b".") else x for x in lines]
        whole = b"".join(x + b"\r\n" for x in undone)
        self.assertIn(whole, (octets, octets + b"\r\n"))

    def test_other_implementation(self) -> None:
        """
        Python's own client reads the lines that were there.
        """
        client = poplib.POP3.__new__(poplib.POP3)
        client._debugging = 0
        client.file = BytesIO(b"+OK\r\n" + _stuffed([b".\r\n..b\r\nc"]))

        _, lines, _ = client._getlongresp()

        self.assertEqual(lines, [b".", b"..b", b"c"])


class WholeTests(SynchronousTestCase):
    """
    Tests for ``whole``.
    """

    @given(_octets)
    def test_like_piece_by_piece(self, octets: bytes) -> None:
        """
        A response in one piece is what it would be in several.
        """
        self.assertEqual(
            whole(b"+OK\r\n", octets), b"+OK\r\n" + _stuffed([octets])
        )

    def test_dots(self) -> None:
        """
        Dots at line starts are doubled, the first line's too.
        """
        self.assertEqual(
            whole(b"+OK\r\n", b".\r\n..a\r\nb.c"),
            b"+OK\r\n..\r\n...a\r\nb.c\r\n.\r\n",
        )


class TopLinesTests(SynchronousTestCase):
    """
    Tests for ``TopLines``.
    """

    def test_any_slicing_takes_alike(self) -> None:
        """
        Header, empty line and body lines count wherever the pieces are cut.
        """
        message = b"A: b\r\n c\r\n\r\none\r\n\r\nthree\r\nfour"
        for lines, wanted in (
            (0, b"A: b\r\n c\r\n\r\n"),
            (1, b"A: b\r\n c\r\n\r\none\r\n"),
            (2, b"A: b\r\n c\r\n\r\none\r\n\r\n"),
            (3, b"A: b\r\n c\r\n\r\none\r\n\r\nthree\r\n"),
            (4, message),
            (1000, message),
        ):
            for pieces in every_slicing(message):
                self.assertEqual(_top(pieces, lines), wanted)

    def test_no_header(self) -> None:
        """
        A message may begin with its empty line.
        """
        for pieces in every_slicing(b"\r\none\r\ntwo\r\n"):
            self.assertEqual(_top(pieces, 1), b"\r\none\r\n")

    def test_no_body(self) -> None:
        """
        A message may have no empty line.
        """
        for pieces in every_slicing(b"A: b\r\nC: d\r\n"):
            self.assertEqual(_top(pieces, 1), b"A: b\r\nC: d\r\n")

    def test_bare_line_ends(self) -> None:
        """
        Only CR LF ends a line, and none of the octets is lost.
        """
        for pieces in every_slicing(b"\r\n\ra\n\r\r\nb\r\n"):
            self.assertEqual(_top(pieces, 1), b"\r\n\ra\n\r\r\n")

    @given(_octets, st.integers(0, 5), st.integers(1, 5))
    def test_like_the_plain_way(
        self, octets: bytes, lines: int, size: int
    ) -> None:
        """
        It takes what splitting the whole message at its lines would.
        """
        header, empty, body = (b"\r\n" + octets).partition(b"\r\n\r\n")
        rows = body.split(b"\r\n")
        kept = rows[:lines]
        wanted = (header + empty)[2:] + b"\r\n".join(kept)
        if kept and len(rows) > lines:
            wanted += b"\r\n"
        pieces = [octets[i : i + size] for i in range(0, len(octets), size)]

        self.assertEqual(_top(pieces, lines), wanted)
