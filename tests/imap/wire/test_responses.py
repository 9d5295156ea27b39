r"""
Tests for ``mailsuite.imap.wire.responses`` and ``sequences``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Copy, Select
from mailsuite.imap.wire.events import Rejected
from mailsuite.imap.wire.responses import FlagLists
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail.flags import DELETED_BIT, SEEN_BIT, FlagNames
from mailsuite.mail.mailboxes import Appended, Copied
from mailsuite.mail.uids import MAXIMUM, UID, UIDSet
from tests.support.imap_parsing import numbers, parsed


class StringTests(SynchronousTestCase):
    """
    Tests for strings and names.
    """

    def test_names(self) -> None:
        """
        ASCII for who has not asked for UTF-8; INBOX as it is.
        """
        printed = responses.mailbox_name

        self.assertEqual(printed("INBOX", False), b"INBOX")
        self.assertEqual(printed("台北", False), b'"&U,BTFw-"')
        self.assertEqual(printed("台北", True), '"台北"'.encode())
        self.assertEqual(printed('a"\\é', True), '"a\\"\\\\é"'.encode())
        self.assertEqual(printed("a&b", False), b'"a&-b"')
        self.assertEqual(printed("a&b", True), b'"a&b"')

    @given(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")),
        st.booleans(),
    )
    def test_names_are_read_back(self, name: str, utf8: bool) -> None:
        """
        A client that sends back what it was told means the same mailbox.
        """
        printed = responses.mailbox_name(name, utf8)

        command = parsed(b"SELECT " + printed, utf8=utf8)

        assert isinstance(command, Select)
        expected = "INBOX" if name.upper() == "INBOX" else name
        self.assertEqual(command.mailbox, expected)

    def test_line_ends_in_text(self) -> None:
        """
        What cannot be quoted is a literal.
        """
        self.assertEqual(
            responses.text_string("é\r\n", True), b"{4}\r\n\xc3\xa9\r\n"
        )
        self.assertEqual(responses.text_string("", True), b'""')


class StatusResponseTests(SynchronousTestCase):
    """
    Tests for OK, NO and their kin, and their codes.
    """

    def test_tagged(self) -> None:
        """
        With and without a code.
        """
        self.assertEqual(
            responses.tagged(b"a", b"OK", b"NOOP completed"),
            b"a OK NOOP completed\r\n",
        )
        self.assertEqual(
            responses.untagged(b"OK", b"Hello", b"ALERT"),
            b"* OK [ALERT] Hello\r\n",
        )

    def test_rejected(self) -> None:
        """
        What has no tag is answered without.
        """
        self.assertEqual(
            responses.rejected(Rejected(b"a", b"NO", b"TOOBIG", b"Too large")),
            b"a NO [TOOBIG] Too large\r\n",
        )
        self.assertEqual(
            responses.rejected(Rejected(None, b"BAD", None, b"What?")),
            b"* BAD What?\r\n",
        )

    def test_continuation(self) -> None:
        """
        A challenge is base64; an empty one is nothing behind the space.
        """
        self.assertEqual(responses.continuation(b"hello"), b"+ aGVsbG8=\r\n")
        self.assertEqual(responses.continuation(b""), b"+ \r\n")

    def test_codes(self) -> None:
        """
        Codes have no brackets yet.
        """
        self.assertEqual(
            responses.capability_code([b"IMAP4rev1", b"IDLE"]),
            b"CAPABILITY IMAP4rev1 IDLE",
        )
        self.assertEqual(
            responses.permanent_flags_code(["\\Seen", "x"], more=True),
            b"PERMANENTFLAGS (\\Seen x \\*)",
        )
        self.assertEqual(
            responses.permanent_flags_code((), more=False),
            b"PERMANENTFLAGS ()",
        )
        self.assertEqual(
            responses.number_code(b"UIDNEXT", 4392), b"UIDNEXT 4392"
        )
        self.assertEqual(
            responses.modified_code(UIDSet.of([7, 9])), b"MODIFIED 7,9"
        )

    def test_where_messages_went(self) -> None:
        """
        The sets of COPYUID keep their order, in which they correspond
        (RFC 9051 7.1).
        """
        uids = tuple(map(UID, (304, 319, 320)))
        copied = Copied(38505, uids, tuple(map(UID, (3958, 3956, 3957))))

        self.assertEqual(
            responses.copy_uid_code(copied),
            b"COPYUID 38505 304,319:320 3958,3956:3957",
        )
        self.assertEqual(
            responses.append_uid_code(Appended(38505, (UID(3955),))),
            b"APPENDUID 38505 3955",
        )


class DataResponseTests(SynchronousTestCase):
    """
    Tests for the responses that carry data.
    """

    def test_of_the_server(self) -> None:
        """
        CAPABILITY, ENABLED, NAMESPACE and ID.
        """
        self.assertEqual(
            responses.capability([b"IMAP4rev1", b"IDLE"]),
            b"* CAPABILITY IMAP4rev1 IDLE\r\n",
        )
        self.assertEqual(
            responses.enabled([b"CONDSTORE"]), b"* ENABLED CONDSTORE\r\n"
        )
        self.assertEqual(responses.enabled([]), b"* ENABLED\r\n")
        self.assertEqual(
            responses.namespace(b"/"), b'* NAMESPACE (("" "/")) NIL NIL\r\n'
        )
        self.assertEqual(
            responses.identification([("name", "Mailsuite")]),
            b'* ID ("name" "Mailsuite")\r\n',
        )
        self.assertEqual(responses.identification([]), b"* ID NIL\r\n")

    def test_of_mailboxes(self) -> None:
        """
        LIST, LSUB and STATUS.
        """
        self.assertEqual(
            responses.list_row(b'"a"', b"/", [b"\\Noselect", b"\\HasChildren"]),
            b'* LIST (\\Noselect \\HasChildren) "/" "a"\r\n',
        )
        self.assertEqual(
            responses.list_row(b'"a"', b".", [], child_info=True),
            b'* LIST () "." "a" ("CHILDINFO" ("SUBSCRIBED"))\r\n',
        )
        self.assertEqual(
            responses.lsub_row(b'"a"', b"\\", []), b'* LSUB () "\\\\" "a"\r\n'
        )
        self.assertEqual(
            responses.status(b'"a"', [(b"MESSAGES", 231), (b"SIZE", 0)]),
            b'* STATUS "a" (MESSAGES 231 SIZE 0)\r\n',
        )

    def test_of_quotas(self) -> None:
        """
        QUOTA and QUOTAROOT; the root of no name is the empty string.
        """
        self.assertEqual(
            responses.quota("", [(b"STORAGE", 10, 512), (b"MESSAGE", 3, 9)]),
            b'* QUOTA "" (STORAGE 10 512 MESSAGE 3 9)\r\n',
        )
        self.assertEqual(responses.quota("", []), b'* QUOTA "" ()\r\n')
        self.assertEqual(
            responses.quota_root(b"INBOX", [""]), b'* QUOTAROOT INBOX ""\r\n'
        )
        self.assertEqual(
            responses.quota_root(b"INBOX", []), b"* QUOTAROOT INBOX\r\n"
        )

    def test_of_the_selected_mailbox(self) -> None:
        """
        FLAGS, EXISTS, RECENT and EXPUNGE.
        """
        self.assertEqual(
            responses.flags(["\\Seen", "$Junk"]),
            b"* FLAGS (\\Seen $Junk)\r\n",
        )
        self.assertEqual(responses.exists(23), b"* 23 EXISTS\r\n")
        self.assertEqual(responses.recent(5), b"* 5 RECENT\r\n")
        self.assertEqual(responses.expunge(44), b"* 44 EXPUNGE\r\n")

    def test_search(self) -> None:
        """
        SEARCH is sent for nothing too; MODSEQ not with it (RFC 7162 3.1.5).
        """
        self.assertEqual(responses.search([2, 3]), b"* SEARCH 2 3\r\n")
        self.assertEqual(
            responses.search([2, 5], 917), b"* SEARCH 2 5 (MODSEQ 917)\r\n"
        )
        self.assertEqual(responses.search([], 917), b"* SEARCH\r\n")

    def test_esearch(self) -> None:
        """
        The tag and UID come first (RFC 9051 7.3.4).
        """
        self.assertEqual(
            responses.esearch(
                b"A285", by_uid=True, items=[(b"MIN", b"7"), (b"MAX", b"9")]
            ),
            b'* ESEARCH (TAG "A285") UID MIN 7 MAX 9\r\n',
        )
        self.assertEqual(
            responses.esearch(b"a", by_uid=False, items=[]),
            b'* ESEARCH (TAG "a")\r\n',
        )

    def test_fetch(self) -> None:
        """
        Sections are counted, but an empty one is quoted and an absent one NIL.
        """
        self.assertEqual(
            responses.fetch(
                12, [b"UID 5", responses.section(b"BODY[1]", b"hi\r\n")]
            ),
            b"* 12 FETCH (UID 5 BODY[1] {4}\r\nhi\r\n)\r\n",
        )
        self.assertEqual(responses.section(b"BODY[]<9>", b""), b'BODY[]<9> ""')
        self.assertEqual(responses.section(b"BODY[7]", None), b"BODY[7] NIL")


class FlagListsTests(SynchronousTestCase):
    """
    Tests for ``FlagLists``.
    """

    def test_lists(self) -> None:
        r"""
        Names in the order of the bits, ``\Recent`` last.
        """
        lists = FlagLists(FlagNames(("", "$Junk")))

        self.assertEqual(lists.of(0), b"()")
        self.assertEqual(
            lists.of(SEEN_BIT | DELETED_BIT | 1 << 6),
            b"(\\Deleted \\Seen $Junk)",
        )
        self.assertEqual(lists.of(SEEN_BIT, recent=True), b"(\\Seen \\Recent)")
        self.assertEqual(lists.of(0, recent=True), b"(\\Recent)")

    def test_once(self) -> None:
        """
        A combination is printed once.
        """
        lists = FlagLists(FlagNames())

        self.assertIs(lists.of(SEEN_BIT), lists.of(SEEN_BIT))


class SequenceSetTests(SynchronousTestCase):
    """
    Tests for ``SequenceSet`` as octets.
    """

    def test_printed(self) -> None:
        """
        ``*`` and ``$`` are written as they are read.
        """
        for text, expected in (
            (b"1:3,7", numbers((1, 3), (7, 7))),
            (b"*", numbers(to_last=MAXIMUM)),
            (b"2,5:*,$", numbers((2, 2), to_last=5, saved=True)),
            (b"", SequenceSet()),
        ):
            self.assertEqual(bytes(expected), text)
            if text:
                self.assertEqual(
                    parsed(b"COPY " + text + b" x"), Copy(expected, "x")
                )
