"""
Tests for xtext and the addresses in it.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.xtext import (
    decode,
    encode,
    original_of,
    parse_original,
    print_original,
)

_PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=90
)
_BEYOND = st.text(
    st.characters(
        min_codepoint=33, exclude_categories=("Cc", "Cs", "Zl", "Zp")
    ),
    min_size=1,
    max_size=40,
)


class XtextTests(SynchronousTestCase):
    """
    Tests for ``encode`` and ``decode``.
    """

    def test_decodes_xtext_alone(self) -> None:
        """
        xtext is decoded, and nothing is that is none.
        """
        self.assertEqual(decode("e+3Dmc2@a.example"), "e=mc2@a.example")
        for text in ("a=b", "a+3d", "a+3", "a+", "a b", "é"):
            self.assertRaises(ValueError, decode, text)

    def test_no_control_is_hidden_in_it(self) -> None:
        """
        What would end a header field, or is no ASCII, is no text.
        """
        for text in ("a+0D+0AX:y", "a+00", "a+7F", "a+E9"):
            self.assertRaises(ValueError, decode, text)

    def test_encodes_what_may_not_stand_bare(self) -> None:
        """
        + and = and what is not printable (RFC 3461 4).
        """
        self.assertEqual(encode("a+b=c d"), "a+2Bb+3Dc+20d")
        self.assertRaises(ValueError, encode, "é")

    @given(_PRINTABLE)
    def test_round_trip(self, text: str) -> None:
        """
        What is encoded decodes to itself.
        """
        self.assertEqual(decode(encode(text)), text)


class OriginalTests(SynchronousTestCase):
    """
    Tests for ``parse_original`` and ``print_original``.
    """

    def test_types(self) -> None:
        """
        The type is any atom, and keeps its case (RFC 3461 4.2, 5.2.1 d).
        """
        self.assertEqual(
            parse_original("RFC822;Bob+2Bx@hamburger.edu"),
            ("RFC822", "Bob+x@hamburger.edu"),
        )
        self.assertEqual(
            parse_original("x400;/C=fr/".replace("=", "+3D")),
            ("x400", "/C=fr/"),
        )
        self.assertEqual(parse_original("UTF-8;\\x{FC}@b"), ("UTF-8", "ü@b"))

    def test_what_is_none(self) -> None:
        """
        No type, no address, no xtext, a control, or too many characters.
        """
        for text in (
            "",
            "bob@hamburger.edu",
            ";bob@hamburger.edu",
            "rfc822;",
            "rfc 822;bob",
            "rfc822;b=b",
            "rfc822;bob+0A",
            "utf-8;b+2Bb",
            "utf-8;b\\b",
            "utf-8;\\x{A}",
            "utf-8;\\x{0A}",
            "utf-8;\\x{85}",
            "utf-8;\\x{D800}",
            "utf-8;\\x{110000}",
            "utf-8;\u2028",
            "rfc822;" + "b" * 494,
        ):
            self.assertRaises(ValueError, parse_original, text)

    def test_beyond_ascii(self) -> None:
        r"""
        RFC 6533 3: bare where SMTPUTF8 goes, else as ``\x{...}``.
        """
        original = original_of(Address("jürgen+x", "bücher.example"))

        self.assertEqual(original, ("utf-8", "jürgen+x@bücher.example"))
        self.assertEqual(
            print_original(original, smtputf8=True),
            "utf-8;jürgen\\x{2B}x@bücher.example",
        )
        self.assertEqual(
            print_original(original, smtputf8=False),
            "utf-8;j\\x{FC}rgen\\x{2B}x@b\\x{FC}cher.example",
        )

    @given(_BEYOND, st.booleans())
    def test_utf8_round_trip(self, text: str, smtputf8: bool) -> None:
        """
        What is printed reads as itself, in either form.
        """
        printed = print_original(("utf-8", text), smtputf8=smtputf8)

        if len(printed) <= 500:
            self.assertEqual(parse_original(printed), ("utf-8", text))

    @given(_PRINTABLE.filter(bool))
    def test_ascii_round_trip(self, text: str) -> None:
        """
        What is printed reads as itself.
        """
        printed = print_original(("rfc822", text), smtputf8=False)

        self.assertEqual(parse_original(printed), ("rfc822", text))
