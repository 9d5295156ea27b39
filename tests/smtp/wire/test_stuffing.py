"""
Tests for ``mailsuite.smtp.wire.stuffing``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.wire.data import DataDecoder
from mailsuite.smtp.wire.stuffing import DotStuffer
from mailsuite.wire.buffer import InputBuffer
from tests.support.slicing import every_slicing

_LINES = st.lists(st.text(". x", max_size=4).map(str.encode), max_size=8).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


def stuffed(pieces: list[bytes]) -> bytes:
    """
    What goes out, with the end.
    """
    stuffer = DotStuffer()
    return b"".join([*map(stuffer.feed, pieces), stuffer.end()])


class DotStufferTests(SynchronousTestCase):
    """
    Tests for ``DotStuffer``.
    """

    def test_any_slicing(self) -> None:
        """
        A dot is doubled at the beginning of a line, wherever it is cut.
        """
        for pieces in every_slicing(b".\r\n..a\r\n."):
            self.assertEqual(stuffed(pieces), b"..\r\n...a\r\n..\r\n.\r\n")
        for pieces in every_slicing(b"a.\r\n\r\n.\r\nb.\r\n", most=13):
            self.assertEqual(stuffed(pieces), b"a.\r\n\r\n..\r\nb.\r\n.\r\n")

    def test_empty(self) -> None:
        """
        No content at all is the end alone.
        """
        self.assertEqual(stuffed([]), b".\r\n")

    def test_no_smuggling_at_a_border(self) -> None:
        """
        An end of data in the content is none, cut where it may be.
        """
        content = b"a\r\n.\r\nMAIL FROM:<>\r\n"
        for pieces in every_slicing(content):
            self.assertEqual(stuffed(pieces).count(b"\r\n.\r\n"), 1)

    @given(_LINES, st.integers(1, 5))
    def test_the_server_reads_the_same(self, content: bytes, step: int) -> None:
        """
        The server's side undoes it.
        """
        pieces = [content[i : i + step] for i in range(0, len(content), step)]
        buffer = InputBuffer()
        buffer.feed(stuffed(pieces))
        decoder = DataDecoder()

        self.assertEqual(decoder.read(buffer), content)
        self.assertTrue(decoder.ended)
        self.assertEqual(len(buffer), 0)
