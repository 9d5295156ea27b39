"""
Tests for ``mailsuite.imap.bodystructure``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap import bodystructure
from mailsuite.mail import mime
from tests.support.responses import Value, read


def body_structure(content: bytes) -> bytes:
    return bodystructure.body_structure(content, mime.parse(content))


def body(content: bytes) -> bytes:
    return bodystructure.body(content, mime.parse(content))


class LeafTests(SynchronousTestCase):
    """
    Bodies of one part.
    """

    def test_the_example_of_the_rfc(self) -> None:
        """
        RFC 9051 8, message 12: a text of 92 lines.
        """
        content = (
            b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
            + b"x" * 2844
            + b"\r\n" * 92
        )

        self.assertEqual(
            body(content),
            b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 3028 92)',
        )

    def test_no_mime(self) -> None:
        """
        It is text/plain in US-ASCII.
        """
        self.assertEqual(
            body_structure(b"Subject: x\r\n\r\nbody\r\n"),
            b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1'
            b" NIL NIL NIL NIL)",
        )

    def test_everything(self) -> None:
        """
        All fields of the extension data, in their order.
        """
        content = (
            b'Content-Type: image/png; name="a \\"b\\".png"; size=3\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b"Content-Disposition: inline; filename=x.png\r\n"
            b"Content-ID: <i@d>\r\n"
            b"Content-Description: text\r\n"
            b"Content-MD5: abc==\r\n"
            b"Content-Language: en, de\r\n"
            b"Content-Location: http://x/\r\n\r\nAAAA"
        )

        self.assertEqual(
            body_structure(content),
            b'("image" "png" ("name" "a \\"b\\".png" "size" "3") "<i@d>" "text"'
            b' "base64" 4 "abc==" ("inline" ("filename" "x.png"))'
            b' ("en" "de") "http://x/")',
        )
        self.assertEqual(
            body(content),
            b'("image" "png" ("name" "a \\"b\\".png" "size" "3") "<i@d>" "text"'
            b' "base64" 4)',
        )

    def test_disposition_without_parameters(self) -> None:
        """
        NIL stands in their place; one language is a string.
        """
        self.assertTrue(
            body_structure(
                b"Content-Disposition: attachment\r\n"
                b"Content-Language: en\r\n\r\n"
            ).endswith(b' NIL ("attachment" NIL) "en" NIL)')
        )

    def test_continued_parameters(self) -> None:
        """
        RFC 9051 7.5.2: they are put together (RFC 2231).
        """
        self.assertIn(
            b'("name" "ab.pdf" "t*" "utf-8\'\'%C3%A4b")',
            body_structure(
                b"Content-Type: a/b; name*0=a; name*1=b.pdf;"
                b" t*0*=utf-8''%C3%A4; t*1=b\r\n\r\n"
            ),
        )

    def test_eight_bit_names(self) -> None:
        """
        They go out as literals.
        """
        self.assertIn(
            '("name" {3}\r\nät)'.encode(),
            body_structure("Content-Type: a/b; name=ät\r\n\r\n".encode()),
        )

    def test_broken_types(self) -> None:
        """
        A parameter without a value, and a type that is none.
        """
        self.assertTrue(
            body(b"Content-Type: text/plain; charset\r\n\r\n").startswith(
                b'("text" "plain" NIL NIL'
            )
        )
        self.assertTrue(
            body(b"Content-Type: text\r\n\r\n").startswith(
                b'("text" "plain" ("charset" "us-ascii") NIL'
            )
        )


class MultipartTests(SynchronousTestCase):
    """
    Bodies of several parts.
    """

    CONTENT = (
        b"Content-Type: Multipart/Mixed; boundary=b\r\n"
        b"Content-Language: en\r\n\r\n"
        b"--b\r\n\r\none\r\n"
        b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
        b"--c\r\nContent-Type: text/html\r\n\r\ntwo\r\n--c--\r\n"
        b"--b--\r\n"
    )

    def test_extensible(self) -> None:
        """
        Parts without a space between them, then subtype and extension data.
        """
        self.assertEqual(
            body_structure(self.CONTENT),
            b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0'
            b" NIL NIL NIL NIL)"
            b'(("text" "html" NIL NIL NIL "7bit" 3 0 NIL NIL NIL NIL)'
            b' "alternative" ("boundary" "c") NIL NIL NIL)'
            b' "Mixed" ("boundary" "b") NIL "en" NIL)',
        )

    def test_not_extensible(self) -> None:
        """
        BODY has the subtype alone.
        """
        self.assertEqual(
            body(self.CONTENT),
            b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0)'
            b'(("text" "html" NIL NIL NIL "7bit" 3 0) "alternative") "Mixed")',
        )

    def test_empty_multipart(self) -> None:
        """
        The grammar wants a part: a multipart without one is a text.
        """
        self.assertEqual(
            body(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"),
            b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1)',
        )


class MessageTests(SynchronousTestCase):
    """
    message/rfc822.
    """

    CONTENT = (
        b"Content-Type: message/rfc822\r\nContent-MD5: m\r\n\r\n"
        b"From: a@b\r\nSubject: inner\r\n\r\nline\r\nline\r\n"
    )

    def test_extensible(self) -> None:
        """
        Envelope, structure and lines come before the extension data.
        """
        author = b'((NIL NIL "a" "b"))'
        text = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2'

        self.assertEqual(
            body_structure(self.CONTENT),
            b'("message" "rfc822" NIL NIL NIL "7bit" 41 (NIL "inner" %b %b %b'
            b" NIL NIL NIL NIL NIL) %b NIL NIL NIL NIL) 5"
            b' "m" NIL NIL NIL)' % (author, author, author, text),
        )

    def test_other_messages_are_leaves(self) -> None:
        """
        message/partial and message/delivery-status are printed as such.
        """
        self.assertEqual(
            body(b"Content-Type: message/partial\r\n\r\nSubject: x\r\n"),
            b'("message" "partial" NIL NIL NIL "7bit" 12)',
        )


class PropertyTests(SynchronousTestCase):
    """
    What holds for all messages.
    """

    @given(
        st.lists(
            st.sampled_from(
                [
                    b"\r\n",
                    b"\xffx\0\r\n",
                    b"--B\r\n",
                    b"--B--\r\n",
                    b"Content-Type: multipart/mixed; boundary=B\r\n",
                    b'Content-Type: text/html; a="\xff"\r\n',
                    b"Content-Type: message/rfc822\r\n",
                    b"Content-Disposition: (\r\n",
                    b"Subject: \xe4\r\n",
                ]
            ),
            max_size=30,
        ).map(b"".join)
    )
    @settings(deadline=None, max_examples=300)
    def test_a_client_can_read_it(self, content: bytes) -> None:
        """
        The grammar of RFC 9051 9, body, whatever the message.
        """
        self.check(read(body_structure(content)), 4)
        self.check(read(body(content)), 0)

    def check(self, value: Value, extension: int) -> None:
        """
        Count what a body has, and in its parts.
        """
        assert isinstance(value, list)
        parts = [part for part in value if isinstance(part, list)]
        if isinstance(value[0], list):
            subtype = next(
                n for n, part in enumerate(value) if isinstance(part, bytes)
            )
            self.assertEqual(len(value), subtype + 1 + extension)
            for part in value[:subtype]:
                self.check(part, extension)
            return
        media_type = (value[0], value[1])
        size = 7 + extension
        if value[0] == b"text":
            size += 1
        elif media_type == (b"message", b"rfc822"):
            size += 3
            self.check(parts[-1] if not extension else value[8], extension)
        self.assertEqual(len(value), size)
