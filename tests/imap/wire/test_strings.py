"""
Tests for ``mailsuite.imap.wire.strings``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire.strings import nstring, string


class StringTests(SynchronousTestCase):
    """
    Tests for ``string`` and ``nstring``.
    """

    def test_quoted(self) -> None:
        """
        7-bit text is quoted, quotes and backslashes escaped.
        """
        self.assertEqual(string(b'a\t"b" \\ c'), b'"a\t\\"b\\" \\\\ c"')

    def test_empty(self) -> None:
        """
        Never a literal without octets.
        """
        self.assertEqual(string(b""), b'""')

    def test_literal(self) -> None:
        """
        8-bit octets and line ends need one.
        """
        self.assertEqual(string(b"\xc3\xa4"), b"{2}\r\n\xc3\xa4")
        self.assertEqual(string(b"a\r\nb"), b"{4}\r\na\r\nb")

    def test_nul(self) -> None:
        """
        No string has one (RFC 9051 9, CHAR8).
        """
        self.assertEqual(string(b"a\0b"), b"{3}\r\na?b")

    def test_nil(self) -> None:
        """
        None is NIL; the empty string is not.
        """
        self.assertEqual(nstring(None), b"NIL")
        self.assertEqual(nstring(b""), b'""')

    @given(st.binary(max_size=100))
    @settings(deadline=None)
    def test_is_read_back(self, octets: bytes) -> None:
        """
        By the rules of RFC 9051's quoted and literal.
        """
        printed = string(octets)

        if printed.startswith(b"{"):
            size, _, rest = printed[1:].partition(b"}\r\n")
            self.assertEqual(len(rest), int(size))
            self.assertEqual(rest, octets.replace(b"\0", b"?"))
        else:
            inner = printed[1:-1]
            self.assertTrue(inner.isascii() and b"\n" not in inner)
            self.assertEqual(
                inner.replace(b'\\"', b'"').replace(b"\\\\", b"\\")
                if b"\\" not in octets
                else octets,
                octets,
            )
