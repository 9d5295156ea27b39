"""
Tests for the body of DATA.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.wire.data import ContentRules, DataDecoder
from mailsuite.wire.buffer import InputBuffer
from tests.support.slicing import every_slicing

#: Octets of which the end of data, and what only looks like it, is made.
_TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0"])
).map(b"".join)


def decode(pieces: list[bytes]) -> tuple[bytes, bytes, bool]:
    """
    What the decoder makes of these pieces, what it left, and whether it
    ended.
    """
    decoder = DataDecoder()
    source = InputBuffer()
    content = b""
    for piece in pieces:
        source.feed(piece)
        if not decoder.ended:
            content += decoder.read(source)
    return content, source.take(len(source)), decoder.ended


def by_the_rfc(octets: bytes) -> tuple[bytes, bytes, bool]:
    """
    The same, line by line.
    """
    lines = octets.split(b"\r\n")
    taken = []
    for number, line in enumerate(lines[:-1]):
        if line == b".":
            rest = b"\r\n".join(lines[number + 1 :])
            return b"".join(taken), rest, True
        taken.append(line.removeprefix(b".") + b"\r\n")
    taken.append(lines[-1].removeprefix(b"."))
    return b"".join(taken), b"", False


class DataDecoderTests(SynchronousTestCase):
    """
    Tests for ``DataDecoder``.
    """

    def test_any_slicing_decodes_alike(self) -> None:
        """
        Where the network cuts the octets makes no difference.
        """
        octets = b"..one\r\n\r\n.two\r\n.\r\nQUIT\r\n.\r\n"

        results = {decode(pieces) for pieces in every_slicing(octets)}

        self.assertEqual(
            results, {(b".one\r\n\r\ntwo\r\n", b"QUIT\r\n.\r\n", True)}
        )

    def test_short_octets_in_every_slicing(self) -> None:
        """
        Every cut of an end of data that stands behind a false one.
        """
        octets = b".\r.\r\n.\r\nX\r\n"

        results = {decode(pieces) for pieces in every_slicing(octets)}

        self.assertEqual(results, {(b"\r.\r\n", b"X\r\n", True)})

    def test_no_content(self) -> None:
        """
        The end may come at once.
        """
        results = {decode(pieces) for pieces in every_slicing(b".\r\nQUIT\r\n")}

        self.assertEqual(results, {(b"", b"QUIT\r\n", True)})

    def test_only_the_true_end_ends(self) -> None:
        """
        What has a bare CR or LF in it is content.
        """
        for false_end in (
            b"\n.\n",
            b"\n.\r\n",
            b"\r\n.\n",
            b"\r.\r",
            b"\r\n.\r",
            b"\r.\r\n",
            b"\r\n.\0\r\n",
            b"\r\n\0.\r\n",
            b"\r\n. \r\n",
        ):
            _, rest, ended = decode([b"a" + false_end + b"QUIT\r\n"])
            self.assertEqual((rest, ended), (b"", False), false_end)

    def test_long_line(self) -> None:
        """
        A line may have any length, and the end behind it is found.
        """
        line = b"A" * 200000 + b"\r\n"

        pieces = [line[:65536], line[65536:], b".\r\nQUIT\r\n"]

        self.assertEqual(decode(pieces), (line, b"QUIT\r\n", True))

    @given(_TRICKY, st.lists(st.integers(0, 60), max_size=6))
    def test_decodes_as_the_rfc_says(
        self, octets: bytes, cuts: list[int]
    ) -> None:
        """
        However cut, the result is that of reading line by line.
        """
        places = [0, *sorted(cuts), len(octets)]
        pieces = [
            octets[start:end]
            for start, end in zip(places, places[1:], strict=False)
        ]

        content, rest, ended = decode(pieces)

        wanted, wanted_rest, wanted_ended = by_the_rfc(octets)
        self.assertEqual(ended, wanted_ended)
        if ended:
            self.assertEqual((content, rest), (wanted, wanted_rest))
        else:
            # No more waits than may become the end.
            self.assertTrue(wanted.startswith(content))
            self.assertLessEqual(len(wanted) - len(content), 4)


def broken(pieces: list[bytes]) -> bool:
    """
    Whether these pieces break the rules.
    """
    rules = ContentRules()
    for piece in pieces:
        rules.look(piece)
    return rules.broken()


class ContentRulesTests(SynchronousTestCase):
    """
    Tests for ``ContentRules``.
    """

    def test_lines_that_end_rightly(self) -> None:
        """
        CR LF in any slicing is right.
        """
        octets = b"one\r\n\r\ntwo\r\n"

        results = {broken(pieces) for pieces in every_slicing(octets)}

        self.assertEqual(results, {False})

    def test_what_is_wrong_is_seen_in_any_slicing(self) -> None:
        """
        One bare CR or LF, or a NUL, is seen wherever the cuts are.
        """
        for octets in (
            b"a\nb\r\n",
            b"a\rb\r\n",
            b"\n",
            b"\r",
            b"a\r\r\n",
            b"a\r\n\n",
            b"a\n\r\n",
            b"a\r\n\r",
            b"a\0b\r\n",
        ):
            results = {broken(pieces) for pieces in every_slicing(octets)}
            self.assertEqual(results, {True}, octets)

    @given(_TRICKY, st.integers(0, 60))
    def test_agrees_with_taking_lines_apart(
        self, octets: bytes, cut: int
    ) -> None:
        """
        What is left when all CR LF are gone has no CR, LF or NUL.
        """
        left = b"".join(octets.split(b"\r\n"))

        found = broken([octets[:cut], octets[cut:]])

        self.assertEqual(found, bool({0, 10, 13} & set(left)))
