"""
Tests for ``mailsuite.mail.mimefields``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.mimefields import (
    MOST_PARAMETERS,
    Disposition,
    MediaType,
    joined,
    parameter,
    parameter_text,
    parse_content_type,
    parse_disposition,
    parse_languages,
    parse_token,
)


class ContentTypeTests(SynchronousTestCase):
    """
    Tests for ``parse_content_type``.
    """

    def test_usual(self) -> None:
        """
        Type, subtype, parameters quoted and not, folded.
        """
        self.assertEqual(
            parse_content_type(
                b' Multipart/Mixed;\r\n\tboundary="=_a;b";\r\n charset=UTF-8\r'
            ),
            MediaType(
                b"Multipart",
                b"Mixed",
                ((b"boundary", b"=_a;b"), (b"charset", b"UTF-8")),
            ),
        )

    def test_comments(self) -> None:
        """
        RFC 2045 5.1's own example; brackets in a name are no comment.
        """
        found = parse_content_type(
            b"text/plain; charset=us-ascii (Plain text); name=foo(1).txt"
        )

        assert found is not None
        self.assertEqual(
            found.parameters,
            ((b"charset", b"us-ascii"), (b"name", b"foo(1).txt")),
        )

    def test_brackets_inside_quotes(self) -> None:
        """
        A quoted value keeps what looks like a comment.
        """
        found = parse_content_type(b'a/b; name="x (y) \\"z\\" ; q"; c=d')

        assert found is not None
        self.assertEqual(
            found.parameters, ((b"name", b'x (y) "z" ; q'), (b"c", b"d"))
        )

    def test_broken_parameters(self) -> None:
        """
        Without a value, without a name, without an end, with spaces.
        """
        found = parse_content_type(
            b'a/b; charset; =x;; name = foo bar.jpg ; end="no end; c=d'
        )

        assert found is not None
        self.assertEqual(
            found.parameters,
            ((b"name", b"foo bar.jpg"), (b"end", b"no end; c=d")),
        )

    def test_no_media_type(self) -> None:
        """
        RFC 2045 5.2 wants a default for these.
        """
        for value in (b"", b"text", b"/plain", b";charset=x", b"text plain"):
            self.assertIsNone(parse_content_type(value), value)

    def test_a_missing_space(self) -> None:
        """
        Nothing needs to stand after a semicolon.
        """
        self.assertEqual(
            parse_disposition(b"attachment;filename=x"),
            Disposition(b"attachment", ((b"filename", b"x"),)),
        )

    def test_too_many_parameters(self) -> None:
        """
        Those after the first two hundred are not looked at.
        """
        found = parse_content_type(b"a/b" + b";c=d" * 100_000)

        assert found is not None
        self.assertEqual(len(found.parameters), MOST_PARAMETERS)

    @given(
        st.lists(
            st.sampled_from(
                [b"a", b"=", b";", b'"', b"\\", b" ", b"(", b")", b"*", b"/",
                 b"'", b"%", b"0", b"\r\n ", b"\xff"]
            ),
            max_size=30,
        )
    )  # fmt: skip
    @settings(deadline=None)
    def test_no_octets_raise(self, pieces: list[bytes]) -> None:
        """
        Whatever stands in the fields.
        """
        value = b"".join(pieces)
        found = parse_content_type(b"a/b;" + value)

        assert found is not None
        parameter_text(found.parameters, b"a")
        parse_content_type(value)
        parse_disposition(value)
        parse_token(value)
        parse_languages(value)


class ExtendedParameterTests(SynchronousTestCase):
    """
    RFC 2231: tests for ``joined`` and ``parameter_text``.
    """

    def test_continuations(self) -> None:
        """
        Pieces are joined in the order of their numbers.
        """
        given_ = ((b"a", b"x"), (b"name*1", b"b.pdf"), (b"NAME*0", b"a"))

        self.assertEqual(joined(given_), ((b"a", b"x"), (b"name", b"ab.pdf")))
        self.assertEqual(parameter_text(given_, b"name"), "ab.pdf")

    def test_encoded_continuations(self) -> None:
        """
        One encoded piece makes all of them one extended value.
        """
        given_ = (
            (b"name*0*", b"utf-8'de'%C3%A4"),
            (b"name*1", b"50% b"),
            (b"name*2*", b"%20c"),
        )

        self.assertEqual(
            joined(given_), ((b"name*", b"utf-8'de'%C3%A450%25%20b%20c"),)
        )
        self.assertEqual(parameter_text(given_, b"name"), "ä50% b c")

    def test_extended_is_preferred(self) -> None:
        """
        A plain value is for those that cannot read the extended one.
        """
        given_ = ((b"filename", b"a.txt"), (b"filename*", b"utf-8''%C3%A4.txt"))

        self.assertEqual(parameter_text(given_, b"filename"), "ä.txt")

    def test_encoded_words(self) -> None:
        """
        Encoded words are not allowed there, and usual.
        """
        given_ = ((b"name", b"=?utf-8?q?=C3=A4?="),)

        self.assertEqual(parameter_text(given_, b"name"), "ä")
        self.assertEqual(parameter(given_, b"name"), b"=?utf-8?q?=C3=A4?=")

    def test_absent(self) -> None:
        """
        None, not the empty string.
        """
        self.assertIsNone(parameter_text((), b"name"))
        self.assertIsNone(parameter((), b"name"))


class OtherFieldsTests(SynchronousTestCase):
    """
    Tests for ``parse_token`` and ``parse_languages``.
    """

    def test_token(self) -> None:
        """
        A transfer encoding, whatever is around it.
        """
        self.assertEqual(parse_token(b" Base64 (c)\r"), b"Base64")
        self.assertEqual(parse_token(b" \r"), b"")

    def test_languages(self) -> None:
        """
        RFC 3282's list.
        """
        self.assertEqual(
            parse_languages(b" en, de-DE (German) ,\r"), (b"en", b"de-DE")
        )
