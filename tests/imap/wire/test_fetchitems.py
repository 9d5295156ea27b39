"""
Tests for ``mailsuite.imap.wire.fetchitems``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BinarySize,
    BodySection,
    FetchItem,
    MessageItem,
    Partial,
    SectionText,
)
from tests.support.imap_parsing import numbers, parsed, rejection


class FetchTests(SynchronousTestCase):
    """
    Tests for what FETCH asks for.
    """

    def items(self, text: bytes) -> tuple[FetchItem, ...]:
        command = parsed(b"FETCH 1 " + text)
        assert isinstance(command, commands.Fetch)
        return command.items

    def section(self, text: bytes) -> BodySection:
        (item,) = self.items(text)
        assert isinstance(item, BodySection)
        return item

    def assert_bad(self, text: bytes) -> None:
        self.assertEqual(rejection(b"FETCH 1 " + text).condition, b"BAD")

    def test_macros(self) -> None:
        """
        The three macros stand for what RFC 9051 6.4.5 says.
        """
        item = MessageItem
        fast = (item.FLAGS, item.INTERNALDATE, item.SIZE)

        self.assertEqual(self.items(b"fast"), fast)
        self.assertEqual(self.items(b"ALL"), (*fast, item.ENVELOPE))
        self.assertEqual(self.items(b"FULL"), (*fast, item.ENVELOPE, item.BODY))

    def test_macros_stand_alone(self) -> None:
        """
        A macro is none among other items.
        """
        self.assert_bad(b"(ALL)")
        self.assert_bad(b"(FLAGS FAST)")

    def test_items_once(self) -> None:
        """
        Each item is answered once, in the order asked.
        """
        self.assertEqual(
            self.items(b"(uid flags UID)"), (MessageItem.UID, MessageItem.FLAGS)
        )

    def test_uid_is_implied(self) -> None:
        """
        UID FETCH tells the UID, asked or not (RFC 9051 6.4.9); CHANGEDSINCE
        the modseq (RFC 7162 3.1.4.1).
        """
        self.assertEqual(
            parsed(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE 17)"),
            commands.Fetch(
                numbers(to_last=1),
                (MessageItem.UID, MessageItem.MODSEQ, MessageItem.FLAGS),
                by_uid=True,
                changed_since=17,
            ),
        )

    def test_bad_modifiers(self) -> None:
        """
        CHANGEDSINCE takes a modseq above 0 and below 2^63.
        """
        self.assert_bad(b"FLAGS (CHANGEDSINCE 0)")
        self.assert_bad(b"FLAGS (CHANGEDSINCE 9223372036854775808)")
        self.assert_bad(b"FLAGS (FROB 1)")
        self.assert_bad(b"FLAGS ()")

    def test_whole_message(self) -> None:
        r"""
        BODY[] sets ``\Seen``, BODY.PEEK[] does not; both are labelled BODY[].
        """
        whole = BodySection((), None, (), None, b"BODY[]", True)

        self.assertEqual(self.section(b"body[]"), whole)
        self.assertFalse(self.section(b"BODY.PEEK[]").sets_seen)
        self.assertEqual(self.section(b"BODY.PEEK[]").label, b"BODY[]")

    def test_parts(self) -> None:
        """
        Part numbers with and without what of the part is meant.
        """
        self.assertEqual(
            self.section(b"BODY[4.2.1]"),
            BodySection((4, 2, 1), None, (), None, b"BODY[4.2.1]", True),
        )
        self.assertEqual(
            self.section(b"BODY[1.mime]"),
            BodySection(
                (1,), SectionText.MIME, (), None, b"BODY[1.MIME]", True
            ),
        )
        self.assertEqual(
            self.section(b"BODY[TEXT]"),
            BodySection((), SectionText.TEXT, (), None, b"BODY[TEXT]", True),
        )

    def test_header_fields(self) -> None:
        """
        The names of fields are echoed letter for letter, as a client reads
        them back.
        """
        item = self.section(b'BODY.PEEK[2.HEADER.FIELDS (DATE "From" x-y)]')

        self.assertEqual(item.fields, (b"DATE", b"From", b"x-y"))
        self.assertIs(item.text, SectionText.HEADER_FIELDS)
        self.assertEqual(item.label, b'BODY[2.HEADER.FIELDS (DATE "From" x-y)]')

    def test_partial(self) -> None:
        """
        The response has the offset alone (RFC 9051 7.5.2).
        """
        item = self.section(b"BODY.PEEK[1]<393216.2048>")

        self.assertEqual(item.partial, Partial(393216, 2048))
        self.assertEqual(item.label, b"BODY[1]<393216>")

    def test_items_of_old(self) -> None:
        r"""
        RFC822 and its kin keep their names; RFC822.HEADER sets no ``\Seen``.
        """
        self.assertEqual(
            self.items(b"(RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)"),
            (
                BodySection((), None, (), None, b"RFC822", True),
                BodySection(
                    (), SectionText.HEADER, (), None, b"RFC822.HEADER", False
                ),
                BodySection(
                    (), SectionText.TEXT, (), None, b"RFC822.TEXT", True
                ),
                MessageItem.SIZE,
            ),
        )

    def test_binary(self) -> None:
        """
        BINARY's items (RFC 9051 6.4.5).
        """
        self.assertEqual(
            self.items(b"(BINARY[1.2]<0.10> BINARY.PEEK[] BINARY.SIZE[1])"),
            (
                BinarySection((1, 2), Partial(0, 10), b"BINARY[1.2]<0>", True),
                BinarySection((), None, b"BINARY[]", False),
                BinarySize((1,), b"BINARY.SIZE[1]"),
            ),
        )

    def test_bad_items(self) -> None:
        """
        What is no item is BAD.
        """
        for text in (
            b"FROB", b"()", b"(FLAGS", b"FLAGS)", b"(FLAGS  UID)", b"BODY[",
            b"BODY[FROB]", b"BODY[MIME]", b"BODY[0]", b"BODY[1.]", b"BODY[.1]",
            b"BODY[1.0]", b"BODY[HEADER.FIELDS]", b"BODY[HEADER.FIELDS ()]",
            b'BODY[HEADER.FIELDS ("a:b")]', b"BODY[]<0>", b"BODY[]<0.0>",
            b"BODY[]<1.9223372036854775808>", b"BODY[]<-1.5>", b"BINARY[TEXT]",
            b"BINARY.SIZE[1]<0.1>", b"FLAGS[]", b"RFC822[]", b"BODY.FROB[]",
            b"BODY[" + b"1." * 60 + b"1]", b"(" * 10_000,
        ):  # fmt: skip
            self.assert_bad(text)
