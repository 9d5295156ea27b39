"""
Tests for ``mailsuite.mail.mime``.
"""

from __future__ import annotations

import email
import mmap
from collections.abc import Iterator
from email.message import EmailMessage, Message
from email.policy import SMTP

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail import mime
from mailsuite.mail.headers import section_end
from mailsuite.mail.mime import Part, find_part, parse

MIXED = (
    b"From: a@b.example\r\n"
    b"Content-Type: multipart/mixed; boundary=B\r\n"
    b"\r\n"
    b"preamble\r\n"
    b"--B\r\n"
    b"\r\n"
    b"one\r\n"
    b"--B \t\r\n"
    b"Content-Type: text/html\r\n"
    b"\r\n"
    b"two\r\n"
    b"\r\n"
    b"--B--\r\n"
    b"epilogue\r\n"
)


def multipart(*parts: bytes, boundary: bytes = b"B") -> bytes:
    """
    A message of these parts, each with its header.
    """
    return (
        b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % boundary
        + b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
        + b"--%b--\r\n" % boundary
    )


def header_of(content: bytes, part: Part) -> bytes:
    return content[part.header_offset : part.body_offset]


def body_of(content: bytes, part: Part) -> bytes:
    return content[part.body_offset : part.body_offset + part.body_length]


def kinds(part: Part) -> str:
    """
    The tree in short: types, children in brackets.
    """
    kind = f"{part.media_type.decode()}/{part.subtype.decode()}".lower()
    if not part.children:
        return kind
    return f"{kind}({' '.join(kinds(child) for child in part.children)})"


def every_part(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from every_part(child)


class ParseTests(SynchronousTestCase):
    """
    Messages as they should be.
    """

    def test_a_message_without_mime(self) -> None:
        """
        RFC 2045 5.2: it is text in US-ASCII.
        """
        content = b"Subject: x\r\n\r\nbody\r\nmore"

        part = parse(content)

        self.assertEqual(header_of(content, part), b"Subject: x\r\n\r\n")
        self.assertEqual(body_of(content, part), b"body\r\nmore")
        self.assertEqual(kinds(part), "text/plain")
        self.assertEqual(part.parameters, ((b"charset", b"us-ascii"),))
        self.assertEqual((part.encoding, part.lines), (b"7bit", 1))

    def test_parts_without_preamble_and_epilogue(self) -> None:
        """
        The line end before a delimiter is the delimiter's (RFC 2046 5.1.1).
        """
        part = parse(MIXED)

        self.assertEqual(
            [(header_of(MIXED, c), body_of(MIXED, c)) for c in part.children],
            [
                (b"\r\n", b"one"),
                (b"Content-Type: text/html\r\n\r\n", b"two\r\n"),
            ],
        )
        self.assertTrue(part.is_multipart)

    def test_all_fields(self) -> None:
        """
        Whatever BODYSTRUCTURE tells is there, as it is written.
        """
        content = (
            b"content-type: Image/PNG; NAME=x.png\r\n"
            b"Content-Transfer-Encoding: BASE64\r\n"
            b"Content-Disposition: attachment;\r\n\tfilename*=utf-8''%C3%A4\r\n"
            b"Content-ID: <i@d>\r\n"
            b"Content-Description: a\r\n picture\r\n"
            b"Content-MD5: abc==\r\n"
            b"Content-Language: en, de\r\n"
            b"Content-Location: http://x/\r\n"
            b"\r\n"
        )

        part = parse(content)

        self.assertEqual((part.media_type, part.subtype), (b"Image", b"PNG"))
        self.assertEqual(part.encoding, b"BASE64")
        self.assertEqual(part.filename, "ä")
        self.assertEqual(part.content_id, b"<i@d>")
        self.assertEqual(part.description, b"a picture")
        self.assertEqual(part.md5, b"abc==")
        self.assertEqual(part.languages, (b"en", b"de"))
        self.assertEqual(part.location, b"http://x/")
        self.assertEqual(part.lines, 0)

    def test_a_message_inside(self) -> None:
        """
        message/rfc822 has one child with a header section of its own.
        """
        inner = b"Subject: inner\r\n\r\ninner body\r\n"
        content = multipart(b"Content-Type: message/rfc822\r\n\r\n" + inner)

        (part,) = parse(content).children

        (message,) = part.children
        self.assertTrue(part.is_message)
        self.assertEqual(part.lines, 3)
        self.assertEqual(header_of(content, message), inner[:18])
        self.assertEqual(body_of(content, message), b"inner body\r\n")

    def test_digest(self) -> None:
        """
        RFC 2046 5.1.5: the parts of a digest are messages.
        """
        content = multipart(b"\r\nSubject: x\r\n\r\nbody").replace(
            b"mixed", b"digest"
        )

        self.assertEqual(
            kinds(parse(content)),
            "multipart/digest(message/rfc822(text/plain))",
        )

    def test_text_and_name_are_decoded_for_reading(self) -> None:
        """
        The charset in lower case; the name of Content-Type if there is none
        in the disposition.
        """
        part = parse(
            b"Content-Type: text/plain; charset=UTF-8; name=a.txt\r\n"
            b"Content-Disposition: inline\r\n\r\n"
        )

        self.assertEqual((part.charset, part.filename), ("utf-8", "a.txt"))

    def test_a_file_mapped_into_memory(self) -> None:
        """
        It gives what its octets give, whatever its size.
        """
        content = multipart(
            b"\r\n" + b"line\r\n" * 400_000,
            b"Content-Type: text/html\r\n\r\nend",
        )
        mapped = mmap.mmap(-1, len(content))
        self.addCleanup(mapped.close)
        mapped[:] = content

        self.assertEqual(parse(mapped), parse(content))
        self.assertEqual(parse(content).children[0].lines, 400_000)


class BrokenMessageTests(SynchronousTestCase):
    """
    Messages as they come.
    """

    def test_no_closing_delimiter(self) -> None:
        """
        The last part reaches to the end.
        """
        content = MIXED[: MIXED.index(b"--B--")]

        (_, last) = parse(content).children

        self.assertEqual(body_of(content, last), b"two\r\n\r\n")

    def test_no_boundary(self) -> None:
        """
        A multipart without the parameter is shown as text.
        """
        content = b"Content-Type: multipart/mixed\r\n\r\n--B\r\n\r\nx\r\n"

        part = parse(content)

        self.assertEqual(kinds(part), "text/plain")
        self.assertEqual(body_of(content, part), b"--B\r\n\r\nx\r\n")

    def test_no_parts(self) -> None:
        """
        A multipart in which there is no delimiter is shown as text.
        """
        part = parse(multipart())

        self.assertEqual(kinds(part), "text/plain")

    def test_empty_parts(self) -> None:
        """
        Delimiters right after one another, and right after a header.
        """
        content = (
            b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
            b"--B\r\n--B\r\n\r\n--B\r\nContent-Type: text/html\r\n"
            b"--B\r\nContent-Type: text/x\r\n\r\n--B--"
        )

        part = parse(content)

        self.assertEqual([c.body_length for c in part.children], [0] * 4)
        self.assertEqual(
            [header_of(content, c) for c in part.children],
            [
                b"",
                b"\r\n",
                b"Content-Type: text/html",
                b"Content-Type: text/x\r\n\r\n",
            ],
        )

    def test_a_line_that_only_begins_like_a_delimiter(self) -> None:
        """
        It is text.
        """
        content = multipart(b"\r\none\r\n--Bx\r\n--B--x\r\n--B -")

        (part,) = parse(content).children

        self.assertEqual(
            body_of(content, part), b"one\r\n--Bx\r\n--B--x\r\n--B -"
        )

    def test_the_outer_boundary_ends_the_inner_multipart(self) -> None:
        """
        Even if the inner one was not closed (RFC 2046 5.1.2).
        """
        content = multipart(
            b"Content-Type: multipart/x; boundary=BB\r\n\r\n--BB\r\n\r\ninner",
            b"\r\nouter",
        )

        self.assertEqual(
            [body_of(content, p) for p in every_part(parse(content))][2:],
            [b"inner", b"outer"],
        )

    def test_a_header_at_the_end_of_an_open_multipart(self) -> None:
        """
        The line end of the outer delimiter is not its empty line.
        """
        content = multipart(
            b"Content-Type: multipart/x; boundary=C\r\n\r\n"
            b"--C\r\nSubject: x\r\n"
        )

        (inner,) = parse(content).children
        (part,) = inner.children

        self.assertEqual(header_of(content, part), b"Subject: x\r\n")
        self.assertEqual(
            inner.body_offset + inner.body_length, part.body_offset
        )

    def test_one_boundary_twice(self) -> None:
        """
        Nothing is lost if the inner multipart has the outer's boundary.
        """
        content = multipart(
            b"Content-Type: multipart/x; boundary=B\r\n\r\n"
            b"--B\r\n\r\ninner\r\n--B--\r\n",
            b"\r\nouter",
        )

        self.assertEqual(
            [body_of(content, c) for c in parse(content).children],
            [b"", b"inner", b"outer"],
        )

    def test_only_a_body(self) -> None:
        """
        Without any header field all is body.
        """
        content = b"Do you like ketchup?\r\nHow about pickles?\r\n"

        part = parse(content)

        self.assertEqual((part.header_length, part.lines), (0, 2))

    def test_only_a_header(self) -> None:
        """
        Without an empty line there is no body.
        """
        part = parse(b"Subject: x\r\nTo: y\r\n")

        self.assertEqual((part.header_length, part.body_length), (19, 0))

    def test_nothing(self) -> None:
        """
        No octets are an empty text.
        """
        part = parse(b"")

        self.assertEqual((part.header_length, part.body_length), (0, 0))
        self.assertEqual(kinds(part), "text/plain")

    def test_no_media_type(self) -> None:
        """
        RFC 2045 5.2: what is no media type is text.
        """
        self.assertEqual(
            kinds(parse(b"Content-Type: text\r\n\r\nx")), "text/plain"
        )

    def test_a_message_that_is_encoded(self) -> None:
        """
        RFC 2046 5.2.1 forbids it; the message inside is then a text.
        """
        part = parse(
            b"Content-Type: message/rfc822\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\nRnJvbTogYQ==\r\n"
        )

        self.assertEqual(kinds(part), "message/rfc822(text/plain)")
        self.assertEqual(part.children[0].header_length, 0)

    def test_the_first_field_counts(self) -> None:
        """
        If a field that must stand once stands twice.
        """
        part = parse(
            b"Content-Type: text/html\r\nContent-Type: image/png\r\n\r\n"
        )

        self.assertEqual(kinds(part), "text/html")


class LimitTests(SynchronousTestCase):
    """
    Messages that are made to hurt: each would take for ever, or all memory,
    if time or space were not linear.
    """

    def test_nested_multiparts(self) -> None:
        """
        Of 10,000 levels the first fifty are looked at.
        """
        content = b"".join(
            b"Content-Type: multipart/x; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(10_000)
        )

        parts = list(every_part(parse(content)))

        self.assertEqual(len(parts), mime.MOST_LEVELS + 1)
        self.assertEqual(kinds(parts[-1]), "application/octet-stream")

    def test_nested_messages(self) -> None:
        """
        Of 10,000 messages in messages the first fifty are looked at.
        """
        content = b"Content-Type: message/rfc822\r\n\r\n" * 10_000

        parts = list(every_part(parse(content)))

        self.assertEqual(len(parts), mime.MOST_LEVELS + 1)
        self.assertEqual(kinds(parts[-1]), "application/octet-stream")

    def test_many_parts(self) -> None:
        """
        Of 100,000 parts 10,000 are told; the last one has the rest.
        """
        content = multipart(*[b"\r\nx"] * 100_000)

        part = parse(content)

        self.assertEqual(len(part.children), mime.MOST_PARTS - 1)
        self.assertGreater(part.children[-1].body_length, 90_000)

    def test_many_parts_at_many_levels(self) -> None:
        """
        The limit is on the whole message.
        """
        inner = multipart(*[b"\r\nx"] * 3_000, boundary=b"I")
        content = multipart(*[inner] * 5)

        parts = list(every_part(parse(content)))

        self.assertLessEqual(len(parts), mime.MOST_PARTS)

    def test_many_near_delimiters(self) -> None:
        """
        Lines that begin like a delimiter and go on.
        """
        content = multipart(b"\r\nx" + b"\r\n--Bx" * 200_000)

        self.assertEqual(len(parse(content).children), 1)

    def test_a_megabyte_of_header(self) -> None:
        """
        A header section of many fields, and one of no fields.
        """
        fields = b"Content-Type: text/html\r\n" * 40_000 + b"\r\n"
        no_fields = (b"x" * 50 + b"\r\n") * 40_000 + b"\r\n"

        self.assertEqual(parse(fields).header_length, len(fields))
        self.assertEqual(parse(no_fields).body_length, len(no_fields))

    def test_parts_without_empty_line(self) -> None:
        """
        Each part's header section is sought in that part alone.
        """
        content = multipart(*[b"Subject: x"] * 9_000)

        part = parse(content)

        self.assertEqual(len(part.children), 9_000)
        self.assertEqual(part.children[0].header_length, 10)

    def test_a_long_boundary(self) -> None:
        """
        A boundary of a megabyte is one.
        """
        content = multipart(b"\r\nx", boundary=b"b" * 200_000)

        self.assertEqual(len(parse(content).children), 1)


_LINES = st.sampled_from(
    [
        b"\r\n",
        b"x\r\n",
        b"--B\r\n",
        b"--B--\r\n",
        b"--C\r\n",
        b"--C--\r\n",
        b"Content-Type: multipart/mixed; boundary=B\r\n",
        b"Content-Type: multipart/digest; boundary=C\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/html\r\n",
        b"Subject: x\r\n",
        b"\xff\0",
        b"\n",
        b"--B",
    ]
)


class PropertyTests(SynchronousTestCase):
    """
    What holds for all messages.
    """

    @given(st.lists(_LINES, max_size=40).map(b"".join))
    @settings(deadline=None, max_examples=1000)
    def test_parts_lie_inside_and_in_order(self, content: bytes) -> None:
        """
        A child lies in its parent's body, after the child before it.
        """
        message = parse(content)

        self.assertEqual(message.header_offset, 0)
        self.assertEqual(message.header_length, section_end(content))
        self.assertEqual(
            message.header_length + message.body_length, len(content)
        )
        for part in every_part(message):
            end = part.body_offset
            for child in part.children:
                self.assertGreaterEqual(child.header_offset, end)
                self.assertGreaterEqual(child.header_length, 0)
                self.assertGreaterEqual(child.body_length, 0)
                end = child.body_offset + child.body_length
            self.assertLessEqual(end, part.body_offset + part.body_length)

    @given(st.binary(max_size=300))
    @settings(deadline=None)
    def test_no_octets_raise(self, octets: bytes) -> None:
        """
        As a message, as a header section, and as a part.
        """
        parse(octets)
        parse(b"Content-Type: " + octets)
        parse(multipart(octets))

    @given(
        st.recursive(
            st.none(),
            lambda trees: st.lists(trees, min_size=1, max_size=4),
            max_leaves=12,
        )
    )
    @settings(deadline=None)
    def test_the_standard_library_sees_the_same(self, tree: object) -> None:
        """
        Of proper messages: the same parts, with the same bodies.
        """
        content = _composed(tree).as_bytes(policy=SMTP)

        expected = [
            (str(p.get_content_type()), p.get_payload())
            for p in email.message_from_bytes(content).walk()
            if not p.is_multipart()
        ]

        self.assertEqual(
            [
                (kinds(part), body_of(content, part).decode())
                for part in every_part(parse(content))
                if not part.children
            ],
            [(kind, _crlf(str(text))) for kind, text in expected],
        )


def _composed(tree: object) -> Message:
    if not isinstance(tree, list):
        text = EmailMessage(policy=SMTP)
        text.set_content("some\ntext\n", subtype="html")
        return text
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "x"
    message.make_mixed()
    for branch in tree:
        message.attach(_composed(branch))
    return message


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


class FindPartTests(SynchronousTestCase):
    """
    Tests for ``find_part``: the example of RFC 9051 6.4.5.1.
    """

    def setUp(self) -> None:
        """
        Parts 3 and 4.2 of the example are messages with parts.
        """
        message = b"Content-Type: message/rfc822\r\n\r\n"
        inner = message + multipart(b"\r\n3.1", b"\r\n3.2", boundary=b"C")
        deep = multipart(b"\r\n4.2.1", b"\r\n4.2.2.1", boundary=b"E")
        fourth = multipart(b"\r\n4.1", message + deep, boundary=b"D")
        self.content = multipart(
            b"\r\n1",
            b"\r\n2",
            inner,
            fourth,
            message + b"Subject: s\r\n\r\n5.1",
        )
        self.tree = parse(self.content)

    def body(self, *number: int) -> bytes | None:
        part = find_part(self.tree, number)
        return None if part is None else body_of(self.content, part)

    def test_leaves(self) -> None:
        """
        Numbers through multiparts and messages.
        """
        self.assertEqual(self.body(1), b"1")
        self.assertEqual(self.body(3, 2), b"3.2")
        self.assertEqual(self.body(4, 1), b"4.1")
        self.assertEqual(self.body(4, 2, 1), b"4.2.1")

    def test_a_message_of_one_part_inside(self) -> None:
        """
        Its text is part 1 of it.
        """
        self.assertEqual(self.body(5), b"Subject: s\r\n\r\n5.1")
        self.assertEqual(self.body(5, 1), b"5.1")
        self.assertIsNone(self.body(5, 1, 1))

    def test_the_message_itself(self) -> None:
        """
        The empty number.
        """
        self.assertIs(find_part(self.tree, ()), self.tree)

    def test_a_message_of_one_part(self) -> None:
        """
        Part 1 is the message; it has no part 2 and no part 1.1.
        """
        message = parse(b"Subject: x\r\n\r\nbody")

        self.assertIs(find_part(message, (1,)), message)
        self.assertIsNone(find_part(message, (2,)))
        self.assertIsNone(find_part(message, (1, 1)))

    def test_a_message_that_is_a_message(self) -> None:
        """
        Part 1 is the message inside, 1.1 its text.
        """
        message = parse(
            b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody"
        )

        self.assertIs(find_part(message, (1,)), message)
        self.assertIs(find_part(message, (1, 1)), message.children[0])

    def test_absent(self) -> None:
        """
        Numbers beyond, and below a leaf.
        """
        for number in ((6,), (0,), (1, 1), (3, 3), (4, 2, 1, 1)):
            self.assertIsNone(find_part(self.tree, number), number)
