"""
Tests for ``mailsuite.mail.encodedwords``.
"""

from __future__ import annotations

from email.header import decode_header, make_header

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.encodedwords import decode, encode


class DecodeTests(SynchronousTestCase):
    """
    Tests for ``decode``.
    """

    def test_both_encodings(self) -> None:
        """
        Q and B, in either case, with text around them.
        """
        self.assertEqual(
            decode(b"Re: =?UTF-8?Q?caf=C3=A9_au?= lait =?utf-8?b?w6Q=?= !"),
            "Re: café au lait ä !",
        )

    def test_space_between_words_is_not_shown(self) -> None:
        """
        RFC 2047 6.2, with folds.
        """
        self.assertEqual(
            decode(b"=?utf-8?q?a?=\r\n =?utf-8?q?b?= c =?utf-8?q?d?="),
            "ab c d",
        )

    def test_a_character_cut_in_two(self) -> None:
        """
        Neighbours are joined before they are decoded.
        """
        self.assertEqual(decode(b"=?utf-8?q?=C3?= =?utf-8?q?=A4?="), "ä")

    def test_other_charsets(self) -> None:
        """
        Charsets by name, with RFC 2231's language.
        """
        self.assertEqual(
            decode(b"=?iso-8859-1*de?q?=E4?= =?koi8-r?b?1MXT1A==?="), "äтест"
        )

    def test_raw_utf8(self) -> None:
        """
        RFC 6532: UTF-8 that is not encoded.
        """
        self.assertEqual(decode("häh".encode()), "häh")

    def test_raw_octets_of_another_charset(self) -> None:
        """
        Unlabelled 8-bit octets that are not UTF-8 are Windows-1252.
        """
        self.assertEqual(decode(b"h\xe4h \x80"), "häh €")

    def test_broken_words_stay(self) -> None:
        """
        What is no encoded word is text.
        """
        self.assertEqual(
            decode(b"=?utf-8?x?a?= =?utf-8?q?a"), "=?utf-8?x?a?= =?utf-8?q?a"
        )

    def test_unknown_charset(self) -> None:
        """
        The octets are read as if they had no label.
        """
        self.assertEqual(decode(b"=?no-such?q?=C3=A4?="), "ä")

    def test_broken_base64(self) -> None:
        """
        Digits that are missing, and others that are too many.
        """
        self.assertEqual(
            decode(b"=?utf-8?b?YWJj?= =?utf-8?b?ZGU?= =?utf-8?b?Z?="), "abcde"
        )

    @given(st.binary(max_size=80))
    @settings(deadline=None)
    def test_no_octets_raise(self, octets: bytes) -> None:
        """
        Whatever stands in the words, and in whatever charset.
        """
        for charset in (b"utf-8", b"utf-16", b"utf-7", b"idna", b"base64"):
            for letter in b"qb":
                word = b"=?%b?%c?%b?=" % (charset, letter, octets)
                self.assertIsInstance(decode(word), str)


class EncodeTests(SynchronousTestCase):
    """
    Tests for ``encode``.
    """

    def test_ascii_stays(self) -> None:
        """
        Text that needs no encoding is left as it is.
        """
        self.assertEqual(encode("Quarterly (draft)"), b"Quarterly (draft)")

    def test_what_looks_encoded_is_encoded(self) -> None:
        """
        Text with ``=?`` in it comes back as that text.
        """
        text = "=?utf-8?q?a?="

        self.assertEqual(decode(encode(text)), text)

    def test_first_line(self) -> None:
        """
        What stands in front makes the first word shorter, down to one
        character.
        """
        for used in (9, 30, 60, 500):
            encoded = encode("ä" * 100, used)

            first = encoded.partition(b"\r\n")[0]
            self.assertLessEqual(len(first), max(76 - used, 16))
            self.assertEqual(decode(encoded), "ä" * 100)

    def test_lines_are_short(self) -> None:
        """
        RFC 2047 2: no word has more than 75 octets.
        """
        lines = encode("ä€𝄞" * 100).split(b"\r\n")

        self.assertLessEqual(max(len(line.strip()) for line in lines), 75)

    @given(st.text(max_size=100))
    @settings(deadline=None)
    def test_is_read_back(self, text: str) -> None:
        """
        By this module and by the standard library.
        """
        text = text.replace("\ud800", "").encode("utf-8", "replace").decode()
        encoded = encode(text)

        if b"=?" in encoded:
            self.assertEqual(decode(encoded), text)
            found = str(make_header(decode_header(encoded.decode())))
            self.assertEqual(found, text)
        else:
            self.assertEqual(encoded.decode(), text)


class TimeTests(SynchronousTestCase):
    """
    Sizes at which anything but linear time would not end.
    """

    def test_many_words(self) -> None:
        """
        A hundred thousand words make one text.
        """
        self.assertEqual(len(decode(b"=?utf-8?q?a?= " * 100_000)), 100_000)

    def test_many_beginnings(self) -> None:
        """
        Words that begin and never end.
        """
        octets = b"=?a?q?" * 100_000

        self.assertEqual(decode(octets), octets.decode())

    def test_many_spaces(self) -> None:
        """
        Space after a word, without a word behind it.
        """
        octets = b"=?utf-8?q?a?=" + b" " * 500_000 + b"."

        self.assertEqual(len(decode(octets)), 500_002)
