"""
Tests for ``mailsuite.imap.outline``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.outline import Coding, Outline, decode, encode
from mailsuite.mail.mime import Part, parse

CONTENT = (
    b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
    b"--B\r\n\r\none\r\n"
    b"--B\r\nContent-Transfer-Encoding: BASE64\r\n\r\nAAAA\r\n"
    b"--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody\r\n"
    b"--B\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=\r\n"
    b"--B\r\nContent-Transfer-Encoding: x-y\r\n\r\n\r\n"
    b"--B--\r\n"
)


class OutlineTests(SynchronousTestCase):
    """
    Tests for ``encode`` and ``decode``.
    """

    def test_is_read_back(self) -> None:
        """
        Places, kinds and children are those of the message.
        """
        message = parse(CONTENT)

        self.check(decode(encode(message)), message)

    def check(self, outline: Outline, part: Part) -> None:
        """
        Compare a tree with another.
        """
        self.assertEqual(
            (
                outline.header_offset,
                outline.body_offset,
                outline.end,
                outline.is_multipart,
                outline.is_message,
                len(outline.children),
            ),
            (
                part.header_offset,
                part.body_offset,
                part.body_offset + part.body_length,
                part.is_multipart,
                part.is_message,
                len(part.children),
            ),
        )
        for mine, theirs in zip(outline.children, part.children, strict=True):
            self.check(mine, theirs)

    def test_codings(self) -> None:
        """
        Encodings are known in any case; 7bit is the default.
        """
        outline = decode(encode(parse(CONTENT)))

        self.assertEqual(
            [child.coding for child in outline.children],
            [
                Coding.IDENTITY,
                Coding.BASE64,
                Coding.IDENTITY,
                Coding.QUOTED_PRINTABLE,
                Coding.UNKNOWN,
            ],
        )

    def test_other_octets(self) -> None:
        """
        Octets that are cut short, or of something else, are refused.
        """
        encoded = encode(parse(CONTENT))

        for octets in (b"", encoded[:-1], encoded[:28], b"x" * 28):
            self.assertRaises(ValueError, decode, octets)

    def test_children_without_end(self) -> None:
        """
        Damage that looks like ten thousand levels is refused too.
        """
        one_child = bytes(24) + (1 << 4).to_bytes(4, "little")

        self.assertRaises(ValueError, decode, one_child * 10_000)

    @given(st.binary(max_size=120))
    @settings(deadline=None)
    def test_any_octets(self, octets: bytes) -> None:
        """
        They are an outline, or a ValueError.
        """
        try:
            outline = decode(octets)
        except ValueError:
            return
        self.assertIsInstance(outline, Outline)
