"""
Tests for ``mailsuite.imap.wire.parser``.
"""

from __future__ import annotations

from time import perf_counter

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.events import Rejected
from mailsuite.imap.wire.parser import parse
from mailsuite.mail.flags import FlagMode
from mailsuite.mail.uids import MAXIMUM
from tests.support.imap_parsing import numbers, parsed, rejection


class CommandTests(SynchronousTestCase):
    """
    Tests for commands and their arguments.
    """

    def assert_bad(self, text: bytes) -> None:
        self.assertEqual(rejection(text).condition, b"BAD")

    def test_names_in_any_case(self) -> None:
        """
        The case of a command's name makes no difference.
        """
        self.assertEqual(parsed(b"nOoP"), commands.Noop())

    def test_no_arguments(self) -> None:
        """
        What takes no argument is refused with one.
        """
        self.assert_bad(b"NOOP now")
        self.assert_bad(b"NOOP ")

    def test_unknown(self) -> None:
        """
        A command that there is not is BAD, with its tag.
        """
        self.assert_bad(b"FROBNICATE")
        self.assert_bad(b"UID NOOP")
        self.assert_bad(b"UID")
        self.assert_bad(b"")

    def test_no_tag(self) -> None:
        """
        Without a tag the answer has none.
        """
        for text in (b"", b" NOOP", b"+ NOOP", b"* NOOP", b"(a) NOOP"):
            event = parse(text, {}, utf8=False)

            assert isinstance(event, Rejected)
            self.assertIsNone(event.tag)

    def test_login(self) -> None:
        """
        User and password are astrings.
        """
        self.assertEqual(
            parsed(b'LOGIN joe] "a\\"b\\\\c d"'),
            commands.Login("joe]", 'a"b\\c d'),
        )

    def test_login_of_old(self) -> None:
        """
        UTF-8 is read as such; what is not UTF-8 is Latin-1.
        """
        self.assertEqual(
            parsed(b'LOGIN "\xc3\xa9" "\xe9"'), commands.Login("é", "é")
        )

    def test_secrets_are_not_shown(self) -> None:
        """
        A password is not in the value's text, which may come into a log.
        """
        self.assertNotIn("hungry", repr(parsed(b"LOGIN bob hungry")))
        self.assertNotIn("hungry", repr(parsed(b"AUTHENTICATE PLAIN aHVuZ3J5")))

    def test_authenticate(self) -> None:
        """
        The initial response is decoded (RFC 9051 6.2.2); ``=`` is an empty one.
        """
        self.assertEqual(
            parsed(b"authenticate plain"), commands.Authenticate("PLAIN", None)
        )
        self.assertEqual(
            parsed(b"AUTHENTICATE X aA=="), commands.Authenticate("X", b"h")
        )
        self.assertEqual(
            parsed(b"AUTHENTICATE X ="), commands.Authenticate("X", b"")
        )

    def test_wrong_base64(self) -> None:
        """
        Whatever is not strictly base64 is BAD.
        """
        for response in (b"aA", b"a", b"aA==aA==", b"a A=", b"!!!!", b""):
            self.assert_bad(b"AUTHENTICATE PLAIN " + response)

    def test_enable(self) -> None:
        """
        Each name is there once, in capitals.
        """
        self.assertEqual(
            parsed(b"ENABLE condstore IMAP4rev2 CONDSTORE"),
            commands.Enable(("CONDSTORE", "IMAP4REV2")),
        )
        self.assert_bad(b"ENABLE")

    def test_select(self) -> None:
        """
        SELECT and EXAMINE take CONDSTORE, and no unknown parameter.
        """
        self.assertEqual(parsed(b"SELECT x"), commands.Select("x"))
        self.assertEqual(
            parsed(b"EXAMINE x (CONDSTORE)"),
            commands.Select("x", read_only=True, condstore=True),
        )
        self.assert_bad(b"SELECT x (FROB)")
        self.assert_bad(b"SELECT x ()")

    def test_inbox_in_any_case(self) -> None:
        """
        INBOX is one mailbox, however it is written (RFC 9051 5.1).
        """
        self.assertEqual(parsed(b'SELECT "inBox"'), commands.Select("INBOX"))
        self.assertEqual(parsed(b"SELECT inbox/x"), commands.Select("inbox/x"))

    def test_names_in_modified_utf7(self) -> None:
        """
        Names are decoded (RFC 3501 5.1.3), and UTF-8 is taken as well.
        """
        self.assertEqual(
            parsed(b'SELECT "&U,BTFw-/&-"'), commands.Select("台北/&")
        )
        self.assertEqual(
            parsed('SELECT "台北"'.encode()), commands.Select("台北")
        )

    def test_names_in_utf8(self) -> None:
        """
        Once UTF-8 is agreed on, ``&`` is a letter like others.
        """
        self.assertEqual(
            parsed(b'SELECT "&U,BTFw-"', utf8=True),
            commands.Select("&U,BTFw-"),
        )

    def test_badly_encoded_names(self) -> None:
        """
        A name that no mailbox has in any encoding is NO [CANNOT].
        """
        for name in (b"&", b"&AGE-", b"a&b", b'"\xff"', b"&2AA-"):
            event = rejection(b"SELECT " + name)

            self.assertEqual((event.condition, event.code), (b"NO", b"CANNOT"))

    def test_create(self) -> None:
        """
        Special uses are spelled as the RFC does (RFC 6154 3).
        """
        self.assertEqual(
            parsed(b"CREATE x (USE (\\drafts \\Sent \\Frob))"),
            commands.Create("x", ("\\Drafts", "\\Sent", "\\Frob")),
        )
        self.assertEqual(parsed(b"CREATE x (USE ())"), commands.Create("x"))
        self.assert_bad(b"CREATE x (USE drafts)")
        self.assert_bad(b"CREATE x (FROB ())")

    def test_two_names(self) -> None:
        """
        RENAME takes two mailboxes.
        """
        self.assertEqual(parsed(b'RENAME a "b c"'), commands.Rename("a", "b c"))
        self.assert_bad(b"RENAME a")

    def test_id(self) -> None:
        """
        What a client says of itself is a list of pairs, or NIL (RFC 2971).
        """
        self.assertEqual(parsed(b"ID nil"), commands.Id(None))
        self.assertEqual(parsed(b"ID ()"), commands.Id(()))
        self.assertEqual(
            parsed(b'ID ("name" "x" "os" NIL)'),
            commands.Id((("name", "x"), ("os", None))),
        )
        self.assert_bad(b'ID ("name")')
        self.assert_bad(b'ID (NIL "x")')
        self.assert_bad(b"ID (" + b" ".join([b'"a" "b"'] * 31) + b")")

    def test_quota(self) -> None:
        """
        The commands of RFC 9208.
        """
        self.assertEqual(parsed(b'GETQUOTA ""'), commands.GetQuota(""))
        self.assertEqual(
            parsed(b"GETQUOTAROOT inbox"), commands.GetQuotaRoot("INBOX")
        )
        self.assertEqual(
            parsed(b'SETQUOTA "" (STORAGE 512 message 10)'),
            commands.SetQuota("", (("STORAGE", 512), ("MESSAGE", 10))),
        )

    def test_append_without_a_message(self) -> None:
        """
        APPEND has its message in a literal and nowhere else.
        """
        self.assert_bad(b'APPEND x "hello"')
        self.assert_bad(b"APPEND x (\\Seen)")


class MessageTests(SynchronousTestCase):
    """
    Tests for the commands that name messages.
    """

    def assert_bad(self, text: bytes) -> None:
        self.assertEqual(rejection(text).condition, b"BAD")

    def test_sequence_sets(self) -> None:
        """
        Ranges are sorted and joined, from whichever end they are written.
        """
        self.assertEqual(
            parsed(b"COPY 9,5:3,4,10 x"),
            commands.Copy(numbers((3, 5), (9, 10)), "x"),
        )

    def test_star(self) -> None:
        """
        ``*`` stays a symbol; of several ranges to it the longest counts.
        """
        self.assertEqual(
            parsed(b"COPY * x"), commands.Copy(numbers(to_last=MAXIMUM), "x")
        )
        self.assertEqual(
            parsed(b"COPY 2,*:7,5:*,* x"),
            commands.Copy(numbers((2, 2), to_last=5), "x"),
        )

    def test_saved_result(self) -> None:
        """
        ``$`` is the saved result (RFC 9051 6.4.4.1).
        """
        self.assertEqual(
            parsed(b"UID MOVE $ x"),
            commands.Move(numbers(saved=True), "x", by_uid=True),
        )

    def test_bad_sequence_sets(self) -> None:
        """
        0, numbers over 32 bits and broken ranges are BAD.
        """
        for text in (
            b"0", b"1:0", b"4294967296", b"1:", b":1", b"1,,2", b"1,", b"1:2:3",
            b"01", b"**", b"1*", b"$$", b"-1", b"1_0", b"9" * 5000, b"x",
        ):  # fmt: skip
            self.assert_bad(b"COPY " + text + b" x")

    def test_thousands_of_uids_are_quick(self) -> None:
        """
        4,000 scattered UIDs are read in a few milliseconds.
        """
        uids = b",".join(b"%d" % (n * 7919 % 100_003 + 1) for n in range(4000))
        fetch = b"UID FETCH " + uids + b" FLAGS"

        times = []
        for _ in range(5):
            start = perf_counter()
            command = parsed(fetch)
            times.append(perf_counter() - start)

        assert isinstance(command, commands.Fetch)
        self.assertEqual(len(command.numbers.numbers), 4000)
        self.assertLess(min(times), 0.015)

    def test_expunge(self) -> None:
        """
        EXPUNGE takes none, UID EXPUNGE takes UIDs.
        """
        self.assertEqual(parsed(b"EXPUNGE"), commands.Expunge())
        self.assertEqual(
            parsed(b"UID EXPUNGE 3000:3002"),
            commands.Expunge(numbers((3000, 3002))),
        )
        self.assert_bad(b"EXPUNGE 1")
        self.assert_bad(b"UID EXPUNGE")

    def test_store(self) -> None:
        """
        The three ways, silent or not, with and without parentheses.
        """
        self.assertEqual(
            parsed(b"STORE 2:4 +FLAGS (\\deleted)"),
            commands.Store(numbers((2, 4)), FlagMode.ADD, ("\\Deleted",)),
        )
        self.assertEqual(
            parsed(b"UID STORE 1 -flags.silent \\Seen $Junk"),
            commands.Store(
                numbers((1, 1)),
                FlagMode.REMOVE,
                ("\\Seen", "$Junk"),
                by_uid=True,
                silent=True,
            ),
        )
        self.assertEqual(
            parsed(b"STORE 1 (UNCHANGEDSINCE 0) FLAGS ()"),
            commands.Store(
                numbers((1, 1)), FlagMode.REPLACE, (), unchanged_since=0
            ),
        )

    def test_flags_once(self) -> None:
        r"""
        A flag counts once; ``\Recent`` is nothing a client can set.
        """
        self.assertEqual(
            parsed(b"STORE 1 FLAGS (\\SEEN work \\Recent Work \\Seen)"),
            commands.Store(
                numbers((1, 1)), FlagMode.REPLACE, ("\\Seen", "work")
            ),
        )

    def test_bad_stores(self) -> None:
        r"""
        Unknown system flags, ``\*`` and unknown items are BAD.
        """
        self.assert_bad(b"STORE 1 FLAGS (\\Frob)")
        self.assert_bad(b"STORE 1 FLAGS (\\*)")
        self.assert_bad(b"STORE 1 FLAGS")
        self.assert_bad(b"STORE 1 FROB (\\Seen)")
        self.assert_bad(b"STORE 1 (FROB 1) FLAGS (\\Seen)")


class SpeedTests(SynchronousTestCase):
    """
    Tests that no 10 kB take long, whatever they are.
    """

    def test_linear(self) -> None:
        """
        Each construct at a length of 10,000 octets is read or refused within a
        few hundredths of a second, and would not be if it were quadratic.
        """
        for text in (
            b"SELECT " + b"&" * 10_000,
            b"SELECT " + b"&AAA-" * 2000,
            b'LOGIN "' + b'\\"' * 5000,
            b'LOGIN "' + b'\\"' * 5000 + b'" x',
            b"STORE 1 FLAGS (" + b"flag " * 2000 + b"x)",
            b"FETCH 1 BODY[HEADER.FIELDS (" + b"Subject " * 1200 + b"x)]",
            b"FETCH 1 (" + b"BODY[1] " * 1200 + b"UID)",
            b"SEARCH " + b"ON 1-Feb-1994 " * 700 + b"ALL",
            b"SEARCH " + b"OR 1 " * 2000 + b"ALL",
            b'LIST "" (' + b"%* " * 3000 + b"%)",
            b"FETCH " + b":" * 10_000 + b" FLAGS",
        ):
            times = []
            for _ in range(3):
                start = perf_counter()
                parse(b"a " + text, {}, utf8=False)
                times.append(perf_counter() - start)

            self.assertLess(min(times), 0.05, text[:20])
