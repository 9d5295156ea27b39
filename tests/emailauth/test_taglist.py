"""
Tests for ``mailsuite.emailauth.taglist``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import taglist


class ParseTests(SynchronousTestCase):
    """
    Tests for ``parse``.
    """

    def refused(self, octets: bytes) -> str:
        """
        Why a list is none.
        """
        return str(self.assertRaises(taglist.BadTagList, taglist.parse, octets))

    def test_order_and_spaces(self) -> None:
        """
        Tags come in their order, without the spaces and folds around them.
        """
        found = taglist.parse(b" v = 1 ;\r\n\ta=rsa-sha256;b= x\r\n y ; c=;")

        self.assertEqual(
            list(found.items()),
            [("v", "1"), ("a", "rsa-sha256"), ("b", "x\r\n y"), ("c", "")],
        )

    def test_names_have_case(self) -> None:
        """
        ``B`` is not ``b`` (RFC 6376 3.2).
        """
        self.assertEqual(taglist.parse(b"b=1; B=2"), {"b": "1", "B": "2"})

    def test_a_value_may_have_equals_signs(self) -> None:
        """
        As base64 has at its end.
        """
        self.assertEqual(taglist.parse(b"b=AA=="), {"b": "AA=="})

    def test_a_value_may_be_utf8(self) -> None:
        """
        RFC 8616 3: domains may be U-labels.
        """
        self.assertEqual(
            taglist.parse("d=exämple.org".encode()), {"d": "exämple.org"}
        )

    def test_a_name_twice(self) -> None:
        """
        Nobody can know which is meant.
        """
        self.assertEqual(self.refused(b"a=1; b=2; a=1"), "a tag twice")

    def test_empty_tags(self) -> None:
        """
        Only the last semicolon may be followed by nothing.
        """
        self.refused(b"a=1;; b=2")
        self.refused(b";a=1")
        self.refused(b"")
        self.refused(b" \r\n ")

    def test_what_is_no_tag(self) -> None:
        """
        A tag has a name that begins with a letter, and an equals sign.
        """
        self.refused(b"a=1; b")
        self.refused(b"=1")
        self.refused(b"1a=1")
        self.refused(b"a b=1")
        self.refused("ä=1".encode())

    def test_octets_that_may_not_stand_there(self) -> None:
        """
        No controls, and nothing beyond ASCII but UTF-8.
        """
        self.assertEqual(self.refused(b"a=\x00"), "control characters")
        self.assertEqual(self.refused(b"a=\xff"), "not UTF-8")

    def test_much_more_than_there_is_use_for(self) -> None:
        """
        Neither tags nor octets without end.
        """
        tags = b";".join(b"a%d=" % number for number in range(64))

        self.assertEqual(len(taglist.parse(tags)), 64)
        self.assertEqual(self.refused(tags + b";b="), "too many tags")
        self.assertEqual(self.refused(b"a=" + b"x" * 32_768), "too long")

    @given(st.binary(max_size=200) | st.text("ab=; \r\n").map(str.encode))
    def test_no_octets_raise_anything_else(self, octets: bytes) -> None:
        """
        They are a list, or ``BadTagList``.
        """
        try:
            found = taglist.parse(octets)
        except taglist.BadTagList:
            return
        printed = ";".join(f"{name}={text}" for name, text in found.items())
        self.assertEqual(taglist.parse(printed.encode()), found)


class WordsTests(SynchronousTestCase):
    """
    Tests for ``words`` and ``unspaced``.
    """

    def test_words(self) -> None:
        """
        Colons part them; case and spaces do not count.
        """
        self.assertEqual(
            taglist.words("From : to:\r\n CC"), ["from", "to", "cc"]
        )

    def test_unspaced(self) -> None:
        """
        Folds and spaces go wherever they are.
        """
        self.assertEqual(taglist.unspaced(" a\r\n\tb c"), "abc")
