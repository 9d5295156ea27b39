"""
Tests for ``mailsuite.pop3.downgrading``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.pop3.downgrading import Downgrader
from tests.support.slicing import every_slicing

_NESTED = """\
Subject: é
Content-Type: multipart/mixed; boundary="b b"

Subject: é, in a preamble
--b b
Content-Description: é
Content-Type: multipart/alternative; boundary=b

--b
Content-Description: é
--b
Content-Description: é

é--b
--b é
--
--b--\x20
Subject: é, in an epilogue
--b b\t
Content-Type: message/rfc822

Subject: é

Subject: é, in a body
--b b

é
--b b--
Subject: é
""".replace("\n", "\r\n").encode()

_octets = st.lists(
    st.sampled_from(
        [b"\r\n", b"--b", b"--", b"\r", b"\n", b"Subject: ", b"\xc3\xa9", b"a"]
        + [b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"]
        + [b"Content-Type: message/rfc822\r\n\r\n"]
    )
).map(b"".join)


def _made(pieces: list[bytes]) -> bytes:
    downgrader = Downgrader()
    return b"".join([downgrader.feed(x) for x in pieces]) + downgrader.end()


class DowngraderTests(SynchronousTestCase):
    """
    Tests for ``Downgrader``.
    """

    def test_header_sections(self) -> None:
        """
        The sections of the message, of parts, also without an empty line, and
        of messages inside are made ASCII, and nothing else is, wherever the
        pieces are cut.
        """
        encoded = b"=?utf-8?b?w6k=?="
        octets = "é".encode()
        expected = _NESTED
        for field in (b"Subject: ", b"Content-Description: "):
            expected = expected.replace(
                field + octets + b"\r\n", field + encoded + b"\r\n"
            )
        # The last line is in an epilogue.
        expected = expected.removesuffix(encoded + b"\r\n") + octets + b"\r\n"

        for pieces in every_slicing(_NESTED):
            self.assertEqual(_made(pieces), expected)

    def test_no_header_section(self) -> None:
        """
        Text without a field is a body from its first line on.
        """
        for octets in (b"\xc3\xa9\r\n\r\nSubject: \xc3\xa9", b"\xc3\xa9", b""):
            self.assertEqual(_made([octets]), octets)

    def test_header_section_alone(self) -> None:
        """
        Without an empty line all is a header section.
        """
        self.assertEqual(
            _made([b"Subject: \xc3\xa9\r\n"]), b"Subject: =?utf-8?b?w6k=?=\r\n"
        )

    def test_endless_header_section(self) -> None:
        """
        A section beyond all measure is not kept, and comes out in ASCII as
        long as it was; the body after it as it is.
        """
        section = b"X: \xc3\xa9\r\n" * 40_000 + b"\r\n"
        downgrader = Downgrader()
        made = []
        fed = 0
        for start in range(0, len(section), 5000):
            piece = section[start : start + 5000]
            fed += len(piece)
            made.append(downgrader.feed(piece))
            self.assertLess(fed - sum(map(len, made)), 200_000)

        made += [downgrader.feed(b"\xc3\xa9"), downgrader.end()]

        self.assertEqual(
            b"".join(made), section.replace(b"\xc3\xa9", b"??") + b"\xc3\xa9"
        )

    def test_lines_without_an_end(self) -> None:
        """
        A line of a multipart's body is not kept for being long.
        """
        head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--"
        downgrader = Downgrader()
        made = downgrader.feed(head)
        for _ in range(10):
            made += downgrader.feed(b"-" * 1000)

        self.assertEqual(made, head + b"-" * 10_000)

    @given(_octets, st.integers(1, 7))
    def test_pieces(self, octets: bytes, length: int) -> None:
        """
        Pieces give what the whole gives, and a second time changes nothing.
        """
        pieces = [octets[i : i + length] for i in range(0, len(octets), length)]

        made = _made(pieces)

        self.assertEqual(made, _made([octets]))
        self.assertEqual(_made([made]), made)
