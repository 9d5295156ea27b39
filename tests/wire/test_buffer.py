"""
Tests for input that is not yet understood.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.wire.buffer import (
    LINE_TOO_LONG,
    NEED_DATA,
    InputBuffer,
    LineTooLong,
    NeedData,
)
from tests.support.slicing import every_slicing


def lines(pieces: list[bytes], limit: int) -> list[bytes | LineTooLong]:
    """
    All lines of these pieces.
    """
    source = InputBuffer()
    found: list[bytes | LineTooLong] = []
    for piece in pieces:
        source.feed(piece)
        while not isinstance(line := source.line(limit), NeedData):
            found.append(line)
    return found


class LineTests(SynchronousTestCase):
    """
    Tests for ``InputBuffer.line``.
    """

    def test_any_slicing(self) -> None:
        """
        The same lines come, wherever the octets are cut.
        """
        for octets, wanted in (
            (b"a\r\n\r\nb\n\r\r\n", [b"a", b"", b"b\n\r"]),
            (b"abcd\r\nabc\r\nx", [LINE_TOO_LONG, b"abc"]),
            (b"abcdefgh\r\r\na\r\n", [LINE_TOO_LONG, b"a"]),
        ):
            for pieces in every_slicing(octets):
                self.assertEqual(lines(pieces, 5), wanted, pieces)

    @given(st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\r\n"])))
    def test_as_split(self, parts: list[bytes]) -> None:
        """
        Lines are what stands between CR LF and CR LF, and nothing else.
        """
        octets = b"".join(parts)

        found = lines([octets[i : i + 1] for i in range(len(octets))], 6)

        self.assertEqual(
            found,
            [
                line if len(line) <= 4 else LINE_TOO_LONG
                for line in octets.split(b"\r\n")[:-1]
            ],
        )

    def test_a_long_line_is_not_kept(self) -> None:
        """
        What is over the limit is gone before its end comes.
        """
        source = InputBuffer()

        source.feed(b"x" * 100000 + b"\r")

        self.assertIs(source.line(512), NEED_DATA)
        self.assertEqual(len(source), 1)


class TakeTests(SynchronousTestCase):
    """
    Tests for what takes octets that are no lines.
    """

    def setUp(self) -> None:
        self.source = InputBuffer()
        self.source.feed(b"one.two.three")

    def test_take(self) -> None:
        """
        No more comes than was asked for, nor than there is.
        """
        self.assertEqual(self.source.take(3), b"one")
        self.assertEqual(self.source.take(100), b".two.three")
        self.assertEqual(self.source.take(100), b"")

    def test_take_through(self) -> None:
        """
        The mark is taken with what stands before it.
        """
        self.assertEqual(self.source.take_through(b"."), b"one.")
        self.assertEqual(self.source.take_through(b"wo."), b"two.")
        self.assertEqual(self.source.take_through(b"."), b"three")
        self.assertEqual(len(self.source), 0)

    def test_put_back(self) -> None:
        """
        What is put back comes first.
        """
        taken = self.source.take(7)

        self.source.put_back(taken[4:])

        self.assertEqual(self.source.take(100), b"two.three")

    def test_lines_after_taking(self) -> None:
        """
        A line that was looked for in vain is found when its start moved.
        """
        self.source.feed(b"\r")
        self.assertIs(self.source.line(100), NEED_DATA)
        self.source.take(4)
        self.source.put_back(b"x")
        self.source.feed(b"\n")

        self.assertEqual(self.source.line(100), b"xtwo.three")

    def test_clear(self) -> None:
        """
        Nothing is left, not even a line that was being discarded.
        """
        self.source.line(4)
        self.source.feed(b"four")

        waiting = self.source.clear()
        self.source.feed(b"a\r\n")

        self.assertEqual(waiting, 4)
        self.assertEqual(self.source.line(4), b"a")


class DiscardedTests(SynchronousTestCase):
    """
    Tests for what is kept of a line that is too long.
    """

    def ends(self, pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
        source = InputBuffer()
        found: list[tuple[bytes, bytes]] = []
        for piece in pieces:
            source.feed(piece)
            while not isinstance(line := source.line(20), NeedData):
                if line is LINE_TOO_LONG:
                    found.append(source.discarded)
        return found

    def test_both_ends(self) -> None:
        """
        64 octets of each end are kept, however the line came.
        """
        line = b"a1 " + b"x" * 200 + b"{5+}"

        for pieces in every_slicing(line + b"\r\nb\r\n"):
            self.assertEqual(self.ends(pieces), [(line[:64], line[-64:])])

    def test_each_line_has_its_own(self) -> None:
        """
        Nothing of a line that was discarded before is among them.
        """
        first, second = b"a" * 100, b"b" * 90

        for pieces in every_slicing(first + b"\r\n" + second + b"\r\n"):
            self.assertEqual(
                self.ends(pieces),
                [(first[:64], first[-64:]), (second[:64], second[-64:])],
            )

    @given(st.binary(), st.data())
    def test_any_octets(self, octets: bytes, data: st.DataObject) -> None:
        """
        Whatever comes, and wherever it is cut.
        """
        cut = data.draw(st.integers(0, len(octets)))

        self.assertEqual(
            self.ends([octets[:cut], octets[cut:]]),
            [
                (line[:64], line[-64:])
                for line in octets.split(b"\r\n")[:-1]
                if len(line) > 18
            ],
        )
