"""
Tests for ``mailsuite.imap.sections``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap import outline, sections
from mailsuite.imap.outline import Coding
from mailsuite.imap.sections import FilteredHeader, Slice
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BinarySize,
    BodySection,
    Partial,
    SectionText,
)
from mailsuite.mail.mime import parse

INNER = b"Subject: inner\r\nTo: x@y\r\n\r\ninner body\r\n"
CONTENT = (
    b"From: a@b\r\nSubject: outer\r\n"
    b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
    b"--B\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
    b"--B\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--B\r\n"
    b"Content-Transfer-Encoding: x-unknown\r\n\r\n\xff\r\n--B--\r\n"
)
TREE = outline.decode(outline.encode(parse(CONTENT)))
HEADER, BODY = CONTENT[:72], CONTENT[72:]

SIMPLE = b"Subject: x\r\n\r\nline\r\n"
SIMPLE_TREE = outline.decode(outline.encode(parse(SIMPLE)))


def section(
    *part: int,
    text: SectionText | None = None,
    fields: tuple[bytes, ...] = (),
    partial: Partial | None = None,
) -> BodySection:
    return BodySection(part, text, fields, partial, b"label", False)


def fetched(
    wanted: BodySection, content: bytes = CONTENT, tree: outline.Outline = TREE
) -> bytes | None:
    """
    What a client gets.
    """
    found = sections.locate(tree, wanted)
    if found is None:
        return None
    octets = content[found.offset : found.offset + found.length]
    if isinstance(found, Slice):
        return octets
    return found.filtered(octets)


class LocateTests(SynchronousTestCase):
    """
    Tests for ``locate``.
    """

    def test_the_message(self) -> None:
        """
        BODY[], BODY[HEADER] with the empty line, BODY[TEXT].
        """
        self.assertEqual(fetched(section()), CONTENT)
        self.assertEqual(fetched(section(text=SectionText.HEADER)), HEADER)
        self.assertEqual(fetched(section(text=SectionText.TEXT)), BODY)

    def test_a_part(self) -> None:
        """
        BODY[1] is its body as it is encoded, BODY[1.MIME] its header.
        """
        self.assertEqual(fetched(section(1)), b"aGVsbG8=")
        self.assertEqual(
            fetched(section(1, text=SectionText.MIME)),
            b"Content-Transfer-Encoding: base64\r\n\r\n",
        )

    def test_a_message_inside(self) -> None:
        """
        BODY[2] is the message, 2.HEADER, 2.TEXT and 2.1 what is in it.
        """
        self.assertEqual(fetched(section(2)), INNER)
        self.assertEqual(
            fetched(section(2, text=SectionText.HEADER)), INNER[:27]
        )
        self.assertEqual(
            fetched(section(2, text=SectionText.TEXT)), b"inner body\r\n"
        )
        self.assertEqual(fetched(section(2, 1)), b"inner body\r\n")

    def test_a_message_of_one_part(self) -> None:
        """
        BODY[1] is its text, BODY[1.MIME] its header section.
        """
        self.assertEqual(fetched(section(1), SIMPLE, SIMPLE_TREE), b"line\r\n")
        self.assertEqual(
            fetched(section(1, text=SectionText.MIME), SIMPLE, SIMPLE_TREE),
            b"Subject: x\r\n\r\n",
        )

    def test_absent(self) -> None:
        """
        Parts that are not there, and HEADER of a part that is no message.
        """
        for wanted in (
            section(4),
            section(1, 1),
            section(1, text=SectionText.HEADER),
            section(1, text=SectionText.TEXT),
            section(1, text=SectionText.HEADER_FIELDS, fields=(b"To",)),
        ):
            self.assertIsNone(fetched(wanted), wanted)

    def test_partial(self) -> None:
        """
        It is cut at the part's end; beyond that there is nothing.
        """
        cuts = [(0, 3), (6, 100), (8, 1), (1_000_000, 10)]

        self.assertEqual(
            [fetched(section(1, partial=Partial(*cut))) for cut in cuts],
            [b"aGV", b"8=", b"", b""],
        )

    def test_header_fields(self) -> None:
        """
        HEADER.FIELDS in any case; of a message inside too.
        """
        self.assertEqual(
            fetched(
                section(
                    text=SectionText.HEADER_FIELDS, fields=(b"SUBJECT", b"To")
                )
            ),
            b"Subject: outer\r\n\r\n",
        )
        self.assertEqual(
            fetched(
                section(2, text=SectionText.HEADER_FIELDS, fields=(b"to",))
            ),
            b"To: x@y\r\n\r\n",
        )

    def test_header_fields_not(self) -> None:
        """
        All but those.
        """
        self.assertEqual(
            fetched(
                section(2, text=SectionText.HEADER_FIELDS_NOT, fields=(b"to",))
            ),
            b"Subject: inner\r\n\r\n",
        )

    def test_partial_of_header_fields(self) -> None:
        """
        It counts in what is left after filtering.
        """
        wanted = section(
            text=SectionText.HEADER_FIELDS,
            fields=(b"subject",),
            partial=Partial(9, 5),
        )

        self.assertIsInstance(sections.locate(TREE, wanted), FilteredHeader)
        self.assertEqual(fetched(wanted), b"outer")


class LocateBinaryTests(SynchronousTestCase):
    """
    Tests for ``locate_binary``.
    """

    def locate(self, *part: int) -> tuple[bytes, Coding] | None:
        found = sections.locate_binary(
            TREE, BinarySection(part, None, b"label", False)
        )
        if found is None:
            return None
        octets = CONTENT[found.offset : found.offset + found.length]
        return octets, found.coding

    def test_codings(self) -> None:
        """
        A leaf's body comes with what undoes its encoding.
        """
        self.assertEqual(self.locate(1), (b"aGVsbG8=", Coding.BASE64))
        self.assertEqual(self.locate(3), (b"\xff", Coding.UNKNOWN))

    def test_what_is_not_encoded_itself(self) -> None:
        """
        The whole message, and a message inside.
        """
        self.assertEqual(self.locate(), (CONTENT, Coding.IDENTITY))
        self.assertEqual(self.locate(2), (INNER, Coding.IDENTITY))

    def test_absent(self) -> None:
        """
        A part that is not there, for BINARY and for BINARY.SIZE.
        """
        self.assertIsNone(self.locate(4))
        self.assertIsNone(
            sections.locate_binary(TREE, BinarySize((1, 1), b"label"))
        )

    def test_partial(self) -> None:
        """
        It is kept for the decoded octets.
        """
        found = sections.locate_binary(
            TREE, BinarySection((1,), Partial(1, 3), b"label", False)
        )

        assert found is not None
        decoder = sections.decoder(found.coding)
        octets = decoder.decode(b"aGVsbG8=") + decoder.finish()
        self.assertEqual(sections.clipped(octets, found.partial), b"ell")


class DecoderTests(SynchronousTestCase):
    """
    Tests for ``decoder``.
    """

    def test_each_coding(self) -> None:
        """
        What may be decoded has its decoder.
        """
        found = [
            sections.decoder(coding).decode(b"YT1i=3D\r\n")
            for coding in (
                Coding.IDENTITY,
                Coding.BASE64,
                Coding.QUOTED_PRINTABLE,
            )
        ]

        self.assertEqual(found, [b"YT1i=3D\r\n", b"a=b", b"YT1i=\r\n"])
