"""
Tests for ``mailsuite.mail.charsets``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.charsets import decode, is_known


class DecodeTests(SynchronousTestCase):
    """
    Tests for ``decode``.
    """

    def test_named(self) -> None:
        """
        The charset's name counts in any case, with quotes or without.
        """
        self.assertEqual(decode(b"\xa4", "ISO-8859-15"), "€")
        self.assertEqual(decode(b"\xa4", '"iso-8859-15"'), "€")

    def test_latin1_is_windows(self) -> None:
        """
        What calls itself ISO-8859-1 has Windows' quotes in it.
        """
        self.assertEqual(decode(b"\x93x\x94", "iso-8859-1"), "“x”")

    def test_ascii_with_8_bit(self) -> None:
        """
        US-ASCII that is none is read as if it had no label.
        """
        self.assertEqual(decode("ä".encode(), "us-ascii"), "ä")
        self.assertEqual(decode(b"\xe4", "us-ascii"), "ä")

    def test_broken_utf8(self) -> None:
        """
        What says UTF-8 and is not shows where.
        """
        self.assertEqual(decode(b"a\xffb", "utf-8"), "a\ufffdb")

    @given(
        st.binary(max_size=40),
        st.one_of(
            st.text(max_size=10),
            st.sampled_from(
                ["utf-16", "utf-7", "idna", "hz", "iso-2022-kr", "big5"]
            ),
        ),
    )
    @settings(deadline=None)
    def test_nothing_raises(self, octets: bytes, charset: str) -> None:
        """
        Whatever the charset is called.
        """
        self.assertIsInstance(decode(octets, charset), str)


class KnownTests(SynchronousTestCase):
    """
    Tests for ``is_known``.
    """

    def test_charsets(self) -> None:
        """
        Those that IANA names and Python reads.
        """
        self.assertTrue(is_known("koi8-r"))
        self.assertTrue(is_known("US-ASCII"))
        self.assertFalse(is_known("x-martian"))

    def test_codecs_that_are_no_charsets(self) -> None:
        """
        Python's other codecs are not taken for charsets.
        """
        for name in ("base64", "zlib", "rot13", "idna", "punycode", "hex"):
            self.assertFalse(is_known(name), name)
