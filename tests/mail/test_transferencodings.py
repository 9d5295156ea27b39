"""
Tests for ``mailsuite.mail.transferencodings``.
"""

from __future__ import annotations

import base64
import quopri

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.transferencodings import (
    Decoder,
    decoder_for,
    quoted_printable,
)
from tests.support.slicing import every_slicing


def decoded(encoding: bytes, pieces: list[bytes]) -> bytes:
    """
    What the pieces stand for.
    """
    decoder = made(encoding)
    octets = b"".join([decoder.decode(piece) for piece in pieces])
    return octets + decoder.finish()


def made(encoding: bytes) -> Decoder:
    decoder = decoder_for(encoding)
    assert decoder is not None
    return decoder


class DecoderTests(SynchronousTestCase):
    """
    Tests for ``decoder_for``.
    """

    def test_identities(self) -> None:
        """
        7bit, 8bit and binary in any case.
        """
        for name in (b"7BIT", b"8bit", b"Binary"):
            self.assertEqual(decoded(name, [b"a=41", b"\xff\0"]), b"a=41\xff\0")

    def test_unknown(self) -> None:
        """
        An encoding that nobody can undo.
        """
        self.assertIsNone(decoder_for(b"x-uuencode"))


class Base64Tests(SynchronousTestCase):
    """
    RFC 2045 6.8.
    """

    def test_any_slicing_decodes_alike(self) -> None:
        """
        Where the octets are cut makes no difference.
        """
        for pieces in every_slicing(b"aGVs\r\nbG8="):
            self.assertEqual(decoded(b"base64", pieces), b"hello")

    def test_other_octets_are_skipped(self) -> None:
        """
        RFC 2045 6.8: what is not of the alphabet is ignored.
        """
        self.assertEqual(decoded(b"base64", [b"a!G\0V-s\xff"]), b"hel")

    def test_nothing_counts_after_the_padding(self) -> None:
        """
        The padding is the end, in this piece and in the next.
        """
        self.assertEqual(
            decoded(b"base64", [b"aGVsbG8=aGVs", b"aGVs"]), b"hello"
        )

    def test_missing_padding(self) -> None:
        """
        Two or three digits more are an octet or two; one is nothing.
        """
        self.assertEqual(decoded(b"base64", [b"aGVsbG8"]), b"hello")
        self.assertEqual(decoded(b"base64", [b"aGVsb"]), b"hel")

    @given(st.binary(max_size=300), st.integers(1, 100))
    @settings(deadline=None)
    def test_the_standard_library_encodes(
        self, octets: bytes, size: int
    ) -> None:
        """
        What it encodes is read back, in pieces of any size.
        """
        text = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        pieces = [text[i : i + size] for i in range(0, len(text), size)]

        self.assertEqual(decoded(b"Base64", pieces), octets)


class QuotedPrintableTests(SynchronousTestCase):
    """
    RFC 2045 6.7.
    """

    def test_any_slicing_decodes_alike(self) -> None:
        """
        Where the octets are cut makes no difference.
        """
        text = b"a=3D=C3=\r\n=A4 =20 \t\r\n b=  \r\nc  "
        for pieces in every_slicing(text):
            self.assertEqual(
                decoded(b"quoted-printable", pieces), b"a=\xc3\xa4  \r\n bc"
            )

    def test_what_is_no_escape_stays(self) -> None:
        """
        RFC 2045 6.7: a robust decoder shows it as it is.
        """
        self.assertEqual(
            decoded(b"quoted-printable", [b"a=ZZ=\r\n=3d="]), b"a=ZZ="
        )

    def test_a_line_without_end_is_not_held(self) -> None:
        """
        Of a megabyte on one line all but a few octets come out at once.
        """
        decoder = made(b"quoted-printable")

        octets = b"".join(
            [decoder.decode(b"=41" * 1000 + b"b c") for _ in range(300)]
        )

        self.assertGreater(len(octets), 290_000)
        self.assertEqual(
            octets + decoder.finish(), (b"A" * 1000 + b"b c") * 300
        )

    def test_a_megabyte_of_spaces(self) -> None:
        """
        What follows spaces that may have been at the line's end is not lost.
        """
        decoder = made(b"quoted-printable")

        octets = b"".join([decoder.decode(b" " * 10_000) for _ in range(100)])
        octets += decoder.decode(b"=41\r\n") + decoder.finish()

        self.assertEqual(octets.lstrip(b" "), b"A\r\n")

    @given(st.binary(max_size=300), st.integers(1, 100))
    @settings(deadline=None)
    def test_the_standard_library_encodes(
        self, octets: bytes, size: int
    ) -> None:
        """
        What it encodes is read back, in pieces of any size.
        """
        octets = octets.replace(b"\r", b"").replace(b"\n", b"")
        text = quopri.encodestring(octets, quotetabs=True)
        text = text.replace(b"\n", b"\r\n")
        pieces = [text[i : i + size] for i in range(0, len(text), size)]

        self.assertEqual(decoded(b"quoted-printable", pieces), octets)

    @given(
        st.lists(
            st.sampled_from([b"=", b"4", b"\r", b"\n", b" ", b"\t", b"x"]),
            max_size=30,
        ),
        st.integers(1, 7),
    )
    @settings(deadline=None)
    def test_no_octets_raise(self, octets: list[bytes], size: int) -> None:
        """
        And cutting makes no difference to broken text either.
        """
        text = b"".join(octets)
        pieces = [text[i : i + size] for i in range(0, len(text), size)]

        self.assertEqual(
            decoded(b"quoted-printable", pieces),
            decoded(b"quoted-printable", [text]),
        )

    @given(
        st.text(
            st.sampled_from("x=. \t\n\u00e9"),
            max_size=300,
        )
    )
    @settings(deadline=None)
    def test_made_and_undone(self, text: str) -> None:
        """
        What is made is ASCII, with lines of 76 octets at most, and reads as
        what it was.
        """
        octets = text.replace("\n", "\r\n").encode()

        made = quoted_printable(octets)

        self.assertTrue(made.isascii())
        self.assertNotIn(b"\n", made.replace(b"\r\n", b""))
        self.assertLessEqual(max(map(len, made.split(b"\r\n"))), 76)
        self.assertEqual(decoded(b"quoted-printable", [made]), octets)
