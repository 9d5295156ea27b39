"""
Tests for ``mailsuite.mail.reencoding``.
"""

from __future__ import annotations

import mmap
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.mime import Part, parse
from mailsuite.mail.reencoding import (
    CannotReencode,
    Needs,
    NeedsScan,
    needs_of,
    reencoded,
)
from mailsuite.mail.transferencodings import decoder_for
from tests.support.slicing import every_slicing

_TEXT = "Content-Type: text/plain; charset=utf-8\r\n"


def decoded(content: bytes) -> list[tuple[bytes, bytes]]:
    """
    Type and decoded body of every part that is not made of others.
    """
    return list(_leaves(content, parse(content)))


def _leaves(content: bytes, part: Part) -> list[tuple[bytes, bytes]]:
    if part.children:
        return [
            leaf for child in part.children for leaf in _leaves(content, child)
        ]
    decoder = decoder_for(part.encoding)
    assert decoder is not None, part.encoding
    start = part.body_offset
    body = content[start : start + part.body_length]
    octets = decoder.decode(body) + decoder.finish()
    return [(part.media_type + b"/" + part.subtype, octets)]


def again(content: bytes) -> bytes:
    """
    The content re-encoded.
    """
    return b"".join(reencoded(content))


class NeedsTests(SynchronousTestCase):
    """
    Tests for ``NeedsScan``.
    """

    def test_plain(self) -> None:
        """
        Short lines of ASCII need nothing.
        """
        self.assertEqual(
            needs_of(b"Subject: a\r\n\r\nbody\r\n"), Needs(False, False, False)
        )

    def test_body(self) -> None:
        """
        Octets beyond ASCII in the body need 8BITMIME alone.
        """
        self.assertEqual(
            needs_of("Subject: a\r\n\r\nGrüße\r\n".encode()),
            Needs(True, False, False),
        )

    def test_fields(self) -> None:
        """
        Octets beyond ASCII in the header section need SMTPUTF8.
        """
        self.assertEqual(
            needs_of("Subject: Grüße\r\n\r\nbody\r\n".encode()),
            Needs(True, True, False),
        )

    def test_no_header_section(self) -> None:
        """
        A content that begins with an empty line has a body alone.
        """
        self.assertFalse(needs_of("\r\nGrüße\r\n".encode()).utf8_fields)

    def test_longest_line(self) -> None:
        """
        998 octets are not too long, 999 are, with and without an end.
        """
        for end in (b"\r\n", b""):
            self.assertFalse(needs_of(b"\r\n" + b"x" * 998 + end).long_lines)
            self.assertTrue(needs_of(b"\r\n" + b"x" * 999 + end).long_lines)

    def test_any_slicing(self) -> None:
        """
        Where the pieces are cut makes no difference.
        """
        content = "A: b\r\n\r\nä\r\n".encode()
        for pieces in every_slicing(content):
            scan = NeedsScan()
            for piece in pieces:
                scan.feed(piece)
            self.assertEqual(scan.finish(), Needs(True, False, False))

    @given(
        st.lists(st.integers(0, 1200), max_size=8),
        st.integers(1, 3000),
    )
    @settings(max_examples=150, deadline=None)
    def test_lines_as_counted(self, lengths: list[int], step: int) -> None:
        """
        Lines are as long as they are, wherever the pieces are cut.
        """
        content = b"".join(b"x" * length + b"\r\n" for length in lengths)
        scan = NeedsScan()
        for at in range(0, len(content), step):
            scan.feed(content[at : at + step])

        self.assertEqual(
            scan.finish().long_lines, any(length > 998 for length in lengths)
        )


class ReencodingTests(SynchronousTestCase):
    """
    Tests for ``reencoded``.
    """

    def assert_same(self, content: bytes) -> bytes:
        """
        Re-encode; every part decodes to what it was, and nothing is needed.
        """
        new = again(content)
        self.assertEqual(decoded(new), decoded(content))
        self.assertEqual(needs_of(new), Needs(False, False, False))
        return new

    def test_text(self) -> None:
        """
        Text becomes quoted-printable, its fields stay but for the encoding.
        """
        new = self.assert_same(
            (
                "Subject: a\r\nMIME-Version: 1.0\r\n" + _TEXT + "Content-"
                "Transfer-Encoding:\r\n 8bit\r\nX: y\r\n\r\nGrüße \r\n.\r\n"
            ).encode()
        )

        self.assertEqual(
            new,
            b"Subject: a\r\nMIME-Version: 1.0\r\n"
            + _TEXT.encode()
            + b"X: y\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            b"Gr=C3=BC=C3=9Fe=20\r\n=2E\r\n",
        )

    def test_no_mime(self) -> None:
        """
        Octets that nobody named are said to be unknown (RFC 1428).
        """
        new = self.assert_same(b"Subject: a\r\n\r\nGr\xfc\xdfe\r\n")

        self.assertIn(b"MIME-Version: 1.0\r\n", new)
        self.assertIn(b"charset=unknown-8bit\r\n", new)

    def test_long_lines(self) -> None:
        """
        Long lines are folded by the encoding; far longer than a piece too.
        """
        self.assert_same(b"Subject: a\r\n\r\n" + b"word " * 60_000 + b"\r\n")

    def test_lines_of_the_encoding(self) -> None:
        """
        No line of quoted-printable has more than 76 octets (RFC 2045 6.7).
        """
        for length in range(60, 90):
            for tail in (" ", "\t", "  ", "=", "ü"):
                body = f"\r\nü{'x' * length}{tail}\r\nb\r\n"
                new = self.assert_same(f"{_TEXT}\r\n{body}".encode())
                longest = max(map(len, new.split(b"\r\n")))
                self.assertLessEqual(longest, 76)

    def test_binary(self) -> None:
        """
        What is no text becomes base64.
        """
        new = self.assert_same(
            b"Content-Type: application/pdf\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n"
            + bytes(range(256))
            * 600
        )

        self.assertIn(b"Content-Transfer-Encoding: base64\r\n", new)
        self.assertTrue(new.endswith(b"\r\n"))

    def test_multipart(self) -> None:
        """
        Delimiters and parts that need nothing stay; the multipart is 7bit.
        """
        content = (
            "Content-Type: multipart/mixed; boundary=b\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n--b\r\n\r\n"
            "plain\r\n--b\r\n" + _TEXT + "\r\nGrüße\r\n--b--\r\nepilogue\r\n"
        ).encode()

        new = self.assert_same(content)

        self.assertIn(b"preamble\r\n--b\r\n\r\nplain\r\n--b\r\n", new)
        self.assertIn(b"\r\n--b--\r\nepilogue\r\n", new)
        self.assertIn(b"Content-Transfer-Encoding: 7bit\r\n", new)
        self.assertNotIn(b"8bit", new)

    def test_message_inside(self) -> None:
        """
        A message inside is gone into; its own part is never encoded.
        """
        content = (
            "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
            "Subject: b\r\n" + _TEXT + "\r\nGrüße\r\n"
        ).encode()

        new = self.assert_same(content)

        self.assertIn(b"rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n", new)

    def test_broken_base64(self) -> None:
        """
        Base64 in one long line is folded.
        """
        self.assert_same(
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64"
            b"\r\n\r\n" + b"QUJD" * 1000 + b"\r\n"
        )

    def test_signed(self) -> None:
        """
        A signed part cannot be touched, even deep inside.
        """
        content = (
            "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
            "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
            + _TEXT
            + "\r\nGrüße\r\n--b\r\nContent-Type: application/pgp-signature"
            "\r\n\r\nx\r\n--b--\r\n--o--\r\n"
        ).encode()

        self.assertRaises(CannotReencode, reencoded, content)

    def test_signed_needs_nothing(self) -> None:
        """
        One that needs nothing stays, while its neighbour changes.
        """
        signed = (
            "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\nHello\r\n--b--\r\n"
        )
        content = (
            "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
            + signed
            + "--o\r\n"
            + _TEXT
            + "\r\nGrüße\r\n--o--\r\n"
        ).encode()

        self.assertIn(signed.encode(), self.assert_same(content))

    def test_cannot(self) -> None:
        """
        No encoding helps fields beyond ASCII, long ones, what stands between
        parts, partial messages or parts of an unknown encoding.
        """
        for content in (
            "Subject: ü\r\n\r\nü\r\n".encode(),
            b"Subject: " + b"x" * 999 + b"\r\n\r\nbody\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nü\r\n--b\r\n\r\n"
            "plain\r\n--b--\r\n".encode(),
            "Content-Type: message/partial; id=1\r\n\r\nü\r\n".encode(),
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nü\r\n".encode(),
            "Content-Transfer-Encoding: x-uue\r\n\r\nü\r\n".encode(),
        ):
            self.assertRaises(CannotReencode, reencoded, content)

    def test_mapped_file(self) -> None:
        """
        A file that is mapped into memory is as good as octets.
        """
        content = (
            "Subject: a\r\n" + _TEXT + "\r\n" + "Grüße\r\n" * 50_000
        ).encode()
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            with mapped:
                pieces = list(reencoded(mapped))

        self.assertEqual(b"".join(pieces), again(content))
        self.assertLess(max(map(len, pieces)), 1 << 19)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["text/plain", "image/png", "text/html"]),
                st.sampled_from(
                    ["8bit", "binary", "quoted-printable", "base64"]
                ),
                st.lists(
                    st.binary(max_size=100)
                    | st.text(" =.\tGrüße", max_size=90).map(str.encode)
                    | st.just(b"long \xff" * 200),
                    max_size=5,
                ).map(b"\r\n".join),
            ),
            min_size=1,
            max_size=4,
        )
    )
    @settings(max_examples=300, deadline=None)
    def test_decodes_to_the_same(
        self, parts: list[tuple[str, str, bytes]]
    ) -> None:
        """
        Whatever is in them, all parts decode to what they were.
        """
        content = b"Content-Type: multipart/mixed; boundary=never-in-it\r\n\r\n"
        for kind, encoding, body in parts:
            content += (
                f"--never-in-it\r\nContent-Type: {kind}\r\n"
                f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
            ).encode()
            content += body + b"\r\n"
        content += b"--never-in-it--\r\n"

        self.assert_same(content)
